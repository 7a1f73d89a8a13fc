//! Backups, and bringing one back: whole files, checked before they count.
//!
//! A backup holds no tokens or secrets unless asked for; what is taken out is taken out of the free pages too.
//! Restoring never destroys: the database that was there is put aside, and its login carried over where it still fits.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use monzo_common::model::{Backup, Restored, Verification};
use rusqlite::{Connection, OpenFlags};

use super::freezes::RESTORED_AT;
use super::notices::TOLD_TO;
use super::open::prepare;
use super::{Reader, Store, StoreError, blocking, migrate};

/// Backups end so.
const SUFFIX: &str = ".db";

/// Backups with the login in them end so.
const WITH_LOGIN: &str = "-with-login.db";

/// Why a backup was not made or not brought back.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The database says no.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file system says no.
    #[error("{}: {source}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The backup is not whole, or not one.
    #[error("{name} cannot be used: {why}")]
    Unsound {
        /// The backup.
        name: String,
        /// What is wrong.
        why: String,
    },
}

impl From<rusqlite::Error> for BackupError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

fn file(path: &Path) -> impl FnOnce(io::Error) -> BackupError {
    let path = path.to_owned();
    move |source| BackupError::File { path, source }
}

impl Store {
    /// Makes a backup now, as the database is at this instant.
    ///
    /// # Errors
    /// [`BackupError`]; nothing half-made stays.
    pub async fn backup(
        &self,
        directory: &Path,
        cause: &'static str,
        with_login: bool,
        now: Timestamp,
    ) -> Result<Backup, BackupError> {
        let (inner, directory) = (std::sync::Arc::clone(&self.0), directory.to_owned());
        let turn = super::turn(&inner.reading).await?;
        let made = blocking(move || {
            let _turn = turn;
            let connection = inner.readers.get()?;
            Ok::<_, StoreError>(create(&connection, &directory, cause, with_login, now))
        });
        made.await?
    }
}

/// Makes a backup of what `connection` sees.
pub(super) fn create(
    connection: &Connection,
    directory: &Path,
    cause: &str,
    with_login: bool,
    now: Timestamp,
) -> Result<Backup, BackupError> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(file(directory))?;
    let stamp = now.strftime("%Y%m%dT%H%M%S");
    let millis = now.as_millisecond().rem_euclid(1000);
    let suffix = if with_login { WITH_LOGIN } else { SUFFIX };
    let name = format!("monzod-{stamp}{millis:03}Z-{cause}{suffix}");
    let (target, partial) = (directory.join(&name), directory.join(format!(".{name}.partial")));
    let made = fill(connection, &partial, with_login).and_then(|()| {
        let checked = verify(&partial, &name)?;
        if !checked.sound {
            return Err(BackupError::Unsound { name: name.clone(), why: checked.problems.join("; ") });
        }
        File::open(&partial).and_then(|file| file.sync_all()).map_err(file(&partial))?;
        fs::rename(&partial, &target).map_err(file(&target))?;
        File::open(directory).and_then(|directory| directory.sync_all()).map_err(file(directory))
    });
    if let Err(error) = made {
        // What is left of it is of no use; the reason that it failed is what matters.
        let _ = fs::remove_file(&partial);
        return Err(error);
    }
    let size = fs::metadata(&target).map_err(file(&target))?.len();
    Ok(Backup { name, at: now, size, cause: cause.to_owned(), with_login })
}

fn fill(connection: &Connection, partial: &Path, with_login: bool) -> Result<(), BackupError> {
    if partial.exists() {
        fs::remove_file(partial).map_err(file(partial))?;
    }
    // Nobody else's to read, whatever the umask and the directory say.
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(partial).map_err(file(partial))?;
    let text =
        partial.to_str().ok_or_else(|| io::Error::other("its name is not text")).map_err(file(partial))?;
    connection.execute("VACUUM INTO ?1", [text])?;
    if !with_login {
        let copy = Connection::open(partial)?;
        // Overwritten with zeros in place; the journal that would keep a copy is in memory.
        copy.execute_batch(
            "PRAGMA journal_mode = MEMORY; PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY; DELETE FROM secrets",
        )?;
    }
    Ok(())
}

/// The backups in a directory, newest first.
///
/// # Errors
/// When the directory cannot be read.
pub fn list(directory: &Path) -> Result<Vec<Backup>, BackupError> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(file(directory)(error)),
    };
    let mut backups: Vec<Backup> = entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            described(entry.file_name().to_str()?, entry.metadata().ok()?.len())
        })
        .collect();
    backups.sort_by(|one, other| other.name.cmp(&one.name));
    Ok(backups)
}

/// What a backup's name says about it.
fn described(name: &str, size: u64) -> Option<Backup> {
    let with_login = name.ends_with(WITH_LOGIN);
    let rest = name.strip_prefix("monzod-")?.strip_suffix(if with_login { WITH_LOGIN } else { SUFFIX })?;
    let (stamp, cause) = rest.split_once("Z-")?;
    let (seconds, millis) = stamp.split_at_checked(15)?;
    let parsed = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%S", seconds).ok()?;
    let at = parsed.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
    let at = at.checked_add(jiff::SignedDuration::from_millis(millis.parse().ok()?)).ok()?;
    Some(Backup { name: name.to_owned(), at, size, cause: cause.to_owned(), with_login })
}

/// Removes the backups of one cause but the newest `keep`.
///
/// # Errors
/// When the directory cannot be read or a file not removed.
pub fn prune(directory: &Path, cause: &str, keep: usize) -> Result<(), BackupError> {
    let made_so = list(directory)?.into_iter().filter(|backup| backup.cause == cause);
    for backup in made_so.skip(keep) {
        let path = directory.join(&backup.name);
        fs::remove_file(&path).map_err(file(&path))?;
    }
    Ok(())
}

/// Checks a database file completely, without changing it.
///
/// # Errors
/// When the file cannot be read at all; what is wrong in it is in the answer.
pub fn verify(path: &Path, name: &str) -> Result<Verification, BackupError> {
    File::open(path).map_err(file(path))?;
    let mut found = Verification {
        name: name.to_owned(),
        sound: false,
        problems: Vec::new(),
        schema: 0,
        user_id: None,
        accounts: 0,
        transactions: 0,
        newest_at: None,
    };
    if let Err(error) = look(path, &mut found) {
        found.problems.push(StoreError::from(error).to_string());
    }
    found.sound = found.problems.is_empty();
    Ok(found)
}

fn look(path: &Path, found: &mut Verification) -> rusqlite::Result<()> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    if !migrate::ours(&connection)? {
        found.problems.push("it is not a database of monzod".to_owned());
        return Ok(());
    }
    found.schema = migrate::schema(&connection)?;
    if found.schema == 0 {
        found.problems.push("it is empty".to_owned());
        return Ok(());
    }
    if found.schema > migrate::newest() {
        found.problems.push("a later version wrote it".to_owned());
        return Ok(());
    }
    let mut check = connection.prepare("PRAGMA integrity_check(20)")?;
    let lines: Vec<String> = check.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    found.problems.extend(lines.into_iter().filter(|line| line != "ok"));
    let mut keys = connection.prepare("PRAGMA foreign_key_check")?;
    if keys.exists([])? {
        found.problems.push("rows refer to rows that are not there".to_owned());
    }
    let reader = Reader(&connection);
    let counts = reader.extent().and_then(|extent| Ok((extent, reader.accounts()?, reader.user_id()?)));
    match counts {
        Ok(((transactions, newest_at), accounts, user)) => {
            found.transactions = transactions;
            found.newest_at = newest_at;
            found.accounts = accounts.iter().filter(|account| account.pot_id.is_none()).count() as u64;
            found.user_id = user.map(|user| user.to_string());
        }
        Err(error) => found.problems.push(error.to_string()),
    }
    Ok(())
}

/// Puts the database file `from` in the place of the one at `path`, which nobody may have open; with the login of the
/// present one, if that can be opened.
///
/// # Errors
/// [`BackupError`], with the database as it was.
pub fn restore(
    from: &Path,
    name: &str,
    path: &Path,
    keep_login: bool,
    now: Timestamp,
) -> Result<Restored, BackupError> {
    let checked = verify(from, name)?;
    if !checked.sound {
        return Err(BackupError::Unsound { name: name.to_owned(), why: checked.problems.join("; ") });
    }
    let incoming = path.with_extension("db.incoming");
    // What an attempt that was cut off left behind is of no use.
    for tail in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(with_tail(&incoming, tail));
    }
    fs::copy(from, &incoming)
        .and_then(|_| fs::set_permissions(&incoming, fs::Permissions::from_mode(0o600)))
        .map_err(file(&incoming))?;
    let login_kept = keep_login && carry_login(path, &incoming);
    let placed = mark(&incoming, now).and_then(|()| place(path, &incoming, now));
    if placed.is_err() {
        // The copy is of no use; the reason that it could not be placed is what matters.
        let _ = fs::remove_file(&incoming);
    }
    Ok(Restored { verification: checked, put_aside: placed?, login_kept })
}

/// Notes in the incoming database that it was put back, so that nothing moves before a person has looked: it does not
/// know what was moved since it was made.
fn mark(incoming: &Path, now: Timestamp) -> Result<(), BackupError> {
    let connection = Connection::open(incoming).map_err(StoreError::from)?;
    let marked = prepare(&connection).and_then(|()| {
        let note = "INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)";
        connection.execute(note, [RESTORED_AT, &now.to_string()])?;
        // What a person has been told since is not known either, and is not told again.
        connection.execute("DELETE FROM meta WHERE key = ?1", [TOLD_TO])?;
        connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE")
    });
    marked.map_err(|error| StoreError::from(error).into())
}

/// Carries the login over if the present database can be read and belongs to the same person.
fn carry_login(present: &Path, incoming: &Path) -> bool {
    let carry = || -> rusqlite::Result<bool> {
        if !present.exists() {
            return Ok(false);
        }
        let connection = Connection::open(incoming)?;
        prepare(&connection)?;
        connection.execute("ATTACH DATABASE ?1 AS present", [present.to_string_lossy()])?;
        let same: bool = connection.query_row(
            "SELECT EXISTS (SELECT 1 FROM present.meta p LEFT JOIN main.meta m ON m.key = 'user_id' \
             WHERE p.key = 'user_id' AND coalesce(m.value, p.value) = p.value)",
            [],
            |row| row.get(0),
        )?;
        if same {
            connection.execute_batch(
                "BEGIN IMMEDIATE; DELETE FROM main.secrets; INSERT INTO main.secrets SELECT * FROM present.secrets; \
                 INSERT OR REPLACE INTO main.meta SELECT * FROM present.meta WHERE key = 'user_id'; COMMIT",
            )?;
        }
        connection.execute_batch(
            "DETACH DATABASE present; PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE",
        )?;
        Ok(same)
    };
    carry().unwrap_or(false)
}

/// Puts the incoming database in the place of the present one, which stays under another name.
///
/// At every moment there is one database or the other at `path`: a start after a cut finds neither nothing nor a mixture.
fn place(path: &Path, incoming: &Path, now: Timestamp) -> Result<Option<String>, BackupError> {
    File::open(incoming).and_then(|copy| copy.sync_all()).map_err(file(incoming))?;
    let directory = path.parent().unwrap_or(Path::new("."));
    let mut put_aside = None;
    if path.exists() {
        // So that its journal is empty, if it can still be read.
        if let Ok(present) = Connection::open(path) {
            let _ = present.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        }
        let aside = path.with_extension(format!("db.before-{}", now.strftime("%Y%m%dT%H%M%SZ")));
        let _ = fs::remove_file(&aside);
        fs::hard_link(path, &aside).or_else(|_| fs::copy(path, &aside).map(drop)).map_err(file(&aside))?;
        // The old journal would be taken for the new database's.
        for tail in ["-wal", "-shm"] {
            let (old, new) = (with_tail(path, tail), with_tail(&aside, tail));
            if old.exists() {
                fs::rename(&old, &new).map_err(file(&new))?;
            }
        }
        put_aside = Some(aside.display().to_string());
    }
    fs::rename(incoming, path).map_err(file(path))?;
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(file(directory))?;
    Ok(put_aside)
}

fn with_tail(path: &Path, tail: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(tail);
    name.into()
}
