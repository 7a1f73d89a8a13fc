//! What becomes of rows after they were first read: settled, changed, vanished, restored, edited.

use jiff::SignedDuration;
use monzo_sandbox::bank::life::Fate;
use monzo_sandbox::control::Spend;
use serde_json::Value;

use crate::ledger;
use crate::rig::{self, Rig};

/// A payment that never ends by itself, made long enough ago to be believed when it vanishes.
fn pending() -> Spend {
    Spend { amount: Some(1234), fate: Some(Fate::Never), ago: Some(3600), ..Spend::default() }
}

fn spend(rig: &Rig, order: &Spend) -> String {
    rig.bank.bank().spend(order).expect("spent").remove(0)
}

fn shown(rig: &Rig, id: &str) -> Value {
    rig.json(&["show", id])["transaction"].clone()
}

fn detail(rig: &Rig, id: &str) -> Value {
    rig.rpc("transactions.get", &serde_json::json!({"id": id}))
}

#[test]
fn a_payment_settles_with_another_amount_and_both_are_kept() {
    let rig = Rig::new(rig::small());
    let id = spend(&rig, &pending());
    rig.login();
    assert_eq!(detail(&rig, &id)["transaction"]["pending"], true);
    rig.bank.bank().change(&id, -1500).expect("changed");
    rig.bank.bank().settle(Some(&id)).expect("settled");
    rig.sync();
    let row = detail(&rig, &id);
    assert_eq!(
        (&row["transaction"]["amount"], &row["transaction"]["pending"]),
        (&(-1500).into(), &false.into())
    );
    let revisions = row["revisions"].as_array().expect("a list");
    assert!(revisions.iter().any(|revision| revision["before"]["amount"] == -1234), "{row}");
    ledger::assert_same(&rig);
}

#[test]
fn a_payment_that_vanishes_is_withdrawn_but_kept_and_comes_back_if_the_bank_lists_it_again() {
    let rig = Rig::new(rig::small());
    let id = spend(&rig, &pending());
    rig.login();
    rig.bank.bank().vanish(&id).expect("vanished");
    rig.sync();
    let row = detail(&rig, &id);
    assert!(row["transaction"]["withdrawn_at"].is_string(), "{row}");
    ledger::assert_same(&rig);
    let listed = rig.json(&["transactions", "--withdrawn"]);
    assert_eq!(listed["transactions"].as_array().map(Vec::len), Some(1), "{listed}");
}

#[test]
fn a_settled_row_that_is_missing_stays_counted_and_is_told() {
    let rig = Rig::new(rig::small());
    let id = spend(&rig, &Spend { ago: Some(3 * 24 * 3600), ..pending() });
    rig.bank.bank().settle(Some(&id)).expect("settled");
    rig.login();
    rig.bank.bank().vanish(&id).expect("vanished");
    rig.sync();
    assert!(shown(&rig, &id)["withdrawn_at"].is_null());
    let events = rig.json(&["events"]);
    let told = events["events"]
        .as_array()
        .expect("a list")
        .iter()
        .any(|event| event["kind"] == "transaction_missing");
    assert!(told, "{events}");
}

#[test]
fn a_reading_that_would_withdraw_more_than_ten_rows_withdraws_none() {
    let rig = Rig::new(rig::small());
    let ids: Vec<String> =
        (0..12).map(|n| spend(&rig, &Spend { ago: Some(3600 + n), ..pending() })).collect();
    rig.login();
    for id in &ids {
        rig.bank.bank().vanish(id).expect("vanished");
    }
    let said = rig.ctl(&["sync"]);
    assert_eq!(said.code, 8, "{said:?}");
    assert_eq!(rig.json(&["transactions", "--withdrawn"])["transactions"].as_array().map(Vec::len), Some(0));
    assert!(rig.attention().contains(&"account_failed".to_owned()), "{}", rig.status());
}

#[test]
fn a_late_edit_is_found_and_kept_as_a_revision() {
    let rig = Rig::new(rig::small());
    let id = spend(&rig, &Spend { ago: Some(2 * 24 * 3600), ..pending() });
    rig.login();
    rig.bank.advance(SignedDuration::from_secs(60));
    rig.bank.bank().edit(&id, Some("eating_out"), Some("lunch with Sam")).expect("edited");
    rig.sync();
    let row = detail(&rig, &id);
    assert_eq!(row["transaction"]["notes"], "lunch with Sam", "{row}");
    assert_eq!(row["transaction"]["category"], "eating_out");
    assert!(!row["revisions"].as_array().expect("a list").is_empty());
    ledger::assert_same(&rig);
}

#[test]
fn what_the_clock_brings_over_a_month_is_followed_row_by_row() {
    let rig = Rig::with_year_read("");
    for _ in 0..6 {
        {
            let mut bank = rig.bank.bank();
            let mut switches = bank.switches.clone();
            switches.lively = true;
            bank.switch(switches);
        }
        rig.bank.advance(SignedDuration::from_hours(5 * 24));
        rig.sync();
        ledger::assert_same(&rig);
    }
}
