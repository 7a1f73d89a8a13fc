use jiff::civil::{Weekday, date};
use proptest::prelude::*;

use super::*;
use crate::rule::{Adjust, Day, Nation, Rhythm};

fn payday(rhythm: Rhythm, adjust: Adjust) -> Payday {
    Payday {
        name: "main".into(),
        rhythm,
        adjust,
        nation: Nation::EnglandAndWales,
        extra_holidays: Vec::new(),
        income: None,
    }
}

fn london() -> TimeZone {
    TimeZone::get("Europe/London").expect("a zone")
}

fn dates(payday: &Payday, from_day: &str, count: usize) -> String {
    let days = from(payday, from_day.parse().expect("a date"), count);
    days.iter().map(|day| day.date.to_string()).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_day_of_the_month_past_its_end_is_its_last_day() {
    let last = payday(Rhythm::Monthly(Day::Of(31)), Adjust::None);
    assert_eq!(dates(&last, "2028-01-31", 4), "2028-01-31 2028-02-29 2028-03-31 2028-04-30");
    let twenty_ninth = payday(Rhythm::Monthly(Day::Of(29)), Adjust::None);
    assert_eq!(dates(&twenty_ninth, "2027-02-01", 2), "2027-02-28 2027-03-29");
    let thirtieth = payday(Rhythm::Monthly(Day::Of(30)), Adjust::None);
    assert_eq!(dates(&thirtieth, "2024-02-01", 2), "2024-02-29 2024-03-30");
}

#[test]
fn weekends_and_bank_holidays_move_a_day_where_the_person_says() {
    let check = |adjust, day, from, expected| {
        assert_eq!(
            dates(&payday(Rhythm::Monthly(Day::Of(day)), adjust), from, 1),
            expected,
            "{adjust:?} {day}"
        );
    };
    // Christmas 2026 is a Friday, Boxing Day's substitute the Monday.
    check(Adjust::Before, 25, "2026-12-10", "2026-12-24");
    check(Adjust::After, 25, "2026-12-10", "2026-12-29");
    check(Adjust::None, 25, "2026-12-10", "2026-12-25");
    // The first of a month may go into the month before.
    check(Adjust::Before, 1, "2026-10-25", "2026-10-30");
    check(Adjust::Before, 1, "2026-12-20", "2026-12-31");
}

#[test]
fn a_moved_day_says_from_where_and_why() {
    let found = from(&payday(Rhythm::Monthly(Day::Of(28)), Adjust::Before), date(2026, 12, 1), 1);
    let wanted = PayDate {
        date: date(2026, 12, 24),
        moved_from: Some(date(2026, 12, 28)),
        reason: Some("the day instead of Boxing Day".into()),
    };
    assert_eq!(found, [wanted]);
}

#[test]
fn the_nation_and_a_persons_own_holidays_count() {
    let mut st_andrew = payday(Rhythm::Monthly(Day::LastWorking), Adjust::Before);
    assert_eq!(dates(&st_andrew, "2026-11-01", 2), "2026-11-30 2026-12-31");
    st_andrew.nation = Nation::Scotland;
    assert_eq!(dates(&st_andrew, "2026-11-01", 1), "2026-11-27");
    st_andrew.extra_holidays.push(date(2026, 11, 27));
    assert_eq!(dates(&st_andrew, "2026-11-01", 1), "2026-11-26");
    assert_eq!(from(&st_andrew, date(2026, 11, 1), 1)[0].moved_from, None, "that is what the rhythm means");
}

#[test]
fn the_last_friday_is_adjusted_too() {
    let friday = payday(Rhythm::Monthly(Day::Last(Weekday::Friday)), Adjust::Before);
    assert_eq!(dates(&friday, "2026-11-01", 2), "2026-11-27 2026-12-24");
}

#[test]
fn weeks_are_counted_both_ways_from_the_day_they_start_on() {
    let four = payday(Rhythm::Every { weeks: 4, starting: date(2026, 1, 9) }, Adjust::None);
    assert_eq!(dates(&four, "2025-12-01", 4), "2025-12-12 2026-01-09 2026-02-06 2026-03-06");
    assert_eq!(before(&four, date(2026, 1, 9)), Some(date(2025, 12, 12)));
    let weekly = payday(Rhythm::Weekly(Weekday::Friday), Adjust::Before);
    assert_eq!(dates(&weekly, "2026-03-26", 3), "2026-03-27 2026-04-02 2026-04-10");
}

#[test]
fn a_payday_begins_its_cycle_and_ends_the_one_before() {
    let main = payday(Rhythm::Monthly(Day::LastWorking), Adjust::Before);
    let at = |text: &str| cycle(&main, text.parse().expect("an instant"), &london()).expect("a cycle");
    let november = at("2026-11-30T00:00:00Z");
    assert_eq!((november.payday, november.next), (date(2026, 11, 30), date(2026, 12, 31)));
    assert_eq!(at("2026-11-29T23:59:59Z").payday, date(2026, 10, 30));
    // In summer the local day begins an hour before UTC's.
    assert_eq!(at("2026-07-30T23:00:00Z").payday, date(2026, 7, 31));
    assert_eq!(at("2026-07-30T22:59:59Z").payday, date(2026, 6, 30));
    let last = last_cycle(&main, november.since, &london()).expect("a cycle");
    assert_eq!((last.payday, last.until), (date(2026, 10, 30), november.since));
}

#[test]
fn what_the_clocks_skip_comes_later_and_what_they_repeat_comes_once() {
    let at = |day, hour, minute| {
        instant(day, Time::constant(hour, minute, 0, 0), &london()).expect("an instant").to_string()
    };
    assert_eq!(at(date(2026, 3, 29), 1, 30), "2026-03-29T01:30:00Z");
    assert_eq!(at(date(2026, 10, 25), 1, 30), "2026-10-25T00:30:00Z");
}

#[test]
fn the_nearest_payday_is_before_or_after() {
    let main = payday(Rhythm::Monthly(Day::Of(28)), Adjust::None);
    assert_eq!(nearest(&main, date(2026, 11, 27)), Some(date(2026, 11, 28)));
    assert_eq!(nearest(&main, date(2026, 12, 2)), Some(date(2026, 11, 28)));
    assert_eq!(nearest(&main, date(2026, 12, 28)), Some(date(2026, 12, 28)));
}

#[test]
fn the_ends_of_the_calendar_are_survived() {
    let main = payday(Rhythm::Monthly(Day::Of(31)), Adjust::After);
    assert_eq!(after(&main, Date::MAX), None);
    assert_eq!(before(&main, Date::MIN), None);
    let _ = (before(&main, Date::MAX), after(&main, Date::MIN));
}

fn rhythms() -> impl Strategy<Value = Rhythm> {
    let weekday = (1_i8..=7).prop_map(|day| Weekday::from_monday_one_offset(day).expect("a weekday"));
    prop_oneof![
        (1_i8..=31).prop_map(|day| Rhythm::Monthly(Day::Of(day))),
        Just(Rhythm::Monthly(Day::LastWorking)),
        weekday.clone().prop_map(|day| Rhythm::Monthly(Day::Last(day))),
        weekday.prop_map(Rhythm::Weekly),
        (1_u8..=52, 0_i32..4_000).prop_map(|(weeks, day)| Rhythm::Every { weeks, starting: nth_day(day) }),
    ]
}

fn nth_day(day: i32) -> Date {
    date(2019, 1, 1).checked_add(jiff::Span::new().days(day)).expect("a day of this century")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    /// Cycles tile time: the next one begins where one ends, none is empty, and no payday is skipped or doubled.
    #[test]
    fn cycles_tile_time(
        rhythm in rhythms(),
        adjust in prop_oneof![Just(Adjust::Before), Just(Adjust::After), Just(Adjust::None)],
        nation in prop_oneof![Just(Nation::EnglandAndWales), Just(Nation::Scotland), Just(Nation::NorthernIreland)],
        extra in prop::collection::vec(0_i32..4_000, 0..4),
        day in 0_i32..4_000,
        second in 0_i64..86_400,
        zone in prop_oneof![Just("Europe/London"), Just("America/Havana"), Just("UTC")],
    ) {
        let zone = TimeZone::get(zone).expect("a zone");
        let extra_holidays = extra.into_iter().map(nth_day).collect();
        let main = Payday { nation, extra_holidays, ..payday(rhythm, adjust) };
        let at = midnight(nth_day(day), &zone).expect("an instant") + jiff::SignedDuration::from_secs(second);
        let now = cycle(&main, at, &zone).expect("a cycle");
        prop_assert!(now.holds(at), "{now:?} {at}");
        let next = cycle(&main, now.until, &zone).expect("a cycle");
        prop_assert_eq!((next.payday, next.since), (now.next, now.until));
        prop_assert_eq!(before(&main, now.next), Some(now.payday));
        prop_assert_eq!(after(&main, now.payday), Some(now.next));
        prop_assert_eq!(last_cycle(&main, now.until, &zone), Some(now));
    }
}
