//! `transactions` and `show`.
//!
//! The list is printed page by page as it comes, so that a whole history takes no more memory than a page.

use jiff::Timestamp;
use monzo_common::api::ApiClient;
use monzo_common::fault::FaultKind;
use monzo_common::model::{Direction, Revision, Transaction, TransactionQuery};
use monzo_common::money::{Currency, Money, NotMoney};
use monzo_common::period::{End, Period};
use serde::Serialize;

use super::accounts::{Place, places};
use crate::args::{self, Output, Span};
use crate::client::Daemon;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::find;
use crate::here::Here;
use crate::session::{Session, unprintable};
use crate::view::{self, Csv, Look, Table, columns, json};

/// Rows asked for at a time; a page with raw JSON stays near a megabyte.
const PAGE: u64 = 500;

/// `transactions`
pub(super) async fn transactions(args: &args::Transactions, session: &mut Session) -> Result<Exit, Failure> {
    if args.raw && session.global.form() == Output::Table {
        return Err(Failure::usage(
            "--raw does not fit a table",
            "add `-o jsonl`, `-o json` or `-o csv`; `monzoctl show ID` shows one with the bank's JSON",
        ));
    }
    let daemon = session.connect().await?;
    let mut query = query(args, &daemon).await?;
    let limit = session.limit(args.limit);
    let look = session.look(&daemon.here);
    let mut sheet = Sheet::new(session.global.form(), args.raw, &look);
    let mut text = sheet.begin();
    let mut shown = 0;
    loop {
        let left = limit.map_or(PAGE, |limit| limit.saturating_sub(shown)).min(PAGE);
        if left == 0 {
            break;
        }
        query.limit = u32::try_from(left).ok();
        let page = daemon.client.transactions(query.clone()).await?;
        for row in &page.transactions {
            sheet.add(row, &mut text)?;
            shown += 1;
        }
        sheet.turn(&mut text);
        query.cursor = page.cursor;
        if query.cursor.is_none() {
            break;
        }
        // On a screen the pager takes the whole; elsewhere each page goes out before the next is asked for.
        if !session.terminal.out_is_screen {
            session.print(&std::mem::take(&mut text))?;
        }
    }
    sheet.end(shown, &mut text);
    session.print(&text)?;
    if args.limit.is_none() && query.cursor.is_some() {
        session.note(&format!("The first {shown}; --limit N shows more."))?;
    }
    Ok(Exit::Done)
}

/// What is asked of the daemon.
async fn query(args: &args::Transactions, daemon: &Daemon) -> Result<TransactionQuery, Failure> {
    let (since, until) = ends(&args.span, &daemon.here)?;
    let (min, max) = (amount(args.min.as_deref(), "min")?, amount(args.max.as_deref(), "max")?);
    if let (Some(min), Some(max)) = (min, max)
        && min > max
    {
        return Err(Failure::usage("--min is more than --max", "exchange them"));
    }
    let mut accounts = Vec::new();
    if !args.account.is_empty() {
        let known = daemon.client.accounts(true).await?;
        for typed in &args.account {
            accounts.push(find::find(typed, &known)?.id.clone());
        }
    }
    let pot = match &args.pot {
        None => None,
        Some(typed) => Some(find::find(typed, &daemon.client.pots().await?)?.id.clone()),
    };
    Ok(TransactionQuery {
        since,
        until,
        accounts,
        pot,
        // The bank's keys are such as eating_out.
        category: args.category.as_ref().map(|typed| typed.trim().to_lowercase().replace([' ', '-'], "_")),
        merchant: args.merchant.clone(),
        min,
        max,
        direction: match (args.credit, args.debit) {
            (true, _) => Some(Direction::Credit),
            (_, true) => Some(Direction::Debit),
            _ => None,
        },
        pending: args.pending.then_some(true),
        declined: args.declined.then_some(true),
        withdrawn: args.withdrawn.then_some(true),
        reverse: args.reverse,
        raw: args.raw,
        cursor: None,
        limit: None,
    })
}

/// The two ends that a span means.
pub(super) fn ends(span: &Span, here: &Here) -> Result<(Option<Timestamp>, Option<Timestamp>), Failure> {
    if let Some(phrase) = &span.period {
        let Period { since, until } = here.period(phrase, End::Since)?;
        return Ok((Some(since), Some(until)));
    }
    let since = span.since.as_deref().map(|phrase| here.period(phrase, End::Since)).transpose()?;
    let until = span.until.as_deref().map(|phrase| here.period(phrase, End::Until)).transpose()?;
    let (since, until) = (since.map(|period| period.since), until.map(|period| period.until));
    if let (Some(since), Some(until)) = (since, until)
        && since >= until
    {
        return Err(Failure::usage("the period ends before it begins", "exchange --since and --until"));
    }
    Ok((since, until))
}

/// An amount without its sign, in minor units.
fn amount(typed: Option<&str>, flag: &str) -> Result<Option<i64>, Failure> {
    let Some(typed) = typed else { return Ok(None) };
    let money: Money = typed.parse().map_err(|error: NotMoney| {
        Failure::usage(format!("--{flag}: {error}"), "for example `--min £12.50`")
    })?;
    if money.currency != Currency::GBP {
        return Err(Failure::usage(
            format!("--{flag} is in pounds: the amount as the account counts it"),
            "for example `--min £12.50`",
        ));
    }
    if money.minor < 0 {
        return Err(Failure::usage(
            format!("--{flag} is of the amount without its sign"),
            "leave the minus out; `--debit` is money out, `--credit` money in",
        ));
    }
    Ok(Some(money.minor))
}

/// The list in one of its forms, growing row by row.
struct Sheet<'a> {
    form: Output,
    csv: Csv,
    table: Table,
    look: &'a Look,
    first: bool,
}

impl<'a> Sheet<'a> {
    fn new(form: Output, raw: bool, look: &'a Look) -> Self {
        let columns = if raw { columns::TRANSACTION_RAW } else { columns::TRANSACTION };
        Self { form, csv: Csv(columns), table: view::transactions(), look, first: true }
    }

    fn begin(&self) -> String {
        match self.form {
            Output::Json => json::begin("transactions"),
            Output::Csv => self.csv.header(),
            Output::Table | Output::Jsonl => String::new(),
        }
    }

    fn add(&mut self, row: &Transaction, text: &mut String) -> Result<(), Failure> {
        match self.form {
            Output::Table => view::add_transaction(&mut self.table, row, self.look),
            Output::Json => {
                text.push_str(&json::entry(std::mem::take(&mut self.first), row).map_err(unprintable)?);
            }
            Output::Jsonl => {
                text.push_str(&serde_json::to_string(row).map_err(unprintable)?);
                text.push('\n');
            }
            Output::Csv => text.push_str(&self.csv.row(row).map_err(unprintable)?),
        }
        Ok(())
    }

    /// A page is complete.
    fn turn(&mut self, text: &mut String) {
        if self.form == Output::Table && !self.table.is_empty() {
            text.push_str(&self.table.take(self.look));
        }
    }

    fn end(&self, shown: u64, text: &mut String) {
        match self.form {
            Output::Table if shown == 0 => text.push_str("No transactions match.\n"),
            Output::Json => text.push_str(json::end()),
            Output::Table | Output::Jsonl | Output::Csv => {}
        }
    }
}

/// A transaction with its revisions, as `--json` prints it.
#[derive(Serialize)]
struct Whole<'a> {
    #[serde(flatten)]
    transaction: &'a Transaction,
    revisions: &'a [Revision],
}

/// `show`
pub(super) async fn show(args: &args::Show, session: &mut Session) -> Result<Exit, Failure> {
    let daemon = session.connect().await?;
    let typed = args.id.trim();
    let look = session.look(&daemon.here);
    let missing = match find::find(typed, &places(&daemon).await?) {
        Ok(Place::Account(account)) => {
            session.thing("account", account, || view::show_account(account, &look))?;
            return Ok(Exit::Done);
        }
        Ok(Place::Pot(pot)) => {
            session.thing("pot", pot, || view::show_pot(pot, &look))?;
            return Ok(Exit::Done);
        }
        Err(failure) if typed.starts_with("acc_") || typed.starts_with("pot_") => return Err(failure),
        Err(failure) => failure,
    };
    match daemon.client.transaction(typed.to_owned()).await.map_err(Failure::from) {
        Ok(detail) => {
            let whole = Whole { transaction: &detail.transaction, revisions: &detail.revisions };
            session.thing("transaction", &whole, || view::show_transaction(&detail, &look))?;
            return Ok(Exit::Done);
        }
        Err(failure) if typed.starts_with("tx_") || !unknown(&failure) => return Err(failure),
        Err(_) => {}
    }
    match daemon.client.sync_get(typed.to_owned()).await.map_err(Failure::from) {
        Ok(sync) => {
            let accounts = daemon.client.accounts(true).await?;
            session.thing("sync", &sync, || view::show_sync(&sync, &accounts, &look))?;
            Ok(Exit::Done)
        }
        Err(failure) if !unknown(&failure) => Err(failure),
        Err(_) => Err(nothing(typed, missing)),
    }
}

fn unknown(failure: &Failure) -> bool {
    matches!(failure.fault_kind(), Some(FaultKind::NotFound | FaultKind::InvalidParams))
}

/// Nothing has this id or name; the nearest name of an account or pot is offered.
fn nothing(typed: &str, nearest: Failure) -> Failure {
    match nearest.hint() {
        Some(hint) if hint.starts_with("did you mean") => nearest,
        _ if nearest.to_string().contains("more than one") => nearest,
        _ => Failure::usage(
            format!("there is no transaction, account, pot or sync ‘{typed}’"),
            "`monzoctl transactions`, `accounts`, `pots` and `sync history` list them",
        ),
    }
}
