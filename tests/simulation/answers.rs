//! Answers that are not as they should be, at every endpoint: they cost neither the login nor a row, and nothing stays
//! behind once the bank is well again.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use monzo_common::model::LoginState;
use monzo_sandbox::bank::faults::Fault;

use crate::course::{self, ends_right, sync};
use crate::harness::Harness;
use crate::parallel;
use crate::scene::Scene;

/// What is asked again and again without anybody's doing.
const ENDPOINTS: [&str; 5] = ["token", "accounts", "balance", "pots", "transactions"];

/// Answers to a refresh that are lost on the way although it was done: the bank then refuses the token, and that is its
/// own word.
const LOST_REFRESHES: [Fault; 8] = [
    Fault::Html403After,
    Fault::RedirectAfter,
    Fault::TimeoutAfter,
    Fault::HangAfter,
    Fault::ResetAfter,
    Fault::EmptyBody,
    Fault::TruncatedBody,
    Fault::MissingKey,
];

/// Rows that are left out in silence are another matter (`tests/e2e/faults.rs`).
const SILENT: [Fault; 2] = [Fault::FalseEmptyPage, Fault::MalformedRecord];

/// How long the bank goes wrong: longer than a token lives.
const DAYS: usize = 3;

/// One endpoint answers so for days, and then as it should.
fn check(scene: &Scene, endpoint: &'static str, fault: Fault) {
    let harness = Harness::new(scene.copy());
    let what = format!("{} at {endpoint}", fault.name());
    harness.watch.set_weather(Some(Box::new(move |_, asked, _| (asked == endpoint).then_some(fault))));
    for _ in 0..DAYS {
        // The token is refused before it ends, so that a refresh is due at once.
        harness.bank.lock().expire();
        harness.jump(SignedDuration::from_hours(26));
        sync(&harness).expect("nothing dies here");
        harness.breathe(Duration::from_secs(180)).expect("nothing dies here");
        assert_eq!(login(&harness), LoginState::Ready, "{what}: the login is given up");
    }
    harness.watch.set_weather(None);
    harness.bank.lock().clear_faults();
    let cured = harness.now();
    // Waits grow to six hours at most; nobody asks. What the bank asked for is waited for by a clock that stands still
    // over a jump.
    harness.jump(SignedDuration::from_hours(7));
    let wait = if fault == Fault::RateLimitLong { 3_700 } else { 300 };
    harness.breathe(Duration::from_secs(wait)).expect("nothing dies here");
    let (success, quarantined) = known(&harness);
    assert!(
        success.is_some_and(|at| at > cured),
        "{what}: no sync since {cured}, the last was at {success:?}"
    );
    assert_eq!(quarantined, 0, "{what}: something is in quarantine");
    ends_right(&harness, false);
    harness.watch.notes.assert_right(&what);
}

fn login(harness: &Harness) -> LoginState {
    harness.act(|services| async move { services.login.state().state }).expect("nothing dies here")
}

fn known(harness: &Harness) -> (Option<Timestamp>, u64) {
    let known = harness.act(|services| async move {
        services.store.read(|reader| Ok((reader.last_success_at()?, reader.quarantined()?))).await
    });
    known.expect("nothing dies here").expect("an answer")
}

fn attention(harness: &Harness) -> Vec<String> {
    let observed = harness.act(|services| async move { services.attention.observe().await });
    let observed = observed.expect("nothing dies here").expect("an answer");
    observed.into_iter().map(|one| one.attention.code).collect()
}

fn refreshes(harness: &Harness) -> usize {
    let bank = harness.bank.lock();
    bank.log
        .iter()
        .filter(|request| request.endpoint == "token" && request.detail.contains("refresh"))
        .count()
}

#[test]
fn a_refresh_that_was_put_off_is_tried_by_itself_when_it_was_said_to_be() {
    let harness = Harness::new(course::begun());
    let (before, (success, _)) = (attention(&harness), known(&harness));
    harness.bank.lock().expire();
    harness.watch.set_weather(Some(Box::new(|_, asked, _| (asked == "token").then_some(Fault::Html400))));
    sync(&harness).expect("nothing dies here");
    harness.watch.set_weather(None);
    harness.bank.lock().clear_faults();
    assert_eq!(known(&harness).0, success, "the sync could not begin");
    let due = harness.act(|services| async move { services.sync.next_due_at() });
    let wait = due.expect("nothing dies here").expect("one is due").duration_since(harness.now());
    assert!(wait <= SignedDuration::from_mins(6), "the next try is in {wait:#}");
    let sent = refreshes(&harness);
    harness.breathe(wait.unsigned_abs() + Duration::from_secs(10)).expect("nothing dies here");
    assert!(refreshes(&harness) > sent, "it was not tried again");
    assert_eq!(attention(&harness), before);
    harness.watch.notes.assert_right("a refresh that was put off");
}

#[test]
fn no_broken_answer_costs_the_login_or_leaves_anything_behind() {
    let scene = course::begun();
    let all = ENDPOINTS.into_iter().flat_map(|endpoint| Fault::ALL.map(|fault| (endpoint, fault)));
    let counts = all
        .filter(|(endpoint, fault)| {
            !(SILENT.contains(fault) || *endpoint == "token" && LOST_REFRESHES.contains(fault))
        })
        .enumerate()
        // Every fault at the place of the tokens; elsewhere each takes its turn, where time is short.
        .filter(|(turn, (endpoint, _))| *endpoint == "token" || parallel::soaking() || turn % 4 == 0);
    parallel::all(counts, |(_, (endpoint, fault))| check(&scene, endpoint, fault));
}
