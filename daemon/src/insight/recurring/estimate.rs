//! How much a bill will be: most likely, and at most.
//!
//! A price that stands is known to the penny; what is used differs each time; and prices that rose once rise again a
//! year later.

use jiff::ToSpan;
use jiff::civil::Date;

use super::rhythm::days_between;
use super::{Due, Period};

/// Payments that count as lately. Taste: a quarter of monthly bills.
const LATELY: usize = 3;

/// Payments from which it is learnt how much an amount differs. Taste: a year of monthly bills.
const A_YEAR: usize = 12;

/// Days around the day a year before that are the same season. Taste.
const SEASON: i32 = 45;

/// Days around a year after a rise in which the next one is awaited. Taste: a month's payment, moved by a weekend.
const ANNIVERSARY: i32 = 20;

/// A rise is a tenth at least, where one is awaited and the last one was less. Taste: what councils, telephone
/// companies and insurers ask for in most years.
const RISE: i64 = 10;

/// What will most likely be paid, in minor units: the last price where prices stand, else the mean of late.
pub(super) fn likely(payments: &[Due]) -> i64 {
    let Some(last) = payments.last() else { return 0 };
    let late: Vec<i64> = payments.iter().rev().take(LATELY).map(|paid| paid.amount).collect();
    if differs(payments) { mean(&late) } else { last.amount }
}

/// An upper estimate for the payment of a day, in minor units; never less than the last payment.
///
/// A rise counts at once, because the last payment always counts. One payment that stands out counts while it is the
/// last, and no longer.
pub(super) fn at_most(payments: &[Due], date: Date, period: Period) -> i64 {
    let Some(last) = payments.last() else { return 0 };
    let yearly = period.is_yearly();
    let lately: Vec<i64> =
        payments.iter().rev().take(if yearly { 2 } else { LATELY }).map(|paid| paid.amount).collect();
    let season = match (yearly, date.checked_sub(1.year())) {
        (true, _) | (_, Err(_)) => Vec::new(),
        (false, Ok(before)) => payments
            .iter()
            .filter(|paid| days_between(paid.date, before).abs() <= SEASON)
            .map(|paid| paid.amount)
            .collect(),
    };
    let upper = last.amount.max(high(&lately)).max(high(&season));
    if yearly {
        let changed = payments.windows(2).any(|pair| pair[0].amount != pair[1].amount);
        return if changed { upper.max(risen(last.amount, largest_rise(payments))) } else { upper };
    }
    if differs(payments) {
        return upper.max(usage(payments));
    }
    match awaited_rise(payments, date) {
        Some(rise) => upper.max(risen(last.amount, rise)),
        None => upper,
    }
}

/// The amount with a rise in thousandths, of which a tenth is the least.
fn risen(amount: i64, rise: i64) -> i64 {
    amount.saturating_add(amount.saturating_mul(rise.max(1_000 / RISE)) / 1_000)
}

/// How much an amount is above one before, in thousandths; nothing for what is no rise of a price.
fn rise(before: i64, after: i64) -> Option<i64> {
    let rise = after.saturating_sub(before).saturating_mul(1_000) / before.max(1);
    (1..=250).contains(&rise).then_some(rise)
}

fn largest_rise(payments: &[Due]) -> i64 {
    payments.windows(2).filter_map(|pair| rise(pair[0].amount, pair[1].amount)).max().unwrap_or(0)
}

/// The rise of a year ago, if it has not come again yet.
fn awaited_rise(payments: &[Due], date: Date) -> Option<i64> {
    let rises =
        || payments.windows(2).filter_map(|pair| Some((pair[1].date, rise(pair[0].amount, pair[1].amount)?)));
    let since = |when: Date| days_between(when, date);
    if rises().any(|(when, _)| since(when) <= 2 * ANNIVERSARY) {
        return None;
    }
    rises()
        .filter(|(when, _)| (since(*when) % 365 + ANNIVERSARY) % 365 <= 2 * ANNIVERSARY)
        .map(|(_, rise)| rise)
        .max()
}

/// Whether each payment is another amount, as usage is, and not a price that stands.
fn differs(payments: &[Due]) -> bool {
    let late = &payments[payments.len().saturating_sub(A_YEAR)..];
    let changes = late.windows(2).filter(|pair| pair[0].amount != pair[1].amount).count();
    changes >= 2 && changes * 2 > late.len()
}

/// What usage may come to: the mean of a year and some deviations above it, more of them the less is known.
fn usage(payments: &[Due]) -> i64 {
    let late: Vec<i64> = payments.iter().rev().take(A_YEAR).map(|paid| paid.amount).collect();
    let tenths = match late.len() {
        ..=3 => 40,
        4 => 32,
        5..=6 => 28,
        7..=9 => 25,
        _ => 23,
    };
    let without = typical(&late);
    let mean = mean(&without);
    let squares: i128 = without.iter().map(|amount| i128::from(amount.saturating_sub(mean)).pow(2)).sum();
    let count = i128::try_from(without.len().saturating_sub(1)).unwrap_or(1).max(1);
    let deviation = i64::try_from((squares / count).isqrt()).unwrap_or(i64::MAX);
    mean.saturating_add(deviation.saturating_mul(tenths) / 10)
}

/// The amounts without one that is far above the rest.
fn typical(amounts: &[i64]) -> Vec<i64> {
    let mut sorted = amounts.to_vec();
    sorted.sort_unstable();
    if let [.., next, largest] = sorted.as_slice()
        && amounts.len() >= 3
        && *largest > next.saturating_add(next / 2)
    {
        sorted.pop();
    }
    sorted
}

fn mean(amounts: &[i64]) -> i64 {
    let sum: i128 = amounts.iter().map(|amount| i128::from(*amount)).sum();
    i64::try_from(sum / i128::try_from(amounts.len()).unwrap_or(1).max(1)).unwrap_or(i64::MAX)
}

/// The largest, unless it alone is half as much again as the next.
fn high(amounts: &[i64]) -> i64 {
    typical(amounts).last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn monthly(amounts: &[i64]) -> (Vec<Due>, Date) {
        let first = date(2026, 1, 5);
        let day =
            |month: usize| first.checked_add(i64::try_from(month).expect("few").months()).expect("a date");
        let paid =
            amounts.iter().enumerate().map(|(month, amount)| Due { date: day(month), amount: *amount });
        (paid.collect(), day(amounts.len()))
    }

    #[track_caller]
    fn check(amounts: &[i64], expected: i64) {
        let (paid, next) = monthly(amounts);
        assert_eq!(at_most(&paid, next, Period::MONTHLY), expected, "{amounts:?}");
    }

    #[test]
    fn the_estimate_is_the_recent_maximum_without_one_that_stands_out() {
        check(&[], 0);
        check(&[900], 900);
        check(&[1000, 1000, 1000, 1000], 1000);
        // A rise counts at once, a fall after a while.
        check(&[1000, 1000, 1000, 1250], 1250);
        check(&[1250, 1250, 1000, 1000], 1250);
        check(&[1250, 1000, 1000, 1000], 1000);
        // One that stands out counts while it is the last.
        check(&[1000, 1000, 9000], 9000);
        check(&[1000, 1000, 9000, 1000], 1000);
        check(&[1000, 9000, 9000, 1000], 9000);
    }

    #[test]
    fn the_same_season_of_the_year_before_counts() {
        let winter = [17_400, 17_400, 17_400];
        let summer = [6_200; 7];
        let year: Vec<i64> = winter.iter().chain(&summer).copied().collect();
        // From January on: the eleventh payment is a November's, and nothing is known of the last one.
        check(&year, 6_200);
        let two: Vec<i64> = year.iter().chain(&[17_400, 17_400]).chain(&year).copied().collect();
        check(&two, 17_400);
        check(&two[..20], 6_200);
    }

    #[test]
    fn a_price_that_rose_is_awaited_to_rise_again_a_year_later_and_in_no_other_month() {
        let risen: Vec<i64> = [2_000; 4].into_iter().chain([2_100; 12]).collect();
        check(&risen[..15], 2_100);
        check(&risen, 2_310);
        let stays: Vec<i64> = risen.iter().copied().chain([2_100]).collect();
        check(&stays, 2_100);
        let again: Vec<i64> = risen.iter().copied().chain([2_205]).collect();
        check(&again, 2_205);
    }

    #[test]
    fn what_is_used_is_estimated_by_how_much_it_differs() {
        let used = [3_000, 3_150, 2_900, 3_080, 2_950, 3_120, 3_010, 2_890, 3_060];
        let (paid, next) = monthly(&used);
        let upper = at_most(&paid, next, Period::MONTHLY);
        assert!((3_150..3_400).contains(&upper), "{upper}");
        assert_eq!(likely(&paid), 2_986);
        let (stands, _) = monthly(&[1_000, 1_000, 1_100, 1_100]);
        assert_eq!(likely(&stands), 1_100);
    }
}
