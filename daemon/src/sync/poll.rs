//! The poll between syncs: balances only, pots every fourth time; a changed one calls for a sync.
//!
//! It costs one request an account, and is what makes a payment show within minutes instead of hours.

use std::collections::HashMap;

use monzo_common::id::AccountId;

use super::Services;
use crate::monzo::{self, Lane};

/// Pots are asked for every so many polls: taste.
const POTS_EVERY: u32 = 4;

/// What the last poll saw.
#[derive(Debug, Default)]
pub struct Poll {
    count: u32,
    /// Polls to leave out after the bank asked for less.
    resting: u32,
    rests: u32,
}

impl Poll {
    /// Asks once; `true` if something changed since the store last heard of it.
    pub async fn poll(&mut self, services: &Services) -> bool {
        if self.resting > 0 {
            self.resting -= 1;
            return false;
        }
        self.count = self.count.wrapping_add(1);
        match self.changed(services).await {
            Ok(changed) => {
                self.rests = 0;
                changed
            }
            Err(error) => {
                if matches!(error, monzo::Error::RateLimited { .. }) {
                    self.rests = (self.rests + 1).min(5);
                    self.resting = 1 << self.rests;
                }
                tracing::debug!(%error, "the poll of balances failed");
                false
            }
        }
    }

    async fn changed(&self, services: &Services) -> Result<bool, monzo::Error> {
        let Ok(accounts) = services.store.read(|reader| reader.accounts()).await else { return Ok(false) };
        let settings = services.settings.borrow().clone();
        let listed = accounts.iter().filter(|account| {
            account.pot_id.is_none()
                && !account.closed
                && account.error.is_none()
                && settings.reads(&account.id, &account.kind)
        });
        let known: HashMap<AccountId, Option<i64>> =
            listed.map(|account| (account.id.clone(), account.balance)).collect();
        // The next poll is the repeat.
        let client = services.client.impatient();
        for (id, balance) in known {
            let now = client.balance(&id, Lane::Steady).await?;
            if balance != Some(now.balance) {
                return Ok(true);
            }
            if self.count.is_multiple_of(POTS_EVERY) {
                let pots = client.pots(&id, Lane::Steady).await?.pots;
                let Ok(stored) = services.store.read(|reader| reader.pots()).await else { return Ok(false) };
                let stored: HashMap<_, _> = stored.into_iter().map(|pot| (pot.id, pot.balance)).collect();
                if pots.iter().any(|pot| stored.get(&pot.id) != Some(&pot.balance)) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
}
