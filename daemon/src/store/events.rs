//! Events, and which attentions a person has silenced.

use std::collections::BTreeMap;

use jiff::Timestamp;
use monzo_common::model::{Event, Severity};
use rusqlite::{Row, params};

use super::time::{at, maybe_at, maybe_ms, ms};
use super::{Reader, StoreError, Writer};
use crate::events::Happened;

/// Events that are kept. Taste: years of an uneventful life.
const KEPT: i64 = 20_000;

fn event(row: &Row<'_>) -> rusqlite::Result<Event> {
    let severity: String = row.get(3)?;
    Ok(Event {
        id: row.get(0)?,
        at: at(row, 1)?,
        kind: row.get(2)?,
        severity: if severity == "problem" { Severity::Problem } else { Severity::Note },
        message: row.get(4)?,
        account_id: row.get(5)?,
        pot_id: row.get(6)?,
        transaction_id: row.get(7)?,
        sync_id: row.get(8)?,
        rule: row.get(9)?,
        run_id: row.get(10)?,
    })
}

const SELECT: &str = "SELECT id, at, kind, severity, message, account_id, pot_id, transaction_id, sync_id, rule, run_id FROM events";

impl Reader<'_> {
    /// Events after `after`, oldest first; or before `before`, newest first. Whether there are more comes with them.
    pub fn events(
        &self,
        after: Option<i64>,
        before: Option<i64>,
        limit: u32,
    ) -> Result<(Vec<Event>, bool), StoreError> {
        let (page, from) = match after {
            Some(after) => (format!("{SELECT} WHERE id > ?1 ORDER BY id LIMIT ?2"), after),
            None => (format!("{SELECT} WHERE id < ?1 ORDER BY id DESC LIMIT ?2"), before.unwrap_or(i64::MAX)),
        };
        let mut query = self.0.prepare_cached(&page)?;
        let mut events: Vec<Event> =
            query.query_map([from, i64::from(limit) + 1], event)?.collect::<Result<_, _>>()?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = events.len() > limit;
        events.truncate(limit);
        Ok((events, more))
    }

    /// The silenced attentions, each for as long as it lasts or until a time.
    pub fn acknowledged(&self) -> Result<BTreeMap<String, Option<Timestamp>>, StoreError> {
        let mut query = self.0.prepare_cached("SELECT id, until FROM acks")?;
        Ok(query.query_map([], |row| Ok((row.get(0)?, maybe_at(row, 1)?)))?.collect::<Result<_, _>>()?)
    }
}

impl Writer<'_> {
    /// Keeps an event and gives it its number.
    pub fn append_event(&self, happened: &Happened, now: Timestamp) -> Result<i64, StoreError> {
        let severity = match happened.kind.severity() {
            Severity::Problem => "problem",
            Severity::Note => "note",
        };
        let mut insert = self.0.0.prepare_cached(
            "INSERT INTO events (at, kind, severity, message, account_id, pot_id, transaction_id, sync_id, \
             rule, run_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?;
        let id = insert.insert(params![
            ms(now),
            happened.kind.as_str(),
            severity,
            happened.message,
            happened.account_id,
            happened.pot_id,
            happened.transaction_id,
            happened.sync_id,
            happened.rule,
            happened.run_id,
        ])?;
        self.0.0.prepare_cached("DELETE FROM events WHERE id <= ?1")?.execute([id - KEPT])?;
        Ok(id)
    }

    /// Silences an attention; `true` if that is new.
    pub fn acknowledge(&self, id: &str, until: Option<Timestamp>) -> Result<bool, StoreError> {
        if self.acknowledged()?.get(id) == Some(&until) {
            return Ok(false);
        }
        let upsert = "INSERT OR REPLACE INTO acks (id, until) VALUES (?1, ?2)";
        self.0.0.prepare_cached(upsert)?.execute(params![id, maybe_ms(until)])?;
        Ok(true)
    }

    /// An attention is over, so that the next of its kind speaks again.
    pub fn unacknowledge(&self, id: &str) -> Result<(), StoreError> {
        self.0.0.prepare_cached("DELETE FROM acks WHERE id = ?1")?.execute([id])?;
        Ok(())
    }
}
