//! Quiet hours: when no run begins, because the bank's own night payments run then. Pure.

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// When the quiet hours that hold at `now` end; nothing outside them.
///
/// They begin `lead` early, so that what began before them has ended when they do.
pub fn until(
    hours: Option<(Time, Time)>,
    lead: SignedDuration,
    zone: &TimeZone,
    now: Timestamp,
) -> Option<Timestamp> {
    let (from, to) = hours.filter(|(from, to)| from != to)?;
    let today = now.to_zoned(zone.clone()).date();
    let days = [today.yesterday().ok()?, today, today.tomorrow().ok()?];
    days.into_iter().find_map(|day| {
        let last = if to > from { day } else { day.tomorrow().ok()? };
        let begins = day.to_datetime(from).to_zoned(zone.clone()).ok()?.timestamp().checked_sub(lead).ok()?;
        let ends = last.to_datetime(to).to_zoned(zone.clone()).ok()?.timestamp();
        (begins <= now && now < ends).then_some(ends)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(hours: &str, now: &str, expected: Option<&str>) {
        let (from, to) = hours.split_once('-').expect("two times");
        let hours = Some((from.parse().expect("a time"), to.parse().expect("a time")));
        let zone = TimeZone::get("Europe/London").expect("a zone");
        let found = until(hours, SignedDuration::from_mins(15), &zone, now.parse().expect("an instant"));
        assert_eq!(found, expected.map(|at| at.parse().expect("an instant")), "{now}");
    }

    #[test]
    fn runs_wait_for_the_end_of_the_quiet_hours() {
        check("00:00-07:00", "2026-11-24T06:59:59Z", Some("2026-11-24T07:00:00Z"));
        check("00:00-07:00", "2026-11-24T07:00:00Z", None);
        check("00:00-07:00", "2026-11-24T23:44:59Z", None);
        check("00:00-07:00", "2026-11-24T23:45:00Z", Some("2026-11-25T07:00:00Z"));
        check("22:00-06:00", "2026-11-24T02:00:00Z", Some("2026-11-24T06:00:00Z"));
        check("22:00-06:00", "2026-11-24T23:00:00Z", Some("2026-11-25T06:00:00Z"));
        check("00:00-07:00", "2026-07-24T06:30:00Z", None);
        assert_eq!(until(None, SignedDuration::ZERO, &TimeZone::UTC, Timestamp::UNIX_EPOCH), None);
    }

    #[test]
    fn a_night_with_a_clock_change_is_quiet_to_its_end() {
        check("00:30-01:30", "2026-03-29T00:45:00Z", Some("2026-03-29T01:30:00Z"));
        check("01:00-03:00", "2026-10-25T02:30:00Z", Some("2026-10-25T03:00:00Z"));
    }
}
