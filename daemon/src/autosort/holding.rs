//! Saying no: to a proposal, to a run that is under way, to everything, or to one rule.

use jiff::Timestamp;
use monzo_common::model::{FreezeChange, RunStarted, RunState};

use super::books::End;
use super::ending::title;
use super::proposals::SorterError;
use super::{Sorter, journal};
use crate::events::{Happened, Kind};

impl Sorter {
    /// Says no to a proposed run. A no to a run that a person had asked for leaves its rule's occurrence open: the rule
    /// may still propose it.
    ///
    /// # Errors
    /// [`SorterError`].
    pub async fn reject(&self, id: &str) -> Result<RunStarted, SorterError> {
        let run = self.waiting_one(Some(id)).await?;
        if run.state == RunState::Rejected {
            return self.answer((run.id, "it was rejected already", false)).await;
        }
        if !journal::run_may(run.state, RunState::Rejected) {
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
        self.answer((run.id, "rejected", true)).await
    }

    /// Ends a run: what is unsent stays unsent, and what is left over goes back.
    ///
    /// # Errors
    /// [`SorterError`].
    pub async fn cancel(&self, id: &str) -> Result<RunStarted, SorterError> {
        let run = self.waiting_one(Some(id)).await?;
        if matches!(run.state, RunState::Proposed | RunState::Withheld) {
            return self.reject(&run.id).await;
        }
        if journal::ended(run.state) {
            return self.answer((run.id, "it has ended already", false)).await;
        }
        let id = run.id.clone();
        let changed = self.store.write(move |writer| writer.cancel_run(&id)).await?;
        self.nudge();
        let message =
            if changed { "it ends; what is left over goes back" } else { "it is being cancelled already" };
        self.answer((run.id, message, changed)).await
    }

    /// Holds everything back, or one rule.
    ///
    /// # Errors
    /// [`SorterError`].
    pub async fn freeze(
        &self,
        rule: Option<String>,
        until: Option<Timestamp>,
        reason: Option<String>,
    ) -> Result<FreezeChange, SorterError> {
        let now = self.clock.now();
        if until.is_some_and(|until| until <= now) {
            return Err(SorterError::Conflict("that time has passed".to_owned()));
        }
        self.known_rule(rule.as_deref())?;
        let reason = reason.unwrap_or_else(|| "by hand".to_owned());
        let (kept, why) = (rule.clone(), reason.clone());
        let changed =
            self.store.write(move |writer| writer.freeze(kept.as_deref(), until, &why, now)).await?;
        self.held_or_not(rule, changed, Kind::SorterFrozen, &format!("is frozen: {reason}")).await
    }

    /// Lets everything, or one rule, go on.
    ///
    /// # Errors
    /// [`SorterError`].
    pub async fn thaw(&self, rule: Option<String>) -> Result<FreezeChange, SorterError> {
        let kept = rule.clone();
        let changed = self.store.write(move |writer| writer.thaw(kept.as_deref())).await?;
        self.held_or_not(rule, changed, Kind::SorterThawed, "goes on").await
    }

    /// Lets a pot be tried again that the bank refused to move for anybody but the app.
    ///
    /// # Errors
    /// [`SorterError`].
    pub async fn thaw_pot(&self, pot: &str) -> Result<FreezeChange, SorterError> {
        let books = self.books().await?;
        let End::Pot(id) = books.find_any(pot)? else {
            let message = format!("‘{pot}’ is an account; only pots are left to the app");
            return Err(SorterError::Conflict(message));
        };
        let thawed = id.clone();
        let changed = self.store.write(move |writer| writer.thaw_pot(&thawed)).await?;
        if changed {
            let message = format!("the pot {} may be tried again", books.pot_name(&id));
            self.journal.record(Happened::new(Kind::PotThawed, message).pot(id.as_str())).await;
            self.nudge();
        }
        Ok(FreezeChange { freezes: self.freezes().await?, changed })
    }

    async fn held_or_not(
        &self,
        rule: Option<String>,
        changed: bool,
        kind: Kind,
        what: &str,
    ) -> Result<FreezeChange, SorterError> {
        if changed {
            let happened = match rule {
                Some(rule) => Happened::new(kind, format!("the rule {rule} {what}")).rule(rule),
                None => Happened::new(kind, format!("the sorter {what}")),
            };
            self.journal.record(happened).await;
            self.measure().await?;
            self.nudge();
        }
        Ok(FreezeChange { freezes: self.freezes().await?, changed })
    }

    fn known_rule(&self, rule: Option<&str>) -> Result<(), SorterError> {
        let Some(name) = rule else { return Ok(()) };
        let known = self.settings.borrow().sorter.rules.iter().any(|rule| rule.name == name);
        if known { Ok(()) } else { Err(SorterError::NoRule(name.to_owned())) }
    }
}
