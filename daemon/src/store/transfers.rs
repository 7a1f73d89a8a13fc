//! Transfers of runs, each with its idempotency key, and the ledger's rows that show them.

use jiff::Timestamp;
use monzo_common::id::{AccountId, PotId};
use monzo_common::model::{Transfer, TransferState};
use rusqlite::{Row, params};

use super::time::{maybe_at, maybe_ms, ms, optional, parsed};
use super::{Reader, StoreError, Writer};

/// A transfer as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredTransfer {
    /// What a person is shown of it.
    pub transfer: Transfer,
    /// The place of the transfer that brings the money for it.
    pub funded_by: Option<u32>,
    /// When it was last sent.
    pub last_requested_at: Option<Timestamp>,
    /// How often it was sent.
    pub requests: u32,
    /// A request is out whose outcome is not known.
    pub outcome_unknown: bool,
    /// A repeat was refused.
    pub refused: bool,
    /// What the pot held by the bank's answer, in minor units.
    pub pot_balance: Option<i64>,
    /// The key of the transfer that it undoes.
    pub undoes: Option<String>,
}

/// Where a page of transfers ended: the run's number, and the place in it.
pub type TransferMark = (i64, u32);

/// One of our own moves among the rows of an account's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerMove {
    /// The key at the end of its `external_id`.
    pub dedupe_id: String,
    /// The row.
    pub transaction_id: String,
    /// The account in whose list it is.
    pub account_id: AccountId,
    /// The pot.
    pub pot_id: Option<PotId>,
    /// Minor units; negative went into the pot.
    pub amount: i64,
    /// When.
    pub created_at: Timestamp,
}

const COLUMNS: &str = "run_id, place, kind, pot_id, account_id, amount, currency, state, dedupe_id, requested_at, confirmed_at, \
     reconciled_at, transaction_id, error, needs, last_requested_at, requests, doubtful, refused, pot_balance, undoes";

fn transfer(row: &Row<'_>) -> rusqlite::Result<StoredTransfer> {
    Ok(StoredTransfer {
        transfer: Transfer {
            run_id: row.get(0)?,
            place: row.get(1)?,
            kind: parsed(row, 2)?,
            pot_id: row.get::<_, String>(3)?.into(),
            account_id: row.get::<_, String>(4)?.into(),
            amount: row.get(5)?,
            currency: parsed(row, 6)?,
            state: parsed(row, 7)?,
            dedupe_id: row.get(8)?,
            requested_at: maybe_at(row, 9)?,
            confirmed_at: maybe_at(row, 10)?,
            reconciled_at: maybe_at(row, 11)?,
            transaction_id: row.get::<_, Option<String>>(12)?.map(Into::into),
            error: row.get(13)?,
        },
        funded_by: row.get(14)?,
        last_requested_at: maybe_at(row, 15)?,
        requests: row.get(16)?,
        outcome_unknown: row.get(17)?,
        refused: row.get(18)?,
        pot_balance: row.get(19)?,
        undoes: row.get(20)?,
    })
}

impl Reader<'_> {
    /// The transfers of a run, by place.
    pub fn transfers_of(&self, run: &str) -> Result<Vec<StoredTransfer>, StoreError> {
        let of = format!("SELECT {COLUMNS} FROM transfers WHERE run_id = ?1 ORDER BY place");
        let mut query = self.0.prepare_cached(&of)?;
        Ok(query.query_map([run], transfer)?.collect::<Result<_, _>>()?)
    }

    /// A page of transfers, newest run first; `after` is where the last page ended.
    pub fn transfers(
        &self,
        run: Option<&str>,
        after: Option<TransferMark>,
        limit: u32,
    ) -> Result<(Vec<StoredTransfer>, Option<TransferMark>), StoreError> {
        let columns =
            COLUMNS.split(", ").map(|column| format!("t.{}", column.trim())).collect::<Vec<_>>().join(", ");
        let page = format!(
            "SELECT {columns}, r.number FROM transfers t JOIN runs r ON r.id = t.run_id \
             WHERE (?1 IS NULL OR t.run_id = ?1) AND (r.number < ?2 OR (r.number = ?2 AND t.place > ?3)) \
             ORDER BY r.number DESC, t.place LIMIT ?4"
        );
        let (number, place) = after.unwrap_or((i64::MAX, u32::MAX));
        let mut query = self.0.prepare_cached(&page)?;
        let values = params![run, number, place, i64::from(limit) + 1];
        let mut found: Vec<(StoredTransfer, i64)> =
            query.query_map(values, |row| Ok((transfer(row)?, row.get(21)?)))?.collect::<Result<_, _>>()?;
        let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = found.len() > wanted;
        found.truncate(wanted);
        let last = found.last().map(|(one, number)| (*number, one.transfer.place)).filter(|_| more);
        Ok((found.into_iter().map(|(one, _)| one).collect(), last))
    }

    /// How many transfers are under way or still to be sent, and how many of them are in doubt.
    pub fn unsettled_transfers(&self) -> Result<u64, StoreError> {
        let count = "SELECT count(*) FROM transfers WHERE state IN ('planned', 'requested')";
        Ok(self.0.prepare_cached(count)?.query_row([], |row| row.get(0))?)
    }

    /// Confirmed transfers whose row has not been seen yet.
    pub fn unreconciled_transfers(&self) -> Result<Vec<StoredTransfer>, StoreError> {
        let open = format!(
            "SELECT {COLUMNS} FROM transfers WHERE state = 'confirmed' AND reconciled_at IS NULL ORDER BY confirmed_at"
        );
        let mut query = self.0.prepare_cached(&open)?;
        Ok(query.query_map([], transfer)?.collect::<Result<_, _>>()?)
    }

    /// The transfers that undo transfers of a run.
    pub fn undoing(&self, run: &str) -> Result<Vec<StoredTransfer>, StoreError> {
        let of = format!(
            "SELECT {COLUMNS} FROM transfers WHERE undoes IN (SELECT dedupe_id FROM transfers WHERE run_id = ?1)"
        );
        let mut query = self.0.prepare_cached(&of)?;
        Ok(query.query_map([run], transfer)?.collect::<Result<_, _>>()?)
    }

    /// When a run last moved money in or out of an account or pot.
    pub fn last_moved_at(&self, id: &str) -> Result<Option<Timestamp>, StoreError> {
        let last = "SELECT max(confirmed_at) FROM transfers WHERE state = 'confirmed' AND (pot_id = ?1 OR account_id = ?1)";
        Ok(optional(self.0.prepare_cached(last)?.query_row([id], |row| maybe_at(row, 0)))?.flatten())
    }

    /// Every row of a listed account whose key is one of ours; those of one key, or of one beginning, if asked.
    pub fn ledger_moves(&self, key: Option<&str>) -> Result<Vec<LedgerMove>, StoreError> {
        // A cross join has SQLite begin with the few rows of ours.
        let ours = "SELECT t.external_id, t.id, t.account_id, t.pot_id, t.amount, t.created_at FROM transactions t \
             CROSS JOIN accounts a ON a.id = t.account_id WHERE instr(t.external_id, ':mz-') > 0 \
             AND substr(t.external_id, instr(t.external_id, ':mz-') + 1) BETWEEN ?1 AND ?1 || char(1114111) \
             AND a.pot_id IS NULL AND t.withdrawn_at IS NULL AND t.decline_reason IS NULL ORDER BY t.created_at";
        let mut query = self.0.prepare_cached(ours)?;
        let begins = key.unwrap_or("mz-");
        let found = query.query_map([begins], |row| {
            let external: String = row.get(0)?;
            Ok(LedgerMove {
                dedupe_id: external.rsplit(':').next().unwrap_or_default().to_owned(),
                transaction_id: row.get(1)?,
                account_id: row.get::<_, String>(2)?.into(),
                pot_id: row.get::<_, Option<String>>(3)?.map(PotId::from),
                amount: row.get(4)?,
                created_at: super::time::at(row, 5)?,
            })
        })?;
        let found: Vec<LedgerMove> = found.collect::<Result<_, _>>()?;
        Ok(found.into_iter().filter(|one| one.dedupe_id.starts_with(begins)).collect())
    }

    /// A transfer by its key.
    pub fn transfer(&self, dedupe_id: &str) -> Result<Option<StoredTransfer>, StoreError> {
        let one = format!("SELECT {COLUMNS} FROM transfers WHERE dedupe_id = ?1");
        optional(self.0.prepare_cached(&one)?.query_row([dedupe_id], transfer))
    }
}

impl Writer<'_> {
    /// Keeps a new transfer.
    ///
    /// # Errors
    /// The schema refuses a key that is used already.
    pub fn insert_transfer(&self, stored: &StoredTransfer) -> Result<(), StoreError> {
        let mut insert = self.0.0.prepare_cached(
            "INSERT INTO transfers (run_id, place, kind, pot_id, account_id, amount, currency, state, dedupe_id, \
             requested_at, confirmed_at, reconciled_at, transaction_id, error, needs, undoes) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
        )?;
        let one = &stored.transfer;
        insert.execute(params![
            one.run_id,
            one.place,
            one.kind.word(),
            one.pot_id.as_str(),
            one.account_id.as_str(),
            one.amount,
            one.currency.code(),
            one.state.word(),
            one.dedupe_id,
            maybe_ms(one.requested_at),
            maybe_ms(one.confirmed_at),
            maybe_ms(one.reconciled_at),
            one.transaction_id.as_ref().map(|id| id.as_str().to_owned()),
            one.error,
            stored.funded_by,
            stored.undoes,
        ])?;
        Ok(())
    }

    /// Notes that a transfer is about to be sent; only then may it be.
    ///
    /// # Errors
    /// One that is settled cannot be sent again.
    pub fn transfer_requested(&self, dedupe_id: &str, now: Timestamp) -> Result<bool, StoreError> {
        let update = "UPDATE transfers SET state = 'requested', requested_at = coalesce(requested_at, ?2), \
             last_requested_at = ?2, requests = requests + 1, doubtful = 1 \
             WHERE dedupe_id = ?1 AND state IN ('planned', 'requested')";
        Ok(self.0.0.prepare_cached(update)?.execute(params![dedupe_id, ms(now)])? > 0)
    }

    /// Notes that the last request certainly did nothing; what was in doubt before it stays so.
    pub fn transfer_not_done(&self, dedupe_id: &str, outcome_unknown: bool) -> Result<(), StoreError> {
        let update = "UPDATE transfers SET doubtful = ?2 WHERE dedupe_id = ?1 AND state = 'requested'";
        self.0.0.prepare_cached(update)?.execute(params![dedupe_id, outcome_unknown])?;
        Ok(())
    }

    /// Notes that a repeat was refused, which settles nothing by itself.
    pub fn transfer_refused(&self, dedupe_id: &str, error: &str) -> Result<(), StoreError> {
        let update =
            "UPDATE transfers SET refused = 1, error = ?2 WHERE dedupe_id = ?1 AND state = 'requested'";
        self.0.0.prepare_cached(update)?.execute([dedupe_id, error])?;
        Ok(())
    }

    /// Notes that the bank did it, with what the pot then held and the row, where they are known.
    pub fn transfer_confirmed(
        &self,
        dedupe_id: &str,
        pot_balance: Option<i64>,
        row: Option<&str>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let update = "UPDATE transfers SET state = 'confirmed', confirmed_at = ?2, pot_balance = ?3, \
             transaction_id = coalesce(?4, transaction_id), doubtful = 0, error = NULL \
             WHERE dedupe_id = ?1 AND state = 'requested'";
        let values = params![dedupe_id, ms(now), pot_balance, row];
        Ok(self.0.0.prepare_cached(update)?.execute(values)? > 0)
    }

    /// Notes that a transfer will not happen: `Failed` where the bank said so, `Cancelled` where it was never sent.
    ///
    /// # Errors
    /// A transfer whose outcome is unknown cannot be cancelled.
    pub fn transfer_ended(
        &self,
        dedupe_id: &str,
        state: TransferState,
        error: &str,
    ) -> Result<bool, StoreError> {
        let update = "UPDATE transfers SET state = ?2, error = ?3 WHERE dedupe_id = ?1 AND state IN ('planned', 'requested')";
        Ok(self.0.0.prepare_cached(update)?.execute(params![dedupe_id, state.word(), error])? > 0)
    }

    /// Notes the row of a confirmed transfer.
    pub fn transfer_reconciled(&self, dedupe_id: &str, row: &str, now: Timestamp) -> Result<(), StoreError> {
        let update = "UPDATE transfers SET reconciled_at = ?2, transaction_id = ?3 \
             WHERE dedupe_id = ?1 AND reconciled_at IS NULL";
        self.0.0.prepare_cached(update)?.execute(params![dedupe_id, ms(now), row])?;
        Ok(())
    }
}
