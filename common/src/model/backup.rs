//! Backups of the database, and bringing one back.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A backup that the daemon keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Backup {
    /// Its file name in the backup directory.
    pub name: String,
    /// When it was made.
    pub at: Timestamp,
    /// Bytes.
    pub size: u64,
    /// Why: `schedule`, `request`, `migration`, `restore`.
    pub cause: String,
    /// Holds tokens and the client secret (sealed).
    pub with_login: bool,
}

/// A piece of a backup on its way over the socket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BackupChunk {
    /// Where the piece begins, in bytes.
    pub offset: u64,
    /// The bytes, in base64.
    pub data: String,
    /// Size of the whole, in bytes.
    pub size: u64,
}

/// An upload that `backup.verify` and `backup.restore` can name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Upload {
    /// Name of the upload.
    pub upload: String,
    /// Bytes received so far.
    pub size: u64,
}

/// What a check of a database or backup found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Verification {
    /// What was checked: `database`, or the backup's or upload's name.
    pub name: String,
    /// Nothing is wrong with it.
    pub sound: bool,
    /// What is wrong, each in a sentence.
    pub problems: Vec<String>,
    /// Version of its schema.
    pub schema: i64,
    /// Whose history it holds.
    pub user_id: Option<String>,
    /// That is another person than the one whose history the database holds.
    #[serde(default)]
    pub other_user: bool,
    /// Accounts in it.
    pub accounts: u64,
    /// Transactions in it.
    pub transactions: u64,
    /// Its newest transaction.
    pub newest_at: Option<Timestamp>,
}

/// What a restore did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Restored {
    /// The database as it is now.
    pub verification: Verification,
    /// Where the database that was there before has been put aside.
    pub put_aside: Option<String>,
    /// The login was carried over, so that no new one is needed.
    pub login_kept: bool,
}
