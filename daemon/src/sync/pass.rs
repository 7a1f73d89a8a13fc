//! The incremental reading of one account: what is new, and what may have changed since it was read.
//!
//! There is no question such as *what changed* at the bank (monzo/README.md, How a row changes), so the last days are
//! read again, back to the oldest row that is not settled, and compared row by row.

use std::collections::BTreeSet;

use monzo_common::id::TransactionId;

use super::absence::{Absence, ExpectedRows, Known};
use super::failure::Failure;
use super::page::{self, Keep};
use super::progress::Counts;
use super::reading::Reading;
use super::run::{Run, Target};
use super::windows::{self, Start, Window};
use crate::clock::elapsed;
use crate::events::{Happened, Kind};
use crate::store::WindowState;

/// How long a row may be unsettled before it no longer holds the reading back (the figure).
const UNSETTLED_FOR: jiff::SignedDuration = jiff::SignedDuration::from_hours(31 * 24);

/// Missing rows that are told one by one; more are told as a number. Taste.
const SINGLY: usize = 10;

/// Reads an account's last days again, and notes how far its history now reaches.
pub async fn pass(run: &Run, target: &Target) -> Result<(), Failure> {
    let began = run.services.clock.now();
    let Some((Start { since, lost }, swept)) = start(run, target).await? else { return Ok(()) };
    let mut expected = expected(run, target, Window { since, before: began }).await?;
    let read = page::read(run, target, Reading::begin(since), None, Keep::Rows, &mut expected).await;
    let reading = match read {
        Err(Failure::TooOld) if target.speaks_for_login() => return Err(page::lapsed(run, &target.id).await),
        read => read?,
    };
    let settled = if reading.whole() { conclude(run, target, expected, began).await? } else { Vec::new() };
    missing(run, target, settled).await?;
    let id = target.id.clone();
    let gap = lost.map(|Window { since, before }| (since, before));
    let covered = run.services.store.write(move |writer| {
        if let Some((since, before)) = gap {
            writer.refuse_window(&id, since, before)?;
        }
        if swept {
            writer.set_swept(&id, began)?;
        }
        writer.extend_coverage(&id, since, began)
    });
    covered.await?;
    if lost.is_some() {
        let remedy = if target.hidden() {
            "the bank serves only the last 90 days of the account behind a pot"
        } else {
            "`monzoctl login` again reads it"
        };
        let message = format!(
            "{} was not read for so long that a part of its history is missing; {remedy}",
            target.name
        );
        run.happened(Happened::new(Kind::HistoryRefused, message).account(target.id.as_str())).await;
    }
    Ok(())
}

/// Where the reading begins, and whether it goes as far back as the bank serves; nowhere while a part of the history
/// before it is still open.
async fn start(run: &Run, target: &Target) -> Result<Option<(Start, bool)>, Failure> {
    let now = run.services.clock.now();
    let young = now.checked_sub(UNSETTLED_FOR).unwrap_or(now);
    let (id, flex) = (target.id.clone(), target.flex);
    let (every, reread) = {
        let settings = run.services.settings.borrow();
        (settings.sweep, settings.reread)
    };
    let (covered, unsettled, open, sweep) = run
        .services
        .store
        .read(move |reader| {
            let covered = reader.covered(&id)?;
            let unsettled = if flex { None } else { reader.oldest_unsettled(&id, young)? };
            let open = reader.windows(&id)?.iter().any(|window| window.state == WindowState::Open);
            let swept_at = reader.swept_at(&id)?;
            let swept_for = swept_at.and_then(|at| elapsed(at, now));
            let due = |every| swept_for.is_none_or(|gone| gone >= every);
            let account = reader.account(&id)?;
            // Before a difference is told, all that can be read is read again.
            let doubted = account.difference.is_some_and(|difference| difference != 0)
                && account.told_difference != account.difference;
            Ok((covered, unsettled, open, every.is_some_and(due) || doubted))
        })
        .await?;
    if open {
        return Ok(None);
    }
    let sweep = sweep || run.task.full;
    let reread = if sweep { windows::READABLE } else { reread };
    let start = windows::start(now, covered.map(|(_, to)| to), unsettled, reread);
    Ok(Some((Start { since: start.since.max(target.opened_at), ..start }, sweep)))
}

/// The rows known strictly inside the window.
async fn expected(run: &Run, target: &Target, window: Window) -> Result<ExpectedRows, Failure> {
    let (id, flex) = (target.id.clone(), target.flex);
    let rows =
        run.services.store.read(move |reader| reader.rows_in(&id, window.since, window.before)).await?;
    let inside = rows.into_iter().filter(|row| row.created_at > window.since);
    Ok(ExpectedRows::of(inside.map(|row| {
        let known = Known {
            created_at: row.created_at,
            unsettled: row.settled_at.is_none() && !flex,
            void: row.declined || row.withdrawn,
        };
        (row.id, known)
    })))
}

/// Withdraws what the bank no longer lists; answers with the settled rows that are missing.
async fn conclude(
    run: &Run,
    target: &Target,
    expected: ExpectedRows,
    began: jiff::Timestamp,
) -> Result<Vec<TransactionId>, Failure> {
    match expected.conclude(began) {
        Absence::Held { missing, known } => {
            let failure = Failure::Held { missing, known };
            let (id, told) = (target.id.clone(), failure.to_string());
            let again = run.services.store.read(move |reader| Ok(reader.account(&id)?.error == Some(told)));
            if !again.await? {
                let message = format!("{}: {failure}", target.name);
                run.happened(Happened::new(Kind::WithdrawalsHeld, message).account(target.id.as_str())).await;
            }
            Err(failure)
        }
        Absence::Gone { withdraw, settled } => {
            if !withdraw.is_empty() {
                let (sync_id, id, now) = (run.id.clone(), target.id.clone(), run.services.clock.now());
                let withdrawn = run
                    .services
                    .store
                    .write(move |writer| writer.withdraw(&sync_id, &id, &withdraw, now))
                    .await?;
                run.progress.stored(&target.id, Counts { withdrawn, ..Counts::default() });
            }
            Ok(settled)
        }
    }
}

/// Tells of settled rows that the bank no longer lists, each once; they stay counted.
async fn missing(run: &Run, target: &Target, settled: Vec<TransactionId>) -> Result<(), Failure> {
    let key = format!("missing/{}", target.id);
    let now: BTreeSet<String> = settled.into_iter().map(TransactionId::into_string).collect();
    let kept = now.clone();
    let before = run
        .services
        .store
        .read({
            let key = key.clone();
            move |reader| reader.meta(&key)
        })
        .await?;
    let before: BTreeSet<String> =
        before.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    if now == before {
        return Ok(());
    }
    let new: Vec<&String> = now.difference(&before).collect();
    if new.len() > SINGLY {
        let message = format!(
            "the bank no longer lists {} settled transactions of {}; they stay counted",
            new.len(),
            target.name
        );
        run.happened(Happened::new(Kind::TransactionMissing, message).account(target.id.as_str())).await;
    }
    for id in new.iter().filter(|_| new.len() <= SINGLY) {
        let message = format!(
            "the bank no longer lists a settled transaction of {}; it stays counted: `monzoctl show {id}`",
            target.name
        );
        let happened = Happened::new(Kind::TransactionMissing, message).account(target.id.as_str());
        run.happened(happened.transaction(id.as_str())).await;
    }
    let text = serde_json::to_string(&kept).unwrap_or_default();
    run.services.store.write(move |writer| writer.set_meta(&key, &text)).await?;
    Ok(())
}
