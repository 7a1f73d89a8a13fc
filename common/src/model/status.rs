//! The status page: how things stand, from memory, without asking the bank.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Account, Login, RuleMode, Severity};
use crate::period::Cycle;

/// How the daemon serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Everything.
    Normal,
    /// Only what helps to repair the database.
    Rescue,
}

/// How things stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Status {
    /// No problem needs attention.
    pub healthy: bool,
    /// Version of the daemon.
    pub version: String,
    /// Normal, or rescue.
    pub mode: Mode,
    /// When the daemon was started.
    pub started_at: Timestamp,
    /// The login at the bank.
    pub login: Login,
    /// The sync loop.
    pub sync: SyncStatus,
    /// Every account, hidden ones included.
    pub accounts: Vec<AccountStatus>,
    /// The autosorter.
    pub sorter: SorterStatus,
    /// Records kept in quarantine.
    pub quarantined: u64,
    /// What needs a person, each with what mends it.
    pub attention: Vec<Attention>,
}

/// The sync loop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SyncStatus {
    /// `idle` or `running`.
    pub state: String,
    /// When every account was last read.
    pub last_success_at: Option<Timestamp>,
    /// When a sync last began.
    pub last_attempt_at: Option<Timestamp>,
    /// When the next one is due.
    pub next_due_at: Option<Timestamp>,
    /// The last success is older than twice the interval.
    pub stale: bool,
    /// Why the last sync failed as a whole; null if it did not.
    #[serde(default)]
    pub error: Option<String>,
}

/// An account and how well it is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccountStatus {
    /// The account.
    #[serde(flatten)]
    pub account: Account,
    /// When it was last read completely.
    pub last_success_at: Option<Timestamp>,
    /// Start of the unbroken history that ends now.
    pub covered_from: Option<Timestamp>,
    /// End of it.
    pub covered_to: Option<Timestamp>,
    /// Why its last sync failed.
    pub error: Option<String>,
    /// The bank's balance less what the rows add up to, in minor units; not known for every kind.
    pub difference: Option<i64>,
}

/// The autosorter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SorterStatus {
    /// How runs of rules begin that say nothing of their own.
    pub mode: RuleMode,
    /// Nothing moves until it is thawed.
    pub frozen: bool,
    /// When the next rule is due.
    pub next: Option<Timestamp>,
    /// Runs that wait for approval.
    pub proposed: u64,
    /// Transfers whose outcome is not known yet.
    pub unsettled: u64,
}

/// Something that needs a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Attention {
    /// Stable while it lasts; `ack` takes it.
    pub id: String,
    /// What, in a closed vocabulary.
    pub code: String,
    /// A problem, or a note.
    pub severity: Severity,
    /// What is the matter.
    pub message: String,
    /// What mends it.
    pub hint: String,
}

/// What answers on the socket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Version {
    /// Version of the daemon.
    pub version: String,
    /// Its process.
    pub pid: u32,
    /// Version of the database's schema.
    pub schema: Option<i64>,
    /// The daemon's clock.
    pub now: Timestamp,
    /// The person's zone (`time.zone`), an IANA name.
    pub zone: String,
    /// The pay cycle that `now` lies in, where a payday is configured.
    #[serde(default)]
    pub cycle: Option<Cycle>,
}
