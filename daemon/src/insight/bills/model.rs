//! Bills in the words of the wire, with their evidence.

use std::collections::BTreeMap;

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};
use monzo_common::id::{AccountId, PotId};
use monzo_common::model::{
    self, BillDue, BillOrigin, BillPayment, BillRhythm, Confidence, Instalments, PriceChange, RhythmAdjust,
    RhythmUnit,
};
use monzo_common::money::{Currency, Money};

use super::{Known, state};
use crate::insight::recurring::rhythm::{Days, Shift};
use crate::insight::recurring::{Bill, Due, LIKELY, Period, Rhythm, Standing, weekday_name};

/// What accounts and pots hold now, in minor units.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holdings {
    /// Of accounts: what can be spent.
    pub accounts: BTreeMap<AccountId, i64>,
    /// Of pots.
    pub pots: BTreeMap<PotId, i64>,
}

/// The bills as they are told on a day, of which the cycle lasts until before `next_payday`.
pub fn told(all: &[Known], holdings: &Holdings, today: Date, next_payday: Date) -> Vec<model::Bill> {
    let held = |account: &AccountId, pot: Option<&PotId>| match pot {
        Some(pot) => holdings.pots.get(pot).copied(),
        None => holdings.accounts.get(account).copied(),
    };
    let covered = state::covered(all, &held, next_payday);
    all.iter().zip(covered).map(|(known, covered)| one(known, covered, today, next_payday)).collect()
}

fn one(known: &Known, covered: Option<bool>, today: Date, next_payday: Date) -> model::Bill {
    let bill = &known.bill;
    let next = bill.next;
    let upper = next.map_or(bill.last.amount, |next| next.amount);
    let window = |days: i32| next.and_then(|next| next.date.checked_add(i64::from(days).days()).ok());
    model::Bill {
        id: known.id(),
        name: bill.name.clone(),
        payee: known.payee.clone(),
        account_id: bill.account.clone(),
        pot_id: bill.pot.clone(),
        category: bill.category.clone(),
        rhythm: rhythm(&bill.rhythm, &bill.pauses),
        text: bill.rhythm.words(),
        next_on: next.map(|next| next.date),
        next_from: window(-bill.spread.0).map(|from| from.max(today)),
        next_to: window(bill.spread.1),
        due: bill.due.iter().map(|due| BillDue { on: due.date, upper: due.amount }).collect(),
        estimate: bill.estimate.min(upper),
        upper,
        currency: Currency::GBP,
        last: last(bill),
        state: state::state(known, today, next_payday),
        covered,
        cost_a_year: a_year(bill),
        price_changes: price_changes(bill),
        instalments: instalments(known),
        confidence: Confidence::from_percent(bill.confidence),
        origin: origin(known),
        transaction_ids: bill.transactions.clone(),
        confirmed: known.confirmed,
        ignored: known.ignored,
        evidence: evidence(known),
    }
}

/// How far it is, where the person has said of how many payments it is.
fn instalments(known: &Known) -> Option<Instalments> {
    let of = known.instalments?;
    let paid = known.bill.payments.min(of);
    Some(Instalments { paid, of, left: i64::from(of - paid).saturating_mul(known.bill.estimate) })
}

fn last(bill: &Bill) -> Option<BillPayment> {
    let id = bill.transactions.last()?;
    Some(BillPayment { transaction_id: id.clone(), on: bill.last.date, amount: bill.last.amount })
}

/// What it costs a year: so many payments as there are in a year.
fn a_year(bill: &Bill) -> i64 {
    let all = bill.rhythm.period.a_year(bill.estimate);
    let pauses = i64::try_from(bill.pauses.len()).unwrap_or(0);
    if bill.rhythm.period == Period::MONTHLY { all / 12 * (12 - pauses) } else { all }
}

/// When the price changed, of a bill whose price stands otherwise; a single payment that stands out is none.
pub(super) fn price_changes(bill: &Bill) -> Vec<PriceChange> {
    changes(&bill.history, bill.rhythm.period)
}

/// The same of any payments.
pub(super) fn changes(history: &[Due], period: Period) -> Vec<PriceChange> {
    let changes: Vec<PriceChange> = history
        .windows(2)
        .filter(|pair| pair[0].amount != pair[1].amount)
        .map(|pair| PriceChange { on: pair[1].date, before: pair[0].amount, after: pair[1].amount })
        .collect();
    // What differs each time is usage, and no price.
    let stands = period.is_yearly() || changes.len() * 3 <= history.len();
    if stands { changes } else { Vec::new() }
}

fn origin(known: &Known) -> BillOrigin {
    let bill = &known.bill;
    match (&bill.series, bill.scheme.as_str()) {
        _ if known.added.is_some() || bill.group().is_some() => BillOrigin::Person,
        (Some(_), "bacs") => BillOrigin::Mandate,
        (Some(_), "mastercard") => BillOrigin::Subscription,
        (Some(_), _) => BillOrigin::StandingOrder,
        (None, _) => BillOrigin::Found,
    }
}

fn adjust(shift: Shift) -> RhythmAdjust {
    match shift {
        Shift::Before => RhythmAdjust::Before,
        Shift::After => RhythmAdjust::After,
        Shift::Stays => RhythmAdjust::None,
    }
}

/// A rhythm in the words of the wire; `pauses` are months in which nothing is paid.
pub(super) fn rhythm(rhythm: &Rhythm, pauses: &[i8]) -> BillRhythm {
    let (every, count) = match rhythm.period {
        Period::Days(days) if days % 7 == 0 => (RhythmUnit::Week, days / 7),
        Period::Days(days) => (RhythmUnit::Day, days),
        Period::Months(months) if months % 12 == 0 => (RhythmUnit::Year, u16::from(months / 12)),
        Period::Months(months) => (RhythmUnit::Month, u16::from(months)),
    };
    let weekday = |day: Weekday| weekday_name(day).to_lowercase();
    let day = match (rhythm.days, rhythm.period) {
        (Days::From(start), Period::Days(days)) => (days % 7 == 0).then(|| weekday(start.weekday())),
        (Days::From(start), Period::Months(_)) => Some(start.day().to_string()),
        (Days::OfMonth(31, _), _) if rhythm.shift == Shift::Before => Some("last-working-day".to_owned()),
        (Days::OfMonth(31, _), _) => Some("last".to_owned()),
        (Days::OfMonth(day, _), _) => Some(day.to_string()),
        (Days::Nth(-1, day), _) => Some(format!("last-{}", weekday(day))),
        (Days::Nth(n, day), _) => {
            let nth = ["first", "second", "third", "fourth"];
            let nth = usize::try_from(n - 1).ok().and_then(|n| nth.get(n)).copied().unwrap_or("last");
            Some(format!("{nth}-{}", weekday(day)))
        }
    };
    let months = match (rhythm.days, rhythm.period) {
        (Days::OfMonth(_, start), Period::Months(every @ 2..)) => (0..12)
            .filter(|month| (month - start).rem_euclid(i32::from(every)) == 0)
            .filter_map(|month: i32| i8::try_from(month + 1).ok())
            .collect(),
        _ if pauses.is_empty() => Vec::new(),
        _ => (1..=12).filter(|month| !pauses.contains(month)).collect(),
    };
    BillRhythm { every, count, day, months, adjust: adjust(rhythm.shift) }
}

fn day(date: Date) -> String {
    date.strftime("%-d %b %Y").to_string()
}

/// What it is concluded from, in sentences.
fn evidence(known: &Known) -> Vec<String> {
    let bill = &known.bill;
    let money = |amount: i64| Money::gbp(amount).to_string();
    let mut all = Vec::new();
    all.push(match origin(known) {
        BillOrigin::Mandate => {
            "its payments have one direct debit mandate, or mandates that follow each other".to_owned()
        }
        BillOrigin::StandingOrder => "the bank says that its payments are one standing order".to_owned(),
        BillOrigin::Subscription => "the bank says that its payments are one subscription".to_owned(),
        BillOrigin::Found => "payments to one payee come on steady days with steady amounts".to_owned(),
        BillOrigin::Person if known.added.is_some() => "you added it".to_owned(),
        BillOrigin::Person => "you said which payments belong to it".to_owned(),
    });
    if let (Some(first), Some(last)) = (bill.history.first(), bill.history.last()) {
        let span = if bill.history.len() == 1 {
            format!("one payment: {} on {}", money(last.amount), day(last.date))
        } else {
            let count = bill.history.len();
            format!(
                "{count} payments from {} to {}, the last of {}",
                day(first.date),
                day(last.date),
                money(last.amount)
            )
        };
        all.push(span);
        all.push(format!("paid {}", bill.rhythm.words()));
    }
    if let Some(change) = price_changes(bill).last() {
        all.push(format!(
            "the price went from {} to {} on {}",
            money(change.before),
            money(change.after),
            day(change.on)
        ));
    }
    match bill.standing {
        Standing::Late(on) => all.push(format!("it was expected on {} and has not come yet", day(on))),
        Standing::Missed(on) => all.push(format!("the payment of {} did not come", day(on))),
        Standing::Doubled(on) => all.push(format!("it was taken twice, lastly on {}", day(on))),
        Standing::Good => {}
    }
    if known.amount_is_set {
        all.push(format!("you set its amount to {}", money(bill.estimate)));
    } else if let Some(next) = bill.next {
        let likely = bill.estimate.min(next.amount);
        let most =
            if likely == next.amount { String::new() } else { format!(", at most {}", money(next.amount)) };
        all.push(format!("next on {}: about {}{most}", day(next.date), money(likely)));
    }
    if let Some(Instalments { paid, of, left }) = instalments(known) {
        all.push(format!("{paid} of {of} payments are made, {} left", money(left)));
    }
    for on in &known.skipped {
        all.push(format!("you said that the payment of {} will not come", day(*on)));
    }
    if known.ignored {
        all.push(format!(
            "you said that it is no bill; `monzoctl bills confirm {}` takes that back",
            known.id()
        ));
    } else if known.confirmed {
        all.push("you confirmed it".to_owned());
    } else if bill.confidence < LIKELY {
        let id = known.id();
        all.push(format!(
            "{} % sure: a guess; `monzoctl bills confirm {id}` or `monzoctl bills ignore {id}` decides it",
            bill.confidence
        ));
    } else {
        all.push(format!("{} % sure", bill.confidence));
    }
    all
}
