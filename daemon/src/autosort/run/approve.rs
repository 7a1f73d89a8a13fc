//! Approval: after a fresh sync a proposal is approved exactly as it was proposed, or it expires and says what changed.

use monzo_common::model::{Approver, RunStarted, RunState};

use crate::autosort::decide::check;
use crate::autosort::decide::decision::{self, Purpose};
use crate::autosort::decide::guard::Verdict;
use crate::autosort::query::runs;
use crate::autosort::run::error::SorterError;
use crate::autosort::run::finish::title;
use crate::autosort::run::proposal::{self, Context, Draft, Proposal, commit};
use crate::autosort::run::propose::started;
use crate::autosort::snapshot::{self, Snapshot, trigger_inputs};
use crate::autosort::{Sorter, held};
use crate::events::Kind;
use crate::store::{StoreError, StoredRun, Writer};

/// What came of deciding about an approval.
enum Approval {
    /// Its transfers are committed.
    Approved(Box<StoredRun>),
    /// It ended, or was approved, while the bank was read.
    Changed,
    /// It has expired.
    NoLongerFits(Box<Expired>),
}

/// A run that no longer fitted when it was to be approved.
struct Expired {
    run: StoredRun,
    /// What changed.
    why: String,
    /// What fits now.
    new: Option<Proposal>,
}

impl Sorter {
    /// The run that is meant: by id, or the only one that a rule has proposed. What a person asked for and did not
    /// approve is not found without its id, so that approving something else can never move it.
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

    /// Approves a proposed run, if its moves are still admissible after a fresh sync; the only one of a rule, if none
    /// is named. It goes on whether or not the caller stays.
    pub async fn approve(&self, id: Option<&str>) -> Result<RunStarted, SorterError> {
        let run = self.waiting_one(id).await?;
        let (sorter, run_id) = (self.clone(), run.id.clone());
        let approving = self.tracker.spawn(async move { sorter.approve_run(&run_id).await });
        match approving.await {
            Ok(answer) => answer,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => Err(StoreError::Stopping.into()),
        }
    }

    /// Approves a run for the person who asked.
    pub(crate) async fn approve_run(&self, id: &str) -> Result<RunStarted, SorterError> {
        let _one_by_one = self.0.approving.lock().await;
        let asked = id.to_owned();
        let run = self.store.read(move |reader| reader.run(&asked)).await?;
        if let Some(message) = not_waiting(run.state) {
            return self.answer(&run.id, message, false).await;
        }
        if let Some(why) = self.held(&run).await? {
            return Err(SorterError::Held(why));
        }
        self.read_bank().await?;
        let (context, id) = (self.context()?, run.id.clone());
        match self.transact(move |writer| approve(writer, &context, &id)).await? {
            Approval::Changed => self.answer(&run.id, "it changed meanwhile", false).await,
            Approval::Approved(run) => {
                self.metrics.run("approved");
                self.tell(&run, Kind::RunApproved, format!("{} was approved", title(&run))).await;
                self.measure().await?;
                self.nudge();
                self.answer(&run.id, "approved; it begins now", true).await
            }
            Approval::NoLongerFits(expired) => {
                let Expired { run, why, new } = *expired;
                self.metrics.run("expired");
                let message = format!("{} no longer fits: {why}", title(&run));
                self.tell(&run, Kind::RunExpired, message).await;
                self.nudge();
                let Some(new) = new else {
                    return self.answer(&run.id, "it no longer fits and has expired", true).await;
                };
                self.announce(&new).await?;
                let message =
                    format!("{} no longer fits and has expired ({why}); this is what fits now", run.id);
                Ok(started(new.run, &message))
            }
        }
    }

    /// The answer about a run, as it stands now.
    pub(crate) async fn answer(
        &self,
        id: &str,
        message: &str,
        changed: bool,
    ) -> Result<RunStarted, SorterError> {
        let run = runs::run_of(self, id).await?;
        let message = match &run.reason {
            Some(reason) if run.state == RunState::Expired => format!("{message}: {reason}"),
            _ => message.to_owned(),
        };
        Ok(RunStarted { run: Some(run), message, changed, left_out: Vec::new() })
    }
}

/// Approves a run in this transaction, or ends it and proposes what fits now.
fn approve(writer: &Writer<'_>, context: &Context, id: &str) -> Result<Approval, SorterError> {
    let (settings, now) = (&context.settings, context.moment.at);
    let run = writer.run(id)?;
    if not_waiting(run.state).is_some() {
        return Ok(Approval::Changed);
    }
    if let Some(why) = held(&writer.freezes(now)?, settings, &run) {
        return Err(SorterError::Held(why));
    }
    let rule = run.rule_hash.as_ref().and_then(|_| settings.rule(&run.rule));
    let snapshot = match rule {
        Some(rule) => Some(Snapshot::read(writer, settings, rule, context.moment)?),
        None => None,
    };
    let world = match &snapshot {
        Some(snapshot) => snapshot.world.clone(),
        None => snapshot::world::read(writer, settings, now)?,
    };
    let account = world.account(&run.account_id);
    if let Some(error) = account.and_then(|account| account.error.clone()) {
        return Err(SorterError::Unread(error));
    }
    let transfers: Vec<_> = run.moves.iter().map(|one| one.transfer.clone()).collect();
    let violations = check::check(&transfers, &world, &check::Limits::default());
    let mut changes: Vec<String> = violations.into_iter().map(|violation| violation.reason).collect();
    let income = trigger_inputs::credit_of(writer, &run.rule, run.occurrence.as_deref())?;
    let payday = run.occurrence.as_deref().and_then(|key| key.parse().ok());
    match &snapshot {
        Some(snapshot) => {
            let purpose = Purpose { income, payday, ..Purpose::default() };
            changes.extend(decision::changed(snapshot, &run.plan, &purpose));
        }
        None if run.rule_hash.is_some() => changes.push(format!("there is no rule ‘{}’ any more", run.rule)),
        None => {}
    }
    if changes.is_empty() {
        writer.step_run(&run.id, run.state, RunState::Approved, None, None)?;
        writer.run_approved(&run.id, Approver::Person, account.map(check::floor), now)?;
        if let Some(hash) = &run.rule_hash {
            writer.rule_proven(&run.rule, hash)?;
        }
        let run = writer.run(&run.id)?;
        commit(writer, &run)?;
        return Ok(Approval::Approved(Box::new(run)));
    }
    let why = changes.join("; ");
    writer.end_run(&run.id, run.state, RunState::Expired, Some(&why), now)?;
    let new = match &snapshot {
        Some(snapshot) => propose_anew(writer, context, snapshot, &run, income)?,
        None => None,
    };
    Ok(Approval::NoLongerFits(Box::new(Expired { run, why, new })))
}

/// A new proposal in the place of one that no longer fits, where there is something to propose.
fn propose_anew(
    writer: &Writer<'_>,
    context: &Context,
    snapshot: &Snapshot,
    old: &StoredRun,
    income: Option<i64>,
) -> Result<Option<Proposal>, SorterError> {
    let purpose = Purpose { approved: true, income, ..Purpose::default() };
    let decision = decision::decide(snapshot, &purpose);
    if !matches!(decision.verdict, Verdict::Allowed | Verdict::Proposed(_)) {
        return Ok(None);
    }
    let draft = Draft::of_rule(context, &snapshot.rule, decision, old.occurrence.clone(), old.cause)?;
    match proposal::propose(writer, context, draft) {
        Ok(new) => Ok(Some(new)),
        Err(SorterError::Store(error)) => Err(error.into()),
        // What ended stays ended: a refusal to propose must not undo that.
        Err(_) => Ok(None),
    }
}

/// What to answer about a run that does not wait for approval.
const fn not_waiting(state: RunState) -> Option<&'static str> {
    match state {
        RunState::Proposed | RunState::Withheld => None,
        RunState::Approved | RunState::Waiting | RunState::Executing => Some("it was approved already"),
        RunState::Done | RunState::Partial | RunState::Failed => Some("it has run already"),
        RunState::Expired => Some("it has expired"),
        RunState::Rejected => Some("it was rejected"),
        RunState::Cancelled => Some("it was cancelled"),
    }
}
