//! What became of a transfer whose answer never came: the ledger first, the same key second, a refusal last of all.
//!
//! The bank's list is evidence: a row with our key that agrees is a confirmation, one that does not agree is a reason
//! to touch nothing more. These looks happen in the run's own turn; they are no sync (autosort/README.md, Exactly once).

use std::sync::atomic::Ordering;

use jiff::{SignedDuration, Timestamp};
use monzo_common::model::{TransferKind, TransferState};

use crate::autosort::Sorter;
use crate::autosort::run::execute::StepOutcome;
use crate::facts::Row;
use crate::monzo::{Error, Lane, Since};
use crate::store::{StoreError, StoredRun, StoredTransfer};

/// How far before the first request a reading begins.
const BEFORE: SignedDuration = SignedDuration::from_mins(5);

/// How long after the last request a reading must be made to prove that nothing happened. Two minutes are asked for; how
/// late the bank's list can be is not known, and waiting longer costs nothing (monzo/README.md, Moving money).
const AFTER: SignedDuration = SignedDuration::from_mins(5);

/// Pages that one look reads at most: thousands of rows in some minutes are no person's.
const PAGES: usize = 50;

/// What a row with our key says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Evidence {
    /// The transfer, as it was meant; the row's id.
    Agrees(String),
    /// Something else under the same key.
    Differs,
    /// No such row.
    None,
}

/// Whether a row is a transfer's: the same pot, way and amount.
pub(crate) fn agrees(one: &StoredTransfer, pot: Option<&str>, amount: i64) -> bool {
    let signed = match one.transfer.kind {
        TransferKind::Withdraw => one.transfer.amount,
        TransferKind::Deposit | TransferKind::Return => -one.transfer.amount,
    };
    pot == Some(one.transfer.pot_id.as_str()) && amount == signed
}

fn evidence(one: &StoredTransfer, rows: &[Row]) -> Evidence {
    let end = format!(":{}", one.transfer.dedupe_id);
    let ours = |row: &&Row| row.external_id.as_deref().is_some_and(|external| external.ends_with(&end));
    match rows.iter().find(ours) {
        None => Evidence::None,
        Some(row) if agrees(one, row.pot.as_ref().map(|pot| pot.pot_id.as_str()), row.amount) => {
            Evidence::Agrees(row.id.to_string())
        }
        Some(_) => Evidence::Differs,
    }
}

impl Sorter {
    /// Finds out what became of a transfer that was sent, or sends it again with the same key.
    pub(crate) async fn settle(
        &self,
        run: &StoredRun,
        one: &StoredTransfer,
    ) -> Result<StepOutcome, StoreError> {
        if !self.login.ready() {
            return Ok(StepOutcome::Waits("a login is needed".to_owned(), None));
        }
        let mut absent = false;
        if one.outcome_unknown {
            match self.look(one).await? {
                Ok(Evidence::Agrees(row)) => {
                    self.confirm(run, one, None, Some(row)).await?;
                    return Ok(StepOutcome::Done);
                }
                Ok(Evidence::Differs) => return self.differs().await,
                Ok(Evidence::None) => absent = self.proven(one),
                Err(error) => return Ok(self.on_bank_error(error).await),
            }
        }
        if absent && (one.refused || run.cancelling || self.late(run)) {
            let why = one.transfer.error.clone();
            let why = why.unwrap_or_else(|| "the bank's list does not show it".to_owned());
            self.give_up(run, one, TransferState::Failed, &why).await?;
            return Ok(StepOutcome::Done);
        }
        if one.outcome_unknown && (one.refused || run.cancelling || self.late(run)) {
            // Only looked up, until the list is complete.
            let until = one.last_requested_at.and_then(|at| at.checked_add(AFTER).ok());
            let now = self.clock.now();
            let near = until.filter(|until| *until > now && until.duration_since(now) <= AFTER);
            return Ok(match near {
                Some(_) => {
                    StepOutcome::RetryLater("the bank's list is to show whether it happened".to_owned())
                }
                None => {
                    StepOutcome::Waits("the bank's list is to show whether it happened".to_owned(), until)
                }
            });
        }
        if let Some(why) = self.held(run).await? {
            return Ok(StepOutcome::Waits(why, None));
        }
        let balance = match self.current_balance(run).await {
            Ok(balance) => balance.balance,
            Err(error) => return Ok(self.on_bank_error(error).await),
        };
        match self.veto(run, one, balance).await? {
            None => self.send_request(run, one).await,
            Some(why) if absent => {
                self.give_up(run, one, TransferState::Failed, &why).await?;
                Ok(StepOutcome::Done)
            }
            Some(why) if !one.outcome_unknown => self.cancel_unsent(run, one, &why).await,
            // It may have happened, which would explain the veto: the list is to show it.
            Some(why) => Ok(StepOutcome::RetryLater(why)),
        }
    }

    /// A reading made now reaches far enough beyond the last request.
    fn proven(&self, one: &StoredTransfer) -> bool {
        let complete = one.last_requested_at.and_then(|at| at.checked_add(AFTER).ok());
        complete.is_some_and(|complete| complete <= self.clock.now())
    }

    /// Gives up a transfer that did not happen as far as is known here, unless the bank's list shows that it did: this
    /// database can be older than what moved its money.
    pub(crate) async fn cancel_unsent(
        &self,
        run: &StoredRun,
        one: &StoredTransfer,
        why: &str,
    ) -> Result<StepOutcome, StoreError> {
        let found = match self.stored_evidence(one).await? {
            Evidence::None if self.0.read.load(Ordering::Relaxed) => Evidence::None,
            Evidence::None if !self.login.ready() => {
                return Ok(StepOutcome::Waits("a login is needed".to_owned(), None));
            }
            Evidence::None => {
                let first = run.approved_at.unwrap_or(run.created_at);
                match self.read_list(one, first.checked_sub(BEFORE).unwrap_or(first)).await {
                    Ok(found) => found,
                    Err(error) => return Ok(self.on_bank_error(error).await),
                }
            }
            found => found,
        };
        match found {
            Evidence::None => {}
            Evidence::Agrees(row) => {
                let (key, now) = (one.transfer.dedupe_id.clone(), self.clock.now());
                self.store.write(move |writer| writer.transfer_requested(&key, now)).await?;
                self.confirm(run, one, None, Some(row)).await?;
                return Ok(StepOutcome::Done);
            }
            Evidence::Differs => return self.differs().await,
        }
        self.give_up(run, one, TransferState::Cancelled, why).await?;
        Ok(StepOutcome::Done)
    }

    /// Touches nothing more: the bank's list does not say what was meant.
    async fn differs(&self) -> Result<StepOutcome, StoreError> {
        let why = "the bank's list holds another transfer under a key of this run";
        self.freeze_all(why).await?;
        Ok(StepOutcome::Waits(why.to_owned(), None))
    }

    /// Looks for a transfer's row: in what is stored, then in the bank's list, to its end.
    async fn look(&self, one: &StoredTransfer) -> Result<Result<Evidence, Error>, StoreError> {
        let stored = self.stored_evidence(one).await?;
        if stored != Evidence::None {
            return Ok(Ok(stored));
        }
        let first = one.transfer.requested_at.unwrap_or_else(|| self.clock.now());
        Ok(self.read_list(one, first.checked_sub(BEFORE).unwrap_or(first)).await)
    }

    async fn stored_evidence(&self, one: &StoredTransfer) -> Result<Evidence, StoreError> {
        let key = one.transfer.dedupe_id.clone();
        let stored = self.store.read(move |reader| reader.ledger_moves(Some(&key))).await?;
        let found = stored.iter().find(|found| found.dedupe_id == one.transfer.dedupe_id);
        Ok(found.map_or(Evidence::None, |found| {
            let pot = found.pot_id.as_ref().map(|pot| pot.as_str());
            if agrees(one, pot, found.amount) {
                Evidence::Agrees(found.transaction_id.clone())
            } else {
                Evidence::Differs
            }
        }))
    }

    async fn read_list(&self, one: &StoredTransfer, since: Timestamp) -> Result<Evidence, Error> {
        let client = self.client.impatient();
        let mut since = Since::Time(since);
        for _ in 0..PAGES {
            let page = client.transactions(&one.transfer.account_id, since, None, Lane::Steady).await?;
            match evidence(one, &page.rows) {
                Evidence::None => {}
                found => return Ok(found),
            }
            if page.unreadable.iter().any(|record| record.raw.contains(&one.transfer.dedupe_id)) {
                return Err(Error::Transient("the list holds a record that cannot be understood".to_owned()));
            }
            match page.rows.last() {
                Some(last) => since = Since::Id(last.id.clone()),
                None => return Ok(Evidence::None),
            }
        }
        Err(Error::Transient("the list does not end".to_owned()))
    }
}
