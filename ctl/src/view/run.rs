//! Runs and their transfers: how far they are, how they ended, and what stands behind them.

use monzo_common::model::{PlannedTarget, Run, RunState, StepKind, Transfer, TransferKind, TransferState};
use monzo_common::money::Money;

use super::account::facts;
use super::plan::{once, plan, plan_names};
use super::progress::count;
use super::style::{Paint, Style};
use super::table::{Align, Table};
use super::text::clean;
use super::transaction::Names;

/// What a state is called, and its colour.
pub(super) fn run_state(state: RunState) -> (Paint, &'static str) {
    match state {
        RunState::Proposed => (Paint::Note, "proposed"),
        RunState::Withheld => (Paint::Bad, "withheld"),
        RunState::Approved => (Paint::Note, "approved"),
        RunState::Waiting => (Paint::Note, "waiting"),
        RunState::Executing => (Paint::Note, "executing"),
        RunState::Done => (Paint::Good, "done"),
        RunState::Partial => (Paint::Note, "partial"),
        RunState::Failed => (Paint::Bad, "failed"),
        RunState::Expired => (Paint::Quiet, "expired"),
        RunState::Rejected => (Paint::Quiet, "rejected"),
        RunState::Cancelled => (Paint::Quiet, "cancelled"),
    }
}

fn transfer_state(state: TransferState) -> (Paint, &'static str, &'static str) {
    match state {
        TransferState::Planned => (Paint::Quiet, "·", "planned"),
        TransferState::Requested => (Paint::Note, "?", "requested"),
        TransferState::Confirmed => (Paint::Good, "✓", "confirmed"),
        TransferState::Failed => (Paint::Bad, "✗", "failed"),
        TransferState::Cancelled => (Paint::Quiet, "–", "cancelled"),
    }
}

/// `£850.00 into Rent`
pub fn transfer_words(transfer: &Transfer, names: &Names) -> String {
    let pot = names.get(transfer.pot_id.as_str()).map_or(transfer.pot_id.as_str(), String::as_str);
    let amount = Money::new(transfer.amount, transfer.currency);
    let way = match transfer.kind {
        TransferKind::Withdraw => "out of",
        TransferKind::Deposit => "into",
        TransferKind::Return => "back into",
    };
    format!("{amount} {way} {}", clean(pot))
}

/// What has arrived.
fn moved(run: &Run) -> i64 {
    let done = run.transfers.iter().filter(|one| one.state == TransferState::Confirmed);
    once(done.map(|one| (one.kind, one.amount)))
}

fn settled(run: &Run) -> usize {
    run.transfers.iter().filter(|one| one.state == TransferState::Confirmed).count()
}

/// `2 of 5 transfers`
fn share(run: &Run) -> String {
    let all = u64::try_from(run.transfers.len()).unwrap_or(u64::MAX);
    format!("{} of {}", settled(run), count(all, "transfer"))
}

/// How a run stands or ended, with each transfer.
pub fn run_outcome(run: &Run, style: &Style) -> String {
    let (paint, words) = match run.state {
        RunState::Proposed => (Paint::Note, "Waits for approval"),
        RunState::Withheld => (Paint::Bad, "Held back"),
        RunState::Approved => (Paint::Note, "Approved"),
        RunState::Waiting => (Paint::Note, "Waiting"),
        RunState::Executing => (Paint::Note, "Under way"),
        RunState::Done => (Paint::Good, "Done"),
        RunState::Partial => (Paint::Note, "Done in part"),
        RunState::Failed => (Paint::Bad, "Failed"),
        RunState::Expired => (Paint::Note, "Expired"),
        RunState::Rejected => (Paint::Quiet, "Rejected"),
        RunState::Cancelled => (Paint::Note, "Cancelled"),
    };
    let untouched = run
        .transfers
        .iter()
        .all(|one| matches!(one.state, TransferState::Planned | TransferState::Cancelled));
    let to_come = || {
        let all = u64::try_from(run.transfers.len()).unwrap_or(u64::MAX);
        let amount =
            Money::new(once(run.transfers.iter().map(|one| (one.kind, one.amount))), run.plan.currency);
        format!("{amount} in {} will be moved", count(all, "transfer"))
    };
    let how = if run.state == RunState::Approved && untouched {
        to_come()
    } else if run.state == RunState::Waiting && untouched {
        format!("nothing was moved yet; {}", to_come())
    } else if untouched && run.state != RunState::Executing {
        "nothing was moved".to_owned()
    } else {
        let took = run.started_at.zip(run.ended_at).map(|(began, ended)| ended.duration_since(began));
        let took = took.map(|took| format!(" in {}", crate::daemon_time::span(took))).unwrap_or_default();
        format!("{} moved, {}{took}", Money::new(moved(run), run.plan.currency), share(run))
    };
    let id = style.paint(Paint::Quiet, &format!("[{}]", clean(&run.id)));
    let mut text = format!("{}: {how} {id}\n", style.paint(paint, words));
    if let Some(reason) = &run.reason {
        text.push_str(&format!("  {}\n", clean(reason)));
    }
    if let (RunState::Waiting, Some(until)) = (run.state, run.expires_at) {
        text.push_str(&format!("  until {} ({})\n", style.time.minute(until), style.time.relative(until)));
    }
    if !untouched {
        let names = plan_names(&run.plan);
        run.transfers.iter().for_each(|one| text.push_str(&line(one, &names, style)));
    }
    if matches!(run.state, RunState::Done | RunState::Partial) {
        text.push_str(&asked(run, style));
    }
    text
}

/// What a run leaves for the person to send.
fn asked(run: &Run, style: &Style) -> String {
    let asks = run.plan.steps.iter().filter(|step| step.kind == StepKind::Ask).flat_map(|step| &step.targets);
    let line = |target: &PlannedTarget| {
        let (mark, money) = (style.paint(Paint::Note, "→"), Money::new(target.amount, run.plan.currency));
        format!("  {mark} {money} to {}: for you to send in the app\n", clean(&target.name))
    };
    asks.filter(|target| target.amount > 0).map(line).collect()
}

fn line(transfer: &Transfer, names: &Names, style: &Style) -> String {
    let (paint, mark, _) = transfer_state(transfer.state);
    let remark = match (&transfer.error, transfer.state) {
        (Some(error), _) => format!(": {}", clean(error)),
        (None, TransferState::Requested) => ": whether it happened is not known yet".to_owned(),
        (None, TransferState::Cancelled) => ": not sent".to_owned(),
        (None, _) => String::new(),
    };
    format!("  {} {}{remark}\n", style.paint(paint, mark), transfer_words(transfer, names))
}

/// `show RUN`
pub fn show_run(run: &Run, style: &Style) -> String {
    let at = |at: Option<jiff::Timestamp>| at.map(|at| style.time.second(at)).unwrap_or_default();
    let expires = if run.state == RunState::Waiting { "Waits until" } else { "Expires" };
    let mut text = facts(
        style,
        &[
            ("Run", run.id.clone()),
            ("Rule", run.rule.clone()),
            ("Cause", run.cause.to_string()),
            ("For", run.occurrence.clone().unwrap_or_default()),
            ("Undoes", run.undoes.clone().unwrap_or_default()),
            ("State", run_state(run.state).1.to_owned()),
            ("Reason", run.reason.clone().unwrap_or_default()),
            ("Made", at(Some(run.created_at))),
            (expires, at(run.expires_at)),
            ("Started", at(run.started_at)),
            ("Ended", at(run.ended_at)),
            ("Plan", run.plan_hash.clone()),
        ],
    );
    if !run.transfers.is_empty() {
        text.push('\n');
        text.push_str(&transfers(&run.transfers, &plan_names(&run.plan), style));
    }
    text.push('\n');
    text.push_str(&plan(&run.plan, true, style));
    text
}

/// `sort history`
pub fn runs(runs: &[Run], style: &Style) -> String {
    if runs.is_empty() {
        return "There are no runs yet.\n".to_owned();
    }
    let mut table = Table::new(&[
        ("MADE", Align::Left),
        ("RULE", Align::Flexible),
        ("WHY", Align::Left),
        ("FOR", Align::Left),
        ("STATE", Align::Left),
        ("MOVED", Align::Right),
        ("TRANSFERS", Align::Right),
        ("ID", Align::Left),
        ("", Align::Flexible),
    ])
    .sparing(&["FOR", "WHY", "TRANSFERS"]);
    for run in runs {
        let (paint, state) = run_state(run.state);
        table.painted([
            (&style.time.minute(run.created_at), Paint::Plain),
            (&run.rule, Paint::Plain),
            (run.cause.word(), Paint::Quiet),
            (run.occurrence.as_deref().unwrap_or_default(), Paint::Quiet),
            (state, paint),
            (&Money::new(moved(run), run.plan.currency).to_string(), Paint::Plain),
            (&format!("{}/{}", settled(run), run.transfers.len()), Paint::Quiet),
            (&run.id, Paint::Quiet),
            (run.reason.as_deref().unwrap_or_default(), Paint::Note),
        ]);
    }
    table.take(style)
}

/// `sort transfers`
pub fn transfers(transfers: &[Transfer], names: &Names, style: &Style) -> String {
    if transfers.is_empty() {
        return "There are no transfers yet.\n".to_owned();
    }
    let mut table = Table::new(&[
        ("SENT", Align::Left),
        ("AMOUNT", Align::Right),
        ("WAY", Align::Left),
        ("POT", Align::Flexible),
        ("STATE", Align::Left),
        ("IN THE LEDGER", Align::Left),
        ("RUN", Align::Left),
        ("", Align::Flexible),
    ])
    .sparing(&["RUN", "IN THE LEDGER"]);
    for one in transfers {
        let (paint, _, state) = transfer_state(one.state);
        let way = match one.kind {
            TransferKind::Withdraw => "out of",
            TransferKind::Deposit => "into",
            TransferKind::Return => "back into",
        };
        let pot = names.get(one.pot_id.as_str()).map_or(one.pot_id.as_str(), String::as_str);
        let row = one.transaction_id.as_ref().map(ToString::to_string);
        let row = row.or_else(|| one.reconciled_at.map(|_| "seen".to_owned()));
        table.painted([
            (&one.requested_at.map_or_else(|| "–".to_owned(), |at| style.time.minute(at)), Paint::Plain),
            (&Money::new(one.amount, one.currency).to_string(), Paint::Plain),
            (way, Paint::Quiet),
            (pot, Paint::Plain),
            (state, paint),
            (&row.unwrap_or_default(), Paint::Quiet),
            (&one.run_id, Paint::Quiet),
            (one.error.as_deref().unwrap_or_default(), Paint::Bad),
        ]);
    }
    table.take(style)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::fixture::{self, style};

    #[test]
    fn an_outcome_names_each_transfer_and_why_one_failed() {
        let mut run = fixture::run(RunState::Partial);
        run.transfers[1].state = TransferState::Failed;
        run.transfers[1].error = Some("the pot is locked".into());
        run.transfers[2].state = TransferState::Requested;
        run.transfers[3].state = TransferState::Cancelled;
        insta::assert_snapshot!(run_outcome(&run, &style(None)), @r"
        Done in part: £394.50 moved, 1 of 4 transfers in 4 s [run_7k]
          ✓ £394.50 into Bills
          ✗ £850.00 into Rent: the pot is locked
          ? £66.70 into Holiday: whether it happened is not known yet
          – £100.00 into Car: not sent
          → £600.00 to Joint: for you to send in the app
        ");
    }

    #[test]
    fn money_between_pots_counts_once_where_it_arrives() {
        let mut run = fixture::run(RunState::Partial);
        run.transfers.truncate(3);
        run.transfers[0].kind = TransferKind::Withdraw;
        run.transfers[0].amount = 100;
        run.transfers[1].amount = 60;
        run.transfers[2].kind = TransferKind::Return;
        run.transfers[2].amount = 40;
        assert_eq!(moved(&run), 60);
        run.transfers.truncate(1);
        assert_eq!(moved(&run), 100);
    }

    #[test]
    fn one_run_is_shown_with_its_transfers_and_its_plan() {
        insta::assert_snapshot!(show_run(&fixture::run(RunState::Done), &style(None)), @r"
        Run      run_7k
        Rule     payday
        Cause    occurrence
        For      2026-07-22
        State    done
        Made     2026-07-22 11:00:00
        Started  2026-07-22 11:00:00
        Ended    2026-07-22 11:00:04
        Plan     5f2c77

        SENT               AMOUNT  WAY   POT      STATE      IN THE LEDGER  RUN
        2026-07-22 11:00  £394.50  into  Bills    confirmed                 run_7k
        2026-07-22 11:00  £850.00  into  Rent     confirmed                 run_7k
        2026-07-22 11:00   £66.70  into  Holiday  confirmed                 run_7k
        2026-07-22 11:00  £100.00  into  Car      confirmed                 run_7k

        Plan of payday  as of 2026-07-22 10:55 (5 min ago)

              WHERE          MOVES     BEFORE         AFTER
        from  Personal  -£1,411.20  £2,611.20  →  £1,200.00
        1     Bills       +£394.50     £18.00  →    £412.50
        2     Rent        +£850.00      £0.00  →    £850.00
        3     Holiday      +£66.70    £433.30  →    £500.00  short by £900.00
              Car         +£100.00      £0.00  →    £100.00
        4     Joint        £600.00                           set aside; you send it

        Moves £1,411.20 in 4 transfers. £1,200.00 stays in Personal; £600.00 must stay.

        Why
          • 3 Holiday and Car, short by £900.00: the rest in equal parts, each up to its goal
          • 3 Holiday and Car, capped: Holiday reaches its goal of £500.00

        Step 1, bills for Bills
          bills until 28 Aug, plus 5 %, less what is there
          bills                      £392.85
          balance                     £18.00
          2026-08-01  Council Tax    £150.00
          2026-08-14  Car insurance  £242.85  a twelfth of £2,914.20
          gets                       £394.50

        Step 3, goals for Holiday and Car
          the rest in equal parts, each up to its goal
          gets  £166.70  short by £900.00
        ");
    }
}
