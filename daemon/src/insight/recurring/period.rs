//! How often something comes.

use jiff::Span;
use jiff::civil::Date;

/// How often something comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Period {
    /// Every so many days.
    Days(u16),
    /// Every so many months.
    Months(u8),
}

impl Period {
    /// Each week.
    pub const WEEKLY: Self = Self::Days(7);
    /// Every two weeks.
    pub const FORTNIGHTLY: Self = Self::Days(14);
    /// Every four weeks.
    pub const FOUR_WEEKLY: Self = Self::Days(28);
    /// Each month.
    pub const MONTHLY: Self = Self::Months(1);
    /// Every three months.
    pub const QUARTERLY: Self = Self::Months(3);
    /// Each year.
    pub const YEARLY: Self = Self::Months(12);

    /// Those that bills have; of two that explain a list equally well the earlier is taken.
    pub const USUAL: [Self; 9] = [
        Self::MONTHLY,
        Self::FOUR_WEEKLY,
        Self::WEEKLY,
        Self::FORTNIGHTLY,
        Self::QUARTERLY,
        Self::Months(6),
        Self::Months(2),
        Self::Months(4),
        Self::YEARLY,
    ];

    /// In a sentence: `monthly`.
    pub fn word(self) -> String {
        match self {
            Self::Days(1) => "daily".to_owned(),
            Self::WEEKLY => "weekly".to_owned(),
            Self::FORTNIGHTLY => "fortnightly".to_owned(),
            Self::FOUR_WEEKLY => "four-weekly".to_owned(),
            Self::MONTHLY => "monthly".to_owned(),
            Self::QUARTERLY => "quarterly".to_owned(),
            Self::Months(6) => "half-yearly".to_owned(),
            Self::YEARLY => "yearly".to_owned(),
            Self::Days(days) if days % 7 == 0 => format!("every {} weeks", days / 7),
            Self::Days(days) => format!("every {days} days"),
            Self::Months(months) if months % 12 == 0 => format!("every {} years", months / 12),
            Self::Months(months) => format!("every {months} months"),
        }
    }

    /// The day so many periods later; nothing outside the calendar. Months are counted from one day, so that the 31st
    /// stays the 31st.
    pub fn after(self, day: Date, count: i64) -> Option<Date> {
        let span = match self {
            Self::Days(days) => Span::new().try_days(i64::from(days.max(1)).checked_mul(count)?),
            Self::Months(months) => Span::new().try_months(i64::from(months.max(1)).checked_mul(count)?),
        };
        day.checked_add(span.ok()?).ok()
    }

    /// What an amount a time is a year.
    pub fn a_year(self, amount: i64) -> i64 {
        match self {
            // Fifty-two weeks are a year, as people count.
            Self::Days(days) if days % 7 == 0 => amount.saturating_mul(364) / i64::from(days.max(7)),
            Self::Days(days) => amount.saturating_mul(365) / i64::from(days.max(1)),
            Self::Months(months) => amount.saturating_mul(12) / i64::from(months.max(1)),
        }
    }

    /// A year or more.
    pub const fn is_yearly(self) -> bool {
        matches!(self, Self::Months(12..))
    }

    /// Its length in days, about.
    pub(super) fn about(self) -> i32 {
        match self {
            Self::Days(days) => i32::from(days.max(1)),
            Self::Months(months) => i32::from(months.max(1)).saturating_mul(30),
        }
    }

    /// Days by which one may come early or late and still be the same one. Taste: a long weekend, and a renewal's
    /// leisure.
    pub const fn tolerance(self) -> i32 {
        match self {
            Self::Days(..=7) => 2,
            Self::Days(..=14) => 3,
            Self::Days(_) | Self::Months(1 | 2) => 4,
            Self::Months(3..=6) => 7,
            Self::Months(_) => 10,
        }
    }

    /// How many in a row may stay away before it has ended.
    pub const fn patience(self) -> u32 {
        match self {
            Self::Months(3..) => 1,
            _ => 2,
        }
    }
}
