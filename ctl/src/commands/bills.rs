//! `bills`: what is due, what it costs, and what the person says of it.

use jiff::civil::Date;
use monzo_common::api::client::*;
use monzo_common::id::{AccountId, PotId};
use monzo_common::model::{Bill, BillChange, NewBill, RhythmUnit};
use monzo_common::period::End;

use super::amount::amount;
use super::calendar_file;
use super::status::unread;
use crate::args::{self, BillsCommand};
use crate::client::Daemon;
use crate::daemon_time::DaemonTime;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::find::{self, Named};
use crate::session::Session;
use crate::view::{self, BillNames, columns};

impl Named for Bill {
    const NOUN: &'static str = "bill";
    const LISTED_BY: &'static str = "monzoctl bills --all";

    fn id(&self) -> &str {
        &self.id
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn live(&self) -> bool {
        !self.ignored && self.next_on.is_some()
    }
}

/// `bills`
pub(super) async fn run(args: &args::Bills, session: &mut Session) -> Result<Exit, Failure> {
    match &args.command {
        Some(command) => say(command, session).await,
        None if args.accuracy => accuracy(session).await,
        None if args.income => incomes(session).await,
        None => list(args, session).await,
    }
}

async fn list(args: &args::Bills, session: &mut Session) -> Result<Exit, Failure> {
    let daemon = session.connect().await?;
    let mut bills = daemon.client.bills(args.all).await?;
    if let Some(phrase) = &args.next {
        let until = day(phrase, End::Until, &daemon.time)?;
        bills.retain(|bill| bill.next_on.is_some_and(|next| next <= until));
    }
    if let Some(file) = &args.ics {
        let events = calendar_file::write(file, &bills, daemon.time.now)?;
        session.print(&view::calendar_written(file, events))?;
        return Ok(Exit::Done);
    }
    let names = names(&daemon).await?;
    let today = daemon.time.now.to_zoned(daemon.time.zone.clone()).date();
    let calendars = daemon.client.payday(3).await?;
    let dates = calendars.first().map(|calendar| calendar.next.as_slice()).unwrap_or_default();
    let paydays: Vec<Date> = dates.iter().map(|payday| payday.date).filter(|day| *day > today).collect();
    let style = session.look(&daemon.time);
    session.print_list("bills", columns::BILL, &bills, || view::bills(&bills, &names, &paydays, &style))?;
    if bills.is_empty() {
        unread(&daemon, session).await?;
    }
    Ok(Exit::Done)
}

async fn incomes(session: &mut Session) -> Result<Exit, Failure> {
    let daemon = session.connect().await?;
    let incomes = daemon.client.incomes().await?;
    let names = names(&daemon).await?;
    let style = session.look(&daemon.time);
    session.print_list("incomes", columns::BILL, &incomes, || view::incomes(&incomes, &names, &style))?;
    if incomes.is_empty() {
        unread(&daemon, session).await?;
    }
    Ok(Exit::Done)
}

async fn accuracy(session: &mut Session) -> Result<Exit, Failure> {
    let daemon = session.connect().await?;
    let accuracy = daemon.client.bill_accuracy().await?;
    let style = session.look(&daemon.time);
    session.print_one("accuracy", &accuracy, || view::bill_accuracy(&accuracy, &style))?;
    Ok(Exit::Done)
}

/// What accounts and pots are called.
async fn names(daemon: &Daemon) -> Result<BillNames, Failure> {
    let pots = daemon.client.pots().await?;
    let accounts = daemon.client.accounts(false).await?;
    Ok(BillNames {
        pots: pots.into_iter().map(|pot| (pot.id, pot.name)).collect(),
        accounts: accounts.into_iter().map(|account| (account.id, account.name)).collect(),
    })
}

/// The local day that a phrase means, the last one of a period.
fn day(phrase: &str, end: End, time: &DaemonTime) -> Result<Date, Failure> {
    let period = time.period(phrase, end)?;
    let at = match end {
        End::Since => period.since,
        End::Until => period.until,
    };
    let date = at.to_zoned(time.zone.clone()).date();
    Ok(if end == End::Until { date.yesterday().unwrap_or(date) } else { date })
}

async fn say(command: &BillsCommand, session: &mut Session) -> Result<Exit, Failure> {
    let daemon = session.connect().await?;
    if let BillsCommand::Add { .. } = command {
        let change = add(command, &daemon).await?;
        return told(&change, "added", "It was added before", session, &daemon);
    }
    let all = daemon.client.bills(true).await?;
    let id = |typed: &str| find::find(typed, &all).map(|bill| bill.id.clone());
    let client = &daemon.client;
    let (change, done, already) = match command {
        BillsCommand::Confirm { bill, instalments } => {
            (client.confirm_bill(id(bill)?, *instalments).await?, "confirmed", "It was confirmed before")
        }
        BillsCommand::Ignore { bill } => {
            (client.ignore_bill(id(bill)?).await?, "ignored", "It was ignored before")
        }
        BillsCommand::Rename { bill, name } => {
            (client.rename_bill(id(bill)?, name.clone()).await?, "renamed", "It has that name already")
        }
        BillsCommand::Merge { bill, others } => {
            let others = others.iter().map(|typed| id(typed)).collect::<Result<_, _>>()?;
            (client.merge_bills(id(bill)?, others).await?, "merged", "It was merged before")
        }
        BillsCommand::Split { bill, transactions } => {
            let bill = find::find(bill, &all)?;
            let ids = transactions.iter().map(|typed| payment(typed, bill)).collect::<Result<_, _>>()?;
            (client.split_bill(bill.id.clone(), ids).await?, "split", "It was split before")
        }
        BillsCommand::Skip { bill, on, undo } => {
            let on = on.as_deref().map(|phrase| day(phrase, End::Since, &daemon.time)).transpose()?;
            let done = if *undo { "no longer skipped" } else { "skipped" };
            (client.skip_bill(id(bill)?, on, *undo).await?, done, "It was so before")
        }
        BillsCommand::Amount { bill, amount: typed } => {
            let minor = typed.as_deref().map(amount).transpose()?;
            let done = if minor.is_some() { "amount set" } else { "estimated again" };
            (client.set_bill_amount(id(bill)?, minor).await?, done, "It was so before")
        }
        BillsCommand::Add { .. } => return Ok(Exit::Done),
    };
    told(&change, done, already, session, &daemon)
}

fn told(
    change: &BillChange,
    done: &str,
    already: &str,
    session: &mut Session,
    daemon: &Daemon,
) -> Result<Exit, Failure> {
    let style = session.look(&daemon.time);
    session.print_one("change", change, || view::bill_change(change, done, already, &style))?;
    Ok(Exit::Done)
}

/// A payment of a bill by its id or the beginning of it.
fn payment(typed: &str, bill: &Bill) -> Result<String, Failure> {
    let mut found = bill.transaction_ids.iter().filter(|id| id.as_str().starts_with(typed.trim()));
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one.to_string()),
        _ => Err(Failure::usage(
            format!("‘{typed}’ is not one payment of {}", bill.name),
            format!(
                "`monzoctl tx --merchant {}` lists them with their ids",
                monzo_common::shell::word(&bill.payee)
            ),
        )),
    }
}

async fn add(command: &BillsCommand, daemon: &Daemon) -> Result<BillChange, Failure> {
    let BillsCommand::Add { name, amount: typed, on, every, account, pot } = command else {
        return Err(Failure::usage("nothing to add", "`monzoctl bills add --help`"));
    };
    let (every, count) = rhythm(every)?;
    let (account_id, pot_id) = payer(account.as_deref(), pot.as_deref(), daemon).await?;
    let on = day(on, End::Since, &daemon.time)?;
    let bill = NewBill { name: name.clone(), amount: amount(typed)?, every, count, on, account_id, pot_id };
    Ok(daemon.client.add_bill(bill).await?)
}

/// The account that pays, and its pot.
async fn payer(
    account: Option<&str>,
    pot: Option<&str>,
    daemon: &Daemon,
) -> Result<(AccountId, Option<PotId>), Failure> {
    if let Some(typed) = pot {
        let pots = daemon.client.pots().await?;
        let pot = find::find(typed, &pots)?;
        return Ok((pot.account_id.clone(), Some(pot.id.clone())));
    }
    let accounts = daemon.client.accounts(false).await?;
    if let Some(typed) = account {
        return Ok((find::find(typed, &accounts)?.id.clone(), None));
    }
    let open: Vec<_> = accounts.iter().filter(|account| !account.closed && !account.excluded).collect();
    match open.as_slice() {
        [one] => Ok((one.id.clone(), None)),
        _ => Err(Failure::usage(
            "it is not clear which account pays",
            "add `--account ACCOUNT` or `--pot POT`; `monzoctl accounts` lists them",
        )),
    }
}

/// `month`, `4 weeks`, `30 days`, `year`.
fn rhythm(typed: &str) -> Result<(RhythmUnit, u16), Failure> {
    let text = typed.trim().to_lowercase();
    let digits = text.chars().take_while(char::is_ascii_digit).count();
    let (count, unit) = text.split_at(digits);
    let count = if count.is_empty() { Some(1) } else { count.parse().ok().filter(|count| *count > 0) };
    let unit = match unit.trim().trim_end_matches('s') {
        "day" | "d" => Some(RhythmUnit::Day),
        "week" | "w" => Some(RhythmUnit::Week),
        "month" | "m" => Some(RhythmUnit::Month),
        "year" | "y" => Some(RhythmUnit::Year),
        _ => None,
    };
    unit.zip(count).ok_or_else(|| {
        Failure::usage(format!("‘{typed}’ is no rhythm"), "write month, 3 months, 4 weeks, 30 days or year")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rhythm_is_a_count_and_a_unit() {
        for (typed, expected) in [
            ("month", (RhythmUnit::Month, 1)),
            ("3 months", (RhythmUnit::Month, 3)),
            ("4w", (RhythmUnit::Week, 4)),
            ("30 Days", (RhythmUnit::Day, 30)),
            ("year", (RhythmUnit::Year, 1)),
        ] {
            assert_eq!(rhythm(typed).expect(typed), expected);
        }
        for typed in ["", "0 weeks", "fortnight", "-1 month", "99999 days"] {
            assert!(rhythm(typed).is_err(), "{typed}");
        }
    }
}
