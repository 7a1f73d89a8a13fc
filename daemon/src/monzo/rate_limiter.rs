//! How fast the bank is asked: side by side while the five minutes run, one after another otherwise.
//!
//! Nobody knows the bank's limits (monzo/README.md, How fast), so the daemon keeps well below what others do unharmed,
//! and a 429 slows everything down at once.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex as Turn, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::retry::LONGEST_ASKED;
use crate::clock::SIMULATED_SPEEDUP;

/// Requests a second, on average, outside the capture (monzo/README.md, How fast).
const SPACING: Duration = Duration::from_millis(500);

/// Requests that may go at once after a quiet time, so that a person who asks for a sync does not wait. Taste.
const BURST: u32 = 10;

/// The longest wait that is kept, whatever the bank says. Taste: a day without a look is enough.
const LONGEST_KEPT: Duration = Duration::from_secs(24 * 3600);

/// Shares that all requests in flight divide among them.
const SHARES: u32 = 64;

/// How a request is paced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// The five minutes run: `monzo.max_concurrency` at once, without spacing.
    Capture,
    /// One at once for each account, and two a second in all.
    Steady,
}

/// Who may ask when.
#[derive(Debug)]
pub struct RateLimiter {
    shares: Arc<Semaphore>,
    configured: AtomicU32,
    at_once: AtomicU32,
    spacing: Duration,
    /// By how much the rests that the bank asks for are shortened.
    speedup: u32,
    turns: Mutex<HashMap<String, Arc<Turn<()>>>>,
    /// When the next request would go if all went evenly.
    even: Mutex<Instant>,
    /// Nobody asks before.
    resting: Mutex<Instant>,
    /// Nobody asks of their own accord before, because the bank wants it so.
    left_alone: Mutex<Option<Instant>>,
}

/// The right to ask once; kept until the answer is there.
#[derive(Debug)]
pub struct Pass {
    _share: Option<OwnedSemaphorePermit>,
    _turn: Option<OwnedMutexGuard<()>>,
}

impl RateLimiter {
    /// A pace with `at_once` requests in flight during a capture.
    pub fn new(at_once: u32) -> Self {
        let at_once = at_once.clamp(1, SHARES);
        let now = Instant::now();
        Self {
            shares: Arc::new(Semaphore::new(SHARES as usize)),
            configured: AtomicU32::new(at_once),
            at_once: AtomicU32::new(at_once),
            spacing: SPACING,
            speedup: 1,
            turns: Mutex::default(),
            even: Mutex::new(now),
            resting: Mutex::new(now),
            left_alone: Mutex::default(),
        }
    }

    /// The same without spacing, and with short rests: a simulated bank is spared by nobody, and a year of its life is lived in a minute.
    #[must_use]
    pub fn unspaced(self) -> Self {
        Self { spacing: Duration::ZERO, speedup: SIMULATED_SPEEDUP, ..self }
    }

    /// The configuration changed, or a new capture begins: forgets what a 429 had slowed down.
    pub fn set(&self, at_once: u32) {
        let at_once = at_once.clamp(1, SHARES);
        self.configured.store(at_once, Ordering::Relaxed);
        self.at_once.store(at_once, Ordering::Relaxed);
    }

    /// How long the bank still wants to be left alone, where it has asked for more than a request waits for.
    pub fn left_alone(&self) -> Option<Duration> {
        let until = *self.left_alone.lock().unwrap_or_else(PoisonError::into_inner);
        until.map(|until| until.saturating_duration_since(Instant::now())).filter(|left| !left.is_zero())
    }

    /// The bank has served a whole sync: it need not be left alone any longer.
    pub fn served(&self) {
        *self.left_alone.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Requests in flight during a capture now.
    pub fn at_once(&self) -> u32 {
        self.at_once.load(Ordering::Relaxed)
    }

    /// Waits until a request about `account` may go.
    pub async fn pass(&self, lane: Lane, account: &str) -> Pass {
        let pass = match lane {
            Lane::Capture => {
                let share = SHARES / self.at_once().max(1);
                let shares = Arc::clone(&self.shares).acquire_many_owned(share).await;
                // The semaphore is never closed.
                Pass { _share: shares.ok(), _turn: None }
            }
            Lane::Steady => {
                let turn = {
                    let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
                    Arc::clone(turns.entry(account.to_owned()).or_default())
                };
                let turn = turn.lock_owned().await;
                tokio::time::sleep_until(self.next()).await;
                Pass { _share: None, _turn: Some(turn) }
            }
        };
        let resting = *self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        tokio::time::sleep_until(resting).await;
        pass
    }

    /// When the next request may go: at an even rate, with a burst allowed after a pause.
    fn next(&self) -> Instant {
        let now = Instant::now();
        let mut even = self.even.lock().unwrap_or_else(PoisonError::into_inner);
        *even = (*even).max(now) + self.spacing;
        // A request may go as long as the even pace is not further ahead than the burst allows.
        (*even).checked_sub(self.spacing * BURST).unwrap_or(now).max(now)
    }

    /// The bank asked for less: half as many at once, and nobody before `wait` is over. More than a request waits for
    /// is a matter of the schedule.
    pub fn slow_down(&self, wait: Duration) {
        let halved = (self.at_once() / 2).max(1);
        self.at_once.store(halved, Ordering::Relaxed);
        if wait > LONGEST_ASKED {
            let mut left_alone = self.left_alone.lock().unwrap_or_else(PoisonError::into_inner);
            *left_alone = Some(Instant::now() + wait.min(LONGEST_KEPT)).max(*left_alone);
            return;
        }
        let until = Instant::now() + wait / self.speedup;
        let mut resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        *resting = (*resting).max(until);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_long_wait_is_kept_and_holds_no_request_up() {
        let rate_limiter = RateLimiter::new(4);
        assert_eq!(rate_limiter.left_alone(), None);
        rate_limiter.slow_down(Duration::from_secs(3600));
        let began = Instant::now();
        drop(rate_limiter.pass(Lane::Capture, "a").await);
        assert_eq!(began.elapsed(), Duration::ZERO);
        assert_eq!(rate_limiter.left_alone(), Some(Duration::from_secs(3600)));
        rate_limiter.slow_down(Duration::from_secs(600));
        tokio::time::sleep(Duration::from_secs(3599)).await;
        assert_eq!(rate_limiter.left_alone(), Some(Duration::from_secs(1)));
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(rate_limiter.left_alone(), None);
        rate_limiter.slow_down(Duration::MAX);
        assert_eq!(rate_limiter.left_alone(), Some(LONGEST_KEPT));
        rate_limiter.served();
        assert_eq!(rate_limiter.left_alone(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_capture_has_as_many_in_flight_as_configured_and_half_after_a_429() {
        let rate_limiter = RateLimiter::new(4);
        let passes: Vec<Pass> = [
            rate_limiter.pass(Lane::Capture, "a").await,
            rate_limiter.pass(Lane::Capture, "a").await,
            rate_limiter.pass(Lane::Capture, "b").await,
            rate_limiter.pass(Lane::Capture, "b").await,
        ]
        .into();
        assert!(
            tokio::time::timeout(Duration::from_secs(60), rate_limiter.pass(Lane::Capture, "c"))
                .await
                .is_err()
        );
        drop(passes);
        rate_limiter.slow_down(Duration::ZERO);
        let _two = (rate_limiter.pass(Lane::Capture, "a").await, rate_limiter.pass(Lane::Capture, "a").await);
        assert!(
            tokio::time::timeout(Duration::from_secs(60), rate_limiter.pass(Lane::Capture, "c"))
                .await
                .is_err()
        );
    }

    #[tokio::test(start_paused = true)]
    async fn outside_a_capture_two_go_a_second_after_a_burst() {
        let rate_limiter = RateLimiter::new(4);
        let began = Instant::now();
        for _ in 0..30 {
            drop(rate_limiter.pass(Lane::Steady, "a").await);
        }
        let seconds = began.elapsed().as_secs_f64();
        assert!((9.0..=11.0).contains(&seconds), "30 requests took {seconds} s");
    }

    #[tokio::test(start_paused = true)]
    async fn a_simulated_bank_is_asked_as_fast_as_it_answers() {
        let rate_limiter = RateLimiter::new(4).unspaced();
        let began = Instant::now();
        for _ in 0..30 {
            drop(rate_limiter.pass(Lane::Steady, "a").await);
        }
        assert_eq!(began.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn one_account_has_one_request_in_flight() {
        let rate_limiter = RateLimiter::new(4);
        let _first = rate_limiter.pass(Lane::Steady, "a").await;
        let _other = rate_limiter.pass(Lane::Steady, "b").await;
        assert!(
            tokio::time::timeout(Duration::from_secs(60), rate_limiter.pass(Lane::Steady, "a"))
                .await
                .is_err()
        );
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_asks_while_the_bank_wants_rest() {
        let rate_limiter = RateLimiter::new(4);
        rate_limiter.slow_down(Duration::from_secs(20));
        let began = Instant::now();
        drop(rate_limiter.pass(Lane::Capture, "a").await);
        assert!(began.elapsed() >= Duration::from_secs(20));
    }
}
