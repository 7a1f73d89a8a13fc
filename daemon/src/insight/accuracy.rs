//! How well bills are predicted: a rolling hold-out over a ledger whose past is known.
//!
//! It stands at each past payday, predicts the days until the next one from what was known then, and compares with what
//! came. What is true is a parameter: a test knows the contracts; for a person's ledger it is what the whole of it
//! shows in hindsight.

use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan;
use jiff::civil::Date;
use monzo_common::id::TransactionId;

use super::recurring::rhythm::days_between;
use super::recurring::{Bill, Due, LIKELY, Row, Working};

/// What is paid again and again, in truth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contract {
    /// The bank itself says which payments belong to it.
    pub keyed: bool,
    /// After so many payments it has to be found.
    pub least: usize,
    /// Nothing came after its last payment, because it ended.
    pub ended: bool,
}

/// What is true of a ledger.
#[derive(Debug, Clone, Default)]
pub struct Truth {
    /// Which contract a row was paid for.
    pub of: BTreeMap<TransactionId, usize>,
    /// The contracts.
    pub contracts: Vec<Contract>,
}

/// Counts of one kind of contracts. Each share is of two counts, so that several ledgers can be added up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Bills told at all paydays, and those that are a contract of their own.
    pub streams: Share,
    /// Contracts that had to be known at all paydays, and those that were.
    pub contracts: Share,
    /// Payments predicted, and those that came within five days.
    pub predicted: Share,
    /// Payments that came, and those that were predicted.
    pub came: Share,
    /// Next dates, and those that were the very day.
    pub on_the_day: Share,
    /// Next dates, and those within a working day.
    pub within_one: Share,
    /// Next dates, and those within three working days.
    pub within_three: Share,
    /// Payments, and those that the upper estimate covered.
    pub covered: Share,
    /// By how much upper estimates were too high, in hundredths of a per cent of what was paid, and of how many.
    pub excess: Mean,
    /// Payments that a contract had when it was first found.
    pub delay: Mean,
    /// Days from a contract's last payment until it was told as ended, as far as paydays can tell.
    pub until_ended: Mean,
    /// Bills that were told and are no contract, each once.
    pub false_alarms: u32,
}

/// A count, and a part of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Share {
    /// All.
    pub of: u32,
    /// Of them those that held.
    pub held: u32,
}

/// A sum and of how many it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Mean {
    /// The sum.
    pub sum: i64,
    /// Of so many.
    pub of: u32,
}

impl Share {
    fn note(&mut self, held: bool) {
        self.of += 1;
        self.held += u32::from(held);
    }

    fn add(&mut self, other: Self) {
        self.of += other.of;
        self.held += other.held;
    }

    /// In hundredths of a per cent; all of nothing.
    pub fn basis_points(self) -> u32 {
        let points = u64::from(self.held) * 10_000 / u64::from(self.of.max(1));
        if self.of == 0 { 10_000 } else { u32::try_from(points).unwrap_or(u32::MAX) }
    }
}

impl Mean {
    fn note(&mut self, value: i64) {
        self.sum = self.sum.saturating_add(value);
        self.of += 1;
    }

    fn add(&mut self, other: Self) {
        self.sum = self.sum.saturating_add(other.sum);
        self.of += other.of;
    }

    /// The mean in tenths; nothing of nothing.
    pub fn tenths(self) -> Option<i64> {
        (self.of > 0).then(|| self.sum.saturating_mul(10) / i64::from(self.of))
    }
}

impl Figures {
    /// The same, with what was measured of others.
    pub fn add(&mut self, other: &Self) {
        let shares = [
            (&mut self.streams, other.streams),
            (&mut self.contracts, other.contracts),
            (&mut self.predicted, other.predicted),
            (&mut self.came, other.came),
            (&mut self.on_the_day, other.on_the_day),
            (&mut self.within_one, other.within_one),
            (&mut self.within_three, other.within_three),
            (&mut self.covered, other.covered),
        ];
        shares.into_iter().for_each(|(own, other)| own.add(other));
        let means = [
            (&mut self.excess, other.excess),
            (&mut self.delay, other.delay),
            (&mut self.until_ended, other.until_ended),
        ];
        means.into_iter().for_each(|(own, other)| own.add(other));
        self.false_alarms += other.false_alarms;
    }
}

/// What a hold-out measured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Accuracy {
    /// Of bills that the bank itself tells apart.
    pub keyed: Figures,
    /// Of those that were found by name, amount and day.
    pub found: Figures,
    /// Paydays at which it stood.
    pub paydays: u32,
    /// Days that they span.
    pub days: u32,
}

impl Accuracy {
    /// The same, with what was measured of another ledger.
    pub fn add(&mut self, other: &Self) {
        self.keyed.add(&other.keyed);
        self.found.add(&other.found);
        self.paydays += other.paydays;
        self.days += other.days;
    }

    fn of(&mut self, keyed: bool) -> &mut Figures {
        if keyed { &mut self.keyed } else { &mut self.found }
    }
}

/// Days by which a payment may miss its predicted day and still be the one that was meant. Taste.
const NEAR: i32 = 5;

/// Measures predictions at each payday but the last. `predict` answers the bills as known at the end of a day, with
/// what is due before another.
pub fn measured(
    rows: &[Row],
    truth: &Truth,
    paydays: &[Date],
    working: Working<'_>,
    predict: &dyn Fn(Date, Date) -> Vec<Bill>,
) -> Accuracy {
    let mut paid: Vec<Vec<Due>> = vec![Vec::new(); truth.contracts.len()];
    for row in rows.iter().filter(|row| row.amount < 0) {
        if let Some(payments) = truth.of.get(&row.id).and_then(|contract| paid.get_mut(*contract)) {
            payments.push(Due { date: row.date, amount: row.amount.saturating_neg() });
        }
    }
    paid.iter_mut().for_each(|payments| payments.sort());
    let mut run = HoldOut {
        truth,
        paid,
        working,
        known: BTreeMap::new(),
        alarms: BTreeSet::new(),
        all: Accuracy::default(),
    };
    for pair in paydays.windows(2) {
        let [payday, next] = pair else { continue };
        let horizon = next.checked_add((i64::from(NEAR) + 1).days()).unwrap_or(*next);
        run.stand(*payday, *next, &predict(*payday, horizon));
    }
    if let (Some(first), Some(last)) = (paydays.first(), paydays.last()) {
        run.all.days = u32::try_from(days_between(*first, *last)).unwrap_or(0);
    }
    run.all
}

struct HoldOut<'a> {
    truth: &'a Truth,
    /// What was paid for each contract, oldest first.
    paid: Vec<Vec<Due>>,
    working: Working<'a>,
    /// Contracts that were found, and whether they were told as ended since.
    known: BTreeMap<usize, bool>,
    /// Names of bills that are no contract.
    alarms: BTreeSet<String>,
    all: Accuracy,
}

impl HoldOut<'_> {
    fn stand(&mut self, payday: Date, next: Date, bills: &[Bill]) {
        self.all.paydays += 1;
        let mut found: BTreeMap<usize, &Bill> = BTreeMap::new();
        for bill in bills.iter().filter(|bill| !bill.ended && bill.confidence >= LIKELY) {
            let contract = self.contract_of(bill).filter(|contract| !found.contains_key(contract));
            let figures = self.all.of(bill.series.is_some());
            figures.streams.note(contract.is_some());
            match contract {
                Some(contract) => {
                    found.insert(contract, bill);
                }
                None => {
                    for _ in bill.due.iter().filter(|due| due.date <= next) {
                        figures.predicted.note(false);
                    }
                    if self.alarms.insert(format!("{} {}", bill.name, bill.scheme)) {
                        figures.false_alarms += 1;
                    }
                }
            }
        }
        for contract in 0..self.paid.len() {
            self.compare(contract, found.get(&contract).copied(), payday, next);
        }
    }

    /// The contract that a bill was learnt from, if four of five of its payments are of one.
    fn contract_of(&self, bill: &Bill) -> Option<usize> {
        let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
        for contract in bill.transactions.iter().filter_map(|id| self.truth.of.get(id)) {
            *counts.entry(*contract).or_default() += 1;
        }
        let (contract, count) = counts.into_iter().max_by_key(|(_, count)| *count)?;
        (count * 5 >= bill.transactions.len() * 4).then_some(contract)
    }

    fn compare(&mut self, contract: usize, bill: Option<&Bill>, payday: Date, next: Date) {
        let known = &self.truth.contracts[contract];
        let paid = &self.paid[contract];
        let before = paid.iter().filter(|paid| paid.date <= payday).count();
        let coming = paid.get(before);
        let over = known.ended && coming.is_none();
        let figures = self.all.of(known.keyed);
        if before >= known.least && coming.is_some() {
            figures.contracts.note(bill.is_some());
        }
        if bill.is_some() && !self.known.contains_key(&contract) {
            figures.delay.note(i64::try_from(before).unwrap_or(i64::MAX));
            self.known.insert(contract, false);
        }
        if over && bill.is_none() && self.known.get(&contract) == Some(&false) {
            let last = paid.last().map_or(payday, |paid| paid.date);
            figures.until_ended.note(i64::from(days_between(last, payday)));
            self.known.insert(contract, true);
        }
        let due = bill.map_or(&[][..], |bill| &bill.due);
        let near = |one: Date, other: Date| days_between(one, other).abs() <= NEAR;
        let mut used = BTreeSet::new();
        for due in due.iter().filter(|due| due.date <= next) {
            let came = (before..paid.len())
                .find(|number| !used.contains(number) && near(paid[*number].date, due.date));
            used.extend(came);
            figures.predicted.note(came.is_some());
        }
        if before >= known.least {
            let mut used = BTreeSet::new();
            for paid in paid[before..].iter().filter(|paid| paid.date <= next) {
                let meant = (0..due.len())
                    .find(|number| !used.contains(number) && near(due[*number].date, paid.date));
                used.extend(meant);
                figures.came.note(meant.is_some());
            }
        }
        if let (Some(due), Some(came)) = (bill.and_then(|bill| bill.next), coming) {
            let missed = working_days(due.date, came.date, self.working);
            figures.on_the_day.note(missed == 0);
            figures.within_one.note(missed <= 1);
            figures.within_three.note(missed <= 3);
            figures.covered.note(due.amount >= came.amount);
            if due.amount >= came.amount {
                figures.excess.note((due.amount - came.amount).saturating_mul(10_000) / came.amount.max(1));
            }
        }
    }
}

/// Working days from the earlier of two days to the later.
fn working_days(one: Date, other: Date, working: Working<'_>) -> u32 {
    let (mut day, until) = (one.min(other), one.max(other));
    let mut count = 0;
    // Beyond a month it does not matter any more.
    while day < until && count < 31 {
        day = day.tomorrow().unwrap_or(until);
        count += u32::from(working(day));
    }
    count
}
