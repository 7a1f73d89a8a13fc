//! What a rule would move, and why: a pure function of rule, state and time (autosorter.md 3).

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;

use super::bills::{Level, NotKnown};

/// What a plan goes by besides the rule and the balances.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The instant of all facts.
    pub as_of: Timestamp,
    /// Its local date.
    pub today: Date,
    /// The credit that fired, in minor units.
    pub income: Option<i64>,
    /// This run's own payday, then the later ones in order, as far as the last `by` of the rule (a year, if in doubt).
    /// A run between paydays has the last one that came as its own.
    pub paydays: Vec<Date>,
    /// What the pots of `bills` steps have to hold, by the step's number from 1.
    pub levels: BTreeMap<u32, Result<Level, NotKnown>>,
    /// The guardrails in one canonical text: [`super::guard::text`].
    pub guardrails: String,
}
