//! When to sync: a pure answer from the last attempts, the interval and the wall clock.
//!
//! The due instant lives in the database and is compared with the wall clock, so that a suspended laptop,
//! a clock that was set and a restart all meet it, and missed ones are made up for once.

use jiff::{SignedDuration, Timestamp};

use crate::clock::elapsed;

/// The shortest wait after a failed sync; doubles with each further failure up to the interval. Taste.
const FIRST_RETRY: SignedDuration = SignedDuration::from_mins(5);

/// What the schedule is made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// Between two successful syncs.
    pub interval: SignedDuration,
    /// Spread over, so that not all daemons ask at once.
    pub jitter: SignedDuration,
}

/// How the last attempts went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Past {
    /// When a sync last ended.
    pub last_attempt_at: Option<Timestamp>,
    /// How many have failed since the last success.
    pub failures: u32,
}

/// When the next sync is due; `jitter` in 0..=1000 spreads it over the jitter.
///
/// A sync that never happened is due at once, and one that failed sooner than one that did not.
pub fn due_at(plan: Plan, past: Past, now: Timestamp, jitter: u16) -> Timestamp {
    // When the last one was is not known either if it lies in the future.
    let Some(last) = past.last_attempt_at.filter(|last| elapsed(*last, now).is_some()) else { return now };
    let wait = match past.failures {
        0 => plan.interval,
        failures => {
            let doubled = FIRST_RETRY.checked_mul(1 << failures.saturating_sub(1).min(16));
            doubled.unwrap_or(plan.interval).min(plan.interval)
        }
    };
    let spread = share(plan.jitter, jitter);
    last.checked_add(wait).and_then(|at| at.checked_add(spread)).unwrap_or(Timestamp::MAX)
}

/// When the next sync is due, of which it was said that it is due at `planned`; `last` is when one last ended.
///
/// Whoever planned it may have had a wrong clock: then the last one lies in the future, or the next one is further away
/// than any plan reaches, and it is due now.
pub fn still_due(plan: Plan, planned: Timestamp, last: Option<Timestamp>, now: Timestamp) -> Timestamp {
    let just_now = Past { last_attempt_at: Some(now), failures: 0 };
    let wrong = last.is_some_and(|last| elapsed(last, now).is_none());
    let reach = elapsed(planned, due_at(plan, just_now, now, 1000));
    if wrong || reach.is_none() { now } else { planned }
}

fn share(whole: SignedDuration, thousandths: u16) -> SignedDuration {
    let millis = whole.as_millis().saturating_mul(i128::from(thousandths.min(1000))) / 1000;
    SignedDuration::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
}

/// The last success is so old that the next sync should not wait: on start, after a suspend.
pub fn stale(last_success: Option<Timestamp>, interval: SignedDuration, now: Timestamp) -> bool {
    last_success.and_then(|last| elapsed(last, now)).is_none_or(|gone| gone >= interval)
}

/// The last success is twice as old as it should be, which a person should know.
pub fn overdue(last_success: Option<Timestamp>, interval: SignedDuration, now: Timestamp) -> bool {
    let twice = interval.checked_mul(2).unwrap_or(SignedDuration::MAX);
    last_success.and_then(|last| elapsed(last, now)).is_none_or(|gone| gone >= twice)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: Plan =
        Plan { interval: SignedDuration::from_hours(6), jitter: SignedDuration::from_mins(10) };

    fn minutes(from: Timestamp, count: i64) -> Timestamp {
        from.checked_add(SignedDuration::from_mins(count)).expect("in range")
    }

    #[test]
    fn the_next_sync_is_an_interval_after_the_last() {
        let now = Timestamp::from_second(1_700_000_000).expect("an instant");
        let check =
            |past, jitter, expected| assert_eq!(due_at(PLAN, past, now, jitter), expected, "{past:?}");
        let ended = |last_attempt_at, failures| Past { last_attempt_at: Some(last_attempt_at), failures };
        check(Past::default(), 500, now);
        check(ended(now, 0), 0, minutes(now, 360));
        check(ended(now, 0), 1000, minutes(now, 370));
        check(ended(now, 1), 0, minutes(now, 5));
        check(ended(now, 3), 0, minutes(now, 20));
        check(ended(now, 40), 0, minutes(now, 360));
        check(ended(minutes(now, 9000), 0), 0, now);
    }

    #[test]
    fn what_a_wrong_clock_has_planned_is_due_now() {
        let now = Timestamp::from_second(1_700_000_000).expect("an instant");
        let check = |planned, last, expected| {
            let due = still_due(PLAN, minutes(now, planned), Some(minutes(now, last)), now);
            assert_eq!(due, minutes(now, expected), "{planned} {last}");
        };
        check(360, 0, 360);
        check(371, 0, 371);
        check(100, -260, 100);
        check(-5, -365, -5);
        // It was ten minutes ahead, or a day, or 400.
        for ahead in [10, 24 * 60, 400 * 24 * 60] {
            check(360 + ahead, ahead, 0);
            assert!(stale(Some(minutes(now, ahead)), PLAN.interval, now));
            assert!(overdue(Some(minutes(now, ahead)), PLAN.interval, now));
        }
        check(400 * 24 * 60, -30, 0);
    }

    #[test]
    fn what_was_missed_is_stale() {
        let now = Timestamp::from_second(1_700_000_000).expect("an instant");
        assert!(stale(None, PLAN.interval, now));
        assert!(stale(Some(minutes(now, -360)), PLAN.interval, now));
        assert!(!stale(Some(minutes(now, -359)), PLAN.interval, now));
        assert!(!overdue(Some(minutes(now, -700)), PLAN.interval, now));
        assert!(overdue(Some(minutes(now, -720)), PLAN.interval, now));
    }
}
