//! Transactions: the list, and everything about one.

use std::collections::BTreeMap;

use monzo_common::model::{Revision, Transaction, TransactionDetail};
use monzo_common::money::Money;

use super::account::facts;
use super::style::{Paint, Style};
use super::table::{Align, Table};
use super::text::{clean, kept_indent};

/// The columns of the list.
const COLUMNS: &[(&str, Align)] = &[
    ("WHEN", Align::Left),
    ("AMOUNT", Align::Right),
    ("WHO", Align::Flexible),
    ("CATEGORY", Align::Left),
    ("STATE", Align::Left),
    ("ID", Align::Left),
];

/// The table of `transactions`, still empty.
pub fn transactions() -> Table {
    Table::new(COLUMNS).sparing(&["CATEGORY", "STATE"])
}

/// Names of pots by id, for moves to and from them.
pub type Names = BTreeMap<String, String>;

/// Adds one transaction to the table.
pub fn add_transaction(table: &mut Table, row: &Transaction, names: &Names, style: &Style) {
    let state = state(row);
    let counts = !row.declined && row.withdrawn_at.is_none();
    let amount = match (counts, row.amount > 0) {
        (false, _) => Paint::Quiet,
        (true, true) => Paint::Good,
        (true, false) => Paint::Plain,
    };
    table.painted([
        (&style.time.minute(row.created_at), Paint::Quiet),
        (&money(row), amount),
        (&who(row, names), if counts { Paint::Plain } else { Paint::Quiet }),
        (&row.category.replace('_', " "), Paint::Quiet),
        (state, Paint::Note),
        (row.id.as_str(), Paint::Quiet),
    ]);
}

fn money(row: &Transaction) -> String {
    let money = Money::new(row.amount, row.currency);
    if row.amount > 0 { format!("+{money}") } else { money.to_string() }
}

/// The other side in the fewest words: pot, merchant, person, else the bank's text.
fn who(row: &Transaction, names: &Names) -> String {
    if let Some(name) = row.pot_id.as_ref().and_then(|pot| names.get(pot.as_str())) {
        return format!("pot {name}");
    }
    match (&row.merchant, &row.counterparty) {
        // Of a merchant that the bank did not describe only the id is known, which says nothing to a person.
        (Some(merchant), _) if !merchant.name.is_empty() && merchant.name != merchant.id.as_str() => {
            merchant.name.clone()
        }
        (_, Some(counterparty)) if !counterparty.is_empty() => counterparty.clone(),
        _ => row.description.clone(),
    }
}

/// `Holiday (pot_0001)`
fn named(id: &str, names: &Names) -> String {
    names.get(id).map_or_else(|| id.to_owned(), |name| format!("{name} ({id})"))
}

fn state(row: &Transaction) -> &'static str {
    match row {
        Transaction { withdrawn_at: Some(_), .. } => "withdrawn",
        Transaction { declined: true, .. } => "declined",
        Transaction { pending: true, .. } => "pending",
        _ => "",
    }
}

/// `show TRANSACTION`
pub fn show_transaction(detail: &TransactionDetail, names: &Names, style: &Style) -> String {
    let row = &detail.transaction;
    let at = |at: Option<jiff::Timestamp>| at.map(|at| style.time.second(at)).unwrap_or_default();
    let local = Money::new(row.local_amount, row.local_currency);
    let abroad = if row.local_currency == row.currency { String::new() } else { local.to_string() };
    let split: Vec<String> = row
        .categories
        .iter()
        .map(|(category, amount)| format!("{category} {}", Money::new(*amount, row.currency)))
        .collect();
    let mut text = facts(
        style,
        &[
            ("Transaction", who(row, names)),
            ("Id", row.id.to_string()),
            ("Account", named(row.account_id.as_str(), names)),
            ("Amount", money(row)),
            ("Abroad", abroad),
            ("State", state(row).to_owned()),
            ("Reason", row.decline_reason.clone().unwrap_or_default()),
            ("Made", at(Some(row.created_at))),
            ("Settled", at(row.settled_at)),
            ("Changed", at(row.updated_at)),
            ("Withdrawn", at(row.withdrawn_at)),
            ("Description", row.description.clone()),
            ("Category", row.category.clone()),
            ("Split", if split.len() > 1 { split.join(", ") } else { String::new() }),
            ("Pot", row.pot_id.as_ref().map(|pot| named(pot.as_str(), names)).unwrap_or_default()),
            ("Scheme", row.scheme.clone()),
            ("Notes", row.notes.clone()),
            ("Tags", row.tags.join(" ")),
        ],
    );
    if !detail.revisions.is_empty() {
        text.push_str(&format!("\n{}\n", style.paint(Paint::Strong, "Earlier")));
        detail.revisions.iter().for_each(|earlier| text.push_str(&revision(earlier, style)));
    }
    if let Some(raw) = &row.raw {
        let raw = serde_json::to_string_pretty(&raw.value()).unwrap_or_default();
        text.push_str(&format!("\n{}\n", style.paint(Paint::Strong, "As the bank has it")));
        raw.lines().for_each(|line| text.push_str(&format!("  {}\n", kept_indent(line))));
    }
    text
}

fn revision(earlier: &Revision, style: &Style) -> String {
    let before: Vec<String> = earlier
        .before
        .iter()
        .map(|(column, value)| format!("{} was {}", clean(column), clean(&value.to_string())))
        .collect();
    format!("  until {}: {}\n", style.time.second(earlier.at), before.join(", "))
}

#[cfg(test)]
mod tests {
    use monzo_common::model::Merchant;

    use super::*;
    use crate::view::fixture::{now, style, transaction};

    #[test]
    fn the_list_shows_who_how_much_and_what_is_special() {
        let mut table = transactions();
        let mut coffee = transaction("tx_2", -320, "PRET A MANGER LONDON");
        coffee.merchant =
            Some(Merchant { id: "merch_1".into(), name: "Pret \x1b[31mA Manger".into(), emoji: None });
        coffee.pending = true;
        let mut unnamed = transaction("tx_5", -450, "CORNER SHOP");
        unnamed.merchant = Some(Merchant { id: "merch_2".into(), name: "merch_2".into(), emoji: None });
        let mut saved = transaction("tx_4", -5_000, "pot_1");
        saved.pot_id = Some("pot_1".into());
        let names = Names::from([("pot_1".to_owned(), "Holiday".to_owned())]);
        let mut gone = transaction("tx_3", -100, "HOLD");
        gone.withdrawn_at = Some(now());
        for row in [transaction("tx_1", 250_000, "SALARY"), coffee, gone, saved, unnamed] {
            add_transaction(&mut table, &row, &names, &style(None));
        }
        insta::assert_snapshot!(table.take(&style(None)), @r"
        WHEN                  AMOUNT  WHO                CATEGORY   STATE      ID
        2026-07-22 10:00  +£2,500.00  SALARY             groceries             tx_1
        2026-07-22 10:00      -£3.20  Pret [31mA Manger  groceries  pending    tx_2
        2026-07-22 10:00      -£1.00  HOLD               groceries  withdrawn  tx_3
        2026-07-22 10:00     -£50.00  pot Holiday        groceries             tx_4
        2026-07-22 10:00      -£4.50  CORNER SHOP        groceries             tx_5
        ");
    }

    #[test]
    fn one_transaction_is_shown_with_what_it_was_before() {
        let mut row = transaction("tx_1", -320, "PRET");
        row.local_amount = -400;
        row.local_currency = "EUR".parse().expect("a code");
        row.raw = Some(serde_json::json!({"id": "tx_1"}).into());
        let before = [("amount".to_owned(), serde_json::json!(-300))].into();
        let detail = TransactionDetail {
            transaction: row,
            revisions: vec![Revision { at: now(), sync_id: None, before }],
        };
        insta::assert_snapshot!(show_transaction(&detail, &[("acc_1".to_owned(), "Current".to_owned())].into(), &style(None)), @r#"
        Transaction  PRET
        Id           tx_1
        Account      Current (acc_1)
        Amount       -£3.20
        Abroad       -€4.00
        Made         2026-07-22 10:00:00
        Settled      2026-07-22 10:00:00
        Description  PRET
        Category     groceries
        Scheme       mastercard

        Earlier
          until 2026-07-22 11:00:00: amount was -300

        As the bank has it
          {
            "id": "tx_1"
          }
        "#);
    }
}
