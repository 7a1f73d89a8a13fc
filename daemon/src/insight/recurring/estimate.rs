//! How much a bill will be at most: lately, and in the same season of the year before.

use jiff::ToSpan;
use jiff::civil::Date;

use super::Due;
use super::rhythm::{Period, days_between};

/// Payments that count as lately. Taste: a quarter of monthly bills.
const LATELY: usize = 3;

/// Days around the day a year before that are the same season. Taste.
const SEASON: i32 = 45;

/// An upper estimate for the payment of a day, in minor units; never less than the last payment.
///
/// A rise counts at once, because the last payment always counts. One payment that stands out counts while it is the
/// last, and no longer.
pub(super) fn at_most(payments: &[Due], date: Date, period: Period) -> i64 {
    let Some(last) = payments.last() else { return 0 };
    let lately = match period {
        Period::Yearly => 2,
        _ => LATELY,
    };
    let lately = payments.iter().rev().take(lately).map(|paid| paid.amount).collect();
    let season = match (period, date.checked_sub(1.year())) {
        (Period::Yearly, _) | (_, Err(_)) => Vec::new(),
        (_, Ok(before)) => payments
            .iter()
            .filter(|paid| days_between(paid.date, before).abs() <= SEASON)
            .map(|paid| paid.amount)
            .collect(),
    };
    last.amount.max(high(lately)).max(high(season))
}

/// The largest, unless it alone is half as much again as the next.
fn high(mut amounts: Vec<i64>) -> i64 {
    amounts.sort_unstable();
    match amounts.as_slice() {
        [] => 0,
        [.., next, largest] if amounts.len() >= 3 && *largest > next.saturating_add(next / 2) => *next,
        [.., largest] => *largest,
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn check(amounts: &[i64], expected: i64) {
        let first = date(2026, 1, 5);
        let paid: Vec<Due> = (0..)
            .zip(amounts)
            .map(|(month, amount)| Due {
                date: first.checked_add(i64::from(month).months()).expect("a date"),
                amount: *amount,
            })
            .collect();
        let next = first.checked_add(i64::try_from(amounts.len()).expect("few").months()).expect("a date");
        assert_eq!(at_most(&paid, next, Period::Monthly), expected, "{amounts:?}");
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
}
