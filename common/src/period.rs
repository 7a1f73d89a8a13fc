//! Periods: the words for spans of time that people type, and the instants that they mean.
//!
//! A period is half-open and an end includes its day; days are the person's, in `time.zone`.
//! A cycle is from payday to payday where the caller knows one, else the calendar month.

use jiff::civil::{Date, Weekday, date};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// From `since` until just before `until`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// The first instant.
    pub since: Timestamp,
    /// The first instant after.
    pub until: Timestamp,
}

/// The pay cycle of an instant, by its paydays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cycle {
    /// The payday that began it.
    pub since: Date,
    /// The first day after it.
    pub until: Date,
    /// The payday that began the one before.
    pub last_since: Date,
    /// The payday to come.
    pub next_payday: Date,
}

/// Which end of a period a phrase was given for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// `--since`: durations and weekdays look back.
    Since,
    /// `--until`: durations and weekdays look ahead.
    Until,
}

/// A phrase that means no period.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAPeriod {
    /// Not one of the phrases.
    #[error(
        "‘{0}’ is not a period: write a day (2026-11-22), month (2026-11), year (2026), tax year (2025/26), \
         a word (today, yesterday, this-month, last-month, this-cycle, last-cycle, tax-year, last-tax-year, \
         next-payday), a weekday, or a number of days (30d)"
    )]
    Unknown(String),
    /// Looks like a date but is none.
    #[error("‘{0}’ is not in the calendar")]
    NoSuchDate(String),
}

/// The days that a phrase covers, both ends included.
type Days = (Date, Date);

/// Reads a phrase as seen from `now` in `zone`, with the pay cycle that `now` lies in, if there is one.
///
/// # Errors
/// [`NotAPeriod`] with the phrases that would be right.
pub fn period(
    phrase: &str,
    end: End,
    now: Timestamp,
    zone: &TimeZone,
    cycle: Option<&Cycle>,
) -> Result<Period, NotAPeriod> {
    let today = now.to_zoned(zone.clone()).date();
    let (first, last) = days(phrase.trim(), end, today, cycle)?;
    let missing = || NotAPeriod::NoSuchDate(phrase.to_owned());
    let since = start_of(first, zone).ok_or_else(missing)?;
    let until = last.tomorrow().ok().and_then(|day| start_of(day, zone)).ok_or_else(missing)?;
    Ok(Period { since, until })
}

fn start_of(day: Date, zone: &TimeZone) -> Option<Timestamp> {
    day.to_zoned(zone.clone()).ok().map(|zoned| zoned.timestamp())
}

fn days(phrase: &str, end: End, today: Date, cycle: Option<&Cycle>) -> Result<Days, NotAPeriod> {
    let lower = phrase.to_ascii_lowercase();
    let missing = || NotAPeriod::NoSuchDate(phrase.to_owned());
    let named = match lower.as_str() {
        "today" => Some((today, today)),
        "yesterday" => Some(one(today.checked_sub(1.day()).map_err(|_| missing())?)),
        "tomorrow" => Some(one(today.checked_add(1.day()).map_err(|_| missing())?)),
        "this-cycle" if cycle.is_some() => cycle.and_then(|cycle| until(cycle.since, cycle.until)),
        "last-cycle" if cycle.is_some() => cycle.and_then(|cycle| until(cycle.last_since, cycle.since)),
        "next-payday" if cycle.is_some() => cycle.map(|cycle| one(cycle.next_payday)),
        "this-month" | "this-cycle" => Some(month(today)),
        "last-month" | "last-cycle" => {
            Some(month(today.first_of_month().checked_sub(1.day()).map_err(|_| missing())?))
        }
        // Without a payday, the next one is the first of the next month.
        "next-payday" => Some(one(today.last_of_month().checked_add(1.day()).map_err(|_| missing())?)),
        "tax-year" => tax_year(tax_year_of(today)),
        "last-tax-year" => tax_year(tax_year_of(today) - 1),
        _ => None,
    };
    if let Some(days) = named {
        return Ok(days);
    }
    if let Some(weekday) = weekday(&lower) {
        return towards(weekday, end, today).map(one).ok_or_else(missing);
    }
    if let Some(count) = lower.strip_suffix('d').and_then(|count| count.parse::<u16>().ok()) {
        return span_of(today, Span::new().days(i64::from(count)), end).ok_or_else(missing);
    }
    if let Some(count) = lower.strip_suffix('w').and_then(|count| count.parse::<u16>().ok()) {
        return span_of(today, Span::new().weeks(i64::from(count)), end).ok_or_else(missing);
    }
    written(&lower).ok_or_else(|| NotAPeriod::Unknown(phrase.to_owned()))?.ok_or_else(missing)
}

/// From a day until the day before another.
fn until(first: Date, end: Date) -> Option<Days> {
    end.yesterday().ok().map(|last| (first, last))
}

fn one(day: Date) -> Days {
    (day, day)
}

fn month(day: Date) -> Days {
    (day.first_of_month(), day.last_of_month())
}

fn span_of(today: Date, span: Span, end: End) -> Option<Days> {
    match end {
        End::Since => today.checked_sub(span).ok().map(|first| (first, today)),
        End::Until => today.checked_add(span).ok().map(|last| (today, last)),
    }
}

/// The UK tax year begins on 6 April.
fn tax_year(begins: i16) -> Option<Days> {
    let first = Date::new(begins, 4, 6).ok()?;
    let last = Date::new(begins.checked_add(1)?, 4, 5).ok()?;
    Some((first, last))
}

fn tax_year_of(day: Date) -> i16 {
    if day < date(day.year(), 4, 6) { day.year() - 1 } else { day.year() }
}

fn weekday(word: &str) -> Option<Weekday> {
    const NAMES: [(&str, Weekday); 7] = [
        ("monday", Weekday::Monday),
        ("tuesday", Weekday::Tuesday),
        ("wednesday", Weekday::Wednesday),
        ("thursday", Weekday::Thursday),
        ("friday", Weekday::Friday),
        ("saturday", Weekday::Saturday),
        ("sunday", Weekday::Sunday),
    ];
    NAMES.iter().find(|(name, _)| word.len() >= 3 && name.starts_with(word)).map(|(_, weekday)| *weekday)
}

/// The nearest such day: today counts.
fn towards(weekday: Weekday, end: End, today: Date) -> Option<Date> {
    let ahead = i64::from(today.weekday().until(weekday));
    match end {
        End::Until => today.checked_add(ahead.days()).ok(),
        End::Since if ahead == 0 => Some(today),
        End::Since => today.checked_sub((7 - ahead).days()).ok(),
    }
}

/// Dates in digits: nothing where the text is not of such a form, an inner nothing where no such date exists.
fn written(text: &str) -> Option<Option<Days>> {
    let digits = |part: &str, width: usize| {
        (part.len() == width && part.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| part.parse::<i16>().ok())
            .flatten()
    };
    if let Some((first, second)) = text.split_once('/') {
        let begins = digits(first, 4)?;
        let ends = digits(second, 2)?;
        return Some(if (begins + 1) % 100 == ends { tax_year(begins) } else { None });
    }
    let mut parts = text.split('-');
    let year = digits(parts.next()?, 4)?;
    let days = match (parts.next(), parts.next(), parts.next()) {
        (None, ..) => Date::new(year, 1, 1).ok().map(|first| (first, first.last_of_year())),
        (Some(in_year), None, _) => {
            let in_year = i8::try_from(digits(in_year, 2)?).ok()?;
            Date::new(year, in_year, 1).ok().map(month)
        }
        (Some(in_year), Some(day), None) => {
            let (in_year, day) =
                (i8::try_from(digits(in_year, 2)?).ok()?, i8::try_from(digits(day, 2)?).ok()?);
            Date::new(year, in_year, day).ok().map(one)
        }
        _ => return None,
    };
    Some(days)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A Sunday.
    const NOW: &str = "2026-11-22T23:30:00Z";

    fn check(phrase: &str, end: End, expected: &str) {
        let zone = TimeZone::get("Europe/London").expect("a zone");
        let now: Timestamp = NOW.parse().expect("an instant");
        let found = match period(phrase, end, now, &zone, None) {
            Ok(Period { since, until }) => {
                let last = until.to_zoned(zone.clone()).date().yesterday().expect("a day");
                format!("{}..{last}", since.to_zoned(zone.clone()).date())
            }
            Err(NotAPeriod::Unknown(_)) => "unknown".to_owned(),
            Err(NotAPeriod::NoSuchDate(_)) => "no such date".to_owned(),
        };
        assert_eq!(found, expected, "{phrase} {end:?}");
    }

    #[test]
    fn every_phrase_means_its_days() {
        let both = |phrase, expected| {
            check(phrase, End::Since, expected);
            check(phrase, End::Until, expected);
        };
        both("2026-11-22", "2026-11-22..2026-11-22");
        both("2026-11", "2026-11-01..2026-11-30");
        both("2024-02", "2024-02-01..2024-02-29");
        both("2026", "2026-01-01..2026-12-31");
        both("2025/26", "2025-04-06..2026-04-05");
        both("1999/00", "1999-04-06..2000-04-05");
        both("tax-year", "2026-04-06..2027-04-05");
        both("last-tax-year", "2025-04-06..2026-04-05");
        both("today", "2026-11-22..2026-11-22");
        both("Yesterday", "2026-11-21..2026-11-21");
        both("last-month", "2026-10-01..2026-10-31");
        both("this-cycle", "2026-11-01..2026-11-30");
        both("last-cycle", "2026-10-01..2026-10-31");
        both("next-payday", "2026-12-01..2026-12-01");
        check("30d", End::Since, "2026-10-23..2026-11-22");
        check("30d", End::Until, "2026-11-22..2026-12-22");
        check("friday", End::Since, "2026-11-20..2026-11-20");
        check("friday", End::Until, "2026-11-27..2026-11-27");
        check("sun", End::Since, "2026-11-22..2026-11-22");
    }

    #[test]
    fn cycles_are_from_payday_to_payday_where_there_is_one() {
        let cycle = Cycle {
            since: date(2026, 10, 30),
            until: date(2026, 11, 30),
            last_since: date(2026, 9, 30),
            next_payday: date(2026, 11, 30),
        };
        let now: Timestamp = NOW.parse().expect("an instant");
        for (phrase, since, until) in [
            ("this-cycle", "2026-10-30T00:00:00Z", "2026-11-30T00:00:00Z"),
            ("last-cycle", "2026-09-30T00:00:00Z", "2026-10-30T00:00:00Z"),
            ("next-payday", "2026-11-30T00:00:00Z", "2026-12-01T00:00:00Z"),
            ("this-month", "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"),
        ] {
            let found = period(phrase, End::Since, now, &TimeZone::UTC, Some(&cycle)).expect("a period");
            assert_eq!(
                (found.since.to_string(), found.until.to_string()),
                (since.into(), until.into()),
                "{phrase}"
            );
        }
    }

    #[test]
    fn what_is_no_period_is_refused() {
        for phrase in ["", "soon", "2026-13", "2026-02-30", "2025/27", "26-11-01", "2026-11-22-1", "d", "mo"]
        {
            let zone = TimeZone::UTC;
            let now: Timestamp = NOW.parse().expect("an instant");
            assert!(period(phrase, End::Since, now, &zone, None).is_err(), "{phrase:?} was taken");
        }
    }

    #[test]
    fn a_day_is_as_long_as_the_zone_makes_it() {
        let zone = TimeZone::get("Europe/London").expect("a zone");
        let now: Timestamp = NOW.parse().expect("an instant");
        let hours = |phrase| {
            let Period { since, until } = period(phrase, End::Since, now, &zone, None).expect("a period");
            until.duration_since(since).as_hours()
        };
        assert_eq!((hours("2026-03-29"), hours("2026-10-25"), hours("2026-06-01")), (23, 25, 24));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn no_phrase_panics_and_every_period_runs_forward(phrase in "\\PC{0,12}") {
            let now: Timestamp = NOW.parse().expect("an instant");
            if let Ok(Period { since, until }) = period(&phrase, End::Since, now, &TimeZone::UTC, None) {
                prop_assert!(since < until);
            }
        }
    }
}
