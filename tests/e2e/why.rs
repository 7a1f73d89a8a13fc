//! Why things stand as they do, and what a rule would have done: with the figures that decide.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use monzo_sandbox::bank::faults::Fault;
use monzo_sandbox::control::Spend;

use crate::guards::BILLS;
use crate::midway::{always, three_pots};
use crate::rig::{self, Rig};
use crate::rules::{newest, reconfigure, runs};

/// A top-up, a sweep, and a rule that only a person starts.
const RULES: &str = r#"
[sync]
poll = ""
[autosort]
mode = "auto"
max_per_run = "£500.00"
quiet_hours = []
[[autosort.rule]]
name = "top-up"
trigger = { on = "balance", of = "account:Personal", below = "£50.00", cooldown = "6h" }
source = "pot:Bills"
step = [{ account = "Personal", up_to = "£150.00" }]
[[autosort.rule]]
name = "sweep"
trigger = { on = "weekly", weekday = "sunday", at = "18:00" }
source = "account:Personal"
keep = "£500.00"
mode = "propose"
step = [{ pot = "Holiday", amount = "£10.00" }]
[[autosort.rule]]
name = "pay"
trigger = { on = "income", from = "ACME*", at_least = "£300.00" }
source = "account:Personal"
keep = "£500.00"
step = [{ pot = "Car", amount = "£10.00" }]
[[autosort.rule]]
name = "by hand"
trigger = { on = "manual" }
source = "account:Personal"
keep = "£500.00"
step = [{ pot = "Holiday", amount = "£10.00" }]
"#;

fn why(rig: &Rig, subject: &str) -> String {
    let said = rig.ctl(&["why", subject]);
    assert_eq!(said.code, 0, "{said:?}");
    said.out
}

fn says(rig: &Rig, subject: &str, wanted: &[&str]) {
    let said = why(rig, subject);
    for part in wanted {
        assert!(said.contains(part), "{part:?} is not in:\n{said}");
    }
}

#[test]
fn a_rule_that_does_not_run_says_which_condition_is_false_with_both_figures() {
    let rig = three_pots(RULES);
    says(&rig, "top-up", &["£1,482.70, is not below £50.00"]);
    says(&rig, "sweep", &["it is next due on 29 Nov 18:00", "the mode is propose"]);
    says(
        &rig,
        "pay",
        &["no payment from ACME* of at least £300.00 has come; the last was £2,000.00 from HALCYON"],
    );
    says(&rig, "by hand", &["`monzoctl sort run 'by hand'`"]);
    let said = rig.ctl(&["sort", "freeze", "top-up", "--reason", "moving house"]);
    assert_eq!(said.code, 0, "{said:?}");
    says(&rig, "top-up", &["is frozen: moving house; `monzoctl sort thaw top-up`", "is not below £50.00"]);
    assert_eq!(rig.ctl(&["sort", "thaw", "top-up"]).code, 0);
    rig.bank.bank().spend(&Spend { amount: Some(145_000), ..Spend::default() }).expect("bought");
    rig.sync();
    let run = newest(&rig, 1, "proposed");
    let approve = format!("`monzoctl sort approve {}`", run["id"].as_str().expect("an id"));
    says(&rig, "top-up", &["£32.70, is below £50.00", "waiting for approval", &approve]);
}

#[test]
fn an_occurrence_that_was_used_names_its_run() {
    let rig = three_pots(RULES);
    let said = rig.ctl(&["sort", "run", "sweep", "--yes"]);
    assert_eq!(said.code, 0, "{said:?}");
    says(&rig, "sweep", &["was used by run_", ": done"]);
}

#[test]
fn a_rule_that_waits_for_the_end_of_quiet_hours_says_so() {
    let rig = three_pots(&RULES.replace("quiet_hours = []", "quiet_hours = [\"11:00\", \"13:00\"]"));
    says(&rig, "sweep", &["quiet hours from 11:00 to 13:00"]);
}

#[test]
fn a_proposal_ends_when_its_rule_is_removed() {
    let rig = three_pots(RULES);
    rig.bank.bank().spend(&Spend { amount: Some(145_000), ..Spend::default() }).expect("bought");
    rig.sync();
    let run = newest(&rig, 1, "proposed");
    reconfigure(&rig, "[sync]\npoll = \"\"\n");
    let id = run["id"].as_str().expect("an id");
    let shown = || rig.json(&["show", id])["run"].clone();
    rig.until("it has ended", || shown()["state"] == "expired");
    assert_eq!(shown()["reason"], "the rule was removed");
    assert_eq!(rig.attention(), [""; 0], "{}", rig.status());
}

#[test]
fn a_pot_says_which_rules_use_it_and_what_it_last_got() {
    let rig = three_pots(RULES);
    says(&rig, "Bills", &["the rule top-up takes money from it"]);
    says(
        &rig,
        "Holiday",
        &["the rule sweep puts money into it (step 1), next due on 29 Nov 18:00", "the rule by hand puts"],
    );
    assert_eq!(rig.ctl(&["move", "£5", "Personal", "Holiday", "--yes"]).code, 0);
    let id = runs(&rig)[0]["id"].as_str().expect("an id").to_owned();
    says(&rig, "Holiday", &["it last got £5.00 on 24 Nov", &id]);
}

#[test]
fn a_pot_says_which_bills_it_pays_and_when() {
    let rig = Rig::with(rig::year(), BILLS);
    rig.login();
    let plan = rig.json(&["sort", "plan", "cost", "--at", "2026-11-30T09:00"])["plan"].clone();
    let bills = plan["steps"][0]["bills"].as_array().expect("a list").clone();
    let names: BTreeSet<&str> = bills.iter().filter_map(|bill| bill["name"].as_str()).collect();
    let said = why(&rig, "Bills");
    let told: Vec<&str> =
        said.lines().filter_map(|line| line.trim_start().strip_prefix("• it pays ")).collect();
    assert!(!told.is_empty() && !names.is_empty(), "{said}");
    for line in &told {
        let (name, rest) = line.split_once(" next on ").expect("a day");
        assert!(names.contains(name) && rest.contains(", up to £"), "{line:?} is not among {names:?}");
    }
    let more = names.len() - told.len();
    assert!(more == 0 || said.contains(&format!("{more} more bills are paid from it")), "{names:?}: {said}");
    assert!(!why(&rig, "Holiday").contains("it pays"), "no bill is paid from a pot for saving");
}

#[test]
fn what_a_backtest_cannot_replay_is_refused_with_its_reason() {
    let refused = |rig: &Rig, rule: &str, wanted: &str| {
        let said = rig.ctl(&["sort", "backtest", rule, "--since", "2026-11-05"]);
        assert!(said.code == 1 && said.err.contains(wanted), "{rule}: {said:?}");
    };
    let watching = |of: &str| RULES.replace("of = \"account:Personal\"", &format!("of = \"{of}\""));
    let rig = three_pots(&watching("pot:Car"));
    refused(&rig, "by hand", "only a person starts this rule");
    refused(&rig, "top-up", "what Car held is not known: run `monzoctl pots discover Car` first");
    reconfigure(&rig, &watching("pot:Boat"));
    refused(&rig, "top-up", "the balance of pot:Boat cannot be replayed: nothing is called so");
    let rig = Rig::with(rig::year(), &watching("account:Joint"));
    rig.login();
    refused(&rig, "top-up", "only what happened in Personal and its pots is");
    let rig = Rig::with(rig::small(), RULES);
    always(&rig, Fault::Internal, "transactions");
    rig.sign_in(&["--no-wait"], "ada");
    rig.until("the accounts are known", || rig.json(&["accounts"])["accounts"][0]["balance"].is_number());
    refused(&rig, "sweep", "no row of its account was read yet: run `monzoctl sync`");
}

#[test]
fn a_backtest_replays_the_triggers_that_the_rule_has_and_refuses_what_it_cannot() {
    let rig = three_pots(RULES);
    // Wages of £2,000.00 came ten days ago, and then £500.00 went into Bills.
    let found = rig.json(&["sort", "backtest", "sweep", "--since", "2026-11-05"])["backtest"].clone();
    let days: Vec<(&str, &str)> = found["runs"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|run| (&run["at"].as_str().expect("text")[..16], run["cause"].as_str().expect("text")))
        .collect();
    let week = "each Sunday at 18:00";
    assert_eq!(days, [("2026-11-08T18:00", week), ("2026-11-15T18:00", week), ("2026-11-22T18:00", week)]);
    let said = rig.ctl(&["sort", "backtest", "sweep", "--since", "2026-11-05"]);
    assert!(said.code == 0 && said.out.contains("BECAUSE") && said.out.contains(week), "{said:?}");
    let found = rig.json(&["sort", "backtest", "pay", "--since", "2026-11-05"])["backtest"].clone();
    assert_eq!(found["runs"].as_array().map(Vec::len), Some(0), "nobody called ACME has paid: {found}");
    let said = rig.ctl(&["sort", "backtest", "by hand", "--since", "2026-11-05"]);
    assert!(said.code != 0 && said.err.contains("only a person starts this rule"), "{said:?}");

    rig.bank.bank().spend(&Spend { amount: Some(145_000), ..Spend::default() }).expect("bought");
    rig.bank.advance(SignedDuration::from_hours(1));
    rig.sync();
    let found = rig.json(&["sort", "backtest", "top-up", "--since", "2026-11-05"])["backtest"].clone();
    let causes: Vec<&str> =
        found["runs"].as_array().expect("a list").iter().filter_map(|run| run["cause"].as_str()).collect();
    assert_eq!(causes, ["Personal held £32.70, below £50.00"], "{found}");
}
