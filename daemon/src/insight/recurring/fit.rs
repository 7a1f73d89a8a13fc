//! The rhythm that explains a list of dates best.
//!
//! Every plausible rhythm is tried and costed; a date that is hit costs nothing, a weekend's shift little, a payment
//! that should have come and did not more. So one late or missing payment never hides a rhythm.

use std::collections::BTreeSet;

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};

use super::Period;
use super::rhythm::{Days, Rhythm, Shift, Working, days_between, month_of};

/// What is expected of a list of dates, where several rhythms explain it equally well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Bills: a fixed day, and where banks rest the working day after.
    Bill,
    /// Pay: the last working day, the last Friday, or a fixed day; where banks rest the working day before.
    Pay,
}

/// A rhythm and how well it explains a list of dates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fit {
    /// The rhythm.
    pub rhythm: Rhythm,
    /// What it leaves unexplained; nothing where every date is hit.
    pub cost: u32,
    /// Of that, what dates cost that are near and not the very day.
    pub off: u32,
    /// The number of each date, ascending.
    pub numbers: Vec<i32>,
    /// Dates that are nowhere near.
    pub strays: u32,
    /// Numbers between the first and last that have no date.
    pub missed: u32,
}

/// What a date or its absence costs. Taste: a long weekend is nothing, a stray is worse than a missing one.
const ONE_DAY: u32 = 1;
const NEAR: u32 = 2;
const STRAY: u32 = 6;
const MISSED: u32 = 3;
const DOUBLE: u32 = 6;

/// Candidates come from so many of the latest dates, in case the very last is a stray.
const LATEST: usize = 3;

/// The rhythm that explains ascending dates best, among some periods.
pub fn fit(dates: &[Date], among: &[Period], kind: Kind, working: Working<'_>) -> Option<Fit> {
    cheaper(dates, among, kind, u32::MAX, working)
}

/// The same, if it leaves less unexplained than `limit`.
pub(super) fn cheaper(
    dates: &[Date],
    among: &[Period],
    kind: Kind,
    limit: u32,
    working: Working<'_>,
) -> Option<Fit> {
    let mut best: Option<Fit> = None;
    for rhythm in among
        .iter()
        .filter(|period| plausible(dates, **period))
        .flat_map(|period| candidates(dates, *period, kind))
    {
        // Of equals the first is taken, so that nothing can be better than one without cost.
        let bound = best.as_ref().map_or(limit, |fit| fit.cost);
        if bound == 0 {
            break;
        }
        if let Some(fit) = cost(&rhythm, dates, bound, working) {
            best = Some(fit);
        }
    }
    best
}

/// Whether so many dates in such a span can be of a period at all, strays and absences allowed for.
fn plausible(dates: &[Date], period: Period) -> bool {
    let (Some(first), Some(last)) = (dates.first(), dates.last()) else { return false };
    let gaps = i32::try_from(dates.len()).unwrap_or(i32::MAX).saturating_sub(1);
    let passed = days_between(*first, *last) / period.about();
    passed <= gaps.saturating_mul(2).saturating_add(1) && passed >= gaps / 2 - 1
}

/// The rhythm of one period that explains the latest dates without any cost, if there is one.
pub fn exact(dates: &[Date], period: Period, kind: Kind, working: Working<'_>) -> Option<Rhythm> {
    let found = fit(dates, &[period], kind, working)?;
    (found.cost == 0).then_some(found.rhythm)
}

fn candidates(dates: &[Date], period: Period, kind: Kind) -> Vec<Rhythm> {
    let latest: Vec<Date> = dates.iter().rev().take(LATEST).copied().collect();
    let shifts = match kind {
        Kind::Bill => [Shift::After, Shift::Stays, Shift::Before],
        Kind::Pay => [Shift::Before, Shift::Stays, Shift::After],
    };
    let mut all = Vec::new();
    let mut add = |days: Days, shift: Shift| all.push(Rhythm { period, days, shift });
    let Period::Months(length) = period else {
        let mut seen = BTreeSet::new();
        for start in latest.iter().flat_map(|date| weekdays_near(*date, period)) {
            // The same day a whole period away is the same rhythm.
            if !seen.insert(days_between(Date::ZERO, start).rem_euclid(period.about())) {
                continue;
            }
            shifts.iter().for_each(|shift| add(Days::From(start), *shift));
        }
        return all;
    };
    let months: Vec<i32> = match (length, latest.first()) {
        (_, None) => return all,
        (1, Some(last)) => vec![month_of(*last)],
        // A shift goes into the next month only from one's end.
        (_, Some(last)) if (6..=25).contains(&last.day()) => vec![month_of(*last)],
        (_, Some(last)) => [0, -1, 1].iter().map(|off| month_of(*last) + off).collect(),
    };
    for day in days_of_month(&latest, kind) {
        for month in &months {
            shifts.iter().for_each(|shift| add(Days::OfMonth(day, *month), *shift));
        }
        if kind == Kind::Pay && length == 1 && day == 31 {
            add(Days::Nth(-1, Weekday::Friday), Shift::Before);
        }
    }
    if kind == Kind::Bill && length == 1 {
        for date in &latest {
            let week = (date.day() - 1) / 7 + 1;
            let last = date.day() + 7 > date.days_in_month();
            for n in [Some(week).filter(|week| *week < 5), last.then_some(-1)].into_iter().flatten() {
                shifts.iter().for_each(|shift| add(Days::Nth(n, date.weekday()), *shift));
            }
        }
    }
    all
}

/// The date, and the days around it that a bank holiday may have moved.
fn weekdays_near(date: Date, period: Period) -> Vec<Date> {
    let reach = i64::from(period.tolerance());
    let offs = [0].into_iter().chain((1..=reach).flat_map(|off| [-off, off]));
    offs.filter_map(|off| date.checked_add(off.days()).ok()).collect()
}

/// Days of the month that may be meant, the most frequent first.
fn days_of_month(latest: &[Date], kind: Kind) -> Vec<i8> {
    let mut days: Vec<i8> = Vec::new();
    if kind == Kind::Pay {
        days.push(31);
    }
    let count = |day: i8| latest.iter().filter(|date| date.day() == day).count();
    let mut seen: Vec<i8> = latest.iter().map(|date| date.day()).collect();
    seen.sort_by_key(|day| (usize::MAX - count(*day), *day));
    // A holiday moves a day by four at most.
    let around = seen.iter().flat_map(|day| (1..=4).flat_map(move |off| [day - off, day + off]));
    let at_the_end = seen.iter().any(|day| *day <= 4 || *day >= 28);
    let end = (28..=31).filter(|_| at_the_end);
    for day in seen.iter().copied().chain(around).chain(end) {
        if (1..=31).contains(&day) && !days.contains(&day) {
            days.push(day);
        }
    }
    days
}

/// What a rhythm costs; nothing as soon as that is no less than `bound`.
fn cost(rhythm: &Rhythm, dates: &[Date], bound: u32, working: Working<'_>) -> Option<Fit> {
    let mut fit = Fit {
        rhythm: *rhythm,
        cost: 0,
        off: 0,
        numbers: Vec::with_capacity(dates.len()),
        strays: 0,
        missed: 0,
    };
    for date in dates {
        let (number, late) = rhythm.nearest(*date, working)?;
        let off = match late.abs() {
            0 => 0,
            1 => ONE_DAY,
            late if late <= rhythm.period.tolerance() => NEAR,
            _ => {
                fit.strays += 1;
                STRAY
            }
        };
        fit.off += off;
        fit.cost += off;
        if let Some(before) = fit.numbers.last() {
            let gap = number - *before;
            fit.cost += if gap <= 0 { DOUBLE } else { 0 };
            fit.missed += u32::try_from(gap - 1).unwrap_or(0);
        }
        fit.numbers.push(number);
        if fit.cost.saturating_add(fit.missed.saturating_mul(MISSED)) >= bound {
            return None;
        }
    }
    fit.cost = fit.cost.saturating_add(fit.missed.saturating_mul(MISSED));
    Some(fit)
}
