//! The daemon's own code over the benchmark's bank, in this process.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use monzo_common::model::{LoginState, Sync, SyncCause, SyncState};
use monzod::app::core::{Base, Core};
use monzod::app::settings;
use monzod::clock::Clock;
use monzod::config::Loaded;
use monzod::host::notify::Heartbeats;
use monzod::metrics::Metrics;
use monzod::monzo::{HttpClient, RateLimiter};
use monzod::store::{FILE, Options, Store};
use tempfile::TempDir;
use tokio::sync::{broadcast, watch};

use crate::bank::{Bank, NOW};
use crate::measure::{Cost, measured, settled};

const CONFIG: &str = r#"
[sync]
poll = ""
[[payday]]
name = "main"
day = "last-working-day"
[autosort]
mode = "propose"
account_floor = "£100.00"
[[autosort.rule]]
name = "payday"
trigger = { on = "payday", at = "09:00" }
source = "account:Personal"
keep = "£300.00"
step = [{ pot = "Bills", amount = "£400.00" }]
[[autosort.rule]]
name = "wages"
trigger = { on = "income", at_least = "£500.00" }
source = "account:Personal"
keep = "£400.00"
step = [{ pot = "Bills", amount = "10% of income" }]
"#;

/// A daemon that is logged in.
pub struct Daemon {
    pub bank: Arc<Bank>,
    pub state: TempDir,
    clock: Clock,
    core: Core,
    // Their receivers are the daemon's.
    _told: (watch::Sender<monzod::sync::Settings>, watch::Sender<monzod::autosort::Settings>),
}

impl Daemon {
    /// Logs in, which captures the whole history with so many requests in flight; answers with what that cost.
    pub async fn capture(rows: usize, latency: Duration, at_once: u32) -> (Self, Cost) {
        let clock = Clock::manual(NOW);
        let mut bank = Bank::new(&clock, rows, latency);
        if rows <= 100_000 {
            bank = bank.rendered();
        }
        let bank = Arc::new(bank);
        let state = TempDir::new().expect("a directory");
        let config = monzod::config::check_text("bench.toml", CONFIG).expect("a sound configuration");
        let concurrency = usize::try_from(at_once).expect("a few");
        let sync = monzod::sync::Settings { concurrency, ..settings::of_sync(&config) };
        let told = (watch::Sender::new(sync), watch::Sender::new(monzod::autosort::Settings::of(&config)));
        let options =
            Options { backups: state.path().into(), now: NOW, traces: None, observe: Box::new(|_, _| {}) };
        let store = Store::open(&state.path().join(FILE), options).expect("it opens").store;
        let metrics = Arc::new(Metrics::new(NOW));
        let login = monzod::login::Settings {
            auth_url: "https://auth.bank.test/".into(),
            redirect_url: "http://localhost:1/oauth/callback".into(),
            redirect: (1, "/oauth/callback".into()),
            client_id: Some("oauth2client_1".into()),
            client_secret: Some("secret".into()),
        };
        let transport = Arc::clone(&bank) as Arc<dyn monzod::monzo::Transport>;
        let base = Base {
            state: state.path().to_owned(),
            clock: clock.clone(),
            metrics: Arc::clone(&metrics),
            heartbeats: Heartbeats::default(),
            http_client: HttpClient::new(transport, clock.clone(), metrics),
            rate_limiter: Arc::new(RateLimiter::new(at_once).unspaced()),
            seal_key: None,
            config: watch::Sender::new(Loaded { config: config.clone(), ..Loaded::default() }).subscribe(),
            troubles: watch::Sender::default().subscribe(),
            login: watch::Sender::new(login).subscribe(),
            sync: told.0.subscribe(),
            sorter: told.1.subscribe(),
            notifier: watch::Sender::new(settings::of_notifier(&config)).subscribe(),
            events: broadcast::Sender::new(16),
            progress: watch::Sender::new(None),
        };
        let core = Core::over(&base, store).await.expect("the services open");
        core.verified.cancel();
        let daemon = Self { bank, state, clock, core, _told: told };
        let ((), cost) = measured(daemon.log_in()).await;
        settled().await;
        (daemon, cost)
    }

    /// Signs in, and waits for the end of the sync that follows.
    async fn log_in(&self) {
        let login = &self.core.services.login;
        let begun = login.begin(true).await.expect("a page");
        let (_, state) = begun.url.split_once("state=").expect("a state");
        let state = state.split('&').next().expect("a state");
        let ended = self.ends(SyncCause::Login);
        login.complete(&format!("code {state}")).await.expect("signed in");
        let mut watch = login.watch();
        watch.wait_for(|shown| shown.state == LoginState::Ready).await.expect("a state");
        done(&ended.await);
    }

    /// Some hours pass, rows come, and a sync reads them; answers with its own time, and with the work of this process
    /// until the sorter has looked at it as well.
    pub async fn sync(&self, rows: usize) -> (Duration, Duration) {
        self.clock.advance(SignedDuration::from_hours(1));
        self.bank.add(rows);
        let began = Instant::now();
        let (wall, cost) = measured(async {
            let ended = self.ends(SyncCause::Request);
            self.core.services.sync.start(false).await.expect("it starts");
            let sync = ended.await;
            let wall = began.elapsed();
            done(&sync);
            let added: u64 = sync.accounts.iter().map(|account| account.added).sum();
            assert_eq!(added, rows as u64, "rows that the sync has added");
            settled().await;
            wall
        })
        .await;
        (wall, cost.cpu)
    }

    /// The next sync with this cause, once it has ended.
    fn ends(&self, cause: SyncCause) -> impl Future<Output = Sync> + use<> {
        let mut watch = self.core.services.sync.watch();
        watch.mark_unchanged();
        let known = watch.borrow().as_ref().map(|progress| progress.sync_id.clone());
        async move {
            let ended = watch.wait_for(|progress| {
                let sync = progress.as_ref().and_then(|progress| progress.sync.as_ref());
                sync.is_some_and(|sync| sync.cause == cause && Some(&sync.id) != known.as_ref())
            });
            let ended = ended.await.expect("a loop");
            ended.as_ref().and_then(|progress| progress.sync.clone()).expect("a sync")
        }
    }

    /// Ends it, so that the next one has the machine for itself.
    pub async fn close(self) -> TempDir {
        self.core.close(tokio::time::sleep(Duration::from_secs(60))).await;
        self.state
    }
}

fn done(sync: &Sync) {
    assert_eq!(sync.state, SyncState::Done, "{sync:?}");
}
