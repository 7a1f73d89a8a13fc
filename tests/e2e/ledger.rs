//! Compares what the daemon holds with the bank's books.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

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
    if !same_but_news(&here["raw"], at_bank) {
        assert_eq!(&here["raw"], at_bank, "the JSON of {id}");
    }
    assert_eq!(here["amount"], at_bank["amount"], "the amount of {id}");
    let instant = |value: &Value| value.as_str().and_then(|text| text.parse::<Timestamp>().ok());
    assert_eq!(instant(&here["created_at"]), instant(&at_bank["created"]), "when {id} was created");
    assert_eq!(instant(&here["settled_at"]), instant(&at_bank["settled"]), "when {id} settled");
    let declined = at_bank.get("decline_reason").and_then(Value::as_str).is_some_and(|text| !text.is_empty());
    assert_eq!(here["declined"], declined, "whether {id} was declined");
}

/// Whether this is what the bank has, but for the keys that a fault added to some answers: they stay in what is kept.
fn same_but_news(here: &Value, at_bank: &Value) -> bool {
    match (here, at_bank) {
        (Value::Object(here), Value::Object(at_bank)) => {
            let known = here.iter().filter(|(key, _)| !key.starts_with("x_new"));
            known.clone().count() == at_bank.len()
                && known
                    .zip(at_bank)
                    .all(|((key, value), (other, at_bank))| key == other && same_but_news(value, at_bank))
        }
        (Value::Array(here), Value::Array(at_bank)) => {
            here.len() == at_bank.len()
                && here.iter().zip(at_bank).all(|(here, at_bank)| same_but_news(here, at_bank))
        }
        (here, at_bank) => here == at_bank,
    }
}

/// What the daemon holds and counts as listed.
fn ours(rig: &Rig, accounts: &[Value]) -> Rows {
    let ids: Vec<&Value> = accounts.iter().map(|account| &account["id"]).collect();
    let mut rows = Rows::new();
    for row in listed(rig, json!({"accounts": ids, "raw": true})) {
        let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
        if row["withdrawn_at"].is_null() {
            let before = rows.insert((text("account_id"), text("id")), row);
            assert!(before.is_none(), "a row is here twice: {}", before.unwrap_or_default()["id"]);
        }
    }
    rows
}

/// Every row that matches, page by page.
fn listed(rig: &Rig, mut query: Value) -> Vec<Value> {
    query["limit"] = 500.into();
    let mut rows = Vec::new();
    loop {
        let mut page = rig.rpc("transactions.list", &json!({"query": query}));
        if let Value::Array(found) = page["transactions"].take() {
            rows.extend(found);
        }
        match page["cursor"].take() {
            Value::Null => return rows,
            cursor => query["cursor"] = cursor,
        }
    }
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
    listed(rig, json!({})).len()
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
