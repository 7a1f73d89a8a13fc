//! What every handler works with: the services as they are now, and commands to the daemon as a whole.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use monzo_common::fault::{Fault, FaultKind};
use monzo_common::model::{ConfigReload, Restored, Status};
use tokio::sync::{mpsc, oneshot, watch};

use super::{Uploads, status};
use crate::clock::Clock;
use crate::config::{Loaded, Locations};
use crate::ledger::Ledger;
use crate::metrics::Metrics;
use crate::rpc::access::Grants;
use crate::rpc::events::Hub;
use crate::rpc::faults::stopping;
use crate::services::{Rescue, Served, Services};

/// What replaces the present database.
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

/// Asks for something that only the daemon as a whole can do.
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

/// What a context is made of.
pub struct Parts {
    /// The time.
    pub clock: Clock,
    /// The metrics.
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
    /// Which services there are.
    pub served: watch::Receiver<Served>,
    /// Commands to the daemon as a whole.
    pub commands: mpsc::Sender<Command>,
    /// The state directory.
    pub state: PathBuf,
    /// Databases that clients upload.
    pub uploads: Uploads,
}

/// What every handler works with.
#[derive(Clone)]
pub struct RpcContext(Arc<Parts>);

impl std::ops::Deref for RpcContext {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl RpcContext {
    /// A context of these parts.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// The services, unless the database cannot be used.
    pub(super) fn services(&self) -> Result<Services, Fault> {
        match &*self.served.borrow() {
            Served::Normal(services) => Ok(services.clone()),
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

    /// Accounts and pots with their names and exclusions, now.
    pub(super) async fn ledger(&self) -> Result<Ledger, Fault> {
        let config = self.config.borrow().config.clone();
        Ok(self.services()?.store.read(move |reader| Ledger::read(reader, &config)).await?)
    }

    /// The state of everything, as `monzoctl status` shows it.
    pub async fn status(&self) -> Result<Status, Fault> {
        status::status(self).await
    }

    /// Where backups are kept.
    pub(super) fn backups(&self) -> PathBuf {
        self.state.join(&self.config.borrow().config.store.backup.dir)
    }

    /// Sends a command to the daemon, and waits for the answer.
    pub(super) async fn command<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<Result<T, Fault>>) -> Command,
    ) -> Result<T, Fault> {
        let (answer, answered) = oneshot::channel();
        self.commands.send(command(answer)).await.map_err(|_| stopping())?;
        answered.await.map_err(|_| stopping())?
    }
}
