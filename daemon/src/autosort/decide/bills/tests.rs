//! The requirements on what bills cost (autosort/README.md, Bills) and what they will.

use std::sync::LazyLock;

use jiff::civil::date;
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;

const POT: &str = "pot_Bills";

fn at(day: Date, hour: i8) -> Timestamp {
    TimeZone::UTC.to_ambiguous_timestamp(day.at(hour, 0, 0, 0)).compatible().unwrap()
}

/// A row by which a pot paid, or was paid.
fn pot_row(day: Date, hour: i8, amount: i64, trigger: &str) -> PotRow {
    PotRow {
        at: at(day, hour),
        date: day,
        amount,
        name: "pot row".to_owned(),
        transfer: true,
        interest: false,
        trigger: Some(trigger.to_owned()).filter(|trigger| !trigger.is_empty()),
        pot_to_pot: false,
        external_id: Some("user_1:other".to_owned()),
    }
}

fn paid(day: Date, hour: i8, amount: i64) -> PotRow {
    pot_row(day, hour, -amount, "committed_spending")
}

fn card(day: Date, amount: i64) -> PotRow {
    PotRow { transfer: false, name: "Films".to_owned(), external_id: None, ..pot_row(day, 12, -amount, "") }
}

fn main_row(day: Date, hour: i8, amount: i64, name: &str, ours: bool) -> MainRow {
    MainRow {
        at: at(day, hour),
        date: day,
        amount: -amount,
        name: name.to_owned(),
        bills_pot_id: ours.then(|| PotId::from(POT)),
        unlike_a_bill: false,
    }
}

/// November, payday to payday.
fn november() -> Cycle {
    Cycle { payday: date(2026, 10, 30), from: at(date(2026, 10, 30), 0), until: at(date(2026, 11, 27), 0) }
}

/// The last day of each month, but October's and November's of 2026, which are moved over weekends.
static PAYDAYS: LazyLock<Vec<Date>> = LazyLock::new(|| {
    let month =
        |month| date(2025, 6, 1).checked_add(jiff::Span::new().months(month)).unwrap().last_of_month();
    let moved = |day| match day {
        day if day == date(2026, 10, 31) => date(2026, 10, 30),
        day if day == date(2026, 11, 30) => date(2026, 11, 27),
        day => day,
    };
    (0..36).map(month).map(moved).collect()
});

fn calendar() -> Calendar {
    Calendar {
        now: date(2026, 11, 27).at(9, 0, 0, 0),
        own: date(2026, 11, 27),
        next: date(2026, 12, 31).at(9, 0, 0, 0),
        paydays: PAYDAYS.clone(),
        cycles: vec![november()],
    }
}

fn bills(rows: Vec<PotRow>, main: Vec<MainRow>) -> PotBills {
    PotBills {
        pot_id: PotId::from(POT),
        name: "Bills".to_owned(),
        hidden: Some(Hidden {
            covered_from: at(date(2026, 9, 1), 0),
            covered_to: at(date(2026, 11, 27), 9),
            rows,
        }),
        main,
        balances: Vec::new(),
        predicted: Vec::new(),
    }
}

const LAST: Look = Look { basis: Basis::LastCycle, horizon: None, until_known: None };
const AHEAD: Look = Look { basis: Basis::Upcoming, horizon: None, until_known: None };

#[track_caller]
fn check(rows: Vec<PotRow>, main: Vec<MainRow>, cost: i64) -> Level {
    let level = level(&bills(rows, main), &calendar(), LAST).unwrap();
    assert_eq!(level.amount, cost, "{level:#?}");
    level
}

const DAY: Date = date(2026, 11, 3);

#[test]
fn a_direct_debit_counts_once_by_the_row_that_names_it() {
    let level = check(vec![paid(DAY, 2, 3_000)], vec![main_row(DAY, 4, 3_000, "Gas", true)], 3_000);
    assert_eq!(level.bills.len(), 1);
    assert_eq!((level.bills[0].name.as_str(), level.bills[0].note.as_deref()), ("Gas", None));
}

#[test]
fn a_bill_counts_in_full_also_when_the_pot_gave_part_or_nothing() {
    let partly = check(vec![paid(DAY, 2, 1_200)], vec![main_row(DAY, 4, 3_000, "Gas", true)], 3_000);
    assert_eq!(partly.bills[0].note.as_deref(), Some("the pot gave £12.00 of it"));
    let nothing = check(vec![], vec![main_row(DAY, 4, 3_000, "Gas", true)], 3_000);
    assert_eq!(nothing.bills[0].note.as_deref(), Some("the pot gave nothing to it"));
}

#[test]
fn a_standing_order_is_found_by_equal_amount_within_six_hours() {
    let level = check(vec![paid(DAY, 3, 85_000)], vec![main_row(DAY, 3, 85_000, "Landlord", false)], 85_000);
    assert_eq!(level.bills[0].name, "Landlord");
    for other in [
        main_row(DAY, 10, 85_000, "Too late", false),
        main_row(DAY, 3, 84_000, "Another amount", false),
        MainRow { unlike_a_bill: true, ..main_row(DAY, 3, 85_000, "A card", false) },
    ] {
        assert_eq!(check(vec![paid(DAY, 3, 85_000)], vec![other], 85_000).bills[0].name, "pot row");
    }
}

#[test]
fn two_bills_of_one_amount_are_two_and_of_one_night_each_finds_its_own() {
    let rows = vec![paid(DAY, 2, 3_000), paid(DAY, 2, 3_000), paid(DAY, 2, 500)];
    let main = vec![
        main_row(DAY, 4, 3_000, "Gas", true),
        main_row(DAY, 5, 3_000, "Power", true),
        main_row(DAY, 5, 900, "Water", true),
    ];
    let level = check(rows, main, 6_900);
    let names: Vec<&str> = level.bills.iter().map(|bill| bill.name.as_str()).collect();
    assert_eq!(names, ["Gas", "Power", "Water"]);
}

#[test]
fn what_a_person_or_the_sorter_moved_is_no_bill_and_unknown_triggers_are() {
    let by_hand = pot_row(DAY, 12, -5_000, "user");
    let in_app = PotRow { pot_to_pot: true, ..pot_row(DAY, 12, -5_000, "") };
    let ours = PotRow { external_id: Some("user_1:mz-abc-0w".to_owned()), ..pot_row(DAY, 12, -5_000, "") };
    check(vec![by_hand, in_app, ours], vec![], 0);
    check(vec![pot_row(DAY, 12, -700, "never_seen")], vec![], 700);
    check(vec![pot_row(DAY, 12, -700, "")], vec![], 700);
    check(vec![pot_row(DAY, 12, 9_000, "user")], vec![], 0);
}

#[test]
fn cards_of_the_pot_count_and_refunds_reduce_and_interest_does_not() {
    check(vec![card(DAY, 1_299)], vec![], 1_299);
    let refund = PotRow { amount: 300, ..card(DAY, 0) };
    let interest = PotRow { amount: 42, interest: true, ..card(DAY, 0) };
    check(vec![card(DAY, 1_299), refund, interest], vec![], 999);
    check(vec![], vec![main_row(DAY, 4, 3_000, "Gas", true), main_row(DAY, 9, -1_000, "Gas", true)], 2_000);
}

#[test]
fn a_cycle_begins_at_its_payday_and_ends_before_the_next() {
    let (first, next) = (date(2026, 10, 30), date(2026, 11, 27));
    check(vec![card(first, 100), card(next, 1_000)], vec![], 100);
    check(vec![card(date(2026, 10, 29), 1_000), card(date(2026, 11, 26), 10)], vec![], 10);
    // The pot gave before midnight, the bill left after it: it belongs where the bill is.
    let eve = vec![PotRow { at: at(date(2026, 10, 29), 23), ..paid(date(2026, 10, 29), 23, 500) }];
    check(eve, vec![main_row(first, 3, 500, "Gas", true)], 500);
}

#[test]
fn a_difference_of_the_recorded_balances_counts_as_spending_and_says_so() {
    let mut pot = bills(vec![card(DAY, 1_000)], vec![]);
    pot.balances = vec![(at(date(2026, 10, 29), 12), 50_000), (at(date(2026, 11, 26), 12), 47_500)];
    let found = level(&pot, &calendar(), LAST).unwrap();
    assert_eq!(found.amount, 2_500);
    assert_eq!(found.inputs, [PlannedInput { name: "unexplained".to_owned(), amount: 1_500 }]);
    assert!(found.notes[0].starts_with("£15.00 left the pot that no row shows"));
    pot.balances[1].1 = 49_500;
    assert_eq!(
        level(&pot, &calendar(), LAST).unwrap().amount,
        1_000,
        "more than the rows say is no spending"
    );
    pot.balances[1].1 = 47_500;
    assert_eq!(level(&pot, &calendar(), AHEAD).unwrap().amount, 1_500, "and is kept ready again");
}

#[test]
fn a_pot_whose_hidden_account_is_not_known_is_an_error_and_never_zero() {
    let unknown = PotBills { hidden: None, ..bills(vec![], vec![]) };
    for look in [LAST, AHEAD, Look { until_known: Some(40_000), ..LAST }] {
        assert_eq!(level(&unknown, &calendar(), look), Err(NotKnown::Hidden { pot: "Bills".to_owned() }));
    }
}

#[test]
fn a_cycle_that_is_not_covered_says_from_when_it_will_be_unless_an_amount_stands_in() {
    for (from, known) in [(date(2026, 11, 10), date(2026, 12, 31)), (date(2026, 11, 28), date(2027, 1, 31))] {
        let mut pot = bills(vec![], vec![]);
        if let Some(hidden) = &mut pot.hidden {
            hidden.covered_from = at(from, 0);
        }
        let error = level(&pot, &calendar(), LAST).unwrap_err();
        assert_eq!(error, NotKnown::Uncovered { pot: "Bills".to_owned(), from: Some(known) });
        let stand_in = level(&pot, &calendar(), Look { until_known: Some(40_000), ..LAST }).unwrap();
        assert_eq!((stand_in.amount, stand_in.notes.len()), (40_000, 1));
    }
    let mut stale = bills(vec![], vec![]);
    if let Some(hidden) = &mut stale.hidden {
        hidden.covered_to = at(date(2026, 11, 26), 0);
    }
    assert!(level(&stale, &calendar(), LAST).is_err());
    let none = Calendar { cycles: Vec::new(), ..calendar() };
    assert_eq!(level(&bills(vec![], vec![]), &none, LAST), Err(NotKnown::NoCycle));
}

fn predicted(due: Date, amount: i64, period: Period) -> PotBills {
    let bill = Predicted { name: "Gas".to_owned(), due: vec![(due, amount)], period };
    PotBills { predicted: vec![bill], ..bills(vec![], vec![]) }
}

#[test]
fn bills_due_before_the_next_payday_count_whole() {
    for (due, period, amount) in [
        (date(2026, 11, 28), Period::Months(1), 2_000),
        (date(2026, 12, 30), Period::Months(1), 1_000),
        // In the night before the next run.
        (date(2026, 12, 31), Period::Months(1), 1_000),
        (date(2027, 1, 1), Period::Months(1), 0),
        (date(2027, 1, 5), Period::Days(7), 0),
        (date(2026, 11, 29), Period::Days(7), 5_000),
        (date(2026, 11, 29), Period::Days(14), 3_000),
    ] {
        let level = level(&predicted(due, 1_000, period), &calendar(), AHEAD).unwrap();
        assert_eq!(level.amount, amount, "due {due}: {level:#?}");
    }
}

#[test]
fn a_bill_that_comes_seldom_is_saved_for_payday_by_payday() {
    // Paid each 10 March; twelve paydays lie between, and November's is the ninth.
    let yearly = predicted(date(2027, 3, 10), 12_000, Period::Months(12));
    let found = level(&yearly, &calendar(), AHEAD).unwrap();
    assert_eq!(found.amount, 9_000);
    assert_eq!(found.bills[0].note.as_deref(), Some("£120.00 × 9 of 12 paydays"));
    // Just before it is due it is there in full, and just after the first part of the next.
    let february = Calendar { own: date(2027, 2, 28), next: date(2027, 3, 31).at(9, 0, 0, 0), ..calendar() };
    assert_eq!(level(&yearly, &february, AHEAD).unwrap().amount, 12_000);
    let march = Calendar { own: date(2027, 3, 31), next: date(2027, 4, 30).at(9, 0, 0, 0), ..calendar() };
    let next = predicted(date(2028, 3, 10), 12_000, Period::Months(12));
    assert_eq!(level(&next, &march, AHEAD).unwrap().amount, 1_000);
}

#[test]
fn weekly_pay_saves_for_a_monthly_rent_week_by_week() {
    let fridays: Vec<Date> =
        (0..60).map(|week| date(2026, 10, 2).checked_add(jiff::Span::new().weeks(week)).unwrap()).collect();
    let rent = predicted(date(2026, 12, 1), 80_000, Period::Months(1));
    // November has the Fridays 6, 13, 20 and 27.
    for (own, amount) in [
        (date(2026, 11, 6), 20_000),
        (date(2026, 11, 13), 40_000),
        (date(2026, 11, 20), 60_000),
        (date(2026, 11, 27), 80_000),
    ] {
        let next = own.checked_add(jiff::Span::new().weeks(1)).unwrap();
        let week = Calendar {
            now: own.at(9, 0, 0, 0),
            own,
            next: next.at(9, 0, 0, 0),
            paydays: fridays.clone(),
            cycles: Vec::new(),
        };
        assert_eq!(level(&rent, &week, AHEAD).unwrap().amount, amount, "{own}");
    }
}

#[test]
fn a_bill_on_the_last_of_the_month_stays_there() {
    let level = level(&predicted(date(2026, 10, 31), 1_000, Period::Months(1)), &calendar(), AHEAD).unwrap();
    let dates: Vec<Date> = level.bills.iter().map(|bill| bill.date).collect();
    assert_eq!(dates, [date(2026, 10, 31), date(2026, 11, 30), date(2026, 12, 31)]);
}

#[test]
fn dates_that_were_moved_over_weekends_are_taken_as_predicted() {
    let due = vec![(date(2026, 11, 30), 1_000), (date(2026, 12, 30), 1_100)];
    let bill = Predicted { name: "Gas".to_owned(), due, period: Period::Months(1) };
    let found =
        level(&PotBills { predicted: vec![bill], ..bills(vec![], vec![]) }, &calendar(), AHEAD).unwrap();
    assert_eq!(found.amount, 2_100);
}

#[test]
fn a_horizon_of_days_makes_a_guard() {
    let guard = Look { horizon: Some(SignedDuration::from_hours(48)), ..AHEAD };
    for (due, amount) in [(date(2026, 11, 28), 1_000), (date(2026, 11, 29), 1_000), (date(2026, 11, 30), 0)] {
        let level = level(&predicted(due, 1_000, Period::Days(20)), &calendar(), guard).unwrap();
        assert_eq!(level.amount, amount, "due {due}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn each_bill_counts_once_whatever_the_pot_gave(
        costs in prop::collection::vec((1_i64..50_000, 0_i64..=100, 0_i8..27), 0..6),
    ) {
        let day = |offset: i8| DAY.checked_add(jiff::Span::new().days(offset - 4)).unwrap();
        let main = costs.iter().map(|(cost, _, offset)| main_row(day(*offset), 4, *cost, "Gas", true)).collect();
        let rows = costs.iter()
            .filter(|(cost, part, _)| cost * part / 100 > 0)
            .map(|(cost, part, offset)| paid(day(*offset), 2, cost * part / 100))
            .collect();
        let level = level(&bills(rows, main), &calendar(), LAST).unwrap();
        let inside = |offset: i8| (november().payday..date(2026, 11, 27)).contains(&day(offset));
        let sum: i64 = costs.iter().filter(|(_, _, offset)| inside(*offset)).map(|(cost, _, _)| cost).sum();
        // A part of one bill may look like the whole of another of the same night; nothing counts twice or is lost.
        prop_assert!(level.amount >= sum);
        let nights: std::collections::BTreeSet<i8> = costs.iter().map(|(_, _, offset)| *offset).collect();
        if nights.len() == costs.len() {
            prop_assert_eq!(level.amount, sum);
        }
    }

    #[test]
    fn what_is_saved_for_a_bill_grows_to_the_whole_by_its_last_payday(
        amount in 1_i64..1_000_000, months in 2_u8..13, day in 1_i8..=28, index in 0_usize..22,
    ) {
        let due = date(2027, 6, day);
        let pot = predicted(due, amount, Period::Months(months));
        let mut run = calendar();
        let mut saved = |index: usize| {
            (run.own, run.next) = (PAYDAYS[index], PAYDAYS[index + 1].at(9, 0, 0, 0));
            level(&pot, &run, AHEAD).unwrap().amount
        };
        // The last payday before it is that of the end of May.
        let (before, after, last) = (saved(index), saved(index + 1), saved(23));
        prop_assert!(before <= after && after <= amount);
        prop_assert_eq!(last, amount);
    }
}
