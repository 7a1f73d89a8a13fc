//! What rows mean for spending and income: kept beside them, so that a figure reads a few columns of its period only.
//!
//! Entries are derived: triggers note each row that was added or changed (`migrations/0008_entries.sql`), and `sync`
//! makes the entries of those again. Between the two they are out of date, which whoever asks for a figure sees to first.

use std::collections::BTreeMap;

use jiff::Timestamp;
use monzo_common::id::{AccountId, PotId, TransactionId};
use monzo_common::model::EntryKind;
use rusqlite::{Row, params, params_from_iter};

use super::raw::inflate;
use super::time::{at, maybe_at, ms, optional, parsed};
use super::{Reader, StoreError, Writer};
use crate::facts::{Entry, KeptRow, Payee, TRANSFER_SCHEMES};

/// A row whose entries are missing or out of date; without `row`, it is gone from where its entries are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueRow {
    /// Its account.
    pub account: AccountId,
    /// Its id there.
    pub id: TransactionId,
    /// The instant at which its entries are kept.
    pub kept_at: Timestamp,
    /// The row, where it is still at that instant.
    pub row: Option<KeptRow>,
}

/// By what the entries of a period are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grouping {
    /// All of them.
    All,
    /// By category.
    Category,
    /// By whom they went to or came from.
    Payee,
    /// By category, and each by payee.
    CategoryAndPayee,
    /// By the pot that paid.
    Pot,
    /// By whose card paid.
    Person,
    /// By trip.
    Trip,
}

impl Grouping {
    /// The two columns that tell the groups apart.
    const fn columns(self) -> (&'static str, &'static str) {
        match self {
            Self::All => ("NULL", "NULL"),
            Self::Category => ("category", "NULL"),
            Self::Payee => ("payee", "NULL"),
            Self::CategoryAndPayee => ("category", "payee"),
            Self::Pot => ("pot_id", "NULL"),
            Self::Person => ("person", "NULL"),
            Self::Trip => ("trip", "NULL"),
        }
    }
}

/// What tells one group from another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GroupKey {
    /// It has none.
    None,
    /// A word or an id.
    Text(String),
    /// A payee, by its number here.
    Payee(i64),
}

/// What some entries of one account add up to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntrySum {
    /// Their group.
    pub group: GroupKey,
    /// Their group within that.
    pub within: GroupKey,
    /// What they are.
    pub kind: EntryKind,
    /// They count to no figure.
    pub left_out: bool,
    /// Minor units, with the account's sign.
    pub amount: i64,
    /// How many there are.
    pub count: u64,
    /// How much of the amount is pending.
    pub provisional: i64,
}

/// Which entries are wanted of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryFilter {
    /// From this instant on.
    pub since: Timestamp,
    /// Until just before this one.
    pub until: Timestamp,
    /// How much of each amount counts, in basis points.
    pub share: u32,
    /// Of this category only.
    pub category: Option<String>,
    /// Of payees only whose name contains this.
    pub payee: Option<String>,
    /// Of this pot only.
    pub pot: Option<PotId>,
}

/// The columns of a row that its entries follow from.
const KEPT_ROW: &str = "t.account_id, a.kind, a.pot_id, t.id, t.created_at, t.settled_at IS NOT NULL, \
     t.decline_reason IS NOT NULL OR t.withdrawn_at IS NOT NULL, t.amount, t.description, t.category, t.categories, \
     coalesce(m.group_id, t.merchant_id), m.name, t.counterparty, t.scheme, t.pot_id, t.raw";

fn kept_row(row: &Row<'_>) -> rusqlite::Result<KeptRow> {
    let categories: String = row.get(10)?;
    let categories: BTreeMap<String, i64> = serde_json::from_str(&categories).unwrap_or_default();
    let merchant: Option<String> = row.get(11)?;
    let merchant_name: Option<String> = row.get(12)?;
    let pot = |id: Option<String>| id.map(PotId::from);
    Ok(KeptRow {
        account: row.get::<_, String>(0)?.into(),
        account_kind: row.get(1)?,
        of_pot: pot(row.get(2)?),
        id: row.get::<_, String>(3)?.into(),
        created_at: at(row, 4)?,
        settled: row.get(5)?,
        void: row.get(6)?,
        amount: row.get(7)?,
        description: row.get(8)?,
        category: row.get(9)?,
        categories: categories.into_iter().collect(),
        merchant: merchant.map(|key| (key, merchant_name.unwrap_or_default())),
        counterparty: row.get(13)?,
        scheme: row.get(14)?,
        pot: pot(row.get(15)?),
        raw: inflate(&row.get::<_, Vec<u8>>(16)?),
    })
}

impl Reader<'_> {
    /// Whether entries are missing or out of date.
    pub fn entries_are_due(&self) -> Result<bool, StoreError> {
        let mut query = self.0.prepare_cached("SELECT EXISTS (SELECT 1 FROM entries_due)")?;
        Ok(query.query_row([], |row| row.get(0))?)
    }

    /// Some of the rows whose entries are missing or out of date.
    pub fn rows_due(&self, limit: u32) -> Result<Vec<DueRow>, StoreError> {
        let mut query = self.0.prepare_cached(&format!(
            "SELECT {KEPT_ROW}, d.account_id, d.id, d.created_at, t.created_at IS d.created_at \
             FROM (SELECT * FROM entries_due LIMIT ?1) d \
             LEFT JOIN transactions t ON t.account_id = d.account_id AND t.id = d.id \
             LEFT JOIN accounts a ON a.id = t.account_id LEFT JOIN merchants m ON m.id = t.merchant_id",
        ))?;
        let rows = query.query_map([limit], |row| {
            let there: bool = row.get(20)?;
            Ok(DueRow {
                account: row.get::<_, String>(17)?.into(),
                id: row.get::<_, String>(18)?.into(),
                kept_at: at(row, 19)?,
                row: if there { Some(kept_row(row)?) } else { None },
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The counted rows of listed accounts on the rails of bank transfers, of this amount or its opposite, from one instant
    /// to another, oldest first.
    pub fn equal_and_opposite(
        &self,
        amount: i64,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<KeptRow>, StoreError> {
        let schemes = TRANSFER_SCHEMES.map(|scheme| format!("'{scheme}'")).join(", ");
        let mut query = self.0.prepare_cached(&format!(
            "SELECT {KEPT_ROW} FROM transactions t INDEXED BY transactions_by_amount \
             JOIN accounts a ON a.id = t.account_id LEFT JOIN merchants m ON m.id = t.merchant_id \
             WHERE abs(t.amount) = ?1 AND t.amount > -1000000000000000 AND t.created_at BETWEEN ?2 AND ?3 AND t.scheme IN ({schemes}) \
             AND a.pot_id IS NULL AND t.pot_id IS NULL AND t.decline_reason IS NULL AND t.withdrawn_at IS NULL \
             ORDER BY t.created_at, t.account_id, t.id",
        ))?;
        let rows = query.query_map(params![amount.saturating_abs(), ms(since), ms(until)], kept_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The pot that paid a standing order at about an instant: the order's key is part of the key of the pot's move
    /// (monzo/README.md, A bill that a pot pays).
    pub fn pot_of_standing_order(
        &self,
        account: &AccountId,
        series: &str,
        around: Timestamp,
    ) -> Result<Option<PotId>, StoreError> {
        let mut query = self.0.prepare_cached(
            "SELECT pot_id FROM transactions WHERE account_id = ?1 AND created_at BETWEEN ?2 - 86400000 AND ?2 + 86400000 \
             AND amount > 0 AND pot_id IS NOT NULL AND withdrawn_at IS NULL \
             AND external_id LIKE 'standing-order-withdrawal:%' AND instr(external_id, ':' || ?3 || ':') > 0 \
             ORDER BY abs(created_at - ?2) LIMIT 1",
        )?;
        let pot = query.query_row(params![account.as_str(), ms(around), series], |row| row.get(0));
        Ok(optional(pot)?.map(|id: String| PotId::from(id)))
    }

    /// The amount of a row whose entry at an instant is a transfer, in minor units.
    pub fn transfer_at(
        &self,
        account: &AccountId,
        id: &TransactionId,
        created_at: Timestamp,
    ) -> Result<Option<i64>, StoreError> {
        let mut query = self.0.prepare_cached(
            "SELECT amount FROM entries WHERE account_id = ?1 AND created_at = ?3 AND id = ?2 AND kind = 'transfer'",
        )?;
        optional(query.query_row(params![account.as_str(), id.as_str(), ms(created_at)], |row| row.get(0)))
    }

    /// What the entries of an account add up to, group by group.
    pub fn entry_sums(
        &self,
        account: &AccountId,
        grouping: Grouping,
        filter: &EntryFilter,
    ) -> Result<Vec<EntrySum>, StoreError> {
        let (group, within) = grouping.columns();
        // A share of each amount is rounded by itself, half away from zero, so that every grouping has the same total.
        let amount = match filter.share {
            WHOLE => "amount".to_owned(),
            // In two parts, so that the product is no larger than the amount.
            share => format!(
                "(amount / {WHOLE} * {share} + (amount % {WHOLE} * {share} + iif(amount < 0, -5000, 5000)) / {WHOLE})"
            ),
        };
        let mut conditions = String::new();
        let mut values: Vec<rusqlite::types::Value> =
            vec![account.as_str().to_owned().into(), ms(filter.since).into(), ms(filter.until).into()];
        if let Some(category) = &filter.category {
            conditions.push_str(" AND category = ?");
            values.push(category.clone().into());
        }
        if let Some(pot) = &filter.pot {
            conditions.push_str(" AND pot_id = ?");
            values.push(pot.as_str().to_owned().into());
        }
        if let Some(name) = &filter.payee {
            conditions
                .push_str(" AND payee IN (SELECT number FROM payees WHERE instr(lower(name), lower(?)) > 0)");
            values.push(name.clone().into());
        }
        let mut query = self.0.prepare_cached(&format!(
            "SELECT {group}, {within}, kind, left_out, sum({amount}), count(*), sum(iif(provisional, {amount}, 0)) \
             FROM entries WHERE account_id = ? AND created_at >= ? AND created_at < ?{conditions} \
             GROUP BY {group}, {within}, kind, left_out",
        ))?;
        let sums = query.query_map(params_from_iter(values), |row| {
            Ok(EntrySum {
                group: group_key(row, 0)?,
                within: group_key(row, 1)?,
                kind: parsed(row, 2)?,
                left_out: row.get(3)?,
                amount: row.get(4)?,
                count: row.get(5)?,
                provisional: row.get(6)?,
            })
        })?;
        Ok(sums.collect::<Result<_, _>>()?)
    }

    /// What moved into a pot, less what moved out of it, as the account that it belongs to shows it.
    pub fn moved_into_pot(
        &self,
        account: &AccountId,
        pot: &PotId,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<i64, StoreError> {
        let mut query = self.0.prepare_cached(
            "SELECT -coalesce(sum(amount), 0) FROM entries WHERE account_id = ?1 AND created_at >= ?2 \
             AND created_at < ?3 AND pot_id = ?4 AND kind = 'transfer'",
        )?;
        Ok(query
            .query_row(params![account.as_str(), ms(since), ms(until), pot.as_str()], |row| row.get(0))?)
    }

    /// When the first transaction of all was made.
    pub fn first_transaction_at(&self) -> Result<Option<Timestamp>, StoreError> {
        let query = "SELECT min(created_at) FROM transactions";
        Ok(self.0.query_row(query, [], |row| maybe_at(row, 0))?)
    }

    /// A payee by its number.
    pub fn payee(&self, number: i64) -> Result<Payee, StoreError> {
        let mut query =
            self.0.prepare_cached("SELECT key, name, is_merchant FROM payees WHERE number = ?1")?;
        Ok(query.query_row([number], |row| {
            Ok(Payee { key: row.get(0)?, name: row.get(1)?, is_merchant: row.get(2)? })
        })?)
    }
}

/// No bank holds more, in minor units; with this limit no sum can overflow, here as in the sums of balances.
pub const MOST: i64 = 1_000_000_000_000_000;

/// All of an amount, in basis points.
pub const WHOLE: u32 = 10_000;

fn group_key(row: &Row<'_>, column: usize) -> rusqlite::Result<GroupKey> {
    use rusqlite::types::ValueRef;
    Ok(match row.get_ref(column)? {
        ValueRef::Integer(number) => GroupKey::Payee(number),
        ValueRef::Text(text) => GroupKey::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Null | ValueRef::Real(_) | ValueRef::Blob(_) => GroupKey::None,
    })
}

impl Writer<'_> {
    /// Notes that the entries of every row are out of date.
    pub fn all_entries_due(&self) -> Result<(), StoreError> {
        self.0.0.execute_batch(
            "DELETE FROM entries; \
             INSERT OR IGNORE INTO entries_due (account_id, id, created_at) SELECT account_id, id, created_at FROM transactions;",
        )?;
        Ok(())
    }

    /// The entries of a row at an instant are these and no others; they are up to date then.
    pub fn set_entries(
        &self,
        account: &AccountId,
        id: &TransactionId,
        created_at: Timestamp,
        entries: &[Entry],
    ) -> Result<(), StoreError> {
        let key = params![account.as_str(), id.as_str(), ms(created_at)];
        let delete = "DELETE FROM entries WHERE account_id = ?1 AND id = ?2 AND created_at = ?3";
        self.0.0.prepare_cached(delete)?.execute(key)?;
        let mut insert = self.0.0.prepare_cached(
            "INSERT INTO entries (account_id, id, created_at, part, kind, amount, category, payee, pot_id, person, trip, \
             left_out, provisional) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        )?;
        for (part, entry) in (0_i64..).zip(entries) {
            insert.execute(params![
                account.as_str(),
                id.as_str(),
                ms(created_at),
                part,
                entry.kind.word(),
                entry.amount.clamp(-MOST, MOST),
                entry.category,
                self.payee_number(&entry.payee)?,
                entry.pot.as_ref().map(PotId::as_str),
                entry.person,
                entry.trip,
                entry.left_out,
                entry.provisional,
            ])?;
        }
        let done = "DELETE FROM entries_due WHERE account_id = ?1 AND id = ?2 AND created_at = ?3";
        self.0.0.prepare_cached(done)?.execute(key)?;
        Ok(())
    }

    fn payee_number(&self, payee: &Payee) -> Result<i64, StoreError> {
        let mut find = self.0.0.prepare_cached("SELECT number, name FROM payees WHERE key = ?1")?;
        let found =
            optional(find.query_row([&payee.key], |row| Ok((row.get(0)?, row.get::<_, String>(1)?))))?;
        match found {
            Some((number, name)) => {
                if name != payee.name {
                    let rename = "UPDATE payees SET name = ?2 WHERE number = ?1";
                    self.0.0.prepare_cached(rename)?.execute(params![number, payee.name])?;
                }
                Ok(number)
            }
            None => {
                let insert = "INSERT INTO payees (key, name, is_merchant) VALUES (?1, ?2, ?3)";
                self.0.0.prepare_cached(insert)?.execute(params![
                    payee.key,
                    payee.name,
                    payee.is_merchant
                ])?;
                Ok(self.0.0.last_insert_rowid())
            }
        }
    }
}
