//! The ledger of an account as a [`backtest`](crate::autosort::study::backtest) replays it: what came, what went, and which bills pots
//! were to pay.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use monzo_common::id::{AccountId, PotId};

use crate::autosort::study::backtest::{Balances, Event, What};
use crate::store::{Reader, ReplayedRow, StoreError};

/// A pot pays for a standing order at most so long before the order (autosort/README.md, Bills).
const APART: SignedDuration = SignedDuration::from_hours(6);

/// What a pot gave for a bill: the bank's word for that cause (monzo/README.md, Metadata).
const FOR_A_BILL: &str = "committed_spending";

/// What happened in an account and its pots during a span: as events, and what was held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// Every event, the oldest first.
    pub events: Vec<Event>,
    /// What was held when it began.
    pub began: Balances,
    /// The least that was held since, of each pot from when its rows are whole.
    pub least: Balances,
}

/// What happened in an account and its pots during a span that ends now, when `held` is held.
pub fn history(
    reader: &Reader<'_>,
    account: &AccountId,
    (since, until): (Timestamp, Timestamp),
    held: &Balances,
    whole: &Whole,
    zone: &TimeZone,
) -> Result<History, StoreError> {
    let rows = reader.replayed(account, since, until)?;
    let (began, least) = balances(&rows, held, whole);
    Ok(History { events: happened(&rows, zone), began, least })
}

/// What was held when rows began that end with what is held now, and the least since.
fn balances(rows: &[ReplayedRow], held: &Balances, whole: &Whole) -> (Balances, Balances) {
    let mut began = walked(rows, held.clone(), i64::saturating_neg, |_, _| {});
    let mut least = Balances { account: began.account, pots: BTreeMap::new() };
    walked(rows, began.clone(), |amount| amount, |at, now| least.lower(now, |pot| whole.knows(pot, at)));
    // What no row shows of a pot's first time may make it look as if it had held less than nothing.
    began.pots.values_mut().for_each(|held| *held = (*held).max(0));
    for (pot, held) in &held.pots {
        let least = least.pots.entry(pot.clone()).or_insert(*held);
        *least = (*least).min(*held);
    }
    (began, least)
}

/// From when on no row is missing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Whole {
    /// Of the account; nothing where it was never read.
    pub account: Option<Timestamp>,
    /// Of pots; those that are missing here are not known at all.
    pub pots: BTreeMap<PotId, Timestamp>,
    /// The names of the pots of which it is not known what they earn and spend by themselves.
    pub unknown: Vec<String>,
}

impl Whole {
    /// Of all that is known of together.
    pub fn from(&self) -> Option<Timestamp> {
        self.account.map(|from| self.pots.values().copied().fold(from, Timestamp::max))
    }

    /// Whether a pot's balance of an instant can be told.
    pub fn knows(&self, pot: &PotId, at: Timestamp) -> bool {
        self.pots.get(pot).is_none_or(|from| *from <= at)
    }
}

/// Balances after all rows; a move between the account and a pot is told by the account's row, which reaches back
/// further than the pot's own.
fn walked(
    rows: &[ReplayedRow],
    mut now: Balances,
    way: impl Fn(i64) -> i64,
    mut look: impl FnMut(Timestamp, &Balances),
) -> Balances {
    for row in rows {
        let amount = way(row.amount);
        match (&row.behind, &row.pot_id) {
            (Some(_), Some(_)) => {}
            (Some(pot), None) => now.add(pot, amount),
            (None, pot) => {
                now.account = now.account.saturating_add(amount);
                if let Some(pot) = pot {
                    now.add(pot, amount.saturating_neg());
                }
            }
        }
        look(row.created_at, &now);
    }
    now
}

/// From when on no row of an account and of these pots is missing.
pub fn whole(reader: &Reader<'_>, account: &AccountId, pots: &[PotId]) -> Result<Whole, StoreError> {
    let account = reader.covered(account)?.map(|(from, _)| from);
    let mut whole = Whole { account, ..Whole::default() };
    for pot in reader.pots()?.into_iter().filter(|pot| pots.contains(&pot.id)) {
        let covered = pot.pot_current_id.as_ref().map(|hidden| reader.covered(hidden)).transpose()?.flatten();
        let from = match (covered, pot.created_at) {
            // Before it was made a pot held nothing.
            (Some((from, _)), Some(made)) if from <= made => Timestamp::MIN,
            (Some((from, _)), _) => from,
            (None, _) => {
                whole.unknown.push(pot.name);
                continue;
            }
        };
        whole.pots.insert(pot.id, from);
    }
    Ok(whole)
}

fn happened(rows: &[ReplayedRow], zone: &TimeZone) -> Vec<Event> {
    let mut covers: Vec<&ReplayedRow> = rows.iter().filter(|row| covers_an_order(row)).collect();
    let event = |row: &ReplayedRow, what| Event {
        at: row.created_at,
        date: row.created_at.to_zoned(zone.clone()).date(),
        what,
    };
    rows.iter().filter_map(|row| Some(event(row, what(row, &mut covers)?))).collect()
}

/// What a row tells; nothing for the other half of a move, and for what a pot gave to a bill, which is paid anew.
fn what(row: &ReplayedRow, covers: &mut Vec<&ReplayedRow>) -> Option<What> {
    match (&row.behind, &row.pot_id) {
        (Some(_), Some(_)) => None,
        (Some(pot), None) if row.amount < 0 => {
            Some(What::Card { pot: pot.clone(), name: row.name.clone(), amount: row.amount.saturating_neg() })
        }
        (Some(pot), None) => Some(What::Pot(pot.clone(), row.amount)),
        (None, Some(_)) if row.trigger.as_deref() == Some(FOR_A_BILL) => None,
        (None, Some(pot)) => Some(What::Moved(pot.clone(), row.amount.saturating_neg())),
        (None, None) if row.amount >= 0 => Some(What::Account(row.amount)),
        (None, None) => {
            let pot = row.bills_pot_id.clone().or_else(|| covered(row, covers));
            Some(match pot {
                Some(pot) => What::Bill { pot, name: row.name.clone(), amount: row.amount.saturating_neg() },
                None => What::Account(row.amount),
            })
        }
    }
}

fn covers_an_order(row: &ReplayedRow) -> bool {
    let order = |id: &str| id.starts_with("standing-order-withdrawal:");
    row.behind.is_none() && row.amount > 0 && row.external_id.as_deref().is_some_and(order)
}

/// The pot that gave for a standing order shortly before it: the same amount first, then less.
fn covered(row: &ReplayedRow, covers: &mut Vec<&ReplayedRow>) -> Option<PotId> {
    if row.scheme == "mastercard" {
        return None;
    }
    let cost = row.amount.saturating_neg();
    let shortly = |cover: &ReplayedRow| {
        let before = row.created_at.duration_since(cover.created_at);
        before >= SignedDuration::ZERO && before <= APART && cover.amount <= cost
    };
    let whole = covers.iter().position(|cover| shortly(cover) && cover.amount == cost);
    let found = whole.or_else(|| covers.iter().position(|cover| shortly(cover)))?;
    covers.remove(found).pot_id.clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(minutes: i64, amount: i64) -> ReplayedRow {
        ReplayedRow {
            behind: None,
            created_at: Timestamp::constant(1_790_000_000, 0)
                .checked_add(SignedDuration::from_mins(minutes))
                .expect("in range"),
            amount,
            name: "Thornbury".into(),
            scheme: "payport_faster_payments".into(),
            pot_id: None,
            trigger: None,
            external_id: None,
            bills_pot_id: None,
        }
    }

    fn cover(minutes: i64, amount: i64, external_id: &str) -> ReplayedRow {
        ReplayedRow {
            scheme: "uk_retail_pot".into(),
            pot_id: Some("pot_1".into()),
            trigger: Some(FOR_A_BILL.into()),
            external_id: Some(external_id.into()),
            ..row(minutes, amount)
        }
    }

    fn check(rows: &[ReplayedRow], expected: &[What]) {
        let found: Vec<What> = happened(rows, &TimeZone::UTC).into_iter().map(|event| event.what).collect();
        assert_eq!(found, expected);
    }

    fn bill(amount: i64) -> What {
        What::Bill { pot: "pot_1".into(), name: "Thornbury".into(), amount }
    }

    #[test]
    fn a_standing_order_is_the_pots_bill_also_where_it_gave_only_a_part() {
        let order = "standing-order-withdrawal:series_1:7:pot_1";
        check(&[cover(0, 900, order), row(30, -900)], &[bill(900)]);
        check(&[cover(0, 200, order), row(30, -900)], &[bill(900)]);
        check(&[cover(0, 900, order), row(400, -900)], &[What::Account(-900)]);
        check(&[cover(0, 900, order), row(20, -950), row(30, -900)], &[bill(950), What::Account(-900)]);
    }

    #[test]
    fn a_debit_names_its_pot_and_the_rest_is_what_it_is() {
        let debit = ReplayedRow { bills_pot_id: Some("pot_1".into()), scheme: "bacs".into(), ..row(5, -300) };
        let by_hand = ReplayedRow { trigger: Some("user".into()), ..cover(6, -150, "user_1:x") };
        let behind = ReplayedRow { behind: Some("pot_1".into()), ..row(8, -249) };
        let half =
            ReplayedRow { behind: Some("pot_1".into()), ..cover(0, -300, "direct-debit-withdrawal:x") };
        check(
            &[cover(0, 300, "direct-debit-withdrawal:x"), half, debit, by_hand, row(7, 2_000), behind],
            &[
                bill(300),
                What::Moved("pot_1".into(), 150),
                What::Account(2_000),
                What::Card { pot: "pot_1".into(), name: "Thornbury".into(), amount: 249 },
            ],
        );
    }

    #[test]
    fn what_was_held_is_told_by_the_accounts_rows_and_what_only_the_pot_knows() {
        let held = Balances { account: 1_000, pots: BTreeMap::from([("pot_1".into(), 500)]) };
        let into = ReplayedRow { trigger: Some("user".into()), ..cover(0, -700, "user_1:x") };
        let other_half = ReplayedRow { behind: Some("pot_1".into()), amount: 700, ..into.clone() };
        let card = ReplayedRow { behind: Some("pot_1".into()), ..row(8, -249) };
        let rows = [into, other_half, row(5, -900), card, row(9, 600)];
        let pot = |held: i64| BTreeMap::from([("pot_1".into(), held)]);
        let (began, least) = balances(&rows, &held, &Whole::default());
        assert_eq!(began, Balances { account: 2_000, pots: pot(49) });
        assert_eq!(walked(&rows, began, |amount| amount, |_, _| {}), held);
        assert_eq!(least, Balances { account: 400, pots: pot(500) });
        // Rows of the pot are missing before this: less than nothing was never in it.
        let gone = Balances { account: 1_000, pots: pot(300) };
        let late =
            Whole { pots: BTreeMap::from([("pot_1".into(), row(6, 0).created_at)]), ..Whole::default() };
        let (began, least) = balances(&rows, &gone, &late);
        assert_eq!((began.pots, least.pots), (pot(0), pot(300)));
    }
}
