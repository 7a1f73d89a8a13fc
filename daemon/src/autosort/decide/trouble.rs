//! What can keep money from an account or a pot, in words.

use std::fmt;

use jiff::Timestamp;
use monzo_common::shell;

use super::calendar;
use super::world::{Pot, Refusal};

/// What can be the matter with an account or pot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// No object has this name.
    Unknown {
        /// The names that there are.
        there: Vec<String>,
    },
    /// Several objects have this name.
    Ambiguous {
        /// Theirs.
        ids: Vec<String>,
    },
    /// The pot was deleted.
    Deleted {
        /// A pot that has its name now.
        namesake: Option<String>,
    },
    /// The bank's list no longer holds the pot.
    Unlisted {
        /// Since when.
        since: Timestamp,
    },
    /// The account was closed.
    Closed,
    /// It is excluded.
    Excluded,
    /// Money may not leave it.
    Locked,
    /// The bank's API takes no deposits for ISA pots.
    Isa,
    /// Nor for charity pots.
    Charity,
    /// A savings pot that is not in `withdraw_from`.
    Savings {
        /// The bank's kind.
        kind: String,
    },
    /// The bank refused it for good.
    NeedsApp {
        /// Since when, in which direction, and why.
        what: String,
        /// The command that lets it be tried again.
        thaw: String,
    },
    /// It belongs to another account than the source.
    OtherAccount {
        /// The other account's name.
        owner: String,
    },
    /// It is where the money comes from.
    Itself,
    /// An account of a kind that has no pots, or of another currency.
    Unsupported {
        /// What it is.
        what: String,
    },
    /// Its balance was never read.
    Unread,
}

impl Trouble {
    /// The sentence about `who`: the name of the account or pot, or `it`.
    pub fn about(&self, who: &str) -> String {
        match self {
            Self::Unknown { there } => format!("there is none of that name; there are {}", listed(there)),
            Self::Ambiguous { ids } => {
                format!("several have that name: write one of the ids {}", ids.join(", "))
            }
            Self::Deleted { namesake: None } => format!("{who} was deleted in the app"),
            Self::Deleted { namesake: Some(id) } => {
                format!("{who} was deleted in the app; another pot has its name now: write its id, {id}")
            }
            Self::Unlisted { since } => {
                format!("the bank no longer lists {who} (since {})", day_text(*since))
            }
            Self::Closed => format!("{who} was closed"),
            Self::Excluded => format!("{who} is excluded from the autosorter"),
            Self::Locked => format!("{who} is locked: money may go in but not out"),
            Self::Isa => format!("{who} is an ISA pot, and Monzo's API cannot pay into those"),
            Self::Charity => format!("{who} is a charity pot, and the autosorter does not pay into those"),
            Self::Savings { kind } if kind == ISA => {
                format!("{who} is an ISA pot, and `autosort.withdraw_from` does not list it")
            }
            Self::Savings { kind } => {
                format!("{who} is a savings pot ({kind}), and `autosort.withdraw_from` does not list it")
            }
            Self::NeedsApp { what, thaw } => format!("{who} {what}; `{thaw}` lets it be tried again"),
            Self::OtherAccount { owner } => {
                format!("{who} belongs to {owner}; all pots of a rule belong to the account of its source")
            }
            Self::Itself => format!("{who} is the rule's own source"),
            Self::Unsupported { what } => format!("{what} cannot be sorted"),
            Self::Unread => format!("the balance of {who} is not known yet: run `monzoctl sync`"),
        }
    }

    /// That the bank refused to move a pot's money, into it or out of it.
    pub fn needs_app(pot: &Pot, refusal: &Refusal, out: bool) -> Self {
        Self::NeedsApp { what: needs_app(refusal, out), thaw: thaw_command(&pot.name) }
    }
}

/// How [`Trouble::Savings`] names an ISA, whatever its kind.
pub const ISA: &str = "ISA";

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.about("it"))
    }
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// `needs the app since 24 Nov 2026 to put money into it: why`
pub fn needs_app(refusal: &Refusal, out: bool) -> String {
    let direction = if out { "take money out of it" } else { "put money into it" };
    format!("needs the app since {} to {direction}: {}", day_text(refusal.at), refusal.reason)
}

/// The command that lets a pot be tried again which the bank refused to move, as it can be pasted.
pub fn thaw_command(pot: &str) -> String {
    format!("monzoctl sort thaw {}", shell::word(pot))
}

fn day_text(at: Timestamp) -> String {
    at.to_zoned(calendar::london()).strftime("%-d %b %Y").to_string()
}
