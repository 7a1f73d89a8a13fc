//! The steps of a rule: where its money goes (autosort/README.md, Planning).

use jiff::SignedDuration;

use super::{Amount, BasisPoints, Cap, Place};

/// The day by which a sinking fund must be full; without a year it comes every year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct By {
    /// Once, if given.
    pub year: Option<i16>,
    /// 1 to 12.
    pub month: i8,
    /// 1 to 31; past the month's end its last day.
    pub day: i8,
}

/// How much a bills step looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Basis {
    /// Bills that are predicted.
    #[default]
    Upcoming,
    /// What the last complete cycle cost.
    LastCycle,
}

/// Where money goes (autosort/README.md, Planning).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// What the bills of a pot need.
    Bills {
        /// The pot.
        pot: Place,
        /// Looked at how.
        basis: Basis,
        /// On top.
        buffer: BasisPoints,
        /// Bills due within this, instead of until the payday after; makes a bill guard.
        horizon: Option<SignedDuration>,
        /// Minor units, while the last cycle is not known.
        until_known: Option<i64>,
    },
    /// A pot.
    Pot {
        /// The pot.
        pot: Place,
        /// How much; all that is left, if neither this nor `up_to` says.
        amount: Option<Amount>,
        /// Minor units to which it is filled.
        up_to: Option<i64>,
        /// Filled by then, payday by payday.
        by: Option<By>,
        /// At most.
        max: Option<Cap>,
    },
    /// An account, for rules whose source is a pot.
    Account {
        /// The account.
        account: Place,
        /// How much.
        amount: Option<Amount>,
        /// Minor units to which it is filled.
        up_to: Option<i64>,
        /// At most.
        max: Option<Cap>,
    },
    /// Several pots equally, each up to the bank's goal.
    Goals {
        /// The pots.
        pots: Vec<Place>,
        /// Most that one gets.
        max: Option<Cap>,
    },
    /// Several pots by shares.
    Split {
        /// The parts.
        parts: Vec<Part>,
        /// What capped parts leave goes to the others, or stays.
        redistribute: bool,
    },
    /// What the bank's API cannot move: set aside, and asked of the person.
    Ask {
        /// Minor units.
        amount: i64,
        /// To whom.
        to: String,
    },
    /// All that is left.
    Rest {
        /// The pot.
        pot: Place,
        /// At most.
        max: Option<Cap>,
    },
}

impl Step {
    /// The accounts and pots that it gives to, as they were written.
    pub fn places(&self) -> Vec<&Place> {
        match self {
            Self::Bills { pot, .. } | Self::Pot { pot, .. } | Self::Rest { pot, .. } => vec![pot],
            Self::Account { account, .. } => vec![account],
            Self::Goals { pots, .. } => pots.iter().collect(),
            Self::Split { parts, .. } => parts.iter().map(|part| &part.pot).collect(),
            Self::Ask { .. } => Vec::new(),
        }
    }
}

/// A part of a split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The pot.
    pub pot: Place,
    /// Its share.
    pub share: BasisPoints,
    /// At most.
    pub max: Option<Cap>,
    /// Minor units to which it is filled.
    pub up_to: Option<i64>,
}
