//! How payments follow each other: the rhythm that explains a list of dates best, and the dates to come.
//!
//! Every plausible rhythm is tried and costed; a date that is hit costs nothing, a weekend's shift little, a payment
//! that should have come and did not more. So one late or missing payment never hides a rhythm.

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};

/// Answers whether banks work on a day.
pub type Working<'a> = &'a dyn Fn(Date) -> bool;

/// How often something comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Period {
    /// Each week.
    Weekly,
    /// Every two weeks.
    Fortnightly,
    /// Every four weeks.
    FourWeekly,
    /// Each month.
    Monthly,
    /// Every three months.
    Quarterly,
    /// Each year.
    Yearly,
}

impl Period {
    /// All of them; of two that explain a list equally well the earlier is taken.
    pub const ALL: [Self; 6] =
        [Self::Monthly, Self::FourWeekly, Self::Weekly, Self::Fortnightly, Self::Quarterly, Self::Yearly];

    /// In a sentence: `monthly`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Weekly => "weekly",
            Self::Fortnightly => "fortnightly",
            Self::FourWeekly => "four-weekly",
            Self::Monthly => "monthly",
            Self::Quarterly => "quarterly",
            Self::Yearly => "yearly",
        }
    }

    /// Its length in days, if it is one of weeks.
    pub const fn in_days(self) -> Option<u16> {
        match self {
            Self::Weekly => Some(7),
            Self::Fortnightly => Some(14),
            Self::FourWeekly => Some(28),
            Self::Monthly | Self::Quarterly | Self::Yearly => None,
        }
    }

    /// Its length in months, if it is one of months.
    pub const fn in_months(self) -> Option<u8> {
        match self {
            Self::Weekly | Self::Fortnightly | Self::FourWeekly => None,
            Self::Monthly => Some(1),
            Self::Quarterly => Some(3),
            Self::Yearly => Some(12),
        }
    }

    const fn weeks(self) -> Option<i32> {
        match self {
            Self::Weekly => Some(1),
            Self::Fortnightly => Some(2),
            Self::FourWeekly => Some(4),
            Self::Monthly | Self::Quarterly | Self::Yearly => None,
        }
    }

    const fn months(self) -> i32 {
        match self {
            Self::Quarterly => 3,
            Self::Yearly => 12,
            _ => 1,
        }
    }

    /// Days by which one may come early or late and still be the same one. Taste: a long weekend, and a renewal's
    /// leisure.
    pub const fn tolerance(self) -> i32 {
        match self {
            Self::Weekly => 2,
            Self::Fortnightly => 3,
            Self::FourWeekly | Self::Monthly => 4,
            Self::Quarterly => 7,
            Self::Yearly => 10,
        }
    }

    /// How many in a row may stay away before it has ended.
    pub const fn patience(self) -> u32 {
        match self {
            Self::Quarterly | Self::Yearly => 1,
            _ => 2,
        }
    }
}

/// Where a day goes that is a weekend or a bank holiday.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Shift {
    /// To the working day after.
    After,
    /// Nowhere.
    Stays,
    /// To the working day before.
    Before,
}

/// The nominal days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Days {
    /// Every period from this day on, both ways.
    From(Date),
    /// On this day of the month; past the month's end its last. The month is counted from year 0.
    OfMonth(i8, i32),
    /// The last Friday of the month.
    LastFriday,
}

/// A rhythm: dates by their number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rhythm {
    /// How often.
    pub period: Period,
    /// On which days.
    pub days: Days,
    /// Over weekends and bank holidays.
    pub shift: Shift,
}

fn month_of(date: Date) -> i32 {
    i32::from(date.year()) * 12 + i32::from(date.month()) - 1
}

fn day_in(month: i32, day: i8) -> Option<Date> {
    let year = i16::try_from(month.div_euclid(12)).ok()?;
    let first = Date::new(year, i8::try_from(month.rem_euclid(12)).ok()? + 1, 1).ok()?;
    Date::new(first.year(), first.month(), day.clamp(1, first.days_in_month())).ok()
}

/// Days from one date to another.
pub(super) fn days_between(from: Date, to: Date) -> i32 {
    i32::try_from(to.duration_since(from).as_hours() / 24).unwrap_or(i32::MAX)
}

impl Rhythm {
    /// The date of a number; nothing outside the calendar.
    pub fn date(&self, number: i32, working: Working<'_>) -> Option<Date> {
        Some(shifted(self.nominal(number)?, self.shift, working))
    }

    fn nominal(&self, number: i32) -> Option<Date> {
        match self.days {
            Days::From(start) => {
                let days = number.checked_mul(self.period.weeks()?.checked_mul(7)?)?;
                start.checked_add(i64::from(days).days()).ok()
            }
            Days::OfMonth(day, start) => {
                day_in(number.checked_mul(self.period.months())?.checked_add(start)?, day)
            }
            Days::LastFriday => day_in(number, 1)?.nth_weekday_of_month(-1, Weekday::Friday).ok(),
        }
    }

    /// The number whose date is nearest, and how many days later than that the day is.
    pub fn nearest(&self, day: Date, working: Working<'_>) -> Option<(i32, i32)> {
        let about = match self.days {
            Days::From(start) => days_between(start, day).div_euclid(self.period.weeks()?.checked_mul(7)?),
            Days::OfMonth(_, start) => (month_of(day) - start).div_euclid(self.period.months()),
            Days::LastFriday => month_of(day),
        };
        let late = |number: i32| Some((number, days_between(self.date(number, working)?, day)));
        let near = late(about).filter(|(_, late)| late.abs() <= 2);
        near.or_else(|| {
            (about - 1..=about + 1).filter_map(late).min_by_key(|(number, late)| (late.abs(), *number))
        })
    }
}

fn shifted(mut day: Date, shift: Shift, working: Working<'_>) -> Date {
    // No holiday is longer than this.
    for _ in 0..10 {
        if shift == Shift::Stays || working(day) {
            break;
        }
        let next = if shift == Shift::After { day.tomorrow() } else { day.yesterday() };
        day = next.unwrap_or(day);
    }
    day
}

/// What is expected of a list of dates, where several rhythms explain it equally well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Bills: a fixed day, and where banks rest the working day after.
    Bill,
    /// Pay: the last working day, the last Friday, or a fixed day; where banks rest the working day before.
    Pay,
}

/// A rhythm and how well it explains a list of dates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fit {
    /// The rhythm.
    pub rhythm: Rhythm,
    /// What it leaves unexplained; nothing where every date is hit.
    pub cost: u32,
    /// The number of each date, ascending.
    pub numbers: Vec<i32>,
    /// Dates that are nowhere near.
    pub strays: u32,
    /// Numbers between the first and last that have no date.
    pub missed: u32,
}

/// What a date or its absence costs. Taste: a long weekend is nothing, a stray is worse than a missing one.
const ONE_DAY: u32 = 1;
const NEAR: u32 = 2;
const STRAY: u32 = 6;
const MISSED: u32 = 3;
const DOUBLE: u32 = 6;

/// Candidates come from so many of the latest dates, in case the very last is a stray.
const LATEST: usize = 3;

/// The rhythm that explains ascending dates best, among some periods.
pub fn fit(dates: &[Date], among: &[Period], kind: Kind, working: Working<'_>) -> Option<Fit> {
    let mut best: Option<Fit> = None;
    for rhythm in among
        .iter()
        .filter(|period| plausible(dates, **period))
        .flat_map(|period| candidates(dates, *period, kind))
    {
        // Of equals the first is taken, so that nothing can be better than one without cost.
        let bound = best.as_ref().map_or(u32::MAX, |fit| fit.cost);
        if bound == 0 {
            break;
        }
        if let Some(fit) = cost(&rhythm, dates, bound, working) {
            best = Some(fit);
        }
    }
    best
}

/// Whether so many dates in such a span can be of a period at all, strays and absences allowed for.
fn plausible(dates: &[Date], period: Period) -> bool {
    let (Some(first), Some(last)) = (dates.first(), dates.last()) else { return false };
    let gaps = i32::try_from(dates.len()).unwrap_or(i32::MAX).saturating_sub(1);
    let length = period.weeks().map_or(period.months().saturating_mul(30), |weeks| weeks.saturating_mul(7));
    let passed = days_between(*first, *last) / length.max(1);
    passed <= gaps.saturating_mul(2).saturating_add(1) && passed >= gaps / 2 - 1
}

/// The rhythm of one period that explains the latest dates without any cost, if there is one.
pub fn exact(dates: &[Date], period: Period, kind: Kind, working: Working<'_>) -> Option<Rhythm> {
    let found = fit(dates, &[period], kind, working)?;
    (found.cost == 0).then_some(found.rhythm)
}

fn candidates(dates: &[Date], period: Period, kind: Kind) -> Vec<Rhythm> {
    let latest: Vec<Date> = dates.iter().rev().take(LATEST).copied().collect();
    let shifts = match kind {
        Kind::Bill => [Shift::After, Shift::Stays, Shift::Before],
        Kind::Pay => [Shift::Before, Shift::Stays, Shift::After],
    };
    let mut all = Vec::new();
    let mut add = |days: Days, shift: Shift| {
        let rhythm = Rhythm { period, days, shift };
        if !all.contains(&rhythm) {
            all.push(rhythm);
        }
    };
    if period.weeks().is_some() {
        let starts = latest.iter().flat_map(|date| weekdays_near(*date, period));
        for start in starts {
            shifts.iter().for_each(|shift| add(Days::From(start), *shift));
        }
        return all;
    }
    let months: Vec<i32> = match (period.months(), latest.first()) {
        (_, None) => return all,
        (1, Some(last)) => vec![month_of(*last)],
        // A shift goes into the next month only from one's end.
        (_, Some(last)) if (6..=25).contains(&last.day()) => vec![month_of(*last)],
        (_, Some(last)) => [0, -1, 1].iter().map(|off| month_of(*last) + off).collect(),
    };
    for day in days_of_month(&latest, kind) {
        for month in &months {
            shifts.iter().for_each(|shift| add(Days::OfMonth(day, *month), *shift));
        }
        if kind == Kind::Pay && period == Period::Monthly && day == 31 {
            add(Days::LastFriday, Shift::Before);
        }
    }
    all
}

/// The date, and the days around it that a bank holiday may have moved.
fn weekdays_near(date: Date, period: Period) -> Vec<Date> {
    let reach = i64::from(period.tolerance());
    let offs = [0].into_iter().chain((1..=reach).flat_map(|off| [-off, off]));
    offs.filter_map(|off| date.checked_add(off.days()).ok()).collect()
}

/// Days of the month that may be meant, the most frequent first.
fn days_of_month(latest: &[Date], kind: Kind) -> Vec<i8> {
    let mut days: Vec<i8> = Vec::new();
    if kind == Kind::Pay {
        days.push(31);
    }
    let count = |day: i8| latest.iter().filter(|date| date.day() == day).count();
    let mut seen: Vec<i8> = latest.iter().map(|date| date.day()).collect();
    seen.sort_by_key(|day| (usize::MAX - count(*day), *day));
    let around = seen.iter().flat_map(|day| (1..=4).flat_map(move |off| [day - off, day + off]));
    let at_the_end = seen.iter().any(|day| *day <= 4 || *day >= 28);
    let end = (28..=31).filter(|_| at_the_end);
    for day in seen.iter().copied().chain(around).chain(end) {
        if (1..=31).contains(&day) && !days.contains(&day) {
            days.push(day);
        }
    }
    days
}

/// What a rhythm costs; nothing as soon as that is no less than `bound`.
fn cost(rhythm: &Rhythm, dates: &[Date], bound: u32, working: Working<'_>) -> Option<Fit> {
    let mut fit =
        Fit { rhythm: *rhythm, cost: 0, numbers: Vec::with_capacity(dates.len()), strays: 0, missed: 0 };
    for date in dates {
        let (number, late) = rhythm.nearest(*date, working)?;
        fit.cost += match late.abs() {
            0 => 0,
            1 => ONE_DAY,
            late if late <= rhythm.period.tolerance() => NEAR,
            _ => {
                fit.strays += 1;
                STRAY
            }
        };
        if let Some(before) = fit.numbers.last() {
            let gap = number - *before;
            fit.cost += if gap <= 0 { DOUBLE } else { 0 };
            fit.missed += u32::try_from(gap - 1).unwrap_or(0);
        }
        fit.numbers.push(number);
        if fit.cost.saturating_add(fit.missed.saturating_mul(MISSED)) >= bound {
            return None;
        }
    }
    fit.cost = fit.cost.saturating_add(fit.missed.saturating_mul(MISSED));
    Some(fit)
}
