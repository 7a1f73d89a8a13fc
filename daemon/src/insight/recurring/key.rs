//! What tells one bill from another for good, and how a person's word puts payments together or takes them apart.

use std::collections::BTreeSet;

use jiff::civil::Date;
use monzo_common::id::{AccountId, TransactionId};

use super::Row;
use super::rhythm::days_between;
use super::series::{Series, near, payee, plain};

/// What holds payments together, as text: the account with the bank's own key, or with rail and payee, or with these
/// and an amount where one payee has several bills.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(pub String);

/// How the keys of a person's own groups begin.
const GROUP: &str = "group:";
const MERGED: &str = "group:merged:";

impl Row {
    /// Its keys, the most general first.
    fn keys(&self) -> Vec<Key> {
        match &self.series {
            Some(series) => vec![Key(format!("{}|{series}", self.account))],
            None => {
                let payee = format!("{}|{}|{}", self.account, self.scheme, payee(self));
                vec![Key(format!("{payee}|{}", self.amount.unsigned_abs())), Key(payee)]
            }
        }
    }

    /// A person has said what it belongs to.
    pub(super) fn is_grouped(&self) -> bool {
        self.series.as_deref().is_some_and(|series| series.starts_with(GROUP))
    }

    /// A person has said that it is a part of a bill.
    pub(super) fn is_merged(&self) -> bool {
        self.series.as_deref().is_some_and(|series| series.starts_with(MERGED))
    }
}

/// The keys of a series, each once. Where it is the only one of its name, the name is the first of them.
pub(super) fn of_series(series: &Series<'_>) -> Vec<Key> {
    let mut keys = Vec::new();
    if let Some(name) = series.rows.first().filter(|_| !series.shares_name).and_then(|row| row.keys().pop()) {
        keys.push(name);
    }
    for row in &series.rows {
        // The name alone would be that of all bills of the payee.
        keys.extend(row.keys().into_iter().next().filter(|key| !keys.contains(key)));
    }
    keys
}

/// What a person has said of which payments belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grouping {
    /// A number of its own.
    pub number: i64,
    /// The bills concerned.
    pub keys: Vec<Key>,
    /// What becomes of their payments.
    pub how: How,
}

/// What becomes of payments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// They are one bill.
    Merged,
    /// Those like these are a bill of their own.
    Split(BTreeSet<TransactionId>),
    /// They are payments of a bill that the person has added: to this payee, about so much, and not long before.
    Added(Added),
}

/// What tells the payments of a bill that a person has added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Added {
    /// The account that pays.
    pub account: AccountId,
    /// Whom it pays.
    pub payee: String,
    /// Minor units, more than zero.
    pub amount: i64,
    /// The day of its first payment.
    pub on: Date,
}

impl Added {
    fn is_paid_by(&self, row: &Row) -> bool {
        let soon = days_between(self.on, row.date) >= -EARLY;
        row.account == self.account
            && row.amount < 0
            && soon
            && plain(row.name()) == plain(&self.payee)
            && near(row.amount, self.amount, 2)
    }
}

/// Days by which the first payment of a bill that was added may be early. Taste.
const EARLY: i32 = 10;

/// The key of a bill that a person has added, by the number of the word.
pub fn added_key(account: &AccountId, number: i64) -> Key {
    Key(format!("{account}|{GROUP}added:{number}"))
}

/// The number in the key of a group.
pub(super) fn group_of(series: &str) -> Option<i64> {
    series.strip_prefix(GROUP)?.split(':').nth(1)?.parse().ok()
}

/// The rows as a person has put them together and taken them apart.
pub fn grouped(mut rows: Vec<Row>, groupings: &[Grouping]) -> Vec<Row> {
    for grouping in groupings {
        let keys: BTreeSet<&Key> = grouping.keys.iter().collect();
        let own = |row: &Row| row.keys().iter().any(|key| keys.contains(key));
        let number = grouping.number;
        match &grouping.how {
            How::Merged => {
                rows.iter_mut()
                    .filter(|row| own(row))
                    .for_each(|row| row.series = Some(format!("{MERGED}{number}")));
            }
            How::Added(added) => rows
                .iter_mut()
                .filter(|row| added.is_paid_by(row))
                .for_each(|row| row.series = Some(format!("{GROUP}added:{number}"))),
            How::Split(like) => {
                let example = Example::of(rows.iter().filter(|row| own(row)), like);
                for row in rows.iter_mut().filter(|row| own(row)) {
                    let part = if example.is_like(row) { "apart" } else { "rest" };
                    row.series = Some(format!("{GROUP}split:{number}:{part}"));
                }
            }
        }
    }
    rows
}

/// What tells the payments that a person has named from the others of the same bill.
struct Example {
    named: BTreeSet<TransactionId>,
    amounts: Vec<i64>,
    others: Vec<i64>,
    days: Vec<Date>,
}

impl Example {
    fn of<'a>(rows: impl Iterator<Item = &'a Row>, named: &BTreeSet<TransactionId>) -> Self {
        let (own, other): (Vec<&Row>, Vec<&Row>) = rows.partition(|row| named.contains(&row.id));
        let amounts: Vec<i64> = own.iter().map(|row| row.amount).collect();
        let apart = |row: &&Row| !amounts.contains(&row.amount);
        let others = other.iter().copied().filter(apart).map(|row| row.amount).collect();
        Self { named: named.clone(), days: own.iter().map(|row| row.date).collect(), others, amounts }
    }

    fn is_like(&self, row: &Row) -> bool {
        let nearest = |amounts: &[i64]| amounts.iter().map(|amount| amount.abs_diff(row.amount)).min();
        match (nearest(&self.amounts), nearest(&self.others)) {
            _ if self.named.contains(&row.id) => true,
            (Some(own), Some(other)) => own < other,
            // All cost the same: then the day of the month decides.
            (Some(_), None) => self.days.iter().any(|day| {
                let off = (day.day() - row.date.day()).rem_euclid(31);
                off.min(31 - off) <= 5
            }),
            (None, _) => false,
        }
    }
}
