//! A new person's first ten minutes: at each point the status page names one next step, and no other.

use std::collections::BTreeSet;
use std::time::Duration;

use monzo_sandbox::Settings;
use monzo_sandbox::bank::{CLIENT_ID, CLIENT_SECRET};

use crate::rig::{self, Rig, Said};

/// A daemon that knows no OAuth client yet, at a bank that takes its time and waits for the approval.
fn new_person() -> Rig {
    let settings = Settings { approve_after: None, latency: Duration::from_millis(40), ..rig::year() };
    let mut rig = Rig::stopped(settings, "");
    let config = std::fs::read_to_string(rig.home.config()).expect("a configuration");
    let without: Vec<&str> = config.lines().filter(|line| !line.starts_with("client_id")).collect();
    std::fs::write(rig.home.config(), without.join("\n")).expect("written");
    rig.start();
    rig
}

/// The commands that a page names.
fn commands(page: &str) -> BTreeSet<String> {
    let quoted = page.split('`').skip(1).step_by(2);
    let named =
        quoted.filter_map(|words| words.split_once("monzoctl ").map(|(_, command)| command.to_owned()));
    named.collect()
}

/// The page says `words`, names only `command`, and ends with `code`.
fn assert_page(said: &Said, code: i32, words: &str, command: Option<&str>) {
    assert_eq!(said.code, code, "{said:?}");
    assert!(said.out.contains(words), "{words} is not on the page:\n{}", said.out);
    let expected: BTreeSet<String> = command.into_iter().map(str::to_owned).collect();
    assert_eq!(commands(&said.out), expected, "the page names other commands:\n{}", said.out);
}

fn healthy(rig: &Rig) -> bool {
    rig.status()["healthy"] == true
}

#[test]
fn an_empty_list_says_that_nothing_was_read_yet() {
    let rig = new_person();
    for list in [
        &["accounts"][..],
        &["pots"],
        &["balance"],
        &["balance", "--history"],
        &["transactions"],
        &["sync", "history"],
        &["sort", "history"],
        &["sort", "transfers"],
    ] {
        let said = rig.ctl(list);
        assert!(
            said.code == 0 && said.err.contains("Nothing was read from the bank yet"),
            "{list:?}: {said:?}"
        );
    }
    let said = rig.ctl(&["events", "-n", "0"]);
    assert_eq!(said.code, 2, "{said:?}");
}

#[test]
fn every_page_of_the_first_ten_minutes_names_one_next_step() {
    let rig = new_person();
    assert_page(&rig.ctl(&[]), 7, "no OAuth client is set up yet", Some("setup"));
    assert!(!healthy(&rig));
    rig.wait_for_status("not set up yet: `sudo monzoctl setup`");

    let said =
        rig.ctl_with(&["setup", "--client-id", CLIENT_ID, "--secret-stdin"], &format!("{CLIENT_SECRET}\n"));
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(commands(&said.err), BTreeSet::from(["login".to_owned()]), "{said:?}");
    assert_page(&rig.ctl(&[]), 7, "nobody is logged in", Some("login"));

    // Somebody opens the page, and goes to make tea.
    rig.rpc("auth.begin", &serde_json::json!({"again": false}));
    assert_page(&rig.ctl(&[]), 7, "nobody has signed in yet", Some("login"));
    assert!(!healthy(&rig), "{}", rig.status());
    rig.wait_for_status("waiting for the sign-in in a browser");

    let said = rig.sign_in(&["--no-wait"], "ada");
    assert_eq!(said.code, 0, "{said:?}");
    assert_page(&rig.ctl(&[]), 7, "approval", Some("login"));
    assert!(!healthy(&rig));
    rig.wait_for_status("waiting for approval in the Monzo app");

    assert_eq!(rig.bank.bank().approve(), 1);
    rig.until("the capture runs", || rig.status()["sync"]["state"] == "running");
    assert_page(&rig.ctl(&[]), 0, "running now", None);
    rig.wait_for_status("logged in, syncing");

    rig.bank.bank().settings.latency = Duration::ZERO;
    rig.until("the capture is complete", || rig.status()["sync"]["last_success_at"].is_string());
    rig.until("the sync has ended", || rig.status()["sync"]["state"] == "idle");
    assert_page(&rig.ctl(&[]), 0, "all is well", None);
    assert!(healthy(&rig));
}
