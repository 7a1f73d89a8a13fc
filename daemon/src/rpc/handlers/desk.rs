//! What stands behind the methods: the rooms as they are now, and what is asked of the daemon as a whole.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use monzo_common::fault::{Fault, FaultKind};
use monzo_common::model::{Attention, ConfigReload, Restored, Status};
use tokio::sync::{mpsc, oneshot, watch};

use super::{Uploads, status};
use crate::attention::Troubles;
use crate::autosort::Sorter;
use crate::clock::Clock;
use crate::config::{Loaded, Locations};
use crate::events::Journal;
use crate::login::Login;
use crate::metrics::Metrics;
use crate::notify::Notifier;
use crate::rpc::access::Grants;
use crate::rpc::events::Hub;
use crate::store::Store;
use crate::sync;

/// The rooms of a daemon whose database can be used.
#[derive(Clone)]
pub struct Rooms {
    /// The database.
    pub store: Store,
    /// The login.
    pub login: Login,
    /// The sync loop.
    pub sync: sync::Handle,
    /// Where events are kept.
    pub journal: Journal,
    /// What moves money.
    pub sorter: Sorter,
    /// What tells the person beyond this machine.
    pub notifier: Notifier,
}

/// What can be served now.
#[derive(Clone)]
pub enum Served {
    /// Everything.
    Normal(Rooms),
    /// Only what repairs the database.
    Rescue(Rescue),
    /// Nothing for a moment: the database is being exchanged.
    Between,
}

/// Why the database cannot be used, and what mends that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rescue {
    /// Why, in a sentence.
    pub reason: String,
    /// The next step.
    pub hint: String,
}

/// What is to take the place of the present database.
pub enum Replacement {
    /// Another database.
    File {
        /// The file.
        from: PathBuf,
        /// What a person calls it.
        name: String,
        /// It may be another person's.
        other_user: bool,
    },
    /// An empty one.
    Fresh,
}

/// What only the daemon as a whole can do.
pub enum Command {
    /// Read the configuration again.
    Reload {
        /// What changed, or why nothing did.
        answer: oneshot::Sender<Result<ConfigReload, Fault>>,
    },
    /// Put another database in the place of the present one.
    Restore {
        /// Which.
        by: Replacement,
        /// What was done.
        answer: oneshot::Sender<Result<Restored, Fault>>,
    },
}

/// What the methods stand on.
pub struct Parts {
    /// The time.
    pub clock: Clock,
    /// Counts.
    pub metrics: Arc<Metrics>,
    /// When the daemon was started.
    pub started_at: Timestamp,
    /// The configuration in force.
    pub config: watch::Receiver<Loaded>,
    /// Where its files are.
    pub locations: Locations,
    /// Who may do what.
    pub grants: watch::Sender<Grants>,
    /// Events and progress.
    pub hub: Hub,
    /// The rooms.
    pub served: watch::Receiver<Served>,
    /// What went wrong outside them.
    pub troubles: watch::Receiver<Troubles>,
    /// What only the daemon as a whole can do.
    pub commands: mpsc::Sender<Command>,
    /// The state directory.
    pub state: PathBuf,
    /// Databases on their way in.
    pub uploads: Uploads,
}

/// Where every method begins.
#[derive(Clone)]
pub struct Desk(Arc<Parts>);

impl std::ops::Deref for Desk {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl Desk {
    /// A desk with these parts.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// The rooms, unless the database cannot be used.
    pub(super) fn rooms(&self) -> Result<Rooms, Fault> {
        match &*self.served.borrow() {
            Served::Normal(rooms) => Ok(rooms.clone()),
            Served::Rescue(Rescue { reason, hint }) => Err(Fault::new(
                FaultKind::Rescue,
                format!("the database cannot be used: {reason}"),
                hint.as_str(),
            )),
            Served::Between => Err(Fault::new(
                FaultKind::Stopping,
                "the database is being exchanged",
                "try again in a moment",
            )
            .retry_after(1)),
        }
    }

    /// What needs a person, each with whether they have silenced it; forgets what was silenced and is over.
    ///
    /// # Errors
    /// Where the database cannot be used.
    pub async fn attention(&self) -> Result<Vec<(Attention, bool)>, Fault> {
        status::attention_and_silence(self).await
    }

    /// How things stand, as `monzoctl status` shows it.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn status(&self) -> Result<Status, Fault> {
        status::status(self).await
    }

    pub(super) fn hub(&self) -> &Hub {
        &self.hub
    }

    /// Where backups are kept.
    pub(super) fn backups(&self) -> PathBuf {
        self.state.join(&self.config.borrow().config.store.backup.dir)
    }

    /// Has the daemon do something, and waits for it.
    pub(super) async fn command<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<Result<T, Fault>>) -> Command,
    ) -> Result<T, Fault> {
        let stopping =
            || Fault::new(FaultKind::Stopping, "the daemon is stopping", "try again when it is up");
        let (answer, answered) = oneshot::channel();
        self.commands.send(command(answer)).await.map_err(|_| stopping())?;
        answered.await.map_err(|_| stopping())?
    }
}
