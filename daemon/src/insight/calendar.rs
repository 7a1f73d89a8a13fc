//! The periods of figures: days, weeks, months, cycles and years in the person's zone, and which of them are alike.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use monzo_common::model::{Comparison, FigurePeriod};

use super::recurring::rhythm::days_between;

/// The zone and the paydays by which a person counts.
#[derive(Debug, Clone)]
pub struct Calendar {
    /// Of local midnights.
    pub zone: TimeZone,
    /// Paydays in order, from before the first period that is asked for until after the last. Without any, a cycle is the
    /// calendar month.
    pub paydays: Vec<Date>,
}

/// Whole days, the last one not included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Days {
    /// The first day.
    pub since: Date,
    /// The first day after.
    pub until: Date,
}

/// A stretch of time with the name that a person reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedPeriod {
    /// `2026-11-22` (a day, or the first day of a week or cycle), `2026-11` or `2026`.
    pub name: String,
    /// The first instant.
    pub since: Timestamp,
    /// The first instant after.
    pub until: Timestamp,
}

/// The periods with which another is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compare {
    /// The periods, the latest first.
    pub spans: Vec<(Timestamp, Timestamp)>,
    /// Only so many days of each count.
    pub days: Option<u32>,
}

/// Like periods in an average (insight: periods and comparisons).
const IN_AVERAGE: usize = 6;

impl Calendar {
    /// The local day of an instant.
    pub fn day(&self, at: Timestamp) -> Date {
        at.to_zoned(self.zone.clone()).date()
    }

    /// The first instant of a day.
    pub fn midnight(&self, day: Date) -> Timestamp {
        let zoned = day.to_zoned(self.zone.clone());
        zoned.map_or(Timestamp::MAX, |zoned| zoned.timestamp())
    }

    /// The periods of a span, oldest first; the first and the last are cut to it.
    pub fn periods(&self, per: FigurePeriod, since: Timestamp, until: Timestamp) -> Vec<NamedPeriod> {
        let mut periods = Vec::new();
        let mut first = self.begin(per, self.day(since));
        while let Some(next) = self.next(per, first) {
            let (begins, ends) = (self.midnight(first), self.midnight(next));
            if begins >= until {
                break;
            }
            let name = match per {
                FigurePeriod::Day | FigurePeriod::Week | FigurePeriod::Cycle => first.to_string(),
                FigurePeriod::Month => first.strftime("%Y-%m").to_string(),
                FigurePeriod::Year => first.strftime("%Y").to_string(),
            };
            periods.push(NamedPeriod { name, since: begins.max(since), until: ends.min(until) });
            first = next;
        }
        periods
    }

    /// The first day of the period that a day is in.
    fn begin(&self, per: FigurePeriod, day: Date) -> Date {
        match per {
            FigurePeriod::Day => day,
            FigurePeriod::Week => {
                day.checked_sub(i64::from(day.weekday().to_monday_zero_offset()).days()).unwrap_or(day)
            }
            FigurePeriod::Month => day.first_of_month(),
            FigurePeriod::Year => day.first_of_year(),
            FigurePeriod::Cycle => {
                let before = self.paydays.partition_point(|payday| *payday <= day);
                before.checked_sub(1).map_or_else(|| day.first_of_month(), |index| self.paydays[index])
            }
        }
    }

    /// The first day of the period after the one that begins on a day.
    fn next(&self, per: FigurePeriod, first: Date) -> Option<Date> {
        match per {
            FigurePeriod::Day => first.tomorrow().ok(),
            FigurePeriod::Week => first.checked_add(1.week()).ok(),
            FigurePeriod::Month => first.checked_add(1.month()).ok(),
            FigurePeriod::Year => first.checked_add(1.year()).ok(),
            FigurePeriod::Cycle => {
                let after = self.paydays.partition_point(|payday| *payday <= first);
                self.paydays
                    .get(after)
                    .copied()
                    .or_else(|| first.first_of_month().checked_add(1.month()).ok())
            }
        }
    }

    /// The periods with which a span is compared, as seen from `now`. Those that were over before `known_from`, when the
    /// first transaction was, are left out.
    pub fn compare(
        &self,
        with: Comparison,
        (since, until): (Timestamp, Timestamp),
        now: Timestamp,
        known_from: Timestamp,
    ) -> Compare {
        let span = Days { since: self.day(since), until: self.last_day(until) };
        let today_over = self.day(now).tomorrow().unwrap_or(Date::MAX);
        let unfinished = span.until > today_over && span.since < today_over;
        let elapsed = unfinished.then(|| u32::try_from(days_between(span.since, today_over)).unwrap_or(0));
        let others: Vec<Days> = match with {
            Comparison::Previous => self.before(span).into_iter().collect(),
            Comparison::Average => {
                let mut others = Vec::new();
                let mut at = span;
                while let Some(before) = self.before(at).filter(|_| others.len() < IN_AVERAGE) {
                    others.push(before);
                    at = before;
                }
                others
            }
            Comparison::Year => self.year_before(span).into_iter().collect(),
        };
        let instants = |days: Days| {
            let end = elapsed.and_then(|days_gone| days.since.checked_add(i64::from(days_gone).days()).ok());
            (self.midnight(days.since), self.midnight(end.map_or(days.until, |end| end.min(days.until))))
        };
        let spans = others.into_iter().map(instants).filter(|span| span.1 > known_from).collect();
        Compare { spans, days: elapsed }
    }

    /// The day after the last one of a span that ends at this instant.
    fn last_day(&self, until: Timestamp) -> Date {
        let day = self.day(until);
        if self.midnight(day) == until { day } else { day.tomorrow().unwrap_or(day) }
    }

    /// The like period before: months before months, a cycle before a cycle, else as many days.
    fn before(&self, span: Days) -> Option<Days> {
        let first_of_month = |day: Date| day.day() == 1;
        if self.is_cycle(span) {
            let before = self.paydays.partition_point(|payday| *payday < span.since);
            let since = *self.paydays.get(before.checked_sub(1)?)?;
            return Some(Days { since, until: span.since });
        }
        if first_of_month(span.since) && first_of_month(span.until) {
            let months = months_between(span.since, span.until);
            return Some(Days { since: span.since.checked_sub(months.months()).ok()?, until: span.since });
        }
        if span.since.checked_add(1.year()).ok() == Some(span.until) {
            return Some(Days { since: span.since.checked_sub(1.year()).ok()?, until: span.since });
        }
        let days = i64::from(days_between(span.since, span.until));
        Some(Days { since: span.since.checked_sub(days.days()).ok()?, until: span.since })
    }

    fn year_before(&self, span: Days) -> Option<Days> {
        let since = span.since.checked_sub(1.year()).ok()?;
        if self.is_cycle(span) {
            let far = |payday: &Date| payday.duration_since(since).abs();
            let nearest = *self.paydays.iter().min_by_key(|payday| far(payday))?;
            return Some(Days { since: nearest, until: self.next(FigurePeriod::Cycle, nearest)? });
        }
        Some(Days { since, until: span.until.checked_sub(1.year()).ok()? })
    }

    fn is_cycle(&self, span: Days) -> bool {
        self.paydays.windows(2).any(|two| two[0] == span.since && two[1] == span.until)
    }
}

fn months_between(since: Date, until: Date) -> i32 {
    (i32::from(until.year()) - i32::from(since.year())) * 12 + i32::from(until.month())
        - i32::from(since.month())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn calendar(paydays: &[Date]) -> Calendar {
        Calendar { zone: TimeZone::get("Europe/London").expect("a zone"), paydays: paydays.to_vec() }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().expect("an instant")
    }

    fn names(periods: &[NamedPeriod]) -> Vec<&str> {
        periods.iter().map(|period| period.name.as_str()).collect()
    }

    #[test]
    fn periods_begin_at_local_midnight_and_are_cut_to_what_is_asked_for() {
        let calendar = calendar(&[]);
        let (since, until) = (at("2026-03-20T00:00:00Z"), at("2026-04-03T23:00:00Z"));
        let months = calendar.periods(FigurePeriod::Month, since, until);
        assert_eq!(names(&months), ["2026-03", "2026-04"]);
        assert_eq!((months[0].since, months[0].until), (since, at("2026-03-31T23:00:00Z")));
        assert_eq!(months[1].until, until);
        assert_eq!(
            names(&calendar.periods(FigurePeriod::Week, since, until)),
            ["2026-03-16", "2026-03-23", "2026-03-30"]
        );
        assert_eq!(calendar.periods(FigurePeriod::Day, since, until).len(), 15);
        assert_eq!(names(&calendar.periods(FigurePeriod::Year, since, until)), ["2026"]);
        assert_eq!(names(&calendar.periods(FigurePeriod::Cycle, since, until)), ["2026-03-01", "2026-04-01"]);
    }

    #[test]
    fn cycles_go_from_payday_to_payday() {
        let calendar =
            calendar(&[date(2026, 2, 25), date(2026, 3, 25), date(2026, 4, 24), date(2026, 5, 25)]);
        let periods =
            calendar.periods(FigurePeriod::Cycle, at("2026-03-01T00:00:00Z"), at("2026-05-01T00:00:00Z"));
        assert_eq!(names(&periods), ["2026-02-25", "2026-03-25", "2026-04-24"]);
    }

    #[test]
    fn an_unfinished_month_is_compared_with_as_many_days_of_the_other() {
        let calendar = calendar(&[]);
        let november = (at("2026-11-01T00:00:00Z"), at("2026-12-01T00:00:00Z"));
        let now = at("2026-11-10T15:00:00Z");
        let previous = calendar.compare(Comparison::Previous, november, now, Timestamp::MIN);
        assert_eq!(previous.days, Some(10));
        assert_eq!(previous.spans, [(at("2026-09-30T23:00:00Z"), at("2026-10-10T23:00:00Z"))]);
        let over =
            calendar.compare(Comparison::Previous, november, at("2026-12-05T00:00:00Z"), Timestamp::MIN);
        assert_eq!(over.spans, [(at("2026-09-30T23:00:00Z"), at("2026-11-01T00:00:00Z"))]);
        let average = calendar.compare(Comparison::Average, november, now, at("2026-08-15T00:00:00Z"));
        assert_eq!(
            average.spans.len(),
            2,
            "July and earlier is not known, and of August the first ten days are not"
        );
        let year = calendar.compare(Comparison::Year, november, now, Timestamp::MIN);
        assert_eq!(year.spans, [(at("2025-11-01T00:00:00Z"), at("2025-11-11T00:00:00Z"))]);
    }

    #[test]
    fn a_cycle_is_compared_with_a_cycle_and_a_tax_year_with_a_tax_year() {
        let calendar = calendar(&[date(2026, 2, 25), date(2026, 3, 25), date(2026, 4, 24)]);
        let cycle = (at("2026-03-25T00:00:00Z"), at("2026-04-23T23:00:00Z"));
        let now = at("2026-06-01T00:00:00Z");
        let previous = calendar.compare(Comparison::Previous, cycle, now, Timestamp::MIN);
        assert_eq!(previous.spans, [(at("2026-02-25T00:00:00Z"), at("2026-03-25T00:00:00Z"))]);
        let tax_year = (at("2025-04-05T23:00:00Z"), at("2026-04-05T23:00:00Z"));
        let previous = calendar.compare(Comparison::Previous, tax_year, now, Timestamp::MIN);
        assert_eq!(previous.spans, [(at("2024-04-05T23:00:00Z"), at("2025-04-05T23:00:00Z"))]);
        let ten_days = (at("2026-04-30T23:00:00Z"), at("2026-05-10T23:00:00Z"));
        let previous = calendar.compare(Comparison::Previous, ten_days, now, Timestamp::MIN);
        assert_eq!(previous.spans, [(at("2026-04-20T23:00:00Z"), at("2026-04-30T23:00:00Z"))]);
    }
}
