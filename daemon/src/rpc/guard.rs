//! What stands before every handler: roles, rescue mode, limits, panics, metrics and the audit.
//!
//! A method that is not in the table of permissions does not exist here. What an operator calls runs as a task of
//! its own, so that a client that hangs up, or a call that takes too long to be waited for, cancels nothing.
//! Arguments are never logged, measured or audited: they can hold codes and secrets.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use jsonrpsee::core::id_providers::RandomIntegerIdProvider;
use jsonrpsee::server::{
    BoundedSubscriptions, ConnectionId, Extensions, MethodCallback, MethodResponse, MethodSink, Methods,
    SubscriptionState,
};
use jsonrpsee::types::{ErrorObjectOwned, Id, Params, Request, Response, ResponsePayload};
use monzo_common::fault::{Fault, FaultKind};
use monzo_common::model::{Mode, Role};
use monzo_common::permission::{Permission, permission};
use monzo_common::shell;
use serde_json::value::RawValue;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::arguments;
use super::peer::Peer;
use super::places::{Place, Places};
use crate::metrics::Metrics;
use crate::store::Audited;

/// Whoever calls, as decided when the connection was made.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who.
    pub peer: Arc<Peer>,
    /// What they may do.
    pub role: Role,
}

/// How subscriptions reach a WebSocket; plain HTTP has none.
#[derive(Debug, Clone)]
pub struct Link {
    /// Tells its subscriptions from those of others.
    pub connection: ConnectionId,
    /// Where messages go.
    pub sink: MethodSink,
    /// How many subscriptions there may be.
    pub subscriptions: BoundedSubscriptions,
}

/// Where calls of operators are noted; it must not block.
pub type Audit = Arc<dyn Fn(Audited) + Send + Sync>;

/// What a gate stands on.
pub struct Parts {
    /// The methods behind it.
    pub methods: Methods,
    /// What it lets through.
    pub limits: CallLimits,
    /// Counts calls.
    pub metrics: Arc<Metrics>,
    /// What is served at present.
    pub mode: watch::Receiver<Mode>,
    /// Where calls of operators are noted.
    pub audit: Audit,
    /// What the daemon waits for when it stops.
    pub tasks: TaskTracker,
}

/// What every call passes; one for all connections.
pub struct Gate {
    parts: Parts,
    calls: Places,
    answers: Places,
}

/// Limits of calls, beside what the connection has.
#[derive(Debug, Clone, Copy)]
pub struct CallLimits {
    /// Calls worked on at a time.
    pub calls: u64,
    /// How long a call is waited for.
    pub timeout: Duration,
    /// The largest answer, in bytes.
    pub response: usize,
    /// Bytes of all answers that wait for their readers.
    pub answers: u64,
}

/// The answer to a call.
#[derive(Debug)]
pub struct Answer {
    /// The whole JSON-RPC response.
    pub json: Box<RawValue>,
    /// Its share of the bytes that may wait; kept until the answer is written.
    pub held: Option<Place>,
    /// The subscription has sent it itself.
    pub sent: bool,
}

impl Answer {
    fn new(response: MethodResponse, held: Option<Place>) -> Self {
        let sent = response.is_subscription();
        Self { json: response.into_json(), held, sent }
    }

    /// The answer that tells an error.
    fn error(id: Id<'_>, error: impl Into<ErrorObjectOwned>) -> Self {
        Self::new(MethodResponse::error(id, error.into()), None)
    }
}

/// Calls that ask the bank wait for it and for one repeat. Taste.
const BANK_PATIENCE: Duration = Duration::from_secs(120);

/// Copying and checking years of history takes minutes on a slow card. Taste.
const COPY_PATIENCE: Duration = Duration::from_secs(30 * 60);

/// Answers up to this size are given even to somebody who has much unread. Taste: errors and most answers.
const SMALL: u64 = 4 * 1024;

/// Whether a call that gets another answer than its own can simply be made again.
fn only_reads(permission: &Permission) -> bool {
    permission.role == Role::Viewer || permission.method == "backup.read"
}

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
    /// A gate before these methods.
    pub fn new(parts: Parts) -> Self {
        let CallLimits { calls, answers, .. } = parts.limits;
        Self { parts, calls: Places::new(calls), answers: Places::new(answers) }
    }

    /// The largest answer, in bytes.
    pub fn max_response(&self) -> usize {
        self.parts.limits.response
    }

    /// Answers a call, or says why not.
    pub async fn call(
        self: &Arc<Self>,
        request: Request<'static>,
        caller: &Caller,
        link: Option<&Link>,
    ) -> Answer {
        let began = Instant::now();
        let id = request.id();
        let Some(permission) = permission(request.method_name()) else {
            self.parts.metrics.call("unknown", Some(FaultKind::NotFound.code()), began.elapsed());
            return Answer::error(id, unknown_method());
        };
        let place = match self.admit(permission, caller, link, &request) {
            Ok(place) => place,
            Err(fault) => {
                self.parts.metrics.call(permission.method, Some(fault.kind.code()), began.elapsed());
                return Answer::error(id, fault);
            }
        };
        let limit = patience(permission.method, self.parts.limits.timeout);
        let work = Arc::clone(self).work(request, permission, caller.clone(), link.cloned(), began, place);
        if permission.role == Role::Operator {
            let task = self.parts.tasks.spawn(work);
            return match tokio::time::timeout(limit, task).await {
                Ok(Ok(answer)) => answer,
                Ok(Err(_)) => Answer::error(id, internal()),
                Err(_) => Answer::error(id, goes_on(permission.method)),
            };
        }
        match tokio::time::timeout(limit, work).await {
            Ok(answer) => answer,
            Err(_) => {
                self.note(permission, caller, began, Some(FaultKind::TimedOut));
                Answer::error(id, timed_out(permission.method))
            }
        }
    }

    /// Lets a call in, or says why not.
    fn admit(
        &self,
        permission: &Permission,
        caller: &Caller,
        link: Option<&Link>,
        request: &Request<'_>,
    ) -> Result<Place, Fault> {
        if caller.role < permission.role {
            return Err(role_too_low(permission.method, &caller.peer));
        }
        if *self.parts.mode.borrow() == Mode::Rescue && !permission.rescue {
            return Err(rescue(permission.method));
        }
        if link.is_none() && is_subscription(permission.method) {
            return Err(needs_websocket(permission.method));
        }
        arguments::check(permission.method, request.params.as_deref())?;
        self.calls.take(caller.peer.uid, caller.role, 1).ok_or_else(too_many_calls)
    }

    /// Calls the handler and notes how it went; a panic becomes a fault.
    async fn work(
        self: Arc<Self>,
        request: Request<'static>,
        permission: &'static Permission,
        caller: Caller,
        link: Option<Link>,
        began: Instant,
        place: Place,
    ) -> Answer {
        let id = request.id();
        // Whatever the handler was changing is in the store's transaction, which a panic rolls back.
        let handler = AssertUnwindSafe(self.dispatch(request, &caller, link));
        let (response, fault) = match handler.catch_unwind().await {
            Ok(response) => settled(id.clone(), response),
            Err(_) => {
                self.parts.metrics.panicked();
                tracing::error!(method = permission.method, "a handler panicked; this is a bug");
                (
                    MethodResponse::error(id.clone(), ErrorObjectOwned::from(internal())),
                    Some(FaultKind::Internal),
                )
            }
        };
        drop(place);
        let size = u64::try_from(response.as_json().get().len()).unwrap_or(u64::MAX);
        let held = self.answers.take(caller.peer.uid, caller.role, size);
        let refused = held.is_none() && size > SMALL && only_reads(permission);
        let fault = if refused { Some(FaultKind::Busy) } else { fault };
        self.note(permission, &caller, began, fault);
        match refused {
            true => Answer::error(id, too_many_answers()),
            false => Answer::new(response, held),
        }
    }

    /// Calls the handler.
    async fn dispatch(
        &self,
        request: Request<'static>,
        caller: &Caller,
        link: Option<Link>,
    ) -> MethodResponse {
        let Request { id, method, params, .. } = request;
        let params = Params::new(params.as_ref().map(|params| params.get()));
        let mut extensions = Extensions::new();
        extensions.insert(caller.clone());
        let connection = link.as_ref().map_or(ConnectionId(0), |link| link.connection);
        let limit = self.max_response();
        match (self.parts.methods.method(&method), link) {
            (Some(MethodCallback::Sync(handler)), _) => handler(id, params, limit, extensions),
            (Some(MethodCallback::Async(handler)), _) => {
                handler(id, params.into_owned(), connection, limit, extensions).await
            }
            (Some(MethodCallback::Unsubscription(handler)), _) => {
                handler(id, params, connection, limit, extensions)
            }
            (Some(MethodCallback::Subscription(handler)), Some(link)) => {
                let Some(subscription_permit) = link.subscriptions.acquire() else {
                    let fault = too_many_subscriptions(link.subscriptions.max());
                    return MethodResponse::error(id, ErrorObjectOwned::from(fault));
                };
                let state = SubscriptionState {
                    conn_id: connection,
                    id_provider: &RandomIntegerIdProvider,
                    subscription_permit,
                };
                handler(id, params, link.sink, state, extensions).await
            }
            (Some(MethodCallback::Subscription(_)), None) => {
                MethodResponse::error(id, ErrorObjectOwned::from(needs_websocket(&method)))
            }
            (None, _) => MethodResponse::error(id, unknown_method()),
        }
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
        self.parts.metrics.call(permission.method, failure, began.elapsed());
        if permission.role == Role::Operator {
            (self.parts.audit)(Audited {
                uid: caller.peer.uid,
                pid: caller.peer.pid,
                method: permission.method.to_owned(),
                outcome: failure.unwrap_or("ok").to_owned(),
            });
        }
    }
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
    let message = format!("{method} needs a WebSocket, and a request of its own in it");
    let hint = "connect to the same socket with a WebSocket client, and ask for it outside of batches";
    Fault::new(FaultKind::InvalidParams, message, hint)
}

fn too_many_calls() -> Fault {
    Fault::new(FaultKind::Busy, "the daemon is working on as many calls as it takes", "try again in a moment")
        .retry_after(1)
}

fn too_many_answers() -> Fault {
    let message = "too much that was asked for has not been read yet";
    Fault::new(FaultKind::Busy, message, "read the answers, or ask for less at a time").retry_after(1)
}

fn too_many_subscriptions(most: u32) -> Fault {
    let message =
        format!("this connection has {most} subscriptions, as many as `rpc.max_subscriptions` allows");
    Fault::new(FaultKind::Busy, message, "end one of them first")
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
