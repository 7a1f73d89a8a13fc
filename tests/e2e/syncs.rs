//! Asking for syncs: joined, cancelled, looked at, by several at once.

use std::time::Duration;

use monzo_sandbox::Settings;
use monzo_sandbox::bank::faults::{Fault, Rule};

use crate::ledger;
use crate::rig::{self, Rig};

fn slow() -> Settings {
    Settings { latency: Duration::from_millis(60), ..rig::year() }
}

#[test]
fn two_clients_that_ask_at_once_get_one_sync() {
    let rig = Rig::new(slow());
    rig.login();
    let ids: Vec<String> = std::thread::scope(|scope| {
        let ask = || {
            let said = rig.json(&["sync", "--no-wait"]);
            said["sync"]["id"].as_str().expect("an id").to_owned()
        };
        let asking: Vec<_> = (0..4).map(|_| scope.spawn(ask)).collect();
        asking.into_iter().map(|asked| asked.join().expect("answered")).collect()
    });
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    let said = rig.ctl(&["sync"]);
    assert_eq!(said.code, 0, "{said:?}");
}

#[test]
fn a_cancelled_sync_ends_within_a_second_and_keeps_what_it_has_read() {
    let rig = Rig::new(slow());
    let said = rig.sign_in(&["--no-wait"], "ada");
    assert_eq!(said.code, 0, "{said:?}");
    rig.until("some rows are stored", || ledger::count(&rig) > 0);
    let began = std::time::Instant::now();
    let said = rig.ctl(&["sync", "cancel"]);
    let took = began.elapsed();
    assert_eq!(said.code, 0, "{said:?}");
    assert!(took < rig::PROMPT, "it took {took:?}");
    let rows = ledger::count(&rig);
    assert!(rows > 0);
    let said = rig.ctl(&["sync", "cancel"]);
    assert!(said.code == 0 && !said.out.is_empty(), "a second one says that none runs: {said:?}");
    rig.sync();
    ledger::assert_same(&rig);
}

#[test]
fn a_false_empty_page_ends_no_window() {
    let rig = Rig::new(rig::year());
    {
        let mut bank = rig.bank.bank();
        let switches = monzo_sandbox::Switches { false_empty_page: true, ..bank.switches.clone() };
        bank.switch(switches);
    }
    let said = rig.sign_in(&[], "ada");
    // Lists that continue after an id are always empty here, so that the reading goes on by time.
    assert_eq!(said.code, 0, "{said:?}");
    ledger::assert_same(&rig);
}

#[test]
fn a_bank_that_serves_fewer_rows_than_asked_is_read_to_the_end() {
    for false_empty_page in [false, true] {
        let rig = Rig::new(rig::year());
        {
            let mut bank = rig.bank.bank();
            let switches =
                monzo_sandbox::Switches { largest_page: 50, false_empty_page, ..bank.switches.clone() };
            bank.switch(switches);
        }
        let said = rig.sign_in(&[], "ada");
        assert_eq!(said.code, 0, "{said:?}");
        ledger::assert_same(&rig);
    }
}

#[test]
fn a_sync_can_be_looked_at_while_it_runs_and_afterwards() {
    let rig = Rig::new(slow());
    rig.sign_in(&["--no-wait"], "ada");
    rig.until("it runs", || rig.status()["sync"]["state"] == "running");
    let progress = rig.rpc("sync.status", &serde_json::json!({}));
    assert!(progress["sync_id"].is_string() && progress["windows"].is_u64(), "{progress}");
    rig.until("it is over", || rig.status()["sync"]["state"] == "idle");
    let id = progress["sync_id"].as_str().expect("an id");
    let sync = rig.json(&["show", id]);
    assert_eq!(sync["sync"]["state"], "done", "{sync}");
    assert!(sync["sync"]["accounts"].as_array().is_some_and(|accounts| accounts.len() >= 2), "{sync}");
}

#[test]
fn a_failed_sync_is_told_with_its_reason_and_the_next_try() {
    let rig = Rig::new(rig::small());
    rig.login();
    rig.bank.bank().set_faults(vec![Rule::chance(Fault::Internal, 1_000_000)], 1);
    let said = rig.ctl(&["sync"]);
    assert_eq!(said.code, 75, "{said:?}");
    assert!(said.err.contains("try: wait: monzod itself tries again in "), "{said:?}");

    let status = rig.status();
    assert_eq!(status["healthy"], true, "one failure is nothing to act on: {status}");
    assert!(status["sync"]["error"].is_string() && status["sync"]["next_due_at"].is_string(), "{status}");
    assert_eq!(rig.attention(), ["sync_failed"]);
    let said = rig.ctl(&["status"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(!said.out.contains("all is well") && said.out.contains("the last sync failed: "), "{}", said.out);
    assert!(said.out.contains("; the next try is at "), "{}", said.out);

    rig.bank.bank().clear_faults();
    rig.sync();
    let said = rig.ctl(&["status"]);
    assert!(said.out.contains("all is well") && !said.out.contains("failed"), "{}", said.out);
    assert!(rig.status()["sync"]["error"].is_null());
}
