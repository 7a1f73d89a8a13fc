//! `spending`, `income` and `cashflow`.

use jiff::Timestamp;
use monzo_common::api::client::*;
use monzo_common::model::{Comparison, FigureGroup, FigurePeriod, Figures, FiguresQuery};
use monzo_common::period::{End, Period};

use super::accounts::{account_ids, pot_id};
use super::status::unread;
use super::transactions::ends;
use crate::args::{self, By, Compare, Output, Per};
use crate::client::Daemon;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;
use crate::view::{self, Side, columns};

/// `spending`
pub(super) async fn spending(args: &args::Figures, session: &mut Session) -> Result<Exit, Failure> {
    let daemon = session.connect().await?;
    let figures = daemon.client.spending(query(args, &daemon, FigureGroup::Category).await?).await?;
    show(&figures, Side::Spending, &daemon, session).await
}

/// `income`
pub(super) async fn income(args: &args::Figures, session: &mut Session) -> Result<Exit, Failure> {
    let daemon = session.connect().await?;
    let figures = daemon.client.income(query(args, &daemon, FigureGroup::Payee).await?).await?;
    show(&figures, Side::Income, &daemon, session).await
}

async fn show(
    figures: &Figures,
    side: Side,
    daemon: &Daemon,
    session: &mut Session,
) -> Result<Exit, Failure> {
    let style = session.look(&daemon.time);
    match session.global.form() {
        Output::Table | Output::Json => {
            session.print_one(side.noun(), figures, || view::figures(figures, side, &style))?;
        }
        // The lines are what a table of values is made of.
        Output::Jsonl | Output::Csv => {
            session.print_list(side.noun(), columns::FIGURE, &figures.rows, String::new)?;
        }
    }
    if figures.rows.is_empty() {
        unread(daemon, session).await?;
    }
    Ok(Exit::Done)
}

/// `cashflow`
pub(super) async fn cashflow(args: &args::Cashflow, session: &mut Session) -> Result<Exit, Failure> {
    let daemon = session.connect().await?;
    let (since, until) = span(&args.span, &daemon)?;
    let cashflow = daemon.client.cashflow(since, until, args.per.map(per)).await?;
    let style = session.look(&daemon.time);
    match session.global.form() {
        Output::Table | Output::Json => {
            session.print_one("cashflow", &cashflow, || view::cashflow(&cashflow, &style))?;
        }
        Output::Jsonl | Output::Csv => {
            let rows = if args.per.is_some() { &cashflow.periods } else { &cashflow.accounts };
            session.print_list("cashflow", columns::CASHFLOW, rows, String::new)?;
        }
    }
    if cashflow.accounts.is_empty() {
        unread(&daemon, session).await?;
    }
    Ok(Exit::Done)
}

/// The period that was typed, else this cycle.
fn span(span: &args::Span, daemon: &Daemon) -> Result<(Timestamp, Timestamp), Failure> {
    Ok(match ends(span, &daemon.time)? {
        (Some(since), Some(until)) => (since, until),
        // Until the end of today, whose transactions all count.
        (Some(since), None) => (since, daemon.time.period("today", End::Until)?.until.max(since)),
        (None, Some(_)) => {
            return Err(Failure::usage(
                "--until needs --since",
                "say where the period begins, for example `--since 2026-01-01`",
            ));
        }
        (None, None) => {
            let Period { since, until } = daemon.time.period("this-cycle", End::Since)?;
            (since, until)
        }
    })
}

async fn query(args: &args::Figures, daemon: &Daemon, usual: FigureGroup) -> Result<FiguresQuery, Failure> {
    let (since, until) = span(&args.span, daemon)?;
    let (mut by, mut by_period) = (None, args.per.map(per));
    match args.by.map(meant) {
        Some(Meant::Group(group)) => by = Some(group),
        Some(Meant::Period(period)) => match by_period {
            Some(other) if other != period => {
                return Err(Failure::usage(
                    format!("--by {period} and --per {other} ask for two kinds of period"),
                    format!("leave one out, for example `--per {period}`"),
                ));
            }
            _ => by_period = Some(period),
        },
        None if args.tree || by_period.is_some() => {}
        None => by = Some(usual),
    }
    Ok(FiguresQuery {
        since,
        until,
        by,
        per: by_period,
        tree: args.tree,
        compare: args.compare.map(|compare| match compare {
            Compare::Previous => Comparison::Previous,
            Compare::Year => Comparison::Year,
            Compare::Average => Comparison::Average,
        }),
        accounts: account_ids(&args.account, daemon).await?,
        pot: pot_id(args.pot.as_deref(), daemon).await?,
        category: args.category.as_deref().map(super::transactions::category),
        merchant: args.merchant.clone(),
        zero: args.zero,
    })
}

enum Meant {
    Group(FigureGroup),
    Period(FigurePeriod),
}

fn meant(by: By) -> Meant {
    match by {
        By::Category => Meant::Group(FigureGroup::Category),
        By::Merchant => Meant::Group(FigureGroup::Merchant),
        By::Payee => Meant::Group(FigureGroup::Payee),
        By::Trip => Meant::Group(FigureGroup::Trip),
        By::Account => Meant::Group(FigureGroup::Account),
        By::Pot => Meant::Group(FigureGroup::Pot),
        By::Person => Meant::Group(FigureGroup::Person),
        By::Day => Meant::Period(FigurePeriod::Day),
        By::Week => Meant::Period(FigurePeriod::Week),
        By::Month => Meant::Period(FigurePeriod::Month),
        By::Cycle => Meant::Period(FigurePeriod::Cycle),
        By::Year => Meant::Period(FigurePeriod::Year),
    }
}

fn per(per: Per) -> FigurePeriod {
    match per {
        Per::Day => FigurePeriod::Day,
        Per::Week => FigurePeriod::Week,
        Per::Month => FigurePeriod::Month,
        Per::Cycle => FigurePeriod::Cycle,
        Per::Year => FigurePeriod::Year,
    }
}
