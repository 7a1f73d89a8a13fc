//! What becomes of a run that a person asked for and did not approve: it is withdrawn, however the command ended.
//!
//! If even that cannot be done (this process is killed, the daemon does not answer), nobody can approve the run without
//! its id, and it expires within the hour (`daemon/src/autosort/run/propose.rs`).

use std::time::Duration;

use monzo_common::api::client::*;
use monzo_common::model::{Run, RunState};
use tokio::time::timeout;

use crate::client;
use crate::failure::Failure;
use crate::session::Session;
use crate::view;

/// How long somebody who has pressed Ctrl-C waits for it at most; taste.
const WITHDRAWAL: Duration = Duration::from_secs(5);

/// How a run stands that was to be withdrawn.
pub(super) enum Withdrawn {
    /// It has ended without moving anything.
    Ended,
    /// The approval came first.
    Approved,
    /// The daemon could not be asked.
    Unknown(Failure),
}

/// Rejects a run that waits for approval.
pub(super) async fn withdraw(run: &Run, session: &Session) -> Withdrawn {
    match timeout(WITHDRAWAL, reject(&run.id, session)).await {
        Ok(Ok(state)) => match state {
            RunState::Rejected | RunState::Expired | RunState::Cancelled => Withdrawn::Ended,
            _ => Withdrawn::Approved,
        },
        Ok(Err(failure)) => Withdrawn::Unknown(failure),
        Err(_) => Withdrawn::Unknown(Failure::Unreachable {
            message: "monzod did not answer in time".to_owned(),
            cause: None,
            hint: "monzoctl status".to_owned(),
        }),
    }
}

/// Rejects a run, and answers how it stands after that.
async fn reject(id: &str, session: &Session) -> Result<RunState, Failure> {
    // Another connection: an answer may still be on its way on the command's own.
    let daemon = client::connect(&session.sockets()).await?;
    match daemon.client.reject(id.to_owned()).await {
        Ok(answer) => Ok(answer.run.map_or(RunState::Rejected, |run| run.state)),
        // Refused because it no longer waits.
        Err(_) => Ok(daemon.client.run(id.to_owned()).await?.state),
    }
}

/// What to say of a run that could not be withdrawn.
pub(super) fn warning(run: &Run, why: &Failure) -> String {
    let id = view::clean(&run.id);
    format!(
        "warning: {id} could not be withdrawn ({why}); it expires within the hour, and `monzoctl sort reject {id}` ends it now"
    )
}
