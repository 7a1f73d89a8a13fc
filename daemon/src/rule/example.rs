//! The examples that a rule brings along; `config check` runs them.

use std::collections::BTreeMap;

use jiff::civil::DateTime;

use super::AccountOrPotName;

/// `[[autosort.rule.test]]`: what a rule should do in a made-up state; amounts in minor units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// Local time.
    pub at: DateTime,
    /// The credit that fires.
    pub income: Option<i64>,
    /// What has to be in pots for their bills, buffer included, by pot name.
    pub bills: BTreeMap<String, i64>,
    /// Balances by place.
    pub given: BTreeMap<AccountOrPotName, i64>,
    /// What each pot or account gets, by name; `left` is what stays at the source.
    pub expect: BTreeMap<String, i64>,
    /// File and line.
    pub origin: String,
}
