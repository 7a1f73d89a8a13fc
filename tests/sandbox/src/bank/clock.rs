//! Instants as the ledger keeps them, London's days, and the days on which banks work.

use jiff::civil::{Date, Weekday, date};
use jiff::{SignedDuration, Timestamp, ToSpan, Zoned, tz::TimeZone};

/// Milliseconds since 1970, UTC.
pub type Ms = i64;

/// A second.
pub const SECOND: Ms = 1_000;
/// A minute.
pub const MINUTE: Ms = 60 * SECOND;
/// An hour.
pub const HOUR: Ms = 60 * MINUTE;
/// Twenty-four hours.
pub const DAY: Ms = 24 * HOUR;

/// The instant, bounded to what can be written.
pub fn instant(at: Ms) -> Timestamp {
    let bounded = at.clamp(Timestamp::MIN.as_millisecond(), Timestamp::MAX.as_millisecond());
    Timestamp::from_millisecond(bounded).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// The instant as the bank writes it: UTC, three decimals.
pub fn text(at: Ms) -> String {
    format!("{:.3}", instant(at))
}

/// The instant as HTTP's headers write it.
pub fn http_date(at: Ms) -> String {
    instant(at).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// Milliseconds of a duration.
pub fn ms(duration: SignedDuration) -> Ms {
    Ms::try_from(duration.as_millis()).unwrap_or(Ms::MAX)
}

/// London's days.
#[derive(Debug, Clone)]
pub struct London(TimeZone);

impl London {
    /// From the time zone database that is built in.
    pub fn new() -> Self {
        Self(TimeZone::get("Europe/London").unwrap_or(TimeZone::UTC))
    }

    /// The day of an instant.
    pub fn day(&self, at: Ms) -> Date {
        self.zoned(at).date()
    }

    /// When the spending day of an instant began: about 04:00 (monzo/README.md, Balances).
    pub fn spending_day(&self, at: Ms) -> Ms {
        let began = self.at(self.day(at), 4 * HOUR);
        if began <= at { began } else { self.at(earlier(self.day(at)), 4 * HOUR) }
    }

    /// The instant at which a day is `of_day` old.
    pub fn at(&self, day: Date, of_day: Ms) -> Ms {
        let midnight = self.0.to_ambiguous_zoned(day.at(0, 0, 0, 0)).compatible();
        let midnight = midnight.map_or(Timestamp::UNIX_EPOCH, |zoned| zoned.timestamp());
        let rough = instant(midnight.as_millisecond().saturating_add(of_day));
        // The clocks change at night: what was meant is the time that the clock shows.
        let shift = self.zoned(rough.as_millisecond()).offset().seconds()
            - midnight.to_zoned(self.0.clone()).offset().seconds();
        rough.as_millisecond() - Ms::from(shift) * SECOND
    }

    fn zoned(&self, at: Ms) -> Zoned {
        instant(at).to_zoned(self.0.clone())
    }
}

impl Default for London {
    fn default() -> Self {
        Self::new()
    }
}

/// The day after.
pub fn later(day: Date) -> Date {
    day.tomorrow().unwrap_or(day)
}

/// The day before.
pub fn earlier(day: Date) -> Date {
    day.yesterday().unwrap_or(day)
}

/// Banks work on this day, in England.
pub fn is_working(day: Date) -> bool {
    !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday) && !is_holiday(day)
}

/// The last working day of the month of a day.
pub fn last_working(day: Date) -> Date {
    let mut last = day.last_of_month();
    while !is_working(last) {
        last = earlier(last);
    }
    last
}

/// The day, or the first working one after it.
pub fn next_working(mut day: Date) -> Date {
    while !is_working(day) {
        day = later(day);
    }
    day
}

/// The bank holidays of England and Wales, without those that are proclaimed once.
fn is_holiday(day: Date) -> bool {
    let easter = easter(day.year());
    let monday = day.weekday() == Weekday::Monday;
    let first_week = day.day() <= 7;
    let last_week = day.day() + 7 > day.days_in_month();
    let moved = |fixed: Date| next_weekday(fixed) == day;
    match day.month() {
        1 => moved(date(day.year(), 1, 1)),
        5 => monday && (first_week || last_week),
        8 => monday && last_week,
        12 => {
            let christmas = next_weekday(date(day.year(), 12, 25));
            let boxing = next_weekday(date(day.year(), 12, 26));
            day == christmas || day == boxing || (boxing == christmas && day == later(christmas))
        }
        _ => day == later(easter) || Some(day) == easter.checked_sub(2.days()).ok(),
    }
}

fn next_weekday(mut day: Date) -> Date {
    while matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday) {
        day = later(day);
    }
    day
}

/// Easter Sunday of the Gregorian calendar (the anonymous algorithm of 1876).
fn easter(year: i16) -> Date {
    let y = i32::from(year);
    let (golden, century, rest) = (y % 19, y / 100, y % 100);
    let (quarter, left) = (century / 4, century % 4);
    let moon = (19 * golden + century - quarter - (century - (century + 8) / 25 + 1) / 3 + 15) % 30;
    let week = (32 + 2 * left + 2 * (rest / 4) - moon - rest % 4) % 7;
    let late = (golden + 11 * moon + 22 * week) / 451;
    let days = moon + week - 7 * late + 114;
    let part = |number: i32| i8::try_from(number).unwrap_or(1);
    Date::new(year, part(days / 31), part(days % 31 + 1)).unwrap_or(date(year, 4, 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_working_day_minds_weekends_and_bank_holidays() {
        let check = |month: Date, expected: Date| assert_eq!(last_working(month), expected);
        check(date(2026, 11, 1), date(2026, 11, 30));
        check(date(2026, 10, 1), date(2026, 10, 30));
        // Good Friday 2024 was 29 March; the last Monday of August 2026 is its last day.
        check(date(2024, 3, 1), date(2024, 3, 28));
        check(date(2026, 8, 1), date(2026, 8, 28));
        check(date(2027, 5, 1), date(2027, 5, 28));
    }

    #[test]
    fn holidays_move_to_the_next_weekday() {
        assert!(!is_working(date(2026, 12, 28)) && !is_working(date(2026, 12, 25)));
        assert!(!is_working(date(2022, 12, 27)) && !is_working(date(2022, 12, 26)));
        assert!(!is_working(date(2027, 1, 1)) && is_working(date(2026, 11, 24)));
        assert_eq!(next_working(date(2026, 5, 2)), date(2026, 5, 5));
    }

    #[test]
    fn times_are_those_that_a_clock_in_london_shows() {
        let london = London::new();
        let shown = |day, hour| text(london.at(day, hour * HOUR));
        assert_eq!(shown(date(2026, 7, 1), 4), "2026-07-01T03:00:00.000Z");
        assert_eq!(shown(date(2026, 12, 1), 4), "2026-12-01T04:00:00.000Z");
        assert_eq!(shown(date(2026, 3, 29), 4), "2026-03-29T03:00:00.000Z");
        assert_eq!(shown(date(2026, 10, 25), 4), "2026-10-25T04:00:00.000Z");
        let early = london.at(date(2026, 12, 1), 3 * HOUR);
        assert_eq!(text(london.spending_day(early)), "2026-11-30T04:00:00.000Z");
    }

    #[test]
    fn http_dates_are_written_as_http_wants_them() {
        assert_eq!(http_date(1_795_524_763_000), "Tue, 24 Nov 2026 12:52:43 GMT");
    }
}
