//! What the log says of users without a role: one line a user a minute, so that nobody can fill the journal.
//!
//! The metric `monzod_rpc_refused_total` counts every one of them.

use std::collections::HashMap;
use std::time::Duration;

/// How often a user can be in the log.
pub const EVERY: Duration = Duration::from_secs(60);

/// Users that are told apart within a minute; the others share one line. Taste.
const TOLD_APART: usize = 16;

/// Refusals since each user's last line.
#[derive(Debug, Default)]
pub struct Strangers(HashMap<Option<u32>, u64>);

/// A line that is due: for which user, `None` being all others, and how many refusals it stands for.
#[derive(Debug, PartialEq, Eq)]
pub struct Line {
    /// The user.
    pub uid: Option<u32>,
    /// How many connections of theirs were refused.
    pub refused: u64,
}

impl Strangers {
    /// A user was refused; the first time within a minute is told at once.
    pub fn refused(&mut self, uid: u32) -> Option<Line> {
        let known = self.0.contains_key(&Some(uid));
        let key = (known || self.0.len() < TOLD_APART).then_some(uid);
        if let Some(since) = self.0.get_mut(&key) {
            *since += 1;
            return None;
        }
        self.0.insert(key, 0);
        Some(Line { uid: key, refused: 1 })
    }

    /// A minute is over: what has come since the first of it is told, and who has not come again is forgotten.
    pub fn minute(&mut self) -> Vec<Line> {
        self.0.retain(|_, since| *since > 0);
        let mut lines: Vec<Line> = self
            .0
            .iter_mut()
            .map(|(uid, since)| Line { uid: *uid, refused: std::mem::take(since) })
            .collect();
        lines.sort_by_key(|line| line.uid);
        lines
    }
}

impl Line {
    /// Writes it.
    pub fn log(&self) {
        let uid = self.uid.map_or_else(|| "others".to_owned(), |uid| uid.to_string());
        match self.refused {
            1 => tracing::info!(uid, "a connection of a user without a role was refused"),
            many => tracing::info!(uid, "{many} connections of a user without a role were refused"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_storm_is_one_line_at_once_and_one_a_minute() {
        let mut strangers = Strangers::default();
        let at_once: Vec<_> = (0..37_500).filter_map(|_| strangers.refused(1002)).collect();
        assert_eq!(at_once, [Line { uid: Some(1002), refused: 1 }]);
        assert_eq!(strangers.minute(), [Line { uid: Some(1002), refused: 37_499 }]);
        assert_eq!(strangers.refused(1002), None, "the line of this minute is written");
        assert_eq!(strangers.minute(), [Line { uid: Some(1002), refused: 1 }]);
        assert_eq!(strangers.minute(), []);
        assert!(strangers.0.is_empty(), "who stays away is forgotten");
        assert!(strangers.refused(1002).is_some());
    }

    #[test]
    fn users_have_lines_of_their_own_as_long_as_they_are_few() {
        let mut strangers = Strangers::default();
        let lines: Vec<_> = (0..60_000).filter_map(|uid| strangers.refused(uid)).collect();
        assert_eq!(lines.len(), TOLD_APART + 1);
        assert_eq!(lines[TOLD_APART].uid, None);
    }
}
