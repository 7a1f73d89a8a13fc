//! Runs and transfers: the schema lets through exactly the steps that `autosort::run::state` knows, and forgets nothing.

use monzo_common::model::{Plan, PlannedTransfer, RunCause, RunState, Transfer, TransferKind, TransferState};

use super::*;
use crate::autosort::run::state::{self, RUNS};
use crate::store::{PlannedMove, StoreError, StoredAsk, StoredRun, StoredTransfer};

fn run(id: &str, state: RunState, occurrence: Option<&str>) -> StoredRun {
    let transfer = PlannedTransfer {
        kind: TransferKind::Deposit,
        pot_id: "pot_1".into(),
        account_id: "acc_1".into(),
        amount: 100,
    };
    StoredRun {
        number: 0,
        id: id.to_owned(),
        rule: "payday".to_owned(),
        cause: RunCause::Occurrence,
        occurrence: occurrence.map(str::to_owned),
        state,
        reason: None,
        plan: Plan {
            rule: "payday".to_owned(),
            as_of: at(0),
            hash: "h".to_owned(),
            available: 100,
            currency: Currency::GBP,
            keep: 0,
            left: 0,
            steps: Vec::new(),
            transfers: vec![transfer.clone()],
            after: Vec::new(),
            guards: Vec::new(),
            one_way: Vec::new(),
        },
        moves: vec![PlannedMove { transfer, funded_by: None, undoes: None }],
        rule_hash: None,
        account_id: "acc_1".into(),
        seed: "s".to_owned(),
        returns: true,
        floor: None,
        approved_by: None,
        cancelling: false,
        created_at: at(0),
        expires_at: None,
        approved_at: None,
        started_at: None,
        ended_at: None,
        undoes: None,
    }
}

fn transfer(run: &str, state: TransferState, key: &str) -> StoredTransfer {
    StoredTransfer {
        transfer: Transfer {
            run_id: run.to_owned(),
            place: 1,
            kind: TransferKind::Deposit,
            pot_id: "pot_1".into(),
            account_id: "acc_1".into(),
            amount: 100,
            currency: Currency::GBP,
            state,
            dedupe_id: key.to_owned(),
            requested_at: None,
            confirmed_at: None,
            reconciled_at: None,
            transaction_id: None,
            error: None,
        },
        funded_by: None,
        last_requested_at: None,
        requests: 0,
        outcome_unknown: false,
        refused: false,
        pot_balance: None,
        undoes: None,
    }
}

#[tokio::test]
async fn an_end_that_comes_too_late_leaves_a_run_as_it_is() {
    let rig = Rig::new().await;
    let kept = run("run_1", RunState::Proposed, None);
    let read = rig.store.write(move |writer| {
        writer.insert_run(&kept)?;
        writer.step_run("run_1", RunState::Proposed, RunState::Approved, None, None)?;
        let ended = writer.end_run(
            "run_1",
            RunState::Proposed,
            RunState::Expired,
            Some("late"),
            Timestamp::UNIX_EPOCH,
        )?;
        Ok((ended, writer.run("run_1")?))
    });
    let (ended, found) = read.await.expect("written");
    assert!(!ended && found.state == RunState::Approved && found.ended_at.is_none(), "{found:?}");
}

#[tokio::test]
async fn the_schema_lets_a_run_take_the_steps_of_the_journal_and_no_others() {
    let rig = Rig::new().await;
    for (index, from) in RUNS.into_iter().enumerate() {
        for (other, to) in RUNS.into_iter().enumerate() {
            let id = format!("run_{index}_{other}");
            let (kept, key) = (run(&id, from, None), id.clone());
            let stepped = rig.store.write(move |writer| {
                writer.insert_run(&kept)?;
                writer.step_run(&key, from, to, None, None)
            });
            let may = from == to || state::run_may(from, to);
            assert_eq!(stepped.await.is_ok(), may, "{from:?} to {to:?}");
        }
    }
}

#[tokio::test]
async fn a_transfer_is_sent_only_from_a_state_in_which_it_may_be() {
    let rig = Rig::new().await;
    rig.store
        .write(|writer| writer.insert_run(&run("run_1", RunState::Approved, None)))
        .await
        .expect("a run");
    rig.store
        .write(|writer| writer.insert_transfer(&transfer("run_1", TransferState::Planned, "mz-s-1d")))
        .await
        .expect("a transfer");
    let skipped = rig.store.write(|writer| writer.transfer_confirmed("mz-s-1d", None, None, at(1))).await;
    assert!(!skipped.expect("an answer"), "it was never sent");
    assert!(rig.store.write(|writer| writer.transfer_requested("mz-s-1d", at(1))).await.expect("noted"));
    let cancelled =
        rig.store.write(|writer| writer.transfer_ended("mz-s-1d", TransferState::Cancelled, "x")).await;
    assert!(cancelled.is_err(), "what is in doubt cannot be given up as not sent");
    assert!(
        rig.store
            .write(|writer| writer.transfer_confirmed("mz-s-1d", Some(5), None, at(2)))
            .await
            .expect("kept")
    );
    let again = rig.store.write(|writer| writer.transfer_requested("mz-s-1d", at(3))).await;
    assert!(!again.expect("an answer"), "what is settled is never sent again");
}

#[tokio::test]
async fn an_occurrence_and_a_key_are_used_once() {
    let rig = Rig::new().await;
    let keep = |run: StoredRun| rig.store.write(move |writer| writer.insert_run(&run));
    keep(run("run_1", RunState::Proposed, Some("2026-11-27"))).await.expect("a proposal");
    keep(run("run_2", RunState::Proposed, Some("2026-11-27"))).await.expect("another");
    keep(run("run_3", RunState::Approved, Some("2026-11-27"))).await.expect("the one that runs");
    assert!(keep(run("run_4", RunState::Approved, Some("2026-11-27"))).await.is_err(), "a second one");
    let approve = rig
        .store
        .write(|writer| writer.step_run("run_1", RunState::Proposed, RunState::Approved, None, None));
    assert!(approve.await.is_err(), "a second one by approval");
    let move_twice = rig.store.write(|writer| {
        writer.insert_transfer(&transfer("run_3", TransferState::Planned, "mz-s-1d"))?;
        writer.insert_transfer(&StoredTransfer {
            transfer: Transfer { place: 2, ..transfer("run_3", TransferState::Planned, "mz-s-1d").transfer },
            ..transfer("run_3", TransferState::Planned, "mz-s-1d")
        })
    });
    assert!(matches!(move_twice.await, Err(StoreError::Sql(_))));
}

#[tokio::test]
async fn only_what_is_held_back_is_given_another_plan_and_stays_the_same_run() {
    let rig = Rig::new().await;
    let replan = |id: &'static str, state| {
        let mut new = run("run_new", state, Some("2026-11-27"));
        (new.plan.hash, new.plan.available, new.created_at) = ("other".to_owned(), 250, at(9));
        rig.store.write(move |writer| writer.replan_run(id, &new))
    };
    for state in RUNS {
        let one = run("run_1", state, Some("2026-11-27"));
        let rig = Rig::new().await;
        rig.store.write(move |writer| writer.insert_run(&one)).await.expect("a run");
        let changed = rig.store.write(move |writer| writer.replan_run("run_1", &run("run_2", state, None)));
        assert_eq!(changed.await.expect("an answer"), state == RunState::Withheld, "{state:?}");
    }
    let held = run("run_1", RunState::Withheld, Some("2026-11-27"));
    rig.store.write(move |writer| writer.insert_run(&held)).await.expect("a run");
    assert!(replan("run_1", RunState::Executing).await.is_err(), "nothing is sent that was not approved");
    assert!(replan("run_1", RunState::Withheld).await.expect("an answer"));
    assert!(replan("run_1", RunState::Proposed).await.expect("an answer"));
    assert!(!replan("run_1", RunState::Proposed).await.expect("an answer"), "a proposal keeps its plan");
    let kept = rig.store.read(|reader| reader.run("run_1")).await.expect("the run");
    assert_eq!((kept.number, kept.created_at, kept.state), (1, at(0), RunState::Proposed));
    assert_eq!((kept.plan.hash.as_str(), kept.plan.available), ("other", 250));
}

#[tokio::test]
async fn a_freeze_holds_until_it_ends_or_is_thawed() {
    let rig = Rig::new().await;
    let freeze = |rule: Option<&'static str>, until| {
        rig.store.write(move |writer| writer.freeze(rule, until, "why", at(0)))
    };
    assert!(freeze(None, None).await.expect("frozen"));
    assert!(!freeze(None, None).await.expect("frozen already"), "a repeat changes nothing");
    assert!(freeze(Some("payday"), Some(at(10))).await.expect("frozen"));
    let held = |now| rig.store.read(move |reader| reader.freezes(now));
    assert_eq!(held(at(5)).await.expect("freezes").len(), 2);
    assert_eq!(held(at(10)).await.expect("freezes").len(), 1, "its time is over");
    assert!(rig.store.write(|writer| writer.thaw(None)).await.expect("thawed"));
    assert!(!rig.store.write(|writer| writer.thaw(None)).await.expect("thawed already"));
}

#[tokio::test]
async fn a_payment_that_was_asked_for_is_ticked_off_once_and_answers_nothing_else() {
    let rig = Rig::new().await;
    rig.keep("sync_1", vec![row("tx_before", at(1)), row("tx_after", at(9))]).await;
    let ask = |step: u32, amount: i64| StoredAsk {
        run_id: "run_1".to_owned(),
        step,
        account_id: "acc_1".into(),
        payee: "Landlord".to_owned(),
        amount,
        asked_at: at(5),
    };
    let (one, same, other) = (ask(1, 100), ask(2, 100), ask(3, 101));
    let kept = [one.clone(), same.clone(), other.clone()];
    let wrote = rig.store.write(move |writer| {
        writer.insert_run(&run("run_1", RunState::Done, None))?;
        kept.iter().try_for_each(|ask| writer.ask(ask))
    });
    wrote.await.expect("kept");
    let answers = async |ask: &StoredAsk| {
        let ask = ask.clone();
        let found = rig.store.read(move |reader| reader.possible_answers(&ask)).await.expect("rows");
        found.into_iter().map(|row| row.transaction_id).collect::<Vec<_>>()
    };
    assert_eq!(answers(&one).await, ["tx_after"], "neither what came before, nor another amount");
    assert!(answers(&other).await.is_empty());
    let paid = one.clone();
    let ticked = rig.store.write(move |writer| {
        Ok((writer.ask_paid(&paid, "tx_after", at(10))?, writer.ask_paid(&paid, "tx_after", at(11))?))
    });
    assert_eq!(ticked.await.expect("an answer"), (true, false));
    assert!(answers(&same).await.is_empty(), "one payment answers one request");
    assert_eq!(rig.store.read(|reader| reader.open_asks()).await.expect("asks"), [same, other]);
}
