//! Income that recurs, in the same words as bills.

use jiff::ToSpan;
use jiff::civil::Date;
use monzo_common::model::{self, BillDue, BillOrigin, BillPayment, BillState, Confidence};
use monzo_common::money::{Currency, Money};

use super::hash;
use super::model::{changes, rhythm};
use crate::insight::payday::Pay;

/// Incomes as they are told on a day; `upper` of an income is the least of the latest.
pub fn incomes(pays: &[Pay], today: Date, next_payday: Date) -> Vec<model::Bill> {
    let mut all: Vec<model::Bill> = pays.iter().map(|pay| one(pay, today, next_payday)).collect();
    all.sort_by(|a, b| (a.next_on, &a.id).cmp(&(b.next_on, &b.id)));
    all
}

fn one(pay: &Pay, today: Date, next_payday: Date) -> model::Bill {
    let came = pay.history.last().is_some_and(|last| last.date >= today);
    let next = pay.next.iter().map(|(date, _)| *date).find(|date| *date > today || *date == today && !came);
    let state = match (pay.late, next) {
        (Some(_), _) => BillState::Late,
        (None, Some(next)) if next <= next_payday => BillState::Due,
        _ => BillState::Paid,
    };
    let mut evidence = vec![
        format!("{} payments from {}, {}", pay.payments, pay.payer, pay.rhythm.words()),
        format!("the last of {} on {}", Money::gbp(pay.amount), pay.last.strftime("%-d %b %Y")),
    ];
    if let Some(late) = pay.late {
        evidence.push(format!("expected on {} and not here yet", late.strftime("%-d %b %Y")));
    }
    let last = pay.transactions.last().map(|id| BillPayment {
        transaction_id: id.clone(),
        on: pay.last,
        amount: pay.amount,
    });
    model::Bill {
        id: format!("income_{:012x}", hash(&format!("{}|{}", pay.account, pay.payer)) & 0xffff_ffff_ffff),
        name: pay.payer.clone(),
        payee: pay.payer.clone(),
        account_id: pay.account.clone(),
        pot_id: None,
        category: "income".to_owned(),
        rhythm: rhythm(&pay.rhythm, &[]),
        text: pay.rhythm.words(),
        next_on: next,
        next_from: next,
        next_to: next.and_then(|next| next.checked_add(i64::from(pay.rhythm.period.tolerance()).days()).ok()),
        due: pay
            .next
            .iter()
            .filter(|(date, _)| next.is_some_and(|next| *date >= next))
            .map(|(date, _)| BillDue { on: *date, upper: pay.least })
            .collect(),
        estimate: pay.amount,
        upper: pay.least,
        currency: Currency::GBP,
        last,
        state,
        covered: None,
        cost_a_year: pay.rhythm.period.a_year(pay.amount),
        price_changes: changes(&pay.history, pay.rhythm.period),
        instalments: None,
        confidence: Confidence::from_percent(if pay.payments >= 6 { 90 } else { 70 }),
        origin: BillOrigin::Found,
        transaction_ids: pay.transactions.clone(),
        confirmed: false,
        ignored: false,
        evidence,
    }
}
