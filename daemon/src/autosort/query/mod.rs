//! What others ask of the sorter: rules, runs, attention, and checks of a configuration.

pub mod bills;
pub mod config_check;
pub(crate) mod rule_issues;
pub mod rules;
pub(crate) mod runs;
pub(crate) mod why;
