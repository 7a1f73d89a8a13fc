//! What a scenario remembers over all lives of the daemon, whatever the database remembers.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rusqlite::Connection;
use serde_json::Value;

use crate::invariants;

/// What one run is to move: place, pot, way, amount.
pub type Fingerprint = Vec<(i64, String, String, i64)>;

/// The memory of one scenario.
#[derive(Debug, Default)]
pub struct Memory {
    /// The bank's last word on the account's balance, unless something was sent since.
    fresh: Option<i64>,
    /// Every balance that the bank ever told.
    balances: BTreeSet<i64>,
    /// Who was frozen when the last requests were made, the latest last.
    frozen: [Vec<String>; 2],
    /// What the run behind a seed was when it first sent something.
    plans: BTreeMap<String, Fingerprint>,
    /// The database was put back: it does not know all.
    pub restored: bool,
}

impl Memory {
    /// Something that moves no money is asked.
    pub fn asked(&mut self, connection: &Connection, now: Timestamp) {
        self.frozen.rotate_left(1);
        self.frozen[1] = invariants::frozen(connection, now);
    }

    /// The bank tells a balance.
    pub fn told(&mut self, body: Option<Value>) {
        self.fresh = body.and_then(|body| body["balance"].as_i64());
        self.balances.extend(self.fresh);
    }

    /// What was told is of no use any more.
    pub const fn stale(&mut self) {
        self.fresh = None;
    }

    pub const fn fresh(&self) -> Option<i64> {
        self.fresh
    }

    /// The bank told this balance at some time.
    pub fn was_told(&self, balance: i64) -> bool {
        self.balances.contains(&balance)
    }

    /// Who was frozen before the balance was asked for.
    pub fn frozen(&self) -> &[String] {
        &self.frozen[0]
    }

    /// The plan under a seed that first sent something: this one, if none did.
    pub fn first_plan(&mut self, seed: &str, plan: Fingerprint) -> &Fingerprint {
        self.plans.entry(seed.to_owned()).or_insert(plan)
    }
}
