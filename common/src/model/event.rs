//! Events: what happened, for people, scripts and notifications alike.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How much an event or an attention matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Something is wrong and a person should act.
    Problem,
}

/// Something that happened, with the ids that it concerns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// Grows with time.
    pub id: i64,
    /// When.
    pub at: Timestamp,
    /// What, in the daemon's closed vocabulary (`sync_done`, `login_lost`, …).
    pub kind: String,
    /// How much it matters.
    pub severity: Severity,
    /// One sentence for a person.
    pub message: String,
    /// The account concerned.
    pub account_id: Option<String>,
    /// The pot concerned.
    pub pot_id: Option<String>,
    /// The transaction concerned.
    pub transaction_id: Option<String>,
    /// The sync concerned.
    pub sync_id: Option<String>,
    /// The rule that it concerns.
    #[serde(default)]
    pub rule: Option<String>,
    /// The run that it concerns.
    #[serde(default)]
    pub run_id: Option<String>,
}

/// A page of events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EventPage {
    /// The events.
    pub events: Vec<Event>,
    /// There are more in the asked direction.
    pub more: bool,
}

/// What an acknowledgement did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Acknowledged {
    /// The attention.
    pub id: String,
    /// Silent until then; empty is as long as it lasts.
    pub until: Option<Timestamp>,
    /// Something changed; `false` means that it was so already.
    pub changed: bool,
}
