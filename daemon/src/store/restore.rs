//! Puts another database in the place of the present one.
//!
//! What comes in is copied, checked, brought to this version's schema and checked again before anything is exchanged.
//! Restoring never destroys: the database that was there is put aside, and its login carried over where it still fits.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use monzo_common::id::UserId;
use monzo_common::model::{Restored, Verification};
use rusqlite::Connection;

use super::backup::{BackupError, file};
use super::freezes::RESTORED_AT;
use super::migrate;
use super::notices::TOLD_TO;
use super::open::prepare;
use super::verify::{examine, open_plain, owner, verify};
use super::{Reader, Writer};

/// What SQLite keeps beside a database.
const TAILS: [&str; 3] = ["", "-wal", "-shm"];

/// A database that can be served, beside the one whose place it will take; removed if it never does.
pub struct Incoming {
    path: PathBuf,
    present: PathBuf,
    checked: Verification,
}

impl Incoming {
    /// A copy of the database file `from`, for the place of the one at `present`.
    pub fn copy(from: &Path, name: &str, present: &Path) -> Result<Self, BackupError> {
        let mut incoming = Self::begin(name, present);
        let mut source = open_plain(from).map_err(file(from))?;
        let mut copy = create_new(&incoming.path).map_err(file(&incoming.path))?;
        io::copy(&mut source, &mut copy).map_err(file(&incoming.path))?;
        incoming.check()?;
        if incoming.checked.schema < migrate::newest() {
            incoming.migrate()?;
            incoming.check()?;
        }
        Ok(incoming)
    }

    /// A database with nothing in it, for the place of the one at `present`.
    pub fn empty(present: &Path) -> Result<Self, BackupError> {
        let mut incoming = Self::begin("an empty database", present);
        create_new(&incoming.path).map_err(file(&incoming.path))?;
        incoming.migrate()?;
        incoming.check()?;
        Ok(incoming)
    }

    fn begin(name: &str, present: &Path) -> Self {
        let incoming = Self {
            path: present.with_extension("db.incoming"),
            present: present.to_owned(),
            checked: Verification { name: name.to_owned(), ..Verification::default() },
        };
        // What an attempt that was cut off left behind is of no use.
        incoming.remove();
        incoming
    }

    fn check(&mut self) -> Result<(), BackupError> {
        let name = self.checked.name.clone();
        let (mut checked, only_sums) = examine(&self.path, &name)?;
        if only_sums {
            tracing::warn!(
                problems = checked.problems.join("; "),
                "the sums in what is restored are corrected"
            );
            correct_sums(&self.path)?;
            checked = verify(&self.path, &name)?;
        }
        self.checked = checked;
        if self.checked.sound {
            return Ok(());
        }
        Err(BackupError::Unsound { name, why: self.checked.problems.join("; ") })
    }

    fn migrate(&self) -> Result<(), BackupError> {
        let mut connection = Connection::open(&self.path)?;
        prepare(&connection)?;
        migrate::migrate(&mut connection).map_err(|error| BackupError::Unsound {
            name: self.checked.name.clone(),
            why: error.to_string(),
        })?;
        settle(&connection)?;
        Ok(())
    }

    /// Refuses the history of another person than the present one.
    pub fn same_person(&self) -> Result<(), BackupError> {
        if another_person(&self.checked, owner(&self.present).as_ref()) {
            return Err(BackupError::AnotherPerson { name: self.checked.name.clone() });
        }
        Ok(())
    }

    /// Puts it in the place of the present database, which nobody may have open; with the login from `login_from`, if
    /// that can be opened and is the same person's.
    ///
    /// # Errors
    /// [`BackupError`], with the database as it was.
    pub fn exchange(self, login_from: Option<&Path>, now: Timestamp) -> Result<Restored, BackupError> {
        let login_kept = login_from.is_some_and(|from| carry_login(from, &self.path));
        mark(&self.path, now)?;
        let put_aside = place(&self.present, &self.path, now)?;
        Ok(Restored { verification: self.checked.clone(), put_aside, login_kept })
    }

    fn remove(&self) {
        for tail in TAILS {
            let _ = fs::remove_file(with_tail(&self.path, tail));
        }
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        self.remove();
    }
}

/// Whether a database is the history of another person than this one; nobody's is nobody else's.
pub fn another_person(found: &Verification, person: Option<&UserId>) -> bool {
    found.user_id.as_deref().zip(person).is_some_and(|(theirs, ours)| theirs != ours.as_str())
}

/// Copies, checks and puts in place in one.
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
    Incoming::copy(from, name, path)?.exchange(keep_login.then_some(path), now)
}

/// A file that was not there, and is nobody else's to read.
fn create_new(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// Counts all transactions again, in a database whose definitions were checked.
fn correct_sums(incoming: &Path) -> Result<(), BackupError> {
    let connection = Connection::open(incoming)?;
    prepare(&connection)?;
    let writer = Writer(Reader(&connection));
    for account in writer.accounts()? {
        writer.correct_sums(&account.id)?;
    }
    settle(&connection)?;
    Ok(())
}

/// Leaves everything in the one file.
fn settle(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE")
}

/// Notes in the incoming database that it was put back, so that nothing moves before a person has looked: it does not
/// know what was moved since it was made.
fn mark(incoming: &Path, now: Timestamp) -> Result<(), BackupError> {
    let connection = Connection::open(incoming)?;
    prepare(&connection)?;
    let note = "INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)";
    connection.execute(note, [RESTORED_AT, &now.to_string()])?;
    // What a person has been told since is not known either, and is not told again.
    connection.execute("DELETE FROM meta WHERE key = ?1", [TOLD_TO])?;
    settle(&connection)?;
    Ok(())
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
        connection.execute_batch("DETACH DATABASE present")?;
        settle(&connection)?;
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
        put_aside = Some(set_aside(path, now)?);
    }
    let beside = put_aside.clone().unwrap_or_else(|| before(path, now));
    // The old journal would be taken for the new database's, also where the old database is not there any more.
    for tail in ["-wal", "-shm"] {
        let (old, new) = (with_tail(path, tail), with_tail(&beside, tail));
        if old.exists() {
            fs::rename(&old, &new).map_err(file(&new))?;
        }
    }
    fs::rename(incoming, path).map_err(file(path))?;
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(file(directory))?;
    Ok(put_aside.map(|aside| aside.display().to_string()))
}

/// What a database is called that was put aside now.
fn before(path: &Path, now: Timestamp) -> PathBuf {
    path.with_extension(format!("db.before-{}", now.strftime("%Y%m%dT%H%M%SZ")))
}

/// Gives the file another name as well, one that no other has.
fn set_aside(path: &Path, now: Timestamp) -> Result<PathBuf, BackupError> {
    let first = before(path, now);
    let mut number = 1;
    loop {
        let aside = if number == 1 { first.clone() } else { with_tail(&first, &format!("-{number}")) };
        // Where a file cannot have two names it is copied.
        let taken = |error: &io::Error| error.kind() == io::ErrorKind::AlreadyExists;
        let set = fs::hard_link(path, &aside).or_else(|error| {
            if taken(&error) {
                return Err(error);
            }
            let mut copy = create_new(&aside)?;
            io::copy(&mut File::open(path)?, &mut copy).map(drop)
        });
        match set {
            Ok(()) => return Ok(aside),
            Err(error) if taken(&error) => number += 1,
            Err(error) => return Err(file(&aside)(error)),
        }
    }
}

fn with_tail(path: &Path, tail: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(tail);
    name.into()
}
