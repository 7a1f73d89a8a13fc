//! When a life of the daemon ends: before or after a request, or between two statements to its database.
//!
//! What has died sends nothing and commits nothing more; what it had answered stays, as after a `kill -9`.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// The moment of a death, counted from when it was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Death {
    /// Just before the n-th request reaches the bank.
    Before(u64),
    /// When the bank has done the n-th request, and nobody hears of it.
    After(u64),
    /// When the n-th write transaction is on disk.
    Commit(u64),
}

/// What becomes of one life.
#[derive(Debug, Default)]
pub struct CrashPlan {
    state: Mutex<State>,
    died: Notify,
    buried: Condvar,
}

#[derive(Debug, Default)]
struct State {
    dead: bool,
    buried: bool,
    requests: u64,
    commits: u64,
    death: Option<Death>,
}

impl CrashPlan {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Decides when it dies; from now on it is counted anew.
    pub fn decide(&self, death: Option<Death>) {
        let mut state = self.state();
        (state.requests, state.commits, state.death) = (0, 0, death);
    }

    /// Requests and commits since the last decision.
    pub fn counted(&self) -> (u64, u64) {
        let state = self.state();
        (state.requests, state.commits)
    }

    pub fn dead(&self) -> bool {
        self.state().dead
    }

    /// Waits for the death.
    pub async fn death(&self) {
        while !self.dead() {
            self.died.notified().await;
        }
    }

    /// Dies now.
    pub fn die(&self) {
        self.state().dead = true;
        self.died.notify_one();
    }

    /// Counts a request that is about to leave; `None` if it does not leave any more, else its number.
    pub fn leaving(&self) -> Option<u64> {
        let mut state = self.state();
        if state.dead {
            return None;
        }
        state.requests += 1;
        let number = state.requests;
        drop(state);
        self.meets(Death::Before(number)).then_some(number)
    }

    /// The bank has done a request; `false` if nobody hears of it.
    pub fn arriving(&self, number: u64) -> bool {
        self.meets(Death::After(number))
    }

    /// Goes on, unless this is the moment.
    fn meets(&self, moment: Death) -> bool {
        let state = self.state();
        let (dead, now) = (state.dead, state.death == Some(moment));
        drop(state);
        if now {
            self.die();
        }
        !dead && !now
    }

    /// A write transaction is on disk. Of one that has died, nothing comes after: the thread stays here until the rest
    /// of it is gone, and holds the turn of whoever would write next.
    pub fn committed(&self) {
        let mut state = self.state();
        if !state.dead {
            state.commits += 1;
            if state.death == Some(Death::Commit(state.commits)) {
                state.dead = true;
                self.died.notify_one();
            }
        }
        while state.dead && !state.buried {
            state = self.buried.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// All of it but what waits in [`Self::committed`] is gone.
    pub fn bury(&self) {
        let mut state = self.state();
        (state.dead, state.buried) = (true, true);
        self.buried.notify_all();
    }
}
