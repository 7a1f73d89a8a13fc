//! A backtest: each run in a line, the lowest balances, and the bills that would have failed.

use monzo_common::model::{Backtest, BacktestRun, PlannedBill};
use monzo_common::money::Money;

use super::account::amount;
use super::progress::count;
use super::style::{Paint, Style};
use super::table::{Align, Table};
use super::text::clean;

/// `sort backtest`
pub fn backtest(backtest: &Backtest, style: &Style) -> String {
    let title = format!("Backtest of {}", clean(&backtest.rule));
    let mut text = format!("{}\n", style.paint(Paint::Strong, &title));
    match backtest.whole_from {
        Some(at) => text.push_str(&format!(
            "Complete data start on {}. What pots earned and their cards spent before that is not known,\n\
             so their lowest balances count from then on.\n",
            style.time.day(at)
        )),
        None => {
            text.push_str(&format!(
                "{}\n",
                style.paint(Paint::Note, "There are no complete data for any part of it.")
            ));
        }
    }
    for note in &backtest.notes {
        text.push_str(&format!("{}\n", style.paint(Paint::Note, &super::sentence(note))));
    }
    if backtest.runs.is_empty() {
        text.push_str("\nIt would not have run.\n");
        return text;
    }
    text.push('\n');
    text.push_str(&runs(backtest, style));
    if !backtest.lowest.is_empty() {
        text.push_str(&format!("\n{}\n", style.paint(Paint::Strong, "Lowest balances")));
        let mut table = Table::new(&[
            ("WHERE", Align::Flexible),
            ("AS IT WAS", Align::Right),
            ("WITH THE RULE", Align::Right),
        ]);
        for outcome in &backtest.lowest {
            let paint = if outcome.after < 0 { Paint::Bad } else { Paint::Plain };
            table.painted([
                (&outcome.name, Paint::Plain),
                (&amount(Some(outcome.before), backtest.currency), Paint::Quiet),
                (&amount(Some(outcome.after), backtest.currency), paint),
            ]);
        }
        text.push_str(&table.take(style));
    }
    text.push('\n');
    if backtest.failed_bills.is_empty() {
        text.push_str("No bill would have failed.\n");
    } else {
        let words = format!("{} would have failed", bills_counted(&backtest.failed_bills));
        text.push_str(&style.paint(Paint::Bad, &words));
        text.push('\n');
        text.push_str(&bills(&backtest.failed_bills, backtest, style));
    }
    if !backtest.part_paid.is_empty() {
        let words =
            format!("\n{} would have been more than the pot held", bills_counted(&backtest.part_paid));
        text.push_str(&style.paint(Paint::Note, &words));
        text.push('\n');
        text.push_str(&bills(&backtest.part_paid, backtest, style));
    }
    text
}

fn bills_counted(bills: &[PlannedBill]) -> String {
    count(u64::try_from(bills.len()).unwrap_or(u64::MAX), "bill")
}

fn bills(bills: &[PlannedBill], backtest: &Backtest, style: &Style) -> String {
    let mut table = Table::new(&[
        ("DAY", Align::Left),
        ("BILL", Align::Flexible),
        ("AMOUNT", Align::Right),
        ("", Align::Flexible),
    ]);
    for bill in bills {
        table.row([
            &bill.date.to_string(),
            &bill.name,
            &amount(Some(bill.amount), backtest.currency),
            bill.note.as_deref().unwrap_or_default(),
        ]);
    }
    table.take(style)
}

fn runs(backtest: &Backtest, style: &Style) -> String {
    let mut table = Table::new(&[
        ("WHEN", Align::Left),
        ("MOVES", Align::Right),
        ("STAYS", Align::Right),
        ("SHORT", Align::Right),
        ("BECAUSE", Align::Flexible),
        ("", Align::Flexible),
    ]);
    let money = |minor| Money::new(minor, backtest.currency).to_string();
    for run in &backtest.runs {
        let short: i64 = run.plan.steps.iter().map(|step| step.short).sum();
        table.painted([
            (&style.time.minute(run.at), Paint::Plain),
            (&money(run.moved), Paint::Plain),
            (&money(run.plan.left), Paint::Quiet),
            (&if short > 0 { money(short) } else { String::new() }, Paint::Note),
            (&run.cause, Paint::Quiet),
            (&remark(run), Paint::Bad),
        ]);
    }
    table.take(style)
}

/// What could not be planned, or held it back.
fn remark(run: &BacktestRun) -> String {
    let errors = run.plan.steps.iter().filter_map(|step| step.error.clone());
    errors.chain(run.plan.guards.iter().cloned()).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use monzo_common::model::Outcome;
    use monzo_common::money::Currency;

    use super::*;
    use crate::view::fixture::{self, now, style};

    #[test]
    fn a_backtest_shows_runs_lowest_balances_and_failed_bills() {
        let mut past = Backtest {
            rule: "payday".into(),
            whole_from: Some(now()),
            runs: vec![BacktestRun {
                at: now(),
                cause: "on payday".into(),
                moved: 201_120,
                plan: fixture::plan(),
            }],
            lowest: vec![Outcome { id: "acc_1".into(), name: "Personal".into(), before: 2_000, after: -500 }],
            failed_bills: vec![PlannedBill {
                name: "Council Tax".into(),
                date: date(2026, 7, 1),
                amount: 15_000,
                note: Some("the pot had £120.00".into()),
            }],
            part_paid: vec![PlannedBill {
                name: "Water".into(),
                date: date(2026, 7, 2),
                amount: 4_000,
                note: Some("£10.00 of it from Personal".into()),
            }],
            notes: vec!["what Savings earned or spent by itself is not known".into()],
            currency: Currency::GBP,
        };
        insta::assert_snapshot!(backtest(&past, &style(None)), @r"
        Backtest of payday
        Complete data start on 22 Jul 2026. What pots earned and their cards spent before that is not known,
        so their lowest balances count from then on.
        What Savings earned or spent by itself is not known.

        WHEN                  MOVES      STAYS    SHORT  BECAUSE
        2026-07-22 11:00  £2,011.20  £1,200.00  £900.00  on payday

        Lowest balances
        WHERE     AS IT WAS  WITH THE RULE
        Personal     £20.00         -£5.00

        1 bill would have failed
        DAY         BILL          AMOUNT
        2026-07-01  Council Tax  £150.00  the pot had £120.00

        1 bill would have been more than the pot held
        DAY         BILL   AMOUNT
        2026-07-02  Water  £40.00  £10.00 of it from Personal
        ");
        past.runs.clear();
        past.whole_from = None;
        insta::assert_snapshot!(backtest(&past, &style(None)), @r"
        Backtest of payday
        There are no complete data for any part of it.
        What Savings earned or spent by itself is not known.

        It would not have run.
        ");
    }
}
