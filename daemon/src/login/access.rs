//! The bank's ninety days: when access ends, and when to say so (monzo/README.md, Ninety days of consent). Pure.

use jiff::{SignedDuration, Timestamp};

/// How long an approval lasts.
const LASTS: SignedDuration = SignedDuration::from_hours(90 * 24);

/// Days before the end at which a person is told.
const WARNINGS: [i64; 5] = [30, 14, 7, 3, 1];

/// When access that was given at `authorised_at` ends.
pub fn ends_at(authorised_at: Timestamp) -> Timestamp {
    authorised_at.checked_add(LASTS).unwrap_or(Timestamp::MAX)
}

/// The warning that is due: the fewest of the days 30, 14, 7, 3, 1 that has been reached; nothing while far away.
pub fn warning(ends_at: Timestamp, now: Timestamp) -> Option<i64> {
    let left = ends_at.duration_since(now);
    WARNINGS.into_iter().rev().find(|days| left <= SignedDuration::from_hours(days * 24))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_warning_is_due_when_its_day_is_reached() {
        let authorised = Timestamp::UNIX_EPOCH;
        let ends = ends_at(authorised);
        let check = |day: i64, expected| {
            let now = authorised.checked_add(SignedDuration::from_hours(day * 24)).expect("in range");
            assert_eq!(warning(ends, now), expected, "day {day}");
        };
        check(0, None);
        check(59, None);
        check(60, Some(30));
        check(76, Some(14));
        check(82, Some(14));
        check(83, Some(7));
        check(87, Some(3));
        check(89, Some(1));
        check(95, Some(1));
    }
}
