//! The Unix socket: HTTP/1 and WebSocket on one listener, roles decided before anything is read.
//!
//! Whoever has a role gets a place among the connections, as far as their share goes. Whoever has none, or has all
//! of their share, is told so: a refusal that explains itself beats a closed door.

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use jsonrpsee::server::{BoundedSubscriptions, ConnectionId, MethodSink, ws};
use monzo_common::fault::{Fault, FaultKind};
use monzo_common::model::Role;
use soketto::handshake::http::Server as Handshake;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::access::Grants;
use super::faults::no_role;
use super::http::{self, Answer, Refused, not_a_call, own, refusal, too_large, versioned};
use super::message::Sender;
use super::middleware::{CallLimits, Caller, Link, Middleware};
use super::peer::{Credentials, Lookup};
use super::shares::{Share, Shares};
use super::strangers::{self, Strangers};
use super::stream::Stream;
use super::websocket::{self, Session};
use crate::config;
use crate::host::connections::Connections;
use crate::metrics::Metrics;

/// Refusals that are being told at a time, of each kind; the newest wins. Taste.
const REFUSALS: usize = 4;

/// How long a refusal may take to be fetched. Taste.
const REFUSAL: Duration = Duration::from_secs(5);

/// Peers looked up at a time; others wait in the listener's queue. Taste: half of the threads that block.
const LOOKUPS: usize = 4;

/// The largest request of a viewer, in bytes, if `rpc.max_request` is larger: only operators send documents. Taste.
pub const ASKING: u64 = 64 * 1024;

/// The largest answer, in bytes. Taste: 500 transactions with their raw JSON are two MiB.
pub const MAX_RESPONSE: u32 = 8 * 1024 * 1024;

/// Bytes of all answers that wait until they are read. Taste: one viewer may have a quarter, which is a largest one.
const ANSWERS: u64 = 4 * MAX_RESPONSE as u64;

/// What the server stands on.
pub struct Parts {
    /// Limits of connections and requests.
    pub limits: config::Rpc,
    /// The handlers, with what every call passes before them.
    pub middleware: Middleware,
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
    middleware: Arc<Middleware>,
    grants: watch::Receiver<Grants>,
    lookup: Lookup,
    metrics: Arc<Metrics>,
    seats: Shares,
    strangers: Mutex<Strangers>,
    without_role: Connections,
    without_seat: Connections,
    connections: TaskTracker,
    next: AtomicUsize,
}

/// One connection of somebody with a role.
#[derive(Clone)]
struct Connection {
    inner: Arc<Inner>,
    caller: Caller,
    /// It is to end when what is worked on is answered.
    ending: CancellationToken,
    /// The WebSocket that it may become.
    sessions: TaskTracker,
}

impl Server {
    /// A server of these parts.
    pub fn new(parts: Parts) -> Self {
        let Parts { limits, middleware, grants, lookup, metrics } = parts;
        let seats = Shares::new(limits.max_connections.into());
        Self(Arc::new(Inner {
            limits,
            middleware: Arc::new(middleware),
            grants,
            lookup,
            metrics,
            seats,
            strangers: Mutex::default(),
            without_role: Connections::new(REFUSALS),
            without_seat: Connections::new(REFUSALS),
            connections: TaskTracker::new(),
            next: AtomicUsize::new(0),
        }))
    }

    /// Serves until `stop`, then until every call in flight is answered; subscriptions end at once.
    pub async fn run(&self, listener: UnixListener, stop: CancellationToken) {
        let lookups = Arc::new(Semaphore::new(LOOKUPS));
        let mut minute = tokio::time::interval(strangers::EVERY);
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => break,
                _ = minute.tick() => {
                    self.strangers(|strangers| strangers.minute()).iter().for_each(strangers::Line::log);
                    continue;
                }
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

    fn strangers<T>(&self, note: impl FnOnce(&mut Strangers) -> T) -> T {
        note(&mut self.0.strangers.lock().unwrap_or_else(PoisonError::into_inner))
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
            if let Some(line) = self.strangers(|strangers| strangers.refused(peer.uid)) {
                line.log();
            }
            self.0.metrics.rpc_refused("no_role");
            return refuse(&self.0.without_role, stream, StatusCode::FORBIDDEN, no_role(&peer), stop);
        };
        let Some(seat) = self.0.seats.take(peer.uid, role, 1) else {
            self.0.metrics.rpc_refused("full");
            return refuse(&self.0.without_seat, stream, StatusCode::SERVICE_UNAVAILABLE, no_seat(), stop);
        };
        let connection = Connection {
            inner: Arc::clone(&self.0),
            caller: Caller { peer: Arc::new(peer), role },
            ending: stop.child_token(),
            sessions: TaskTracker::new(),
        };
        connection.serve(stream, grants, seat).await;
    }
}

impl Connection {
    /// Serves until the client goes, the daemon stops, or the client's role changes.
    async fn serve(self, stream: UnixStream, mut grants: watch::Receiver<Grants>, seat: Share) {
        let _counted = self.inner.metrics.connected();
        let service = service_fn(|request| self.clone().answer(request));
        let http =
            http::builder().serve_connection(TokioIo::new(Stream::new(stream)), service).with_upgrades();
        let talk = async {
            tokio::pin!(http);
            // Whatever the client did wrong has been answered, or could not be.
            let _ = tokio::select! {
                ended = http.as_mut() => ended,
                () = self.ending.cancelled() => {
                    http.as_mut().graceful_shutdown();
                    http.await
                }
            };
            self.sessions.close();
            self.sessions.wait().await;
        };
        tokio::pin!(talk);
        tokio::select! {
            () = &mut talk => {}
            () = changed(&mut grants, &self.caller) => {
                tracing::info!(uid = self.caller.peer.uid, "a connection was closed because its role changed");
                self.ending.cancel();
                talk.await;
            }
        }
        drop(seat);
    }

    /// Answers one request.
    async fn answer(self, request: Request<Incoming>) -> Result<Answer, Infallible> {
        let answer = match own(request.headers(), request.uri()) {
            Err(fault) => Err(fault),
            Ok(()) if ws::is_upgrade_request(&request) => self.upgrade(request),
            Ok(()) => http::call(request, self.max_request(), &self.sender(None)).await,
        };
        Ok(answer.unwrap_or_else(|(status, fault, reason)| {
            self.inner.metrics.rpc_refused(reason);
            refusal(status, fault)
        }))
    }

    /// Lets the connection become a WebSocket.
    fn upgrade(&self, request: Request<Incoming>) -> Result<Answer, Refused> {
        let mut handshake = Handshake::new();
        let answer = handshake.receive_request(&request).map_err(|error| {
            let fault = not_a_call("this cannot become a WebSocket").because(&error);
            (StatusCode::BAD_REQUEST, fault, "not_a_call")
        })?;
        let (sink, events) = mpsc::channel(websocket::WAITING);
        let link = Link {
            connection: ConnectionId(self.inner.next.fetch_add(1, Ordering::Relaxed)),
            sink: MethodSink::new(sink),
            subscriptions: BoundedSubscriptions::new(self.inner.limits.max_subscriptions),
        };
        let session = Session {
            sender: self.sender(Some(link)),
            events,
            max_request: size(self.max_request()),
            too_large: too_large(self.max_request()),
            ending: self.ending.clone(),
        };
        self.sessions.spawn(async move {
            // Otherwise the client has gone meanwhile.
            if let Ok(upgraded) = hyper::upgrade::on(request).await {
                session.serve(handshake, upgraded).await;
            }
        });
        let (parts, ()) = answer.into_parts();
        Ok(versioned(Response::from_parts(parts, Full::default())))
    }

    fn sender(&self, link: Option<Link>) -> Sender {
        Sender {
            middleware: Arc::clone(&self.inner.middleware),
            caller: self.caller.clone(),
            link,
            max_batch: size(self.inner.limits.max_batch.into()),
        }
    }

    fn max_request(&self) -> u64 {
        let limit = self.inner.limits.max_request.bytes();
        match self.caller.role {
            Role::Viewer => limit.min(ASKING),
            Role::Operator => limit,
        }
    }
}

/// Says why a connection is not served.
fn refuse(
    connections: &Connections,
    stream: UnixStream,
    status: StatusCode,
    fault: Fault,
    stop: CancellationToken,
) {
    connections.admit(|asked| async move {
        let service = service_fn(move |_: Request<Incoming>| {
            asked.note();
            std::future::ready(Ok::<_, Infallible>(refusal(status, fault.clone())))
        });
        let mut http = http::builder();
        let told = http.keep_alive(false).serve_connection(TokioIo::new(Stream::new(stream)), service);
        // Who does not ask or fetch the answer goes without.
        stop.run_until_cancelled(tokio::time::timeout(REFUSAL, told)).await;
    });
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

/// Waits until the grants give the caller another role.
async fn changed(grants: &mut watch::Receiver<Grants>, caller: &Caller) {
    while grants.changed().await.is_ok() {
        if grants.borrow_and_update().role(&caller.peer) != Some(caller.role) {
            return;
        }
    }
    // Nobody can change them any more.
    std::future::pending::<()>().await;
}

/// The limits of calls in these limits.
pub fn call_limits(limits: &config::Rpc) -> CallLimits {
    CallLimits {
        calls: limits.max_calls.into(),
        timeout: limits.call_timeout.duration(),
        response: size(MAX_RESPONSE.into()),
        answers: ANSWERS,
    }
}

fn size(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn no_seat() -> Fault {
    let hint = "try again in a moment, or close clients of yours; `rpc.max_connections` says how many there may be in all";
    Fault::new(FaultKind::Busy, "the daemon has no room for another connection of yours", hint).retry_after(1)
}

#[cfg(test)]
mod tests;
