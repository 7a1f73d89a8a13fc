//! Occurrences that a credit makes, and the credits that prove a payday.

use std::collections::BTreeSet;

use jiff::civil::Date;
use monzo_common::id::AccountId;

use super::inputs::{Begin, CreditKind, CreditRow, Fired, Occurrence, OccurrenceInputs, State, Subject, Why};
use super::{FRESH, calendar_of, due, matches};
use crate::autosort::decide::calendar;
use crate::rule::{Credit, Payday};

/// Which credits a trigger wants.
pub(super) struct Wanted<'a> {
    pub(super) credit: &'a Credit,
    pub(super) account: Option<&'a AccountId>,
    pub(super) own: bool,
    pub(super) once_a_cycle: bool,
}

/// Each credit that a trigger wants, under its cycle's key or its own.
pub(super) fn credits(
    subject: &Subject<'_>,
    facts: &OccurrenceInputs<'_>,
    trigger: usize,
    wanted: &Wanted<'_>,
) -> Vec<Occurrence> {
    let (Some(account), Some(payday)) = (wanted.account, calendar_of(facts, None)) else { return Vec::new() };
    let mut rows: Vec<&CreditRow> = facts
        .credits
        .iter()
        .filter(|row| row.account == *account && (row.kind == CreditKind::Income || is_own(row, wanted)))
        .filter(|row| row.amount > 0 && matches(wanted.credit, row))
        .collect();
    rows.sort_by(|one, other| in_order(one).cmp(&in_order(other)));
    let mut cycles: BTreeSet<Date> = BTreeSet::new();
    let occurrence = |row: &&CreditRow| {
        let cycle = calendar::nearest(&payday, calendar::local_date(row.created_at, facts.zone))?;
        let until = calendar::midnight(calendar::after(&payday, cycle)?, facts.zone)?;
        let further = wanted.once_a_cycle && !cycles.insert(cycle);
        let key = match wanted.once_a_cycle && !further {
            true => cycle.to_string(),
            false => row.id.as_str().to_owned(),
        };
        let mut found = due(subject, facts, trigger, key, row.created_at, Some(until));
        if !is_fresh(row) && found.state == State::Open {
            found.state = State::Missed;
        }
        if further {
            found.begin = match found.begin {
                Begin::Run => Begin::Propose(vec![Why::Further]),
                Begin::Propose(mut reasons) => {
                    reasons.push(Why::Further);
                    Begin::Propose(reasons)
                }
                Begin::Never => Begin::Never,
            };
        }
        let fired = Fired { id: row.id.clone(), account: row.account.clone(), amount: row.amount };
        Some(Occurrence { credit: Some(fired), ..found })
    };
    let mut seen = BTreeSet::new();
    rows.retain(|row| seen.insert(row.id.clone()));
    rows.iter().filter_map(occurrence).collect()
}

fn is_own(row: &CreditRow, wanted: &Wanted<'_>) -> bool {
    wanted.own && row.kind == CreditKind::Own
}

/// By when they were read first, so that a row that the bank shows late takes no other's place.
fn in_order(row: &CreditRow) -> impl Ord + '_ {
    (row.first_read_at, row.created_at, &row.id)
}

/// Read soon enough after it was made.
pub(super) fn is_fresh(row: &CreditRow) -> bool {
    row.first_read_at.duration_since(row.created_at) <= FRESH
}

/// The credit that proves that a payday came: one of the rule's own account before those of others.
pub(super) fn of_payday<'a>(
    subject: &Subject<'_>,
    facts: &OccurrenceInputs<'a>,
    payday: &Payday,
    day: Date,
) -> Option<&'a CreditRow> {
    let elsewhere = |row: &CreditRow| subject.account.as_ref() != Some(&row.account);
    let rows = proofs(facts, payday, day);
    rows.into_iter()
        .min_by(|one, other| (elsewhere(one), in_order(one)).cmp(&(elsewhere(other), in_order(other))))
}

/// All credits that prove a payday: those that are meant, and to which it is the nearest.
pub fn proofs<'a>(facts: &OccurrenceInputs<'a>, payday: &Payday, day: Date) -> Vec<&'a CreditRow> {
    let Some(income) = &payday.income else { return Vec::new() };
    let near = |row: &&CreditRow| {
        calendar::nearest(payday, calendar::local_date(row.created_at, facts.zone)) == Some(day)
    };
    let meant = |row: &&CreditRow| row.kind == CreditKind::Income && row.amount > 0 && matches(income, row);
    facts.credits.iter().filter(meant).filter(near).collect()
}
