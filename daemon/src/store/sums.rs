//! What the rows of an account add up to.
//!
//! Triggers keep it week by week, in the transaction that changes a row (`migrations/0005_sums.sql`), so that a sync
//! reads a few hundred sums and not the history. The rows stay the truth: now and then all of them are counted, and a
//! kept sum that differs is corrected and told.

use jiff::Timestamp;
use monzo_common::id::AccountId;
use rusqlite::params;

use super::time::ms;
use super::{Reader, StoreError, Writer};

/// The first schema that keeps sums.
pub(super) const SINCE: i64 = 5;

/// A week whose kept sum is not what its rows add up to, in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct WrongSum {
    week: i64,
    kept: i64,
    counted: i64,
}

impl Reader<'_> {
    /// What the rows of an account from `since` on add up to, in minor units: pending counted, declined and withdrawn not.
    pub fn sum(&self, account: &AccountId, since: Timestamp) -> Result<i64, StoreError> {
        // The week that `since` is in is counted row by row, and the later ones are kept.
        let mut query = self.0.prepare_cached(
            "SELECT coalesce((SELECT sum(sum) FROM weekly_sums WHERE account_id = ?1 AND week > ?2 / 604800000), 0) \
             + coalesce((SELECT sum(amount) FROM transactions WHERE account_id = ?1 AND created_at >= ?2 \
             AND created_at < (?2 / 604800000 + 1) * 604800000 AND created_at / 604800000 = ?2 / 604800000 \
             AND decline_reason IS NULL AND withdrawn_at IS NULL), 0)",
        )?;
        Ok(query.query_row(params![account.as_str(), ms(since)], |row| row.get(0))?)
    }

    /// By how much the kept sums of an account differ from its rows, in minor units; nothing if each week agrees.
    pub(super) fn sums_off(&self, account: &AccountId) -> Result<Option<i64>, StoreError> {
        Ok(off(&self.wrong_sums(account)?))
    }

    /// Counts every row of an account.
    fn wrong_sums(&self, account: &AccountId) -> Result<Vec<WrongSum>, StoreError> {
        let mut query = self.0.prepare_cached(
            "SELECT week, sum(kept), sum(counted) FROM ( \
               SELECT week, sum AS kept, 0 AS counted FROM weekly_sums WHERE account_id = ?1 UNION ALL \
               SELECT created_at / 604800000, 0, sum(max(-1000000000000000, min(1000000000000000, amount))) \
               FROM transactions WHERE account_id = ?1 AND decline_reason IS NULL AND withdrawn_at IS NULL GROUP BY 1) \
             GROUP BY week HAVING sum(kept) <> sum(counted)",
        )?;
        let wrong = query.query_map([account.as_str()], |row| {
            Ok(WrongSum { week: row.get(0)?, kept: row.get(1)?, counted: row.get(2)? })
        })?;
        Ok(wrong.collect::<Result<_, _>>()?)
    }

    /// When every row of an account was last counted.
    pub fn counted_at(&self, account: &AccountId) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.meta(&counted_key(account))?.and_then(|text| text.parse().ok()))
    }
}

impl Writer<'_> {
    /// Counts every row of an account and corrects the kept sums; answers by how much they were wrong, if at all.
    pub fn recount(&self, account: &AccountId, now: Timestamp) -> Result<Option<i64>, StoreError> {
        let off = self.correct_sums(account)?;
        self.set_meta(&counted_key(account), &now.to_string())?;
        Ok(off)
    }

    pub(super) fn correct_sums(&self, account: &AccountId) -> Result<Option<i64>, StoreError> {
        let wrong = self.wrong_sums(account)?;
        let correct = "INSERT OR REPLACE INTO weekly_sums (account_id, week, sum) VALUES (?1, ?2, ?3)";
        for WrongSum { week, counted, .. } in &wrong {
            self.0.0.prepare_cached(correct)?.execute(params![account.as_str(), week, counted])?;
        }
        Ok(off(&wrong))
    }
}

/// How much more is kept than was counted; nothing if no week is wrong.
fn off(wrong: &[WrongSum]) -> Option<i64> {
    let more = |off: i64, week: &WrongSum| off.saturating_add(week.kept.saturating_sub(week.counted));
    (!wrong.is_empty()).then(|| wrong.iter().fold(0, more))
}

fn counted_key(account: &AccountId) -> String {
    format!("counted/{account}")
}
