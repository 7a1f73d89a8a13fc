//! Transactions in: each row once, the newest version of it, and what it was before.
//!
//! A row is replaced only by one that is not older; a revision is written when a stored column changes, the bank's own
//! instant of change included. What is read again and has not changed costs one lookup and no write.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use monzo_common::id::{AccountId, MerchantId, PotId, TransactionId};
use rusqlite::types::Value;
use rusqlite::{Row, params};
use serde_json::json;

use super::raw::Deflater;
use super::time::{at, maybe_at, maybe_ms, ms, optional};
use super::{Reader, StoreError, Writer};
use crate::facts;

/// What storing a batch changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stored {
    /// Rows that were new.
    pub added: u64,
    /// Rows that had changed.
    pub changed: u64,
    /// Rows that were as they are.
    pub unchanged: u64,
    /// Withdrawn rows that the bank lists again.
    pub restored: u64,
    /// Records that were new to quarantine.
    pub quarantined: u64,
    /// Hidden accounts that were found.
    pub discovered: Vec<(PotId, AccountId)>,
}

/// A stored row, as far as a sync needs it to notice that the bank no longer lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowSummary {
    /// Its id.
    pub id: TransactionId,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it settled.
    pub settled_at: Option<Timestamp>,
    /// It was declined.
    pub declined: bool,
    /// It is withdrawn.
    pub withdrawn: bool,
}

/// Rows on their way in, each with its JSON deflated: the writer is one thread, and whoever fetches has others.
#[derive(Debug)]
pub struct PackedRows(Vec<(facts::Row, Box<[u8]>)>);

impl PackedRows {
    /// Deflates the JSON of each row.
    pub fn of(rows: Vec<facts::Row>) -> Self {
        let mut deflater = Deflater::new();
        let pack = |mut row: facts::Row| {
            let raw = deflater.deflate(&row.raw).into();
            row.raw = facts::Raw::default();
            (row, raw)
        };
        Self(rows.into_iter().map(pack).collect())
    }
}

/// Columns that are compared, in the order of [`columns`]; a change of one is a revision.
const COMPARED: [&str; 20] = [
    "created_at",
    "settled_at",
    "updated_at",
    "amount",
    "currency",
    "local_amount",
    "local_currency",
    "description",
    "notes",
    "category",
    "categories",
    "merchant_id",
    "counterparty",
    "scheme",
    "amount_is_pending",
    "decline_reason",
    "pot_id",
    "external_id",
    "trigger",
    "bills_pot_id",
];

/// Where `updated_at` is among them.
const UPDATED_AT: usize = 2;

fn columns(row: &facts::Row) -> [Value; COMPARED.len()] {
    let text = |text: &str| Value::Text(text.to_owned());
    let maybe = |text: Option<&str>| text.map_or(Value::Null, |text| Value::Text(text.to_owned()));
    let moment = |at: Option<Timestamp>| maybe_ms(at).map_or(Value::Null, Value::Integer);
    let categories: BTreeMap<&str, i64> =
        row.categories.iter().map(|(category, amount)| (category.as_str(), *amount)).collect();
    [
        Value::Integer(ms(row.created_at)),
        moment(row.settled_at),
        moment(row.updated_at),
        Value::Integer(row.amount),
        text(row.currency.code()),
        Value::Integer(row.local_amount),
        text(row.local_currency.code()),
        text(&row.description),
        text(&row.notes),
        text(&row.category),
        Value::Text(serde_json::to_string(&categories).unwrap_or_default()),
        maybe(row.merchant.as_ref().map(|merchant| merchant.id.as_str())),
        maybe(row.counterparty.as_deref()),
        text(&row.scheme),
        Value::Integer(i64::from(row.amount_is_pending)),
        maybe(row.decline_reason.as_deref()),
        maybe(row.pot.as_ref().map(|pot| pot.pot_id.as_str())),
        maybe(row.external_id.as_deref()),
        maybe(row.trigger.as_deref()),
        maybe(row.bills_pot_id.as_ref().map(PotId::as_str)),
    ]
}

/// A row as it is kept, for comparison.
struct ComparedRow {
    columns: [Value; COMPARED.len()],
    withdrawn_at: Option<i64>,
    raw: Vec<u8>,
}

fn kept(row: &Row<'_>) -> rusqlite::Result<ComparedRow> {
    let mut columns = [const { Value::Null }; COMPARED.len()];
    for (index, column) in columns.iter_mut().enumerate() {
        *column = row.get(index)?;
    }
    Ok(ComparedRow { columns, withdrawn_at: row.get(COMPARED.len())?, raw: row.get(COMPARED.len() + 1)? })
}

impl Reader<'_> {
    /// The rows of an account created from `since` until just before `before`.
    pub fn rows_in(
        &self,
        account: &AccountId,
        since: Timestamp,
        before: Timestamp,
    ) -> Result<Vec<RowSummary>, StoreError> {
        let mut query = self.0.prepare_cached(
            "SELECT id, created_at, settled_at, decline_reason IS NOT NULL, withdrawn_at IS NOT NULL \
             FROM transactions WHERE account_id = ?1 AND created_at >= ?2 AND created_at < ?3",
        )?;
        let light = |row: &Row<'_>| {
            Ok(RowSummary {
                id: row.get::<_, String>(0)?.into(),
                created_at: at(row, 1)?,
                settled_at: maybe_at(row, 2)?,
                declined: row.get(3)?,
                withdrawn: row.get(4)?,
            })
        };
        let span = params![account.as_str(), ms(since), ms(before)];
        Ok(query.query_map(span, light)?.collect::<Result<_, _>>()?)
    }

    /// When the oldest row was created that may still settle: not declined, not withdrawn, worth something, and young.
    pub fn oldest_unsettled(
        &self,
        account: &AccountId,
        younger_than: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        let mut query = self.0.prepare_cached(
            "SELECT created_at FROM transactions WHERE account_id = ?1 AND created_at > ?2 AND settled_at IS NULL \
             AND decline_reason IS NULL AND withdrawn_at IS NULL AND amount <> 0 ORDER BY created_at LIMIT 1",
        )?;
        optional(query.query_row(params![account.as_str(), ms(younger_than)], |row| at(row, 0)))
    }
}

impl Writer<'_> {
    /// Keeps an account's rows and the records that could not be read.
    pub fn store_rows(
        &self,
        sync_id: &str,
        account: &AccountId,
        rows: &[facts::Row],
        unreadable: &[facts::Unreadable],
        now: Timestamp,
    ) -> Result<Stored, StoreError> {
        self.store_packed(sync_id, account, &PackedRows::of(rows.to_vec()), unreadable, now)
    }

    /// The same, of rows whose JSON is deflated already.
    pub fn store_packed(
        &self,
        sync_id: &str,
        account: &AccountId,
        rows: &PackedRows,
        unreadable: &[facts::Unreadable],
        now: Timestamp,
    ) -> Result<Stored, StoreError> {
        let mut stored = Stored::default();
        let waiting = self.in_quarantine(account)?;
        let mut merchants: HashMap<&MerchantId, &facts::Merchant> = HashMap::new();
        for (row, raw) in &rows.0 {
            if waiting {
                self.release_row(account, &row.id)?;
            }
            if let Some(merchant) = &row.merchant
                && merchants.insert(&merchant.id, merchant) != Some(merchant)
            {
                self.upsert_merchant(merchant)?;
            }
            if let Some(facts::PotLink { pot_id, pot_account_id: Some(hidden) }) = &row.pot
                && self.link_pot(pot_id, hidden, row.currency, now)?
            {
                stored.discovered.push((pot_id.clone(), hidden.clone()));
            }
            self.store_row(sync_id, account, (row, raw), now, &mut stored)?;
        }
        if !unreadable.is_empty() {
            let mut deflater = Deflater::new();
            for record in unreadable {
                stored.quarantined += self.quarantine(account, record, &mut deflater, now)?;
            }
        }
        Ok(stored)
    }

    fn store_row(
        &self,
        sync_id: &str,
        account: &AccountId,
        (row, raw): (&facts::Row, &[u8]),
        now: Timestamp,
        stored: &mut Stored,
    ) -> Result<(), StoreError> {
        let new = columns(row);
        let Some(kept) = self.kept(account, &row.id)? else {
            self.insert(account, row, &new, raw, now)?;
            stored.added += 1;
            return Ok(());
        };
        let restored = kept.withdrawn_at.is_some();
        let older = matches!(
            (&new[UPDATED_AT], &kept.columns[UPDATED_AT]),
            (Value::Integer(new), Value::Integer(kept)) if new < kept
        );
        if older && !restored {
            stored.unchanged += 1;
            return Ok(());
        }
        let mut before = serde_json::Map::new();
        if !older {
            let pairs = COMPARED.iter().zip(kept.columns.iter().zip(&new));
            for (name, (kept, new)) in pairs {
                if kept != new {
                    before.insert((*name).to_owned(), json_of(kept));
                }
            }
        }
        if restored {
            before.insert("withdrawn_at".into(), json!(kept.withdrawn_at));
        }
        if before.is_empty() && kept.raw == raw {
            stored.unchanged += 1;
            return Ok(());
        }
        if !before.is_empty() {
            self.revise(sync_id, account, &row.id, &before, now)?;
        }
        if older {
            self.restore_row(account, &row.id)?;
        } else {
            self.update(account, row, &new, raw)?;
        }
        match (restored, before.is_empty()) {
            (true, _) => stored.restored += 1,
            (false, false) => stored.changed += 1,
            (false, true) => stored.unchanged += 1,
        }
        Ok(())
    }

    fn kept(&self, account: &AccountId, id: &TransactionId) -> Result<Option<ComparedRow>, StoreError> {
        let mut query = self.0.0.prepare_cached(
            "SELECT created_at, settled_at, updated_at, amount, currency, local_amount, local_currency, description, \
             notes, category, categories, merchant_id, counterparty, scheme, amount_is_pending, decline_reason, pot_id, \
             external_id, trigger, bills_pot_id, withdrawn_at, raw FROM transactions WHERE account_id = ?1 AND id = ?2",
        )?;
        optional(query.query_row([account.as_str(), id.as_str()], kept))
    }

    fn insert(
        &self,
        account: &AccountId,
        row: &facts::Row,
        new: &[Value; COMPARED.len()],
        raw: &[u8],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut insert = self.0.0.prepare_cached(
            "INSERT INTO transactions (created_at, settled_at, updated_at, amount, currency, local_amount, \
             local_currency, description, notes, category, categories, merchant_id, counterparty, scheme, \
             amount_is_pending, decline_reason, pot_id, external_id, trigger, bills_pot_id, \
             account_id, id, first_seen_at, raw) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, \
             ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24)",
        )?;
        for (index, value) in new.iter().enumerate() {
            insert.raw_bind_parameter(index + 1, value)?;
        }
        insert.raw_bind_parameter(21, account.as_str())?;
        insert.raw_bind_parameter(22, row.id.as_str())?;
        insert.raw_bind_parameter(23, ms(now))?;
        insert.raw_bind_parameter(24, raw)?;
        insert.raw_execute()?;
        Ok(())
    }

    fn update(
        &self,
        account: &AccountId,
        row: &facts::Row,
        new: &[Value; COMPARED.len()],
        raw: &[u8],
    ) -> Result<(), StoreError> {
        let mut update = self.0.0.prepare_cached(
            "UPDATE transactions SET created_at = ?1, settled_at = ?2, updated_at = ?3, amount = ?4, currency = ?5, \
             local_amount = ?6, local_currency = ?7, description = ?8, notes = ?9, category = ?10, categories = ?11, \
             merchant_id = ?12, counterparty = ?13, scheme = ?14, amount_is_pending = ?15, decline_reason = ?16, \
             pot_id = ?17, external_id = ?18, trigger = ?19, bills_pot_id = ?20, raw = ?23, withdrawn_at = NULL \
             WHERE account_id = ?21 AND id = ?22",
        )?;
        for (index, value) in new.iter().enumerate() {
            update.raw_bind_parameter(index + 1, value)?;
        }
        update.raw_bind_parameter(21, account.as_str())?;
        update.raw_bind_parameter(22, row.id.as_str())?;
        update.raw_bind_parameter(23, raw)?;
        update.raw_execute()?;
        Ok(())
    }

    fn restore_row(&self, account: &AccountId, id: &TransactionId) -> Result<(), StoreError> {
        let update = "UPDATE transactions SET withdrawn_at = NULL WHERE account_id = ?1 AND id = ?2";
        self.0.0.prepare_cached(update)?.execute([account.as_str(), id.as_str()])?;
        Ok(())
    }

    /// The bank no longer lists these rows: they are kept, with a revision, and no longer counted. Answers how many.
    pub fn withdraw(
        &self,
        sync_id: &str,
        account: &AccountId,
        ids: &[TransactionId],
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let mut update = self.0.0.prepare_cached(
            "UPDATE transactions SET withdrawn_at = ?3 WHERE account_id = ?1 AND id = ?2 AND withdrawn_at IS NULL",
        )?;
        let mut withdrawn = 0;
        for id in ids {
            if update.execute(params![account.as_str(), id.as_str(), ms(now)])? > 0 {
                let before = serde_json::Map::from_iter([("withdrawn_at".to_owned(), json!(null))]);
                self.revise(sync_id, account, id, &before, now)?;
                withdrawn += 1;
            }
        }
        Ok(withdrawn)
    }

    fn revise(
        &self,
        sync_id: &str,
        account: &AccountId,
        id: &TransactionId,
        before: &serde_json::Map<String, serde_json::Value>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let insert =
            "INSERT INTO revisions (account_id, id, at, sync_id, before) VALUES (?1, ?2, ?3, ?4, ?5)";
        let before = serde_json::to_string(before).unwrap_or_default();
        let values = params![account.as_str(), id.as_str(), ms(now), sync_id, before];
        self.0.0.prepare_cached(insert)?.execute(values)?;
        Ok(())
    }

    /// Keeps a merchant; one of which only the id is known takes nothing away from what is known already.
    fn upsert_merchant(&self, merchant: &facts::Merchant) -> Result<(), StoreError> {
        let mut upsert = self.0.0.prepare_cached(
            "INSERT INTO merchants (id, group_id, name, emoji, category, logo) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
             ON CONFLICT (id) DO UPDATE SET group_id = excluded.group_id, name = excluded.name, \
             emoji = excluded.emoji, category = excluded.category, logo = excluded.logo \
             WHERE excluded.name <> '' AND (group_id, name, emoji, category, logo) IS NOT \
             (excluded.group_id, excluded.name, excluded.emoji, excluded.category, excluded.logo)",
        )?;
        upsert.execute(params![
            merchant.id.as_str(),
            merchant.group_id,
            merchant.name,
            merchant.emoji,
            merchant.category,
            merchant.logo,
        ])?;
        Ok(())
    }
}

fn json_of(value: &Value) -> serde_json::Value {
    match value {
        Value::Integer(number) => json!(number),
        Value::Text(text) => json!(text),
        // No compared column is of another type.
        Value::Null | Value::Real(_) | Value::Blob(_) => serde_json::Value::Null,
    }
}
