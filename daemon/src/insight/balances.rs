//! Balances as they were: counted back, row by row, from what the bank last told.
//!
//! The bank tells only the present, so that the past comes from the rows: exact as far back as they are complete.
//! Before that, what was recorded at the time is all there is.

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use monzo_common::id::{AccountId, PotId};
use monzo_common::model::BalancePoint;

use crate::store::{Reader, StoreError, StoredBalance};

/// Days of one answer. Taste: the bank is hardly older.
const LONGEST: usize = 366 * 15;

/// What every account and pot held at an instant of the past.
///
/// # Errors
/// As every question.
pub fn at(reader: &Reader<'_>, at: Timestamp) -> Result<Vec<StoredBalance>, StoreError> {
    let recorded = reader.balances(at)?;
    let mut held = Vec::new();
    for newest in reader.balances(Timestamp::MAX)? {
        let same = |other: &&StoredBalance| {
            other.point.account_id == newest.point.account_id && other.point.pot_id == newest.point.pot_id
        };
        let counted = rows_of(reader, &newest.point)?.and_then(|ledger| ledger.from(at).then_some(ledger));
        match counted {
            Some(ledger) => {
                let later: i64 = reader
                    .counted(&ledger.account, at, after(newest.point.at))?
                    .iter()
                    .map(|row| row.1)
                    .sum();
                let balance = newest.point.balance.saturating_sub(later);
                let point = BalancePoint { at, balance, ..newest.point };
                held.push(StoredBalance { point, total_balance: None, spend_today: None });
            }
            None => held.extend(recorded.iter().find(same).cloned()),
        }
    }
    Ok(held)
}

/// What an account or pot, or else every listed account, held at the end of each day in a span.
///
/// # Errors
/// [`StoreError::Missing`] if `id` is neither.
pub fn history(
    reader: &Reader<'_>,
    id: Option<&str>,
    (since, until): (Timestamp, Timestamp),
    zone: &TimeZone,
) -> Result<Vec<BalancePoint>, StoreError> {
    let all = reader.balances(Timestamp::MAX)?;
    let mut wanted: Vec<StoredBalance> = match id {
        None => all.into_iter().filter(|balance| balance.point.pot_id.is_none()).collect(),
        Some(id) => all.into_iter().filter(|balance| is(&balance.point, id)).collect(),
    };
    if let (Some(id), true) = (id, wanted.is_empty()) {
        wanted = hidden(reader, id)?;
    }
    let mut points = Vec::new();
    for newest in wanted {
        let ends = day_ends(since, until, zone);
        points.extend(match rows_of(reader, &newest.point)? {
            Some(ledger) => count(reader, &ledger, &newest.point, &ends)?,
            None => recorded(reader, &newest.point, &ends, (since, until))?,
        });
    }
    Ok(points)
}

fn is(point: &BalancePoint, id: &str) -> bool {
    match &point.pot_id {
        Some(pot) => pot.as_str() == id,
        None => point.account_id.as_str() == id,
    }
}

/// The pot of a hidden account, which is named here by the account's id.
fn hidden(reader: &Reader<'_>, id: &str) -> Result<Vec<StoredBalance>, StoreError> {
    let pot = reader.account(&AccountId::from(id))?.pot_id;
    let found = reader.balances(Timestamp::MAX)?.into_iter().find(|balance| balance.point.pot_id == pot);
    found.map(|balance| vec![balance]).ok_or_else(|| StoreError::Missing(id.to_owned()))
}

/// The rows that a balance is made of.
struct Ledger {
    account: AccountId,
    /// From here on none is missing.
    complete_from: Timestamp,
}

impl Ledger {
    fn from(&self, at: Timestamp) -> bool {
        self.complete_from <= at
    }
}

fn rows_of(reader: &Reader<'_>, point: &BalancePoint) -> Result<Option<Ledger>, StoreError> {
    let account = match &point.pot_id {
        None => Some(point.account_id.clone()),
        Some(pot) => behind(reader, pot)?,
    };
    let Some(account) = account else { return Ok(None) };
    let covered = reader.covered(&account)?;
    Ok(covered.map(|(complete_from, _)| Ledger { account, complete_from }))
}

fn behind(reader: &Reader<'_>, pot: &PotId) -> Result<Option<AccountId>, StoreError> {
    let pots = reader.pots()?;
    Ok(pots.into_iter().find(|known| known.id == *pot).and_then(|pot| pot.pot_current_id))
}

/// Counts back from the newest balance; days before the rows are complete are left out.
fn count(
    reader: &Reader<'_>,
    ledger: &Ledger,
    newest: &BalancePoint,
    ends: &[Timestamp],
) -> Result<Vec<BalancePoint>, StoreError> {
    let Some(first) = ends.iter().find(|end| ledger.from(**end)).copied() else { return Ok(Vec::new()) };
    let rows = reader.counted(&ledger.account, first, after(newest.at))?;
    let later: i64 = rows.iter().map(|row| row.1).sum();
    let mut balance = newest.balance.saturating_sub(later);
    let mut rows = rows.into_iter().peekable();
    let mut points = Vec::new();
    for end in ends.iter().copied().filter(|end| *end >= first) {
        while let Some((_, amount)) = rows.next_if(|row| row.0 < end) {
            balance = balance.saturating_add(amount);
        }
        points.push(BalancePoint { at: end, balance, ..newest.clone() });
    }
    Ok(points)
}

/// What was recorded, carried on from day to day; days before the first record are left out.
fn recorded(
    reader: &Reader<'_>,
    newest: &BalancePoint,
    ends: &[Timestamp],
    (since, until): (Timestamp, Timestamp),
) -> Result<Vec<BalancePoint>, StoreError> {
    let kept = reader.balance_points(&newest.account_id, newest.pot_id.as_ref(), since, after(until))?;
    let at = |end: &Timestamp| {
        let last = kept.iter().rev().find(|point| point.at <= *end)?;
        Some(BalancePoint { at: *end, ..last.clone() })
    };
    Ok(ends.iter().filter_map(at).collect())
}

/// Spans end before their end, and the row at the very instant counts.
fn after(at: Timestamp) -> Timestamp {
    at.checked_add(1.millisecond()).unwrap_or(Timestamp::MAX)
}

/// The last instant of each day in a span; for the day on which it ends, its end.
fn day_ends(since: Timestamp, until: Timestamp, zone: &TimeZone) -> Vec<Timestamp> {
    let mut ends = Vec::new();
    let mut day = since.to_zoned(zone.clone()).date();
    while ends.len() < LONGEST {
        let next = day.tomorrow().ok().and_then(|next| next.to_zoned(zone.clone()).ok());
        let Some(next) = next else { break };
        if next.timestamp() >= until {
            ends.push(until);
            break;
        }
        ends.push(next.timestamp());
        day = next.date();
    }
    ends
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_ends_in_the_persons_zone_even_when_the_clocks_change() {
        let zone = TimeZone::get("Europe/London").expect("a zone");
        let at = |text: &str| text.parse::<Timestamp>().expect("an instant");
        let ends = day_ends(at("2026-03-27T12:00:00Z"), at("2026-03-30T10:00:00Z"), &zone);
        let expected =
            ["2026-03-28T00:00:00Z", "2026-03-29T00:00:00Z", "2026-03-29T23:00:00Z", "2026-03-30T10:00:00Z"];
        assert_eq!(ends, expected.map(at));
    }
}
