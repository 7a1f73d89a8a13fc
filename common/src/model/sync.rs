//! Syncs: one reading of the bank, and how far it has come.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::words::words;
use crate::fault::FaultKind;
use crate::id::AccountId;

/// Where a sync stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SyncState {
    /// Under way.
    Running,
    /// Every account was read.
    Done,
    /// Some accounts failed.
    Partial,
    /// Nothing could be read.
    Failed,
    /// Ended on request.
    Cancelled,
}

words!(
    SyncState, "state of a sync",
    Running => "running", Done => "done", Partial => "partial", Failed => "failed", Cancelled => "cancelled",
);

/// Why a sync ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SyncCause {
    /// The daemon started.
    Start,
    /// It was due.
    Schedule,
    /// Somebody asked for it.
    Request,
    /// A person logged in.
    Login,
    /// A look at the balances saw a change.
    Poll,
    /// A rule was due and what is known was too old.
    Rule,
    /// A run needed fresh facts, or has moved money.
    Run,
}

words!(
    SyncCause, "cause of a sync",
    Start => "start", Schedule => "schedule", Request => "request", Login => "login", Poll => "poll",
    Rule => "rule", Run => "run",
);

/// One sync.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sync {
    /// Id of the sync.
    pub id: String,
    /// Where it stands.
    pub state: SyncState,
    /// Why it ran.
    pub cause: SyncCause,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// What it did in each account.
    pub accounts: Vec<AccountSync>,
    /// Why it failed as a whole, with what to do; what failed in one account is told there.
    pub error: Option<String>,
    /// What kind of thing `error` is, for programs.
    pub code: Option<FaultKind>,
}

/// What a sync did in one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccountSync {
    /// The account.
    pub account_id: AccountId,
    /// Pages read.
    pub pages: u64,
    /// Rows that were new.
    pub added: u64,
    /// Rows that had changed.
    pub changed: u64,
    /// Rows that the bank no longer lists.
    pub withdrawn: u64,
    /// Why it failed, with what to do.
    pub error: Option<String>,
    /// What kind of thing `error` is, for programs.
    pub code: Option<FaultKind>,
}

/// Answer to a request for a sync.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SyncStarted {
    /// The sync that runs now.
    pub sync: Sync,
    /// It ran already, and the request joined it.
    pub joined: bool,
}

/// What a sync is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SyncPhase {
    /// Asking for accounts, pots and balances.
    Accounts,
    /// Reading the whole history inside the five-minute window.
    Capture,
    /// Reading what is new or may have changed.
    Incremental,
    /// Comparing the bank's balances with the rows.
    Reconcile,
    /// Over.
    Ended,
}

/// How far a sync has come; sent whenever a page is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Progress {
    /// The sync.
    pub sync_id: String,
    /// What it is doing.
    pub phase: SyncPhase,
    /// Pages read so far.
    pub pages: u64,
    /// Rows read so far.
    pub rows: u64,
    /// Windows of history read completely.
    pub windows_done: u32,
    /// Windows of history to read in all.
    pub windows: u32,
    /// Seconds left of the bank's five-minute window, while it is open.
    pub window_seconds_left: Option<u32>,
    /// Each account's share.
    pub accounts: Vec<ProgressAccount>,
    /// The finished sync, when `phase` is `ended`.
    pub sync: Option<Sync>,
}

/// One account's share of a sync's progress.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProgressAccount {
    /// The account.
    pub account_id: AccountId,
    /// Its name.
    pub name: String,
    /// Pages read so far.
    pub pages: u64,
    /// Rows read so far.
    pub rows: u64,
    /// Done with it.
    pub done: bool,
}

/// A record that could not be understood, kept until it can.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Quarantined {
    /// Number of the record in quarantine.
    pub id: i64,
    /// The account in whose list it was.
    pub account_id: AccountId,
    /// The bank's id, where it could be read.
    pub transaction_id: Option<String>,
    /// What could not be understood.
    pub reason: String,
    /// When it was first seen.
    pub at: Timestamp,
}

/// A record that could not be understood, as the bank sent it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QuarantinedRecord {
    /// What is known of it.
    #[serde(flatten)]
    pub record: Quarantined,
    /// What the bank sent, as text: it need not be sound JSON.
    pub raw: String,
}

/// Past syncs and quarantine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SyncHistory {
    /// Newest first.
    pub syncs: Vec<Sync>,
    /// Records kept until they can be understood.
    pub quarantined: Vec<Quarantined>,
    /// Where to go on; empty on the last page.
    pub cursor: Option<String>,
}

/// What a cancellation did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SyncCancelled {
    /// The sync that was running.
    pub sync: Option<Sync>,
    /// A sync was running; `false` means that there was none.
    pub changed: bool,
}
