//! Compares what the daemon holds with the bank's books.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use crate::rig::Rig;

/// Rows by account and id, each as the bank's JSON.
type Rows = BTreeMap<(String, String), Value>;

/// Asserts that every account that the daemon reads is row by row as the bank lists it: what it holds, and its JSON.
///
/// Hidden accounts are compared from where they are covered, because the bank serves no more of them.
pub fn assert_same(rig: &Rig) {
    let accounts = rig.status()["accounts"].as_array().expect("accounts").clone();
    assert!(!accounts.is_empty(), "no account is known");
    let (ours, theirs) = (ours(rig, &accounts), theirs(rig, &accounts));
    for (key, row) in &theirs {
        let here = ours.get(key).unwrap_or_else(|| panic!("{key:?} is not here: {row}"));
        assert_same_row(here, row);
    }
    for key in ours.keys() {
        assert!(theirs.contains_key(key), "{key:?} is here and not at the bank");
    }
}

fn assert_same_row(here: &Value, at_bank: &Value) {
    let id = &at_bank["id"];
    assert_eq!(&without_news(&here["raw"]), at_bank, "the JSON of {id}");
    assert_eq!(here["amount"], at_bank["amount"], "the amount of {id}");
    let instant = |value: &Value| value.as_str().and_then(|text| text.parse::<Timestamp>().ok());
    assert_eq!(instant(&here["created_at"]), instant(&at_bank["created"]), "when {id} was created");
    assert_eq!(instant(&here["settled_at"]), instant(&at_bank["settled"]), "when {id} settled");
    let declined = at_bank.get("decline_reason").and_then(Value::as_str).is_some_and(|text| !text.is_empty());
    assert_eq!(here["declined"], declined, "whether {id} was declined");
}

/// What the bank sent, less the keys that a fault added to some answers: they stay in what is kept.
fn without_news(value: &Value) -> Value {
    match value {
        Value::Object(object) => {
            let known = object.iter().filter(|(key, _)| !key.starts_with("x_new"));
            known.map(|(key, value)| (key.clone(), without_news(value))).collect()
        }
        Value::Array(items) => items.iter().map(without_news).collect(),
        plain => plain.clone(),
    }
}

/// What the daemon holds and counts as listed.
fn ours(rig: &Rig, accounts: &[Value]) -> Rows {
    let mut arguments = vec!["transactions", "-o", "jsonl", "--raw"];
    for account in accounts {
        arguments.extend(["--account", account["id"].as_str().expect("an id")]);
    }
    let said = rig.ctl(&arguments);
    assert_eq!(said.code, 0, "{}", said.err);
    let mut rows = Rows::new();
    for line in said.out.lines() {
        let row: Value = serde_json::from_str(line).expect("JSON");
        let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
        if row["withdrawn_at"].is_null() {
            let before = rows.insert((text("account_id"), text("id")), row.clone());
            assert!(before.is_none(), "a row is here twice: {}", row["id"]);
        }
    }
    rows
}

/// What the bank lists.
fn theirs(rig: &Rig, accounts: &[Value]) -> Rows {
    let mut rows = Rows::new();
    for account in accounts {
        let id = account["id"].as_str().expect("an id");
        let hidden = account["pot_id"].is_string();
        let from: Option<Timestamp> = account["covered_from"].as_str().and_then(|text| text.parse().ok());
        let ledger = rig.bank.bank().ledger(Some(id));
        for row in ledger.accounts.into_iter().flat_map(|account| account.transactions) {
            let created: Timestamp = row["created"].as_str().expect("a time").parse().expect("a time");
            if hidden && from.is_none_or(|from| created < from) {
                continue;
            }
            rows.insert((id.to_owned(), row["id"].as_str().expect("an id").to_owned()), row);
        }
    }
    rows
}

/// How many rows the daemon holds of listed accounts.
pub fn count(rig: &Rig) -> usize {
    let said = rig.ctl(&["transactions", "-o", "jsonl"]);
    assert_eq!(said.code, 0, "{}", said.err);
    said.out.lines().count()
}

/// How many rows of listed accounts the bank has and the daemon has not.
pub fn missing(rig: &Rig) -> u64 {
    let status = rig.status();
    let accounts = status["accounts"].as_array().expect("accounts");
    let listed = accounts.iter().filter(|account| account["pot_id"].is_null());
    let ids: Vec<&str> = listed.map(|account| account["id"].as_str().expect("an id")).collect();
    let at_bank: usize = ids
        .iter()
        .flat_map(|id| rig.bank.bank().ledger(Some(id)).accounts)
        .map(|account| account.transactions.len())
        .sum();
    let here = count(rig);
    u64::try_from(at_bank.saturating_sub(here)).expect("a number")
}
