//! Bad input: every key of the configuration, and what people mistype.

use crate::rig::{self, Rig};

#[test]
fn every_key_refuses_nonsense_with_its_place_and_what_would_be_right() {
    let rig = Rig::new(rig::small());
    let shown = rig.json(&["config", "show"]);
    let entries = shown["config"].as_array().or(shown["entries"].as_array()).expect("a list").clone();
    assert!(entries.len() > 25, "{shown}");
    for entry in entries {
        let key = entry["key"].as_str().expect("a key");
        let file = rig.home.path("bad.toml");
        let (section, name) = key.rsplit_once('.').expect("a section");
        std::fs::write(&file, format!("[{section}]\n{name} = {{ nonsense = 3 }}\n")).expect("written");
        let said = rig.ctl(&["config", "check", file.to_str().expect("text")]);
        assert_eq!(said.code, 7, "{key}: {said:?}");
        let told = format!("{}{}", said.out, said.err);
        assert!(told.contains("bad.toml") && told.contains(name), "{key}: {told}");
    }
}

#[test]
fn what_is_mistyped_gets_the_next_step() {
    let rig = Rig::new(rig::small());
    rig.login();
    let check = |arguments: &[&str], code: i32, wanted: &str| {
        let said = rig.ctl(arguments);
        assert_eq!(said.code, code, "{arguments:?}: {said:?}");
        assert!(said.err.contains(wanted), "{arguments:?} should say {wanted}: {said:?}");
    };
    check(&["statuss"], 2, "status");
    check(&["transactions", "--min", "twelve"], 2, "£12");
    check(&["transactions", "--since", "someday"], 2, "2026-11");
    check(&["transactions", "--account", "Persnal"], 2, "Personal");
    check(&["transactions", "--pot", "Bils"], 2, "Bills");
    check(&["show", "tx_nothing"], 2, "try: ");
    check(&["ack", "nothing"], 2, "monzoctl status");
    check(&["restore", "nothing.db", "--yes"], 2, "backup list");
    check(&["access", "add", "-x!"], 2, "");
    check(&["exclude", "add", "Nothing"], 2, "monzoctl pots");
    check(&["rpc", "no.method"], 2, "rpc");
    check(&["rpc", "sync.get", "{"], 2, "JSON");
    let said = rig.ctl(&["show", "tx_nothing", "--json"]);
    let error: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
    assert!(error["v"] == 1 && error["error"]["code"].is_string(), "{said:?}");
}

#[test]
fn a_reload_says_each_problem_on_a_line_of_its_own() {
    let rig = Rig::new(rig::small());
    let bad = "[sync]\npoll = 3\nreread = \"1y\"\n";
    std::fs::write(rig.home.path("etc/conf.d/more.toml"), bad).expect("written");
    let said = rig.ctl(&["config", "reload"]);
    let causes: Vec<&str> = said.err.lines().filter(|line| line.starts_with("cause: ")).collect();
    assert!(said.code != 0 && causes.len() == 2, "{said:?}");
    assert!(causes[0].contains("more.toml:2") && causes[1].contains("more.toml:3"), "{causes:?}");
}

#[test]
fn without_a_daemon_every_command_says_how_to_start_it() {
    let rig = Rig::stopped(rig::small(), "");
    for arguments in [&["status"][..], &["accounts"], &["sync"], &["login"], &["config", "reload"]] {
        let said = rig.ctl(arguments);
        assert_eq!(said.code, 3, "{arguments:?}: {said:?}");
        assert!(said.err.contains("try: "), "{arguments:?}: {said:?}");
    }
}
