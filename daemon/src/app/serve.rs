//! From a sound configuration to a clean end: binds, opens, serves, and does what only the whole can do.

mod change;
mod rescue;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use listenfd::ListenFd;
use monzo_common::model::Mode;
use monzo_common::paths::Env;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::core::{Base, Core};
use super::maintenance::Maintenance;
use super::{notify_loop, settings, status_line};
use crate::attention::Troubles;
use crate::clock::Clock;
use crate::config::{ClockSource, Config, Loaded, Locations};
use crate::host::notify::{self, Heartbeats};
use crate::host::signals::{self, Signal};
use crate::host::{directories, log, sockets};
use crate::metrics::{self, Metrics, Readiness};
use crate::monzo::{HttpClient, Https, RateLimiter};
use crate::rpc::access::Grants;
use crate::rpc::events::Hub;
use crate::rpc::handlers::{self, Command, Parts, RpcContext, Uploads};
use crate::rpc::middleware::{self, Middleware};
use crate::rpc::peer;
use crate::rpc::server::{self, Server};
use crate::services::{Rescue, Served};
use crate::store::{Audited, Health};

/// How long a clean stop takes beyond what was sent to the bank. Taste: a client has its answer by then.
const DRAIN: Duration = Duration::from_secs(5);

/// Audited calls that wait to be written. Taste.
const AUDITS: usize = 256;

/// The daemon while it runs.
struct Daemon {
    base: Arc<Base>,
    locations: Locations,
    config: watch::Sender<Loaded>,
    sync_settings: watch::Sender<crate::sync::Settings>,
    sorter_settings: watch::Sender<crate::autosort::Settings>,
    notifier_settings: watch::Sender<crate::notify::Settings>,
    grants: watch::Sender<Grants>,
    served: watch::Sender<Served>,
    mode: watch::Sender<Mode>,
    troubles: watch::Sender<Troubles>,
    readiness: watch::Sender<Readiness>,
    level: log::Level,
    core: Option<Core>,
    /// Why there is no core, and whether that is the seal's doing.
    sealed: bool,
    /// Looks for damage after an unclean stop.
    check: Option<JoinHandle<Option<String>>>,
    /// How the database fares.
    health: Option<watch::Receiver<Health>>,
}

/// Serves until a signal, and ends cleanly.
pub(super) async fn serve(
    loaded: Loaded,
    locations: Locations,
    state: PathBuf,
    env: Env<'_>,
) -> anyhow::Result<()> {
    let config = loaded.config.clone();
    let level = log::start(config.log.level, config.log.format, env)?;
    let mut signals = signals::listen().context("signals cannot be caught")?;
    let listening = match sockets::passed(&mut ListenFd::from_env())? {
        Some(passed) => passed,
        None => sockets::bind(&directories::socket(config.rpc.socket.as_deref(), env)?)?,
    };
    let (listener, cleanup) = listening.split();
    let listener = tokio::net::UnixListener::from_std(listener).context("the socket cannot be used")?;
    let rate_limiter = RateLimiter::new(config.monzo.max_concurrency);
    let (clock, rate_limiter) = match config.monzo.clock {
        ClockSource::System => (Clock::system(), rate_limiter),
        ClockSource::Bank => (Clock::bank(), rate_limiter.unspaced()),
    };
    let started_at = clock.now();
    tracing::info!(version = monzo_common::VERSION, "monzod starts");
    let metrics = Arc::new(Metrics::new(started_at));
    let heartbeats = Heartbeats::default();
    let timeout = config.monzo.timeout.duration();
    let transport = Https::new(config.monzo.api_url.as_str(), timeout).context("TLS cannot be set up")?;
    let http_client = HttpClient::new(Arc::new(transport), clock.clone(), Arc::clone(&metrics));
    let progress = watch::Sender::new(None);
    let hub = Hub::new(progress.subscribe());
    let sync_settings = watch::Sender::new(settings::of_sync(&config));
    let sorter_settings = watch::Sender::new(crate::autosort::Settings::of(&config));
    let notifier_settings = watch::Sender::new(settings::of_notifier(&config));
    let (config_in_force, troubles) = (watch::Sender::new(loaded), watch::Sender::<Troubles>::default());
    let base = Arc::new(Base {
        state: state.clone(),
        clock: clock.clone(),
        metrics: Arc::clone(&metrics),
        heartbeats: heartbeats.clone(),
        http_client,
        rate_limiter: Arc::new(rate_limiter),
        seal_key: settings::seal_key(env)?,
        config: config_in_force.subscribe(),
        troubles: troubles.subscribe(),
        login: watch::Sender::new(settings::of_login(&config, env)?).subscribe(),
        sync: sync_settings.subscribe(),
        sorter: sorter_settings.subscribe(),
        notifier: notifier_settings.subscribe(),
        events: hub.teller(),
        progress,
    });
    let own_uid = rustix::process::geteuid().as_raw();
    let mut daemon = Daemon {
        base: Arc::clone(&base),
        locations: locations.clone(),
        config: config_in_force,
        sync_settings,
        sorter_settings,
        notifier_settings,
        grants: watch::Sender::new(Grants::new(own_uid, &config.access, &[])),
        served: watch::Sender::new(Served::Between),
        mode: watch::Sender::new(Mode::Normal),
        troubles,
        readiness: watch::Sender::new(Readiness::Starting),
        level,
        core: None,
        sealed: false,
        check: None,
        health: None,
    };
    if config.monzo.clock == ClockSource::Bank {
        learn_time(&base.http_client).await;
    }
    notify::status("opening the database");
    daemon.open().await;

    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
    let (commands, mut asked) = mpsc::channel(8);
    let audit = audit(&daemon, &tasks, stop.clone());
    let context = RpcContext::new(Parts {
        clock: clock.clone(),
        metrics: Arc::clone(&metrics),
        started_at,
        config: daemon.config.subscribe(),
        locations,
        grants: daemon.grants.clone(),
        hub,
        served: daemon.served.subscribe(),
        commands,
        uploads: Uploads::new(&state),
        state,
    });
    let limits = server::call_limits(&config.rpc);
    let middleware = Middleware::new(middleware::Parts {
        methods: handlers::methods(&context).context("a method is declared twice")?,
        limits,
        metrics: Arc::clone(&metrics),
        mode: daemon.mode.subscribe(),
        audit,
        tasks: tasks.clone(),
    });
    let server = Server::new(server::Parts {
        limits: config.rpc.clone(),
        middleware,
        grants: daemon.grants.subscribe(),
        lookup: Arc::new(peer::look_up),
        metrics: Arc::clone(&metrics),
    });
    let serving = {
        let stop = stop.clone();
        tokio::spawn(async move { server.run(listener, stop).await })
    };
    serve_metrics(&daemon, &config, stop.clone()).await;
    let maintenance = Maintenance {
        base: Arc::clone(&base),
        config: daemon.config.subscribe(),
        served: daemon.served.subscribe(),
        troubles: daemon.troubles.clone(),
    };
    tasks.spawn(maintenance.run(stop.clone()));
    tasks.spawn(context.uploads.clone().run(stop.clone()));
    let (troubles, events) = (daemon.troubles.subscribe(), &daemon.base.events);
    tasks.spawn(status_line::run(context, troubles, events.subscribe(), stop.clone()));
    tasks.spawn(notify_loop::run(daemon.served.subscribe(), metrics, events.subscribe(), stop.clone()));
    tasks.spawn(notify::watchdog(heartbeats, stop.clone()));
    daemon.tell_ready();

    let ended = daemon.wait(&mut signals, &mut asked).await;
    daemon.readiness.send_replace(Readiness::Stopping);
    notify::stopping("stopping");
    notify::extend_timeout(timeout + DRAIN);
    stop.cancel();
    // What waits for the whole daemon is told that it stops.
    drop(asked);
    let (hurry, deadline) = (async { hurried(&mut signals).await }, tokio::time::sleep(timeout + DRAIN));
    tokio::select! {
        () = daemon.end(serving, tasks) => tracing::info!("monzod has stopped"),
        () = hurry => tracing::warn!("stopped at once; the next start checks the database"),
        () = deadline => tracing::warn!("stopped without waiting any longer; the next start checks the database"),
    }
    cleanup.remove();
    ended
}

/// Asks a simulated bank for its time, by any answer at all, before anything is decided by it.
async fn learn_time(http_client: &HttpClient) {
    if let Err(error) = http_client.learn_time().await {
        tracing::warn!(%error, "the bank does not tell its time yet");
    }
}

/// Keeps what operators call, in order, without holding anybody up.
fn audit(daemon: &Daemon, tasks: &TaskTracker, stop: CancellationToken) -> middleware::Audit {
    let (note, mut noted) = mpsc::channel::<Audited>(AUDITS);
    let (served, clock) = (daemon.served.subscribe(), daemon.base.clock.clone());
    tasks.spawn(async move {
        // Until the middleware is gone or the daemon stops; what is called by then is written.
        while let Some(Some(call)) = stop.run_until_cancelled(noted.recv()).await {
            let store = match &*served.borrow() {
                Served::Normal(services) => Some(services.store.clone()),
                Served::Rescue(_) | Served::Between => None,
            };
            let now = clock.now();
            match store {
                Some(store) => {
                    if let Err(error) = store.write(move |writer| writer.audit(&call, now)).await {
                        tracing::warn!(%error, "a call could not be audited");
                    }
                }
                None => {
                    tracing::info!(uid = call.uid, method = call.method, outcome = call.outcome, "called");
                }
            }
        }
    });
    Arc::new(move |call| {
        if note.try_send(call).is_err() {
            tracing::warn!("a call was not audited, because too many wait to be");
        }
    })
}

/// A port in use is a problem in `status`, never a reason not to start.
async fn serve_metrics(daemon: &Daemon, config: &Config, stop: CancellationToken) {
    let Some(address) = config.metrics.listen else { return };
    match metrics::Server::bind(address).await {
        Ok(server) => {
            tracing::info!(address = %server.address(), "metrics are served");
            let (shown, beats) = (Arc::clone(&daemon.base.metrics), daemon.base.heartbeats.clone());
            tokio::spawn(server.serve(shown, beats, daemon.readiness.subscribe(), stop));
        }
        Err(error) => {
            tracing::warn!(%error, "metrics are not served");
            daemon.troubles.send_modify(|troubles| troubles.metrics = Some(error.to_string()));
        }
    }
}

/// Waits for a second request to stop.
async fn hurried(signals: &mut mpsc::UnboundedReceiver<Signal>) {
    while let Some(signal) = signals.recv().await {
        if let Signal::Hurry(_) = signal {
            return;
        }
    }
    std::future::pending::<()>().await;
}

impl Daemon {
    /// Opens the services, or begins rescue mode with the reason.
    async fn open(&mut self) {
        let backups = self.base.state.join(&self.config.borrow().config.store.backup.dir);
        match Core::open(&self.base, &backups).await {
            Ok((core, clean)) => self.opened(core, clean).await,
            Err(error) => self.rescue(&error),
        }
    }

    async fn opened(&mut self, core: Core, clean: bool) {
        let store = core.services.store.clone();
        match store.read(|reader| reader.grants()).await {
            Ok(added) => self.grants.send_modify(|grants| grants.add(&added)),
            Err(error) => tracing::warn!(%error, "roles that were added could not be read"),
        }
        self.base.metrics.store_damaged(false);
        self.health = Some(store.watch_health());
        self.sealed = false;
        self.mode.send_replace(Mode::Normal);
        self.served.send_replace(Served::Normal(core.services.clone()));
        self.core = Some(core);
        self.troubles.send_modify(|troubles| troubles.checking = !clean);
        if !clean {
            self.check = Some(tokio::spawn(async move {
                match store.quick_check().await {
                    Ok(found) if found.is_empty() => None,
                    Ok(found) => Some(found.join("; ")),
                    Err(error) => Some(error.to_string()),
                }
            }));
        }
    }

    /// Tells systemd and `/readyz` how the daemon serves.
    fn tell_ready(&self) {
        match &*self.served.borrow() {
            Served::Normal(_) => self.readiness.send_replace(Readiness::Ready),
            Served::Rescue(Rescue { reason, .. }) => {
                self.readiness.send_replace(Readiness::Rescue(reason.clone()))
            }
            Served::Between => return,
        };
        notify::ready();
    }

    /// Does what signals and clients ask of the whole, until one asks it to stop.
    async fn wait(
        &mut self,
        signals: &mut mpsc::UnboundedReceiver<Signal>,
        asked: &mut mpsc::Receiver<Command>,
    ) -> anyhow::Result<()> {
        let mut again = tokio::time::interval_at(Instant::now() + rescue::LOOK_AGAIN, rescue::LOOK_AGAIN);
        loop {
            tokio::select! {
                _ = again.tick(), if self.core.is_none() => self.look_again().await,
                signal = signals.recv() => match signal {
                    Some(Signal::Stop(sender) | Signal::Hurry(sender)) => {
                        tracing::info!(%sender, "asked to stop");
                        return Ok(());
                    }
                    Some(Signal::Reload(sender)) => {
                        tracing::info!(%sender, "asked to read the configuration again");
                        // What it found is in the log and in `status`.
                        let _ = self.reload().await;
                        self.look_again().await;
                    }
                    None => anyhow::bail!("signals are no longer caught"),
                },
                Some(command) = asked.recv() => match command {
                    // A caller that hung up has its answer in the log.
                    Command::Reload { answer } => drop(answer.send(self.reload().await)),
                    Command::Restore { by, answer } => drop(answer.send(self.restore(by).await)),
                },
                damage = rescue::finished(&mut self.check) => self.checked(damage).await,
                damage = rescue::damaged(&mut self.health) => self.checked(Some(damage)).await,
                ended = looping(&mut self.core) => {
                    ended.context("a loop failed")?;
                    anyhow::bail!("the loops ended by themselves");
                }
            }
        }
    }

    /// Ends the server, the tasks and the services, in that order, each as soon as it can.
    async fn end(&mut self, serving: JoinHandle<()>, tasks: TaskTracker) {
        let core = self.core.take();
        let served = self.served.clone();
        let drained = async {
            // Every call in flight is answered before the services are given up.
            let _ = serving.await;
            tasks.close();
            tasks.wait().await;
            served.send_replace(Served::Between);
        };
        match core {
            Some(core) => drop(tokio::join!(drained, core.close(std::future::pending()))),
            None => drained.await,
        }
    }
}

/// Waits for the end of the sync loop, which is not to be expected.
async fn looping(core: &mut Option<Core>) -> Result<(), tokio::task::JoinError> {
    match core {
        Some(core) => (&mut core.looping).await,
        None => std::future::pending().await,
    }
}
