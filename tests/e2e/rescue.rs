//! Databases that cannot be used, backups, and the way back.

use std::io::{Seek, SeekFrom, Write};

use rustix::process::Signal;

use crate::ledger;
use crate::rig::{self, Rig};

/// Overwrites pages in the middle of the database.
fn damage(rig: &Rig) {
    let path = rig.home.state().join("monzod.db");
    let length = std::fs::metadata(&path).expect("a database").len();
    let mut file = std::fs::OpenOptions::new().write(true).open(&path).expect("opened");
    // The head, so that it is no database any more.
    file.write_all(&vec![0x5A; 4096]).expect("written");
    file.seek(SeekFrom::Start(length / 2)).expect("sought");
    file.write_all(&vec![0x5A; 4096]).expect("written");
}

fn newest_backup(rig: &Rig) -> String {
    rig.json(&["backup", "list"])["backups"][0]["name"].as_str().expect("a backup").to_owned()
}

/// What costs nothing is advised before what leads to an older copy.
fn restart_first(hint: &str) {
    let place = |words: &str| hint.find(words).unwrap_or_else(|| panic!("no ‘{words}’ in: {hint}"));
    assert!(place("systemctl restart") < place("monzoctl restore NAME"), "{hint}");
}

#[test]
fn a_damaged_database_is_rescue_mode_and_a_restore_brings_everything_back() {
    let mut rig = Rig::new(rig::small());
    rig.login();
    let rows = ledger::count(&rig);
    let file = rig.home.path("kept.db");
    let said = rig.ctl(&["backup", file.to_str().expect("text")]);
    assert_eq!(said.code, 0, "{said:?}");
    let name = newest_backup(&rig);
    rig.stop();
    damage(&rig);
    rig.start();

    let status = rig.status();
    assert_eq!(status["mode"], "rescue", "{status}");
    assert_eq!(rig.ctl(&["status"]).code, 7);
    let said = rig.ctl(&["transactions"]);
    assert!(said.code == 1 && said.err.contains("monzoctl status"), "{said:?}");
    let hint = status["attention"][0]["hint"].as_str().expect("a hint");
    restart_first(hint);

    let said = rig.ctl(&["restore", &name, "--yes"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(ledger::count(&rig), rows);
    assert_eq!(rig.status()["mode"], "normal");
    let aside = std::fs::read_dir(rig.home.state()).expect("readable").flatten();
    let aside = aside.filter(|entry| entry.file_name().to_string_lossy().contains(".before-")).count();
    assert!(aside > 0, "what was there before was put aside");
    rig.login();
    ledger::assert_same(&rig);
}

#[test]
fn a_database_that_could_not_be_read_for_a_while_is_not_given_up_for_an_older_copy() {
    let mut rig = Rig::new(rig::small());
    rig.login();
    assert_eq!(rig.ctl(&["backup", "kept.db"]).code, 0);
    rig.stop();
    let path = rig.home.state().join("monzod.db");
    let whole = std::fs::read(&path).expect("a database");
    damage(&rig);
    rig.start();
    let status = rig.status();
    assert_eq!(status["mode"], "rescue", "{status}");
    restart_first(status["attention"][0]["hint"].as_str().expect("a hint"));
    std::fs::write(&path, whole).expect("legible again");
    // It looks each minute, and when it is told to read everything again.
    rig.signal(Signal::HUP);
    rig.until("the daemon serves again", || rig.status()["mode"] == "normal");
    rig.sync();
    ledger::assert_same(&rig);
}

#[test]
fn a_restore_from_a_file_keeps_the_login() {
    let rig = Rig::new(rig::small());
    rig.login();
    let file = rig.home.path("kept.db");
    let path = file.to_str().expect("text");
    assert_eq!(rig.ctl(&["backup", path]).code, 0);
    let again = rig.ctl(&["backup", path]);
    assert_ne!(again.code, 0, "an existing file is never overwritten: {again:?}");
    let said = rig.ctl(&["verify", path]);
    assert_eq!(said.code, 0, "{said:?}");
    let said = rig.ctl(&["restore", path, "--yes"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(rig.status()["login"]["state"], "ready");
    rig.sync();
    ledger::assert_same(&rig);
}

#[test]
fn a_backup_holds_no_login_unless_asked_for() {
    let rig = Rig::new(rig::small());
    rig.login();
    let count = |path: &std::path::Path| -> i64 {
        let database = rusqlite::Connection::open(path).expect("a database");
        database.query_row("SELECT count(*) FROM secrets", [], |row| row.get(0)).expect("counted")
    };
    let (without, with) = (rig.home.path("without.db"), rig.home.path("with.db"));
    assert_eq!(rig.ctl(&["backup", without.to_str().expect("text")]).code, 0);
    assert_eq!(rig.ctl(&["backup", "--with-login", with.to_str().expect("text")]).code, 0);
    assert_eq!(count(&without), 0);
    assert!(count(&with) > 0);
}

#[test]
fn a_lost_seal_key_is_rescue_mode_and_not_a_wiped_login() {
    let mut rig = Rig::new(rig::small());
    rig.login();
    rig.stop();
    let key = rig.home.state().join("seal.key");
    let kept = std::fs::read(&key).expect("a key");
    std::fs::remove_file(&key).expect("removed");
    rig.start();
    let status = rig.status();
    assert_eq!(status["mode"], "rescue", "{status}");
    let message = status["attention"][0]["message"].as_str().expect("a message");
    assert!(message.contains("seal key"), "{message}");
    rig.stop();
    std::fs::write(&key, kept).expect("written");
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("set");
    rig.start();
    assert_eq!(rig.status()["login"]["state"], "ready");
    rig.sync();
}

#[test]
fn another_programs_database_is_left_alone() {
    let mut rig = Rig::stopped(rig::small(), "");
    std::fs::create_dir_all(rig.home.state()).expect("made");
    let path = rig.home.state().join("monzod.db");
    let database = rusqlite::Connection::open(&path).expect("made");
    database
        .execute_batch("CREATE TABLE recipes (name TEXT); INSERT INTO recipes VALUES ('soup')")
        .expect("filled");
    drop(database);
    rig.start();
    let status = rig.status();
    assert_eq!(status["mode"], "rescue", "{status}");
    rig.stop();
    let database = rusqlite::Connection::open(&path).expect("opened");
    let name: String = database.query_row("SELECT name FROM recipes", [], |row| row.get(0)).expect("there");
    assert_eq!(name, "soup");
}
