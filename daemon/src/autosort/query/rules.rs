//! Rules as people ask about them: how they stand, what they would do now, and running one by hand.

use jiff::Timestamp;
use monzo_common::model::{self, Plan, RunState};

use crate::autosort::Services;
use crate::autosort::decide::decision::{Purpose, off};
use crate::autosort::decide::{calendar, occurrence};
use crate::autosort::run::error::SorterError;
use crate::rule::{Rule, Trigger};

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

/// The rules as they stand, in the order of the files.
pub async fn rules(services: &Services) -> Result<Vec<model::Rule>, SorterError> {
    let (settings, now) = (services.settings(), services.clock.now());
    let freezes = services.freezes().await?;
    let mut all = Vec::with_capacity(settings.sorter.rules.len());
    for rule in &settings.sorter.rules {
        let planned = services.decide(rule, now, &Purpose::default()).await?;
        let name = rule.name.clone();
        let last = services.store.read(move |reader| reader.last_run_of(&name)).await?;
        let frozen = freezes.iter().any(|freeze| freeze.rule.as_deref().is_none_or(|name| name == rule.name));
        let words: Vec<String> = rule.triggers.iter().map(in_words).collect();
        all.push(model::Rule {
            name: rule.name.clone(),
            mode: rule.mode.unwrap_or(settings.sorter.mode),
            enabled: rule.enabled,
            frozen,
            trigger: words.join(", or "),
            source: rule.source.to_string(),
            next_at: next_of(services, rule, now),
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
pub(crate) fn next_of(services: &Services, rule: &Rule, now: Timestamp) -> Option<Timestamp> {
    let settings = services.settings();
    if off(rule, &settings) {
        return None;
    }
    occurrence::next(rule, &settings.paydays, &settings.zone, now)
}

/// What a rule would do, now or at a time; never moves anything and never syncs.
pub async fn plan(services: &Services, name: &str, at: Option<Timestamp>) -> Result<Plan, SorterError> {
    let rule = services.known(name)?;
    let purpose = Purpose { shown: true, ..Purpose::default() };
    let planned = services.decide(&rule, at.unwrap_or_else(|| services.clock.now()), &purpose).await?;
    let mut plan = planned.explained();
    if at.is_none() {
        let read_at = services.store.read(|reader| reader.last_success_at()).await?;
        plan.as_of = read_at.unwrap_or(plan.as_of);
    }
    Ok(plan)
}

/// The pay calendars with their next paydays.
pub fn payday_calendars(services: &Services, count: u32) -> Vec<model::PaydayCalendar> {
    let settings = services.settings();
    let today = calendar::local_date(services.clock.now(), &settings.zone);
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
