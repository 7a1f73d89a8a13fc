//! The proof of the tour: what the daemon holds is what the bank's books say, line by line.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use serde_json::Value;

use super::guide::Guide;
use crate::http::Served;

/// A line as far as it is compared: amount in pence, created, settled.
type Line = (i64, String, String);

/// Compares every account that the daemon reads with the bank's books, and answers how many lines are the same.
pub(super) fn same_ledger(guide: &Guide<'_>, served: &Served) -> anyhow::Result<usize> {
    let mut compared = 0;
    let accounts: Value = serde_json::from_slice(&guide.ask(&["accounts", "--json"])?)?;
    let accounts = accounts["accounts"].as_array().context("monzoctl lists no accounts")?;
    ensure!(!accounts.is_empty(), "monzoctl lists no accounts");
    let printed = guide.ask(&["transactions", "-o", "jsonl", "--raw"])?;
    let mut ours: BTreeMap<String, BTreeMap<String, Line>> = BTreeMap::new();
    for line in printed.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let row: Value = serde_json::from_slice(line)?;
        let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
        let raw = |key: &str| row["raw"][key].as_str().unwrap_or_default().to_owned();
        let amount = row["amount"].as_i64().context("a row without an amount")?;
        ours.entry(text("account_id"))
            .or_default()
            .insert(text("id"), (amount, raw("created"), raw("settled")));
    }
    for account in accounts.iter().filter(|account| account["left_out"] != true) {
        let id = account["id"].as_str().context("an account without an id")?;
        let theirs: BTreeMap<String, Line> = {
            let ledger = served.bank().ledger(Some(id));
            let lines = ledger.accounts.into_iter().flat_map(|account| account.transactions);
            lines
                .map(|row| {
                    let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
                    (
                        text("id"),
                        (row["amount"].as_i64().unwrap_or_default(), text("created"), text("settled")),
                    )
                })
                .collect()
        };
        let ours = ours.remove(id).unwrap_or_default();
        ensure!(ours.len() == theirs.len(), "{id}: {} lines here, {} at the bank", ours.len(), theirs.len());
        for (line, at_bank) in &theirs {
            let here = ours.get(line).with_context(|| format!("{line} is not here"))?;
            ensure!(here == at_bank, "{line} is {here:?} here and {at_bank:?} at the bank");
        }
        compared += theirs.len();
    }
    Ok(compared)
}
