//! What a person was asked to pay by hand, because the bank lets no program do it, and the payments that answer.

use jiff::Timestamp;
use monzo_common::id::AccountId;
use rusqlite::params;

use super::time::{at, ms};
use super::{Reader, StoreError, Writer};

/// A payment that a run asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAsk {
    /// The run.
    pub run_id: String,
    /// The step of its plan, from 1.
    pub step: u32,
    /// The account to pay from.
    pub account_id: AccountId,
    /// To whom.
    pub payee: String,
    /// Minor units.
    pub amount: i64,
    /// Payments from then on may be the answer.
    pub asked_at: Timestamp,
}

/// A payment that may be what was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PossibleAnswer {
    /// Its row.
    pub transaction_id: String,
    /// The other side, where the bank names it.
    pub counterparty: String,
    /// The bank's description.
    pub description: String,
    /// The bank's record.
    pub raw: String,
}

impl Reader<'_> {
    /// What was asked for and has not been seen to be paid.
    pub fn open_asks(&self) -> Result<Vec<StoredAsk>, StoreError> {
        let mut query = self.0.prepare_cached(
            "SELECT run_id, step, account_id, payee, amount, asked_at FROM asks WHERE paid_at IS NULL \
             ORDER BY asked_at, run_id, step",
        )?;
        let asks = query.query_map([], |row| {
            Ok(StoredAsk {
                run_id: row.get(0)?,
                step: row.get(1)?,
                account_id: row.get::<_, String>(2)?.into(),
                payee: row.get(3)?,
                amount: row.get(4)?,
                asked_at: at(row, 5)?,
            })
        })?;
        Ok(asks.collect::<Result<_, _>>()?)
    }

    /// Payments out of the account, of the amount and since then, that answer nothing else yet; the oldest first.
    pub fn possible_answers(&self, ask: &StoredAsk) -> Result<Vec<PossibleAnswer>, StoreError> {
        let mut query = self.0.prepare_cached(
            "SELECT id, counterparty, description, raw FROM transactions t WHERE account_id = ?1 \
             AND created_at >= ?2 AND amount = ?3 AND decline_reason IS NULL AND withdrawn_at IS NULL \
             AND pot_id IS NULL AND NOT EXISTS (SELECT 1 FROM asks WHERE transaction_id = t.id) \
             ORDER BY created_at, id",
        )?;
        let values = params![ask.account_id.as_str(), ms(ask.asked_at), ask.amount.saturating_neg()];
        let found = query.query_map(values, |row| {
            Ok((row.get(0)?, row.get::<_, Option<String>>(1)?, row.get(2)?, row.get::<_, Vec<u8>>(3)?))
        })?;
        let mut answers = Vec::new();
        for one in found {
            let (transaction_id, counterparty, description, raw) = one?;
            answers.push(PossibleAnswer {
                transaction_id,
                counterparty: counterparty.unwrap_or_default(),
                description,
                raw: super::raw::inflate(&raw),
            });
        }
        Ok(answers)
    }
}

impl Writer<'_> {
    /// Keeps what a run asks for.
    pub fn ask(&self, ask: &StoredAsk) -> Result<(), StoreError> {
        let insert = "INSERT INTO asks (run_id, step, account_id, payee, amount, asked_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING";
        self.0.0.prepare_cached(insert)?.execute(params![
            ask.run_id,
            ask.step,
            ask.account_id.as_str(),
            ask.payee,
            ask.amount,
            ms(ask.asked_at)
        ])?;
        Ok(())
    }

    /// Ticks off what was asked for; `true` if it was open.
    pub fn ask_paid(&self, ask: &StoredAsk, transaction: &str, now: Timestamp) -> Result<bool, StoreError> {
        let update = "UPDATE asks SET paid_at = ?3, transaction_id = ?4 \
             WHERE run_id = ?1 AND step = ?2 AND paid_at IS NULL";
        let values = params![ask.run_id, ask.step, ms(now), transaction];
        Ok(self.0.0.prepare_cached(update)?.execute(values)? > 0)
    }
}
