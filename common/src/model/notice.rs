//! Notifications: what became of one, by channel.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What became of a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// The channel took it.
    Sent,
    /// The channel refused it.
    Refused,
    /// It may have arrived or not.
    Unknown,
    /// It did not leave this machine.
    NotSent,
}

impl DeliveryState {
    /// The word that JSON and metrics use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
            Self::NotSent => "not_sent",
        }
    }
}

/// What became of a notification in one channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Delivery {
    /// The channel: `feed`.
    pub channel: String,
    /// What became of it.
    pub state: DeliveryState,
    /// Why, where it was not sent.
    pub error: Option<String>,
}
