//! What holds the autosorter back: freezes, pots that only the app moves, and moves of ours that nobody here made.

use jiff::Timestamp;
use monzo_common::id::{AccountId, PotId};
use monzo_common::model::Freeze;
use rusqlite::params;

use super::time::{at, maybe_at, maybe_ms, ms};
use super::transfers::LedgerMove;
use super::{Reader, StoreError, Writer};
use crate::facts;

/// Notes in a database that it took the place of another, until a person thaws the sorter.
pub(super) const RESTORED_AT: &str = "restored_at";

/// A pot that refused for good what anybody but the app asked of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppPot {
    /// The pot.
    pub pot_id: PotId,
    /// It refused to give; else to take.
    pub out: bool,
    /// What the bank said.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

impl AppPot {
    /// `out` of the pot, or `in`.
    pub const fn way(&self) -> &'static str {
        if self.out { "out" } else { "in" }
    }
}

impl Reader<'_> {
    /// The freezes that hold at an instant, that of everything first.
    pub fn freezes(&self, now: Timestamp) -> Result<Vec<Freeze>, StoreError> {
        let mut query = self.0.prepare_cached(
            "SELECT rule, at, until, reason FROM freezes WHERE until IS NULL OR until > ?1 ORDER BY rule",
        )?;
        let freezes = query.query_map([ms(now)], |row| {
            let rule: String = row.get(0)?;
            Ok(Freeze {
                rule: Some(rule).filter(|rule| !rule.is_empty()),
                at: at(row, 1)?,
                until: maybe_at(row, 2)?,
                reason: row.get(3)?,
            })
        })?;
        let mut freezes: Vec<Freeze> = freezes.collect::<Result<_, _>>()?;
        let whole = freezes.iter().any(|freeze| freeze.rule.is_none());
        if let Some(at) = self.meta(RESTORED_AT)?.filter(|_| !whole) {
            let reason =
                "this database took the place of another one, and may not know all that was moved".to_owned();
            freezes.insert(0, Freeze { rule: None, at: at.parse().unwrap_or(now), until: None, reason });
        }
        Ok(freezes)
    }

    /// Pots that only the app moves money of, with what the bank said.
    pub fn app_pots(&self) -> Result<Vec<AppPot>, StoreError> {
        let mut query =
            self.0.prepare_cached("SELECT pot_id, way, reason, at FROM app_pots ORDER BY at, pot_id, way")?;
        let pots = query.query_map([], |row| {
            let (pot_id, way): (String, String) = (row.get(0)?, row.get(1)?);
            Ok(AppPot { pot_id: pot_id.into(), out: way == "out", reason: row.get(2)?, at: at(row, 3)? })
        })?;
        Ok(pots.collect::<Result<_, _>>()?)
    }

    /// Rows of ours that no transfer here explains and that nobody has been told of.
    pub fn foreign_moves(&self) -> Result<Vec<LedgerMove>, StoreError> {
        let mut known = self.0.prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM transfers WHERE dedupe_id = ?1) \
             OR EXISTS (SELECT 1 FROM foreign_transfers WHERE dedupe_id = ?1)",
        )?;
        let mut foreign = Vec::new();
        for found in self.ledger_moves(None)? {
            if !known.query_row([&found.dedupe_id], |row| row.get::<_, bool>(0))? {
                foreign.push(found);
            }
        }
        Ok(foreign)
    }
}

impl Writer<'_> {
    /// Has the freezes that begin after `future` begin at `now`, and last as long as before.
    pub fn date_freezes(&self, future: Timestamp, now: Timestamp) -> Result<(), StoreError> {
        let update =
            "UPDATE freezes SET until = ?2 + (until - at), at = ?2 WHERE at > ?1 AND until IS NOT NULL";
        self.0.0.prepare_cached(update)?.execute([ms(future), ms(now)])?;
        Ok(())
    }

    /// Freezes everything, or one rule; `true` if that is new.
    pub fn freeze(
        &self,
        rule: Option<&str>,
        until: Option<Timestamp>,
        reason: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let held = self
            .freezes(now)?
            .into_iter()
            .any(|freeze| freeze.rule.as_deref() == rule && freeze.until == until);
        if held {
            return Ok(false);
        }
        let upsert = "INSERT OR REPLACE INTO freezes (rule, at, until, reason) VALUES (?1, ?2, ?3, ?4)";
        let values = params![rule.unwrap_or_default(), ms(now), maybe_ms(until), reason];
        self.0.0.prepare_cached(upsert)?.execute(values)?;
        Ok(true)
    }

    /// Thaws everything, or one rule; `true` if it was frozen.
    pub fn thaw(&self, rule: Option<&str>) -> Result<bool, StoreError> {
        let delete = "DELETE FROM freezes WHERE rule = ?1";
        let thawed = self.0.0.prepare_cached(delete)?.execute([rule.unwrap_or_default()])? > 0;
        if rule.is_some() {
            return Ok(thawed);
        }
        let restored =
            self.0.0.prepare_cached("DELETE FROM meta WHERE key = ?1")?.execute([RESTORED_AT])? > 0;
        Ok(thawed || restored)
    }

    /// Notes that only the app moves money of a pot.
    pub fn needs_app(&self, pot: &AppPot) -> Result<bool, StoreError> {
        let insert =
            "INSERT INTO app_pots (pot_id, way, at, reason) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING";
        Ok(self.0.0.prepare_cached(insert)?.execute(params![
            pot.pot_id.as_str(),
            pot.way(),
            ms(pot.at),
            pot.reason
        ])? > 0)
    }

    /// Lets a pot be tried again that only the app was left to move; `true` if it was so.
    pub fn thaw_pot(&self, pot: &PotId) -> Result<bool, StoreError> {
        let delete = "DELETE FROM app_pots WHERE pot_id = ?1";
        Ok(self.0.0.prepare_cached(delete)?.execute([pot.as_str()])? > 0)
    }

    /// Notes a row of ours that nobody here made, so that it is told once.
    pub fn note_foreign(&self, found: &LedgerMove, now: Timestamp) -> Result<(), StoreError> {
        let insert = "INSERT INTO foreign_transfers (dedupe_id, transaction_id, at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
        self.0.0.prepare_cached(insert)?.execute(params![found.dedupe_id, found.transaction_id, ms(now)])?;
        Ok(())
    }

    /// Keeps what one pot holds by the bank's own answer to a move.
    pub fn keep_pot_balance(
        &self,
        account: &AccountId,
        pot: &facts::Pot,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.upsert_pots(account, std::slice::from_ref(pot), now)
    }
}
