//! `bills.*`: what the person says of bills.

use jiff::civil::Date;
use jsonrpsee::core::async_trait;
use monzo_common::api::BillsServer;
use monzo_common::fault::{Fault, FaultKind};
use monzo_common::id::TransactionId;
use monzo_common::model::{BillAccuracy, BillChange, NewBill};

use super::context::RpcContext;
use crate::autosort::query::bills::{self, Word};
use crate::insight::bills::Said;

/// The longest name of a bill, in characters. Taste.
const LONGEST: usize = 80;

/// The largest amount of a bill, in minor units: a hundred million pounds, so that no sum can overflow.
const MOST: i64 = 10_000_000_000;

/// An amount that a person sets: more than nothing, and no more than anybody pays.
fn amount(minor: i64) -> Result<i64, Fault> {
    if (1..=MOST).contains(&minor) {
        return Ok(minor);
    }
    let hint = "give an amount such as £12.50";
    Err(Fault::new(FaultKind::InvalidParams, "the amount of a bill is more than £0.00", hint))
}

fn name(text: &str) -> Result<String, Fault> {
    let text = text.trim();
    if !text.is_empty() && text.chars().count() <= LONGEST && !text.chars().any(char::is_control) {
        return Ok(text.to_owned());
    }
    let what = format!("the name of a bill is one line of up to {LONGEST} characters");
    Err(Fault::new(FaultKind::InvalidParams, what, "give a shorter name"))
}

#[async_trait]
impl BillsServer for RpcContext {
    async fn confirm_bill(&self, id: String, instalments: Option<u32>) -> Result<BillChange, Fault> {
        let word = Word::Said(Said::Confirm(instalments));
        Ok(bills::say(&self.services()?.sorter, &id, word).await?)
    }

    async fn ignore_bill(&self, id: String) -> Result<BillChange, Fault> {
        Ok(bills::say(&self.services()?.sorter, &id, Word::Said(Said::Ignore)).await?)
    }

    async fn rename_bill(&self, id: String, name: Option<String>) -> Result<BillChange, Fault> {
        let name = name.as_deref().map(self::name).transpose()?;
        Ok(bills::say(&self.services()?.sorter, &id, Word::Said(Said::Rename(name))).await?)
    }

    async fn add_bill(&self, bill: NewBill) -> Result<BillChange, Fault> {
        let ledger = self.ledger().await?;
        let known = ledger.accounts.iter().any(|account| account.id == bill.account_id)
            && bill.pot_id.as_ref().is_none_or(|id| ledger.pots.iter().any(|pot| pot.id == *id));
        if !known {
            let hint = "`monzoctl accounts` and `monzoctl pots` list them";
            return Err(Fault::new(FaultKind::NotFound, "there is no such account or pot", hint));
        }
        if !(1..=366).contains(&bill.count) {
            let hint = "give a count such as 1 month, 4 weeks or 30 days";
            return Err(Fault::new(
                FaultKind::InvalidParams,
                "a bill comes every 1 to 366 of its unit",
                hint,
            ));
        }
        let bill = NewBill { name: name(&bill.name)?, amount: amount(bill.amount)?, ..bill };
        Ok(bills::add(&self.services()?.sorter, bill).await?)
    }

    async fn merge_bills(&self, id: String, others: Vec<String>) -> Result<BillChange, Fault> {
        Ok(bills::say(&self.services()?.sorter, &id, Word::Merge(others)).await?)
    }

    async fn split_bill(&self, id: String, transactions: Vec<String>) -> Result<BillChange, Fault> {
        let transactions = transactions.into_iter().map(TransactionId::from).collect();
        Ok(bills::say(&self.services()?.sorter, &id, Word::Said(Said::Split(transactions))).await?)
    }

    async fn skip_bill(&self, id: String, on: Option<Date>, undo: bool) -> Result<BillChange, Fault> {
        Ok(bills::say(&self.services()?.sorter, &id, Word::Skip { on, undo }).await?)
    }

    async fn set_bill_amount(&self, id: String, amount: Option<i64>) -> Result<BillChange, Fault> {
        let amount = amount.map(self::amount).transpose()?;
        Ok(bills::say(&self.services()?.sorter, &id, Word::Said(Said::Amount(amount))).await?)
    }

    async fn bill_accuracy(&self) -> Result<BillAccuracy, Fault> {
        Ok(bills::accuracy(&self.services()?.sorter).await?)
    }
}
