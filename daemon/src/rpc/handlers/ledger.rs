//! Accounts and pots with their names and exclusions, as several methods answer them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use monzo_common::fault::Fault;
use monzo_common::model::{Account, Balance, BalancePoint, NeedsApp, Pot};
use monzo_common::money::Currency;

use super::context::RpcContext;
use crate::config::Config;
use crate::exclusion::Exclusions;
use crate::insight::balances::Past;
use crate::store::{AppPot, LeftOut, Reader, StoreError, StoredAccount, StoredBalance, StoredPot};

/// Accounts and pots at one instant, with what they are called and which of them are excluded.
pub(super) struct Ledger {
    pub(super) accounts: Vec<StoredAccount>,
    pub(super) pots: Vec<StoredPot>,
    pub(super) names: BTreeMap<String, String>,
    pub(super) exclusions: Exclusions,
    pub(super) app_pots: Vec<AppPot>,
}

impl Ledger {
    pub(super) fn account(&self, account: &StoredAccount) -> Account {
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

    pub(super) fn left_out(&self, LeftOut { id, kind, closed }: LeftOut) -> Account {
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

    pub(super) fn pot(&self, pot: &StoredPot) -> Pot {
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

    fn deleted(&self, point: &BalancePoint) -> bool {
        self.pots.iter().any(|pot| pot.deleted && Some(&pot.id) == point.pot_id.as_ref())
    }

    /// The newest balance of an account, or of a pot that is still there.
    pub(super) fn present(
        &self,
        StoredBalance { point, total_balance, spend_today }: StoredBalance,
    ) -> Option<Balance> {
        if self.deleted(&point) {
            return None;
        }
        Some(Balance {
            name: self.name_of(&point)?,
            account_id: point.account_id,
            pot_id: point.pot_id,
            balance: Some(point.balance),
            total_balance,
            spend_today,
            currency: point.currency,
            at: point.at,
            known_from: None,
        })
    }

    /// The balance at an instant of the past; a pot that was deleted since is shown while it held something.
    pub(super) fn past(&self, Past { newest, held, known_from }: Past, asked: Timestamp) -> Option<Balance> {
        if self.deleted(&newest) && held.is_none_or(|(_, balance)| balance == 0) {
            return None;
        }
        Some(Balance {
            name: self.name_of(&newest)?,
            account_id: newest.account_id,
            pot_id: newest.pot_id,
            balance: held.map(|(_, balance)| balance),
            total_balance: None,
            spend_today: None,
            currency: newest.currency,
            at: held.map_or(asked, |(at, _)| at),
            known_from: Some(known_from),
        })
    }

    fn name_of(&self, point: &BalancePoint) -> Option<String> {
        match &point.pot_id {
            Some(id) => {
                self.pots.iter().find(|pot| pot.id == *id).map(|pot| pot.name(&self.names).to_owned())
            }
            None => {
                let account = self.accounts.iter().find(|account| account.id == point.account_id);
                account.map(|account| account.name(&self.names))
            }
        }
    }
}

/// Reads the ledger in the snapshot of the reader.
pub(super) fn read_ledger(reader: &Reader<'_>, config: &Config) -> Result<Ledger, StoreError> {
    let (accounts, pots) = (reader.accounts()?, reader.pots()?);
    let names = config.names.clone();
    let exclusions = Exclusions::of(&config.exclude, &reader.exclusions()?, &accounts, &pots, &names);
    Ok(Ledger { accounts, pots, names, exclusions, app_pots: reader.app_pots()? })
}

/// The ledger now.
pub(super) async fn ledger(context: &RpcContext) -> Result<Ledger, Fault> {
    let config = context.config.borrow().config.clone();
    Ok(context.services()?.store.read(move |reader| read_ledger(reader, &config)).await?)
}
