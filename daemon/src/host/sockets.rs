//! The socket that clients connect to: passed by systemd, or bound here.
//!
//! The kernel tells who connects, so everybody may connect (0666) and roles decide what they may do.
//! A socket that answers belongs to a living daemon and is never taken over; one that does not is left over from a
//! crash and is replaced. Call this before other threads create files: the umask is changed for a moment.

use std::{
    fs::{self, DirBuilder, File},
    io,
    os::unix::{
        fs::{DirBuilderExt, FileTypeExt, MetadataExt},
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
};

use listenfd::ListenFd;
use rustix::{
    fs::{FlockOperation, Mode, flock},
    process::umask,
};

/// Why there is no socket to listen on.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Another daemon answers there.
    #[error("another monzod already answers on {}; stop it, or set rpc.socket to another path", .path.display())]
    Answered {
        /// The socket.
        path: PathBuf,
    },
    /// Something that is no socket is in the way.
    #[error("{} is in the way and is no socket; move it, or set rpc.socket to another path", .path.display())]
    Occupied {
        /// What is in the way.
        path: PathBuf,
    },
    /// The directory, or what is left over in it, cannot be used.
    #[error("cannot use {}: {source}; let the daemon's user write there, or set rpc.socket to another path", .path.display())]
    Unusable {
        /// The directory or the old socket.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The socket cannot be bound.
    #[error("cannot listen on {}: {source}", .path.display())]
    Bind {
        /// The socket.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// systemd passed something else than one stream socket.
    #[error("systemd must pass exactly one listening stream socket, as monzod.socket does: {reason}")]
    Passed {
        /// What is wrong with it.
        reason: String,
    },
}

/// A listening socket and whether it is ours to remove.
#[derive(Debug)]
pub struct Listening {
    /// The socket, in non-blocking mode.
    pub listener: UnixListener,
    made: Option<Made>,
}

/// A socket file that this process made, by its identity, so that a successor's is never removed.
#[derive(Debug)]
struct Made {
    path: PathBuf,
    identity: (u64, u64),
}

impl Listening {
    /// Returns the path if the socket was bound here; `None` if systemd passed it.
    pub fn path(&self) -> Option<&Path> {
        self.made.as_ref().map(|made| made.path.as_path())
    }

    /// Splits into the socket and what removes its file at the end.
    pub fn split(self) -> (UnixListener, Cleanup) {
        (self.listener, Cleanup(self.made))
    }
}

/// Removes the socket's file at the end, if this process made it.
#[derive(Debug)]
pub struct Cleanup(Option<Made>);

impl Cleanup {
    /// Removes the file, unless it is systemd's or a successor's.
    pub fn remove(self) {
        let Some(Made { path, identity: ours }) = self.0 else { return };
        if identity(&path).is_ok_and(|there| there == ours)
            && let Err(error) = fs::remove_file(&path)
        {
            tracing::debug!(%error, "the socket could not be removed");
        }
    }
}

/// Takes the socket that systemd passed, if it passed one.
pub fn passed(given: &mut ListenFd) -> Result<Option<Listening>, SocketError> {
    let refused = |reason: String| SocketError::Passed { reason };
    match given.len() {
        0 => return Ok(None),
        1 => {}
        several => return Err(refused(format!("it passed {several}"))),
    }
    let listener = given.take_unix_listener(0).map_err(|error| refused(error.to_string()))?;
    let listener = listener.ok_or_else(|| refused("it was taken already".to_owned()))?;
    listener.set_nonblocking(true).map_err(|error| refused(error.to_string()))?;
    Ok(Some(Listening { listener, made: None }))
}

/// Binds the socket at `path`, making its directory if need be and replacing a socket that nobody answers on.
pub fn bind(path: &Path) -> Result<Listening, SocketError> {
    let unusable = |path: &Path| {
        let path = path.to_path_buf();
        move |source| SocketError::Unusable { path, source }
    };
    let directory = path.parent().unwrap_or(Path::new("/"));
    // 0755, so that viewers reach the socket.
    with_umask(0o022, || DirBuilder::new().recursive(true).mode(0o755).create(directory))
        .map_err(unusable(directory))?;
    // Held until the new socket is there: two daemons that start together must not replace each other's socket.
    let guard = File::open(directory).map_err(unusable(directory))?;
    match flock(&guard, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(rustix::io::Errno::WOULDBLOCK) => return Err(SocketError::Answered { path: path.to_path_buf() }),
        Err(errno) => return Err(unusable(directory)(errno.into())),
    }
    make_way(path)?;
    let failed = |source| SocketError::Bind { path: path.to_path_buf(), source };
    let listener = with_umask(0o111, || UnixListener::bind(path)).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    let identity = identity(path).map_err(failed)?;
    Ok(Listening { listener, made: Some(Made { path: path.to_path_buf(), identity }) })
}

/// Removes a socket that is left over from a crash.
fn make_way(path: &Path) -> Result<(), SocketError> {
    let unusable = |source| SocketError::Unusable { path: path.to_path_buf(), source };
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(unusable(error)),
        Ok(there) if !there.file_type().is_socket() => {
            return Err(SocketError::Occupied { path: path.to_path_buf() });
        }
        Ok(_) => {}
    }
    match UnixStream::connect(path) {
        Ok(_) => Err(SocketError::Answered { path: path.to_path_buf() }),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(unusable)
        }
        Err(error) => Err(unusable(error)),
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let there = fs::symlink_metadata(path)?;
    Ok((there.dev(), there.ino()))
}

/// Runs `make` under another umask: the mode must be right from the first instant, not after a `chmod`.
fn with_umask<T>(mask: u32, make: impl FnOnce() -> T) -> T {
    let before = umask(Mode::from_bits_truncate(mask));
    let made = make();
    umask(before);
    made
}

#[cfg(test)]
mod tests {
    use std::{os::unix::fs::PermissionsExt, sync::Mutex};

    use super::*;

    /// The umask is the process's: tests that read modes take turns.
    static UMASK: Mutex<()> = Mutex::new(());

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("it is there").permissions().mode() & 0o777
    }

    #[test]
    fn everybody_can_connect_and_the_directory_is_made() {
        let _turn = UMASK.lock();
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("monzod/monzod.sock");
        let listening = bind(&path).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((mode(&path), mode(&dir.path().join("monzod"))), (0o666, 0o755));
        assert_eq!(listening.path(), Some(path.as_path()));
        UnixStream::connect(&path).expect("a client connects");
    }

    #[test]
    fn a_socket_that_answers_is_not_taken_over() {
        let _turn = UMASK.lock();
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("monzod.sock");
        let first = bind(&path).expect("free");
        assert!(matches!(bind(&path), Err(SocketError::Answered { .. })));
        drop(first);
        let second = bind(&path).expect("a left-over is replaced");
        UnixStream::connect(&path).expect("the second answers");
        drop(second);
    }

    #[test]
    fn what_is_no_socket_is_left_alone() {
        let _turn = UMASK.lock();
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("monzod.sock");
        fs::write(&path, "precious").expect("written");
        assert!(matches!(bind(&path), Err(SocketError::Occupied { .. })));
        assert_eq!(fs::read_to_string(&path).expect("still there"), "precious");
    }

    #[test]
    fn only_ones_own_socket_is_removed_at_the_end() {
        let _turn = UMASK.lock();
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("monzod.sock");
        let (listener, cleanup) = bind(&path).expect("free").split();
        drop(listener);
        // The successor's file is made before ours goes, so that it cannot get our inode's number.
        let other = dir.path().join("successor.sock");
        let successor = UnixListener::bind(&other).expect("free");
        fs::rename(&other, &path).expect("replaced");
        cleanup.remove();
        UnixStream::connect(&path).expect("the successor's socket is still there");
        drop(successor);

        let (_listener, cleanup) = bind(&path).expect("free").split();
        cleanup.remove();
        assert!(!path.exists());
    }

    #[test]
    fn without_systemd_nothing_is_passed() {
        assert!(passed(&mut ListenFd::empty()).expect("no error").is_none());
    }
}
