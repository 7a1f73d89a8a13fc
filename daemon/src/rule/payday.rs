//! Pay calendars, and the credits that prove that a payday came.

use jiff::civil::{Date, Weekday};

/// A day of the month; past the month's end its last day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Day {
    /// 1 to 31.
    Of(i8),
    /// The last day that is no weekend and no bank holiday.
    LastWorking,
    /// The last of a weekday in the month.
    Last(Weekday),
}

/// Where a day goes that is a weekend or a bank holiday.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Adjust {
    /// To the working day before.
    #[default]
    Before,
    /// To the working day after.
    After,
    /// Nowhere.
    None,
}

/// Whose bank holidays count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Nation {
    /// England and Wales.
    #[default]
    EnglandAndWales,
    /// Scotland.
    Scotland,
    /// Northern Ireland.
    NorthernIreland,
}

/// How paydays follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rhythm {
    /// Once a month.
    Monthly(Day),
    /// On a weekday, each week.
    Weekly(Weekday),
    /// Every so many weeks from a date on, both ways.
    Every {
        /// One to 52.
        weeks: u8,
        /// One of the days.
        starting: Date,
    },
}

/// `[[payday]]`: a pay calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payday {
    /// Its name.
    pub name: String,
    /// Its rhythm.
    pub rhythm: Rhythm,
    /// Over weekends and bank holidays.
    pub adjust: Adjust,
    /// Whose bank holidays.
    pub nation: Nation,
    /// One-off holidays that are not computed.
    pub extra_holidays: Vec<Date>,
    /// The credit that proves that it came.
    pub income: Option<Credit>,
}

/// Which credits are meant.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Credit {
    /// Name of the other side, with `*` for any text; whatever the case. Any, if nothing.
    pub from: Option<String>,
    /// Minor units.
    pub at_least: Option<i64>,
    /// Minor units.
    pub at_most: Option<i64>,
}
