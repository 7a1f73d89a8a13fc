//! Opening the database: ours, not newer, whole, migrated after a backup, and with every pragma in force.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use r2d2::Pool;
use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::{Connection, OpenFlags};
use scheduled_thread_pool::ScheduledThreadPool;
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;

use super::file_identity::FileIdentity;
use super::{Health, Inner, Observe, OpenError, Store, StoreError, backup, blocking, migrate, schema};

/// How long a connection waits for another.
const BUSY: Duration = Duration::from_secs(5);

/// Connections that read at once.
const READERS: u32 = 4;

/// Pages that a connection keeps, in KiB: the writer those that a sync of one page touches; a reader, of which there are
/// four, little, because the kernel has the file in its own cache.
const WRITER_CACHE: u32 = 1024;
const READER_CACHE: u32 = 256;

/// Where the store keeps whether it was closed.
const CLEAN: &str = "clean";

/// What opening needs to know.
pub struct Options {
    /// Where backups are kept.
    pub backups: PathBuf,
    /// The time, for the name of a backup.
    pub now: Timestamp,
    /// What shows that there was a database before; if anything, none is begun in its place.
    pub traces: Option<String>,
    /// Told of each write transaction.
    pub observe: Observe,
}

/// An open database, and how it was found.
pub struct Opened {
    /// The database.
    pub store: Store,
    /// It was closed properly the last time; if not, it wants a [`Store::quick_check`].
    pub clean: bool,
    /// The schema that it was migrated from.
    pub migrated_from: Option<i64>,
}

impl Store {
    /// Opens the database at `path`, making it if it is not there.
    ///
    /// # Errors
    /// [`OpenError`], with the file as it was.
    pub fn open(path: &Path, options: Options) -> Result<Opened, OpenError> {
        let absent = |empty| {
            let of =
                |traces: &String| OpenError::Absent { path: path.to_owned(), empty, traces: traces.clone() };
            options.traces.as_ref().map_or(Ok(()), |traces| Err(of(traces)))
        };
        if !path.exists() {
            absent(false)?;
        }
        let mut connection = Connection::open(path)?;
        connection.busy_timeout(BUSY)?;
        // Looked at before a pragma can change it: another program's file stays as it was.
        if !migrate::ours(&connection)? {
            return Err(OpenError::Foreign(path.to_owned()));
        }
        let (found, known) = (migrate::schema(&connection)?, migrate::newest());
        if found > known {
            return Err(OpenError::Newer { found, known });
        }
        if found == 0 {
            absent(true)?;
        } else {
            unaltered(&connection, found)?;
        }
        prepare(&connection)?;
        if found == 0 {
            migrate::migrate(&mut connection)?;
        } else if found < known {
            let made = backup::create(&connection, &options.backups, "migration", false, options.now)
                .map_err(|error| OpenError::Migration(format!("no backup could be made first: {error}")))?;
            migrate::migrate(&mut connection).inspect_err(|_| {
                // The database is as it was, and the next attempt makes another.
                let _ = std::fs::remove_file(options.backups.join(&made.name));
            })?;
        }
        let marked = mark(&connection, false).or_else(|error| match StoreError::from(error) {
            // A full disk stops what writes, not what reads.
            StoreError::Full | StoreError::ReadOnly => Ok(false),
            other => Err(OpenError::from(other)),
        })?;
        let clean = found == 0 || marked;
        drop(connection);
        let store = Self::pools(path, options.observe)?;
        Ok(Opened { store, clean, migrated_from: (found > 0 && found < known).then_some(found) })
    }

    fn pools(path: &Path, observe: Observe) -> Result<Self, StoreError> {
        // Opens connections that are wanted, for both pools; each would otherwise keep three threads for it.
        let opening = ScheduledThreadPool::builder().num_threads(1).thread_name_pattern("store-open").build();
        let opening = Arc::new(opening);
        let pool = |size, flags| {
            let manager = SqliteConnectionManager::file(path).with_flags(flags).with_init(|it| prepare(it));
            // Connections live as long as the store: their caches stay warm and the WAL stays alive.
            Pool::builder()
                .max_size(size)
                .min_idle(Some(1))
                .max_lifetime(None)
                .idle_timeout(None)
                .connection_timeout(BUSY)
                .test_on_check_out(false)
                .thread_pool(Arc::clone(&opening))
                .build(manager)
        };
        let quiet = OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let writer = pool(1, OpenFlags::SQLITE_OPEN_READ_WRITE | quiet)?;
        let readers = pool(READERS, OpenFlags::SQLITE_OPEN_READ_ONLY | quiet)?;
        let (writing, reading) = (Arc::new(Semaphore::new(1)), Arc::new(Semaphore::new(READERS as usize)));
        let health = watch::Sender::new(Health::default());
        let closed = CancellationToken::new().drop_guard();
        let file = FileIdentity::of(path)?;
        Ok(Self(Arc::new(Inner { file, writing, reading, health, writer, readers, observe, closed })))
    }

    /// Looks for damage, for seconds on a large database; each problem is a sentence.
    ///
    /// # Errors
    /// When the database cannot even be read.
    pub async fn quick_check(&self) -> Result<Vec<String>, StoreError> {
        self.read(|reader| {
            let mut check = reader.0.prepare("PRAGMA quick_check(20)")?;
            let found: Vec<String> = check.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
            Ok(found.into_iter().filter(|line| line != "ok").collect())
        })
        .await
    }

    /// Notes that all is written, so that the next opening needs no check; nothing may be written after it.
    ///
    /// # Errors
    /// When the mark could not be written; the database is whole all the same.
    pub async fn close(self) -> Result<(), StoreError> {
        let inner = Arc::clone(&self.0);
        let turn = super::turn(&inner.writing).await?;
        blocking(move || {
            let _turn = turn;
            let connection = inner.writer.get()?;
            mark(&connection, true)?;
            connection.execute_batch("PRAGMA optimize; PRAGMA wal_checkpoint(TRUNCATE)")?;
            Ok(())
        })
        .await
    }
}

/// A schema that no version has written is altered too.
fn unaltered(connection: &Connection, version: i64) -> Result<(), OpenError> {
    if version < 0 {
        return Err(OpenError::Altered(format!("no version of monzod has written schema {version}")));
    }
    let differences = schema::differences(connection, version)?;
    if differences.is_empty() { Ok(()) } else { Err(OpenError::Altered(differences.join("; "))) }
}

/// Sets what every connection needs; a read-only one cannot change the journal, and need not.
pub(super) fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(64);
    connection.execute_batch(
        "PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY; \
         PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 4194304",
    )?;
    let reads_only = connection.is_readonly("main")?;
    let cache = if reads_only { READER_CACHE } else { WRITER_CACHE };
    connection.pragma_update(None, "cache_size", -i64::from(cache))?;
    if !reads_only {
        connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    }
    Ok(())
}

/// Notes whether the database is closed, and answers how it was before.
fn mark(connection: &Connection, closed: bool) -> rusqlite::Result<bool> {
    let before = connection
        .query_row("SELECT value FROM meta WHERE key = ?1", [CLEAN], |row| row.get::<_, String>(0))
        .is_ok_and(|value| value == "1");
    let value = if closed { "1" } else { "0" };
    connection.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)", [CLEAN, value])?;
    Ok(before)
}
