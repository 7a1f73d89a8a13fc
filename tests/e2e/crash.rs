//! Killed at any moment, the daemon loses nothing and repeats nothing.

use std::time::{Duration, Instant};

use crate::ledger;
use crate::rig::{self, Rig};

/// Kills in one test; each is a crash at another moment of the capture.
const KILLS: u32 = 8;

/// kill -9 at moments spread over the whole capture, from the first request to the last.
fn check(first: Duration, step: Duration) {
    let mut rig = Rig::new(monzo_sandbox::Settings { latency: Duration::from_millis(8), ..rig::year() });
    let said = rig.sign_in(&["--no-wait"], "ada");
    assert_eq!(said.code, 0, "{said:?}");
    let mut wait = first;
    for _ in 0..KILLS {
        let before = rig.bank.bank().log.len();
        rig.until("the daemon asks", || rig.bank.bank().log.len() > before);
        // The moment is the point of this test, so that it is reached by the clock.
        let at = Instant::now() + wait;
        while Instant::now() < at {
            std::hint::spin_loop();
        }
        rig.kill();
        rig.start();
        wait += step;
    }
    rig.until("the capture is complete", || rig.status()["sync"]["last_success_at"].is_string());
    ledger::assert_same(&rig);
    let said = rig.ctl(&["verify"]);
    assert_eq!(said.code, 0, "{said:?}");
}

#[test]
fn kills_early_in_the_capture_lose_nothing() {
    check(Duration::from_millis(3), Duration::from_millis(11));
}

#[test]
fn kills_late_in_the_capture_lose_nothing() {
    check(Duration::from_millis(90), Duration::from_millis(37));
}

#[test]
fn after_a_kill_the_database_is_checked_and_all_is_well() {
    let mut rig = Rig::new(rig::small());
    rig.login();
    rig.kill();
    rig.start();
    rig.until("the check is over", || !rig.attention().contains(&"store_checking".to_owned()));
    assert_eq!(rig.attention(), [""; 0]);
    ledger::assert_same(&rig);
}

#[test]
fn a_capture_that_was_killed_goes_on_where_it_was() {
    let mut rig = Rig::new(monzo_sandbox::Settings { latency: Duration::from_millis(10), ..rig::year() });
    rig.sign_in(&["--no-wait"], "ada");
    rig.until("some pages are stored", || ledger::count(&rig) > 500);
    let asked = rig.bank.bank().counts.get("transactions").copied().unwrap_or_default();
    rig.kill();
    rig.start();
    rig.until("the capture is complete", || rig.status()["sync"]["last_success_at"].is_string());
    let pages = ledger::count(&rig) as u64 / 100;
    let again = rig.bank.bank().counts["transactions"] - asked;
    ledger::assert_same(&rig);
    assert!(asked > 0 && again < asked + 2 * pages + 60, "{asked} pages before the kill, {again} after it");
}
