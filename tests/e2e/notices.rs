//! What a person is told in the feed of their Monzo app: once, of what matters, and in words that they chose.

use jiff::SignedDuration;
use monzo_sandbox::bank::faults::{Fault, Rule};
use serde_json::json;

use crate::rig::{self, Rig};
use crate::{moves, rules};

/// A bank with a pot beside the others, and a daemon that has read it.
fn rig(more: &str) -> Rig {
    let rig = Rig::stopped(rig::small(), &format!("[monzo]\ntimeout = \"1s\"\n[sync]\npoll = \"\"\n{more}"));
    let (account, at) = {
        let bank = rig.bank.bank();
        (bank.life.cast.personal, bank.now().as_millisecond() - 1)
    };
    rig.bank.bank().world.open_pot(account, "Holiday", "teal", at);
    rig
}

fn started(more: &str) -> Rig {
    let mut rig = rig(more);
    rig.start();
    rig.login();
    rig
}

/// Titles and texts in the feed so far.
fn feed(rig: &Rig) -> Vec<(String, String)> {
    rig.bank.bank().feed.iter().map(|item| (item.title.clone(), item.body.clone())).collect()
}

/// How many items have this in their title.
fn count(rig: &Rig, title: &str) -> usize {
    feed(rig).iter().filter(|(said, _)| said.contains(title)).count()
}

fn asked(rig: &Rig) -> u64 {
    rig.bank.bank().counts.get("feed").copied().unwrap_or(0)
}

fn told(rig: &Rig, title: &str) {
    rig.until(&format!("the feed says {title:?}"), || count(rig, title) > 0);
}

fn moved(rig: &Rig) -> String {
    let run = moves::propose(rig, 1_500, "Personal", "Holiday");
    rig.rpc("autosort.approve", &json!({"id": run}));
    moves::ended(rig, &run);
    run
}

#[test]
fn a_run_is_told_when_it_is_done_and_not_again_after_a_restart() {
    let mut rig = started("");
    let run = moved(&rig);
    told(&rig, "Move is done");
    assert_eq!(count(&rig, "waits for your approval"), 0, "whoever asked for it has it before their eyes");
    let (_, body) = feed(&rig).into_iter().find(|(title, _)| title == "Move is done").expect("told");
    assert!(body.contains("Holiday £15.00") && body.contains(&run), "{body}");
    let before = feed(&rig);
    rig.stop();
    rig.start();
    let another = moved(&rig);
    rig.until("the other run is told", || {
        feed(&rig).iter().any(|(_, body)| body.contains(&another) && body.contains("is done"))
    });
    let again = feed(&rig).iter().filter(|(_, body)| body.contains(&run)).count();
    assert_eq!(again, before.iter().filter(|(_, body)| body.contains(&run)).count(), "{:?}", feed(&rig));
}

#[test]
fn a_lost_answer_of_the_feed_shows_nothing_twice() {
    let rig = started("");
    rig.bank.bank().set_faults(vec![Rule::nth(Fault::ResetAfter, 1).at("feed")], 1);
    moved(&rig);
    told(&rig, "Move is done");
    rig.sync();
    moved(&rig);
    rig.until("the second is told", || count(&rig, "Move is done") == 2);
    assert_eq!(feed(&rig).len(), 2, "{:?}", feed(&rig));
}

#[test]
fn a_run_that_a_rule_proposes_is_told_while_it_waits() {
    let rig = rules::two_pots(rules::INCOME);
    rules::accepted(&rig);
    rig.bank.bank().pay_salary(None, 40_000).expect("paid");
    rig.sync();
    let run = rules::newest(&rig, 1, "proposed");
    told(&rig, "Pay waits for your approval");
    let id = run["id"].as_str().expect("an id");
    assert!(
        feed(&rig).iter().any(|(_, body)| body.contains(id) && body.contains("£400.00")),
        "{:?}",
        feed(&rig)
    );
}

#[test]
fn amounts_stay_at_home_where_the_person_says_so_and_nothing_is_told_where_nothing_is_wanted() {
    let rig = started("[notify]\namounts = false\non = [\"run\"]\n");
    moved(&rig);
    told(&rig, "Move is done");
    assert!(
        feed(&rig).iter().all(|(_, body)| !body.contains('£') && !body.contains("Holiday")),
        "{:?}",
        feed(&rig)
    );
    let said = rig.ctl(&["notify", "test"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(count(&rig, "monzod can reach you"), 1);

    let quiet = started("[notify]\nfeed = false\n");
    moved(&quiet);
    quiet.sync();
    let said = quiet.ctl(&["notify", "test"]);
    assert!(said.code != 0 && said.err.contains("feed = true"), "{said:?}");
    assert_eq!(asked(&quiet), 0, "{:?}", feed(&quiet));
}

#[test]
fn what_needs_a_person_is_told_once_it_has_lasted_and_that_it_is_over() {
    let rig = started("");
    let said = rig.ctl(&["sort", "freeze", "--reason", "away"]);
    assert_eq!(said.code, 0, "{said:?}");
    // It lasts; what looks again is an event of any kind.
    rig.bank.advance(SignedDuration::from_mins(10));
    rig.sync();
    moves::propose(&rig, 700, "Personal", "Holiday");
    told(&rig, "monzod needs you");
    assert!(
        feed(&rig).iter().any(|(_, body)| body.contains("away") && body.contains("sort thaw")),
        "{:?}",
        feed(&rig)
    );
    let said = rig.ctl(&["sort", "thaw"]);
    assert_eq!(said.code, 0, "{said:?}");
    told(&rig, "all well again");
    assert_eq!(count(&rig, "monzod needs you"), 1, "{:?}", feed(&rig));
}
