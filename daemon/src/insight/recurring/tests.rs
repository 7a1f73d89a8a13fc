//! Histories as people have them, and what holds for any.

use jiff::ToSpan;
use jiff::civil::{Date, Weekday, date};
use proptest::prelude::*;

use super::rhythm::{Days, Shift};
use super::{Bill, LIKELY, Period, Row, bills, of_pots};

/// Weekends, and the holidays that the tables below meet.
fn working(day: Date) -> bool {
    let holidays =
        [date(2026, 1, 1), date(2026, 4, 3), date(2026, 4, 6), date(2026, 5, 4), date(2026, 5, 25)];
    let more = [date(2026, 8, 31), date(2026, 12, 25), date(2026, 12, 28), date(2027, 1, 1)];
    !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday)
        && !holidays.contains(&day)
        && !more.contains(&day)
}

fn after(mut day: Date) -> Date {
    while !working(day) {
        day = day.tomorrow().expect("a date");
    }
    day
}

fn row(number: usize, date: Date, amount: i64) -> Row {
    Row {
        account: "acc_1".into(),
        id: format!("tx_{number:04}").into(),
        date,
        amount: -amount,
        description: "ALPHA POWER REF 00".into(),
        counterparty: Some("Alpha Power Ltd".into()),
        merchant: None,
        group: None,
        category: "bills".into(),
        scheme: "bacs".into(),
        series: Some("sub_1".into()),
        pot: None,
    }
}

fn rows(paid: &[(Date, i64)]) -> Vec<Row> {
    paid.iter().enumerate().map(|(number, (date, amount))| row(number, *date, *amount)).collect()
}

/// As a card payment, which only its name holds together.
fn by_card(rows: Vec<Row>, shop: &str) -> Vec<Row> {
    let card = |row: Row| Row {
        series: None,
        counterparty: None,
        merchant: Some(shop.into()),
        scheme: "mastercard".into(),
        id: format!("{}_{shop}", row.id).into(),
        ..row
    };
    rows.into_iter().map(card).collect()
}

fn every(first: Date, count: i64, days: i64) -> Vec<(Date, i64)> {
    (0..count).map(|n| (first.checked_add((n * days).days()).expect("a date"), 2_000)).collect()
}

fn monthly(first: Date, count: i64, step: i64) -> Vec<(Date, i64)> {
    (0..count).map(|n| (after(first.checked_add((n * step).months()).expect("a date")), 2_000)).collect()
}

fn found(rows: &[Row], asof: Date, days: i64) -> Vec<Bill> {
    bills(rows, asof, asof.checked_add(days.days()).expect("a date"), &working)
}

/// One bill of this period, and the dates on which it is due.
#[track_caller]
fn check(rows: &[Row], asof: Date, days: i64, period: Period, due: &[Date]) -> Bill {
    let found = found(rows, asof, days);
    assert_eq!(found.len(), 1, "{found:#?}");
    let bill = found.into_iter().next().expect("a bill");
    assert_eq!(bill.rhythm.period, period, "{bill:#?}");
    assert_eq!(bill.due.iter().map(|due| due.date).collect::<Vec<_>>(), due, "{bill:#?}");
    bill
}

#[test]
fn a_monthly_debit_waits_for_the_working_day() {
    let rows = rows(&monthly(date(2026, 1, 1), 5, 1));
    assert_eq!(rows[0].date, date(2026, 1, 2));
    let due = [date(2026, 6, 1), date(2026, 7, 1), date(2026, 8, 3)];
    let bill = check(&rows, date(2026, 5, 20), 90, Period::MONTHLY, &due);
    assert!(bill.confidence >= LIKELY && !bill.ended && bill.payments == 5);
}

#[test]
fn each_period_is_told_from_the_others() {
    let asof = date(2026, 6, 10);
    check(
        &rows(&every(date(2026, 4, 15), 8, 7)),
        asof,
        8,
        Period::WEEKLY,
        &[date(2026, 6, 10), date(2026, 6, 17)],
    );
    check(
        &rows(&every(date(2026, 4, 1), 5, 14)),
        asof,
        20,
        Period::FORTNIGHTLY,
        &[date(2026, 6, 10), date(2026, 6, 24)],
    );
    check(&rows(&every(date(2026, 1, 21), 6, 28)), asof, 29, Period::FOUR_WEEKLY, &[date(2026, 7, 8)]);
    check(&rows(&monthly(date(2025, 9, 14), 9, 1)), asof, 29, Period::MONTHLY, &[date(2026, 6, 15)]);
    check(&rows(&monthly(date(2025, 5, 5), 5, 3)), asof, 60, Period::QUARTERLY, &[date(2026, 8, 5)]);
    check(&rows(&monthly(date(2024, 6, 20), 2, 12)), asof, 30, Period::YEARLY, &[date(2026, 6, 22)]);
}

#[test]
fn an_annual_bill_is_known_long_before_it_is_due() {
    let paid = [(date(2024, 3, 1), 41_000), (date(2025, 3, 3), 44_900), (date(2026, 3, 2), 48_000)];
    let bill = check(&rows(&paid), date(2026, 6, 1), 30, Period::YEARLY, &[]);
    let next = bill.next.expect("a next one");
    // It rose each year, by up to a tenth.
    assert_eq!((next.date, next.amount), (date(2027, 3, 1), 52_800));
    let bill = check(&by_card(rows(&paid), "Kite Cover"), date(2026, 6, 1), 30, Period::YEARLY, &[]);
    assert_eq!(bill.next.map(|next| next.date), Some(date(2027, 3, 1)));
}

#[test]
fn a_day_that_a_month_lacks_is_its_last() {
    let paid = [
        (date(2026, 3, 31), 500),
        (date(2026, 4, 30), 500),
        (date(2026, 5, 31), 500),
        (date(2026, 6, 30), 500),
    ];
    let due = [date(2026, 7, 31), date(2026, 8, 31)];
    check(&by_card(rows(&paid), "Lumen"), date(2026, 7, 1), 70, Period::MONTHLY, &due);
}

#[test]
fn a_payment_that_has_not_come_yet_is_due_today_and_one_that_stays_away_ends_it() {
    let rows = rows(&monthly(date(2026, 1, 12), 5, 1));
    let bill = check(&rows, date(2026, 6, 14), 10, Period::MONTHLY, &[date(2026, 6, 14)]);
    assert!(!bill.ended);
    // June's is lost, July's is still awaited.
    check(&rows, date(2026, 6, 25), 30, Period::MONTHLY, &[date(2026, 7, 13)]);
    let bill = check(&rows, date(2026, 7, 25), 60, Period::MONTHLY, &[]);
    assert!(bill.ended && bill.next.is_none());
}

#[test]
fn one_missing_payment_does_not_hide_a_rhythm_and_two_of_a_year_ago_are_a_habit() {
    let mut paid = monthly(date(2026, 1, 12), 6, 1);
    paid.remove(2);
    check(&rows(&paid), date(2026, 6, 20), 30, Period::MONTHLY, &[date(2026, 7, 13)]);
    // Council tax: ten months from April on.
    let mut paid = monthly(date(2024, 4, 15), 10, 1);
    paid.extend(monthly(date(2025, 4, 15), 10, 1));
    let bill = check(&rows(&paid), date(2026, 1, 20), 100, Period::MONTHLY, &[date(2026, 4, 15)]);
    assert!(!bill.ended);
}

#[test]
fn a_new_mandate_of_the_same_payee_goes_on_with_the_old_one() {
    let mut rows = rows(&monthly(date(2026, 1, 9), 6, 1));
    for row in &mut rows[4..] {
        row.series = Some("sub_2".into());
    }
    let bill = check(&rows, date(2026, 6, 20), 30, Period::MONTHLY, &[date(2026, 7, 9)]);
    assert_eq!(bill.payments, 6);
}

#[test]
fn two_mandates_of_one_payee_are_two_bills() {
    let mut all = rows(&monthly(date(2026, 1, 9), 6, 1));
    all.extend(rows(&monthly(date(2026, 1, 20), 5, 1)).into_iter().map(|row| Row {
        id: format!("{}b", row.id).into(),
        series: Some("sub_2".into()),
        ..row
    }));
    assert_eq!(found(&all, date(2026, 6, 15), 40).len(), 2);
}

#[test]
fn a_first_payment_by_mandate_is_a_guess_and_an_old_one_nothing() {
    let bill = check(
        &rows(&[(date(2026, 5, 12), 3_000)]),
        date(2026, 5, 20),
        40,
        Period::MONTHLY,
        &[date(2026, 6, 12)],
    );
    assert!(bill.confidence < LIKELY);
    assert!(found(&rows(&[(date(2026, 1, 12), 3_000)]), date(2026, 5, 20), 40).is_empty());
}

#[test]
fn a_bounced_payment_does_not_count() {
    let mut all = rows(&monthly(date(2026, 1, 9), 6, 1));
    let mut back = row(90, date(2026, 6, 11), -2_000);
    back.description = "ALPHA POWER returned".into();
    all.push(back);
    let bill = check(&all, date(2026, 6, 20), 25, Period::MONTHLY, &[date(2026, 7, 9)]);
    assert_eq!(bill.last.date, date(2026, 5, 11));
}

#[test]
fn a_subscription_is_found_among_purchases_at_the_same_shop() {
    let mut all = by_card(rows(&monthly(date(2026, 1, 6), 5, 1)), "Larkspur");
    for (number, (day, amount)) in
        [(3, 1_250), (17, 8_900), (19, 415), (44, 2_790), (90, 633), (91, 5_120)].iter().enumerate()
    {
        let bought = row(50 + number, date(2026, 1, 2).checked_add((*day).days()).expect("a date"), *amount);
        all.extend(by_card(vec![bought], "Larkspur"));
    }
    let bill = check(&all, date(2026, 5, 20), 30, Period::MONTHLY, &[date(2026, 6, 8)]);
    assert_eq!(bill.payments, 5);
}

#[test]
fn shopping_is_no_bill() {
    let weekly = every(date(2026, 1, 3), 20, 7);
    let shop: Vec<(Date, i64)> = weekly
        .iter()
        .enumerate()
        .map(|(n, (day, _))| (*day, 2_000 + i64::try_from(n * 7_919 % 5_000).expect("small")))
        .collect();
    assert_eq!(found(&by_card(rows(&shop), "Marlow"), date(2026, 5, 20), 30), []);
    let coffee = [2, 3, 9, 11, 12, 18, 25, 27, 33, 34]
        .map(|day| (date(2026, 1, 1).checked_add(day.days()).expect("a date"), 310));
    assert_eq!(found(&by_card(rows(&coffee), "Nine"), date(2026, 2, 5), 30), []);
}

#[test]
fn a_bill_whose_day_was_moved_follows_its_new_day() {
    let mut paid = monthly(date(2026, 1, 6), 6, 1);
    paid.extend(monthly(date(2026, 7, 9), 3, 1));
    check(&rows(&paid), date(2026, 9, 20), 30, Period::MONTHLY, &[date(2026, 10, 9)]);
    let mut paid = monthly(date(2026, 1, 6), 6, 1);
    paid.extend(monthly(date(2026, 7, 22), 3, 1));
    check(&rows(&paid), date(2026, 9, 23), 30, Period::MONTHLY, &[date(2026, 10, 22)]);
}

#[test]
fn the_pot_that_paid_lately_is_the_bills_pot() {
    let mut all = rows(&monthly(date(2026, 1, 9), 6, 1));
    all[4].pot = Some("pot_1".into());
    let bill = check(&all, date(2026, 6, 20), 25, Period::MONTHLY, &[date(2026, 7, 9)]);
    assert_eq!(bill.pot, Some("pot_1".into()));
}

#[test]
fn a_weekday_and_a_day_of_the_month_are_kept_apart_over_holidays() {
    let bill = check(
        &rows(&every(date(2026, 1, 5), 5, 28)),
        date(2026, 5, 1),
        40,
        Period::FOUR_WEEKLY,
        &[date(2026, 5, 26)],
    );
    assert!(matches!(bill.rhythm.days, Days::From(_)) && bill.rhythm.shift != Shift::Before);
}

fn any_rows() -> impl Strategy<Value = Vec<Row>> {
    // A few series whose payments jitter, with noise in between: enough to meet every branch.
    let one = (0..3_u8, 0..2_u8, 0..2_u8, prop::sample::select(vec![1_i64, 7, 14, 28, 30, 31, 91, 365]));
    let series = (one, 0..700_i64, prop::collection::vec((-3..4_i64, -300..5_000_i64), 1..7));
    prop::collection::vec(series, 0..3).prop_map(|all| {
        let mut rows = Vec::new();
        for ((name, key, scheme, step), start, paid) in all {
            for (n, (jitter, amount)) in (0_i64..).zip(paid) {
                let day = date(2024, 1, 1).checked_add((start + n * step + jitter).days()).expect("a date");
                let mut one = row(rows.len(), day, amount);
                one.counterparty = Some(format!("Payee {}", ["a", "b", "c"][usize::from(name)]));
                one.series = (key == 1).then(|| format!("sub_{name}"));
                one.scheme = ["bacs", "mastercard"][usize::from(scheme)].into();
                rows.push(one);
            }
        }
        rows
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn what_is_due_is_in_order_before_the_horizon_and_never_less_than_the_last(
        rows in any_rows(), at in 0..1_100_i64, days in 0..400_i64, turn in 0..7_usize,
    ) {
        let asof = date(2024, 1, 1).checked_add(at.days()).expect("a date");
        let horizon = asof.checked_add(days.days()).expect("a date");
        let found = bills(&rows, asof, horizon, &working);
        for bill in &found {
            prop_assert!(bill.last.amount > 0 && bill.last.date <= asof, "{bill:?}");
            prop_assert!(bill.due.windows(2).all(|pair| pair[0].date <= pair[1].date), "{bill:?}");
            prop_assert!(bill.due.iter().all(|due| due.date >= asof && due.date < horizon), "{bill:?}");
            let coming = bill.due.iter().chain(&bill.next);
            prop_assert!(coming.clone().all(|due| due.amount >= bill.last.amount), "{bill:?}");
            prop_assert_eq!(bill.ended, bill.next.is_none());
            prop_assert!(bill.due.first().is_none_or(|first| Some(*first) == bill.next), "{bill:?}");
            prop_assert!(bill.confidence <= 100 && bill.payments > 0);
        }
        // No row is in two bills, and rows to come are not seen.
        let learnt: u32 = found.iter().map(|bill| bill.payments).sum();
        let out = rows.iter().filter(|row| row.amount < 0 && row.date <= asof).count();
        prop_assert!(usize::try_from(learnt).expect("small") <= out);
        let mut turned = rows;
        let by = turn.min(turned.len());
        turned.rotate_left(by);
        turned.reverse();
        turned.retain(|row| row.date <= asof);
        prop_assert_eq!(bills(&turned, asof, horizon, &working), found);
    }
}

#[test]
fn bills_of_pots_are_found_among_the_rows_that_can_be_theirs_as_among_all() {
    let months = every(date(2026, 1, 5), 10, 30);
    let pot = |row: Row| Row { pot: Some("pot_1".into()), ..row };
    let mut all = rows(&months);
    all.extend(by_card(rows(&months), "Lumen Streaming").into_iter().map(pot));
    // The pot paid once, of many times.
    let mut gym = by_card(rows(&every(date(2026, 1, 9), 10, 30)), "Ironworks Gym");
    gym[9].pot = Some("pot_1".into());
    all.extend(gym);
    all.extend(by_card(rows(&every(date(2026, 1, 2), 40, 7)), "Corner Green"));
    let (asof, horizon) = (date(2026, 11, 1), date(2027, 2, 1));
    let mut expected = bills(&all, asof, horizon, &working);
    expected.retain(|bill| bill.pot.is_some());
    assert_eq!(expected.len(), 2, "{expected:?}");
    let few = of_pots(all.clone());
    assert_eq!(few.len(), 30);
    let mut found = bills(&few, asof, horizon, &working);
    found.retain(|bill| bill.pot.is_some());
    assert_eq!(found, expected);
}
