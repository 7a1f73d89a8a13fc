//! The Unix socket: HTTP and WebSocket on one listener, roles decided before anything is read.
//!
//! Whoever has a role gets one of the configured seats. Whoever has none, or finds every seat taken, gets one of a
//! few reserved ones for as long as it takes to say so: a refusal that explains itself beats a closed door.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Bytes;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{StatusCode, Uri};
use jsonrpsee::core::middleware::RpcServiceBuilder;
use jsonrpsee::server::{
    BatchRequestConfig, HttpBody, HttpRequest, HttpResponse, Methods, PingConfig, Server as Library,
    ServerConfig, StopHandle, TowerServiceBuilder, serve_with_graceful_shutdown, stop_channel, ws,
};
use jsonrpsee::types::{ErrorObjectOwned, Id, Response, ResponsePayload};
use monzo_common::VERSION;
use monzo_common::fault::{Fault, FaultKind};
use monzo_common::model::Role;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service;
use tower::layer::util::{Identity, Stack};

use super::access::Grants;
use super::guard::{CallLimits, Caller, Gate, Guarded, no_role};
use super::peer::{Credentials, Lookup, Peer};
use crate::config;
use crate::metrics::Metrics;

/// Connections kept for refusals. Taste.
const RESERVED: usize = 4;

/// How long a refusal may take to be fetched. Taste.
const REFUSAL: Duration = Duration::from_secs(5);

/// Peers looked up at a time; others wait in the listener's queue. Taste.
const LOOKUPS: usize = 8;

/// How long a request may take to arrive. Taste: it comes from the same machine.
const ARRIVAL: Duration = Duration::from_secs(10);

/// The largest answer, in bytes. Taste: 500 transactions with their raw JSON are two MiB.
pub const MAX_RESPONSE: u32 = 16 * 1024 * 1024;

/// Messages that wait for a slow WebSocket client. Taste.
const WAITING: u32 = 64;

/// Every answer over HTTP tells which version gave it.
static VERSION_HEADER: HeaderName = HeaderName::from_static("monzod-version");

/// What the server stands on.
pub struct Parts {
    /// Limits of connections and requests.
    pub limits: config::Rpc,
    /// The methods that are served.
    pub methods: Methods,
    /// What stands before them.
    pub gate: Gate,
    /// Who may do what; connections whose role a change touches are closed.
    pub grants: watch::Receiver<Grants>,
    /// How peers are looked up.
    pub lookup: Lookup,
    /// Counts connections and refusals.
    pub metrics: Arc<Metrics>,
}

/// The server; it holds no task until [`Server::run`].
#[derive(Clone)]
pub struct Server(Arc<Inner>);

struct Inner {
    limits: config::Rpc,
    methods: Methods,
    library: TowerServiceBuilder<Stack<Guarded, Identity>, Identity>,
    grants: watch::Receiver<Grants>,
    lookup: Lookup,
    metrics: Arc<Metrics>,
    seats: Arc<Semaphore>,
    reserved: Arc<Semaphore>,
    connections: TaskTracker,
}

impl Server {
    /// A server of these parts.
    pub fn new(parts: Parts) -> Self {
        let Parts { limits, methods, gate, grants, lookup, metrics } = parts;
        let seats = Arc::new(Semaphore::new(size(limits.max_connections)));
        // One for all connections, so that each has a number of its own.
        let library = Library::builder()
            .set_config(library_config(&limits))
            .set_rpc_middleware(RpcServiceBuilder::new().layer(Guarded::behind(gate)))
            .to_service_builder();
        Self(Arc::new(Inner {
            limits,
            methods,
            library,
            grants,
            lookup,
            metrics,
            seats,
            reserved: Arc::new(Semaphore::new(RESERVED)),
            connections: TaskTracker::new(),
        }))
    }

    /// Serves until `stop`, then until every call in flight is answered; subscriptions end at once.
    pub async fn run(&self, listener: UnixListener, stop: CancellationToken) {
        let lookups = Arc::new(Semaphore::new(LOOKUPS));
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => break,
                accepted = accept(&listener, &lookups) => accepted,
            };
            let Some((stream, lookup)) = accepted else { continue };
            let (server, stop) = (self.clone(), stop.clone());
            self.0.connections.spawn(async move { server.connection(stream, lookup, stop).await });
        }
        drop(listener);
        self.0.connections.close();
        self.0.connections.wait().await;
    }

    /// Decides what a connection may do, and lets it.
    async fn connection(&self, stream: UnixStream, lookup: OwnedSemaphorePermit, stop: CancellationToken) {
        let Ok(credentials) = Credentials::of(&stream) else { return };
        let look_up = Arc::clone(&self.0.lookup);
        let Ok(peer) = tokio::task::spawn_blocking(move || look_up(credentials)).await else { return };
        drop(lookup);
        // Marked as seen, so that only a later change is one.
        let mut grants = self.0.grants.clone();
        let role = grants.borrow_and_update().role(&peer);
        let Some(role) = role else {
            tracing::info!(uid = peer.uid, "a connection without a role was refused");
            return self.refuse(stream, no_role(&peer), "no_role", &stop).await;
        };
        let Ok(_seat) = Arc::clone(&self.0.seats).try_acquire_owned() else {
            return self.refuse(stream, no_seat(), "full", &stop).await;
        };
        let _counted = self.0.metrics.connected();
        self.serve(stream, Arc::new(peer), role, grants, stop).await;
    }

    /// Serves one connection until it ends, the daemon stops, or its role changes.
    async fn serve(
        &self,
        stream: UnixStream,
        peer: Arc<Peer>,
        role: Role,
        mut grants: watch::Receiver<Grants>,
        stop: CancellationToken,
    ) {
        // The library's own stop covers the session after an upgrade too: `stopped` waits for both.
        let (handle, stopping) = stop_channel();
        let caller = Caller { peer: Arc::clone(&peer), role, websocket: false };
        let service = self.service(caller, handle.clone());
        let served = serve_with_graceful_shutdown(stream, service, handle.shutdown());
        let served = tokio::spawn(served);
        let over = stopping.clone().stopped();
        tokio::pin!(over);
        let ended = tokio::select! {
            () = &mut over => true,
            () = stop.cancelled() => false,
            () = changed(&mut grants, &peer, role) => {
                tracing::info!(uid = peer.uid, "a connection was closed because its role changed");
                false
            }
        };
        if !ended {
            // It may have ended by itself meanwhile.
            let _ = stopping.stop();
            drop(stopping);
            over.await;
        }
        // Whatever the client did wrong was the library's to answer.
        let _ = served.await;
    }

    /// What answers the requests of one connection.
    fn service(
        &self,
        caller: Caller,
        stop: StopHandle,
    ) -> impl Service<
        hyper::Request<hyper::body::Incoming>,
        Response = HttpResponse,
        Error = Infallible,
        Future = impl Future<Output = Result<HttpResponse, Infallible>> + Send,
    > + Clone
    + Send
    + 'static {
        let inner = Arc::clone(&self.0);
        tower::service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
            let mut service = inner.library.clone().build(inner.methods.clone(), stop.clone());
            let mut caller = caller.clone();
            let inner = Arc::clone(&inner);
            async move {
                if let Err((fault, reason)) = own(request.headers(), request.uri()) {
                    inner.metrics.rpc_refused(reason);
                    return Ok(refusal(StatusCode::FORBIDDEN, fault));
                }
                caller.websocket = ws::is_upgrade_request(&request);
                let arrived = match caller.websocket {
                    true => Ok(request.map(HttpBody::new)),
                    false => arrive(request, inner.limits.max_request.bytes()).await,
                };
                let mut request = match arrived {
                    Ok(request) => request,
                    Err((status, fault, reason)) => {
                        inner.metrics.rpc_refused(reason);
                        return Ok(refusal(status, fault));
                    }
                };
                request.extensions_mut().insert(caller);
                let answer = service.call(request).await;
                Ok(match answer {
                    Ok(answer) => told(answer),
                    Err(_) => refusal(StatusCode::INTERNAL_SERVER_ERROR, unserved()),
                })
            }
        })
    }

    /// Says why a connection is not served, if one of the reserved places is free.
    async fn refuse(&self, stream: UnixStream, fault: Fault, reason: &'static str, stop: &CancellationToken) {
        self.0.metrics.rpc_refused(reason);
        let Ok(_place) = Arc::clone(&self.0.reserved).try_acquire_owned() else { return };
        let status = match fault.kind {
            FaultKind::NotAllowed => StatusCode::FORBIDDEN,
            _ => StatusCode::SERVICE_UNAVAILABLE,
        };
        let service = tower::service_fn(move |_: hyper::Request<hyper::body::Incoming>| {
            let mut answer = refusal(status, fault.clone());
            answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            std::future::ready(Ok::<_, Infallible>(answer))
        });
        let told = serve_with_graceful_shutdown(stream, service, stop.clone().cancelled_owned());
        // Who does not ask or fetch the answer goes without.
        let _ = tokio::time::timeout(REFUSAL, told).await;
    }
}

/// Takes the next connection with a place to look its peer up.
async fn accept(
    listener: &UnixListener,
    lookups: &Arc<Semaphore>,
) -> Option<(UnixStream, OwnedSemaphorePermit)> {
    let lookup = Arc::clone(lookups).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => Some((stream, lookup)),
        Err(error) => {
            tracing::warn!(%error, "a connection could not be accepted");
            // Out of file descriptors, most likely: until one is given back nothing helps but to wait.
            tokio::time::sleep(Duration::from_millis(100)).await;
            None
        }
    }
}

/// Waits until the grants give `peer` another role than `role`.
async fn changed(grants: &mut watch::Receiver<Grants>, peer: &Peer, role: Role) {
    while grants.changed().await.is_ok() {
        if grants.borrow_and_update().role(peer) != Some(role) {
            return;
        }
    }
    // Nobody can change them any more.
    std::future::pending::<()>().await;
}

fn library_config(limits: &config::Rpc) -> ServerConfig {
    ServerConfig::builder()
        .max_request_body_size(u32::try_from(limits.max_request.bytes()).unwrap_or(u32::MAX))
        .max_response_body_size(MAX_RESPONSE)
        // Seats are counted here, before the library sees a connection.
        .max_connections(u32::MAX >> 4)
        .max_subscriptions_per_connection(limits.max_subscriptions)
        .set_batch_request_config(BatchRequestConfig::Limit(limits.max_batch))
        .set_message_buffer_capacity(WAITING)
        .enable_ws_ping(PingConfig::new())
        .build()
}

/// The limits of calls in these limits.
pub fn call_limits(limits: &config::Rpc) -> CallLimits {
    CallLimits {
        calls: size(limits.max_calls),
        timeout: limits.call_timeout.duration(),
        response: size(MAX_RESPONSE),
    }
}

fn size(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// Refuses what a browser sends: a page must not reach the socket through some proxy in between.
fn own(headers: &HeaderMap, uri: &Uri) -> Result<(), (Fault, &'static str)> {
    if headers.contains_key(header::ORIGIN) || headers.contains_key(header::REFERER) {
        return Err((browser("requests with Origin or Referer are refused"), "browser"));
    }
    let host = headers.get(header::HOST).map(HeaderValue::as_bytes);
    let host = host.or_else(|| uri.authority().map(|authority| authority.as_str().as_bytes()));
    let name = host.map(|host| host.split(|b| *b == b':').next().unwrap_or_default());
    match name {
        None | Some(b"" | b"localhost" | b"monzod") => Ok(()),
        Some(_) => Err((browser("requests for a foreign Host are refused"), "host")),
    }
}

/// Reads a whole request within its limits.
async fn arrive(
    request: hyper::Request<hyper::body::Incoming>,
    limit: u64,
) -> Result<HttpRequest, (StatusCode, Fault, &'static str)> {
    let (parts, body) = request.into_parts();
    let limited = Limited::new(body, usize::try_from(limit).unwrap_or(usize::MAX)).collect();
    match tokio::time::timeout(ARRIVAL, limited).await {
        Ok(Ok(body)) => Ok(HttpRequest::from_parts(parts, HttpBody::new(Full::new(body.to_bytes())))),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            Err((StatusCode::PAYLOAD_TOO_LARGE, too_large(limit), "too_large"))
        }
        Ok(Err(_)) => Err((StatusCode::BAD_REQUEST, broken(), "broken")),
        Err(_) => Err((StatusCode::REQUEST_TIMEOUT, broken(), "slow")),
    }
}

/// An answer that says why a request is not served, in HTTP and in JSON-RPC.
fn refusal(status: StatusCode, fault: Fault) -> HttpResponse {
    let error = ErrorObjectOwned::from(fault);
    let response = Response::<()>::new(ResponsePayload::Error(error), Id::Null);
    let body = serde_json::to_vec(&response).unwrap_or_default();
    let mut answer = HttpResponse::new(HttpBody::new(Full::new(Bytes::from(body))));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    told(answer)
}

/// The answer with the version that gave it.
fn told(mut answer: HttpResponse) -> HttpResponse {
    answer.headers_mut().insert(&VERSION_HEADER, HeaderValue::from_static(VERSION));
    answer
}

fn browser(message: &str) -> Fault {
    Fault::new(FaultKind::NotAllowed, message, "use monzoctl, or curl with `http://localhost/` as address")
}

fn no_seat() -> Fault {
    let hint = "close clients that are not needed, or raise `rpc.max_connections`";
    Fault::new(FaultKind::Busy, "as many clients are connected as the daemon takes", hint).retry_after(1)
}

fn too_large(limit: u64) -> Fault {
    let message = format!("the request has more than the {limit} bytes of `rpc.max_request`");
    Fault::new(FaultKind::InvalidParams, message, "send less at a time, or raise `rpc.max_request`")
}

fn broken() -> Fault {
    Fault::new(FaultKind::InvalidParams, "the request did not arrive whole", "send it again")
}

fn unserved() -> Fault {
    Fault::new(FaultKind::Internal, "the request could not be served", "send it again")
}

#[cfg(test)]
mod tests;
