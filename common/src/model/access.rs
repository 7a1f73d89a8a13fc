//! Who may do what, over the socket.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a local user may do; each role includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Reads.
    Viewer,
    /// Does everything.
    Operator,
}

/// One entry of the access list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Grant {
    /// A user's name or number, or `@group`.
    pub who: String,
    /// What they may do.
    pub role: Role,
    /// Where it is written: `built-in`, `config` or `added`.
    pub origin: String,
}

/// The access list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Access {
    /// All grants.
    pub grants: Vec<Grant>,
}

/// What a change of the access list did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccessChange {
    /// The grant concerned.
    pub grant: Grant,
    /// Something changed; `false` means that it was so already.
    pub changed: bool,
}
