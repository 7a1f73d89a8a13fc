//! Rules as people ask about them: how they stand, what they would do now, and running one by hand.

use jiff::Timestamp;
use monzo_common::model::{self, Plan, PlannedTransfer, RunStarted, RunState, TransferKind};

use crate::autosort::Sorter;
use crate::autosort::decide::decision::{self, Decision, Purpose, off, text_hash};
use crate::autosort::decide::guard::{self, Verdict};
use crate::autosort::decide::{calendar, occurrence, plan};
use crate::autosort::query::runs::mode_word;
use crate::autosort::run::dedupe;
use crate::autosort::run::propose::{Draft, SorterError, proposed, started};
use crate::autosort::snapshot::{Moment, Snapshot};
use crate::rule::{OnFailure, Rule, Trigger};
use crate::store::{PlannedMove, Reader, StoreError, StoredRun};

/// The transfers of a plan with what each depends on: from a pot, every deposit on the one withdrawal.
pub(crate) fn moves(plan: &Plan) -> Vec<PlannedMove> {
    let first = plan.transfers.first().filter(|first| first.kind == TransferKind::Withdraw).map(|_| 1);
    let needs = |one: &PlannedTransfer| first.filter(|_| one.kind != TransferKind::Withdraw);
    plan.transfers
        .iter()
        .map(|one| PlannedMove { transfer: one.clone(), needs: needs(one), undoes: None })
        .collect()
}

/// When a rule fires, in words.
pub(crate) fn in_words(trigger: &Trigger) -> String {
    match trigger {
        Trigger::Payday { payday: Some(name), .. } => format!("on the payday {name}"),
        Trigger::Payday { .. } => "on payday".to_owned(),
        Trigger::Income { credit, .. } => match &credit.from {
            Some(from) => format!("when {from} pays in"),
            None => "when money comes in".to_owned(),
        },
        Trigger::Monthly { .. } => "each month".to_owned(),
        Trigger::Weekly { .. } => "each week".to_owned(),
        Trigger::Daily { .. } => "each day".to_owned(),
        Trigger::Balance { of, .. } => format!("when the balance of {of} passes its level"),
        Trigger::Manual => "only by hand".to_owned(),
    }
}

impl Sorter {
    pub(crate) fn known(&self, name: &str) -> Result<Rule, SorterError> {
        self.rule(name).ok_or_else(|| SorterError::NoRule(name.to_owned()))
    }

    /// The rules as they stand, in the order of the files.
    ///
    /// # Errors
    /// [`SorterError`].
    pub async fn rules(&self) -> Result<Vec<model::Rule>, SorterError> {
        let (settings, now) = (self.settings(), self.clock.now());
        let freezes = self.freezes().await?;
        let mut all = Vec::with_capacity(settings.sorter.rules.len());
        for rule in &settings.sorter.rules {
            let planned = self.decide(rule, now, &Purpose::default()).await?;
            let name = rule.name.clone();
            let last = self.store.read(move |reader| reader.last_run_of(&name)).await?;
            let frozen =
                freezes.iter().any(|freeze| freeze.rule.as_deref().is_none_or(|name| name == rule.name));
            let words: Vec<String> = rule.triggers.iter().map(in_words).collect();
            all.push(model::Rule {
                name: rule.name.clone(),
                mode: mode_word(rule.mode.unwrap_or(settings.sorter.mode)).to_owned(),
                enabled: rule.enabled,
                frozen,
                trigger: words.join(", or "),
                source: rule.source.to_string(),
                next_at: self.next_of(rule, now),
                left: planned.resolved.source.is_some().then_some(planned.plan.left),
                last_at: last.as_ref().and_then(|run| run.started_at),
                result: last.map(|run| run.state),
                problems: planned.resolved.problems.iter().map(|problem| problem.message.clone()).collect(),
                origin: rule.origin.clone(),
            });
        }
        Ok(all)
    }

    /// When a rule is next due by the calendar, where that can be told.
    pub(crate) fn next_of(&self, rule: &Rule, now: Timestamp) -> Option<Timestamp> {
        let settings = self.settings();
        if off(rule, &settings) {
            return None;
        }
        occurrence::next(rule, &settings.paydays, &settings.zone, now)
    }

    /// What a rule would do, now or at a time; never moves anything and never syncs.
    ///
    /// # Errors
    /// [`SorterError`].
    pub async fn plan(&self, name: &str, at: Option<Timestamp>) -> Result<Plan, SorterError> {
        let rule = self.known(name)?;
        let purpose = Purpose { shown: true, ..Purpose::default() };
        let planned = self.decide(&rule, at.unwrap_or_else(|| self.clock.now()), &purpose).await?;
        let mut plan = explained(planned);
        if at.is_none() {
            let read_at = self.store.read(|reader| reader.last_success_at()).await?;
            plan.as_of = read_at.unwrap_or(plan.as_of);
        }
        Ok(plan)
    }

    /// Proposes a run of a rule; with a plan's `hash` runs exactly that plan, if it still fits.
    ///
    /// # Errors
    /// [`SorterError`].
    pub async fn run_rule(
        &self,
        name: &str,
        hash: Option<&str>,
        again: bool,
    ) -> Result<RunStarted, SorterError> {
        let rule = self.known(name)?;
        // A plan that waits already is what is meant, with just its moves.
        let open = self.store.read(|reader| reader.unfinished_runs()).await?;
        let meant = |run: &&StoredRun| run.rule == rule.name && Some(run.plan.hash.as_str()) == hash;
        if let Some(run) = open.iter().filter(|run| run.state == RunState::Proposed && !again).find(meant) {
            return self.let_go(&run.id, "person").await;
        }
        let cause = if again { "again" } else { "hand" };
        self.read_bank().await?;
        let (key, credit, payday) = self.nearest(&rule, again).await?;
        let purpose = Purpose { approved: true, income: credit, payday, ..Purpose::default() };
        let planned = self.decide(&rule, self.clock.now(), &purpose).await?;
        match &planned.verdict {
            Verdict::Impossible(why) => return Err(SorterError::Held(why.join("; "))),
            Verdict::Nothing => {
                let message = "nothing is to be moved as things stand".to_owned();
                return Ok(RunStarted { run: None, message, changed: false, left_out: Vec::new() });
            }
            Verdict::Withheld(held) => {
                // Quiet hours only keep a run from beginning; what is approved waits for their end.
                let hard = held.iter().filter(|held| held.guard != guard::Guard::QuietHours);
                let why: Vec<String> = hard.map(|held| held.reason.clone()).collect();
                if !why.is_empty() {
                    return Err(SorterError::Held(why.join("; ")));
                }
            }
            Verdict::Allowed | Verdict::Proposed(_) => {}
        }
        if let Some(hash) = hash
            && hash != planned.plan.hash
        {
            let what = plan::apart(hash, &planned.plan.hash).join(", ");
            let draft = self.draft(&rule, planned, key, cause).await?;
            let run = self.propose(draft).await?;
            let message = format!("{hash} is no longer what {} would do ({what}); this is", rule.name);
            return Ok(started(run, &message));
        }
        let draft = self.draft(&rule, planned, key, cause).await?;
        let run = self.propose(draft).await?;
        if hash.is_some() {
            return self.let_go(&run.id, "person").await;
        }
        Ok(proposed(run))
    }

    /// A run of a rule that is to be proposed; its cause is `occurrence`, `hand` or `again`.
    pub(crate) async fn draft(
        &self,
        rule: &Rule,
        planned: Decision,
        key: Option<String>,
        cause: &str,
    ) -> Result<Draft, SorterError> {
        let user = self.user().await?;
        let seed = match &key {
            Some(key) if cause != "again" => dedupe::seed(&user, &rule.name, key),
            _ => Self::seed()?,
        };
        let account = planned.resolved.source.as_ref().map(|source| source.account.id.clone());
        let plan = explained(planned);
        Ok(Draft {
            rule: rule.name.clone(),
            cause: cause.to_owned(),
            occurrence: key,
            account,
            moves: moves(&plan),
            plan,
            rule_hash: Some(text_hash(rule)),
            seed,
            returns: rule.on_failure == OnFailure::Return,
            undoes: None,
        })
    }

    /// What changed since a run of a rule was planned so that it may not be made any more.
    pub(crate) async fn changed(&self, rule: &Rule, run: &StoredRun) -> Result<Vec<String>, SorterError> {
        let (settings, kept, asked) = (self.settings(), rule.clone(), run.occurrence.clone());
        let moment = Moment { at: self.clock.now(), skew: self.clock.skew() };
        let read = self.store.read(move |reader| {
            let snapshot = Snapshot::read(reader, &settings, &kept, moment)?;
            Ok((snapshot, credit_of(reader, &kept.name, asked.as_deref())?))
        });
        let (snapshot, income) = read.await?;
        let payday = run.occurrence.as_deref().and_then(|key| key.parse().ok());
        Ok(decision::changed(&snapshot, &run.plan, &Purpose { income, payday, ..Purpose::default() }))
    }

    /// A new proposal in the place of one that no longer fits.
    pub(crate) async fn propose_anew(
        &self,
        rule: &Rule,
        old: &StoredRun,
    ) -> Result<Option<StoredRun>, SorterError> {
        let (name, key) = (rule.name.clone(), old.occurrence.clone());
        let income = self.store.read(move |reader| credit_of(reader, &name, key.as_deref())).await?;
        let purpose = Purpose { approved: true, income, ..Purpose::default() };
        let planned = self.decide(rule, self.clock.now(), &purpose).await?;
        if !matches!(planned.verdict, Verdict::Allowed | Verdict::Proposed(_)) {
            return Ok(None);
        }
        let draft = self.draft(rule, planned, old.occurrence.clone(), &old.cause).await?;
        Ok(Some(self.propose(draft).await?))
    }

    /// The pay calendars with their next paydays.
    pub fn payday(&self, count: u32) -> Vec<model::PaydayCalendar> {
        let settings = self.settings();
        let today = calendar::local_date(self.clock.now(), &settings.zone);
        let count = usize::try_from(count.clamp(1, 120)).unwrap_or(1);
        let shown = settings.paydays.iter().map(|payday| model::PaydayCalendar {
            name: payday.name.clone(),
            origin: "config".to_owned(),
            rhythm: rhythm(payday),
            next: calendar::from(payday, today, count).into_iter().map(day).collect(),
            toml: None,
        });
        shown.collect()
    }
}

/// The credit that fired an occurrence of a rule, in minor units.
fn credit_of(reader: &Reader<'_>, rule: &str, key: Option<&str>) -> Result<Option<i64>, StoreError> {
    let Some(key) = key else { return Ok(None) };
    let found = reader.occurrences(rule)?.into_iter().find(|one| one.key == key);
    Ok(found.and_then(|one| one.credit))
}

fn day(found: calendar::PayDate) -> model::PaydayDate {
    model::PaydayDate { date: found.date, moved_from: found.moved_from, reason: found.reason }
}

fn rhythm(payday: &crate::rule::Payday) -> String {
    use crate::rule::{Day, Rhythm};
    match payday.rhythm {
        Rhythm::Monthly(Day::LastWorking) => "the last working day of each month".to_owned(),
        Rhythm::Monthly(Day::Last(weekday)) => format!("the last {weekday:?} of each month"),
        Rhythm::Monthly(Day::Of(day)) => format!("day {day} of each month"),
        Rhythm::Weekly(weekday) => format!("each {weekday:?}"),
        Rhythm::Every { weeks, starting } => format!("every {weeks} weeks from {starting}"),
    }
}

/// A plan that says what holds it back.
pub(crate) fn explained(planned: Decision) -> Plan {
    let mut plan = planned.plan;
    for guard in guards(&planned.verdict) {
        if !plan.guards.contains(&guard) {
            plan.guards.push(guard);
        }
    }
    plan
}

/// What holds a plan back, each in words.
pub(crate) fn guards(verdict: &Verdict) -> Vec<String> {
    match verdict {
        Verdict::Proposed(held) | Verdict::Withheld(held) => {
            held.iter().map(|held| held.reason.clone()).collect()
        }
        Verdict::Impossible(why) => why.clone(),
        Verdict::Allowed | Verdict::Nothing => Vec::new(),
    }
}

pub(crate) const fn state_word(state: RunState) -> &'static str {
    match state {
        RunState::Proposed => "waiting for approval",
        RunState::Withheld => "withheld",
        RunState::Approved => "approved",
        RunState::Waiting => "waiting",
        RunState::Executing => "under way",
        RunState::Done => "done",
        RunState::Partial => "done in part",
        RunState::Failed => "failed",
        RunState::Expired => "expired",
        RunState::Rejected => "rejected",
        RunState::Cancelled => "cancelled",
    }
}
