//! Rhythms in words.

use jiff::civil::Weekday;

use super::Period;
use super::rhythm::{Days, Rhythm, Shift};

impl Rhythm {
    /// The rhythm as a person would say it: `on day 3 of the month, or the working day after`.
    pub fn words(&self) -> String {
        let moved = match self.shift {
            Shift::Before => ", or the working day before",
            Shift::After => ", or the working day after",
            Shift::Stays => "",
        };
        match (self.days, self.period) {
            (Days::OfMonth(31, _), Period::MONTHLY) if self.shift == Shift::Before => {
                "on the last working day of the month".to_owned()
            }
            (Days::OfMonth(31, _), Period::MONTHLY) => format!("on the last day of the month{moved}"),
            (Days::OfMonth(day, _), Period::MONTHLY) => format!("on day {day} of the month{moved}"),
            (Days::OfMonth(day, start), Period::YEARLY) => {
                format!("every year on {day} {}{moved}", month(start.rem_euclid(12)))
            }
            (Days::OfMonth(day, start), Period::Months(every)) => {
                let every = i32::from(every.max(1));
                let months: Vec<&str> =
                    (0..12).filter(|number| (number - start).rem_euclid(every) == 0).map(month).collect();
                format!("every {every} months, on day {day} of {}{moved}", months.join(", "))
            }
            (Days::Nth(n, day), _) => format!("on the {} {} of the month{moved}", nth(n), weekday_name(day)),
            (Days::From(start), Period::WEEKLY) => format!("every {}{moved}", weekday_name(start.weekday())),
            (Days::From(start), Period::Days(days)) if days % 7 == 0 => {
                format!("every {} weeks on a {}{moved}", days / 7, weekday_name(start.weekday()))
            }
            (Days::From(_) | Days::OfMonth(..), period) => format!("{}{moved}", period.word()),
        }
    }
}

fn month(index: i32) -> &'static str {
    const NAMES: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    usize::try_from(index).ok().and_then(|index| NAMES.get(index).copied()).unwrap_or_default()
}

fn nth(n: i8) -> &'static str {
    match n {
        1 => "first",
        2 => "second",
        3 => "third",
        4 => "fourth",
        _ => "last",
    }
}

/// The name of a weekday.
pub fn weekday_name(day: Weekday) -> &'static str {
    match day {
        Weekday::Monday => "Monday",
        Weekday::Tuesday => "Tuesday",
        Weekday::Wednesday => "Wednesday",
        Weekday::Thursday => "Thursday",
        Weekday::Friday => "Friday",
        Weekday::Saturday => "Saturday",
        Weekday::Sunday => "Sunday",
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_rhythm_is_said_in_words() {
        let check = |period, days, shift, text: &str| {
            assert_eq!(Rhythm { period, days, shift }.words(), text);
        };
        check(
            Period::MONTHLY,
            Days::OfMonth(3, 0),
            Shift::After,
            "on day 3 of the month, or the working day after",
        );
        check(Period::MONTHLY, Days::OfMonth(31, 0), Shift::Before, "on the last working day of the month");
        check(
            Period::QUARTERLY,
            Days::OfMonth(5, 1),
            Shift::Stays,
            "every 3 months, on day 5 of Feb, May, Aug, Nov",
        );
        check(Period::YEARLY, Days::OfMonth(1, 2), Shift::Stays, "every year on 1 Mar");
        check(
            Period::MONTHLY,
            Days::Nth(2, Weekday::Monday),
            Shift::Stays,
            "on the second Monday of the month",
        );
        let thursday = Days::From(date(2026, 11, 26));
        check(Period::WEEKLY, thursday, Shift::Stays, "every Thursday");
        check(
            Period::FOUR_WEEKLY,
            thursday,
            Shift::Before,
            "every 4 weeks on a Thursday, or the working day before",
        );
        check(Period::Days(30), thursday, Shift::Stays, "every 30 days");
    }
}
