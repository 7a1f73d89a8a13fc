//! When a rule would have run in the past by the calendar and by credits: its triggers, asked at the end of each day what
//! they would have been asked then. Pure.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use monzo_common::id::AccountId;

use crate::autosort::decide::calendar;
use crate::autosort::decide::occurrence::{
    Begin, CreditRow, Occurrence, OccurrenceInputs, State, Subject, Why, evaluate,
};
use crate::autosort::decide::plan::words::money;
use crate::autosort::query::rules::in_words;
use crate::autosort::study::backtest::When;
use crate::rule::Payday;

/// Credits so long before a moment may have to do with it: two cycles and more.
pub(crate) const CREDITS: SignedDuration = SignedDuration::from_hours(24 * 100);

/// A time that a rule would have run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Moment {
    /// When it was due, and why.
    pub(crate) when: When,
    /// The occurrence's own date, which is a payday where the trigger goes by paydays.
    pub(crate) date: Option<Date>,
    /// The credit that fired or proved the payday, in minor units.
    pub(crate) income: Option<i64>,
}

/// When a rule would have run during a span, the oldest first, and what is to be said of when it would not have.
pub(crate) fn moments(
    subject: &Subject<'_>,
    (zone, paydays): (&TimeZone, &[Payday]),
    credits: &[CreditRow],
    (since, now): (Timestamp, Timestamp),
) -> (Vec<Moment>, Vec<String>) {
    // They are told as a sync would have read them then.
    let mut credits: Vec<CreditRow> =
        credits.iter().map(|row| CreditRow { first_read_at: row.created_at, ..row.clone() }).collect();
    credits.sort_by(|one, other| (one.created_at, &one.id).cmp(&(other.created_at, &other.id)));
    let mut due: BTreeMap<String, Occurrence> = BTreeMap::new();
    let mut waited = BTreeSet::new();
    for at in ends_of_days(zone, (since, now)) {
        let from = at.checked_sub(CREDITS).unwrap_or(Timestamp::MIN);
        let first = credits.partition_point(|row| row.created_at < from);
        let last = credits.partition_point(|row| row.created_at <= at);
        let credits = credits.get(first..last).unwrap_or_default();
        let found = evaluate(subject, &OccurrenceInputs { now: at, zone, paydays, sync: None, credits });
        for one in found.occurrences.into_iter().filter(|one| one.at >= since) {
            match one.state {
                State::Open => _ = due.entry(one.key.clone()).or_insert(one),
                State::Waiting => _ = waited.insert(one.key),
                _ => {}
            }
        }
    }
    let mut notes: Vec<String> = waited
        .into_iter()
        .filter(|key| !due.contains_key(key))
        .map(|key| format!("the income of the payday {key} is not there, so that nothing would have run"))
        .collect();
    let further = |one: &Occurrence| matches!(&one.begin, Begin::Propose(why) if why.contains(&Why::Further));
    let (proposed, mut runs): (Vec<Occurrence>, Vec<Occurrence>) = due.into_values().partition(further);
    if !proposed.is_empty() {
        let left_out = match proposed.len() {
            1 => "1 further credit within a cycle is left out: it is only ever proposed".to_owned(),
            count => {
                format!("{count} further credits within a cycle are left out: they are only ever proposed")
            }
        };
        notes.push(left_out);
    }
    runs.sort_by(|one, other| (one.at, &one.key).cmp(&(other.at, &other.key)));
    (runs.iter().map(|one| moment(subject, one)).collect(), notes)
}

fn moment(subject: &Subject<'_>, one: &Occurrence) -> Moment {
    let own = |account: &AccountId| subject.account.as_ref() == Some(account);
    let income = one.credit.as_ref().map(|credit| if own(&credit.account) { credit.amount } else { 0 });
    let words = subject.rule.triggers.get(one.trigger).map(in_words).unwrap_or_default();
    let cause = match &one.credit {
        Some(credit) => format!("{words}: {}", money(credit.amount)),
        None => words,
    };
    Moment { when: When { at: one.at, cause }, date: one.key.parse().ok(), income }
}

/// The end of each local day of a span, and of the span.
fn ends_of_days(zone: &TimeZone, (since, now): (Timestamp, Timestamp)) -> impl Iterator<Item = Timestamp> {
    let first = calendar::local_date(since, zone);
    let ends = std::iter::successors(first.tomorrow().ok(), |day| day.tomorrow().ok());
    let ends =
        ends.map_while(|day| calendar::midnight(day, zone)?.checked_sub(SignedDuration::from_millis(1)).ok());
    ends.take_while(move |at| *at < now).chain(std::iter::once(now))
}

#[cfg(test)]
mod tests {
    use jiff::civil::{Time, Weekday};
    use monzo_common::model::RuleMode;

    use super::*;
    use crate::autosort::decide::fixtures::rule;
    use crate::autosort::decide::occurrence::{CreditKind, History};
    use crate::rule::{Credit, Day, Rhythm, Rule, Trigger};

    fn at(text: &str) -> Timestamp {
        text.parse().expect("an instant")
    }

    fn credit(id: &str, day: &str, amount: i64) -> CreditRow {
        CreditRow {
            id: id.into(),
            account: "acc_Personal".into(),
            created_at: at(&format!("{day}T08:00:00Z")),
            // Read long afterwards, with the whole history.
            first_read_at: at("2026-12-01T00:00:00Z"),
            amount,
            from: "ACME Ltd".to_owned(),
            kind: CreditKind::Income,
        }
    }

    fn payday(income: Option<Credit>) -> Payday {
        Payday {
            name: "main".to_owned(),
            rhythm: Rhythm::Monthly(Day::Of(28)),
            adjust: Default::default(),
            nation: Default::default(),
            extra_holidays: Vec::new(),
            income,
        }
    }

    /// The days and times of a trigger from September to November 2026, each with its income, and the notes.
    fn check(
        trigger: Trigger,
        income: Option<Credit>,
        credits: &[CreditRow],
        wanted: &[(&str, Option<i64>)],
    ) -> Vec<String> {
        let rule = Rule { triggers: vec![trigger], ..rule(0, Vec::new()) };
        let used = BTreeSet::new();
        let subject = Subject {
            rule: &rule,
            mode: RuleMode::Auto,
            since: Timestamp::MIN,
            history: History::ThisText,
            account: Some("acc_Personal".into()),
            income_accounts: BTreeMap::new(),
            watches: BTreeMap::new(),
            used: &used,
        };
        let zone = TimeZone::get("Europe/London").expect("a zone");
        let span = (at("2026-09-01T00:00:00Z"), at("2026-11-24T12:00:00Z"));
        let (found, notes) = moments(&subject, (&zone, &[payday(income)]), credits, span);
        let local = |one: &Moment| one.when.at.to_zoned(zone.clone()).strftime("%m-%d %H:%M").to_string();
        let found: Vec<(String, Option<i64>)> = found.iter().map(|one| (local(one), one.income)).collect();
        let wanted: Vec<(String, Option<i64>)> =
            wanted.iter().map(|(day, income)| ((*day).to_owned(), *income)).collect();
        assert_eq!(found, wanted);
        notes
    }

    const SIX: Option<Time> = Some(Time::constant(18, 0, 0, 0));

    #[test]
    fn each_trigger_of_the_calendar_keeps_its_own_days() {
        let weekly = Trigger::Weekly { weekday: Weekday::Sunday, at: SIX };
        let sundays = [
            "09-06", "09-13", "09-20", "09-27", "10-04", "10-11", "10-18", "10-25", "11-01", "11-08",
            "11-15", "11-22",
        ]
        .map(|day| format!("{day} 18:00"));
        let sundays: Vec<(&str, Option<i64>)> = sundays.iter().map(|day| (day.as_str(), None)).collect();
        check(weekly, None, &[], &sundays);
        let monthly = Trigger::Monthly { day: Day::Of(5), at: SIX, adjust: crate::rule::Adjust::None };
        check(monthly, None, &[], &[("09-05 18:00", None), ("10-05 18:00", None), ("11-05 18:00", None)]);
        let offset = Trigger::Payday { payday: None, offset_days: -1, at: SIX };
        check(offset, None, &[], &[("09-27 18:00", None), ("10-27 18:00", None)]);
    }

    #[test]
    fn an_income_rule_runs_when_its_credit_came_however_late_the_history_was_read() {
        let wanted = Credit { from: Some("ACME*".to_owned()), at_least: Some(30_000), at_most: None };
        let income = |once_a_cycle| Trigger::Income {
            credit: wanted.clone(),
            account: None,
            own: false,
            once_a_cycle,
        };
        let credits = [
            credit("tx_1", "2026-09-14", 40_000),
            credit("tx_2", "2026-09-15", 20_000),
            credit("tx_3", "2026-09-20", 50_000),
            credit("tx_4", "2026-10-27", 60_000),
        ];
        let each =
            [("09-14 09:00", Some(40_000)), ("09-20 09:00", Some(50_000)), ("10-27 08:00", Some(60_000))];
        assert_eq!(check(income(false), None, &credits, &each), [""; 0]);
        // The 14th and the 20th are nearest to the same payday.
        let notes = check(income(true), None, &credits, &[each[0], each[2]]);
        assert!(notes[0].contains("1 further"), "{notes:?}");
        let twice = [credit("tx_1", "2026-09-25", 40_000), credit("tx_2", "2026-09-28", 50_000)];
        let notes = check(income(true), None, &twice, &[("09-25 09:00", Some(40_000))]);
        assert!(notes[0].contains("1 further"), "{notes:?}");
    }

    #[test]
    fn a_payday_whose_income_is_missing_does_not_run_and_is_named() {
        let income = Credit { from: None, at_least: Some(100_000), at_most: None };
        let credits = [credit("tx_1", "2026-09-27", 245_000)];
        let payday = Trigger::Payday { payday: None, offset_days: 0, at: None };
        let notes = check(payday, Some(income), &credits, &[("09-28 00:00", Some(245_000))]);
        assert_eq!(
            notes,
            ["the income of the payday 2026-10-28 is not there, so that nothing would have run"]
        );
    }
}
