//! The bank holidays of the three nations, computed for any year.
//!
//! Easter and the Mondays follow from the year; days that were decreed once stand in a table, as published by the
//! government for 2019 to 2027. A holiday on a weekend has the next free weekday as its substitute.

use jiff::ToSpan;
use jiff::civil::{Date, Weekday, date};

use crate::rule::Nation;

/// A bank holiday.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holiday {
    /// The day on which banks rest.
    pub date: Date,
    /// Its name.
    pub name: &'static str,
    /// The day it stands in for, where that is a weekend.
    pub instead_of: Option<Date>,
}

/// Days decreed once; for the nations that are named, for all where none is.
const DECREED: &[(Date, &str, Option<Nation>)] = &[
    (date(2022, 6, 3), "the Platinum Jubilee bank holiday", None),
    (date(2022, 9, 19), "the State Funeral of Queen Elizabeth II", None),
    (date(2023, 5, 8), "the Coronation of King Charles III", None),
    (date(2026, 6, 15), "the World Cup bank holiday", Some(Nation::Scotland)),
];

/// The bank holidays of a year, in order; none where the calendar ends.
pub fn of_year(nation: Nation, year: i16) -> Vec<Holiday> {
    let mut holidays: Vec<Holiday> = Vec::with_capacity(12);
    for (date, name) in nominal(nation, year) {
        let taken = |day: Date| holidays.iter().any(|holiday| holiday.date == day);
        let free = |day: &Date| !is_weekend(*day) && !taken(*day);
        let Some(day) = (0..7).filter_map(|ahead| plus(date, ahead)).find(free) else { continue };
        holidays.push(Holiday { date: day, name, instead_of: (day != date).then_some(date) });
    }
    holidays.sort_by_key(|holiday| holiday.date);
    holidays
}

/// The bank holiday on a day.
pub fn on(nation: Nation, day: Date) -> Option<Holiday> {
    of_year(nation, day.year()).into_iter().find(|holiday| holiday.date == day)
}

/// Saturdays and Sundays.
pub fn is_weekend(day: Date) -> bool {
    matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday)
}

/// The days as they are named, each before it gives way to a weekend: first those that never do, then the fixed dates,
/// the later of two neighbours first, so that Boxing Day on a Monday keeps its day and Christmas takes the Tuesday.
fn nominal(nation: Nation, year: i16) -> Vec<(Date, &'static str)> {
    let fixed = |month, day| Date::new(year, month, day).ok();
    let monday = |month, nth| fixed(month, 1)?.nth_weekday_of_month(nth, Weekday::Monday).ok();
    let easter = easter(year);
    let scotland = nation == Nation::Scotland;
    let spring = if year == 2022 { fixed(6, 2) } else { monday(5, -1) };
    let early_may = if year == 2020 { fixed(5, 8) } else { monday(5, 1) };
    let from_easter = |days| plus(easter?, days);
    let mut days = vec![
        (from_easter(-2), "Good Friday"),
        (early_may, if year == 2020 { "the VE Day bank holiday" } else { "the early May bank holiday" }),
        (spring, "the spring bank holiday"),
        (monday(8, if scotland { 1 } else { -1 }), "the summer bank holiday"),
    ];
    if !scotland {
        days.push((from_easter(1), "Easter Monday"));
    }
    let decreed =
        DECREED.iter().filter(|(day, _, only)| day.year() == year && only.is_none_or(|only| only == nation));
    days.extend(decreed.map(|(day, name, _)| (Some(*day), *name)));
    if scotland {
        days.push((fixed(1, 2), "2 January"));
        days.push((fixed(11, 30), "St Andrew's Day"));
    }
    days.push((fixed(1, 1), "New Year's Day"));
    if nation == Nation::NorthernIreland {
        days.push((fixed(3, 17), "St Patrick's Day"));
        days.push((fixed(7, 12), "the Battle of the Boyne"));
    }
    days.push((fixed(12, 26), "Boxing Day"));
    days.push((fixed(12, 25), "Christmas Day"));
    days.into_iter().filter_map(|(day, name)| Some((day?, name))).collect()
}

/// Easter Sunday of the Gregorian calendar: the Sunday after the ecclesiastical full moon on or after 21 March.
fn easter(year: i16) -> Option<Date> {
    let (y, century) = (i32::from(year), i32::from(year).div_euclid(100));
    let golden = y.rem_euclid(19);
    let leap_centuries = century.div_euclid(4);
    let moon_shift = (8 * century + 13).div_euclid(25);
    let raw = (century - leap_centuries - moon_shift + 19 * golden + 15).rem_euclid(30);
    // The lunar month of 29 days: the two latest moons fall a day earlier.
    let moon = if raw == 29 || (raw == 28 && golden > 10) { raw - 1 } else { raw };
    let full = plus(Date::new(year, 3, 21).ok()?, moon)?;
    let ahead = i32::from(full.weekday().until(Weekday::Sunday));
    plus(full, if ahead == 0 { 7 } else { ahead })
}

fn plus(day: Date, days: i32) -> Option<Date> {
    day.checked_add(days.days()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As published, year by year: month and day.
    type Published = &'static [(i16, &'static str)];

    const ENGLAND_AND_WALES: Published = &[
        (2019, "01-01 04-19 04-22 05-06 05-27 08-26 12-25 12-26"),
        (2020, "01-01 04-10 04-13 05-08 05-25 08-31 12-25 12-28"),
        (2021, "01-01 04-02 04-05 05-03 05-31 08-30 12-27 12-28"),
        (2022, "01-03 04-15 04-18 05-02 06-02 06-03 08-29 09-19 12-26 12-27"),
        (2023, "01-02 04-07 04-10 05-01 05-08 05-29 08-28 12-25 12-26"),
        (2024, "01-01 03-29 04-01 05-06 05-27 08-26 12-25 12-26"),
        (2025, "01-01 04-18 04-21 05-05 05-26 08-25 12-25 12-26"),
        (2026, "01-01 04-03 04-06 05-04 05-25 08-31 12-25 12-28"),
        (2027, "01-01 03-26 03-29 05-03 05-31 08-30 12-27 12-28"),
    ];

    const SCOTLAND: Published = &[
        (2019, "01-01 01-02 04-19 05-06 05-27 08-05 12-02 12-25 12-26"),
        (2020, "01-01 01-02 04-10 05-08 05-25 08-03 11-30 12-25 12-28"),
        (2021, "01-01 01-04 04-02 05-03 05-31 08-02 11-30 12-27 12-28"),
        (2022, "01-03 01-04 04-15 05-02 06-02 06-03 08-01 09-19 11-30 12-26 12-27"),
        (2023, "01-02 01-03 04-07 05-01 05-08 05-29 08-07 11-30 12-25 12-26"),
        (2024, "01-01 01-02 03-29 05-06 05-27 08-05 12-02 12-25 12-26"),
        (2025, "01-01 01-02 04-18 05-05 05-26 08-04 12-01 12-25 12-26"),
        (2026, "01-01 01-02 04-03 05-04 05-25 06-15 08-03 11-30 12-25 12-28"),
        (2027, "01-01 01-04 03-26 05-03 05-31 08-02 11-30 12-27 12-28"),
    ];

    const NORTHERN_IRELAND: Published = &[
        (2019, "01-01 03-18 04-19 04-22 05-06 05-27 07-12 08-26 12-25 12-26"),
        (2020, "01-01 03-17 04-10 04-13 05-08 05-25 07-13 08-31 12-25 12-28"),
        (2021, "01-01 03-17 04-02 04-05 05-03 05-31 07-12 08-30 12-27 12-28"),
        (2022, "01-03 03-17 04-15 04-18 05-02 06-02 06-03 07-12 08-29 09-19 12-26 12-27"),
        (2023, "01-02 03-17 04-07 04-10 05-01 05-08 05-29 07-12 08-28 12-25 12-26"),
        (2024, "01-01 03-18 03-29 04-01 05-06 05-27 07-12 08-26 12-25 12-26"),
        (2025, "01-01 03-17 04-18 04-21 05-05 05-26 07-14 08-25 12-25 12-26"),
        (2026, "01-01 03-17 04-03 04-06 05-04 05-25 07-13 08-31 12-25 12-28"),
        (2027, "01-01 03-17 03-26 03-29 05-03 05-31 07-12 08-30 12-27 12-28"),
    ];

    #[test]
    fn the_computed_holidays_are_the_published_ones_from_2019_to_2027() {
        let nations = [
            (Nation::EnglandAndWales, ENGLAND_AND_WALES),
            (Nation::Scotland, SCOTLAND),
            (Nation::NorthernIreland, NORTHERN_IRELAND),
        ];
        for (nation, published) in nations {
            for (year, days) in published {
                let computed: Vec<String> = of_year(nation, *year)
                    .iter()
                    .map(|holiday| holiday.date.strftime("%m-%d").to_string())
                    .collect();
                assert_eq!(computed.join(" "), *days, "{nation:?} {year}");
            }
        }
    }

    #[test]
    fn easter_falls_where_the_church_puts_it() {
        for (year, month, day) in [
            (1818, 3, 22),
            (1943, 4, 25),
            (1954, 4, 18),
            (1981, 4, 19),
            (2000, 4, 23),
            (2038, 4, 25),
            (2285, 3, 22),
        ] {
            assert_eq!(easter(year), Date::new(year, month, day).ok(), "{year}");
        }
    }

    #[test]
    fn a_substitute_says_what_it_stands_in_for() {
        let boxing = on(Nation::EnglandAndWales, date(2026, 12, 28)).expect("a holiday");
        assert_eq!((boxing.name, boxing.instead_of), ("Boxing Day", Some(date(2026, 12, 26))));
        assert_eq!(on(Nation::EnglandAndWales, date(2026, 12, 26)), None, "a Saturday as any other");
    }

    #[test]
    fn no_year_panics_and_no_holiday_is_a_weekend() {
        for year in -9_999..=9_999 {
            for nation in [Nation::EnglandAndWales, Nation::Scotland, Nation::NorthernIreland] {
                assert!(of_year(nation, year).iter().all(|holiday| !is_weekend(holiday.date)), "{year}");
            }
        }
    }
}
