//! Where a bill stands, and whether what pays it holds enough.

use std::collections::BTreeMap;

use jiff::civil::Date;
use monzo_common::id::{AccountId, PotId};
use monzo_common::model::BillState;

use super::{Known, holder};
use crate::insight::recurring::Standing;
use crate::insight::recurring::rhythm::days_between;

/// Days for which it is told that the latest payment was another price, or was taken twice. Taste: a month.
const NEWS: i32 = 31;

/// Where a bill stands on a day, of which the cycle lasts until before `next_payday`.
pub(super) fn state(known: &Known, today: Date, next_payday: Date) -> BillState {
    let bill = &known.bill;
    let late = match bill.standing {
        Standing::Late(_) => Some(BillState::Late),
        Standing::Missed(_) => Some(BillState::Missed),
        Standing::Good | Standing::Doubled(_) => None,
    };
    let is_news = |day: Date| days_between(day, today) <= NEWS;
    if bill.ended {
        return BillState::Ended;
    }
    if let Some(late) = late {
        return late;
    }
    if let Standing::Doubled(day) = bill.standing
        && is_news(day)
    {
        return BillState::Doubled;
    }
    if super::model::price_changes(bill)
        .last()
        .is_some_and(|change| change.on == bill.last.date && is_news(change.on))
    {
        return BillState::PriceChanged;
    }
    match bill.next {
        Some(next) if next.date < next_payday => BillState::Due,
        _ => BillState::Paid,
    }
}

/// Whether the next payment of each bill, by its place, is covered by what its pot or account holds now, with all that
/// is due until then; nothing where it is due after the next payday, or where it is not known what is held.
pub(super) fn covered(
    all: &[Known],
    held: &dyn Fn(&AccountId, Option<&PotId>) -> Option<i64>,
    next_payday: Date,
) -> Vec<Option<bool>> {
    let mut dues: BTreeMap<_, Vec<(Date, i64)>> = BTreeMap::new();
    for known in all.iter().filter(|known| known.lasts()) {
        let bill = &known.bill;
        let due = bill.due.iter().filter(|due| due.date < next_payday).map(|due| (due.date, due.amount));
        dues.entry(holder(bill)).or_default().extend(due);
    }
    let covered = |known: &Known| {
        let next = known.bill.next.filter(|next| known.lasts() && next.date < next_payday)?;
        let (account, pot) = holder(&known.bill);
        let held = held(account, pot)?;
        let until = dues.get(&(account, pot))?.iter().filter(|(date, _)| *date <= next.date);
        Some(until.fold(0_i64, |sum, (_, amount)| sum.saturating_add(*amount)) <= held)
    };
    all.iter().map(covered).collect()
}
