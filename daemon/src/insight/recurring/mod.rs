//! Recurring bills, found in what was paid: whom they pay, how often, when next, and how much at most.
//!
//! Payments of one mandate or standing order belong together; of the others those with one name and steady amounts.
//! Everything here is pure: the same rows, in any order, give the same bills.

mod estimate;
pub mod fit;
mod key;
mod period;
pub mod rhythm;
mod series;
mod steady;
#[cfg(test)]
mod tests;
mod words;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use monzo_common::id::{AccountId, PotId, TransactionId};

pub use key::{Added, Grouping, How, Key, added_key, grouped};
pub use period::Period;
pub use rhythm::{Rhythm, Working};
use series::Series;
pub(in crate::insight) use series::plain;
pub use words::weekday_name;

/// A row of the ledger, as far as this needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The account in whose list it is; a pot's hidden account for what its virtual card paid.
    pub account: AccountId,
    /// The bank's id.
    pub id: TransactionId,
    /// The local day.
    pub date: Date,
    /// Minor units; negative is out.
    pub amount: i64,
    /// The bank's text.
    pub description: String,
    /// Name of the other side.
    pub counterparty: Option<String>,
    /// Name of the shop.
    pub merchant: Option<String>,
    /// What the bank says is the same brand.
    pub group: Option<String>,
    /// The category, as the bank or the person has set it.
    pub category: String,
    /// The payment rail.
    pub scheme: String,
    /// What the bank itself says belongs together: a mandate, subscription or standing order.
    pub series: Option<String>,
    /// The pot that paid, or a part.
    pub pot: Option<PotId>,
}

impl Row {
    /// Whom it pays, as a person would say it.
    pub fn name(&self) -> &str {
        let named = [self.merchant.as_deref(), self.counterparty.as_deref()];
        let name = named.into_iter().flatten().map(str::trim).find(|name| !name.is_empty());
        name.unwrap_or_else(|| self.description.trim())
    }
}

/// A payment that is to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Due {
    /// The day on which the money is taken; what is late by a few days is due today.
    pub date: Date,
    /// Minor units, at most: an upper estimate, and never less than the last one.
    pub amount: i64,
}

/// How the payments that should have come stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// All that were expected have come.
    Good,
    /// The one of this day has not come yet, and still may.
    Late(Date),
    /// The one of this day stayed away; the next one is awaited.
    Missed(Date),
    /// It was taken twice, lastly on this day.
    Doubled(Date),
}

/// A bill that recurs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bill {
    /// What tells it from others, and does not change with time: the keys of its payments, the oldest first.
    pub keys: Vec<Key>,
    /// Whom it pays.
    pub name: String,
    /// The account that pays.
    pub account: AccountId,
    /// The pot behind it, where one has paid lately.
    pub pot: Option<PotId>,
    /// The bank's own key for it.
    pub series: Option<String>,
    /// The payment rail.
    pub scheme: String,
    /// The category of the latest payment.
    pub category: String,
    /// How often, and on which days.
    pub rhythm: Rhythm,
    /// When it was last paid, and with how much.
    pub last: Due,
    /// When it is paid next, even if that is after the horizon; nothing if it has ended.
    pub next: Option<Due>,
    /// What is due before the horizon, oldest first.
    pub due: Vec<Due>,
    /// What will most likely be paid next, in minor units.
    pub estimate: i64,
    /// Payments that stayed away: it is over.
    pub ended: bool,
    /// Per cent. Under [`LIKELY`] it is a guess from a single payment, or one that a person should look at.
    pub confidence: u8,
    /// How many payments this was learnt from.
    pub payments: u32,
    /// What was paid and when, oldest first.
    pub history: Vec<Due>,
    /// How what was expected stands.
    pub standing: Standing,
    /// Days by which payments have come before the expected day, and after it.
    pub spread: (i32, i32),
    /// Months in which nothing is paid, where it is paid in some months of the year.
    pub pauses: Vec<i8>,
    /// The rows that it was learnt from, oldest first.
    pub transactions: Vec<TransactionId>,
}

impl Bill {
    /// The number of the person's word that says which payments belong to it, where one does.
    pub fn group(&self) -> Option<i64> {
        self.series.as_deref().and_then(key::group_of)
    }
}

/// From here on a bill is more than a guess, in per cent. Taste.
pub const LIKELY: u8 = 50;

/// The bills in the rows up to `asof`, that day included, and what they will take from `asof` until before `horizon`.
///
/// `working` says on which days banks work. Bills that have ended are listed too.
pub fn bills(rows: &[Row], asof: Date, horizon: Date, working: Working<'_>) -> Vec<Bill> {
    let known = RefCell::new(BTreeMap::new());
    let working = |date: Date| *known.borrow_mut().entry(date).or_insert_with(|| working(date));
    let mut rows: Vec<&Row> = rows.iter().filter(|row| row.date <= asof && row.amount != 0).collect();
    rows.sort_by(|a, b| (a.date, &a.account, &a.id, a.amount).cmp(&(b.date, &b.account, &b.id, b.amount)));
    let found = series::found(&rows, asof, &working);
    let mut bills: Vec<Bill> =
        found.iter().filter_map(|series| bill(series, asof, horizon, &working)).collect();
    bills.sort_by(|a, b| {
        let key = |bill: &Bill| {
            (bill.ended, bill.next, bill.name.clone(), bill.account.clone(), bill.series.clone(), bill.last)
        };
        key(a).cmp(&key(b))
    });
    bills
}

/// The rows without those that no bill of a pot can be among: [`bills`] finds the same bills of pots in a fraction of
/// the time, since most of what is bought is bought with no pot behind it.
pub fn of_pots(mut rows: Vec<Row>) -> Vec<Row> {
    let name = |row: &Row| (row.account.clone(), row.scheme.clone(), plain(row.name()));
    let paid: BTreeSet<_> = rows.iter().filter(|row| row.pot.is_some()).map(name).collect();
    rows.retain(|row| row.series.is_some() || row.pot.is_some() || paid.contains(&name(row)));
    rows
}

fn bill(series: &Series<'_>, asof: Date, horizon: Date, working: Working<'_>) -> Option<Bill> {
    let newest = series.rows.last()?;
    let last = series.payments.last().copied()?;
    let coming = coming(series, asof, horizon, working);
    Some(Bill {
        name: newest.name().to_owned(),
        account: newest.account.clone(),
        pot: series.rows.iter().rev().take(3).find_map(|row| row.pot.clone()),
        series: newest.series.clone(),
        scheme: newest.scheme.clone(),
        category: newest.category.clone(),
        rhythm: series.fit.rhythm,
        last,
        next: coming.next,
        estimate: estimate::likely(&series.payments),
        ended: coming.next.is_none(),
        confidence: confidence(series, coming.late),
        payments: u32::try_from(series.payments.len()).unwrap_or(u32::MAX),
        due: coming.due.clone(),
        keys: key::of_series(series),
        standing: coming.standing(series),
        spread: series.spread(working),
        pauses: (1..=12).filter(|month| series.pauses_in(*month)).collect(),
        history: series.payments.clone(),
        transactions: series.rows.iter().map(|row| row.id.clone()).collect(),
    })
}

/// Per cent: less for what is late, but what the bank itself says belongs together stays a bill.
fn confidence(series: &Series<'_>, late: bool) -> u8 {
    let keyed = series.rows.last().is_some_and(|row| row.series.is_some()) && series.payments.len() > 2;
    let least = if keyed { LIKELY } else { 0 };
    series.confidence.saturating_sub(if late { 20 } else { 0 }).max(least)
}

/// What is to come of a series.
#[derive(Debug, Default)]
struct Coming {
    next: Option<Due>,
    due: Vec<Due>,
    /// At least one should have come and has not.
    late: bool,
    /// The day of the last one that stayed away.
    missed: Option<Date>,
    /// The day of the one that is awaited, if that is past.
    overdue: Option<Date>,
}

impl Coming {
    fn standing(&self, series: &Series<'_>) -> Standing {
        match (self.overdue, self.missed) {
            (Some(day), _) => Standing::Late(day),
            (None, Some(day)) => Standing::Missed(day),
            (None, None) => series.doubled().map_or(Standing::Good, Standing::Doubled),
        }
    }
}

/// Days by which a payment may be late and still come. Taste: the bank's list lags, and long weekends.
fn grace(period: Period) -> i32 {
    period.tolerance().saturating_add(1)
}

/// Numbers that are looked at: as many weeks as there are in forty years. Bounds a horizon in the far future.
const FARTHEST: i32 = 2_100;

fn coming(series: &Series<'_>, asof: Date, horizon: Date, working: Working<'_>) -> Coming {
    let rhythm = &series.fit.rhythm;
    let mut coming = Coming::default();
    let Some(last) = series.fit.numbers.iter().max().copied() else { return coming };
    let mut away = 0;
    let patience = series.patience();
    for number in (last.saturating_add(1)..).take(usize::try_from(FARTHEST).unwrap_or_default()) {
        let Some(date) = rhythm.date(number, working) else { break };
        if series.pauses(number) {
            continue;
        }
        let late = rhythm::days_between(date, asof);
        if late > grace(rhythm.period) {
            coming.late = true;
            coming.missed = Some(date);
            away += 1;
            if away >= patience {
                return Coming { late: true, missed: Some(date), ..Coming::default() };
            }
            continue;
        }
        let due =
            Due { date: date.max(asof), amount: estimate::at_most(&series.payments, date, rhythm.period) };
        if coming.next.is_none() && date < asof {
            coming.overdue = Some(date);
        }
        coming.next.get_or_insert(due);
        if due.date >= horizon {
            break;
        }
        coming.due.push(due);
    }
    coming
}
