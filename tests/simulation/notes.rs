//! What happened, for whoever reads of a failure, and what should not have.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

/// Events that are kept for a failure. Taste.
const KEPT: usize = 120;

/// The notes of one scenario, over all its lives.
#[derive(Debug, Clone, Default)]
pub struct Notes(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    lines: VecDeque<String>,
    wrong: Vec<String>,
}

impl Notes {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something happened.
    pub fn note(&self, at: Timestamp, what: &str) {
        let mut inner = self.inner();
        if inner.lines.len() == KEPT {
            inner.lines.pop_front();
        }
        inner.lines.push_back(format!("{at} {what}"));
    }

    /// Something happened that must not.
    pub fn wrong(&self, what: impl Into<String>) {
        let what = what.into();
        let mut inner = self.inner();
        inner.lines.push_back(format!("WRONG: {what}"));
        inner.wrong.push(what);
    }

    /// Panics if anything was wrong, with what came before it.
    pub fn assert_right(&self, scenario: &str) {
        let inner = self.inner();
        let lines = || inner.lines.iter().cloned().collect::<Vec<_>>().join("\n");
        assert!(inner.wrong.is_empty(), "{scenario}:\n{}\n{}", lines(), inner.wrong.join("\n"));
    }
}
