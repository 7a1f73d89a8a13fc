//! What a row means for spending and income.

use jiff::Timestamp;
use monzo_common::id::{AccountId, PotId, TransactionId};
use monzo_common::model::EntryKind;

/// Whom money went to or came from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Payee {
    /// The same for all rows of this payee.
    pub key: String,
    /// As the newest row calls it.
    pub name: String,
    /// It is a shop, or a group of shops.
    pub is_merchant: bool,
}

/// What a row, or a part of it, means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What it is.
    pub kind: EntryKind,
    /// Minor units, with the sign that they have in the row's account.
    pub amount: i64,
    /// The category of this part.
    pub category: String,
    /// Whom it went to or came from.
    pub payee: Payee,
    /// The pot that paid; of a transfer, the pot moved to or from.
    pub pot: Option<PotId>,
    /// Whose card paid, on a joint account.
    pub person: Option<String>,
    /// The trip that it belongs to.
    pub trip: Option<String>,
    /// The bank or the person counts it to no figure.
    pub left_out: bool,
    /// The row is pending, so that its amount may change.
    pub provisional: bool,
}

/// A row as it is kept, as far as its entries follow from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptRow {
    /// The account in whose list it is.
    pub account: AccountId,
    /// The account's type; `pot` for the account behind a pot.
    pub account_kind: String,
    /// The pot in whose account it is.
    pub of_pot: Option<PotId>,
    /// Unique within the account.
    pub id: TransactionId,
    /// When.
    pub created_at: Timestamp,
    /// Complete.
    pub settled: bool,
    /// Declined or withdrawn: it counts to nothing.
    pub void: bool,
    /// Minor units; negative is out.
    pub amount: i64,
    /// The bank's text.
    pub description: String,
    /// The bank's category, or the person's.
    pub category: String,
    /// How its amount is divided over categories.
    pub categories: Vec<(String, i64)>,
    /// The merchant: the key of its group, and its name, which may be empty.
    pub merchant: Option<(String, String)>,
    /// Name of the other side.
    pub counterparty: Option<String>,
    /// The payment rail.
    pub scheme: String,
    /// The pot of a pot move.
    pub pot: Option<PotId>,
    /// The bank's JSON.
    pub raw: String,
}
