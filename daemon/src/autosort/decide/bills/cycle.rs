//! What the bills of a pot cost in a cycle, read from what left the pot and what it paid.

use jiff::{SignedDuration, Timestamp};
use monzo_common::model::PlannedBill;

use super::{Calendar, Cycle, Hidden, Level, MainRow, NotKnown, PotBills, PotRow, is_bill};
use crate::autosort::decide::plan::words::money;

/// So far apart may be what left a pot and the bill that it paid (autosort/README.md, Bills).
const APART: SignedDuration = SignedDuration::from_hours(6);

/// The last complete cycle; on a payday the one that just ended.
pub(super) fn last(pot: &PotBills, hidden: &Hidden, calendar: &Calendar) -> Result<Level, NotKnown> {
    let last = calendar.cycles.last().ok_or(NotKnown::NoCycle)?;
    if covered(hidden, *last) {
        return Ok(cost(pot, hidden, *last));
    }
    Err(NotKnown::Uncovered { pot: pot.name.clone(), from: known_from(hidden, *last, calendar) })
}

pub(super) fn covered(hidden: &Hidden, cycle: Cycle) -> bool {
    hidden.covered_from <= cycle.from && cycle.until <= hidden.covered_to
}

/// The payday that ends the first cycle of which no row is missing.
fn known_from(hidden: &Hidden, last: Cycle, calendar: &Calendar) -> Option<jiff::civil::Date> {
    let later = |payday: &&jiff::civil::Date| **payday > last.payday;
    // The cycle that runs now begins when the last one ended; an account read only since then is whole from the next.
    let whole = if hidden.covered_from <= last.until { 1 } else { 2 };
    calendar.paydays.iter().filter(later).nth(whole).copied()
}

/// What a cycle cost: each bill once and whole, less refunds, and what left unseen.
pub(super) fn cost(pot: &PotBills, hidden: &Hidden, cycle: Cycle) -> Level {
    let inside = |at: Timestamp| cycle.from <= at && at < cycle.until;
    let mut level = Level::default();
    let paid = pairs(pot, hidden);
    for (row, main) in &paid.rows {
        let (at, date, amount, name, note) = match main {
            Some(main) => (main.at, main.date, main.amount, &main.name, partly(row.amount, main.amount)),
            None => (row.at, row.date, row.amount, &row.name, None),
        };
        if inside(at) {
            let amount = amount.saturating_neg();
            level.bills.push(PlannedBill { name: name.clone(), date, amount, note });
        }
    }
    for main in paid.alone.iter().filter(|main| inside(main.at)) {
        level.bills.push(PlannedBill {
            name: main.name.clone(),
            date: main.date,
            amount: main.amount.saturating_neg(),
            note: Some("the pot gave nothing to it".to_owned()),
        });
    }
    let refunds = refunds(pot, hidden);
    level.bills.extend(refunds.into_iter().filter(|(at, _)| inside(*at)).map(|(_, refund)| refund));
    level.add_up();
    if let Some(unseen) = unseen(pot, hidden, cycle) {
        let note = format!(
            "{} left the pot that no row shows, as payments by virtual card may; it counts as spending",
            money(unseen)
        );
        level.add_unexplained(unseen, note);
    }
    level
}

fn partly(gave: i64, cost: i64) -> Option<String> {
    let gave = gave.saturating_neg();
    (gave < cost.saturating_neg()).then(|| format!("the pot gave {} of it", money(gave)))
}

/// What left the pot as bills, each with the row that it paid in the main account; and what was to be paid from the
/// pot and got nothing of it.
struct Paid<'p> {
    rows: Vec<(&'p PotRow, Option<&'p MainRow>)>,
    alone: Vec<&'p MainRow>,
}

fn pairs<'p>(pot: &'p PotBills, hidden: &'p Hidden) -> Paid<'p> {
    let mut rows: Vec<(&PotRow, Option<&MainRow>)> =
        hidden.rows.iter().filter(|row| is_bill(row)).map(|row| (row, None)).collect();
    let ours = |main: &&MainRow| main.amount < 0 && main.bills_pot_id.as_ref() == Some(&pot.pot_id);
    let mut marked: Vec<&MainRow> = pot.main.iter().filter(ours).collect();
    let mut others: Vec<&MainRow> = pot
        .main
        .iter()
        .filter(|main| main.amount < 0 && main.bills_pot_id.is_none() && !main.unlike_a_bill)
        .collect();
    // Direct debits name their pot; first those that it paid whole, then those that it paid partly.
    pair(&mut rows, &mut marked, |gave, cost| gave == cost);
    pair(&mut rows, &mut others, |gave, cost| gave == cost);
    pair(&mut rows, &mut marked, |gave, cost| gave > cost);
    Paid { rows, alone: marked }
}

/// Pairs rows of the pot with rows of the main account, the nearest first; a paired row is taken from `mains`.
fn pair<'p>(
    rows: &mut [(&'p PotRow, Option<&'p MainRow>)],
    mains: &mut Vec<&'p MainRow>,
    fits: impl Fn(i64, i64) -> bool,
) {
    let apart = |row: &PotRow, main: &MainRow| row.at.duration_since(main.at).abs();
    let mut candidates = Vec::new();
    for (index, (row, paired)) in rows.iter().enumerate() {
        if paired.is_some() || !row.transfer {
            continue;
        }
        for main in mains.iter() {
            if apart(row, main) <= APART && fits(row.amount, main.amount) {
                candidates.push((apart(row, main), index, *main));
            }
        }
    }
    candidates.sort_by_key(|(apart, index, main)| (*apart, *index, main.at));
    for (_, index, main) in candidates {
        let free = mains.iter().position(|other| std::ptr::eq(*other, main));
        if let (None, Some(place)) = (rows[index].1, free) {
            rows[index].1 = Some(main);
            mains.remove(place);
        }
    }
}

/// What came back: to the main account for a bill of the pot, or to a card of the pot. Interest is no refund.
fn refunds(pot: &PotBills, hidden: &Hidden) -> Vec<(Timestamp, PlannedBill)> {
    let refund = |name: &str, date, amount: i64| PlannedBill {
        name: name.to_owned(),
        date,
        amount: amount.saturating_neg(),
        note: Some("a refund".to_owned()),
    };
    let of_main = pot
        .main
        .iter()
        .filter(|main| main.amount > 0 && main.bills_pot_id.as_ref() == Some(&pot.pot_id))
        .map(|main| (main.at, refund(&main.name, main.date, main.amount)));
    let of_pot = hidden
        .rows
        .iter()
        .filter(|row| row.amount > 0 && !row.transfer && !row.interest)
        .map(|row| (row.at, refund(&row.name, row.date, row.amount)));
    of_main.chain(of_pot).collect()
}

/// What left the pot and is in no row: what its recorded balances fell by beyond its rows.
pub(super) fn unseen(pot: &PotBills, hidden: &Hidden, cycle: Cycle) -> Option<i64> {
    let before = |until: Timestamp| pot.balances.iter().rev().find(|(at, _)| *at <= until);
    let (began_at, began) = before(cycle.from).or_else(|| pot.balances.first())?;
    let (ended_at, ended) = before(cycle.until)?;
    if ended_at <= began_at || *began_at < hidden.covered_from {
        return None;
    }
    let rows = hidden
        .rows
        .iter()
        .filter(|row| *began_at < row.at && row.at <= *ended_at)
        .fold(0_i64, |sum, row| sum.saturating_add(row.amount));
    let unseen = began.saturating_add(rows).saturating_sub(*ended);
    (unseen > 0).then_some(unseen)
}
