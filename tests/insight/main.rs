//! Bills and pay of the simulated life, predicted at many days of the past and compared with what then came.

mod books;
mod lives;
mod measure;
mod pasts;

use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan;
use jiff::civil::{Date, date};
use monzo_sandbox::bank::clock::{is_working, last_working};
use monzod::insight::recurring::{Bill, LIKELY, Period, Row, bills};

use books::{Books, pay};

/// Whom the Bills pot pays.
const BILLS: [&str; 9] = [
    "AIRE WATER",
    "Cloudberry Storage",
    "FERNDALE BROADBAND",
    "Ironworks Gym",
    "LEEDS COUNCIL TAX",
    "Lumen Streaming",
    "NORTHERN LIGHTS ENERGY",
    "SKYLARK MOBILE",
    "Thornbury Lettings",
];

fn of_pot(rows: &[Row], pot: &str, asof: Date, days: i64) -> Vec<Bill> {
    let horizon = asof.checked_add(days.days()).expect("a date");
    let all = bills(rows, asof, horizon, &is_working);
    all.into_iter().filter(|bill| bill.pot.as_ref().is_some_and(|paid| paid.as_str() == pot)).collect()
}

#[tokio::test]
async fn every_bill_of_the_bills_pot_is_found_with_its_period() {
    let books = Books::new(1).await;
    let found = of_pot(&books.payments().await, &books.pot("Bills"), date(2026, 11, 24), 31);
    let mut names: Vec<&str> = found.iter().map(|bill| bill.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, BILLS);
    for bill in &found {
        assert_eq!(bill.rhythm.period, Period::MONTHLY, "{bill:?}");
        assert!(bill.confidence >= LIKELY && !bill.ended && bill.due.len() == 1, "{bill:?}");
    }
}

#[tokio::test]
async fn the_next_dates_are_those_on_which_the_bills_then_came() {
    for seed in [1, 7] {
        let books = Books::new(seed).await;
        let (rows, pot) = (books.payments().await, books.pot("Bills"));
        let mut asof = date(2024, 12, 1);
        let mut compared = 0;
        while asof < date(2026, 10, 20) {
            let until = asof.checked_add(31.days()).expect("a date");
            for bill in of_pot(&rows, &pot, asof, 31) {
                let came: BTreeMap<Date, i64> = rows
                    .iter()
                    .filter(|row| row.name() == bill.name && row.date > asof && row.date < until)
                    .map(|row| (row.date, -row.amount))
                    .collect();
                let predicted: BTreeSet<Date> = bill.due.iter().map(|due| due.date).collect();
                let dates: BTreeSet<Date> = came.keys().copied().collect();
                // A card is declined when the pot is empty; a debit comes all the same.
                let card = bill.scheme == "mastercard" && (bill.ended || dates.is_subset(&predicted));
                assert!(card || predicted == dates, "seed {seed}, as of {asof}: {dates:?} {bill:?}");
                for due in &bill.due {
                    assert!(
                        came.get(&due.date).is_none_or(|paid| due.amount >= *paid),
                        "seed {seed}, as of {asof}: {due:?} of {bill:?}"
                    );
                }
                compared += 1;
            }
            asof = asof.checked_add(29.days()).expect("a date");
        }
        assert!(compared > 200, "{compared}");
    }
}

#[tokio::test]
async fn shopping_is_no_bill_in_three_years_of_it() {
    let books = Books::new(1).await;
    let all = bills(&books.payments().await, date(2026, 11, 24), date(2027, 1, 1), &is_working);
    let subscriptions = ["Cloudberry Storage", "Ironworks Gym", "Lumen Streaming"];
    let shopping: Vec<&Bill> = all
        .iter()
        .filter(|bill| bill.scheme == "mastercard" && !bill.ended)
        .filter(|bill| !subscriptions.contains(&bill.name.as_str()))
        .collect();
    assert!(shopping.is_empty(), "{shopping:#?}");
}

#[tokio::test]
async fn pay_is_found_with_its_payer_and_its_last_working_day() {
    let books = Books::new(1).await;
    let credits = books.credits().await;
    for month in 6..=11_i8 {
        let asof = date(2026, month, 20);
        let found = pay(&credits, asof);
        let pay = found.iter().find(|pay| pay.payer == "HALCYON INSTRUMENTS LTD").expect("pay");
        assert!(pay.toml("main").contains("day = \"last-working-day\""), "{}", pay.toml("main"));
        assert_eq!(pay.next[0].0, last_working(asof));
        assert_eq!(found.first().map(|pay| pay.payer.as_str()), Some("HALCYON INSTRUMENTS LTD"), "{found:?}");
    }
}

#[tokio::test]
async fn what_goes_into_pots_each_month_is_found_pot_by_pot() {
    let books = Books::new(1).await;
    let rows = books.deposits().await;
    let found = bills(&rows, date(2026, 11, 24), date(2026, 12, 24), &is_working);
    for (name, amount) in [("Holiday", 12_000), ("House deposit", 10_000), ("Emergency", 1_000)] {
        let pot = books.pot(name);
        let deposit = found.iter().find(|bill| bill.series.as_deref() == Some(&pot)).expect("a deposit");
        assert_eq!((deposit.rhythm.period, deposit.last.amount), (Period::MONTHLY, amount), "{deposit:?}");
    }
}
