//! What it means that the bank no longer lists a row: pure, and slow to conclude.
//!
//! Card authorisations do vanish, but a bank that answers badly looks just the same; so only a whole reading counts,
//! only rows that were not settled and not new are withdrawn, and too many at once are believed not at all.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use monzo_common::id::TransactionId;

/// Rows younger than this when the reading began may not be listed yet.
const SETTLING: SignedDuration = SignedDuration::from_mins(10);

/// More rows than this are never withdrawn at once.
const MOST: usize = 10;

/// From this many known rows on, the absence of all of them is not believed.
const SUSPICIOUS: usize = 5;

/// A row that was known in a window before it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// When it was created.
    pub created_at: Timestamp,
    /// Not settled, and of an account whose rows do settle.
    pub unsettled: bool,
    /// Declined, or withdrawn already: it counts for nothing, listed or not.
    pub void: bool,
}

/// The rows known in a window, less those that were seen in it.
#[derive(Debug, Default)]
pub struct ExpectedRows {
    unseen: HashMap<TransactionId, Known>,
    known: usize,
}

/// What the absences mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Absence {
    /// Withdraw these (often none), and tell of the settled ones, which stay counted.
    Gone {
        /// To be withdrawn.
        withdraw: Vec<TransactionId>,
        /// Settled, and yet no longer listed.
        settled: Vec<TransactionId>,
    },
    /// Too many to be believed.
    Held {
        /// How many would be withdrawn.
        missing: usize,
        /// How many were known.
        known: usize,
    },
}

impl ExpectedRows {
    /// Calls the expected of the rows known strictly inside a window.
    pub fn of(rows: impl IntoIterator<Item = (TransactionId, Known)>) -> Self {
        let unseen: HashMap<_, _> = rows.into_iter().filter(|(_, row)| !row.void).collect();
        Self { known: unseen.len(), unseen }
    }

    /// The bank listed this row.
    pub fn seen(&mut self, id: &TransactionId) {
        self.unseen.remove(id);
    }

    /// Concludes from a reading that was whole and began at `began`.
    pub fn conclude(self, began: Timestamp) -> Absence {
        let settled_by = began.checked_sub(SETTLING).unwrap_or(Timestamp::MIN);
        let (mut withdraw, mut settled) = (Vec::new(), Vec::new());
        let missing = self.unseen.len();
        for (id, row) in self.unseen {
            if !row.unsettled {
                settled.push(id);
            } else if row.created_at <= settled_by {
                withdraw.push(id);
            }
        }
        let all = missing == self.known && self.known >= SUSPICIOUS;
        if !withdraw.is_empty() && (withdraw.len() > MOST || all) {
            return Absence::Held { missing: withdraw.len(), known: self.known };
        }
        withdraw.sort_unstable();
        settled.sort_unstable();
        Absence::Gone { withdraw, settled }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGAN: Timestamp = Timestamp::constant(1_700_000_000, 0);

    fn known(minutes_ago: i64, unsettled: bool) -> Known {
        let created_at = BEGAN.checked_sub(SignedDuration::from_mins(minutes_ago)).expect("in range");
        Known { created_at, unsettled, void: false }
    }

    fn conclude(rows: &[(&str, Known)], seen: &[&str]) -> Absence {
        let mut expected = ExpectedRows::of(rows.iter().map(|(id, row)| (TransactionId::from(*id), *row)));
        for id in seen {
            expected.seen(&TransactionId::from(*id));
        }
        expected.conclude(BEGAN)
    }

    fn gone(withdraw: &[&str], settled: &[&str]) -> Absence {
        let ids = |texts: &[&str]| texts.iter().map(|text| TransactionId::from(*text)).collect();
        Absence::Gone { withdraw: ids(withdraw), settled: ids(settled) }
    }

    #[test]
    fn an_unsettled_row_that_is_no_longer_listed_is_withdrawn() {
        let rows = [("a", known(60, true)), ("b", known(60, true)), ("c", known(60, false))];
        assert_eq!(conclude(&rows, &["b", "c"]), gone(&["a"], &[]));
    }

    #[test]
    fn a_settled_row_is_told_of_but_never_withdrawn() {
        let rows = [("a", known(60, false)), ("b", known(60, true))];
        assert_eq!(conclude(&rows, &["b"]), gone(&[], &["a"]));
    }

    #[test]
    fn a_row_of_the_last_ten_minutes_may_just_not_be_listed_yet() {
        let rows = [("a", known(9, true)), ("b", known(60, true))];
        assert_eq!(conclude(&rows, &["b"]), gone(&[], &[]));
    }

    #[test]
    fn too_many_absences_are_not_believed() {
        let names: Vec<String> = (0..20).map(|index| format!("tx_{index:02}")).collect();
        let rows: Vec<_> = names.iter().map(|name| (name.as_str(), known(60, true))).collect();
        let seen: Vec<&str> = names.iter().skip(11).map(String::as_str).collect();
        assert_eq!(conclude(&rows, &seen), Absence::Held { missing: 11, known: 20 });
        assert!(matches!(conclude(&rows, &seen[1..]), Absence::Held { missing: 12, .. }));
        let seen: Vec<&str> = names.iter().skip(10).map(String::as_str).collect();
        assert!(matches!(conclude(&rows, &seen), Absence::Gone { withdraw, .. } if withdraw.len() == 10));
    }

    #[test]
    fn a_window_of_five_that_is_empty_all_at_once_is_not_believed() {
        let rows = ["a", "b", "c", "d", "e"].map(|name| (name, known(60, true)));
        assert_eq!(conclude(&rows, &[]), Absence::Held { missing: 5, known: 5 });
        assert_eq!(conclude(&rows[..4], &[]), gone(&["a", "b", "c", "d"], &[]));
    }

    #[test]
    fn a_declined_or_withdrawn_row_is_not_missed() {
        let mut row = known(60, true);
        row.void = true;
        assert_eq!(conclude(&[("a", row)], &[]), gone(&[], &[]));
    }
}
