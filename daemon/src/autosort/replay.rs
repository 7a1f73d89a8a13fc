//! The ledger of an account as a [`backtest`](super::backtest) replays it: what came, what went, and which bills pots
//! were to pay.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use monzo_common::id::{AccountId, PotId};

use super::backtest::{Event, What};
use crate::store::{Reader, ReplayedRow, StoreError};

/// A pot pays for a standing order at most so long before the order (autosorter.md 3.4).
const APART: SignedDuration = SignedDuration::from_hours(6);

/// What a pot gave for a bill: the bank's word for that cause (monzo-api.md 5.5).
const FOR_A_BILL: &str = "committed_spending";

/// What happened in an account and its pots during a span.
///
/// # Errors
/// As every question.
pub fn events(
    reader: &Reader<'_>,
    account: &AccountId,
    (since, until): (Timestamp, Timestamp),
    zone: &TimeZone,
) -> Result<Vec<Event>, StoreError> {
    Ok(happened(&reader.replayed(account, since, until)?, zone))
}

/// From when on no row of an account and of these pots is missing; nothing where one of them cannot be read at all.
///
/// # Errors
/// As every question.
pub fn whole_from(
    reader: &Reader<'_>,
    account: &AccountId,
    pots: &[PotId],
) -> Result<Option<Timestamp>, StoreError> {
    let mut from = reader.covered(account)?.map(|(from, _)| from);
    for pot in reader.pots()?.iter().filter(|pot| pots.contains(&pot.id)) {
        let covered = pot.pot_current_id.as_ref().map(|hidden| reader.covered(hidden)).transpose()?.flatten();
        // Before it was made a pot held nothing.
        let whole = covered.map(|(from, _)| match pot.created_at {
            Some(made) if from <= made => Timestamp::MIN,
            _ => from,
        });
        from = from.zip(whole).map(|(from, whole)| from.max(whole));
    }
    Ok(from)
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
                What::Pot("pot_1".into(), -249),
            ],
        );
    }
}
