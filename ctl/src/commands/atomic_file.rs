//! A file under way: readable by its owner alone, complete or not there, and never over another.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use crate::failure::Failure;

/// A file that has its name only once it is complete; left before, nothing of it stays.
pub(super) struct AtomicFile {
    file: File,
    part: PathBuf,
    whole: PathBuf,
}

impl AtomicFile {
    /// Begins a file.
    ///
    /// # Errors
    /// When there is one of that name, or none can be made there.
    pub(super) fn create(whole: &Path) -> Result<Self, Failure> {
        if whole.symlink_metadata().is_ok() {
            return Err(taken(whole));
        }
        let mut part = OsString::from(whole);
        part.push(".part");
        let part = PathBuf::from(part);
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part);
        let file = file.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => Failure::local(
                format!("{} is in the way", part.display()),
                error,
                "another file is being written there, or was broken off: remove it first",
            ),
            _ => unwritable(whole, error),
        })?;
        Ok(Self { file, part, whole: whole.to_owned() })
    }

    /// Makes sure that it is on the disk, and gives it its name.
    ///
    /// # Errors
    /// When the disk fails, or the name was taken meanwhile.
    pub(super) fn keep(self) -> Result<(), Failure> {
        self.file.sync_all().map_err(|error| unwritable(&self.whole, error))?;
        match renameat_with(CWD, &self.part, CWD, &self.whole, RenameFlags::NOREPLACE) {
            Ok(()) => Ok(()),
            Err(Errno::EXIST) => Err(taken(&self.whole)),
            // A file system that cannot promise it, such as one of a network.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) if !self.whole.exists() => {
                fs::rename(&self.part, &self.whole).map_err(|error| unwritable(&self.whole, error))
            }
            Err(error) => Err(unwritable(&self.whole, error.into())),
        }
    }

    /// Says which file could not be written, where writing is what failed.
    pub(super) fn blame(&self, failure: Failure) -> Failure {
        match failure {
            Failure::Local { source, .. } => unwritable(&self.whole, source),
            other => other,
        }
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        // Once it has its name there is nothing left to remove.
        let _ = fs::remove_file(&self.part);
    }
}

fn taken(file: &Path) -> Failure {
    Failure::local(
        format!("{} exists already, and no file is ever written over", file.display()),
        Errno::EXIST.into(),
        "choose another name",
    )
}

fn unwritable(file: &Path, error: io::Error) -> Failure {
    Failure::local(format!("{} cannot be written", file.display()), error, "choose another place")
}
