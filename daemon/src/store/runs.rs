//! Runs of the autosorter: what was proposed, approved and done, for ever.
//!
//! Which step is legal is `autosort`'s to know; the schema refuses the others, and this file counts what it changed.

use jiff::Timestamp;
use monzo_common::id::AccountId;
use monzo_common::model::{Approver, Plan, PlannedTransfer, RunCause, RunState};
use rusqlite::{Row, params};
use serde::{Deserialize, Serialize};

use super::time::{at, maybe_at, maybe_ms, maybe_parsed, ms, optional, parsed};
use super::{Reader, StoreError, Writer};

/// A transfer that a run is to make, as long as it has not been let go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedMove {
    /// The transfer.
    pub transfer: PlannedTransfer,
    /// The place of the one that brings its money.
    #[serde(rename = "needs")]
    pub funded_by: Option<u32>,
    /// The key of the transfer that it undoes.
    pub undoes: Option<String>,
}

/// A run as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRun {
    /// Orders runs, and never leaves the database.
    pub number: i64,
    /// Random.
    pub id: String,
    /// The rule; `move`, `undo` or `discover` for what is made by hand.
    pub rule: String,
    /// Why it was made.
    pub cause: RunCause,
    /// The occurrence's key.
    pub occurrence: Option<String>,
    /// Where it stands.
    pub state: RunState,
    /// Why.
    pub reason: Option<String>,
    /// What it moves, and why.
    pub plan: Plan,
    /// What it moves, with what each transfer depends on.
    pub moves: Vec<PlannedMove>,
    /// The hash of the rule's text when it was planned.
    pub rule_hash: Option<String>,
    /// The account that all its transfers touch.
    pub account_id: AccountId,
    /// What its keys at the bank are made of.
    pub seed: String,
    /// What cannot be placed goes back to where it came from.
    pub returns: bool,
    /// Minor units under which it never takes the account.
    pub floor: Option<i64>,
    /// Who approved it.
    pub approved_by: Option<Approver>,
    /// A person ends it.
    pub cancelling: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When a proposal, or a wait, ends.
    pub expires_at: Option<Timestamp>,
    /// When it was let go.
    pub approved_at: Option<Timestamp>,
    /// When it first sent something.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// The run that it undoes.
    pub undoes: Option<String>,
}

impl StoredRun {
    /// A person asked for it; no rule proposed it by itself.
    pub fn by_hand(&self) -> bool {
        self.cause.by_hand()
    }
}

const COLUMNS: &str = "number, id, rule, cause, occurrence, state, reason, plan, rule_hash, account_id, seed, returns, floor, \
     approved_by, cancelling, created_at, expires_at, approved_at, started_at, ended_at, undoes, moves";

fn run(row: &Row<'_>) -> rusqlite::Result<StoredRun> {
    let (plan, moves): (String, String) = (row.get(7)?, row.get(21)?);
    let broken =
        |error| rusqlite::Error::FromSqlConversionFailure(7, rusqlite::types::Type::Text, Box::new(error));
    Ok(StoredRun {
        number: row.get(0)?,
        id: row.get(1)?,
        rule: row.get(2)?,
        cause: parsed(row, 3)?,
        occurrence: row.get(4)?,
        state: parsed(row, 5)?,
        reason: row.get(6)?,
        plan: serde_json::from_str(&plan).map_err(broken)?,
        rule_hash: row.get(8)?,
        account_id: row.get::<_, String>(9)?.into(),
        seed: row.get(10)?,
        returns: row.get(11)?,
        floor: row.get(12)?,
        approved_by: maybe_parsed(row, 13)?,
        cancelling: row.get(14)?,
        created_at: at(row, 15)?,
        expires_at: maybe_at(row, 16)?,
        approved_at: maybe_at(row, 17)?,
        started_at: maybe_at(row, 18)?,
        ended_at: maybe_at(row, 19)?,
        undoes: row.get(20)?,
        moves: serde_json::from_str(&moves).map_err(broken)?,
    })
}

impl Reader<'_> {
    /// One run, by its id or a prefix that only it has.
    ///
    /// # Errors
    /// [`StoreError::Missing`] or [`StoreError::Ambiguous`].
    pub fn run(&self, id: &str) -> Result<StoredRun, StoreError> {
        let some = format!("SELECT {COLUMNS} FROM runs WHERE id >= ?1 AND id < ?2 ORDER BY id LIMIT 5");
        let mut query = self.0.prepare_cached(&some)?;
        let mut found: Vec<StoredRun> =
            query.query_map([id, &format!("{id}\u{10FFFF}")], run)?.collect::<Result<_, _>>()?;
        if let Some(exact) = found.iter().position(|run| run.id == id) {
            return Ok(found.swap_remove(exact));
        }
        match found.len() {
            0 => Err(StoreError::Missing(id.to_owned())),
            1 => Ok(found.swap_remove(0)),
            _ => {
                let named: Vec<String> = found.into_iter().map(|run| run.id).collect();
                Err(StoreError::Ambiguous(id.to_owned(), named.join(", ")))
            }
        }
    }

    /// Runs before number `before`, newest first; of one rule, if asked. With the number of the last.
    pub fn runs(
        &self,
        rule: Option<&str>,
        before: Option<i64>,
        limit: u32,
    ) -> Result<(Vec<StoredRun>, Option<i64>), StoreError> {
        let page = format!(
            "SELECT {COLUMNS} FROM runs WHERE number < ?1 AND (?2 IS NULL OR rule = ?2) ORDER BY number DESC LIMIT ?3"
        );
        let mut query = self.0.prepare_cached(&page)?;
        let values = params![before.unwrap_or(i64::MAX), rule, i64::from(limit) + 1];
        let mut found: Vec<StoredRun> = query.query_map(values, run)?.collect::<Result<_, _>>()?;
        let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = found.len() > wanted;
        found.truncate(wanted);
        let last = found.last().map(|run| run.number).filter(|_| more);
        Ok((found, last))
    }

    /// Runs that have not ended, oldest first.
    pub fn unfinished_runs(&self) -> Result<Vec<StoredRun>, StoreError> {
        let open = format!(
            "SELECT {COLUMNS} FROM runs WHERE state IN ('proposed', 'withheld', 'approved', 'waiting', 'executing') \
             ORDER BY number"
        );
        let mut query = self.0.prepare_cached(&open)?;
        Ok(query.query_map([], run)?.collect::<Result<_, _>>()?)
    }

    /// The runs of an occurrence, newest first.
    pub fn runs_of(&self, rule: &str, occurrence: &str) -> Result<Vec<StoredRun>, StoreError> {
        let of =
            format!("SELECT {COLUMNS} FROM runs WHERE rule = ?1 AND occurrence = ?2 ORDER BY number DESC");
        let mut query = self.0.prepare_cached(&of)?;
        Ok(query.query_map([rule, occurrence], run)?.collect::<Result<_, _>>()?)
    }

    /// The run that has used an occurrence: at most one ever leaves the proposals.
    pub fn used_by(&self, rule: &str, occurrence: &str) -> Result<Option<String>, StoreError> {
        let waits = [RunState::Proposed, RunState::Withheld, RunState::Expired];
        let mut runs = self.runs_of(rule, occurrence)?.into_iter();
        Ok(runs.find(|run| run.cause != RunCause::Again && !waits.contains(&run.state)).map(|run| run.id))
    }

    /// The last run of each rule that left the proposals, with when it did.
    pub fn last_run_of(&self, rule: &str) -> Result<Option<StoredRun>, StoreError> {
        let last = format!(
            "SELECT {COLUMNS} FROM runs WHERE rule = ?1 AND started_at IS NOT NULL ORDER BY number DESC LIMIT 1"
        );
        optional(self.0.prepare_cached(&last)?.query_row([rule], run))
    }

    /// What rules have moved, or are to move, of runs let go in a span: minor units, each penny once.
    pub fn moved_between(&self, since: Timestamp, until: Timestamp) -> Result<i64, StoreError> {
        // A penny counts where it arrives: deposits, and withdrawals whose money stays in the account.
        let sum = "SELECT coalesce(sum(t.amount), 0) FROM transfers t JOIN runs r ON r.id = t.run_id \
             WHERE r.approved_at >= ?1 AND r.approved_at < ?2 AND r.cause NOT IN ('undo', 'discover') \
             AND t.state IN ('planned', 'requested', 'confirmed') AND (t.kind = 'deposit' OR (t.kind = 'withdraw' \
             AND NOT EXISTS (SELECT 1 FROM transfers o WHERE o.run_id = t.run_id AND o.needs = t.place)))";
        Ok(self.0.prepare_cached(sum)?.query_row(params![ms(since), ms(until)], |row| row.get(0))?)
    }
}

impl Writer<'_> {
    /// Keeps a new run; its number is given here.
    ///
    /// # Errors
    /// The schema refuses an occurrence's second run.
    pub fn insert_run(&self, run: &StoredRun) -> Result<(), StoreError> {
        let mut insert = self.0.0.prepare_cached(
            "INSERT INTO runs (number, id, rule, cause, occurrence, state, reason, plan, plan_hash, rule_hash, account_id, \
             seed, returns, floor, approved_by, cancelling, created_at, expires_at, approved_at, started_at, ended_at, undoes, moves) \
             VALUES ((SELECT coalesce(max(number), 0) + 1 FROM runs), ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, \
             ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22)",
        )?;
        insert.execute(params![
            run.id,
            run.rule,
            run.cause.word(),
            run.occurrence,
            run.state.word(),
            run.reason,
            serde_json::to_string(&run.plan).unwrap_or_default(),
            run.plan.hash,
            run.rule_hash,
            run.account_id.as_str(),
            run.seed,
            run.returns,
            run.floor,
            run.approved_by.map(Approver::word),
            run.cancelling,
            ms(run.created_at),
            maybe_ms(run.expires_at),
            maybe_ms(run.approved_at),
            maybe_ms(run.started_at),
            maybe_ms(run.ended_at),
            run.undoes,
            serde_json::to_string(&run.moves).unwrap_or_default(),
        ])?;
        Ok(())
    }

    /// Gives a run that a guard holds back the plan of another, and its state; `true` if it was still held back.
    ///
    /// It stays the same run: its id, its number and when it was made do not change.
    ///
    /// # Errors
    /// An illegal step is refused by the schema.
    pub fn replan_run(&self, id: &str, new: &StoredRun) -> Result<bool, StoreError> {
        let mut update = self.0.0.prepare_cached(
            "UPDATE runs SET cause = ?2, state = ?3, reason = ?4, plan = ?5, plan_hash = ?6, moves = ?7, rule_hash = ?8, \
             account_id = ?9, seed = ?10, returns = ?11, expires_at = ?12 WHERE id = ?1 AND state = 'withheld'",
        )?;
        let changed = update.execute(params![
            id,
            new.cause.word(),
            new.state.word(),
            new.reason,
            serde_json::to_string(&new.plan).unwrap_or_default(),
            new.plan.hash,
            serde_json::to_string(&new.moves).unwrap_or_default(),
            new.rule_hash,
            new.account_id.as_str(),
            new.seed,
            new.returns,
            maybe_ms(new.expires_at),
        ])?;
        Ok(changed > 0)
    }

    /// Brings a run to a state, if it is still in `from`; `true` if it was.
    ///
    /// # Errors
    /// An illegal step is refused by the schema.
    pub fn step_run(
        &self,
        id: &str,
        from: RunState,
        to: RunState,
        reason: Option<&str>,
        expires_at: Option<Timestamp>,
    ) -> Result<bool, StoreError> {
        let update = "UPDATE runs SET state = ?3, reason = ?4, expires_at = ?5 WHERE id = ?1 AND state = ?2";
        let values = params![id, from.word(), to.word(), reason, maybe_ms(expires_at)];
        Ok(self.0.0.prepare_cached(update)?.execute(values)? > 0)
    }

    /// Notes that a run was let go, by whom, and the floor that holds for it.
    pub fn run_approved(
        &self,
        id: &str,
        by: Approver,
        floor: Option<i64>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let update = "UPDATE runs SET approved_by = ?2, floor = ?3, approved_at = ?4 WHERE id = ?1";
        self.0.0.prepare_cached(update)?.execute(params![id, by.word(), floor, ms(now)])?;
        Ok(())
    }

    /// Notes when a run first sent something; a second time changes nothing.
    pub fn run_started(&self, id: &str, floor: Option<i64>, now: Timestamp) -> Result<(), StoreError> {
        let update = "UPDATE runs SET started_at = ?2, floor = ?3 WHERE id = ?1 AND started_at IS NULL";
        self.0.0.prepare_cached(update)?.execute(params![id, ms(now), floor])?;
        Ok(())
    }

    /// Brings a run to its end, if it is still in `from`; `true` if it was.
    ///
    /// # Errors
    /// An illegal step is refused by the schema.
    pub fn end_run(
        &self,
        id: &str,
        from: RunState,
        to: RunState,
        reason: Option<&str>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let ended = self.step_run(id, from, to, reason, None)?;
        if ended {
            let update = "UPDATE runs SET ended_at = ?2 WHERE id = ?1 AND ended_at IS NULL";
            self.0.0.prepare_cached(update)?.execute(params![id, ms(now)])?;
        }
        Ok(ended)
    }

    /// A person ends a run; `true` if that is new.
    pub fn cancel_run(&self, id: &str) -> Result<bool, StoreError> {
        let update = "UPDATE runs SET cancelling = 1 WHERE id = ?1 AND cancelling = 0";
        Ok(self.0.0.prepare_cached(update)?.execute([id])? > 0)
    }
}
