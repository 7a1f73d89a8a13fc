//! How scenarios begin and end: the scenes, and the quiet after the storm in which everything must come right.

use std::time::Duration;

use jiff::SignedDuration;
use monzo_common::model::{LoginState, RunState, SyncCause};

use crate::harness::{Died, Harness};
use crate::invariants;
use crate::scene::{Scene, post_salary};

/// Long enough for everything that needs no sync.
pub const WHILE: Duration = Duration::from_secs(75);

/// Looks at the end before it is called endless.
const PATIENCE: u32 = 24;

/// The last Monday of October: a history of some days is read, and no rule has run.
pub fn begun() -> Scene {
    let harness = Harness::new(Scene::first());
    harness.log_in().expect("nothing dies here");
    harness.breathe(WHILE).expect("it lives");
    harness.into_scene()
}

/// Monday, 2 November: a person has let the first runs of the rules go.
pub fn proven() -> Scene {
    let harness = Harness::new(begun());
    for (to, pay) in
        [("2026-10-29T10:00:00Z", 180_000), ("2026-10-30T12:05:00Z", 0), ("2026-11-02T12:00:00Z", 0)]
    {
        until(&harness, to);
        if pay > 0 {
            let now = harness.now().as_millisecond();
            post_salary(&mut harness.bank.lock(), now, pay);
        }
        sync(&harness).expect("it lives");
        harness.breathe(WHILE).expect("it lives");
        approve_all(&harness).expect("it lives");
        harness.breathe(WHILE).expect("it lives");
        harness.check();
    }
    harness.into_scene()
}

/// Monday, 30 November, two minutes before the rule of payday runs by itself.
pub fn payday() -> Scene {
    let harness = Harness::new(proven());
    until(&harness, "2026-11-29T12:00:00Z");
    let now = harness.now().as_millisecond();
    post_salary(&mut harness.bank.lock(), now, 180_000);
    sync(&harness).expect("it lives");
    harness.breathe(WHILE).expect("it lives");
    until(&harness, "2026-11-30T08:55:00Z");
    sync(&harness).expect("it lives");
    harness.breathe(WHILE).expect("it lives");
    harness.into_scene()
}

fn until(harness: &Harness, at: &str) {
    let at: jiff::Timestamp = at.parse().expect("an instant");
    harness.jump(at.duration_since(harness.now()));
}

/// Reads the bank, if it lets us.
pub fn sync(harness: &Harness) -> Result<(), Died> {
    harness.act(|services| async move {
        let finishing = services.sync.finish_for(SyncCause::Request);
        let _ = tokio::time::timeout(Duration::from_secs(1800), finishing).await;
    })
}

/// Lets every proposal go.
pub fn approve_all(harness: &Harness) -> Result<(), Died> {
    harness.act(|services| async move {
        let open = services.store.read(|reader| reader.unfinished_runs()).await.expect("runs");
        for run in open.iter().filter(|run| run.state == RunState::Proposed) {
            let _ = services.sorter.approve(Some(&run.id)).await;
        }
    })
}

/// Nothing goes wrong any more: every run ends or waits for a person, and every transfer meets its row.
pub fn ends_right(harness: &Harness, frozen: bool) {
    harness.watch.set_weather(None);
    harness.bank.lock().clear_faults();
    harness.decide(None);
    if !harness.lives() {
        harness.open();
    }
    harness.note("the storm is over");
    for look in 0..PATIENCE {
        let login =
            harness.act(|services| async move { services.login.state().state }).expect("nothing dies here");
        if login != LoginState::Ready {
            harness.log_in().expect("nothing dies here");
        }
        sync(harness).expect("nothing dies here");
        harness.breathe(WHILE).expect("nothing dies here");
        harness.check();
        let holds = harness.frozen();
        if !holds.is_empty() {
            if !frozen {
                harness.watch.notes.wrong(format!("the sorter is frozen: {holds:?}"));
                return;
            }
            thaw(harness);
            continue;
        }
        let open = harness.connection(invariants::under_way);
        if open.is_empty() && harness.connection(invariants::unseen).is_empty() {
            return;
        }
        let hours = [0, 0, 0, 1, 3, 6, 26];
        let hours = hours.get(look as usize).copied().unwrap_or(13);
        harness.jump(SignedDuration::from_mins(3 + 60 * hours));
    }
    let open =
        harness.connection(|connection| (invariants::under_way(connection), invariants::unseen(connection)));
    harness.watch.notes.wrong(format!("it does not end: {open:?}"));
}

/// A person lets everything go on.
pub fn thaw(harness: &Harness) {
    let holds = harness.frozen();
    let thawed = harness.act(|services| async move {
        for rule in holds {
            let rule = Some(rule).filter(|rule| !rule.is_empty());
            let _ = services.sorter.thaw(rule).await;
        }
    });
    thawed.expect("nothing dies here");
}
