//! What the names of a rule mean at the bank, and what is the matter with them (autosorter.md 1, *Names* and *Pots*).
//!
//! The bank's objects never stop anything but their own step: what is gone is named, its money stays, and the rest of
//! the rule goes on. Only what the whole rule stands on, its source, refuses the whole rule.

use super::rule::{Place, Rule};
use super::world::{Account, Holder};

/// A rule with the bank's ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The rule.
    pub rule: Rule,
    /// Where its money comes from; nothing where the rule is refused, and `problems` say why.
    pub source: Option<Source>,
    /// The targets of each step, as they were written; none for what is only asked for.
    pub targets: Vec<Vec<Target>>,
    /// What is the matter at the bank.
    pub problems: Vec<Problem>,
    /// What is worth a note, and no problem: names that changed in the app.
    pub notes: Vec<String>,
    /// Ids to remember for the rule's places, so that a rename in the app goes on working.
    pub bound: Vec<(Place, String)>,
}

/// Where a rule's money comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The account or pot.
    pub holder: Holder,
    /// The one account that all of the rule's money passes through: the source itself, or the owner of the pot.
    pub account: Account,
}

/// Where a part of a rule's money goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// As written.
    pub place: Place,
    /// Its name today, else as written.
    pub name: String,
    /// What it is; nothing for a name that means nothing.
    pub holder: Option<Holder>,
    /// Why nothing may go there; what it would have got stays at the source.
    pub held: Option<Trouble>,
}

/// What is the matter with a place of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The step's number from 1; nothing for the source.
    pub step: Option<u32>,
    /// As written.
    pub place: Place,
    /// What is the matter.
    pub trouble: Trouble,
    /// All of it in one sentence, with rule, step, file and line.
    pub message: String,
}

/// What can be the matter with an account or pot.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// No object has this name.
    #[error("there is none of that name{}", near.as_ref().map(|near| format!("; did you mean {near}?")).unwrap_or_default())]
    Unknown {
        /// A name that is almost it.
        near: Option<String>,
    },
    /// Several objects have this name.
    #[error("several have that name: write one of the ids {}", ids.join(", "))]
    Ambiguous {
        /// Theirs.
        ids: Vec<String>,
    },
    /// The pot was deleted.
    #[error("it was deleted in the app{}", namesake.as_ref().map(|id| format!("; another pot has its name now: write its id, {id}")).unwrap_or_default())]
    Deleted {
        /// A pot that has its name now.
        namesake: Option<String>,
    },
    /// The account was closed.
    #[error("it was closed")]
    Closed,
    /// It is excluded.
    #[error("it is excluded from the autosorter")]
    Excluded,
    /// Money may not leave it.
    #[error("it is locked: money may go in, not out")]
    Locked,
    /// The bank takes no deposits for ISA pots here.
    #[error("money does not go into an ISA pot by itself")]
    Isa,
    /// Nor for charity pots.
    #[error("money does not go into a charity pot by itself")]
    Charity,
    /// A savings pot that is not in `withdraw_from`.
    #[error("a {kind} pot gives nothing unless `autosort.withdraw_from` lists it")]
    Savings {
        /// The bank's kind.
        kind: String,
    },
    /// The bank refused it for good.
    #[error("it needs the app: the bank refuses to move its money for programs")]
    NeedsApp,
    /// It belongs to another account than the source.
    #[error("it belongs to {owner}; all pots of a rule belong to the account of its source")]
    OtherAccount {
        /// The other account's name.
        owner: String,
    },
    /// It is where the money comes from.
    #[error("it is the rule's own source")]
    Itself,
    /// An account of a kind that has no pots, or of another currency.
    #[error("{what} cannot be sorted")]
    Unsupported {
        /// What it is.
        what: String,
    },
    /// Its balance was never read.
    #[error("its balance is not known yet: run `monzoctl sync`")]
    Unread,
}
