//! Transactions out: lists that are cut by instant and id, so that rows that arrive meanwhile shift nothing.

use std::collections::BTreeMap;

use monzo_common::id::{MerchantId, PotId};
use monzo_common::model::{
    Direction, Merchant, RawJson, Revision, Transaction, TransactionDetail, TransactionPage, TransactionQuery,
};
use rusqlite::types::Value;
use rusqlite::{Row, params, params_from_iter};

use super::raw::inflate;
use super::time::{at, maybe_at, ms, parsed};
use super::{Reader, StoreError};
use crate::facts::record;

/// Rows on a page that asks for no number.
const DEFAULT_PAGE: u32 = 100;

/// Rows on the longest page.
const LONGEST_PAGE: u32 = 500;

/// Candidates that an ambiguous prefix names.
const CANDIDATES: usize = 5;

const SELECT: &str = "SELECT t.account_id, t.id, t.created_at, t.settled_at, t.updated_at, t.amount, t.currency, \
     t.local_amount, t.local_currency, t.description, m.id, m.name, m.emoji, t.counterparty, t.category, \
     t.categories, t.notes, t.scheme, t.pot_id, t.decline_reason, t.withdrawn_at";

const FROM: &str = " FROM transactions t LEFT JOIN merchants m ON m.id = t.merchant_id";

/// Columns before the raw JSON, when that is asked for too.
const RAW: usize = 21;

fn transaction(row: &Row<'_>) -> rusqlite::Result<Transaction> {
    let merchant: Option<String> = row.get(10)?;
    let merchant_name: Option<String> = row.get(11)?;
    let categories: String = row.get(15)?;
    let settled_at = maybe_at(row, 3)?;
    let decline_reason: Option<String> = row.get(19)?;
    Ok(Transaction {
        account_id: row.get::<_, String>(0)?.into(),
        id: row.get::<_, String>(1)?.into(),
        created_at: at(row, 2)?,
        settled_at,
        updated_at: maybe_at(row, 4)?,
        amount: row.get(5)?,
        currency: parsed(row, 6)?,
        local_amount: row.get(7)?,
        local_currency: parsed(row, 8)?,
        description: row.get(9)?,
        merchant: match merchant.zip(merchant_name) {
            // Of a merchant that the bank did not expand only the id is known.
            Some((id, name)) => {
                let name = if name.is_empty() { id.clone() } else { name };
                Some(Merchant { id: MerchantId::from(id), name, emoji: row.get(12)? })
            }
            None => None,
        },
        counterparty: row.get(13)?,
        category: row.get(14)?,
        categories: serde_json::from_str(&categories).unwrap_or_default(),
        notes: row.get(16)?,
        tags: Vec::new(),
        scheme: row.get(17)?,
        pot_id: row.get::<_, Option<String>>(18)?.map(PotId::from),
        pending: settled_at.is_none() && decline_reason.is_none(),
        declined: decline_reason.is_some(),
        decline_reason,
        withdrawn_at: maybe_at(row, 20)?,
        raw: None,
    })
}

/// Conditions and their values, as they gather.
#[derive(Default)]
struct Filter {
    conditions: Vec<String>,
    values: Vec<Value>,
}

impl Filter {
    fn add(&mut self, condition: &str, values: impl IntoIterator<Item = Value>) {
        self.conditions.push(condition.to_owned());
        self.values.extend(values);
    }

    fn of(query: &TransactionQuery) -> Self {
        let mut filter = Self::default();
        if let Some(since) = query.since {
            filter.add("t.created_at >= ?", [Value::Integer(ms(since))]);
        }
        if let Some(until) = query.until {
            filter.add("t.created_at < ?", [Value::Integer(ms(until))]);
        }
        filter.place(query);
        if let Some(category) = &query.category {
            filter.add("t.category = ?", [Value::Text(category.clone())]);
        }
        if let Some(name) = &query.merchant {
            let like = Value::Text(format!("%{}%", escaped(name)));
            // What has no name is shown, and so looked for, by its description.
            let named = "(m.name LIKE ? ESCAPE '\\' OR t.counterparty LIKE ? ESCAPE '\\' \
                 OR (coalesce(m.name, '') = '' AND coalesce(t.counterparty, '') = '' \
                     AND t.description LIKE ? ESCAPE '\\'))";
            filter.add(named, [like.clone(), like.clone(), like]);
        }
        if let Some(min) = query.min {
            filter.add("abs(t.amount) >= ?", [Value::Integer(min)]);
        }
        if let Some(max) = query.max {
            filter.add("abs(t.amount) <= ?", [Value::Integer(max)]);
        }
        match query.direction {
            Some(Direction::Credit) => filter.add("t.amount > 0", []),
            Some(Direction::Debit) => filter.add("t.amount < 0", []),
            None => {}
        }
        for (wanted, condition) in [
            (query.pending, "(t.settled_at IS NULL AND t.decline_reason IS NULL)"),
            (query.declined, "t.decline_reason IS NOT NULL"),
            (query.withdrawn, "t.withdrawn_at IS NOT NULL"),
        ] {
            match wanted {
                Some(true) => filter.add(condition, []),
                Some(false) => filter.add(&format!("NOT {condition}"), []),
                None => {}
            }
        }
        filter
    }

    /// Which lists: those asked for, a pot's, or all but the hidden ones.
    fn place(&mut self, query: &TransactionQuery) {
        if let Some(pot) = &query.pot {
            let pot = Value::Text(pot.as_str().to_owned());
            let either =
                "(t.pot_id = ? OR t.account_id IN (SELECT pot_current_id FROM pot_links WHERE pot_id = ?))";
            self.add(either, [pot.clone(), pot]);
        }
        if !query.accounts.is_empty() {
            let marks = vec!["?"; query.accounts.len()].join(", ");
            let ids = query.accounts.iter().map(|id| Value::Text(id.as_str().to_owned()));
            // Of one account the rows are found in order; of several they would have to be sorted, all of them.
            let plus = if query.accounts.len() > 1 { "+" } else { "" };
            self.add(&format!("{plus}t.account_id IN ({marks})"), ids);
        } else if query.pot.is_none() {
            self.add("+t.account_id IN (SELECT id FROM accounts WHERE pot_id IS NULL)", []);
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

/// Where a page ended: instant, account and id, which together order all rows.
fn cursor_of(row: &Transaction) -> String {
    format!("{}/{}/{}", ms(row.created_at), row.id, row.account_id)
}

fn read_cursor(cursor: &str) -> Option<[Value; 3]> {
    let mut parts = cursor.splitn(3, '/');
    let at = parts.next()?.parse().ok()?;
    let (id, account) = (parts.next()?, parts.next()?);
    Some([Value::Integer(at), Value::Text(id.to_owned()), Value::Text(account.to_owned())])
}

fn limit(query: &TransactionQuery) -> u32 {
    query.limit.unwrap_or(DEFAULT_PAGE).clamp(1, LONGEST_PAGE)
}

/// The question for a page, and one row more to know whether there are more.
pub(super) fn page(query: &TransactionQuery) -> Result<(String, Vec<Value>), StoreError> {
    let mut filter = Filter::of(query);
    let (sign, order) = if query.reverse { (">", "ASC") } else { ("<", "DESC") };
    if let Some(cursor) = &query.cursor {
        let values = read_cursor(cursor).ok_or_else(|| StoreError::Missing(format!("cursor {cursor}")))?;
        filter.add(&format!("(t.created_at, t.id, t.account_id) {sign} (?, ?, ?)"), values);
    }
    filter.values.push(Value::Integer(i64::from(limit(query)) + 1));
    let raw = if query.raw { ", t.raw" } else { "" };
    let conditions = filter.conditions.join(" AND ");
    let whole = if conditions.is_empty() { "1".to_owned() } else { conditions };
    let sql = format!(
        "{SELECT}{raw}{FROM} WHERE {whole} ORDER BY t.created_at {order}, t.id {order}, t.account_id {order} LIMIT ?"
    );
    Ok((sql, filter.values))
}

impl Reader<'_> {
    /// A page of the transactions that match.
    ///
    /// # Errors
    /// [`StoreError::Missing`] for a cursor that is none.
    pub fn transactions(&self, query: &TransactionQuery) -> Result<TransactionPage, StoreError> {
        let (sql, values) = page(query)?;
        let limit = limit(query);
        let mut statement = self.0.prepare_cached(&sql)?;
        let mut rows = statement.query(params_from_iter(values))?;
        let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut transactions = Vec::with_capacity(wanted.min(128));
        let mut more = false;
        while let Some(row) = rows.next()? {
            if transactions.len() == wanted {
                more = true;
                break;
            }
            let mut one = transaction(row)?;
            if query.raw {
                one.raw = Some(json(&row.get::<_, Vec<u8>>(RAW)?));
            }
            transactions.push(one);
        }
        let cursor = transactions.last().filter(|_| more).map(cursor_of);
        Ok(TransactionPage { transactions, cursor, notes: Vec::new() })
    }

    /// Every category that a transaction has.
    pub fn categories(&self) -> Result<Vec<String>, StoreError> {
        let mut query = self
            .0
            .prepare_cached("SELECT DISTINCT category FROM transactions WHERE category <> '' ORDER BY 1")?;
        Ok(query.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    /// Every name that a merchant or other side of a transaction has.
    pub fn other_sides(&self) -> Result<Vec<String>, StoreError> {
        let mut query = self.0.prepare_cached(
            "SELECT name FROM merchants WHERE name <> '' \
             UNION SELECT counterparty FROM transactions WHERE counterparty <> '' ORDER BY 1",
        )?;
        Ok(query.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    /// Everything about one transaction, by its id or a prefix that only it has.
    ///
    /// # Errors
    /// [`StoreError::Missing`] or [`StoreError::Ambiguous`].
    pub fn transaction(&self, id: &str) -> Result<TransactionDetail, StoreError> {
        let sql = format!(
            "{SELECT}, t.raw{FROM} WHERE t.account_id IN (SELECT id FROM accounts) AND t.id >= ?1 AND t.id < ?2 ORDER BY t.id = ?1 DESC, t.id, \
             EXISTS (SELECT 1 FROM accounts a WHERE a.id = t.account_id AND a.pot_id IS NOT NULL), t.account_id LIMIT ?3"
        );
        let mut statement = self.0.prepare_cached(&sql)?;
        let limit = i64::try_from(CANDIDATES + 1).unwrap_or(i64::MAX);
        let found: Vec<(Transaction, Vec<u8>)> = statement
            .query_map(params![id, format!("{id}\u{10FFFF}"), limit], |row| {
                Ok((transaction(row)?, row.get(RAW)?))
            })?
            .collect::<Result<_, _>>()?;
        // Both halves of a pot move might share an id; the listed account's is the one that people mean.
        let exact = found.iter().any(|(row, _)| row.id.as_str() == id);
        let mut fitting = found.into_iter().filter(|(row, _)| !exact || row.id.as_str() == id);
        let (mut row, raw) = fitting.next().ok_or_else(|| StoreError::Missing(id.to_owned()))?;
        let others: Vec<String> =
            fitting.filter(|(other, _)| other.id != row.id).map(|(other, _)| other.id.to_string()).collect();
        if !others.is_empty() {
            let named = std::iter::once(row.id.to_string()).chain(others).collect::<Vec<_>>().join(", ");
            return Err(StoreError::Ambiguous(id.to_owned(), named));
        }
        row.raw = Some(json(&raw));
        let revisions = self.revisions(&row)?;
        Ok(TransactionDetail { transaction: row, revisions })
    }

    fn revisions(&self, row: &Transaction) -> Result<Vec<Revision>, StoreError> {
        let mut query = self.0.prepare_cached(
            "SELECT at, sync_id, before FROM revisions WHERE account_id = ?1 AND id = ?2 ORDER BY at, rowid",
        )?;
        let revisions = query.query_map([row.account_id.as_str(), row.id.as_str()], |row| {
            let before: String = row.get(2)?;
            let before: BTreeMap<String, serde_json::Value> =
                serde_json::from_str(&before).unwrap_or_default();
            Ok(Revision {
                at: at(row, 0)?,
                sync_id: row.get(1)?,
                before: before.into_iter().map(readable).collect(),
            })
        })?;
        Ok(revisions.collect::<Result<_, _>>()?)
    }

    /// How many transactions are kept, and when the newest was created.
    pub fn extent(&self) -> Result<(u64, Option<jiff::Timestamp>), StoreError> {
        let query = "SELECT count(*), max(created_at) FROM transactions";
        Ok(self.0.query_row(query, [], |row| Ok((row.get(0)?, maybe_at(row, 1)?)))?)
    }

    /// The rows of an account in a span that count towards its balance: instant and minor units, oldest first.
    pub fn counted(
        &self,
        account: &monzo_common::id::AccountId,
        since: jiff::Timestamp,
        until: jiff::Timestamp,
    ) -> Result<Vec<(jiff::Timestamp, i64)>, StoreError> {
        let mut query = self.0.prepare_cached(
            "SELECT created_at, amount FROM transactions WHERE account_id = ?1 AND created_at >= ?2 AND created_at < ?3 \
             AND decline_reason IS NULL AND withdrawn_at IS NULL ORDER BY created_at",
        )?;
        let rows = query.query_map(params![account.as_str(), ms(since), ms(until)], |row| {
            Ok((at(row, 0)?, row.get(1)?))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

fn json(deflated: &[u8]) -> RawJson {
    RawJson::new(&record::decodable(&inflate(deflated)))
}

/// Instants leave the database as text.
fn readable((column, value): (String, serde_json::Value)) -> (String, serde_json::Value) {
    let instant = column.ends_with("_at").then(|| value.as_i64()).flatten();
    let text =
        instant.and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok()).map(|at| at.to_string().into());
    (column, text.unwrap_or(value))
}
