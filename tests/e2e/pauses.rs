//! Runs that have to wait between two of their transfers: for a login, for a person, for the bank, or for too long.

use jiff::SignedDuration;
use monzo_sandbox::bank::Bank;
use monzo_sandbox::bank::faults::{Fault, Rule};
use serde_json::{Value, json};

use crate::midway::{asked, begun, halfway, into, out, over, reborn, spread, states, three_pots, twice};
use crate::moves::{ended, moved, run};
use crate::rig::Rig;
use crate::rules::{newest, reconfigure, runs};

/// Waits until a run waits for something, and answers for what.
fn waits(rig: &Rig, id: &str, what: &str) -> String {
    let mut reason = String::new();
    rig.until(&format!("the run waits for {what}"), || {
        let run = run(rig, id);
        reason = run["reason"].as_str().unwrap_or_default().to_owned();
        run["state"] == "waiting" && reason.contains(what)
    });
    reason
}

fn done(rig: &Rig, run: &Value) {
    assert_eq!(run["state"], "done", "{run}");
    assert_eq!(moved(rig), [out("Bills", 15_000), into("Holiday", 10_000), into("Car", 5_000)]);
}

#[test]
fn a_token_that_expires_midway_is_renewed_and_the_run_goes_on() {
    let rig = three_pots(&spread(""));
    let id = halfway(&rig);
    rig.bank.bank().expire();
    done(&rig, &over(&rig, &id));
}

/// The login is lost midway: the run waits until the same person has logged in again.
fn lost(lose: impl Fn(&mut Bank)) {
    twice(&spread(""), |rig, dies| {
        let id = halfway(rig);
        lose(&mut rig.bank.bank());
        rig.bank.bank().clear_faults();
        waits(rig, &id, "login");
        if dies {
            reborn(rig);
            waits(rig, &id, "login");
        }
        let said = rig.sign_in(&[], "sam");
        assert_ne!(said.code, 0, "another person's login: {said:?}");
        assert_eq!(moved(rig), [out("Bills", 15_000)], "nothing moves without a login");
        rig.login();
        done(rig, &ended(rig, &id));
    });
}

#[test]
fn a_login_that_is_displaced_midway_pauses_the_run_until_the_same_person_is_back() {
    lost(Bank::evict);
}

#[test]
fn access_that_is_taken_away_midway_pauses_the_run_until_the_same_person_is_back() {
    lost(Bank::revoke);
}

/// Frozen midway, a run stays as it is until it is thawed.
fn frozen(which: &[&str]) {
    twice(&spread(""), |rig, dies| {
        let id = halfway(rig);
        let words = |word| ["sort", word].iter().chain(which).copied().collect::<Vec<_>>();
        let said = rig.ctl(&words("freeze"));
        assert_eq!(said.code, 0, "{said:?}");
        waits(rig, &id, "frozen");
        rig.bank.bank().clear_faults();
        if dies {
            reborn(rig);
        }
        rig.sync();
        waits(rig, &id, "frozen");
        assert_eq!(moved(rig), [out("Bills", 15_000)]);
        let said = rig.ctl(&words("thaw"));
        assert_eq!(said.code, 0, "{said:?}");
        done(rig, &ended(rig, &id));
    });
}

#[test]
fn a_freeze_midway_pauses_the_run_until_it_is_thawed() {
    frozen(&[]);
}

#[test]
fn a_freeze_of_its_rule_pauses_a_run_midway_until_it_is_thawed() {
    frozen(&["spread"]);
}

#[test]
fn a_freeze_that_has_an_end_ends_by_itself_and_look_ups_go_on_meanwhile() {
    let rig = three_pots(&spread(""));
    rig.bank.bank().switches.visibility_lag_ms = 60_000;
    let unanswered = (2..60).map(|nth| Rule::nth(Fault::RateLimit, nth).at("deposit"));
    let lost = Rule::nth(Fault::TimeoutAfter, 1).at("deposit");
    rig.bank.bank().set_faults(unanswered.chain([lost]).collect(), 0);
    let id = begun(&rig, "deposit");
    assert_eq!(rig.ctl(&["sort", "freeze", "--until", "2026-11-24T13:00"]).code, 0);
    waits(&rig, &id, "frozen");
    assert_eq!(states(&run(&rig, &id))[1], "requested");
    rig.bank.bank().clear_faults();
    rig.bank.advance(SignedDuration::from_mins(2));
    rig.sync();
    rig.until("the first deposit is found", || states(&run(&rig, &id))[1] == "confirmed");
    assert_eq!(states(&run(&rig, &id))[2], "planned");
    assert_eq!(moved(&rig), [out("Bills", 15_000), into("Holiday", 10_000)]);
    rig.bank.advance(SignedDuration::from_mins(90));
    rig.sync();
    done(&rig, &ended(&rig, &id));
}

#[test]
fn a_mode_that_is_turned_off_midway_pauses_the_run_until_it_is_on_again() {
    twice(&spread(""), |rig, dies| {
        let id = halfway(rig);
        reconfigure(rig, &spread("mode = \"off\""));
        waits(rig, &id, "off");
        rig.bank.bank().clear_faults();
        if dies {
            reborn(rig);
            waits(rig, &id, "off");
        }
        reconfigure(rig, &spread(""));
        done(rig, &ended(rig, &id));
    });
}

#[test]
fn a_bank_that_has_no_time_is_given_some_and_the_run_goes_on_after_a_sync() {
    // The least that may be configured; half of it passes before the run waits.
    let mut rig = three_pots(&spread("move_deadline = \"1m\""));
    let before = syncs_for_runs(&rig);
    let id = halfway(&rig);
    waits(&rig, &id, "");
    rig.until("a sync follows", || syncs_for_runs(&rig) > before + 2);
    assert_eq!(moved(&rig), [out("Bills", 15_000)]);
    reborn(&mut rig);
    rig.bank.bank().clear_faults();
    rig.sync();
    done(&rig, &ended(&rig, &id));
}

/// How many syncs were made for runs.
fn syncs_for_runs(rig: &Rig) -> usize {
    let history = rig.rpc("sync.history", &json!({"problems": false}));
    let syncs = history["syncs"].as_array().expect("a list");
    syncs.iter().filter(|sync| sync["cause"] == "run" && sync["state"] != "running").count()
}

#[test]
fn a_run_that_takes_longer_than_it_may_returns_the_rest_and_asks_for_attention() {
    twice(&spread(""), |rig, dies| {
        let id = halfway(rig);
        rig.bank.advance(SignedDuration::from_hours(25));
        if dies {
            reborn(rig);
        }
        rig.until("the rest is given up", || states(&run(rig, &id))[2] == "cancelled");
        // The return is a deposit too.
        let run = over(rig, &id);
        let moves = moved(rig);
        let late = run["reason"].as_str().is_some_and(|reason| reason.contains("run_deadline"));
        assert!(run["state"] == "partial" && late, "{run}");
        assert_eq!(moves, [out("Bills", 15_000), into("Bills", 15_000)]);
        assert!(rig.attention().contains(&"run_partial".to_owned()));
    });
}

#[test]
fn a_run_of_which_nothing_could_be_sent_in_time_has_failed() {
    let config =
        spread("").replace("source = \"pot:Bills\"", "source = \"account:Personal\"\nkeep = \"£0.00\"");
    let rig = three_pots(&config);
    let id = halfway(&rig);
    rig.bank.advance(SignedDuration::from_hours(25));
    let run = ended(&rig, &id);
    assert_eq!((&run["state"], states(&run)), (&json!("failed"), vec!["cancelled", "cancelled"]), "{run}");
    assert_eq!(moved(&rig), []);
    assert!(rig.attention().contains(&"run_failed".to_owned()));
}

#[test]
fn what_is_in_doubt_when_the_time_is_over_is_only_looked_up() {
    twice(&spread(""), |rig, dies| {
        rig.bank.bank().switches.visibility_lag_ms = 90_000;
        let lost = Rule::nth(Fault::TimeoutAfter, 1).at("deposit");
        let unanswered = (2..60).map(|nth| Rule::nth(Fault::RateLimit, nth).at("deposit"));
        rig.bank.bank().set_faults(unanswered.chain([lost]).collect(), 0);
        let id = begun(rig, "deposit");
        rig.until("it is in doubt", || asked(rig, "deposit") > 1);
        rig.bank.advance(SignedDuration::from_hours(25));
        if dies {
            reborn(rig);
        }
        rig.until("the deposit is found", || states(&run(rig, &id))[1] == "confirmed");
        let run = over(rig, &id);
        assert_eq!(run["state"], "partial", "{run}");
        assert_eq!(moved(rig), [out("Bills", 15_000), into("Holiday", 10_000), into("Bills", 5_000)]);
    });
}

/// Pay of which two pots get something, by itself.
const PAY: &str = r#"
[monzo]
timeout = "1s"
[sync]
poll = ""
[[payday]]
name = "main"
day = "last-working-day"
[autosort]
mode = "auto"
max_per_run = "£1,000.00"
[[autosort.rule]]
name = "pay"
trigger = { on = "income", at_least = "£300.00" }
source = "account:Personal"
keep = "£100.00"
step = [{ pot = "Holiday", amount = "£50.00" }, { pot = "Car", amount = "£30.00" }]
"#;

/// A payday run that goes by itself, whose first deposit is done and whose second the bank has no time for.
fn pay_halfway(rig: &Rig) -> String {
    rig.bank.bank().pay_salary(None, 40_000).expect("paid");
    rig.sync();
    newest(rig, 1, "proposed");
    assert_eq!(rig.ctl(&["sort", "approve", "--yes"]).code, 0);
    assert_eq!(moved(rig), [into("Holiday", 5_000), into("Car", 3_000)]);
    newest(rig, 1, "done");
    rig.until("no sync runs", || rig.status()["sync"]["state"] == "idle");
    rig.bank.advance(SignedDuration::from_hours(30 * 24));
    let second = (2..200).map(|nth| Rule::nth(Fault::RateLimit, nth).at("deposit"));
    rig.bank.bank().set_faults(second.collect(), 0);
    let before = asked(rig, "deposit");
    rig.bank.bank().pay_salary(None, 40_000).expect("paid");
    // Not awaited: a sync waits for its turn as long as a run is pressed.
    assert_eq!(rig.ctl(&["sync", "--no-wait"]).code, 0);
    rig.until("the second deposit is asked for", || asked(rig, "deposit") > before + 1);
    runs(rig)[0]["id"].as_str().expect("an id").to_owned()
}

#[test]
fn a_cap_that_is_lowered_midway_holds_for_a_run_that_nobody_approved() {
    for dies in [false, true] {
        let mut rig = three_pots(PAY);
        let id = pay_halfway(&rig);
        reconfigure(&rig, &PAY.replace("£1,000.00", "£60.00"));
        if dies {
            reborn(&mut rig);
        }
        let run = ended(&rig, &id);
        assert_eq!(run["state"], "partial", "{run}");
        assert_eq!(moved(&rig)[2..], [into("Holiday", 5_000)]);
        assert!(run["reason"].as_str().expect("a reason").contains("max_per_run"), "{run}");
        assert!(rig.attention().contains(&"run_partial".to_owned()));
    }
}

#[test]
fn a_payday_run_that_dies_midway_goes_on_and_its_occurrence_is_used_once() {
    let mut rig = three_pots(PAY);
    let id = pay_halfway(&rig);
    reborn(&mut rig);
    let run = over(&rig, &id);
    assert_eq!(run["state"], "done", "{run}");
    assert_eq!(moved(&rig)[2..], [into("Holiday", 5_000), into("Car", 3_000)]);
    rig.sync();
    assert_eq!(runs(&rig).len(), 2, "{:#?}", runs(&rig));
}

#[test]
fn a_payday_run_frozen_midway_goes_on_when_it_is_thawed() {
    let rig = three_pots(PAY);
    let id = pay_halfway(&rig);
    assert_eq!(rig.ctl(&["sort", "freeze", "pay", "--reason", "a look first"]).code, 0);
    waits(&rig, &id, "a look first");
    rig.bank.bank().clear_faults();
    assert_eq!(moved(&rig).len(), 3);
    assert_eq!(rig.ctl(&["sort", "thaw", "pay"]).code, 0);
    assert_eq!(ended(&rig, &id)["state"], "done");
    assert_eq!(moved(&rig)[2..], [into("Holiday", 5_000), into("Car", 3_000)]);
}
