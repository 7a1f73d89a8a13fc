//! Money moved by hand through the real daemon: proposed, approved, sent once, whatever the bank answers and whenever
//! the daemon dies.

use monzo_sandbox::bank::faults::{Fault, Rule};
use monzo_sandbox::control::Spend;
use serde_json::{Value, json};

use crate::rig::{self, Rig};

/// A bank with two pots, and a daemon that has read it.
fn rig() -> Rig {
    rig_with(&[])
}

fn rig_with(env: &[(&str, &str)]) -> Rig {
    let mut rig = Rig::stopped(rig::small(), "[monzo]\ntimeout = \"1s\"\n[sync]\npoll = \"\"\n");
    {
        let mut bank = rig.bank.bank();
        let (account, at) = (bank.life.cast.personal, bank.now().as_millisecond() - 1);
        bank.world.open_pot(account, "Holiday", "teal", at);
    }
    rig.start();
    rig.login();
    if !env.is_empty() {
        rig.stop();
        rig.start_with(env);
    }
    rig
}

/// Our own transfers at the bank: which way, which pot, how much.
pub fn moved(rig: &Rig) -> Vec<(bool, String, i64)> {
    let bank = rig.bank.bank();
    let ours = bank.world.transfers.iter().filter(|transfer| transfer.external_id.contains(":mz-"));
    ours.map(|transfer| (transfer.withdraw, bank.world.pots[transfer.pot].name.to_owned(), transfer.amount))
        .collect()
}

fn deposit(amount: i64) -> (bool, String, i64) {
    (false, "Holiday".to_owned(), amount)
}

pub fn propose(rig: &Rig, amount: i64, from: &str, to: &str) -> String {
    let said = rig.rpc("autosort.move", &json!({"amount": amount, "from": from, "to": to}));
    assert_eq!(said["run"]["state"], "proposed", "{said}");
    said["run"]["id"].as_str().expect("an id").to_owned()
}

pub fn run(rig: &Rig, id: &str) -> Value {
    rig.rpc("autosort.get", &json!({"id": id}))
}

/// Waits for a run's end, and answers it.
pub fn ended(rig: &Rig, id: &str) -> Value {
    let mut last = Value::Null;
    rig.until("the run ends", || {
        last = run(rig, id);
        last["ended_at"].is_string()
    });
    last
}

/// Waits until every transfer of a run has met its row.
fn reconciled(rig: &Rig, id: &str) {
    rig.until("its rows are seen", || {
        let run = run(rig, id);
        let transfers = run["transfers"].as_array().expect("a list").clone();
        transfers.iter().all(|one| one["state"] != "confirmed" || one["reconciled_at"].is_string())
    });
}

#[test]
fn a_move_is_proposed_approved_sent_and_found_in_the_ledger() {
    let rig = rig();
    let id = propose(&rig, 12_345, "Personal", "Holiday");
    assert_eq!(moved(&rig), [], "nothing moves without consent");
    let said = rig.rpc("autosort.approve", &json!({"id": id}));
    assert_eq!(said["changed"], true, "{said}");
    let run = ended(&rig, &id);
    assert_eq!(run["state"], "done", "{run}");
    assert_eq!(moved(&rig), [deposit(12_345)]);
    reconciled(&rig, &id);
    let again = rig.rpc("autosort.approve", &json!({"id": id}));
    assert_eq!(again["changed"], false, "{again}");
    assert_eq!(moved(&rig), [deposit(12_345)], "a repeat moves nothing");
    assert_eq!(rig.attention(), [""; 0]);
}

#[test]
fn pot_to_pot_passes_through_the_account_and_can_be_undone_once() {
    let rig = rig();
    let id = propose(&rig, 20_000, "Bills", "pot:Personal/Holiday");
    rig.rpc("autosort.approve", &json!({"id": id}));
    assert_eq!(ended(&rig, &id)["state"], "done");
    let there = [(true, "Bills".to_owned(), 20_000), deposit(20_000)];
    assert_eq!(moved(&rig), there);
    let undo = rig.rpc("autosort.undo", &json!({"id": id}));
    let undo = undo["run"]["id"].as_str().expect("an id").to_owned();
    rig.rpc("autosort.approve", &json!({"id": undo}));
    let run = ended(&rig, &undo);
    assert_eq!((&run["state"], &run["undoes"]), (&json!("done"), &json!(id)), "{run}");
    let back = [(true, "Holiday".to_owned(), 20_000), (false, "Bills".to_owned(), 20_000)];
    assert_eq!(moved(&rig)[2..], back);
    let again = rig.rpc("autosort.undo", &json!({"id": id}));
    assert_eq!((&again["changed"], &again["run"]), (&json!(false), &Value::Null), "{again}");
}

#[test]
fn what_cannot_be_placed_goes_back_in_one_return() {
    let rig = rig();
    rig.bank.bank().set_faults(vec![], 0);
    let id = propose(&rig, 20_000, "Bills", "Holiday");
    rig.rpc("autosort.freeze", &json!({"rule": null, "until": null, "reason": "a look first"}));
    let said = rig.ctl(&["rpc", "autosort.approve", &json!({"id": id}).to_string()]);
    assert_ne!(said.code, 0, "a freeze cannot be overridden: {said:?}");
    rig.rpc("autosort.thaw", &json!({"rule": null}));
    rig.rpc("autosort.approve", &json!({"id": id}));
    // Deleted while the money is on its way; which half it meets depends on the moment.
    let run = ended(&rig, &id);
    assert_eq!(run["state"], "done", "{run}");
}

/// Whatever the answer to the request, the money moves exactly once.
fn check(fault: Fault) {
    let rig = rig();
    rig.bank.bank().set_faults(vec![Rule::nth(fault, 1).at("deposit")], 0);
    let id = propose(&rig, 7_700, "Personal", "Holiday");
    rig.rpc("autosort.approve", &json!({"id": id}));
    let run = ended(&rig, &id);
    assert_eq!(run["state"], "done", "{fault:?}: {run}");
    assert_eq!(moved(&rig), [deposit(7_700)], "{fault:?}");
    reconciled(&rig, &id);
}

#[test]
fn lost_answers_move_money_exactly_once() {
    for fault in [Fault::TimeoutAfter, Fault::ResetAfter, Fault::EmptyBody, Fault::MissingKey] {
        check(fault);
    }
}

#[test]
fn lost_requests_move_money_exactly_once() {
    for fault in [Fault::Internal, Fault::Gateway, Fault::RateLimitSeconds, Fault::ResetBefore] {
        check(fault);
    }
}

#[test]
fn a_bank_that_hangs_moves_money_exactly_once() {
    for fault in [Fault::Hang, Fault::HangAfter, Fault::TruncatedBody] {
        check(fault);
    }
}

/// Killed at a point, the daemon goes on where it was.
fn killed_at(point: &str) {
    let mut rig = rig_with(&[("MONZOD_CRASH_AT", point)]);
    let id = propose(&rig, 20_000, "Bills", "Holiday");
    // The answer may come before the end or not.
    let _ = rig.ctl(&["rpc", "autosort.approve", &json!({"id": id}).to_string()]);
    rig.ended();
    rig.start();
    let run = ended(&rig, &id);
    assert_eq!(run["state"], "done", "{point}: {run}");
    assert_eq!(moved(&rig), [(true, "Bills".to_owned(), 20_000), deposit(20_000)], "{point}");
    reconciled(&rig, &id);
}

#[test]
fn a_kill_between_any_two_statements_of_the_withdrawal_changes_nothing() {
    for point in ["planned:1", "requested:1", "answered:1", "confirmed:1"] {
        killed_at(point);
    }
}

#[test]
fn a_kill_between_any_two_statements_of_the_deposit_changes_nothing() {
    for point in ["planned:2", "requested:2", "answered:2", "confirmed:2", "ending:1"] {
        killed_at(point);
    }
}

/// How often the bank was asked for something.
pub fn asked(rig: &Rig, endpoint: &str) -> u64 {
    rig.bank.bank().counts.get(endpoint).copied().unwrap_or_default()
}

/// A run from pot to pot whose first two deposits are not answered, so that something can happen in between.
fn halfway(rig: &Rig) -> String {
    let id = propose(rig, 20_000, "Bills", "Holiday");
    let unanswered = [1, 2].map(|nth| Rule::nth(Fault::Internal, nth).at("deposit"));
    rig.bank.bank().set_faults(unanswered.into(), 0);
    rig.rpc("autosort.approve", &json!({"id": id}));
    rig.until("the deposit is asked for", || asked(rig, "deposit") > 0);
    id
}

#[test]
fn a_refused_repeat_is_believed_only_with_the_list_and_the_money_goes_back() {
    let rig = rig();
    let id = halfway(&rig);
    {
        let mut bank = rig.bank.bank();
        let holiday = bank.world.pots.iter().position(|pot| pot.name == "Holiday").expect("a pot");
        bank.world.pots[holiday].deleted = true;
    }
    rig.until("the repeat is refused", || asked(&rig, "deposit") > 2);
    assert_eq!(run(&rig, &id)["transfers"][1]["state"], "requested", "a refused repeat proves nothing");
    rig.bank.advance(jiff::SignedDuration::from_mins(6));
    let run = ended(&rig, &id);
    assert_eq!(run["state"], "partial", "{run}");
    assert_eq!(run["transfers"][1]["state"], "failed", "{run}");
    assert_eq!(moved(&rig), [(true, "Bills".to_owned(), 20_000), (false, "Bills".to_owned(), 20_000)]);
    assert!(rig.attention().contains(&"run_partial".to_owned()));
}

#[test]
fn what_a_card_takes_in_between_is_missing_from_the_return_and_the_run_says_so() {
    let rig = rig();
    let id = halfway(&rig);
    let order = Spend { amount: Some(150_000), ..Spend::default() };
    rig.bank.bank().spend(&order).expect("bought");
    rig.until("the list is looked at", || asked(&rig, "balance") > 3);
    rig.bank.advance(jiff::SignedDuration::from_mins(6));
    let run = ended(&rig, &id);
    let moves = moved(&rig);
    let back: i64 = moves.iter().filter(|(out, ..)| !out).map(|(_, _, amount)| amount).sum();
    let balance = {
        let bank = rig.bank.bank();
        bank.world.accounts[bank.life.cast.personal].balance
    };
    assert!(balance >= 0 && back <= 20_000, "{run}");
    if moves.len() == 2 && moves[1].1 == "Bills" {
        assert_eq!(run["state"], "partial", "{run}");
        assert!(run["reason"].as_str().expect("a reason").contains("stays in Personal"), "{run}");
    }
}
