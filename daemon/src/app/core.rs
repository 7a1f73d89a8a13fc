//! The services behind the socket: opened over one database, and closed so that nothing of it stays open.
//!
//! A restore closes them and opens them again over another file, in the same process and under the same server.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use monzo_common::model::{Event, Progress};
use secrecy::SecretString;
use tokio::sync::{broadcast, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::attention::{self, Observer, Troubles};
use crate::autosort::{self, Sorter};
use crate::clock::{Clock, elapsed};
use crate::config::Loaded;
use crate::events::EventLog;
use crate::host::notify::Heartbeats;
use crate::login::seal::{self, Seal, SealError};
use crate::login::{self, Login, Vault, VaultError};
use crate::metrics::Metrics;
use crate::monzo::{HttpClient, RateLimiter};
use crate::notify::{self, Notifier};
use crate::services::Services;
use crate::store::{self, OpenError, Options, Store, StoreError};
use crate::sync::{self, Service};

/// The loop looks at the wall clock every minute; three missed looks are a hang. Taste.
const SYNC_BEAT: Duration = Duration::from_secs(180);

/// A run's step asks the bank once or reads some pages; three such are a hang. Taste.
const SORTER_BEAT: Duration = Duration::from_secs(300);

/// What the services stand on, whatever the database.
pub struct Base {
    /// The state directory.
    pub state: PathBuf,
    /// The time.
    pub clock: Clock,
    /// Counts for whoever scrapes.
    pub metrics: Arc<Metrics>,
    /// Proofs of life for the watchdog.
    pub heartbeats: Heartbeats,
    /// To the bank.
    pub http_client: HttpClient,
    /// How fast the bank is asked.
    pub rate_limiter: Arc<RateLimiter>,
    /// The key that seals the login, where one was given, and by what.
    pub seal_key: Option<(SecretString, String)>,
    /// The configuration in force.
    pub config: watch::Receiver<Loaded>,
    /// What went wrong outside the services.
    pub troubles: watch::Receiver<Troubles>,
    /// What the login is told.
    pub login: watch::Receiver<login::Settings>,
    /// What the sync loop is told.
    pub sync: watch::Receiver<sync::Settings>,
    /// What the sorter is told.
    pub sorter: watch::Receiver<autosort::Settings>,
    /// What the notifier is told.
    pub notifier: watch::Receiver<notify::Settings>,
    /// Tells of events.
    pub events: broadcast::Sender<Event>,
    /// Tells how far a sync has come.
    pub progress: watch::Sender<Option<Progress>>,
}

/// Open services.
pub struct Core {
    /// For the methods.
    pub services: Services,
    /// The loops of the sync and of the sorter; they end only when told, or with a panic.
    pub(super) looping: JoinHandle<()>,
    /// Cancelled when the database is known to be sound; no money moves before.
    pub verified: CancellationToken,
    stop: CancellationToken,
    tracker: TaskTracker,
}

/// Why the database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// The file.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// The seal on the login.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// It opens, but cannot be read.
    #[error(transparent)]
    Reading(#[from] StoreError),
}

impl Unusable {
    /// What mends it.
    pub(super) fn hint(&self) -> String {
        const RESTORE: &str = "`monzoctl backup list`, then `monzoctl restore NAME`";
        match self {
            Self::Seal(error) => error.hint(),
            Self::Store(error) => match error {
                OpenError::Absent { .. } => {
                    format!("{RESTORE}; to begin with an empty database instead: `monzoctl restore --fresh`")
                }
                OpenError::Newer { .. } => {
                    format!("install the later version again; or go back to an older backup: {RESTORE}")
                }
                OpenError::Foreign(path) => {
                    format!("move {} to another place; then {RESTORE}", path.display())
                }
                OpenError::Altered(_) => RESTORE.to_owned(),
                OpenError::Damaged(_) => damaged(RESTORE),
                OpenError::Migration(_) => "see what is in the way: `journalctl -u monzod -e`".to_owned(),
                OpenError::Unusable(error) => unreadable(error, RESTORE),
            },
            Self::Reading(error) => unreadable(error, RESTORE),
        }
    }

    /// The login in the database is sealed by a key that is not there, so that carrying it over would lock it again.
    pub(super) fn sealed(&self) -> bool {
        matches!(self, Self::Seal(_))
    }
}

/// A page that was read wrongly once is not damaged for ever.
fn damaged(restore: &str) -> String {
    format!(
        "the daemon looks again each minute; if it stays so: `sudo systemctl restart monzod`, and only then {restore}"
    )
}

fn unreadable(error: &StoreError, restore: &str) -> String {
    match error {
        StoreError::Damaged(_) => damaged(restore),
        other => other.hint().to_owned(),
    }
}

impl From<VaultError> for Unusable {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::Store(error) => Self::Reading(error),
            VaultError::Seal(error) => Self::Seal(error),
        }
    }
}

impl Base {
    pub(super) fn database(&self) -> PathBuf {
        self.state.join(store::FILE)
    }
}

impl Core {
    /// Opens the database with everything over it; also whether it was closed properly the last time.
    pub(super) async fn open(base: &Base, backups: &Path) -> Result<(Self, bool), Unusable> {
        let (path, now) = (base.database(), base.clock.now());
        let metrics = Arc::clone(&base.metrics);
        let observe = Box::new(move |succeeded, elapsed| metrics.transaction(succeeded, elapsed));
        let traces = traces(&base.state, backups);
        let options = Options { backups: backups.to_owned(), now, traces, observe };
        let opening = tokio::task::spawn_blocking(move || Store::open(&path, options));
        let opened = match opening.await {
            Ok(opened) => opened?,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => return Err(StoreError::Stopping.into()),
        };
        if let Some(from) = opened.migrated_from {
            tracing::info!(from, to = store::newest_schema(), "the database was migrated");
        }
        let core = Self::over(base, opened.store).await?;
        if opened.clean {
            core.verified.cancel();
        }
        Ok((core, opened.clean))
    }

    /// Builds everything over an open database, and lets the loops run.
    pub async fn over(base: &Base, store: Store) -> Result<Self, Unusable> {
        let (stop, tracker) = (CancellationToken::new(), TaskTracker::new());
        let sealed = store.read(|reader| reader.any_secret()).await?;
        let seal = Seal::find(base.seal_key.clone(), &base.state, sealed)?;
        let vault = Vault::open(store.clone(), seal).await?;
        let event_log = EventLog::new(store.clone(), base.clock.clone(), base.events.clone());
        let login = Login::open(login::Parts {
            vault,
            http_client: base.http_client.clone(),
            rate_limiter: Arc::clone(&base.rate_limiter),
            clock: base.clock.clone(),
            metrics: Arc::clone(&base.metrics),
            event_log: event_log.clone(),
            tracker: tracker.clone(),
            stop: stop.clone(),
            settings: base.login.clone(),
        })
        .await?;
        let (success, attempt) =
            store.read(|reader| Ok((reader.last_success_at()?, reader.last_attempt_at()?))).await?;
        base.metrics.sync_succeeded(success);
        base.metrics.sync_attempted(attempt);
        let turn = sync::Turn::default();
        let parts = sync::Services {
            store: store.clone(),
            client: login.client(),
            login: login.clone(),
            clock: base.clock.clone(),
            event_log: event_log.clone(),
            settings: base.sync.clone(),
            metrics: Arc::clone(&base.metrics),
            heartbeat: base.heartbeats.register("sync", SYNC_BEAT),
            turn: Arc::clone(&turn),
        };
        base.progress.send_replace(None);
        let (service, handle) = Service::new(parts, base.progress.clone());
        let sorter = Sorter::new(autosort::Services {
            store: store.clone(),
            client: login.client(),
            login: login.clone(),
            clock: base.clock.clone(),
            event_log: event_log.clone(),
            metrics: Arc::clone(&base.metrics),
            settings: base.sorter.clone(),
            sync: handle.clone(),
            turn,
            heartbeat: base.heartbeats.register("sorter", SORTER_BEAT),
            tracker: tracker.clone(),
            stop: stop.clone(),
        });
        let attention = Observer::new(attention::Parts {
            store: store.clone(),
            login: login.clone(),
            sync: handle.clone(),
            sorter: sorter.clone(),
            clock: base.clock.clone(),
            config: base.config.clone(),
            troubles: base.troubles.clone(),
        });
        let notifier = Notifier::new(notify::Parts {
            store: store.clone(),
            client: login.client(),
            clock: base.clock.clone(),
            metrics: Arc::clone(&base.metrics),
            settings: base.notifier.clone(),
        });
        let verified = CancellationToken::new();
        let looping = tokio::spawn({
            let (stop, sorter, verified) = (stop.clone(), sorter.clone(), verified.clone());
            async move {
                tokio::join!(service.run(stop), sorter.run(verified));
            }
        });
        Ok(Self {
            services: Services { store, login, sync: handle, event_log, sorter, attention, notifier },
            looping,
            verified,
            stop,
            tracker,
        })
    }

    /// Ends the loops, waits for what was sent to the bank, and closes the database; until `hurry` at most.
    ///
    /// `true` if every connection to the database is closed, so that its file may be replaced.
    pub async fn close(self, hurry: impl Future<Output = ()>) -> bool {
        let Self { services, looping, stop, tracker, .. } = self;
        stop.cancel();
        tracker.close();
        let Services { store, login, sync, event_log, sorter, attention, notifier } = services;
        let closed = store.closed();
        let closing = async move {
            if let Err(error) = looping.await
                && error.is_panic()
            {
                std::panic::resume_unwind(error.into_panic());
            }
            tracker.wait().await;
            drop((login, sync, event_log, sorter, attention, notifier));
            if let Err(error) = store.close().await {
                tracing::warn!(%error, "the database could not be marked as closed; the next start checks it");
            }
            closed.cancelled().await;
        };
        tokio::select! {
            () = closing => true,
            () = hurry => false,
        }
    }
}

/// What shows that there was a database in this state directory, in words; nothing where it is new.
fn traces(state: &Path, backups: &Path) -> Option<String> {
    let mut found = Vec::new();
    match store::list(backups).unwrap_or_default().as_slice() {
        [] => {}
        [only] => found.push(format!("a backup, {}", only.name)),
        [newest, older @ ..] => {
            found.push(format!("{} backups, the newest {}", older.len() + 1, newest.name));
        }
    }
    let database = state.join(store::FILE);
    if seal::kept(state) {
        found.push("the key that sealed a login".to_owned());
    }
    let beside = |name: &str| {
        let rest = name.strip_prefix(store::FILE)?;
        (rest.starts_with(".before-") || rest == "-wal" && !database.exists()).then(|| name.to_owned())
    };
    let names = std::fs::read_dir(state).into_iter().flatten().flatten();
    found.extend(names.filter_map(|entry| beside(entry.file_name().to_str()?)).take(1));
    (!found.is_empty()).then(|| found.join("; "))
}

/// When a backup was last made on schedule, if it is known; what a wrong clock has dated into the future does not count.
pub(super) fn last_backup(backups: &Path, now: Timestamp) -> Option<Timestamp> {
    let kept = store::list(backups).ok()?;
    let on_schedule = kept.into_iter().filter(|backup| backup.cause == super::maintenance::SCHEDULE);
    on_schedule.map(|backup| backup.at).find(|at| elapsed(*at, now).is_some())
}
