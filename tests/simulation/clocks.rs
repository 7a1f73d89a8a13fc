//! A clock that was wrong, by minutes or by years, and is right again: nothing that it noted holds anything up.

use std::time::Duration;

use jiff::SignedDuration;
use monzo_common::model::RunState;
use monzo_sandbox::bank::faults::Fault;
use monzod::clock::Clock;

use crate::course::{self, sync};
use crate::harness::Harness;
use crate::parallel;
use crate::scene::Scene;

/// By how much clocks are wrong: ahead and behind.
const WRONG: [SignedDuration; 8] = [
    SignedDuration::from_mins(10),
    SignedDuration::from_hours(5),
    SignedDuration::from_hours(400 * 24),
    SignedDuration::from_hours(3653 * 24),
    SignedDuration::from_mins(-10),
    SignedDuration::from_hours(-5),
    SignedDuration::from_hours(-400 * 24),
    SignedDuration::from_hours(-3653 * 24),
];

/// As long as a proposal waits for approval, where nothing else is configured.
const PLANS_LAST: SignedDuration = SignedDuration::from_hours(72);

/// Two looks of every loop.
const LOOKS: Duration = Duration::from_secs(125);

/// The bank cannot be reached.
fn cut_off(harness: &Harness) {
    harness.watch.set_weather(Some(Box::new(|_, _, _| Some(Fault::ResetBefore))));
}

fn reachable(harness: &Harness) {
    harness.watch.set_weather(None);
    harness.bank.lock().clear_faults();
}

/// What is known of syncs lies in the past, and the next is within the interval.
fn in_order(harness: &Harness, what: &str) {
    let now = harness.time();
    let (success, due, newest) = harness
        .act(|services| async move {
            let read = services
                .store
                .read(|reader| Ok((reader.last_success_at()?, reader.syncs(false, None, 3)?.0)));
            let (success, newest) = read.await.expect("an answer");
            (success.expect("a sync"), services.sync.next_due_at().expect("one is due"), newest)
        })
        .expect("nothing dies here");
    let (ago, ahead) = (now.duration_since(success), due.duration_since(now));
    let interval = SignedDuration::from_mins(6 * 60 + 10);
    let between = SignedDuration::ZERO..interval;
    assert!(between.contains(&ago), "{what}: the last sync was at {success}: {newest:#?}");
    assert!(ahead <= interval, "{what}: the next sync is in {ahead:#}");
}

fn syncs(harness: &Harness) -> usize {
    let past = harness.act(|services| async move {
        services.store.read(|reader| reader.syncs(false, None, 100)).await.expect("an answer").0.len()
    });
    past.expect("nothing dies here")
}

/// That the clock was set back is said once, and of a clock that was behind there is nothing to say.
fn said_once(harness: &Harness, by: SignedDuration, what: &str) {
    let events = harness
        .act(|services| async move { services.store.read(|reader| reader.events(None, None, 200)).await });
    let (events, _) = events.expect("nothing dies here").expect("an answer");
    let said = events.iter().filter(|event| event.kind == "clock_set_back").count();
    assert_eq!(said, usize::from(by.is_positive()), "{what}: {events:#?}");
}

/// The daemon begins with a wrong clock, cannot ask the bank, and fails to sync; then all is right.
fn alone_with_a_wrong_clock(scene: &Scene, by: SignedDuration) {
    let clock = Clock::host(scene.now);
    clock.set(by);
    let harness = Harness::with_clock(scene.copy(), clock);
    cut_off(&harness);
    sync(&harness).expect("nothing dies here");
    harness.breathe(LOOKS).expect("nothing dies here");
    harness.set_clock(-by);
    reachable(&harness);
    let before = syncs(&harness);
    // The wait after a failure is five minutes; what a clock that is wrong has planned is met within one.
    let wait = if by.is_negative() { Duration::from_secs(420) } else { Duration::from_secs(75) };
    harness.breathe(wait).expect("nothing dies here");
    let what = format!("{by:#}, alone");
    assert!(syncs(&harness) > before, "{what}: no sync followed");
    in_order(&harness, &what);
    harness.breathe(LOOKS).expect("nothing dies here");
    said_once(&harness, by, &what);
    harness.watch.notes.assert_right(&what);
}

/// The clock is set wrong while the daemon runs and the bank tells its time: the bank is the better witness.
fn with_a_witness(scene: &Scene, by: SignedDuration) {
    let harness = Harness::with_clock(scene.copy(), Clock::host(scene.now));
    sync(&harness).expect("nothing dies here");
    for by in [by, -by] {
        harness.set_clock(by);
        harness.breathe(LOOKS).expect("nothing dies here");
        sync(&harness).expect("nothing dies here");
        in_order(&harness, &format!("{by:#}, with a witness"));
    }
    harness.jump(SignedDuration::from_mins(6 * 60 + 11));
    let before = syncs(&harness);
    harness.breathe(LOOKS).expect("nothing dies here");
    assert!(syncs(&harness) > before, "{by:#}: no sync was made in time");
    harness.watch.notes.assert_right("with a witness");
}

/// Without a witness: a sync, a proposal and a freeze are made by a wrong clock, and met by the right one.
fn without_a_witness(scene: &Scene, by: SignedDuration) {
    if by.as_hours() > 500 * 24 {
        // A gap of years in the history is another matter.
        return;
    }
    let harness = Harness::new(scene.copy());
    harness.set_clock(by);
    sync(&harness).expect("nothing dies here");
    let made =
        harness.act(|services| async move { services.sorter.move_money(2_000, "Bills", "Holiday").await });
    assert!(
        made.expect("nothing dies here").expect("proposed").run.is_some(),
        "{by:#}: nothing was proposed"
    );
    let until = harness.now().checked_add(SignedDuration::from_hours(2)).expect("in range");
    let frozen = harness.act(|services| async move { services.sorter.freeze(None, Some(until), None).await });
    frozen.expect("nothing dies here").expect("frozen");
    harness.set_clock(-by);
    let before = syncs(&harness);
    harness.breathe(Duration::from_secs(75)).expect("nothing dies here");
    let what = format!("{by:#}, without a witness");
    if !by.is_negative() {
        assert!(syncs(&harness) > before, "{what}: no sync followed");
    }
    harness.breathe(LOOKS).expect("nothing dies here");
    in_order(&harness, &what);
    said_once(&harness, by, &what);
    let now = harness.now();
    let (open, freezes) = harness
        .act(|services| async move {
            let read =
                services.store.read(move |reader| Ok((reader.unfinished_runs()?, reader.freezes(now)?)));
            read.await.expect("an answer")
        })
        .expect("nothing dies here");
    let far = now.checked_add(PLANS_LAST).expect("in range");
    for run in open.iter().filter(|run| run.state == RunState::Proposed) {
        assert!(
            run.expires_at.is_some_and(|at| at < far),
            "{what}: a proposal waits until {:?}",
            run.expires_at
        );
    }
    for freeze in freezes {
        assert!(freeze.until.is_some_and(|at| at < far), "{what}: frozen until {:?}", freeze.until);
    }
    harness.watch.notes.assert_right(&what);
}

#[test]
fn a_clock_that_was_wrong_and_is_right_again_holds_nothing_up() {
    let scene = course::begun();
    type Deed = fn(&Scene, SignedDuration);
    let deeds: [Deed; 3] = [alone_with_a_wrong_clock, with_a_witness, without_a_witness];
    let all = WRONG.into_iter().flat_map(|by| deeds.map(|deed| (by, deed)));
    parallel::all(all, |(by, deed)| deed(&scene, by));
}

#[test]
fn quiet_hours_of_a_clock_that_was_ahead_hold_nothing_back_once_it_is_right() {
    let harness = Harness::new(course::begun());
    let evening: jiff::Timestamp = "2026-10-26T23:30:00Z".parse().expect("an instant");
    harness.jump(evening.duration_since(harness.now()));
    let three_hours = SignedDuration::from_hours(3);
    harness.set_clock(three_hours);
    let proposed =
        harness.act(|services| async move { services.sorter.move_money(2_000, "Bills", "Holiday").await });
    let run = proposed.expect("nothing dies here").expect("proposed").run.expect("a run");
    let id = run.id.clone();
    let approved = harness.act(|services| async move { services.sorter.approve(Some(&id)).await });
    approved.expect("nothing dies here").expect("approved");
    let stands = || {
        let id = run.id.clone();
        let read =
            harness.act(|services| async move { services.store.read(move |reader| reader.run(&id)).await });
        read.expect("nothing dies here").expect("an answer").state
    };
    harness.breathe(LOOKS).expect("nothing dies here");
    assert_eq!(stands(), RunState::Waiting, "by this clock it is half past two");
    harness.set_clock(-three_hours);
    harness.breathe(LOOKS).expect("nothing dies here");
    assert_eq!(stands(), RunState::Done, "it is half past eleven in the evening");
    harness.watch.notes.assert_right("quiet hours");
}
