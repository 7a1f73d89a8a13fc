//! Catches the browser's redirect: listens on loopback only while a login is pending, and hears nothing else.
//!
//! GET on the exact path, a Host that is ours, short limits, and few connections of which the newest wins; a wrong
//! state is answered and forgotten, so that a stray page can neither end nor delay the pending login.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::host::connections::{Asked, Connections};
use crate::monzo::Boxed;

/// Connections at once: a browser opens a few. Taste.
const CONNECTIONS: usize = 8;

/// How long a browser may take to ask. Taste: it is on this machine.
const ASKING: Duration = Duration::from_secs(2);

/// How long a connection may last: the bank is asked meanwhile. Taste.
const LIMIT: Duration = Duration::from_secs(40);

/// The pause after the system refused to accept a connection, such as for want of files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// What to do with the query of a redirect: a page's heading and text, and whether it was a success.
pub type Redirected = Arc<dyn Fn(String) -> Boxed<'static, (bool, String)> + Send + Sync>;

/// A listener on both loopback addresses.
pub struct Loopback {
    listeners: Vec<TcpListener>,
    /// The one of the two on which another program listens.
    taken: Option<SocketAddr>,
    port: u16,
    path: String,
}

impl Loopback {
    /// Listens on `port`; nothing if it is taken.
    pub async fn bind(port: u16, path: &str) -> Option<Self> {
        let (mut listeners, mut taken) = (Vec::new(), None);
        for address in
            [SocketAddr::from((Ipv4Addr::LOCALHOST, port)), SocketAddr::from((Ipv6Addr::LOCALHOST, port))]
        {
            match TcpListener::bind(address).await {
                Ok(listener) => listeners.push(listener),
                Err(error) => {
                    tracing::info!(%error, %address, "not listening for the browser on this address");
                    // Not so where there is no such address, such as without IPv6: no browser comes back to it.
                    taken = taken.or((error.kind() == io::ErrorKind::AddrInUse).then_some(address));
                }
            }
        }
        (!listeners.is_empty()).then(|| Self { listeners, taken, port, path: path.to_owned() })
    }

    /// The other address where the browser may come back to, if another program listens there.
    pub fn taken(&self) -> Option<SocketAddr> {
        self.taken
    }

    /// Serves until `stop`.
    pub async fn serve(self, redirected: Redirected, stop: CancellationToken) {
        let connections = Connections::new(CONNECTIONS);
        let (port, path): (u16, Arc<str>) = (self.port, self.path.into());
        let accepting = self.listeners.into_iter().map(|listener| {
            let (connections, path, redirected) = (&connections, Arc::clone(&path), Arc::clone(&redirected));
            async move {
                loop {
                    match listener.accept().await {
                        Ok((stream, _)) => connections.admit(|asked| {
                            let (path, redirected) = (Arc::clone(&path), Arc::clone(&redirected));
                            converse(stream, asked, port, path, redirected)
                        }),
                        Err(error) => {
                            tracing::debug!(%error, "a browser's connection was not accepted");
                            tokio::time::sleep(ACCEPT_PAUSE).await;
                        }
                    }
                }
            }
        });
        tokio::select! {
            () = stop.cancelled() => {}
            _ = futures_util::future::join_all(accepting) => {}
        }
    }
}

async fn converse(stream: TcpStream, asked: Asked, port: u16, path: Arc<str>, redirected: Redirected) {
    let service = service_fn(move |request| {
        asked.note();
        answer(request, port, Arc::clone(&path), Arc::clone(&redirected))
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(ASKING)
        .max_buf_size(16 << 10)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    // However it ends, the pending login is not concerned.
    let _ = tokio::time::timeout(LIMIT, connection).await;
}

async fn answer(
    request: Request<Incoming>,
    port: u16,
    path: Arc<str>,
    redirected: Redirected,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let mut hosts = request.headers().get_all(HOST).iter();
    let host = hosts.next().filter(|_| hosts.next().is_none()).and_then(|host| host.to_str().ok());
    let host = host.unwrap_or_default();
    let ours = ["localhost", "127.0.0.1", "[::1]"].iter().any(|name| host == format!("{name}:{port}"));
    if !ours {
        return Ok(page(StatusCode::FORBIDDEN, "This address is not for this."));
    }
    if request.method() != Method::GET {
        return Ok(page(StatusCode::METHOD_NOT_ALLOWED, "Only the bank's redirect is taken here."));
    }
    if request.uri().path() != &*path {
        return Ok(page(StatusCode::NOT_FOUND, "There is nothing here."));
    }
    let query = request.uri().query().unwrap_or_default().to_owned();
    let (taken, text) = redirected(query).await;
    Ok(page(if taken { StatusCode::OK } else { StatusCode::BAD_REQUEST }, &text))
}

fn page(status: StatusCode, text: &str) -> Response<Full<Bytes>> {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;");
    let html = format!(
        "<!doctype html><html lang=en><meta charset=utf-8><title>monzod</title>\
         <body style=\"font:1.1rem sans-serif;margin:4rem auto;max-width:34rem\"><h1>monzod</h1><p>{escaped}</p>"
    );
    let mut response = Response::new(Full::new(Bytes::from(html)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static("text/html; charset=utf-8"));
    let policy = hyper::header::HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'");
    headers.insert(CONTENT_SECURITY_POLICY, policy);
    response
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    async fn listening() -> (Loopback, SocketAddr) {
        loop {
            // A port that is free on one address is almost always free on both.
            let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
            let address = free.local_addr().expect("bound");
            drop(free);
            if let Some(loopback) = Loopback::bind(address.port(), "/callback").await {
                return (loopback, address);
            }
        }
    }

    #[tokio::test]
    async fn silent_connections_do_not_keep_the_browser_out() {
        let (loopback, address) = listening().await;
        let redirected: Redirected = Arc::new(|_| Box::pin(async { (true, "signed in".to_owned()) }));
        let stop = CancellationToken::new();
        let serving = tokio::spawn(loopback.serve(redirected, stop.clone()));
        let mut silent = Vec::new();
        for _ in 0..2 * CONNECTIONS {
            silent.push(TcpStream::connect(address).await.expect("it listens"));
        }
        let mut browser = TcpStream::connect(address).await.expect("it listens");
        let request = format!("GET /callback?code=c HTTP/1.1\r\nHost: localhost:{}\r\n\r\n", address.port());
        browser.write_all(request.as_bytes()).await.expect("sent");
        let mut page = String::new();
        browser.read_to_string(&mut page).await.expect("answered");
        assert!(page.starts_with("HTTP/1.1 200") && page.contains("signed in"), "{page}");
        stop.cancel();
        serving.await.expect("it ends when told");
    }

    #[tokio::test]
    async fn who_asks_for_nothing_is_let_go_within_two_seconds() {
        let (loopback, address) = listening().await;
        let redirected: Redirected = Arc::new(|_| Box::pin(async { (true, "signed in".to_owned()) }));
        let serving = tokio::spawn(loopback.serve(redirected, CancellationToken::new()));
        for sent in ["", "GET /callback?co"] {
            let mut silent = TcpStream::connect(address).await.expect("it listens");
            silent.write_all(sent.as_bytes()).await.expect("sent");
            let mut first = TcpStream::connect(address).await.expect("it listens");
            first.write_all(b"GET / HTTP/1.1\r\n\r\n").await.expect("sent");
            // Its answer shows that the silent one is served too, so that from here on only time can end that.
            first.read_to_end(&mut Vec::new()).await.expect("answered");
            tokio::time::pause();
            let began = tokio::time::Instant::now();
            let _ = silent.read_to_end(&mut Vec::new()).await;
            let waited = began.elapsed();
            tokio::time::resume();
            assert!(waited <= Duration::from_millis(2_010), "{sent:?} was let go after {waited:?}");
        }
        serving.abort();
    }

    #[tokio::test]
    async fn it_is_known_which_of_the_two_addresses_another_program_has() {
        let other = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let address = other.local_addr().expect("bound");
        // Without IPv6 there is nothing left to listen on.
        if let Some(loopback) = Loopback::bind(address.port(), "/callback").await {
            assert_eq!(loopback.taken(), Some(address));
        }
    }
}
