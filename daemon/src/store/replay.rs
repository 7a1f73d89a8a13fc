//! An account with the accounts behind its pots, row by row, as a replay of its history needs them.

use jiff::Timestamp;
use monzo_common::id::{AccountId, PotId};
use rusqlite::params;

use super::time::{at, ms};
use super::{Reader, StoreError};

/// A row of an account or of a hidden account behind one of its pots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayedRow {
    /// The pot in whose hidden account it is.
    pub behind: Option<PotId>,
    /// When.
    pub created_at: Timestamp,
    /// Minor units; negative is out.
    pub amount: i64,
    /// The other side.
    pub name: String,
    /// The payment rail.
    pub scheme: String,
    /// The pot on the other side, for pot moves.
    pub pot_id: Option<PotId>,
    /// What caused a pot move.
    pub trigger: Option<String>,
    /// The bank's key of a pot move.
    pub external_id: Option<String>,
    /// The pot that a bill was paid from.
    pub bills_pot_id: Option<PotId>,
}

impl Reader<'_> {
    /// The counted rows of an account and of the hidden accounts of its pots in a span, oldest first.
    pub fn replayed(
        &self,
        account: &AccountId,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<ReplayedRow>, StoreError> {
        let mut query = self.0.prepare_cached(
            "SELECT a.pot_id, t.created_at, t.amount, \
             coalesce(nullif(m.name, ''), nullif(t.counterparty, ''), t.description), t.scheme, t.pot_id, t.trigger, \
             t.external_id, t.bills_pot_id \
             FROM transactions t JOIN accounts a ON a.id = t.account_id LEFT JOIN merchants m ON m.id = t.merchant_id \
             WHERE (t.account_id = ?1 OR t.account_id IN (SELECT l.pot_current_id FROM pot_links l \
               JOIN pots p ON p.id = l.pot_id WHERE p.account_id = ?1)) \
             AND t.created_at >= ?2 AND t.created_at < ?3 AND t.decline_reason IS NULL AND t.withdrawn_at IS NULL \
             ORDER BY t.created_at, t.account_id, t.id",
        )?;
        let pot = |id: Option<String>| id.map(PotId::from);
        let rows = query.query_map(params![account.as_str(), ms(since), ms(until)], |row| {
            Ok(ReplayedRow {
                behind: pot(row.get(0)?),
                created_at: at(row, 1)?,
                amount: row.get(2)?,
                name: row.get(3)?,
                scheme: row.get(4)?,
                pot_id: pot(row.get(5)?),
                trigger: row.get(6)?,
                external_id: row.get(7)?,
                bills_pot_id: pot(row.get(8)?),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
