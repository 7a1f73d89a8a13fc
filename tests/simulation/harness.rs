//! A scenario on its harness: one bank, and one life of the daemon after the other over the same files.

use std::cell::RefCell;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use monzo_common::model::LoginState;
use monzo_sandbox::Shared;
use monzo_sandbox::bank::{CLIENT_ID, CLIENT_SECRET};
use monzo_sandbox::transport::Simulated;
use monzod::app::core::{Base, Core};
use monzod::app::settings;
use monzod::clock::Clock;
use monzod::config::Loaded;
use monzod::host::notify::Heartbeats;
use monzod::metrics::Metrics;
use monzod::monzo::{HttpClient, RateLimiter};
use monzod::services::Services;
use monzod::store::{FILE, Options, Store};
use rusqlite::Connection;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::{broadcast, watch};
use tokio_util::sync::CancellationToken;

use crate::crash_plan::{CrashPlan, Death};
use crate::invariants;
use crate::scene::{Scene, config, copy_files, directory};
use crate::watched_transport::{Watch, WatchedTransport};

/// How finely the clock goes. Taste.
const TICK: Duration = Duration::from_millis(250);

/// The daemon died while something was done.
#[derive(Debug)]
pub struct Died;

/// One life: a runtime of its own, so that all of it ends at once.
struct Life {
    runtime: Runtime,
    core: Core,
    fate: Arc<CrashPlan>,
    closed: CancellationToken,
}

/// A bank, and a daemon that lives and dies.
pub struct Harness {
    pub bank: Shared,
    /// The daemon's clock, which can be wrong.
    pub clock: Clock,
    /// The time, as the bank has it.
    time: Clock,
    pub watch: Watch,
    told: (watch::Sender<monzod::sync::Settings>, watch::Sender<monzod::autosort::Settings>),
    state: TempDir,
    life: RefCell<Option<Life>>,
    connection: RefCell<Option<Connection>>,
}

impl Harness {
    /// Begins where a scene is.
    pub fn new(scene: Scene) -> Self {
        let clock = Clock::manual(scene.now);
        Self::with_clock(scene, clock)
    }

    /// The same, where the daemon has this clock.
    pub fn with_clock(scene: Scene, clock: Clock) -> Self {
        let config = config();
        let (sync, sorter) = (settings::of_sync(&config), monzod::autosort::Settings::of(&config));
        let harness = Self {
            told: (watch::Sender::new(sync), watch::Sender::new(sorter)),
            bank: Shared::new(scene.bank),
            clock,
            time: Clock::manual(scene.now),
            watch: Watch::new(),
            state: scene.state,
            life: RefCell::new(None),
            connection: RefCell::new(None),
        };
        harness.open();
        harness
    }

    fn database(&self) -> PathBuf {
        self.state.path().join(FILE)
    }

    /// A new life over the files as they are.
    pub fn open(&self) {
        assert!(self.life.borrow().is_none(), "one life at a time");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .max_blocking_threads(1)
            .build()
            .expect("a runtime");
        let fate = Arc::new(CrashPlan::default());
        let core = runtime.block_on(async {
            self.tick();
            self.core(&fate).await
        });
        let closed = core.services.store.closed();
        *self.connection.borrow_mut() = Some(invariants::open(&self.database()));
        *self.life.borrow_mut() = Some(Life { runtime, core, fate, closed });
        self.note("the daemon begins");
    }

    /// Time passes as the runtime's does.
    fn tick(&self) {
        let clocks = [self.clock.clone(), self.time.clone()];
        tokio::spawn(async move {
            let tick = SignedDuration::try_from(TICK).expect("short");
            loop {
                tokio::time::sleep(TICK).await;
                clocks.iter().for_each(|clock| clock.advance(tick));
            }
        });
    }

    async fn core(&self, fate: &Arc<CrashPlan>) -> Core {
        let clock = self.clock.clone();
        let observe = {
            let fate = Arc::clone(fate);
            Box::new(move |committed, _| {
                if committed {
                    fate.committed();
                }
            })
        };
        let options =
            Options { backups: self.state.path().join("backups"), now: clock.now(), traces: None, observe };
        let store = Store::open(&self.database(), options).expect("the database opens").store;
        let now = self.time.clone();
        let bank = Simulated::new(self.bank.clone(), move || now.now());
        let door = WatchedTransport::new(bank, Arc::clone(fate), self.watch.clone(), &self.database());
        let metrics = Arc::new(Metrics::new(clock.now()));
        let login = monzod::login::Settings {
            auth_url: "https://auth.bank.test/".into(),
            redirect_url: "http://localhost:1/oauth/callback".into(),
            redirect: (1, "/oauth/callback".into()),
            client_id: Some(CLIENT_ID.into()),
            client_secret: Some(CLIENT_SECRET.into()),
        };
        let base = Base {
            state: self.state.path().to_owned(),
            clock: clock.clone(),
            metrics: Arc::clone(&metrics),
            heartbeats: Heartbeats::default(),
            http_client: HttpClient::new(Arc::new(door), clock, metrics),
            rate_limiter: Arc::new(RateLimiter::new(4)),
            seal_key: None,
            config: watch::Sender::new(Loaded { config: config(), ..Loaded::default() }).subscribe(),
            troubles: watch::Sender::default().subscribe(),
            login: watch::Sender::new(login).subscribe(),
            sync: self.told.0.subscribe(),
            sorter: self.told.1.subscribe(),
            notifier: watch::Sender::new(settings::of_notifier(&config())).subscribe(),
            events: broadcast::Sender::new(16),
            progress: watch::Sender::new(None),
        };
        let core = Core::over(&base, store).await.expect("the services open");
        core.verified.cancel();
        core
    }

    /// Does something in this life, which can end meanwhile.
    pub fn act<T, F: Future<Output = T>>(&self, deed: impl FnOnce(Services) -> F) -> Result<T, Died> {
        let done = {
            let life = self.life.borrow();
            let life = life.as_ref().expect("a life");
            let services = life.core.services.clone();
            life.runtime.block_on(async {
                tokio::select! {
                    biased;
                    () = life.fate.death() => Err(Died),
                    done = async { deed(services).await } => Ok(done),
                }
            })
        };
        if done.is_err() {
            self.note("the daemon dies");
            self.bury();
        }
        done
    }

    /// Lets time pass, while everything goes on.
    pub fn breathe(&self, span: Duration) -> Result<(), Died> {
        self.act(|_| tokio::time::sleep(span))
    }

    /// Moves the clock, as a suspended machine finds it.
    pub fn jump(&self, span: SignedDuration) {
        [&self.clock, &self.time].into_iter().for_each(|clock| clock.advance(span));
        self.bank.lock().pass(self.time.now());
        self.note(&format!("{span:#} pass"));
    }

    /// Sets the daemon's clock, forward or back; no time passes.
    pub fn set_clock(&self, by: SignedDuration) {
        self.clock.set(by);
        self.note(&format!("the daemon's clock is set by {by:#}"));
    }

    /// The time, whatever the daemon's clock shows.
    pub fn time(&self) -> Timestamp {
        self.time.now()
    }

    /// Decides when this life ends.
    pub fn decide(&self, death: Option<Death>) {
        if let Some(life) = &*self.life.borrow() {
            life.fate.decide(death);
        }
    }

    /// Requests and commits since the last decision.
    pub fn counted(&self) -> (u64, u64) {
        self.life.borrow().as_ref().map_or((0, 0), |life| life.fate.counted())
    }

    /// What becomes of this life.
    pub fn fate(&self) -> Arc<CrashPlan> {
        Arc::clone(&self.life.borrow().as_ref().expect("a life").fate)
    }

    pub fn lives(&self) -> bool {
        self.life.borrow().is_some()
    }

    /// Ends this life at once.
    pub fn kill(&self) {
        self.note("the daemon is killed");
        if let Some(life) = &*self.life.borrow() {
            life.fate.die();
        }
        self.bury();
    }

    fn bury(&self) {
        *self.connection.borrow_mut() = None;
        let Some(Life { runtime, core, fate, closed }) = self.life.borrow_mut().take() else { return };
        {
            let _inside = runtime.enter();
            drop(core);
        }
        runtime.shutdown_background();
        fate.bury();
        let waiting = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        waiting.block_on(closed.cancelled());
    }

    /// Stops the daemon as systemd does.
    pub fn stop(&self) {
        self.note("the daemon stops");
        *self.connection.borrow_mut() = None;
        let Some(Life { runtime, core, fate, closed }) = self.life.borrow_mut().take() else { return };
        let in_time = runtime.block_on(async {
            tokio::select! {
                biased;
                () = fate.death() => true,
                in_time = core.close(tokio::time::sleep(Duration::from_secs(600))) => in_time,
            }
        });
        if !in_time {
            self.watch.notes.wrong("the daemon does not stop");
        }
        runtime.shutdown_background();
        fate.bury();
        let waiting = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        waiting.block_on(closed.cancelled());
    }

    /// The files of a stopped daemon, for later.
    pub fn copy(&self) -> TempDir {
        assert!(!self.lives(), "only a stopped daemon is copied");
        let to = directory();
        copy_files(self.state.path(), to.path());
        to
    }

    /// Puts older files in the place of a stopped daemon's.
    pub fn put_back(&self, files: &TempDir) {
        assert!(!self.lives(), "only a stopped daemon's files are replaced");
        self.watch.memory().restored = true;
        for tail in ["-wal", "-shm"] {
            // It belongs to the newer file, if it is there at all.
            let _ = std::fs::remove_file(self.state.path().join(format!("{FILE}{tail}")));
        }
        copy_files(files.path(), self.state.path());
        self.note("an older database is put back");
    }

    /// Puts a backup in the place of a stopped daemon's database, as a person does who asks for it.
    pub fn restore(&self, files: &TempDir) {
        assert!(!self.lives(), "only a stopped daemon's files are replaced");
        self.watch.memory().restored = true;
        let restored =
            monzod::store::restore(&files.path().join(FILE), "older", &self.database(), true, self.now());
        restored.expect("restored");
        self.note("a backup is restored");
    }

    /// What scenarios can begin at.
    pub fn into_scene(self) -> Scene {
        self.stop();
        self.watch.notes.assert_right("a scene");
        Scene { bank: self.bank.lock().clone(), now: self.clock.now(), state: self.copy() }
    }

    /// Looks into the database.
    pub fn connection<T>(&self, look: impl FnOnce(&Connection) -> T) -> T {
        match &*self.connection.borrow() {
            Some(connection) => look(connection),
            None => look(&invariants::open(&self.database())),
        }
    }

    /// Who is frozen now: a rule, or nothing for everything.
    pub fn frozen(&self) -> Vec<String> {
        self.connection(|connection| invariants::frozen(connection, self.now()))
    }

    /// Looks whether everything is as it must be.
    pub fn check(&self) {
        self.connection(|connection| invariants::check(connection, &self.bank.lock(), &self.watch));
    }

    pub fn note(&self, what: &str) {
        self.watch.notes.note(self.now(), what);
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Signs in, and has it approved.
    pub fn log_in(&self) -> Result<(), Died> {
        let bank = self.bank.clone();
        self.act(|services| async move {
            let Ok(begun) = services.login.begin(true).await else { return };
            let Ok(back) = bank.lock().sign_in(&begun.url, None, None) else { return };
            let (_, query) = back.split_once('?').expect("a query");
            // In bad weather the code is used up, and the person tries again another time.
            if services.login.complete(query).await.is_err() {
                return;
            }
            bank.lock().approve();
            let mut watch = services.login.watch();
            let ready = watch.wait_for(|shown| shown.state == LoginState::Ready);
            let _ = tokio::time::timeout(Duration::from_secs(900), ready).await;
        })
    }
}

impl Drop for Harness {
    fn drop(&mut self) {
        if self.lives() {
            self.bury();
        }
    }
}
