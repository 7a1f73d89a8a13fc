//! DaemonTime and now, as the daemon has them: its clock and the person's zone.
//!
//! The client never asks its own clock, so that periods mean the same on both sides and a simulated bank's time holds.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};
use monzo_common::period::{Cycle, End, Period, period};

use crate::failure::Failure;

/// An instant and a place.
#[derive(Debug, Clone)]
pub struct DaemonTime {
    /// The daemon's clock when it was asked.
    pub now: Timestamp,
    /// The person's zone.
    pub zone: TimeZone,
    /// The pay cycle of `now`, where a payday is configured.
    pub cycle: Option<Cycle>,
}

impl DaemonTime {
    /// From what the daemon says; a zone that this machine does not know is UTC.
    pub fn new(now: Timestamp, zone: &str, cycle: Option<Cycle>) -> Self {
        Self { now, zone: TimeZone::get(zone).unwrap_or(TimeZone::UTC), cycle }
    }

    /// `2026-11-22 23:30`.
    pub fn minute(&self, at: Timestamp) -> String {
        at.to_zoned(self.zone.clone()).strftime("%Y-%m-%d %H:%M").to_string()
    }

    /// `2026-11-22 23:30:05`.
    pub fn second(&self, at: Timestamp) -> String {
        at.to_zoned(self.zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
    }

    /// `22 Nov 2026`.
    pub fn day(&self, at: Timestamp) -> String {
        at.to_zoned(self.zone.clone()).strftime("%-d %b %Y").to_string()
    }

    /// `3 h ago` or `in 2 days`.
    pub fn relative(&self, at: Timestamp) -> String {
        let distance = at.duration_since(self.now);
        let words = span(distance.abs());
        match distance.signum() {
            _ if distance.abs() < SignedDuration::from_secs(1) => "just now".to_owned(),
            1 => format!("in {words}"),
            _ => format!("{words} ago"),
        }
    }

    /// What a phrase means as one end of a period.
    ///
    /// # Errors
    /// A usage failure that lists the phrases.
    pub fn period(&self, phrase: &str, end: End) -> Result<Period, Failure> {
        period(phrase, end, self.now, &self.zone, self.cycle.as_ref()).map_err(|error| {
            Failure::usage(error.to_string(), "for example 2026-11-22, yesterday, last-month or 30d")
        })
    }

    /// The instant that a time or a day means: `2026-11-27T09:00`, `friday` (its end at [`End::Until`], else its start).
    ///
    /// # Errors
    /// A usage failure that lists the phrases.
    pub fn instant(&self, phrase: &str, end: End) -> Result<Timestamp, Failure> {
        let typed = phrase.trim();
        if let Ok(at) = typed.parse::<Timestamp>() {
            return Ok(at);
        }
        if typed.contains(':')
            && let Ok(civil) = typed.replacen(' ', "T", 1).parse::<DateTime>()
        {
            let zoned = civil.to_zoned(self.zone.clone());
            return zoned.map(|zoned| zoned.timestamp()).map_err(|_| no_time(phrase));
        }
        if typed.contains(':') {
            return Err(no_time(phrase));
        }
        // Weekdays and counted days look ahead, whichever end of them is meant.
        let Period { since, until } = self.period(typed, End::Until)?;
        if end == End::Until {
            return Ok(until);
        }
        if !counted(typed) {
            return Ok(since);
        }
        let last = until.to_zoned(self.zone.clone()).date().yesterday();
        let begins = last.and_then(|day| day.to_zoned(self.zone.clone()));
        begins.map(|zoned| zoned.timestamp()).map_err(|_| no_time(phrase))
    }

    /// From when a look back goes: `12mo`, or a phrase of [`period`](Self::period).
    ///
    /// # Errors
    /// A usage failure that lists the phrases.
    pub fn back(&self, phrase: &str) -> Result<Timestamp, Failure> {
        let months = phrase.trim().strip_suffix("mo").and_then(|count| count.parse::<u16>().ok());
        let Some(months) = months else {
            return self.period(phrase, End::Since).map(|period| period.since);
        };
        let today = self.now.to_zoned(self.zone.clone()).date();
        let first = today.checked_sub(Span::new().months(i64::from(months)));
        let begins = first.and_then(|day| day.to_zoned(self.zone.clone()));
        begins.map(|zoned| zoned.timestamp()).map_err(|_| {
            Failure::usage(format!("‘{phrase}’ is before the calendar begins"), "for example `--since 12mo`")
        })
    }

    /// The time that a phrase names, or the last instant of the day that it means; of today, now.
    ///
    /// # Errors
    /// A usage failure that lists the phrases, or says that the day is still to come.
    pub fn end_of(&self, phrase: &str) -> Result<Timestamp, Failure> {
        let ahead = || Failure::usage(format!("‘{phrase}’ lies in the future"), "name a day of the past");
        if phrase.contains(':') {
            let at = self.instant(phrase, End::Since)?;
            return if at > self.now { Err(ahead()) } else { Ok(at) };
        }
        let Period { since, until } = self.period(phrase, End::Since)?;
        if since > self.now {
            return Err(ahead());
        }
        // `30d` is the day thirty days ago; every other phrase ends with its last day.
        let until = if counted(phrase.trim()) {
            let day = since.to_zoned(self.zone.clone()).date();
            day.tomorrow()
                .and_then(|next| next.to_zoned(self.zone.clone()))
                .map_or(until, |next| next.timestamp())
        } else {
            until
        };
        Ok((until - SignedDuration::from_millis(1)).min(self.now))
    }
}

/// A number of days or weeks.
fn counted(phrase: &str) -> bool {
    phrase.ends_with(['d', 'w', 'D', 'W']) && phrase.starts_with(|first: char| first.is_ascii_digit())
}

fn no_time(phrase: &str) -> Failure {
    Failure::usage(format!("‘{phrase}’ is not a time"), "write it as 2026-11-27T09:00, or name a day")
}

/// A length of time in its largest fitting unit, or two where that reads better.
pub fn span(length: SignedDuration) -> String {
    let seconds = length.as_secs().max(0);
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{minutes} min"),
        3600..14_400 if minutes % 60 > 0 => format!("{hours} h {} min", minutes % 60),
        3600..172_800 => format!("{hours} h"),
        // To the nearest, so that 90 days are not 89 a second later.
        _ => format!("{} days", (seconds + 43_200) / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn here() -> DaemonTime {
        DaemonTime::new("2026-07-22T10:00:00Z".parse().expect("an instant"), "Europe/London", None)
    }

    #[test]
    fn distances_read_as_people_say_them() {
        let check = |seconds: i64, expected: &str| {
            let at = here().now + SignedDuration::from_secs(seconds);
            assert_eq!(here().relative(at), expected, "{seconds}");
        };
        check(0, "just now");
        check(-30, "30 s ago");
        check(150, "in 2 min");
        check(-5_400, "1 h 30 min ago");
        check(-7_200, "2 h ago");
        check(-40_000, "11 h ago");
        check(86_400 * 3, "in 3 days");
        check(86_400 * 90 - 1, "in 90 days");
    }

    #[test]
    fn a_day_in_the_past_ends_with_its_last_instant_and_today_ends_now() {
        let check = |phrase: &str, expected: &str| {
            assert_eq!(here().end_of(phrase).expect("a phrase").to_string(), expected, "{phrase}");
        };
        check("2026-07-01", "2026-07-01T22:59:59.999Z");
        check("2026-06", "2026-06-30T22:59:59.999Z");
        check("7d", "2026-07-15T22:59:59.999Z");
        check("today", "2026-07-22T10:00:00Z");
        check("2026-07-21T09:00", "2026-07-21T08:00:00Z");
        for ahead in ["tomorrow", "2027-01-01", "2026-07-22T11:01"] {
            assert!(here().end_of(ahead).is_err(), "{ahead}");
        }
    }

    #[test]
    fn a_time_is_local_and_a_day_is_its_start_or_its_end() {
        let check = |phrase: &str, end, expected: &str| {
            assert_eq!(here().instant(phrase, end).expect("a time").to_string(), expected, "{phrase}");
        };
        check("2026-11-27T09:00", End::Since, "2026-11-27T09:00:00Z");
        check("2026-08-01 09:00", End::Until, "2026-08-01T08:00:00Z");
        check("2026-08-01T09:00:00Z", End::Since, "2026-08-01T09:00:00Z");
        check("2026-08-01", End::Since, "2026-07-31T23:00:00Z");
        check("2026-08-01", End::Until, "2026-08-01T23:00:00Z");
        check("friday", End::Since, "2026-07-23T23:00:00Z");
        check("2d", End::Since, "2026-07-23T23:00:00Z");
        check("2d", End::Until, "2026-07-24T23:00:00Z");
        for typed in ["25:00", "soon", "2026-02-30"] {
            assert!(here().instant(typed, End::Since).is_err(), "{typed}");
        }
    }

    #[test]
    fn months_back_are_counted_in_the_calendar() {
        assert_eq!(here().back("12mo").expect("a time").to_string(), "2025-07-21T23:00:00Z");
        assert_eq!(here().back("2026-01").expect("a time").to_string(), "2026-01-01T00:00:00Z");
        assert!(here().back("99999mo").is_err());
    }
}
