//! What the bills of a pot cost, in the last cycle or until the next payday (autosort/README.md, Bills).
//!
//! What *left* a pot is read from the rows of the hidden account behind it; what a bill *cost* is the whole of the row
//! that it paid in the main account, also where the pot gave only a part.

mod cycle;
mod upcoming;

use jiff::civil::{Date, DateTime};
use jiff::{SignedDuration, Timestamp};
use monzo_common::id::PotId;
use monzo_common::model::{PlannedBill, PlannedInput};
use monzo_common::shell;

use crate::insight::recurring::{self, Period};
use crate::rule::Basis;

/// What a pot has to hold for its bills.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Level {
    /// Minor units, before the buffer.
    pub amount: i64,
    /// What made it up.
    pub bills: Vec<PlannedBill>,
    /// Other figures that went in.
    pub inputs: Vec<PlannedInput>,
    /// What is to be said about it, in sentences.
    pub notes: Vec<String>,
}

impl Level {
    /// Orders the bills, and adds them up.
    fn add_up(&mut self) {
        self.bills.sort_by(|one, other| (one.date, &one.name).cmp(&(other.date, &other.name)));
        self.amount = sum(&self.bills);
    }

    /// Adds what left the pot without a row, in minor units; `note` says so.
    fn add_unexplained(&mut self, amount: i64, note: String) {
        self.amount = self.amount.saturating_add(amount);
        self.inputs.push(PlannedInput { name: "unexplained".to_owned(), amount });
        self.notes.push(note);
    }
}

/// Why a level cannot be told: a planning error, never zero.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotKnown {
    /// The hidden account was never seen.
    #[error(
        "what leaves {pot} cannot be seen yet: move any amount in or out of it once in the app, or run `monzoctl pots discover {}`",
        shell::word(pot)
    )]
    Hidden {
        /// The pot's name.
        pot: String,
    },
    /// The last cycle's rows are not whole.
    #[error(
        "the rows of {pot} do not cover a whole cycle yet{}; `until_known` gives an amount until then",
        from.map(|from| format!(": they will from {from}")).unwrap_or_default()
    )]
    Uncovered {
        /// The pot's name.
        pot: String,
        /// The payday from which they will.
        from: Option<Date>,
    },
    /// There is no pay calendar that has a cycle.
    #[error("there is no payday to count from: add a `[[payday]]`")]
    NoCycle,
}

/// What is known of a pot's bills.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PotBills {
    /// The pot.
    pub pot_id: PotId,
    /// Its name, for sentences.
    pub name: String,
    /// Rows of its hidden account; nothing where that account is not known.
    pub hidden: Option<Hidden>,
    /// Rows of the main account that may have been paid from it: those with its `bills_pot_id`, and what left within
    /// six hours of a row of the pot. Other rows do no harm.
    pub main: Vec<MainRow>,
    /// The bank's balances of the pot, oldest first.
    pub balances: Vec<(Timestamp, i64)>,
    /// Its bills to come, each once: with its next date.
    pub predicted: Vec<Predicted>,
}

/// The ledger of the account behind a pot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hidden {
    /// From here on no row is missing; the beginning of time where all are there since the pot was made.
    pub covered_from: Timestamp,
    /// Until here.
    pub covered_to: Timestamp,
    /// Its rows, neither declined nor withdrawn.
    pub rows: Vec<PotRow>,
}

/// A row of the account behind a pot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PotRow {
    /// When.
    pub at: Timestamp,
    /// Its local date.
    pub date: Date,
    /// Minor units; negative leaves the pot.
    pub amount: i64,
    /// The other side.
    pub name: String,
    /// The scheme is one of transfers between a pot and its account; else a card, or interest.
    pub transfer: bool,
    /// The scheme is one of interest.
    pub interest: bool,
    /// `metadata.trigger`.
    pub trigger: Option<String>,
    /// `metadata.is_pot_to_pot_transfer`.
    pub pot_to_pot: bool,
    /// `metadata.external_id`.
    pub external_id: Option<String>,
}

/// A row of the main account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MainRow {
    /// When.
    pub at: Timestamp,
    /// Its local date.
    pub date: Date,
    /// Minor units; negative leaves the account.
    pub amount: i64,
    /// The other side.
    pub name: String,
    /// `metadata.bills_pot_id`.
    pub bills_pot_id: Option<PotId>,
    /// A card payment or a transfer of a pot: never what a standing order paid.
    pub unlike_a_bill: bool,
}

/// A bill to come, as `insight::recurring` tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Predicted {
    /// Whom it pays.
    pub name: String,
    /// When it is due, and the upper estimate in minor units; oldest first, as far as was looked. The first is the
    /// next one, however far away.
    pub due: Vec<(Date, i64)>,
    /// How often it comes: from the last known date on.
    pub period: Period,
}

impl Predicted {
    /// A bill as it was found in the ledger; nothing for one that has ended.
    pub fn of(bill: &recurring::Bill) -> Option<Self> {
        let next = bill.next?;
        let mut due: Vec<(Date, i64)> = bill.due.iter().map(|due| (due.date, due.amount)).collect();
        if due.is_empty() {
            due.push((next.date, next.amount));
        }
        Some(Self { name: bill.name.clone(), due, period: bill.rhythm.period })
    }
}

/// Where a run stands among the paydays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    /// The local instant of the run.
    pub now: DateTime,
    /// This run's own payday.
    pub own: Date,
    /// The moment of the payday after it: bills that leave before that are this run's.
    pub next: DateTime,
    /// All paydays, in order, as far back and ahead as the longest period of a bill.
    pub paydays: Vec<Date>,
    /// Cycles that have ended, oldest first.
    pub cycles: Vec<Cycle>,
}

/// The time from a payday to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cycle {
    /// The payday that begins it.
    pub payday: Date,
    /// Its first instant.
    pub from: Timestamp,
    /// The first instant after it.
    pub until: Timestamp,
}

/// How a `bills` step looks at its pot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Which bills.
    pub basis: Basis,
    /// Bills due within this of now, instead of until the next payday.
    pub horizon: Option<SignedDuration>,
    /// Minor units, while the last cycle is not known.
    pub until_known: Option<i64>,
}

/// What a pot has to hold for its bills, before the buffer.
pub fn level(pot: &PotBills, calendar: &Calendar, look: Look) -> Result<Level, NotKnown> {
    let Some(hidden) = &pot.hidden else {
        return Err(NotKnown::Hidden { pot: pot.name.clone() });
    };
    match look.basis {
        Basis::LastCycle => cycle::last(pot, hidden, calendar).or_else(|reason| match look.until_known {
            Some(amount) => Ok(Level {
                amount,
                notes: vec![format!("`until_known` stands in: {reason}")],
                ..Level::default()
            }),
            None => Err(reason),
        }),
        Basis::Upcoming => Ok(upcoming::level(pot, hidden, calendar, look.horizon)),
    }
}

/// What the bills of a pot cost in a cycle that its rows cover.
pub fn cost(pot: &PotBills, hidden: &Hidden, cycle: Cycle) -> Level {
    cycle::cost(pot, hidden, cycle)
}

/// Whether a row that left a pot is a bill: not what a person moved, in the app or through the sorter.
pub fn is_bill(row: &PotRow) -> bool {
    let ours = row
        .external_id
        .as_deref()
        .and_then(|id| id.rsplit(':').next())
        .is_some_and(|id| id.starts_with(OURS));
    row.amount < 0 && row.trigger.as_deref() != Some("user") && !row.pot_to_pot && !ours
}

/// How the keys of the sorter's own transfers begin (autosort/README.md, Exactly once).
const OURS: &str = "mz-";

fn sum(bills: &[PlannedBill]) -> i64 {
    bills.iter().fold(0, |sum: i64, bill| sum.saturating_add(bill.amount)).max(0)
}

#[cfg(test)]
mod tests;
