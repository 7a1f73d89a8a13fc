//! Whatever is pressed at a question, nothing happens without a yes: nothing moves, and nothing is left waiting that a
//! later yes to something else would move.

use jiff::SignedDuration;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::keys::{Seat, Seen};
use crate::midway::{self, by_app, into, three_pots};
use crate::moves::{moved, propose, run};
use crate::rig::Rig;
use crate::rules::runs;

/// A rule that waits for a person, and one that is run only by hand.
const RULES: &str = r#"
[sync]
poll = ""
[[payday]]
name = "main"
day = 24
[autosort]
mode = "propose"
[[autosort.rule]]
name = "pay"
trigger = { on = "payday", at = "13:00" }
source = "account:Personal"
keep = "£100.00"
step = [{ pot = "Holiday", amount = "£50.00" }]
[[autosort.rule]]
name = "by hand"
trigger = { on = "manual" }
source = "account:Personal"
keep = "£100.00"
step = [{ pot = "Car", amount = "£20.00" }]
"#;

/// What is pressed at a question: Ctrl-C, Ctrl-\, Ctrl-D, Escape, Return, letters, and what no keyboard sends.
const KEYS: [&[u8]; 9] =
    [b"\x03", b"\x1c", b"\x04", b"\x1b\n", b"\n", b"n\n", b"yn\n", b"y y\n", b"\xff\xfey\x01\n"];

/// Balances of the account and of each pot in the bank's books, and how often money was moved between them.
fn books(rig: &Rig) -> (Value, usize) {
    let read = |path: &[&str]| rig.json(path);
    rig.sync();
    let pots = read(&["pots"])["pots"].as_array().expect("a list").clone();
    let pots: Vec<Value> = pots.iter().map(|pot| json!([pot["name"], pot["balance"]])).collect();
    let accounts = read(&["accounts"])["accounts"].as_array().expect("a list").clone();
    let accounts: Vec<Value> = accounts.iter().map(|one| json!([one["id"], one["balance"]])).collect();
    (json!([accounts, pots]), rig.bank.bank().world.transfers.len())
}

/// Presses keys at a question.
fn press(rig: &Rig, arguments: &[&str], question: &str, keys: &[u8]) -> Seen {
    let mut seat = Seat::take(rig, arguments, &[("SUDO_USER", "ann")]);
    seat.reads(question);
    seat.presses(keys);
    seat.ends()
}

fn waiting(rig: &Rig) -> Vec<String> {
    let waits = runs(rig).into_iter().filter(|run| run["state"] == "proposed");
    waits.map(|run| run["rule"].as_str().expect("a name").to_owned()).collect()
}

/// Approves whatever may be approved without a name, and answers what that moved.
fn approved_without_a_name(rig: &Rig) -> Vec<(bool, String, i64)> {
    let before = moved(rig).len();
    let said = rig.ctl(&["sort", "approve", "--yes"]);
    assert_eq!(said.code, 0, "{said:?}");
    moved(rig)[before..].to_vec()
}

#[test]
fn no_key_but_a_yes_moves_money_or_leaves_something_to_be_moved() {
    let rig = three_pots(
        "[sync]\npoll = \"\"\n[[autosort.rule]]\nname = \"by hand\"\ntrigger = { on = \"manual\" }\nsource = \"account:Personal\"\nkeep = \"£100.00\"\nstep = [{ pot = \"Car\", amount = \"£20.00\" }]\n",
    );
    let said = rig.ctl(&["move", "£25", "Personal", "Holiday", "--yes"]);
    assert_eq!(said.code, 0, "{said:?}");
    let done = runs(&rig)[0]["id"].as_str().expect("an id").to_owned();
    let before = books(&rig);
    for command in [
        &["move", "£10", "Personal", "Holiday"][..],
        &["sort", "run", "by hand"],
        &["sort", "undo", &done],
        &["pots", "discover", "Car"],
    ] {
        for keys in KEYS {
            let seen = press(&rig, command, "Move this? [y/N]", keys);
            let expected = if matches!(keys, b"\x03" | b"\x1c") { 130 } else { 0 };
            assert_eq!(seen.code, expected, "{command:?} {keys:?}: {seen:?}");
            assert!(seen.screen.ends_with("\nNothing was moved.\n"), "{command:?} {keys:?}: {seen:?}");
            assert_eq!(waiting(&rig), [""; 0], "{command:?} {keys:?}: {seen:?}");
        }
    }
    let said = rig.ctl(&["sort", "approve", "--yes"]);
    assert!(said.code == 0 && said.out.contains("No run"), "{said:?}");
    assert_eq!(books(&rig), before);
}

#[test]
fn no_key_but_a_yes_answers_the_question_that_a_changed_plan_asks_again() {
    let rule = midway::spread("").replace("amount = \"£100.00\"", "up_to = \"£100.00\"");
    let rig = three_pots(&rule);
    for keys in KEYS {
        let mut seat = Seat::take(&rig, &["sort", "run", "spread"], &[]);
        seat.reads("Move this? [y/N]");
        // Meanwhile a pound reaches the pot, so that a pound less is to be moved.
        by_app(&rig, false, "Holiday", 100);
        seat.presses(b"y\n");
        seat.reads("The plan has changed");
        seat.reads("Move this? [y/N]");
        seat.presses(keys);
        let seen = seat.ends();
        let expected = if matches!(keys, b"\x03" | b"\x1c") { 130 } else { 0 };
        assert_eq!(seen.code, expected, "{keys:?}: {seen:?}");
        assert!(seen.screen.ends_with("\nNothing was moved.\n"), "{keys:?}: {seen:?}");
        assert_eq!(waiting(&rig), [""; 0], "{keys:?}: {seen:?}");
    }
    assert_eq!((approved_without_a_name(&rig), moved(&rig)), (vec![], vec![]));
}

#[test]
fn no_key_at_the_prompt_of_a_login_loses_the_login_or_the_page() {
    let rig = three_pots("[sync]\npoll = \"\"\n");
    let before = books(&rig);
    for keys in [&b"\x03"[..], b"\x1c", b"\x04", b"n\n", b"\xff\xfe\x01\n"] {
        let mut seat = Seat::take(&rig, &["login", "--paste", "--yes"], &[]);
        seat.reads("even if it does not load:");
        // A plain Return is no answer, and the prompt goes on waiting.
        seat.presses(b"\n\n");
        seat.presses(keys);
        let seen = seat.ends();
        assert_ne!(seen.code, 0, "{keys:?}: {seen:?}");
        assert_eq!(rig.status()["login"]["state"], "ready", "{keys:?}: {seen:?}");
        // The page that it printed is still good.
        let page = seen.screen.lines().find(|line| line.starts_with("http")).expect("an address");
        let back = rig.bank.bank().sign_in(page, Some("ada"), None).expect("signed in");
        let last = rig.newest_sync();
        rig.call("auth.complete", &json!({"pasted": back})).expect("it still waits");
        // The next login would otherwise follow the capture of this one instead of asking.
        rig.until("its history is read", || {
            let newest = rig.newest_sync();
            newest["id"] != last["id"] && newest["state"] == "done"
        });
        assert_eq!(rig.status()["login"]["state"], "ready");
    }
    assert_eq!(books(&rig), before);
}

#[test]
fn a_client_that_is_killed_at_its_question_leaves_nothing_that_a_nameless_approval_takes() {
    let rig = three_pots("[sync]\npoll = \"\"\n");
    let ask = || {
        let mut seat = Seat::take(&rig, &["move", "£10", "Personal", "Holiday"], &[]);
        seat.reads("Move this? [y/N]");
        seat
    };
    let seat = ask();
    seat.signals(Signal::TERM);
    let seen = seat.ends();
    assert!(seen.screen.ends_with("Nothing was moved.\n"), "{seen:?}");
    assert_eq!(waiting(&rig), [""; 0], "asked to end, it takes its question back");
    let seat = ask();
    seat.signals(Signal::KILL);
    seat.ends();
    assert_eq!(waiting(&rig), ["move"], "nobody could take it back");
    ask().hangs_up();
    assert_eq!(waiting(&rig), ["move"], "without a terminal it is taken back");
    assert_eq!((approved_without_a_name(&rig), rig.attention()), (vec![], vec![]));
    let error = rig.call("autosort.approve", &json!({"id": null})).expect_err("nothing waits without a name");
    assert!(error["message"].as_str().expect("text").contains("no run"), "{error}");
    rig.bank.advance(SignedDuration::from_mins(61));
    rig.until("they expire", || {
        rig.sync();
        waiting(&rig).is_empty()
    });
    assert_eq!(moved(&rig), []);
}

#[test]
fn what_was_typed_before_a_question_does_not_answer_it() {
    let rig = three_pots("[sync]\npoll = \"\"\n");
    let mut seat = Seat::take(&rig, &["move", "£10", "Personal", "Holiday"], &[]);
    seat.presses(b"y\n");
    seat.reads("Move this? [y/N]");
    seat.presses(b"\n");
    assert!(seat.ends().screen.ends_with("Nothing was moved.\n"));
    assert_eq!(moved(&rig), []);
}

#[test]
fn a_run_without_a_daemon_to_take_it_back_stays_harmless_and_says_so() {
    let mut rig = three_pots("[sync]\npoll = \"\"\n");
    let mut seat = Seat::take(&rig, &["move", "£10", "Personal", "Holiday"], &[]);
    seat.reads("Move this? [y/N]");
    rig.kill();
    seat.presses(b"\x03");
    let seen = seat.ends();
    assert_eq!(seen.code, 130, "{seen:?}");
    assert!(seen.screen.contains("could not be withdrawn"), "{seen:?}");
    assert!(seen.screen.ends_with("Nothing was moved.\n"), "{seen:?}");
    rig.start();
    assert_eq!(approved_without_a_name(&rig), []);
}

#[test]
fn a_no_to_what_a_rule_proposed_leaves_it_waiting_and_its_occurrence_open() {
    let rig = three_pots(RULES);
    rig.bank.advance(SignedDuration::from_hours(2));
    rig.until("the rule proposes", || {
        rig.sync();
        waiting(&rig) == ["pay"]
    });
    for command in [&["sort", "run", "pay"][..], &["sort", "approve"]] {
        for keys in [&b"\x03"[..], b"\x04", b"n\n"] {
            let seen = press(&rig, command, "Move this? [y/N]", keys);
            assert!(seen.screen.contains("Nothing was moved; it waits for"), "{command:?}: {seen:?}");
            assert_eq!(waiting(&rig), ["pay"], "{command:?} {keys:?}");
        }
    }
    // A move by hand beside it is not what a nameless approval means.
    let id = propose(&rig, 1_000, "Personal", "Car");
    assert_eq!(approved_without_a_name(&rig), [into("Holiday", 5_000)]);
    assert_eq!(run(&rig, &id)["state"], "proposed");
    let seen = press(&rig, &["sort", "approve", &id], "Move this? [y/N]", b"n\n");
    assert!(seen.screen.ends_with("Nothing was moved.\n"), "{seen:?}");
    assert_eq!(run(&rig, &id)["state"], "rejected");
}

#[test]
fn a_run_that_is_asked_for_while_its_rule_waits_and_not_approved_does_not_use_its_occurrence() {
    let rig = three_pots(&RULES.replace("[autosort]", "[autosort]\nquiet_hours = [\"12:00\", \"16:00\"]"));
    rig.bank.advance(SignedDuration::from_hours(2));
    rig.until("quiet hours hold the rule back", || {
        rig.sync();
        runs(&rig).first().is_some_and(|run| run["state"] == "withheld")
    });
    let seen = press(&rig, &["sort", "run", "pay"], "Move this? [y/N]", b"n\n");
    assert!(seen.screen.ends_with("Nothing was moved.\n"), "{seen:?}");
    assert_eq!(waiting(&rig), [""; 0]);
    rig.bank.advance(SignedDuration::from_hours(4));
    rig.until("the rule proposes by itself", || {
        rig.sync();
        waiting(&rig) == ["pay"]
    });
    assert_eq!(approved_without_a_name(&rig), [into("Holiday", 5_000)]);
}

#[test]
fn no_key_but_a_yes_logs_out_logs_in_again_restores_or_sets_up() {
    let rig = three_pots("[sync]\npoll = \"\"\n");
    let said = rig.ctl(&["backup", "kept.db"]);
    assert_eq!(said.code, 0, "{said:?}");
    let said = rig.ctl(&["logout"]);
    assert_eq!((said.code, rig.status()["login"]["state"].clone()), (2, json!("ready")), "{said:?}");
    let before = books(&rig);
    for (command, question, no) in [
        (&["logout"][..], "Log out?", "You stay logged in."),
        (&["login"], "Log in again", "You stay logged in as before."),
        (&["restore", "kept.db"], "Put this in the database's place?", "Nothing was changed."),
        (&["restore", "--fresh"], "Begin with an empty database?", "Nothing was changed."),
    ] {
        for keys in KEYS {
            let seen = press(&rig, command, question, keys);
            let expected = if matches!(keys, b"\x03" | b"\x1c") { 130 } else { 0 };
            assert_eq!(seen.code, expected, "{command:?} {keys:?}: {seen:?}");
            assert!(seen.screen.ends_with(&format!("\n{no}\n")), "{command:?} {keys:?}: {seen:?}");
        }
    }
    let client = ["setup", "--client-id", "oauth2client_00009"];
    for (command, question) in [(&["setup"][..], "Client id:"), (&client, "Client secret (not shown):")] {
        for keys in [&b"\x03"[..], b"\x1c", b"\x04", b"\x1b\n", b"\n"] {
            let seen = press(&rig, command, question, keys);
            // The latter two are answers, though none that fits.
            let unanswered = !keys.ends_with(b"\n");
            assert_eq!(seen.code, if unanswered { 130 } else { 2 }, "{command:?} {keys:?}: {seen:?}");
            let told = seen.screen.ends_with("\nNothing was set up.\n");
            assert_eq!(told, unanswered, "{command:?} {keys:?}: {seen:?}");
        }
    }
    assert_eq!(rig.status()["login"]["state"], "ready");
    assert_eq!(books(&rig), before);
    // From here on another client is set up, which ends what the first one could do.
    for keys in KEYS {
        let mut seat =
            Seat::take(&rig, &["setup", "--client-id", "oauth2client_00009"], &[("SUDO_USER", "ann")]);
        seat.reads("Client secret (not shown):");
        seat.presses(b"mnzconf.abc\n");
        seat.reads("without sudo? [y/N]");
        seat.presses(keys);
        let seen = seat.ends();
        assert!(seen.screen.contains("ann operates the daemon with sudo, as before."), "{keys:?}: {seen:?}");
    }
    let grants = rig.json(&["access", "list"]).to_string();
    assert!(!grants.contains("ann"), "{grants}");
}
