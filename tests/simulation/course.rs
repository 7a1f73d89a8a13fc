//! How scenarios begin and end: the scenes, and the quiet after the storm in which everything must come right.

use std::time::Duration;

use jiff::SignedDuration;
use monzo_common::model::{LoginState, RunState};

use crate::books;
use crate::scene::{Scene, post_salary};
use crate::stage::{Died, Stage};

/// Long enough for everything that needs no sync.
pub const WHILE: Duration = Duration::from_secs(75);

/// Looks at the end before it is called endless.
const PATIENCE: u32 = 24;

/// The last Monday of October: a history of some days is read, and no rule has run.
pub fn begun() -> Scene {
    let stage = Stage::new(Scene::first());
    stage.log_in().expect("nothing dies here");
    stage.breathe(WHILE).expect("it lives");
    stage.into_scene()
}

/// Monday, 2 November: a person has let the first runs of the rules go.
pub fn proven() -> Scene {
    let stage = Stage::new(begun());
    for (to, pay) in
        [("2026-10-29T10:00:00Z", 180_000), ("2026-10-30T12:05:00Z", 0), ("2026-11-02T12:00:00Z", 0)]
    {
        until(&stage, to);
        if pay > 0 {
            let now = stage.now().as_millisecond();
            post_salary(&mut stage.bank.lock(), now, pay);
        }
        sync(&stage).expect("it lives");
        stage.breathe(WHILE).expect("it lives");
        approve_all(&stage).expect("it lives");
        stage.breathe(WHILE).expect("it lives");
        stage.check();
    }
    stage.into_scene()
}

/// Monday, 30 November, two minutes before the rule of payday runs by itself.
pub fn payday() -> Scene {
    let stage = Stage::new(proven());
    until(&stage, "2026-11-29T12:00:00Z");
    let now = stage.now().as_millisecond();
    post_salary(&mut stage.bank.lock(), now, 180_000);
    sync(&stage).expect("it lives");
    stage.breathe(WHILE).expect("it lives");
    until(&stage, "2026-11-30T08:55:00Z");
    sync(&stage).expect("it lives");
    stage.breathe(WHILE).expect("it lives");
    stage.into_scene()
}

fn until(stage: &Stage, at: &str) {
    let at: jiff::Timestamp = at.parse().expect("an instant");
    stage.jump(at.duration_since(stage.now()));
}

/// Reads the bank, if it lets us.
pub fn sync(stage: &Stage) -> Result<(), Died> {
    stage.act(|services| async move {
        let finishing = services.sync.finish_for("request");
        let _ = tokio::time::timeout(Duration::from_secs(1800), finishing).await;
    })
}

/// Lets every proposal go.
pub fn approve_all(stage: &Stage) -> Result<(), Died> {
    stage.act(|services| async move {
        let open = services.store.read(|reader| reader.unfinished_runs()).await.expect("runs");
        for run in open.iter().filter(|run| run.state == RunState::Proposed) {
            let _ = services.sorter.approve(Some(&run.id)).await;
        }
    })
}

/// Nothing goes wrong any more: every run ends or waits for a person, and every transfer meets its row.
pub fn ends_right(stage: &Stage, frozen: bool) {
    stage.watch.set_weather(None);
    stage.bank.lock().clear_faults();
    stage.decide(None);
    if !stage.lives() {
        stage.open();
    }
    stage.note("the storm is over");
    for look in 0..PATIENCE {
        let login =
            stage.act(|services| async move { services.login.state().state }).expect("nothing dies here");
        if login != LoginState::Ready {
            stage.log_in().expect("nothing dies here");
        }
        sync(stage).expect("nothing dies here");
        stage.breathe(WHILE).expect("nothing dies here");
        stage.check();
        let holds = stage.frozen();
        if !holds.is_empty() {
            if !frozen {
                stage.watch.notes.wrong(format!("the sorter is frozen: {holds:?}"));
                return;
            }
            thaw(stage);
            continue;
        }
        let open = stage.journal(books::under_way);
        if open.is_empty() && stage.journal(books::unseen).is_empty() {
            return;
        }
        let hours = [0, 0, 0, 1, 3, 6, 26];
        let hours = hours.get(look as usize).copied().unwrap_or(13);
        stage.jump(SignedDuration::from_mins(3 + 60 * hours));
    }
    let open = stage.journal(|journal| (books::under_way(journal), books::unseen(journal)));
    stage.watch.notes.wrong(format!("it does not end: {open:?}"));
}

/// A person lets everything go on.
pub fn thaw(stage: &Stage) {
    let holds = stage.frozen();
    let thawed = stage.act(|services| async move {
        for rule in holds {
            let rule = Some(rule).filter(|rule| !rule.is_empty());
            let _ = services.sorter.thaw(rule).await;
        }
    });
    thawed.expect("nothing dies here");
}
