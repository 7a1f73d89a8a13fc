//! Incomes that were expected and have not come.

use jiff::civil::Date;
use jiff::{SignedDuration, ToSpan};

use super::income::proofs;
use super::inputs::{CreditKind, CreditRow, OccurrenceInputs};
use crate::autosort::decide::calendar;

/// So many days after a payday its income is overdue.
const PATIENCE: i64 = 2;
/// How many of the credits that did come are told.
const NEAREST: usize = 3;

/// A payday whose income has not come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overdue {
    /// The calendar's name.
    pub payday: String,
    /// The day.
    pub date: Date,
    /// The credits that came nearest to it, the nearest first.
    pub nearest: Vec<CreditRow>,
}

/// Finds the paydays whose expected income is overdue: of each calendar at most the last.
pub fn overdue(facts: &OccurrenceInputs<'_>) -> Vec<Overdue> {
    let today = calendar::local_date(facts.now, facts.zone);
    let Ok(latest) = today.checked_sub(PATIENCE.days()) else { return Vec::new() };
    let expected = facts.paydays.iter().filter(|payday| payday.income.is_some());
    let missing = expected.filter_map(|payday| {
        let date = calendar::Rhythmic::of(payday).on_or_before(latest)?;
        if !proofs(facts, payday, date).is_empty() {
            return None;
        }
        let begins = calendar::midnight(date, facts.zone)?;
        let distance = |row: &&CreditRow| row.created_at.duration_since(begins).abs();
        let mut nearest: Vec<&CreditRow> = facts
            .credits
            .iter()
            .filter(|row| row.kind == CreditKind::Income)
            .filter(|row| distance(row) <= SignedDuration::from_hours(24 * 14))
            .collect();
        nearest.sort_by_key(|row| (distance(row), row.id.clone()));
        let nearest = nearest.into_iter().take(NEAREST).cloned().collect();
        Some(Overdue { payday: payday.name.clone(), date, nearest })
    });
    missing.collect()
}
