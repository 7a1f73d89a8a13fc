//! Catches the browser's redirect: listens on loopback only while a login is pending, and hears nothing else.
//!
//! GET on the exact path, a Host that is ours, few connections and short limits; a wrong state is answered and
//! forgotten, so that a stray page can neither end nor delay the pending login.

use std::convert::Infallible;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::monzo::Boxed;

/// Connections at once: a browser opens a few. Taste.
const CONNECTIONS: usize = 8;

/// How long a connection may last. Taste.
const LIMIT: Duration = Duration::from_secs(10);

/// What to do with the query of a redirect: a page's heading and text, and whether it was a success.
pub type Redirected = Arc<dyn Fn(String) -> Boxed<'static, (bool, String)> + Send + Sync>;

/// A listener on both loopback addresses.
pub struct Loopback {
    listeners: Vec<TcpListener>,
    port: u16,
    path: String,
}

impl Loopback {
    /// Listens on `port`; nothing if it is taken.
    pub async fn bind(port: u16, path: &str) -> Option<Self> {
        let mut listeners = Vec::new();
        for address in
            [SocketAddr::from((Ipv4Addr::LOCALHOST, port)), SocketAddr::from((Ipv6Addr::LOCALHOST, port))]
        {
            match TcpListener::bind(address).await {
                Ok(listener) => listeners.push(listener),
                Err(error) => tracing::debug!(%error, %address, "not listening for the browser"),
            }
        }
        (!listeners.is_empty()).then(|| Self { listeners, port, path: path.to_owned() })
    }

    /// Serves until `stop`.
    pub async fn serve(self, redirected: Redirected, stop: CancellationToken) {
        let slots = Arc::new(Semaphore::new(CONNECTIONS));
        let (port, path): (u16, Arc<str>) = (self.port, self.path.into());
        let accepting = self.listeners.into_iter().map(|listener| {
            let (slots, path, redirected) = (Arc::clone(&slots), Arc::clone(&path), Arc::clone(&redirected));
            async move {
                while let Ok((stream, _)) = listener.accept().await {
                    // More than a browser needs is turned away.
                    let Ok(slot) = Arc::clone(&slots).try_acquire_owned() else { continue };
                    let (path, redirected) = (Arc::clone(&path), Arc::clone(&redirected));
                    tokio::spawn(async move {
                        let service = service_fn(move |request| {
                            answer(request, port, Arc::clone(&path), Arc::clone(&redirected))
                        });
                        let connection = hyper::server::conn::http1::Builder::new()
                            .timer(TokioTimer::new())
                            .header_read_timeout(LIMIT)
                            .max_buf_size(16 << 10)
                            .keep_alive(false)
                            .serve_connection(TokioIo::new(stream), service);
                        // However it ends, the pending login is not concerned.
                        let _ = tokio::time::timeout(LIMIT * 4, connection).await;
                        drop(slot);
                    });
                }
            }
        });
        tokio::select! {
            () = stop.cancelled() => {}
            _ = futures_util::future::join_all(accepting) => {}
        }
    }
}

async fn answer(
    request: Request<Incoming>,
    port: u16,
    path: Arc<str>,
    redirected: Redirected,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
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
