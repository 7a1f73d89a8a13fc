//! `status`: the page, once or kept up to date.

use std::time::Duration;

use jsonrpsee::core::client::Subscription;
use monzo_common::api::client::*;
use monzo_common::model::{Event, Severity, Status};

use crate::args;
use crate::client::Daemon;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;
use crate::view;

/// How often the page is drawn again when nothing happens, for its relative times; taste.
const REDRAW: Duration = Duration::from_secs(2);

/// Shows the page; problems end with [`Exit::Problems`].
pub(super) async fn run(args: &args::Status, session: &mut Session) -> Result<Exit, Failure> {
    if args.watch {
        return watch(session).await;
    }
    let daemon = session.connect().await?;
    let status = daemon.client.status().await?;
    print(session, &daemon, &status)?;
    Ok(verdict(&status))
}

fn verdict(status: &Status) -> Exit {
    let problem = status.attention.iter().any(|attention| attention.severity == Severity::Problem);
    if status.healthy && !problem { Exit::Done } else { Exit::Problems }
}

/// Says beside an empty list that nothing was read from the bank yet, where that is why, with the next step.
pub(super) async fn unread(daemon: &Daemon, session: &mut Session) -> Result<(), Failure> {
    // The list is the answer; where this question fails too, nothing is lost.
    let Ok(status) = daemon.client.status().await else { return Ok(()) };
    if status.sync.last_success_at.is_some() {
        return Ok(());
    }
    let next = if status.sync.state == "running" {
        "`monzoctl sync` shows how far the first sync is".to_owned()
    } else {
        let problem = status.attention.iter().find(|attention| attention.severity == Severity::Problem);
        problem
            .map_or_else(|| "`monzoctl status` says what is next".to_owned(), |problem| problem.hint.clone())
    };
    session.note(&format!("Nothing was read from the bank yet: {}", view::clean(&next)))
}

fn print(session: &mut Session, daemon: &Daemon, status: &Status) -> Result<(), Failure> {
    let style = session.look(&daemon.time);
    session.print_one("status", status, || view::status(status, &style))
}

/// Draws the page again on every event until interrupted, across restarts of the daemon.
async fn watch(session: &mut Session) -> Result<Exit, Failure> {
    loop {
        let mut daemon = session.connect().await?;
        // In rescue mode nothing can be subscribed to; the page is then drawn by the clock alone.
        let mut events = daemon.client.subscribe_events().await.ok();
        while let Ok(status) = daemon.client.status().await {
            if session.terminal.out_is_screen {
                // Home, then clear what is below: no flicker and nothing of the scrollback lost.
                write!(session.terminal.out(), "\x1b[H\x1b[J")?;
            }
            print(session, &daemon, &status)?;
            session.terminal.flush()?;
            until_something_happens(&mut events).await;
            let Ok(version) = daemon.client.version().await else { break };
            daemon.time.now = version.now;
        }
    }
}

async fn until_something_happens(events: &mut Option<Subscription<Event>>) {
    let pause = tokio::time::sleep(REDRAW);
    match events {
        None => pause.await,
        Some(open) => {
            let ended = tokio::select! {
                event = open.next() => event.is_none(),
                () = pause => false,
            };
            if ended {
                *events = None;
            }
        }
    }
}
