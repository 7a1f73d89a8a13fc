//! Bills, income that recurs, and how well they are predicted.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::civil::Date;
use monzo_common::id::{AccountId, PotId};
use monzo_common::model::{Bill, BillAccuracy, BillAccuracyRow, BillChange, BillState};
use monzo_common::money::{Currency, Money};

use super::account::amount;
use super::style::{Paint, Style};
use super::table::{Align, Table};
use super::text::clean;

/// What accounts and pots are called.
#[derive(Debug, Clone, Default)]
pub struct BillNames {
    /// Pots.
    pub pots: BTreeMap<PotId, String>,
    /// Accounts.
    pub accounts: BTreeMap<AccountId, String>,
}

impl BillNames {
    fn payer<'a>(&'a self, bill: &'a Bill) -> &'a str {
        let pot = bill.pot_id.as_ref().map(|id| self.pots.get(id).map_or(id.as_str(), String::as_str));
        let account = || self.accounts.get(&bill.account_id).map_or(bill.account_id.as_str(), String::as_str);
        pot.unwrap_or_else(account)
    }
}

/// Under this a bill is a guess, in per cent.
const LIKELY: u8 = 50;

fn day(date: Option<Date>) -> String {
    date.map_or_else(|| "–".to_owned(), |date| date.strftime("%a %-d %b %Y").to_string())
}

/// Where it stands, in words.
fn state(bill: &Bill) -> (Paint, String) {
    let (paint, word) = match bill.state {
        BillState::Due => (Paint::Plain, "due"),
        BillState::Paid => (Paint::Quiet, "paid"),
        BillState::Late => (Paint::Note, "late"),
        BillState::Missed => (Paint::Note, "missed"),
        BillState::PriceChanged => (Paint::Note, "new price"),
        BillState::Doubled => (Paint::Note, "taken twice"),
        BillState::Ended => (Paint::Quiet, "ended"),
    };
    match bill {
        Bill { ignored: true, .. } => (Paint::Quiet, "ignored".to_owned()),
        Bill { confirmed: false, .. } if bill.confidence.percent() < LIKELY => {
            (Paint::Quiet, format!("{word}, a guess"))
        }
        Bill { state: BillState::Paid, last: Some(last), .. } => {
            (paint, format!("paid {}", last.on.strftime("%-d %b")))
        }
        _ => (paint, word.to_owned()),
    }
}

fn covered(bill: &Bill) -> (&'static str, Paint) {
    match bill.covered {
        Some(true) => ("yes", Paint::Plain),
        Some(false) => ("no", Paint::Bad),
        None => ("", Paint::Plain),
    }
}

/// `bills`
pub fn bills(bills: &[Bill], names: &BillNames, paydays: &[Date], style: &Style) -> String {
    if bills.is_empty() {
        return "No bills were found.\n".to_owned();
    }
    let mut table = Table::new(&[
        ("NEXT", Align::Left),
        ("BILL", Align::Flexible),
        ("AT MOST", Align::Right),
        ("FROM", Align::Flexible),
        ("COVERED", Align::Left),
        ("STATE", Align::Left),
        ("ID", Align::Left),
    ])
    .sparing(&["ID"])
    .unless_empty(&["COVERED"]);
    for bill in bills {
        let (paint, word) = state(bill);
        table.painted([
            (&day(bill.next_on), Paint::Plain),
            (&bill.name, Paint::Strong),
            (&amount(Some(bill.upper), bill.currency), Paint::Plain),
            (names.payer(bill), Paint::Quiet),
            covered(bill),
            (&word, paint),
            (&bill.id, Paint::Quiet),
        ]);
    }
    let mut text = table.take(style);
    text.push('\n');
    let lasting = || bills.iter().filter(|bill| !bill.ignored && bill.next_on.is_some());
    let money = |minor: i64| Money::new(minor, Currency::GBP);
    let mut since = None;
    for (payday, which) in paydays.iter().zip(["the next payday", "the payday after it"]) {
        let dues = lasting().flat_map(|bill| &bill.due);
        let due = dues.filter(|due| due.on < *payday && since.is_none_or(|since| due.on >= since));
        let (count, sum) =
            due.fold((0, 0_i64), |(count, sum), due| (count + 1, sum.saturating_add(due.upper)));
        let what = match count {
            0 => "nothing is due".to_owned(),
            1 => format!("1 payment, {} at most", money(sum)),
            _ => format!("{count} payments, {} at most", money(sum)),
        };
        text.push_str(&format!("Before {which}, {}: {what}.\n", day(Some(*payday))));
        since = Some(*payday);
    }
    let a_year = lasting().fold(0_i64, |sum, bill| sum.saturating_add(bill.cost_a_year));
    text.push_str(&format!("These cost {} a year at today's prices.\n", money(a_year)));
    if let Some(bill) = bills.iter().find(|bill| bill.covered == Some(false)) {
        let payer = clean(names.payer(bill));
        text.push_str(&format!(
            "{payer} does not hold enough for {} and what is due before it; `monzoctl why {}` says more.\n",
            clean(&bill.name),
            clean(&bill.id)
        ));
    }
    text
}

/// `bills --income`
pub fn incomes(incomes: &[Bill], names: &BillNames, style: &Style) -> String {
    if incomes.is_empty() {
        return "No income that recurs was found.\n".to_owned();
    }
    let mut table = Table::new(&[
        ("NEXT", Align::Left),
        ("FROM", Align::Flexible),
        ("USUALLY", Align::Right),
        ("AT LEAST", Align::Right),
        ("INTO", Align::Flexible),
        ("RHYTHM", Align::Flexible),
        ("STATE", Align::Left),
    ])
    .sparing(&["RHYTHM", "AT LEAST"]);
    for income in incomes {
        let (paint, word) = state(income);
        let word = match word.as_str() {
            "due" => "expected".to_owned(),
            other => other.replacen("paid", "received", 1),
        };
        table.painted([
            (&day(income.next_on), Paint::Plain),
            (&income.name, Paint::Strong),
            (&amount(Some(income.estimate), income.currency), Paint::Plain),
            (&amount(Some(income.upper), income.currency), Paint::Quiet),
            (names.payer(income), Paint::Quiet),
            (&income.text, Paint::Quiet),
            (&word, paint),
        ]);
    }
    table.take(style)
}

/// What a word on a bill did.
pub fn bill_change(change: &BillChange, done: &str, already: &str, style: &Style) -> String {
    let Some(bill) = &change.bill else {
        return if change.changed { "Removed.\n".to_owned() } else { format!("{already}.\n") };
    };
    let name = style.paint(Paint::Strong, &clean(&bill.name));
    let first = if change.changed { format!("{name}: {done}.\n") } else { format!("{name}: {already}.\n") };
    let next = match bill.next_on {
        Some(next) if !bill.ignored => format!(
            "  next on {}, {} at most, {}\n",
            day(Some(next)),
            amount(Some(bill.upper), bill.currency),
            clean(&bill.text)
        ),
        _ => String::new(),
    };
    first + &next
}

/// `bills --ics`
pub fn calendar_written(file: &Path, events: usize) -> String {
    let payments = if events == 1 { "payment" } else { "payments" };
    format!("Wrote {events} {payments} to {}.\n", clean(&file.display().to_string()))
}

/// A number of a row as text.
type Figure = fn(&BillAccuracyRow) -> Option<String>;

fn percent(share: Option<u32>) -> Option<String> {
    share.map(|points| format!("{}.{:02}%", points / 100, points % 100))
}

fn tenths(tenths: Option<u32>) -> Option<String> {
    tenths.map(|tenths| format!("{}.{}", tenths / 10, tenths % 10))
}

/// `bills --accuracy`
pub fn bill_accuracy(accuracy: &BillAccuracy, style: &Style) -> String {
    let (Some(since), Some(until)) = (accuracy.since, accuracy.until) else {
        return "There is no past payday to stand at: add a [[payday]] block, or wait for more history.\n"
            .to_owned();
    };
    let mut text = format!(
        "At {} paydays from {} to {}: what would have been predicted, and what came.\n\
         What is a bill is taken from your whole history as it is now.\n\n",
        accuracy.paydays,
        day(Some(since)),
        day(Some(until))
    );
    let lines: [(&str, Figure); 13] = [
        ("payments that came", |row| Some(row.payments.to_string())),
        ("bills told that are bills", |row| percent(row.stream_precision)),
        ("bills that were known", |row| percent(row.stream_recall)),
        ("predicted payments that came", |row| percent(row.payment_precision)),
        ("payments that were predicted", |row| percent(row.payment_recall)),
        ("next date: the very day", |row| percent(row.on_the_day)),
        ("next date: ±1 working day", |row| percent(row.within_one)),
        ("next date: ±3 working days", |row| percent(row.within_three)),
        ("no more than the upper estimate", |row| percent(row.under_upper)),
        ("upper estimate too high by", |row| percent(row.excess)),
        ("payments until it was known", |row| tenths(row.delay)),
        ("days until its end was told", |row| tenths(row.until_ended)),
        ("false alarms", |row| Some(row.false_alarms.to_string())),
    ];
    let mut table = Table::new(&[
        ("", Align::Left),
        ("BY MANDATE", Align::Right),
        ("OTHERS", Align::Right),
        ("ALL", Align::Right),
    ]);
    for (name, figure) in lines {
        let cell = |kind: &str| {
            let row = accuracy.rows.iter().find(|row| row.kind == kind);
            row.and_then(figure).unwrap_or_else(|| "–".to_owned())
        };
        table.row([name, &cell("mandate"), &cell("found"), &cell("all")]);
    }
    text.push_str(&table.take(style));
    text
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::view::fixture::{bill, style};

    #[test]
    fn bills_are_a_table_by_due_date_with_what_they_come_to() {
        let mut gym = bill("Gym");
        gym.covered = Some(true);
        let mut rent = bill("Rent");
        (rent.upper, rent.cost_a_year, rent.pot_id, rent.state) = (95_000, 1_140_000, None, BillState::Late);
        rent.covered = Some(false);
        let names = BillNames {
            pots: [("pot_1".into(), "Bills".to_owned())].into(),
            accounts: [("acc_1".into(), "Personal".to_owned())].into(),
        };
        let paydays = [date(2026, 12, 3), date(2026, 12, 31)];
        insta::assert_snapshot!(bills(&[gym, rent], &names, &paydays, &style(None)), @r"
        NEXT            BILL  AT MOST  FROM      COVERED  STATE  ID
        Thu 3 Dec 2026  Gym    £21.50  Bills     yes      due    bill_1
        Thu 3 Dec 2026  Rent  £950.00  Personal  no       late   bill_1

        Before the next payday, Thu 3 Dec 2026: nothing is due.
        Before the payday after it, Thu 31 Dec 2026: 2 payments, £43.00 at most.
        These cost £11,658.00 a year at today's prices.
        Personal does not hold enough for Rent and what is due before it; `monzoctl why bill_1` says more.
        ");
    }

    #[test]
    fn a_word_on_a_bill_says_what_changed() {
        let change = |changed| BillChange { bill: Some(bill("Gym")), changed };
        insta::assert_snapshot!(bill_change(&change(true), "renamed", "so before", &style(None)), @r"
        Gym: renamed.
          next on Thu 3 Dec 2026, £21.50 at most, on day 3 of the month, or the working day after
        ");
        assert!(
            bill_change(&change(false), "renamed", "It has that name already", &style(None))
                .starts_with("Gym: It has that name already.")
        );
    }
}
