//! Whether every bill was covered that could be, from the bank's books alone.

use std::collections::BTreeMap;

use jiff::civil::Date;
use monzo_sandbox::bank::clock::{DAY, HOUR, London, Ms};
use monzo_sandbox::bank::people::{self, MANDATES};
use monzo_sandbox::bank::row::Kind;
use monzo_sandbox::bank::{Bank, Settings};

use super::checks::before;
use super::eye::{Run, Transfer};
use super::rules;

/// A bill that the Bills pot was to pay.
#[derive(Debug, Clone)]
pub struct Bill {
    pub at: Ms,

    pub payee: String,
    pub amount: i64,
    /// What the pot gave.
    pub covered: i64,
}

/// Every bill of the Bills pot since the row with this number.
pub fn bills(bank: &Bank, since: usize) -> Vec<Bill> {
    let (world, london) = (&bank.world, London::new());
    let pot = bank.life.cast.bills;
    let hidden = world.pots[pot].hidden;
    // Covers by the series in their key, which is the payee's, and by their day.
    let mut covers: BTreeMap<(String, Date), i64> = BTreeMap::new();
    for one in world.transfers.iter().filter(|one| one.trigger == "committed_spending" && one.pot == pot) {
        let series = one.external_id.split(':').nth(1).unwrap_or_default().to_owned();
        *covers.entry((series, london.day(one.at))).or_default() += one.amount;
    }
    let mut found = Vec::new();
    for row in &world.rows[since..] {
        let (party, amount, virtual_card) = match &row.kind {
            Kind::DirectDebit { payee, .. } if row.account == bank.life.cast.personal => {
                let from_pot = MANDATES.iter().any(|one| one.payee == *payee && one.from_pot && !one.joint);
                if !from_pot {
                    continue;
                }
                (*payee, -row.amount, false)
            }
            Kind::Bank { party: people::LANDLORD, iteration: Some(_) } => {
                (people::LANDLORD, -row.amount, false)
            }
            Kind::Card(card) if row.account == hidden && row.amount < 0 && !row.gone => {
                (card.merchant, -row.amount, true)
            }
            _ => continue,
        };
        let day = london.day(row.created);
        if virtual_card {
            let covered = if row.declined == Some("INSUFFICIENT_FUNDS") { 0 } else { amount };
            let payee = people::merchant(party).name.to_owned();
            found.push(Bill { at: row.created, payee, amount, covered });
            continue;
        }
        let series = world.id("series", 1_600_000_000_000, usize::from(party));
        let covered = covers.get(&(series, day)).copied().unwrap_or(0);
        let payee = people::party_of(party).name.to_owned();
        found.push(Bill { at: row.created, payee, amount, covered });
    }
    found
}

/// Why a bill was not covered that could not have been.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Excuse {
    /// No payday had come yet since the rule was accepted.
    Before,
    /// The account had not enough on payday.
    Poor,
    /// It cost more than it ever had in the year before, and the buffer on top.
    Dearer,
    /// The daemon did not run when it should have filled the pot.
    Asleep,
}

/// Bills that were not covered, each with its excuse, if it has one.
pub fn judge(
    bank: &Bank,
    since: usize,
    runs: &[Run],
    transfers: &[Transfer],
    asleep: &[(Ms, Ms)],
) -> (Vec<Bill>, Vec<(Bill, Option<Excuse>)>) {
    let all = bills(bank, 0);
    let started = bank.world.rows[since].created;
    let of_year: Vec<Bill> = all.iter().filter(|bill| bill.at >= started).cloned().collect();
    let mut missed = Vec::new();
    for bill in of_year.iter().filter(|bill| bill.covered < bill.amount) {
        missed.push((bill.clone(), excuse(bank, bill, &all, runs, transfers, asleep)));
    }
    (of_year, missed)
}

fn excuse(
    bank: &Bank,
    bill: &Bill,
    all: &[Bill],
    runs: &[Run],
    transfers: &[Transfer],
    asleep: &[(Ms, Ms)],
) -> Option<Excuse> {
    let world = &bank.world;
    let gone = |run: &&Run| run.rule == rules::PAYDAY && run.started.is_some_and(|at| at < bill.at);
    let Some(run) = runs.iter().rfind(gone) else {
        return Some(Excuse::Before);
    };
    let begun = run.started.unwrap_or(run.created);
    if asleep.iter().any(|(from, to)| *from <= bill.at && bill.at - DAY <= *to) {
        return Some(Excuse::Asleep);
    }
    // Of the same payee, in the year before this bill.
    let past =
        all.iter().filter(|one| one.payee == bill.payee && one.at < begun && one.at > begun - 380 * DAY);
    let dearest = past.map(|one| one.amount).max().unwrap_or(0);
    if bill.amount > dearest + dearest / 20 {
        return Some(Excuse::Dearer);
    }
    let keys: Vec<&str> =
        transfers.iter().filter(|one| one.run == run.id).map(|one| one.key.as_str()).collect();
    let first = world
        .transfers
        .iter()
        .find(|one| keys.iter().any(|key| one.external_id.ends_with(key)) && one.at >= begun - HOUR);
    let first = first?;
    let balance = before(world, 0, first.halves[0]);
    let pot = before(world, world.pots[bank.life.cast.bills].hidden, first.halves[1]);
    let cycle: i64 = all
        .iter()
        .filter(|one| one.at >= begun && one.at < begun + 33 * DAY && one.at <= bill.at)
        .map(|one| one.amount)
        .sum();
    let keep = rules::keeps(rules::PAYDAY, balance).unwrap_or(0);
    (balance - keep + pot < cycle).then_some(Excuse::Poor)
}

#[test]
fn a_pot_that_is_filled_by_hand_falls_short_and_is_found_out() {
    let now = crate::rig::NOON.parse().expect("an instant");
    let bank = Bank::new(Settings { years: 1, ..Settings::new(now) });
    let all = bills(&bank, 0);
    let whole = all.iter().filter(|bill| bill.covered == bill.amount).count();
    let part = all.iter().filter(|bill| bill.covered < bill.amount).count();
    assert!(whole > 60 && part > 2 && whole + part == all.len(), "{whole} whole, {part} in part");
    let (of_year, missed) = judge(&bank, 0, &[], &[], &[]);
    assert_eq!((of_year.len(), missed.len()), (all.len(), part));
    assert!(missed.iter().all(|(_, excuse)| *excuse == Some(Excuse::Before)));
}
