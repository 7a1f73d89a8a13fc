//! What `recurring` and `payday` learn from, read from the database: local days instead of instants.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::payday::Credit;
use super::recurring::Row;
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
