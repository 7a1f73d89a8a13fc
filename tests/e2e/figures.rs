//! Spending, income and cash flow, against a fold over the exported rows that is written out here.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use crate::rig::{self, Rig};

/// Every row that the daemon exports, those of hidden accounts included, as the bank sent them.
fn exported(rig: &Rig) -> Vec<Value> {
    let accounts = rig.json(&["accounts", "--hidden"])["accounts"].clone();
    let mut arguments = vec!["transactions".to_owned(), "-o".into(), "jsonl".into(), "--raw".into()];
    let read = |account: &&Value| !account["left_out"].as_bool().unwrap_or(true);
    for account in accounts.as_array().expect("a list").iter().filter(read) {
        arguments.extend(["--account".to_owned(), account["id"].as_str().expect("an id").to_owned()]);
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let said = rig.ctl(&arguments);
    assert_eq!(said.code, 0, "{}", said.err);
    let rows = said.out.lines().map(|line| serde_json::from_str(line).expect("JSON"));
    rows.filter(|row: &Value| row["withdrawn_at"].is_null() && !row["declined"].as_bool().unwrap_or(true))
        .collect()
}

fn month_of(row: &Value) -> String {
    let at: Timestamp = row["created_at"].as_str().expect("a time").parse().expect("a time");
    let zone = TimeZone::get("Europe/London").expect("a zone");
    at.to_zoned(zone).strftime("%Y-%m").to_string()
}

/// The ids of accounts behind pots.
fn behind_pots(rig: &Rig) -> BTreeSet<String> {
    let accounts = rig.json(&["accounts", "--hidden"])["accounts"].clone();
    let hidden = accounts.as_array().expect("a list").iter().filter(|account| account["pot_id"].is_string());
    hidden.map(|account| account["id"].as_str().expect("an id").to_owned()).collect()
}

/// Spending by month and category, and income by month, in pence.
#[derive(Debug, Default)]
struct ByHand {
    spent: BTreeMap<(String, String), i64>,
    came: BTreeMap<String, i64>,
}

fn by_hand(rows: &[Value], hidden: &BTreeSet<String>) -> ByHand {
    let amount = |row: &Value| row["amount"].as_i64().expect("an amount");
    let at = |row: &Value| row["created_at"].as_str().expect("a time").parse::<Timestamp>().expect("a time");
    let transfer_rail = |row: &Value| {
        matches!(row["scheme"].as_str(), Some("payport_faster_payments" | "p2p_payment" | "monzo_to_monzo"))
    };
    // Equal and opposite in two accounts within two days, the nearest first.
    let candidates: Vec<&Value> = rows.iter().filter(|row| transfer_rail(row) && amount(row) != 0).collect();
    let mut pairs = Vec::new();
    for out in candidates.iter().filter(|row| amount(row) < 0) {
        for into in candidates.iter() {
            let apart = at(into).duration_since(at(out)).abs();
            if amount(into) == -amount(out)
                && into["account_id"] != out["account_id"]
                && apart.as_secs() <= 48 * 3_600
            {
                pairs.push((apart, at(out), out["id"].to_string(), into["id"].to_string()));
            }
        }
    }
    pairs.sort();
    let mut own: BTreeSet<String> = BTreeSet::new();
    for (_, _, out, into) in pairs {
        if !own.contains(&out) && !own.contains(&into) {
            own.extend([out, into]);
        }
    }
    let mut found = ByHand::default();
    for row in rows {
        let (raw, scheme) = (&row["raw"], row["scheme"].as_str().expect("a scheme"));
        let category = row["category"].as_str().expect("a category");
        let to_self = raw["metadata"]["p2p_is_to_self"] == "true";
        if scheme == "uk_retail_pot" || own.contains(&row["id"].to_string()) || to_self {
            continue;
        }
        let reversal = raw["metadata"]["original_transaction_id"].is_string();
        let shared =
            transfer_rail(row) && !matches!(category, "general" | "income" | "savings" | "transfers");
        let spending = amount(row) < 0 || scheme == "mastercard" || reversal || shared;
        let interest = hidden.contains(row["account_id"].as_str().expect("an id")) && scheme != "mastercard";
        if spending && !(interest && amount(row) > 0) {
            *found.spent.entry((month_of(row), category.to_owned())).or_default() -= amount(row);
        } else {
            *found.came.entry(month_of(row)).or_default() += amount(row);
        }
    }
    found.spent.retain(|_, amount| *amount != 0);
    found.came.retain(|_, amount| *amount != 0);
    found
}

#[test]
fn spending_and_income_are_to_the_penny_what_the_exported_rows_add_up_to() {
    let rig = Rig::new(rig::year());
    rig.login();
    let expected = by_hand(&exported(&rig), &behind_pots(&rig));
    assert!(expected.spent.len() > 50, "{expected:?}");
    let all = ["--since", "2020-01-01", "--until", "2026-12-31"];
    let spending = rig.json(&[&["spending", "--by", "category", "--per", "month"], &all[..]].concat());
    let mut spent = BTreeMap::new();
    for row in spending["spending"]["rows"].as_array().expect("a list") {
        let key = (
            row["period"].as_str().expect("a month").to_owned(),
            row["key"].as_str().expect("a key").to_owned(),
        );
        spent.insert(key, row["amount"].as_i64().expect("an amount"));
    }
    assert_eq!(spent, expected.spent);
    assert_eq!(spending["spending"]["total"], expected.spent.values().sum::<i64>());
    let income = rig.json(&[&["income", "--per", "month"], &all[..]].concat());
    let rows = income["income"]["rows"].as_array().expect("a list").iter();
    let came: BTreeMap<String, i64> = rows
        .map(|row| {
            (row["period"].as_str().expect("a month").to_owned(), row["amount"].as_i64().expect("an amount"))
        })
        .filter(|(_, amount)| *amount != 0)
        .collect();
    assert_eq!(came, expected.came);

    // Every grouping has the same total, and so has the cash flow of the same days.
    for by in ["merchant", "payee", "trip", "account", "pot", "person", "week", "cycle"] {
        let said = rig.json(&[&["spending", "--by", by], &all[..]].concat());
        let rows = said["spending"]["rows"].as_array().expect("a list").iter();
        let sum: i64 = rows.map(|row| row["amount"].as_i64().expect("an amount")).sum();
        assert_eq!(said["spending"]["total"], spending["spending"]["total"], "{by}");
        assert_eq!(sum, said["spending"]["total"].as_i64().expect("a total"), "{by}");
    }
    let cashflow = rig.json(&[&["cashflow"], &all[..]].concat())["cashflow"].clone();
    let of_accounts = |key: &str| -> i64 {
        let rows = cashflow["accounts"].as_array().expect("a list").iter();
        rows.map(|row| row[key].as_i64().expect("an amount")).sum()
    };
    assert_eq!(of_accounts("spending"), spending["spending"]["total"].as_i64().expect("a total"));
    assert_eq!(of_accounts("income"), income["income"]["total"].as_i64().expect("a total"));
}

#[test]
fn opening_and_what_moved_is_closing_for_every_account_and_month() {
    let rig = Rig::new(rig::year());
    rig.login();
    for month in ["2026-08", "2026-09", "2026-10", "2026-11"] {
        let said = rig.json(&["cashflow", "-p", month])["cashflow"].clone();
        let mut compared = 0;
        for row in said["accounts"].as_array().expect("a list").iter().chain([&said["total"]]) {
            let of = |key: &str| row[key].as_i64();
            let (Some(opening), Some(closing)) = (of("opening"), of("closing")) else { continue };
            let number = |key: &str| of(key).expect("an amount");
            let moved = number("income") - number("spending") + number("transfers") + number("left_out");
            assert_eq!(opening + moved + number("unexplained"), closing, "{month}: {row}");
            assert_eq!(number("unexplained"), 0, "{month}: {row}");
            compared += 1;
        }
        assert!(compared > 3, "{month}: {said}");
    }
    // The balances are those that `balance --at` tells.
    for month in ["2026-08", "2026-09", "2026-10"] {
        let (first, last) = (format!("{month}-01"), format!("{month}-28"));
        let flow = rig.json(&["cashflow", "--since", &first, "--until", &last])["cashflow"].clone();
        let balances = rig.json(&["balance", "--at", &last])["balances"].clone();
        for balance in balances.as_array().expect("a list") {
            let same = |row: &&Value| {
                row["account_id"] == balance["account_id"] && row["pot_id"] == balance["pot_id"]
            };
            if let Some(row) = flow["accounts"].as_array().expect("a list").iter().find(same) {
                assert_eq!(row["closing"], balance["balance"], "{month}: {row} {balance}");
            }
        }
    }
}

#[test]
fn exclusions_and_shares_are_told_and_scale_every_figure() {
    let mut rig =
        Rig::with(rig::year(), "[share]\nJoint = \"50%\"\n[categories]\neating_out = \"Food outside\"\n");
    rig.login();
    let period = ["-p", "2026-10"];
    let by_account = |rig: &Rig| -> BTreeMap<String, i64> {
        let said = rig.json(&[&["spending", "--by", "account"], &period[..]].concat());
        let rows = said["spending"]["rows"].as_array().expect("a list").iter();
        rows.map(|row| {
            (row["name"].as_str().expect("a name").to_owned(), row["amount"].as_i64().expect("pence"))
        })
        .collect()
    };
    let shared = by_account(&rig);
    let said = rig.ctl(&[&["spending"], &period[..]].concat());
    assert!(said.out.contains("Of Joint, 50% counts.") && said.out.contains("Food outside"), "{}", said.out);
    let said = rig.ctl(&["exclude", "add", "Joint"]);
    assert_eq!(said.code, 0, "{said:?}");
    let said = rig.json(&[&["spending"], &period[..]].concat())["spending"].clone();
    assert_eq!(said["total"], shared["Personal"] + shared.get("Bills (pot account)").copied().unwrap_or(0));
    assert_eq!(said["left_out"]["amount"], shared["Joint"], "{said}");
    assert!(said["left_out"]["count"].as_i64() > Some(3), "{said}");
    rig.stop();
}
