//! A home for a daemon under test or on tour: a directory of its own, and an environment with nothing else in it.
//!
//! The daemon and its client are programs started from here, never called: what they print, how they end and what
//! they leave on disk is what a person would meet.

use std::ffi::{OsStr, OsString};
use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::bank::{CLIENT_ID, CLIENT_SECRET};

/// Free memory from which on directories are made there. Taste: the homes of eight tests at once need a tenth of it.
const PLENTY: u64 = 2 << 30;

/// A program with the arguments that always come first.
#[derive(Debug, Clone)]
pub struct Program {
    path: PathBuf,
    first: Vec<OsString>,
}

impl Program {
    /// A program by itself.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), first: Vec::new() }
    }

    /// The same, with an argument that always comes first.
    #[must_use]
    pub fn with(mut self, argument: impl Into<OsString>) -> Self {
        self.first.push(argument.into());
        self
    }
}

/// The directory, and the programs that live in it.
#[derive(Debug)]
pub struct Home {
    directory: TempDir,
    monzod: Program,
    monzoctl: Program,
}

impl Home {
    /// An empty home.
    ///
    /// # Errors
    /// When there is no room for it.
    pub fn new(monzod: Program, monzoctl: Program) -> io::Result<Self> {
        // Short, because a socket's path may have 107 bytes.
        let directory = directory("monzod-")?;
        let home = Self { directory, monzod, monzoctl };
        std::fs::create_dir_all(home.path("etc/conf.d"))?;
        std::fs::create_dir_all(home.path("run"))?;
        Ok(home)
    }

    /// A path below it.
    pub fn path(&self, below: &str) -> PathBuf {
        self.directory.path().join(below)
    }

    /// The daemon's socket.
    pub fn socket(&self) -> PathBuf {
        self.path("run/monzod.sock")
    }

    /// The daemon's state directory.
    pub fn state(&self) -> PathBuf {
        self.path("state")
    }

    /// Its configuration file.
    pub fn config(&self) -> PathBuf {
        self.path("etc/monzod.toml")
    }

    /// Writes a configuration for the bank at `url`, and a drop-in with what else is to be different.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn configure(&self, url: &str, more: &str) -> io::Result<()> {
        let redirect = free_port()?;
        let text = format!(
            "[monzo]\napi_url = \"{url}\"\nauth_url = \"{url}/\"\n\
             redirect_url = \"http://localhost:{redirect}/oauth/callback\"\n\
             client_id = \"{CLIENT_ID}\"\nclock = \"bank\"\n\
             [metrics]\nlisten = \"127.0.0.1:0\"\n[log]\nformat = \"text\"\n"
        );
        std::fs::write(self.config(), text)?;
        std::fs::write(self.path("etc/conf.d/more.toml"), more)
    }

    /// The daemon, to be started.
    pub fn daemon(&self) -> Command {
        let mut command = self.command(&self.monzod);
        command.arg("--config").arg(self.config());
        command.env("STATE_DIRECTORY", self.state());
        command.env("RUNTIME_DIRECTORY", self.path("run"));
        command.env("MONZOD_CLIENT_SECRET", CLIENT_SECRET);
        command
    }

    /// The client with arguments, to be started.
    pub fn client<I: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = I>) -> Command {
        let mut command = self.command(&self.monzoctl);
        command.args(arguments);
        command.env("MONZOD_SOCKET", self.socket());
        command
    }

    /// A command line that a person can type to reach the daemon here.
    pub fn invitation(&self) -> String {
        let words = std::iter::once(self.monzoctl.path.as_os_str())
            .chain(self.monzoctl.first.iter().map(OsString::as_os_str));
        let words: Vec<String> = words.map(|word| word.to_string_lossy().into_owned()).collect();
        format!("MONZOD_SOCKET={} {}", self.socket().display(), words.join(" "))
    }

    fn command(&self, program: &Program) -> Command {
        let mut command = Command::new(&program.path);
        command.args(&program.first).env_clear().env("HOME", self.directory.path());
        command.current_dir(self.directory.path());
        for name in ["PATH", "TERM", "COLORTERM", "LANG", "LC_ALL", "NO_COLOR"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command
    }

    /// The directory itself.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }
}

/// A directory for what need not outlive the machine: in memory where there is plenty, because a database waits for
/// its disk at every commit; what a process leaves behind when it is killed is there all the same.
///
/// # Errors
/// When there is no room for it.
pub fn directory(prefix: &str) -> io::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(prefix);
    let memory = Path::new("/dev/shm");
    let plenty = rustix::fs::statvfs(memory)
        .is_ok_and(|there| there.f_bavail.saturating_mul(there.f_frsize) >= PLENTY);
    let in_memory = if plenty { builder.tempdir_in(memory).ok() } else { None };
    in_memory.map_or_else(|| builder.tempdir(), Ok)
}

/// A port that nobody listens on at this moment; the daemon binds it when a login begins.
fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
