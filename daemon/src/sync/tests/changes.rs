//! Later syncs: what is new, what changed, and what is no longer there.

use serde_json::json;

use super::*;

/// A rig whose history is captured and whose five minutes are over.
async fn captured(bank: Bank) -> Rig {
    let mut rig = Rig::new(bank).await;
    done(&rig.log_in().await);
    rig.advance(1);
    rig.events();
    rig
}

fn pending(bank: &Bank, id: &str, hours: i64) {
    bank.pay("acc_1", id, ago(hours), -700);
    bank.change("acc_1", id, |row| {
        row["settled"] = "".into();
        row["amount_is_pending"] = true.into();
    });
}

async fn detail(rig: &Rig, id: &'static str) -> monzo_common::model::TransactionDetail {
    rig.store.read(move |reader| reader.transaction(id)).await.expect("a row")
}

#[tokio::test(start_paused = true)]
async fn a_payment_that_settles_is_followed_back_to_its_day() {
    let bank = Bank::new();
    pending(&bank, "tx_p", 20 * 24);
    let rig = captured(bank).await;
    rig.bank.change("acc_1", "tx_p", |row| {
        row["settled"] = NOW.to_string().into();
        row["amount"] = json!(-750);
        row["amount_is_pending"] = false.into();
    });
    rig.bank.add_to_balance("acc_1", -50);
    rig.bank.pay("acc_1", "tx_n", NOW, -5);
    let sync = rig.sync(false).await;
    done(&sync);
    let account =
        sync.accounts.iter().find(|account| account.account_id.as_str() == "acc_1").expect("a share");
    assert_eq!((account.added, account.changed, account.withdrawn), (1, 1, 0));
    rig.equals_the_bank().await;
    assert_eq!(detail(&rig, "tx_p").await.revisions.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_authorisation_that_vanishes_is_withdrawn_and_restored_when_it_comes_back() {
    let bank = Bank::new();
    pending(&bank, "tx_p", 30);
    let rig = captured(bank).await;
    let before = rig.bank.ledger()["acc_1"].iter().find(|row| row["id"] == "tx_p").cloned().expect("a row");
    rig.bank.vanish("acc_1", |row| row["id"] == "tx_p");
    let sync = rig.sync(false).await;
    done(&sync);
    assert_eq!(sync.accounts.iter().map(|account| account.withdrawn).sum::<u64>(), 1);
    assert!(detail(&rig, "tx_p").await.transaction.withdrawn_at.is_some());
    rig.equals_the_bank().await;
    rig.bank.add("acc_1", before);
    done(&rig.sync(false).await);
    let back = detail(&rig, "tx_p").await;
    assert_eq!((back.transaction.withdrawn_at, back.revisions.len()), (None, 2));
}

#[tokio::test(start_paused = true)]
async fn a_settled_row_that_vanishes_stays_and_is_told_once() {
    let mut rig = captured(Bank::new()).await;
    let id = rig.bank.ledger()["acc_1"].last().expect("a row")["id"].clone();
    rig.bank.vanish("acc_1", |row| row["id"] == id);
    done(&rig.sync(false).await);
    done(&rig.sync(false).await);
    let told = rig.events().iter().filter(|kind| *kind == "transaction_missing").count();
    assert_eq!(told, 1);
    let count = rig.store.read(|reader| reader.extent()).await.expect("an answer").0;
    assert_eq!(
        usize::try_from(count).expect("small"),
        rig.bank.ledger().values().map(Vec::len).sum::<usize>() + 1
    );
}

#[tokio::test(start_paused = true)]
async fn too_many_at_once_are_not_believed_and_that_account_says_so() {
    let bank = Bank::new();
    for index in 0..12 {
        pending(&bank, &format!("tx_p{index}"), 30 + index);
    }
    let mut rig = captured(bank).await;
    rig.bank.vanish("acc_1", |row| row["id"].as_str().is_some_and(|id| id.starts_with("tx_p")));
    let sync = rig.sync(false).await;
    assert_eq!((sync.state, errors(&sync).len()), (SyncState::Partial, 1), "{:?}", errors(&sync));
    assert_eq!(sync.accounts.iter().map(|account| account.withdrawn).sum::<u64>(), 0);
    rig.sync(false).await;
    let told = rig.events();
    assert_eq!(told.iter().filter(|kind| *kind == "withdrawals_held").count(), 1, "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn a_list_that_is_suddenly_empty_withdraws_nothing() {
    let bank = Bank::new();
    for index in 0..6 {
        pending(&bank, &format!("tx_p{index}"), 30 + index);
    }
    let rig = captured(bank).await;
    rig.bank.always(Some(("account_id=acc_1&since", Trouble::Body(r#"{"transactions":[]}"#))));
    let sync = rig.sync(false).await;
    assert_eq!(sync.accounts.iter().map(|account| account.withdrawn).sum::<u64>(), 0);
    assert_eq!(sync.state, SyncState::Partial);
    rig.bank.always(None);
    done(&rig.sync(false).await);
    rig.equals_the_bank().await;
}

#[tokio::test(start_paused = true)]
async fn a_record_that_is_listed_but_not_understood_is_not_missed() {
    let bank = Bank::new();
    pending(&bank, "tx_p", 30);
    let mut rig = captured(bank).await;
    rig.bank.change("acc_1", "tx_p", |row| row["amount"] = "seven".into());
    done(&rig.sync(false).await);
    assert_eq!(detail(&rig, "tx_p").await.transaction.withdrawn_at, None);
    assert!(rig.events().contains(&"record_quarantined".to_owned()));
    rig.bank.change("acc_1", "tx_p", |row| row["amount"] = json!(-700));
    done(&rig.sync(false).await);
    assert_eq!(rig.store.read(|reader| reader.quarantined()).await.expect("a count"), 0);
    rig.equals_the_bank().await;
}

#[tokio::test(start_paused = true)]
async fn a_difference_that_stays_is_told_at_the_second_sync_and_when_it_goes() {
    let mut rig = captured(Bank::new()).await;
    rig.bank.add_to_balance("acc_1", -300);
    done(&rig.sync(false).await);
    assert!(!rig.events().contains(&"difference_found".to_owned()));
    done(&rig.sync(false).await);
    done(&rig.sync(false).await);
    assert_eq!(rig.events().iter().filter(|kind| *kind == "difference_found").count(), 1);
    let account = rig.store.read(|reader| reader.account(&"acc_1".into())).await.expect("an account");
    assert_eq!(account.difference, Some(-300));
    rig.bank.add_to_balance("acc_1", 300);
    done(&rig.sync(false).await);
    assert!(rig.events().contains(&"difference_gone".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_stored_sum_that_is_wrong_is_corrected_and_told_and_never_taken_for_a_difference() {
    let mut rig = captured(Bank::new()).await;
    done(&rig.sync(false).await);
    rig.damage("UPDATE weekly_sums SET sum = sum + 300 WHERE account_id = 'acc_1' AND week = (SELECT max(week) FROM weekly_sums WHERE account_id = 'acc_1')");
    done(&rig.sync(false).await);
    done(&rig.sync(false).await);
    let events = rig.events();
    assert_eq!(events.iter().filter(|kind| *kind == "sum_corrected").count(), 1);
    assert!(!events.contains(&"difference_found".to_owned()), "{events:?}");
    let account = rig.store.read(|reader| reader.account(&"acc_1".into())).await.expect("an account");
    assert_eq!(account.difference, Some(0));
}

#[tokio::test(start_paused = true)]
async fn a_long_silence_leaves_a_gap_that_the_next_login_fills() {
    let mut rig = captured(Bank::new()).await;
    rig.bank.pay("acc_1", "tx_lost", NOW.checked_add(SignedDuration::from_hours(48)).expect("in range"), -5);
    rig.advance(120 * 24);
    done(&rig.sync(false).await);
    assert_eq!(rig.refused("acc_1").await.len(), 1);
    assert!(rig.events().contains(&"history_refused".to_owned()));
    done(&rig.log_in().await);
    assert_eq!(rig.refused("acc_1").await, []);
    assert!(detail(&rig, "tx_lost").await.transaction.amount == -5);
    assert_eq!(rig.covered("acc_1").await.expect("covered").0, ago((3 * 365 + 1) * 24));
}

#[tokio::test(start_paused = true)]
async fn a_poll_that_sees_another_balance_starts_a_sync_and_one_that_does_not_asks_for_little() {
    let rig = Rig::polling(Bank::new()).await;
    done(&rig.log_in().await);
    rig.bank.asked();
    rig.quarter().await;
    let asked = rig.bank.asked();
    assert_eq!(asked.len(), 2, "a balance for each account: {asked:?}");
    rig.bank.pay("acc_1", "tx_n", rig.clock.now(), -5);
    let ended = rig.ends("poll");
    rig.quarter().await;
    done(&ended.await);
    assert_eq!(detail(&rig, "tx_n").await.transaction.amount, -5);
}

#[tokio::test(start_paused = true)]
async fn a_poll_that_is_told_to_slow_down_rests_and_one_that_hangs_holds_up_nobody() {
    let rig = Rig::polling(Bank::new()).await;
    done(&rig.log_in().await);
    rig.bank.always(Some(("/balance", Trouble::Status(429, ""))));
    rig.quarter().await;
    rig.bank.asked();
    rig.quarter().await;
    rig.quarter().await;
    assert!(rig.bank.asked().is_empty(), "it rests");
    rig.bank.always(Some(("/balance", Trouble::Hang)));
    rig.quarter().await;
    assert_eq!(rig.bank.asked().len(), 1);
    let answered = tokio::time::timeout(Duration::from_secs(1), rig.handle.cancel()).await;
    assert!(!answered.expect("the loop answers").expect("an answer").changed);
    let stopped = tokio::time::timeout(Duration::from_secs(1), rig.restart()).await;
    assert!(stopped.is_ok(), "it stops in time");
}
