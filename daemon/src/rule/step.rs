//! The steps of a rule: where its money goes (autosort/README.md, Planning).

use jiff::SignedDuration;
use monzo_common::model::StepKind;

use super::{AccountOrPotName, Amount, BasisPoints, Cap};

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
        pot: AccountOrPotName,
        /// Looked at how.
        basis: Basis,
        /// On top.
        buffer: BasisPoints,
        /// Bills due within this, instead of until the payday after; makes a bill guard.
        horizon: Option<SignedDuration>,
        /// Minor units, while the last cycle is not known.
        until_known: Option<i64>,
    },
    /// A pot, or an account for rules whose source is a pot.
    Pot {
        /// How it was written: `pot`, `account` or `rest`, which differ in nothing else.
        written: StepKind,
        /// The pot or account.
        target: AccountOrPotName,
        /// How much; all that is left, if neither this nor `up_to` says.
        amount: Option<Amount>,
        /// Minor units to which it is filled; where nothing is said, a pot is filled to the bank's goal.
        up_to: Option<i64>,
        /// Filled by then, payday by payday.
        by: Option<By>,
        /// At most.
        max: Option<Cap>,
    },
    /// Several pots by shares: `split`, or `goals` where the shares are equal.
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
}

impl Step {
    /// The accounts and pots that it gives to, as they were written.
    pub fn places(&self) -> Vec<&AccountOrPotName> {
        match self {
            Self::Bills { pot: target, .. } | Self::Pot { target, .. } => vec![target],
            Self::Split { parts, .. } => parts.iter().map(|part| &part.pot).collect(),
            Self::Ask { .. } => Vec::new(),
        }
    }

    /// The word that makes it what it is.
    pub fn kind(&self) -> StepKind {
        match self {
            Self::Bills { .. } => StepKind::Bills,
            Self::Pot { written, .. } => *written,
            Self::Split { parts, .. } if parts.iter().all(|part| part.share == Share::Equal) => {
                StepKind::Goals
            }
            Self::Split { .. } => StepKind::Split,
            Self::Ask { .. } => StepKind::Ask,
        }
    }
}

/// The share of a part of a split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// Of what the step began with.
    Of(BasisPoints),
    /// As much as each of the others, up to the bank's goal; a pot without a goal gets nothing.
    Equal,
}

/// A part of a split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The pot.
    pub pot: AccountOrPotName,
    /// Its share.
    pub share: Share,
    /// At most.
    pub max: Option<Cap>,
    /// Minor units to which it is filled.
    pub up_to: Option<i64>,
}
