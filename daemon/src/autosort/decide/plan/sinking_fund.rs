//! When a sinking fund must be full, and over how many paydays that goes.

use jiff::civil::Date;

use crate::rule::By;

/// The day by which a fund must be full, from `today` on; nothing where its only day has passed.
pub(super) fn due(by: By, today: Date) -> Option<Date> {
    if let Some(year) = by.year {
        return on(by, year).filter(|due| *due >= today);
    }
    let this_year = on(by, today.year())?;
    if this_year >= today { Some(this_year) } else { on(by, today.year().checked_add(1)?) }
}

/// The day in a year; past the month's end its last day.
fn on(by: By, year: i16) -> Option<Date> {
    let first = Date::new(year, by.month, 1).ok()?;
    Date::new(year, by.month, by.day.clamp(1, first.days_in_month())).ok()
}

/// The paydays that are left, this run's own included; one at least, since this run is.
pub(super) fn paydays_left(paydays: &[Date], due: Date) -> u64 {
    let later = paydays.iter().skip(1).filter(|payday| **payday <= due).count();
    u64::try_from(later).unwrap_or(u64::MAX - 1) + 1
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    const MARCH: By = By { year: None, month: 3, day: 1 };

    #[test]
    fn a_day_without_a_year_comes_every_year() {
        assert_eq!(due(MARCH, date(2026, 11, 27)), Some(date(2027, 3, 1)));
        assert_eq!(due(MARCH, date(2027, 3, 1)), Some(date(2027, 3, 1)));
        assert_eq!(due(MARCH, date(2027, 3, 2)), Some(date(2028, 3, 1)));
    }

    #[test]
    fn a_day_with_a_year_comes_once() {
        let once = By { year: Some(2027), ..MARCH };
        assert_eq!(due(once, date(2026, 11, 27)), Some(date(2027, 3, 1)));
        assert_eq!(due(once, date(2027, 3, 2)), None);
    }

    #[test]
    fn a_day_past_the_end_of_its_month_is_the_last() {
        let leap = By { year: None, month: 2, day: 31 };
        assert_eq!(due(leap, date(2027, 1, 1)), Some(date(2027, 2, 28)));
        assert_eq!(due(leap, date(2028, 1, 1)), Some(date(2028, 2, 29)));
    }

    #[test]
    fn the_payday_of_the_run_counts_and_so_does_one_on_the_day_itself() {
        let paydays = [date(2026, 11, 27), date(2026, 12, 31), date(2027, 1, 29), date(2027, 2, 26)];
        assert_eq!(paydays_left(&paydays, date(2027, 3, 1)), 4);
        assert_eq!(paydays_left(&paydays, date(2027, 2, 26)), 4);
        assert_eq!(paydays_left(&paydays, date(2027, 2, 25)), 3);
        assert_eq!(paydays_left(&paydays, date(2026, 11, 27)), 1);
        assert_eq!(paydays_left(&paydays, date(2026, 11, 20)), 1);
    }
}
