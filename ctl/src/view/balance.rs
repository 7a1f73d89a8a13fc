//! Balances, now and over time.

use std::collections::BTreeMap;

use monzo_common::model::{Balance, BalancePoint};
use monzo_common::money::{Currency, Money};

use super::account::amount;
use super::chart::area;
use super::style::{Paint, Style};
use super::table::{Align, Table};

/// `balance`
pub fn balances(balances: &[Balance], style: &Style) -> String {
    if balances.is_empty() {
        return "No balance is known for then.\n".to_owned();
    }
    let mut table = Table::new(&[
        ("NAME", Align::Flexible),
        ("BALANCE", Align::Right),
        ("WITH POTS", Align::Right),
        ("SPENT (BANK)", Align::Right),
        ("AS OF", Align::Left),
    ])
    .unless_empty(&["WITH POTS", "SPENT (BANK)"]);
    for balance in balances {
        let name =
            if balance.pot_id.is_some() { format!("  {}", balance.name) } else { balance.name.clone() };
        let money = |minor: Option<i64>| {
            minor.map(|minor| Money::new(minor, balance.currency).to_string()).unwrap_or_default()
        };
        table.painted([
            (&name, if balance.pot_id.is_some() { Paint::Plain } else { Paint::Strong }),
            (&amount(balance.balance, balance.currency), Paint::Plain),
            (&money(balance.total_balance), Paint::Quiet),
            (&money(balance.spend_today.map(|spent| -spent).filter(|spent| *spent != 0)), Paint::Quiet),
            (
                &if balance.balance.is_some() { style.time.minute(balance.at) } else { String::new() },
                Paint::Quiet,
            ),
        ]);
    }
    let mut text = table.take(style);
    text.push_str(&unknown(balances, style));
    text
}

/// A sentence for the accounts and pots whose balance is not known at the instant that was asked for.
pub fn unknown(balances: &[Balance], style: &Style) -> String {
    // Those that are known from the same day on share a sentence.
    let mut unknown: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for balance in balances.iter().filter(|balance| balance.balance.is_none()) {
        let from = balance.known_from.map(|from| style.time.day(from));
        let from = from.map_or_else(|| "not known yet".to_owned(), |day| format!("known from {day} on"));
        unknown.entry(from).or_default().push(&balance.name);
    }
    let sentence = |(from, names): (String, Vec<&str>)| match &names[..] {
        [name] => format!("The balance of {} is {from}.\n", super::clean(name)),
        _ => format!("The balances of {} are {from}.\n", super::clean(&names.join(", "))),
    };
    unknown.into_iter().map(sentence).collect()
}

/// Lines of a chart; taste.
const HEIGHT: usize = 8;

/// `balance --history`: a chart on a screen, a table elsewhere. `names` calls accounts and pots by id.
pub fn history(points: &[BalancePoint], names: &BTreeMap<String, String>, style: &Style) -> String {
    if points.is_empty() {
        return "No balance is known for that period.\n".to_owned();
    }
    let mut series: BTreeMap<&str, Vec<&BalancePoint>> = BTreeMap::new();
    for point in points {
        series.entry(id(point)).or_default().push(point);
    }
    let name = |id: &str| names.get(id).cloned().unwrap_or_else(|| id.to_owned());
    match style.width {
        Some(width) => series
            .iter()
            .map(|(id, points)| chart(&name(id), points, width, style))
            .collect::<Vec<_>>()
            .join("\n"),
        None => {
            let mut table =
                Table::new(&[("WHEN", Align::Left), ("NAME", Align::Left), ("BALANCE", Align::Right)]);
            for point in points {
                let balance = amount(Some(point.balance), point.currency);
                table.row([&style.time.minute(point.at), &name(id(point)), &balance]);
            }
            table.take(style)
        }
    }
}

fn id(point: &BalancePoint) -> &str {
    point.pot_id.as_ref().map_or(point.account_id.as_str(), |pot| pot.as_str())
}

fn chart(name: &str, points: &[&BalancePoint], width: usize, style: &Style) -> String {
    let values: Vec<i64> = points.iter().map(|point| point.balance).collect();
    let currency = points.first().map_or(Currency::GBP, |point| point.currency);
    let (low, high) = (values.iter().min().copied(), values.iter().max().copied());
    let (top, bottom) = (amount(high, currency), amount(low, currency));
    let margin = top.chars().count().max(bottom.chars().count());
    let lines = area(&values, width.saturating_sub(margin + 3).max(10), HEIGHT);
    let last = lines.len().saturating_sub(1);
    let mut text = format!("{}\n", style.paint(Paint::Strong, &super::clean(name)));
    for (index, line) in lines.iter().enumerate() {
        let label = match index {
            0 => top.as_str(),
            index if index == last => bottom.as_str(),
            _ => "",
        };
        let line = style.paint(Paint::Good, line.trim_end());
        text.push_str(&format!("{} ┤{line}\n", style.paint(Paint::Quiet, &format!("{label:>margin$}"))));
    }
    if let (Some(first), Some(final_)) = (points.first(), points.last()) {
        let span = format!("{} – {}", style.time.day(first.at), style.time.day(final_.at));
        text.push_str(&format!("{:margin$}  {}\n", "", style.paint(Paint::Quiet, &span)));
    }
    text
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::view::fixture::{now, style};

    fn points() -> Vec<BalancePoint> {
        [100_000, 90_000, 42_050, 30_000, 250_000, 180_000]
            .into_iter()
            .zip(0..)
            .map(|(balance, day)| BalancePoint {
                account_id: "acc_1".into(),
                pot_id: None,
                at: now() + SignedDuration::from_hours(24 * (day - 6)),
                balance,
                currency: Currency::GBP,
            })
            .collect()
    }

    #[test]
    fn a_screen_gets_a_chart() {
        let names = [("acc_1".to_owned(), "Current".to_owned())].into();
        insta::assert_snapshot!(history(&points(), &names, &style(Some(60))), @r"
        Current
        £2,500.00 ┤    █
                  ┤    █
                  ┤    █▃
                  ┤    ██
                  ┤    ██
                  ┤▅▂  ██
                  ┤██  ██
          £300.00 ┤██▄▁██
                   16 Jul 2026 – 21 Jul 2026
        ");
    }

    #[test]
    fn elsewhere_it_is_a_table() {
        insta::assert_snapshot!(history(&points()[..2], &BTreeMap::new(), &style(None)), @r"
        WHEN              NAME     BALANCE
        2026-07-16 11:00  acc_1  £1,000.00
        2026-07-17 11:00  acc_1    £900.00
        ");
    }
}
