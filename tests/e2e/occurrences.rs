//! Occurrences: nothing fires for the past, each is used once, and what is late, changed or too much waits for a person.

use jiff::{SignedDuration, Timestamp};
use monzo_sandbox::Settings;
use monzo_sandbox::bank::row::OwnMark;
use monzo_sandbox::control::Spend;
use serde_json::json;

use crate::midway::{into, out, three_pots};
use crate::moves::{ended, moved};
use crate::rig::{self, Rig};
use crate::rules::{accepted, guards, newest, reconfigure, runs, two_pots};

/// A payday with a rule that puts £50 aside by itself; `TRIGGER` and `MORE` are what a test says.
fn config(name: &str, trigger: &str, more: &str) -> String {
    format!(
        "[sync]\npoll = \"\"\n[[payday]]\nname = \"main\"\nday = \"last-working-day\"\n{more}\n[autosort]\n\
         mode = \"auto\"\nmax_per_run = \"£1,000.00\"\nquiet_hours = []\n[[autosort.rule]]\nname = \"{name}\"\n\
         trigger = {trigger}\nsource = \"account:Personal\"\nkeep = \"£100.00\"\n\
         step = [{{ pot = \"Holiday\", amount = \"£50.00\" }}]\n"
    )
}

const INCOME: &str = "{ on = \"income\", at_least = \"£300.00\" }";
const PAYDAY: &str = "{ on = \"payday\", at = \"09:00\" }";

fn pay(rig: &Rig) {
    rig.bank.bank().pay_salary(None, 40_000).expect("paid");
    read(rig);
}

/// Reads the bank as it is now: the first may have joined one that had begun before.
fn read(rig: &Rig) {
    rig.sync();
    rig.sync();
}

/// Lets the calendar come to an instant.
fn come_to(rig: &Rig, at: &str) {
    let at: Timestamp = at.parse().expect("an instant");
    rig.bank.advance(at.duration_since(rig.bank.now()));
}

/// A person lets a rule run once, so that it may run by itself.
fn proven(rig: &Rig, rule: &str) {
    let said = rig.ctl(&["sort", "run", rule, "--yes"]);
    assert_eq!(said.code, 0, "{said:?}");
}

/// Waits until a sync that found nothing to do has been looked at.
fn quiet(rig: &Rig, count: usize) {
    read(rig);
    assert_eq!(runs(rig).len(), count, "{:#?}", runs(rig));
}

fn reasons(rig: &Rig, subject: &str) -> String {
    rig.rpc("autosort.why", &json!({"subject": subject}))["reasons"].to_string()
}

fn holiday() -> (bool, String, i64) {
    into("Holiday", 5_000)
}

#[test]
fn pay_that_came_before_the_rule_is_missed_and_can_be_sorted_by_hand() {
    let rig = two_pots("[sync]\npoll = \"\"\n");
    pay(&rig);
    rig.bank.advance(SignedDuration::from_hours(1));
    let text = config("pay", INCOME, "").replace("amount = \"£50.00\"", "amount = \"25% of income\"");
    reconfigure(&rig, &text);
    accepted(&rig);
    quiet(&rig, 0);
    assert!(reasons(&rig, "pay").contains("2026-11-30 is missed"), "{}", reasons(&rig, "pay"));
    let said = rig.ctl(&["sort", "run", "pay", "--yes"]);
    assert!(said.code == 0 && said.err.contains("2026-11-30"), "{said:?}");
    assert_eq!(moved(&rig), [into("Holiday", 10_000)], "a quarter of what came");
    let said = rig.ctl(&["sort", "run", "pay", "--yes"]);
    assert!(said.code != 0 && said.err.contains("--again"), "it is used now: {said:?}");
}

#[test]
fn a_rule_under_another_name_is_another_rule_and_nothing_fires_twice() {
    let rig = two_pots(&config("pay", INCOME, ""));
    pay(&rig);
    newest(&rig, 1, "proposed");
    assert_eq!(rig.ctl(&["sort", "approve", "--yes"]).code, 0);
    rig.bank.advance(SignedDuration::from_hours(1));
    reconfigure(&rig, &config("wages", INCOME, ""));
    accepted(&rig);
    quiet(&rig, 1);
    assert!(reasons(&rig, "wages").contains("2026-11-30 is missed"), "{}", reasons(&rig, "wages"));
    rig.bank.advance(SignedDuration::from_hours(30 * 24));
    pay(&rig);
    let first = newest(&rig, 2, "proposed");
    assert!(guards(&first).contains("never run"), "{first}");
    assert_eq!(moved(&rig), [holiday()]);
}

#[test]
fn a_changed_rule_is_proposed_until_a_person_has_let_it_go_once() {
    let rig = two_pots(&config("pay", INCOME, ""));
    proven(&rig, "pay");
    reconfigure(&rig, &config("pay", INCOME, "").replace("£50.00", "£60.00"));
    rig.bank.advance(SignedDuration::from_hours(24));
    pay(&rig);
    let changed = newest(&rig, 2, "proposed");
    assert!(guards(&changed).contains("was changed"), "{changed}");
    assert_eq!(moved(&rig), [holiday()]);
    assert_eq!(rig.ctl(&["sort", "approve", "--yes"]).code, 0);
    rig.bank.advance(SignedDuration::from_hours(30 * 24));
    pay(&rig);
    newest(&rig, 3, "done");
    assert_eq!(moved(&rig), [holiday(), into("Holiday", 6_000), into("Holiday", 6_000)]);
}

/// Off while pay comes, and on again later in the cycle: that pay is missed.
fn off_and_on(off: &str) {
    let on = config("pay", INCOME, "");
    let rig = two_pots(&on);
    proven(&rig, "pay");
    reconfigure(&rig, off);
    rig.bank.advance(SignedDuration::from_hours(24));
    pay(&rig);
    quiet(&rig, 1);
    rig.bank.advance(SignedDuration::from_hours(24));
    // So that the present is known here when the rule is accepted.
    rig.sync();
    reconfigure(&rig, &on);
    quiet(&rig, 1);
    assert!(reasons(&rig, "pay").contains("2026-11-30 is missed"), "{}", reasons(&rig, "pay"));
    rig.bank.advance(SignedDuration::from_hours(30 * 24));
    pay(&rig);
    let next = newest(&rig, 2, "done");
    assert_eq!(next["occurrence"], "2026-12-31", "{next}");
    assert_eq!(moved(&rig), [holiday(), holiday()]);
}

#[test]
fn pay_that_comes_while_a_rule_is_disabled_is_missed() {
    off_and_on(&config("pay", INCOME, "").replace("name = \"pay\"", "name = \"pay\"\nenabled = false"));
}

#[test]
fn pay_that_comes_while_a_rule_is_not_there_is_missed() {
    off_and_on("[sync]\npoll = \"\"\n");
}

#[test]
fn pay_that_comes_while_the_sorter_is_off_is_missed() {
    off_and_on(&config("pay", INCOME, "").replace("mode = \"auto\"", "mode = \"off\""));
}

#[test]
fn own_money_fires_no_income_rule_whichever_mark_alone_tells_it() {
    let rig = two_pots(&config("pay", INCOME, ""));
    proven(&rig, "pay");
    rig.bank.advance(SignedDuration::from_hours(24));
    for mark in [OwnMark::UserId, OwnMark::Number, OwnMark::AccountId, OwnMark::ToSelf] {
        rig.bank.bank().pay_oneself(None, 40_000, mark).expect("paid");
        quiet(&rig, 1);
    }
    assert!(reasons(&rig, "pay").contains("is your own money"), "{}", reasons(&rig, "pay"));
    let said = rig.ctl(&["sort", "suggest", "payday"]);
    assert!(!said.out.contains("Ada Example"), "own money is no pay either: {said:?}");
    pay(&rig);
    newest(&rig, 2, "done");
    assert_eq!(moved(&rig), [holiday(), holiday()], "what comes from somebody else still fires");
}

#[test]
fn pay_that_comes_a_day_early_is_sorted_on_payday_and_once() {
    let income = "income = { at_least = \"£300.00\" }";
    let mut rig = two_pots(&config("pay", PAYDAY, income));
    proven(&rig, "pay");
    come_to(&rig, "2026-11-29T10:00:00Z");
    pay(&rig);
    quiet(&rig, 1);
    // Nobody is there in the night; the morning finds it.
    rig.stop();
    come_to(&rig, "2026-11-30T09:30:00Z");
    rig.start();
    rig.until("it runs", || runs(&rig)[0]["occurrence"] == "2026-11-30" && runs(&rig)[0]["state"] == "done");
    pay(&rig);
    quiet(&rig, 2);
    assert_eq!(moved(&rig), [holiday(), holiday()]);
}

#[test]
fn a_payday_without_its_income_waits_and_says_so() {
    let income = "income = { at_least = \"£300.00\" }";
    let rig = two_pots(&config("pay", PAYDAY, income));
    proven(&rig, "pay");
    come_to(&rig, "2026-11-30T10:00:00Z");
    quiet(&rig, 1);
    assert!(reasons(&rig, "pay").contains("the income has not"), "{}", reasons(&rig, "pay"));
    rig.bank.advance(SignedDuration::from_hours(3));
    pay(&rig);
    newest(&rig, 2, "done");
    assert_eq!(moved(&rig), [holiday(), holiday()]);
}

#[test]
fn a_run_by_hand_before_payday_leaves_the_payday_to_the_calendar_and_one_on_it_does_not() {
    let rig = two_pots(&config("pay", PAYDAY, ""));
    proven(&rig, "pay");
    assert_eq!(runs(&rig)[0]["occurrence"], "2026-10-30", "the one that was missed");
    assert_eq!(rig.ctl(&["sort", "freeze"]).code, 0);
    come_to(&rig, "2026-11-30T10:00:00Z");
    rig.sync();
    newest(&rig, 2, "withheld");
    assert_eq!(rig.ctl(&["sort", "thaw"]).code, 0);
    // By hand or by itself, whichever comes first.
    rig.ctl(&["sort", "run", "pay", "--yes"]);
    rig.until("it is done", || moved(&rig).len() == 2);
    read(&rig);
    assert_eq!(moved(&rig), [holiday(), holiday()], "{:#?}", runs(&rig));
}

/// Asleep over payday, and awake at an instant.
fn slept_until(at: &str) -> Rig {
    let mut rig = two_pots(&config("pay", PAYDAY, ""));
    proven(&rig, "pay");
    rig.stop();
    come_to(&rig, at);
    rig.start();
    rig
}

#[test]
fn a_payday_that_was_slept_through_is_caught_up_with() {
    let rig = slept_until("2026-12-01T12:00:00Z");
    let run = newest(&rig, 2, "done");
    assert_eq!(run["occurrence"], "2026-11-30", "{run}");
    assert_eq!(moved(&rig), [holiday(), holiday()]);
}

#[test]
fn a_payday_that_was_slept_through_for_long_is_only_proposed() {
    let rig = slept_until("2026-12-04T12:00:00Z");
    let run = newest(&rig, 2, "proposed");
    assert!(guards(&run).contains("catch_up"), "{run}");
    assert_eq!(moved(&rig), [holiday()]);
}

#[test]
fn a_restart_between_any_two_states_of_a_run_changes_nothing() {
    let text = config("pay", INCOME, "").replace("quiet_hours = []", "quiet_hours = [\"13:00\", \"14:00\"]");
    let mut rig = two_pots(&text.replace("mode = \"auto\"", "mode = \"propose\""));
    pay(&rig);
    let id = newest(&rig, 1, "proposed")["id"].as_str().expect("an id").to_owned();
    rig.kill();
    rig.start();
    rig.sync();
    assert_eq!(newest(&rig, 1, "proposed")["id"], json!(id), "it is not proposed twice");
    come_to(&rig, "2026-11-24T13:30:00Z");
    rig.sync();
    assert_eq!(rig.rpc("autosort.approve", &json!({"id": id}))["changed"], true);
    newest(&rig, 1, "waiting");
    rig.kill();
    rig.start();
    rig.sync();
    newest(&rig, 1, "waiting");
    assert_eq!(moved(&rig), []);
    come_to(&rig, "2026-11-24T14:01:00Z");
    rig.sync();
    assert_eq!(ended(&rig, &id)["state"], "done");
    rig.kill();
    rig.start();
    quiet(&rig, 1);
    assert_eq!(moved(&rig), [holiday()]);
}

#[test]
fn what_is_over_the_cap_of_a_day_waits_for_a_person() {
    let text = config("one", INCOME, "").replace("max_per_run", "max_per_day = \"£90.00\"\nmax_per_run");
    let second = text.split("[[autosort.rule]]").nth(1).expect("a rule").replace("\"one\"", "\"two\"");
    let rig = two_pots(&format!("{text}[[autosort.rule]]{second}"));
    proven(&rig, "one");
    proven(&rig, "two");
    rig.bank.advance(SignedDuration::from_hours(24));
    pay(&rig);
    let held = newest(&rig, 4, "proposed");
    assert_eq!((&held["rule"], &runs(&rig)[1]["state"]), (&json!("two"), &json!("done")), "{held}");
    assert!(guards(&held).contains("£100.00 on this day is over max_per_day of £90.00"), "{held}");
    assert_eq!(moved(&rig).len(), 3);
    assert_eq!(rig.ctl(&["sort", "approve", "--yes"]).code, 0);
    assert_eq!(moved(&rig).len(), 4);
}

const TOP_UP: &str = r#"
[sync]
poll = ""
[autosort]
mode = "auto"
max_per_run = "£500.00"
quiet_hours = []
[[autosort.rule]]
name = "top-up"
trigger = { on = "balance", of = "account:Personal", below = "£1,000.00", cooldown = "6h" }
source = "pot:Bills"
step = [{ account = "Personal", up_to = "£1,100.00" }]
"#;

fn spend(rig: &Rig, amount: i64) {
    rig.bank.bank().spend(&Spend { amount: Some(amount), ..Spend::default() }).expect("bought");
    read(rig);
}

#[test]
fn a_balance_fires_on_its_edge_once_and_not_while_it_cools_down() {
    let rig = three_pots(TOP_UP);
    // £1,482.70 is there.
    spend(&rig, 60_000);
    let first = newest(&rig, 1, "proposed");
    assert!(guards(&first).contains("never run"), "{first}");
    quiet(&rig, 1);
    assert_eq!(rig.ctl(&["sort", "approve", "--yes"]).code, 0);
    assert_eq!(moved(&rig), [out("Bills", 21_730)]);
    quiet(&rig, 1);
    spend(&rig, 20_000);
    quiet(&rig, 1);
    rig.bank.advance(SignedDuration::from_hours(7));
    rig.sync();
    newest(&rig, 2, "done");
    assert_eq!(moved(&rig), [out("Bills", 21_730), out("Bills", 20_000)]);
}

#[test]
fn a_balance_that_stays_past_its_level_fires_again_only_after_it_was_back() {
    let rig = three_pots(TOP_UP);
    spend(&rig, 60_000);
    let first = newest(&rig, 1, "proposed");
    assert_eq!(rig.ctl(&["sort", "reject", first["id"].as_str().expect("an id")]).code, 0);
    spend(&rig, 1_000);
    quiet(&rig, 1);
    pay(&rig);
    quiet(&rig, 1);
    spend(&rig, 40_000);
    newest(&rig, 2, "proposed");
    assert_eq!(moved(&rig), []);
}

#[test]
fn a_clock_that_is_not_the_banks_plans_and_begins_nothing() {
    let ahead = monzod::clock::Clock::system().now() + SignedDuration::from_mins(10);
    let settings = Settings { now: ahead, ..rig::small() };
    let text = format!("[monzo]\nclock = \"system\"\n{}", config("pay", INCOME, ""));
    let mut rig = Rig::stopped(settings, &text);
    {
        let mut bank = rig.bank.bank();
        let (account, at) = (bank.life.cast.personal, bank.now().as_millisecond() - 1);
        bank.world.open_pot(account, "Holiday", "teal", at);
    }
    rig.start();
    rig.login();
    accepted(&rig);
    pay(&rig);
    quiet(&rig, 0);
    let said = rig.ctl(&["sort", "run", "pay", "--yes"]);
    assert!(said.code == 6 && said.err.contains("clock"), "{said:?}");
    let said = rig.ctl(&["move", "£5", "Personal", "Holiday", "--yes"]);
    assert!(said.code == 6 && said.err.contains("clock"), "{said:?}");
    assert_eq!(moved(&rig), []);
    assert!(rig.attention().contains(&"clock_skewed".to_owned()), "{:?}", rig.attention());
}
