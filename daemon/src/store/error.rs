//! What can be the matter with the database, by what has to be done about it.

use std::path::PathBuf;

use monzo_common::fault::FaultKind;
use rusqlite::ErrorCode;

/// Why the database could not be opened; each is a reason for rescue mode.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A later version wrote it.
    #[error("the database was written by a later version (schema {found}, this one knows {known})")]
    Newer {
        /// Its schema.
        found: i64,
        /// The newest schema known here.
        known: i64,
    },
    /// It is not this daemon's.
    #[error("{} is a database of another program", .0.display())]
    Foreign(PathBuf),
    /// It is not there, or empty, and yet there was one.
    #[error("{} is {}, but there was a database before: {traces}", .path.display(), if *.empty { "empty" } else { "not there" })]
    Absent {
        /// The file.
        path: PathBuf,
        /// It is there and holds nothing.
        empty: bool,
        /// What shows that there was one.
        traces: String,
    },
    /// Its tables are not those of its version.
    #[error("the database was changed by another program: {0}")]
    Altered(String),
    /// Its pages do not hold together.
    #[error("the database is damaged: {0}")]
    Damaged(String),
    /// It cannot be brought to this version's schema.
    #[error("the database could not be migrated and is unchanged: {0}")]
    Migration(String),
    /// It cannot be used where it is.
    #[error("the database cannot be opened: {0}")]
    Unusable(StoreError),
}

/// Why a read or a write failed; nothing of a failed write is kept.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The disk has no room.
    #[error("the disk is full; nothing stored is lost, and all goes on when there is room")]
    Full,
    /// The file or its file system does not take writes.
    #[error("the database cannot be written; nothing stored is lost, and all goes on when it can")]
    ReadOnly,
    /// Its file was removed, or replaced by another, while it is open.
    #[error("{} was {} while the daemon runs, and nothing more is written", .path.display(), if *.replaced { "replaced by another file" } else { "removed" })]
    Gone {
        /// Where the file was.
        path: PathBuf,
        /// Another file is there.
        replaced: bool,
    },
    /// Its pages do not hold together.
    #[error("the database is damaged: {0}")]
    Damaged(String),
    /// It was not free in time.
    #[error("the database was busy for too long")]
    Busy,
    /// What was asked for is not there.
    #[error("nothing has the id {0}")]
    Missing(String),
    /// More than one thing fits; some of them are named.
    #[error("more than one thing begins with {0}: {1}")]
    Ambiguous(String, String),
    /// Something else that the database says.
    #[error("the database says: {0}")]
    Sql(#[source] rusqlite::Error),
    /// The daemon stops.
    #[error("the daemon is stopping")]
    Stopping,
}

impl StoreError {
    /// What kind of fault it is to a caller.
    pub fn kind(&self) -> FaultKind {
        match self {
            Self::Full | Self::ReadOnly | Self::Gone { .. } | Self::Damaged(_) => FaultKind::StoreUnavailable,
            Self::Busy => FaultKind::Busy,
            Self::Missing(_) => FaultKind::NotFound,
            Self::Ambiguous(..) => FaultKind::Ambiguous,
            Self::Sql(_) => FaultKind::Internal,
            Self::Stopping => FaultKind::Stopping,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Full => "make room on the disk of the state directory; `df -h`",
            Self::ReadOnly => {
                "see that the state directory can be written: permissions, `mount`, and the kernel's log"
            }
            Self::Gone { .. } => {
                "`monzoctl backup --with-login monzod-saved.db` saves what the daemon still has open; `monzoctl restore monzod-saved.db` brings it back"
            }
            Self::Damaged(_) => "`sudo systemctl restart monzod`; if that does not help, `monzoctl verify`",
            Self::Busy => "try again",
            Self::Missing(_) => {
                "`monzoctl transactions`, `monzoctl accounts`, `monzoctl pots`, `monzoctl sort history` and `monzoctl sync history` list ids"
            }
            Self::Ambiguous(..) => "type more of the id",
            Self::Sql(_) => "look into the daemon's log: `journalctl -u monzod -e`",
            Self::Stopping => "try again when it is up",
        }
    }

    /// The database cannot be written now, but may be later.
    pub fn unwritable(&self) -> bool {
        matches!(self, Self::Full | Self::ReadOnly | Self::Gone { .. })
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => Self::ReadOnly,
            Some(ErrorCode::SystemIoFailure) => Self::ReadOnly,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged(error.to_string()),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            _ => Self::Sql(error),
        }
    }
}

impl From<StoreError> for OpenError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Damaged(why) => Self::Damaged(why),
            other => Self::Unusable(other),
        }
    }
}

impl From<rusqlite::Error> for OpenError {
    fn from(error: rusqlite::Error) -> Self {
        StoreError::from(error).into()
    }
}

impl From<r2d2::Error> for StoreError {
    fn from(_: r2d2::Error) -> Self {
        Self::Busy
    }
}
