//! The first history: all of it, once, however often it is interrupted.

use super::*;
use crate::store::WindowState;
use crate::sync::windows;

#[tokio::test(start_paused = true)]
async fn a_first_capture_equals_the_banks_ledger() {
    let mut rig = Rig::new(Bank::new()).await;
    let sync = rig.log_in().await;
    done(&sync);
    rig.equals_the_bank().await;
    let (from, to) = rig.covered("acc_1").await.expect("covered");
    assert_eq!((from, to), (ago((3 * 365 + 1) * 24), rig.clock.now()), "from a day before it was opened");
    assert_eq!(rig.covered("acc_pot").await.expect("covered").0, ago(88 * 24));
    assert!(sync.id.starts_with("sync_") && sync.id.len() == 21, "{}", sync.id);
    let events = rig.events();
    let count = |kind: &str| events.iter().filter(|event| *event == kind).count();
    assert_eq!(
        (count("history_captured"), count("pot_discovered"), count("sync_failed")),
        (2, 1, 0),
        "{events:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_capture_asks_for_bounded_windows_that_abut() {
    let rig = Rig::new(Bank::new()).await;
    done(&rig.log_in().await);
    let asked = rig.bank.asked();
    // A window is asked for by its beginning first, and from its last row on at the end.
    let mut begins = std::collections::BTreeMap::new();
    for address in
        asked.iter().filter(|address| address.contains("account_id=acc_1&") && address.contains("before="))
    {
        let value =
            |key: &str| address.split(['?', '&']).find_map(|part| part.strip_prefix(key)).expect("a value");
        let before: Timestamp = value("before=").parse().expect("an instant");
        if let Ok(since) = value("since=").parse::<Timestamp>() {
            assert!(before.duration_since(since) <= SignedDuration::from_hours(364 * 24), "{address}");
            let begin = begins.entry(before).or_insert(since);
            *begin = since.min(*begin);
        }
    }
    let windows: Vec<_> = begins.into_iter().map(|(before, since)| (since, before)).collect();
    assert_eq!(windows.first().map(|window| window.0), Some(ago((3 * 365 + 1) * 24)));
    assert!(windows.windows(2).all(|pair| pair[0].1 == pair[1].0), "{windows:?}");
    assert!(
        asked
            .iter()
            .filter(|address| address.starts_with("/transactions"))
            .all(|address| address.contains("since="))
    );
}

#[tokio::test(start_paused = true)]
async fn what_the_five_minutes_do_not_cover_is_remembered_and_taken_at_the_next_login() {
    let mut rig = Rig::new(Bank::new()).await;
    rig.bank.trouble("account_id=acc_1&", 5, Trouble::Minutes(6));
    done(&rig.log_in().await);
    let gaps = rig.refused("acc_1").await;
    assert!(!gaps.is_empty(), "nothing was refused");
    assert!(rig.events().contains(&"history_refused".to_owned()));
    let (from, _) = rig.covered("acc_1").await.expect("covered");
    assert!(from <= ago(87 * 24) && from > ago(400 * 24), "{from}");
    done(&rig.sync(false).await);
    rig.bank.asked();
    let again = rig.log_in().await;
    done(&again);
    rig.equals_the_bank().await;
    assert_eq!(rig.refused("acc_1").await, []);
    assert_eq!(rig.covered("acc_1").await.expect("covered").0, ago((3 * 365 + 1) * 24));
    let repeated: u64 = again.accounts.iter().map(|account| account.changed).sum();
    assert_eq!(repeated, 0, "nothing is stored twice");
}

#[tokio::test(start_paused = true)]
async fn a_capture_that_is_stopped_goes_on_where_it_was() {
    let mut rig = Rig::new(Bank::new()).await;
    rig.bank.trouble("/transactions", 9, Trouble::Hang);
    rig.sign_in().await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    rig = rig.restart().await;
    done(&rig.ends("login").await);
    rig.equals_the_bank().await;
    assert_eq!(rig.covered("acc_1").await.expect("covered").0, ago((3 * 365 + 1) * 24));
}

#[tokio::test(start_paused = true)]
async fn a_capture_that_is_killed_anywhere_ends_with_an_equal_ledger() {
    for number in 0..6 {
        let mut rig = Rig::new(Bank::new()).await;
        rig.bank.trouble("/", 4 + number * 6, Trouble::Hang);
        rig.sign_in().await;
        tokio::time::sleep(Duration::from_secs(20)).await;
        rig.bank.calm();
        rig = rig.kill().await;
        done(&rig.ends("login").await);
        rig.equals_the_bank().await;
        let count = rig.store.read(|reader| reader.extent()).await.expect("an answer").0;
        let listed: usize = rig.bank.ledger().values().map(Vec::len).sum();
        assert_eq!(usize::try_from(count), Ok(listed), "killed at request {number}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_trouble_during_a_capture_ends_with_an_equal_ledger() {
    for seed in 1..5 {
        let rig = Rig::new(Bank::new()).await;
        rig.sign_in_through(seed).await;
        rig.equals_the_bank().await;
    }
}

impl Rig {
    /// Signs in quietly, then lets the dice decide what each request of the syncs meets until one is done.
    async fn sign_in_through(&self, seed: u64) {
        let first = self.ends("login");
        self.sign_in().await;
        self.bank.dice(Some(seed));
        let mut sync = first.await;
        for _ in 0..20 {
            if sync.state == SyncState::Done {
                return;
            }
            sync = self.sync(false).await;
        }
        panic!("seed {seed}: {:?}", errors(&sync));
    }
}

#[tokio::test(start_paused = true)]
async fn a_false_empty_page_loses_nothing() {
    for number in 0..5 {
        let rig = Rig::new(Bank::new()).await;
        rig.bank.trouble("/transactions", number, Trouble::Body(r#"{"transactions":[]}"#));
        done(&rig.log_in().await);
        rig.equals_the_bank().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_full_sync_in_the_five_minutes_reads_everything_again() {
    let rig = Rig::new(Bank::new()).await;
    done(&rig.log_in().await);
    let old = rig.bank.ledger()["acc_1"][3]["id"].as_str().expect("an id").to_owned();
    rig.bank.change("acc_1", &old, |row| row["notes"] = "late edit".into());
    let sync = rig.sync(true).await;
    done(&sync);
    rig.equals_the_bank().await;
    assert_eq!(sync.accounts.iter().map(|account| account.changed).sum::<u64>(), 1);
    assert_eq!(rig.covered("acc_1").await.expect("covered").0, ago((3 * 365 + 1) * 24));
}

#[tokio::test(start_paused = true)]
async fn more_rows_at_one_instant_than_a_page_holds_lose_nothing() {
    let bank = Bank::new();
    for index in 0..350 {
        bank.pay("acc_1", &format!("tx_tie{index:04}"), ago(1000), -1);
        bank.pay("acc_2", &format!("tx_new{index:04}"), ago(20), -1);
    }
    let rig = Rig::new(bank).await;
    done(&rig.log_in().await);
    rig.equals_the_bank().await;
}

#[tokio::test(start_paused = true)]
async fn a_bank_that_serves_fewer_rows_than_asked_is_read_to_the_end() {
    let bank = Bank::new();
    bank.short_pages(50);
    let rig = Rig::new(bank).await;
    done(&rig.log_in().await);
    rig.equals_the_bank().await;
    rig.bank.pay("acc_1", "tx_young", NOW, -5);
    done(&rig.sync(true).await);
    rig.equals_the_bank().await;
}

#[tokio::test(start_paused = true)]
async fn a_first_row_that_is_older_than_its_account_is_read() {
    let bank = Bank::new();
    bank.pay("acc_1", "tx_first", ago(3 * 365 * 24) - Duration::from_millis(3), 10_000);
    let rig = Rig::new(bank).await;
    done(&rig.log_in().await);
    rig.equals_the_bank().await;
    let account = rig.store.read(|reader| reader.account(&"acc_1".into())).await.expect("an account");
    assert_eq!(account.difference, Some(0));
}

#[tokio::test(start_paused = true)]
async fn a_history_that_began_with_its_account_gets_the_day_before_at_the_next_login() {
    let bank = Bank::new();
    bank.pay("acc_1", "tx_first", ago(3 * 365 * 24) - Duration::from_millis(3), 10_000);
    let rig = Rig::new(bank).await;
    // As an earlier version read it.
    let cut = windows::cut(ago(3 * 365 * 24), NOW);
    let opened = serde_json::json!({"accounts": [{"id": "acc_1", "type": "uk_retail",
        "created": ago(3 * 365 * 24).to_string()}]});
    let accounts = crate::monzo::wire::accounts(opened.to_string().as_bytes()).expect("a list");
    rig.store
        .write(move |writer| {
            writer.upsert_accounts(&accounts, NOW)?;
            cut.iter().try_for_each(|window| {
                writer.add_window(&"acc_1".into(), window.since, window.before, WindowState::Open)
            })
        })
        .await
        .expect("kept");
    done(&rig.log_in().await);
    rig.equals_the_bank().await;
    assert_eq!(rig.covered("acc_1").await.expect("covered").0, ago((3 * 365 + 1) * 24));
}

#[tokio::test(start_paused = true)]
async fn a_balance_that_the_rows_do_not_explain_has_a_login_read_everything_again() {
    let rig = Rig::new(Bank::new()).await;
    done(&rig.log_in().await);
    rig.advance(1);
    // A row of long ago comes to light, and so does its share of the balance.
    rig.bank.pay("acc_1", "tx_late", ago(700 * 24), -4_200);
    done(&rig.sync(false).await);
    done(&rig.sync(false).await);
    let difference = || rig.store.read(|reader| Ok(reader.account(&"acc_1".into())?.difference));
    assert_eq!(difference().await.expect("an account"), Some(-4_200));
    done(&rig.log_in().await);
    rig.equals_the_bank().await;
    assert_eq!(difference().await.expect("an account"), Some(0));
}

#[tokio::test(start_paused = true)]
async fn a_balance_that_the_rows_do_not_explain_has_all_that_can_be_read_read_again_before_it_is_told() {
    let mut rig = Rig::new(Bank::new()).await;
    done(&rig.log_in().await);
    rig.advance(1);
    rig.bank.pay("acc_1", "tx_late", ago(60 * 24), -4_200);
    rig.events();
    done(&rig.sync(false).await);
    done(&rig.sync(false).await);
    rig.equals_the_bank().await;
    assert!(!rig.events().contains(&"difference_found".to_owned()));
}
