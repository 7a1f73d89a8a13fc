//! Notices to a person, and what they have been told already.

use std::collections::BTreeMap;

use jiff::Timestamp;
use monzo_common::id::AccountId;
use rusqlite::params;

use super::time::{at, maybe_at, maybe_ms, ms};
use super::{Reader, StoreError, Writer};

/// Up to which event a person has been told, in `meta`.
pub(super) const TOLD_TO: &str = "told_to";

/// Notices that are kept. Taste: a year of a busy life.
const KEPT: i64 = 2_000;

/// Something to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The kind of news, as the configuration names it.
    pub topic: String,
    /// The attention or run it is about.
    pub subject: String,
    /// A few words.
    pub title: String,
    /// A sentence or two.
    pub body: String,
    /// The account in whose feed it belongs, where it is about one.
    pub account_id: Option<AccountId>,
}

/// A notice that is still to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Its number.
    pub id: i64,
    /// When it was written.
    pub at: Timestamp,
    /// What it says.
    pub notice: Notice,
}

/// What is known of an attention that a person was told of, or may have to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownAttention {
    /// What it said.
    pub message: String,
    /// Since when it lasts, or lasted.
    pub seen_at: Timestamp,
    /// When a person was told of it.
    pub told_at: Option<Timestamp>,
    /// When it was no longer there.
    pub over_at: Option<Timestamp>,
}

/// What became of a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeState {
    /// Not sent yet.
    Waiting,
    /// Sent, or about to be; it is not sent again.
    Sent,
    /// The channel refuses it.
    Refused,
    /// It was no longer news before it could be sent.
    Dropped,
}

impl NoticeState {
    fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sent => "sent",
            Self::Refused => "refused",
            Self::Dropped => "dropped",
        }
    }
}

impl Reader<'_> {
    /// Notices still to be sent, oldest first.
    pub fn waiting_notices(&self) -> Result<Vec<Waiting>, StoreError> {
        let mut query = self.0.prepare_cached(
            "SELECT id, at, topic, subject, title, body, account_id FROM notices WHERE state = 'waiting' ORDER BY id",
        )?;
        let waiting = query.query_map([], |row| {
            let notice = Notice {
                topic: row.get(2)?,
                subject: row.get(3)?,
                title: row.get(4)?,
                body: row.get(5)?,
                account_id: row.get::<_, Option<String>>(6)?.map(AccountId::from),
            };
            Ok(Waiting { id: row.get(0)?, at: at(row, 1)?, notice })
        })?;
        Ok(waiting.collect::<Result<_, _>>()?)
    }

    /// How many notices were sent from an instant until now; those that a wrong clock has dated later do not count.
    pub fn notices_sent_between(&self, since: Timestamp, now: Timestamp) -> Result<u64, StoreError> {
        let count = "SELECT count(*) FROM notices WHERE state = 'sent' AND at BETWEEN ?1 AND ?2";
        Ok(self.0.prepare_cached(count)?.query_row([ms(since), ms(now)], |row| row.get(0))?)
    }

    /// What is known of attentions, by id.
    pub fn known_attention(&self) -> Result<BTreeMap<String, KnownAttention>, StoreError> {
        let mut query =
            self.0.prepare_cached("SELECT id, message, seen_at, told_at, over_at FROM matters")?;
        let known = query.query_map([], |row| {
            let attention = KnownAttention {
                message: row.get(1)?,
                seen_at: at(row, 2)?,
                told_at: maybe_at(row, 3)?,
                over_at: maybe_at(row, 4)?,
            };
            Ok((row.get(0)?, attention))
        })?;
        Ok(known.collect::<Result<_, _>>()?)
    }

    /// Up to which event a person has been told; `None` in a database that never told anything.
    pub fn told_to(&self) -> Result<Option<i64>, StoreError> {
        Ok(self.meta(TOLD_TO)?.and_then(|text| text.parse().ok()))
    }

    /// The number of the newest event.
    pub fn newest_event(&self) -> Result<i64, StoreError> {
        let newest = "SELECT max(id) FROM events";
        Ok(self.0.prepare_cached(newest)?.query_row([], |row| row.get::<_, Option<i64>>(0))?.unwrap_or(0))
    }
}

impl Writer<'_> {
    /// Writes notices that are to be sent.
    pub fn insert_notices(&self, notices: &[Notice], now: Timestamp) -> Result<(), StoreError> {
        let mut insert = self.0.0.prepare_cached(
            "INSERT INTO notices (at, topic, subject, title, body, account_id, state) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'waiting') RETURNING id",
        )?;
        for notice in notices {
            let Notice { topic, subject, title, body, account_id } = notice;
            let account = account_id.as_ref().map(AccountId::as_str);
            let values = params![ms(now), topic, subject, title, body, account];
            let id: i64 = insert.query_row(values, |row| row.get(0))?;
            self.0.0.prepare_cached("DELETE FROM notices WHERE id <= ?1")?.execute([id - KEPT])?;
        }
        Ok(())
    }

    /// Stores what became of a notice; `false` if it was no longer in the state `from`.
    pub fn step_notice(&self, id: i64, from: NoticeState, to: NoticeState) -> Result<bool, StoreError> {
        let update = "UPDATE notices SET state = ?3 WHERE id = ?1 AND state = ?2";
        let changed = self.0.0.prepare_cached(update)?.execute(params![id, from.as_str(), to.as_str()])?;
        Ok(changed == 1)
    }

    /// Stores what is known of an attention; `None` removes it.
    pub fn set_known_attention(&self, id: &str, known: Option<&KnownAttention>) -> Result<(), StoreError> {
        let Some(KnownAttention { message, seen_at, told_at, over_at }) = known else {
            self.0.0.prepare_cached("DELETE FROM matters WHERE id = ?1")?.execute([id])?;
            return Ok(());
        };
        let upsert = "INSERT OR REPLACE INTO matters (id, message, seen_at, told_at, over_at) VALUES (?1, ?2, ?3, ?4, ?5)";
        let values = params![id, message, ms(*seen_at), maybe_ms(*told_at), maybe_ms(*over_at)];
        self.0.0.prepare_cached(upsert)?.execute(values)?;
        Ok(())
    }

    /// A person has been told of everything up to this event.
    pub fn set_told_to(&self, event: i64) -> Result<(), StoreError> {
        self.set_meta(TOLD_TO, &event.to_string())
    }
}
