//! After each sync: which rules are due, what each would do, and whether it runs, is proposed, or waits.
//!
//! Rules that are due together go in the order of the files, each planned after the sync that follows the one before.
//! An occasion whose keys the bank knows already is spent, whatever the database remembers (autosorter.md 2, 4).

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;
use monzo_common::id::AccountId;
use monzo_common::model::{RunState, SyncState};

use crate::autosort::decide::decision::{self, Purpose, off, text_hash};
use crate::autosort::decide::guard::{self, Guard, Verdict};
use crate::autosort::decide::names::Resolved;
use crate::autosort::decide::occurrence::{
    self, Begin, CreditRow, Facts, History, Occurrence, State, Subject, Synced, Why,
};
use crate::autosort::decide::{calendar, quiet_hours};
use crate::autosort::query::rules;
use crate::autosort::run::finish::title;
use crate::autosort::run::propose::{SorterError, commit};
use crate::autosort::snapshot::trigger_inputs::{income_accounts, watches};
use crate::autosort::snapshot::{Moment, Snapshot};
use crate::autosort::{Sorter, run};
use crate::clock::TOLERATED_SKEW;
use crate::events::Kind;
use crate::rule::{Rule, Trigger};
use crate::store::{StoredOccurrence, StoredRule, StoredRun, StoredWatch};

/// A rule with all that its triggers are told.
pub(crate) struct Due {
    pub(crate) rule: Rule,
    resolved: Resolved,
    evaluation: occurrence::Evaluation,
}

impl Sorter {
    /// Looks at every rule after a sync (`synced` is its id, and whether a run made it), and lets go or proposes what is due.
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
        let credits = self.credits().await?;
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
                    Taken::Runs => went = true,
                    Taken::Quiet(until) => next = Some(next.map_or(until, |known| known.min(until))),
                    Taken::Nothing => {}
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

    /// What the triggers of a rule say now.
    async fn evaluate(
        &self,
        rule: Rule,
        credits: &[CreditRow],
        synced: Option<&(String, bool)>,
    ) -> Result<Due, SorterError> {
        let (settings, now) = (self.settings(), self.clock.now());
        // A rule that is turned off, in whichever way, is new to what comes while it is.
        let (name, hash, enabled) = (rule.name.clone(), text_hash(&rule), !off(&rule, &settings));
        // One that a wrong clock has accepted is accepted now, as far as the present clock is known to be right.
        let future = if self.clock.confirmed() { now.checked_add(TOLERATED_SKEW).ok() } else { None };
        let future = future.unwrap_or(Timestamp::MAX);
        let kept: StoredRule =
            self.store.write(move |writer| writer.accept_rule(&name, &hash, enabled, (now, future))).await?;
        let (moment, asked) = (Moment { at: now, skew: self.clock.skew() }, rule.clone());
        let read_settings = settings.clone();
        let read = self.store.read(move |reader| {
            let snapshot = Snapshot::read(reader, &read_settings, &asked, moment)?;
            let home = snapshot.resolved.source.as_ref().map(|source| &source.account.id);
            let watches = watches(reader, &asked, &snapshot.world, home)?;
            let used: BTreeSet<String> = reader.used_keys(&asked.name)?.into_iter().collect();
            Ok((snapshot, watches, used))
        });
        let (snapshot, watches, used) = read.await?;
        let bind = decision::bindings(&snapshot);
        if !bind.is_empty() {
            self.store.write(move |writer| run::bind(writer, &bind, now)).await?;
        }
        let Snapshot { world, resolved, .. } = snapshot;
        let history = match &kept.proven_hash {
            None => History::Never,
            Some(hash) if *hash == kept.text_hash => History::ThisText,
            Some(_) => History::OtherText,
        };
        let account = resolved.source.as_ref().map(|source| source.account.id.clone());
        let subject = Subject {
            rule: &rule,
            mode: rule.mode.unwrap_or(settings.sorter.mode),
            since: kept.since,
            history,
            account: account.clone(),
            income_accounts: income_accounts(&rule, &world),
            watches,
            used: &used,
        };
        let facts = Facts {
            now,
            zone: &settings.zone,
            paydays: &settings.paydays,
            sync: synced.map(|(id, by_run)| Synced { id, by_run: *by_run }),
            credits,
        };
        let evaluation = occurrence::evaluate(&subject, &facts);
        for (index, memory) in evaluation.memories.clone() {
            let Some(Trigger::Balance { of, .. }) = rule.triggers.get(index) else { continue };
            let (name, place) = (rule.name.clone(), of.to_string());
            let watch =
                StoredWatch { balance: memory.balance, edge: memory.edge.map(|edge| (edge.key, edge.at)) };
            self.store.write(move |writer| writer.set_watch(&name, &place, &watch, now)).await?;
        }
        Ok(Due { resolved, evaluation, rule })
    }

    /// Keeps how an occurrence stands, for whoever asks why.
    async fn note(&self, due: &Due, one: &Occurrence) -> Result<(), SorterError> {
        let rule = &due.rule;
        let account = due.resolved.source.as_ref().map(|source| &source.account.id);
        let (state, reason) = match one.state {
            State::Coming => return Ok(()),
            State::Waiting => ("open", Some("its day has come, and the income has not".to_owned())),
            State::Open => ("open", None),
            State::Used => ("used", None),
            State::Missed => ("missed", Some("it was before the rule, or read too late".to_owned())),
            State::Over => ("over", None),
        };
        let kept = StoredOccurrence {
            rule: rule.name.clone(),
            key: one.key.clone(),
            due_at: one.at,
            ends_at: one.until,
            credit: income_of(one, account),
            transaction_id: one.credit.as_ref().map(|credit| credit.id.to_string()),
            only_proposed: matches!(&one.begin, Begin::Propose(why) if why.contains(&Why::Further)),
            state: state.to_owned(),
            reason,
        };
        let now = self.clock.now();
        Ok(self.store.write(move |writer| writer.note_occurrence(&kept, now)).await?)
    }

    /// Plans an occasion that is due, and lets it go, proposes it, or notes what holds it back.
    async fn take_up(&self, due: &Due, one: &Occurrence) -> Result<Taken, SorterError> {
        let (rule, key) = (due.rule.name.clone(), one.key.clone());
        let runs = self.store.read(move |reader| reader.runs_of(&rule, &key)).await?;
        if runs.iter().any(|run| run.state == RunState::Proposed) {
            return Ok(Taken::Nothing);
        }
        let withheld = runs.into_iter().find(|run| run.state == RunState::Withheld);
        let reasons = match &one.begin {
            Begin::Never => {
                if let Some(run) = withheld {
                    self.drop_withheld(&run, "the rule is off").await?;
                }
                return Ok(Taken::Nothing);
            }
            Begin::Run => Vec::new(),
            Begin::Propose(reasons) => {
                reasons.iter().filter(|why| **why != Why::Mode).map(in_words).collect()
            }
        };
        let account = due.resolved.source.as_ref().map(|source| &source.account.id);
        let purpose = Purpose {
            income: income_of(one, account),
            payday: one.key.parse::<Date>().ok(),
            propose: reasons,
            approved: false,
            shown: false,
        };
        let planned = self.decide(&due.rule, self.clock.now(), &purpose).await?;
        match &planned.verdict {
            Verdict::Nothing => {
                if let Some(run) = withheld {
                    self.drop_withheld(&run, "nothing is to be moved any more").await?;
                }
                Ok(Taken::Nothing)
            }
            Verdict::Impossible(why) => {
                let why = why.join("; ");
                self.note_reason(&due.rule, one, &why).await?;
                if let Some(run) = withheld {
                    self.drop_withheld(&run, &why).await?;
                }
                Ok(Taken::Nothing)
            }
            Verdict::Withheld(held) => {
                let why = rules::guards(&planned.verdict).join("; ");
                let quiet = held.iter().all(|held| held.guard == Guard::QuietHours);
                self.note_reason(&due.rule, one, &why).await?;
                let draft = self.draft(&due.rule, planned, Some(one.key.clone()), "occurrence").await?;
                self.withhold(draft, &why, one.until).await?;
                let settings = self.settings();
                let ends = quiet_hours::until(
                    settings.sorter.quiet_hours,
                    settings.sorter.move_deadline,
                    &calendar::london(),
                    self.clock.now(),
                );
                Ok(ends.filter(|_| quiet).map_or(Taken::Nothing, Taken::Quiet))
            }
            Verdict::Proposed(_) | Verdict::Allowed => {
                let allowed = matches!(planned.verdict, Verdict::Allowed);
                if !allowed && self.overtaken_by(&due.rule, one).await? {
                    return Ok(Taken::Nothing);
                }
                let draft = self.draft(&due.rule, planned, Some(one.key.clone()), "occurrence").await?;
                let kept =
                    if allowed { self.propose_quietly(draft).await } else { self.propose(draft).await };
                match kept {
                    Ok(run) if allowed => self.let_run(&run).await.map(|_| Taken::Runs),
                    // Used meanwhile is as good as proposed.
                    Ok(_) | Err(SorterError::Conflict(_)) => Ok(Taken::Nothing),
                    Err(error) => Err(error),
                }
            }
        }
    }

    /// Whether a later occasion of the rule is proposed already: of one rule the newest proposal stands, and this
    /// occasion waits for a person's word about it.
    async fn overtaken_by(&self, rule: &Rule, one: &Occurrence) -> Result<bool, SorterError> {
        let (name, key, at) = (rule.name.clone(), one.key.clone(), one.at);
        let read = self.store.read(move |reader| {
            let mut proposed = reader.unfinished_runs()?;
            proposed.retain(|run| run.rule == name && run.state == RunState::Proposed);
            let known = reader.occurrences(&name)?;
            let due = |key: &str| known.iter().find(|one| one.key == key).map(|one| one.due_at);
            let other = |run: &&StoredRun| {
                run.occurrence.as_deref().is_some_and(|other| {
                    other != key && due(other).is_some_and(|due| (due, other) > (at, key.as_str()))
                })
            };
            Ok(proposed.iter().find(other).map(|run| run.id.clone()))
        });
        let Some(run) = read.await? else { return Ok(false) };
        self.note_reason(rule, one, &format!("it waits for a word about {run}, a later occasion")).await?;
        Ok(true)
    }

    async fn note_reason(&self, rule: &Rule, one: &Occurrence, why: &str) -> Result<(), SorterError> {
        let (name, key, why, now) = (rule.name.clone(), one.key.clone(), why.to_owned(), self.clock.now());
        let noted = self.store.write(move |writer| {
            let found = writer.occurrences(&name)?.into_iter().find(|found| found.key == key);
            match found {
                Some(found) => writer.note_occurrence(&StoredOccurrence { reason: Some(why), ..found }, now),
                None => Ok(()),
            }
        });
        Ok(noted.await?)
    }

    /// Ends what a guard held back for an occasion that is no longer open.
    async fn end_withheld(&self, open: &BTreeSet<(String, String)>) -> Result<(), SorterError> {
        let unfinished = self.store.read(|reader| reader.unfinished_runs()).await?;
        let held_back = unfinished.into_iter().filter(|run| run.state == RunState::Withheld);
        for run in held_back {
            let key = run.occurrence.clone().map(|key| (run.rule.clone(), key));
            if key.is_some_and(|key| !open.contains(&key)) {
                self.drop_withheld(&run, "its occasion is over").await?;
            }
        }
        Ok(())
    }

    /// Ends a run that was held back.
    async fn drop_withheld(&self, run: &StoredRun, why: &str) -> Result<(), SorterError> {
        Ok(self.let_expire(run, why, format!("{} is held back no more: {why}", title(run))).await?)
    }

    /// Lets a run go by itself: within its guards, and of a text that a person has let go before.
    async fn let_run(&self, run: &StoredRun) -> Result<(), SorterError> {
        let (id, now) = (run.id.clone(), self.clock.now());
        let approved = self.store.write(move |writer| {
            if writer.step_run(&id, RunState::Proposed, RunState::Approved, None, None)? {
                writer.run_approved(&id, "auto", None, now)?;
                let run = writer.run(&id)?;
                commit(writer, &run)?;
            }
            Ok(())
        });
        approved.await?;
        self.metrics.run("approved");
        self.tell(run, Kind::RunApproved, format!("the rule {} runs by itself", run.rule)).await;
        self.nudge();
        Ok(())
    }

    /// The nearest occasion of a rule that a person may run by hand: its key, credit and payday.
    pub(crate) async fn nearest(
        &self,
        rule: &Rule,
        again: bool,
    ) -> Result<(Option<String>, Option<i64>, Option<Date>), SorterError> {
        let credits = self.credits().await?;
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
            (Some(one.key.clone()), income_of(one, account), one.key.parse::<Date>().ok())
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
                    "the occasion {} of {} was used{when}; `--again` runs it once more",
                    used.key, rule.name
                );
                Err(SorterError::Conflict(message))
            }
            // Nothing is open: a run by hand stands for itself.
            (None, None) => Ok((None, None, None)),
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

/// What came of an occasion that was due.
enum Taken {
    Runs,
    Quiet(Timestamp),
    Nothing,
}

fn in_words(why: &Why) -> String {
    match why {
        Why::Mode => "the mode is propose",
        Why::FirstRun => "the rule has never run: a person looks at its first run",
        Why::ChangedText => "the rule was changed since it last ran",
        Why::Late => "it is later than `catch_up`",
        Why::Further => "it is a further payment within the cycle",
    }
    .to_owned()
}

/// What the credit behind an occasion brought to an account, in minor units: nothing of one that came in elsewhere.
fn income_of(one: &Occurrence, account: Option<&AccountId>) -> Option<i64> {
    let credit = one.credit.as_ref()?;
    Some(if Some(&credit.account) == account { credit.amount } else { 0 })
}
