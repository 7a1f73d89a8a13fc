//! Accounts, listed and hidden, and how completely each was read.

use std::collections::BTreeMap;

use jiff::Timestamp;
use monzo_common::id::{AccountId, PotId};
use monzo_common::money::Currency;
use rusqlite::{Row, params};
use serde::{Deserialize, Serialize};

use super::raw::{Deflater, inflate};
use super::time::{maybe_at, maybe_ms, ms, parsed};
use super::{Reader, StoreError, Writer};
use crate::facts;

/// An account as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAccount {
    /// The bank's id.
    pub id: AccountId,
    /// The bank's open set; `pot` for hidden accounts.
    pub kind: String,
    /// Preferred names of the owners.
    pub owners: Vec<String>,
    /// Currency of its amounts.
    pub currency: Currency,
    /// Closed accounts stay listed; a hidden one is closed when its pot is gone.
    pub closed: bool,
    /// When it was opened, where known; for hidden accounts when the pot was made.
    pub created_at: Option<Timestamp>,
    /// The pot that it hides behind.
    pub pot_id: Option<PotId>,
    /// Name of that pot.
    pub pot_name: Option<String>,
    /// When it was last read completely.
    pub read_at: Option<Timestamp>,
    /// Why the last reading failed.
    pub error: Option<String>,
    /// Where reconciliation counts from: instant, and balance in minor units.
    pub anchor: Option<(Timestamp, i64)>,
    /// What the last reconciliation found, in minor units.
    pub difference: Option<i64>,
    /// The difference that a person has been told of.
    pub told_difference: Option<i64>,
    /// Newest known balance in minor units; for hidden accounts the pot's.
    pub balance: Option<i64>,
    /// Newest known balance with all pots, in minor units.
    pub total_balance: Option<i64>,
    /// Its place among the open accounts of its type, where there are several.
    pub number: Option<u32>,
}

impl StoredAccount {
    /// What to call it: the person's own name for it, else its type, numbered where several are open
    /// (the bank's description is no name, monzo/README.md, Accounts).
    pub fn name(&self, names: &BTreeMap<String, String>) -> String {
        if let Some(name) = names.get(self.id.as_str()) {
            return name.clone();
        }
        if let Some(pot) = &self.pot_id {
            let own = names.get(pot.as_str()).or(self.pot_name.as_ref());
            return format!("{} (pot account)", own.map_or(pot.as_str(), String::as_str));
        }
        let kind = match self.kind.as_str() {
            "uk_retail" => "Personal".to_owned(),
            "uk_retail_joint" => "Joint".to_owned(),
            "uk_business" => "Business".to_owned(),
            "uk_monzo_flex" => "Flex".to_owned(),
            other => other.trim_start_matches("uk_").replace('_', " "),
        };
        match self.number {
            Some(number) => format!("{kind} {number}"),
            None if self.closed => format!("{kind} (closed)"),
            None => kind,
        }
    }
}

/// An account that the bank lists and that is not synced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// The bank's id.
    pub id: AccountId,
    /// The bank's type; empty where it tells none.
    pub kind: String,
    /// It is closed.
    pub closed: bool,
}

/// Where the store keeps the accounts that are left out.
const LEFT_OUT: &str = "accounts_left_out";

/// Numbers the open accounts of one type by when they were opened, where there are several.
fn number(accounts: &mut [StoredAccount]) {
    let mut open: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (index, account) in accounts.iter().enumerate() {
        if account.pot_id.is_none() && !account.closed {
            open.entry(account.kind.clone()).or_default().push(index);
        }
    }
    for of_one_kind in open.values_mut().filter(|indices| indices.len() > 1) {
        of_one_kind.sort_by_key(|index| (accounts[*index].created_at, accounts[*index].id.clone()));
        for (number, index) in (1..).zip(of_one_kind.iter()) {
            accounts[*index].number = Some(number);
        }
    }
}

const SELECT: &str = "SELECT a.id, a.kind, a.owners, a.currency, \
     a.closed OR coalesce(p.deleted OR p.unlisted_at IS NOT NULL, 0), coalesce(a.created_at, p.created_at), a.pot_id, p.name, \
     a.read_at, a.error, a.anchor_at, a.anchor_balance, a.difference, a.told_difference, \
     coalesce(iif(p.unlisted_at IS NULL, p.balance, 0), b.balance), b.total_balance \
     FROM accounts a LEFT JOIN pots p ON p.id = a.pot_id \
     LEFT JOIN balances b ON b.account_id = a.id AND b.pot_id = '' \
       AND b.at = (SELECT max(at) FROM balances WHERE account_id = a.id AND pot_id = '')";

fn account(row: &Row<'_>) -> rusqlite::Result<StoredAccount> {
    let owners: String = row.get(2)?;
    let anchor_balance: Option<i64> = row.get(11)?;
    Ok(StoredAccount {
        id: row.get::<_, String>(0)?.into(),
        kind: row.get(1)?,
        owners: serde_json::from_str(&owners).unwrap_or_default(),
        currency: parsed(row, 3)?,
        closed: row.get(4)?,
        created_at: maybe_at(row, 5)?,
        pot_id: row.get::<_, Option<String>>(6)?.map(PotId::from),
        pot_name: row.get(7)?,
        read_at: maybe_at(row, 8)?,
        error: row.get(9)?,
        anchor: maybe_at(row, 10)?.zip(anchor_balance),
        difference: row.get(12)?,
        told_difference: row.get(13)?,
        balance: row.get(14)?,
        total_balance: row.get(15)?,
        number: None,
    })
}

impl Reader<'_> {
    /// Every account: listed ones first, oldest first.
    pub fn accounts(&self) -> Result<Vec<StoredAccount>, StoreError> {
        let ordered =
            format!("{SELECT} ORDER BY a.pot_id IS NOT NULL, a.closed, coalesce(a.created_at, 0), a.id");
        let mut query = self.0.prepare_cached(&ordered)?;
        let mut accounts: Vec<StoredAccount> = query.query_map([], account)?.collect::<Result<_, _>>()?;
        number(&mut accounts);
        Ok(accounts)
    }

    /// Every account's id with the bank's JSON of it; without one, as of those behind pots, the text is empty.
    pub fn account_records(&self) -> Result<Vec<(AccountId, String)>, StoreError> {
        let mut query = self.0.prepare_cached("SELECT id, raw FROM accounts ORDER BY id")?;
        let read = |row: &Row<'_>| Ok((AccountId::from(row.get::<_, String>(0)?), row.get(1)?));
        let kept: Vec<(AccountId, Option<Vec<u8>>)> = query.query_map([], read)?.collect::<Result<_, _>>()?;
        let record = |raw: Option<Vec<u8>>| raw.map(|raw| inflate(&raw)).unwrap_or_default();
        Ok(kept.into_iter().map(|(id, raw)| (id, record(raw))).collect())
    }

    /// One account.
    ///
    /// # Errors
    /// [`StoreError::Missing`] if there is none.
    pub fn account(&self, id: &AccountId) -> Result<StoredAccount, StoreError> {
        let found = self.accounts()?.into_iter().find(|account| account.id == *id);
        found.ok_or_else(|| StoreError::Missing(id.to_string()))
    }

    /// The accounts that the bank last listed and that are not synced.
    pub fn left_out(&self) -> Result<Vec<LeftOut>, StoreError> {
        let kept = self.meta(LEFT_OUT)?;
        Ok(kept.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
    }

    /// When everything of an account that the bank serves was last read again.
    pub fn swept_at(&self, id: &AccountId) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.meta(&swept_key(id))?.and_then(|text| text.parse().ok()))
    }
}

/// Where it is kept when an account was last swept.
fn swept_key(id: &AccountId) -> String {
    format!("swept_at/{id}")
}

impl Writer<'_> {
    /// Keeps the accounts of the bank's list.
    pub fn upsert_accounts(&self, accounts: &[facts::Account], now: Timestamp) -> Result<(), StoreError> {
        let mut upsert = self.0.0.prepare_cached(
            "INSERT INTO accounts (id, kind, owners, currency, closed, created_at, first_seen_at, raw) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) \
             ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, owners = excluded.owners, \
             currency = excluded.currency, closed = excluded.closed, \
             created_at = coalesce(excluded.created_at, created_at), raw = excluded.raw",
        )?;
        let mut deflater = Deflater::new();
        for account in accounts {
            upsert.execute(params![
                account.id.as_str(),
                account.kind,
                serde_json::to_string(&account.owners).unwrap_or_default(),
                account.currency.code(),
                account.closed,
                maybe_ms(account.created_at),
                ms(now),
                deflater.deflate(&account.raw),
            ])?;
        }
        Ok(())
    }

    /// Notes how reading an account ended; without an error it is known as of `now`.
    pub fn account_read(
        &self,
        id: &AccountId,
        now: Timestamp,
        error: Option<&str>,
    ) -> Result<(), StoreError> {
        let update = "UPDATE accounts SET error = ?3, read_at = iif(?3 IS NULL, ?2, read_at) WHERE id = ?1";
        self.0.0.prepare_cached(update)?.execute(params![id.as_str(), ms(now), error])?;
        Ok(())
    }

    /// Notes which accounts are not synced.
    pub fn set_left_out(&self, accounts: &[LeftOut]) -> Result<(), StoreError> {
        self.set_meta(LEFT_OUT, &serde_json::to_string(accounts).unwrap_or_default())
    }

    /// What kept an account from being read is no fault any more.
    pub fn forgive_account(&self, id: &AccountId) -> Result<(), StoreError> {
        let update = "UPDATE accounts SET error = NULL WHERE id = ?1";
        self.0.0.prepare_cached(update)?.execute([id.as_str()])?;
        Ok(())
    }

    /// Notes that everything of an account that the bank serves was read again.
    pub fn set_swept(&self, id: &AccountId, at: Timestamp) -> Result<(), StoreError> {
        self.set_meta(&swept_key(id), &at.to_string())
    }

    /// Notes what a reconciliation found.
    pub fn reconciled(
        &self,
        id: &AccountId,
        anchor: (Timestamp, i64),
        difference: i64,
        told: Option<i64>,
    ) -> Result<(), StoreError> {
        let update = "UPDATE accounts SET anchor_at = ?2, anchor_balance = ?3, difference = ?4, told_difference = ?5 WHERE id = ?1";
        let values = params![id.as_str(), ms(anchor.0), anchor.1, difference, told];
        self.0.0.prepare_cached(update)?.execute(values)?;
        Ok(())
    }
}
