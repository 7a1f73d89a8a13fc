//! `autosort.*`, `transfers.list`, `insight.payday` and `pots.discover`.

use jiff::Timestamp;
use monzo_common::fault::{Fault, FaultKind};
use monzo_common::model::{
    Backtest, FreezeChange, PaydayCalendar, Plan, Rule, Run, RunPage, RunStarted, Suggestion, TransferPage,
    Why,
};

use super::desk::Desk;
use crate::autosort::study::suggest::Kind;

fn no_cursor(method: &str) -> Fault {
    Fault::new(FaultKind::InvalidParams, format!("this is no cursor of {method}"), "begin without one")
}

pub(super) async fn rules(desk: &Desk) -> Result<Vec<Rule>, Fault> {
    Ok(desk.rooms()?.sorter.rules().await?)
}

pub(super) async fn plan(desk: &Desk, rule: String, at: Option<Timestamp>) -> Result<Plan, Fault> {
    Ok(desk.rooms()?.sorter.plan(&rule, at).await?)
}

pub(super) async fn run_rule(
    desk: &Desk,
    rule: String,
    hash: Option<String>,
    again: bool,
) -> Result<RunStarted, Fault> {
    Ok(desk.rooms()?.sorter.run_rule(&rule, hash.as_deref(), again).await?)
}

pub(super) async fn move_money(
    desk: &Desk,
    amount: i64,
    from: String,
    to: String,
) -> Result<RunStarted, Fault> {
    Ok(desk.rooms()?.sorter.move_money(amount, &from, &to).await?)
}

pub(super) async fn approve(desk: &Desk, id: Option<String>) -> Result<RunStarted, Fault> {
    Ok(desk.rooms()?.sorter.approve(id.as_deref()).await?)
}

pub(super) async fn reject(desk: &Desk, id: String) -> Result<RunStarted, Fault> {
    Ok(desk.rooms()?.sorter.reject(&id).await?)
}

pub(super) async fn cancel(desk: &Desk, id: String) -> Result<RunStarted, Fault> {
    Ok(desk.rooms()?.sorter.cancel(&id).await?)
}

pub(super) async fn undo(desk: &Desk, id: String) -> Result<RunStarted, Fault> {
    Ok(desk.rooms()?.sorter.undo(&id).await?)
}

pub(super) async fn runs(
    desk: &Desk,
    rule: Option<String>,
    cursor: Option<String>,
    limit: Option<u32>,
) -> Result<RunPage, Fault> {
    let before = cursor.map(|text| text.parse().map_err(|_| no_cursor("autosort.runs"))).transpose()?;
    Ok(desk.rooms()?.sorter.runs(rule, before, limit).await?)
}

pub(super) async fn run(desk: &Desk, id: String) -> Result<Run, Fault> {
    Ok(desk.rooms()?.sorter.run_of(&id).await?)
}

pub(super) async fn freeze(
    desk: &Desk,
    rule: Option<String>,
    until: Option<Timestamp>,
    reason: Option<String>,
) -> Result<FreezeChange, Fault> {
    Ok(desk.rooms()?.sorter.freeze(rule, until, reason).await?)
}

pub(super) async fn thaw(
    desk: &Desk,
    rule: Option<String>,
    pot: Option<String>,
) -> Result<FreezeChange, Fault> {
    let sorter = &desk.rooms()?.sorter;
    match (rule, pot) {
        (Some(_), Some(_)) => Err(Fault::new(
            FaultKind::InvalidParams,
            "`rule` and `pot` are both given",
            "give one of them, or none to thaw everything",
        )),
        (None, Some(pot)) => Ok(sorter.thaw_pot(&pot).await?),
        (rule, None) => Ok(sorter.thaw(rule).await?),
    }
}

pub(super) async fn backtest(desk: &Desk, rule: String, since: Timestamp) -> Result<Backtest, Fault> {
    Ok(desk.rooms()?.sorter.backtest(&rule, since).await?)
}

pub(super) async fn suggest(desk: &Desk, kind: Option<String>) -> Result<Suggestion, Fault> {
    let kind = kind.map(|word| word.parse::<Kind>()).transpose().map_err(|error| {
        Fault::new(FaultKind::InvalidParams, error.to_string(), "without a kind, all are suggested")
    })?;
    let folder = desk.locations.drop_ins().display().to_string();
    Ok(desk.rooms()?.sorter.suggest(kind, folder).await?)
}

pub(super) async fn why(desk: &Desk, subject: String) -> Result<Why, Fault> {
    Ok(desk.rooms()?.sorter.why(&subject).await?)
}

pub(super) async fn transfers(
    desk: &Desk,
    run: Option<String>,
    cursor: Option<String>,
    limit: Option<u32>,
) -> Result<TransferPage, Fault> {
    let after = match cursor {
        None => None,
        Some(text) => {
            let parts = text
                .split_once('/')
                .and_then(|(number, place)| Some((number.parse::<i64>().ok()?, place.parse::<u32>().ok()?)));
            Some(parts.ok_or_else(|| no_cursor("transfers.list"))?)
        }
    };
    Ok(desk.rooms()?.sorter.transfers(run, after, limit).await?)
}

pub(super) async fn payday(desk: &Desk, count: u32) -> Result<Vec<PaydayCalendar>, Fault> {
    Ok(desk.rooms()?.sorter.paydays(count).await?)
}

pub(super) async fn discover(desk: &Desk, pot: String) -> Result<RunStarted, Fault> {
    Ok(desk.rooms()?.sorter.discover(&pot).await?)
}
