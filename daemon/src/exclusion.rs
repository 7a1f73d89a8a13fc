//! Exclusions: which accounts and pots are kept and synced but left alone, and who said so. Pure.
//!
//! The configuration names them by id or name and wins over nothing: what either says is excluded. An account takes
//! its pots with it.

use std::collections::BTreeMap;

use monzo_common::id::{AccountId, PotId};
use monzo_common::model::{Excluded, Exclusion};

use crate::config;
use crate::store::{StoredAccount, StoredPot};

/// What is excluded now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exclusions(Vec<Exclusion>);

/// Where an exclusion is written.
const CONFIG: &str = "config";
const HAND: &str = "hand";

impl Exclusions {
    /// What configuration and hand exclude among these accounts and pots; what names nothing excludes nothing.
    pub fn of(
        config: &config::Exclude,
        by_hand: &[(Excluded, String)],
        accounts: &[StoredAccount],
        pots: &[StoredPot],
        names: &BTreeMap<String, String>,
    ) -> Self {
        let exclusion = |kind, id: &str, name: String, origin: &str| Exclusion {
            kind,
            id: id.to_owned(),
            name,
            origin: origin.to_owned(),
        };
        let mut found = Vec::new();
        for account in accounts.iter().filter(|account| account.pot_id.is_none()) {
            let (id, name) = (account.id.as_str(), account.name(names));
            if config.accounts.iter().any(|given| means(given, id, &name)) {
                found.push(exclusion(Excluded::Account, id, name.clone(), CONFIG));
            }
            if by_hand.contains(&(Excluded::Account, id.to_owned())) {
                found.push(exclusion(Excluded::Account, id, name, HAND));
            }
        }
        for pot in pots {
            let id = pot.id.as_str();
            if config.pots.iter().any(|given| means(given, id, pot.name(names))) {
                found.push(exclusion(Excluded::Pot, id, pot.name(names).to_owned(), CONFIG));
            }
            if by_hand.contains(&(Excluded::Pot, id.to_owned())) {
                found.push(exclusion(Excluded::Pot, id, pot.name(names).to_owned(), HAND));
            }
        }
        Self(found)
    }

    /// Whether an account is left alone.
    pub fn account(&self, id: &AccountId) -> bool {
        self.has(Excluded::Account, id.as_str())
    }

    /// Whether a pot is left alone, itself or with its account.
    pub fn pot(&self, id: &PotId, owner: &AccountId) -> bool {
        self.has(Excluded::Pot, id.as_str()) || self.account(owner)
    }

    fn has(&self, kind: Excluded, id: &str) -> bool {
        self.0.iter().any(|exclusion| exclusion.kind == kind && exclusion.id == id)
    }

    /// Each exclusion; one that is written twice is there twice.
    pub fn list(self) -> Vec<Exclusion> {
        self.0
    }
}

fn means(given: &str, id: &str, name: &str) -> bool {
    given == id || given.to_lowercase() == name.to_lowercase()
}
