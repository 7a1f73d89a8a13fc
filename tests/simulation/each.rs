//! A move between two pots, and a payday: struck at every request and between any two statements, by everything.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::SignedDuration;
use monzo_sandbox::bank::faults::Fault;

use crate::course::{self, WHILE, ends_right};
use crate::crash_plan::Death;
use crate::harness::{Died, Harness};
use crate::parallel;
use crate::scene::Scene;
use crate::watched_transport::Watch;

/// What strikes, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Strike {
    fault: Option<(u64, Fault)>,
    death: Option<Death>,
}

/// Faults that differ for a question that changes nothing.
const OF_QUESTIONS: [Fault; 7] = [
    Fault::Internal,
    Fault::RateLimitSeconds,
    Fault::Hang,
    Fault::ResetBefore,
    Fault::TruncatedBody,
    Fault::MissingKey,
    Fault::FalseEmptyPage,
];

/// A move between two pots, let go by a person.
fn by_hand(harness: &Harness) -> Result<(), Died> {
    let started =
        harness.act(|services| async move { services.sorter.move_money(2_000, "Bills", "Holiday").await })?;
    if let Ok(started) = started
        && let Some(run) = started.run
    {
        // What cannot be let go now is no matter: it waits.
        let _ = harness.act(|services| async move { services.sorter.approve(Some(&run.id)).await })?;
    }
    harness.breathe(WHILE)
}

/// A rule that runs by itself.
fn by_rule(harness: &Harness) -> Result<(), Died> {
    harness.jump(SignedDuration::from_mins(6));
    harness.breathe(Duration::from_secs(130))
}

/// A request, and the commits before it.
#[derive(Debug, Clone)]
struct Asked {
    endpoint: String,
    commits: u64,
}

impl Asked {
    fn moves(&self) -> bool {
        matches!(self.endpoint.as_str(), "deposit" | "withdraw")
    }
}

type Deed = fn(&Harness) -> Result<(), Died>;

/// What happens without a strike: each request's endpoint with the commits before it, and how many commits in all.
fn calm(scene: &Scene, deed: Deed) -> (Vec<Asked>, u64) {
    let harness = Harness::new(scene.copy());
    let seen: Arc<Mutex<Vec<Asked>>> = Arc::default();
    let (kept, fate) = (Arc::clone(&seen), harness.fate());
    harness.watch.set_weather(Some(Box::new(move |_, endpoint, _| {
        let commits = fate.counted().1;
        kept.lock().expect("no panic").push(Asked { endpoint: endpoint.to_owned(), commits });
        None
    })));
    harness.decide(None);
    deed(&harness).expect("nothing dies here");
    let commits = harness.counted().1;
    ends_right(&harness, false);
    harness.watch.notes.assert_right("in calm weather");
    let seen = seen.lock().expect("no panic").clone();
    (seen, commits)
}

fn struck(scene: &Scene, deed: Deed, strike: Strike, nature: impl Fn(&mut monzo_sandbox::Switches)) {
    let harness = Harness::new(scene.copy());
    nature(&mut harness.bank.lock().switches);
    brew(&harness.watch, strike);
    harness.decide(strike.death);
    if deed(&harness).is_err() {
        harness.decide(None);
    }
    harness.check();
    ends_right(&harness, false);
    harness.watch.notes.assert_right(&format!("{strike:?}"));
}

fn brew(watch: &Watch, strike: Strike) {
    if let Some((nth, fault)) = strike.fault {
        let mut count = 0;
        watch.set_weather(Some(Box::new(move |_, _, _| {
            count += 1;
            (count == nth).then_some(fault)
        })));
    }
}

/// One of everything, at every place.
fn singles(requests: &[Asked], commits: u64) -> Vec<Strike> {
    let near_a_move = |nth: u64| {
        // What a run writes lies around what it sends; the rest is what syncs write.
        let near = |asked: &Asked| nth + 8 > asked.commits && nth < asked.commits + 12;
        requests.iter().filter(|asked| asked.moves()).any(near)
    };
    let chosen = |nth: &u64| parallel::soaking() || near_a_move(*nth) || nth.is_multiple_of(6);
    let mut all: Vec<Strike> = (1..=commits)
        .filter(chosen)
        .map(|nth| Strike { fault: None, death: Some(Death::Commit(nth)) })
        .collect();
    for (nth, asked) in (1..).zip(requests) {
        // One page is like the other: of what can strike it, another thing strikes each.
        let turn = usize::try_from(nth).expect("few");
        let few = asked.endpoint == "transactions" && !parallel::soaking();
        let deaths = [Death::Before(nth), Death::After(nth)];
        let deaths = if few { &deaths[turn % 2..][..1] } else { &deaths[..] };
        all.extend(deaths.iter().map(|death| Strike { fault: None, death: Some(*death) }));
        let faults = match asked.moves() {
            true => &Fault::ALL[..],
            false if few => &OF_QUESTIONS[turn % OF_QUESTIONS.len()..][..1],
            false => &OF_QUESTIONS[..],
        };
        all.extend(faults.iter().map(|fault| Strike { fault: Some((nth, *fault)), death: None }));
    }
    all
}

/// An answer that was lost, and then a death while it is being looked for.
fn pairs(requests: &[Asked]) -> Vec<Strike> {
    let mut all = Vec::new();
    for (nth, _) in (1..).zip(requests).filter(|(_, asked)| asked.moves()) {
        for fault in [Fault::ResetAfter, Fault::ResetBefore, Fault::RateLimit] {
            for later in nth + 1..nth + 5 {
                for death in [Death::Before(later), Death::After(later)] {
                    all.push(Strike { fault: Some((nth, fault)), death: Some(death) });
                }
            }
        }
    }
    all
}

fn check(scene: &Scene, deed: Deed) {
    let (requests, commits) = calm(scene, deed);
    let moving = requests.iter().filter(|asked| asked.moves()).count();
    assert!(moving >= 2, "{requests:?}");
    parallel::all(singles(&requests, commits).into_iter(), |strike| struck(scene, deed, strike, |_| {}));
    parallel::all(pairs(&requests).into_iter(), |strike| {
        struck(scene, deed, strike, |switches| {
            switches.funds_first = true;
            switches.visibility_lag_ms = 45_000;
        });
    });
}

#[test]
fn a_move_between_pots_struck_anywhere_by_anything_ends_right() {
    check(&course::begun(), by_hand);
}

#[test]
fn a_payday_struck_anywhere_by_anything_ends_right() {
    check(&course::payday(), by_rule);
}
