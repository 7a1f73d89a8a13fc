//! After each sync: which rules are due, what each would do, and whether it runs, is proposed, or waits.
//!
//! Rules that are due together go in the order of the files, each planned after the sync that follows the one before.
//! An occurrence whose keys the bank knows already is spent, whatever the database remembers (autosort/README.md, Exactly once).

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use monzo_common::model::{OccurrenceState, RunState, SyncState};

use crate::autosort::decide::decision::{self, off, text_hash};
use crate::autosort::decide::guard;
use crate::autosort::decide::names::{Resolved, resolve};
use crate::autosort::decide::occurrence::{
    self, Begin, CreditRow, History, Occurrence, OccurrenceInputs, State, Subject, Synced, Why,
};
use crate::autosort::decide::{calendar, quiet_hours};
use crate::autosort::run::error::SorterError;
use crate::autosort::run::finish::title;
use crate::autosort::run::proposal::{self, Context};
use crate::autosort::run::take_up::{TakenUp, income_of, take_up};
use crate::autosort::snapshot::trigger_inputs;
use crate::autosort::snapshot::trigger_inputs::{income_accounts, watches};
use crate::autosort::{Sorter, run, snapshot};
use crate::clock::TOLERATED_SKEW;
use crate::events::Kind;
use crate::rule::{Rule, Trigger};
use crate::store::{StoreError, StoredOccurrence, StoredRun, StoredWatch, Writer};

/// A rule with all that its triggers are told.
pub(crate) struct Due {
    pub(crate) rule: Rule,
    resolved: Resolved,
    evaluation: occurrence::Evaluation,
}

impl Sorter {
    /// Looks at every rule after a sync (`synced` is its id, and whether a run made it), and approves or proposes what is due.
    pub(crate) async fn fire(&self, synced: Option<(String, bool)>) -> Result<(), SorterError> {
        let settings = self.settings();
        let names: Vec<String> = settings.sorter.rules.iter().map(|rule| rule.name.clone()).collect();
        self.store.write(move |writer| writer.retire_rules(&names)).await?;
        if settings.sorter.rules.is_empty() || self.user().await.is_err() {
            self.set_next(None);
            if settings.sorter.rules.is_empty() {
                self.end_withheld(&BTreeSet::new()).await?;
            }
            return Ok(());
        }
        let credits = Arc::new(trigger_inputs::credits(self).await?);
        let mut next: Option<Timestamp> = None;
        let under_way = self.under_way().await?;
        let mut went = under_way;
        let mut open = BTreeSet::new();
        let apart = guard::excess_skew(self.clock.skew()).is_some();
        for rule in settings.sorter.rules.clone() {
            let due = self.evaluate(rule, &credits, synced.as_ref()).await?;
            let now = self.clock.now();
            for one in &due.evaluation.occurrences {
                self.note(&due, one).await?;
                // What was still to come when it was looked at may be due by now.
                if one.state == State::Coming || (one.state == State::Waiting && one.at > now) {
                    next = Some(next.map_or(one.at, |known: Timestamp| known.min(one.at)));
                }
                if one.state == State::Open {
                    open.insert((due.rule.name.clone(), one.key.clone()));
                }
                if one.state != State::Open || apart || self.adopt(&due, one).await? || went {
                    continue;
                }
                if synced.is_none() {
                    // It came due while nobody looked: the sync that it is planned after is due at once.
                    next = if self.untouched(&due.rule, one).await? { Some(now) } else { next };
                    continue;
                }
                match self.take_up(&due, one).await? {
                    Outcome::Runs => went = true,
                    Outcome::QuietUntil(until) => next = Some(next.map_or(until, |known| known.min(until))),
                    Outcome::Nothing => {}
                }
            }
        }
        if synced.is_some() {
            self.end_withheld(&open).await?;
        }
        self.set_next(next);
        Ok(())
    }

    async fn under_way(&self) -> Result<bool, SorterError> {
        let open = self.store.read(|reader| reader.unfinished_runs()).await?;
        Ok(open.iter().any(|run| !matches!(run.state, RunState::Proposed | RunState::Withheld)))
    }

    /// What the triggers of a rule say now: accepted, looked at and noted in one transaction.
    async fn evaluate(
        &self,
        rule: Rule,
        credits: &Arc<Vec<CreditRow>>,
        synced: Option<&(String, bool)>,
    ) -> Result<Due, SorterError> {
        let (context, confirmed) = (self.context()?, self.clock.confirmed());
        let (credits, synced) = (Arc::clone(credits), synced.cloned());
        self.transact(move |writer| {
            Ok(evaluate(writer, &context, confirmed, rule, &credits, synced.as_ref())?)
        })
        .await
    }

    /// Stores how an occurrence stands, so that `why` can say it.
    async fn note(&self, due: &Due, one: &Occurrence) -> Result<(), SorterError> {
        let rule = &due.rule;
        let account = due.resolved.source.as_ref().map(|source| &source.account.id);
        let (state, reason) = match one.state {
            State::Coming => return Ok(()),
            State::Waiting => {
                (OccurrenceState::Open, Some("its day has come, and the income has not".to_owned()))
            }
            State::Open => (OccurrenceState::Open, None),
            State::Used => (OccurrenceState::Used, None),
            State::Missed => {
                (OccurrenceState::Missed, Some("it was before the rule, or read too late".to_owned()))
            }
            State::Over => (OccurrenceState::Over, None),
        };
        let kept = StoredOccurrence {
            rule: rule.name.clone(),
            key: one.key.clone(),
            due_at: one.at,
            ends_at: one.until,
            credit: income_of(one, account),
            transaction_id: one.credit.as_ref().map(|credit| credit.id.to_string()),
            only_proposed: matches!(&one.begin, Begin::Propose(why) if why.contains(&Why::Further)),
            state,
            reason,
        };
        let now = self.clock.now();
        Ok(self.store.write(move |writer| writer.note_occurrence(&kept, now)).await?)
    }

    /// Decides about an occurrence that is due, in one transaction, and tells what came of it.
    async fn take_up(&self, due: &Due, one: &Occurrence) -> Result<Outcome, SorterError> {
        let (context, rule, one) = (self.context()?, due.rule.clone(), one.clone());
        let account = due.resolved.source.as_ref().map(|source| source.account.id.clone());
        let (hours, deadline) = (context.settings.sorter.quiet_hours, context.settings.sorter.move_deadline);
        let taken =
            self.transact(move |writer| take_up(writer, &context, &rule, account.as_ref(), &one)).await?;
        match taken {
            TakenUp::Nothing => {}
            TakenUp::Dropped { run, why } => self.tell_dropped(&run, &why).await,
            TakenUp::Withheld { new, why, only_quiet_hours } => {
                if let Some(run) = new {
                    self.metrics.run("withheld");
                    let message = format!("the rule {} is held back: {why}", run.rule);
                    self.tell(&run, Kind::RunWithheld, message).await;
                }
                let ends = quiet_hours::until(hours, deadline, &calendar::london(), self.clock.now());
                if let Some(until) = ends.filter(|_| only_quiet_hours) {
                    return Ok(Outcome::QuietUntil(until));
                }
            }
            TakenUp::Proposed(proposal) => self.announce(&proposal).await?,
            TakenUp::Approved(proposal) => {
                self.announce_superseded(&proposal).await;
                let run = &proposal.run;
                self.metrics.run("approved");
                self.tell(run, Kind::RunApproved, format!("the rule {} runs by itself", run.rule)).await;
                self.nudge();
                return Ok(Outcome::Runs);
            }
        }
        Ok(Outcome::Nothing)
    }

    /// Ends what a guard held back for an occurrence that is no longer open.
    async fn end_withheld(&self, open: &BTreeSet<(String, String)>) -> Result<(), SorterError> {
        let unfinished = self.store.read(|reader| reader.unfinished_runs()).await?;
        let held_back = unfinished.into_iter().filter(|run| run.state == RunState::Withheld);
        for run in held_back {
            let key = run.occurrence.clone().map(|key| (run.rule.clone(), key));
            if key.is_some_and(|key| !open.contains(&key)) {
                self.drop_withheld(&run, "its occurrence is over").await?;
            }
        }
        Ok(())
    }

    /// Ends a run that was held back.
    async fn drop_withheld(&self, run: &StoredRun, why: &str) -> Result<(), SorterError> {
        Ok(self.expire_run(run, why, format!("{} is held back no more: {why}", title(run))).await?)
    }

    /// Tells that a run which a guard held back has ended.
    async fn tell_dropped(&self, run: &StoredRun, why: &str) {
        self.metrics.run("expired");
        self.tell(run, Kind::RunExpired, format!("{} is held back no more: {why}", title(run))).await;
    }

    /// The nearest occurrence of a rule that a person may run by hand: its key, credit and payday.
    pub(crate) async fn nearest(&self, rule: &Rule, again: bool) -> Result<Nearest, SorterError> {
        let credits = Arc::new(trigger_inputs::credits(self).await?);
        let mut due = self.evaluate(rule.clone(), &credits, None).await?;
        if self.adopt_all(&due, &due.evaluation.occurrences).await? {
            due = self.evaluate(rule.clone(), &credits, None).await?;
        }
        let now = self.clock.now();
        let distance = |one: &&Occurrence| one.at.duration_since(now).abs();
        let all = &due.evaluation.occurrences;
        let open =
            all.iter().filter(|one| matches!(one.state, State::Open | State::Waiting)).min_by_key(distance);
        let used = all.iter().filter(|one| one.state == State::Used).min_by_key(distance);
        // What was missed is run by hand or never, as long as its window lasts and nothing used is nearer.
        let lasts = |one: &&Occurrence| one.until.is_none_or(|until| until > now);
        let missed = all.iter().filter(|one| one.state == State::Missed).filter(lasts).min_by_key(distance);
        let missed = missed.filter(|one| used.as_ref().is_none_or(|used| distance(one) < distance(used)));
        let of = |one: &Occurrence| {
            let account = due.resolved.source.as_ref().map(|source| &source.account.id);
            Nearest {
                key: Some(one.key.clone()),
                credit: income_of(one, account),
                payday: one.key.parse::<Date>().ok(),
            }
        };
        match (open.or(missed.filter(|_| !again)), used) {
            (Some(open), _) => Ok(of(open)),
            (None, Some(used)) if again => Ok(of(used)),
            (None, Some(used)) => {
                let (name, key) = (rule.name.clone(), used.key.clone());
                let runs = self.store.read(move |reader| reader.runs_of(&name, &key)).await?;
                let by = runs
                    .iter()
                    .find(|run| run::state::ended(run.state) && run.state != RunState::Expired)
                    .or(runs.first());
                let when = by.map_or_else(String::new, |run| {
                    let at = run.started_at.unwrap_or(run.created_at);
                    format!(" by {} on {}", run.id, crate::autosort::clock_text(at, &self.settings().zone))
                });
                let message = format!(
                    "the occurrence {} of {} was used{when}; `--again` runs it once more",
                    used.key, rule.name
                );
                Err(SorterError::Conflict(message))
            }
            // Nothing is open: a run by hand stands for itself.
            (None, None) => Ok(Nearest::default()),
        }
    }

    /// When the loop is to sync next because a rule is due.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        *self.0.next.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub(crate) fn set_next(&self, next: Option<Timestamp>) {
        *self.0.next.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = next;
    }

    /// Whether a sync ended so that rules can be looked at.
    pub(crate) const fn good(state: SyncState) -> bool {
        matches!(state, SyncState::Done | SyncState::Partial)
    }
}

/// The occurrence that a person may run by hand; without a key, the run stands for itself.
#[derive(Debug, Default)]
pub(crate) struct Nearest {
    pub(crate) key: Option<String>,
    /// Minor units of the credit that fired it.
    pub(crate) credit: Option<i64>,
    pub(crate) payday: Option<Date>,
}

/// What came of an occurrence that was due.
enum Outcome {
    Runs,
    QuietUntil(Timestamp),
    Nothing,
}

/// What the triggers of a rule say at this instant. The rule is accepted, its names are bound, and what its balances
/// were is noted.
fn evaluate(
    writer: &Writer<'_>,
    context: &Context,
    clock_confirmed: bool,
    rule: Rule,
    credits: &[CreditRow],
    synced: Option<&(String, bool)>,
) -> Result<Due, StoreError> {
    let (settings, now) = (&context.settings, context.moment.at);
    // A rule that is turned off, in whichever way, is new to what comes while it is.
    let enabled = !off(&rule, settings);
    // One that a wrong clock has accepted is accepted now, as far as the present clock is known to be right.
    let future = if clock_confirmed { now.checked_add(TOLERATED_SKEW).ok() } else { None };
    let future = future.unwrap_or(Timestamp::MAX);
    let kept = writer.accept_rule(&rule.name, &text_hash(&rule), enabled, (now, future))?;
    // The rows behind bills are read only where something is planned.
    let world = snapshot::world::read(writer, settings, now)?;
    let resolved = resolve(&rule, &world);
    proposal::bind(writer, &decision::bindings(&rule, &resolved, &world), now)?;
    let account = resolved.source.as_ref().map(|source| source.account.id.clone());
    let used: BTreeSet<String> = writer.used_keys(&rule.name)?.into_iter().collect();
    let history = match &kept.proven_hash {
        None => History::Never,
        Some(hash) if *hash == kept.text_hash => History::ThisText,
        Some(_) => History::OtherText,
    };
    let subject = Subject {
        rule: &rule,
        mode: rule.mode.unwrap_or(settings.sorter.mode),
        since: kept.since,
        history,
        account: account.clone(),
        income_accounts: income_accounts(&rule, &world),
        watches: watches(writer, &rule, &world, account.as_ref())?,
        used: &used,
    };
    let facts = OccurrenceInputs {
        now,
        zone: &settings.zone,
        paydays: &settings.paydays,
        sync: synced.map(|(id, by_run)| Synced { id, by_run: *by_run }),
        credits,
    };
    let evaluation = occurrence::evaluate(&subject, &facts);
    for (index, memory) in evaluation.memories.clone() {
        let Some(Trigger::Balance { of, .. }) = rule.triggers.get(index) else { continue };
        let watch =
            StoredWatch { balance: memory.balance, edge: memory.edge.map(|edge| (edge.key, edge.at)) };
        writer.set_watch(&rule.name, &of.to_string(), &watch, now)?;
    }
    Ok(Due { resolved, evaluation, rule })
}
