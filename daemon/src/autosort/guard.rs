//! Whether a plan may run: by itself, after a person's word, later, or not at all (autosorter.md, *Guardrails*).

use std::collections::BTreeMap;

use jiff::civil::Time;
use jiff::{SignedDuration, Timestamp};
use monzo_common::id::PotId;

use super::rule::Mode;

/// What holds while a plan is judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The rule's mode, else `[autosort]`'s.
    pub mode: Mode,
    /// A person approved this plan, or asked for it: caps and `propose` do not hold it back again.
    pub approved: bool,
    /// Undo and discovery: no caps and no quiet hours.
    pub exempt: bool,
    /// Why a person should look first although the mode is `auto`: the first run of a rule, a changed text, a late
    /// occurrence, a second credit in the cycle.
    pub propose: Vec<String>,
    /// Minor units.
    pub max_per_run: Option<i64>,
    /// Minor units.
    pub max_per_day: Option<i64>,
    /// What other runs of this London date moved, in minor units; without returns, undo and discovery.
    pub moved_today: i64,
    /// The configured floor of the account, in minor units.
    pub account_floor: i64,
    /// The account's balance when the run began; at planning, now.
    pub began_with: i64,
    /// The account's balance now.
    pub balance: i64,
    /// Why the account may not be touched: closed, excluded, unsupported.
    pub account: Option<String>,
    /// What may be done with each pot, the account's own only.
    pub pots: BTreeMap<PotId, Door>,
    /// The freeze that holds, in words.
    pub frozen: Option<String>,
    /// The local time of day.
    pub local: Time,
    /// No run begins between these; may wrap.
    pub quiet_hours: Option<(Time, Time)>,
    /// Nor so long before them.
    pub move_deadline: SignedDuration,
    /// The run has moved money already: quiet hours do not stop it.
    pub begun: bool,
    /// Now.
    pub now: Timestamp,
    /// When the facts were read from the bank.
    pub synced_at: Option<Timestamp>,
    /// How old they may be.
    pub max_staleness: SignedDuration,
    /// The bank's clock less the local one, where an answer told it.
    pub skew: Option<SignedDuration>,
}

/// What may be done with a pot.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Door {
    /// Minor units.
    pub balance: i64,
    /// It is out of the sorter's reach.
    pub excluded: bool,
    /// Why nothing may go in.
    pub into: Option<String>,
    /// Why nothing may come out.
    pub out: Option<String>,
}

/// What holds a plan back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Guard {
    /// `mode`.
    Mode,
    /// The rule or the occurrence asks for a look.
    Look,
    /// A step could not be kept.
    Skipped,
    /// `max_per_run`.
    MaxPerRun,
    /// `max_per_day`.
    MaxPerDay,
    /// `account_floor`.
    Floor,
    /// An account or pot that may not be touched.
    Exclusion,
    /// A pot that is locked, or refuses.
    Lock,
    /// A freeze.
    Freeze,
    /// `quiet_hours`.
    QuietHours,
    /// `max_staleness`.
    Staleness,
    /// The two clocks.
    Clock,
}

/// A guard that holds a plan back, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Which.
    pub guard: Guard,
    /// Why, in one sentence.
    pub reason: String,
}

/// What may become of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It moves nothing: no run is made of it.
    Nothing,
    /// It may begin.
    Allowed,
    /// After a person's approval.
    Proposed(Vec<Held>),
    /// Not now, and no approval helps.
    Withheld(Vec<Held>),
    /// Nothing could be planned: the sentences say what to do.
    Impossible(Vec<String>),
}
