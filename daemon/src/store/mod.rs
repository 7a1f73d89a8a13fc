//! The database: the only module that knows SQLite, and the only place where what the bank said is kept.
//!
//! One connection writes and a few read, so that reading never waits and two writes can never meet.
//! Everything that may write is one IMMEDIATE transaction with `synchronous=FULL`: what was answered is on disk.
//! Each file here adds the reads and writes of one family of tables to [`Reader`] and [`Writer`].

mod accounts;
mod asks;
mod backup;
mod balances;
mod bill_words;
mod entries;
mod error;
mod events;
mod file_identity;
mod freezes;
mod local_settings;
mod migrate;
mod notices;
mod occurrences;
mod open;
mod payments;
mod pots;
mod quarantine;
mod queries;
mod raw;
mod replay;
mod restore;
mod rows;
mod runs;
mod schema;
mod secrets;
mod sums;
mod syncs;
mod time;
mod transfers;
mod verify;
mod windows;

#[cfg(test)]
mod tests;

use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use r2d2::Pool;
use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_util::sync::{CancellationToken, DropGuard};

use file_identity::FileIdentity;

pub use accounts::{LeftOut, StoredAccount};
pub use asks::{PossibleAnswer, StoredAsk};
pub use backup::{BackupError, list, prune};
pub use balances::StoredBalance;
pub use bill_words::{BillWord, StoredBillWord};
pub use entries::{DueRow, EntryFilter, EntrySum, GroupKey, Grouping, MOST, WHOLE};
pub use error::{OpenError, StoreError};
pub use file_identity::free;
pub use freezes::AppPot;
pub use local_settings::Audited;
pub use migrate::newest as newest_schema;
pub use notices::{KnownAttention, Notice, NoticeState, Waiting};
pub use occurrences::{FiringCredit, PlainRow, StoredOccurrence, StoredRule, StoredWatch};
pub use open::{Opened, Options};
pub use payments::{StoredCredit, StoredPayment};
pub use pots::{PotListing, StoredPot};
pub use replay::ReplayedRow;
pub use restore::{Incoming, another_person, restore};
pub use rows::{PackedRows, RowSummary, Stored};
pub use runs::{PlannedMove, StoredRun};
pub use transfers::{LedgerMove, StoredTransfer};
pub use verify::{open_plain, owner, verify};
pub use windows::{StoredWindow, WindowState};

/// The database's name in the state directory.
pub const FILE: &str = "monzod.db";

/// The open database.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    file: FileIdentity,
    /// Who may use a connection: waiting for one costs no thread, however slow the disk is.
    writing: Arc<Semaphore>,
    reading: Arc<Semaphore>,
    health: watch::Sender<Health>,
    writer: Pool<SqliteConnectionManager>,
    readers: Pool<SqliteConnectionManager>,
    observe: Observe,
    /// Declared last, so that it tells when every connection is closed.
    closed: DropGuard,
}

/// Told of each write transaction: whether it was committed, and how long it took.
pub type Observe = Box<dyn Fn(bool, Duration) + Send + Sync>;
/// How the database fares.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Health {
    /// The last transaction was kept.
    #[default]
    Good,
    /// The disk has no room; reads go on, and writes as soon as there is.
    Full,
    /// The file does not take writes; reads go on.
    ReadOnly,
    /// The file was removed, or replaced by another; reads go on in the one that is open.
    Gone {
        /// Another file is there.
        replaced: bool,
    },
    /// Its pages do not hold together.
    Damaged(String),
}

/// One instant of the database, to ask questions of.
pub struct Reader<'a>(&'a Connection);

/// One transaction on the database; it answers questions too, and sees what it has written.
pub struct Writer<'a>(Reader<'a>);

impl<'a> Deref for Writer<'a> {
    type Target = Reader<'a>;

    fn deref(&self) -> &Reader<'a> {
        &self.0
    }
}

impl Store {
    /// Runs `write` in one transaction: all of it is on disk when this returns, or nothing.
    ///
    /// # Errors
    /// The error of `write`, or why the database could not be written.
    pub async fn write<T: Send + 'static>(
        &self,
        write: impl FnOnce(&Writer<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let inner = Arc::clone(&self.0);
        let turn = turn(&inner.writing).await?;
        blocking(move || {
            let _turn = turn;
            let began = Instant::now();
            let done = inner.commit(write);
            inner.judge(done.as_ref().err());
            (inner.observe)(done.is_ok(), began.elapsed());
            done
        })
        .await
    }

    /// Asks `question` of one instant of the database.
    ///
    /// # Errors
    /// What `question` failed with, or why the database could not be read.
    pub async fn read<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Reader<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let inner = Arc::clone(&self.0);
        let turn = turn(&inner.reading).await?;
        blocking(move || {
            let _turn = turn;
            let answer = inner.ask(question);
            if let Err(damaged @ StoreError::Damaged(_)) = &answer {
                inner.judge(Some(damaged));
            }
            answer
        })
        .await
    }

    /// Whether it can be written and is whole: as the last transactions found it, and as its file is now.
    pub fn health(&self) -> Health {
        if let Err(gone) = self.0.file.check() {
            self.0.judge(Some(&gone));
        }
        self.0.health.borrow().clone()
    }

    /// The same, as it changes.
    pub fn watch_health(&self) -> watch::Receiver<Health> {
        self.0.health.subscribe()
    }

    /// The database's file.
    pub fn path(&self) -> &Path {
        self.0.file.path()
    }

    /// Cancelled when the last handle is gone and every connection closed, so that the file may be replaced.
    pub fn closed(&self) -> CancellationToken {
        self.0.closed.token().clone()
    }
}

impl Inner {
    fn commit<T>(&self, write: impl FnOnce(&Writer<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.file.check()?;
        let mut connection = self.writer.get()?;
        let transaction = Transaction::new(&mut connection, TransactionBehavior::Immediate)?;
        let done = write(&Writer(Reader(&transaction)))?;
        transaction.commit()?;
        Ok(done)
    }

    fn ask<T>(&self, question: impl FnOnce(&Reader<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let mut connection = self.readers.get()?;
        let snapshot = Transaction::new(&mut connection, TransactionBehavior::Deferred)?;
        question(&Reader(&snapshot))
    }

    /// Learns from how a transaction ended; what is damaged stays so until it is opened anew.
    fn judge(&self, error: Option<&StoreError>) {
        let now = match error {
            None => Health::Good,
            Some(StoreError::Full) => Health::Full,
            Some(StoreError::ReadOnly) => Health::ReadOnly,
            Some(StoreError::Gone { replaced, .. }) => Health::Gone { replaced: *replaced },
            Some(StoreError::Damaged(why)) => Health::Damaged(why.clone()),
            Some(_) => return,
        };
        self.health.send_if_modified(|health| {
            let changes = *health != now && !matches!(health, Health::Damaged(_));
            if changes {
                *health = now;
            }
            changes
        });
    }
}

/// Waits for a connection to be free; the permit goes with the work, so that a caller who leaves frees nothing early.
async fn turn(of: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, StoreError> {
    Arc::clone(of).acquire_owned().await.map_err(|_| StoreError::Stopping)
}

/// Runs what blocks away from the tasks; a panic in it goes on where it was asked for.
///
/// # Errors
/// As the work; [`StoreError::Stopping`] when the daemon stops before it is done.
pub async fn blocking<T: Send + 'static, E: From<StoreError> + Send + 'static>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, E> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => Err(StoreError::Stopping.into()),
    }
}
