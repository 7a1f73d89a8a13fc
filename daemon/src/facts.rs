//! What the bank said, as values on their way from `monzo` through `sync` into `store`.
//!
//! Neither of the two modules knows the other; both know these. Each fact keeps the bank's own JSON,
//! so that a later version can read what this one did not.

mod entry;
pub mod record;
mod row_flags;

use jiff::Timestamp;
use monzo_common::id::{AccountId, MerchantId, PotId, TransactionId, UserId};
use monzo_common::money::Currency;

pub use entry::{Entry, KeptRow, Payee};
pub use row_flags::{AccountNumber, RowFlags};

/// An object's JSON exactly as the bank sent it.
pub type Raw = Box<str>;

/// The payment rails on which somebody's income can come: Bacs, bank transfers and payments between people at the bank.
pub const INCOME_SCHEMES: [&str; 6] =
    ["bacs", "payport_faster_payments", "faster_payments", "chaps", "p2p_payment", "monzo_to_monzo"];

/// The payment rails on which money goes from one account of a person to another, or between people.
pub const TRANSFER_SCHEMES: [&str; 5] =
    ["payport_faster_payments", "faster_payments", "p2p_payment", "monzo_to_monzo", "chaps"];

/// The payment rails of moves between an account and its pots.
pub const POT_SCHEMES: [&str; 2] = ["uk_retail_pot", "uk_business_pot"];

/// An account in the bank's list (monzo/README.md, Accounts).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The bank's id.
    pub id: AccountId,
    /// Open set: `uk_retail`, `uk_retail_joint`, ….
    pub kind: String,
    /// Preferred names of the owners.
    pub owners: Vec<String>,
    /// Currency of its amounts.
    pub currency: Currency,
    /// Closed accounts stay listed.
    pub closed: bool,
    /// When it was opened; where the bank does not say, unknown.
    pub created_at: Option<Timestamp>,
    /// The bank's JSON.
    pub raw: Raw,
}

/// A pot in the bank's list (monzo/README.md, Pots).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pot {
    /// The bank's id.
    pub id: PotId,
    /// The owning account, not the hidden one.
    pub account_id: AccountId,
    /// The name in the app.
    pub name: String,
    /// Open set: `default`, `flexible_savings`, ….
    pub kind: String,
    /// Minor units.
    pub balance: i64,
    /// Currency of `balance` and `goal`.
    pub currency: Currency,
    /// Minor units.
    pub goal: Option<i64>,
    /// Money may go in but not out.
    pub locked: bool,
    /// Deleted pots stay listed.
    pub deleted: bool,
    /// Direct debits and standing orders may be paid from it.
    pub available_for_bills: bool,
    /// A virtual card spends from it.
    pub has_virtual_cards: bool,
    /// It is an ISA.
    pub isa: bool,
    /// What is in it is given away.
    pub charity: bool,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// The bank's JSON.
    pub raw: Raw,
}

/// The bank's list of an account's pots.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PotList {
    /// Those that could be read.
    pub pots: Vec<Pot>,
    /// Every record could be read, so that a pot that is not among them is not listed.
    pub complete: bool,
}

/// An account's balance at the moment of asking (monzo/README.md, Balances).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Balance {
    /// Available now, pending payments counted, in minor units.
    pub balance: i64,
    /// That and all pots, in minor units.
    pub total_balance: i64,
    /// Zero or negative, in minor units.
    pub spend_today: i64,
    /// Currency of the amounts.
    pub currency: Currency,
}

/// One readable row of an account's list (monzo/README.md, Rows).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The account in whose list it is.
    pub account_id: AccountId,
    /// Unique within the account.
    pub id: TransactionId,
    /// Orders the list.
    pub created_at: Timestamp,
    /// Empty while pending.
    pub settled_at: Option<Timestamp>,
    /// The bank's last change of the record.
    pub updated_at: Option<Timestamp>,
    /// Minor units; negative is out.
    pub amount: i64,
    /// Currency of `amount`.
    pub currency: Currency,
    /// Minor units of `local_currency`.
    pub local_amount: i64,
    /// Currency of `local_amount`.
    pub local_currency: Currency,
    /// The bank's raw text.
    pub description: String,
    /// The person's note at the bank, or the payment reference.
    pub notes: String,
    /// The bank's category.
    pub category: String,
    /// A split of `amount`; empty where the bank gives none.
    pub categories: Vec<(String, i64)>,
    /// The merchant, where expanded.
    pub merchant: Option<Merchant>,
    /// Name of the other side.
    pub counterparty: Option<String>,
    /// The payment rail.
    pub scheme: String,
    /// The amount may still change.
    pub amount_is_pending: bool,
    /// Present and not empty only on declined rows.
    pub decline_reason: Option<String>,
    /// For pot moves: which pot, and the hidden account behind it (monzo/README.md, The account behind a pot).
    pub pot: Option<PotLink>,
    /// Ends with `:` and our dedupe id on moves that we made (monzo/README.md, The key of a move).
    pub external_id: Option<String>,
    /// Who caused a pot move: `user`, `coin_jar`, `committed_spending`, ….
    pub trigger: Option<String>,
    /// The pot that a bill was paid from.
    pub bills_pot_id: Option<PotId>,
    /// The bank's JSON.
    pub raw: Raw,
}

/// The pot behind a pot move, and its hidden account where the row names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PotLink {
    /// The pot.
    pub pot_id: PotId,
    /// The hidden account.
    pub pot_account_id: Option<AccountId>,
}

/// A merchant as expanded in a row (monzo/README.md, Rows).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merchant {
    /// The bank's id.
    pub id: MerchantId,
    /// The same brand over several merchants.
    pub group_id: Option<String>,
    /// The name in the app.
    pub name: String,
    /// One emoji.
    pub emoji: Option<String>,
    /// The bank's category for it.
    pub category: Option<String>,
    /// Its picture.
    pub logo: Option<String>,
}

/// A record in a page that could not be understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// The account in whose list it was.
    pub account_id: AccountId,
    /// The bank's id, where it could be read.
    pub id: Option<TransactionId>,
    /// What could not be understood, without any content.
    pub reason: String,
    /// The bank's JSON.
    pub raw: Raw,
}

/// One page of an account's list, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    /// The rows that could be read.
    pub rows: Vec<Row>,
    /// The records that could not.
    pub unreadable: Vec<Unreadable>,
}

impl Page {
    /// How many records the bank sent.
    pub fn len(&self) -> usize {
        self.rows.len() + self.unreadable.len()
    }

    /// The bank sent no record.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Whose token it is (monzo/README.md, Endpoints).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whoami {
    /// The bank takes the token.
    pub authenticated: bool,
    /// The person.
    pub user_id: Option<UserId>,
    /// The OAuth client.
    pub client_id: Option<String>,
}
