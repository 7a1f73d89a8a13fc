//! What the sorter knows of the bank at one instant: accounts and pots as values, and what names meant before.
//!
//! The loop fills it from the store; nothing here is read again while a plan is made, so that one plan sees one state.

use std::collections::BTreeMap;

use monzo_common::id::{AccountId, PotId};
use monzo_common::money::Currency;

use crate::rule::Place;

/// The bank's objects at one instant.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct World {
    /// Listed accounts, closed ones included; not those behind pots.
    pub accounts: Vec<Account>,
    /// Pots, deleted ones included.
    pub pots: Vec<Pot>,
    /// What the rule's names meant when they first resolved: ids by place.
    pub bound: BTreeMap<Place, String>,
    /// `autosort.withdraw_from`.
    pub withdraw_from: Vec<Place>,
}

/// An account as the sorter sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The bank's id.
    pub id: AccountId,
    /// What the person calls it: `[names]`, else by type and number.
    pub name: String,
    /// The bank's open set of kinds.
    pub kind: String,
    /// Currency of `balance`.
    pub currency: Currency,
    /// Minor units; nothing where it was never read.
    pub balance: Option<i64>,
    /// Closed accounts stay listed.
    pub closed: bool,
    /// Out of the sorter's reach, and its pots with it.
    pub excluded: bool,
}

/// A pot as the sorter sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pot {
    /// The bank's id.
    pub id: PotId,
    /// The account that owns it.
    pub account_id: AccountId,
    /// Its name in the app, or in `[names]`.
    pub name: String,
    /// The bank's open set of kinds; only `default` is no savings product.
    pub kind: String,
    /// Currency of `balance` and `goal`.
    pub currency: Currency,
    /// Minor units.
    pub balance: i64,
    /// The bank's goal, in minor units.
    pub goal: Option<i64>,
    /// Money may go in but not out.
    pub locked: bool,
    /// It is gone: deleted in the app, or no longer listed.
    pub deleted: bool,
    /// The bank no longer lists it.
    pub unlisted: bool,
    /// Out of the sorter's reach, by itself or with its account.
    pub excluded: bool,
    /// `isa_wrapper` is not empty.
    pub isa: bool,
    /// `charity_id` is not empty.
    pub charity: bool,
    /// The bank refused a deposit for good: it needs the app.
    pub refuses_deposits: bool,
    /// The bank refused a withdrawal for good, as it does for pots with added security.
    pub refuses_withdrawals: bool,
}

/// An account or a pot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// An account.
    Account(Account),
    /// A pot.
    Pot(Pot),
}

impl Holder {
    /// The bank's id.
    pub fn id(&self) -> &str {
        match self {
            Self::Account(account) => account.id.as_str(),
            Self::Pot(pot) => pot.id.as_str(),
        }
    }

    /// Its name today.
    pub fn name(&self) -> &str {
        match self {
            Self::Account(account) => &account.name,
            Self::Pot(pot) => &pot.name,
        }
    }

    /// Minor units; an account that was never read holds nothing that may be moved.
    pub fn balance(&self) -> i64 {
        match self {
            Self::Account(account) => account.balance.unwrap_or(0),
            Self::Pot(pot) => pot.balance,
        }
    }

    /// The bank's goal, in minor units.
    pub fn goal(&self) -> Option<i64> {
        match self {
            Self::Account(_) => None,
            Self::Pot(pot) => pot.goal,
        }
    }
}
