//! What is sealed: readable with the right key alone, and nowhere in plain.

use std::fs;

use super::super::seal::SealError;
use super::*;

/// Every file that the daemon made holds `needle` nowhere.
fn nowhere(directory: &TempDir, needle: &str) {
    for file in fs::read_dir(directory.path()).expect("a directory").flatten() {
        let bytes = fs::read(file.path()).expect("a file");
        let found = bytes.windows(needle.len()).any(|window| window == needle.as_bytes());
        assert!(!found, "{needle} is in {}", file.path().display());
    }
}

#[tokio::test]
async fn no_token_and_no_secret_is_on_disk_in_plain() {
    let server = bank().await;
    let rig = ready(&server).await;
    rig.login.configure("oauth2client_2", "mnzconf.canary".into()).await.expect("kept");
    for needle in ["canary-access", "canary-refresh", "canary-client", "mnzconf.canary"] {
        nowhere(&rig.directory, needle);
    }
}

#[tokio::test]
async fn a_wrong_key_is_told_and_wipes_nothing() {
    let server = bank().await;
    let rig = ready(&server).await;
    let key = rig.directory.path().join("seal.key");
    let right = fs::read_to_string(&key).expect("a key");
    let wrong = format!("{}\n", "ab".repeat(32));
    fs::write(&key, &wrong).expect("a key");
    let seal = || Seal::find(None, rig.directory.path(), true).expect("a key");
    let opened = Vault::open(rig.store.clone(), seal()).await;
    assert!(matches!(opened, Err(VaultError::Seal(SealError::Wrong))));
    fs::write(&key, right).expect("a key");
    let vault = Vault::open(rig.store.clone(), seal()).await.expect("the right key opens");
    assert!(vault.pair().await.expect("an answer").is_some());
}

#[tokio::test]
async fn a_lost_key_is_told_and_none_is_made_in_its_place() {
    let server = bank().await;
    let rig = ready(&server).await;
    fs::remove_file(rig.directory.path().join("seal.key")).expect("removed");
    let sealed = rig.store.read(|reader| reader.any_secret()).await.expect("an answer");
    assert!(matches!(Seal::find(None, rig.directory.path(), sealed), Err(SealError::Lost(_))));
    assert!(!rig.directory.path().join("seal.key").exists());
}

#[tokio::test]
async fn a_key_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().expect("a directory");
    Seal::find(None, directory.path(), false).expect("a key");
    let key = directory.path().join("seal.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).expect("changed");
    assert!(matches!(Seal::find(None, directory.path(), true), Err(SealError::Exposed(_))));
}

#[tokio::test]
async fn a_backup_of_a_login_needs_no_key_and_holds_none() {
    let server = bank().await;
    let rig = ready(&server).await;
    let backups = rig.directory.path().join("backups");
    let made = rig.store.backup(&backups, "request", false, NOW).await.expect("a backup");
    let elsewhere = tempfile::tempdir().expect("a directory");
    fs::copy(backups.join(&made.name), elsewhere.path().join("monzod.db")).expect("a copy");
    let other = Rig::open(&server.url(), elsewhere, NOW).await;
    let shown = other.login.state();
    assert_eq!((shown.state, shown.user_id), (LoginState::None, Some("user_1".into())));
}
