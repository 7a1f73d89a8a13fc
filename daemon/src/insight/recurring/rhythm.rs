//! How payments follow each other: dates by their number, over weekends and bank holidays.

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};

use super::Period;

/// Answers whether banks work on a day.
pub type Working<'a> = &'a dyn Fn(Date) -> bool;

/// Where a day goes that is a weekend or a bank holiday.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Shift {
    /// To the working day after.
    After,
    /// Nowhere.
    Stays,
    /// To the working day before.
    Before,
}

/// The nominal days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Days {
    /// Every period from this day on, both ways.
    From(Date),
    /// On this day of the month; past the month's end its last. The month is counted from year 0.
    OfMonth(i8, i32),
    /// On the n-th of a weekday in the month, or with -1 on the last.
    Nth(i8, Weekday),
}

/// A rhythm: dates by their number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rhythm {
    /// How often.
    pub period: Period,
    /// On which days.
    pub days: Days,
    /// Over weekends and bank holidays.
    pub shift: Shift,
}

pub(in crate::insight) fn month_of(date: Date) -> i32 {
    i32::from(date.year()) * 12 + i32::from(date.month()) - 1
}

fn day_in(month: i32, day: i8) -> Option<Date> {
    let year = i16::try_from(month.div_euclid(12)).ok()?;
    let first = Date::new(year, i8::try_from(month.rem_euclid(12)).ok()? + 1, 1).ok()?;
    Date::new(first.year(), first.month(), day.clamp(1, first.days_in_month())).ok()
}

/// Days from one date to another.
pub(in crate::insight) fn days_between(from: Date, to: Date) -> i32 {
    i32::try_from(to.duration_since(from).as_hours() / 24).unwrap_or(i32::MAX)
}

impl Rhythm {
    /// The date of a number; nothing outside the calendar.
    pub fn date(&self, number: i32, working: Working<'_>) -> Option<Date> {
        Some(shifted(self.nominal(number)?, self.shift, working))
    }

    fn months(&self) -> i32 {
        match self.period {
            Period::Months(months) => i32::from(months.max(1)),
            Period::Days(_) => 1,
        }
    }

    /// The day of a number before a weekend or bank holiday moves it.
    pub fn nominal(&self, number: i32) -> Option<Date> {
        match (self.days, self.period) {
            (Days::From(start), Period::Days(days)) => {
                start.checked_add(i64::from(number.checked_mul(i32::from(days))?).days()).ok()
            }
            (Days::From(start), Period::Months(_)) => self.period.after(start, i64::from(number)),
            (Days::OfMonth(day, start), _) => {
                day_in(number.checked_mul(self.months())?.checked_add(start)?, day)
            }
            (Days::Nth(n, weekday), _) => day_in(number, 1)?.nth_weekday_of_month(n, weekday).ok(),
        }
    }

    /// The number whose date is nearest, and how many days later than that the day is.
    pub fn nearest(&self, day: Date, working: Working<'_>) -> Option<(i32, i32)> {
        let about = match self.days {
            Days::From(start) => days_between(start, day).div_euclid(self.period.about()),
            Days::OfMonth(_, start) => (month_of(day) - start).div_euclid(self.months()),
            Days::Nth(..) => month_of(day),
        };
        let late = |number: i32| Some((number, days_between(self.date(number, working)?, day)));
        let near = late(about).filter(|(_, late)| late.abs() <= 2);
        near.or_else(|| {
            (about - 1..=about + 1).filter_map(late).min_by_key(|(number, late)| (late.abs(), *number))
        })
    }
}

fn shifted(mut day: Date, shift: Shift, working: Working<'_>) -> Date {
    // No holiday is longer than this.
    for _ in 0..10 {
        if shift == Shift::Stays || working(day) {
            break;
        }
        let next = if shift == Shift::After { day.tomorrow() } else { day.yesterday() };
        day = next.unwrap_or(day);
    }
    day
}
