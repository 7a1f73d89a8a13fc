//! Rejecting a proposal, and cancelling a run that is under way.

use monzo_common::model::{RunStarted, RunState};

use crate::autosort::Sorter;
use crate::autosort::run::error::SorterError;
use crate::autosort::run::finish::title;
use crate::autosort::run::state;
use crate::events::Kind;

impl Sorter {
    /// Says no to a proposed run. A no to a run that a person had asked for leaves its rule's occurrence open: the rule
    /// may still propose it.
    pub async fn reject(&self, id: &str) -> Result<RunStarted, SorterError> {
        let run = self.waiting_one(Some(id)).await?;
        if run.state == RunState::Rejected {
            return self.answer(&run.id, "it was rejected already", false).await;
        }
        if !state::run_may(run.state, RunState::Rejected) {
            let message = format!("{} no longer waits for approval", run.id);
            return Err(SorterError::Conflict(message));
        }
        let (kept, now) = (run.clone(), self.clock.now());
        let keeps_occurrence = run.by_hand() && run.occurrence.is_some();
        let rejected = self.store.write(move |writer| {
            let (to, why) = if keeps_occurrence {
                (RunState::Expired, Some("whoever asked for it did not approve it"))
            } else {
                (RunState::Rejected, None)
            };
            writer.end_run(&kept.id, kept.state, to, why, now)
        });
        if !rejected.await? {
            return Err(SorterError::Conflict(format!("{} no longer waits for approval", run.id)));
        }
        self.metrics.run(if keeps_occurrence { "expired" } else { "rejected" });
        self.tell(&run, Kind::RunRejected, format!("{} was rejected", title(&run))).await;
        self.measure().await?;
        self.answer(&run.id, "rejected", true).await
    }

    /// Ends a run: what is unsent stays unsent, and what is left over goes back.
    pub async fn cancel(&self, id: &str) -> Result<RunStarted, SorterError> {
        let run = self.waiting_one(Some(id)).await?;
        if matches!(run.state, RunState::Proposed | RunState::Withheld) {
            return self.reject(&run.id).await;
        }
        if state::ended(run.state) {
            return self.answer(&run.id, "it has ended already", false).await;
        }
        let id = run.id.clone();
        let changed = self.store.write(move |writer| writer.cancel_run(&id)).await?;
        self.nudge();
        let message =
            if changed { "it ends; what is left over goes back" } else { "it is being cancelled already" };
        self.answer(&run.id, message, changed).await
    }
}
