//! Rules as people ask about them: how they stand, what they would do now, and running one by hand.

use jiff::Timestamp;
use jiff::civil::Time;
use monzo_common::model::{self, Plan, RunState};

use crate::autosort::Services;
use crate::autosort::decide::decision::{Purpose, off};
use crate::autosort::decide::plan::words::money;
use crate::autosort::decide::{calendar, occurrence};
use crate::autosort::run::error::SorterError;
use crate::rule::{Day, Level, Payday, Rhythm, Rule, Trigger};

/// When a rule fires, in words.
pub(crate) fn in_words(trigger: &Trigger) -> String {
    match trigger {
        Trigger::Payday { payday: Some(name), .. } => format!("on the payday {name}"),
        Trigger::Payday { .. } => "on payday".to_owned(),
        Trigger::Income { credit, .. } => match &credit.from {
            Some(from) => format!("when {from} pays in"),
            None => "when money comes in".to_owned(),
        },
        Trigger::Monthly { day, at, .. } => format!("{}{}", day_in_words(*day), time_in_words(*at)),
        Trigger::Weekly { weekday, at } => format!("each {weekday:?}{}", time_in_words(*at)),
        Trigger::Daily { at } => format!("each day{}", time_in_words(*at)),
        Trigger::Balance { of, level, .. } => match level {
            Level::Below(minor) => format!("when the balance of {of} is below {}", money(*minor)),
            Level::Above(minor) => format!("when the balance of {of} is above {}", money(*minor)),
        },
        Trigger::Manual => "only by hand".to_owned(),
    }
}

fn time_in_words(at: Option<Time>) -> String {
    at.map_or_else(String::new, |at| format!(" at {}", at.strftime("%H:%M")))
}

fn day_in_words(day: Day) -> String {
    match day {
        Day::LastWorking => "the last working day of each month".to_owned(),
        Day::Last(weekday) => format!("the last {weekday:?} of each month"),
        Day::Of(day) => format!("day {day} of each month"),
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

fn rhythm(payday: &Payday) -> String {
    match payday.rhythm {
        Rhythm::Monthly(day) => day_in_words(day),
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

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use jiff::civil::Weekday;

    use super::*;
    use crate::rule::{AccountOrPotName, Adjust};

    #[test]
    fn a_trigger_is_told_with_its_day_time_and_level() {
        let at = Some(Time::constant(18, 0, 0, 0));
        let of = AccountOrPotName::Account("Personal".to_owned());
        for (trigger, words) in [
            (Trigger::Weekly { weekday: Weekday::Sunday, at }, "each Sunday at 18:00"),
            (Trigger::Daily { at: None }, "each day"),
            (
                Trigger::Monthly { day: Day::LastWorking, at, adjust: Adjust::Before },
                "the last working day of each month at 18:00",
            ),
            (
                Trigger::Balance { of, level: Level::Below(5_000), cooldown: SignedDuration::ZERO },
                "when the balance of account:Personal is below £50.00",
            ),
        ] {
            assert_eq!(in_words(&trigger), words);
        }
    }
}
