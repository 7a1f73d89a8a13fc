//! Rows out: pages that neither skip nor repeat, and each filter by itself.

use std::collections::BTreeSet;

use monzo_common::model::{Direction, TransactionQuery};

use super::*;
use crate::facts::{Merchant, PotLink};
use crate::store::queries::page;
use crate::store::{StoreError, Writer};

/// Reads all pages of a query, doing something between them.
async fn pages(rig: &Rig, mut query: TransactionQuery, between: impl AsyncFn(usize)) -> Vec<String> {
    let mut ids = Vec::new();
    for number in 0.. {
        assert!(number < 100, "the pages do not end");
        let asked = query.clone();
        let page = rig.store.read(move |reader| reader.transactions(&asked)).await.expect("a page");
        ids.extend(page.transactions.iter().map(|row| row.id.to_string()));
        let Some(cursor) = page.cursor else { break };
        query.cursor = Some(cursor);
        between(number).await;
    }
    ids
}

async fn found(rig: &Rig, query: TransactionQuery) -> Vec<String> {
    pages(rig, TransactionQuery { reverse: true, ..query }, async |_| {}).await
}

#[tokio::test]
async fn ties_longer_than_a_page_are_neither_skipped_nor_repeated() {
    let rig = Rig::new().await;
    rig.keep("sync_1", (0..50).map(|index| row(&format!("tx_{index:02}"), at(7))).collect()).await;
    for reverse in [false, true] {
        let query = TransactionQuery { limit: Some(7), reverse, ..TransactionQuery::default() };
        let ids = pages(&rig, query, async |_| {}).await;
        let mut expected: Vec<String> = (0..50).map(|index| format!("tx_{index:02}")).collect();
        if !reverse {
            expected.reverse();
        }
        assert_eq!(ids, expected, "reverse: {reverse}");
    }
}

#[tokio::test]
async fn both_halves_of_one_id_are_listed() {
    let rig = Rig::new().await;
    rig.keep("sync_1", vec![row("tx_1", at(1))]).await;
    let other =
        |writer: &Writer<'_>| writer.store_rows("sync_1", &"acc_2".into(), &[row("tx_1", at(1))], &[], at(1));
    rig.store.write(other).await.expect("kept");
    let query = TransactionQuery { limit: Some(1), ..TransactionQuery::default() };
    assert_eq!(pages(&rig, query, async |_| {}).await.len(), 2);
}

#[tokio::test]
async fn rows_that_arrive_between_pages_shift_nothing() {
    let rig = Rig::new().await;
    rig.keep("sync_1", (0..30).map(|index| row(&format!("tx_{index:02}"), at(index))).collect()).await;
    let query = TransactionQuery { limit: Some(10), ..TransactionQuery::default() };
    let ids = pages(&rig, query, async |number| {
        rig.keep("sync_2", vec![row(&format!("tx_new{number}"), at(1000))]).await;
    });
    let ids = ids.await;
    assert_eq!(ids.len(), 30, "{ids:?}");
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 30);
}

#[tokio::test]
async fn a_cursor_that_is_none_is_an_error() {
    let rig = Rig::new().await;
    for cursor in ["", "x", "1", "1/tx", "x/tx/acc"] {
        let query = TransactionQuery { cursor: Some(cursor.into()), ..TransactionQuery::default() };
        let found = rig.store.read(move |reader| reader.transactions(&query)).await;
        assert!(matches!(found, Err(StoreError::Missing(_))), "{cursor}");
    }
}

#[tokio::test]
async fn each_filter_keeps_what_it_says() {
    let rig = Rig::new().await;
    let mut rows = Vec::new();
    let mut add = |id: &str, seconds, change: &dyn Fn(&mut facts::Row)| {
        let mut one = row(id, at(seconds));
        change(&mut one);
        rows.push(one);
    };
    add("tx_shop", 1, &|row| {
        let name = "100% Shop_1".to_owned();
        let (group_id, emoji, category, logo) = (None, None, None, None);
        row.merchant = Some(Merchant { id: "merch_1".into(), group_id, name, emoji, category, logo });
        row.category = "groceries".into();
    });
    add("tx_salary", 2, &|row| {
        row.amount = 250_000;
        row.counterparty = Some("Acme Ltd".into());
    });
    add("tx_pending", 3, &|row| row.settled_at = None);
    add("tx_declined", 4, &|row| {
        row.settled_at = None;
        row.decline_reason = Some("OTHER".into());
    });
    add("tx_pot", 5, &|row| {
        row.pot = Some(PotLink { pot_id: "pot_1".into(), pot_account_id: Some("acc_hidden".into()) });
    });
    add("tx_gone", 6, &|row| row.amount = -5_000);
    rig.keep("sync_1", rows).await;
    let more = |writer: &Writer<'_>| {
        writer.store_rows("sync_1", &"acc_2".into(), &[row("tx_joint", at(7))], &[], at(9))?;
        writer.store_rows("sync_1", &"acc_hidden".into(), &[row("tx_half", at(5))], &[], at(9))?;
        writer.withdraw("sync_2", &"acc_1".into(), &["tx_gone".into()], at(99))
    };
    rig.store.write(more).await.expect("kept");
    let check = async |query: TransactionQuery, expected: &[&str]| {
        let shown = format!("{query:?}");
        assert_eq!(found(&rig, query).await, expected, "{shown}");
    };
    let all = TransactionQuery::default;
    let listed = ["tx_shop", "tx_salary", "tx_pending", "tx_declined", "tx_pot", "tx_gone", "tx_joint"];
    check(all(), &listed).await;
    check(
        TransactionQuery { since: Some(at(3)), until: Some(at(5)), ..all() },
        &["tx_pending", "tx_declined"],
    )
    .await;
    check(TransactionQuery { accounts: vec!["acc_2".into()], ..all() }, &["tx_joint"]).await;
    check(TransactionQuery { accounts: vec!["acc_hidden".into()], ..all() }, &["tx_half"]).await;
    check(TransactionQuery { pot: Some("pot_1".into()), ..all() }, &["tx_half", "tx_pot"]).await;
    check(TransactionQuery { category: Some("groceries".into()), ..all() }, &["tx_shop"]).await;
    check(TransactionQuery { merchant: Some("shop_".into()), ..all() }, &["tx_shop"]).await;
    check(TransactionQuery { merchant: Some("100%".into()), ..all() }, &["tx_shop"]).await;
    check(TransactionQuery { merchant: Some("%".into()), ..all() }, &["tx_shop"]).await;
    check(TransactionQuery { merchant: Some("acme".into()), ..all() }, &["tx_salary"]).await;
    check(TransactionQuery { min: Some(5_000), ..all() }, &["tx_salary", "tx_gone"]).await;
    check(TransactionQuery { min: Some(101), max: Some(5_000), ..all() }, &["tx_gone"]).await;
    check(TransactionQuery { direction: Some(Direction::Credit), ..all() }, &["tx_salary"]).await;
    check(TransactionQuery { pending: Some(true), ..all() }, &["tx_pending"]).await;
    check(TransactionQuery { declined: Some(true), ..all() }, &["tx_declined"]).await;
    check(TransactionQuery { withdrawn: Some(true), ..all() }, &["tx_gone"]).await;
    check(TransactionQuery { merchant: Some("' OR 1=1 --".into()), ..all() }, &[]).await;
}

#[tokio::test]
async fn one_transaction_is_found_by_a_prefix_that_only_it_has() {
    let rig = Rig::new().await;
    rig.keep("sync_1", vec![row("tx_ab", at(1)), row("tx_abc", at(2)), row("tx_abd", at(3))]).await;
    let find = |id: &'static str| rig.store.read(move |reader| reader.transaction(id));
    assert_eq!(find("tx_abd").await.expect("found").transaction.id.as_str(), "tx_abd");
    assert_eq!(find("tx_ab").await.expect("an exact id wins").transaction.id.as_str(), "tx_ab");
    assert!(matches!(find("tx_a").await, Err(StoreError::Ambiguous(_, named)) if named.contains("tx_abc")));
    assert!(matches!(find("tx_x").await, Err(StoreError::Missing(_))));
}

#[tokio::test]
async fn no_page_scans_the_table() {
    let rig = Rig::new().await;
    let plan = |sql: &'static str| {
        rig.store.read(move |reader| {
            let mut explain = reader.0.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
            let steps: Vec<String> = explain.query_map([], |row| row.get(3))?.collect::<Result<_, _>>()?;
            Ok(steps.join("; "))
        })
    };
    let counted = "SELECT created_at, amount FROM transactions WHERE account_id = 'a' AND created_at >= 5 \
         AND decline_reason IS NULL AND withdrawn_at IS NULL ORDER BY created_at";
    let steps = plan(counted).await.expect("a plan");
    assert!(steps.contains("COVERING INDEX transactions_of_account"), "{steps}");
    let unsettled = "SELECT created_at FROM transactions WHERE account_id = 'a' AND created_at > 5 AND settled_at IS NULL \
         AND decline_reason IS NULL AND withdrawn_at IS NULL AND amount <> 0 ORDER BY created_at LIMIT 1";
    let steps = plan(unsettled).await.expect("a plan");
    assert!(steps.contains("transactions_unsettled"), "{steps}");
    let accounts = |ids: &[&str]| ids.iter().map(|id| AccountId::from(*id)).collect();
    for (accounts, index) in [
        (accounts(&[]), "transactions_by_time"),
        (accounts(&["acc_1"]), "transactions_of_account"),
        (accounts(&["acc_1", "acc_2"]), "transactions_by_time"),
    ] {
        let query = TransactionQuery { accounts, ..TransactionQuery::default() };
        let (sql, values) = page(&query).expect("a question");
        let steps = rig.store.read(move |reader| {
            let mut explain = reader.0.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
            let values = rusqlite::params_from_iter(values);
            let steps: Vec<String> =
                explain.query_map(values, |row| row.get(3))?.collect::<Result<_, _>>()?;
            Ok(steps.join("; "))
        });
        let steps = steps.await.expect("a plan");
        assert!(steps.contains(index) && !steps.contains("FOR ORDER BY"), "{steps}");
    }
}
