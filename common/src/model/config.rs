//! The configuration in force, and what is wrong with it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One key of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConfigEntry {
    /// The key with its tables: `sync.interval`.
    pub key: String,
    /// Its value.
    pub value: serde_json::Value,
    /// The file and line that set it, or `default`.
    pub origin: String,
}

/// Something wrong in a configuration file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConfigProblem {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: Option<u32>,
    /// The column, from 1.
    pub column: Option<u32>,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub hint: Option<String>,
}

/// What a check of configuration files found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConfigReport {
    /// Files that were read.
    pub files: Vec<String>,
    /// Nothing is wrong.
    pub sound: bool,
    /// What is wrong.
    pub problems: Vec<ConfigProblem>,
    /// What is right but worth a second look.
    #[serde(default)]
    pub notes: Vec<ConfigProblem>,
}

/// What became of a key, or of a rule or payday.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConfigChangeKind {
    /// It was not there before.
    Added,
    /// It has another value.
    #[default]
    Changed,
    /// It is not there any more.
    Removed,
}

/// A key that a reload found changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConfigChange {
    /// The key with its tables.
    pub key: String,
    /// In force at once; `false` means at the next start.
    pub live: bool,
    /// What became of it.
    #[serde(default)]
    pub change: ConfigChangeKind,
}

/// What a reload did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConfigReload {
    /// Keys whose values changed.
    pub changes: Vec<ConfigChange>,
    /// Files that were read.
    pub files: Vec<String>,
}
