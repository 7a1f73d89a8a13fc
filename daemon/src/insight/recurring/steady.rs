//! Bills that only a name holds together: steadiness of amount and day tells them from habits.
//!
//! A false bill costs more than one that is found late, so that few payments have to agree more closely than many.

use std::collections::BTreeSet;

use jiff::civil::Date;

use super::fit::Fit;
use super::rhythm::{Working, days_between};
use super::series::{Proof, Series, confidence, learnt, near, payments};
use super::{Due, Period, Row};

/// Payments from which on small differences are forgiven, because chance does not go on for so long. Taste.
const MANY: usize = 6;

/// Rows of one insurer, of which some are policies that are renewed each year. Taste: four in three years.
const MANY_POLICIES: usize = 12;

/// Series of one name: all its rows, else those of like amounts, else those of the very same amount.
pub(super) fn found<'a>(rows: Vec<&'a Row>, working: Working<'_>, all: &mut Vec<Series<'a>>) {
    if let Some(series) = steady(&rows, working) {
        all.push(series);
        return;
    }
    let count = rows.len();
    let mut left = rows;
    let mut own = Vec::new();
    let mut taken = BTreeSet::new();
    for how in [Alike::About(8), Alike::About(u64::MAX), Alike::ByAnniversary] {
        for mut band in how.groups(&left) {
            band.retain(|row| !taken.contains(&row.id));
            let Some(series) = steady(&band, working) else { continue };
            let bare: BTreeSet<_> = series.rows.iter().map(|row| &row.id).collect();
            left.retain(|row| !bare.contains(&row.id));
            let series = grown(series, &mut left, working);
            taken.extend(series.rows.iter().map(|row| &row.id));
            own.push(Series { shares_name: true, ..series });
        }
    }
    // Two purchases of one price a year apart are nothing among others; where all are such pairs they are policies.
    let few = |series: &Series<'_>| series.payments.len() < 4 && series.fit.rhythm.period.is_yearly();
    let paired: usize = own.iter().filter(|series| few(series)).map(|series| series.rows.len()).sum();
    if paired * 4 < count * 3 {
        own.retain(|series| !few(series));
    }
    all.extend(own);
}

/// What rows of one name have in common.
#[derive(Clone, Copy)]
enum Alike {
    /// Their amounts, each within one such part of the next.
    About(u64),
    /// The day of the year, and about the amount: policies of one insurer.
    ByAnniversary,
}

impl Alike {
    fn groups<'a>(self, rows: &[&'a Row]) -> Vec<Vec<&'a Row>> {
        match self {
            Self::About(part) => bands(rows, part),
            Self::ByAnniversary => anniversaries(rows),
        }
    }
}

/// Rows of which each follows the one before after a year.
fn anniversaries<'a>(rows: &[&'a Row]) -> Vec<Vec<&'a Row>> {
    let mut chains: Vec<Vec<&Row>> = Vec::new();
    // Who buys often has no policies there.
    for row in rows.iter().filter(|_| rows.len() <= MANY_POLICIES) {
        let follows = |chain: &&mut Vec<&Row>| {
            chain.last().is_some_and(|last| {
                (days_between(last.date, row.date) - 365).abs() <= 7 && near(last.amount, row.amount, 7)
            })
        };
        match chains.iter_mut().find(follows) {
            Some(chain) => chain.push(row),
            None => chains.push(vec![row]),
        }
    }
    chains.retain(|chain| chain.len() > 1);
    chains
}

/// Rows by like amounts, each within `1/part` of the next.
fn bands<'a>(rows: &[&'a Row], part: u64) -> Vec<Vec<&'a Row>> {
    let mut sorted = rows.to_vec();
    sorted.sort_by_key(|row| row.amount);
    let mut bands: Vec<Vec<&Row>> = Vec::new();
    for row in sorted {
        match bands.last_mut() {
            Some(band) if band.last().is_some_and(|last| near(last.amount, row.amount, part)) => {
                band.push(row);
            }
            _ => bands.push(vec![row]),
        }
    }
    bands.retain(|band| band.len() > 1);
    for band in &mut bands {
        band.sort_by(|a, b| (a.date, &a.id).cmp(&(b.date, &b.id)));
    }
    bands
}

/// A series of rows that only a name holds together.
fn steady<'a>(rows: &[&'a Row], working: Working<'_>) -> Option<Series<'a>> {
    let payments = payments(rows);
    if payments.len() * 6 < rows.len() * 5 {
        return None;
    }
    let debit = rows.iter().all(|row| row.scheme == "bacs");
    let few = payments.len() < MANY;
    // Of few payments each is as much as the one before, or a little more or less as exchange rates go.
    let alike =
        |part: u64| payments.windows(2).filter(|pair| near(pair[0].amount, pair[1].amount, part)).count();
    let pairs = payments.len().saturating_sub(1);
    let once_a_year = payments.len() < 4 && alike(7) == pairs;
    if !debit && !once_a_year && if few { alike(30) < pairs } else { alike(10) * 3 < pairs * 2 } {
        return None;
    }
    let dates: Vec<Date> = payments.iter().map(|paid| paid.date).collect();
    let proof = match (debit, few) {
        (true, _) => Proof { least: 3, yearly: 2, limit: 4, share: 0 },
        (false, true) => Proof { least: 3, yearly: 2, limit: 2, share: 100 },
        (false, false) => Proof { least: MANY, yearly: 4, limit: 2, share: 66 },
    };
    let fit = learnt(&dates, proof, working)?;
    if !debit && !convincing(&fit, &payments) {
        return None;
    }
    let confidence = confidence(&fit, if debit { 85 } else { 75 }, if debit { 55 } else { 60 });
    Some(Series { rows: rows.to_vec(), payments, fit, confidence, shares_name: false })
}

/// Whether payments by card or transfer, which could be a habit, are steady enough to be a bill.
fn convincing(fit: &Fit, payments: &[Due]) -> bool {
    let count = payments.len();
    let missed = usize::try_from(fit.missed).unwrap_or(usize::MAX);
    let cost = usize::try_from(fit.cost).unwrap_or(usize::MAX);
    // Without those that stayed away and came twice: by how much the days themselves were missed.
    let off = usize::try_from(fit.off).unwrap_or(usize::MAX);
    let same = payments.windows(2).all(|pair| near(pair[0].amount, pair[1].amount, 30));
    match fit.rhythm.period {
        // A renewal is a day or two early or late, and the premium another.
        Period::Months(12..) => fit.strays == 0 && missed == 0 && cost <= 2 * count,
        _ if !same && count < MANY => false,
        // What is bought each week is bought on one weekday; a subscription is charged on it each time.
        Period::Days(..=14) => count >= 5 && off * 4 <= count && missed * 5 <= count,
        Period::Days(days) if days % 7 != 0 => count >= MANY && off * 4 <= count && missed * 8 <= count,
        _ if count < 4 => cost <= 1,
        _ if count < MANY => cost <= 3 && missed <= 1,
        _ => true,
    }
}

/// Adds payments that follow on the very next days at another price: a rise, and no end.
fn grown<'a>(mut series: Series<'a>, left: &mut Vec<&'a Row>, working: Working<'_>) -> Series<'a> {
    while let (Some(last), Some(paid)) = (series.fit.numbers.last().copied(), series.payments.last().copied())
    {
        let Some(date) = series.fit.rhythm.date(last + 1, working) else { break };
        let next = left
            .iter()
            .position(|row| days_between(date, row.date).abs() <= 1 && near(row.amount, paid.amount, 4));
        let Some(next) = next else { break };
        let row = left.remove(next);
        series.payments.push(Due { date: row.date, amount: row.amount.saturating_neg() });
        series.fit.numbers.push(last + 1);
        series.rows.push(row);
    }
    series
}

/// Joins what goes on under another name: the same amount by the same rail, on the very day on which the older one is
/// due next.
pub(super) fn renamed<'a>(mut all: Vec<Series<'a>>, working: Working<'_>) -> Vec<Series<'a>> {
    all.sort_by_key(|series| series.rows.first().map(|row| (row.date, row.id.clone())));
    let mut joined: Vec<Series<'a>> = Vec::new();
    for series in all {
        let goes_on = |older: &&mut Series<'a>| {
            let (Some(old), Some(new)) = (older.rows.last(), series.rows.first()) else { return false };
            let due = older.fit.numbers.last().and_then(|last| older.fit.rhythm.date(last + 1, working));
            old.account == new.account
                && old.scheme == new.scheme
                && old.amount == new.amount
                && older.fit.rhythm.period == series.fit.rhythm.period
                && due.is_some_and(|due| days_between(due, new.date).abs() <= 1)
        };
        match joined.iter_mut().find(goes_on) {
            Some(older) => {
                let rows: Vec<&'a Row> = older.rows.iter().chain(&series.rows).copied().collect();
                *older = steady(&rows, working).map_or(series, |whole| Series { shares_name: true, ..whole });
            }
            None => joined.push(series),
        }
    }
    joined
}
