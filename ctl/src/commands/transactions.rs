//! `transactions` and `show`.
//!
//! The list is printed page by page as it comes, so that a whole history takes no more memory than a page.

use jiff::Timestamp;
use monzo_common::api::client::*;
use monzo_common::fault::FaultKind;
use monzo_common::model::{Direction, QuarantinedRecord, Revision, Transaction, TransactionQuery};
use monzo_common::money::{Currency, Money, NotMoney};
use monzo_common::period::{End, Period};
use serde::Serialize;

use super::accounts::{AccountOrPot, account_ids, places, pot_id};
use super::status::unread;
use crate::args::{self, Output, Span};
use crate::client::Daemon;
use crate::daemon_time::DaemonTime;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::find::{self, Named};
use crate::session::{Session, unprintable};
use crate::view::{self, Csv, Names, Style, Table, columns, json};

/// Rows asked for at a time; a page with raw JSON stays near a megabyte.
const PAGE: u64 = 500;

/// `transactions`
pub(super) async fn transactions(args: &args::Transactions, session: &mut Session) -> Result<Exit, Failure> {
    if args.raw && session.global.form() == Output::Table {
        return Err(Failure::usage(
            "--raw does not fit a table",
            "add `-o jsonl`, `-o json` or `-o csv`; `monzoctl tx` lists ids to show one by one",
        ));
    }
    let daemon = session.connect().await?;
    let mut query = query(args, &daemon).await?;
    let limit = session.limit(args.limit);
    let style = session.look(&daemon.time);
    let names = match session.global.form() {
        Output::Table => names(&daemon.client.pots().await?),
        _ => Names::new(),
    };
    let mut sheet = Sheet::new(session.global.form(), args.raw, names, &style);
    let mut text = sheet.begin();
    let mut shown = 0;
    loop {
        let left = limit.map_or(PAGE, |limit| limit.saturating_sub(shown)).min(PAGE);
        if left == 0 {
            break;
        }
        query.limit = u32::try_from(left).ok();
        let page = daemon.client.transactions(query.clone()).await?;
        for note in &page.notes {
            session.note(&format!("warning: {}", view::clean(note)))?;
        }
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
    if shown == 0 {
        unread(&daemon, session).await?;
    }
    if args.limit.is_none() && query.cursor.is_some() {
        session.note(&format!("The first {shown}; --limit N shows more."))?;
    }
    Ok(Exit::Done)
}

fn names<T: Named>(things: &[T]) -> Names {
    things.iter().map(|thing| (thing.id().to_owned(), thing.name().to_owned())).collect()
}

/// What is asked of the daemon.
async fn query(args: &args::Transactions, daemon: &Daemon) -> Result<TransactionQuery, Failure> {
    let (since, until) = ends(&args.span, &daemon.time)?;
    let (min, max) = (amount(args.min.as_deref(), "min")?, amount(args.max.as_deref(), "max")?);
    if let (Some(min), Some(max)) = (min, max)
        && min > max
    {
        return Err(Failure::usage("--min is more than --max", "exchange them"));
    }
    Ok(TransactionQuery {
        since,
        until,
        accounts: account_ids(&args.account, daemon).await?,
        pot: pot_id(args.pot.as_deref(), daemon).await?,
        category: args.category.as_deref().map(category),
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

/// The bank's key of a category as it was typed: such as `eating_out`.
pub(super) fn category(typed: &str) -> String {
    typed.trim().to_lowercase().replace([' ', '-'], "_")
}

/// The two ends that a span means.
pub(super) fn ends(
    span: &Span,
    time: &DaemonTime,
) -> Result<(Option<Timestamp>, Option<Timestamp>), Failure> {
    if let Some(phrase) = &span.period {
        let Period { since, until } = time.period(phrase, End::Since)?;
        return Ok((Some(since), Some(until)));
    }
    let since = span.since.as_deref().map(|phrase| time.period(phrase, End::Since)).transpose()?;
    let until = span.until.as_deref().map(|phrase| time.period(phrase, End::Until)).transpose()?;
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
    names: Names,
    style: &'a Style,
    first: bool,
}

impl<'a> Sheet<'a> {
    fn new(form: Output, raw: bool, names: Names, style: &'a Style) -> Self {
        let columns = if raw { columns::TRANSACTION_RAW } else { columns::TRANSACTION };
        Self { form, csv: Csv(columns), table: view::transactions(), names, style, first: true }
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
            Output::Table => view::add_transaction(&mut self.table, row, &self.names, self.style),
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
        // A screen gets one table, whose widths fit every row.
        if self.style.width.is_none() {
            self.take(text);
        }
    }

    fn take(&mut self, text: &mut String) {
        if self.form == Output::Table && !self.table.is_empty() {
            text.push_str(&self.table.take(self.style));
        }
    }

    fn end(&mut self, shown: u64, text: &mut String) {
        self.take(text);
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
    let style = session.look(&daemon.time);
    let places = places(&daemon).await?;
    let missing = match find::find(typed, &places) {
        Ok(AccountOrPot::Account(account)) => {
            session.print_one("account", account, || view::show_account(account, &style))?;
            return Ok(Exit::Done);
        }
        Ok(AccountOrPot::Pot(pot)) => {
            session.print_one("pot", pot, || view::show_pot(pot, &style))?;
            return Ok(Exit::Done);
        }
        Err(failure) if typed.starts_with("acc_") || typed.starts_with("pot_") => return Err(failure),
        Err(failure) => failure,
    };
    if !typed.starts_with("tx_") {
        let rules = daemon.client.rules().await?;
        if let Ok(rule) = find::find(typed, &rules) {
            session.print_one("rule", rule, || view::show_rule(rule, &style))?;
            return Ok(Exit::Done);
        }
    }
    match daemon.client.transaction(typed.to_owned()).await.map_err(Failure::from) {
        Ok(detail) => {
            let whole = Whole { transaction: &detail.transaction, revisions: &detail.revisions };
            session.print_one("transaction", &whole, || {
                view::show_transaction(&detail, &names(&places), &style)
            })?;
            return Ok(Exit::Done);
        }
        Err(failure) if !unknown(&failure) => return Err(failure),
        Err(failure) => match record(typed, &daemon).await? {
            Some(record) => {
                let accounts = daemon.client.accounts(true).await?;
                session.print_one("record", &record, || view::show_record(&record, &accounts, &style))?;
                return Ok(Exit::Done);
            }
            None if typed.starts_with("tx_") => return Err(failure),
            None => {}
        },
    }
    match daemon.client.sync_get(typed.to_owned()).await.map_err(Failure::from) {
        Ok(sync) => {
            let accounts = daemon.client.accounts(true).await?;
            session.print_one("sync", &sync, || view::show_sync(&sync, &accounts, &style))?;
            return Ok(Exit::Done);
        }
        Err(failure) if !unknown(&failure) => return Err(failure),
        Err(_) => {}
    }
    match daemon.client.run(typed.to_owned()).await.map_err(Failure::from) {
        Ok(run) => {
            session.print_one("run", &run, || view::show_run(&run, &style))?;
            Ok(Exit::Done)
        }
        Err(failure) if !unknown(&failure) => Err(failure),
        Err(_) => Err(nothing(typed, missing)),
    }
}

/// A record that could not be understood, by `record_1` or the id of a transaction.
async fn record(typed: &str, daemon: &Daemon) -> Result<Option<QuarantinedRecord>, Failure> {
    if !typed.starts_with("tx_") && !typed.starts_with("record_") {
        return Ok(None);
    }
    match daemon.client.quarantined(typed.to_owned()).await.map_err(Failure::from) {
        Ok(record) => Ok(Some(record)),
        Err(failure) if unknown(&failure) => Ok(None),
        Err(failure) => Err(failure),
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
            format!("there is no transaction, account, pot, rule, run or sync ‘{typed}’"),
            "`monzoctl transactions`, `monzoctl accounts`, `monzoctl pots`, `monzoctl sort rules`, `monzoctl sort history` and `monzoctl sync history` list them",
        ),
    }
}

#[cfg(test)]
mod tests {
    use monzo_common::model::{
        Attention, RunState, Severity, Suggestion, TransactionDetail, TransactionPage,
    };
    use serde_json::Value;

    use super::*;
    use crate::fake::Fake;
    use crate::view::fixture::{self, account, now, pot, transaction};

    /// A daemon with five rows, two on a page whatever is asked for.
    fn fake() -> Fake {
        let rows: Vec<Transaction> = (1..=5)
            .map(|n| transaction(&format!("tx_{n}"), -100 * n, &format!("SHOP, NUMBER {n}")))
            .collect();
        let page = move |params: &Value| {
            let query: TransactionQuery = serde_json::from_value(params["query"].clone()).expect("a query");
            let begin: usize = query.cursor.map_or(0, |cursor| cursor.parse().expect("a cursor of ours"));
            let size = usize::try_from(query.limit.expect("a size")).expect("a size").min(2);
            let end = (begin + size).min(rows.len());
            let cursor = (end < rows.len()).then(|| end.to_string());
            let page = TransactionPage { transactions: rows[begin..end].to_vec(), cursor, notes: Vec::new() };
            Ok(serde_json::to_value(page).expect("a page"))
        };
        Fake::new()
            .on("transactions.list", page)
            .says("accounts.list", &[account("acc_1", "Current", None), account("acc_2", "Joint", None)])
            .says("pots.list", &[pot("pot_1", "Holiday", 0), pot("pot_2", "Rainy Day", 0)])
    }

    #[tokio::test]
    async fn a_table_follows_the_cursor_to_the_end() {
        let ran = fake().run(&["tx"], "").await;
        insta::assert_snapshot!(ran, @r"
        exit 0
        --- out
        WHEN              AMOUNT  WHO             CATEGORY   STATE  ID
        2026-07-22 10:00  -£1.00  SHOP, NUMBER 1  groceries         tx_1
        2026-07-22 10:00  -£2.00  SHOP, NUMBER 2  groceries         tx_2
        2026-07-22 10:00  -£3.00  SHOP, NUMBER 3  groceries         tx_3
        2026-07-22 10:00  -£4.00  SHOP, NUMBER 4  groceries         tx_4
        2026-07-22 10:00  -£5.00  SHOP, NUMBER 5  groceries         tx_5
        --- err
        ");
    }

    #[tokio::test]
    async fn csv_has_one_header_over_all_pages() {
        let ran = fake().run(&["tx", "-o", "csv"], "").await;
        insta::assert_snapshot!(ran, @r#"
        exit 0
        --- out
        account_id,id,created_at,settled_at,updated_at,amount,currency,local_amount,local_currency,description,merchant.id,merchant.name,merchant.emoji,counterparty,category,categories,notes,tags,scheme,pot_id,pending,declined,decline_reason,withdrawn_at
        acc_1,tx_1,2026-07-22T09:00:00Z,2026-07-22T09:00:00Z,,-100,GBP,-100,GBP,"SHOP, NUMBER 1",,,,,groceries,{},,[],mastercard,,false,false,,
        acc_1,tx_2,2026-07-22T09:00:00Z,2026-07-22T09:00:00Z,,-200,GBP,-200,GBP,"SHOP, NUMBER 2",,,,,groceries,{},,[],mastercard,,false,false,,
        acc_1,tx_3,2026-07-22T09:00:00Z,2026-07-22T09:00:00Z,,-300,GBP,-300,GBP,"SHOP, NUMBER 3",,,,,groceries,{},,[],mastercard,,false,false,,
        acc_1,tx_4,2026-07-22T09:00:00Z,2026-07-22T09:00:00Z,,-400,GBP,-400,GBP,"SHOP, NUMBER 4",,,,,groceries,{},,[],mastercard,,false,false,,
        acc_1,tx_5,2026-07-22T09:00:00Z,2026-07-22T09:00:00Z,,-500,GBP,-500,GBP,"SHOP, NUMBER 5",,,,,groceries,{},,[],mastercard,,false,false,,
        --- err
        "#);
    }

    #[tokio::test]
    async fn jsonl_is_the_bare_rows_and_json_one_object() {
        let fake = fake();
        let ran = fake.run(&["transactions", "-o", "jsonl"], "").await;
        let text = String::from_utf8(ran.out).expect("text");
        let rows: Vec<Transaction> =
            text.lines().map(|line| serde_json::from_str(line).expect("a row a line")).collect();
        assert_eq!(rows.len(), 5);
        let ran = fake.run(&["transactions", "--json"], "").await;
        let value: Value = serde_json::from_slice(&ran.out).expect("one object");
        assert_eq!((&value["v"], value["transactions"].as_array().map(Vec::len)), (&Value::from(1), Some(5)));
        assert_eq!(fake.run(&["transactions", "--json", "--limit", "0"], "").await.exit, Exit::Usage);
    }

    #[tokio::test]
    async fn every_filter_reaches_the_daemon() {
        let fake = fake();
        let line = "tx -p 2026-06 --account joint --account acc_1 --pot pot_2 --category Eating-out \
                    --merchant Tesco --min £1 --max 1,000.50 --debit --pending --declined --withdrawn \
                    --limit 3 --reverse --raw -o jsonl";
        let line: Vec<&str> = line.split_whitespace().collect();
        let ran = fake.run(&line, "").await;
        assert_eq!(ran.exit, Exit::Done, "{ran}");
        insta::assert_snapshot!(fake.calls(), @r#"
        accounts.list {"hidden":true}
        pots.list
        transactions.list {"query":{"accounts":["acc_2","acc_1"],"category":"eating_out","cursor":null,"declined":true,"direction":"debit","limit":3,"max":100050,"merchant":"Tesco","min":100,"pending":true,"pot":"pot_2","raw":true,"reverse":true,"since":"2026-05-31T23:00:00Z","until":"2026-06-30T23:00:00Z","withdrawn":true}}
        transactions.list {"query":{"accounts":["acc_2","acc_1"],"category":"eating_out","cursor":"2","declined":true,"direction":"debit","limit":1,"max":100050,"merchant":"Tesco","min":100,"pending":true,"pot":"pot_2","raw":true,"reverse":true,"since":"2026-05-31T23:00:00Z","until":"2026-06-30T23:00:00Z","withdrawn":true}}
        "#);
    }

    #[tokio::test]
    async fn a_screen_shows_fifty_and_says_that_there_are_more() {
        let one = TransactionPage {
            transactions: vec![transaction("tx_1", 5, "A"); 50],
            cursor: Some("50".into()),
            notes: Vec::new(),
        };
        let fake = fake().says("transactions.list", &one);
        let ran = fake
            .run_with(&["tx", "--no-pager"], "", &[("NO_COLOR", "1")], |terminal| {
                terminal.out_is_screen = true;
            })
            .await;
        assert_eq!(ran.err, "The first 50; --limit N shows more.\n");
        assert_eq!(String::from_utf8_lossy(&ran.out).lines().count(), 51);
    }

    #[tokio::test]
    async fn what_cannot_be_meant_is_refused_with_what_can() {
        let fake = fake();
        for (line, expected) in [
            (vec!["tx", "--raw"], "--raw does not fit a table"),
            (vec!["tx", "--min", "5", "--max", "4"], "--min is more than --max"),
            (vec!["tx", "--min=-5"], "--min is of the amount without its sign"),
            (vec!["tx", "--max", "€5"], "--max is in pounds: the amount as the account counts it"),
            (vec!["tx", "--max", "lots"], "--max: ‘lots’ is not an amount: write £12, £12.34 or 1234.56"),
            (vec!["tx", "--since", "2026-07", "--until", "2026-06"], "the period ends before it begins"),
            (vec!["tx", "--pot", "holidays"], "there is no pot ‘holidays’"),
            (vec!["tx", "--account", "acc_"], "‘acc_’ is more than one account"),
            (vec!["tx", "-p", "2026-02-30"], "‘2026-02-30’ is not in the calendar"),
        ] {
            let ran = fake.run(&line, "").await;
            assert_eq!(ran.exit, Exit::Usage, "{line:?}: {ran}");
            assert!(ran.err.starts_with(&format!("error: {expected}\ntry: ")), "{line:?}: {ran}");
        }
    }

    #[tokio::test]
    async fn no_text_of_the_bank_steers_a_screen_and_elsewhere_every_byte_stays() {
        let hostile = "A\u{1b}]0;owned\u{7}\u{9b}2J\u{202e}\u{61c}\u{e0041}\u{7f}Z";
        let mut row = transaction("tx_1", 5, hostile);
        row.notes = hostile.to_owned();
        let page = TransactionPage { transactions: vec![row.clone()], cursor: None, notes: Vec::new() };
        let fake = fake().says("transactions.list", &page);
        for form in ["table", "json", "jsonl", "csv"] {
            let line = ["tx", "-o", form, "--no-pager"];
            let on_screen = fake
                .run_with(&line, "", &[("NO_COLOR", "1")], |terminal| terminal.out_is_screen = true)
                .await;
            let text = String::from_utf8(on_screen.out).expect("text");
            let steers = |c: char| (c.is_control() && c != '\n') || "\u{202e}\u{61c}\u{e0041}".contains(c);
            assert!(text.contains("Z") && !text.contains(steers), "{form}: {text:?}");
            if form == "jsonl" {
                assert_eq!(serde_json::from_str::<Transaction>(&text).expect("a row"), row);
            }
            let elsewhere = String::from_utf8(fake.run(&line, "").await.out).expect("text");
            match form {
                "csv" => assert!(elsewhere.contains(hostile), "{elsewhere:?}"),
                "jsonl" => assert!(elsewhere.contains("\u{9b}2J\u{202e}"), "{elsewhere:?}"),
                _ => {}
            }
        }
    }

    #[tokio::test]
    async fn a_list_that_is_empty_because_nothing_was_read_says_so() {
        let mut status = fixture::status();
        status.sync.last_success_at = None;
        status.attention = vec![Attention {
            id: "login_needed".into(),
            code: "login_needed".into(),
            severity: Severity::Problem,
            message: "nobody is logged in".into(),
            hint: "`monzoctl login`".into(),
        }];
        let none = TransactionPage { transactions: Vec::new(), cursor: None, notes: Vec::new() };
        let nothing = [0_u8; 0];
        let fake = Fake::new()
            .says("system.status", &status)
            .says("transactions.list", &none)
            .says("accounts.list", &nothing)
            .says("accounts.left_out", &nothing)
            .says("pots.list", &nothing)
            .says("balances.list", &nothing)
            .says("insight.payday", &nothing)
            .says(
                "autosort.suggest",
                &Suggestion { toml: "# nothing yet\n".into(), save_as: "x.toml".into() },
            );
        for command in ["tx", "accounts", "pots", "balance", "payday", "sort suggest"] {
            let words: Vec<&str> = command.split(' ').collect();
            let ran = fake.run(&words, "").await;
            assert_eq!(ran.err, "Nothing was read from the bank yet: `monzoctl login`\n", "{command}: {ran}");
        }
    }

    #[tokio::test]
    async fn nothing_found_is_said() {
        let none = TransactionPage { transactions: Vec::new(), cursor: None, notes: Vec::new() };
        let ran = fake().says("transactions.list", &none).run(&["tx"], "").await;
        insta::assert_snapshot!(ran, @r"
        exit 0
        --- out
        No transactions match.
        --- err
        ");
    }

    #[tokio::test]
    async fn one_thing_of_any_kind_is_shown() {
        let detail = TransactionDetail {
            transaction: transaction("tx_1", -320, "PRET"),
            revisions: vec![Revision {
                at: now(),
                sync_id: None,
                before: [("amount".to_owned(), Value::from(-300))].into(),
            }],
        };
        let fake = fake().says("transactions.get", &detail);
        let ran = fake.run(&["show", "tx_1", "--json"], "").await;
        insta::assert_snapshot!(ran, @r#"
        exit 0
        --- out
        {"v":1,"transaction":{"account_id":"acc_1","id":"tx_1","created_at":"2026-07-22T09:00:00Z","settled_at":"2026-07-22T09:00:00Z","updated_at":null,"amount":-320,"currency":"GBP","local_amount":-320,"local_currency":"GBP","description":"PRET","merchant":null,"counterparty":null,"category":"groceries","categories":{},"notes":"","tags":[],"scheme":"mastercard","pot_id":null,"pending":false,"declined":false,"decline_reason":null,"withdrawn_at":null,"revisions":[{"at":"2026-07-22T10:00:00Z","sync_id":null,"before":{"amount":-300}}]}}
        --- err
        "#);
        let ran = fake.run(&["show", "holiday"], "").await;
        insta::assert_snapshot!(ran, @r"
        exit 0
        --- out
        Pot      Holiday
        Id       pot_1
        Account  acc_1
        Type     default
        Balance  £0.00
        --- err
        ");
        let ran = fake.run(&["show", "acc_2"], "").await;
        insta::assert_snapshot!(ran, @r"
        exit 0
        --- out
        Account    Joint
        Id         acc_2
        Type       uk_retail
        Balance    –
        With pots  –
        --- err
        ");
    }

    #[tokio::test]
    async fn what_is_nothing_is_not_shown() {
        let fake = fake()
            .says("autosort.rules", &[0_u8; 0])
            .fails("autosort.get", FaultKind::NotFound, "no run has this id", "monzoctl sort history")
            .fails("transactions.get", FaultKind::NotFound, "no transaction has this id", "monzoctl tx")
            .fails("quarantine.get", FaultKind::NotFound, "no record has this id", "monzoctl tx")
            .fails("sync.get", FaultKind::NotFound, "no sync has this id", "monzoctl sync history");
        let ran = fake.run(&["show", "holidya"], "").await;
        insta::assert_snapshot!(ran, @r"
        exit 2
        --- out
        --- err
        error: there is no account or pot ‘holidya’
        try: did you mean ‘Holiday’? Else look at `monzoctl accounts` and `monzoctl pots`
        ");
        let ran = fake.run(&["show", "xyz"], "").await;
        insta::assert_snapshot!(ran, @r"
        exit 2
        --- out
        --- err
        error: there is no transaction, account, pot, rule, run or sync ‘xyz’
        try: `monzoctl transactions`, `monzoctl accounts`, `monzoctl pots`, `monzoctl sort rules`, `monzoctl sort history` and `monzoctl sync history` list them
        ");
        let ran = fake.run(&["show", "tx_9"], "").await;
        insta::assert_snapshot!(ran, @r"
        exit 2
        --- out
        --- err
        error: no transaction has this id
        try: monzoctl tx
        ");
    }

    #[tokio::test]
    async fn rules_and_runs_are_shown_by_name_and_id() {
        let unknown = |fake: Fake, method| fake.fails(method, FaultKind::NotFound, "nothing", "look");
        let fake = unknown(unknown(fake(), "transactions.get"), "sync.get")
            .says("autosort.rules", &[fixture::rule("payday")])
            .says("autosort.get", &fixture::run(RunState::Done));
        let ran = fake.run(&["show", "payday", "--json"], "").await;
        assert!(
            String::from_utf8_lossy(&ran.out).starts_with("{\"v\":1,\"rule\":{\"name\":\"payday\""),
            "{ran}"
        );
        let ran = fake.run(&["show", "run_7"], "").await;
        assert!(String::from_utf8_lossy(&ran.out).starts_with("Run      run_7k\nRule     payday\n"), "{ran}");
        assert_eq!(ran.exit, Exit::Done);
    }
}
