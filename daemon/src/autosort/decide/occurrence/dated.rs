//! Occurrences that the calendar alone, or the calendar and a credit, make.

use jiff::ToSpan;
use jiff::civil::{Date, Time};

use super::inputs::{Fired, Occurrence, OccurrenceInputs, State, Subject};
use super::{begin, calendar_of, due, income};
use crate::autosort::decide::calendar::{self, Rhythmic};
use crate::rule::{Adjust, Day, Payday, Rhythm, Trigger};

/// On a payday: two that were, and one to come.
pub(super) fn paydays(
    subject: &Subject<'_>,
    facts: &OccurrenceInputs<'_>,
    trigger: usize,
    name: Option<&str>,
    offset_days: i32,
    at: Option<Time>,
) -> Vec<Occurrence> {
    let Some(payday) = calendar_of(facts, name) else { return Vec::new() };
    let rhythm = Rhythmic::of(&payday);
    let Some(today) = calendar::local_date(facts.now, facts.zone).checked_sub(offset_days.days()).ok() else {
        return Vec::new();
    };
    let days = around(rhythm, today);
    days.into_iter()
        .filter_map(|day| {
            let on = day.checked_add(offset_days.days()).ok()?;
            let moment = calendar::instant(on, at.unwrap_or_default(), facts.zone)?;
            let next = rhythm.after(day)?;
            // An offset before the payday would let two windows overlap.
            let end = next.checked_add(offset_days.min(0).days()).ok()?;
            let until = calendar::midnight(end, facts.zone)?.max(moment);
            let occurrence = due(subject, facts, trigger, day.to_string(), moment, Some(until));
            Some(match (&payday.income, offset_days) {
                (Some(_), 0) => proven(subject, facts, &payday, day, occurrence),
                _ => occurrence,
            })
        })
        .collect()
}

/// A payday is due when its day has come and the credit is there.
fn proven(
    subject: &Subject<'_>,
    facts: &OccurrenceInputs<'_>,
    payday: &Payday,
    day: Date,
    occurrence: Occurrence,
) -> Occurrence {
    match income::of_payday(subject, facts, payday, day) {
        Some(row) => {
            let at = occurrence.at.max(row.created_at);
            let fired = Fired { id: row.id.clone(), account: row.account.clone(), amount: row.amount };
            let mut found = due(subject, facts, occurrence.trigger, occurrence.key, at, occurrence.until);
            if !income::is_fresh(row) && matches!(found.state, State::Open | State::Coming) {
                found.state = State::Missed;
            }
            Occurrence { credit: Some(fired), ..found }
        }
        // Until the credit comes nothing is missed: the moment is still to be.
        None => match occurrence.state {
            State::Open => Occurrence { state: State::Waiting, ..occurrence },
            State::Missed if occurrence.until.is_some_and(|until| until > facts.now) => {
                Occurrence { state: State::Waiting, begin: begin(subject, facts, facts.now), ..occurrence }
            }
            _ => occurrence,
        },
    }
}

/// On a day of each month or week, or each day.
pub(super) fn local_dates(
    subject: &Subject<'_>,
    facts: &OccurrenceInputs<'_>,
    trigger: usize,
    which: &Trigger,
) -> Vec<Occurrence> {
    let (rhythm, adjust, at, window) = match which {
        Trigger::Monthly { day, at, adjust } => (Rhythm::Monthly(*day), *adjust, at, None),
        Trigger::Weekly { weekday, at } => (Rhythm::Weekly(*weekday), Adjust::None, at, Some(2)),
        Trigger::Daily { at } => (Rhythm::Monthly(Day::Of(1)), Adjust::None, at, Some(1)),
        _ => return Vec::new(),
    };
    let default = calendar_of(facts, None);
    let nation = default.as_ref().map(|payday| payday.nation).unwrap_or_default();
    let extra = default.as_ref().map_or(&[][..], |payday| &payday.extra_holidays);
    let rhythmic = Rhythmic { rhythm, adjust, nation, extra };
    let today = calendar::local_date(facts.now, facts.zone);
    let daily = matches!(which, Trigger::Daily { .. });
    let days = if daily {
        [today.yesterday().ok(), Some(today), today.tomorrow().ok()].into_iter().flatten().collect()
    } else {
        around(rhythmic, today)
    };
    let time = at.unwrap_or_default();
    let moment = |day: Date| calendar::instant(day, time, facts.zone);
    days.into_iter()
        .filter_map(|day| {
            let end = match window {
                Some(days) => day.checked_add(i64::from(days).days()).ok()?,
                None => rhythmic.after(day)?,
            };
            Some(due(subject, facts, trigger, day.to_string(), moment(day)?, moment(end)))
        })
        .collect()
}

/// The two last days until today, and the next.
fn around(rhythm: Rhythmic<'_>, today: Date) -> Vec<Date> {
    let last = rhythm.on_or_before(today);
    [last.and_then(|last| rhythm.before(last)), last, rhythm.after(today)].into_iter().flatten().collect()
}
