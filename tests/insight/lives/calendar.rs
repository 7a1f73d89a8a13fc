//! The days on which contracts ask for money.

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};
use monzo_sandbox::bank::clock::is_working;

/// When a contract is paid.
#[derive(Debug, Clone, Copy)]
pub enum When {
    /// Every so many months on a day; where a month lacks it on its last.
    Months { every: i64, day: i8, first: i64 },
    /// On the last working day of each month.
    LastWorking,
    /// On the n-th of a weekday in each month.
    Nth(i8, Weekday),
    /// Every year in this month.
    Year { month: i8, day: i8 },
    /// Ten instalments from April to January.
    CouncilTax { day: i8 },
    /// Every so many days.
    Days { every: i64, first: i64 },
}

/// What happens to a day on which banks rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Roll {
    Later,
    Earlier,
    Never,
}

pub fn later(date: Date, days: i64) -> Date {
    date.checked_add(days.days()).expect("a date")
}

pub fn on(year: i16, month: i8, day: i8) -> Date {
    let first = Date::new(year, month, 1).expect("a month");
    Date::new(year, month, day.min(first.days_in_month())).expect("a day")
}

pub fn rolled(mut date: Date, roll: Roll) -> Date {
    while roll != Roll::Never && !is_working(date) {
        date = later(date, if roll == Roll::Later { 1 } else { -1 });
    }
    date
}

impl When {
    /// All days in a span, before weekends and holidays move them.
    pub fn days(self, from: Date, until: Date) -> Vec<Date> {
        let months = (from.year()..=until.year()).flat_map(|year| (1..=12).map(move |month| (year, month)));
        let all: Vec<Date> = match self {
            Self::Months { every, day, first } => {
                let at = |(year, month): (i16, i8)| i64::from(year) * 12 + i64::from(month) - 1;
                months
                    .filter(|m| (at(*m) - first).rem_euclid(every) == 0)
                    .map(|(y, m)| on(y, m, day))
                    .collect()
            }
            Self::LastWorking => months.map(|(y, m)| rolled(on(y, m, 31), Roll::Earlier)).collect(),
            Self::Nth(n, weekday) => months
                .map(|(y, m)| on(y, m, 1).nth_weekday_of_month(n, weekday).expect("each month has one"))
                .collect(),
            Self::Year { month, day } => (from.year()..=until.year()).map(|y| on(y, month, day)).collect(),
            Self::CouncilTax { day } => {
                months.filter(|(_, m)| ![2, 3].contains(m)).map(|(y, m)| on(y, m, day)).collect()
            }
            Self::Days { every, first } => (0..2_000)
                .map(|n| later(super::FIRST, first + n * every))
                .take_while(|d| *d <= until)
                .collect(),
        };
        all.into_iter().filter(|day| (from..=until).contains(day)).collect()
    }
}
