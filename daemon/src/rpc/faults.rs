//! The faults with which the middleware and the server refuse a call.

use jsonrpsee::types::ErrorObjectOwned;
use monzo_common::fault::{Fault, FaultKind};
use monzo_common::shell;

use super::peer::Peer;

const LOG_HINT: &str = "look into the daemon's log: `journalctl -u monzod -e`";

/// JSON-RPC's own number, because clients know it, with the code of our table.
pub(super) fn unknown_method() -> ErrorObjectOwned {
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

pub(super) fn role_too_low(method: &str, peer: &Peer) -> Fault {
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

pub(super) fn rescue(method: &str) -> Fault {
    let message = format!("the database cannot be used, and {method} needs it");
    Fault::new(FaultKind::Rescue, message, "`monzoctl status` says why, and what mends it")
}

pub(super) fn needs_websocket(method: &str) -> Fault {
    let message = format!("{method} needs a WebSocket, and a request of its own in it");
    let hint = "connect to the same socket with a WebSocket client, and ask for it outside of batches";
    Fault::new(FaultKind::InvalidParams, message, hint)
}

pub(super) fn too_many_calls() -> Fault {
    Fault::new(FaultKind::Busy, "the daemon is working on as many calls as it takes", "try again in a moment")
        .retry_after(1)
}

pub(super) fn too_many_answers() -> Fault {
    let message = "too much that was asked for has not been read yet";
    Fault::new(FaultKind::Busy, message, "read the answers, or ask for less at a time").retry_after(1)
}

pub(super) fn too_many_subscriptions(most: u32) -> Fault {
    let message =
        format!("this connection has {most} subscriptions, as many as `rpc.max_subscriptions` allows");
    Fault::new(FaultKind::Busy, message, "end one of them first")
}

pub(super) fn timed_out(method: &str) -> Fault {
    let message = format!("{method} took longer than `rpc.call_timeout` allows and was given up");
    Fault::new(
        FaultKind::TimedOut,
        message,
        "ask for less at a time, or try again when the machine is less busy",
    )
}

pub(super) fn goes_on(method: &str) -> Fault {
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

pub(super) fn stopping() -> Fault {
    Fault::new(FaultKind::Stopping, "the daemon is stopping", "try again when it is up")
}
