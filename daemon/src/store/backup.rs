//! Backups: whole files, checked before they count.
//!
//! A backup holds no tokens or secrets unless asked for; what is taken out is taken out of the free pages too.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use monzo_common::model::Backup;
use rusqlite::Connection;

use super::verify::verify;
use super::{Store, StoreError, blocking};

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
    /// It is the history of another person.
    #[error("{name} holds the history of another person")]
    AnotherPerson {
        /// The backup.
        name: String,
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

pub(super) fn file(path: &Path) -> impl FnOnce(io::Error) -> BackupError {
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
    let (name, at) = claim(directory, cause, with_login, now)?;
    let (target, partial) = (directory.join(&name), directory.join(partial_name(&name)));
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
        // What is left of it is of no use, nor is what SQLite left beside it; the reason that it failed is what matters.
        for left in [partial.clone(), partial.with_extension("partial-journal")] {
            let _ = fs::remove_file(left);
        }
        return Err(error);
    }
    let size = fs::metadata(&target).map_err(file(&target))?.len();
    Ok(Backup { name, at, size, cause: cause.to_owned(), with_login })
}

fn partial_name(name: &str) -> String {
    format!(".{name}.partial")
}

/// A name that no other backup has, and the instant that it tells; the file in which the backup is made is there.
fn claim(
    directory: &Path,
    cause: &str,
    with_login: bool,
    now: Timestamp,
) -> Result<(String, Timestamp), BackupError> {
    let mut at = now;
    loop {
        let stamp = at.strftime("%Y%m%dT%H%M%S");
        let millis = at.as_millisecond().rem_euclid(1000);
        let suffix = if with_login { WITH_LOGIN } else { SUFFIX };
        let name = format!("monzod-{stamp}{millis:03}Z-{cause}{suffix}");
        let partial = directory.join(partial_name(&name));
        if !directory.join(&name).exists() {
            // Nobody else's to read, whatever the umask and the directory say.
            match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&partial) {
                Ok(_) => return Ok((name, at)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(file(&partial)(error)),
            }
        }
        let next = at.checked_add(SignedDuration::from_millis(1)).map_err(io::Error::other);
        at = next.map_err(file(&partial))?;
    }
}

fn fill(connection: &Connection, partial: &Path, with_login: bool) -> Result<(), BackupError> {
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
pub fn list(directory: &Path) -> Result<Vec<Backup>, BackupError> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(file(directory)(error)),
    };
    let mut backups: Vec<Backup> = entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            // Not of what a link leads to.
            let metadata = entry.metadata().ok().filter(fs::Metadata::is_file)?;
            described(entry.file_name().to_str()?, metadata.len())
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
    let at = at.checked_add(SignedDuration::from_millis(millis.parse().ok()?)).ok()?;
    Some(Backup { name: name.to_owned(), at, size, cause: cause.to_owned(), with_login })
}

/// Removes the backups of one cause but the newest `keep`; one that a wrong clock has dated into the future takes no
/// place of theirs, and is left where it is.
///
/// # Errors
/// When the directory cannot be read or a file not removed.
pub fn prune(directory: &Path, cause: &str, keep: usize, now: Timestamp) -> Result<(), BackupError> {
    let made_so = list(directory)?.into_iter().filter(|backup| backup.cause == cause && backup.at <= now);
    for backup in made_so.skip(keep) {
        let path = directory.join(&backup.name);
        fs::remove_file(&path).map_err(file(&path))?;
    }
    Ok(())
}
