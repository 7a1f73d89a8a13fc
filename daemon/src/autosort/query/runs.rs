//! Runs and transfers as they are told to clients.

use jiff::SignedDuration;
use jiff::Timestamp;
use monzo_common::model::{self, RunState, Transfer, TransferState};

use crate::autosort::decide::balances;
use crate::autosort::run::dedupe;
use crate::autosort::{Services, snapshot};
use crate::store::{StoreError, StoredRun, StoredTransfer};

/// How long a run that did not end well is told of. Taste: a week has every weekday in it.
const TOLD: SignedDuration = SignedDuration::from_hours(24 * 7);

/// Pages of runs and transfers.
const PAGE: u32 = 20;
const LONGEST_PAGE: u32 = 200;

/// A run with its transfers; a run that is not approved yet shows those that it would make.
pub(crate) fn run(stored: StoredRun, transfers: Vec<StoredTransfer>) -> model::Run {
    let planned = || {
        stored.moves.iter().zip(1_u32..).map(|(planned, place)| Transfer {
            run_id: stored.id.clone(),
            place,
            kind: planned.transfer.kind,
            pot_id: planned.transfer.pot_id.clone(),
            account_id: planned.transfer.account_id.clone(),
            amount: planned.transfer.amount,
            currency: stored.plan.currency,
            state: if crate::autosort::run::state::ended(stored.state) {
                TransferState::Cancelled
            } else {
                TransferState::Planned
            },
            dedupe_id: dedupe::key(&stored.seed, place, planned.transfer.kind),
            requested_at: None,
            confirmed_at: None,
            reconciled_at: None,
            transaction_id: None,
            error: None,
        })
    };
    let shown = match stored.state {
        RunState::Proposed | RunState::Withheld | RunState::Expired | RunState::Rejected
            if transfers.is_empty() =>
        {
            planned().collect()
        }
        _ => transfers.into_iter().map(|one| one.transfer).collect(),
    };
    model::Run {
        id: stored.id,
        rule: stored.rule,
        cause: stored.cause,
        occurrence: stored.occurrence,
        state: stored.state,
        reason: stored.reason,
        plan_hash: stored.plan.hash.clone(),
        created_at: stored.created_at,
        expires_at: stored.expires_at,
        started_at: stored.started_at,
        ended_at: stored.ended_at,
        undoes: stored.undoes,
        transfers: shown,
        plan: stored.plan,
    }
}

/// Whether a run is not approved yet, so that its plan is about the present balances.
const fn waits(state: RunState) -> bool {
    matches!(state, RunState::Proposed | RunState::Withheld)
}

/// One run, by id or unique id prefix.
///
/// # Errors
/// [`StoreError::Missing`] or [`StoreError::Ambiguous`].
pub async fn run_of(services: &Services, id: &str) -> Result<model::Run, StoreError> {
    let (id, settings, now) = (id.to_owned(), services.settings(), services.clock.now());
    let read = services.store.read(move |reader| {
        let stored = reader.run(&id)?;
        let transfers = reader.transfers_of(&stored.id)?;
        let mut run = run(stored, transfers);
        if waits(run.state) {
            let world = snapshot::world::read(reader, &settings, now)?;
            balances::renew(&mut run.plan, &world, reader.last_success_at()?);
        }
        Ok(run)
    });
    read.await
}

/// Runs, newest first.
pub async fn runs(
    services: &Services,
    rule: Option<String>,
    before: Option<i64>,
    limit: Option<u32>,
) -> Result<model::RunPage, StoreError> {
    let limit = limit.unwrap_or(PAGE).clamp(1, LONGEST_PAGE);
    let (settings, now) = (services.settings(), services.clock.now());
    let read = services.store.read(move |reader| {
        let (stored, last) = reader.runs(rule.as_deref(), before, limit)?;
        let mut runs = Vec::with_capacity(stored.len());
        for one in stored {
            let transfers = reader.transfers_of(&one.id)?;
            runs.push(run(one, transfers));
        }
        let cursor = last.map(|number| number.to_string());
        if runs.iter().any(|run| waits(run.state)) {
            let (world, read_at) =
                (snapshot::world::read(reader, &settings, now)?, reader.last_success_at()?);
            let waiting = runs.iter_mut().filter(|run| waits(run.state));
            waiting.for_each(|run| balances::renew(&mut run.plan, &world, read_at));
        }
        Ok(model::RunPage { runs, cursor })
    });
    read.await
}

/// Transfers, newest run first; of one run, if asked.
pub async fn transfers(
    services: &Services,
    run: Option<String>,
    after: Option<(i64, u32)>,
    limit: Option<u32>,
) -> Result<model::TransferPage, StoreError> {
    let limit = limit.unwrap_or(PAGE).clamp(1, LONGEST_PAGE);
    let read = services.store.read(move |reader| {
        let run = run.map(|id| reader.run(&id)).transpose()?.map(|run| run.id);
        let (stored, last) = reader.transfers(run.as_deref(), after, limit)?;
        let cursor = last.map(|(number, place)| format!("{number}/{place}"));
        Ok(model::TransferPage { transfers: stored.into_iter().map(|one| one.transfer).collect(), cursor })
    });
    read.await
}

/// How the sorter stands, with what a person may have to deal with.
#[derive(Debug, Clone)]
pub struct Standing {
    /// For the status page.
    pub status: model::SorterStatus,
    /// Runs that wait, are under way, or ended badly not long ago; without those that a person is being asked about.
    pub runs: Vec<StoredRun>,
    /// The freezes that hold now.
    pub freezes: Vec<model::Freeze>,
}

/// How the sorter stands; `next` is when its loop will next look at a rule that is due.
pub async fn standing(services: &Services, next: Option<Timestamp>) -> Result<Standing, StoreError> {
    let now = services.clock.now();
    let since = now.checked_sub(TOLD).unwrap_or(now);
    let mode = services.settings.borrow().sorter.mode;
    let read = services.store.read(move |reader| {
        let freezes = reader.freezes(now)?;
        let mut runs = reader.unfinished_runs()?;
        // Whoever asked for a run is asked about it then and there; without an answer it soon expires.
        runs.retain(|run| run.state != RunState::Proposed || !run.by_hand());
        let (ended, _) = reader.runs(None, None, LONGEST_PAGE)?;
        let bad = |run: &StoredRun| matches!(run.state, RunState::Partial | RunState::Failed);
        runs.extend(ended.into_iter().filter(|run| bad(run) && run.ended_at.is_some_and(|at| at >= since)));
        Ok((freezes, runs, reader.unsettled_transfers()?))
    });
    let (freezes, unfinished, unsettled) = read.await?;
    let proposed = unfinished.iter().filter(|run| run.state == RunState::Proposed).count();
    let status = model::SorterStatus {
        mode,
        frozen: freezes.iter().any(|freeze| freeze.rule.is_none()),
        next: next.filter(|at| *at > now),
        proposed: u64::try_from(proposed).unwrap_or(u64::MAX),
        unsettled,
    };
    Ok(Standing { status, runs: unfinished, freezes })
}
