//! The history that is still missing, oldest first: the whole of it while the bank's five minutes run,
//! and later as much as it still serves.
//!
//! Windows are cut once and kept in the store, each with its cursor, so that a capture that was interrupted
//! goes on where it ended, and what the five minutes did not cover is remembered until the next login.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use jiff::SignedDuration;
use monzo_common::id::AccountId;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::absence::ExpectedRows;
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
    run.progress.windows(planned.len());
    let first: BTreeSet<AccountId> = planned.iter().map(|(target, _)| target.id.clone()).collect();
    let mut waiting = VecDeque::from(planned);
    let mut readings = JoinSet::new();
    let mut failed = None;
    let mut hidden: Vec<Target> = Vec::new();
    loop {
        while failed.is_none()
            && readings.len() < run.at_once
            && let Some((target, window)) = waiting.pop_front()
        {
            let run = Arc::clone(run);
            readings.spawn(async move {
                let read = window_of(&run, &target, &window).await;
                run.progress.window_done();
                if read.is_ok() { Ok(()) } else { run.close(&target, read).await }
            });
        }
        tokio::select! {
            // What was found is planned before the last reading can end it all.
            biased;
            Some(id) = found.recv() => {
                let known = targets.iter().chain(&hidden).any(|target| target.id == id);
                if let Some(target) = run::hidden_target(run, &id).await?.filter(|_| !known) {
                    run.progress.account(&target.id, &target.name);
                    let windows = plan(run, &target).await?;
                    run.progress.windows(windows.len());
                    waiting.extend(windows.into_iter().map(|window| (target.clone(), window)));
                    hidden.push(target);
                }
            }
            ended = readings.join_next() => match ended {
                Some(ended) => run::joined(run, ended, &mut failed),
                None => break,
            },
        }
    }
    if let Some(failure) = failed {
        return Err(failure);
    }
    tell(run, targets, &first).await?;
    Ok(hidden)
}

/// The windows to read for an account now: cut once, reopened by a login, and given up where the bank no longer serves.
///
/// Within the five minutes a full sync, and a balance that the rows do not explain, have read again what is complete;
/// those windows stay complete whatever comes of it.
async fn plan(run: &Run, target: &Target) -> Result<Vec<StoredWindow>, Failure> {
    let now = run.services.clock.now();
    let open = run.history_open() && !target.hidden();
    let edge = windows::readable_from(now);
    let (full, hidden) = (run.task.full, target.hidden());
    let id = target.id.clone();
    let readable_from = if open { target.opened_at } else { target.opened_at.max(edge) };
    let opened_at = if target.hidden() { readable_from } else { target.opened_at };
    let (planned, again) = run
        .services
        .store
        .write(move |writer| {
            let mut known = writer.windows(&id)?;
            let unexplained = writer.account(&id)?.difference.is_some_and(|difference| difference != 0);
            if let Some(first) = known.first()
                && readable_from < first.since
            {
                writer.add_window(&id, readable_from, first.since, WindowState::Open)?;
            }
            if known.is_empty() {
                // What the account behind a pot serves is short, and read at the pace of every day.
                let whole = Window { since: opened_at, before: now };
                let cut = if hidden { vec![whole] } else { windows::cut(opened_at, now) };
                for Window { since, before } in cut.into_iter().filter(|window| window.since < window.before)
                {
                    writer.add_window(&id, since, before, WindowState::Open)?;
                }
            } else if open {
                writer.reopen_windows(&id)?;
                // A gap of years, or one that a wrong clock has dated into the future, is more than the bank answers.
                let unread =
                    |window: &StoredWindow| window.state == WindowState::Open && window.cursor.is_none();
                for window in writer.windows(&id)?.into_iter().filter(unread) {
                    let whole = Window { since: window.since, before: window.before };
                    if whole.before <= now && whole.fits() {
                        continue;
                    }
                    writer.remove_window(window.id)?;
                    for Window { since, before } in windows::pieces(whole.since, whole.before.min(now)) {
                        writer.add_window(&id, since, before, WindowState::Open)?;
                    }
                }
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
            Ok((writer.windows(&id)?, open && (full || unexplained)))
        })
        .await?;
    let mut wanted = Vec::new();
    for window in planned {
        match window.state {
            WindowState::Open => wanted.push(window),
            WindowState::Complete if again => {
                let older = windows::pieces(window.since, window.before.min(edge));
                let piece = |Window { since, before }| StoredWindow { since, before, ..window.clone() };
                wanted.extend(older.into_iter().map(piece));
            }
            WindowState::Complete | WindowState::Refused => {}
        }
    }
    Ok(wanted)
}

/// Reads one window to its end, or notes that the bank no longer serves it.
async fn window_of(run: &Run, target: &Target, window: &StoredWindow) -> Result<(), Failure> {
    let reading = match &window.cursor {
        Some((id, at)) => Reading::resume(Cursor { id: id.clone(), at: *at }),
        None => Reading::begin(window.since),
    };
    let mut nobody = ExpectedRows::default();
    let open = window.state == WindowState::Open;
    let keep = if open { Keep::Window(window.id) } else { Keep::Rows };
    match page::read(run, target, reading, Some(window.before), keep, &mut nobody).await {
        Ok(_) => Ok(()),
        Err(Failure::TooOld) if open => refused(run, target, window.id).await,
        // It is stored already; the five minutes were not long enough to read it again.
        Err(Failure::TooOld) => Ok(()),
        Err(failure) => Err(failure),
    }
}

/// A refusal of an old window is the end of the five minutes; of a young one, perhaps of the permission.
async fn refused(run: &Run, target: &Target, id: i64) -> Result<(), Failure> {
    let account = target.id.clone();
    let windows = run.services.store.read(move |reader| reader.windows(&account)).await?;
    // The cursor may have moved since the window was planned.
    let Some(window) = windows.into_iter().find(|known| known.id == id) else { return Ok(()) };
    let asked = window.cursor.map_or(window.since, |(_, at)| at);
    // So has the edge; the bank's own edge is two days further back.
    let edge = windows::readable_from(run.services.clock.now());
    let young = asked >= edge.checked_sub(MARGIN).unwrap_or(edge);
    if young && target.closed {
        return Err(Failure::TooOld);
    }
    if young && target.speaks_for_login() {
        let failure = page::lapsed(run, &target.id).await;
        if !matches!(failure, Failure::TooOld) {
            return Err(failure);
        }
    }
    let id = target.id.clone();
    run.services
        .store
        .write(move |writer| {
            writer.remove_window(window.id)?;
            if window.since < asked {
                writer.add_window(&id, window.since, asked, WindowState::Complete)?;
            }
            if asked < window.before {
                writer.add_window(&id, asked, window.before, WindowState::Refused)?;
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
        let windows = run.services.store.read(move |reader| reader.windows(&id)).await?;
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
