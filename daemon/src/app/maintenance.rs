//! Maintenance, every minute: measurements, reminders and scheduled backups.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::core::{Base, last_backup};
use crate::attention::Troubles;
use crate::clock::elapsed;
use crate::config::Loaded;
use crate::host::messages;
use crate::services::{Served, Services};
use crate::store::{self, Health};

/// How often. Taste: reminders and backups are a matter of days, measurements of minutes.
const EVERY: Duration = Duration::from_secs(60);

/// Why a backup was made, in its name: it was due.
pub(super) const SCHEDULE: &str = "schedule";

/// What the maintenance needs.
pub(super) struct Maintenance {
    pub(super) base: Arc<Base>,
    pub(super) config: watch::Receiver<Loaded>,
    pub(super) served: watch::Receiver<Served>,
    pub(super) troubles: watch::Sender<Troubles>,
}

impl Maintenance {
    /// Does all of it each minute, until `stop`.
    pub(super) async fn run(self, stop: CancellationToken) {
        let mut ticker = tokio::time::interval(EVERY);
        ticker.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut skewed = false;
        while stop.run_until_cancelled(ticker.tick()).await.is_some() {
            skewed = self.clock(skewed, &stop).await;
            let services = match &*self.served.borrow() {
                Served::Normal(services) => Some(services.clone()),
                Served::Rescue(_) | Served::Between => None,
            };
            let Some(services) = services else { continue };
            // Dropped at `stop`: a backup that is under way leaves nothing half-made that counts.
            let _ = stop.run_until_cancelled(self.maintain(&services)).await;
        }
    }

    async fn maintain(&self, services: &Services) {
        let now = self.base.clock.now();
        self.measure(services).await;
        services.login.remind().await;
        self.back_up(services, now).await;
    }

    /// Logs once that this machine's clock differs from the bank's, and answers whether it does.
    async fn clock(&self, was: bool, stop: &CancellationToken) -> bool {
        if self.base.clock.excessive_skew().is_some() {
            // The host's clock may have been set right meanwhile, or the machine may have slept: the bank knows.
            let _ = stop.run_until_cancelled(self.base.http_client.learn_time()).await;
        }
        if let Some(skew) = self.base.clock.skew() {
            self.base.metrics.clock_skew(skew);
        }
        let skew = self.base.clock.excessive_skew();
        if let (Some(skew), false) = (skew, was) {
            let seconds = skew.as_secs();
            tracing::warn!(
                message_id = messages::CLOCK_SKEWED,
                monzod_seconds = seconds,
                "this machine's clock is not the bank's"
            );
        }
        skew.is_some()
    }

    async fn measure(&self, services: &Services) {
        let path = services.store.path().to_owned();
        let measured = tokio::task::spawn_blocking(move || (size(&path), store::free(&path))).await;
        if let Ok((size, Some(free))) = measured {
            self.base.metrics.store_measured(size, free);
        }
        if let Ok(rows) = services.store.read(|reader| reader.quarantined()).await {
            self.base.metrics.quarantined(rows);
        }
        // A database that could not be written is tried again, so that all resumes by itself.
        if matches!(services.store.health(), Health::Full | Health::ReadOnly | Health::Gone { .. }) {
            let now = self.base.clock.now();
            let _ = services.store.write(move |writer| writer.set_meta("tried_at", &now.to_string())).await;
        }
    }

    async fn back_up(&self, services: &Services, now: Timestamp) {
        let backup = self.config.borrow().config.store.backup.clone();
        let Some(every) = backup.every else { return };
        let every = SignedDuration::try_from(every.duration()).unwrap_or(SignedDuration::MAX);
        let directory = self.base.state.join(&backup.dir);
        let last = self.last(&directory, now).await;
        self.base.metrics.backup_succeeded(last);
        // An empty database has nothing to lose; the first backup comes with the first login.
        let empty = services.login.state().user_id.is_none();
        if empty || last.and_then(|last| elapsed(last, now)).is_some_and(|gone| gone < every) {
            return;
        }
        let made = services.store.backup(&directory, SCHEDULE, false, now).await;
        let keep = usize::try_from(backup.keep).unwrap_or(usize::MAX);
        let done = made.and_then(|made| store::prune(&directory, SCHEDULE, keep, now).map(|()| made));
        let failed = match done {
            Ok(made) => {
                self.base.metrics.backup_succeeded(Some(made.at));
                tracing::info!(message_id = messages::BACKUP_DONE, monzod_bytes = made.size, "backup made");
                None
            }
            Err(error) => {
                tracing::warn!(%error, "the scheduled backup failed; it is tried again in a minute");
                Some(error.to_string())
            }
        };
        self.troubles.send_modify(|troubles| troubles.backup = failed);
    }

    async fn last(&self, directory: &Path, now: Timestamp) -> Option<Timestamp> {
        let directory: PathBuf = directory.to_owned();
        tokio::task::spawn_blocking(move || last_backup(&directory, now)).await.ok().flatten()
    }
}

/// Bytes of the database and its log.
fn size(path: &Path) -> u64 {
    let of = |path: &Path| std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    of(path) + of(Path::new(&log))
}
