//! `sync`, `sync cancel` and `sync history`.

use std::time::Duration;

use monzo_common::api::ApiClient;
use monzo_common::model::{LoginState, Quarantined, Sync, SyncPhase, SyncState};
use serde::Serialize;
use tokio::time::{Instant, sleep_until};

use crate::args::{self, Output, SyncCommand};
use crate::client::Daemon;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::meter::Meter;
use crate::session::Session;
use crate::view::{self, columns};

/// How often the sync itself is asked for, in case its progress does not come.
const LOOK: Duration = Duration::from_millis(500);

/// Past syncs on one page.
const PAGE: u32 = 100;

/// `sync`
pub(super) async fn run(args: &args::Sync, session: &mut Session) -> Result<Exit, Failure> {
    match &args.command {
        None => sync(args, session).await,
        Some(SyncCommand::Cancel) => cancel(session).await,
        Some(SyncCommand::History { problems, limit }) => history(*problems, *limit, session).await,
    }
}

async fn sync(args: &args::Sync, session: &mut Session) -> Result<Exit, Failure> {
    let mut daemon = session.connect().await?;
    let started = daemon.client.sync_start(args.full).await?;
    if args.no_wait {
        let words = if started.joined { "A sync is running already" } else { "A sync has begun" };
        session.thing("sync", &started.sync, || format!("{words}: {}\n", view::clean(&started.sync.id)))?;
        return Ok(Exit::Done);
    }
    if started.joined {
        session.note("A sync is running already; this one joins it.")?;
    }
    let sync = follow(session, &mut daemon, &started.sync.id).await?;
    let accounts = session.ask(&mut daemon, async |client| client.accounts(true).await).await?;
    let look = session.look(&daemon.here);
    session.thing("sync", &sync, || view::outcome(&sync, &accounts, &look))?;
    verdict(session, &mut daemon, &sync).await
}

/// What a sync's end means to a script; a failed one asks whether the login is to blame.
async fn verdict(session: &mut Session, daemon: &mut Daemon, sync: &Sync) -> Result<Exit, Failure> {
    match sync.state {
        SyncState::Done => Ok(Exit::Done),
        SyncState::Partial | SyncState::Cancelled | SyncState::Running => Ok(Exit::Partial),
        SyncState::Failed => {
            let login = session.ask(daemon, async |client| client.login_status().await).await?;
            Ok(if login.state == LoginState::Ready { Exit::Failed } else { Exit::LoginNeeded })
        }
    }
}

/// Follows one sync to its end with its progress, over restarts of the daemon.
pub(super) async fn follow(session: &mut Session, daemon: &mut Daemon, id: &str) -> Result<Sync, Failure> {
    let mut meter = Meter::begin(session);
    let mut progress = None;
    loop {
        let sync = session.ask(daemon, async |client| client.sync_get(id.to_owned()).await).await?;
        if sync.state != SyncState::Running {
            return Ok(sync);
        }
        if progress.is_none() {
            // Progress is a comfort: without it the sync is asked for until it ends.
            progress = daemon.client.subscribe_sync().await.ok();
        }
        let deadline = Instant::now() + LOOK;
        while let Some(steps) = &mut progress {
            let step = tokio::select! {
                step = steps.next() => step,
                () = sleep_until(deadline) => break,
            };
            match step {
                Some(Ok(step)) if step.sync_id == id => {
                    meter.show(session, &step)?;
                    if step.phase == SyncPhase::Ended {
                        break;
                    }
                }
                Some(Ok(_)) => {}
                // The daemon goes away, or this client was too slow to listen.
                Some(Err(_)) | None => progress = None,
            }
        }
        if progress.is_none() {
            sleep_until(deadline).await;
        }
    }
}

async fn cancel(session: &mut Session) -> Result<Exit, Failure> {
    let daemon = session.connect().await?;
    let cancelled = daemon.client.sync_cancel().await?;
    session.thing("cancelled", &cancelled, || {
        let words = if cancelled.changed {
            "Cancelled; what was read is kept, and the next sync goes on from there."
        } else {
            "No sync is running."
        };
        format!("{words}\n")
    })?;
    Ok(Exit::Done)
}

/// Past syncs as `--json` prints them.
#[derive(Serialize)]
struct Past {
    v: u8,
    syncs: Vec<Sync>,
    quarantined: Vec<Quarantined>,
}

async fn history(problems: bool, limit: Option<u64>, session: &mut Session) -> Result<Exit, Failure> {
    let daemon = session.connect().await?;
    let limit = session.limit(limit);
    let mut past = Past { v: 1, syncs: Vec::new(), quarantined: Vec::new() };
    let mut cursor = None;
    loop {
        let left = limit.map_or(PAGE.into(), |limit| limit.saturating_sub(past.syncs.len() as u64));
        let size = u32::try_from(left).unwrap_or(PAGE).min(PAGE);
        if size == 0 {
            break;
        }
        let page = daemon.client.sync_history(problems, cursor, Some(size)).await?;
        if past.quarantined.is_empty() {
            past.quarantined = page.quarantined;
        }
        past.syncs.extend(page.syncs);
        cursor = page.cursor;
        if cursor.is_none() {
            break;
        }
    }
    let look = session.look(&daemon.here);
    if session.global.form() == Output::Json {
        let text = serde_json::to_string(&past).map_err(crate::session::unprintable)?;
        session.print(&format!("{text}\n"))?;
    } else {
        session.list("syncs", columns::SYNC, &past.syncs, || {
            view::syncs(&past.syncs, &past.quarantined, &look)
        })?;
    }
    Ok(Exit::Done)
}
