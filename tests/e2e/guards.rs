//! What holds money back: floors, exclusions, quiet hours, and a ledger that knows more than the database.

use std::time::Duration;

use jiff::SignedDuration;
use rustix::process::Signal;
use serde_json::json;

use crate::moves::{ended, moved, propose, run};
use crate::rig::{self, Rig};
use crate::rules::{newest, reconfigure, runs, two_pots};

/// Two pots of which each gets something; `HEAD` is what a test adds.
fn two_steps(head: &str) -> String {
    format!(
        "[sync]\npoll = \"\"\n[autosort]\n{head}\n[[autosort.rule]]\nname = \"aside\"\n\
         trigger = {{ on = \"manual\" }}\nsource = \"account:Personal\"\nkeep = \"£0.00\"\n\
         step = [{{ pot = \"Holiday\", amount = \"£50.00\" }}, {{ pot = \"Bills\", amount = \"£20.00\" }}]\n"
    )
}

fn deposit(pot: &str, amount: i64) -> (bool, String, i64) {
    (false, pot.to_owned(), amount)
}

#[test]
fn a_floor_is_never_broken_whoever_asks() {
    // The account holds £1,482.70.
    let rig = two_pots(&two_steps("account_floor = \"£1,420.00\""));
    let said = rig.ctl(&["sort", "run", "aside", "--yes"]);
    assert_eq!(said.code, 6, "{said:?}");
    assert!(said.err.contains("floor"), "{said:?}");
    assert_eq!(moved(&rig), []);
    let said = rig.ctl(&["move", "£70", "Personal", "Holiday", "--yes"]);
    assert_eq!(said.code, 6, "{said:?}");
    assert_eq!(moved(&rig), []);
}

#[test]
fn an_excluded_pot_is_skipped_and_never_touched() {
    let rig = two_pots(&two_steps(""));
    assert_eq!(rig.ctl(&["exclude", "add", "Holiday"]).code, 0);
    let said = rig.ctl(&["sort", "plan", "aside"]);
    assert!(said.code == 0 && said.out.contains("excluded"), "{said:?}");
    let said = rig.ctl(&["sort", "run", "aside", "--yes"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(moved(&rig), [deposit("Bills", 2_000)]);
    let said = rig.ctl(&["move", "£5", "Personal", "Holiday", "--yes"]);
    assert_ne!(said.code, 0, "{said:?}");
    assert_eq!(moved(&rig).len(), 1);
}

#[test]
fn quiet_hours_hold_a_run_back_until_they_end() {
    let rig = two_pots(&two_steps("quiet_hours = [\"11:00\", \"13:00\"]"));
    let said = rig.ctl(&["sort", "run", "aside", "--yes"]);
    assert_eq!(said.code, 75, "{said:?}");
    assert_eq!(moved(&rig), []);
    newest(&rig, 1, "waiting");
    rig.bank.advance(SignedDuration::from_mins(61));
    rig.sync();
    newest(&rig, 1, "done");
    assert_eq!(moved(&rig), [deposit("Holiday", 5_000), deposit("Bills", 2_000)]);
}

#[test]
fn a_transfer_of_another_installation_freezes_until_a_person_thaws() {
    let mut rig = two_pots("[sync]\npoll = \"\"\n");
    assert_eq!(rig.ctl(&["move", "£5", "Personal", "Holiday", "--yes"]).code, 0);
    rig.stop();
    std::fs::rename(rig.home.state(), rig.home.path("elsewhere")).expect("moved away");
    rig.start();
    rig.login();
    rig.until("it freezes itself", || rig.status()["sorter"]["frozen"] == true);
    let said = rig.ctl(&["move", "£6", "Personal", "Holiday", "--yes"]);
    assert_eq!(said.code, 6, "{said:?}");
    let reason = rig.status().to_string();
    assert!(reason.contains("not in this database"), "{reason}");
    assert_eq!(moved(&rig), [deposit("Holiday", 500)]);
    assert_eq!(rig.ctl(&["sort", "thaw"]).code, 0);
    rig.sync();
    assert_eq!(rig.status()["sorter"]["frozen"], false, "a person has thawed what is known of");
    assert_eq!(rig.ctl(&["move", "£6", "Personal", "Holiday", "--yes"]).code, 0);
    assert_eq!(moved(&rig), [deposit("Holiday", 500), deposit("Holiday", 600)]);
}

/// Pay of which £50 is put aside.
const INCOME: &str = r#"
[sync]
poll = ""
[[payday]]
name = "main"
day = "last-working-day"
[[autosort.rule]]
name = "pay"
trigger = { on = "income", at_least = "£300.00" }
source = "account:Personal"
keep = "£100.00"
step = [{ pot = "Holiday", amount = "£50.00" }]
"#;

/// A database from before a run that the bank has made, restored and thawed.
///
/// `lag` is how long the bank's list hides the run's row.
fn forgotten(lag: Duration) -> Rig {
    let rig = two_pots(INCOME);
    let file = rig.home.path("yesterday.db");
    let path = file.to_str().expect("text");
    assert_eq!(rig.ctl(&["backup", path]).code, 0);
    rig.bank.bank().pay_salary(None, 40_000).expect("paid");
    rig.bank.advance(SignedDuration::from_mins(10));
    rig.bank.bank().switches.visibility_lag_ms = u64::try_from(lag.as_millis()).expect("short");
    rig.sync();
    newest(&rig, 1, "proposed");
    assert_eq!(rig.ctl(&["sort", "approve", "--yes"]).code, 0);
    assert_eq!(moved(&rig), [deposit("Holiday", 5_000)]);
    assert_eq!(rig.ctl(&["restore", path, "--yes"]).code, 0);
    assert_eq!(rig.status()["sorter"]["frozen"], true, "a restore leaves it frozen");
    rig
}

#[test]
fn a_run_that_a_restored_database_forgot_is_found_at_the_bank() {
    let rig = forgotten(Duration::ZERO);
    rig.sync();
    let found = newest(&rig, 1, "done");
    assert_eq!((&found["reason"], &found["occurrence"]), (&json!("found at the bank"), &json!("2026-11-30")));
    assert_eq!(rig.ctl(&["sort", "thaw"]).code, 0);
    rig.sync();
    assert_eq!(rig.status()["sorter"]["frozen"], false, "an adopted run is no stranger's");
    let said = rig.ctl(&["sort", "run", "pay", "--yes"]);
    assert!(said.code != 0 && said.err.contains(found["id"].as_str().expect("an id")), "{said:?}");
    assert_eq!(runs(&rig).len(), 1);
    assert_eq!(moved(&rig), [deposit("Holiday", 5_000)]);
}

#[test]
fn a_forgotten_run_that_is_made_again_meets_the_banks_own_key() {
    let rig = forgotten(Duration::from_secs(300));
    assert_eq!(rig.ctl(&["sort", "thaw"]).code, 0);
    rig.sync();
    newest(&rig, 1, "proposed");
    let said = rig.ctl(&["sort", "approve", "--yes"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(moved(&rig), [deposit("Holiday", 5_000)], "the same key moves nothing twice");
    rig.bank.advance(SignedDuration::from_mins(10));
    rig.sync();
    rig.until("its row is seen", || runs(&rig)[0]["transfers"][0]["reconciled_at"].is_string());
    assert_eq!(runs(&rig).len(), 1);
    assert_eq!(rig.status()["sorter"]["frozen"], false);
}

#[test]
fn a_forgotten_run_is_not_made_again_by_hand_before_the_next_sync() {
    let rig = forgotten(Duration::ZERO);
    assert_eq!(rig.ctl(&["sort", "thaw"]).code, 0);
    let said = rig.ctl(&["sort", "run", "pay", "--yes"]);
    assert!(said.code != 0 && said.err.contains("--again"), "{said:?}");
    let found = newest(&rig, 1, "done");
    assert_eq!(found["reason"], "found at the bank", "{found}");
    assert_eq!(moved(&rig), [deposit("Holiday", 5_000)]);
}

#[test]
fn a_proposal_from_before_the_run_ends_when_the_run_is_found() {
    let rig = two_pots(INCOME);
    rig.bank.bank().pay_salary(None, 40_000).expect("paid");
    rig.sync();
    newest(&rig, 1, "proposed");
    let file = rig.home.path("yesterday.db");
    let path = file.to_str().expect("text");
    assert_eq!(rig.ctl(&["backup", path]).code, 0);
    assert_eq!(rig.ctl(&["sort", "approve", "--yes"]).code, 0);
    assert_eq!(rig.ctl(&["restore", path, "--yes"]).code, 0);
    assert_eq!(rig.ctl(&["sort", "thaw"]).code, 0);
    rig.sync();
    let found = newest(&rig, 2, "done");
    assert_eq!(found["reason"], "found at the bank", "{found}");
    assert_eq!(runs(&rig)[1]["state"], "expired", "{:#?}", runs(&rig));
    let said = rig.ctl(&["sort", "approve", "--yes"]);
    assert!(said.out.contains("No run waits"), "{said:?}");
    assert_eq!(moved(&rig), [deposit("Holiday", 5_000)]);
}

#[test]
fn a_stop_waits_for_the_answer_to_what_was_sent() {
    let mut rig = two_pots("[sync]\npoll = \"\"\n");
    let id = propose(&rig, 7_700, "Personal", "Holiday");
    rig.bank.bank().settings.latency = Duration::from_millis(700);
    rig.rpc("autosort.approve", &json!({"id": id}));
    rig.until("it is sent", || run(&rig, &id)["transfers"][0]["state"] == "requested");
    rig.signal(Signal::TERM);
    let status = rig.ended();
    assert!(status.success(), "{status}");
    assert_eq!(moved(&rig), [deposit("Holiday", 7_700)]);
    rig.bank.bank().settings.latency = Duration::ZERO;
    rig.start();
    let run = ended(&rig, &id);
    assert_eq!(run["state"], "done", "{run}");
    assert_eq!(moved(&rig), [deposit("Holiday", 7_700)]);
    let asked = rig
        .bank
        .bank()
        .counts
        .iter()
        .filter(|(name, _)| name.contains("deposit"))
        .map(|(_, n)| *n)
        .sum::<u64>();
    assert_eq!(asked, 1, "the answer was waited for, so that nothing was asked twice");
}

#[test]
fn a_floor_for_an_account_that_is_none_is_a_problem() {
    let rig = Rig::with(rig::small(), "[autosort]\naccount_floor = { Personl = \"£50.00\" }\n");
    rig.login();
    let status = rig.status();
    let found = status["attention"][0].clone();
    assert_eq!((&found["code"], &found["severity"]), (&"rule_unfit".into(), &"problem".into()), "{status}");
    assert!(found["message"].as_str().expect("text").contains("‘Personl’, which is no account"), "{found}");
}

/// What a bills pot needs, from a year of rows.
pub const BILLS: &str = r#"
[sync]
poll = ""
[[payday]]
name = "main"
day = "last-working-day"
[[autosort.rule]]
name = "cost"
trigger = { on = "payday" }
source = "account:Personal"
keep = "£0.00"
step = [{ bills = "Bills", buffer = "0%" }]
"#;

#[test]
fn a_pots_need_is_the_sum_of_its_bills_and_suggestions_can_be_used() {
    let rig = Rig::with_year_read(BILLS);
    let plan = rig.json(&["sort", "plan", "cost", "--at", "2026-11-30T09:00"])["plan"].clone();
    let step = &plan["steps"][0];
    assert!(step["error"].is_null(), "{step:#}");
    let bills = step["bills"].as_array().expect("a list");
    assert!(!bills.is_empty(), "{step:#}");
    let sum: i64 = bills.iter().map(|bill| bill["amount"].as_i64().expect("pence")).sum();
    let inputs = step["inputs"].as_array().expect("a list");
    let said = inputs.iter().find(|input| input["name"] == "bills").expect("the sum");
    assert_eq!(said["amount"].as_i64(), Some(sum), "{step:#}");
    assert!(sum > 5_000 && sum < 500_000, "{step:#}");

    let backtest = rig.json(&["sort", "backtest", "cost", "--since", "12mo"])["backtest"].clone();
    let runs = backtest["runs"].as_array().expect("a list").len();
    assert!((10..=13).contains(&runs), "about one a month: {backtest}");
    for kind in ["payday", "bills"] {
        let said = rig.ctl(&["sort", "suggest", kind]);
        assert_eq!(said.code, 0, "{said:?}");
        assert!(said.out.contains("[[autosort.rule]]"), "{kind}: {said:?}");
        // Where the suggestion says that it is to be saved.
        let file = rig.home.path(&format!("etc/conf.d/{kind}.toml"));
        std::fs::write(&file, &said.out).expect("written");
        let checked = rig.ctl(&["config", "check"]);
        assert_eq!(checked.code, 0, "{kind}: {checked:?}\n{}", said.out);
        std::fs::remove_file(&file).expect("removed");
    }
    // Where there is no payday yet, it is suggested too.
    reconfigure(&rig, "[sync]\npoll = \"\"\n");
    let said = rig.ctl(&["sort", "suggest", "payday"]);
    let file = rig.home.path("payday.toml");
    std::fs::write(&file, &said.out).expect("written");
    let checked = rig.ctl(&["config", "check", file.to_str().expect("text")]);
    assert_eq!(checked.code, 0, "{checked:?}\n{}", said.out);
}

#[test]
fn bills_of_a_pot_whose_account_is_unknown_are_no_guess() {
    let rig = two_pots(&BILLS.replace("bills = \"Bills\"", "bills = \"Holiday\""));
    let plan = rig.json(&["sort", "plan", "cost"])["plan"].clone();
    let error = plan["steps"][0]["error"].as_str().unwrap_or_default();
    assert!(error.contains("pots discover"), "{plan:#}");
    let said = rig.ctl(&["sort", "run", "cost", "--yes"]);
    assert!(said.code == 6 && said.err.contains("pots discover"), "{said:?}");
    assert_eq!(moved(&rig), []);
}
