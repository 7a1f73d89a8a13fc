//! The connection: finds the daemon, waits out a restart, and says what to do when nobody answers.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jsonrpsee::core::ClientError;
use jsonrpsee::types::ErrorObjectOwned;
use jsonrpsee_ws_client::{WsClient, WsClientBuilder};
use monzo_common::api::client::*;
use monzo_common::fault::Fault;
use monzo_common::model::Version;
use monzo_common::paths::SYSTEM_SOCKET;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::{Instant, sleep, timeout};

use crate::daemon_time::DaemonTime;
use crate::failure::Failure;

/// How long a restart may take before it counts as nobody answering.
pub const RESTART: Duration = Duration::from_secs(2);

/// How long whoever accepts may take to answer. Systemd holds the socket and waits ten seconds after a crash before it
/// starts the daemon again, which then opens its database.
pub const START: Duration = Duration::from_secs(30);

/// Waiting longer than this is explained; longer than [`RESTART`], after which a socket that nobody holds has failed.
pub const EXPLAINED: Duration = Duration::from_secs(3);

/// Pause between two tries; short beside a restart, long beside a connect.
pub const PAUSE: Duration = Duration::from_millis(50);

/// How long one call may take; a restore copies and checks a whole database.
const CALL: Duration = Duration::from_secs(300);

/// The largest answer; a page of transactions with raw JSON stays far below.
const MAX_ANSWER: u32 = 64 * 1024 * 1024;

/// How long the reason of a refusal is waited for, and how long it may be.
const WORDS: Duration = Duration::from_secs(2);
const MAX_WORDS: u64 = 64 * 1024;

/// The daemon, as it answers.
pub struct Daemon {
    /// Its methods: see [`monzo_common::api`].
    pub client: WsClient,
    /// What answered.
    pub version: Version,
    /// Its clock and zone.
    pub time: DaemonTime,
    /// Where it answered.
    pub socket: PathBuf,
}

/// Why one try did not succeed.
enum Refusal {
    Dial(io::Error),
    /// The connection was accepted, but nothing was answered.
    Silent(String),
    /// Something else was answered.
    Handshake(String),
    /// The daemon refused the connection itself, and said why.
    Refused(Fault),
    Answer(ClientError),
}

impl Refusal {
    /// Whether a restart would look like this.
    fn looks_like_a_restart(&self, socket: &Path) -> bool {
        match self {
            // A daemon that has never run here has not made the directory either.
            Self::Dial(error) if error.kind() == io::ErrorKind::NotFound => {
                socket.parent().is_some_and(Path::exists)
            }
            Self::Dial(error) => error.kind() == io::ErrorKind::ConnectionRefused,
            Self::Silent(_) | Self::Handshake(_) => true,
            Self::Refused(_) => false,
            Self::Answer(error) => !matches!(error, ClientError::Call(_)),
        }
    }
}

/// Connects to the daemon on the first of these sockets that exists, waiting while it starts or restarts.
///
/// # Errors
/// [`Failure::Unreachable`] with advice for the situation; a fault where the daemon answers but refuses.
pub async fn connect(candidates: &[PathBuf]) -> Result<Daemon, Failure> {
    let began = Instant::now();
    let mut patience = RESTART;
    loop {
        let socket = candidates.iter().find(|path| path.exists()).or(candidates.last());
        let Some(socket) = socket else { return Err(Failure::broken("no place to look for the socket")) };
        let dialling = Instant::now();
        let dialled = timeout(START.saturating_sub(began.elapsed()), dial(socket)).await;
        let refusal = match dialled {
            Ok(Ok(daemon)) => return Ok(daemon),
            Ok(Err(refusal)) => refusal,
            Err(_) => Refusal::Silent(format!("no answer within {} s", START.as_secs())),
        };
        if matches!(refusal, Refusal::Silent(_)) || dialling.elapsed() > RESTART {
            // For all that follows, since systemd makes its socket anew when it starts the daemon again.
            patience = START;
        }
        if began.elapsed() >= patience || !refusal.looks_like_a_restart(socket) {
            return Err(failure(refusal, socket, Path::new("/run/systemd/system").exists()));
        }
        sleep(PAUSE).await;
    }
}

async fn dial(socket: &Path) -> Result<Daemon, Refusal> {
    let stream = UnixStream::connect(socket).await.map_err(Refusal::Dial)?;
    // The address only fills the Host header.
    let built = WsClientBuilder::default()
        .request_timeout(CALL)
        .connection_timeout(START)
        .max_response_size(MAX_ANSWER)
        .build_with_stream("ws://localhost/", stream)
        .await;
    let client = match built {
        Ok(client) => client,
        Err(error) => return Err(refused(socket, error.to_string()).await),
    };
    let version = client.version().await.map_err(Refusal::Answer)?;
    let time = DaemonTime::new(version.now, &version.zone, version.cycle);
    Ok(Daemon { client, version, time, socket: socket.to_owned() })
}

/// Why a connection was not taken: a handshake tells only a number, and a plain request the daemon's own words.
async fn refused(socket: &Path, handshake: String) -> Refusal {
    let Ok(Some(answer)) = timeout(WORDS, ask_plainly(socket)).await else {
        return Refusal::Silent(handshake);
    };
    fault_in(&answer).map_or(Refusal::Handshake(handshake), Refusal::Refused)
}

/// What is answered to a plain request, if anything is.
async fn ask_plainly(socket: &Path) -> Option<String> {
    let mut stream = UnixStream::connect(socket).await.ok()?;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await.ok()?;
    let mut answer = String::new();
    stream.take(MAX_WORDS).read_to_string(&mut answer).await.ok()?;
    Some(answer).filter(|answer| !answer.is_empty())
}

/// The fault of an answer that refuses the connection itself; any other status says only that this was not a call.
fn fault_in(answer: &str) -> Option<Fault> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    if !matches!(head.split(' ').nth(1), Some("403" | "503")) {
        return None;
    }
    let body: serde_json::Value = serde_json::from_str(body).ok()?;
    let error: ErrorObjectOwned = serde_json::from_value(body.get("error")?.clone()).ok()?;
    Some(Fault::from_error(&error))
}

fn failure(refusal: Refusal, socket: &Path, systemd: bool) -> Failure {
    let place = socket.display();
    match refusal {
        Refusal::Answer(error) => error.into(),
        Refusal::Refused(fault) => Failure::Fault(fault),
        Refusal::Silent(cause) => Failure::Unreachable {
            message: format!("monzod does not answer: {place} accepts connections, but nobody serves them"),
            cause: Some(cause),
            hint: log_advice(socket, systemd),
        },
        Refusal::Handshake(cause) => Failure::Unreachable {
            message: format!("what listens on {place} does not answer as monzod does"),
            cause: Some(cause),
            hint: log_advice(socket, systemd),
        },
        Refusal::Dial(error) => {
            let (message, hint) = dial_advice(&error, socket, systemd);
            Failure::Unreachable { message, cause: Some(error.to_string()), hint }
        }
    }
}

fn dial_advice(error: &io::Error, socket: &Path, systemd: bool) -> (String, String) {
    let place = socket.display();
    match error.kind() {
        io::ErrorKind::NotFound => {
            (format!("monzod is not running: there is no socket at {place}"), start_advice(socket, systemd))
        }
        io::ErrorKind::ConnectionRefused => {
            (format!("monzod is not running: nobody listens on {place}"), start_advice(socket, systemd))
        }
        io::ErrorKind::PermissionDenied => (
            format!("the system does not let you reach {place}"),
            format!(
                "the directory must be open to you (`ls -ld {}`); try `sudo monzoctl status`",
                socket.parent().unwrap_or(socket).display()
            ),
        ),
        _ => (format!("{place} cannot be reached"), log_advice(socket, systemd)),
    }
}

fn start_advice(socket: &Path, systemd: bool) -> String {
    match (systemd, socket == Path::new(SYSTEM_SOCKET)) {
        (true, true) => "`systemctl status monzod` says why; `sudo systemctl start monzod` starts it".into(),
        (true, false) => {
            "start `monzod`, or name its socket with --socket or $MONZOD_SOCKET; `systemctl --user status monzod` looks at your own unit"
                .into()
        }
        (false, _) => "start `monzod`, or name its socket with --socket or $MONZOD_SOCKET".into(),
    }
}

fn log_advice(socket: &Path, systemd: bool) -> String {
    match (systemd, socket == Path::new(SYSTEM_SOCKET)) {
        (true, true) => "`systemctl status monzod` and `journalctl -u monzod -e` say more".into(),
        _ => "look at what the daemon printed, and whether --socket names its socket".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn advice(kind: io::ErrorKind, socket: &str, systemd: bool) -> String {
        let failure = failure(Refusal::Dial(kind.into()), Path::new(socket), systemd);
        assert_eq!(failure.exit(), crate::exit::Exit::Unreachable);
        format!("{failure}\n{}", failure.hint().unwrap_or_default())
    }

    #[test]
    fn the_advice_fits_the_situation() {
        insta::assert_snapshot!(advice(io::ErrorKind::NotFound, SYSTEM_SOCKET, true), @r"
        monzod is not running: there is no socket at /run/monzod/monzod.sock
        `systemctl status monzod` says why; `sudo systemctl start monzod` starts it
        ");
        insta::assert_snapshot!(advice(io::ErrorKind::ConnectionRefused, "/tmp/m.sock", false), @r"
        monzod is not running: nobody listens on /tmp/m.sock
        start `monzod`, or name its socket with --socket or $MONZOD_SOCKET
        ");
        insta::assert_snapshot!(advice(io::ErrorKind::PermissionDenied, SYSTEM_SOCKET, true), @r"
        the system does not let you reach /run/monzod/monzod.sock
        the directory must be open to you (`ls -ld /run/monzod`); try `sudo monzoctl status`
        ");
    }

    #[tokio::test(start_paused = true)]
    async fn a_socket_that_nobody_serves_is_waited_for_and_then_explained() {
        let directory = tempfile::tempdir().expect("a directory");
        let socket = directory.path().join("monzod.sock");
        let _held = std::os::unix::net::UnixListener::bind(&socket).expect("bound");
        let began = Instant::now();
        let failure = connect(&[socket]).await.err().expect("nobody answers");
        assert_eq!((began.elapsed().as_secs(), failure.exit()), (30, crate::exit::Exit::Unreachable));
        assert!(failure.to_string().starts_with("monzod does not answer: "), "{failure}");
    }
}
