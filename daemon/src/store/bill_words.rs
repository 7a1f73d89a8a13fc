//! What a person has said of bills.

use jiff::Timestamp;
use jiff::civil::Date;
use monzo_common::id::TransactionId;
use monzo_common::model::NewBill;
use rusqlite::params;
use serde::{Deserialize, Serialize};

use super::time::ms;
use super::{Reader, StoreError, Writer};

/// What was said of one bill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum BillWord {
    /// It is a bill.
    Confirm {
        /// Of so many payments.
        instalments: Option<u32>,
    },
    /// It is none.
    Ignore,
    /// It is called so.
    Rename {
        /// The name.
        name: String,
    },
    /// It costs so much.
    Amount {
        /// Minor units, more than zero.
        amount: i64,
    },
    /// The payment of this day will not come.
    Skip {
        /// The day on which it was expected.
        on: Date,
    },
    /// All payments with these keys are one bill.
    Merge,
    /// Of the payments with these keys, those like these are a bill of their own.
    Split {
        /// Examples.
        transactions: Vec<TransactionId>,
    },
    /// There is this bill, which the ledger does not show yet.
    Add {
        /// The bill.
        bill: NewBill,
    },
}

impl BillWord {
    const fn kind(&self) -> &'static str {
        match self {
            Self::Confirm { .. } => "confirm",
            Self::Ignore => "ignore",
            Self::Rename { .. } => "rename",
            Self::Amount { .. } => "amount",
            Self::Skip { .. } => "skip",
            Self::Merge => "merge",
            Self::Split { .. } => "split",
            Self::Add { .. } => "add",
        }
    }
}

/// A word as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredBillWord {
    /// Its number.
    pub id: i64,
    /// What tells the bill from others (`insight::recurring::Key`).
    pub keys: Vec<String>,
    /// What was said.
    pub word: BillWord,
}

impl Reader<'_> {
    /// All that was said of bills, oldest first; what a newer version wrote and this one cannot read is left out.
    pub fn bill_words(&self) -> Result<Vec<StoredBillWord>, StoreError> {
        let mut query = self.0.prepare_cached("SELECT id, keys, word FROM bill_words ORDER BY id")?;
        let rows = query.query_map([], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?))
        })?;
        let mut words = Vec::new();
        for row in rows {
            let (id, keys, word) = row?;
            if let (Ok(keys), Ok(word)) = (serde_json::from_str(&keys), serde_json::from_str(&word)) {
                words.push(StoredBillWord { id, keys, word });
            }
        }
        Ok(words)
    }
}

impl Writer<'_> {
    /// Keeps what was said of a bill; answers its number.
    pub fn add_bill_word(&self, keys: &[String], word: &BillWord, now: Timestamp) -> Result<i64, StoreError> {
        let mut insert = self
            .0
            .0
            .prepare_cached("INSERT INTO bill_words (kind, keys, word, at) VALUES (?1, ?2, ?3, ?4)")?;
        // Texts and numbers always become JSON.
        let json = |value: serde_json::Result<String>| value.unwrap_or_default();
        let (keys, text) = (json(serde_json::to_string(keys)), json(serde_json::to_string(word)));
        Ok(insert.insert(params![word.kind(), keys, text, ms(now)])?)
    }

    /// Forgets what was said; `true` if there was any of it.
    pub fn remove_bill_words(&self, ids: &[i64]) -> Result<bool, StoreError> {
        let mut removed = 0;
        for id in ids {
            removed += self.0.0.prepare_cached("DELETE FROM bill_words WHERE id = ?1")?.execute([id])?;
        }
        Ok(removed > 0)
    }
}
