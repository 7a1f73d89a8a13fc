//! Accounts and pots as the sorter sees them at one instant, and what the names of rules meant before.
//!
//! [`crate::autosort::snapshot`] reads it from the database; nothing is read again while a plan is made, so that one
//! plan sees one state.

use std::collections::BTreeMap;

use jiff::Timestamp;
use monzo_common::id::{AccountId, PotId};
use monzo_common::money::{Currency, Money};

/// The bank's objects at one instant.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct World {
    /// The instant.
    pub as_of: Timestamp,
    /// Listed accounts, closed ones included; not those behind pots.
    pub accounts: Vec<Account>,
    /// Pots, deleted ones included.
    pub pots: Vec<Pot>,
    /// What the names of rules meant when they first resolved: ids by [`super::names::bound_name`].
    pub bound: BTreeMap<String, String>,
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
    /// Its configured floor, in minor units.
    pub floor: i64,
    /// Closed accounts stay listed.
    pub closed: bool,
    /// Out of the sorter's reach, and its pots with it.
    pub excluded: bool,
    /// When it was last read completely.
    pub read_at: Option<Timestamp>,
    /// Why the last reading failed.
    pub error: Option<String>,
}

/// A pot as the sorter sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pot {
    /// The bank's id.
    pub id: PotId,
    /// The account that owns it.
    pub account_id: AccountId,
    /// The hidden account behind it, once found.
    pub hidden_account: Option<AccountId>,
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
    /// Since when the bank no longer lists it.
    pub unlisted_at: Option<Timestamp>,
    /// Out of the sorter's reach, by itself or with its account.
    pub excluded: bool,
    /// `isa_wrapper` is not empty.
    pub isa: bool,
    /// `charity_id` is not empty.
    pub charity: bool,
    /// `autosort.withdraw_from` lists it.
    pub withdraw_listed: bool,
    /// The bank refused a deposit for good: it needs the app.
    pub refuses_deposits: Option<Refusal>,
    /// The bank refused a withdrawal for good, as it does for pots with added security.
    pub refuses_withdrawals: Option<Refusal>,
    /// At the last sync it changed by something that its rows do not explain.
    pub unexplained: bool,
}

/// The bank's refusal to move a pot's money for programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// When.
    pub at: Timestamp,
    /// What the bank said.
    pub reason: String,
}

/// The id of an account or a pot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccountOrPot {
    /// An account.
    Account(AccountId),
    /// A pot.
    Pot(PotId),
}

impl Account {
    /// An open current account that nothing is said about.
    pub fn open(id: AccountId, name: &str, balance: i64) -> Self {
        Self {
            id,
            name: name.to_owned(),
            kind: "uk_retail".to_owned(),
            currency: Currency::GBP,
            balance: Some(balance),
            floor: 0,
            closed: false,
            excluded: false,
            read_at: None,
            error: None,
        }
    }
}

impl Pot {
    /// An open pot of the kind `default` that nothing is said about.
    pub fn open(id: PotId, account_id: AccountId, name: &str, balance: i64) -> Self {
        Self {
            id,
            account_id,
            hidden_account: None,
            name: name.to_owned(),
            kind: "default".to_owned(),
            currency: Currency::GBP,
            balance,
            goal: None,
            locked: false,
            deleted: false,
            unlisted_at: None,
            excluded: false,
            isa: false,
            charity: false,
            withdraw_listed: false,
            refuses_deposits: None,
            refuses_withdrawals: None,
            unexplained: false,
        }
    }
}

impl World {
    /// A listed account.
    pub fn account(&self, id: &AccountId) -> Option<&Account> {
        self.accounts.iter().find(|account| account.id == *id)
    }

    /// A pot.
    pub fn pot(&self, id: &PotId) -> Option<&Pot> {
        self.pots.iter().find(|pot| pot.id == *id)
    }

    /// What a person calls an account.
    pub fn account_name(&self, id: &AccountId) -> String {
        self.account(id).map_or_else(|| id.to_string(), |account| account.name.clone())
    }

    /// What a person calls a pot.
    pub fn pot_name(&self, id: &PotId) -> String {
        self.pot(id).map_or_else(|| id.to_string(), |pot| pot.name.clone())
    }

    /// An amount in the currency of an account.
    pub fn money(&self, account: &AccountId, minor: i64) -> Money {
        Money::new(minor, self.account(account).map_or(Currency::GBP, |account| account.currency))
    }

    /// The same world, with a newer balance of an account.
    #[must_use]
    pub fn with_balance(mut self, id: &AccountId, balance: i64) -> Self {
        for account in self.accounts.iter_mut().filter(|account| account.id == *id) {
            account.balance = Some(balance);
        }
        self
    }
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
