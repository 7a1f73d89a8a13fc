//! Databases that are not what they should be: missing, empty, exchanged under the daemon, of another person, or
//! changed by somebody else; and what is sent to be restored.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::ledger;
use crate::rig::{self, Rig};

fn database(rig: &Rig) -> PathBuf {
    rig.home.state().join("monzod.db")
}

/// A daemon that has logged in and made a backup, whose name is answered.
fn with_backup() -> (Rig, String) {
    let rig = Rig::new(rig::small());
    rig.login();
    let name =
        rig.rpc("backup.create", &json!({"with_login": false}))["name"].as_str().expect("a name").to_owned();
    (rig, name)
}

/// What the status says of the reason of rescue mode: the sentence and the next step.
fn rescue(rig: &Rig) -> (String, String) {
    let status = rig.status();
    assert_eq!(status["mode"], "rescue", "{status}");
    let text = |key: &str| status["attention"][0][key].as_str().expect("a text").to_owned();
    (text("message"), text("hint"))
}

fn put_aside(rig: &Rig) -> Vec<String> {
    let names = fs::read_dir(rig.home.state()).expect("readable").flatten();
    let names = names.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names
        .filter(|name| name.contains(".before-") && !name.ends_with("-wal") && !name.ends_with("-shm"))
        .collect()
}

fn text(path: &Path) -> &str {
    path.to_str().expect("text")
}

#[test]
fn a_missing_database_is_not_begun_afresh_and_a_restore_brings_it_back() {
    let (mut rig, name) = with_backup();
    let rows = ledger::count(&rig);
    rig.stop();
    fs::rename(database(&rig), rig.home.path("moved.db")).expect("moved");
    rig.start();
    let (message, hint) = rescue(&rig);
    assert!(message.contains("not there") && message.contains(&name), "{message}");
    assert!(hint.contains("monzoctl restore NAME") && hint.contains("restore --fresh"), "{hint}");
    assert!(!database(&rig).exists(), "a database was begun");
    let said = rig.ctl(&["restore", &name, "--yes"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!((&rig.status()["mode"], ledger::count(&rig)), (&"normal".into(), rows));
}

#[test]
fn a_seal_key_alone_shows_that_there_was_a_database() {
    let (mut rig, _) = with_backup();
    rig.stop();
    fs::remove_dir_all(rig.home.state().join("backups")).expect("removed");
    fs::rename(database(&rig), rig.home.path("moved.db")).expect("moved");
    rig.start();
    let (message, hint) = rescue(&rig);
    assert!(message.contains("not there") && hint.contains("restore --fresh"), "{message}; {hint}");
    assert!(!database(&rig).exists(), "a database was begun");
}

#[test]
fn an_empty_database_is_begun_afresh_only_when_a_person_says_so() {
    let (mut rig, name) = with_backup();
    let refused = rig.ctl(&["restore", "--fresh", "--yes"]);
    assert!(refused.code == 1 && refused.err.contains("can be used"), "{refused:?}");
    rig.stop();
    fs::write(database(&rig), "").expect("emptied");
    rig.start();
    let (message, _) = rescue(&rig);
    assert!(message.contains("is empty") && message.contains(&name), "{message}");
    assert_eq!(fs::metadata(database(&rig)).expect("a file").len(), 0, "something was written");
    let unasked = rig.ctl(&["restore", "--fresh"]);
    assert_eq!(unasked.code, 2, "{unasked:?}");
    let said = rig.ctl(&["restore", "--fresh", "--yes"]);
    assert!(said.code == 0 && said.out.contains("An empty database was begun"), "{said:?}");
    assert_eq!((&rig.status()["mode"], ledger::count(&rig)), (&"normal".into(), 0));
    rig.login();
    rig.stop();
    rig.start();
    ledger::assert_same(&rig);
}

#[test]
fn a_file_that_was_removed_under_the_daemon_is_told_at_once_and_can_be_saved() {
    let rig = Rig::new(rig::small());
    rig.login();
    let rows = ledger::count(&rig);
    fs::remove_file(database(&rig)).expect("removed");
    assert!(rig.attention().contains(&"store_gone".to_owned()), "{}", rig.status());
    let synced = rig.ctl(&["sync"]);
    assert!(synced.code != 0 && synced.err.contains("removed"), "{synced:?}");
    let saved = rig.home.path("saved.db");
    let said = rig.ctl(&["backup", "--with-login", text(&saved)]);
    assert_eq!(said.code, 0, "{said:?}");
    let said = rig.ctl(&["restore", text(&saved), "--yes"]);
    assert!(said.code == 0 && said.out.contains("login was carried over"), "{said:?}");
    assert_eq!(ledger::count(&rig), rows);
    assert!(!rig.attention().contains(&"store_gone".to_owned()), "{}", rig.status());
    rig.sync();
    ledger::assert_same(&rig);
}

#[test]
fn a_file_that_was_replaced_under_the_daemon_is_left_alone_and_the_open_one_kept() {
    let (rig, name) = with_backup();
    let other = rig.home.path("other.db");
    fs::write(&other, "not what is open").expect("written");
    fs::rename(&other, database(&rig)).expect("replaced");
    let status = rig.status();
    let told = status["attention"].as_array().expect("a list").iter().find(|one| one["code"] == "store_gone");
    let told = told.unwrap_or_else(|| panic!("{status}"));
    assert!(told["message"].as_str().is_some_and(|text| text.contains("replaced")), "{told}");
    assert_ne!(rig.ctl(&["sync"]).code, 0);
    assert_eq!(fs::read(database(&rig)).expect("a file"), b"not what is open");
    // What is open is in no file any more: a restore saves it first.
    let said = rig.json(&["restore", &name, "--yes"]);
    let kept = said["restored"]["put_aside"].as_str().expect("it was kept").to_owned();
    let found = rig.json(&["verify", &kept]);
    assert_eq!(
        (&found["verification"]["sound"], &said["restored"]["login_kept"]),
        (&true.into(), &true.into())
    );
    assert_eq!(put_aside(&rig).len(), 1, "what replaced it is kept too");
}

/// What was changed in a backup, and what the check says of it.
const CHANGES: [(&str, &str); 6] = [
    ("DROP TABLE acks", "the table acks is missing"),
    ("PRAGMA user_version = -1", "schema -1"),
    ("PRAGMA user_version = 1", "is not one of monzod"),
    ("CREATE VIEW more AS SELECT * FROM secrets", "the view more is not one of monzod"),
    (
        "CREATE TRIGGER spy AFTER INSERT ON secrets BEGIN INSERT OR REPLACE INTO meta VALUES ('spy', hex(new.value)); END",
        "the trigger spy is not one of monzod",
    ),
    ("PRAGMA application_id = 7", "not a database of monzod"),
];

#[test]
fn a_restore_takes_only_what_monzod_has_made() {
    let (rig, name) = with_backup();
    let good = rig.home.state().join("backups").join(&name);
    let rows = ledger::count(&rig);
    for (change, wanted) in CHANGES {
        let changed = rig.home.path("changed.db");
        fs::copy(&good, &changed).expect("copied");
        Connection::open(&changed).expect("opened").execute_batch(change).expect(change);
        let said = rig.ctl(&["verify", text(&changed)]);
        assert!(said.code == 7 && said.out.contains(wanted), "{change}: {said:?}");
        let said = rig.ctl(&["restore", text(&changed), "--yes"]);
        assert_eq!(said.code, 1, "{change}: {said:?}");
    }
    let half = rig.home.path("half.db");
    let bytes = fs::read(&good).expect("read");
    fs::write(&half, &bytes[..bytes.len() / 2]).expect("written");
    assert_eq!(rig.ctl(&["verify", text(&half)]).code, 7);
    assert_eq!((&rig.status()["mode"], ledger::count(&rig)), (&"normal".into(), rows));
    assert!(put_aside(&rig).is_empty(), "{:?}", put_aside(&rig));
}

#[test]
fn a_database_that_another_program_has_changed_is_not_served() {
    let (mut rig, name) = with_backup();
    rig.stop();
    Connection::open(database(&rig)).expect("opened").execute_batch(CHANGES[4].0).expect("changed");
    rig.start();
    let (message, hint) = rescue(&rig);
    assert!(message.contains("trigger spy") && hint.contains("monzoctl restore"), "{message} {hint}");
    let said = rig.ctl(&["restore", &name, "--yes"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(rig.status()["mode"], "normal");
}

#[test]
fn the_history_of_another_person_needs_a_word_of_its_own() {
    let (rig, name) = with_backup();
    let theirs = rig.home.path("theirs.db");
    fs::copy(rig.home.state().join("backups").join(&name), &theirs).expect("copied");
    let change = "UPDATE meta SET value = 'user_of_another' WHERE key = 'user_id'";
    assert_eq!(Connection::open(&theirs).expect("opened").execute(change, []).expect("changed"), 1);
    let said = rig.ctl(&["restore", text(&theirs), "--yes"]);
    assert!(said.code == 1 && said.err.contains("another person"), "{said:?}");
    // Whoever asks without the client is refused as well.
    let upload = send(&rig, &fs::read(&theirs).expect("read"));
    let refused = rig.call("backup.restore", &json!({"upload": upload})).expect_err("refused");
    assert!(refused["message"].as_str().is_some_and(|text| text.contains("another person")), "{refused}");
    let said = rig.ctl(&["restore", "--other-user", text(&theirs), "--yes"]);
    assert!(said.code == 0 && said.out.contains("was not carried over"), "{said:?}");
}

/// Sends bytes in one piece, and answers the upload's name.
fn send(rig: &Rig, bytes: &[u8]) -> Value {
    let mut upload = Value::Null;
    for (index, piece) in bytes.chunks(PIECE).enumerate() {
        let params =
            json!({"upload": upload, "offset": index * PIECE, "data": base64(piece), "size": bytes.len()});
        upload = rig.call("backup.write", &params).expect("taken")["upload"].clone();
    }
    upload
}

const PIECE: usize = 300_000;

fn base64(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

#[test]
fn an_upload_ends_where_it_was_announced_to_end() {
    let rig = Rig::new(rig::small());
    let uploads = rig.home.state().join("uploads");
    let write = |upload: &Value, offset: usize, size: u64| {
        let params = json!({"upload": upload, "offset": offset, "data": base64(&[0; 1000]), "size": size});
        rig.call("backup.write", &params)
    };
    let endless = write(&Value::Null, 0, u64::MAX).expect_err("no disk has so much room");
    assert!(endless["data"]["hint"].is_string(), "{endless}");
    let begun = write(&Value::Null, 0, 1500).expect("taken");
    let more = write(&begun["upload"], 1000, 1500).expect_err("more than was announced");
    assert!(more["message"].as_str().is_some_and(|text| text.contains("announced")), "{more}");
    let left = fs::read_dir(&uploads).map_or(0, Iterator::count);
    assert_eq!(left, 0, "what was refused is still there");
    assert!(write(&begun["upload"], 1000, 1500).is_err());
}

#[test]
fn a_kept_backup_that_is_a_link_is_not_followed() {
    let (rig, name) = with_backup();
    let (backups, outside) = (rig.home.state().join("backups"), rig.home.path("outside.db"));
    fs::rename(backups.join(&name), &outside).expect("moved");
    symlink(&outside, backups.join(&name)).expect("linked");
    // One that was due may have been made meanwhile.
    let listed = rig.json(&["backup", "list"])["backups"].clone();
    let listed = listed.as_array().expect("a list");
    assert!(listed.iter().all(|one| one["name"] != name.as_str()), "{listed:?}");
    for method in ["backup.read", "backup.verify", "backup.restore"] {
        let params = json!({"name": name, "offset": 0});
        assert!(rig.call(method, &params).is_err(), "{method} follows a link");
    }
}

#[test]
fn of_two_restores_at_once_each_keeps_what_it_put_aside() {
    let (rig, name) = with_backup();
    let first = rig.rpc("backup.restore", &json!({"name": name}));
    let second = rig.rpc("backup.restore", &json!({"name": name}));
    assert_ne!(first["put_aside"], second["put_aside"]);
    assert_eq!(put_aside(&rig).len(), 2, "{:?}", put_aside(&rig));
    let one = rig.rpc("backup.create", &json!({"with_login": false}));
    let other = rig.rpc("backup.create", &json!({"with_login": false}));
    assert_ne!(one["name"], other["name"]);
}

#[test]
fn rescue_mode_ends_when_its_reason_is_over() {
    let (mut rig, _) = with_backup();
    rig.stop();
    let moved = rig.home.path("moved.db");
    fs::rename(database(&rig), &moved).expect("moved");
    rig.start();
    rescue(&rig);
    fs::rename(&moved, database(&rig)).expect("put back");
    // It looks each minute, and when it is told to read everything again.
    rig.signal(Signal::HUP);
    rig.until("the daemon serves again", || rig.status()["mode"] == "normal");
    rig.sync();
    ledger::assert_same(&rig);
}

#[test]
fn a_damaged_or_foreign_key_names_the_key_as_what_is_to_be_mended() {
    let (mut rig, _) = with_backup();
    let key = rig.home.state().join("seal.key");
    let kept = fs::read(&key).expect("a key");
    for (content, wanted) in [("x".repeat(30), "damaged"), ("ab".repeat(32), "not the one that sealed")] {
        rig.stop();
        fs::write(&key, content).expect("written");
        rig.start();
        let (message, hint) = rescue(&rig);
        assert!(message.contains("seal key") && message.contains(wanted), "{message}");
        assert!(hint.contains("put the right key back") && !hint.contains("restore"), "{hint}");
    }
    fs::write(&key, kept).expect("written");
    rig.signal(Signal::HUP);
    rig.until("the daemon serves again", || rig.status()["mode"] == "normal");
    assert_eq!(rig.status()["login"]["state"], "ready");
}
