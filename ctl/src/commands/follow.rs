//! Following a run to its end, with each transfer as it is settled.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use monzo_common::api::client::*;
use monzo_common::model::{Run, RunState, TransferState};
use tokio::time::{Instant, sleep_until};

use crate::client::Daemon;
use crate::failure::Failure;
use crate::progress_line::ProgressLine;
use crate::session::Session;
use crate::view;

/// How often the run itself is asked for, in case its events do not come.
const LOOK: Duration = Duration::from_millis(500);

/// How long a run that has stopped to wait is stayed with, on the daemon's clock; taste.
const PATIENCE: SignedDuration = SignedDuration::from_mins(5);

/// Follows a run by its events to its end, or until it has waited for longer than a person would.
pub(super) async fn follow(id: &str, daemon: &mut Daemon, session: &mut Session) -> Result<Run, Failure> {
    let mut progress_line = ProgressLine::begin(session);
    let mut events = None;
    let mut waits_since: Option<Timestamp> = None;
    let mut settled = Vec::new();
    loop {
        let run = session.ask(daemon, async |client| client.run(id.to_owned()).await).await?;
        progress(&run, &mut settled, &mut progress_line, session)?;
        match run.state {
            RunState::Executing => waits_since = None,
            RunState::Approved | RunState::Waiting => {
                let now = session.ask(daemon, async |client| client.version().await).await?.now;
                daemon.time.now = now;
                let until = run.expires_at.filter(|_| run.state == RunState::Waiting);
                let since = *waits_since.get_or_insert(now);
                let long = until.is_some_and(|until| until.duration_since(now) > PATIENCE);
                if long || now.duration_since(since) >= PATIENCE {
                    return Ok(run);
                }
            }
            _ => return Ok(run),
        }
        if events.is_none() {
            // Events are a comfort: without them the run is asked for until it ends.
            events = daemon.client.subscribe_events().await.ok();
        }
        let deadline = Instant::now() + LOOK;
        let Some(open) = &mut events else {
            sleep_until(deadline).await;
            continue;
        };
        let gone = tokio::select! {
            event = open.next() => !matches!(event, Some(Ok(_))),
            () = sleep_until(deadline) => false,
        };
        if gone {
            events = None;
            sleep_until(deadline).await;
        }
    }
}

/// Says each transfer once as it is settled, and what the run waits for.
fn progress(
    run: &Run,
    settled: &mut Vec<u32>,
    progress_line: &mut ProgressLine,
    session: &mut Session,
) -> Result<(), Failure> {
    let names = view::plan_names(&run.plan);
    let all = run.transfers.len();
    for transfer in &run.transfers {
        let words = match transfer.state {
            TransferState::Confirmed => "moved",
            TransferState::Failed => "refused",
            TransferState::Planned | TransferState::Requested | TransferState::Cancelled => continue,
        };
        if settled.contains(&transfer.place) {
            continue;
        }
        settled.push(transfer.place);
        let what = view::transfer_words(transfer, &names);
        progress_line.say(session, &format!("{} of {all}: {words} {what}", settled.len()))?;
    }
    match (run.state, &run.reason) {
        (RunState::Waiting, Some(reason)) => {
            progress_line.say(session, &format!("Waiting: {}", view::clean(reason)))
        }
        _ => Ok(()),
    }
}
