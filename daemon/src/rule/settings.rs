//! `[autosort]`: what holds for all rules.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use jiff::civil::Time;

use monzo_common::model::RuleMode;

use super::{AccountOrPotName, Rule};

/// `[autosort]`: what holds for all rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Autosort {
    /// For rules that say nothing.
    pub mode: RuleMode,
    /// Minor units; must be set when anything is `auto`.
    pub max_per_run: Option<i64>,
    /// Minor units over all runs of a London date.
    pub max_per_day: Option<i64>,
    /// Minor units, for accounts that have none of their own.
    pub account_floor: i64,
    /// Minor units by account name.
    pub floors: BTreeMap<String, i64>,
    /// No run begins between these local times; may wrap.
    pub quiet_hours: Option<(Time, Time)>,
    /// What is known may be so old when a run is planned.
    pub max_staleness: SignedDuration,
    /// A proposal lasts so long.
    pub plan_ttl: SignedDuration,
    /// For so long one transfer is tried before the run waits for the next sync.
    pub move_deadline: SignedDuration,
    /// From approval; then what is unsent is cancelled.
    pub run_deadline: SignedDuration,
    /// Savings-type pots that may be a source.
    pub withdraw_from: Vec<AccountOrPotName>,
    /// The rules, in the order of the files.
    pub rules: Vec<Rule>,
}

impl Default for Autosort {
    fn default() -> Self {
        Self {
            mode: RuleMode::Propose,
            max_per_run: None,
            max_per_day: None,
            account_floor: 0,
            floors: BTreeMap::new(),
            quiet_hours: Some((Time::constant(0, 0, 0, 0), Time::constant(7, 0, 0, 0))),
            max_staleness: SignedDuration::from_mins(15),
            plan_ttl: SignedDuration::from_hours(72),
            move_deadline: SignedDuration::from_mins(15),
            run_deadline: SignedDuration::from_hours(24),
            withdraw_from: Vec::new(),
            rules: Vec::new(),
        }
    }
}
