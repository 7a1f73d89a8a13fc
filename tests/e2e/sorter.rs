//! Money out: moves by hand and by rules, exactly once, whatever the bank and the machine do meanwhile.

use std::time::{Duration, Instant};

use monzo_sandbox::Settings;
use monzo_sandbox::bank::faults::{Fault, Rule};
use serde_json::Value;

use crate::rig::{self, Rig};
use crate::rules::runs;

/// Transfers at the bank that this daemon made: pot, direction, pence, key.
fn ours(rig: &Rig) -> Vec<(String, String, i64, String)> {
    let ledger = rig.bank.bank().ledger(None);
    let made = ledger.transfers.into_iter().filter(|transfer| transfer.external_id.contains(":mz-"));
    made.map(|transfer| (transfer.pot_id, transfer.kind.to_owned(), transfer.amount, transfer.external_id))
        .collect()
}

fn pot(rig: &Rig, name: &str) -> Value {
    let pots = rig.rpc("pots.list", &Value::Null);
    let found = pots.as_array().expect("a list").iter().find(|pot| pot["name"] == name).cloned();
    found.unwrap_or_else(|| panic!("there is no pot {name}: {pots}"))
}

#[test]
fn a_move_by_hand_moves_once_and_is_found_in_the_ledger() {
    let rig = Rig::with_year_read("");
    let before = pot(&rig, "Holiday")["balance"].as_i64().expect("a balance");
    let said = rig.ctl(&["move", "£5", "Personal", "Holiday"]);
    assert_ne!(said.code, 0, "off a terminal a move needs --yes: {said:?}");
    assert!(ours(&rig).is_empty());
    let said = rig.ctl(&["move", "£5", "Personal", "Holiday", "--yes"]);
    assert_eq!(said.code, 0, "{said:?}");
    let made = ours(&rig);
    assert_eq!(made.len(), 1, "{made:?}");
    assert_eq!((made[0].1.as_str(), made[0].2), ("deposit", 500));
    assert_eq!(pot(&rig, "Holiday")["balance"].as_i64(), Some(before + 500));
    rig.sync();
    let run = &runs(&rig)[0];
    assert_eq!(run["state"], "done", "{run}");
    assert!(run["transfers"][0]["reconciled_at"].is_string(), "{run}");
}

#[test]
fn an_undo_brings_it_back_and_a_second_one_says_that_nothing_is_left() {
    let rig = Rig::with_year_read("");
    let before = pot(&rig, "Holiday")["balance"].clone();
    assert_eq!(rig.ctl(&["move", "£5", "Personal", "Holiday", "--yes"]).code, 0);
    let id = runs(&rig)[0]["id"].as_str().expect("an id").to_owned();
    let said = rig.ctl(&["sort", "undo", &id, "--yes"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(pot(&rig, "Holiday")["balance"], before);
    let said = rig.ctl(&["sort", "undo", &id, "--yes"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(ours(&rig).len(), 2, "{:?}", ours(&rig));
}

#[test]
fn between_two_pots_money_passes_through_the_account() {
    let rig = Rig::with_year_read("");
    let (from, to) = (pot(&rig, "Bills")["balance"].clone(), pot(&rig, "Holiday")["balance"].clone());
    let said = rig.ctl(&["move", "£20", "Bills", "Holiday", "--yes"]);
    assert_eq!(said.code, 0, "{said:?}");
    let made: Vec<_> = ours(&rig).into_iter().map(|made| (made.1, made.2)).collect();
    assert_eq!(made, [("withdraw".to_owned(), 2000), ("deposit".to_owned(), 2000)]);
    assert_eq!(pot(&rig, "Bills")["balance"].as_i64(), from.as_i64().map(|from| from - 2000));
    assert_eq!(pot(&rig, "Holiday")["balance"].as_i64(), to.as_i64().map(|to| to + 2000));
}

#[test]
fn an_answer_that_is_lost_is_looked_for_and_never_means_a_second_move() {
    for fault in [
        Fault::ResetAfter,
        Fault::TimeoutAfter,
        Fault::TruncatedBody,
        Fault::EmptyBody,
        Fault::ResetBefore,
        Fault::Gateway,
    ] {
        let rig = Rig::with_year_read("[monzo]\ntimeout = \"1s\"\n");
        rig.bank.bank().set_faults(vec![Rule::nth(fault, 1).at("deposit")], 1);
        let said = rig.ctl(&["move", "£5", "Personal", "Holiday", "--yes"]);
        assert!(matches!(said.code, 0 | 8), "{fault:?}: {said:?}");
        rig.until("the run is over", || runs(&rig)[0]["state"] == "done");
        assert_eq!(ours(&rig).len(), 1, "{fault:?}: {:?}", ours(&rig));
    }
}

#[test]
fn what_the_bank_refuses_fails_with_its_reason() {
    let rig = Rig::with_year_read("");
    let said = rig.ctl(&["move", "£900,000", "Personal", "Holiday", "--yes"]);
    assert!(matches!(said.code, 2 | 6), "{said:?}");
    assert!(ours(&rig).is_empty());
    let said = rig.ctl(&["move", "£5", "House deposit", "Personal", "--yes"]);
    assert_eq!(said.code, 6, "a locked pot gives nothing: {said:?}");
    assert!(ours(&rig).is_empty());
}

#[test]
fn a_freeze_holds_everything_back_until_it_is_thawed() {
    let mut rig = Rig::with_year_read("");
    assert_eq!(rig.ctl(&["sort", "freeze", "--reason", "holiday"]).code, 0);
    let said = rig.ctl(&["move", "£5", "Personal", "Holiday", "--yes"]);
    assert_eq!(said.code, 6, "{said:?}");
    rig.stop();
    rig.start();
    assert_eq!(rig.status()["sorter"]["frozen"], true, "a freeze survives a restart");
    assert_eq!(rig.ctl(&["sort", "thaw"]).code, 0);
    assert_eq!(rig.ctl(&["move", "£5", "Personal", "Holiday", "--yes"]).code, 0);
    assert_eq!(ours(&rig).len(), 1);
}

#[test]
fn killed_at_any_moment_a_move_happens_once_or_not_at_all_and_the_run_says_which() {
    for wait in [0, 4, 9, 15, 22, 30, 41, 55, 80] {
        let mut rig = Rig::with_year_read("");
        rig.bank.bank().settings.latency = Duration::from_millis(20);
        let before = ours(&rig).len();
        std::thread::scope(|scope| {
            let moving = scope.spawn(|| rig.ctl(&["move", "£5", "Bills", "Holiday", "--yes", "--no-wait"]));
            drop(moving.join());
        });
        let at = Instant::now() + Duration::from_millis(wait);
        while Instant::now() < at {
            std::hint::spin_loop();
        }
        rig.kill();
        rig.bank.bank().settings.latency = Duration::ZERO;
        rig.start();
        rig.until("the run is over", || {
            runs(&rig).first().is_none_or(|run| {
                !matches!(run["state"].as_str(), Some("approved" | "executing" | "waiting"))
            })
        });
        let made = ours(&rig);
        let Some(run) = runs(&rig).into_iter().next() else {
            assert_eq!(made.len(), before, "after {wait} ms: {made:?}");
            continue;
        };
        let confirmed =
            run["transfers"].as_array().expect("a list").iter().filter(|one| one["state"] == "confirmed");
        assert_eq!(confirmed.count(), made.len(), "after {wait} ms: {run} {made:?}");
        let keys: std::collections::BTreeSet<_> = made.iter().map(|made| &made.3).collect();
        assert_eq!(keys.len(), made.len(), "after {wait} ms a key was used twice: {made:?}");
    }
}

/// A rule that sorts pay into two pots, proposed.
const PAYDAY: &str = r#"
[[payday]]
name = "main"
day = "last-working-day"

[[autosort.rule]]
name = "payday"
trigger = { on = "payday" }
source = "account:Personal"
keep = "£500.00"
step = [
  { pot = "Emergency", amount = "£100.00" },
  { pot = "Holiday", amount = "£50.00" },
]
"#;

#[test]
fn a_first_capture_fires_nothing_and_a_payday_that_comes_is_proposed_once() {
    let rig = Rig::with(Settings { lively: true, ..rig::year() }, PAYDAY);
    rig.login();
    assert!(runs(&rig).is_empty(), "three years of paydays are past: {:?}", runs(&rig));
    // The last working day of November 2026 is Monday the 30th.
    rig.bank.advance(jiff::SignedDuration::from_hours(6 * 24));
    rig.sync();
    rig.until("it is proposed", || runs(&rig).first().is_some_and(|run| run["state"] == "proposed"));
    rig.sync();
    assert_eq!(runs(&rig).len(), 1, "{:?}", runs(&rig));
    assert!(ours(&rig).is_empty(), "nothing moves before it is approved");
    let said = rig.ctl(&["sort", "approve", "--yes"]);
    assert_eq!(said.code, 0, "{said:?}");
    let mut amounts: Vec<i64> = ours(&rig).into_iter().map(|made| made.2).collect();
    amounts.sort_unstable();
    assert_eq!(amounts, [5000, 10000]);
    rig.sync();
    let states: Vec<_> =
        runs(&rig).iter().map(|run| (run["occurrence"].clone(), run["state"].clone())).collect();
    assert_eq!(states.len(), 1, "{states:?}");
    assert_eq!(states[0].1, "done", "{states:?}");
    assert_eq!(ours(&rig).len(), 2, "an occurrence is used once");
}

#[test]
fn a_plan_says_what_would_happen_and_moves_nothing() {
    let rig = Rig::with_year_read(PAYDAY);
    let said = rig.ctl(&["sort", "plan", "payday"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.contains("Emergency") && said.out.contains("£100.00"), "{said:?}");
    assert!(ours(&rig).is_empty());
    let said = rig.ctl(&["why", "payday"]);
    assert_eq!(said.code, 0, "{said:?}");
    let said = rig.ctl(&["payday", "--count", "3"]);
    assert!(said.code == 0 && said.out.contains("30 Nov 2026"), "{said:?}");
}

#[test]
fn a_restored_database_is_frozen() {
    let rig = Rig::with_year_read("");
    let file = rig.home.path("yesterday.db");
    let path = file.to_str().expect("text");
    assert_eq!(rig.ctl(&["backup", path]).code, 0);
    assert_eq!(rig.ctl(&["move", "£5", "Personal", "Holiday", "--yes"]).code, 0);
    assert_eq!(rig.ctl(&["restore", path, "--yes"]).code, 0);
    assert_eq!(rig.status()["sorter"]["frozen"], true);
    let said = rig.ctl(&["move", "£5", "Personal", "Holiday", "--yes"]);
    assert_eq!(said.code, 6, "{said:?}");
    assert_eq!(ours(&rig).len(), 1);
}
