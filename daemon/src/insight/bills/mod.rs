//! Bills as a person asks for them: what the ledger shows, with the person's word applied.
//!
//! [`known`] is the one prediction: the answer to `monzoctl bills`, the levels of the sorter's pots and what it suggests
//! all come from it.

mod incomes;
mod model;
mod state;
#[cfg(test)]
mod tests;
mod words;

use jiff::civil::Date;
use monzo_common::id::{AccountId, PotId};

use super::recurring::{self, Bill, Row, Working};
use crate::store::StoredBillWord;

pub use incomes::incomes;
pub use model::{Holdings, told};
pub use words::{Change, Said, change, find};

/// A bill with what the person has said of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The bill, with the person's name, amount and skipped payments.
    pub bill: Bill,
    /// Whom it pays, as the ledger says it.
    pub payee: String,
    /// The person has confirmed it.
    pub confirmed: bool,
    /// The person has said that it is none.
    pub ignored: bool,
    /// The person has set its amount.
    pub amount_is_set: bool,
    /// The payments that the person said will not come.
    pub skipped: Vec<Date>,
    /// Of so many payments.
    pub instalments: Option<u32>,
    /// The number of the word with which the person added it.
    pub added: Option<i64>,
}

impl Known {
    /// What it is called over the wire: the same as long as its first payment is known.
    pub fn id(&self) -> String {
        match (self.added, self.bill.keys.first()) {
            (Some(number), _) => format!("bill_{number:04}"),
            (None, Some(key)) => format!("bill_{:012x}", hash(&key.0) & 0xffff_ffff_ffff),
            (None, None) => "bill_".to_owned(),
        }
    }

    /// Something more is to come of it.
    pub fn lasts(&self) -> bool {
        !self.ignored && !self.bill.ended
    }
}

/// FNV-1a: only so that an id is short.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// The bills in the rows up to `asof` with the person's word, and what they will take from `asof` until before `horizon`.
/// Bills that have ended or are ignored are among them.
pub fn known(
    rows: &[Row],
    words: &[StoredBillWord],
    (asof, horizon): (Date, Date),
    working: Working<'_>,
) -> Vec<Known> {
    let groupings = words::groupings(words);
    let found = if groupings.is_empty() {
        recurring::bills(rows, asof, horizon, working)
    } else {
        recurring::bills(&recurring::grouped(rows.to_vec(), &groupings), asof, horizon, working)
    };
    words::applied(found, words, (asof, horizon), working)
}

/// The bills that a pot pays, and that go on.
pub fn of_pot<'a>(known: &'a [Known], pot: &'a PotId) -> impl Iterator<Item = &'a Bill> {
    known
        .iter()
        .filter(move |known| known.lasts() && known.bill.pot.as_ref() == Some(pot))
        .map(|known| &known.bill)
}

/// The pot or account that pays.
fn holder(bill: &Bill) -> (&AccountId, Option<&PotId>) {
    (&bill.account, bill.pot.as_ref())
}
