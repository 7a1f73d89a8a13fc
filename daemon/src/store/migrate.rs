//! Brings a database to this version's schema: forward only, each step in one transaction, after a backup.

use rusqlite::Connection;
use rusqlite_migration::{M, Migrations};

use super::OpenError;

/// Every migration, in order; appended to, never edited (migrations/README.md).
const STEPS: &[M<'static>] = &[
    M::up(include_str!("../../../migrations/0001_core.sql")),
    M::up(include_str!("../../../migrations/0002_autosorter.sql")),
    M::up(include_str!("../../../migrations/0003_notices.sql")),
    M::up(include_str!("../../../migrations/0004_unlisted_pots.sql")),
    M::up(include_str!("../../../migrations/0005_sums.sql")),
    M::up(include_str!("../../../migrations/0006_bills.sql")),
    M::up(include_str!("../../../migrations/0007_dictionary.sql")),
    M::up(include_str!("../../../migrations/0008_entries.sql")),
];

/// Marks our databases, so that another program's is never touched: "MZOD".
pub(super) const APPLICATION_ID: i32 = 0x4D5A_4F44;

/// The newest schema that this version knows.
pub fn newest() -> i64 {
    i64::try_from(STEPS.len()).unwrap_or(i64::MAX)
}

/// The schema of a database; zero is an empty one.
pub(super) fn schema(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Whether the database is ours, or empty and so may become ours.
pub(super) fn ours(connection: &Connection) -> rusqlite::Result<bool> {
    let id: i32 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    if id == APPLICATION_ID {
        return Ok(true);
    }
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(id == 0 && tables == 0)
}

/// Runs what is missing.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), OpenError> {
    to_version(connection, newest())
}

/// The same, up to the schema of an older version.
pub(super) fn to_version(connection: &mut Connection, version: i64) -> Result<(), OpenError> {
    let failed = |error: &dyn std::fmt::Display| OpenError::Migration(error.to_string());
    let version = usize::try_from(version).map_err(|error| failed(&error))?;
    connection.pragma_update(None, "application_id", APPLICATION_ID).map_err(|error| failed(&error))?;
    Migrations::from_slice(STEPS).to_version(connection, version).map_err(|error| failed(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steps_run_on_an_empty_database() {
        Migrations::from_slice(STEPS).validate().expect("the migrations run on an empty database");
    }
}
