//! Balances over time: kept when they change, so that history costs nothing while nothing happens.

use jiff::Timestamp;
use monzo_common::id::{AccountId, PotId};
use monzo_common::model::BalancePoint;
use monzo_common::money::Currency;
use rusqlite::{Row, params};

use super::time::{at, ms, optional, parsed};
use super::{Reader, StoreError, Writer};
use crate::facts;

/// A kept balance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredBalance {
    /// What, and how much.
    pub point: BalancePoint,
    /// An account's balance and all its pots, in minor units.
    pub total_balance: Option<i64>,
    /// Zero or negative, in minor units.
    pub spend_today: Option<i64>,
}

fn balance(row: &Row<'_>) -> rusqlite::Result<StoredBalance> {
    let pot: String = row.get(1)?;
    Ok(StoredBalance {
        point: BalancePoint {
            account_id: row.get::<_, String>(0)?.into(),
            pot_id: (!pot.is_empty()).then(|| PotId::from(pot)),
            at: at(row, 2)?,
            balance: row.get(3)?,
            currency: parsed(row, 6)?,
        },
        total_balance: row.get(4)?,
        spend_today: row.get(5)?,
    })
}

const COLUMNS: &str = "account_id, pot_id, at, balance, total_balance, spend_today, currency";

impl Reader<'_> {
    /// What every account and pot holds, as the bank last told.
    pub fn balances(&self) -> Result<Vec<StoredBalance>, StoreError> {
        let newest = format!(
            "SELECT {COLUMNS} FROM balances b WHERE at = (SELECT max(at) FROM balances \
             WHERE account_id = b.account_id AND pot_id = b.pot_id) ORDER BY account_id, pot_id"
        );
        let mut query = self.0.prepare_cached(&newest)?;
        Ok(query.query_map([], balance)?.collect::<Result<_, _>>()?)
    }

    /// The kept balances of an account or pot from `since` until `until`, oldest first, with the one before.
    pub fn balance_points(
        &self,
        account: &AccountId,
        pot: Option<&PotId>,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<BalancePoint>, StoreError> {
        let span = format!(
            "SELECT {COLUMNS} FROM balances WHERE account_id = ?1 AND pot_id = ?2 AND at < ?4 AND at >= \
             coalesce((SELECT max(at) FROM balances WHERE account_id = ?1 AND pot_id = ?2 AND at <= ?3), ?3) ORDER BY at"
        );
        let pot = pot.map(PotId::as_str).unwrap_or_default();
        let mut query = self.0.prepare_cached(&span)?;
        let values = params![account.as_str(), pot, ms(since), ms(until)];
        Ok(query.query_map(values, |row| Ok(balance(row)?.point))?.collect::<Result<_, _>>()?)
    }
}

impl Writer<'_> {
    /// Keeps an account's balance, if it changed.
    pub fn record_balance(
        &self,
        account: &AccountId,
        balance: &facts::Balance,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let told =
            (balance.balance, Some(balance.total_balance), Some(balance.spend_today), balance.currency);
        self.note_balance(account, "", told, now)
    }

    pub(super) fn note_balance(
        &self,
        account: &AccountId,
        pot: &str,
        (balance, total, spent, currency): (i64, Option<i64>, Option<i64>, Currency),
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let last = "SELECT balance, total_balance, spend_today FROM balances WHERE account_id = ?1 AND pot_id = ?2 ORDER BY at DESC LIMIT 1";
        let last = self.0.0.prepare_cached(last)?.query_row([account.as_str(), pot], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, Option<i64>>(1)?, row.get::<_, Option<i64>>(2)?))
        });
        if optional(last)? == Some((balance, total, spent)) {
            return Ok(());
        }
        let insert =
            format!("INSERT OR REPLACE INTO balances ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)");
        let values = params![account.as_str(), pot, ms(now), balance, total, spent, currency.code()];
        self.0.0.prepare_cached(&insert)?.execute(values)?;
        Ok(())
    }
}
