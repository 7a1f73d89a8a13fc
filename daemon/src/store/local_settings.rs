//! What the person decided here, and not at the bank: exclusions, roles, and who did what over the socket.

use std::collections::BTreeMap;

use jiff::Timestamp;
use monzo_common::model::{Excluded, Role};
use rusqlite::params;

use super::time::{ms, optional};
use super::{Reader, StoreError, Writer};

/// Audited calls that are kept. Taste.
const KEPT: i64 = 10_000;

/// A call that was made by an operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audited {
    /// The caller, as the kernel says it.
    pub uid: u32,
    /// Its process, for information: numbers are used again.
    pub pid: Option<i32>,
    /// What was called.
    pub method: String,
    /// `ok`, or the fault's code.
    pub outcome: String,
}

const fn word(kind: Excluded) -> &'static str {
    match kind {
        Excluded::Account => "account",
        Excluded::Pot => "pot",
    }
}

impl Reader<'_> {
    /// What was excluded by hand.
    pub fn exclusions(&self) -> Result<Vec<(Excluded, String)>, StoreError> {
        let mut query = self.0.prepare_cached("SELECT kind, id FROM exclusions ORDER BY at, id")?;
        let exclusions = query.query_map([], |row| {
            let kind: String = row.get(0)?;
            Ok((if kind == "pot" { Excluded::Pot } else { Excluded::Account }, row.get(1)?))
        })?;
        Ok(exclusions.collect::<Result<_, _>>()?)
    }

    /// What a name was bound to when it was first used.
    pub fn bound(&self, kind: Excluded, name: &str) -> Result<Option<String>, StoreError> {
        let one = "SELECT id FROM names WHERE name = ?1 AND kind = ?2";
        optional(self.0.prepare_cached(one)?.query_row([name, word(kind)], |row| row.get(0)))
    }

    /// What all names were bound to when they were first used: ids by name.
    pub fn bound_names(&self) -> Result<BTreeMap<String, String>, StoreError> {
        let mut query = self.0.prepare_cached("SELECT name, id FROM names")?;
        let names = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(names.collect::<Result<_, _>>()?)
    }

    /// Roles that were given over the socket.
    pub fn grants(&self) -> Result<Vec<(String, Role)>, StoreError> {
        let mut query = self.0.prepare_cached("SELECT who, role FROM grants ORDER BY at, who")?;
        let grants = query.query_map([], |row| {
            let role: String = row.get(1)?;
            Ok((row.get(0)?, if role == "operator" { Role::Operator } else { Role::Viewer }))
        })?;
        Ok(grants.collect::<Result<_, _>>()?)
    }
}

impl Writer<'_> {
    /// Excludes an account or pot; `true` if that is new.
    pub fn exclude(&self, kind: Excluded, id: &str, now: Timestamp) -> Result<bool, StoreError> {
        let kind = word(kind);
        let insert = "INSERT INTO exclusions (id, kind, at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
        Ok(self.0.0.prepare_cached(insert)?.execute(params![id, kind, ms(now)])? > 0)
    }

    /// Binds a name to what it means now; one that is bound already stays so. Answers what it is bound to.
    pub fn bind(&self, kind: Excluded, name: &str, id: &str, now: Timestamp) -> Result<String, StoreError> {
        let insert = "INSERT INTO names (name, kind, id, at) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING";
        self.0.0.prepare_cached(insert)?.execute(params![name, word(kind), id, ms(now)])?;
        Ok(self.bound(kind, name)?.unwrap_or_else(|| id.to_owned()))
    }

    /// Takes an exclusion back; `true` if there was one.
    pub fn include(&self, id: &str) -> Result<bool, StoreError> {
        Ok(self.0.0.prepare_cached("DELETE FROM exclusions WHERE id = ?1")?.execute([id])? > 0)
    }

    /// Gives a role; `true` if that is new.
    pub fn grant(&self, who: &str, role: Role, now: Timestamp) -> Result<bool, StoreError> {
        let role = match role {
            Role::Viewer => "viewer",
            Role::Operator => "operator",
        };
        let upsert = "INSERT INTO grants (who, role, at) VALUES (?1, ?2, ?3) \
             ON CONFLICT (who) DO UPDATE SET role = excluded.role WHERE role <> excluded.role";
        Ok(self.0.0.prepare_cached(upsert)?.execute(params![who, role, ms(now)])? > 0)
    }

    /// Takes a role away; `true` if there was one.
    pub fn revoke(&self, who: &str) -> Result<bool, StoreError> {
        Ok(self.0.0.prepare_cached("DELETE FROM grants WHERE who = ?1")?.execute([who])? > 0)
    }

    /// Keeps who called what.
    pub fn audit(&self, call: &Audited, now: Timestamp) -> Result<(), StoreError> {
        let mut insert = self.0.0.prepare_cached(
            "INSERT INTO audit (at, uid, pid, method, outcome) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?;
        let id = insert.insert(params![ms(now), call.uid, call.pid, call.method, call.outcome])?;
        self.0.0.prepare_cached("DELETE FROM audit WHERE id <= ?1")?.execute([id - KEPT])?;
        Ok(())
    }
}
