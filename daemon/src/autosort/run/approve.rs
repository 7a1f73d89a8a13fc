//! Consent: a proposal is let go after a fresh sync, exactly as it was proposed, or it expires and says what changed.

use monzo_common::model::{RunStarted, RunState};

use crate::autosort::Sorter;
use crate::autosort::decide::check;
use crate::autosort::decide::world::World;
use crate::autosort::run::finish::title;
use crate::autosort::run::propose::{SorterError, commit, started};
use crate::events::Kind;
use crate::store::{StoreError, StoredRun};

impl Sorter {
    /// The run that is meant: by id, or the only one that a rule has proposed. What a person asked for and did not
    /// approve is not found without its id, so that no later yes to something else can move it.
    pub(crate) async fn waiting_one(&self, id: Option<&str>) -> Result<StoredRun, SorterError> {
        if let Some(id) = id {
            let id = id.to_owned();
            return Ok(self.store.read(move |reader| reader.run(&id)).await?);
        }
        let open = self.store.read(|reader| reader.unfinished_runs()).await?;
        let mut waiting = open
            .into_iter()
            .filter(|run| matches!(run.state, RunState::Proposed | RunState::Withheld) && !run.by_hand());
        match (waiting.next(), waiting.next()) {
            (None, _) => Err(SorterError::Conflict("no run waits for approval".to_owned())),
            (Some(only), None) => Ok(only),
            (Some(one), Some(other)) => {
                let both = format!("{} and {}", one.id, other.id);
                Err(StoreError::Ambiguous("the run that waits".to_owned(), both).into())
            }
        }
    }

    /// Lets a proposed run go, if its moves are still admissible after a fresh sync; the only one of a rule, if none is
    /// named.
    ///
    /// It goes on whether or not the caller stays.
    ///
    /// # Errors
    /// [`SorterError`].
    pub async fn approve(&self, id: Option<&str>) -> Result<RunStarted, SorterError> {
        let run = self.waiting_one(id).await?;
        let (sorter, run_id) = (self.clone(), run.id.clone());
        let approving = self.tracker.spawn(async move { sorter.let_go(&run_id, "person").await });
        match approving.await {
            Ok(answer) => answer,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => Err(StoreError::Stopping.into()),
        }
    }

    pub(crate) async fn let_go(&self, id: &str, by: &'static str) -> Result<RunStarted, SorterError> {
        let _one_by_one = self.0.approving.lock().await;
        let asked = id.to_owned();
        let run = self.store.read(move |reader| reader.run(&asked)).await?;
        if let Some(answer) = not_waiting(&run) {
            return self.answer(answer).await;
        }
        if let Some(why) = self.held(&run).await? {
            return Err(SorterError::Held(why));
        }
        self.read_bank().await?;
        let world = self.world().await?;
        let read = world.account(&run.account_id);
        if let Some(error) = read.and_then(|account| account.error.clone()) {
            return Err(SorterError::Unread(error));
        }
        let changed = self.inadmissible(&run, &world).await?;
        if !changed.is_empty() {
            return self.overtaken(&run, &changed.join("; ")).await;
        }
        let floor = world.account(&run.account_id).map(check::floor);
        let (id, now, state) = (run.id.clone(), self.clock.now(), run.state);
        let approved = self.store.write(move |writer| {
            if !writer.step_run(&id, state, RunState::Approved, None, None)? {
                return Ok(None);
            }
            writer.run_approved(&id, by, floor, now)?;
            let run = writer.run(&id)?;
            if let Some(hash) = &run.rule_hash {
                writer.rule_proven(&run.rule, hash)?;
            }
            commit(writer, &run)?;
            Ok(Some(run))
        });
        let Some(run) = approved.await? else {
            return self.answer((run.id, "it changed meanwhile", false)).await;
        };
        self.metrics.run("approved");
        self.tell(&run, Kind::RunApproved, format!("{} was let go", title(&run))).await;
        self.measure().await?;
        self.nudge();
        self.answer((run.id, "approved; it begins now", true)).await
    }

    /// What keeps a run's moves from being made as they were planned.
    async fn inadmissible(&self, run: &StoredRun, world: &World) -> Result<Vec<String>, SorterError> {
        let transfers: Vec<_> = run.moves.iter().map(|one| one.transfer.clone()).collect();
        let found = check::check(&transfers, world, &check::Limits::default());
        let mut found: Vec<String> = found.into_iter().map(|violation| violation.reason).collect();
        if run.rule_hash.is_some() {
            match self.rule(&run.rule) {
                Some(rule) => found.extend(self.changed(&rule, run).await?),
                None => found.push(format!("there is no rule ‘{}’ any more", run.rule)),
            }
        }
        Ok(found)
    }

    /// A proposal that no longer fits ends.
    async fn overtaken(&self, run: &StoredRun, why: &str) -> Result<RunStarted, SorterError> {
        self.let_expire(run, why, format!("{} no longer fits: {why}", title(run))).await?;
        self.nudge();
        if let Some(rule) = self.rule(&run.rule).filter(|_| run.rule_hash.is_some())
            && let Some(new) = self.propose_anew(&rule, run).await?
        {
            let message = format!("{} no longer fits and has expired ({why}); this is what fits now", run.id);
            return Ok(started(new, &message));
        }
        self.answer((run.id.clone(), "it no longer fits and has expired", true)).await
    }

    pub(crate) async fn answer(
        &self,
        (id, message, changed): (String, &str, bool),
    ) -> Result<RunStarted, SorterError> {
        let run = self.run_of(&id).await?;
        let message = match &run.reason {
            Some(reason) if run.state == RunState::Expired => format!("{message}: {reason}"),
            _ => message.to_owned(),
        };
        Ok(RunStarted { run: Some(run), message, changed, left_out: Vec::new() })
    }
}

/// What to answer about a run that does not wait for approval.
fn not_waiting(run: &StoredRun) -> Option<(String, &'static str, bool)> {
    let message = match run.state {
        RunState::Proposed | RunState::Withheld => return None,
        RunState::Approved | RunState::Waiting | RunState::Executing => "it was approved already",
        RunState::Done | RunState::Partial | RunState::Failed => "it has run already",
        RunState::Expired => "it has expired",
        RunState::Rejected => "it was rejected",
        RunState::Cancelled => "it was cancelled",
    };
    Some((run.id.clone(), message, false))
}
