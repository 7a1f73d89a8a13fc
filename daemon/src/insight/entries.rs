//! The one reading of a row: what it means for spending and income.
//!
//! Every figure of every surface adds up what [`of`] says; nothing else classifies a row. Pure: a row, and what is known
//! of the person's own accounts, in; entries out.

use jiff::{SignedDuration, Timestamp};
use monzo_common::id::{AccountId, TransactionId};
use monzo_common::model::EntryKind;

use crate::facts::{Entry, KeptRow, POT_SCHEMES, Payee, RowFlags, TRANSFER_SCHEMES};
use crate::store::MOST;

/// Counts up when the same row has other entries than before, so that all of them are made again.
pub const VERSION: u32 = 1;

/// How far apart the two halves of a transfer between own accounts are at most (insight: one reading of a row).
const PAIRED_WITHIN: SignedDuration = SignedDuration::from_hours(48);

/// Categories that say nothing about what a payment was for.
const NO_PURPOSE: [&str; 6] = ["", "general", "income", "mondo", "savings", "transfers"];

/// The rails on which people pay each other.
const PEOPLE: [&str; 4] = ["p2p_payment", "monzo_to_monzo", "payport_faster_payments", "faster_payments"];

/// What a row means; nothing for one that does not count.
///
/// `flex_synced`: Flex has an account of its own here, so that its purchases count and not their repayments.
pub fn of(row: &KeptRow, flags: &RowFlags, flex_synced: bool) -> Vec<Entry> {
    if row.void || row.amount == 0 {
        return Vec::new();
    }
    let kind = kind(row, flags, flex_synced);
    let in_figures = kind != EntryKind::Transfer;
    let repays_flex = flex(row, flags) && row.account_kind != FLEX_ACCOUNT;
    let by_the_bank = flags.not_spending && kind == EntryKind::Spending && !repays_flex;
    let entry = |category: &str, amount: i64| Entry {
        kind,
        amount,
        category: category.to_owned(),
        payee: payee(row),
        pot: row.pot.clone().or_else(|| flags.paying_pot.clone()).or_else(|| row.of_pot.clone()),
        person: flags.spender.clone().filter(|_| row.scheme == "mastercard"),
        trip: flags.trip.clone(),
        left_out: in_figures && (by_the_bank || flags.left_out),
        // A purchase with Flex never settles (monzo/README.md, How a row changes).
        provisional: !row.settled && row.account_kind != FLEX_ACCOUNT,
    };
    let divided = matches!(kind, EntryKind::Spending | EntryKind::Refund | EntryKind::Repayment);
    let parts = if divided { parts(row) } else { vec![(row.category.as_str(), row.amount)] };
    parts.into_iter().map(|(category, amount)| entry(category, amount)).collect()
}

/// The bank's word for Flex's own account.
pub const FLEX_ACCOUNT: &str = "uk_monzo_flex";

fn flex(row: &KeptRow, flags: &RowFlags) -> bool {
    flags.flex || row.scheme == "monzo_flex"
}

fn kind(row: &KeptRow, flags: &RowFlags, flex_synced: bool) -> EntryKind {
    let card = row.scheme == "mastercard";
    if row.pot.is_some() || POT_SCHEMES.contains(&row.scheme.as_str()) {
        return EntryKind::Transfer;
    }
    if flags.to_self || flags.top_up || row.scheme == "topup" {
        return EntryKind::Transfer;
    }
    if row.account_kind == FLEX_ACCOUNT {
        // What comes in is its repayment, unless a shop gives money back.
        return match (row.amount < 0, card || flags.reversal) {
            (true, _) => EntryKind::Spending,
            (false, true) => EntryKind::Refund,
            (false, false) => EntryKind::Transfer,
        };
    }
    if flex(row, flags) && flex_synced {
        return EntryKind::Transfer;
    }
    if row.amount < 0 {
        return EntryKind::Spending;
    }
    if card || flags.reversal || flags.direct_debit || flex(row, flags) {
        return EntryKind::Refund;
    }
    if row.scheme == "account_interest" || row.of_pot.is_some() {
        return EntryKind::Interest;
    }
    if PEOPLE.contains(&row.scheme.as_str()) && !NO_PURPOSE.contains(&row.category.as_str()) {
        return EntryKind::Repayment;
    }
    EntryKind::Income
}

/// The categories that the amount is divided over; what they leave stays in the row's own category.
fn parts(row: &KeptRow) -> Vec<(&str, i64)> {
    let mut rest = row.amount;
    let mut parts: Vec<(&str, i64)> = Vec::new();
    for (category, amount) in row.categories.iter().filter(|(_, amount)| *amount != 0) {
        // A part that no bank can hold is none.
        let Some(left) = rest.checked_sub(*amount) else { continue };
        rest = left;
        parts.push((category, *amount));
    }
    if rest != 0 {
        match parts.iter_mut().find(|(category, _)| *category == row.category) {
            Some((_, amount)) => *amount = amount.saturating_add(rest),
            None => parts.push((&row.category, rest)),
        }
        parts.retain(|(_, amount)| *amount != 0);
    }
    parts
}

/// Whom the money went to or came from: the merchant, else the other side, else the bank's text.
fn payee(row: &KeptRow) -> Payee {
    if let Some((key, name)) = &row.merchant {
        let name = if name.is_empty() { plain(&row.description) } else { name.clone() };
        return Payee { key: format!("merchant:{key}"), name, is_merchant: true };
    }
    let named = row.counterparty.as_deref().map(plain).filter(|name| !name.is_empty());
    let name = named.unwrap_or_else(|| plain(&row.description));
    Payee { key: format!("name:{}", name.to_lowercase()), name, is_merchant: false }
}

/// A name without the spaces that pad it.
fn plain(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A row that may be one half of a transfer between two accounts of the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Half {
    /// Its account.
    pub account: AccountId,
    /// Its id there.
    pub id: TransactionId,
    /// When.
    pub created_at: Timestamp,
    /// Minor units; negative is out.
    pub amount: i64,
}

/// Whether a row may be one half of a transfer between two listed accounts of the person.
pub fn may_be_half(row: &KeptRow) -> bool {
    let possible = row.amount != 0 && row.amount.unsigned_abs() < MOST.unsigned_abs();
    let listed = row.of_pot.is_none() && row.pot.is_none() && !row.void && possible;
    listed && TRANSFER_SCHEMES.contains(&row.scheme.as_str())
}

/// The earliest instant at which the other half of a transfer can be.
pub fn earlier(at: Timestamp) -> Timestamp {
    at.checked_sub(PAIRED_WITHIN).unwrap_or(Timestamp::MIN)
}

/// The latest instant at which the other half of a transfer can be.
pub fn later(at: Timestamp) -> Timestamp {
    at.checked_add(PAIRED_WITHIN).unwrap_or(Timestamp::MAX)
}

/// The first and the last of some instants, oldest first, that can be reached from an instant in steps that are no longer
/// than the halves of a transfer can be apart.
pub fn chained(instants: &[Timestamp], at: Timestamp) -> (Timestamp, Timestamp) {
    let (mut first, mut last) = (at, at);
    for instant in instants.iter().rev().filter(|instant| **instant <= at) {
        if *instant >= earlier(first) {
            first = *instant;
        }
    }
    for instant in instants.iter().filter(|instant| **instant >= at) {
        if *instant <= later(last) {
            last = *instant;
        }
    }
    (first, last)
}

/// Which rows are the two halves of one transfer, as indices: equal and opposite, in two accounts, at most two days apart.
/// Each row is in one pair at most; the nearest in time are paired first, whatever the order of the rows.
pub fn pairs(halves: &[Half]) -> Vec<(usize, usize)> {
    let mut possible = Vec::new();
    for (out, debit) in halves.iter().enumerate().filter(|(_, half)| half.amount < 0) {
        for (into, credit) in halves.iter().enumerate() {
            let apart = credit.created_at.duration_since(debit.created_at).abs();
            if debit.account != credit.account
                && debit.amount.checked_neg() == Some(credit.amount)
                && apart <= PAIRED_WITHIN
            {
                let order = (apart, debit.created_at, &debit.id, &credit.id, &debit.account, &credit.account);
                possible.push((order, out, into));
            }
        }
    }
    possible.sort();
    let mut used = vec![false; halves.len()];
    let mut pairs = Vec::new();
    for (_, out, into) in possible {
        if !used[out] && !used[into] {
            (used[out], used[into]) = (true, true);
            pairs.push((out, into));
        }
    }
    pairs
}

#[cfg(test)]
mod tests;
