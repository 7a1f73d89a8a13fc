//! The history that is still missing, oldest first: the whole of it while the bank's five minutes run,
//! and later as much as it still serves.
//!
//! Windows are cut once and kept in the store, each with its cursor, so that a capture that was interrupted
//! goes on where it ended, and what the five minutes did not cover is remembered until the next login.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::SignedDuration;
use monzo_common::id::AccountId;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::absence::Roll;
use super::failure::Failure;
use super::page::{self, Keep};
use super::reading::{Cursor, Reading};
use super::run::{self, Run, Target};
use super::windows::{self, Window};
use crate::events::{Happened, Kind};
use crate::store::{StoredWindow, WindowState};

/// How much older than what is readable a window may have become while it waited to be read. Taste.
const MARGIN: SignedDuration = SignedDuration::from_hours(12);

/// Reads every window that is open, and the hidden accounts that are found on the way; answers with those.
pub async fn capture(
    run: &Arc<Run>,
    targets: &[Target],
    found: &mut mpsc::UnboundedReceiver<AccountId>,
) -> Result<Vec<Target>, Failure> {
    let mut planned = Vec::new();
    for target in targets {
        for window in plan(run, target).await? {
            planned.push((target.clone(), window));
        }
    }
    // The five minutes are lost for the oldest first, so these go first.
    planned.sort_by_key(|(_, window)| window.since);
    run.tally.windows(planned.len());
    let first: BTreeSet<AccountId> = planned.iter().map(|(target, _)| target.id.clone()).collect();
    let mut readings = JoinSet::new();
    for (target, window) in planned {
        spawn(run, &mut readings, target, window);
    }
    let mut hidden: Vec<Target> = Vec::new();
    loop {
        tokio::select! {
            Some(id) = found.recv() => {
                let known = targets.iter().chain(&hidden).any(|target| target.id == id);
                if let Some(target) = run::hidden_target(run, &id).await?.filter(|_| !known) {
                    run.tally.account(&target.id, &target.name);
                    let windows = plan(run, &target).await?;
                    run.tally.windows(windows.len());
                    for window in windows {
                        spawn(run, &mut readings, target.clone(), window);
                    }
                    hidden.push(target);
                }
            }
            ended = readings.join_next() => match ended {
                Some(ended) => run::joined(ended)?,
                None => break,
            },
        }
    }
    tell(run, targets, &first).await?;
    Ok(hidden)
}

fn spawn(run: &Arc<Run>, readings: &mut JoinSet<Result<(), Failure>>, target: Target, window: StoredWindow) {
    let run = Arc::clone(run);
    readings.spawn(async move {
        let read = match run.slots.acquire().await {
            Ok(_slot) => window_of(&run, &target, &window).await,
            Err(_) => Err(Failure::Cancelled),
        };
        run.tally.window_done();
        match read {
            Ok(()) => Ok(()),
            failed => run.close(&target, failed).await,
        }
    });
}

/// The windows to read for an account now: cut once, reopened by a login, and given up where the bank no longer serves.
async fn plan(run: &Run, target: &Target) -> Result<Vec<StoredWindow>, Failure> {
    let now = run.rooms.clock.now();
    let open = run.history_open() && !target.hidden();
    let edge = windows::readable_from(now);
    let id = target.id.clone();
    let opened_at = if target.hidden() { target.opened_at.max(edge) } else { target.opened_at };
    let planned = run
        .rooms
        .store
        .write(move |writer| {
            let mut known = writer.windows(&id)?;
            if known.is_empty() {
                for Window { since, before } in windows::cut(opened_at, now) {
                    writer.add_window(&id, since, before, WindowState::Open)?;
                }
            } else if open {
                writer.reopen_windows(&id)?;
            }
            if !open {
                known = writer.windows(&id)?;
                for window in known.iter().filter(|window| window.state == WindowState::Open) {
                    let cursor = window.cursor.as_ref().map(|(_, at)| *at);
                    let whole = Window { since: window.since, before: window.before };
                    let parts = windows::split(whole, cursor, edge);
                    if parts.open == Some(whole) {
                        continue;
                    }
                    writer.remove_window(window.id)?;
                    let states = [
                        (parts.complete, WindowState::Complete),
                        (parts.refused, WindowState::Refused),
                        (parts.open, WindowState::Open),
                    ];
                    for (part, state) in states {
                        if let Some(Window { since, before }) = part {
                            writer.add_window(&id, since, before, state)?;
                        }
                    }
                }
            }
            let all = writer.windows(&id)?;
            Ok(all.into_iter().filter(|window| window.state == WindowState::Open).collect::<Vec<_>>())
        })
        .await?;
    Ok(planned)
}

/// Reads one window to its end, or notes that the bank no longer serves it.
async fn window_of(run: &Run, target: &Target, window: &StoredWindow) -> Result<(), Failure> {
    let reading = match &window.cursor {
        Some((id, at)) => Reading::resume(Cursor { id: id.clone(), at: *at }),
        None => Reading::begin(window.since),
    };
    let mut nobody = Roll::default();
    let read =
        page::read(run, target, reading, Some(window.before), Keep::Window(window.id), &mut nobody).await;
    match read {
        Ok(_) => Ok(()),
        Err(Failure::TooOld) => refused(run, target, window).await,
        Err(failure) => Err(failure),
    }
}

/// A refusal of an old window is the end of the five minutes; of a young one, perhaps of the permission.
async fn refused(run: &Run, target: &Target, window: &StoredWindow) -> Result<(), Failure> {
    // The edge has moved on since the window was planned; the bank's own edge is two days further back.
    let edge = windows::readable_from(run.rooms.clock.now());
    let young = window.since >= edge.checked_sub(MARGIN).unwrap_or(edge);
    if young && !target.hidden() {
        let failure = page::lapsed(run, &target.id).await;
        if !matches!(failure, Failure::TooOld) {
            return Err(failure);
        }
    }
    let (id, window) = (target.id.clone(), window.id);
    run.rooms
        .store
        .write(move |writer| {
            // The cursor may have moved since the window was planned.
            let Some(window) = writer.windows(&id)?.into_iter().find(|known| known.id == window) else {
                return Ok(());
            };
            writer.remove_window(window.id)?;
            let cursor = window.cursor.map_or(window.since, |(_, at)| at);
            if window.since < cursor {
                writer.add_window(&id, window.since, cursor, WindowState::Complete)?;
            }
            if cursor < window.before {
                writer.add_window(&id, cursor, window.before, WindowState::Refused)?;
            }
            Ok(())
        })
        .await?;
    Ok(())
}

/// Tells once, for each account whose history was being captured, whether all of it is stored.
async fn tell(run: &Run, targets: &[Target], captured: &BTreeSet<AccountId>) -> Result<(), Failure> {
    for target in targets.iter().filter(|target| captured.contains(&target.id) && !target.hidden()) {
        let id = target.id.clone();
        let windows = run.rooms.store.read(move |reader| reader.windows(&id)).await?;
        let missing = |state| windows.iter().filter(|window| window.state == state).count();
        let happened = match (missing(WindowState::Open), missing(WindowState::Refused)) {
            (0, 0) => Happened::new(
                Kind::HistoryCaptured,
                format!("the whole history of {} is stored", target.name),
            ),
            (0, _) => Happened::new(
                Kind::HistoryRefused,
                format!(
                    "a part of the history of {} could not be read; `monzoctl login` again reads it in its first five minutes",
                    target.name
                ),
            ),
            // Goes on with the next sync, which will tell.
            _ => continue,
        };
        run.happened(happened.account(target.id.as_str())).await;
    }
    Ok(())
}
