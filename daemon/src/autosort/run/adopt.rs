//! Runs that the bank knows and the database does not: kept as done, so that they are not made again.

use jiff::Timestamp;
use monzo_common::model::{RunCause, RunState, Transfer, TransferKind, TransferState};

use crate::autosort::Sorter;
use crate::autosort::decide::decision::{Purpose, text_hash};
use crate::autosort::decide::occurrence::{Occurrence, State};
use crate::autosort::run::dedupe;
use crate::autosort::run::error::SorterError;
use crate::autosort::run::triggers::Due;
use crate::events::Kind;
use crate::store::{LedgerMove, StoredRun, StoredTransfer};

impl Sorter {
    /// Adopts whatever the bank knows of occurrences that look open; `true` if any is not.
    pub(crate) async fn adopt_all(&self, due: &Due, all: &[Occurrence]) -> Result<bool, SorterError> {
        let mut found = false;
        for one in all.iter().filter(|one| matches!(one.state, State::Open | State::Waiting)) {
            found |= self.adopt(due, one).await?;
        }
        Ok(found)
    }

    /// A run of an occurrence that the bank knows and the database does not is kept as done; `true` if there is one.
    pub(crate) async fn adopt(&self, due: &Due, one: &Occurrence) -> Result<bool, SorterError> {
        let seed = dedupe::seed(&self.user().await?, &due.rule.name, &one.key);
        let prefix = dedupe::prefix(&seed);
        let (rule, key) = (due.rule.name.clone(), one.key.clone());
        let read = self.store.read(move |reader| {
            let left = reader.runs_of(&rule, &key)?.iter().any(took_it);
            Ok((left, reader.ledger_moves(Some(&prefix))?))
        });
        let (left, rows) = read.await?;
        if left || rows.is_empty() {
            return Ok(left);
        }
        let Some(account) = rows.first().map(|row| row.account_id.clone()) else { return Ok(false) };
        let now = self.clock.now();
        let planned = self.decide(&due.rule, now, &Purpose::default()).await?;
        let mut plan = planned.plan;
        (plan.transfers, plan.steps, plan.after) = (Vec::new(), Vec::new(), Vec::new());
        let run = StoredRun {
            number: 0,
            id: dedupe::fresh_run_id(now),
            rule: due.rule.name.clone(),
            cause: RunCause::Occurrence,
            occurrence: Some(one.key.clone()),
            state: RunState::Done,
            reason: Some("found at the bank".to_owned()),
            plan,
            moves: Vec::new(),
            rule_hash: Some(text_hash(&due.rule)),
            account_id: account,
            seed,
            returns: false,
            floor: None,
            approved_by: None,
            cancelling: false,
            created_at: now,
            expires_at: None,
            approved_at: None,
            started_at: rows.first().map(|row| row.created_at),
            ended_at: rows.last().map(|row| row.created_at),
            undoes: None,
        };
        let (kept, key) = (run.clone(), one.key.clone());
        let adopted = self.store.write(move |writer| {
            let before = writer.runs_of(&kept.rule, &key)?;
            // Somebody else may have found it since.
            if before.iter().any(took_it) {
                return Ok(false);
            }
            for old in
                before.iter().filter(|old| old.state != RunState::Expired && old.cause != RunCause::Again)
            {
                let why = Some("its run was found at the bank");
                writer.end_run(&old.id, old.state, RunState::Expired, why, now)?;
            }
            writer.insert_run(&kept)?;
            for (place, row) in (1_u32..).zip(&rows) {
                writer.insert_transfer(&found(&kept, place, row, now))?;
            }
            Ok(true)
        });
        if !adopted.await? {
            return Ok(true);
        }
        let message = format!("the run of {} for {} was found at the bank", run.rule, one.key);
        self.tell(&run, Kind::RunAdopted, message).await;
        Ok(true)
    }
}

/// Whether a run is the one of its occurrence that went beyond a proposal.
pub(crate) fn took_it(run: &StoredRun) -> bool {
    let proposal = matches!(run.state, RunState::Proposed | RunState::Withheld | RunState::Expired);
    run.cause != RunCause::Again && !proposal
}

/// A transfer as the bank's row shows it.
fn found(run: &StoredRun, place: u32, row: &LedgerMove, now: Timestamp) -> StoredTransfer {
    let kind = match dedupe::read(&row.dedupe_id) {
        Some((_, _, kind)) => kind,
        None if row.amount > 0 => TransferKind::Withdraw,
        None => TransferKind::Deposit,
    };
    StoredTransfer {
        transfer: Transfer {
            run_id: run.id.clone(),
            place,
            kind,
            pot_id: row.pot_id.clone().unwrap_or_else(|| "".into()),
            account_id: row.account_id.clone(),
            amount: row.amount.saturating_abs().max(1),
            currency: run.plan.currency,
            state: TransferState::Confirmed,
            dedupe_id: row.dedupe_id.clone(),
            requested_at: Some(row.created_at),
            confirmed_at: Some(row.created_at),
            reconciled_at: Some(now),
            transaction_id: Some(row.transaction_id.clone().into()),
            error: None,
        },
        funded_by: None,
        last_requested_at: None,
        requests: 0,
        outcome_unknown: false,
        refused: false,
        pot_balance: None,
        undoes: None,
    }
}
