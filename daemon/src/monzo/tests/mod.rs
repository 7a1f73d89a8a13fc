//! The client over real sockets: what it asks, what it makes of every answer, and what it does without one.

mod answers;
mod endpoints;
mod failures;
mod moves;
mod traps;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use mockito::{Matcher, Mock, Server, ServerGuard};
use secrecy::{ExposeSecret, SecretString};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::clock::Clock;
use crate::metrics::Metrics;

/// A line over real sockets to `base`.
pub(crate) fn http_client(base: &str, timeout: Duration, clock: &Clock) -> HttpClient {
    let transport = Https::new(base, timeout).expect("a transport");
    HttpClient::new(Arc::new(transport), clock.clone(), Arc::new(Metrics::new(Timestamp::UNIX_EPOCH)))
}

/// A bearer whose first token may be refused, and that notes what it is asked for.
#[derive(Default)]
pub(crate) struct Keys {
    pub renewed: Mutex<Vec<String>>,
    pub lost: Mutex<Vec<String>>,
}

impl Bearer for Keys {
    fn token(&self) -> Boxed<'_, Result<SecretString, Error>> {
        Box::pin(async { Ok("token-1".into()) })
    }

    fn renewed(&self, refused: SecretString) -> Boxed<'_, Result<SecretString, Error>> {
        self.renewed.lock().expect("a lock").push(refused.expose_secret().to_owned());
        Box::pin(async { Ok("token-2".into()) })
    }

    fn refused(&self, _: &SecretString, code: &str) -> Error {
        self.lost.lock().expect("a lock").push(code.to_owned());
        Error::LoginNeeded { reason: code.to_owned() }
    }
}

/// A mocked bank and a client that asks it.
pub(super) struct Rig {
    pub server: ServerGuard,
    pub client: Client,
    pub keys: Arc<Keys>,
}

impl Rig {
    pub async fn new() -> Self {
        let server = Server::new_async().await;
        let (client, keys) = client(&server.url());
        Self { server, client, keys }
    }

    /// What `path` answers, whatever it is asked.
    pub fn get(&mut self, path: &str) -> Mock {
        self.server.mock("GET", path).match_query(Matcher::Any)
    }
}

/// A client that asks each thing once.
pub(super) fn client(base: &str) -> (Client, Arc<Keys>) {
    let keys = Arc::new(Keys::default());
    let http_client = http_client(base, Duration::from_secs(5), &Clock::system());
    let rate_limiter = Arc::new(RateLimiter::new(4));
    (Client::new(http_client, Arc::clone(&keys) as Arc<dyn Bearer>, rate_limiter).impatient(), keys)
}

/// What a scripted bank does with a request, once it has read it.
pub(crate) enum Act {
    /// Answers with these bytes.
    Answer(String),
    /// Cuts the connection.
    Cut,
    /// Says nothing for as long as the test runs.
    Hang,
}

/// An answer with a status and a JSON body.
pub(crate) fn json(status: u16, body: &str) -> Act {
    let length = body.len();
    Act::Answer(format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    ))
}

/// A bank that does one thing after another, and keeps what it was asked.
pub(crate) struct Scripted {
    pub url: String,
    pub asked: Arc<Mutex<Vec<String>>>,
}

pub(crate) async fn scripted(acts: Vec<Act>) -> Scripted {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let asked = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&asked);
    tokio::spawn(async move {
        let mut open = Vec::new();
        for act in acts {
            let Ok((mut stream, _)) = listener.accept().await else { return };
            let mut request = Vec::new();
            let mut piece = [0; 4096];
            while !whole(&request) {
                match stream.read(&mut piece).await {
                    Ok(0) | Err(_) => break,
                    Ok(read) => request.extend_from_slice(&piece[..read]),
                }
            }
            heard.lock().expect("a lock").push(String::from_utf8_lossy(&request).into_owned());
            match act {
                Act::Answer(text) => drop(stream.write_all(text.as_bytes()).await),
                Act::Cut => drop(stream),
                Act::Hang => open.push(stream),
            }
        }
        std::future::pending::<()>().await;
    });
    Scripted { url, asked }
}

/// The headers and as much of a body as they announce have arrived.
fn whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let announced = head
        .lines()
        .filter_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:").map(str::to_owned));
    let length = announced.filter_map(|length| length.trim().parse::<usize>().ok()).next().unwrap_or(0);
    body.len() >= length
}
