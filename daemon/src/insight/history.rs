//! What `recurring` and `payday` learn from, read from the database: local days instead of instants.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use monzo_common::id::{AccountId, TransactionId};

use super::payday::Credit;
use super::recurring::Row;
use super::recurring::rhythm::days_between;
use crate::store::{Reader, StoreError, StoredCredit, StoredPayment};

/// The payments of a span that could recur; `series` reads the bank's own key of a series from a kept record.
pub fn payments(
    reader: &Reader<'_>,
    (since, until): (Timestamp, Timestamp),
    zone: &TimeZone,
    series: impl Fn(&str) -> Option<String>,
) -> Result<Vec<Row>, StoreError> {
    let day = |at: Timestamp| at.to_zoned(zone.clone()).date();
    let row = |kept: StoredPayment| Row {
        date: day(kept.created_at),
        account: kept.account_id,
        id: kept.id,
        amount: kept.amount,
        description: kept.description,
        counterparty: kept.counterparty,
        merchant: kept.merchant,
        group: kept.group,
        category: kept.category,
        scheme: kept.scheme,
        series: kept.series,
        pot: kept.pot,
    };
    Ok(reader.payments(since, until, series)?.into_iter().map(row).collect())
}

/// Days that money may be under way between two of the person's own accounts.
const UNDER_WAY: i32 = 2;

/// The payments without those from one of the person's accounts to another, of which both sides are among them: these
/// cost nothing. What a pot paid stays, because it has left the pot.
pub fn without_own_transfers(rows: &[Row]) -> Vec<Row> {
    let moves = |row: &&Row| row.scheme != "mastercard" && row.pot.is_none();
    let mut arrived: BTreeMap<i64, Vec<&Row>> = BTreeMap::new();
    for row in rows.iter().filter(moves).filter(|row| row.amount > 0) {
        arrived.entry(row.amount).or_default().push(row);
    }
    let mut own: BTreeSet<(&AccountId, &TransactionId)> = BTreeSet::new();
    for row in rows.iter().filter(moves).filter(|row| row.amount < 0) {
        let Some(others) = arrived.get_mut(&row.amount.saturating_neg()) else { continue };
        let other_side = others.iter().position(|other| {
            other.account != row.account && (0..=UNDER_WAY).contains(&days_between(row.date, other.date))
        });
        if let Some(place) = other_side {
            let other = others.remove(place);
            own.extend([(&row.account, &row.id), (&other.account, &other.id)]);
        }
    }
    rows.iter().filter(|row| !own.contains(&(&row.account, &row.id))).cloned().collect()
}

/// What came in during a span, without the person's own money: `own` tells it by the kept record, or the same amount
/// left another account on the same day.
pub fn credits(
    reader: &Reader<'_>,
    (since, until): (Timestamp, Timestamp),
    zone: &TimeZone,
    payments: &[Row],
    own: impl Fn(&str) -> bool,
) -> Result<Vec<Credit>, StoreError> {
    let mut sent: BTreeMap<(Date, i64), Vec<&Row>> = BTreeMap::new();
    for row in payments.iter().filter(|row| row.amount < 0 && row.scheme != "mastercard") {
        sent.entry((row.date, row.amount.saturating_neg())).or_default().push(row);
    }
    let credit = |kept: StoredCredit| Credit {
        date: kept.created_at.to_zoned(zone.clone()).date(),
        account: kept.account_id,
        id: kept.id,
        amount: kept.amount,
        name: kept.name,
        scheme: kept.scheme,
    };
    let left_another = |credit: &Credit| {
        let rows = sent.get(&(credit.date, credit.amount));
        rows.is_some_and(|rows| rows.iter().any(|row| row.account != credit.account))
    };
    let all = reader.credits(since, until, own)?.into_iter().map(credit);
    Ok(all.filter(|credit| !left_another(credit)).collect())
}

/// Deposits that a person made into pots during a span, as rows of which each pot is a series.
pub fn deposits(
    reader: &Reader<'_>,
    (since, until): (Timestamp, Timestamp),
    zone: &TimeZone,
) -> Result<Vec<Row>, StoreError> {
    let row = |kept: StoredPayment| Row {
        date: kept.created_at.to_zoned(zone.clone()).date(),
        series: kept.pot.as_ref().map(ToString::to_string),
        account: kept.account_id,
        id: kept.id,
        amount: kept.amount,
        description: kept.description,
        counterparty: None,
        merchant: None,
        group: None,
        category: kept.category,
        scheme: kept.scheme,
        pot: kept.pot,
    };
    Ok(reader.deposits(since, until)?.into_iter().map(row).collect())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn row(account: &str, id: &str, day: i8, amount: i64) -> Row {
        Row {
            account: account.into(),
            id: id.into(),
            date: date(2026, 11, day),
            amount,
            description: String::new(),
            counterparty: Some("Ada & Sam".into()),
            merchant: None,
            group: None,
            category: "transfers".into(),
            scheme: "payport_faster_payments".into(),
            series: None,
            pot: None,
        }
    }

    #[test]
    fn transfers_between_own_accounts_are_left_out_each_side_once() {
        let out = row("acc_1", "out", 2, -40_000);
        let again = row("acc_1", "again", 2, -40_000);
        let rows = [out.clone(), again.clone(), row("acc_2", "in", 3, 40_000)];
        assert_eq!(without_own_transfers(&rows), std::slice::from_ref(&again));
        // Not the same account, not days later, and not what a pot paid.
        let pot = Row { pot: Some("pot_1".into()), ..out.clone() };
        for (one, other) in [
            (out.clone(), row("acc_1", "in", 2, 40_000)),
            (out.clone(), row("acc_2", "in", 5, 40_000)),
            (out, row("acc_2", "in", 2, 39_999)),
            (pot, row("acc_2", "in", 2, 40_000)),
        ] {
            assert_eq!(without_own_transfers(&[one, other]).len(), 2);
        }
    }
}
