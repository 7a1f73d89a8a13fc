//! What a pot has to hold for the bills that are predicted, and for its part of those that come seldom.

use jiff::SignedDuration;
use jiff::civil::{Date, DateTime, Time};
use monzo_common::model::PlannedBill;

use super::cycle;
use super::{Calendar, Hidden, Level, PotBills, Predicted};
use crate::autosort::decide::plan::share;
use crate::autosort::decide::plan::words::money;

/// More dates of one bill before one payday are no prediction.
const MOST_DATES: usize = 400;

pub(super) fn level(
    pot: &PotBills,
    hidden: &Hidden,
    calendar: &Calendar,
    guard: Option<SignedDuration>,
) -> Level {
    let horizon = match guard {
        Some(ahead) => calendar.now.checked_add(ahead).unwrap_or(DateTime::MAX),
        None => calendar.next,
    };
    let mut level = Level::default();
    for bill in &pot.predicted {
        level.bills.extend(due(bill, horizon, calendar));
    }
    level.add_up();
    // What the last cycle spent unseen cannot be predicted bill by bill, and comes again all the same.
    let last = calendar.cycles.last().filter(|last| guard.is_none() && cycle::covered(hidden, **last));
    if let Some(unseen) = last.and_then(|last| cycle::unseen(pot, hidden, *last)) {
        let note = format!(
            "{} left the pot in the last cycle that no row shows, as payments by virtual card may; as much is kept ready",
            money(unseen)
        );
        level.add_unexplained(unseen, note);
    }
    level
}

/// The dates of a bill before the horizon, each whole; and the part of the first one after it that is due to be saved.
fn due(bill: &Predicted, horizon: DateTime, calendar: &Calendar) -> Vec<PlannedBill> {
    let mut dates = Vec::new();
    for number in 0..MOST_DATES {
        let Some((date, amount)) = due_number(bill, number) else { break };
        if date.to_datetime(Time::midnight()) < horizon {
            dates.push(PlannedBill { name: bill.name.clone(), date, amount, note: None });
            continue;
        }
        let since = match number.checked_sub(1) {
            Some(before) => due_number(bill, before).map(|(date, _)| date),
            None => bill.period.after(date, -1),
        };
        dates.extend(since.and_then(|since| part(&bill.name, amount, since, date, calendar)));
        break;
    }
    dates
}

/// How much of a bill that comes less often than pay must have been saved by now: one part for each payday of its
/// period that has passed, this run's own included.
fn part(name: &str, amount: i64, since: Date, due: Date, calendar: &Calendar) -> Option<PlannedBill> {
    let of_period: Vec<Date> =
        calendar.paydays.iter().copied().filter(|payday| since <= *payday && *payday < due).collect();
    let gone = of_period.iter().filter(|payday| **payday <= calendar.own).count();
    let (all, gone) = (u64::try_from(of_period.len()).ok()?, u64::try_from(gone).ok()?);
    if all < 2 || gone == 0 {
        return None;
    }
    Some(PlannedBill {
        name: name.to_owned(),
        date: due,
        amount: share::of_up(amount, gone, all),
        note: Some(format!("{} × {gone} of {all} paydays", money(amount))),
    })
}

/// When a bill is due and how much it takes: as predicted, and from the last such date on by its period.
fn due_number(bill: &Predicted, number: usize) -> Option<(Date, i64)> {
    if let Some(known) = bill.due.get(number) {
        return Some(*known);
    }
    let (last, amount) = bill.due.last()?;
    let periods = i64::try_from(number.checked_sub(bill.due.len())?).ok()? + 1;
    Some((bill.period.after(*last, periods)?, *amount))
}
