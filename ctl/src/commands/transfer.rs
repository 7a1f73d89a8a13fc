//! `move`, and the runs and transfers of the past.

use monzo_common::api::client::*;
use monzo_common::model::{Run, Transfer};

use super::accounts::{AccountOrPot, places};
use super::amount::amount;
use super::run;
use super::status::unread;
use crate::args;
use crate::client::Daemon;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::find::{self, Named};
use crate::session::Session;
use crate::view::{self, Names, columns};

/// Transfers asked for at a time.
const PAGE: u32 = 200;

/// Runs asked for at a time; each has its whole plan.
const RUNS: u32 = 50;

/// `move`
pub(super) async fn move_money(args: &args::Move, session: &mut Session) -> Result<Exit, Failure> {
    let minor = amount(&args.amount)?;
    run::consent(session, "on a terminal the plan is shown first")?;
    let mut daemon = session.connect().await?;
    let places = places(&daemon).await?;
    let (from, to) = (place(&args.from, &places)?, place(&args.to, &places)?);
    if from == to {
        return Err(Failure::usage("what gives and what gets are the same", "name two places"));
    }
    let started = daemon.client.move_money(minor, from, to).await?;
    run::settle(started, args.no_wait, &mut daemon, session).await
}

/// The id of an account or pot; `account:`, `pot:` and `pot:ACCOUNT/` say which is meant
/// (autosort/README.md, Names and trouble).
fn place(typed: &str, places: &[AccountOrPot]) -> Result<String, Failure> {
    let accounts = || -> Vec<_> {
        places
            .iter()
            .filter_map(|place| if let AccountOrPot::Account(one) = place { Some(one.clone()) } else { None })
            .collect()
    };
    if let Some(name) = typed.strip_prefix("account:") {
        return Ok(find::find(name, &accounts())?.id.to_string());
    }
    let Some(name) = typed.strip_prefix("pot:") else {
        return Ok(find::find(typed, places)?.id().to_owned());
    };
    let mut pots: Vec<_> = places
        .iter()
        .filter_map(|place| if let AccountOrPot::Pot(one) = place { Some(one.clone()) } else { None })
        .collect();
    let whole = find::find(name, &pots).map(|pot| pot.id.to_string());
    match (whole, name.split_once('/')) {
        (Err(_), Some((account, name))) => {
            let account = find::find(account, &accounts())?.id.clone();
            pots.retain(|pot| pot.account_id == account);
            Ok(find::find(name, &pots)?.id.to_string())
        }
        (whole, _) => whole,
    }
}

/// `sort history`
pub(super) async fn history(args: &args::SortHistory, session: &mut Session) -> Result<Exit, Failure> {
    let daemon = session.connect().await?;
    let rule = match &args.rule {
        None => None,
        Some(typed) => Some(past_rule(typed, &daemon).await?),
    };
    let limit = session.limit(args.limit);
    let mut runs: Vec<Run> = Vec::new();
    let mut cursor = None;
    while let Some(size) = left(limit, runs.len(), RUNS) {
        let page = daemon.client.runs(rule.clone(), cursor, Some(size)).await?;
        runs.extend(page.runs);
        cursor = page.cursor;
        if cursor.is_none() {
            break;
        }
    }
    let style = session.look(&daemon.time);
    session.print_list("runs", columns::RUN, &runs, || view::runs(&runs, &style))?;
    if runs.is_empty() {
        unread(&daemon, session).await?;
    }
    more(args.limit, cursor.is_some(), runs.len(), session)?;
    Ok(Exit::Done)
}

/// A rule as configured; one that is configured no more, or is made by hand, goes by its exact name.
async fn past_rule(typed: &str, daemon: &Daemon) -> Result<String, Failure> {
    let rules = daemon.client.rules().await?;
    match find::find(typed, &rules) {
        Ok(rule) => Ok(rule.name.clone()),
        Err(failure) => {
            let page = daemon.client.runs(Some(typed.to_owned()), None, Some(1)).await?;
            if page.runs.is_empty() { Err(failure) } else { Ok(typed.to_owned()) }
        }
    }
}

/// `sort transfers`
pub(super) async fn transfers(args: &args::SortTransfers, session: &mut Session) -> Result<Exit, Failure> {
    let daemon = session.connect().await?;
    let run = match &args.run {
        None => None,
        Some(typed) => Some(daemon.client.run(typed.trim().to_owned()).await?.id),
    };
    let limit = session.limit(args.limit);
    let mut transfers: Vec<Transfer> = Vec::new();
    let mut cursor = None;
    while let Some(size) = left(limit, transfers.len(), PAGE) {
        let page = daemon.client.transfers(run.clone(), cursor, Some(size)).await?;
        transfers.extend(page.transfers);
        cursor = page.cursor;
        if cursor.is_none() {
            break;
        }
    }
    let names: Names = if session.wants_data() {
        Names::new()
    } else {
        daemon.client.pots().await?.into_iter().map(|pot| (pot.id.into_string(), pot.name)).collect()
    };
    let style = session.look(&daemon.time);
    session.print_list("transfers", columns::TRANSFER, &transfers, || {
        view::transfers(&transfers, &names, &style)
    })?;
    if transfers.is_empty() {
        unread(&daemon, session).await?;
    }
    more(args.limit, cursor.is_some(), transfers.len(), session)?;
    Ok(Exit::Done)
}

/// How many to ask for next; nothing when the limit is reached.
fn left(limit: Option<u64>, shown: usize, page: u32) -> Option<u32> {
    let left = limit.map_or(page.into(), |limit| limit.saturating_sub(shown as u64)).min(page.into());
    u32::try_from(left).ok().filter(|left| *left > 0)
}

/// Says that there are more where a screen's limit cut.
fn more(asked: Option<u64>, more: bool, shown: usize, session: &mut Session) -> Result<(), Failure> {
    if asked.is_none() && more {
        session.note(&format!("The newest {shown}; --limit N shows more."))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use monzo_common::model::{RunPage, RunStarted, RunState, TransferPage};

    use super::*;
    use crate::fake::Fake;
    use crate::view::fixture::{account, pot, run};

    fn fake() -> Fake {
        let mut joint = pot("pot_9", "Bills", 0);
        joint.account_id = "acc_2".into();
        let mut by_hand = run(RunState::Proposed);
        (by_hand.rule, by_hand.plan.rule) = ("move".into(), "move".into());
        (by_hand.occurrence, by_hand.cause) = (None, monzo_common::model::RunCause::Hand);
        by_hand.plan.steps.truncate(2);
        by_hand.plan.steps.remove(0);
        by_hand.plan.steps[0].index = 1;
        by_hand.plan.transfers = vec![by_hand.plan.transfers[1].clone()];
        by_hand.plan.after = vec![by_hand.plan.after[0].clone(), by_hand.plan.after[2].clone()];
        by_hand.plan.after[0].after = by_hand.plan.after[0].before - 85_000;
        by_hand.plan.left = by_hand.plan.after[0].after;
        by_hand.plan.keep = 0;
        let mut done = by_hand.clone();
        done.state = RunState::Done;
        done.transfers = vec![run(RunState::Done).transfers[1].clone()];
        Fake::new()
            .says("accounts.list", &[account("acc_1", "Personal", None), account("acc_2", "Joint", None)])
            .says(
                "pots.list",
                &[pot("pot_2", "Rent", 0), pot("pot_1", "Bills", 0), joint, pot("pot_5", "Joint", 0)],
            )
            .says(
                "autosort.move",
                &RunStarted {
                    run: Some(by_hand),
                    message: String::new(),
                    changed: true,
                    left_out: Vec::new(),
                },
            )
            .says(
                "autosort.approve",
                &RunStarted { run: Some(done), message: String::new(), changed: true, left_out: Vec::new() },
            )
            .says("autosort.get", &run(RunState::Done))
    }

    #[tokio::test]
    async fn a_move_is_a_run_of_one_step() {
        let fake = fake();
        let ran = fake
            .run_with(&["move", "£850", "personal", "rent"], "y\n", &[], |terminal| {
                terminal.in_is_keyboard = true;
            })
            .await;
        insta::assert_snapshot!(ran, @r"
        exit 0
        --- out
        Done: £850.00 moved, 1 of 1 transfer [run_7k]
          ✓ £850.00 into Rent
        --- err
        Move by hand  as of 2026-07-22 10:55 (5 min ago)

              WHERE        MOVES     BEFORE         AFTER
        from  Personal  -£850.00  £2,611.20  →  £1,761.20
        1     Rent      +£850.00      £0.00  →    £850.00

        Moves £850.00 in 1 transfer. £1,761.20 stays in Personal.

        Move this? [y/N]
        ");
        insta::assert_snapshot!(fake.calls(), @r#"
        accounts.list {"hidden":true}
        pots.list
        autosort.move {"amount":85000,"from":"acc_1","to":"pot_2"}
        autosort.approve {"id":"run_7k"}
        "#);
    }

    #[tokio::test]
    async fn an_amount_that_could_be_misread_is_refused_before_anything_is_asked() {
        let fake = fake();
        insta::assert_snapshot!(fake.run(&["move", "12", "Personal", "Rent", "-y"], "").await, @r"
        exit 2
        --- out
        --- err
        error: ‘12’ could be pounds or pence
        try: write £12 for pounds, or 12p for pence
        ");
        insta::assert_snapshot!(fake.run(&["move", "5.5", "Personal", "Rent", "-y"], "").await, @r"
        exit 2
        --- out
        --- err
        error: ‘5.5’ is not an amount that can be moved
        try: write £12, £1,234.56, 12.34, or pence as 1234p
        ");
        insta::assert_snapshot!(fake.run(&["move", "£5", "Personal", "Rent"], "").await, @r"
        exit 2
        --- out
        --- err
        error: moving money needs your yes, and there is no terminal to ask on
        try: add --yes; on a terminal the plan is shown first
        ");
        insta::assert_snapshot!(fake.run(&["move", "£5", "Rent", "pot_2", "-y"], "").await, @r"
        exit 2
        --- out
        --- err
        error: what gives and what gets are the same
        try: name two places
        ");
        assert!(!fake.calls().contains("autosort.move"));
    }

    #[tokio::test]
    async fn places_with_one_name_are_told_apart() {
        let all = fake();
        for (typed, id) in [
            ("Personal", "acc_1"),
            ("pot:Rent", "pot_2"),
            ("account:Joint", "acc_2"),
            ("pot:joint", "pot_5"),
            ("pot:Joint/Bills", "pot_9"),
            ("pot:acc_1/bills", "pot_1"),
        ] {
            let from = if id == "acc_1" { "Rent" } else { "Personal" };
            let ran = all.run(&["move", "1p", from, typed, "-y"], "").await;
            assert_eq!(ran.exit, Exit::Done, "{typed}\n{ran}");
            assert!(all.calls().contains(&format!("\"to\":\"{id}\"")), "{typed}");
        }
        for typed in ["Joint", "pot:Bills", "pot:Nowhere/Bills", "account:Rent"] {
            let ran = all.run(&["move", "1p", "Personal", typed, "-y"], "").await;
            assert_eq!(ran.exit, Exit::Usage, "{typed}\n{ran}");
        }
    }

    #[tokio::test]
    async fn runs_and_transfers_are_listed_page_by_page() {
        let page = |cursor: Option<&str>| RunPage {
            runs: vec![run(RunState::Done)],
            cursor: cursor.map(Into::into),
        };
        let transfers = run(RunState::Done).transfers;
        let fake = fake().says_in_turn("autosort.runs", &[page(Some("2")), page(None)]).says_in_turn(
            "transfers.list",
            &[
                TransferPage { transfers: transfers[..2].to_vec(), cursor: Some("2".into()) },
                TransferPage { transfers: transfers[2..].to_vec(), cursor: None },
            ],
        );
        insta::assert_snapshot!(fake.run(&["sort", "history"], "").await, @r"
        exit 0
        --- out
        MADE              RULE    WHY         FOR         STATE      MOVED  TRANSFERS  ID
        2026-07-22 11:00  payday  occurrence  2026-07-22  done   £1,411.20        4/4  run_7k
        2026-07-22 11:00  payday  occurrence  2026-07-22  done   £1,411.20        4/4  run_7k
        --- err
        ");
        insta::assert_snapshot!(fake.run(&["sort", "transfers", "run_7"], "").await, @r"
        exit 0
        --- out
        SENT               AMOUNT  WAY   POT    STATE      IN THE LEDGER  RUN
        2026-07-22 11:00  £394.50  into  Bills  confirmed                 run_7k
        2026-07-22 11:00  £850.00  into  Rent   confirmed                 run_7k
        2026-07-22 11:00   £66.70  into  pot_3  confirmed                 run_7k
        2026-07-22 11:00  £100.00  into  pot_4  confirmed                 run_7k
        --- err
        ");
        let ran = fake.run(&["sort", "transfers", "-o", "csv", "--limit", "1"], "").await;
        insta::assert_snapshot!(ran, @r"
        exit 0
        --- out
        run_id,place,kind,pot_id,account_id,amount,currency,state,dedupe_id,requested_at,confirmed_at,reconciled_at,transaction_id,error
        run_7k,3,deposit,pot_3,acc_1,6670,GBP,confirmed,mz-abc-3d,2026-07-22T10:00:00Z,2026-07-22T10:00:00Z,,,
        run_7k,4,deposit,pot_4,acc_1,10000,GBP,confirmed,mz-abc-4d,2026-07-22T10:00:00Z,2026-07-22T10:00:00Z,,,
        --- err
        ");
        insta::assert_snapshot!(fake.calls(), @r#"
        autosort.runs {"cursor":null,"limit":50,"rule":null}
        autosort.runs {"cursor":"2","limit":50,"rule":null}
        autosort.get {"id":"run_7"}
        transfers.list {"cursor":null,"limit":200,"run":"run_7k"}
        transfers.list {"cursor":"2","limit":200,"run":"run_7k"}
        pots.list
        transfers.list {"cursor":null,"limit":1,"run":null}
        "#);
    }
}
