//! Answers that are not as they should be, at every endpoint: they cost neither the login nor a row, and nothing stays
//! behind once the bank is well again.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use monzo_common::model::LoginState;
use monzo_sandbox::bank::faults::Fault;

use crate::course::{self, ends_right, sync};
use crate::crowd;
use crate::scene::Scene;
use crate::stage::Stage;

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
    let stage = Stage::new(scene.copy());
    let what = format!("{} at {endpoint}", fault.name());
    stage.watch.set_weather(Some(Box::new(move |_, asked, _| (asked == endpoint).then_some(fault))));
    for _ in 0..DAYS {
        // The token is refused before it ends, so that a refresh is due at once.
        stage.bank.lock().expire();
        stage.jump(SignedDuration::from_hours(26));
        sync(&stage).expect("nothing dies here");
        stage.breathe(Duration::from_secs(180)).expect("nothing dies here");
        assert_eq!(login(&stage), LoginState::Ready, "{what}: the login is given up");
    }
    stage.watch.set_weather(None);
    stage.bank.lock().clear_faults();
    let cured = stage.now();
    // Waits grow to six hours at most; nobody asks. What the bank asked for is waited for by a clock that stands still
    // over a jump.
    stage.jump(SignedDuration::from_hours(7));
    let wait = if fault == Fault::RateLimitLong { 3_700 } else { 300 };
    stage.breathe(Duration::from_secs(wait)).expect("nothing dies here");
    let (success, quarantined) = known(&stage);
    assert!(
        success.is_some_and(|at| at > cured),
        "{what}: no sync since {cured}, the last was at {success:?}"
    );
    assert_eq!(quarantined, 0, "{what}: something is in quarantine");
    ends_right(&stage, false);
    stage.watch.notes.assert_right(&what);
}

fn login(stage: &Stage) -> LoginState {
    stage.act(|services| async move { services.login.state().state }).expect("nothing dies here")
}

fn known(stage: &Stage) -> (Option<Timestamp>, u64) {
    let known = stage.act(|services| async move {
        services.store.read(|reader| Ok((reader.last_success_at()?, reader.quarantined()?))).await
    });
    known.expect("nothing dies here").expect("an answer")
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
        .filter(|(turn, (endpoint, _))| *endpoint == "token" || crowd::soaking() || turn % 4 == 0);
    crowd::all(counts, |(_, (endpoint, fault))| check(&scene, endpoint, fault));
}
