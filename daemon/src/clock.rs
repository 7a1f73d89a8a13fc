//! The only source of the present: the system's clock, the bank's, or a test's.
//!
//! Everything above takes a [`Clock`] or an instant, so that tests and the sandbox can move time.
//! All instants are UTC and truncated to milliseconds, which is what the database keeps.
//! The bank's `Date` header has a resolution of one second and is read some time after it was written, so each
//! header gives a *lower bound* of the bank's time; the clock keeps the highest recent bound instead of the last.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use jiff::{SignedDuration, Timestamp};

/// How far the host may be from the bank before `status` calls it a problem (taste: NTP keeps within a second,
/// and the bank's own time windows are minutes).
pub const TOLERATED_SKEW: SignedDuration = SignedDuration::from_secs(60);

/// How far below the kept bound a new one may lie and still be explained by the header's resolution and the time
/// the answer travelled (taste: one second of resolution and one of travel).
const SLACK_MS: i64 = 2_000;

/// No `Date` header has been seen yet.
const UNKNOWN: i64 = i64::MIN;

/// Tells the time; clones share what they learn.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    source: Source,
    /// The manual clock's present, in milliseconds since 1970.
    manual_ms: AtomicI64,
    /// Bank minus system, in milliseconds: the highest recent lower bound, or [`UNKNOWN`].
    ahead_ms: AtomicI64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    System,
    Bank,
    Manual,
}

impl Clock {
    /// The host's clock.
    pub fn system() -> Self {
        Self::of(Source::System, 0)
    }

    /// The host's clock moved to where the bank's `Date` headers say the bank is; the host's until the first one.
    pub fn bank() -> Self {
        Self::of(Source::Bank, 0)
    }

    /// A clock that stands at `at` until it is moved; for tests.
    pub fn manual(at: Timestamp) -> Self {
        Self::of(Source::Manual, at.as_millisecond())
    }

    fn of(source: Source, manual_ms: i64) -> Self {
        Self(Arc::new(Inner {
            source,
            manual_ms: AtomicI64::new(manual_ms),
            ahead_ms: AtomicI64::new(UNKNOWN),
        }))
    }

    /// Returns the present, truncated to milliseconds.
    pub fn now(&self) -> Timestamp {
        let ms = match self.0.source {
            Source::System => system_ms(),
            Source::Bank => match self.0.ahead_ms.load(Ordering::Relaxed) {
                UNKNOWN => system_ms(),
                ahead => system_ms().saturating_add(ahead),
            },
            Source::Manual => self.0.manual_ms.load(Ordering::Relaxed),
        };
        at_ms(ms)
    }

    /// Learns from a `Date` header of the bank that has just arrived.
    pub fn observe(&self, date: Timestamp) {
        if self.0.source != Source::Manual {
            self.learn(date.as_millisecond().saturating_sub(system_ms()));
        }
    }

    fn learn(&self, bound: i64) {
        let kept = self.0.ahead_ms.load(Ordering::Relaxed);
        self.0.ahead_ms.store(settle(kept, bound), Ordering::Relaxed);
    }

    /// Returns by how much the host is ahead of the bank (negative: behind), zero within the header's resolution;
    /// `None` before the first header, and where the bank's clock is not compared with the host's.
    pub fn skew(&self) -> Option<SignedDuration> {
        let ahead = self.0.ahead_ms.load(Ordering::Relaxed);
        if self.0.source != Source::System || ahead == UNKNOWN {
            return None;
        }
        let skew = SignedDuration::from_millis(ahead.saturating_neg());
        Some(if ahead.saturating_abs() <= SLACK_MS { SignedDuration::ZERO } else { skew })
    }

    /// Returns the skew when it is large enough to be a problem.
    pub fn excessive_skew(&self) -> Option<SignedDuration> {
        self.skew().filter(|skew| skew.abs() > TOLERATED_SKEW)
    }

    /// Moves a manual clock forward, or back; other clocks do not move.
    pub fn advance(&self, by: SignedDuration) {
        let ms = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.0.manual_ms.fetch_add(ms, Ordering::Relaxed);
    }
}

/// The bound to keep when `bound` arrives: the higher one, unless the new one is too low for a late answer,
/// which means that one of the two clocks was stepped.
fn settle(kept: i64, bound: i64) -> i64 {
    if kept == UNKNOWN || bound > kept || bound < kept.saturating_sub(SLACK_MS) { bound } else { kept }
}

fn at_ms(ms: i64) -> Timestamp {
    let bounded = ms.clamp(Timestamp::MIN.as_millisecond(), Timestamp::MAX.as_millisecond());
    Timestamp::from_millisecond(bounded).unwrap_or(Timestamp::UNIX_EPOCH)
}

#[allow(clippy::disallowed_methods, reason = "this is the one place that asks the real time")]
fn system_ms() -> i64 {
    Timestamp::now().as_millisecond()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a timestamp")
    }

    #[test]
    fn a_manual_clock_stands_still_until_it_is_moved() {
        let clock = Clock::manual(at("2026-11-22T10:00:00Z"));
        let other = clock.clone();
        clock.advance(SignedDuration::from_hours(6));
        assert_eq!(other.now(), at("2026-11-22T16:00:00Z"));
        clock.observe(at("2030-01-01T00:00:00Z"));
        assert_eq!(other.now(), at("2026-11-22T16:00:00Z"));
        assert_eq!(clock.skew(), None);
    }

    #[test]
    fn the_present_has_whole_milliseconds() {
        assert_eq!(Clock::system().now().subsec_nanosecond() % 1_000_000, 0);
    }

    #[test]
    fn the_bank_clock_follows_the_bank_and_starts_as_the_system_clock() {
        let (system, bank) = (Clock::system(), Clock::bank());
        assert!((system.now().duration_since(bank.now())).abs() < SignedDuration::from_secs(5));
        let ahead = SignedDuration::from_hours(24 * 400);
        bank.observe(system.now() + ahead);
        let moved = bank.now().duration_since(system.now());
        assert!((moved - ahead).abs() < SignedDuration::from_secs(5), "moved by {moved:?}");
        assert_eq!(bank.skew(), None, "an intended difference is no skew");
    }

    #[test]
    fn late_and_truncated_headers_do_not_move_the_clock_back() {
        assert_eq!(settle(UNKNOWN, -300), -300);
        assert_eq!(settle(-300, -900), -300, "a header from early in its second");
        assert_eq!(settle(-300, -10), -10, "a better bound");
        assert_eq!(settle(-300, -3_600_000), -3_600_000, "a clock was stepped");
        assert_eq!(settle(-300, 3_600_000), 3_600_000, "the bank was moved ahead");
    }

    #[test]
    fn a_host_more_than_a_minute_off_is_a_problem() {
        let clock = Clock::system();
        clock.observe(clock.now());
        assert_eq!((clock.skew(), clock.excessive_skew()), (Some(SignedDuration::ZERO), None));
        clock.observe(clock.now() - SignedDuration::from_secs(30));
        assert_eq!(clock.excessive_skew(), None);
        clock.observe(clock.now() - SignedDuration::from_secs(90));
        let skew = clock.excessive_skew().expect("ninety seconds are too many");
        assert!(skew > SignedDuration::from_secs(85), "the host is ahead: {skew:?}");
    }

    #[test]
    fn absurd_headers_are_survived() {
        let clock = Clock::bank();
        clock.observe(Timestamp::MAX);
        let _ = clock.now();
        clock.observe(Timestamp::MIN);
        let _ = clock.now();
    }
}
