//! Instants as the database keeps them: INTEGER milliseconds since 1970, UTC.

use jiff::Timestamp;
use rusqlite::Row;
use rusqlite::types::Type;

use super::StoreError;

/// Milliseconds of an instant.
pub(super) fn ms(at: Timestamp) -> i64 {
    at.as_millisecond()
}

/// Milliseconds of an instant that may be missing.
pub(super) fn maybe_ms(at: Option<Timestamp>) -> Option<i64> {
    at.map(ms)
}

/// The instant in a column.
pub(super) fn at(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    instant(column, row.get(column)?)
}

/// The instant in a column that may be empty.
pub(super) fn maybe_at(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    row.get::<_, Option<i64>>(column)?.map(|ms| instant(column, ms)).transpose()
}

fn instant(column: usize, ms: i64) -> rusqlite::Result<Timestamp> {
    Timestamp::from_millisecond(ms)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, Type::Integer, Box::new(error)))
}

/// A text column parsed into what it stands for.
pub(super) fn parsed<T: std::str::FromStr>(row: &Row<'_>, column: usize) -> rusqlite::Result<T>
where
    T::Err: std::error::Error + Send + Sync + 'static,
{
    let text: String = row.get(column)?;
    text.parse().map_err(|error: T::Err| {
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error))
    })
}

/// The same of a column that may be empty.
pub(super) fn maybe_parsed<T: std::str::FromStr>(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<T>>
where
    T::Err: std::error::Error + Send + Sync + 'static,
{
    let text: Option<String> = row.get(column)?;
    text.map(|_| parsed(row, column)).transpose()
}

/// Turns "no row" into nothing.
pub(super) fn optional<T>(found: rusqlite::Result<T>) -> Result<Option<T>, StoreError> {
    match found {
        Ok(value) => Ok(Some(value)),
        Err(rusqlite::Error::QueryReturnedNoRows) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
