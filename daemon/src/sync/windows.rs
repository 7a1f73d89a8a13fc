//! Which parts of an account's history to ask for, and how long each may be.
//!
//! Windows abut exactly (`before` of one is `since` of the next), so that a row on an edge is met twice rather than never;
//! the bank's limits are kept with a margin, because its clock decides and not ours.

use jiff::{SignedDuration, Timestamp};

/// A history is cut into about so many windows. Taste: each costs a request more, and the shorter the last ones are, the
/// shorter is the time in which fewer requests are in flight.
const WINDOWS: i32 = 32;

/// What is read as one at most, so that there is other work beside it to its end, and at least. Taste.
const PIECE: (SignedDuration, SignedDuration) =
    (SignedDuration::from_hours(30 * 24), SignedDuration::from_hours(120 * 24));

/// How far back the bank lets us read at any time: 89 days pass and 90 are refused (monzo/README.md, How far back).
pub const READABLE: SignedDuration = SignedDuration::from_hours(88 * 24);

/// For this long after approval the whole history can be read (monzo/README.md, How far back).
pub const HISTORY_OPEN: SignedDuration = SignedDuration::from_mins(5);

/// Where accounts begin whose opening the bank does not tell: before the bank existed.
pub const BEFORE_THE_BANK: Timestamp = Timestamp::constant(1_420_070_400, 0);

/// A part of an account's history: from `since`, until just before `before`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Window {
    /// The first instant in it.
    pub since: Timestamp,
    /// The first instant after it.
    pub before: Timestamp,
}

impl Window {
    fn new(since: Timestamp, before: Timestamp) -> Option<Self> {
        (since < before).then_some(Self { since, before })
    }

    /// It need not be cut.
    pub fn fits(&self) -> bool {
        self.before.duration_since(self.since) <= PIECE.1
    }
}

/// The oldest instant that can be read at `now` without a fresh approval.
pub fn readable_from(now: Timestamp) -> Timestamp {
    back(now, READABLE)
}

fn back(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_sub(by).unwrap_or(Timestamp::MIN)
}

/// Cuts the history from `opened` to `now` into windows, oldest first, short enough that no long one is left alone at
/// the end.
///
/// One of them ends where the bank still serves all that is younger, so that only those before it are in a hurry.
pub fn cut(opened: Timestamp, now: Timestamp) -> Vec<Window> {
    let edge = readable_from(now).max(opened);
    let length = piece(opened, now);
    let mut windows = abutting(opened, edge, length);
    windows.extend(abutting(edge, now, length));
    windows
}

/// Cuts a span into windows that the bank answers, oldest first.
pub fn pieces(since: Timestamp, before: Timestamp) -> Vec<Window> {
    abutting(since, before, piece(since, before))
}

/// How long the windows of a span are.
fn piece(since: Timestamp, before: Timestamp) -> SignedDuration {
    (before.duration_since(since) / WINDOWS).clamp(PIECE.0, PIECE.1)
}

fn abutting(mut since: Timestamp, before: Timestamp, length: SignedDuration) -> Vec<Window> {
    let mut windows = Vec::new();
    while since < before {
        let next = since.checked_add(length).unwrap_or(before).min(before);
        windows.extend(Window::new(since, next));
        since = next;
    }
    windows
}

/// What becomes of a window of which only what is younger than an edge can still be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Parts {
    /// Already read, up to the cursor.
    pub complete: Option<Window>,
    /// Out of reach until the next approval.
    pub refused: Option<Window>,
    /// Can still be read.
    pub open: Option<Window>,
}

/// Splits a window, read up to `cursor`, at the edge of what the bank still serves.
pub fn split(window: Window, cursor: Option<Timestamp>, edge: Timestamp) -> Parts {
    let Window { since, before } = window;
    let read_to = cursor.unwrap_or(since).clamp(since, before);
    if read_to >= edge {
        return Parts { open: Some(window), ..Parts::default() };
    }
    Parts {
        complete: Window::new(since, read_to),
        refused: Window::new(read_to, edge.min(before)),
        open: Window::new(edge.max(since), before),
    }
}

/// What an account's next incremental reading begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Start {
    /// Read from here on.
    pub since: Timestamp,
    /// What can no longer be read without a fresh approval, because too much time has passed.
    pub lost: Option<Window>,
}

/// How long before the oldest row that may still change a reading begins. Taste: any time at all would do.
const BEFORE_OLDEST: SignedDuration = SignedDuration::from_secs(1);

/// Where an incremental reading begins: before the oldest row that may still change, at least `reread` back,
/// without a hole behind what is covered, and never further back than the bank serves.
pub fn start(
    now: Timestamp,
    covered_to: Option<Timestamp>,
    oldest_unsettled: Option<Timestamp>,
    reread: SignedDuration,
) -> Start {
    let edge = readable_from(now);
    // Strictly before it: a row on the very edge of a window could not be missed in it.
    let oldest_unsettled = oldest_unsettled.map(|oldest| back(oldest, BEFORE_OLDEST));
    let wanted = [covered_to, oldest_unsettled, Some(back(now, reread))];
    let since = wanted.into_iter().flatten().min().unwrap_or(edge);
    Start {
        since: if covered_to.is_none() { edge } else { since.max(edge) },
        lost: covered_to.and_then(|covered_to| Window::new(covered_to, edge)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("an instant")
    }

    const fn days(count: i64) -> SignedDuration {
        SignedDuration::from_hours(count * 24)
    }

    #[test]
    fn a_long_history_is_cut_into_some_thirty_windows_and_what_stays_readable_begins_with_one() {
        let now = at("2026-11-22T12:00:00Z");
        for (opened, count) in
            [("2023-11-22T09:30:00Z", 33), ("2015-01-01T00:00:00Z", 37), ("2025-11-22T12:00:00Z", 13)]
        {
            let windows = cut(at(opened), now);
            assert_eq!(windows.len(), count, "{opened}: {windows:?}");
            assert!(windows.iter().any(|window| window.since == readable_from(now)), "{opened}: {windows:?}");
        }
    }

    #[test]
    fn a_young_account_is_one_window() {
        let now = at("2026-11-22T12:00:00Z");
        let opened = at("2026-11-01T00:00:00Z");
        assert_eq!(cut(opened, now), [Window { since: opened, before: now }]);
        assert_eq!(cut(now, now), []);
    }

    #[test]
    fn an_unreachable_window_is_kept_apart_from_what_was_read() {
        let window = Window { since: at("2026-01-01T00:00:00Z"), before: at("2026-06-01T00:00:00Z") };
        let cursor = at("2026-02-01T00:00:00Z");
        let edge = at("2026-03-01T00:00:00Z");
        let check = |cursor, edge, expected: Parts| assert_eq!(split(window, cursor, edge), expected);
        let part = |since, before| Window::new(since, before);
        check(
            Some(cursor),
            edge,
            Parts {
                complete: part(window.since, cursor),
                refused: part(cursor, edge),
                open: part(edge, window.before),
            },
        );
        check(Some(edge), cursor, Parts { open: Some(window), ..Parts::default() });
        let late = at("2026-09-01T00:00:00Z");
        check(None, late, Parts { refused: Some(window), ..Parts::default() });
        check(None, window.since, Parts { open: Some(window), ..Parts::default() });
    }

    #[test]
    fn a_reading_starts_at_what_may_still_change() {
        let now = at("2026-11-22T12:00:00Z");
        let since = |covered, unsettled| start(now, covered, unsettled, days(7));
        let week = back(now, days(7));
        let month = back(now, days(30));
        let year = back(now, days(365));
        assert_eq!(since(Some(now), None), Start { since: week, lost: None });
        // A row on the edge of a window could not be missed in it.
        assert_eq!(since(Some(now), Some(month)), Start { since: back(month, BEFORE_OLDEST), lost: None });
        assert_eq!(since(Some(month), None), Start { since: month, lost: None });
        assert_eq!(since(None, None), Start { since: readable_from(now), lost: None });
        let lost = Window::new(year, readable_from(now));
        assert_eq!(since(Some(year), None), Start { since: readable_from(now), lost });
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn windows_abut_cover_everything_and_are_never_too_long(hours in 1_i64..100_000, minutes in 0_i64..60) {
            let now = at("2026-11-22T12:00:00Z");
            let opened = back(now, SignedDuration::from_mins(hours * 60 + minutes));
            let windows = cut(opened, now);
            prop_assert_eq!(windows.first().map(|window| window.since), Some(opened));
            prop_assert_eq!(windows.last().map(|window| window.before), Some(now));
            for pair in windows.windows(2) {
                prop_assert_eq!(pair[0].before, pair[1].since);
            }
            for window in windows {
                prop_assert!(window.fits());
            }
        }

        #[test]
        fn a_split_window_is_still_the_same_window(length in 1_i64..9_000, cursor in 0_i64..9_000, edge in -100_i64..9_100) {
            let since = at("2025-01-01T00:00:00Z");
            let hours = |count| since.checked_add(SignedDuration::from_hours(count)).expect("in range");
            let window = Window { since, before: hours(length) };
            let Parts { complete, refused, open } = split(window, Some(hours(cursor)), hours(edge));
            let parts: Vec<_> = [complete, refused, open].into_iter().flatten().collect();
            prop_assert_eq!(parts.first().map(|part| part.since), Some(window.since));
            prop_assert_eq!(parts.last().map(|part| part.before), Some(window.before));
            for pair in parts.windows(2) {
                prop_assert_eq!(pair[0].before, pair[1].since);
            }
        }
    }
}
