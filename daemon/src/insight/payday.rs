//! Who pays, and when: the rhythm of pay as the ledger shows it, and the calendar that it suggests.
//!
//! Pure: credits and a day in, suggestions out. What comes regularly and most is pay; the rest is other income.

use std::collections::BTreeMap;
use std::fmt::Write;

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};
use monzo_common::id::{AccountId, TransactionId};
use monzo_common::model::{PaydayCalendar, PaydayDate};
use monzo_common::money::Money;

use super::recurring::fit::{self, Fit, Kind};
use super::recurring::rhythm::{Days, Shift};
use super::recurring::{Due, Period, Rhythm, Working, plain, weekday_name};

/// Money that came in, as far as this needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credit {
    /// To this account.
    pub account: AccountId,
    /// The bank's id.
    pub id: TransactionId,
    /// The local day.
    pub date: Date,
    /// Minor units, more than zero.
    pub amount: i64,
    /// Who sent it.
    pub name: String,
    /// The payment rail.
    pub scheme: String,
}

/// Pay that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pay {
    /// Who pays, as in the ledger; with `*` where its names differ in their ends.
    pub payer: String,
    /// Into this account.
    pub account: AccountId,
    /// How often, and on which days.
    pub rhythm: Rhythm,
    /// The last one's day.
    pub last: Date,
    /// Its minor units.
    pub amount: i64,
    /// The least of the latest, in minor units.
    pub least: i64,
    /// The next paydays, the nearest first; each with the day before it was moved over a weekend or bank holiday.
    pub next: Vec<(Date, Date)>,
    /// How many this was learnt from.
    pub payments: u32,
    /// What came and when, oldest first.
    pub history: Vec<Due>,
    /// The rows that it was learnt from, oldest first.
    pub transactions: Vec<TransactionId>,
    /// The day on which it should have come and has not, where one of the latest days brought none.
    pub late: Option<Date>,
}

/// Paydays that a suggestion shows. Taste.
const SHOWN: usize = 6;

/// The latest credits from which a rhythm is learnt. Taste: two years of months.
const LATEST: usize = 24;

/// How pay may come; nobody is paid by the quarter.
const PERIODS: [Period; 4] = [Period::MONTHLY, Period::FOUR_WEEKLY, Period::WEEKLY, Period::FORTNIGHTLY];

/// Pay in the credits up to `asof`, that day included, the largest a year first; what has stopped is left out.
pub fn found(credits: &[Credit], asof: Date, working: Working<'_>) -> Vec<Pay> {
    let mut payers: BTreeMap<(&AccountId, String), Vec<&Credit>> = BTreeMap::new();
    for credit in credits.iter().filter(|credit| credit.date <= asof && credit.amount > 0) {
        payers.entry((&credit.account, plain(&credit.name))).or_default().push(credit);
    }
    let mut found: Vec<Pay> =
        payers.into_values().filter_map(|credits| pay(credits, asof, working)).collect();
    found.sort_by(|a, b| {
        let key = |pay: &Pay| {
            (i64::MAX - pay.rhythm.period.a_year(pay.amount), pay.payer.clone(), pay.account.clone())
        };
        key(a).cmp(&key(b))
    });
    found
}

fn pay(mut credits: Vec<&Credit>, asof: Date, working: Working<'_>) -> Option<Pay> {
    credits.sort_by(|a, b| (a.date, &a.id).cmp(&(b.date, &b.id)));
    let credits = credits.split_off(credits.len().saturating_sub(LATEST));
    // Expenses and small corrections come from an employer too.
    let mut amounts: Vec<i64> = credits.iter().map(|credit| credit.amount).collect();
    amounts.sort_unstable();
    let usual = *amounts.get(amounts.len() / 2)?;
    let mut regular: Vec<&Credit> = credits.into_iter().filter(|credit| credit.amount >= usual / 2).collect();
    regular.dedup_by_key(|credit| credit.date);
    let dates: Vec<Date> = regular.iter().map(|credit| credit.date).collect();
    let fit = learnt(&dates, working)?;
    let last = regular.last()?;
    let (late, next) = coming(&fit, asof, working)?;
    let latest = regular.iter().rev().take(SHOWN).map(|credit| credit.amount);
    Some(Pay {
        payer: common(&regular),
        account: last.account.clone(),
        rhythm: fit.rhythm,
        last: last.date,
        amount: last.amount,
        least: latest.min()?,
        next,
        payments: u32::try_from(regular.len()).unwrap_or(u32::MAX),
        history: regular.iter().map(|credit| Due { date: credit.date, amount: credit.amount }).collect(),
        transactions: regular.iter().map(|credit| credit.id.clone()).collect(),
        late,
    })
}

fn learnt(dates: &[Date], working: Working<'_>) -> Option<Fit> {
    // An employer or its rhythm changes: the latest decide where all together say nothing.
    [LATEST, 6, 3].into_iter().find_map(|span| {
        let latest = &dates[dates.len().saturating_sub(span)..];
        let fit = fit::fit(latest, &PERIODS, Kind::Pay, working)?;
        let count = u32::try_from(latest.len()).unwrap_or(u32::MAX);
        (count >= 3 && fit.cost <= count && fit.strays.saturating_mul(5) <= count).then_some(fit)
    })
}

/// Paydays to come, and the one that brought no pay.
type Coming = (Option<Date>, Vec<(Date, Date)>);

/// The paydays from `asof` on, each with its nominal day, and the one before that brought no pay; nothing where two have
/// stayed away.
fn coming(fit: &Fit, asof: Date, working: Working<'_>) -> Option<Coming> {
    let last = fit.numbers.iter().max().copied()?;
    let dates = (last.saturating_add(1)..)
        .map_while(|number| fit.rhythm.date(number, working).zip(fit.rhythm.date(number, &|_| true)));
    let mut away = 0;
    let mut late = None;
    let mut next = Vec::new();
    for (date, nominal) in dates {
        if date < asof {
            away += 1;
            late = Some(date);
        } else {
            next.push((date, nominal));
        }
        if away > fit.rhythm.period.patience() || next.len() == SHOWN {
            break;
        }
    }
    (next.len() == SHOWN).then_some((late, next))
}

/// The name that all credits share, or what they share of its beginning and `*`.
fn common(credits: &[&Credit]) -> String {
    let Some((last, others)) = credits.split_last() else { return String::new() };
    let name = last.name.trim();
    let shared = others.iter().fold(name.len(), |shared, other| {
        let same = name.char_indices().zip(other.name.trim().chars()).find(|((_, a), b)| a != b);
        let end = same.map_or(other.name.trim().len().min(name.len()), |((at, _), _)| at);
        shared.min(end)
    });
    if others.iter().all(|other| other.name.trim() == name) {
        return name.to_owned();
    }
    // Three letters say nothing; then the latest name stands alone.
    match name.get(..shared).map(str::trim_end) {
        Some(start) if start.len() > 3 => format!("{start}*"),
        _ => name.to_owned(),
    }
}

impl Pay {
    /// `day = …` as the configuration writes it.
    fn day(&self) -> String {
        match (self.rhythm.days, self.rhythm.period) {
            (Days::OfMonth(31, _), _) if self.rhythm.shift == Shift::Before => {
                "\"last-working-day\"".to_owned()
            }
            (Days::OfMonth(day, _), _) => day.to_string(),
            (Days::Nth(..), _) => "\"last-friday\"".to_owned(),
            (Days::From(start), Period::WEEKLY) => {
                format!("\"{}\"", weekday_name(start.weekday()).to_lowercase())
            }
            (Days::From(start), Period::FORTNIGHTLY) => {
                format!("{{ every = \"2w\", starting = \"{start}\" }}")
            }
            (Days::From(start), _) => format!("{{ every = \"4w\", starting = \"{start}\" }}"),
        }
    }

    /// The least that proves that it came: four fifths of the least of the latest, in whole pounds.
    pub fn proof(&self) -> i64 {
        (self.least / 5).saturating_mul(4) / 100 * 100
    }

    /// The block for the configuration.
    pub fn toml(&self, name: &str) -> String {
        let adjust = match self.rhythm.shift {
            Shift::Before => "before",
            Shift::After => "after",
            Shift::Stays => "none",
        };
        let mut text = String::new();
        let paid = Money::gbp(self.amount);
        let _ = writeln!(
            text,
            "# {} paid {paid} on {}, {}.",
            comment(&self.payer),
            self.last,
            self.rhythm.words()
        );
        let next: Vec<String> = self.next.iter().take(3).map(|(date, _)| date.to_string()).collect();
        let _ = writeln!(text, "# Learnt from {} payments. Next: {}.", self.payments, next.join(", "));
        let _ = writeln!(text, "[[payday]]\nname = {}", quoted(name));
        let _ = writeln!(text, "day = {}\nadjust = \"{adjust}\"", self.day());
        // Whole pounds need no pence, and an amount of nothing proves nothing.
        let least = Money::gbp(self.proof().max(100));
        let _ = writeln!(text, "income = {{ from = {}, at_least = \"{least}\" }}", quoted(&self.payer));
        text
    }

    /// The calendar as a suggestion.
    pub fn calendar(&self, name: &str) -> PaydayCalendar {
        let next = self.next.iter().map(|(date, nominal)| {
            let weekend = matches!(nominal.weekday(), Weekday::Saturday | Weekday::Sunday);
            let reason = if weekend { "a weekend" } else { "a bank holiday" };
            let moved = date != nominal;
            PaydayDate {
                date: *date,
                moved_from: moved.then_some(*nominal),
                reason: moved.then(|| reason.to_owned()),
            }
        });
        PaydayCalendar {
            name: name.to_owned(),
            origin: "ledger".to_owned(),
            rhythm: self.rhythm.words(),
            next: next.collect(),
            toml: Some(self.toml(name)),
        }
    }

    /// The day before the next payday but one, up to which the next pay has to last.
    pub fn lasts_until(&self) -> Option<Date> {
        self.next.get(1).and_then(|(date, _)| date.checked_sub(1.day()).ok())
    }
}

/// A text as a TOML string.
pub fn quoted(text: &str) -> String {
    let clean: String = text.chars().filter(|c| !c.is_control()).collect();
    format!("\"{}\"", clean.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A text for a comment: on one line.
pub fn comment(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    fn working(day: Date) -> bool {
        let holidays = [date(2026, 1, 1), date(2026, 4, 3), date(2026, 4, 6), date(2026, 12, 25)];
        !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday) && !holidays.contains(&day)
    }

    fn before(mut day: Date) -> Date {
        while !working(day) {
            day = day.yesterday().expect("a date");
        }
        day
    }

    fn credits(name: &str, paid: impl IntoIterator<Item = (Date, i64)>) -> Vec<Credit> {
        let credit = |(number, (date, amount)): (usize, (Date, i64))| Credit {
            account: "acc_1".into(),
            id: format!("tx_{name}{number}").into(),
            date,
            amount,
            name: name.into(),
            scheme: "bacs".into(),
        };
        paid.into_iter().enumerate().map(credit).collect()
    }

    fn monthly(day: i8, count: i8) -> Vec<(Date, i64)> {
        let of = |month| {
            let first = date(2026, month, 1);
            before(date(2026, month, day.min(first.days_in_month())))
        };
        (1..=count).map(|month| (of(month), 245_000)).collect()
    }

    #[track_caller]
    fn check(credits: &[Credit], asof: Date, line: &str, next: [Date; 2]) -> Pay {
        let found = found(credits, asof, &working);
        let pay = found.into_iter().next().expect("pay");
        let toml = pay.toml("main");
        assert!(toml.contains(line), "{toml}");
        let dates: Vec<Date> = pay.next.iter().take(2).map(|next| next.0).collect();
        assert_eq!(dates, next, "{pay:?}");
        let parsed: toml::Table = toml.parse().expect("TOML");
        assert!(parsed.contains_key("payday"), "{toml}");
        pay
    }

    #[test]
    fn each_rhythm_of_pay_is_told_from_the_others() {
        let asof = date(2026, 7, 3);
        let acme = |paid: Vec<(Date, i64)>| credits("ACME LTD", paid);
        let every = |first: Date, days: i64, count: i64| -> Vec<(Date, i64)> {
            (0..count)
                .map(|n| (before(first.checked_add((n * days).days()).expect("a date")), 60_000))
                .collect()
        };
        let next = [date(2026, 7, 31), date(2026, 8, 31)];
        check(&acme(monthly(31, 6)), asof, "day = \"last-working-day\"", next);
        check(
            &acme(monthly(25, 6)),
            asof,
            "day = 25\nadjust = \"before\"",
            [date(2026, 7, 24), date(2026, 8, 25)],
        );
        check(&acme(monthly(15, 6)), asof, "day = 15\n", [date(2026, 7, 15), date(2026, 8, 14)]);
        let fridays = (1..=6).map(|month| {
            (date(2026, month, 1).nth_weekday_of_month(-1, Weekday::Friday).expect("a Friday"), 90_000)
        });
        let next = [date(2026, 7, 31), date(2026, 8, 28)];
        check(&acme(fridays.collect()), asof, "day = \"last-friday\"", next);
        let weekly = every(date(2026, 3, 6), 7, 17);
        check(&acme(weekly), asof, "day = \"friday\"", [date(2026, 7, 3), date(2026, 7, 10)]);
        let four = every(date(2026, 1, 9), 28, 6);
        check(
            &acme(four),
            asof,
            "day = { every = \"4w\", starting = \"2026-",
            [date(2026, 7, 24), date(2026, 8, 21)],
        );
        let two = every(date(2026, 1, 9), 14, 12);
        check(
            &acme(two),
            asof,
            "day = { every = \"2w\", starting = \"2026-",
            [date(2026, 7, 10), date(2026, 7, 24)],
        );
    }

    #[test]
    fn the_largest_regular_credit_is_pay_and_the_rest_is_not() {
        let mut all = credits("ACME LTD", monthly(31, 6));
        all.extend(credits("ACME LTD EXPENSES", [(date(2026, 2, 3), 4_000), (date(2026, 3, 19), 1_200)]));
        all.extend(
            credits("ACME LTD", [(date(2026, 4, 9), 3_100)])
                .into_iter()
                .map(|credit| Credit { id: "tx_x".into(), ..credit }),
        );
        all.extend(credits(
            "Robin",
            [(date(2026, 2, 3), 900), (date(2026, 2, 9), 900), (date(2026, 5, 9), 4_000)],
        ));
        all.extend(credits(
            "Child Benefit",
            (0..8).map(|n| (date(2026, 1, 13).checked_add((n * 28).days()).expect("a date"), 10_240)),
        ));
        let found = found(&all, date(2026, 7, 10), &working);
        let names: Vec<&str> = found.iter().map(|pay| pay.payer.as_str()).collect();
        assert_eq!(names, ["ACME LTD", "Child Benefit"]);
        assert_eq!(found[0].proof(), 196_000);
    }

    #[test]
    fn pay_that_has_stopped_is_not_suggested() {
        let all = credits("ACME LTD", monthly(31, 6));
        assert!(found(&all, date(2026, 8, 20), &working).len() == 1);
        assert_eq!(found(&all, date(2026, 10, 20), &working), []);
    }

    #[test]
    fn a_name_that_varies_ends_in_a_star() {
        let mut all = credits("ACME LTD", monthly(31, 6));
        all[3].name = "ACME LIMITED".into();
        assert_eq!(found(&all, date(2026, 7, 3), &working)[0].payer, "ACME L*");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn paydays_ascend_and_the_order_of_credits_does_not_matter(
            paid in prop::collection::vec((0..500_i64, 1..9_000_i64, 0..2_u8), 0..12), at in 0..500_i64,
        ) {
            let day = |days: i64| date(2025, 1, 1).checked_add(days.days()).expect("a date");
            let mut all: Vec<Credit> = Vec::new();
            for (n, (days, amount, name)) in paid.iter().enumerate() {
                let one = credits(["A \"q\" \\", "B\nC"][usize::from(*name)], [(day(*days), *amount)]);
                all.extend(one.into_iter().map(|credit| Credit { id: format!("tx_{n}").into(), ..credit }));
            }
            let found = found(&all, day(at), &working);
            for pay in &found {
                prop_assert!(pay.next.windows(2).all(|pair| pair[0].0 < pair[1].0));
                prop_assert!(pay.next.iter().all(|next| next.0 >= day(at)) && pay.last <= day(at));
                prop_assert!(pay.toml("main").parse::<toml::Table>().is_ok(), "{}", pay.toml("main"));
            }
            all.reverse();
            prop_assert_eq!(super::found(&all, day(at), &working), found);
        }
    }
}
