//! Everything that a decision needs, read as one value from one instant of the database.
//!
//! A snapshot is read in one transaction with one reading of the settings, so that neither a sync nor a reload can
//! land between two of its facts.

pub(crate) mod bill_inputs;
pub(crate) mod trigger_inputs;
pub mod world;

use jiff::{SignedDuration, Timestamp};
use monzo_common::model::Freeze;

use super::Settings;
use super::decide::calendar;
use super::decide::names::{Resolved, resolve};
use super::decide::world::World;
use crate::rule::Rule;
use crate::store::{Reader, StoreError};
use bill_inputs::Ledger;

/// What is known when a rule is looked at.
pub struct Snapshot {
    /// The configuration.
    pub settings: Settings,
    /// The rule.
    pub rule: Rule,
    /// Accounts and pots, and the instant.
    pub world: World,
    /// What the rule's names mean in that world.
    pub resolved: Resolved,
    /// The rows behind the bills of the rule's pots.
    pub(crate) bills: Ledger,
    /// The freezes that hold.
    pub freezes: Vec<Freeze>,
    /// When the rule's account was last read from the bank.
    pub synced_at: Option<Timestamp>,
    /// What all runs of this London date move, in minor units.
    pub moved_today: i64,
    /// This machine's clock less the bank's.
    pub skew: Option<SignedDuration>,
}

/// The present, as the clock tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Now, or the instant that is asked about.
    pub at: Timestamp,
    /// This machine's clock less the bank's, where an answer told it.
    pub skew: Option<SignedDuration>,
}

impl Snapshot {
    /// Reads all of it; `reader` is one transaction.
    pub fn read(
        reader: &Reader<'_>,
        settings: &Settings,
        rule: &Rule,
        moment: Moment,
    ) -> Result<Self, StoreError> {
        let world = world::read(reader, settings, moment.at)?;
        let resolved = resolve(rule, &world);
        let since = moment.at.checked_sub(bill_inputs::BACK).unwrap_or(Timestamp::MIN);
        let bills = Ledger::read(reader, &resolved, &settings.zone, (since, moment.at))?;
        // Another account that cannot be read makes what is known of this one no older.
        let synced_at = match &resolved.source {
            Some(source) => source.account.read_at,
            None => reader.last_success_at()?,
        };
        let (begin, end) = calendar::day(moment.at, &calendar::london());
        Ok(Self {
            settings: settings.clone(),
            rule: rule.clone(),
            bills,
            synced_at,
            freezes: reader.freezes(moment.at)?,
            moved_today: reader.moved_between(begin, end)?,
            skew: moment.skew,
            resolved,
            world,
        })
    }
}
