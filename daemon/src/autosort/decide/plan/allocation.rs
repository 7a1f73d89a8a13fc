//! What is left to give, and what every target holds by now, while the steps of a rule are walked.

use std::collections::BTreeMap;

use monzo_common::id::PotId;
use monzo_common::model::PlannedTarget;

use super::share;
use crate::autosort::decide::names::Target;
use crate::autosort::decide::world::Holder;
use crate::rule::{BasisPoints, Cap};

/// The money of a plan on its way.
#[derive(Debug, Clone)]
pub(super) struct Allocation {
    /// Minor units that no step took yet.
    pub(super) left: i64,
    /// Minor units that leave the source.
    pub(super) moved: i64,
    /// What stays in the account that a pot gave to.
    pub(super) into_account: i64,
    /// What each pot gets, in the order in which it first got something.
    pub(super) deposits: Vec<(PotId, i64)>,
    gained: BTreeMap<String, i64>,
}

impl Allocation {
    pub(super) fn new(available: i64) -> Self {
        Self { left: available, moved: 0, into_account: 0, deposits: Vec::new(), gained: BTreeMap::new() }
    }

    /// What a target holds by now; a name that means nothing holds nothing.
    pub(super) fn balance(&self, target: &Target) -> i64 {
        let Some(holder) = &target.holder else { return 0 };
        let gained = self.gained.get(holder.id()).copied().unwrap_or(0);
        holder.balance().saturating_add(gained)
    }

    /// How much a target takes until it is full.
    pub(super) fn room(&self, target: &Target, level: Option<i64>) -> i64 {
        level.map_or(i64::MAX, |level| level.saturating_sub(self.balance(target)).max(0))
    }

    /// Takes an amount out of what is left and gives it to a target, or lets it stay at the source for one to which
    /// nothing may go.
    pub(super) fn give(&mut self, target: &Target, amount: i64) -> PlannedTarget {
        let before = target.holder.is_some().then(|| self.balance(target));
        self.left = self.left.saturating_sub(amount);
        let given = if target.held.is_some() { 0 } else { amount };
        if let (Some(holder), true) = (&target.holder, given > 0) {
            self.moved = self.moved.saturating_add(given);
            let gained = self.gained.entry(holder.id().to_owned()).or_default();
            *gained = gained.saturating_add(given);
            match holder {
                Holder::Account(_) => self.into_account = self.into_account.saturating_add(given),
                Holder::Pot(pot) => match self.deposits.iter_mut().find(|(id, _)| *id == pot.id) {
                    Some((_, sum)) => *sum = sum.saturating_add(given),
                    None => self.deposits.push((pot.id.clone(), given)),
                },
            }
        }
        PlannedTarget {
            id: target.holder.as_ref().map(|holder| holder.id().to_owned()),
            name: target.name.clone(),
            amount: given,
            before,
            after: before.map(|before| before.saturating_add(given)),
        }
    }

    /// Sets an amount aside in the source.
    pub(super) fn set_aside(&mut self, amount: i64) {
        self.left = self.left.saturating_sub(amount);
    }

    /// What a cap allows of what a step began with.
    pub(super) fn allows(cap: Cap, begun: i64) -> i64 {
        match cap {
            Cap::Amount(amount) => amount.max(0),
            Cap::Share(BasisPoints(part)) => share::of(begun, u64::from(part), 10_000),
        }
    }
}
