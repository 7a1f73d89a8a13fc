//! Which payments belong together, and whether they make a rhythm.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use monzo_common::id::AccountId;

use super::rhythm::{self, Fit, Kind, Period, Working, days_between};
use super::{Due, Row};

/// Payments that belong together.
#[derive(Debug, Clone)]
pub(super) struct Series<'a> {
    /// Its rows, oldest first.
    pub rows: Vec<&'a Row>,
    /// What was paid, day by day, in positive minor units.
    pub payments: Vec<Due>,
    /// The rhythm, learnt from the latest of them.
    pub fit: Fit,
    /// Per cent.
    pub confidence: u8,
}

/// The latest payments from which a rhythm is learnt: all in sight first, then fewer, as a rhythm may have changed.
const SPANS: [usize; 4] = [40, 12, 6, 3];

/// Rows of one name that are more than a handful. Taste.
const BUSY: usize = 40;

/// Days for which a single payment by a mandate may be the first of many. Taste: a month and a half.
const NEW: i32 = 45;

/// Days that may lie between an old mandate's last payment and a new one's first.
const HANDED_OVER: i32 = 100;

/// Days within which money that comes back undoes a payment. Taste: a bounced debit is back within the week.
const UNDONE: i32 = 14;

impl Series<'_> {
    /// Whether the payment of a number stays away as it did a year ago: council tax is paid in ten months of twelve.
    ///
    /// Two in a row must have stayed away, because a single one may only have failed; and only a mandate's count,
    /// because a card is declined for want of money, month after month.
    pub(super) fn pauses(&self, number: i32) -> bool {
        let before = number - 12;
        let numbers = &self.fit.numbers;
        let inside = numbers.first() <= Some(&before) && numbers.last() >= Some(&before);
        let away = |number: i32| !numbers.contains(&number);
        self.fit.rhythm.period == Period::Monthly
            && self.rows.last().is_some_and(|row| row.series.is_some())
            && inside
            && away(before)
            && (away(before - 1) || away(before + 1) && numbers.last() >= Some(&(before + 1)))
    }
}

/// All series in rows that are sorted by date and id.
pub(super) fn found<'a>(rows: &[&'a Row], asof: Date, working: Working<'_>) -> Vec<Series<'a>> {
    let mut keyed: BTreeMap<(&AccountId, &str), Vec<&'a Row>> = BTreeMap::new();
    let mut named: BTreeMap<(&AccountId, &str, String), Vec<&'a Row>> = BTreeMap::new();
    for row in rows.iter().copied() {
        match &row.series {
            Some(key) => keyed.entry((&row.account, key)).or_default().push(row),
            None => named.entry((&row.account, &row.scheme, plain(row.name()))).or_default().push(row),
        }
    }
    let mut all = Vec::new();
    for rows in handed_over(keyed.into_values().collect()) {
        all.extend(by_mandate(paid(&rows), asof, working));
    }
    for (_, rows) in named {
        by_name(paid(&rows), working, &mut all);
    }
    all
}

/// A name without what changes from payment to payment: case, digits, punctuation, the company's form.
pub(in crate::insight) fn plain(name: &str) -> String {
    let lower = name.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| {
        !word.is_empty()
            && !word.chars().any(|c| c.is_ascii_digit())
            && !["ltd", "limited", "plc", "llp", "inc", "co", "uk"].contains(word)
    });
    let plain = words.collect::<Vec<_>>().join(" ");
    if plain.is_empty() { lower } else { plain }
}

/// Outgoing rows, without those that came back.
fn paid<'a>(rows: &[&'a Row]) -> Vec<&'a Row> {
    let mut out: Vec<&'a Row> = Vec::new();
    for row in rows {
        if row.amount < 0 {
            out.push(row);
            continue;
        }
        let undone = out.iter().rposition(|paid| {
            paid.amount.checked_neg() == Some(row.amount) && days_between(paid.date, row.date) <= UNDONE
        });
        if let Some(undone) = undone {
            out.remove(undone);
        }
    }
    out
}

/// Joins mandates that follow each other: the same payee under a new key, after the old one's last payment.
fn handed_over(mut groups: Vec<Vec<&Row>>) -> Vec<Vec<&Row>> {
    let first = |rows: &[&Row]| rows.first().map(|row| (row.date, row.id.clone()));
    groups.sort_by_key(|rows| first(rows));
    let mut joined: Vec<Vec<&Row>> = Vec::new();
    for rows in groups {
        let follows = |older: &&mut Vec<&Row>| match (older.last(), rows.first()) {
            (Some(old), Some(new)) => {
                old.date < new.date
                    && old.account == new.account
                    && days_between(old.date, new.date) <= HANDED_OVER
                    && plain(old.name()) == plain(new.name())
                    && near(old.amount, new.amount, 2)
            }
            _ => false,
        };
        match joined.iter_mut().rev().find(follows) {
            Some(older) => older.extend(rows),
            None => joined.push(rows),
        }
    }
    joined
}

/// Two amounts differ by less than `1/part` of the larger.
fn near(one: i64, other: i64, part: u64) -> bool {
    let (one, other) = (one.unsigned_abs(), other.unsigned_abs());
    one.abs_diff(other) <= one.max(other) / part.max(1)
}

/// What was paid, a sum a day.
fn payments(rows: &[&Row]) -> Vec<Due> {
    let mut days: BTreeMap<Date, i64> = BTreeMap::new();
    for row in rows {
        let sum = days.entry(row.date).or_default();
        *sum = sum.saturating_sub(row.amount);
    }
    days.into_iter().map(|(date, amount)| Due { date, amount }).collect()
}

fn by_mandate<'a>(rows: Vec<&'a Row>, asof: Date, working: Working<'_>) -> Option<Series<'a>> {
    let payments = payments(&rows);
    let dates: Vec<Date> = payments.iter().map(|paid| paid.date).collect();
    if let Some(fit) = learnt(&dates, Proof { least: 2, yearly: 2, limit: 4, share: 0 }, working) {
        let confidence = confidence(&fit, 90, 65);
        return Some(Series { rows, payments, fit, confidence });
    }
    // Not a rhythm yet, or none: what was paid of late may come again in a month.
    let last = dates.last()?;
    if dates.len() > 2 || days_between(*last, asof) > NEW {
        return None;
    }
    let fit = rhythm::fit(&[*last], &[Period::Monthly], Kind::Bill, working)?;
    Some(Series { rows, payments, fit, confidence: 30 })
}

/// Series of one name: all its rows, else those of like amounts, else those of the very same amount.
fn by_name<'a>(rows: Vec<&'a Row>, working: Working<'_>, all: &mut Vec<Series<'a>>) {
    // Among many purchases some fall on the same day of each month by chance.
    let least = if rows.len() > BUSY { 6 } else { 3 };
    let whole = if least > 3 { least } else { 2 };
    if let Some(series) = steady(&rows, (least, whole), working) {
        all.push(series);
        return;
    }
    let mut left = rows;
    for part in [8, u64::MAX] {
        for band in bands(&left, part) {
            if let Some(series) = steady(&band, (least, usize::MAX), working) {
                let taken: BTreeSet<_> = band.iter().map(|row| &row.id).collect();
                left.retain(|row| !taken.contains(&row.id));
                all.push(series);
            }
        }
    }
}

/// Rows by like amounts, each within `1/part` of the next.
fn bands<'a>(rows: &[&'a Row], part: u64) -> Vec<Vec<&'a Row>> {
    let mut sorted = rows.to_vec();
    sorted.sort_by_key(|row| row.amount);
    let mut bands: Vec<Vec<&Row>> = Vec::new();
    for row in sorted {
        match bands.last_mut() {
            Some(band) if band.last().is_some_and(|last| near(last.amount, row.amount, part)) => {
                band.push(row);
            }
            _ => bands.push(vec![row]),
        }
    }
    for band in &mut bands {
        band.sort_by(|a, b| (a.date, &a.id).cmp(&(b.date, &b.id)));
    }
    bands
}

/// A series of rows that only a name holds together: its amounts must be steady too, or shopping would be a bill.
fn steady<'a>(rows: &[&'a Row], (least, yearly): (usize, usize), working: Working<'_>) -> Option<Series<'a>> {
    let payments = payments(rows);
    if payments.len() != rows.len() {
        return None;
    }
    let dates: Vec<Date> = payments.iter().map(|paid| paid.date).collect();
    let debit = rows.iter().all(|row| row.scheme == "bacs");
    let alike = payments.windows(2).filter(|pair| near(pair[0].amount, pair[1].amount, 10)).count();
    if !debit && alike * 3 < payments.len().saturating_sub(1) * 2 {
        return None;
    }
    let proof = if debit {
        Proof { least: 3, yearly, limit: 4, share: 0 }
    } else {
        Proof { least, yearly, limit: if least > 3 { 1 } else { 2 }, share: 66 }
    };
    let fit = learnt(&dates, proof, working)?;
    let confidence = confidence(&fit, if debit { 85 } else { 70 }, 50);
    Some(Series { rows: rows.to_vec(), payments, fit, confidence })
}

/// What proves a rhythm.
#[derive(Clone, Copy)]
struct Proof {
    /// At least so many dates.
    least: usize,
    /// At least so many dates for a yearly one, where even two may say enough.
    yearly: usize,
    /// No more than half of this is left unexplained a date.
    limit: u32,
    /// At least so many of all dates, in per cent, or chance would find some.
    share: usize,
}

/// The rhythm of the latest dates that make one.
fn learnt(dates: &[Date], proof: Proof, working: Working<'_>) -> Option<Fit> {
    let mut tried = 0;
    for span in SPANS {
        let latest = &dates[dates.len().saturating_sub(span)..];
        if latest.len() == tried || latest.len() * 100 < dates.len().min(SPANS[0]) * proof.share {
            continue;
        }
        tried = latest.len();
        let of = |among: &[Period]| rhythm::fit(latest, among, Kind::Bill, working);
        let fits = |fit: &Fit, least: usize| proves(fit, least, proof.limit);
        let found = of(&Period::ALL[..5]).filter(|fit| fits(fit, proof.least));
        let found = found.or_else(|| of(&[Period::Yearly]).filter(|fit| fits(fit, proof.yearly)));
        if let Some(fit) = found {
            return Some(moved(fit, latest, working));
        }
    }
    None
}

fn proves(fit: &Fit, least: usize, limit: u32) -> bool {
    let count = u32::try_from(fit.numbers.len()).unwrap_or(u32::MAX);
    let span = fit.numbers.last().zip(fit.numbers.first()).map_or(0, |(last, first)| last - first + 1);
    let doubles = fit.numbers.windows(2).filter(|pair| pair[0] >= pair[1]).count();
    fit.numbers.len() >= least
        && fit.strays.saturating_mul(5) <= count
        && i64::from(fit.missed) * 3 <= i64::from(span)
        && fit.cost.saturating_mul(2) <= count.saturating_mul(limit)
        && doubles * 5 <= fit.numbers.len()
}

/// Follows a bill whose day was moved: the last three say another day without any doubt.
fn moved(fit: Fit, dates: &[Date], working: Working<'_>) -> Fit {
    let latest = &dates[dates.len().saturating_sub(3)..];
    let off = |date: &Date| fit.rhythm.nearest(*date, working).is_none_or(|(_, late)| late != 0);
    if latest.len() < 3 || !latest.iter().all(off) {
        return fit;
    }
    let Some(rhythm) = rhythm::exact(latest, fit.rhythm.period, Kind::Bill, working) else { return fit };
    let numbers: Option<Vec<i32>> =
        dates.iter().map(|date| rhythm.nearest(*date, working).map(|(number, _)| number)).collect();
    match numbers {
        Some(numbers) => Fit { rhythm, numbers, ..fit },
        None => fit,
    }
}

/// Per cent: from `few` payments to `many`, less for what is left unexplained.
fn confidence(fit: &Fit, many: u8, few: u8) -> u8 {
    let count = u32::try_from(fit.numbers.len()).unwrap_or(u32::MAX).max(1);
    let grown = count.saturating_sub(2).saturating_mul(5).min(u32::from(many - few));
    let doubt = (fit.cost.saturating_mul(10) / count).min(20);
    u8::try_from((u32::from(few) + grown).saturating_sub(doubt)).unwrap_or(few)
}
