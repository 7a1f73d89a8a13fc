//! The database's file: whether what is at its path is still the file that is open.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::StoreError;

/// Bytes free for the daemon's user where a file is.
pub fn free(path: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(path).ok()?;
    Some(found.f_bavail.saturating_mul(found.f_frsize))
}

/// A path, and the file that was there when it was opened.
pub(super) struct FileIdentity {
    path: PathBuf,
    file: (u64, u64),
}

fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

impl FileIdentity {
    /// The file that is at `path` now.
    pub(super) fn of(path: &Path) -> Result<Self, StoreError> {
        let metadata = fs::metadata(path).map_err(|_| StoreError::ReadOnly)?;
        Ok(Self { path: path.to_owned(), file: identity(&metadata) })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the file is still there; what would be written into one that is not is lost.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        let gone = |replaced| Err(StoreError::Gone { path: self.path.clone(), replaced });
        match fs::metadata(&self.path) {
            Ok(found) if identity(&found) == self.file => Ok(()),
            Ok(_) => gone(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => gone(false),
            // Whatever else is the matter is told by the transaction.
            Err(_) => Ok(()),
        }
    }
}
