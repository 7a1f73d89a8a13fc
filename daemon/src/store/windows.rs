//! Windows of history: which parts of each account have been read, are being read, or could not be.

use jiff::{SignedDuration, Timestamp};
use monzo_common::id::{AccountId, TransactionId};
use rusqlite::{Row, params};

use super::time::{at, maybe_at, ms};
use super::{Reader, StoreError, Writer};

/// How far a window has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WindowState {
    /// To be read on.
    Open,
    /// Read completely.
    Complete,
    /// Not served by the bank until the next login.
    Refused,
}

impl WindowState {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Complete => "complete",
            Self::Refused => "refused",
        }
    }
}

/// A window as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredWindow {
    /// Its number.
    pub id: i64,
    /// The first instant in it.
    pub since: Timestamp,
    /// The first instant after it.
    pub before: Timestamp,
    /// The last row that was read in it.
    pub cursor: Option<(TransactionId, Timestamp)>,
    /// How far it has come.
    pub state: WindowState,
}

fn window(row: &Row<'_>) -> rusqlite::Result<StoredWindow> {
    let cursor_id: Option<String> = row.get(3)?;
    let state: String = row.get(5)?;
    Ok(StoredWindow {
        id: row.get(0)?,
        since: at(row, 1)?,
        before: at(row, 2)?,
        cursor: cursor_id.map(TransactionId::from).zip(maybe_at(row, 4)?),
        state: match state.as_str() {
            "complete" => WindowState::Complete,
            "refused" => WindowState::Refused,
            _ => WindowState::Open,
        },
    })
}

/// A window that reaches further than this beyond the present was noted by a clock that was wrong: clocks that are
/// right differ by minutes. Taste.
const AHEAD: SignedDuration = SignedDuration::from_hours(24);

impl Reader<'_> {
    /// Accounts with windows that reach into the future. One with rows there is none of them: then the present is wrong.
    pub fn read_ahead(&self, now: Timestamp) -> Result<Vec<AccountId>, StoreError> {
        let latest = now.checked_add(AHEAD).unwrap_or(Timestamp::MAX);
        let mut query = self.0.prepare_cached(
            "SELECT DISTINCT w.account_id FROM sync_windows w WHERE w.before > ?1 AND NOT EXISTS \
             (SELECT 1 FROM transactions t WHERE t.account_id = w.account_id AND t.created_at > ?1) ORDER BY 1",
        )?;
        let found = query.query_map([ms(latest)], |row| row.get::<_, String>(0).map(AccountId::from))?;
        Ok(found.collect::<Result<_, _>>()?)
    }

    /// An account's windows, oldest first.
    pub fn windows(&self, account: &AccountId) -> Result<Vec<StoredWindow>, StoreError> {
        let mut query = self.0.prepare_cached(
            "SELECT id, since, before, cursor_id, cursor_at, state FROM sync_windows WHERE account_id = ?1 ORDER BY since, id",
        )?;
        Ok(query.query_map([account.as_str()], window)?.collect::<Result<_, _>>()?)
    }

    /// How many windows are still to be read.
    pub fn open_windows(&self) -> Result<u64, StoreError> {
        let count = "SELECT count(*) FROM sync_windows WHERE state = 'open'";
        Ok(self.0.prepare_cached(count)?.query_row([], |row| row.get(0))?)
    }

    /// The unbroken chain of complete windows that ends last: from, to.
    pub fn covered(&self, account: &AccountId) -> Result<Option<(Timestamp, Timestamp)>, StoreError> {
        let complete =
            self.windows(account)?.into_iter().filter(|window| window.state == WindowState::Complete);
        Ok(chain(complete.map(|window| (window.since, window.before))))
    }

    /// The parts of an account's history that are not stored and wait for the next login.
    pub fn refused(&self, account: &AccountId) -> Result<Vec<(Timestamp, Timestamp)>, StoreError> {
        let refused =
            self.windows(account)?.into_iter().filter(|window| window.state == WindowState::Refused);
        Ok(refused.map(|window| (window.since, window.before)).collect())
    }
}

/// The last of the unbroken chains, in windows ordered by their beginning.
fn chain(windows: impl Iterator<Item = (Timestamp, Timestamp)>) -> Option<(Timestamp, Timestamp)> {
    let mut last: Option<(Timestamp, Timestamp)> = None;
    for (since, before) in windows {
        last = match last {
            Some((from, to)) if since <= to => Some((from, to.max(before))),
            _ => Some((since, before)),
        };
    }
    last
}

impl Writer<'_> {
    /// Adds a window.
    pub fn add_window(
        &self,
        account: &AccountId,
        since: Timestamp,
        before: Timestamp,
        state: WindowState,
    ) -> Result<(), StoreError> {
        let insert = "INSERT INTO sync_windows (account_id, since, before, state) VALUES (?1, ?2, ?3, ?4)";
        let values = params![account.as_str(), ms(since), ms(before), state.as_str()];
        self.0.0.prepare_cached(insert)?.execute(values)?;
        Ok(())
    }

    /// Takes a window away, to put its parts in its place.
    pub fn remove_window(&self, id: i64) -> Result<(), StoreError> {
        self.0.0.prepare_cached("DELETE FROM sync_windows WHERE id = ?1")?.execute([id])?;
        Ok(())
    }

    /// Takes back what a clock that was ahead noted: of windows that reach into the future, only what is older than
    /// `edge` counts as before; the rest is to be read again.
    pub fn take_back_windows(
        &self,
        account: &AccountId,
        edge: Timestamp,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let latest = now.checked_add(AHEAD).unwrap_or(Timestamp::MAX);
        for window in self.windows(account)?.into_iter().filter(|window| window.before > latest) {
            self.remove_window(window.id)?;
            // What is open is what a capture asked for; the next pass reads all that can be read.
            if window.since < edge && window.state != WindowState::Open {
                self.add_window(account, window.since, edge, window.state)?;
            }
        }
        Ok(())
    }

    /// Moves a window's cursor behind a row; together with the rows up to it.
    pub fn advance_window(&self, id: i64, row: &TransactionId, at: Timestamp) -> Result<(), StoreError> {
        let update = "UPDATE sync_windows SET cursor_id = ?2, cursor_at = ?3 WHERE id = ?1";
        self.0.0.prepare_cached(update)?.execute(params![id, row.as_str(), ms(at)])?;
        Ok(())
    }

    /// A window was read to its end; the next pass makes it one with those that it meets.
    pub fn complete_window(&self, id: i64) -> Result<(), StoreError> {
        let update =
            "UPDATE sync_windows SET state = 'complete', cursor_id = NULL, cursor_at = NULL WHERE id = ?1";
        self.0.0.prepare_cached(update)?.execute([id])?;
        Ok(())
    }

    /// A login reopens what the bank had refused.
    pub fn reopen_windows(&self, account: &AccountId) -> Result<(), StoreError> {
        let update = "UPDATE sync_windows SET state = 'open' WHERE account_id = ?1 AND state = 'refused'";
        self.0.0.prepare_cached(update)?.execute([account.as_str()])?;
        Ok(())
    }

    /// A part of the history is out of reach; what of it is known as such already is not noted twice.
    pub fn refuse_window(
        &self,
        account: &AccountId,
        since: Timestamp,
        before: Timestamp,
    ) -> Result<(), StoreError> {
        let windows = self.windows(account)?;
        let mut from = since;
        for window in windows.iter().filter(|window| window.state == WindowState::Refused) {
            if window.since <= from && from < window.before {
                from = window.before;
            } else if from < window.since && window.before <= before {
                self.remove_window(window.id)?;
            }
        }
        if from < before { self.add_window(account, from, before, WindowState::Refused) } else { Ok(()) }
    }

    /// A reading from `since` to `before` was complete; it becomes one with the complete windows that it meets, and
    /// what the bank had refused of it is no longer missing.
    pub fn extend_coverage(
        &self,
        account: &AccountId,
        since: Timestamp,
        before: Timestamp,
    ) -> Result<(), StoreError> {
        let (mut from, mut to) = (since, before);
        let windows = self.windows(account)?;
        for window in windows.iter().filter(|window| window.state == WindowState::Complete).rev() {
            if window.since <= to && from <= window.before {
                from = from.min(window.since);
                to = to.max(window.before);
                self.remove_window(window.id)?;
            }
        }
        for window in windows.iter().filter(|window| window.state == WindowState::Refused) {
            if window.since < to && from < window.before {
                self.remove_window(window.id)?;
                for (start, end) in
                    [(window.since, from.min(window.before)), (to.max(window.since), window.before)]
                {
                    if start < end {
                        self.add_window(account, start, end, WindowState::Refused)?;
                    }
                }
            }
        }
        if from < to { self.add_window(account, from, to, WindowState::Complete) } else { Ok(()) }
    }
}
