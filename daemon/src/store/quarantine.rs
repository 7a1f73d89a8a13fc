//! Quarantine: records that could not be understood, kept whole until a version comes that can.

use jiff::Timestamp;
use monzo_common::id::{AccountId, TransactionId};
use monzo_common::model::{Quarantined, QuarantinedRecord};
use rusqlite::{Row, params};
use sha2::{Digest, Sha256};

use super::raw::{Deflater, inflate};
use super::time::{at, ms, optional};
use super::{Reader, StoreError, Writer};
use crate::facts::Unreadable;

/// What is known of a record.
const COLUMNS: &str = "id, account_id, transaction_id, reason, first_seen_at";

/// What a person writes before the number of a record.
const RECORD: &str = "record_";

fn record(row: &Row<'_>) -> rusqlite::Result<Quarantined> {
    Ok(Quarantined {
        id: row.get(0)?,
        account_id: row.get::<_, String>(1)?.into(),
        transaction_id: row.get(2)?,
        reason: row.get(3)?,
        at: at(row, 4)?,
    })
}

impl Reader<'_> {
    /// How many records are in quarantine.
    pub fn quarantined(&self) -> Result<u64, StoreError> {
        Ok(self.0.prepare_cached("SELECT count(*) FROM quarantine")?.query_row([], |row| row.get(0))?)
    }

    /// The newest records in quarantine.
    pub fn quarantine(&self, limit: u32) -> Result<Vec<Quarantined>, StoreError> {
        let mut query =
            self.0.prepare_cached(&format!("SELECT {COLUMNS} FROM quarantine ORDER BY id DESC LIMIT ?1"))?;
        Ok(query.query_map([limit], record)?.collect::<Result<_, _>>()?)
    }

    /// One record as the bank sent it, by its number or the bank's id; of several with this id the newest.
    ///
    /// # Errors
    /// [`StoreError::Missing`].
    pub fn quarantined_record(&self, id: &str) -> Result<QuarantinedRecord, StoreError> {
        let mut query = self.0.prepare_cached(&format!(
            "SELECT {COLUMNS}, raw FROM quarantine WHERE id = ?1 OR transaction_id = ?2 ORDER BY id DESC LIMIT 1"
        ))?;
        let number = id.trim_start_matches(RECORD).parse::<i64>().ok();
        let found = query.query_row(params![number, id], |row| Ok((record(row)?, row.get::<_, Vec<u8>>(5)?)));
        let (record, raw) = optional(found)?.ok_or_else(|| StoreError::Missing(id.to_owned()))?;
        Ok(QuarantinedRecord { record, raw: inflate(&raw) })
    }

    /// The records after number `after`, with their JSON, to try again.
    pub fn quarantine_after(
        &self,
        after: i64,
        limit: u32,
    ) -> Result<Vec<(i64, AccountId, String)>, StoreError> {
        let mut query = self.0.prepare_cached(
            "SELECT id, account_id, raw FROM quarantine WHERE id > ?1 ORDER BY id LIMIT ?2",
        )?;
        let records = query.query_map([after, i64::from(limit)], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row.get::<_, Vec<u8>>(2)?))
        })?;
        let mut found = Vec::new();
        for record in records {
            let (id, account, raw) = record?;
            found.push((id, account.into(), inflate(&raw)));
        }
        Ok(found)
    }
}

impl Reader<'_> {
    /// The JSON of the records of an account in quarantine.
    pub fn quarantine_of(&self, account: &AccountId) -> Result<Vec<String>, StoreError> {
        let mut query =
            self.0.prepare_cached("SELECT raw FROM quarantine WHERE account_id = ?1 ORDER BY id")?;
        let kept = query.query_map([account.as_str()], |row| row.get::<_, Vec<u8>>(0))?;
        kept.map(|raw| Ok(inflate(&raw?))).collect()
    }
}

impl Writer<'_> {
    /// Records of this account wait in quarantine.
    pub(super) fn in_quarantine(&self, account: &AccountId) -> Result<bool, StoreError> {
        let any = "SELECT EXISTS (SELECT 1 FROM quarantine WHERE account_id = ?1)";
        Ok(self.0.0.prepare_cached(any)?.query_row([account.as_str()], |row| row.get(0))?)
    }

    /// The bank lists a record in a shape that is understood: what was kept of it in another is of no use any more.
    pub(super) fn release_row(&self, account: &AccountId, id: &TransactionId) -> Result<(), StoreError> {
        let delete = "DELETE FROM quarantine WHERE account_id = ?1 AND transaction_id = ?2";
        self.0.0.prepare_cached(delete)?.execute([account.as_str(), id.as_str()])?;
        Ok(())
    }

    /// Keeps a record; one that is kept already adds nothing. Answers how many were new.
    pub(super) fn quarantine(
        &self,
        account: &AccountId,
        record: &Unreadable,
        deflater: &mut Deflater,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let mut insert = self.0.0.prepare_cached(
            "INSERT INTO quarantine (account_id, transaction_id, digest, reason, first_seen_at, raw) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
        )?;
        let digest = Sha256::digest(record.raw.as_bytes());
        let added = insert.execute(params![
            account.as_str(),
            record.id.as_ref().map(AsRef::as_ref),
            digest.as_slice(),
            record.reason,
            ms(now),
            deflater.deflate(&record.raw),
        ])?;
        Ok(added as u64)
    }

    /// A record was understood after all and is kept as a row now.
    pub fn release(&self, id: i64) -> Result<(), StoreError> {
        self.0.0.prepare_cached("DELETE FROM quarantine WHERE id = ?1")?.execute([id])?;
        Ok(())
    }
}
