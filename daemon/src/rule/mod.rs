//! What a person wrote about paydays and rules, as values without behaviour.
//!
//! `config` makes these values and has checked their shape; `autosort` reads them. Nothing here knows the bank's ids.
//! Amounts are minor units of pounds, shares are basis points, and no amount is guessed from its size.

mod amount;
mod example;
mod payday;
mod settings;
mod step;
mod trigger;

use jiff::SignedDuration;
use monzo_common::model::RuleMode;

pub use amount::{Amount, BasisPoints, Cap};
pub use example::Example;
pub use payday::{Adjust, Credit, Day, Nation, Payday, Rhythm};
pub use settings::Autosort;
pub use step::{Basis, By, Part, Share, Step};
pub use trigger::{Level, Trigger};

/// An account or a pot by the person's name for it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AccountOrPotName {
    /// `account:Personal`, or an id.
    Account(String),
    /// `pot:Bills`, `pot:Joint/Bills`, a bare pot name, or an id.
    Pot {
        /// The account that owns it, where it was named; else the one of the rule's source.
        account: Option<String>,
        /// Its name.
        name: String,
    },
}

impl AccountOrPotName {
    /// The name alone, or the id.
    pub fn name(&self) -> &str {
        match self {
            Self::Account(name) | Self::Pot { name, .. } => name,
        }
    }
}

/// Prints it as it is written: `account:Personal`, `pot:Joint/Bills`, `pot:Bills`.
impl std::fmt::Display for AccountOrPotName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Account(name) => write!(f, "account:{name}"),
            Self::Pot { account: Some(account), name } => write!(f, "pot:{account}/{name}"),
            Self::Pot { account: None, name } => write!(f, "pot:{name}"),
        }
    }
}

/// `[[autosort.rule]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Unique among the rules.
    pub name: String,
    /// Any of them.
    pub triggers: Vec<Trigger>,
    /// From where.
    pub source: AccountOrPotName,
    /// What stays at the source: the largest of these; nothing for a pot that says nothing.
    pub keep: Vec<Keep>,
    /// How much of the rest may be taken.
    pub take: Take,
    /// Instead of `[autosort]`'s.
    pub mode: Option<RuleMode>,
    /// It fires.
    pub enabled: bool,
    /// An occurrence later than this is proposed, not run.
    pub catch_up: SignedDuration,
    /// What becomes of money that could not be placed.
    pub on_failure: OnFailure,
    /// Where to, in order.
    pub steps: Vec<Step>,
    /// Examples that `config check` runs.
    pub tests: Vec<Example>,
    /// The rule in one canonical text, for its hash: the same rule gives the same text.
    pub text: String,
    /// File and line where it begins.
    pub origin: String,
}

/// What stays at the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Keep {
    /// Minor units.
    Amount(i64),
    /// Of the balance.
    Share(BasisPoints),
}

/// How much of a balance may be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Take {
    /// All above what stays.
    #[default]
    All,
    /// Never more than the credit that fired.
    Income,
    /// What was there without it.
    Leftover,
}

/// What becomes of money that could not be placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum OnFailure {
    /// Back to the source.
    #[default]
    Return,
    /// It stays in the account.
    Leave,
}
