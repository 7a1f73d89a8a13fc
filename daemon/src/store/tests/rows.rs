//! Rows in: once, newest, with what they were before, and together with their cursor or not at all.

use serde_json::json;

use super::*;
use crate::facts::{Merchant, PotLink, Unreadable};
use crate::store::{StoreError, WindowState, Writer};
use monzo_common::model::{SyncCause, TransactionQuery};

async fn revisions(rig: &Rig, id: &'static str) -> Vec<serde_json::Value> {
    let detail = rig.store.read(move |reader| reader.transaction(id)).await.expect("a row");
    detail.revisions.into_iter().map(|revision| json!(revision.before)).collect()
}

#[tokio::test]
async fn a_repeated_row_adds_nothing() {
    let rig = Rig::new().await;
    let first = rig.keep("sync_1", vec![row("tx_1", at(1)), row("tx_2", at(2))]).await;
    let again = rig.keep("sync_2", vec![row("tx_2", at(2)), row("tx_1", at(1))]).await;
    assert_eq!((first.added, first.changed), (2, 0));
    assert_eq!((again.added, again.changed, again.unchanged), (0, 0, 2));
    assert!(revisions(&rig, "tx_1").await.is_empty());
}

#[tokio::test]
async fn a_settlement_is_a_revision_of_every_column_that_changed() {
    let rig = Rig::new().await;
    let mut pending = row("tx_1", at(1));
    (pending.settled_at, pending.amount_is_pending) = (None, true);
    let mut settled = row("tx_1", at(1));
    (settled.amount, settled.updated_at, settled.settled_at) = (-120, Some(at(90)), Some(at(90)));
    rig.keep("sync_1", vec![pending]).await;
    assert_eq!(rig.keep("sync_2", vec![settled]).await.changed, 1);
    let found = revisions(&rig, "tx_1").await;
    let expected =
        json!({"amount": -100, "amount_is_pending": 1, "settled_at": null, "updated_at": at(1).to_string()});
    assert_eq!(found, [expected]);
}

#[tokio::test]
async fn a_change_of_the_banks_instant_alone_is_a_revision_too() {
    let rig = Rig::new().await;
    let mut later = row("tx_1", at(1));
    (later.updated_at, later.raw) = (Some(at(7)), r#"{"new":1}"#.into());
    rig.keep("sync_1", vec![row("tx_1", at(1))]).await;
    assert_eq!(rig.keep("sync_2", vec![later]).await.changed, 1);
    assert_eq!(revisions(&rig, "tx_1").await, [json!({"updated_at": at(1).to_string()})]);
}

#[tokio::test]
async fn an_older_version_of_a_row_changes_nothing() {
    let rig = Rig::new().await;
    let mut newer = row("tx_1", at(1));
    (newer.amount, newer.updated_at) = (-150, Some(at(60)));
    let mut older = row("tx_1", at(1));
    older.updated_at = Some(at(59));
    rig.keep("sync_1", vec![newer]).await;
    assert_eq!(rig.keep("sync_2", vec![older]).await.unchanged, 1);
    let kept = rig.store.read(|reader| reader.transaction("tx_1")).await.expect("a row");
    assert_eq!((kept.transaction.amount, kept.revisions.len()), (-150, 0));
}

#[tokio::test]
async fn a_row_of_the_same_instant_replaces_the_one_before() {
    let rig = Rig::new().await;
    let mut noted = row("tx_1", at(1));
    noted.notes = "lunch".into();
    rig.keep("sync_1", vec![row("tx_1", at(1))]).await;
    assert_eq!(rig.keep("sync_2", vec![noted]).await.changed, 1);
    assert_eq!(revisions(&rig, "tx_1").await, [json!({"notes": ""})]);
}

#[tokio::test]
async fn a_withdrawn_row_no_longer_counts_and_counts_again_when_it_is_seen() {
    let rig = Rig::new().await;
    rig.keep("sync_1", vec![row("tx_1", at(1)), row("tx_2", at(2))]).await;
    let sum = || async { rig.store.read(|reader| reader.sum(&"acc_1".into(), at(0))).await.expect("a sum") };
    assert_eq!(sum().await, -200);
    let withdraw = |writer: &Writer<'_>| writer.withdraw("sync_2", &"acc_1".into(), &["tx_1".into()], at(99));
    assert_eq!(rig.store.write(withdraw).await.expect("withdrawn"), 1);
    assert_eq!(rig.store.write(withdraw).await.expect("a repeat"), 0);
    assert_eq!(sum().await, -100);
    assert_eq!(rig.keep("sync_3", vec![row("tx_1", at(1))]).await.restored, 1);
    assert_eq!(sum().await, -200);
    let expected = [json!({"withdrawn_at": null}), json!({"withdrawn_at": at(99).to_string()})];
    assert_eq!(revisions(&rig, "tx_1").await, expected);
}

#[tokio::test]
async fn an_older_version_restores_a_withdrawn_row_without_replacing_it() {
    let rig = Rig::new().await;
    let mut newer = row("tx_1", at(1));
    (newer.amount, newer.updated_at) = (-150, Some(at(60)));
    rig.keep("sync_1", vec![newer]).await;
    let withdraw = |writer: &Writer<'_>| writer.withdraw("sync_2", &"acc_1".into(), &["tx_1".into()], at(99));
    rig.store.write(withdraw).await.expect("withdrawn");
    assert_eq!(rig.keep("sync_3", vec![row("tx_1", at(1))]).await.restored, 1);
    let kept = rig.store.read(|reader| reader.transaction("tx_1")).await.expect("a row").transaction;
    assert_eq!((kept.amount, kept.withdrawn_at), (-150, None));
}

#[tokio::test]
async fn rows_and_their_cursor_are_kept_together_or_not_at_all() {
    let rig = Rig::new().await;
    let account = AccountId::from("acc_1");
    let window = |writer: &Writer<'_>| writer.add_window(&"acc_1".into(), at(0), at(9), WindowState::Open);
    rig.store.write(window).await.expect("a window");
    let failed = rig.store.write(|writer| {
        writer.store_rows("sync_1", &"acc_1".into(), &[row("tx_1", at(1))], &[], at(5))?;
        writer.advance_window(1, &"tx_1".into(), at(1))?;
        Err::<(), _>(StoreError::Full)
    });
    assert!(matches!(failed.await, Err(StoreError::Full)));
    assert_eq!(rig.store.health(), crate::store::Health::Full);
    let found = rig.store.read(move |reader| Ok((reader.extent()?.0, reader.windows(&account)?)));
    let (rows, windows) = found.await.expect("an answer");
    assert_eq!((rows, windows[0].cursor.clone()), (0, None));
    let kept = rig.store.write(|writer| {
        writer.store_rows("sync_1", &"acc_1".into(), &[row("tx_1", at(1))], &[], at(5))?;
        writer.advance_window(1, &"tx_1".into(), at(1))
    });
    kept.await.expect("it is kept");
    assert_eq!(rig.store.health(), crate::store::Health::Good, "all goes on by itself");
    let windows = rig.store.read(|reader| reader.windows(&"acc_1".into())).await.expect("windows");
    assert_eq!(windows[0].cursor, Some(("tx_1".into(), at(1))));
}

#[tokio::test]
async fn a_row_of_an_account_that_is_not_known_is_not_kept() {
    let rig = Rig::new().await;
    let stray =
        |writer: &Writer<'_>| writer.store_rows("sync_1", &"acc_9".into(), &[row("tx_1", at(1))], &[], at(5));
    assert!(matches!(rig.store.write(stray).await, Err(StoreError::Sql(_))));
}

#[tokio::test]
async fn a_hidden_account_is_learnt_once_and_for_ever() {
    let rig = Rig::new().await;
    let link = |hidden: &str| PotLink { pot_id: "pot_1".into(), pot_account_id: Some(hidden.into()) };
    let mut moved = row("tx_1", at(1));
    moved.pot = Some(link("acc_hidden"));
    let mut other = row("tx_2", at(2));
    other.pot = Some(link("acc_other"));
    let first = rig.keep("sync_1", vec![moved.clone()]).await;
    assert_eq!(first.discovered, [("pot_1".into(), "acc_hidden".into())]);
    let second = rig.keep("sync_2", vec![moved, other]).await;
    assert!(second.discovered.is_empty(), "{:?}", second.discovered);
    let hidden = rig.store.read(|reader| reader.account(&"acc_hidden".into())).await.expect("it is known");
    assert_eq!((hidden.kind.as_str(), hidden.pot_id), ("pot", Some("pot_1".into())));
}

#[tokio::test]
async fn a_merchant_is_kept_once_and_an_id_alone_takes_nothing_away() {
    let rig = Rig::new().await;
    let merchant = |name: &str| {
        let (group_id, emoji, category, logo) = (None, Some("🛒".into()), None, None);
        Some(Merchant { id: "merch_1".into(), group_id, name: name.into(), emoji, category, logo })
    };
    let mut bought = row("tx_1", at(1));
    let name = || async {
        let found = rig.store.read(|reader| reader.transaction("tx_1")).await.expect("a row");
        found.transaction.merchant.expect("a merchant").name
    };
    bought.merchant = merchant("");
    rig.keep("sync_1", vec![bought.clone()]).await;
    assert_eq!(name().await, "merch_1");
    bought.merchant = merchant("Shop");
    rig.keep("sync_2", vec![bought.clone()]).await;
    bought.merchant = merchant("");
    rig.keep("sync_3", vec![bought]).await;
    assert_eq!(name().await, "Shop");
}

#[tokio::test]
async fn a_record_that_was_not_understood_waits_until_it_is() {
    let rig = Rig::new().await;
    let record = Unreadable {
        account_id: "acc_1".into(),
        id: Some("tx_1".into()),
        reason: "there is no `created`".into(),
        raw: r#"{"id":"tx_1"}"#.into(),
    };
    let keep = move |writer: &Writer<'_>| {
        writer.store_rows("sync_1", &"acc_1".into(), &[], std::slice::from_ref(&record), at(5))
    };
    assert_eq!(rig.store.write(keep.clone()).await.expect("kept").quarantined, 1);
    assert_eq!(rig.store.write(keep).await.expect("kept").quarantined, 0, "a repeat adds nothing");
    let waiting = || async { rig.store.read(|reader| reader.quarantined()).await.expect("a count") };
    assert_eq!(waiting().await, 1);
    rig.keep("sync_2", vec![row("tx_2", at(2))]).await;
    assert_eq!(waiting().await, 1);
    rig.keep("sync_3", vec![row("tx_1", at(1))]).await;
    assert_eq!(waiting().await, 0);
}

#[tokio::test]
async fn another_version_tries_quarantine_again_and_the_same_one_does_not() {
    let rig = Rig::new().await;
    let raw = r#"{"id":"tx_1","created":"2026-08-01T00:31:36Z","amount":-5,"currency":"GBP"}"#;
    let record = |raw: &str| Unreadable {
        account_id: "acc_1".into(),
        id: None,
        reason: "an older version did not understand it".into(),
        raw: raw.into(),
    };
    let records = [record(raw), record("7")];
    let keep = move |writer: &Writer<'_>| writer.store_rows("sync_1", &"acc_1".into(), &[], &records, at(5));
    rig.store.write(keep).await.expect("kept");
    let retry = |version: &'static str| crate::sync::upgrade::retry(&rig.store, version, at(9));
    assert_eq!(retry("0.2.0").await.expect("tried"), 1);
    let found =
        rig.store.read(|reader| Ok((reader.quarantined()?, reader.transaction("tx_1")?.transaction.amount)));
    assert_eq!(found.await.expect("a row"), (1, -5));
    assert_eq!(retry("0.2.0").await.expect("not tried"), 0);
}

#[tokio::test]
async fn the_raw_json_comes_back_as_it_came() {
    let rig = Rig::new().await;
    let mut kept = row("tx_1", at(1));
    kept.raw = r#"{"id":"tx_1","note":"é🛒"}"#.into();
    rig.keep("sync_1", vec![kept]).await;
    let query = TransactionQuery { raw: true, ..TransactionQuery::default() };
    let page = rig.store.read(move |reader| reader.transactions(&query)).await.expect("a page");
    assert_eq!(page.transactions[0].raw, Some(json!({"id": "tx_1", "note": "é🛒"}).into()));
}

#[tokio::test]
async fn windows_that_meet_become_one_and_a_gap_stays_a_gap() {
    let rig = Rig::new().await;
    let account = AccountId::from("acc_1");
    let found = rig.store.write(move |writer| {
        writer.add_window(&account, at(0), at(100), WindowState::Complete)?;
        writer.add_window(&account, at(100), at(200), WindowState::Refused)?;
        writer.add_window(&account, at(200), at(300), WindowState::Complete)?;
        writer.extend_coverage(&account, at(250), at(400))?;
        let gapped = (writer.covered(&account)?, writer.refused(&account)?);
        writer.reopen_windows(&account)?;
        for window in writer.windows(&account)?.iter().filter(|window| window.state == WindowState::Open) {
            writer.complete_window(window.id)?;
        }
        let whole = writer.covered(&account)?;
        writer.extend_coverage(&account, at(390), at(500))?;
        Ok((gapped, whole, writer.windows(&account)?.len()))
    });
    let ((covered, refused), whole, windows) = found.await.expect("windows");
    assert_eq!((covered, refused), (Some((at(200), at(400))), vec![(at(100), at(200))]));
    assert_eq!((whole, windows), (Some((at(0), at(400))), 1));
}

#[tokio::test]
async fn what_had_been_refused_and_is_read_after_all_is_no_longer_missing() {
    let rig = Rig::new().await;
    let account = AccountId::from("acc_1");
    let found = rig.store.write(move |writer| {
        writer.add_window(&account, at(0), at(300), WindowState::Refused)?;
        writer.extend_coverage(&account, at(100), at(200))?;
        let parted = writer.refused(&account)?;
        writer.extend_coverage(&account, at(150), at(400))?;
        writer.refuse_window(&account, at(50), at(90))?;
        Ok((parted, writer.refused(&account)?, writer.covered(&account)?))
    });
    let (parted, left, covered) = found.await.expect("windows");
    assert_eq!(parted, [(at(0), at(100)), (at(200), at(300))]);
    assert_eq!((left, covered), (vec![(at(0), at(100))], Some((at(100), at(400)))));
}

#[tokio::test]
async fn windows_of_a_clock_that_was_ahead_are_taken_back_unless_rows_bear_them_out() {
    let rig = Rig::new().await;
    let account = AccountId::from("acc_1");
    let day = |count: i64| at(count * 86_400);
    let found = rig.store.write(move |writer| {
        writer.add_window(&account, day(0), day(100), WindowState::Complete)?;
        writer.add_window(&account, day(100), day(400), WindowState::Refused)?;
        writer.extend_coverage(&account, day(400), day(500))?;
        let none = writer.read_ahead(day(499))?;
        let ahead = writer.read_ahead(day(101))?;
        writer.take_back_windows(&account, day(50), day(101))?;
        Ok((none, ahead, writer.covered(&account)?, writer.refused(&account)?))
    });
    let (none, ahead, covered, refused) = found.await.expect("windows");
    assert_eq!((none, ahead), (vec![], vec!["acc_1".into()]));
    assert_eq!((covered, refused), (Some((day(0), day(100))), vec![]));
}

#[tokio::test]
async fn a_balance_is_kept_when_it_changes() {
    let rig = Rig::new().await;
    let balance =
        |balance| facts::Balance { balance, total_balance: 9, spend_today: 0, currency: Currency::GBP };
    for (second, amount) in [(1, 5), (2, 5), (3, 7), (4, 5)] {
        let told = balance(amount);
        let keep = move |writer: &Writer<'_>| writer.record_balance(&"acc_1".into(), &told, at(second));
        rig.store.write(keep).await.expect("kept");
    }
    let points = |since, until| {
        rig.store.read(move |reader| reader.balance_points(&"acc_1".into(), None, since, until))
    };
    let all = points(at(0), at(9)).await.expect("points");
    assert_eq!(all.iter().map(|point| point.balance).collect::<Vec<_>>(), [5, 7, 5]);
    let late = points(at(2), at(4)).await.expect("points");
    assert_eq!(
        late.iter().map(|point| (point.at, point.balance)).collect::<Vec<_>>(),
        [(at(1), 5), (at(3), 7)]
    );
    let newest = rig.store.read(|reader| reader.balances()).await.expect("balances");
    assert_eq!(newest[0].point.balance, 5);
}

#[tokio::test]
async fn a_full_disk_stops_writes_not_reads_and_all_goes_on_when_there_is_room() {
    let rig = Rig::new().await;
    rig.keep("sync_1", vec![row("tx_1", at(1))]).await;
    let pages = |most: u32| {
        rig.store.write(move |writer| {
            let sql = format!("PRAGMA max_page_count = {most}");
            Ok(writer.0.0.query_row(&sql, [], |_| Ok(()))?)
        })
    };
    pages(1).await.expect("a limit");
    let many: Vec<_> = (0..2_000).map(|index| row(&format!("tx_many{index}"), at(index))).collect();
    let fill = move |writer: &Writer<'_>| writer.store_rows("sync_2", &"acc_1".into(), &many, &[], at(5));
    assert!(matches!(rig.store.write(fill.clone()).await, Err(StoreError::Full)));
    assert_eq!(rig.store.health(), crate::store::Health::Full);
    assert_eq!(rig.store.read(|reader| reader.extent()).await.expect("reads go on").0, 1);
    pages(1_000_000).await.expect("room");
    assert_eq!(rig.store.write(fill).await.expect("it goes on").added, 2_000);
    assert_eq!(rig.store.health(), crate::store::Health::Good);
}

#[tokio::test]
async fn a_file_that_takes_no_writes_is_told_and_loses_nothing() {
    let rig = Rig::new().await;
    rig.keep("sync_1", vec![row("tx_1", at(1))]).await;
    let mode = |word: &str| {
        let connection = rig.store.0.writer.get().expect("the writer");
        connection.execute_batch(&format!("PRAGMA query_only = {word}")).expect("a mode");
    };
    mode("ON");
    let begin = |writer: &Writer<'_>| writer.begin_sync("sync_x", SyncCause::Request, at(5));
    assert!(matches!(rig.store.write(begin).await, Err(StoreError::ReadOnly)));
    assert_eq!(rig.store.health(), crate::store::Health::ReadOnly);
    mode("OFF");
    assert!(rig.store.write(begin).await.is_ok());
    assert_eq!(rig.store.health(), crate::store::Health::Good);
}

#[tokio::test]
async fn many_writers_wait_for_their_turn_and_none_is_turned_away() {
    let rig = Rig::new().await;
    let writes = (0..60).map(|index| {
        let mut one = row(&format!("tx_{index}"), at(index));
        one.amount = index;
        rig.store.write(move |writer| writer.store_rows("sync_1", &"acc_1".into(), &[one], &[], at(5)))
    });
    let written = futures_util::future::join_all(writes).await;
    assert!(written.iter().all(Result::is_ok));
    assert_eq!(rig.store.read(|reader| reader.extent()).await.expect("an answer").0, 60);
}
