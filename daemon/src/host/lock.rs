//! One daemon per state directory: a lock that the kernel drops with the process.
//!
//! Two daemons on one database could both move money. The lock is on a file that stays; its content is only the
//! holder's process id, to name it in the refusal.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, flock};

/// The lock's name in the state directory.
const LOCK: &str = "monzod.lock";

/// Holds the state directory until it is dropped.
#[derive(Debug)]
pub struct StateLock {
    _file: File,
}

/// Why the state directory is not ours.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another daemon uses it.
    #[error("another monzod{} uses {}; stop it first", holder(*.pid), .directory.display())]
    Held {
        /// The other daemon's process, if it could be read.
        pid: Option<u32>,
        /// The state directory.
        directory: PathBuf,
    },
    /// The lock cannot be taken.
    #[error("cannot lock {}: {source}", .path.display())]
    Failed {
        /// The lock file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

fn holder(pid: Option<u32>) -> String {
    pid.map(|pid| format!(" (process {pid})")).unwrap_or_default()
}

impl StateLock {
    /// Takes the state directory for this process, or says who has it.
    pub fn acquire(directory: &Path) -> Result<Self, LockError> {
        let path = directory.join(LOCK);
        let failed = |source| LockError::Failed { path: path.clone(), source };
        let mut open = OpenOptions::new();
        let mut file = open
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(failed)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let mut text = String::new();
                let pid = file.read_to_string(&mut text).ok().and_then(|_| text.trim().parse().ok());
                return Err(LockError::Held { pid, directory: directory.to_path_buf() });
            }
            Err(errno) => return Err(failed(errno.into())),
        }
        let note = |file: &mut File| {
            file.set_len(0)?;
            file.rewind()?;
            writeln!(file, "{}", std::process::id())
        };
        // A full disk must not keep the daemon from starting: the lock holds without the note.
        if let Err(error) = note(&mut file) {
            tracing::warn!(%error, "the lock file could not be written");
        }
        Ok(Self { _file: file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_daemon_is_refused_and_told_who_is_first() {
        let dir = tempfile::tempdir().expect("a directory");
        let first = StateLock::acquire(dir.path()).expect("free");
        let error = StateLock::acquire(dir.path()).expect_err("held");
        assert!(
            matches!(error, LockError::Held { pid: Some(pid), .. } if pid == std::process::id()),
            "{error:?}"
        );
        assert!(error.to_string().contains(&format!("(process {})", std::process::id())), "{error}");
        drop(first);
        StateLock::acquire(dir.path()).expect("free again");
    }

    #[test]
    fn what_an_older_daemon_left_does_not_matter() {
        let dir = tempfile::tempdir().expect("a directory");
        std::fs::write(dir.path().join(LOCK), "123456789012345678901234567890\nnonsense").expect("written");
        let _first = StateLock::acquire(dir.path()).expect("free");
        let text = std::fs::read_to_string(dir.path().join(LOCK)).expect("there");
        assert_eq!(text, format!("{}\n", std::process::id()));
    }

    #[test]
    fn a_directory_that_is_not_there_is_an_error() {
        let error = StateLock::acquire(Path::new("/nonexistent/state")).expect_err("not there");
        assert!(error.to_string().contains("/nonexistent/state/monzod.lock"), "{error}");
    }
}
