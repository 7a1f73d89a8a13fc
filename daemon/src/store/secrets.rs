//! What belongs to the login, sealed before it comes here; and to whom the database belongs.
//!
//! The store keeps names and bytes and looks into neither. `user_id` is no secret and stays in backups,
//! so that a backup of another person's database is recognised.

use monzo_common::id::UserId;
use rusqlite::params;

use super::time::optional;
use super::{Reader, StoreError, Writer};

/// Where the store keeps whose history it is.
pub(super) const USER_ID: &str = "user_id";

impl Reader<'_> {
    /// A sealed value.
    pub fn secret(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let one = "SELECT value FROM secrets WHERE name = ?1";
        optional(self.0.prepare_cached(one)?.query_row([name], |row| row.get(0)))
    }

    /// There is any sealed value.
    pub fn any_secret(&self) -> Result<bool, StoreError> {
        Ok(self.0.prepare_cached("SELECT EXISTS (SELECT 1 FROM secrets)")?.query_row([], |row| row.get(0))?)
    }

    /// Whose history this is.
    pub fn user_id(&self) -> Result<Option<UserId>, StoreError> {
        Ok(self.meta(USER_ID)?.map(UserId::from))
    }

    /// A small value that is not worth a table.
    pub fn meta(&self, key: &str) -> Result<Option<String>, StoreError> {
        let one = "SELECT value FROM meta WHERE key = ?1";
        optional(self.0.prepare_cached(one)?.query_row([key], |row| row.get(0)))
    }
}

impl Writer<'_> {
    /// Keeps a sealed value.
    pub fn set_secret(&self, name: &str, value: &[u8]) -> Result<(), StoreError> {
        let upsert = "INSERT OR REPLACE INTO secrets (name, value) VALUES (?1, ?2)";
        self.0.0.prepare_cached(upsert)?.execute(params![name, value])?;
        Ok(())
    }

    /// Forgets a sealed value.
    pub fn forget_secret(&self, name: &str) -> Result<(), StoreError> {
        self.0.0.prepare_cached("DELETE FROM secrets WHERE name = ?1")?.execute([name])?;
        Ok(())
    }

    /// Binds the database to a person; once bound it stays so.
    pub fn bind_user(&self, user: &UserId) -> Result<(), StoreError> {
        let bind = "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
        self.0.0.prepare_cached(bind)?.execute([USER_ID, user.as_str()])?;
        Ok(())
    }

    /// Keeps a small value.
    pub fn set_meta(&self, key: &str, value: &str) -> Result<(), StoreError> {
        let upsert = "INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)";
        self.0.0.prepare_cached(upsert)?.execute([key, value])?;
        Ok(())
    }
}
