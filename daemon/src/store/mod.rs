//! The database: the only room that knows SQLite, and the only place where what the bank said is kept.
//!
//! One connection writes and a few read, so that reading never waits and two writes can never meet.
//! Everything that may write is one IMMEDIATE transaction with `synchronous=FULL`: what was answered is on disk.
//! Each file here adds the questions and deeds of one family of tables to [`Reader`] and [`Writer`].

mod accounts;
mod backup;
mod balances;
mod error;
mod events;
mod locals;
mod migrate;
mod open;
mod pots;
mod quarantine;
mod queries;
mod raw;
mod rows;
mod secrets;
mod syncs;
mod time;
mod windows;

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use r2d2::Pool;
use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio_util::sync::{CancellationToken, DropGuard};

pub use accounts::StoredAccount;
pub use backup::{BackupError, list, prune, restore, verify};
pub use balances::StoredBalance;
pub use error::{OpenError, StoreError};
pub use locals::Audited;
pub use migrate::newest as newest_schema;
pub use open::{Opened, Options};
pub use pots::StoredPot;
pub use rows::{Light, Stored};
pub use windows::{StoredWindow, WindowState};

/// The database's name in the state directory.
pub const FILE: &str = "monzod.db";

/// The open database.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    path: PathBuf,
    writer: Pool<SqliteConnectionManager>,
    readers: Pool<SqliteConnectionManager>,
    observe: Observe,
    /// Why the last write failed, while the database cannot be written.
    unwritable: Mutex<Option<String>>,
    /// Declared last, so that it tells when every connection is closed.
    closed: DropGuard,
}

/// Told of each write transaction: whether it was committed, and how long it took.
pub type Observe = Box<dyn Fn(bool, Duration) + Send + Sync>;

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
    /// Does `deed` in one transaction: all of it is on disk when this answers, or nothing.
    ///
    /// # Errors
    /// What `deed` failed with, or why the database could not be written.
    pub async fn write<T: Send + 'static>(
        &self,
        deed: impl FnOnce(&Writer<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let inner = Arc::clone(&self.0);
        blocking(move || {
            let began = Instant::now();
            let done = inner.transact(deed);
            inner.note(done.as_ref().err(), began.elapsed());
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
        blocking(move || {
            let mut connection = inner.readers.get()?;
            let snapshot = Transaction::new(&mut connection, TransactionBehavior::Deferred)?;
            question(&Reader(&snapshot))
        })
        .await
    }

    /// The database's file.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Why the database cannot be written, while it cannot.
    pub fn unwritable(&self) -> Option<String> {
        self.0.unwritable().clone()
    }

    /// Cancelled when the last handle is gone and every connection closed, so that the file may be replaced.
    pub fn closed(&self) -> CancellationToken {
        self.0.closed.token().clone()
    }
}

impl Inner {
    fn transact<T>(&self, deed: impl FnOnce(&Writer<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let mut connection = self.writer.get()?;
        let transaction = Transaction::new(&mut connection, TransactionBehavior::Immediate)?;
        let done = deed(&Writer(Reader(&transaction)))?;
        transaction.commit()?;
        Ok(done)
    }

    fn note(&self, error: Option<&StoreError>, elapsed: Duration) {
        match error {
            Some(error) if error.unwritable() => {
                (self.observe)(false, elapsed);
                *self.unwritable() = Some(error.to_string());
            }
            // What the deed itself refused says nothing about the disk.
            Some(_) => {}
            None => {
                (self.observe)(true, elapsed);
                *self.unwritable() = None;
            }
        }
    }

    fn unwritable(&self) -> MutexGuard<'_, Option<String>> {
        self.unwritable.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs what blocks away from the tasks; a panic in it goes on where it was asked for.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => Err(StoreError::Stopping),
    }
}
