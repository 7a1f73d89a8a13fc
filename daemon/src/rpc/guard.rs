//! What stands before every handler: roles, rescue mode, limits, panics, metrics and the audit.
//!
//! A method that is not in the table of permissions does not exist here. What an operator calls runs as a task of
//! its own, so that a client that hangs up, or a call that takes too long to be waited for, cancels nothing.
//! Arguments are never logged, measured or audited: they can hold codes and secrets.

use std::borrow::Cow;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use jsonrpsee::core::middleware::{Batch, BatchEntry, Notification, RpcServiceT};
use jsonrpsee::server::{BatchResponseBuilder, MethodResponse};
use jsonrpsee::types::{ErrorObjectOwned, Id, Request, Response, ResponsePayload};
use monzo_common::fault::{Fault, FaultKind};
use monzo_common::model::{Mode, Role};
use monzo_common::permission::{Permission, permission};
use monzo_common::shell;
use serde_json::value::RawValue;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::peer::Peer;
use crate::metrics::Metrics;
use crate::store::Audited;

/// Whoever calls, as decided when the connection was made.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who.
    pub peer: Arc<Peer>,
    /// What they may do.
    pub role: Role,
    /// The connection can carry subscriptions.
    pub websocket: bool,
}

/// Where calls of operators are noted; it must not block.
pub type Audit = Arc<dyn Fn(Audited) + Send + Sync>;

/// What every call passes; one for all connections.
pub struct Gate {
    metrics: Arc<Metrics>,
    mode: watch::Receiver<Mode>,
    audit: Audit,
    tasks: TaskTracker,
    calls: Arc<Semaphore>,
    call_timeout: Duration,
    max_response: usize,
}

/// Limits of calls, beside what the connection has.
#[derive(Debug, Clone, Copy)]
pub struct CallLimits {
    /// Calls worked on at a time.
    pub calls: usize,
    /// How long a call is waited for.
    pub timeout: Duration,
    /// The largest answer, in bytes.
    pub response: usize,
}

/// Calls that ask the bank wait for it and for one repeat. Taste.
const BANK_PATIENCE: Duration = Duration::from_secs(120);

/// Copying and checking years of history takes minutes on a slow card. Taste.
const COPY_PATIENCE: Duration = Duration::from_secs(30 * 60);

fn patience(method: &str, usual: Duration) -> Duration {
    match method {
        "auth.begin" | "auth.complete" | "auth.logout" | "auth.renew" | "auth.whoami" => {
            usual.max(BANK_PATIENCE)
        }
        "backup.create" | "backup.verify" | "backup.restore" => usual.max(COPY_PATIENCE),
        _ => usual,
    }
}

impl Gate {
    /// A gate; `tasks` is what the daemon waits for when it stops.
    pub fn new(
        limits: CallLimits,
        metrics: Arc<Metrics>,
        mode: watch::Receiver<Mode>,
        audit: Audit,
        tasks: TaskTracker,
    ) -> Self {
        let calls = Arc::new(Semaphore::new(limits.calls));
        Self {
            metrics,
            mode,
            audit,
            tasks,
            calls,
            call_timeout: limits.timeout,
            max_response: limits.response,
        }
    }

    /// Lets a call in, or says why not.
    fn admit(&self, permission: &Permission, caller: Option<&Caller>) -> Result<OwnedSemaphorePermit, Fault> {
        let caller = caller.ok_or_else(internal)?;
        if caller.role < permission.role {
            return Err(role_too_low(permission.method, &caller.peer));
        }
        if *self.mode.borrow() == Mode::Rescue && !permission.rescue {
            return Err(rescue(permission.method));
        }
        if !caller.websocket && is_subscription(permission.method) {
            return Err(needs_websocket(permission.method));
        }
        Arc::clone(&self.calls).try_acquire_owned().map_err(|_| too_many_calls())
    }

    /// Notes how a call ended.
    fn note(
        &self,
        permission: &'static Permission,
        caller: &Caller,
        began: Instant,
        fault: Option<FaultKind>,
    ) {
        let failure = fault.map(FaultKind::code);
        self.metrics.call(permission.method, failure, began.elapsed());
        if permission.role == Role::Operator {
            (self.audit)(Audited {
                uid: caller.peer.uid,
                pid: caller.peer.pid,
                method: permission.method.to_owned(),
                outcome: failure.unwrap_or("ok").to_owned(),
            });
        }
    }
}

/// Puts a service behind the gate.
#[derive(Clone)]
pub struct Guarded(Arc<Gate>);

impl Guarded {
    /// Behind this one.
    pub fn behind(gate: Gate) -> Self {
        Self(Arc::new(gate))
    }
}

impl<S> tower::Layer<S> for Guarded {
    type Service = Guard<S>;

    fn layer(&self, inner: S) -> Guard<S> {
        Guard { inner, gate: Arc::clone(&self.0) }
    }
}

/// The RPC service behind the gate.
#[derive(Clone)]
pub struct Guard<S> {
    inner: S,
    gate: Arc<Gate>,
}

impl<S> Guard<S>
where
    S: RpcServiceT<MethodResponse = MethodResponse> + Clone + Send + Sync + 'static,
{
    async fn pass(self, request: Request<'_>) -> MethodResponse {
        let began = Instant::now();
        let id = request.id().into_owned();
        let Some(permission) = permission(request.method_name()) else {
            self.gate.metrics.call("unknown", Some(FaultKind::NotFound.code()), began.elapsed());
            return MethodResponse::error(id, unknown_method());
        };
        let caller = request.extensions().get::<Caller>().cloned();
        let (permit, caller) = match (self.gate.admit(permission, caller.as_ref()), caller) {
            (Ok(permit), Some(caller)) => (permit, caller),
            (Err(fault), _) => {
                self.gate.metrics.call(permission.method, Some(fault.kind.code()), began.elapsed());
                return MethodResponse::error(id, ErrorObjectOwned::from(fault));
            }
            (Ok(_), None) => return MethodResponse::error(id, ErrorObjectOwned::from(internal())),
        };
        let gate = Arc::clone(&self.gate);
        let limit = patience(permission.method, gate.call_timeout);
        if permission.role == Role::Operator {
            let task = gate.tasks.spawn(self.work(owned(request), permission, caller, began, permit));
            return match tokio::time::timeout(limit, task).await {
                Ok(Ok(response)) => response,
                Ok(Err(_)) => MethodResponse::error(id, ErrorObjectOwned::from(internal())),
                Err(_) => MethodResponse::error(id, ErrorObjectOwned::from(goes_on(permission.method))),
            };
        }
        let work = self.work(request, permission, caller.clone(), began, permit);
        match tokio::time::timeout(limit, work).await {
            Ok(response) => response,
            Err(_) => {
                gate.note(permission, &caller, began, Some(FaultKind::TimedOut));
                MethodResponse::error(id, ErrorObjectOwned::from(timed_out(permission.method)))
            }
        }
    }

    /// Calls the handler and notes how it went; a panic becomes a fault.
    async fn work(
        self,
        request: Request<'_>,
        permission: &'static Permission,
        caller: Caller,
        began: Instant,
        permit: OwnedSemaphorePermit,
    ) -> MethodResponse {
        let id = request.id().into_owned();
        // Whatever the handler was changing is in the store's transaction, which a panic rolls back.
        let handler = AssertUnwindSafe(async { self.inner.call(request).await });
        let (response, fault) = match handler.catch_unwind().await {
            Ok(response) => settled(id, response),
            Err(_) => {
                self.gate.metrics.panicked();
                tracing::error!(method = permission.method, "a handler panicked; this is a bug");
                (MethodResponse::error(id, ErrorObjectOwned::from(internal())), Some(FaultKind::Internal))
            }
        };
        drop(permit);
        self.gate.note(permission, &caller, began, fault);
        response
    }
}

impl<S> RpcServiceT for Guard<S>
where
    S: RpcServiceT<MethodResponse = MethodResponse> + Clone + Send + Sync + 'static,
{
    type MethodResponse = MethodResponse;
    type NotificationResponse = MethodResponse;
    type BatchResponse = MethodResponse;

    fn call<'a>(&self, request: Request<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        self.clone().pass(request)
    }

    /// One after the other, each through the gate.
    fn batch<'a>(&self, batch: Batch<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        let guard = self.clone();
        async move {
            let mut answers = BatchResponseBuilder::new_with_limit(guard.gate.max_response);
            let mut notified = false;
            for entry in batch {
                let answer = match entry {
                    Ok(BatchEntry::Call(request)) => guard.clone().pass(request).await,
                    Ok(BatchEntry::Notification(_)) => {
                        notified = true;
                        continue;
                    }
                    Err(error) => {
                        let (error, id) = error.into_parts();
                        MethodResponse::error(id, error)
                    }
                };
                if let Err(too_big) = answers.append(answer) {
                    return too_big;
                }
            }
            if answers.is_empty() && notified {
                return MethodResponse::notification();
            }
            MethodResponse::from_batch(answers.finish())
        }
    }

    /// Nothing here happens without an answer.
    fn notification<'a>(&self, _: Notification<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        std::future::ready(MethodResponse::notification())
    }
}

/// The request, for a task that outlives the connection's buffer.
fn owned(request: Request<'_>) -> Request<'static> {
    let Request { id, method, params, extensions, .. } = request;
    let params = params.map(Cow::into_owned);
    let mut owned = Request::owned(method.into_owned(), params, id.into_owned());
    owned.extensions = extensions;
    owned
}

/// The answer in our own words: errors of the library get the code and hint that ours have.
fn settled(id: Id<'static>, response: MethodResponse) -> (MethodResponse, Option<FaultKind>) {
    if response.is_success() {
        return (response, None);
    }
    let parsed = serde_json::from_str::<Response<'_, &RawValue>>(response.as_json().get());
    let fault = match parsed.map(|response| response.payload) {
        Ok(ResponsePayload::Error(error)) => Fault::from_error(&error.into_owned()),
        Ok(ResponsePayload::Success(_)) | Err(_) => internal(),
    };
    let kind = fault.kind;
    // A subscription that was refused has told its client already.
    if response.is_subscription() {
        return (response, Some(kind));
    }
    (MethodResponse::error(id, ErrorObjectOwned::from(fault)), Some(kind))
}

fn is_subscription(method: &str) -> bool {
    method.ends_with(".subscribe") || method.ends_with(".unsubscribe")
}

const LOG_HINT: &str = "look into the daemon's log: `journalctl -u monzod -e`";

/// JSON-RPC's own number, because clients know it, with the code of our table.
fn unknown_method() -> ErrorObjectOwned {
    let fault = Fault::new(
        FaultKind::NotFound,
        "there is no such method",
        "`monzoctl rpc` lists the methods; the daemon may be older than the client",
    );
    let ours = ErrorObjectOwned::from(fault);
    ErrorObjectOwned::owned(-32601, ours.message().to_owned(), ours.data().map(ToOwned::to_owned))
}

/// The fault for whoever has no role here.
pub(super) fn no_role(peer: &Peer) -> Fault {
    let hint = format!(
        "an administrator can let you read, with `sudo monzoctl access add {0}`, or do everything, with `sudo monzoctl access add {0} --role operator`",
        called(peer)
    );
    Fault::new(FaultKind::NotAllowed, "you are not allowed to use monzod", hint)
}

fn role_too_low(method: &str, peer: &Peer) -> Fault {
    let message = format!("{method} is for operators, and you are a viewer");
    let hint = format!(
        "run the command with sudo; or an administrator can make you an operator: `sudo monzoctl access add {} --role operator`",
        called(peer)
    );
    Fault::new(FaultKind::NotAllowed, message, hint)
}

/// What `access add` takes for this user.
fn called(peer: &Peer) -> String {
    peer.name.as_deref().map_or_else(|| peer.uid.to_string(), shell::word)
}

fn rescue(method: &str) -> Fault {
    let message = format!("the database cannot be used, and {method} needs it");
    Fault::new(FaultKind::Rescue, message, "`monzoctl status` says why, and what mends it")
}

fn needs_websocket(method: &str) -> Fault {
    let message = format!("{method} needs a WebSocket, and this is a plain HTTP request");
    Fault::new(FaultKind::InvalidParams, message, "connect to the same socket with a WebSocket client")
}

fn too_many_calls() -> Fault {
    Fault::new(FaultKind::Busy, "the daemon is working on as many calls as it takes", "try again in a moment")
        .retry_after(1)
}

fn timed_out(method: &str) -> Fault {
    let message = format!("{method} took longer than `rpc.call_timeout` allows and was given up");
    Fault::new(
        FaultKind::TimedOut,
        message,
        "ask for less at a time, or try again when the machine is less busy",
    )
}

fn goes_on(method: &str) -> Fault {
    let message = format!("{method} takes longer than a call is waited for; it goes on");
    Fault::new(
        FaultKind::TimedOut,
        message,
        "look at `monzoctl status` and `monzoctl events` for how it ended",
    )
}

pub(super) fn internal() -> Fault {
    Fault::new(FaultKind::Internal, "the daemon met something that it did not expect", LOG_HINT)
}
