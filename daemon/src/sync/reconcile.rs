//! Whether the rows explain the bank's balance, and what to think of it when they do not.
//!
//! The anchor is the balance at the start of the unbroken history: zero where that is the account's opening.
//! A difference counts only when two syncs in a row find the same one, because the bank's answers are no snapshot.

use jiff::{SignedDuration, Timestamp};

use crate::clock::elapsed;

/// A known balance at an instant, from which rows are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Anchor {
    /// Rows from here on are counted.
    pub at: Timestamp,
    /// Minor units just before `at`.
    pub balance: i64,
}

/// The anchor to go by: kept as long as the history begins where it did, made anew when it reaches further back.
///
/// `sum` is of the rows since `covered_from`, and `opened` whether that is the account's opening.
pub fn anchor(kept: Option<Anchor>, covered_from: Timestamp, opened: bool, balance: i64, sum: i64) -> Anchor {
    match kept {
        _ if opened => Anchor { at: covered_from, balance: 0 },
        Some(kept) if kept.at == covered_from => kept,
        _ => Anchor { at: covered_from, balance: balance.saturating_sub(sum) },
    }
}

/// How long the stored sums are believed before every row is counted again. Taste: as often as the last 88 days are
/// read again.
const BELIEVED: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Whether every row is to be counted again, rather than the stored sums believed.
pub fn recount_due(counted_at: Option<Timestamp>, now: Timestamp) -> bool {
    counted_at.and_then(|at| elapsed(at, now)).is_none_or(|gone| gone >= BELIEVED)
}

/// The bank's balance less the anchor and the rows since, in minor units.
pub fn difference(anchor: Anchor, balance: i64, sum: i64) -> i64 {
    balance.saturating_sub(anchor.balance).saturating_sub(sum)
}

/// What to tell about a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// Nothing: there is none, it was told already, or it may pass.
    Nothing,
    /// The same difference twice in a row.
    Found(i64),
    /// A difference that was told is gone.
    Gone,
}

/// Compares with the sync before; `told` is the difference that a person has been told of.
pub fn finding(before: Option<i64>, now: i64, told: Option<i64>) -> Finding {
    match told {
        Some(told) if told == now => Finding::Nothing,
        Some(_) if now == 0 => Finding::Gone,
        _ if now != 0 && before == Some(now) => Finding::Found(now),
        _ => Finding::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complete_history_is_counted_from_zero() {
        let opening = Timestamp::UNIX_EPOCH;
        let anchor = anchor(None, opening, true, 1_000, 900);
        assert_eq!(anchor, Anchor { at: opening, balance: 0 });
        assert_eq!(difference(anchor, 1_000, 900), 100);
    }

    #[test]
    fn a_partial_history_is_counted_from_what_was_there() {
        let from = Timestamp::UNIX_EPOCH;
        let first = anchor(None, from, false, 1_000, 300);
        assert_eq!(first.balance, 700);
        let kept = anchor(Some(first), from, false, 1_500, 300);
        assert_eq!(kept, first);
        assert_eq!(difference(kept, 1_500, 300), 500);
    }

    #[test]
    fn every_row_is_counted_once_a_week_and_when_a_clock_was_wrong() {
        let now = Timestamp::UNIX_EPOCH;
        let ago = |days: i64| now.checked_sub(SignedDuration::from_hours(24 * days)).expect("in range");
        let due = |counted_at| recount_due(counted_at, now);
        assert_eq!([None, Some(ago(6)), Some(ago(7)), Some(ago(-400))].map(due), [true, false, true, true]);
    }

    #[test]
    fn only_a_difference_that_stays_is_told_and_only_once() {
        let check = |before, now, told, expected| {
            assert_eq!(finding(before, now, told), expected, "{before:?} then {now}, told {told:?}");
        };
        check(None, 5, None, Finding::Nothing);
        check(Some(3), 5, None, Finding::Nothing);
        check(Some(5), 5, None, Finding::Found(5));
        check(Some(5), 5, Some(5), Finding::Nothing);
        check(Some(5), 0, Some(5), Finding::Gone);
        check(Some(7), 7, Some(5), Finding::Found(7));
        check(Some(0), 0, None, Finding::Nothing);
    }
}
