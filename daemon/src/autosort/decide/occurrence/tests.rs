use std::collections::BTreeSet;

use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use monzo_common::id::{AccountId, TransactionId};
use proptest::prelude::*;

use super::*;
use crate::rule::{AccountOrPotName, Level, OnFailure, Rule, Take};
use monzo_common::model::RuleMode;

const OWN: &str = "acc_own";

fn london() -> TimeZone {
    TimeZone::get("Europe/London").expect("a zone")
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

fn rule(triggers: Vec<Trigger>) -> Rule {
    Rule {
        name: "payday".into(),
        triggers,
        source: AccountOrPotName::Account("Personal".into()),
        keep: Vec::new(),
        take: Take::All,
        mode: None,
        enabled: true,
        catch_up: SignedDuration::from_hours(48),
        on_failure: OnFailure::Return,
        steps: Vec::new(),
        tests: Vec::new(),
        text: String::new(),
        origin: "x:1".into(),
    }
}

fn payday(income: bool) -> Payday {
    let acme = Credit { from: Some("ACME*".into()), at_least: Some(100_000), at_most: None };
    Payday {
        name: "main".into(),
        rhythm: Rhythm::Monthly(Day::Of(27)),
        adjust: Adjust::None,
        nation: Nation::EnglandAndWales,
        extra_holidays: Vec::new(),
        income: income.then_some(acme),
    }
}

fn credit(id: &str, created: &str, amount: i64, from: &str) -> CreditRow {
    CreditRow {
        id: TransactionId::new(id),
        account: AccountId::new(OWN),
        created_at: at(created),
        first_read_at: at(created) + SignedDuration::from_mins(10),
        amount,
        from: from.into(),
        kind: CreditKind::Income,
    }
}

/// A bench on which rules are tried.
struct Bench {
    now: Timestamp,
    paydays: Vec<Payday>,
    credits: Vec<CreditRow>,
    used: BTreeSet<String>,
    since: Timestamp,
    watch: Option<Watch>,
    by_run: bool,
}

impl Bench {
    fn at(now: &str) -> Self {
        Self {
            now: at(now),
            paydays: vec![payday(false)],
            credits: Vec::new(),
            used: BTreeSet::new(),
            since: at("2020-01-01T00:00:00Z"),
            watch: None,
            by_run: false,
        }
    }

    fn evaluate(&self, rule: &Rule) -> Evaluation {
        self.with(rule, RuleMode::Auto, History::ThisText)
    }

    fn with(&self, rule: &Rule, mode: RuleMode, history: History) -> Evaluation {
        let zone = london();
        let facts = OccurrenceInputs {
            now: self.now,
            zone: &zone,
            paydays: &self.paydays,
            sync: Some(Synced { id: "sync_1", by_run: self.by_run }),
            credits: &self.credits,
        };
        let subject = Subject {
            rule,
            mode,
            since: self.since,
            history,
            account: Some(AccountId::new(OWN)),
            income_accounts: BTreeMap::new(),
            watches: self.watch.clone().map(|watch| (0, watch)).into_iter().collect(),
            used: &self.used,
        };
        evaluate(&subject, &facts)
    }

    /// Keys and states, by moment.
    fn states(&self, trigger: Trigger) -> Vec<(String, State)> {
        let found = self.evaluate(&rule(vec![trigger])).occurrences;
        found.into_iter().map(|occurrence| (occurrence.key, occurrence.state)).collect()
    }
}

fn on_payday() -> Trigger {
    Trigger::Payday { payday: None, offset_days: 0, at: None }
}

fn on_income() -> Trigger {
    let acme = Credit { from: Some("acme*".into()), at_least: Some(100_000), at_most: Some(500_000) };
    Trigger::Income { credit: acme, account: None, own: false, once_a_cycle: true }
}

fn state(key: &str, state: State) -> (String, State) {
    (key.to_owned(), state)
}

#[test]
fn a_payday_is_open_until_the_next() {
    let bench = Bench::at("2026-11-27T09:00:00Z");
    let wanted = [
        state("2026-10-27", State::Over),
        state("2026-11-27", State::Open),
        state("2026-12-27", State::Coming),
    ];
    assert_eq!(bench.states(on_payday()), wanted);
    assert_eq!(Bench::at("2026-12-26T23:59:00Z").states(on_payday())[1], state("2026-11-27", State::Open));
}

#[test]
fn a_payday_with_an_income_waits_for_it() {
    let mut bench = Bench::at("2026-11-27T09:00:00Z");
    bench.paydays = vec![payday(true)];
    assert_eq!(bench.states(on_payday())[1], state("2026-11-27", State::Waiting));
    bench.credits.push(credit("tx_1", "2026-11-27T08:00:00Z", 245_000, "ACME Ltd"));
    let found = bench.evaluate(&rule(vec![on_payday()])).occurrences;
    assert_eq!((found[1].state, found[1].at), (State::Open, at("2026-11-27T08:00:00Z")));
    assert_eq!(found[1].credit.as_ref().map(|fired| fired.amount), Some(245_000));
    // An offset goes by the date alone.
    bench.credits.clear();
    let early = Trigger::Payday { payday: None, offset_days: -1, at: None };
    assert_eq!(bench.states(early)[1], state("2026-11-27", State::Open));
}

#[test]
fn an_income_that_comes_early_waits_for_the_day() {
    let mut bench = Bench::at("2026-11-26T12:00:00Z");
    bench.paydays = vec![payday(true)];
    bench.credits.push(credit("tx_1", "2026-11-26T08:00:00Z", 245_000, "ACME Ltd"));
    assert_eq!(bench.states(on_payday())[2], state("2026-11-27", State::Coming));
    // By itself the credit fires at once, under the key of the payday it is nearest to.
    assert_eq!(bench.states(on_income()), [state("2026-11-27", State::Open)]);
}

#[test]
fn only_the_credits_that_are_meant_fire() {
    let check = |change: fn(&mut CreditRow), fires: bool| {
        let mut bench = Bench::at("2026-11-27T09:00:00Z");
        let mut row = credit("tx_1", "2026-11-27T08:00:00Z", 245_000, "ACME Ltd");
        change(&mut row);
        bench.credits.push(row.clone());
        assert_eq!(bench.states(on_income()).len(), usize::from(fires), "{row:?}");
    };
    check(|_| (), true);
    check(|row| row.from = "acme".into(), true);
    check(|row| row.from = "The ACME".into(), false);
    check(|row| row.amount = 99_999, false);
    check(|row| row.amount = 500_001, false);
    check(|row| row.kind = CreditKind::Other, false);
    check(|row| row.kind = CreditKind::Own, false);
    check(|row| row.account = AccountId::new("acc_other"), false);
}

#[test]
fn a_further_match_in_a_cycle_is_only_proposed() {
    let mut bench = Bench::at("2026-11-27T12:00:00Z");
    bench.credits.push(credit("tx_2", "2026-11-27T09:00:00Z", 120_000, "ACME Ltd"));
    bench.credits.push(credit("tx_1", "2026-11-27T08:00:00Z", 245_000, "ACME Ltd"));
    let found = bench.evaluate(&rule(vec![on_income()])).occurrences;
    assert_eq!((found[0].key.as_str(), &found[0].begin), ("2026-11-27", &Begin::Run));
    assert_eq!((found[1].key.as_str(), &found[1].begin), ("tx_2", &Begin::Propose(vec![Why::Further])));
    // A row that the bank shows late takes no other's place.
    bench.used.insert("2026-11-27".into());
    let mut late = credit("tx_0", "2026-11-27T07:00:00Z", 110_000, "ACME Ltd");
    late.first_read_at = bench.now;
    bench.credits.push(late);
    let found = bench.evaluate(&rule(vec![on_income()])).occurrences;
    let key_of = |id: &str| {
        let of = |found: &&Occurrence| found.credit.as_ref().is_some_and(|fired| fired.id.as_str() == id);
        found.iter().find(of).map(|found| (found.key.clone(), found.state))
    };
    assert_eq!(key_of("tx_1"), Some(state("2026-11-27", State::Used)));
    assert_eq!(key_of("tx_0"), Some(state("tx_0", State::Open)));
}

#[test]
fn nothing_fires_for_the_past() {
    let mut bench = Bench::at("2026-11-27T12:00:00Z");
    bench.since = at("2026-11-27T10:00:00Z");
    bench.credits.push(credit("tx_1", "2026-11-27T08:00:00Z", 245_000, "ACME Ltd"));
    assert_eq!(bench.states(on_payday())[1].1, State::Missed);
    assert_eq!(bench.states(on_income())[0].1, State::Missed);
    assert_eq!(bench.states(Trigger::Daily { at: None })[1].1, State::Missed);
    bench.since = at("2026-01-01T00:00:00Z");
    bench.credits[0].first_read_at = at("2026-11-30T08:00:01Z");
    bench.now = at("2026-11-30T09:00:00Z");
    assert_eq!(bench.states(on_income())[0].1, State::Missed, "read more than three days after it was made");
}

#[test]
fn windows_end() {
    let weekly = || Trigger::Weekly { weekday: Weekday::Friday, at: None };
    let check = |now: &str, trigger: Trigger, wanted: State| {
        let found = Bench::at(now).states(trigger.clone());
        assert_eq!(found[1].1, wanted, "{now} {trigger:?}: {found:?}");
    };
    check("2026-11-28T23:59:00Z", weekly(), State::Open);
    check("2026-11-29T00:00:00Z", weekly(), State::Over);
    let six = Some(Time::constant(18, 0, 0, 0));
    check("2026-11-28T17:59:00Z", Trigger::Daily { at: six }, State::Coming);
    assert_eq!(Bench::at("2026-11-28T17:59:00Z").states(Trigger::Daily { at: six })[0].1, State::Open);
    let monthly = Trigger::Monthly { day: Day::Of(31), at: None, adjust: Adjust::None };
    check("2026-11-29T00:00:00Z", monthly.clone(), State::Open);
    assert_eq!(Bench::at("2026-11-29T00:00:00Z").states(monthly)[2], state("2026-11-30", State::Coming));
}

#[test]
fn a_used_key_is_used_and_a_rule_that_is_off_never_begins() {
    let mut bench = Bench::at("2026-11-27T09:00:00Z");
    bench.used.insert("2026-11-27".into());
    assert_eq!(bench.states(on_payday())[1].1, State::Used);
    let off = bench.with(&rule(vec![on_payday()]), RuleMode::Off, History::ThisText);
    assert!(off.occurrences.iter().all(|found| found.begin == Begin::Never));
}

#[test]
fn first_changed_and_late_runs_are_proposed() {
    let check = |now: &str, mode, history, wanted: Begin| {
        let found = Bench::at(now).with(&rule(vec![on_payday()]), mode, history).occurrences;
        assert_eq!(found[1].begin, wanted, "{now} {mode:?} {history:?}");
    };
    let on_time = "2026-11-28T23:59:00Z";
    check(on_time, RuleMode::Auto, History::ThisText, Begin::Run);
    check(on_time, RuleMode::Auto, History::Never, Begin::Propose(vec![Why::FirstRun]));
    check(on_time, RuleMode::Auto, History::OtherText, Begin::Propose(vec![Why::ChangedText]));
    check(on_time, RuleMode::Propose, History::ThisText, Begin::Propose(vec![Why::Mode]));
    check("2026-11-29T00:00:01Z", RuleMode::Auto, History::ThisText, Begin::Propose(vec![Why::Late]));
}

#[test]
fn two_triggers_of_one_key_are_one_occurrence() {
    let mut bench = Bench::at("2026-11-27T09:00:00Z");
    bench.credits.push(credit("tx_1", "2026-11-27T08:00:00Z", 245_000, "ACME Ltd"));
    let found = bench.evaluate(&rule(vec![on_payday(), on_income()])).occurrences;
    assert_eq!(found.iter().filter(|found| found.key == "2026-11-27").count(), 1, "{found:?}");
}

fn below() -> Trigger {
    let of = AccountOrPotName::Account("Personal".into());
    Trigger::Balance { of, level: Level::Below(5_000), cooldown: SignedDuration::from_hours(6) }
}

#[test]
fn a_balance_fires_on_the_edge_and_arms_again() {
    let mut bench = Bench::at("2026-11-27T09:00:00Z");
    let below = rule(vec![below()]);
    let mut memory = Memory::default();
    // Balance after each sync, whether a run made the sync, whether an occurrence is open.
    for (step, (balance, by_run, open)) in [
        (4_000, false, false),
        (6_000, false, false),
        (4_000, false, true),
        (3_000, false, true),
        (6_000, true, false),
        (4_000, true, false),
        (4_000, false, true),
        (5_000, false, false),
    ]
    .into_iter()
    .enumerate()
    {
        bench.watch = Some(Watch { memory, balance: Some(balance), ..Watch::default() });
        bench.by_run = by_run;
        let found = bench.evaluate(&below);
        assert_eq!(!found.occurrences.is_empty(), open, "step {step}: {found:?}");
        memory = found.memories[&0].clone();
    }
}

#[test]
fn a_used_edge_does_not_fire_until_the_balance_was_back() {
    let mut bench = Bench::at("2026-11-27T09:00:00Z");
    bench.used.insert("sync_0".into());
    let edge = Some(Edge { key: "sync_0".into(), at: bench.now });
    let memory = Memory { balance: Some(4_000), edge };
    bench.watch = Some(Watch { memory, balance: Some(3_000), ..Watch::default() });
    assert_eq!(bench.evaluate(&rule(vec![below()])).occurrences, []);
}

#[test]
fn a_cooldown_and_an_unexplained_change_hold_an_edge_back() {
    let mut bench = Bench::at("2026-11-27T09:00:00Z");
    let memory = Memory { balance: Some(6_000), edge: None };
    let watch = Watch { memory: memory.clone(), balance: Some(4_000), ..Watch::default() };
    bench.watch = Some(Watch { moved_at: Some(at("2026-11-27T04:00:00Z")), ..watch.clone() });
    let held = bench.evaluate(&rule(vec![below()]));
    assert_eq!((held.occurrences.len(), held.waits.len(), &held.memories[&0]), (0, 1, &memory));
    bench.watch = Some(Watch { unexplained: true, ..watch.clone() });
    assert_eq!(bench.evaluate(&rule(vec![below()])).memories[&0], memory);
    bench.watch = Some(Watch { moved_at: Some(at("2026-11-27T03:00:00Z")), ..watch });
    assert_eq!(bench.evaluate(&rule(vec![below()])).occurrences.len(), 1);
}

#[test]
fn an_income_is_overdue_two_days_after_its_payday() {
    let zone = london();
    let paydays = [payday(true)];
    let check = |now: &str, credits: &[CreditRow]| {
        let facts = OccurrenceInputs { now: at(now), zone: &zone, paydays: &paydays, sync: None, credits };
        overdue(&facts).into_iter().find(|overdue| overdue.date.month() == 11)
    };
    let other = credit("tx_1", "2026-11-27T08:00:00Z", 24_500, "Friend");
    assert_eq!(check("2026-11-28T12:00:00Z", std::slice::from_ref(&other)), None);
    let found = check("2026-11-29T00:00:00Z", std::slice::from_ref(&other)).expect("overdue");
    assert_eq!(found.nearest, [other]);
    let pay = credit("tx_2", "2026-11-29T08:00:00Z", 245_000, "ACME Ltd");
    assert_eq!(check("2026-11-30T00:00:00Z", &[pay]), None);
}

#[test]
fn what_is_not_known_to_be_income_is_not() {
    let check = |marks, wanted| assert_eq!(CreditKind::of(marks), wanted, "{marks:?}");
    let bank = CreditMarks {
        scheme: "payport_faster_payments",
        account_kind: "uk_retail",
        ..CreditMarks::default()
    };
    for scheme in ["bacs", "payport_faster_payments", "p2p_payment", "monzo_to_monzo"] {
        check(CreditMarks { scheme, ..bank }, CreditKind::Income);
    }
    for scheme in
        ["mastercard", "uk_retail_pot", "monzo_flex", "account_interest", "monzo_paid", "new_rail", ""]
    {
        check(CreditMarks { scheme, ..bank }, CreditKind::Other);
    }
    check(CreditMarks { own: true, ..bank }, CreditKind::Own);
    check(CreditMarks { reversal: true, ..bank }, CreditKind::Other);
    check(CreditMarks { direct_debit: true, ..bank }, CreditKind::Other);
    check(CreditMarks { flex: true, ..bank }, CreditKind::Other);
    check(CreditMarks { account_kind: "uk_monzo_flex", ..bank }, CreditKind::Other);
}

#[test]
fn a_star_is_any_text() {
    for (pattern, text, fits) in [
        ("ACME*", "acme ltd", true),
        ("*ltd", "ACME Ltd", true),
        ("A*M*", "ACME", true),
        ("*", "", true),
        ("ACME", "ACME Ltd", false),
        ("a*a", "a", false),
        ("a*bc*c", "abc", false),
        ("É*", "école", true),
    ] {
        assert_eq!(globbed(pattern, text), fits, "{pattern} {text}");
    }
}

fn triggers() -> impl Strategy<Value = Trigger> {
    let time = prop_oneof![
        Just(None),
        (0_i8..24, 0_i8..60).prop_map(|(hour, minute)| Some(Time::constant(hour, minute, 0, 0)))
    ];
    let weekday = (1_i8..=7).prop_map(|day| Weekday::from_monday_one_offset(day).expect("a weekday"));
    prop_oneof![
        time.clone().prop_map(|at| Trigger::Daily { at }),
        (weekday, time.clone()).prop_map(|(weekday, at)| Trigger::Weekly { weekday, at }),
        (1_i8..=31, time.clone())
            .prop_map(|(day, at)| { Trigger::Monthly { day: Day::Of(day), at, adjust: Adjust::Before } }),
        (-3_i32..=3, time).prop_map(|(offset_days, at)| Trigger::Payday { payday: None, offset_days, at }),
        Just(on_income()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    /// Over evaluations at any instants, an occurrence that ran is never open again, and no evaluation has a key twice.
    #[test]
    fn no_key_is_produced_twice(
        triggers in prop::collection::vec(triggers(), 1..4),
        start in 0_i64..40_000_000,
        gaps in prop::collection::vec(1_i64..400_000, 1..6),
        pays in prop::collection::vec((0_i64..3_000_000, 90_000_i64..300_000), 0..4),
    ) {
        let rule = rule(triggers);
        let mut bench = Bench::at("2026-01-01T00:00:00Z");
        bench.now += SignedDuration::from_secs(start);
        for (index, (after, amount)) in pays.iter().enumerate() {
            let mut row = credit(&format!("tx_{index}"), "2026-01-01T00:00:00Z", *amount, "ACME");
            row.created_at = bench.now + SignedDuration::from_secs(*after - 1_500_000);
            row.first_read_at = row.created_at;
            bench.credits.push(row);
        }
        let all = std::mem::take(&mut bench.credits);
        for gap in gaps {
            bench.now += SignedDuration::from_secs(gap);
            bench.credits = all.iter().filter(|row| row.first_read_at <= bench.now).cloned().collect();
            let found = bench.evaluate(&rule).occurrences;
            let keys: BTreeSet<&str> = found.iter().map(|found| found.key.as_str()).collect();
            prop_assert_eq!(keys.len(), found.len(), "{:?}", found);
            for open in found.iter().filter(|found| found.state == State::Open) {
                prop_assert!(bench.used.insert(open.key.clone()), "{} again", open.key);
            }
        }
    }

    /// Whatever the clocks do, each local date of a daily rule is due once, at one moment, within its day or a gap of it.
    #[test]
    fn the_clocks_neither_skip_nor_double_a_day(
        day in 0_i32..3_000,
        hour in 0_i8..24,
        minute in 0_i8..60,
        second in 0_i64..86_400,
    ) {
        let time = Time::constant(hour, minute, 0, 0);
        let zone = london();
        let date = jiff::civil::date(2020, 1, 1).checked_add(jiff::Span::new().days(day)).expect("a day");
        let moment = crate::autosort::decide::calendar::instant(date, time, &zone).expect("an instant");
        let mut bench = Bench::at("2020-01-01T00:00:00Z");
        bench.since = at("2000-01-01T00:00:00Z");
        bench.now = moment + SignedDuration::from_secs(second.min(82_000));
        let found = bench.evaluate(&rule(vec![Trigger::Daily { at: Some(time) }])).occurrences;
        let open: Vec<_> = found.iter().filter(|found| found.state == State::Open).collect();
        prop_assert_eq!(open.len(), 1, "{:?}", found);
        prop_assert_eq!((&open[0].key, open[0].at), (&date.to_string(), moment));
    }
}

#[test]
fn the_next_moment_of_every_calendar_trigger_is_told() {
    let next = |trigger: Trigger, now: &str| next(&rule(vec![trigger]), &[payday(true)], &london(), at(now));
    let six = Some(Time::constant(18, 0, 0, 0));
    let expected = |text: &str| Some(at(text));
    let on_payday = |offset_days| Trigger::Payday { payday: None, offset_days, at: six };
    assert_eq!(next(on_payday(0), "2026-11-25T12:00:00Z"), expected("2026-11-27T18:00:00Z"));
    assert_eq!(next(on_payday(-1), "2026-11-25T12:00:00Z"), expected("2026-11-26T18:00:00Z"));
    assert_eq!(next(on_payday(-1), "2026-11-27T12:00:00Z"), expected("2026-12-26T18:00:00Z"));
    assert_eq!(next(on_payday(2), "2026-11-28T12:00:00Z"), expected("2026-11-29T18:00:00Z"));
    let monthly = Trigger::Monthly { day: Day::Of(31), at: six, adjust: Adjust::None };
    assert_eq!(next(monthly, "2026-11-25T12:00:00Z"), expected("2026-11-30T18:00:00Z"));
    let weekly = Trigger::Weekly { weekday: Weekday::Friday, at: six };
    assert_eq!(next(weekly.clone(), "2026-11-27T17:00:00Z"), expected("2026-11-27T18:00:00Z"));
    assert_eq!(next(weekly, "2026-11-27T18:00:00Z"), expected("2026-12-04T18:00:00Z"));
    // In summer the clock of London is an hour ahead.
    assert_eq!(next(Trigger::Daily { at: six }, "2026-07-01T17:30:00Z"), expected("2026-07-02T17:00:00Z"));
    assert_eq!(next(Trigger::Manual, "2026-07-01T17:30:00Z"), None);
}
