//! Tokens and consent: what expires, is lost, displaced, taken away, or never given.

use std::time::Duration;

use jiff::SignedDuration;
use monzo_sandbox::Settings;
use monzo_sandbox::bank::{
    Lapse,
    faults::{Fault, Rule},
};

use crate::ledger;
use crate::rig::{self, Rig};

fn state(rig: &Rig) -> String {
    rig.status()["login"]["state"].as_str().expect("a state").to_owned()
}

fn refreshes(rig: &Rig) -> usize {
    let bank = rig.bank.bank();
    bank.log
        .iter()
        .filter(|request| request.endpoint == "token" && request.detail.contains("refresh"))
        .count()
}

#[test]
fn a_token_that_expires_in_the_middle_of_a_capture_is_refreshed_once() {
    let rig = Rig::new(Settings { latency: Duration::from_millis(5), ..rig::year() });
    let said = rig.sign_in(&["--no-wait"], "ada");
    assert_eq!(said.code, 0, "{said:?}");
    rig.until("the capture runs", || {
        rig.bank.bank().counts.get("transactions").is_some_and(|count| *count > 3)
    });
    rig.bank.bank().expire();
    rig.until("the capture is complete", || rig.status()["sync"]["last_success_at"].is_string());
    assert_eq!(refreshes(&rig), 1);
    ledger::assert_same(&rig);
    assert_eq!(state(&rig), "ready");
}

#[test]
fn a_refresh_whose_answer_is_lost_ends_in_one_event_and_no_storm() {
    let rig = Rig::new(rig::small());
    rig.login();
    {
        let mut bank = rig.bank.bank();
        let switches = monzo_sandbox::Switches { refresh_answer_lost: true, ..bank.switches.clone() };
        bank.switch(switches);
        bank.expire();
    }
    let said = rig.ctl(&["sync"]);
    assert!(matches!(said.code, 1 | 4 | 8), "{said:?}");
    rig.until("the login is known to be lost", || state(&rig) == "login_needed");
    let before = refreshes(&rig);
    let said = rig.ctl(&["sync"]);
    assert_eq!(said.code, 4, "{said:?}");
    assert_eq!(refreshes(&rig), before, "a dead token is not tried again");
    let events = rig.json(&["events"]);
    let lost =
        events["events"].as_array().expect("a list").iter().filter(|event| event["kind"] == "login_lost");
    assert_eq!(lost.count(), 1, "{events}");
    rig.login();
    ledger::assert_same(&rig);
}

#[test]
fn a_refresh_that_never_reached_the_bank_is_repeated_with_the_same_token() {
    let rig = Rig::new(rig::small());
    rig.login();
    rig.bank.bank().expire();
    rig.bank.bank().set_faults(vec![Rule::nth(Fault::ResetBefore, 1).at("token")], 1);
    rig.sync();
    assert_eq!(state(&rig), "ready");
    assert_eq!(refreshes(&rig), 2);
}

#[test]
fn a_refresh_that_something_in_between_answers_costs_no_login_and_is_told() {
    for fault in [Fault::Html403, Fault::Empty401, Fault::Redirect, Fault::Code400, Fault::Html200] {
        let rig = Rig::new(rig::small());
        rig.login();
        rig.bank.bank().expire();
        rig.bank.bank().set_faults(vec![Rule::chance(fault, 1_000_000).at("token")], 1);
        let said = rig.ctl(&["sync"]);
        assert_eq!(said.code, 75, "{fault:?}: {said:?}");
        assert_eq!(state(&rig), "ready", "{fault:?}");
        let attention = rig.attention();
        assert!(attention.contains(&"refresh_failing".to_owned()), "{fault:?}: {attention:?}");
        if fault == Fault::Html403 {
            let sent = refreshes(&rig);
            let said = rig.ctl(&["sync"]);
            assert_eq!(said.code, 75, "{said:?}");
            assert!(refreshes(&rig) > sent, "a person's sync waits for nothing");
        }
        rig.bank.bank().clear_faults();
        rig.sync();
        assert!(!rig.attention().contains(&"refresh_failing".to_owned()), "{fault:?}");
    }
}

#[test]
fn odd_details_beside_the_tokens_cost_no_login() {
    let rig = Rig::new(rig::small());
    rig.bank.bank().set_faults(vec![Rule::chance(Fault::WrongTypes, 1_000_000).at("token")], 1);
    rig.login();
    rig.bank.bank().expire();
    rig.sync();
    assert_eq!((state(&rig).as_str(), refreshes(&rig)), ("ready", 1));
}

#[test]
fn a_client_that_gets_no_refresh_tokens_is_told_so_at_the_login_with_what_mends_it() {
    let secret = "mnzpub.for-public-clients";
    let mut rig = Rig::stopped(Settings { client_secret: secret.to_owned(), ..rig::small() }, "");
    rig.start_with(&[("MONZOD_CLIENT_SECRET", secret)]);
    let said = rig.sign_in(&[], "ada");
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.err.contains("*confidential* client"), "{said:?}");
    let named = |rig: &Rig, code: &str| {
        let status = rig.status();
        let all = status["attention"].as_array().expect("a list").clone();
        let one = all.into_iter().find(|one| one["code"] == code).unwrap_or_else(|| panic!("{status}"));
        let hint = one["hint"].as_str().expect("a hint").to_owned();
        assert!(hint.contains("confidential"), "{hint}");
    };
    named(&rig, "not_refreshable");
    rig.bank.bank().expire();
    let said = rig.ctl(&["sync"]);
    assert_eq!(said.code, 4, "{said:?}");
    rig.until("the login has ended", || state(&rig) == "login_needed");
    named(&rig, "login_needed");
}

#[test]
fn a_long_wait_that_the_bank_asks_for_is_kept_by_the_schedule_and_told() {
    let rig = Rig::new(rig::small());
    rig.login();
    rig.bank.bank().set_faults(vec![Rule::chance(Fault::RateLimitLong, 1_000_000)], 1);
    let said = rig.ctl(&["sync"]);
    assert!(said.code == 75 && said.out.contains("to wait 60 minutes"), "{said:?}");
    let status = rig.status();
    let now: jiff::Timestamp = rig.bank.bank().now();
    let due: jiff::Timestamp =
        status["sync"]["next_due_at"].as_str().expect("an instant").parse().expect("an instant");
    assert!(due.duration_since(now) > SignedDuration::from_mins(58), "{due} at {now}: {status}");
    let told = status["attention"].to_string();
    assert!(told.contains("the bank asks to wait until 24 Nov 2026 13:0"), "{told}");
}

#[test]
fn a_login_elsewhere_displaces_this_one_and_a_person_is_told() {
    let rig = Rig::new(rig::small());
    rig.login();
    rig.bank.bank().evict();
    let said = rig.ctl(&["sync"]);
    assert!(matches!(said.code, 1 | 4 | 8), "{said:?}");
    rig.until("the login is known to be lost", || state(&rig) == "login_needed");
    let status = rig.status();
    assert!(status["login"]["error"].as_str().is_some_and(|error| error.contains("evicted")), "{status}");
    rig.login();
    assert_eq!(state(&rig), "ready");
}

#[test]
fn access_taken_away_in_the_app_is_told_once_and_a_login_mends_it() {
    let rig = Rig::new(rig::small());
    rig.login();
    rig.bank.bank().revoke();
    rig.ctl(&["sync"]);
    rig.until("the login is known to be lost", || state(&rig) == "login_needed");
    rig.login();
    ledger::assert_same(&rig);
}

#[test]
fn every_way_in_which_the_bank_says_that_the_ninety_days_are_over_means_to_approve_again() {
    for variant in [Lapse::Permissions, Lapse::Verification] {
        let rig = Rig::new(rig::small());
        rig.login();
        rig.bank.advance(SignedDuration::from_mins(10));
        rig.bank.bank().lapse(variant);
        let said = rig.ctl(&["sync"]);
        assert!(matches!(said.code, 4), "{variant:?}: {said:?}");
        rig.until("the consent is known to have lapsed", || state(&rig) == "consent_lapsed");
        assert_eq!(rig.attention(), ["consent_lapsed"], "{variant:?}");
        rig.bank.bank().renew();
        let said = rig.ctl(&["login", "--renewed"]);
        assert_eq!(said.code, 0, "{variant:?}: {said:?}");
        rig.sync();
        ledger::assert_same(&rig);
    }
}

#[test]
fn a_lapse_that_shows_in_the_refresh_needs_a_login() {
    let rig = Rig::new(rig::small());
    rig.login();
    rig.bank.advance(SignedDuration::from_mins(10));
    rig.bank.bank().lapse(Lapse::Refresh);
    rig.bank.bank().expire();
    rig.ctl(&["sync"]);
    rig.until("a login is needed", || state(&rig) == "login_needed");
    rig.login();
    ledger::assert_same(&rig);
}

#[test]
fn a_login_that_is_never_approved_keeps_its_tokens_and_goes_on_asking() {
    let mut rig = Rig::new(Settings { approve_after: None, ..rig::small() });
    let said = rig.sign_in(&["--no-wait"], "ada");
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(state(&rig), "waiting_approval");
    let said = rig.ctl(&["sync"]);
    assert_eq!(said.code, 4, "{said:?}");
    rig.stop();
    rig.start();
    assert_eq!(state(&rig), "waiting_approval", "a restart forgets nothing");
    assert_eq!(rig.bank.bank().approve(), 1);
    rig.until("the history is captured", || rig.status()["sync"]["last_success_at"].is_string());
    ledger::assert_same(&rig);
}

#[test]
fn a_window_that_closes_in_the_middle_is_remembered_and_taken_at_the_next_login() {
    let rig =
        Rig::new(Settings { latency: Duration::from_millis(10), ..Settings { years: 3, ..rig::year() } });
    let said = rig.sign_in(&["--no-wait"], "ada");
    assert_eq!(said.code, 0, "{said:?}");
    rig.until("the capture runs", || {
        rig.bank.bank().counts.get("transactions").is_some_and(|count| *count > 6)
    });
    rig.bank.bank().close_history();
    rig.until("the sync is over", || {
        rig.status()["sync"]["state"] == "idle" && rig.status()["sync"]["last_attempt_at"].is_string()
    });
    let attention = rig.attention();
    assert!(attention.contains(&"history_missing".to_owned()), "{attention:?}");
    assert!(!attention.contains(&"consent_lapsed".to_owned()), "{attention:?}");
    rig.login();
    assert!(!rig.attention().contains(&"history_missing".to_owned()), "{}", rig.status());
    ledger::assert_same(&rig);
}

#[test]
fn beyond_the_ninety_days_nothing_is_asked_for_and_what_is_stored_stays() {
    let rig = Rig::new(rig::year());
    rig.login();
    let rows = ledger::count(&rig);
    rig.bank.advance(SignedDuration::from_hours(24 * 60));
    rig.sync();
    rig.ctl(&["sync", "--full"]);
    assert!(ledger::count(&rig) >= rows);
    let refused = rig.bank.bank().log.iter().filter(|request| request.status == 403).count();
    assert_eq!(refused, 0, "the bank was asked for more than it serves");
    assert_eq!(state(&rig), "ready");
}

#[test]
fn a_logout_kills_the_tokens_at_the_bank_and_a_second_one_says_that_there_was_none() {
    let rig = Rig::new(rig::small());
    rig.login();
    let said = rig.ctl(&["logout", "--yes"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(rig.bank.bank().counts["logout"], 1);
    assert_eq!(state(&rig), "none");
    let said = rig.ctl(&["logout", "--yes"]);
    assert!(said.code == 0 && said.out.contains("Nobody"), "{said:?}");
    let rows = ledger::count(&rig);
    assert!(rows > 0, "the history stays");
}
