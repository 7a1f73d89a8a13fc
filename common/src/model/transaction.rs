//! Transactions as stored: facts of the bank plus what is kept beside them locally.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::RawJson;
use crate::id::{AccountId, MerchantId, PotId, TransactionId};
use crate::money::Currency;

/// One row of an account's list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Transaction {
    /// The account in whose list it is.
    pub account_id: AccountId,
    /// The bank's id, unique within the account.
    pub id: TransactionId,
    /// Authorised or posted; orders the list.
    pub created_at: Timestamp,
    /// Settled; empty while pending.
    pub settled_at: Option<Timestamp>,
    /// The bank's last change of the record.
    pub updated_at: Option<Timestamp>,
    /// Minor units; negative is money going out.
    pub amount: i64,
    /// Currency of `amount`.
    pub currency: Currency,
    /// What the merchant charged, in minor units of `local_currency`.
    pub local_amount: i64,
    /// Currency of `local_amount`.
    pub local_currency: Currency,
    /// The bank's raw text.
    pub description: String,
    /// The merchant, for card payments.
    pub merchant: Option<Merchant>,
    /// Name of the other side, for transfers.
    pub counterparty: Option<String>,
    /// The bank's category.
    pub category: String,
    /// A split of `amount` over categories.
    pub categories: BTreeMap<String, i64>,
    /// The person's note.
    pub notes: String,
    /// Local tags.
    pub tags: Vec<String>,
    /// The payment rail.
    pub scheme: String,
    /// The pot on the other side, for pot moves.
    pub pot_id: Option<PotId>,
    /// Not settled yet, so that the amount may still change.
    pub pending: bool,
    /// Declined: nothing moved.
    pub declined: bool,
    /// The bank's reason, where declined.
    pub decline_reason: Option<String>,
    /// When the bank stopped listing it; withdrawn rows are kept but not counted.
    pub withdrawn_at: Option<Timestamp>,
    /// The bank's JSON, when asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<RawJson>,
}

/// A merchant, as far as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Merchant {
    /// The bank's id.
    pub id: MerchantId,
    /// The name in the app.
    pub name: String,
    /// One emoji, where the bank has chosen one.
    pub emoji: Option<String>,
}

/// What a row was before it changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Revision {
    /// When the change was seen.
    pub at: Timestamp,
    /// The sync that saw it.
    pub sync_id: Option<String>,
    /// The columns that changed, with their old values.
    pub before: BTreeMap<String, serde_json::Value>,
}

/// Everything that is known about one transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TransactionDetail {
    /// The row, with its raw JSON.
    pub transaction: Transaction,
    /// Earlier states, oldest first.
    pub revisions: Vec<Revision>,
}

/// Which way the money went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// In: positive amounts.
    Credit,
    /// Out: negative amounts.
    Debit,
}

/// Which transactions to list; an empty query is all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TransactionQuery {
    /// Created at or after.
    pub since: Option<Timestamp>,
    /// Created before.
    pub until: Option<Timestamp>,
    /// In these accounts; empty is every account that is not hidden.
    pub accounts: Vec<AccountId>,
    /// Moves to or from this pot, and rows of its hidden account.
    pub pot: Option<PotId>,
    /// Of this category (the bank's key).
    pub category: Option<String>,
    /// Merchant or counterparty whose name contains this, whatever the case.
    pub merchant: Option<String>,
    /// Absolute amount at least, in minor units.
    pub min: Option<i64>,
    /// Absolute amount at most, in minor units.
    pub max: Option<i64>,
    /// In or out only.
    pub direction: Option<Direction>,
    /// Pending only (`true`) or settled only (`false`).
    pub pending: Option<bool>,
    /// Declined only (`true`) or not (`false`).
    pub declined: Option<bool>,
    /// Withdrawn only (`true`) or not (`false`).
    pub withdrawn: Option<bool>,
    /// Oldest first.
    pub reverse: bool,
    /// With the bank's JSON.
    pub raw: bool,
    /// Where the last page ended.
    pub cursor: Option<String>,
    /// Rows on the page; the daemon bounds it.
    pub limit: Option<u32>,
}

/// A page of transactions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TransactionPage {
    /// The rows, newest first unless reversed.
    pub transactions: Vec<Transaction>,
    /// Where to go on; empty on the last page.
    pub cursor: Option<String>,
    /// What is odd about the question, in sentences: a category or merchant that no transaction has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}
