//! `autosort.*`, `transfers.list`, `insight.payday` and `pots.discover`.

use jiff::Timestamp;
use monzo_common::fault::{Fault, FaultKind};
use monzo_common::model::{
    Backtest, FreezeChange, PaydayCalendar, Plan, Rule, Run, RunPage, RunStarted, Suggestion, TransferPage,
    Why,
};

use super::desk::Desk;

fn not_yet() -> Fault {
    Fault::new(FaultKind::Conflict, "this branch has no sorter yet", "wait for it")
}

pub(super) async fn rules(_desk: &Desk) -> Result<Vec<Rule>, Fault> {
    Err(not_yet())
}

pub(super) async fn plan(_desk: &Desk, _rule: String, _at: Option<Timestamp>) -> Result<Plan, Fault> {
    Err(not_yet())
}

pub(super) async fn run_rule(
    _desk: &Desk,
    _rule: String,
    _hash: Option<String>,
    _again: bool,
) -> Result<RunStarted, Fault> {
    Err(not_yet())
}

pub(super) async fn move_money(
    _desk: &Desk,
    _amount: i64,
    _from: String,
    _to: String,
) -> Result<RunStarted, Fault> {
    Err(not_yet())
}

pub(super) async fn approve(_desk: &Desk, _id: Option<String>) -> Result<RunStarted, Fault> {
    Err(not_yet())
}

pub(super) async fn reject(_desk: &Desk, _id: String) -> Result<RunStarted, Fault> {
    Err(not_yet())
}

pub(super) async fn cancel(_desk: &Desk, _id: String) -> Result<RunStarted, Fault> {
    Err(not_yet())
}

pub(super) async fn undo(_desk: &Desk, _id: String) -> Result<RunStarted, Fault> {
    Err(not_yet())
}

pub(super) async fn runs(
    _desk: &Desk,
    _rule: Option<String>,
    _cursor: Option<String>,
    _limit: Option<u32>,
) -> Result<RunPage, Fault> {
    Err(not_yet())
}

pub(super) async fn run(_desk: &Desk, _id: String) -> Result<Run, Fault> {
    Err(not_yet())
}

pub(super) async fn freeze(
    _desk: &Desk,
    _rule: Option<String>,
    _until: Option<Timestamp>,
    _reason: Option<String>,
) -> Result<FreezeChange, Fault> {
    Err(not_yet())
}

pub(super) async fn thaw(_desk: &Desk, _rule: Option<String>) -> Result<FreezeChange, Fault> {
    Err(not_yet())
}

pub(super) async fn backtest(_desk: &Desk, _rule: String, _since: Timestamp) -> Result<Backtest, Fault> {
    Err(not_yet())
}

pub(super) async fn suggest(_desk: &Desk, _kind: Option<String>) -> Result<Suggestion, Fault> {
    Err(not_yet())
}

pub(super) async fn why(_desk: &Desk, _subject: String) -> Result<Why, Fault> {
    Err(not_yet())
}

pub(super) async fn transfers(
    _desk: &Desk,
    _run: Option<String>,
    _cursor: Option<String>,
    _limit: Option<u32>,
) -> Result<TransferPage, Fault> {
    Err(not_yet())
}

pub(super) async fn payday(_desk: &Desk, _count: u32) -> Result<Vec<PaydayCalendar>, Fault> {
    Err(not_yet())
}

pub(super) async fn discover(_desk: &Desk, _pot: String) -> Result<RunStarted, Fault> {
    Err(not_yet())
}
