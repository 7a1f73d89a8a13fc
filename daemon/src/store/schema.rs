//! Whether a database has exactly the tables, indexes and triggers of its schema.
//!
//! A trigger or view that is not ours could copy what is secret, or change what is written; a table that is missing
//! would be met only when it is needed.

use std::collections::BTreeMap;

use rusqlite::Connection;

use super::{OpenError, migrate};

/// Definitions by kind and name.
type Objects = BTreeMap<(String, String), String>;

/// What differs from the schema of this version, each difference in a sentence.
pub(super) fn differences(connection: &Connection, version: i64) -> Result<Vec<String>, OpenError> {
    let mut reference = Connection::open_in_memory()?;
    migrate::to_version(&mut reference, version)?;
    let (wanted, found) = (objects(&reference)?, objects(connection)?);
    let mut differences = Vec::new();
    for ((kind, name), definition) in &wanted {
        match found.get(&(kind.clone(), name.clone())) {
            None => differences.push(format!("the {kind} {name} is missing")),
            Some(other) if other != definition => {
                differences.push(format!("the {kind} {name} is not as schema {version} defines it"));
            }
            Some(_) => {}
        }
    }
    let more = found.keys().filter(|object| !wanted.contains_key(*object));
    differences.extend(more.map(|(kind, name)| format!("the {kind} {name} is not one of monzod")));
    Ok(differences)
}

/// What a database defines, except the statistics that SQLite keeps for itself.
fn objects(connection: &Connection) -> rusqlite::Result<Objects> {
    let mut query = connection.prepare(
        "SELECT type, name, coalesce(sql, '') FROM sqlite_schema \
         WHERE NOT (type = 'table' AND name IN ('sqlite_stat1', 'sqlite_stat4'))",
    )?;
    let found = query.query_map([], |row| {
        let definition: String = row.get(2)?;
        let words: Vec<&str> = definition.split_whitespace().collect();
        Ok(((row.get(0)?, row.get(1)?), words.join(" ")))
    })?;
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours() -> Connection {
        let mut connection = Connection::open_in_memory().expect("a database");
        migrate::migrate(&mut connection).expect("migrated");
        connection
    }

    #[test]
    fn every_version_has_its_own_schema() {
        for version in 1..=migrate::newest() {
            let mut connection = Connection::open_in_memory().expect("a database");
            migrate::to_version(&mut connection, version).expect("migrated");
            connection.execute_batch("ANALYZE").expect("statistics");
            assert_eq!(differences(&connection, version).expect("read"), [""; 0]);
        }
    }

    #[test]
    fn what_was_added_taken_or_changed_is_named() {
        for (change, wanted) in [
            ("DROP TABLE acks", "the table acks is missing"),
            ("DROP INDEX runs_of_rule", "the index runs_of_rule is missing"),
            ("DROP TRIGGER runs_stay", "the trigger runs_stay is missing"),
            ("CREATE VIEW v AS SELECT 1", "the view v is not one of monzod"),
            ("CREATE TABLE t (x)", "the table t is not one of monzod"),
            (
                "CREATE TRIGGER t AFTER INSERT ON secrets BEGIN INSERT INTO acks VALUES (new.name, NULL); END",
                "the trigger t is not one of monzod",
            ),
            (
                "DROP TRIGGER runs_stay; CREATE TRIGGER runs_stay BEFORE DELETE ON runs BEGIN SELECT 1; END",
                "the trigger runs_stay is not as schema",
            ),
            ("ALTER TABLE acks ADD COLUMN more TEXT", "the table acks is not as schema"),
        ] {
            let connection = ours();
            connection.execute_batch(change).expect(change);
            let found = differences(&connection, migrate::newest()).expect("read");
            assert!(found.len() == 1 && found[0].starts_with(wanted), "{change}: {found:?}");
        }
    }
}
