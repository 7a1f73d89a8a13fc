//! Backups: whole, free of secrets unless asked for, nobody else's to read, and brought back without loss.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::*;
use crate::store::{BackupError, Writer, list, prune, restore, verify};

const CANARY: &[u8] = b"canary-of-a-sealed-token-0123456789";

fn holds(path: &Path, needle: &[u8]) -> bool {
    fs::read(path).expect("the file").windows(needle.len()).any(|window| window == needle)
}

async fn filled() -> Rig {
    let rig = Rig::new().await;
    rig.keep("sync_1", (0..300).map(|index| row(&format!("tx_{index:03}"), at(index))).collect()).await;
    let secrets = |writer: &Writer<'_>| {
        writer.bind_user(&"user_1".into())?;
        // One that fits a page, and one that spills over several.
        writer.set_secret("tokens", CANARY)?;
        writer.set_secret("client", &CANARY.repeat(400))
    };
    rig.store.write(secrets).await.expect("secrets");
    rig
}

fn directory(rig: &Rig) -> std::path::PathBuf {
    rig.directory.path().join("backups")
}

#[tokio::test]
async fn a_backup_is_whole_and_holds_no_secret() {
    let rig = filled().await;
    let made = rig.store.backup(&directory(&rig), "request", false, at(0)).await.expect("a backup");
    let path = directory(&rig).join(&made.name);
    assert!(!holds(&path, CANARY) && !holds(&path, &CANARY[..12]), "a secret is in the backup");
    assert_eq!(fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(directory(&rig)).expect("a folder").permissions().mode() & 0o777, 0o700);
    let found = verify(&path, &made.name).expect("it can be read");
    assert!(found.sound, "{:?}", found.problems);
    assert_eq!((found.transactions, found.user_id.as_deref()), (300, Some("user_1")));
    let listed = list(&directory(&rig)).expect("a list");
    assert_eq!(listed, [made]);
    let left: Vec<_> = fs::read_dir(directory(&rig)).expect("a folder").flatten().collect();
    assert_eq!(left.len(), 1, "nothing half-made stays: {left:?}");
}

#[tokio::test]
async fn a_backup_with_the_login_holds_it() {
    let rig = filled().await;
    let made = rig.store.backup(&directory(&rig), "request", true, at(0)).await.expect("a backup");
    assert!(made.with_login && made.name.ends_with("-with-login.db"), "{}", made.name);
    assert!(holds(&directory(&rig).join(&made.name), CANARY));
}

#[tokio::test]
async fn a_restore_brings_rows_back_and_keeps_the_login_that_is_there() {
    let rig = filled().await;
    let made = rig.store.backup(&directory(&rig), "request", false, at(0)).await.expect("a backup");
    rig.keep("sync_2", vec![row("tx_new", at(999))]).await;
    let Rig { directory: home, store } = rig;
    store.close().await.expect("it closes");
    let path = home.path().join("monzod.db");
    let backup = home.path().join("backups").join(&made.name);
    let restored = restore(&backup, &made.name, &path, true, at(5)).expect("it is restored");
    assert!(restored.login_kept);
    let aside = restored.put_aside.expect("the old one is kept");
    assert_eq!(verify(Path::new(&aside), "aside").expect("it can be read").transactions, 301);
    assert_eq!(fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
    let store = open(&home).expect("it opens").store;
    let found = store.read(|reader| Ok((reader.extent()?.0, reader.secret("tokens")?)));
    assert_eq!(found.await.expect("an answer"), (300, Some(CANARY.to_vec())));
}

#[tokio::test]
async fn a_backup_of_an_older_schema_is_migrated_before_it_takes_the_place_of_the_database() {
    let Rig { directory: home, store } = filled().await;
    store.close().await.expect("it closes");
    let (path, backup) = (home.path().join("monzod.db"), home.path().join("old.db"));
    let old = rusqlite::Connection::open(&backup).expect("it opens");
    old.execute_batch(include_str!("../../../../migrations/0001_core.sql")).expect("the first schema");
    old.execute_batch(include_str!("schema_1.sql")).expect("the fixture");
    drop(old);
    restore(&backup, "old.db", &path, false, at(5)).expect("it is restored");
    let found = verify(&path, "monzod.db").expect("it can be read");
    assert_eq!((found.sound, found.schema), (true, crate::store::newest_schema()), "{:?}", found.problems);
    assert_eq!((found.accounts, found.transactions), (1, 2));
    let kept = verify(&backup, "old.db").expect("it can be read");
    assert_eq!(
        (kept.sound, kept.schema),
        (true, 1),
        "the backup itself stays as it was: {:?}",
        kept.problems
    );
}

#[tokio::test]
async fn a_restore_over_a_damaged_database_works_and_puts_it_aside() {
    let rig = filled().await;
    let made = rig.store.backup(&directory(&rig), "request", true, at(0)).await.expect("a backup");
    let Rig { directory: home, store } = rig;
    store.close().await.expect("it closes");
    let path = home.path().join("monzod.db");
    fs::write(&path, b"damage ".repeat(2000)).expect("a file");
    let backup = home.path().join("backups").join(&made.name);
    let restored = restore(&backup, &made.name, &path, true, at(5)).expect("it is restored");
    assert!(!restored.login_kept);
    assert!(holds(Path::new(&restored.put_aside.expect("kept")), b"damage "));
    let store = open(&home).expect("it opens").store;
    let secret = store.read(|reader| reader.secret("tokens")).await.expect("an answer");
    assert_eq!(secret.as_deref(), Some(CANARY), "a backup with the login brings its own");
}

#[tokio::test]
async fn the_login_of_another_person_is_not_carried_over() {
    let rig = filled().await;
    let made = rig.store.backup(&directory(&rig), "request", false, at(0)).await.expect("a backup");
    let other = Rig::new().await;
    let login = |writer: &Writer<'_>| {
        writer.bind_user(&"user_2".into())?;
        writer.set_secret("tokens", b"theirs")
    };
    other.store.write(login).await.expect("a login");
    let path = other.directory.path().join("monzod.db");
    let Rig { directory: home, store } = other;
    store.close().await.expect("it closes");
    let backup = directory(&rig).join(&made.name);
    let restored = restore(&backup, &made.name, &path, true, at(5)).expect("it is restored");
    assert!(!restored.login_kept);
    let store = open(&home).expect("it opens").store;
    let found = store.read(|reader| Ok((reader.user_id()?, reader.any_secret()?)));
    assert_eq!(found.await.expect("an answer"), (Some("user_1".into()), false));
}

#[tokio::test]
async fn what_is_no_sound_backup_is_refused_and_nothing_changes() {
    let rig = filled().await;
    let made = rig.store.backup(&directory(&rig), "request", false, at(0)).await.expect("a backup");
    let good = fs::read(directory(&rig).join(&made.name)).expect("the backup");
    let path = rig.directory.path().join("monzod.db");
    let bad = rig.directory.path().join("bad.db");
    let mut half = good.clone();
    half.truncate(good.len() / 2);
    let mut torn = good;
    let middle = torn.len() / 4096 / 2 * 4096;
    torn[middle..middle + 4096].fill(0x5A);
    for (what, bytes) in
        [("empty", vec![]), ("text", b"no database at all".repeat(300)), ("half", half), ("torn", torn)]
    {
        fs::write(&bad, bytes).expect("a file");
        let refused = restore(&bad, what, &path, true, at(5));
        assert!(matches!(refused, Err(BackupError::Unsound { .. })), "{what}: {refused:?}");
    }
    assert!(matches!(
        restore(Path::new("/nowhere/x.db"), "x", &path, true, at(5)),
        Err(BackupError::File { .. })
    ));
    assert_eq!(rig.store.read(|reader| reader.extent()).await.expect("an answer").0, 300);
}

#[tokio::test]
async fn only_scheduled_backups_are_pruned() {
    let rig = filled().await;
    for (second, cause) in [(1, "schedule"), (2, "request"), (3, "schedule"), (4, "schedule")] {
        rig.store.backup(&directory(&rig), cause, false, at(second)).await.expect("a backup");
    }
    prune(&directory(&rig), "schedule", 2, at(4)).expect("pruned");
    let left = list(&directory(&rig)).expect("a list");
    let left: Vec<_> = left.iter().map(|backup| (backup.at, backup.cause.as_str())).collect();
    assert_eq!(left, [(at(4), "schedule"), (at(3), "schedule"), (at(2), "request")]);
}

#[tokio::test]
async fn a_backup_that_a_wrong_clock_has_dated_into_the_future_costs_no_other_its_place() {
    let rig = filled().await;
    for second in [1, 2, 3, 40_000_000] {
        rig.store.backup(&directory(&rig), "schedule", false, at(second)).await.expect("a backup");
    }
    prune(&directory(&rig), "schedule", 2, at(3)).expect("pruned");
    let left: Vec<_> = list(&directory(&rig)).expect("a list").iter().map(|backup| backup.at).collect();
    assert_eq!(left, [at(40_000_000), at(3), at(2)]);
}

#[tokio::test]
async fn a_folder_that_takes_no_backup_is_an_error_that_names_it() {
    let rig = filled().await;
    let file = rig.directory.path().join("file");
    fs::write(&file, "").expect("a file");
    let refused = rig.store.backup(&file.join("backups"), "request", false, at(0)).await;
    assert!(matches!(refused, Err(BackupError::File { path, .. }) if path.starts_with(&file)));
}
