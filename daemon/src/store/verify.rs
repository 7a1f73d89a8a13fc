//! Checks a database file completely, without changing it.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use monzo_common::id::UserId;
use monzo_common::model::Verification;
use monzo_common::money::Money;
use rusqlite::{Connection, OpenFlags};
use rustix::fs::OFlags;

use super::backup::{BackupError, file};
use super::{OpenError, Reader, StoreError, migrate, schema, sums};

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
    Ok(examine(path, name)?.0)
}

/// The same; also whether nothing but the kept sums is wrong, which the transactions themselves correct.
pub(super) fn examine(path: &Path, name: &str) -> Result<(Verification, bool), BackupError> {
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
    let sums = look(path, &mut found).unwrap_or_else(|error| {
        found.problems.push(error.to_string());
        Vec::new()
    });
    let only_sums = found.problems.is_empty() && !sums.is_empty();
    found.problems.extend(sums);
    found.sound = found.problems.is_empty();
    Ok((found, only_sums))
}

/// Answers with what is wrong with the kept sums, apart from all other problems.
fn look(path: &Path, found: &mut Verification) -> Result<Vec<String>, OpenError> {
    let connection = open_read_only(path)?;
    if !migrate::ours(&connection)? {
        found.problems.push("it is not a database of monzod".to_owned());
        return Ok(Vec::new());
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
        return Ok(Vec::new());
    }
    // Before anything is asked of the tables: what they do is defined there.
    found.problems = schema::differences(&connection, found.schema)?;
    if !found.problems.is_empty() {
        return Ok(Vec::new());
    }
    contents(&connection, found)?;
    // The rows that are counted must be readable first.
    let counted = found.problems.is_empty() && found.schema >= sums::SINCE;
    Ok(if counted { wrong_sums(&Reader(&connection))? } else { Vec::new() })
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

/// The accounts whose kept sums are not what their transactions add up to.
fn wrong_sums(reader: &Reader<'_>) -> Result<Vec<String>, StoreError> {
    let mut wrong = Vec::new();
    for account in reader.accounts()? {
        if let Some(off) = reader.sums_off(&account.id)? {
            let off = Money::new(off, account.currency);
            wrong.push(format!(
                "the stored sum of the transactions of {} is wrong by {off}; the daemon counts them again and corrects it \
                 within a week, and a restore does so at once",
                account.id
            ));
        }
    }
    Ok(wrong)
}

/// Whose history a database file holds, as far as it can be read.
pub fn owner(path: &Path) -> Option<UserId> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).ok()?;
    Reader(&connection).user_id().ok().flatten()
}
