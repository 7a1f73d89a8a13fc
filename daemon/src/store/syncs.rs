//! Syncs: each is noted before it begins and when it ends, so that none is forgotten by a crash.

use jiff::Timestamp;
use monzo_common::fault::FaultKind;
use monzo_common::model::{AccountSync, Sync, SyncCause, SyncState};
use rusqlite::{Row, params};

use super::time::{at, maybe_at, maybe_ms, ms, optional, parsed};
use super::{Reader, StoreError, Writer};

/// Where the store keeps when the next sync is due.
const DUE_AT: &str = "due_at";

/// Syncs that are kept; older ones are forgotten. Taste: two years of four a day.
const KEPT: i64 = 3000;

fn sync(row: &Row<'_>) -> rusqlite::Result<(i64, Sync)> {
    let sync = Sync {
        id: row.get(1)?,
        state: parsed(row, 2)?,
        cause: parsed(row, 3)?,
        started_at: at(row, 4)?,
        ended_at: maybe_at(row, 5)?,
        accounts: Vec::new(),
        error: row.get(6)?,
        code: code(row, 7)?,
    };
    Ok((row.get(0)?, sync))
}

/// A code that this version does not know is none.
fn code(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<FaultKind>> {
    let code: Option<String> = row.get(column)?;
    Ok(code.as_deref().and_then(FaultKind::of_code))
}

const SELECT: &str = "SELECT number, id, state, cause, started_at, ended_at, error, code FROM syncs";

impl Reader<'_> {
    /// One sync, by its id or a prefix that only it has.
    ///
    /// # Errors
    /// [`StoreError::Missing`] or [`StoreError::Ambiguous`].
    pub fn sync(&self, id: &str) -> Result<Sync, StoreError> {
        let some = format!("{SELECT} WHERE id >= ?1 AND id < ?2 ORDER BY id LIMIT 5");
        let mut query = self.0.prepare_cached(&some)?;
        let mut found: Vec<Sync> = query
            .query_map([id, &format!("{id}\u{10FFFF}")], |row| Ok(sync(row)?.1))?
            .collect::<Result<_, _>>()?;
        if let Some(exact) = found.iter().position(|sync| sync.id == id) {
            return self.with_accounts(found.swap_remove(exact));
        }
        match found.len() {
            0 => Err(StoreError::Missing(id.to_owned())),
            1 => self.with_accounts(found.swap_remove(0)),
            _ => {
                let named: Vec<String> = found.into_iter().map(|sync| sync.id).collect();
                Err(StoreError::Ambiguous(id.to_owned(), named.join(", ")))
            }
        }
    }

    /// Syncs before number `before`, newest first; only those with problems, if asked. With the number of the last.
    pub fn syncs(
        &self,
        problems: bool,
        before: Option<i64>,
        limit: u32,
    ) -> Result<(Vec<Sync>, Option<i64>), StoreError> {
        let page = format!(
            "{SELECT} WHERE number < ?1 AND (NOT ?2 OR state IN ('partial', 'failed')) ORDER BY number DESC LIMIT ?3"
        );
        let mut query = self.0.prepare_cached(&page)?;
        let found: Vec<(i64, Sync)> = query
            .query_map(params![before.unwrap_or(i64::MAX), problems, i64::from(limit) + 1], sync)?
            .collect::<Result<_, _>>()?;
        let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = found.len() > wanted;
        let last = found.iter().take(wanted).next_back().map(|(number, _)| *number).filter(|_| more);
        let syncs = found.into_iter().take(wanted).map(|(_, sync)| self.with_accounts(sync));
        Ok((syncs.collect::<Result<_, _>>()?, last))
    }

    fn with_accounts(&self, sync: Sync) -> Result<Sync, StoreError> {
        let mut query = self.0.prepare_cached(
            "SELECT account_id, pages, added, changed, withdrawn, error, code FROM sync_accounts WHERE sync_id = ?1 ORDER BY account_id",
        )?;
        let accounts = query.query_map([&sync.id], |row| {
            Ok(AccountSync {
                account_id: row.get::<_, String>(0)?.into(),
                pages: row.get(1)?,
                added: row.get(2)?,
                changed: row.get(3)?,
                withdrawn: row.get(4)?,
                error: row.get(5)?,
                code: code(row, 6)?,
            })
        })?;
        let accounts = accounts.collect::<Result<_, _>>()?;
        Ok(Sync { accounts, ..sync })
    }

    /// When a sync last read what could be read: an account that fails is told of by itself and holds no other back.
    pub fn last_success_at(&self) -> Result<Option<Timestamp>, StoreError> {
        let newest = "SELECT ended_at FROM syncs WHERE state = 'done' OR (state = 'partial' AND EXISTS \
             (SELECT 1 FROM sync_accounts s JOIN accounts a ON a.id = s.account_id \
             WHERE s.sync_id = syncs.id AND s.pages > 0 AND s.error IS NULL AND a.pot_id IS NULL)) ORDER BY number DESC LIMIT 1";
        Ok(optional(self.0.prepare_cached(newest)?.query_row([], |row| maybe_at(row, 0)))?.flatten())
    }

    /// When a sync last began.
    pub fn last_attempt_at(&self) -> Result<Option<Timestamp>, StoreError> {
        let newest = "SELECT started_at FROM syncs ORDER BY number DESC LIMIT 1";
        optional(self.0.prepare_cached(newest)?.query_row([], |row| at(row, 0)))
    }

    /// Why the newest sync failed as a whole, if it did; one that was cancelled or still runs says nothing.
    pub fn last_sync_error(&self) -> Result<Option<String>, StoreError> {
        let newest = "SELECT error FROM syncs WHERE state IN ('done', 'partial', 'failed') \
                      ORDER BY number DESC LIMIT 1";
        Ok(optional(self.0.prepare_cached(newest)?.query_row([], |row| row.get(0)))?.flatten())
    }

    /// When the next sync is due.
    pub fn due_at(&self) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.meta(DUE_AT)?.and_then(|text| text.parse().ok()))
    }
}

impl Writer<'_> {
    /// Notes a sync that begins under a fresh `id`, and ends whatever was left running: only one ever does.
    ///
    /// The number behind it only orders syncs and never leaves the database.
    pub fn begin_sync(&self, id: &str, cause: SyncCause, now: Timestamp) -> Result<Sync, StoreError> {
        self.close_unfinished_syncs(now)?;
        let next = "SELECT coalesce(max(number), 0) + 1 FROM syncs";
        let number: i64 = self.0.0.prepare_cached(next)?.query_row([], |row| row.get(0))?;
        let sync = Sync {
            id: id.to_owned(),
            state: SyncState::Running,
            cause,
            started_at: now,
            ended_at: None,
            accounts: Vec::new(),
            error: None,
            code: None,
        };
        let insert = "INSERT INTO syncs (number, id, state, cause, started_at) VALUES (?1, ?2, ?3, ?4, ?5)";
        let values = params![number, sync.id, sync.state.word(), cause.word(), ms(now)];
        self.0.0.prepare_cached(insert)?.execute(values)?;
        self.0.0.prepare_cached("DELETE FROM syncs WHERE number <= ?1")?.execute([number - KEPT])?;
        Ok(sync)
    }

    /// Notes how a sync ended.
    pub fn end_sync(&self, sync: &Sync) -> Result<(), StoreError> {
        let update = "UPDATE syncs SET state = ?2, ended_at = ?3, error = ?4, code = ?5 WHERE id = ?1";
        let code = sync.code.map(FaultKind::code);
        let values = params![sync.id, sync.state.word(), maybe_ms(sync.ended_at), sync.error, code];
        self.0.0.prepare_cached(update)?.execute(values)?;
        let mut insert = self.0.0.prepare_cached(
            "INSERT OR REPLACE INTO sync_accounts (sync_id, account_id, pages, added, changed, withdrawn, error, code) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?;
        for account in &sync.accounts {
            let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
            insert.execute(params![
                sync.id,
                account.account_id.as_str(),
                number(account.pages),
                number(account.added),
                number(account.changed),
                number(account.withdrawn),
                account.error,
                account.code.map(FaultKind::code),
            ])?;
        }
        Ok(())
    }

    /// Ends what a daemon that was killed left running.
    pub fn close_unfinished_syncs(&self, now: Timestamp) -> Result<(), StoreError> {
        let update = "UPDATE syncs SET state = 'cancelled', ended_at = ?1 WHERE state = 'running'";
        self.0.0.execute(update, [ms(now)])?;
        Ok(())
    }

    /// Notes when the next sync is due.
    pub fn set_due_at(&self, due: Timestamp) -> Result<(), StoreError> {
        self.set_meta(DUE_AT, &due.to_string())
    }
}
