//! The directories that the daemon lives in: found, made private, and explained when they cannot be used.

use std::{
    fs::{self, DirBuilder, Permissions},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use monzo_common::paths::{self, Env};
use rustix::{
    fs::{Access, Mode, access},
    process::{geteuid, umask},
};

/// Why a directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// Nothing says where the state is.
    #[error("no place for the database: none of $STATE_DIRECTORY, $XDG_STATE_HOME and $HOME is set")]
    NoState,
    /// Nothing says where the socket is.
    #[error("no place for the socket: set rpc.socket, $RUNTIME_DIRECTORY or $XDG_RUNTIME_DIR")]
    NoRuntime,
    /// It cannot be made.
    #[error("cannot make the state directory {}: {source}", .path.display())]
    Make {
        /// The directory.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file is in its place.
    #[error("the state directory {} is no directory; move what is there", .path.display())]
    NotADirectory {
        /// What is in the way.
        path: PathBuf,
    },
    /// The daemon may not write to it.
    #[error(
        "the state directory {} belongs to user {owner} (mode {mode:04o}), and this daemon runs as user {user}; \
         run it as that user, or `chown` the directory",
        .path.display()
    )]
    NotOurs {
        /// The directory.
        path: PathBuf,
        /// Its owner.
        owner: u32,
        /// Its mode.
        mode: u32,
        /// The daemon's user.
        user: u32,
    },
    /// It is on a file system that is mounted read-only.
    #[error("the state directory {} is on a read-only file system; under systemd, use StateDirectory=", .path.display())]
    ReadOnly {
        /// The directory.
        path: PathBuf,
    },
}

/// Makes every file this process creates private to its user; SQLite's backups would be readable by all otherwise.
pub fn restrict_umask() {
    umask(Mode::from_bits_truncate(0o077));
}

/// Finds the state directory, makes it if need be, and makes it private (0700) if it is ours.
pub fn state(env: Env<'_>) -> Result<PathBuf, DirectoryError> {
    let path = paths::state_directory(env).ok_or(DirectoryError::NoState)?;
    prepare(&path)?;
    Ok(path)
}

/// Finds where to bind the socket that systemd did not pass: as configured, else in the runtime directory.
pub fn socket(configured: Option<&Path>, env: Env<'_>) -> Result<PathBuf, DirectoryError> {
    let usual = || paths::daemon_socket(env).ok_or(DirectoryError::NoRuntime);
    configured.map_or_else(usual, |path| Ok(path.to_path_buf()))
}

fn prepare(path: &Path) -> Result<(), DirectoryError> {
    let failed = |source| DirectoryError::Make { path: path.to_path_buf(), source };
    match DirBuilder::new().recursive(true).mode(0o700).create(path) {
        Err(_) if path.exists() && !path.is_dir() => {
            return Err(DirectoryError::NotADirectory { path: path.to_path_buf() });
        }
        made => made.map_err(failed)?,
    }
    let (metadata, user) = (fs::metadata(path).map_err(failed)?, geteuid().as_raw());
    let mode = metadata.mode() & 0o777;
    match access(path, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK) {
        Err(rustix::io::Errno::ROFS) => return Err(DirectoryError::ReadOnly { path: path.to_path_buf() }),
        Err(_) => {
            return Err(DirectoryError::NotOurs {
                path: path.to_path_buf(),
                owner: metadata.uid(),
                mode,
                user,
            });
        }
        Ok(()) => {}
    }
    if mode & 0o077 != 0 && metadata.uid() == user {
        fs::set_permissions(path, Permissions::from_mode(mode & 0o700)).map_err(failed)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("it is there").mode() & 0o777
    }

    fn state_at(path: &Path) -> Result<PathBuf, DirectoryError> {
        state(&|name: &str| (name == "STATE_DIRECTORY").then(|| path.display().to_string()))
    }

    #[test]
    fn the_state_directory_is_made_and_made_private() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("a/monzod");
        assert_eq!(state_at(&path).expect("made"), path);
        assert_eq!(mode(&path), 0o700);
        fs::set_permissions(&path, Permissions::from_mode(0o755)).expect("set");
        state_at(&path).expect("a second start");
        assert_eq!(mode(&path), 0o700);
    }

    #[test]
    fn what_cannot_be_used_is_explained() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("file");
        fs::write(&path, "").expect("written");
        let check = |error: DirectoryError, wanted: &str| {
            let error = error.to_string();
            assert!(error.contains(wanted), "{error}");
        };
        check(state_at(&path).expect_err("a file"), "is no directory");
        check(state_at(&path.join("below")).expect_err("below a file"), "cannot make the state directory");
        check(state(&|_: &str| None).expect_err("nowhere"), "$STATE_DIRECTORY");
        check(socket(None, &|_: &str| None).expect_err("nowhere"), "rpc.socket");
    }

    #[test]
    fn a_configured_socket_comes_first() {
        let env = |name: &str| (name == "RUNTIME_DIRECTORY").then(|| "/run/monzod".to_owned());
        assert_eq!(socket(Some(Path::new("/tmp/x")), &env).expect("given"), Path::new("/tmp/x"));
        assert_eq!(socket(None, &env).expect("the usual"), Path::new("/run/monzod/monzod.sock"));
    }
}
