//! Checks a database file completely, without changing it.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use monzo_common::id::UserId;
use monzo_common::model::Verification;
use rusqlite::{Connection, OpenFlags};
use rustix::fs::OFlags;

use super::backup::{BackupError, file};
use super::{OpenError, Reader, StoreError, migrate, schema};

/// Opens a regular file that is not reached by a symbolic link.
///
/// # Errors
/// As opening a file; also when it is a link, or no file of bytes.
pub fn open_plain(path: &Path) -> io::Result<File> {
    // A pipe would wait for a writer.
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
    let file =
        OpenOptions::new().read(true).custom_flags(flags.cast_signed()).open(path).map_err(|error| {
            if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) {
                io::Error::new(error.kind(), "it is a symbolic link, and links are not followed here")
            } else {
                error
            }
        })?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("it is not a regular file")) }
}

/// The same for SQLite, which follows links of folders and not the file's own.
pub(super) fn open_read_only(path: &Path) -> rusqlite::Result<Connection> {
    let real = || -> io::Result<PathBuf> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new(".")).canonicalize()?;
        Ok(folder.join(path.file_name().unwrap_or_default()))
    };
    let real = real().unwrap_or_else(|_| path.to_owned());
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let connection = Connection::open_with_flags(real, flags)?;
    connection.execute_batch("PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON")?;
    Ok(connection)
}

/// Checks a database file completely, without changing it.
///
/// # Errors
/// When the file cannot be read at all; what is wrong in it is in the answer.
pub fn verify(path: &Path, name: &str) -> Result<Verification, BackupError> {
    open_plain(path).map_err(file(path))?;
    let mut found = Verification {
        name: name.to_owned(),
        sound: false,
        problems: Vec::new(),
        schema: 0,
        user_id: None,
        other_user: false,
        accounts: 0,
        transactions: 0,
        newest_at: None,
    };
    if let Err(error) = look(path, &mut found) {
        found.problems.push(error.to_string());
    }
    found.sound = found.problems.is_empty();
    Ok(found)
}

fn look(path: &Path, found: &mut Verification) -> Result<(), OpenError> {
    let connection = open_read_only(path)?;
    if !migrate::ours(&connection)? {
        found.problems.push("it is not a database of monzod".to_owned());
        return Ok(());
    }
    found.schema = migrate::schema(&connection)?;
    let odd = match found.schema {
        0 => Some("it is empty".to_owned()),
        schema if schema < 0 => Some(format!("no version of monzod has written schema {schema}")),
        schema if schema > migrate::newest() => Some("a later version wrote it".to_owned()),
        _ => None,
    };
    if let Some(odd) = odd {
        found.problems.push(odd);
        return Ok(());
    }
    // Before anything is asked of the tables: what they do is defined there.
    found.problems = schema::differences(&connection, found.schema)?;
    if !found.problems.is_empty() {
        return Ok(());
    }
    Ok(contents(&connection, found)?)
}

fn contents(connection: &Connection, found: &mut Verification) -> Result<(), StoreError> {
    let mut check = connection.prepare("PRAGMA integrity_check(20)")?;
    let lines: Vec<String> = check.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    found.problems.extend(lines.into_iter().filter(|line| line != "ok"));
    let mut keys = connection.prepare("PRAGMA foreign_key_check")?;
    if keys.exists([])? {
        found.problems.push("rows refer to rows that are not there".to_owned());
    }
    (found.transactions, found.newest_at) = Reader(connection).extent()?;
    let accounts = "SELECT count(*) FROM accounts WHERE pot_id IS NULL";
    found.accounts = connection.query_row(accounts, [], |row| row.get(0))?;
    found.user_id = Reader(connection).user_id()?.map(|user| user.to_string());
    Ok(())
}

/// Whose history a database file holds, as far as it can be read.
pub fn owner(path: &Path) -> Option<UserId> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).ok()?;
    Reader(&connection).user_id().ok().flatten()
}
