//! What every call passes before its handler: roles, rescue mode, limits, panics, metrics and the audit.
//!
//! A method that is not declared in [`monzo_common::api`] does not exist here. An operator's call runs as a task of
//! its own, so that nothing is cancelled when the client hangs up, or when the call takes longer than it is waited
//! for. Arguments are never logged, measured or audited: they can hold codes and secrets.

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
use monzo_common::api::{self, Method};
use monzo_common::fault::{Fault, FaultKind};
use monzo_common::model::{Mode, Role};
use serde_json::value::RawValue;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::arguments;
use super::faults::{
    goes_on, internal, needs_websocket, rescue, role_too_low, timed_out, too_many_answers, too_many_calls,
    too_many_subscriptions, unknown_method,
};
use super::peer::Peer;
use super::shares::{Share, Shares};
use crate::metrics::Metrics;
use crate::store::Audited;

/// Who calls, as decided when the connection was made.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The user and process.
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

/// Records calls of operators; it must not block.
pub type Audit = Arc<dyn Fn(Audited) + Send + Sync>;

/// What the middleware is made of.
pub struct Parts {
    /// The handlers.
    pub methods: Methods,
    /// Limits of calls.
    pub limits: CallLimits,
    /// Counts calls.
    pub metrics: Arc<Metrics>,
    /// Whether everything is served, or only what repairs the database.
    pub mode: watch::Receiver<Mode>,
    /// Records calls of operators.
    pub audit: Audit,
    /// Tasks that the daemon waits for when it stops.
    pub tasks: TaskTracker,
}

/// What every call passes before its handler; one for all connections.
pub struct Middleware {
    parts: Parts,
    calls: Shares,
    answers: Shares,
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
    pub held: Option<Share>,
    /// The subscription has sent it itself.
    pub sent: bool,
}

impl Answer {
    fn new(response: MethodResponse, held: Option<Share>) -> Self {
        let sent = response.is_subscription();
        Self { json: response.into_json(), held, sent }
    }

    /// The answer that tells an error.
    fn error(id: Id<'_>, error: impl Into<ErrorObjectOwned>) -> Self {
        Self::new(MethodResponse::error(id, error.into()), None)
    }
}

/// Calls that ask the bank wait for it and for one repeat. Taste.
const BANK_LIMIT: Duration = Duration::from_secs(120);

/// Copying and checking years of history takes minutes on a slow card. Taste.
const COPY_LIMIT: Duration = Duration::from_secs(30 * 60);

/// Answers up to this size are given even to somebody who has much unread. Taste: errors and most answers.
const SMALL: u64 = 4 * 1024;

/// Whether a call that gets another answer than its own can simply be made again.
fn only_reads(method: &Method) -> bool {
    method.role == Role::Viewer || method.name == "backup.read"
}

/// How long a call of the method is waited for.
fn time_limit(method: &str, usual: Duration) -> Duration {
    match method {
        "auth.begin" | "auth.complete" | "auth.logout" | "auth.renew" | "auth.whoami" => {
            usual.max(BANK_LIMIT)
        }
        "backup.create" | "backup.verify" | "backup.restore" => usual.max(COPY_LIMIT),
        _ => usual,
    }
}

impl Middleware {
    /// The middleware before these handlers.
    pub fn new(parts: Parts) -> Self {
        let CallLimits { calls, answers, .. } = parts.limits;
        Self { parts, calls: Shares::new(calls), answers: Shares::new(answers) }
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
        let Some(method) = api::method(request.method_name()) else {
            self.parts.metrics.call("unknown", Some(FaultKind::NotFound.code()), began.elapsed());
            return Answer::error(id, unknown_method());
        };
        let place = match self.check(method, caller, link, &request) {
            Ok(place) => place,
            Err(fault) => {
                self.parts.metrics.call(method.name, Some(fault.kind.code()), began.elapsed());
                return Answer::error(id, fault);
            }
        };
        let limit = time_limit(method.name, self.parts.limits.timeout);
        let work = Arc::clone(self).work(request, method, caller.clone(), link.cloned(), began, place);
        if method.role == Role::Operator {
            let task = self.parts.tasks.spawn(work);
            return match tokio::time::timeout(limit, task).await {
                Ok(Ok(answer)) => answer,
                Ok(Err(_)) => Answer::error(id, internal()),
                Err(_) => Answer::error(id, goes_on(method.name)),
            };
        }
        match tokio::time::timeout(limit, work).await {
            Ok(answer) => answer,
            Err(_) => {
                self.record(method, caller, began, Some(FaultKind::TimedOut));
                Answer::error(id, timed_out(method.name))
            }
        }
    }

    /// Takes the place of a call that may be made, or says why it may not.
    fn check(
        &self,
        method: &Method,
        caller: &Caller,
        link: Option<&Link>,
        request: &Request<'_>,
    ) -> Result<Share, Fault> {
        if caller.role < method.role {
            return Err(role_too_low(method.name, &caller.peer));
        }
        if *self.parts.mode.borrow() == Mode::Rescue && !method.rescue {
            return Err(rescue(method.name));
        }
        if link.is_none() && method.subscription {
            return Err(needs_websocket(method.name));
        }
        arguments::check(method.name, request.params.as_deref())?;
        self.calls.take(caller.peer.uid, caller.role, 1).ok_or_else(too_many_calls)
    }

    /// Calls the handler and records how it went; a panic becomes a fault.
    async fn work(
        self: Arc<Self>,
        request: Request<'static>,
        method: &'static Method,
        caller: Caller,
        link: Option<Link>,
        began: Instant,
        place: Share,
    ) -> Answer {
        let id = request.id();
        // Whatever the handler was changing is in the store's transaction, which a panic rolls back.
        let handler = AssertUnwindSafe(self.dispatch(request, &caller, link));
        let (response, fault) = match handler.catch_unwind().await {
            Ok(response) => with_our_codes(id.clone(), response),
            Err(_) => {
                self.parts.metrics.panicked();
                tracing::error!(method = method.name, "a handler panicked; this is a bug");
                (
                    MethodResponse::error(id.clone(), ErrorObjectOwned::from(internal())),
                    Some(FaultKind::Internal),
                )
            }
        };
        drop(place);
        let size = u64::try_from(response.as_json().get().len()).unwrap_or(u64::MAX);
        let held = self.answers.take(caller.peer.uid, caller.role, size);
        let refused = held.is_none() && size > SMALL && only_reads(method);
        let fault = if refused { Some(FaultKind::Busy) } else { fault };
        self.record(method, &caller, began, fault);
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

    /// Records how a call ended.
    fn record(&self, method: &'static Method, caller: &Caller, began: Instant, fault: Option<FaultKind>) {
        let failure = fault.map(FaultKind::code);
        self.parts.metrics.call(method.name, failure, began.elapsed());
        if method.role == Role::Operator {
            (self.parts.audit)(Audited {
                uid: caller.peer.uid,
                pid: caller.peer.pid,
                method: method.name.to_owned(),
                outcome: failure.unwrap_or("ok").to_owned(),
            });
        }
    }
}

/// The answer, where errors of the library get the code and hint that ours have.
fn with_our_codes(id: Id<'static>, response: MethodResponse) -> (MethodResponse, Option<FaultKind>) {
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
