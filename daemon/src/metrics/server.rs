//! Serves `/metrics`, `/livez` and `/readyz` over HTTP, on loopback unless configured otherwise.
//!
//! Few connections of which the newest wins, short limits, and no answer to a `Host` that is not this machine: a page in a browser must not
//! reach it through a name that points here. A port in use is an error for `status`, never a reason not to start.

use std::{
    convert::Infallible,
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use http_body_util::Full;
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Body, Bytes},
    header::{CACHE_CONTROL, CONTENT_TYPE, HOST, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use super::Metrics;
use crate::host::{
    connections::{Asked, Connections},
    notify::Heartbeats,
};

/// Connections at a time (taste: Prometheus needs one, a person with `curl` another).
const MAX_CONNECTIONS: usize = 8;
/// How long a client may take to ask (taste: it is on this machine, and Prometheus gives up after ten seconds).
const HEADER_TIME: Duration = Duration::from_secs(2);
/// How long a connection may last, slow readers included (taste: Prometheus' own default for a scrape).
const CONNECTION_TIME: Duration = Duration::from_secs(10);
/// Headers of a request (taste: browsers send about twenty).
const MAX_HEADERS: usize = 32;
/// The pause after the system refused to accept a connection, such as for want of files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Why nothing is served.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// Another program listens there.
    #[error(
        "metrics are not served: another program listens on {0}; set metrics.listen to another port, or to \"\""
    )]
    InUse(SocketAddr),
    /// The address cannot be listened on.
    #[error("metrics are not served: cannot listen on {address}: {source}; check metrics.listen")]
    Bind {
        /// The configured address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
}

/// Whether clients are served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// Not yet.
    Starting,
    /// RPC serves, logged in or not.
    Ready,
    /// Only what helps to repair the database is served, for this reason.
    Rescue(String),
    /// No longer.
    Stopping,
}

/// What the pages are made of.
#[derive(Clone, Debug)]
struct Shown {
    metrics: Arc<Metrics>,
    heartbeats: Heartbeats,
    readiness: watch::Receiver<Readiness>,
    /// This machine's own name, by which other machines may ask.
    machine: Arc<str>,
}

/// The bound server; [`Server::serve`] runs it.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
}

impl Server {
    /// Listens on the address; port 0 takes a free one.
    pub async fn bind(address: SocketAddr) -> Result<Self, ServerError> {
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::AddrInUse => ServerError::InUse(address),
            _ => ServerError::Bind { address, source },
        };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address })
    }

    /// Returns the address, with the port that was taken.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop`; requests that are being answered then are dropped.
    pub async fn serve(
        self,
        metrics: Arc<Metrics>,
        heartbeats: Heartbeats,
        readiness: watch::Receiver<Readiness>,
        stop: CancellationToken,
    ) {
        let machine = rustix::system::uname().nodename().to_string_lossy().to_lowercase().into();
        let shown = Shown { metrics, heartbeats, readiness, machine };
        let accepting = async {
            let connections = Connections::new(MAX_CONNECTIONS);
            loop {
                match self.listener.accept().await {
                    Ok((stream, _)) => connections.admit(|asked| {
                        let talk = timeout(CONNECTION_TIME, converse(stream, shown.clone(), asked));
                        // A slow reader goes without the rest.
                        async move { drop(talk.await) }
                    }),
                    Err(error) => {
                        tracing::warn!(%error, "a connection to the metrics was not accepted");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                }
            }
        };
        stop.run_until_cancelled(accepting).await;
    }
}

async fn converse(stream: TcpStream, shown: Shown, asked: Asked) {
    let service = service_fn(move |request| {
        asked.note();
        let answer = answer(&request, &shown);
        async move { Ok::<_, Infallible>(answer) }
    });
    let mut server = http1::Builder::new();
    server
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .max_headers(MAX_HEADERS)
        .keep_alive(false);
    if let Err(error) = server.serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(%error, "a request for metrics went wrong");
    }
}

fn answer<B: Body>(request: &Request<B>, shown: &Shown) -> Response<Full<Bytes>> {
    let mut hosts = request.headers().get_all(HOST).iter();
    let host = hosts.next().and_then(|host| host.to_str().ok()).filter(|_| hosts.next().is_none());
    if !host.is_some_and(|host| is_this_machine(host, &shown.machine)) {
        return plain(
            StatusCode::MISDIRECTED_REQUEST,
            "ask for this machine by its address or its own name\n",
        );
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return plain(StatusCode::METHOD_NOT_ALLOWED, "only GET is answered here\n");
    }
    match request.uri().path() {
        "/metrics" => {
            let mut page = plain(StatusCode::OK, shown.metrics.page());
            page.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(super::CONTENT_TYPE));
            page
        }
        "/livez" => match shown.heartbeats.stale().as_slice() {
            [] => plain(StatusCode::OK, "ok\n"),
            stale => {
                plain(StatusCode::SERVICE_UNAVAILABLE, format!("no progress in: {}\n", stale.join(", ")))
            }
        },
        "/readyz" => {
            let (status, text) = match &*shown.readiness.borrow() {
                Readiness::Ready => (StatusCode::OK, "ok\n".to_owned()),
                Readiness::Starting => (StatusCode::SERVICE_UNAVAILABLE, "starting\n".to_owned()),
                Readiness::Rescue(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("rescue: {reason}\n")),
                Readiness::Stopping => (StatusCode::SERVICE_UNAVAILABLE, "stopping\n".to_owned()),
            };
            plain(status, text)
        }
        _ => plain(StatusCode::NOT_FOUND, "there are /metrics, /livez and /readyz\n"),
    }
}

fn plain(status: StatusCode, text: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(text.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Tells whether a `Host` names this machine: by an address, as `localhost`, or by its own name with any domain.
fn is_this_machine(host: &str, machine: &str) -> bool {
    // An address cannot be pointed elsewhere, which is what a browser is tricked with.
    if host.parse::<SocketAddr>().is_ok() {
        return true;
    }
    let bracketed = host.strip_prefix('[').and_then(|inner| inner.strip_suffix(']'));
    if bracketed.unwrap_or(host).parse::<IpAddr>().is_ok() {
        return true;
    }
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name).to_lowercase();
    name == "localhost" || (!machine.is_empty() && name == machine) || in_local_domain(&name, machine)
}

/// Tells whether `name` is the machine's first label in a domain that only a local network can define.
fn in_local_domain(name: &str, machine: &str) -> bool {
    let label = machine.split('.').next().unwrap_or_default();
    let domain = name.split_once('.').filter(|(first, _)| !label.is_empty() && *first == label);
    domain.is_some_and(|(_, domain)| matches!(domain, "local" | "lan" | "home.arpa" | "internal"))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    struct Running {
        address: SocketAddr,
        readiness: watch::Sender<Readiness>,
        heartbeats: Heartbeats,
        stop: CancellationToken,
        task: tokio::task::JoinHandle<()>,
    }

    async fn run() -> Running {
        let server = Server::bind("127.0.0.1:0".parse().expect("an address")).await.expect("a free port");
        let (readiness, watched) = watch::channel(Readiness::Starting);
        let (heartbeats, stop) = (Heartbeats::default(), CancellationToken::new());
        let metrics = Arc::new(Metrics::new(Timestamp::UNIX_EPOCH));
        let address = server.address();
        let task = tokio::spawn(server.serve(metrics, heartbeats.clone(), watched, stop.clone()));
        Running { address, readiness, heartbeats, stop, task }
    }

    async fn ask(address: SocketAddr, request: &str) -> String {
        let mut stream = TcpStream::connect(address).await.expect("it listens");
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("answered");
        answer
    }

    async fn get(address: SocketAddr, path: &str) -> String {
        ask(address, &format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n")).await
    }

    #[tokio::test]
    async fn the_page_is_served() {
        let running = run().await;
        let page = get(running.address, "/metrics").await;
        assert!(page.starts_with("HTTP/1.1 200 OK\r\n"), "{page}");
        assert!(
            page.contains("content-type: text/plain; version=0.0.4") && page.contains("monzod_build_info"),
            "{page}"
        );
        assert!(get(running.address, "/").await.starts_with("HTTP/1.1 404"));
        let post =
            format!("POST /metrics HTTP/1.1\r\nHost: {}\r\nContent-Length: 0\r\n\r\n", running.address);
        assert!(ask(running.address, &post).await.starts_with("HTTP/1.1 405"));
        running.stop.cancel();
        running.task.await.expect("it ends when told");
    }

    #[tokio::test]
    async fn ready_is_told_from_rescue_and_alive_from_hung() {
        let running = run().await;
        assert!(get(running.address, "/readyz").await.starts_with("HTTP/1.1 503"));
        running.readiness.send_replace(Readiness::Ready);
        assert!(get(running.address, "/readyz").await.starts_with("HTTP/1.1 200"));
        running.readiness.send_replace(Readiness::Rescue("the database is damaged".into()));
        let answer = get(running.address, "/readyz").await;
        assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("the database is damaged"), "{answer}");

        assert!(get(running.address, "/livez").await.starts_with("HTTP/1.1 200"));
        let _heartbeat = running.heartbeats.register("sync", Duration::ZERO);
        while running.heartbeats.stale().is_empty() {
            tokio::task::yield_now().await;
        }
        let answer = get(running.address, "/livez").await;
        assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("sync"), "{answer}");
    }

    #[tokio::test]
    async fn a_foreign_host_is_refused() {
        let running = run().await;
        let rebound = "GET /metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n";
        let two = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n";
        assert!(ask(running.address, two).await.starts_with("HTTP/1.1 421"));
        assert!(ask(running.address, rebound).await.starts_with("HTTP/1.1 421"));
        assert!(ask(running.address, "GET /metrics HTTP/1.0\r\n\r\n").await.starts_with("HTTP/1.0 421"));
    }

    #[tokio::test]
    async fn a_port_in_use_is_an_error_that_says_so() {
        let taken = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = taken.local_addr().expect("bound");
        let error = Server::bind(address).await.expect_err("taken").to_string();
        assert!(error.contains(&address.to_string()) && error.contains("metrics.listen"), "{error}");
    }

    #[tokio::test]
    async fn however_many_are_silent_the_next_is_answered() {
        let running = run().await;
        let mut silent = Vec::new();
        for _ in 0..3 * MAX_CONNECTIONS {
            silent.push(TcpStream::connect(running.address).await.expect("it listens"));
        }
        assert!(get(running.address, "/livez").await.starts_with("HTTP/1.1 200"));
        // The first of them made room; it was not waited for, or this would wait for the newest ones too.
        let mut said = Vec::new();
        let _ = silent[0].read_to_end(&mut said).await;
        assert!(said.is_empty(), "it was told nothing");
    }

    #[tokio::test]
    async fn half_a_request_is_given_up_by_itself() {
        let running = run().await;
        let mut silent = TcpStream::connect(running.address).await.expect("it listens");
        silent.write_all(b"GET /met").await.expect("sent");
        let mut said = Vec::new();
        // How the connection ends is all the same.
        let _ = silent.read_to_end(&mut said).await;
    }

    #[test]
    fn this_machine_is_known_by_its_addresses_and_its_own_name() {
        for ours in
            ["localhost", "localhost:1", "127.0.0.1:21854", "[::1]:21854", "[::1]", "192.168.1.5:1", "NAS:1"]
        {
            assert!(is_this_machine(ours, "nas"), "{ours}");
        }
        assert!(is_this_machine("nas.local:21854", "nas") && is_this_machine("nas.lan", "nas.example.org"));
        for foreign in
            ["evil.example", "localhost.evil.example", "nas.evil.example", "", ":1", "127.0.0.1.evil.example"]
        {
            assert!(!is_this_machine(foreign, "nas"), "{foreign}");
            assert!(!is_this_machine(foreign, ""), "{foreign}");
        }
    }
}
