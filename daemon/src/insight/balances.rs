//! Balances as they were: an anchor and the rows until then.
//!
//! The bank tells only the present, so that the past comes from the rows: exact from the anchor of the account's
//! unbroken history to the instant until which that was read. Rows are never counted from a recorded balance, because
//! our clock stamps that and the bank's clock stamps the rows: a row of the same moment would count twice or not at all.
//! Recorded balances answer where the rows do not reach, and tell when a difference arose that the rows leave unexplained.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use monzo_common::id::{AccountId, PotId};
use monzo_common::model::BalancePoint;

use crate::store::{Reader, StoreError, StoredBalance};

/// Days of one answer. Taste: the bank is hardly older.
const LONGEST: usize = 366 * 15;

/// A row so near a recorded balance may be part of it or not, whatever the two clocks say. Taste.
const NEAR: SignedDuration = SignedDuration::from_hours(1);

/// What an account or pot held at an instant of the past.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    /// The newest recorded balance: which account or pot it is.
    pub newest: BalancePoint,
    /// Minor units, and the instant of which this is known; nothing if it is not known.
    pub held: Option<(Timestamp, i64)>,
    /// The first instant of which the balance is known.
    pub known_from: Timestamp,
}

/// What every account and pot held at an instant of the past.
pub fn at(reader: &Reader<'_>, at: Timestamp) -> Result<Vec<Past>, StoreError> {
    let past = |StoredBalance { point: newest, .. }| {
        let course = course(reader, &newest, Some(at))?;
        let known_from = course.known_from().unwrap_or(newest.at);
        Ok(Past { held: course.at(at), known_from, newest })
    };
    reader.balances()?.into_iter().map(past).collect()
}

/// What an account or pot, or else every listed account, held at the end of each day in a span, as far as it is known.
///
/// # Errors
/// [`StoreError::Missing`] if `id` is neither.
pub fn history(
    reader: &Reader<'_>,
    id: Option<&str>,
    (since, until): (Timestamp, Timestamp),
    zone: &TimeZone,
) -> Result<Vec<BalancePoint>, StoreError> {
    let all = reader.balances()?;
    let mut wanted: Vec<StoredBalance> = match id {
        None => all.into_iter().filter(|balance| balance.point.pot_id.is_none()).collect(),
        Some(id) => all.into_iter().filter(|balance| is(&balance.point, id)).collect(),
    };
    if let (Some(id), true) = (id, wanted.is_empty()) {
        wanted = hidden(reader, id)?;
    }
    let mut points = Vec::new();
    for StoredBalance { point: newest, .. } in wanted {
        let course = course(reader, &newest, None)?;
        for end in day_ends(since, until, zone) {
            // The row at midnight is of the next day.
            let last = if end == until { end } else { before(end) };
            let held = course.at(last);
            points.extend(held.map(|(_, balance)| BalancePoint { at: end, balance, ..newest.clone() }));
        }
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
    let found = reader.balances()?.into_iter().find(|balance| balance.point.pot_id == pot);
    found.map(|balance| vec![balance]).ok_or_else(|| StoreError::Missing(id.to_owned()))
}

/// How the balance of one account or pot went.
#[derive(Debug, Default)]
struct Course {
    /// Counted from the rows.
    counted: Option<Counted>,
    /// What the bank told, and when by our clock, oldest first.
    told: Vec<(Timestamp, i64)>,
}

/// A balance that follows from rows without a gap.
#[derive(Debug)]
struct Counted {
    /// The balance before the first row, and from when on no row is missing.
    anchor: (Timestamp, i64),
    /// The balance after each row, oldest first.
    after: Vec<(Timestamp, i64)>,
    /// Until when the rows were read.
    read_to: Timestamp,
    /// What the rows leave unexplained, and from when on, oldest first.
    unexplained: Vec<(Timestamp, i64)>,
}

/// The course of a balance; with `only`, as far as it tells that instant.
fn course(reader: &Reader<'_>, newest: &BalancePoint, only: Option<Timestamp>) -> Result<Course, StoreError> {
    let (since, until) = (Timestamp::MIN, Timestamp::MAX);
    let told = reader.balance_points(&newest.account_id, newest.pot_id.as_ref(), since, until)?;
    let told: Vec<_> = told.into_iter().map(|point| (point.at, point.balance)).collect();
    Ok(Course { counted: counted(reader, newest, &told, only)?, told })
}

/// Counts the rows, where there is an anchor and no gap since.
fn counted(
    reader: &Reader<'_>,
    newest: &BalancePoint,
    told: &[(Timestamp, i64)],
    only: Option<Timestamp>,
) -> Result<Option<Counted>, StoreError> {
    let behind = match &newest.pot_id {
        None => Some(newest.account_id.clone()),
        Some(pot) => behind(reader, pot)?,
    };
    let Some(id) = behind else { return Ok(None) };
    let account = reader.account(&id)?;
    let (Some(anchor), Some((from, read_to))) = (account.anchor, reader.covered(&id)?) else {
        return Ok(None);
    };
    if anchor.0 < from {
        return Ok(None);
    }
    let unexplained = account.difference.is_some_and(|difference| difference != 0);
    if let (Some(at), false) = (only, unexplained) {
        // The kept sums tell one instant without reading the rows.
        let next = at.checked_add(1.millisecond()).unwrap_or(Timestamp::MAX).max(anchor.0);
        let sum = reader.sum(&id, anchor.0)?.saturating_sub(reader.sum(&id, next)?);
        let after = vec![(at, anchor.1.saturating_add(sum))];
        return Ok(Some(Counted { anchor, after, read_to, unexplained: Vec::new() }));
    }
    let mut balance = anchor.1;
    let mut after = reader.counted(&id, anchor.0, Timestamp::MAX)?;
    for (_, amount) in &mut after {
        balance = balance.saturating_add(*amount);
        *amount = balance;
    }
    let mut counted = Counted { anchor, after, read_to, unexplained: Vec::new() };
    if unexplained {
        counted.unexplained = counted.unexplained_by(told);
    }
    Ok(Some(counted))
}

fn behind(reader: &Reader<'_>, pot: &PotId) -> Result<Option<AccountId>, StoreError> {
    let pots = reader.pots()?;
    Ok(pots.into_iter().find(|known| known.id == *pot).and_then(|pot| pot.pot_current_id))
}

impl Course {
    fn known_from(&self) -> Option<Timestamp> {
        let first = self.told.first().map(|told| told.0);
        self.counted.iter().map(|counted| counted.anchor.0).chain(first).min()
    }

    /// The balance at an instant, and the instant of which it is known.
    fn at(&self, at: Timestamp) -> Option<(Timestamp, i64)> {
        let told = last(&self.told, at);
        let Some(counted) = &self.counted else { return told };
        let newest = told == self.told.last().copied();
        if at >= counted.read_to
            && let Some((told_at, balance)) = told
            && (newest || told_at >= counted.read_to)
        {
            return Some((at, balance));
        }
        if at < counted.anchor.0 { told } else { Some((at, counted.at(at))) }
    }
}

impl Counted {
    fn at(&self, at: Timestamp) -> i64 {
        let unexplained = last(&self.unexplained, at).or(self.unexplained.first().copied());
        self.of_rows(at).saturating_add(unexplained.map_or(0, |(_, difference)| difference))
    }

    fn of_rows(&self, at: Timestamp) -> i64 {
        last(&self.after, at).unwrap_or(self.anchor).1
    }

    /// By how much each balance that the bank told is more than the rows say. It stays what it was wherever a row
    /// nearby explains the balance.
    fn unexplained_by(&self, told: &[(Timestamp, i64)]) -> Vec<(Timestamp, i64)> {
        let mut difference = 0;
        let mut found = Vec::new();
        for (at, balance) in told.iter().filter(|told| told.0 >= self.anchor.0) {
            let first = at.checked_sub(NEAR).unwrap_or(Timestamp::MIN);
            let end = at.checked_add(NEAR).unwrap_or(Timestamp::MAX);
            let near = self.after.iter().filter(|row| row.0 > first && row.0 <= end).map(|row| row.1);
            let mut explained = near.chain([self.of_rows(first)]);
            if !explained.any(|rows| rows.saturating_add(difference) == *balance) {
                difference = balance.saturating_sub(self.of_rows(*at));
            }
            found.push((*at, difference));
        }
        found
    }
}

/// The last of some instants in order that is not after `at`.
fn last(of: &[(Timestamp, i64)], at: Timestamp) -> Option<(Timestamp, i64)> {
    of.get(of.partition_point(|point| point.0 <= at).checked_sub(1)?).copied()
}

fn before(at: Timestamp) -> Timestamp {
    at.checked_sub(1.millisecond()).unwrap_or(at)
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
