//! Accounts and pots with what they are called and which of them are excluded, as clients and the status see them.

use std::collections::BTreeMap;

use monzo_common::model::{Account, NeedsApp, Pot};
use monzo_common::money::Currency;

use crate::config::Config;
use crate::exclusion::Exclusions;
use crate::store::{AppPot, LeftOut, Reader, StoreError, StoredAccount, StoredPot};

/// Accounts and pots at one instant, with what they are called and which of them are excluded.
#[derive(Debug)]
pub struct Ledger {
    /// Every account, the hidden ones behind pots included.
    pub accounts: Vec<StoredAccount>,
    /// Every pot, deleted ones included.
    pub pots: Vec<StoredPot>,
    /// Names from the configuration, by id.
    pub names: BTreeMap<String, String>,
    /// What is excluded.
    pub exclusions: Exclusions,
    /// Pots that the bank lets only the app move money of.
    pub app_pots: Vec<AppPot>,
}

impl Ledger {
    /// Reads the ledger in the snapshot of the reader.
    pub fn read(reader: &Reader<'_>, config: &Config) -> Result<Self, StoreError> {
        let (accounts, pots) = (reader.accounts()?, reader.pots()?);
        let names = config.names.clone();
        let exclusions = Exclusions::of(&config.exclude, &reader.exclusions()?, &accounts, &pots, &names);
        Ok(Self { accounts, pots, names, exclusions, app_pots: reader.app_pots()? })
    }

    /// An account that is synced.
    pub fn account(&self, account: &StoredAccount) -> Account {
        let pot = self.pots.iter().find(|pot| Some(&pot.id) == account.pot_id.as_ref());
        Account {
            id: account.id.clone(),
            name: account.name(&self.names),
            kind: account.kind.clone(),
            currency: account.currency,
            closed: account.closed,
            excluded: match pot {
                Some(pot) => self.exclusions.pot(&pot.id, &pot.account_id),
                None => self.exclusions.account(&account.id),
            },
            balance: account.balance,
            total_balance: account.total_balance,
            pot_id: account.pot_id.clone(),
            left_out: false,
        }
    }

    /// An account that is not synced.
    pub fn left_out(&self, LeftOut { id, kind, closed }: LeftOut) -> Account {
        let unnamed = if kind.is_empty() { "no type" } else { kind.trim_start_matches("uk_") };
        Account {
            name: self.names.get(id.as_str()).cloned().unwrap_or_else(|| unnamed.replace('_', " ")),
            id,
            kind,
            currency: Currency::GBP,
            closed,
            excluded: false,
            balance: None,
            total_balance: None,
            pot_id: None,
            left_out: true,
        }
    }

    /// A pot.
    pub fn pot(&self, pot: &StoredPot) -> Pot {
        Pot {
            id: pot.id.clone(),
            name: pot.name(&self.names).to_owned(),
            account_id: pot.account_id.clone(),
            pot_current_id: pot.pot_current_id.clone(),
            kind: pot.kind.clone(),
            balance: pot.balance,
            currency: pot.currency,
            goal: pot.goal,
            locked: pot.locked,
            deleted: pot.deleted,
            excluded: self.exclusions.pot(&pot.id, &pot.account_id),
            available_for_bills: pot.available_for_bills,
            unlisted_at: pot.unlisted_at,
            needs_app: self.needs_app(pot),
        }
    }

    fn needs_app(&self, pot: &StoredPot) -> Vec<NeedsApp> {
        let refusals = self.app_pots.iter().filter(|refused| refused.pot_id == pot.id);
        let told = refusals.map(|refused| NeedsApp {
            way: refused.way().to_owned(),
            since_at: refused.at,
            reason: refused.reason.clone(),
        });
        told.collect()
    }
}
