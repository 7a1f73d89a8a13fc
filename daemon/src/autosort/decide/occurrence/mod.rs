//! Occurrences: each time that a rule is due, once and for all under its key (autosort/README.md, When a rule runs).
//!
//! [`evaluate`] is asked after each sync and remembers nothing: keys that were used, the balances of the last
//! evaluated sync and open edges are told to it. What it calls open is to be planned; nothing fires for the past.

mod balance;
mod dated;
mod income;
mod inputs;
mod overdue;

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::facts::INCOME_SCHEMES;
use crate::rule::{Adjust, Credit, Day, Nation, Payday, Rhythm, Rule, Trigger};
use monzo_common::model::RuleMode;

pub use income::proofs;
pub use inputs::{
    Begin, CreditKind, CreditMarks, CreditRow, Edge, Evaluation, Fired, History, Memory, Occurrence,
    OccurrenceInputs, State, Subject, Synced, Watch, Why,
};
pub use overdue::{Overdue, overdue};

/// A credit that is read later than this after it was made fires nothing.
const FRESH: SignedDuration = SignedDuration::from_hours(72);

/// Finds the occurrences of a rule: the last ones, those that are due, and the next.
pub fn evaluate(subject: &Subject<'_>, facts: &OccurrenceInputs<'_>) -> Evaluation {
    let mut found = Evaluation::default();
    let mut by_key: BTreeMap<String, Occurrence> = BTreeMap::new();
    for (index, trigger) in subject.rule.triggers.iter().enumerate() {
        let occurrences = match trigger {
            Trigger::Payday { payday, offset_days, at } => {
                dated::paydays(subject, facts, index, payday.as_deref(), *offset_days, *at)
            }
            Trigger::Income { credit, account, own, once_a_cycle } => {
                let account = match account {
                    Some(_) => subject.income_accounts.get(&index),
                    None => subject.account.as_ref(),
                };
                let wanted = income::Wanted { credit, account, own: *own, once_a_cycle: *once_a_cycle };
                income::credits(subject, facts, index, &wanted)
            }
            Trigger::Monthly { .. } | Trigger::Weekly { .. } | Trigger::Daily { .. } => {
                dated::local_dates(subject, facts, index, trigger)
            }
            Trigger::Balance { level, cooldown, .. } => {
                let Some(watch) = subject.watches.get(&index) else { continue };
                let looked = balance::look(subject, facts, watch, *level, *cooldown);
                found.memories.insert(index, looked.memory.clone());
                found.waits.extend(looked.wait);
                looked
                    .memory
                    .edge
                    .map(|edge| due(subject, facts, index, edge.key, edge.at, None))
                    .into_iter()
                    .collect()
            }
            Trigger::Manual => Vec::new(),
        };
        for occurrence in occurrences {
            keep_the_nearer(&mut by_key, occurrence);
        }
    }
    found.occurrences = by_key.into_values().collect();
    found.occurrences.sort_by(|one, other| (one.at, &one.key).cmp(&(other.at, &other.key)));
    found
}

/// When a rule is next due by the calendar; what fires by credits, balances or by hand has no such moment.
pub fn next(rule: &Rule, paydays: &[Payday], zone: &TimeZone, now: Timestamp) -> Option<Timestamp> {
    let used = BTreeSet::new();
    let subject = Subject {
        rule,
        mode: RuleMode::Auto,
        since: Timestamp::MIN,
        history: History::ThisText,
        account: None,
        income_accounts: BTreeMap::new(),
        watches: BTreeMap::new(),
        used: &used,
    };
    let found = evaluate(&subject, &OccurrenceInputs { now, zone, paydays, sync: None, credits: &[] });
    found.occurrences.into_iter().map(|one| one.at).filter(|at| *at > now).min()
}

/// Two triggers of a rule may mean the same key: the one that can still run counts, else the earlier.
fn keep_the_nearer(by_key: &mut BTreeMap<String, Occurrence>, occurrence: Occurrence) {
    let rank = |state: State| match state {
        State::Used => 0,
        State::Open => 1,
        State::Waiting => 2,
        State::Coming => 3,
        State::Missed => 4,
        State::Over => 5,
    };
    match by_key.get(&occurrence.key) {
        Some(other) if (rank(other.state), other.at) <= (rank(occurrence.state), occurrence.at) => {}
        _ => {
            by_key.insert(occurrence.key.clone(), occurrence);
        }
    }
}

/// An occurrence whose moment is known, with its state as the present makes it.
fn due(
    subject: &Subject<'_>,
    facts: &OccurrenceInputs<'_>,
    trigger: usize,
    key: String,
    at: Timestamp,
    until: Option<Timestamp>,
) -> Occurrence {
    let state = match () {
        () if subject.used.contains(&key) => State::Used,
        () if at < subject.since => State::Missed,
        () if at > facts.now => State::Coming,
        () if until.is_some_and(|until| until <= facts.now) => State::Over,
        () => State::Open,
    };
    Occurrence { key, trigger, at, until, state, begin: begin(subject, facts, at), credit: None }
}

fn begin(subject: &Subject<'_>, facts: &OccurrenceInputs<'_>, at: Timestamp) -> Begin {
    if subject.mode == RuleMode::Off || !subject.rule.enabled {
        return Begin::Never;
    }
    let late = facts.now.duration_since(at) > subject.rule.catch_up;
    let reasons = [
        (subject.mode == RuleMode::Propose, Why::Mode),
        (subject.history == History::Never, Why::FirstRun),
        (subject.history == History::OtherText, Why::ChangedText),
        (late, Why::Late),
    ];
    let reasons: Vec<Why> = reasons.into_iter().filter(|(holds, _)| *holds).map(|(_, why)| why).collect();
    if reasons.is_empty() { Begin::Run } else { Begin::Propose(reasons) }
}

/// The pay calendar of a name, or the first; without any, pay cycles are calendar months.
fn calendar_of(facts: &OccurrenceInputs<'_>, name: Option<&str>) -> Option<Payday> {
    match name {
        Some(name) => facts.paydays.iter().find(|payday| payday.name == name).cloned(),
        None => Some(facts.paydays.first().cloned().unwrap_or_else(|| Payday {
            name: String::new(),
            rhythm: Rhythm::Monthly(Day::Of(1)),
            adjust: Adjust::None,
            nation: Nation::EnglandAndWales,
            extra_holidays: Vec::new(),
            income: None,
        })),
    }
}

/// Tells whether a credit is one of those that are meant.
pub(crate) fn matches(wanted: &Credit, row: &CreditRow) -> bool {
    wanted.from.as_deref().is_none_or(|pattern| globbed(pattern, &row.from))
        && wanted.at_least.is_none_or(|least| row.amount >= least)
        && wanted.at_most.is_none_or(|most| row.amount <= most)
}

/// Whether a text fits a pattern in which `*` is any text, whatever the case.
fn globbed(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.to_lowercase(), text.to_lowercase());
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

impl CreditKind {
    /// What a credit is; what is not known to be income is not.
    pub fn of(marks: CreditMarks<'_>) -> Self {
        let not_income = marks.reversal
            || marks.direct_debit
            || marks.flex
            || marks.account_kind == "uk_monzo_flex"
            || !INCOME_SCHEMES.contains(&marks.scheme);
        match not_income {
            true => Self::Other,
            false if marks.own => Self::Own,
            false => Self::Income,
        }
    }
}

#[cfg(test)]
mod tests;
