//! When to ask again: pure answers from how often it was tried, what came back, and a little jitter.

use std::time::Duration;

use super::error::Error;

/// How patiently a request is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// A person waits for the answer.
    Asked,
    /// Nobody waits.
    Background,
    /// Never: what is asked for must not happen twice.
    Once,
}

/// The wait after the first failure; doubles with each. Taste.
const FIRST: Duration = Duration::from_millis(500);

/// The longest wait of our own accord. Taste.
const LONGEST: Duration = Duration::from_secs(30);

/// The longest wait that the bank can ask for: more is a failure of this request. Taste.
pub const LONGEST_ASKED: Duration = Duration::from_secs(120);

impl Patience {
    const fn tries(self) -> u32 {
        match self {
            Self::Asked => 2,
            Self::Background => 6,
            Self::Once => 1,
        }
    }
}

/// How long to wait before trying again after `tries` tries; nothing to give up. `jitter` is in 0..=1000.
pub fn wait(patience: Patience, tries: u32, error: &Error, jitter: u16) -> Option<Duration> {
    if !error.retryable() || tries >= patience.tries() {
        return None;
    }
    if let Error::RateLimited { retry_after: Some(asked) } = error {
        return (*asked <= LONGEST_ASKED).then_some(*asked);
    }
    let doubled = FIRST.saturating_mul(1 << tries.saturating_sub(1).min(10)).min(LONGEST);
    // Between half of it and all of it, so that several that failed together do not come back together.
    Some(doubled / 2 + doubled / 2 * u32::from(jitter.min(1000)) / 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_end() {
        let error = Error::Transient("500".into());
        let waits: Vec<_> = (1..8).map(|tries| wait(Patience::Background, tries, &error, 1000)).collect();
        let millis: Vec<_> = waits.iter().map(|wait| wait.map(|wait| wait.as_millis())).collect();
        assert_eq!(millis, [Some(500), Some(1000), Some(2000), Some(4000), Some(8000), None, None]);
        assert!(wait(Patience::Asked, 1, &error, 0).is_some());
        assert!(wait(Patience::Asked, 2, &error, 0).is_none());
        assert!(wait(Patience::Once, 1, &error, 0).is_none());
    }

    #[test]
    fn a_refusal_is_not_repeated_and_the_banks_own_wait_is_kept() {
        assert_eq!(wait(Patience::Background, 1, &Error::TooOld, 0), None);
        let limited = |seconds| Error::RateLimited { retry_after: Some(Duration::from_secs(seconds)) };
        assert_eq!(wait(Patience::Background, 1, &limited(7), 0), Some(Duration::from_secs(7)));
        assert_eq!(wait(Patience::Background, 1, &limited(3600), 0), None);
    }
}
