//! Balances of the past, after runs and at a bank whose clock is not ours.

use serde_json::{Value, json};

use crate::rig::{self, Rig};

/// What `balance` says of the pot Holiday.
fn holiday(rig: &Rig, more: &[&str]) -> Value {
    let said = rig.json(&[&["balance", "Holiday"], more].concat());
    let balances = said["balances"].as_array().expect("a list");
    assert_eq!(balances.len(), 1, "{said}");
    balances[0].clone()
}

#[test]
fn after_a_move_yesterday_holds_what_it_held() {
    for ahead in [0, -3_000, 3_000] {
        let rig = Rig::with_year_read("");
        rig.switch(|switches| switches.date_ahead_ms = ahead);
        let before = holiday(&rig, &["--at", "yesterday"])["balance"].as_i64().expect("a balance");
        for _ in 0..2 {
            let said = rig.ctl(&["move", "£5", "Personal", "Holiday", "--yes"]);
            assert_eq!(said.code, 0, "{said:?}");
        }
        // The rows may be younger than the clock of the header by as much as it lags.
        rig.bank.advance(jiff::SignedDuration::from_secs(10));
        for synced in [false, true] {
            if synced {
                rig.sync();
            }
            let at = |day: &str| holiday(&rig, &["--at", day])["balance"].as_i64();
            let case = format!("the header {ahead} ms ahead, synced: {synced}");
            assert_eq!((at("yesterday"), at("today")), (Some(before), Some(before + 1_000)), "{case}");
            let history = rig.json(&["balance", "Holiday", "--history", "-p", "3d"]);
            let points = history["points"].as_array().expect("a list");
            let held: Vec<i64> = points.iter().filter_map(|point| point["balance"].as_i64()).collect();
            assert_eq!(held.iter().rev().take(2).collect::<Vec<_>>(), [&(before + 1_000), &before], "{case}");
        }
    }
}

#[test]
fn what_a_clock_that_was_ahead_noted_as_read_is_taken_back() {
    // With and without a hole: what the bank then served is older, or not, than what was read before.
    for days in [400, 30] {
        let rig = Rig::with(rig::year(), "[sync]\npoll = \"\"\n");
        rig.login();
        let covered = |rig: &Rig| -> Vec<(Value, Value)> {
            let accounts = rig.status()["accounts"].as_array().expect("a list").clone();
            // The edge of what is served moves on with time, by seconds here.
            let day = |one: &Value| one["covered_from"].as_str().map(|at| at[..10].into());
            accounts.iter().map(|one| (one["id"].clone(), day(one).unwrap_or_default())).collect()
        };
        let balances = |rig: &Rig| -> Vec<Value> {
            let said = rig.json(&["balance", "--at", "2026-11-15"])["balances"].clone();
            said.as_array().expect("a list").iter().map(|one| one["balance"].clone()).collect()
        };
        let before = (covered(&rig), balances(&rig));
        rig.switch(|switches| switches.date_ahead_ms = days * 24 * 3_600_000);
        rig.sync();
        rig.sync();
        rig.switch(|switches| switches.date_ahead_ms = 0);
        rig.sync();
        rig.sync();
        assert_eq!((covered(&rig), balances(&rig)), before, "{days} days");
        assert_eq!(rig.attention(), [""; 0], "{days} days: {}", rig.status());
        let due = rig.status()["sync"]["next_due_at"].clone();
        let due: jiff::Timestamp = due.as_str().expect("an instant").parse().expect("an instant");
        let wait = due.duration_since(rig.bank.bank().now());
        assert!(wait.as_hours() >= 5, "{days} days: the next sync is said to be due in {wait:#}");
    }
}

#[test]
fn the_future_is_refused_and_an_unknown_past_is_shown_with_the_day_from_which_it_is_known() {
    let rig = Rig::with_year_read("");
    let said = rig.ctl(&["balance", "--at", "tomorrow"]);
    assert!(said.code == 2 && said.err.contains("lies in the future"), "{said:?}");
    let refused = rig.call("balances.list", &json!({"at": "2030-01-01T00:00:00Z"})).expect_err("refused");
    assert_eq!(refused["data"]["code"], "invalid_params", "{refused}");
    let past = holiday(&rig, &["--at", "2026-01-05"]);
    assert!(past["balance"].is_null() && past["known_from"].is_string(), "{past}");
    let said = rig.ctl(&["balance", "--at", "2026-01-05"]);
    assert!(said.code == 0 && said.out.contains("Holiday") && said.out.contains(" known from "), "{said:?}");
    let listed = rig.json(&["pots"]);
    let live = listed["pots"].as_array().into_iter().flatten().filter(|pot| pot["deleted"] == false).count();
    let shown = rig.json(&["balance", "--at", "2026-01-05"]);
    let shown = shown["balances"].as_array().into_iter().flatten();
    assert!(shown.filter(|balance| balance["pot_id"].is_string()).count() >= live, "no pot is dropped");
    let said = rig.ctl(&["balance", "Holiday", "--history", "--since", "2026-01-05"]);
    assert!(said.out.contains("The balance of Holiday is known from "), "{said:?}");
}
