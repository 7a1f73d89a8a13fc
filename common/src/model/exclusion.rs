//! Exclusions: accounts and pots kept and synced, but outside analytics and the autosorter's reach.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Excluded {
    /// An account, and with it its pots.
    Account,
    /// One pot.
    Pot,
}

/// One exclusion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Exclusion {
    /// Account or pot.
    pub kind: Excluded,
    /// The bank's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `config` or `hand`.
    pub origin: String,
}

/// What a change did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExclusionChange {
    /// The exclusion concerned.
    pub exclusion: Exclusion,
    /// Something changed; `false` means that it was so already.
    pub changed: bool,
}
