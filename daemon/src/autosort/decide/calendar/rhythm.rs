//! Days that come again: the days a rhythm names, and where weekends and bank holidays move them.

use std::iter;

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};

use super::PayDate;
use super::holidays::{self, is_weekend};
use crate::rule::{Adjust, Day, Nation, Payday, Rhythm};

/// Further than this no day is moved: a list of holidays longer than that is no list of holidays.
const FARTHEST: i32 = 30;

/// A Monday from which weeks are counted.
const MONDAY: Date = Date::constant(2000, 1, 3);

/// A rhythm with what moves its days.
#[derive(Debug, Clone, Copy)]
pub struct Rhythmic<'a> {
    /// Which days.
    pub rhythm: Rhythm,
    /// Over weekends and bank holidays.
    pub adjust: Adjust,
    /// Whose bank holidays.
    pub nation: Nation,
    /// Holidays that are not computed.
    pub extra: &'a [Date],
}

impl<'a> Rhythmic<'a> {
    /// The days of a payday.
    pub fn of(payday: &'a Payday) -> Self {
        Self {
            rhythm: payday.rhythm,
            adjust: payday.adjust,
            nation: payday.nation,
            extra: &payday.extra_holidays,
        }
    }

    /// The days from a date on, that date included, each once.
    pub fn from(self, day: Date) -> impl Iterator<Item = PayDate> + 'a {
        let start = self.index(day) - self.slack();
        let mut last: Option<Date> = None;
        (start..)
            .map_while(move |index| self.nth(index))
            .filter(move |found| found.date >= day && last.replace(found.date) != Some(found.date))
    }

    /// The first of the days on or after a date.
    pub fn on_or_after(self, day: Date) -> Option<Date> {
        self.from(day).next().map(|found| found.date)
    }

    /// The first of the days after a date.
    pub fn after(self, day: Date) -> Option<Date> {
        self.on_or_after(day.tomorrow().ok()?)
    }

    /// The last of the days on or before a date.
    pub fn on_or_before(self, day: Date) -> Option<Date> {
        let start = self.index(day) + self.slack();
        let mut index = start;
        let back = iter::from_fn(|| {
            index -= 1;
            Some(self.nth(index + 1))
        });
        // Beyond the end of the calendar there are no days, and then there are again.
        back.take(usize::try_from(2 * self.slack() + 4).unwrap_or(usize::MAX))
            .flatten()
            .map(|found| found.date)
            .find(|found| *found <= day)
    }

    /// The last of the days before a date.
    pub fn before(self, day: Date) -> Option<Date> {
        self.on_or_before(day.yesterday().ok()?)
    }

    /// Neither a weekend nor a holiday.
    pub fn is_working(self, day: Date) -> bool {
        self.resting(day).is_none()
    }

    /// Why a day is no working day.
    fn resting(self, day: Date) -> Option<String> {
        match day.weekday() {
            Weekday::Saturday => Some("a Saturday".to_owned()),
            Weekday::Sunday => Some("a Sunday".to_owned()),
            _ if self.extra.contains(&day) => Some("a holiday of yours".to_owned()),
            _ => holidays::on(self.nation, day).map(|holiday| match holiday.instead_of {
                Some(_) => format!("the day instead of {}", holiday.name),
                None => holiday.name.to_owned(),
            }),
        }
    }

    /// How many places a day can be away from the one its date suggests.
    fn slack(self) -> i64 {
        match self.rhythm {
            Rhythm::Monthly(_) => 2,
            Rhythm::Weekly(_) => 6,
            Rhythm::Every { weeks, .. } => i64::from(FARTHEST) / (7 * i64::from(weeks.max(1))) + 2,
        }
    }

    /// The place in the rhythm of the month or weeks that a date lies in.
    fn index(self, day: Date) -> i64 {
        let days = |from: Date| i64::from(from.until(day).map_or(0, |span| span.get_days()));
        match self.rhythm {
            Rhythm::Monthly(_) => i64::from(day.year()) * 12 + i64::from(day.month()) - 1,
            Rhythm::Weekly(_) => days(MONDAY).div_euclid(7),
            Rhythm::Every { weeks, starting } => days(starting).div_euclid(7 * i64::from(weeks.max(1))),
        }
    }

    /// The day at a place in the rhythm, moved where it must be.
    fn nth(self, index: i64) -> Option<PayDate> {
        let named = self.named(index)?;
        let last_working = matches!(self.rhythm, Rhythm::Monthly(Day::LastWorking));
        let back = if last_working { Adjust::Before } else { self.adjust };
        let date = match back {
            Adjust::None => named,
            Adjust::Before => self.working(named, -1),
            Adjust::After => self.working(named, 1),
        };
        let moved = date != named && !last_working;
        Some(PayDate {
            date,
            moved_from: moved.then_some(named),
            reason: if moved { self.resting(named) } else { None },
        })
    }

    fn named(self, index: i64) -> Option<Date> {
        match self.rhythm {
            Rhythm::Monthly(day) => {
                let year = i16::try_from(index.div_euclid(12)).ok()?;
                let month = i8::try_from(index.rem_euclid(12) + 1).ok()?;
                let first = Date::new(year, month, 1).ok()?;
                match day {
                    Day::Of(day) => Date::new(year, month, day.clamp(1, first.days_in_month())).ok(),
                    Day::LastWorking => Some(first.last_of_month()),
                    Day::Last(weekday) => first.nth_weekday_of_month(-1, weekday).ok(),
                }
            }
            Rhythm::Weekly(weekday) => {
                plus(MONDAY, index.checked_mul(7)? + i64::from(weekday.to_monday_zero_offset()))
            }
            Rhythm::Every { weeks, starting } => {
                plus(starting, index.checked_mul(7 * i64::from(weeks.max(1)))?)
            }
        }
    }

    /// The nearest working day in a direction; the day itself where there is none as far as anyone would look.
    fn working(self, day: Date, step: i64) -> Date {
        let far = i64::from(FARTHEST);
        (0..=far)
            .filter_map(|away| plus(day, step * away))
            .find(|day| !is_weekend(*day) && self.is_working(*day))
            .unwrap_or(day)
    }
}

fn plus(day: Date, days: i64) -> Option<Date> {
    day.checked_add(0.days().try_days(days).ok()?).ok()
}
