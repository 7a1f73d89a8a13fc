//! Syncs that cannot: forbidden, lapsed, cancelled, overtaken; each fails only what it must, and says so.

use monzo_common::fault::FaultKind;

use super::*;
use crate::store::WindowState;
use crate::sync::windows;

const FORBIDDEN: Trouble =
    Trouble::Status(403, r#"{"code":"forbidden.insufficient_permissions","message":"m"}"#);
const TOO_OLD: Trouble = Trouble::Status(403, r#"{"code":"forbidden.verification_required","message":"m"}"#);

async fn captured() -> Rig {
    let mut rig = Rig::new(Bank::new()).await;
    done(&rig.log_in().await);
    rig.advance(1);
    rig.events();
    rig
}

#[tokio::test(start_paused = true)]
async fn an_account_that_may_not_be_read_is_left_out_and_said_so_once() {
    let mut rig = captured().await;
    rig.bank.always(Some(("account_id=acc_2", FORBIDDEN)));
    let sync = rig.sync(false).await;
    assert_eq!((sync.state, errors(&sync).len()), (SyncState::Done, 1), "{:?}", errors(&sync));
    rig.sync(false).await;
    let told = rig.events();
    assert_eq!(told, ["account_unreadable"]);
    assert_eq!(rig.login.state().state, LoginState::Ready);
}

#[tokio::test(start_paused = true)]
async fn accounts_that_may_not_be_listed_mean_that_the_consent_has_lapsed() {
    let mut rig = captured().await;
    rig.bank.always(Some(("account", FORBIDDEN)));
    assert_eq!(rig.sync(false).await.state, SyncState::Failed);
    assert_eq!(rig.login.state().state, LoginState::ConsentLapsed);
    assert_eq!(rig.events(), ["consent_lapsed"], "one event with the next step");
    assert!(matches!(rig.handle.start(false).await, Err(StartError::Login(LoginState::ConsentLapsed))));
}

#[tokio::test(start_paused = true)]
async fn a_young_window_that_is_refused_is_asked_about_once_for_the_last_day() {
    let rig = captured().await;
    rig.bank.asked();
    rig.bank.always(Some(("/transactions", TOO_OLD)));
    assert_eq!(rig.sync(false).await.state, SyncState::Failed);
    assert_eq!(rig.login.state().state, LoginState::ConsentLapsed);
    let asked: Vec<_> =
        rig.bank.asked().into_iter().filter(|address| address.starts_with("/transactions")).collect();
    let day = rig.clock.now().checked_sub(SignedDuration::from_hours(24)).expect("in range");
    assert!(asked.iter().any(|address| address.contains(&format!("since={day}"))), "{asked:?}");
}

#[tokio::test(start_paused = true)]
async fn a_young_window_that_was_refused_is_read_by_a_later_pass() {
    let rig = Rig::new(Bank::new()).await;
    let edge = windows::readable_from(rig.clock.now());
    let young = windows::Window { since: edge, before: rig.clock.now() };
    done(&rig.log_in().await);
    rig.store
        .write(move |writer| {
            let account = "acc_2".into();
            for window in writer.windows(&account)? {
                writer.remove_window(window.id)?;
            }
            writer.add_window(&account, ago(500 * 24), young.since, WindowState::Complete)?;
            writer.add_window(&account, young.since, young.before, WindowState::Refused)
        })
        .await
        .expect("refused");
    rig.advance(6);
    assert!(!rig.refused("acc_2").await.is_empty());
    done(&rig.sync(false).await);
    let left = rig.refused("acc_2").await;
    assert!(left.iter().all(|(_, before)| *before <= edge + SignedDuration::from_hours(24)), "{left:?}");
    assert!(left.len() <= 1, "{left:?}");
}

#[tokio::test(start_paused = true)]
async fn a_sync_that_fails_says_so_in_a_word_for_programs() {
    let rig = captured().await;
    rig.bank.always(Some(("account_id=acc_2", Trouble::Status(500, ""))));
    let sync = rig.sync(false).await;
    let codes: Vec<_> = sync.accounts.iter().filter_map(|account| account.code).collect();
    assert_eq!((codes, sync.code), (vec![FaultKind::BankUnreachable], None));
    rig.bank.always(Some(("/accounts", Trouble::Status(500, ""))));
    let sync = rig.sync(false).await;
    assert_eq!((sync.state, sync.code), (SyncState::Failed, Some(FaultKind::BankUnreachable)));
    assert!(sync.error.is_some());
    let kept = rig.store.read(move |reader| reader.sync(&sync.id)).await.expect("a sync");
    assert_eq!(kept.code, Some(FaultKind::BankUnreachable));
}

#[tokio::test(start_paused = true)]
async fn a_hidden_account_never_decides_about_the_login() {
    for trouble in [FORBIDDEN, TOO_OLD] {
        let rig = captured().await;
        rig.bank.always(Some(("account_id=acc_pot", trouble)));
        let sync = rig.sync(false).await;
        assert_ne!(sync.state, SyncState::Failed);
        assert_eq!(rig.login.state().state, LoginState::Ready);
    }
}

#[tokio::test(start_paused = true)]
async fn one_accounts_failure_stops_no_other() {
    let rig = captured().await;
    rig.bank.pay("acc_1", "tx_n", NOW, -5);
    rig.bank.always(Some(("account_id=acc_2", Trouble::Status(500, ""))));
    let sync = rig.sync(false).await;
    assert_eq!(sync.state, SyncState::Partial);
    assert!(rig.store.read(|reader| reader.transaction("tx_n")).await.is_ok());
    let account = rig.store.read(|reader| reader.account(&"acc_2".into())).await.expect("an account");
    assert!(account.error.is_some());
    rig.bank.always(None);
    done(&rig.sync(false).await);
    let account = rig.store.read(|reader| reader.account(&"acc_2".into())).await.expect("an account");
    assert_eq!(account.error, None);
}

#[tokio::test(start_paused = true)]
async fn an_account_that_the_bank_no_longer_lists_is_kept_and_left_out() {
    let rig = captured().await;
    rig.bank
        .always(Some(("/accounts", Trouble::Body(r#"{"accounts":[{"id":"acc_1","type":"uk_retail"}]}"#))));
    let sync = rig.sync(false).await;
    assert_eq!((sync.state, errors(&sync).len()), (SyncState::Done, 1), "{:?}", errors(&sync));
    rig.equals_the_bank().await;
}

#[tokio::test(start_paused = true)]
async fn a_list_of_no_accounts_is_no_success() {
    let rig = captured().await;
    rig.bank.always(Some(("/accounts", Trouble::Body(r#"{"accounts":[]}"#))));
    let sync = rig.sync(false).await;
    assert_ne!(errors(&sync), Vec::<String>::new());
    rig.equals_the_bank().await;
}

#[tokio::test(start_paused = true)]
async fn a_second_request_joins_the_first() {
    let rig = captured().await;
    let ended = rig.ends("request");
    let first = rig.handle.start(false).await.expect("it starts");
    let second = rig.handle.start(true).await.expect("it joins");
    assert_eq!((first.joined, second.joined, &first.sync.id), (false, true, &second.sync.id));
    assert_eq!(ended.await.id, first.sync.id);
}

#[tokio::test(start_paused = true)]
async fn a_sync_is_cancelled_within_a_second_whatever_the_bank_does() {
    let rig = captured().await;
    rig.bank.always(Some(("/transactions", Trouble::Hang)));
    rig.handle.start(false).await.expect("it starts");
    tokio::time::sleep(Duration::from_secs(20)).await;
    let cancelled = tokio::time::timeout(Duration::from_secs(1), rig.handle.cancel()).await;
    let cancelled = cancelled.expect("within a second").expect("an answer");
    assert_eq!(cancelled.sync.map(|sync| sync.state), Some(SyncState::Cancelled));
    let again = rig.handle.cancel().await.expect("an answer");
    assert!(!again.changed);
}

#[tokio::test(start_paused = true)]
async fn a_new_login_during_a_sync_ends_it_and_captures_what_is_missing() {
    let mut rig = Rig::new(Bank::new()).await;
    rig.bank.trouble("account_id=acc_1&since", 3, Trouble::Minutes(6));
    done(&rig.log_in().await);
    rig.events();
    rig.bank.always(Some(("/transactions", Trouble::Hang)));
    let first = rig.handle.start(false).await.expect("it starts").sync;
    let ended = rig.ends("login");
    rig.sign_in().await;
    rig.bank.always(None);
    done(&ended.await);
    let id = first.id.clone();
    let first = rig.store.read(move |reader| reader.sync(&id)).await.expect("a sync");
    assert_eq!(first.state, SyncState::Cancelled);
    assert_eq!(rig.refused("acc_1").await, []);
    rig.equals_the_bank().await;
    assert!(!rig.events().contains(&"consent_lapsed".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_capture_that_fails_is_tried_again_while_the_five_minutes_run() {
    let rig = Rig::new(Bank::new()).await;
    let first = rig.ends("login");
    rig.sign_in().await;
    rig.bank.always(Some(("account_id=acc_2&since", Trouble::Status(500, ""))));
    assert_eq!(first.await.state, SyncState::Partial);
    let second = rig.ends("schedule");
    let third = rig.ends("start");
    rig.bank.always(None);
    // The loop looks at the wall clock, which stands still unless it is moved.
    rig.clock.advance(SignedDuration::from_secs(6));
    let again = tokio::select! { sync = second => sync, sync = third => sync };
    done(&again);
    rig.equals_the_bank().await;
}

#[tokio::test(start_paused = true)]
async fn a_daemon_without_a_login_waits_quietly() {
    let rig = Rig::new(Bank::new()).await;
    assert!(matches!(rig.handle.start(false).await, Err(StartError::Login(LoginState::None))));
    rig.advance(24);
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert!(rig.bank.asked().is_empty());
    let again = rig.restart().await;
    assert!(again.bank.asked().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_sync_is_due_by_the_wall_clock() {
    let rig = captured().await;
    let due = rig.handle.next_due_at().expect("a time");
    assert_eq!(due, NOW.checked_add(SignedDuration::from_hours(6)).expect("in range"));
    let next = rig.ends("schedule");
    rig.advance(6);
    done(&next.await);
}

#[tokio::test(start_paused = true)]
async fn a_closed_account_that_is_refused_is_noted_once_and_holds_nothing_up() {
    for (status, code) in [
        (403, "forbidden.insufficient_permissions"),
        (403, "forbidden.verification_required"),
        (403, "forbidden.account_closed"),
        (404, "not_found.account"),
    ] {
        let mut rig = captured().await;
        rig.bank.relist("acc_2", |account| account["closed"] = true.into());
        let body: &'static str = Box::leak(format!(r#"{{"code":"{code}"}}"#).into_boxed_str());
        rig.bank.always(Some(("account_id=acc_2", Trouble::Status(status, body))));
        rig.advance(6);
        let sync = rig.sync(false).await;
        assert_eq!((sync.state, errors(&sync)), (SyncState::Done, vec![]), "{status} {code}");
        done(&rig.sync(true).await);
        assert_eq!(rig.events(), ["account_unreadable"], "{status} {code}");
        assert_eq!(rig.login.state().state, LoginState::Ready);
        let account = rig.store.read(|reader| reader.account(&"acc_2".into())).await.expect("an account");
        assert_eq!(account.error, None);
        rig.equals_the_bank().await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_account_that_fails_holds_no_other_back() {
    let rig = captured().await;
    rig.advance(6);
    rig.bank.always(Some(("account_id=acc_2", Trouble::Status(500, ""))));
    let sync = rig.sync(true).await;
    assert_eq!(sync.state, SyncState::Partial);
    let read = move |reader: &crate::store::Reader<'_>| {
        let swept = ["acc_1", "acc_2"].map(|id| reader.swept_at(&id.into()));
        Ok((swept, reader.last_success_at()?))
    };
    let ([one, two], success) = rig.store.read(read).await.expect("an answer");
    let (one, two) = (one.expect("an answer"), two.expect("an answer"));
    assert!(one > two && success > two, "{one:?}, {two:?}, {success:?}");
    // Nothing was read at all: no success.
    rig.bank.always(Some(("account_id=", Trouble::Status(500, ""))));
    rig.advance(6);
    assert_eq!(rig.sync(false).await.state, SyncState::Failed);
    assert_eq!(rig.store.read(|reader| reader.last_success_at()).await.expect("an answer"), success);
}
