//! What the daemon's database says, read from outside.

use std::path::Path;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, Row};

use super::rules::LOOKOUT;

/// A look at the database, which changes nothing.
pub struct Eye(Connection);

/// A run as it is kept.
#[derive(Debug, Clone)]
pub struct Run {
    pub id: String,
    pub rule: String,
    pub cause: String,
    pub occurrence: Option<String>,
    pub state: String,
    pub by: Option<String>,
    pub created: i64,
    pub approved: Option<i64>,
    pub started: Option<i64>,
    pub ended: Option<i64>,
}

impl Run {
    /// Nobody looked at it before it began.
    pub fn by_itself(&self) -> bool {
        self.by.as_deref() == Some("auto")
    }
}

/// A transfer as it is kept.
#[derive(Debug, Clone)]
pub struct Transfer {
    pub run: String,
    pub kind: String,
    pub pot: String,
    pub amount: i64,
    pub state: String,
    pub key: String,
    pub reconciled: Option<i64>,
    pub row: Option<String>,
}

impl Eye {
    pub fn open(database: &Path) -> Self {
        Self(Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY).expect("a database"))
    }

    fn all<T>(&self, query: &str, read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>) -> Vec<T> {
        let mut query = self.0.prepare_cached(query).expect("a query");
        query.query_map([], read).expect("rows").collect::<Result<_, _>>().expect("readable")
    }

    fn one<T: rusqlite::types::FromSql>(&self, query: &str) -> T {
        self.all(query, |row| row.get(0)).pop().expect("a row")
    }

    /// Every run, the oldest first.
    pub fn runs(&self) -> Vec<Run> {
        let query = "SELECT id, rule, cause, occurrence, state, approved_by, created_at, approved_at, started_at, \
                     ended_at FROM runs ORDER BY number";
        self.all(query, |row| {
            Ok(Run {
                id: row.get(0)?,
                rule: row.get(1)?,
                cause: row.get(2)?,
                occurrence: row.get(3)?,
                state: row.get(4)?,
                by: row.get(5)?,
                created: row.get(6)?,
                approved: row.get(7)?,
                started: row.get(8)?,
                ended: row.get(9)?,
            })
        })
    }

    /// Every transfer, in the order of the runs.
    pub fn transfers(&self) -> Vec<Transfer> {
        let query = "SELECT run_id, kind, pot_id, amount, t.state, dedupe_id, reconciled_at, transaction_id \
                     FROM transfers t JOIN runs r ON r.id = t.run_id ORDER BY r.number, place";
        self.all(query, |row| {
            Ok(Transfer {
                run: row.get(0)?,
                kind: row.get(1)?,
                pot: row.get(2)?,
                amount: row.get(3)?,
                state: row.get(4)?,
                key: row.get(5)?,
                reconciled: row.get(6)?,
                row: row.get(7)?,
            })
        })
    }

    /// Why nothing is settled yet; nothing when the last sync has been looked at and all that it let go has ended.
    pub fn unsettled(&self) -> Option<&'static str> {
        let (ended, state): (Option<i64>, String) = self
            .all("SELECT ended_at, state FROM syncs ORDER BY number DESC LIMIT 1", |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .pop()?;
        let Some(ended) = ended else { return Some("a sync runs") };
        if state != "failed" && state != "cancelled" {
            let looked =
                format!("SELECT coalesce(max(at), 0) FROM balance_triggers WHERE rule = '{LOOKOUT}'");
            if self.one::<i64>(&looked) < ended {
                return Some("the rules are still to be looked at");
            }
        }
        if self.one::<i64>("SELECT count(*) FROM runs WHERE state IN ('approved', 'executing')") > 0 {
            return Some("a run is under way");
        }
        let follows = "SELECT count(*) FROM runs WHERE started_at IS NOT NULL AND ended_at > \
                       (SELECT started_at FROM syncs ORDER BY number DESC LIMIT 1)";
        (self.one::<i64>(follows) > 0).then_some("no sync has followed a run")
    }

    /// Waits until nothing moves any more; answers what still does after `longest`.
    pub fn settle(&self, longest: Duration) -> Result<(), &'static str> {
        let deadline = Instant::now() + longest;
        while let Some(why) = self.unsettled() {
            if Instant::now() > deadline {
                return Err(why);
            }
            std::thread::sleep(Duration::from_millis(4));
        }
        Ok(())
    }

    /// Records that could not be understood.
    pub fn quarantined(&self) -> i64 {
        self.one("SELECT count(*) FROM quarantine")
    }

    /// Syncs by their cause and state, for whoever wants to know what a year costs.
    pub fn syncs(&self) -> Vec<(String, String, i64)> {
        self.all("SELECT cause, state, count(*) FROM syncs GROUP BY cause, state", |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
    }
}

/// An instant of the database.
pub fn instant(at: i64) -> Timestamp {
    Timestamp::from_millisecond(at).expect("an instant")
}
