//! Whether a plan may run: by itself, after a person's word, later, or not at all (autosort/README.md, Limits).

use jiff::civil::Time;
use jiff::{SignedDuration, Timestamp};
use monzo_common::model::{Plan, PlannedTransfer, RuleMode, TransferKind};

use crate::autosort::decide::check;
use crate::autosort::decide::plan::asks;
use crate::autosort::decide::plan::words::money;
use crate::autosort::decide::world::World;
use crate::clock::elapsed;
use crate::rule::Autosort;

/// No run is planned or begun while the two clocks differ by more (autosort/README.md, When a rule runs).
const MOST_SKEW: SignedDuration = SignedDuration::from_mins(2);

const DAY: i64 = 24 * 60 * 60;

/// What holds while a plan is judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The rule's mode, else `[autosort]`'s.
    pub mode: RuleMode,
    /// A person approved this plan, or asked for it: caps and `propose` do not hold it back again.
    pub approved: bool,
    /// Why a person should look first although the mode is `auto`: the first run of a rule, a changed text, a late
    /// occurrence, a second credit in the cycle.
    pub propose: Vec<String>,
    /// Minor units.
    pub max_per_run: Option<i64>,
    /// Minor units.
    pub max_per_day: Option<i64>,
    /// What other runs of this London date moved, in minor units; without returns, undo and discovery.
    pub moved_today: i64,
    /// The freeze that holds, in words.
    pub frozen: Option<String>,
    /// The local time of day.
    pub local: Time,
    /// No run begins between these; may wrap.
    pub quiet_hours: Option<(Time, Time)>,
    /// Nor so long before them.
    pub move_deadline: SignedDuration,
    /// Now.
    pub now: Timestamp,
    /// When the facts were read from the bank.
    pub synced_at: Option<Timestamp>,
    /// How old they may be.
    pub max_staleness: SignedDuration,
    /// The bank's clock less the local one, where an answer told it.
    pub skew: Option<SignedDuration>,
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

/// A guard that a plan violates, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub guard: Guard,
    /// Why, in one sentence.
    pub reason: String,
}

/// What may become of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It moves nothing and asks for nothing: no run is made of it.
    Nothing,
    /// It may begin.
    Allowed,
    /// After a person's approval.
    Proposed(Vec<Violation>),
    /// Not now, and no approval helps.
    Withheld(Vec<Violation>),
    /// Nothing could be planned: the sentences say what to do.
    Impossible(Vec<String>),
}

impl Verdict {
    /// What holds a plan back, each in words.
    pub fn reasons(&self) -> Vec<String> {
        match self {
            Self::Proposed(held) | Self::Withheld(held) => {
                held.iter().map(|held| held.reason.clone()).collect()
            }
            Self::Impossible(why) => why.clone(),
            Self::Allowed | Self::Nothing => Vec::new(),
        }
    }
}

/// The guardrails of a configuration in one canonical text, for the hash of plans.
pub fn text(autosort: &Autosort) -> String {
    let Autosort { max_per_run, max_per_day, account_floor, floors, withdraw_from, .. } = autosort;
    let amount = |amount: &Option<i64>| amount.map_or_else(|| "none".to_owned(), |amount| amount.to_string());
    let mut text = format!(
        "max_per_run {}\nmax_per_day {}\naccount_floor {account_floor}\n",
        amount(max_per_run),
        amount(max_per_day)
    );
    for (account, floor) in floors {
        text.push_str(&format!("account_floor {account} {floor}\n"));
    }
    for place in withdraw_from {
        text.push_str(&format!("withdraw_from {place}\n"));
    }
    text
}

/// What may become of a plan under the limits that hold now.
pub fn guard(plan: &Plan, world: &World, limits: &Limits) -> Verdict {
    let errors: Vec<String> = plan.steps.iter().filter_map(|step| step.error.clone()).collect();
    if !errors.is_empty() {
        return Verdict::Impossible(errors);
    }
    if plan.transfers.is_empty() && asks(&plan.steps).next().is_none() {
        return Verdict::Nothing;
    }
    let mut held = of_the_moment(limits);
    held.extend(check::check(&plan.transfers, world, &check::Limits::default()));
    if !held.is_empty() {
        return Verdict::Withheld(held);
    }
    if limits.approved {
        return Verdict::Allowed;
    }
    let looks = looks(plan, limits);
    if looks.is_empty() { Verdict::Allowed } else { Verdict::Proposed(looks) }
}

/// Minor units that a run moves: each penny once, where it arrives.
pub fn moved(transfers: &[PlannedTransfer]) -> i64 {
    let sum = |out: bool| {
        transfers
            .iter()
            .filter(|transfer| (transfer.kind == TransferKind::Withdraw) == out)
            .fold(0_i64, |sum, transfer| sum.saturating_add(transfer.amount))
    };
    // What a pot gives either goes on into other pots or stays in the account.
    sum(true).max(sum(false))
}

/// That the two clocks differ by too much, in words.
pub fn excess_skew(skew: Option<SignedDuration>) -> Option<String> {
    let skew = skew.filter(|skew| skew.abs() > MOST_SKEW)?;
    Some(format!("this clock and the bank's differ by {} s", skew.as_secs().unsigned_abs()))
}

/// Guards of the moment: mode, freeze, clocks, staleness, quiet hours.
pub fn of_the_moment(limits: &Limits) -> Vec<Violation> {
    let mut held = Vec::new();
    let mut hold = |guard, reason: String| held.push(Violation { guard, reason });
    if limits.mode == RuleMode::Off {
        hold(Guard::Mode, "the mode is off".to_owned());
    }
    if let Some(reason) = &limits.frozen {
        hold(Guard::Freeze, reason.clone());
    }
    if let Some(reason) = excess_skew(limits.skew) {
        hold(Guard::Clock, reason);
    }
    let oldest = limits.now.checked_sub(limits.max_staleness).unwrap_or(Timestamp::MIN);
    match limits.synced_at {
        None => hold(Guard::Staleness, "nothing was read from the bank yet".to_owned()),
        Some(at) if elapsed(at, limits.now).is_none() => {
            hold(Guard::Staleness, "a clock was wrong when the bank was last read: sync first".to_owned());
        }
        Some(at) if at < oldest => {
            let minutes = limits.now.duration_since(at).as_mins();
            hold(Guard::Staleness, format!("what is known is {minutes} minutes old: sync first"));
        }
        Some(_) => {}
    }
    if let Some((from, until)) = limits.quiet_hours
        && quiet(limits.local, from, until, limits.move_deadline)
    {
        hold(Guard::QuietHours, format!("quiet hours from {} to {}", clock(from), clock(until)));
    }
    held
}

/// Whether a time of day is in the quiet hours, or so close before them that a run would not end.
fn quiet(local: Time, from: Time, until: Time, margin: SignedDuration) -> bool {
    let seconds =
        |time: Time| i64::from(time.hour()) * 3600 + i64::from(time.minute()) * 60 + i64::from(time.second());
    let length = (seconds(until) - seconds(from)).rem_euclid(DAY);
    if length == 0 {
        return false;
    }
    let margin = margin.as_secs().clamp(0, DAY);
    let into = (seconds(local) - seconds(from) + margin).rem_euclid(DAY);
    into < length.saturating_add(margin)
}

fn clock(time: Time) -> String {
    format!("{:02}:{:02}", time.hour(), time.minute())
}

/// What a person should look at first.
fn looks(plan: &Plan, limits: &Limits) -> Vec<Violation> {
    let mut held = Vec::new();
    let mut hold = |guard, reason: String| held.push(Violation { guard, reason });
    if limits.mode == RuleMode::Propose {
        hold(Guard::Mode, "the mode is propose: a person approves each run".to_owned());
    }
    for reason in &limits.propose {
        hold(Guard::Look, reason.clone());
    }
    for reason in &plan.guards {
        hold(Guard::Skipped, reason.clone());
    }
    if limits.max_per_run.is_none() {
        hold(Guard::MaxPerRun, "max_per_run is not set".to_owned());
    }
    let moved = moved(&plan.transfers);
    let today = limits.moved_today.saturating_add(moved);
    held.extend(caps((moved, today), (limits.max_per_run, limits.max_per_day)));
    held
}

/// The caps that what a run moves, and what all runs of the day move, are over; `most` are those of a run and a day.
pub fn caps((moved, today): (i64, i64), most: (Option<i64>, Option<i64>)) -> Vec<Violation> {
    let run = most.0.filter(|most| moved > *most).map(|most| Violation {
        guard: Guard::MaxPerRun,
        reason: format!("{} is over max_per_run of {}", money(moved), money(most)),
    });
    let day = most.1.filter(|most| today > *most).map(|most| Violation {
        guard: Guard::MaxPerDay,
        reason: format!("{} on this day is over max_per_day of {}", money(today), money(most)),
    });
    run.into_iter().chain(day).collect()
}

#[cfg(test)]
mod tests;
