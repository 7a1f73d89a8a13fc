//! Which payments belong together, and whether they make a rhythm.

use std::collections::BTreeMap;

use jiff::civil::Date;
use monzo_common::id::AccountId;

use super::fit::{self, Fit, Kind};
use super::rhythm::{Working, days_between};
use super::{Due, Period, Row, steady};

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
    /// There is another series of the same name.
    pub shares_name: bool,
}

/// The latest payments from which a rhythm is learnt: all in sight first, then fewer, as a rhythm may have changed.
const SPANS: [usize; 4] = [40, 12, 6, 3];

/// Days for which a single payment by a mandate may be the first of many. Taste: a month and a half.
const NEW: i32 = 45;

/// Days that may lie between an old mandate's last payment and a new one's first.
const HANDED_OVER: i32 = 100;

/// Days between the parts of a bill that a person says is one. Taste: within a week of each other.
const PARTS: i32 = 7;

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
        self.fit.rhythm.period == Period::MONTHLY
            && self.rows.last().is_some_and(|row| row.series.is_some())
            && inside
            && away(before)
            && (away(before - 1) || away(before + 1) && numbers.last() >= Some(&(before + 1)))
    }

    /// Whether nothing is paid in a month, as the last twelve months show.
    pub(super) fn pauses_in(&self, month: i8) -> bool {
        let latest = self.fit.numbers.last().copied().unwrap_or(0);
        (latest + 1..=latest + 12).any(|number| {
            self.pauses(number) && self.fit.rhythm.nominal(number).is_some_and(|day| day.month() == month)
        })
    }

    /// The day on which the latest payment was taken once more.
    pub(super) fn doubled(&self) -> Option<Date> {
        let last = self.payments.last()?;
        let numbers = &self.fit.numbers;
        let twice = |row: &&&Row| row.date == last.date && row.amount == -last.amount;
        let same_day = self.rows.iter().filter(twice).count() > 1;
        let next_days = numbers.len() > 1
            && numbers[numbers.len() - 1] == numbers[numbers.len() - 2]
            && self.payments.iter().rev().nth(1).is_some_and(|before| before.amount == last.amount);
        (same_day || next_days).then_some(last.date)
    }

    /// Days by which payments came before and after their day, the strays left out.
    pub(super) fn spread(&self, working: Working<'_>) -> (i32, i32) {
        let rhythm = &self.fit.rhythm;
        let offs = self
            .payments
            .iter()
            .rev()
            .take(SPANS[1])
            .filter_map(|paid| rhythm.nearest(paid.date, working).map(|(_, late)| late));
        offs.filter(|late| late.abs() <= rhythm.period.tolerance())
            .fold((0, 0), |(early, late), off| (early.max(-off), late.max(off)))
    }

    /// How many in a row may stay away before it has ended: one more for a mandate that was last paid in January, which
    /// may be a council's ten instalments of twelve.
    pub(super) fn patience(&self) -> u32 {
        let period = self.fit.rhythm.period;
        let instalments = period == Period::MONTHLY
            && self.rows.last().is_some_and(|row| row.series.is_some() && row.date.month() == 1);
        period.patience().saturating_add(u32::from(instalments))
    }
}

/// All series in rows that are sorted by date and id.
pub(super) fn found<'a>(rows: &[&'a Row], asof: Date, working: Working<'_>) -> Vec<Series<'a>> {
    let mut keyed: BTreeMap<(&AccountId, &str), Vec<&'a Row>> = BTreeMap::new();
    let mut named: BTreeMap<(&AccountId, &str, String), Vec<&'a Row>> = BTreeMap::new();
    for row in rows.iter().copied() {
        match &row.series {
            Some(key) => keyed.entry((&row.account, key)).or_default().push(row),
            None => named.entry((&row.account, &row.scheme, payee(row))).or_default().push(row),
        }
    }
    let mut all = Vec::new();
    for rows in handed_over(keyed.into_values().collect()) {
        all.extend(by_mandate(&paid(&rows), asof, working));
    }
    let mut by_name = Vec::new();
    for (_, rows) in named {
        steady::found(paid(&rows), working, &mut by_name);
    }
    all.extend(steady::renamed(by_name, working));
    all
}

/// What holds the payments of one payee together where the bank has no key: the brand, else the name.
pub(super) fn payee(row: &Row) -> String {
    row.group.clone().unwrap_or_else(|| plain(row.name()))
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
                let gap = older.iter().rev().nth(1).map_or(0, |before| days_between(before.date, old.date));
                let longest = HANDED_OVER.max(gap.saturating_add(gap / 8));
                !old.is_grouped()
                    && !new.is_grouped()
                    && old.date < new.date
                    && old.account == new.account
                    && old.scheme == new.scheme
                    && days_between(old.date, new.date) <= longest
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
pub(super) fn near(one: i64, other: i64, part: u64) -> bool {
    let (one, other) = (one.unsigned_abs(), other.unsigned_abs());
    one.abs_diff(other) <= one.max(other) / part.max(1)
}

/// What was paid, a sum a day. Where the same amount was taken more often than on most days, it was taken twice by
/// mistake, and counts as often as on most days.
pub(super) fn payments(rows: &[&Row]) -> Vec<Due> {
    let mut days: BTreeMap<Date, Vec<i64>> = BTreeMap::new();
    for row in rows {
        days.entry(row.date).or_default().push(row.amount.saturating_neg());
    }
    let mut counts: Vec<usize> = days.values().map(Vec::len).collect();
    counts.sort_unstable();
    let usual = counts.get(counts.len() / 2).copied().unwrap_or(1);
    let sum = |amounts: Vec<i64>| {
        let alike = amounts.windows(2).all(|pair| pair[0] == pair[1]);
        let counted = if alike { amounts.len().min(usual) } else { amounts.len() };
        amounts.into_iter().take(counted).fold(0_i64, i64::saturating_add)
    };
    days.into_iter().map(|(date, amounts)| Due { date, amount: sum(amounts) }).collect()
}

/// Payments that follow each other within a few days as one: a bill that is paid in parts.
fn together(payments: Vec<Due>) -> Vec<Due> {
    let mut joined: Vec<Due> = Vec::new();
    for paid in payments {
        match joined.last_mut() {
            Some(first) if days_between(first.date, paid.date) <= PARTS => {
                first.amount = first.amount.saturating_add(paid.amount);
            }
            _ => joined.push(paid),
        }
    }
    joined
}

fn by_mandate<'a>(rows: &[&'a Row], asof: Date, working: Working<'_>) -> Option<Series<'a>> {
    let merged = rows.iter().any(|row| row.is_merged());
    let payments = if merged { together(payments(rows)) } else { payments(rows) };
    let dates: Vec<Date> = payments.iter().map(|paid| paid.date).collect();
    let series = |fit: Fit, confidence: u8| {
        Some(Series { rows: rows.to_vec(), payments: payments.clone(), fit, confidence, shares_name: false })
    };
    if let Some(fit) = learnt(&dates, Proof { least: 2, yearly: 2, limit: 4, share: 0 }, working) {
        let confidence = confidence(&fit, 90, 65);
        return series(fit, confidence);
    }
    let last = dates.last()?;
    if dates.len() >= 3 {
        // The bank says that it is one contract: then the least bad rhythm is told, with some doubt.
        let latest = &dates[dates.len().saturating_sub(SPANS[1])..];
        let fit = fit::fit(latest, &Period::USUAL, Kind::Bill, working)?;
        return series(fit, 50);
    }
    // Not a rhythm yet: what was paid of late may come again in a month.
    if days_between(*last, asof) > NEW {
        return None;
    }
    let fit = fit::fit(&[*last], &[Period::MONTHLY], Kind::Bill, working)?;
    series(fit, 30)
}

/// What proves a rhythm.
#[derive(Clone, Copy)]
pub(super) struct Proof {
    /// At least so many dates.
    pub least: usize,
    /// At least so many dates for a yearly one, where even two may say enough.
    pub yearly: usize,
    /// No more than half of this is left unexplained a date.
    pub limit: u32,
    /// At least so many of all dates, in per cent, or chance would find some.
    pub share: usize,
}

/// The rhythm of the latest dates that make one.
pub(super) fn learnt(dates: &[Date], proof: Proof, working: Working<'_>) -> Option<Fit> {
    let mut tried = 0;
    for span in SPANS {
        let latest = &dates[dates.len().saturating_sub(span)..];
        if latest.len() == tried || latest.len() * 100 < dates.len().min(SPANS[0]) * proof.share {
            continue;
        }
        tried = latest.len();
        let count = u32::try_from(latest.len()).unwrap_or(u32::MAX);
        let limit = (count.saturating_mul(proof.limit) / 2).saturating_add(1);
        let (often, yearly) = Period::USUAL.split_at(Period::USUAL.len() - 1);
        let among = |enough: bool, periods: &'static [Period]| if enough { periods } else { &[] };
        let mut best: Option<Fit> = None;
        for periods in
            [among(latest.len() >= proof.least, often), among(latest.len() >= proof.yearly, yearly)]
        {
            let limit = best.as_ref().map_or(limit, |best| best.cost);
            let found = fit::cheaper(latest, periods, Kind::Bill, limit, working);
            best = found.filter(|fit| proves(fit, proof.limit)).or(best);
        }
        if let Some(period) = even(latest).filter(|_| latest.len() > 3) {
            let limit = best.as_ref().map_or(limit, |best| best.cost);
            let found = fit::cheaper(latest, &[period], Kind::Bill, limit, working);
            best = found.filter(|fit| proves(fit, proof.limit)).or(best);
        }
        if let Some(fit) = best {
            return Some(moved(fit, latest, working));
        }
    }
    None
}

/// The number of days between dates, where it is the same almost always.
fn even(dates: &[Date]) -> Option<Period> {
    let mut gaps: Vec<i32> = dates.windows(2).map(|pair| days_between(pair[0], pair[1])).collect();
    gaps.sort_unstable();
    let usual = *gaps.get(gaps.len() / 2)?;
    let alike = gaps.iter().filter(|gap| (*gap - usual).abs() <= 1).count();
    (usual > 4 && alike * 5 >= gaps.len() * 4).then(|| u16::try_from(usual).ok().map(Period::Days)).flatten()
}

fn proves(fit: &Fit, limit: u32) -> bool {
    let count = u32::try_from(fit.numbers.len()).unwrap_or(u32::MAX);
    let span = fit.numbers.last().zip(fit.numbers.first()).map_or(0, |(last, first)| last - first + 1);
    let doubles = fit.numbers.windows(2).filter(|pair| pair[0] >= pair[1]).count();
    fit.strays.saturating_mul(5) <= count
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
    let Some(rhythm) = fit::exact(latest, fit.rhythm.period, Kind::Bill, working) else { return fit };
    let numbers: Option<Vec<i32>> =
        dates.iter().map(|date| rhythm.nearest(*date, working).map(|(number, _)| number)).collect();
    match numbers {
        Some(numbers) => Fit { rhythm, numbers, ..fit },
        None => fit,
    }
}

/// Per cent: from `few` payments to `many`, less for what is left unexplained.
pub(super) fn confidence(fit: &Fit, many: u8, few: u8) -> u8 {
    let count = u32::try_from(fit.numbers.len()).unwrap_or(u32::MAX).max(1);
    let grown = count.saturating_sub(2).saturating_mul(5).min(u32::from(many - few));
    let doubt = (fit.cost.saturating_mul(10) / count).min(20);
    u8::try_from((u32::from(few) + grown).saturating_sub(doubt)).unwrap_or(few)
}
