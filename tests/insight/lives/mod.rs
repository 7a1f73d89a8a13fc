//! Lives as people have them, invented from contracts: what their ledgers show, and the truth behind it.
//!
//! Nothing here knows how bills are found. A contract has a calendar of its own, prices that rise, and accidents; habits
//! are what people buy without any contract. The truth is which row was paid for which contract.

mod calendar;
mod contract;
mod dice;
mod habits;
mod home;
mod income;

use std::collections::BTreeMap;

use jiff::civil::{Date, date};
use monzo_common::id::TransactionId;
use monzod::insight::payday::Credit;
use monzod::insight::recurring::Row;

use contract::Contract;
use dice::Dice;

/// The first day of every life.
pub const FIRST: Date = date(2023, 11, 27);

/// Its last.
pub const LAST: Date = date(2026, 11, 24);

/// What is known of a contract.
#[derive(Debug, Clone)]
pub struct Truth {
    /// For messages.
    pub name: String,
    /// The bank itself says which payments belong to it.
    pub keyed: bool,
    /// It is paid once a year.
    pub yearly: bool,
    /// It was cancelled: nothing came after its last payment.
    pub cancelled: bool,
}

/// A person's three years.
#[derive(Debug, Default)]
pub struct Life {
    /// Payments out.
    pub rows: Vec<Row>,
    /// Money in.
    pub credits: Vec<Credit>,
    /// What is paid again and again.
    pub bills: Vec<Truth>,
    /// What comes in again and again.
    pub incomes: Vec<Truth>,
    /// Which bill or income a row belongs to, by its number.
    pub of: BTreeMap<TransactionId, usize>,
    /// The days of the main pay.
    pub paydays: Vec<Date>,
}

/// A payment before it is a row.
#[derive(Debug, Clone)]
pub struct Paid {
    pub date: Date,
    /// Minor units, more than zero.
    pub amount: i64,
    pub name: String,
    pub scheme: &'static str,
    pub key: Option<String>,
    pub group: Option<String>,
    pub category: &'static str,
}

impl Life {
    /// The life of a seed: the same each time.
    pub fn new(seed: u64) -> Self {
        let mut life = Self::default();
        let mut dice = Dice::new(seed);
        income::earn(&mut life, &mut dice);
        for contract in home::contracts(&mut dice) {
            life.sign(&contract, &mut dice);
        }
        habits::live(&mut life, &mut dice);
        life.rows.sort_by(|a, b| (a.date, &a.id).cmp(&(b.date, &b.id)));
        life.credits.sort_by(|a, b| (a.date, &a.id).cmp(&(b.date, &b.id)));
        life
    }

    /// Pays for a contract, as long as it lasts.
    fn sign(&mut self, contract: &Contract, dice: &mut Dice) {
        let number = self.bills.len();
        self.bills.push(contract.truth());
        for paid in contract.payments(dice) {
            let id = self.spend(&paid);
            self.of.insert(id, number);
        }
    }

    fn spend(&mut self, paid: &Paid) -> TransactionId {
        let id = TransactionId::from(format!("tx_{:06}", self.rows.len()));
        let card = paid.scheme == "mastercard";
        self.rows.push(Row {
            account: "acc_1".into(),
            id: id.clone(),
            date: paid.date,
            amount: -paid.amount,
            description: paid.name.to_uppercase(),
            counterparty: (!card).then(|| paid.name.clone()),
            merchant: card.then(|| paid.name.clone()),
            group: paid.group.clone(),
            category: paid.category.to_owned(),
            scheme: paid.scheme.to_owned(),
            series: paid.key.clone(),
            pot: None,
        });
        id
    }

    fn receive(&mut self, date: Date, amount: i64, name: &str) -> TransactionId {
        let id = TransactionId::from(format!("tx_in_{:06}", self.credits.len()));
        self.credits.push(Credit {
            account: "acc_1".into(),
            id: id.clone(),
            date,
            amount,
            name: name.to_owned(),
            scheme: "bacs".to_owned(),
        });
        id
    }
}
