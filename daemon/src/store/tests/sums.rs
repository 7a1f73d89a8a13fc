//! Kept sums: equal to what the rows add up to whatever happened, and corrected where they are not.

use proptest::prelude::*;
use rusqlite::Connection;

use super::*;
use crate::facts::Unreadable;
use crate::store::{Reader, Writer, migrate, restore, verify};

/// What can happen to the rows of an account.
#[derive(Debug, Clone)]
enum Step {
    /// The bank lists a row: a new one, or a change, settlement or decline of one that is known, or one that was gone.
    Listed { id: u8, hours: i64, amount: i64, settled: bool, declined: bool, updated: i64 },
    /// It no longer lists these.
    Gone(Vec<u8>),
    /// It lists a record that cannot be understood.
    Unreadable(u8),
}

fn step() -> impl Strategy<Value = Step> {
    let listed = (0_u8..8, 0_i64..2_000, -9_000_i64..9_000, any::<bool>(), any::<bool>(), 0_i64..5).prop_map(
        |(id, hours, amount, settled, declined, updated)| Step::Listed {
            id,
            hours,
            amount,
            settled,
            declined,
            updated,
        },
    );
    prop_oneof![
        6 => listed,
        2 => proptest::collection::vec(0_u8..8, 0..3).prop_map(Step::Gone),
        1 => (0_u8..8).prop_map(Step::Unreadable),
    ]
}

fn memory() -> Connection {
    let mut connection = Connection::open_in_memory().expect("a database");
    migrate::migrate(&mut connection).expect("migrated");
    Writer(Reader(&connection))
        .upsert_accounts(&[account("acc_1"), account("acc_2")], at(0))
        .expect("accounts");
    connection
}

fn take(writer: &Writer<'_>, step: &Step) {
    let account = AccountId::from("acc_1");
    let id = |number: &u8| format!("tx_{number}");
    match step {
        Step::Listed { id: number, hours, amount, settled, declined, updated } => {
            let mut row = row(&id(number), at(hours * 3600));
            (row.amount, row.updated_at) = (*amount, Some(at(*updated)));
            row.settled_at = settled.then(|| at(hours * 3600));
            row.decline_reason = declined.then(|| "NO".to_owned());
            writer.store_rows("sync", &account, &[row], &[], at(0)).expect("stored");
        }
        Step::Gone(ids) => {
            let ids: Vec<_> = ids.iter().map(|number| id(number).as_str().into()).collect();
            writer.withdraw("sync", &account, &ids, at(0)).expect("withdrawn");
        }
        Step::Unreadable(number) => {
            let record = Unreadable {
                account_id: account.clone(),
                id: Some(id(number).as_str().into()),
                reason: "odd".into(),
                raw: "{}".into(),
            };
            writer.store_rows("sync", &account, &[], &[record], at(0)).expect("kept");
        }
    }
}

proptest! {
    #[test]
    fn a_kept_sum_is_always_what_the_rows_add_up_to(
        steps in proptest::collection::vec(step(), 0..40),
        since in proptest::collection::vec(-200_i64..2_200, 1..6),
    ) {
        let connection = memory();
        let writer = Writer(Reader(&connection));
        for step in &steps {
            take(&writer, step);
        }
        let account = AccountId::from("acc_1");
        for hours in since {
            let since = at(hours * 3600 + 1);
            let rows = writer.counted(&account, since, Timestamp::MAX).expect("rows");
            let counted: i64 = rows.iter().map(|row| row.1).sum();
            prop_assert_eq!(writer.sum(&account, since).expect("a sum"), counted);
        }
        prop_assert_eq!(writer.sum(&account, Timestamp::MIN).expect("a sum"),
            writer.counted(&account, Timestamp::MIN, Timestamp::MAX).expect("rows").iter().map(|row| row.1).sum::<i64>());
        prop_assert_eq!(writer.recount(&account, at(0)).expect("counted"), None);
    }
}

#[test]
fn amounts_that_no_bank_holds_are_kept_and_overflow_nothing() {
    let connection = memory();
    let writer = Writer(Reader(&connection));
    let rows: Vec<_> = (0..4)
        .map(|index| facts::Row { amount: i64::MAX, ..row(&format!("tx_{index}"), at(index)) })
        .collect();
    writer.store_rows("sync", &"acc_1".into(), &rows, &[], at(0)).expect("stored");
    let sum = writer.sum(&"acc_1".into(), Timestamp::MIN).expect("a sum");
    assert_eq!(sum, 1_000_000_000_000_000);
}

#[test]
fn rows_from_before_the_sums_are_counted_when_they_are_introduced() {
    let mut connection = Connection::open_in_memory().expect("a database");
    migrate::to_version(&mut connection, 4).expect("migrated");
    let writer = Writer(Reader(&connection));
    writer.upsert_accounts(&[account("acc_1")], at(0)).expect("accounts");
    let mut declined = row("tx_declined", at(3));
    declined.decline_reason = Some("NO".into());
    let rows = [row("tx_1", at(1)), row("tx_2", at(40 * 24 * 3600)), declined];
    writer.store_rows("sync", &"acc_1".into(), &rows, &[], at(0)).expect("stored");
    migrate::migrate(&mut connection).expect("migrated");
    let writer = Writer(Reader(&connection));
    assert_eq!(writer.sum(&"acc_1".into(), at(0)).expect("a sum"), -200);
    assert_eq!(writer.sum(&"acc_1".into(), at(2)).expect("a sum"), -100);
    assert_eq!(writer.recount(&"acc_1".into(), at(0)).expect("counted"), None);
}

#[test]
fn a_wrong_sum_is_found_and_corrected() {
    let connection = memory();
    let writer = Writer(Reader(&connection));
    let account = AccountId::from("acc_1");
    writer
        .store_rows("sync", &account, &[row("tx_1", at(1)), row("tx_2", at(2))], &[], at(0))
        .expect("stored");
    assert_eq!(writer.counted_at(&account).expect("known"), None);
    writer.recount(&account, at(0)).expect("counted");
    assert_eq!(writer.counted_at(&account).expect("known"), Some(at(0)));
    connection.execute("UPDATE weekly_sums SET sum = sum + 7", []).expect("changed");
    assert_eq!(writer.recount(&account, at(1)).expect("counted"), Some(7));
    assert_eq!(writer.sum(&account, at(0)).expect("a sum"), -200);
    connection.execute("DELETE FROM weekly_sums", []).expect("changed");
    assert_eq!(writer.recount(&account, at(1)).expect("counted"), Some(200));
    assert_eq!(writer.sum(&account, at(0)).expect("a sum"), -200);
}

#[tokio::test]
async fn a_backup_with_a_wrong_sum_is_named_by_verify_and_corrected_by_a_restore() {
    let rig = Rig::new().await;
    rig.keep("sync_1", vec![row("tx_1", at(1))]).await;
    let backups = rig.directory.path().join("backups");
    let made = rig.store.backup(&backups, "request", false, at(0)).await.expect("a backup");
    let backup = backups.join(&made.name);
    let change = "UPDATE weekly_sums SET sum = sum + 150";
    Connection::open(&backup).and_then(|backup| backup.execute(change, [])).expect("changed");
    let found = verify(&backup, &made.name).expect("it can be read");
    assert!(!found.sound && found.problems[0].contains("acc_1 is wrong by £1.50"), "{:?}", found.problems);
    let Rig { directory: home, store } = rig;
    store.close().await.expect("it closes");
    let path = home.path().join("monzod.db");
    let restored = restore(&backup, &made.name, &path, false, at(5)).expect("it is restored");
    assert!(restored.verification.sound);
    let store = open(&home).expect("it opens").store;
    assert_eq!(store.read(|reader| reader.sum(&"acc_1".into(), at(0))).await.expect("a sum"), -100);
}
