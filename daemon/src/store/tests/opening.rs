//! Opening: an empty file, a filled one, and those that must be left alone.

use std::fs;

use monzo_common::model::SyncCause;
use rusqlite::Connection;
use sha2::{Digest, Sha256};

use super::*;
use crate::store::{newest_schema, verify};

/// Every migration's digest: a file that was released is never edited (migrations/README.md).
const MIGRATIONS: [(&str, &str); 8] = [
    ("0001_core.sql", "bb349ddfc49eb38d9ad8626d9c102bbc48dea31ee9bf82461d601901a7f83b65"),
    ("0002_autosorter.sql", "e3b588beeef06387ec7a769c88ca7034f4212450c32515ffc5b2b48df0a56947"),
    ("0003_notices.sql", "55833bd5e9915318011ef280c92c761dfc5a477b9dfa537194a200d8db1b143c"),
    ("0004_unlisted_pots.sql", "2cc503bf43e738ebf1dc06047631cc6e17522b027b5d4415df27d9638c9eb2c8"),
    ("0005_sums.sql", "945955fee89b89169bb6ec45a064bd4af29bc4be4afcbd716f1636359d45ade1"),
    ("0006_bills.sql", "ab8692ac7f1823b654ac97998356567a6255c909748ced355ea8b969511362b0"),
    ("0007_dictionary.sql", "89b9f441d2b8576f68d7f286aa0a466e7ae72a574a05ef64dfe4eb66045518d6"),
    ("0008_entries.sql", "423a9dd109b2b656b0a73a7d5607b1c2bb98bf55c0a76fb2c4d19eda101fe415"),
];

fn migrations() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations")
}

#[test]
fn released_migrations_are_as_they_were_released() {
    for (name, expected) in MIGRATIONS {
        let text = fs::read(migrations().join(name)).expect(name);
        let digest: String = Sha256::digest(&text).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(digest, expected, "{name} was edited; add a new file instead");
    }
    let files = fs::read_dir(migrations()).expect("the folder").flatten();
    let steps = files.filter(|file| file.path().extension().is_some_and(|end| end == "sql")).count();
    assert_eq!(steps, MIGRATIONS.len(), "pin the digest of the new migration here");
    assert_eq!(i64::try_from(steps), Ok(newest_schema()), "a migration is not in the list of steps");
}

#[tokio::test]
async fn an_empty_directory_gets_a_database_with_every_pragma_in_force() {
    let rig = Rig::new().await;
    let pragma = |name: &'static str| {
        rig.store.read(move |reader| {
            let found = reader
                .0
                .query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, rusqlite::types::Value>(0));
            Ok(format!("{:?}", found?))
        })
    };
    assert_eq!(pragma("journal_mode").await.expect("a pragma"), r#"Text("wal")"#);
    assert_eq!(pragma("foreign_keys").await.expect("a pragma"), "Integer(1)");
    assert_eq!(pragma("synchronous").await.expect("a pragma"), "Integer(2)");
    let strict = rig.store.read(|reader| {
        let loose = "SELECT count(*) FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND strict = 0 \
             AND name NOT LIKE 'sqlite_%'";
        Ok(reader.0.query_row(loose, [], |row| row.get::<_, i64>(0))?)
    });
    assert_eq!(strict.await.expect("a count"), 0, "a table is not STRICT");
}

#[tokio::test]
async fn a_reader_cannot_write() {
    let rig = Rig::new().await;
    let refused = rig.store.read(|reader| Ok(reader.0.execute("DELETE FROM accounts", [])?)).await;
    assert!(refused.is_err());
}

#[test]
fn every_migration_runs_on_a_filled_database() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("monzod.db");
    let old = Connection::open(&path).expect("it opens");
    let fixture = include_str!("schema_1.sql");
    old.execute_batch(include_str!("../../../../migrations/0001_core.sql")).expect("the first schema");
    old.execute_batch(fixture).expect("the fixture");
    drop(old);
    let opened = open(&directory).expect("it opens");
    assert_eq!(opened.migrated_from.is_some(), newest_schema() > 1);
    assert!(!opened.clean, "the fixture was not closed");
    drop(opened);
    let found = verify(&path, "monzod.db").expect("it can be read");
    assert!(found.sound, "{:?}", found.problems);
    assert_eq!((found.accounts, found.transactions), (1, 2));
    assert_eq!(found.user_id.as_deref(), Some("user_1"));
    let backups = crate::store::list(&directory.path().join("backups")).expect("a list");
    assert_eq!(!backups.is_empty(), newest_schema() > 1, "a backup comes before a migration");
}

#[test]
fn a_database_of_another_program_is_left_as_it_was() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("monzod.db");
    let other = Connection::open(&path).expect("it opens");
    other.execute_batch("CREATE TABLE songs (name TEXT); INSERT INTO songs VALUES ('x')").expect("a table");
    drop(other);
    let before = fs::read(&path).expect("the file");
    assert!(matches!(open(&directory), Err(OpenError::Foreign(_))));
    assert!(fs::read(&path).expect("the file") == before, "the file was changed");
}

#[test]
fn a_database_of_a_later_version_is_left_as_it_was() {
    let directory = tempfile::tempdir().expect("a directory");
    drop(open(&directory).expect("it opens"));
    let path = directory.path().join("monzod.db");
    let later = Connection::open(&path).expect("it opens");
    later.pragma_update(None, "user_version", 99).expect("a version");
    later.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).expect("a checkpoint");
    drop(later);
    let before = fs::read(&path).expect("the file");
    let refused = open(&directory);
    assert!(matches!(refused, Err(OpenError::Newer { found: 99, .. })));
    assert!(fs::read(&path).expect("the file") == before, "the file was changed");
}

#[test]
fn what_is_no_database_is_damaged() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("monzod.db");
    fs::write(&path, "not a database, but long enough to be looked at as one ".repeat(100)).expect("a file");
    let found = open(&directory).map(drop);
    assert!(matches!(found, Err(OpenError::Damaged(_))), "{found:?}");
}

#[tokio::test]
async fn damaged_pages_are_found_by_the_quick_check() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("monzod.db");
    let store = open(&directory).expect("it opens").store;
    store.write(|writer| writer.upsert_accounts(&[account("acc_1")], at(0))).await.expect("an account");
    let rows: Vec<_> = (0..400).map(|index| row(&format!("tx_{index:05}"), at(index))).collect();
    let keep = store.write(move |writer| writer.store_rows("sync_1", &"acc_1".into(), &rows, &[], at(0)));
    keep.await.expect("rows");
    store.close().await.expect("it closes");
    let mut bytes = fs::read(&path).expect("the file");
    let middle = bytes.len() / 4096 / 2 * 4096;
    bytes[middle..middle + 8192].fill(0xA5);
    fs::write(&path, bytes).expect("the file");
    match open(&directory) {
        Err(error) => assert!(matches!(error, OpenError::Damaged(_)), "{error}"),
        Ok(opened) => match opened.store.quick_check().await {
            Ok(problems) => assert!(!problems.is_empty()),
            Err(error) => assert!(matches!(error, crate::store::StoreError::Damaged(_)), "{error}"),
        },
    }
}

#[tokio::test]
async fn a_closed_database_is_clean_and_one_that_was_left_open_is_not() {
    let directory = tempfile::tempdir().expect("a directory");
    let first = open(&directory).expect("it opens");
    assert!(first.clean, "a new one");
    drop(first);
    let second = open(&directory).expect("it opens");
    assert!(!second.clean, "the first was never closed");
    second.store.close().await.expect("it closes");
    assert!(open(&directory).expect("it opens").clean);
}

#[tokio::test]
async fn syncs_are_found_by_a_prefix_of_their_random_id() {
    let rig = Rig::new().await;
    let begin =
        |id: &'static str| rig.store.write(move |writer| writer.begin_sync(id, SyncCause::Request, at(1)));
    begin("sync_abc").await.expect("noted");
    begin("sync_abd").await.expect("noted");
    let find = |id: &'static str| rig.store.read(move |reader| reader.sync(id));
    assert_eq!(find("sync_abd").await.expect("found").id, "sync_abd");
    assert_eq!(find("sync_abc").await.expect("found").state, monzo_common::model::SyncState::Cancelled);
    assert!(matches!(find("sync_ab").await, Err(crate::store::StoreError::Ambiguous(..))));
    assert!(matches!(find("sync_x").await, Err(crate::store::StoreError::Missing(_))));
}
