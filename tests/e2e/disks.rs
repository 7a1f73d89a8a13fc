//! A disk that takes no more: what cannot be stored is told, and all goes on when there is room.

use std::fs;

use rustix::process::{Resource, Rlimit, prlimit};

use crate::ledger;
use crate::rig::{self, Rig};

/// Lets no file of the daemon grow beyond so many bytes, which is to it as a full disk.
fn limit(rig: &Rig, bytes: Option<u64>) {
    prlimit(Some(rig.pid()), Resource::Fsize, Rlimit { current: bytes, maximum: None }).expect("limited");
}

/// What the daemon's largest file has, with room for a login and not for a history.
fn little_more(rig: &Rig) -> u64 {
    let files =
        [rig.home.state().join("monzod.db"), rig.home.state().join("monzod.db-wal"), rig.home.path("log")];
    let sizes = files.iter().filter_map(|file| fs::metadata(file).ok()).map(|metadata| metadata.len());
    sizes.max().unwrap_or(0) + (256 << 10)
}

#[test]
fn a_history_that_finds_no_room_is_told_by_the_login_and_read_as_soon_as_there_is_room() {
    let rig = Rig::new(rig::year());
    limit(&rig, Some(little_more(&rig)));
    let said = rig.sign_in(&[], "ada");
    assert!(matches!(said.code, 1 | 8), "{said:?}");
    assert!(said.err.contains("cannot be written"), "{said:?}");
    assert!(rig.attention().contains(&"store_unwritable".to_owned()), "{}", rig.status());
    limit(&rig, None);
    rig.until("the history is read", || {
        let status = rig.status();
        status["sync"]["state"] == "idle" && status["sync"]["last_success_at"].is_string()
    });
    assert_eq!(ledger::missing(&rig), 0, "the five minutes were not used");
    assert!(!rig.attention().contains(&"store_unwritable".to_owned()), "{}", rig.status());
    ledger::assert_same(&rig);
}

#[test]
fn a_backup_that_finds_no_room_leaves_nothing_behind() {
    let rig = Rig::new(rig::small());
    rig.login();
    limit(&rig, Some(16 << 10));
    let said = rig.ctl(&["backup", rig.home.path("kept.db").to_str().expect("text")]);
    assert_eq!(said.code, 1, "{said:?}");
    limit(&rig, None);
    // One that is due may be made at any time.
    let asked_for = |name: &String| !name.contains("-schedule.db");
    let left: Vec<String> = fs::read_dir(rig.home.state().join("backups")).map_or_else(
        |_| Vec::new(),
        |entries| {
            let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
            names.filter(asked_for).collect()
        },
    );
    assert_eq!(left, [""; 0], "a part of a backup was left");
    assert!(!rig.home.path("kept.db").exists(), "a part of a backup was left");
    rig.sync();
    ledger::assert_same(&rig);
}
