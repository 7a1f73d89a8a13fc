//! Pots: money set aside, each backed by a hidden account.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{AccountId, PotId};
use crate::money::Currency;

/// A pot, with its newest known balance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Pot {
    /// The bank's id.
    pub id: PotId,
    /// The name that the person gave it in the app.
    pub name: String,
    /// The account that owns it.
    pub account_id: AccountId,
    /// The hidden account behind it, once discovered (monzo/README.md, The account behind a pot).
    pub pot_current_id: Option<AccountId>,
    /// The bank's open set of kinds (`default`, `flexible_savings`, …).
    #[serde(rename = "type")]
    pub kind: String,
    /// Minor units.
    pub balance: i64,
    /// Currency of `balance` and `goal`.
    pub currency: Currency,
    /// What the person saves towards, in minor units.
    pub goal: Option<i64>,
    /// Money may go in but not out.
    pub locked: bool,
    /// It is gone: deleted in the app, or no longer listed by the bank.
    pub deleted: bool,
    /// Since when the bank no longer lists it; its balance is not known then, and given as 0.
    pub unlisted_at: Option<Timestamp>,
    /// Outside analytics and the autosorter's reach.
    pub excluded: bool,
    /// Direct debits and standing orders may be paid from it.
    pub available_for_bills: bool,
    /// What the bank lets only the app do with it.
    pub needs_app: Vec<NeedsApp>,
}

/// That the bank refused to move a pot's money for anything but the app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NeedsApp {
    /// `in`: to put money into it; `out`: to take money out.
    pub way: String,
    /// When the bank refused it.
    pub since_at: Timestamp,
    /// What the bank said.
    pub reason: String,
}
