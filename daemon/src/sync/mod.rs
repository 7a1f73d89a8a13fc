//! Facts in: brings everything that the bank lists into the store, once, and keeps it true.
//!
//! One sync runs at a time; whoever asks for another joins it. A sync belongs to the loop and to nobody who called:
//! it goes on when a caller hangs up, and ends at a page boundary when it is cancelled or the daemon stops.
//! Read [`windows`], [`reading`] and [`absence`] first: they decide, purely, what the rest does.

pub mod absence;
mod balances;
mod capture;
mod entries;
pub mod failure;
mod page;
mod pass;
mod poll;
pub mod progress;
mod quarantined;
pub mod reading;
pub mod reconcile;
mod run;
pub mod schedule;
mod service;
pub mod upgrade;
pub mod windows;

use std::sync::Arc;

use jiff::SignedDuration;
use tokio::sync::{mpsc, oneshot, watch};

use monzo_common::id::AccountId;
use monzo_common::model::{Progress, Sync, SyncCancelled, SyncCause, SyncStarted, SyncState};

use crate::clock::Clock;
use crate::events::EventLog;
use crate::host::notify::Heartbeat;
use crate::login::Login;
use crate::metrics::Metrics;
use crate::monzo::Client;
use crate::store::Store;

pub use entries::bring_up_to_date as bring_entries_up_to_date;
pub use quarantined::{Quarantined, quarantined};
pub use service::{Service, StartError};

/// What the configuration says about syncing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Which accounts to read: types and ids.
    pub accounts: Vec<String>,
    /// When to sync.
    pub plan: schedule::Plan,
    /// Sync when the daemon starts, if stale.
    pub on_start: bool,
    /// Between polls of balances; none is off.
    pub poll: Option<SignedDuration>,
    /// Looks for changes at least this far back.
    pub reread: SignedDuration,
    /// Between re-reads of all that the bank serves; none is off.
    pub sweep: Option<SignedDuration>,
    /// Windows read at once while the five minutes run.
    pub concurrency: usize,
    /// What the person calls accounts and pots.
    pub names: std::collections::BTreeMap<String, String>,
}

impl Settings {
    /// An account is to be read.
    pub fn reads(&self, id: &AccountId, kind: &str) -> bool {
        self.accounts.iter().any(|wanted| wanted == kind || wanted == id.as_str())
    }
}

/// The services that syncing works with.
pub struct Services {
    /// Where facts go.
    pub store: Store,
    /// Where they come from.
    pub client: Client,
    /// Whether and since when the bank lets us read.
    pub login: Login,
    /// The time.
    pub clock: Clock,
    /// Who hears of events.
    pub event_log: EventLog,
    /// The configuration, as it changes.
    pub settings: watch::Receiver<Settings>,
    /// Counts for whoever scrapes.
    pub metrics: Arc<Metrics>,
    /// Proof of life for the watchdog.
    pub heartbeat: Heartbeat,
    /// Whose turn it is at the bank: no sync reads while a run moves money, and no run moves while a sync reads.
    pub turn: Turn,
}

/// The right to be the only one at the bank that reads all, or moves money.
pub type Turn = Arc<tokio::sync::Mutex<()>>;

/// What can be asked of the loop.
enum Request {
    Start { full: bool, cause: SyncCause, answer: oneshot::Sender<Result<SyncStarted, StartError>> },
    Cancel { answer: oneshot::Sender<SyncCancelled> },
}

/// Asks the loop, from anywhere.
#[derive(Clone)]
pub struct Handle {
    requests: mpsc::Sender<Request>,
    progress: watch::Receiver<Option<Progress>>,
    next_due: watch::Receiver<Option<jiff::Timestamp>>,
    client: Client,
    settings: watch::Receiver<Settings>,
}

impl Handle {
    /// Starts a sync, or joins the one that runs.
    ///
    /// # Errors
    /// [`StartError`] when nobody is logged in, or the daemon stops.
    pub async fn start(&self, full: bool) -> Result<SyncStarted, StartError> {
        self.start_for(SyncCause::Request, full).await
    }

    /// The same, for a cause that is kept with the sync.
    pub async fn start_for(&self, cause: SyncCause, full: bool) -> Result<SyncStarted, StartError> {
        let (answer, answered) = oneshot::channel();
        self.requests.send(Request::Start { full, cause, answer }).await.map_err(|_| StartError::Stopping)?;
        answered.await.map_err(|_| StartError::Stopping)?
    }

    /// Starts a sync for a cause, or joins the one that runs, and waits for its end.
    pub async fn finish_for(&self, cause: SyncCause) -> Result<Sync, StartError> {
        let mut progress = self.watch();
        let begun = self.start_for(cause, false).await?.sync;
        loop {
            let seen = progress.borrow_and_update().clone();
            match seen {
                Some(Progress { sync: Some(ended), .. }) if ended.id == begun.id => return Ok(ended),
                // Another one runs already, so that this one has ended unseen.
                Some(Progress { sync_id, .. }) if sync_id != begun.id => return Ok(begun),
                _ => {}
            }
            progress.changed().await.map_err(|_| StartError::Stopping)?;
        }
    }

    /// Ends the running sync at its next page boundary, and waits for that.
    ///
    /// # Errors
    /// [`StartError::Stopping`] when the daemon stops.
    pub async fn cancel(&self) -> Result<SyncCancelled, StartError> {
        let (answer, answered) = oneshot::channel();
        self.requests.send(Request::Cancel { answer }).await.map_err(|_| StartError::Stopping)?;
        answered.await.map_err(|_| StartError::Stopping)
    }

    /// How far the running sync has come; nothing when none runs.
    pub fn progress(&self) -> Option<Progress> {
        self.progress.borrow().clone().filter(|progress| progress.sync.is_none())
    }

    /// A sync as it ended, where the database still says that it runs: it cannot be written while the disk is full.
    pub fn corrected(&self, stored: Sync) -> Sync {
        let ended = self.progress.borrow().as_ref().and_then(|progress| progress.sync.clone());
        ended.filter(|ended| stored.state == SyncState::Running && ended.id == stored.id).unwrap_or(stored)
    }

    /// Progress as it happens; what nobody looks at in time is forgotten.
    pub fn watch(&self) -> watch::Receiver<Option<Progress>> {
        self.progress.clone()
    }

    /// When the next sync is due, as it changes from now on.
    pub fn watch_due(&self) -> watch::Receiver<Option<jiff::Timestamp>> {
        let mut due = self.next_due.clone();
        due.mark_unchanged();
        due
    }

    /// How long the bank still wants to be left alone, if it has asked for it.
    pub fn left_alone(&self) -> Option<std::time::Duration> {
        self.client.rate_limiter().left_alone()
    }

    /// When the next sync is due, of which it was said that it is due at `planned`; see [`schedule::still_due`].
    pub fn still_due(&self, planned: jiff::Timestamp, now: jiff::Timestamp) -> jiff::Timestamp {
        if self.left_alone().is_some() {
            return planned;
        }
        // What was planned counts, as it does for the loop; the record of past syncs may hold instants of a wrong clock.
        schedule::still_due(self.settings.borrow().plan, planned, None, now)
    }

    /// When the next sync is due.
    pub fn next_due_at(&self) -> Option<jiff::Timestamp> {
        *self.next_due.borrow()
    }
}

#[cfg(test)]
pub(crate) mod tests;
