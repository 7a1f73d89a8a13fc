//! The only source of the present: the system's clock, the bank's, or a test's.
//!
//! Everything above takes a [`Clock`] or an instant, so that tests and the sandbox can move time.
//! All instants are UTC and truncated to milliseconds, which is what the database keeps.
//! The bank's `Date` header has a resolution of one second and is read some time after it was written, so each
//! header gives a *lower bound* of the bank's time; the clock keeps the highest recent bound instead of the last.
//!
//! Once the bank has told its time, it is the better witness: as long as the host's clock differs from it by more than
//! is tolerated, the bank's time counts, carried on by a clock that nobody can set. What was noted by a wrong clock
//! before that can lie in the future; see [`elapsed`].

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicI64, Ordering},
};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

/// How far the host may be from the bank before `status` calls it a problem (taste: NTP keeps within a second,
/// and the bank's own time windows are minutes).
pub const TOLERATED_SKEW: SignedDuration = SignedDuration::from_secs(60);

/// How long ago `at` was, by a clock that says `now`; nothing if `at` lies in the future.
///
/// What has happened already cannot lie in the future: if it does, the clock was wrong then or is wrong now, and nobody
/// knows how long ago it was. As much as clocks are tolerated to differ counts as just now.
pub fn elapsed(at: Timestamp, now: Timestamp) -> Option<SignedDuration> {
    let ago = now.duration_since(at);
    (ago >= -TOLERATED_SKEW).then_some(ago.max(SignedDuration::ZERO))
}

/// How far below the kept bound a new one may lie and still be explained by the header's resolution and the time
/// the answer travelled (taste: one second of resolution and one of travel).
const SLACK_MS: i64 = 2_000;

/// How much shorter the daemon's own waits are at a simulated bank. Taste: two seconds are a tenth of one.
pub const SIMULATED_SPEEDUP: u32 = 20;

/// No `Date` header has been seen yet.
const UNKNOWN: i64 = i64::MIN;

/// Tells the time; clones share what they learn.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    source: Source,
    /// A test's clock: what it shows, in milliseconds since 1970.
    manual_ms: AtomicI64,
    /// A test's clock: how far it was carried on, however it was set.
    carried_ms: AtomicI64,
    /// The bank's time minus [`Clock::steady_ms`], in milliseconds: the highest recent lower bound, or [`UNKNOWN`].
    bank_ms: AtomicI64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    System,
    Bank,
    Manual,
    Host,
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

    /// A host's clock in the hands of a test, which learns from the bank as the real one does.
    pub fn host(at: Timestamp) -> Self {
        Self::of(Source::Host, at.as_millisecond())
    }

    fn of(source: Source, manual_ms: i64) -> Self {
        Self(Arc::new(Inner {
            source,
            manual_ms: AtomicI64::new(manual_ms),
            carried_ms: AtomicI64::new(0),
            bank_ms: AtomicI64::new(UNKNOWN),
        }))
    }

    /// What the host's clock shows.
    fn host_ms(&self) -> i64 {
        match self.0.source {
            Source::System | Source::Bank => system_ms(),
            Source::Manual | Source::Host => self.0.manual_ms.load(Ordering::Relaxed),
        }
    }

    /// Milliseconds of a clock that nobody sets.
    fn steady_ms(&self) -> i64 {
        match self.0.source {
            Source::System | Source::Bank => steady_ms(),
            Source::Manual | Source::Host => self.0.carried_ms.load(Ordering::Relaxed),
        }
    }

    /// The bank's time, once it has told it.
    fn bank_time_ms(&self) -> Option<i64> {
        let bank = self.0.bank_ms.load(Ordering::Relaxed);
        (bank != UNKNOWN).then(|| bank.saturating_add(self.steady_ms()))
    }

    /// Returns the present, truncated to milliseconds.
    pub fn now(&self) -> Timestamp {
        let host = self.host_ms();
        let apart = |bank: &i64| {
            self.0.source == Source::Bank || beyond(SignedDuration::from_millis(host.saturating_sub(*bank)))
        };
        at_ms(self.bank_time_ms().filter(apart).unwrap_or(host))
    }

    /// How long to sleep where `wait` is meant: all of it, or a small part at a simulated bank, which needs no sparing
    /// and whose time is moved by hand.
    pub fn pause(&self, wait: Duration) -> Duration {
        if self.0.source == Source::Bank { wait / SIMULATED_SPEEDUP } else { wait }
    }

    /// Learns from a `Date` header of the bank that has just arrived.
    pub fn observe(&self, date: Timestamp) {
        if self.0.source != Source::Manual {
            let bound = date.as_millisecond().saturating_sub(self.steady_ms());
            let kept = self.0.bank_ms.load(Ordering::Relaxed);
            self.0.bank_ms.store(settle(kept, bound), Ordering::Relaxed);
        }
    }

    /// The present is not only what the host believes: the bank has told its time.
    pub fn confirmed(&self) -> bool {
        self.0.source == Source::Manual || self.bank_time_ms().is_some()
    }

    /// Returns by how much the host is ahead of the bank (negative: behind), zero within the header's resolution;
    /// `None` before the first header, and where the bank's clock is not compared with the host's.
    pub fn skew(&self) -> Option<SignedDuration> {
        if !matches!(self.0.source, Source::System | Source::Host) {
            return None;
        }
        let ahead = self.host_ms().saturating_sub(self.bank_time_ms()?);
        let skew = SignedDuration::from_millis(ahead);
        Some(if ahead.saturating_abs() <= SLACK_MS { SignedDuration::ZERO } else { skew })
    }

    /// Returns the skew when it is large enough to be a problem.
    pub fn excessive_skew(&self) -> Option<SignedDuration> {
        self.skew().filter(|skew| beyond(*skew))
    }

    /// Lets time pass on a test's clock; other clocks do not move.
    pub fn advance(&self, by: SignedDuration) {
        self.0.carried_ms.fetch_add(millis(by), Ordering::Relaxed);
        self.set(by);
    }

    /// Sets a test's clock forward, or back, without any time passing.
    pub fn set(&self, by: SignedDuration) {
        self.0.manual_ms.fetch_add(millis(by), Ordering::Relaxed);
    }
}

fn millis(span: SignedDuration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

/// Clocks differ by more than is tolerated.
fn beyond(skew: SignedDuration) -> bool {
    skew.abs() > TOLERATED_SKEW
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

/// Milliseconds since the first call, those of a suspended machine included.
fn steady_ms() -> i64 {
    static BEGAN: OnceLock<(Instant, i64)> = OnceLock::new();
    let (began, up) = BEGAN.get_or_init(|| (Instant::now(), uptime_ms()));
    let awake = i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX);
    // The uptime has whole seconds only, which is too coarse for anything but a suspend.
    let asleep = uptime_ms().saturating_sub(*up).saturating_sub(awake);
    awake.saturating_add(if asleep > SLACK_MS { asleep } else { 0 })
}

fn uptime_ms() -> i64 {
    rustix::system::sysinfo().uptime.saturating_mul(1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_banks_time_counts_as_long_as_the_hosts_clock_is_wrong() {
        let began = at("2026-11-22T10:00:00Z");
        for wrong in [-400 * 24, 400 * 24, -10 * 8766, 10 * 8766, 3].map(SignedDuration::from_hours) {
            let clock = Clock::host(began);
            assert!(!clock.confirmed());
            clock.set(wrong);
            assert_eq!(clock.now(), began + wrong, "nobody knows better yet");
            clock.observe(began);
            assert_eq!((clock.now(), clock.excessive_skew()), (began, Some(wrong)));
            clock.advance(SignedDuration::from_mins(7));
            assert_eq!(clock.now(), began + SignedDuration::from_mins(7));
            clock.set(-wrong);
            assert_eq!(clock.now(), began + SignedDuration::from_mins(7), "it is right again");
            assert_eq!(clock.excessive_skew(), None, "and that shows at once");
            clock.set(wrong);
            assert_eq!(clock.now(), began + SignedDuration::from_mins(7), "and wrong again");
        }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a timestamp")
    }

    #[test]
    fn nobody_knows_how_long_ago_it_was_what_lies_in_the_future() {
        let now = at("2026-11-22T10:00:00Z");
        let check = |then: &str, seconds: Option<i64>| {
            assert_eq!(elapsed(at(then), now), seconds.map(SignedDuration::from_secs), "{then}");
        };
        check("2026-11-22T09:00:00Z", Some(3600));
        check("2026-11-22T10:00:00Z", Some(0));
        check("2026-11-22T10:00:59Z", Some(0));
        check("2026-11-22T10:01:01Z", None);
        check("2027-12-27T10:00:00Z", None);
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
    fn waits_are_shorter_at_a_simulated_bank_only() {
        let minute = Duration::from_secs(60);
        assert_eq!(Clock::system().pause(minute), minute);
        assert_eq!(Clock::manual(at("2026-11-22T10:00:00Z")).pause(minute), minute);
        assert_eq!(Clock::bank().pause(minute), Duration::from_secs(3));
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
