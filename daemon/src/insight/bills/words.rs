//! The person's word: it beats what the ledger shows, and outlives each new reading of it.

use std::collections::BTreeSet;

use jiff::civil::Date;
use monzo_common::id::TransactionId;
use monzo_common::model::{NewBill, RhythmUnit};

use super::Known;
use crate::insight::recurring::rhythm::{Days, Shift, days_between, month_of};
use crate::insight::recurring::{
    Added, Bill, Due, Grouping, How, Key, Period, Rhythm, Standing, Working, added_key,
};
use crate::store::{BillWord, StoredBillWord};

/// How sure a person is, in per cent.
const SURE: u8 = 100;

/// Which payments the person has put together or taken apart.
pub(super) fn groupings(words: &[StoredBillWord]) -> Vec<Grouping> {
    let grouping = |stored: &StoredBillWord| {
        let how = match &stored.word {
            BillWord::Merge => How::Merged,
            BillWord::Split { transactions } => How::Split(transactions.iter().cloned().collect()),
            BillWord::Add { bill } => How::Added(Added {
                account: bill.account_id.clone(),
                payee: bill.name.clone(),
                amount: bill.amount,
                on: bill.on,
            }),
            _ => return None,
        };
        let keys = stored.keys.iter().cloned().map(Key).collect();
        Some(Grouping { number: stored.id, keys, how })
    };
    words.iter().filter_map(grouping).collect()
}

/// The bills with all that was said of them, in the order of what is due.
pub(super) fn applied(
    found: Vec<Bill>,
    words: &[StoredBillWord],
    (asof, horizon): (Date, Date),
    working: Working<'_>,
) -> Vec<Known> {
    let mut all: Vec<Known> = found.into_iter().map(plain).collect();
    for stored in words {
        let BillWord::Add { bill } = &stored.word else { continue };
        let key = added_key(&bill.account_id, stored.id);
        match all.iter_mut().find(|known| known.bill.keys.contains(&key)) {
            Some(known) => add_to(known, bill, stored.id),
            None => all.push(added(bill, key, stored.id, (asof, horizon), working)),
        }
    }
    for known in &mut all {
        let said: Vec<&StoredBillWord> = words.iter().filter(|stored| is_of(stored, known)).collect();
        for stored in said {
            apply(known, &stored.word, (asof, horizon), working);
        }
    }
    all.sort_by_key(|known| {
        let bill = &known.bill;
        (bill.ended || known.ignored, bill.next, bill.name.clone(), bill.keys.first().cloned())
    });
    all
}

fn plain(bill: Bill) -> Known {
    Known {
        payee: bill.name.clone(),
        bill,
        confirmed: false,
        ignored: false,
        amount_is_set: false,
        skipped: Vec::new(),
        instalments: None,
        added: None,
    }
}

/// A word is of a bill that shares a key with what it was said of.
fn is_of(stored: &StoredBillWord, known: &Known) -> bool {
    known.bill.keys.iter().any(|key| stored.keys.contains(&key.0))
}

fn apply(known: &mut Known, word: &BillWord, days: (Date, Date), working: Working<'_>) {
    let bill = &mut known.bill;
    match word {
        BillWord::Confirm { instalments } => {
            known.confirmed = true;
            bill.confidence = SURE;
            known.instalments = *instalments;
            if instalments.is_some_and(|of| bill.payments >= of) {
                end(bill);
            } else if let Some(of) = instalments {
                bill.due.truncate(usize::try_from(of - bill.payments).unwrap_or(usize::MAX));
            }
        }
        BillWord::Ignore => known.ignored = true,
        BillWord::Rename { name } => bill.name.clone_from(name),
        BillWord::Amount { amount } => {
            known.amount_is_set = true;
            bill.estimate = *amount;
            bill.due.iter_mut().chain(&mut bill.next).for_each(|due| due.amount = *amount);
        }
        BillWord::Skip { on } => {
            if skip(bill, *on, days, working) {
                known.skipped.push(*on);
            }
        }
        BillWord::Merge | BillWord::Split { .. } | BillWord::Add { .. } => {}
    }
}

fn end(bill: &mut Bill) {
    bill.ended = true;
    bill.next = None;
    bill.due.clear();
}

/// Leaves out the payment that was expected on a day; `true` if one was. What stayed away on that day is neither late
/// nor missed, and no end.
fn skip(bill: &mut Bill, on: Date, (asof, horizon): (Date, Date), working: Working<'_>) -> bool {
    let reach = bill.rhythm.period.tolerance();
    let near = |day: Date| days_between(day, on).abs() <= reach;
    let stayed_away = match bill.standing {
        Standing::Late(day) | Standing::Missed(day) => near(day),
        Standing::Good | Standing::Doubled(_) => false,
    };
    // What is late is due today, whatever its day was.
    let late = stayed_away && matches!(bill.standing, Standing::Late(_));
    let meant = |due: &Due| near(due.date) || late && due.date == asof;
    let is_next = bill.next.as_ref().is_some_and(meant);
    let before = bill.due.len();
    bill.due.retain(|due| !meant(due));
    if is_next || bill.ended && stayed_away {
        let amount = bill.next.map_or(bill.last.amount, |next| next.amount);
        let after = bill.rhythm.nearest(on, working).and_then(|(number, _)| {
            let mut dates =
                (number + 1..).take(FARTHEST).map_while(|number| bill.rhythm.date(number, working));
            dates.find(|date| *date >= asof)
        });
        let next = bill.due.first().copied().or(after.map(|date| Due { date, amount }));
        if bill.due.is_empty() {
            bill.due.extend(next.filter(|next| next.date < horizon));
        }
        (bill.next, bill.ended) = (next, next.is_none());
    }
    if stayed_away {
        bill.standing = Standing::Good;
    }
    is_next || stayed_away || bill.due.len() < before
}

/// The rhythm that a person has written.
fn rhythm(new: &NewBill) -> Rhythm {
    let count = new.count.max(1);
    let months = |count: u16| u8::try_from(count.min(120)).unwrap_or(120);
    let (period, days) = match new.every {
        RhythmUnit::Day => (Period::Days(count), Days::From(new.on)),
        RhythmUnit::Week => (Period::Days(count.saturating_mul(7)), Days::From(new.on)),
        RhythmUnit::Month => (Period::Months(months(count)), Days::OfMonth(new.on.day(), month_of(new.on))),
        RhythmUnit::Year => {
            (Period::Months(months(count.saturating_mul(12))), Days::OfMonth(new.on.day(), month_of(new.on)))
        }
    };
    Rhythm { period, days, shift: Shift::After }
}

/// Dates that are looked at for one added bill. Bounds a rhythm of days in a far horizon.
const FARTHEST: usize = 2_000;

/// A bill that the person has added and that was not paid yet.
fn added(new: &NewBill, key: Key, number: i64, (asof, horizon): (Date, Date), working: Working<'_>) -> Known {
    let rhythm = rhythm(new);
    let (first, _) = rhythm.nearest(new.on.max(asof), working).unwrap_or_default();
    let earliest = asof.max(new.on);
    let dates = (first.saturating_sub(1)..).take(FARTHEST).map_while(|number| rhythm.date(number, working));
    let coming = dates.filter(|date| *date >= earliest).map(|date| Due { date, amount: new.amount });
    let mut coming = coming.peekable();
    let next = coming.peek().copied();
    let due: Vec<Due> = coming.take_while(|due| due.date < horizon).collect();
    let bill = Bill {
        keys: vec![key],
        name: new.name.clone(),
        account: new.account_id.clone(),
        pot: new.pot_id.clone(),
        series: None,
        scheme: String::new(),
        category: String::new(),
        rhythm,
        last: Due { date: new.on, amount: new.amount },
        ended: next.is_none(),
        next,
        due,
        estimate: new.amount,
        confidence: SURE,
        payments: 0,
        history: Vec::new(),
        standing: Standing::Good,
        spread: (0, 0),
        pauses: Vec::new(),
        transactions: Vec::new(),
    };
    Known { confirmed: true, added: Some(number), ..plain(bill) }
}

/// The same once payments have come: they say when and how much.
fn add_to(known: &mut Known, new: &NewBill, number: i64) {
    known.bill.name.clone_from(&new.name);
    known.bill.confidence = SURE;
    known.bill.pot = known.bill.pot.take().or_else(|| new.pot_id.clone());
    (known.confirmed, known.added) = (true, Some(number));
}

/// What a person says of a bill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// It is one, of so many payments.
    Confirm(Option<u32>),
    /// It is none.
    Ignore,
    /// It is called so, or again as the payee.
    Rename(Option<String>),
    /// It costs so much, or what is estimated.
    Amount(Option<i64>),
    /// The payment of a day will not come.
    Skip(Date),
    /// It will.
    Unskip(Date),
    /// It is one with these bills.
    Merge(Vec<Known>),
    /// Payments like these are another bill; without any, what was merged is taken apart.
    Split(Vec<TransactionId>),
}

/// What changes in what is stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// Words that are taken back.
    pub remove: Vec<i64>,
    /// What is said now, of these keys.
    pub add: Option<(Vec<String>, BillWord)>,
}

impl Change {
    /// Nothing does: it was so already.
    pub fn is_nothing(&self) -> bool {
        self.remove.is_empty() && self.add.is_none()
    }
}

/// What a person's word on a bill changes. The opposite word takes one back, and a repeat changes nothing.
pub fn change(known: &Known, words: &[StoredBillWord], said: &Said) -> Change {
    let keys: Vec<String> = known.bill.keys.iter().map(|key| key.0.clone()).collect();
    let own = |kind: &dyn Fn(&BillWord) -> bool| -> Vec<&StoredBillWord> {
        words.iter().filter(|stored| is_of(stored, known) && kind(&stored.word)).collect()
    };
    let replace = |old: Vec<&StoredBillWord>, new: Option<BillWord>| {
        if old.last().map(|stored| &stored.word) == new.as_ref() && old.len() <= 1 {
            return Change::default();
        }
        let add = new.map(|word| (keys.clone(), word));
        Change { remove: old.iter().map(|stored| stored.id).collect(), add }
    };
    match said {
        Said::Confirm(instalments) => {
            let old = own(&|word| matches!(word, BillWord::Confirm { .. } | BillWord::Ignore));
            replace(old, Some(BillWord::Confirm { instalments: instalments.or(known.instalments) }))
        }
        Said::Ignore => match known.added {
            Some(_) => {
                let ids =
                    words.iter().filter(|stored| is_of(stored, known) || Some(stored.id) == known.added);
                Change { remove: ids.map(|stored| stored.id).collect(), add: None }
            }
            None => {
                let old = own(&|word| matches!(word, BillWord::Confirm { .. } | BillWord::Ignore));
                replace(old, Some(BillWord::Ignore))
            }
        },
        Said::Rename(name) => {
            let name = name.clone().filter(|name| *name != known.payee);
            replace(
                own(&|word| matches!(word, BillWord::Rename { .. })),
                name.map(|name| BillWord::Rename { name }),
            )
        }
        Said::Amount(amount) => replace(
            own(&|word| matches!(word, BillWord::Amount { .. })),
            amount.map(|amount| BillWord::Amount { amount }),
        ),
        Said::Skip(on) => {
            replace(own(&|word| *word == BillWord::Skip { on: *on }), Some(BillWord::Skip { on: *on }))
        }
        Said::Unskip(on) => replace(own(&|word| *word == BillWord::Skip { on: *on }), None),
        Said::Merge(others) => {
            let all: Vec<&Known> = std::iter::once(known).chain(others).collect();
            let groups: BTreeSet<i64> = all.iter().flat_map(|one| split_by(one, words)).collect();
            if let [one] = groups.iter().copied().collect::<Vec<_>>().as_slice() {
                return Change { remove: vec![*one], add: None };
            }
            let keys: Vec<String> =
                all.iter().flat_map(|one| &one.bill.keys).map(|key| key.0.clone()).collect();
            Change { remove: Vec::new(), add: Some((keys, BillWord::Merge)) }
        }
        Said::Split(transactions) if transactions.is_empty() => {
            let merged = words.iter().filter(|stored| stored.word == BillWord::Merge && made(stored, known));
            Change { remove: merged.map(|stored| stored.id).collect(), add: None }
        }
        Said::Split(transactions) => Change {
            remove: Vec::new(),
            add: Some((keys, BillWord::Split { transactions: transactions.clone() })),
        },
    }
}

/// Whether a bill is what a word has put together or taken apart.
fn made(stored: &StoredBillWord, known: &Known) -> bool {
    known.bill.group() == Some(stored.id)
}

fn split_by<'a>(known: &'a Known, words: &'a [StoredBillWord]) -> impl Iterator<Item = i64> + 'a {
    let split = |word: &BillWord| matches!(word, BillWord::Split { .. });
    words.iter().filter(move |stored| split(&stored.word) && made(stored, known)).map(|stored| stored.id)
}

/// The bill of an id.
pub fn find<'a>(all: &'a [Known], wanted: &str) -> Option<&'a Known> {
    all.iter().find(|known| known.id() == wanted)
}
