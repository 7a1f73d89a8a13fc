//! How balances went: opening + income − spending + transfers + left out + unexplained = closing, to the penny.

use std::collections::BTreeMap;

use jiff::{Timestamp, ToSpan};
use monzo_common::id::{AccountId, PotId};
use monzo_common::model::{Cashflow, CashflowRow, EntryKind, FigurePeriod};

use super::balances::{self, Past};
use super::calendar::Calendar;
use super::figures::Side;
use super::scope::{self, Scope};
use crate::store::{Grouping, Reader, StoreError};

/// How the balances of every account and pot that is not excluded went in a span, as seen from `now`.
pub fn cashflow(
    reader: &Reader<'_>,
    (since, until): (Timestamp, Timestamp),
    per: Option<FigurePeriod>,
    scope: &Scope,
    calendar: &Calendar,
    now: Timestamp,
) -> Result<Cashflow, StoreError> {
    let ends = |until: Timestamp| before(until).min(now);
    let mut opening = held(reader, before(since))?;
    let accounts = rows(reader, (since, until), scope, (&opening, &held(reader, ends(until))?))?;
    let mut periods = Vec::new();
    if let Some(per) = per {
        for period in calendar.periods(per, since, until).into_iter().filter(|period| period.since <= now) {
            // Where one period ends the next begins.
            let closing = held(reader, ends(period.until))?;
            let rows = rows(reader, (period.since, period.until), scope, (&opening, &closing))?;
            periods.push(CashflowRow { period: Some(period.name), ..total(&rows) });
            opening = closing;
        }
    }
    Ok(Cashflow { since, until, currency: scope.currency(), total: total(&accounts), accounts, periods })
}

/// Balances at an instant, by account and pot.
type Held = BTreeMap<(AccountId, Option<PotId>), i64>;

fn rows(
    reader: &Reader<'_>,
    (since, until): (Timestamp, Timestamp),
    scope: &Scope,
    (opening, closing): (&Held, &Held),
) -> Result<Vec<CashflowRow>, StoreError> {
    // Before it was there it held nothing.
    let balance =
        |held: &Held, of: &(AccountId, Option<PotId>), created: Option<Timestamp>, at: Timestamp| {
            held.get(of).copied().or_else(|| created.is_some_and(|created| created >= at).then_some(0))
        };
    let row = |moved: CashflowRow, name: &str, of: (AccountId, Option<PotId>), created: Option<Timestamp>| {
        let (opening, closing) =
            (balance(opening, &of, created, since), balance(closing, &of, created, until));
        let (account, pot_id) = of;
        let name = name.to_owned();
        explained(CashflowRow { account_id: Some(account), pot_id, name, opening, closing, ..moved })
    };
    let mut rows = Vec::new();
    for account in scope.in_currency().filter(|account| account.pot.is_none() && !account.excluded) {
        let of_account = moved(reader, &account.id, since, until)?;
        rows.push(row(of_account, &account.name, (account.id.clone(), None), account.created_at));
        for pot in scope.pots.iter().filter(|pot| pot.account == account.id && !pot.excluded) {
            let of_pot = match &pot.behind {
                Some(behind) => behind_pot(reader, (&account.id, &pot.id, behind), since, until)?,
                None => seen_from_account(reader, &account.id, &pot.id, since, until)?,
            };
            let of_pot = row(of_pot, &pot.name, (account.id.clone(), Some(pot.id.clone())), pot.created_at);
            if !is_empty(&of_pot) {
                rows.push(of_pot);
            }
        }
    }
    Ok(rows)
}

/// What moved in a pot: by the rows of the account behind it as far back as those are read, and before that by the rows
/// of the account that owns it.
fn behind_pot(
    reader: &Reader<'_>,
    (account, pot, behind): (&AccountId, &PotId, &AccountId),
    since: Timestamp,
    until: Timestamp,
) -> Result<CashflowRow, StoreError> {
    let read_from = reader.covered(behind)?.map_or(until, |covered| covered.0).clamp(since, until);
    let mut row = moved(reader, behind, read_from, until)?;
    let before = seen_from_account(reader, account, pot, since, read_from)?;
    row.transfers = row.transfers.saturating_add(before.transfers);
    Ok(row)
}

/// What moved in a pot as the account that owns it shows it: interest and card payments of the pot are not seen there.
fn seen_from_account(
    reader: &Reader<'_>,
    account: &AccountId,
    pot: &PotId,
    since: Timestamp,
    until: Timestamp,
) -> Result<CashflowRow, StoreError> {
    Ok(CashflowRow { transfers: reader.moved_into_pot(account, pot, since, until)?, ..empty() })
}

/// Nothing was in it, and nothing moved.
fn is_empty(row: &CashflowRow) -> bool {
    let moved = [row.income, row.spending, row.transfers, row.left_out];
    moved == [0; 4] && (row.opening, row.closing) == (Some(0), Some(0))
}

fn held(reader: &Reader<'_>, at: Timestamp) -> Result<Held, StoreError> {
    let known = |past: Past| {
        let (_, balance) = past.held?;
        Some(((past.newest.account_id, past.newest.pot_id), balance))
    };
    Ok(balances::at(reader, at)?.into_iter().filter_map(known).collect())
}

fn before(at: Timestamp) -> Timestamp {
    at.checked_sub(1.millisecond()).unwrap_or(at)
}

fn empty() -> CashflowRow {
    CashflowRow {
        account_id: None,
        pot_id: None,
        name: String::new(),
        period: None,
        opening: None,
        income: 0,
        spending: 0,
        transfers: 0,
        left_out: 0,
        unexplained: None,
        closing: None,
    }
}

/// What the entries of an account moved.
fn moved(
    reader: &Reader<'_>,
    account: &AccountId,
    since: Timestamp,
    until: Timestamp,
) -> Result<CashflowRow, StoreError> {
    let mut row = empty();
    for sum in reader.entry_sums(account, Grouping::All, &scope::whole(since, until))? {
        let into = match sum.kind {
            EntryKind::Transfer => &mut row.transfers,
            _ if sum.left_out => &mut row.left_out,
            kind if Side::Income.counts(kind) => &mut row.income,
            _ => {
                row.spending = row.spending.saturating_sub(sum.amount);
                continue;
            }
        };
        *into = into.saturating_add(sum.amount);
    }
    Ok(row)
}

/// The same, with what no transaction explains.
fn explained(mut row: CashflowRow) -> CashflowRow {
    row.unexplained = row.opening.zip(row.closing).map(|(opening, closing)| {
        let of_rows = row.income.saturating_sub(row.spending);
        let of_rows = of_rows.saturating_add(row.transfers).saturating_add(row.left_out);
        closing.saturating_sub(opening).saturating_sub(of_rows)
    });
    row
}

/// All accounts and pots together whose balances are known at both ends. What moved to or from others is among the
/// transfers, so that the sum holds for those that are counted.
fn total(rows: &[CashflowRow]) -> CashflowRow {
    let known = || rows.iter().filter(|row| row.opening.is_some() && row.closing.is_some());
    let sum = |of: fn(&CashflowRow) -> i64| known().fold(0_i64, |sum, row| sum.saturating_add(of(row)));
    CashflowRow {
        name: "total".to_owned(),
        opening: Some(sum(|row| row.opening.unwrap_or(0))),
        income: sum(|row| row.income),
        spending: sum(|row| row.spending),
        transfers: sum(|row| row.transfers),
        left_out: sum(|row| row.left_out),
        unexplained: Some(sum(|row| row.unexplained.unwrap_or(0))),
        closing: Some(sum(|row| row.closing.unwrap_or(0))),
        ..empty()
    }
}
