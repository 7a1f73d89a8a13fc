//! What the sorter knows of the bank at one instant: accounts, pots, and what a person keeps it away from.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use monzo_common::id::{AccountId, PotId};
use monzo_common::money::{Currency, Money};

use super::rule::{Autosort, Place};
use crate::config;
use crate::exclusion::Exclusions;
use crate::store::{Reader, StoreError, StoredAccount, StoredPot};

/// The known state of the bank.
#[derive(Debug, Clone)]
pub struct Books {
    /// The instant that it is read at.
    pub as_of: Timestamp,
    /// Listed accounts and hidden ones.
    pub accounts: Vec<StoredAccount>,
    /// Pots, deleted ones too.
    pub pots: Vec<StoredPot>,
    /// What is left alone.
    pub exclusions: Exclusions,
    /// Pots that only the app moves money of, and whether out of them, else into them.
    pub app_pots: BTreeSet<(PotId, bool)>,
    /// What the person calls accounts and pots.
    pub names: BTreeMap<String, String>,
}

/// Where money comes from or goes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// An account.
    Account(AccountId),
    /// A pot.
    Pot(PotId),
}

/// Why a name means nothing, or too much.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoPlace {
    /// Nothing is called so.
    #[error("no account or pot is called ‘{0}’")]
    Unknown(String),
    /// Several are.
    #[error("‘{0}’ is the name of {1}")]
    Ambiguous(String, String),
}

impl Books {
    /// Reads them from one instant of the database.
    ///
    /// # Errors
    /// As every question.
    pub fn read(
        reader: &Reader<'_>,
        exclude: &config::Exclude,
        names: &BTreeMap<String, String>,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let (accounts, pots) = (reader.accounts()?, reader.pots()?);
        let exclusions = Exclusions::of(exclude, &reader.exclusions()?, &accounts, &pots, names);
        let app_pots = reader.app_pots()?.into_iter().map(|pot| (pot.pot_id, pot.out)).collect();
        Ok(Self { as_of: now, accounts, pots, exclusions, app_pots, names: names.clone() })
    }

    /// A listed account.
    pub fn account(&self, id: &AccountId) -> Option<&StoredAccount> {
        self.accounts.iter().find(|account| account.id == *id && account.pot_id.is_none())
    }

    /// A pot.
    pub fn pot(&self, id: &PotId) -> Option<&StoredPot> {
        self.pots.iter().find(|pot| pot.id == *id)
    }

    /// What a person calls an account.
    pub fn account_name(&self, id: &AccountId) -> String {
        self.account(id).map_or_else(|| id.to_string(), |account| account.name(&self.names))
    }

    /// An amount in the currency of an account.
    pub fn money(&self, account: &AccountId, minor: i64) -> Money {
        Money::new(minor, self.account(account).map_or(Currency::GBP, |account| account.currency))
    }

    /// What a person calls a pot.
    pub fn pot_name(&self, id: &PotId) -> String {
        self.pot(id).map_or_else(|| id.to_string(), |pot| pot.name(&self.names).to_owned())
    }

    /// What a person means by `account:NAME`, `pot:NAME`, `pot:ACCOUNT/NAME`, a bare name, an id or the beginning of one.
    ///
    /// # Errors
    /// [`NoPlace`].
    pub fn find(&self, text: &str) -> Result<End, NoPlace> {
        let (accounts, pots, name) = match text.split_once(':') {
            Some(("account", name)) => (true, false, name),
            Some(("pot", name)) => (false, true, name),
            _ => (true, true, text),
        };
        let same = |own: &str, given: &str| own.to_lowercase() == given.to_lowercase();
        let (owner, pot_name) = match name.split_once('/') {
            Some((owner, pot)) => (Some(owner), pot),
            None => (None, name),
        };
        let owned = |pot: &StoredPot| {
            owner.is_none_or(|owner| {
                owner == pot.account_id.as_str() || same(&self.account_name(&pot.account_id), owner)
            })
        };
        let by = |fits: &dyn Fn(&str, &str) -> bool| {
            let listed = self.accounts.iter().filter(|account| accounts && account.pot_id.is_none());
            let listed = listed
                .filter(|account| fits(account.id.as_str(), &account.name(&self.names)))
                .map(|account| (End::Account(account.id.clone()), account.name(&self.names)));
            let kept = self.pots.iter().filter(|pot| pots && !pot.deleted && owned(pot));
            let kept = kept.filter(|pot| fits(pot.id.as_str(), pot.name(&self.names))).map(|pot| {
                let whose = self.account_name(&pot.account_id);
                (End::Pot(pot.id.clone()), format!("pot:{whose}/{}", pot.name(&self.names)))
            });
            listed.chain(kept).collect::<Vec<_>>()
        };
        let whole: &str = if owner.is_some() { pot_name } else { name };
        let mut found = by(&|id, own| id == whole || same(own, whole));
        if found.is_empty() && whole.len() > 4 {
            found = by(&|id, _| id.starts_with(whole));
        }
        match found.len() {
            0 => Err(NoPlace::Unknown(text.to_owned())),
            1 => Ok(found.swap_remove(0).0),
            _ => {
                let named: Vec<String> = found.into_iter().map(|(_, name)| name).collect();
                Err(NoPlace::Ambiguous(text.to_owned(), named.join(" and of ")))
            }
        }
    }

    /// Whether a pot changed, at the last sync, by something that its rows do not explain: the difference between both
    /// is another than the one that was found twice.
    pub fn unexplained(&self, pot: &str) -> bool {
        let kept = self.pots.iter().find(|kept| kept.id.as_str() == pot);
        let hidden = kept.and_then(|pot| pot.pot_current_id.as_ref());
        let behind = hidden.and_then(|id| self.accounts.iter().find(|account| account.id == *id));
        behind.is_some_and(|account| account.difference.unwrap_or(0) != account.told_difference.unwrap_or(0))
    }

    /// The floor of an account, in minor units.
    pub fn floor(&self, account: &AccountId, settings: &Autosort) -> i64 {
        let name = self.account_name(account).to_lowercase();
        let own = settings
            .floors
            .iter()
            .find(|(given, _)| given.to_lowercase() == name || given.as_str() == account.as_str());
        own.map_or(settings.account_floor, |(_, floor)| *floor)
    }

    /// Why no money may be put into a pot; nothing if it may.
    pub fn no_deposit(&self, id: &PotId) -> Option<String> {
        let Some(pot) = self.pot(id) else { return Some("the bank no longer lists the pot".to_owned()) };
        let name = pot.name(&self.names);
        if pot.deleted {
            Some(format!("the pot {name} was deleted"))
        } else if self.exclusions.pot(&pot.id, &pot.account_id) {
            Some(format!("{name} is excluded"))
        } else if self.app_pots.contains(&(pot.id.clone(), false)) {
            Some(format!("{name} needs the app: the bank refused to put money into it for anybody else"))
        } else if pot.isa {
            Some(format!("{name} is an ISA"))
        } else if pot.charity {
            Some(format!("{name} is a charity pot"))
        } else if self.account(&pot.account_id).is_none_or(|account| account.closed) {
            Some(format!("the account of {name} is closed"))
        } else {
            None
        }
    }

    /// Why no money may be taken out of a pot; nothing if it may.
    pub fn no_withdrawal(&self, id: &PotId, settings: &Autosort) -> Option<String> {
        let Some(pot) = self.pot(id) else { return Some("the bank no longer lists the pot".to_owned()) };
        let name = pot.name(&self.names);
        if pot.deleted {
            Some(format!("the pot {name} was deleted"))
        } else if self.exclusions.pot(&pot.id, &pot.account_id) {
            Some(format!("{name} is excluded"))
        } else if pot.locked {
            Some(format!("{name} is locked"))
        } else if self.app_pots.contains(&(pot.id.clone(), true)) {
            Some(format!("{name} needs the app: the bank refused to take money out of it for anybody else"))
        } else if pot.kind != "default" && !self.may_withdraw(pot, settings) {
            Some(format!("{name} is a savings pot, and `autosort.withdraw_from` does not list it"))
        } else if self.account(&pot.account_id).is_none_or(|account| account.closed) {
            Some(format!("the account of {name} is closed"))
        } else {
            None
        }
    }

    fn may_withdraw(&self, pot: &StoredPot, settings: &Autosort) -> bool {
        settings.withdraw_from.iter().any(|place| {
            let Place::Pot { account, name } = place else { return false };
            let text = match account {
                Some(account) => format!("pot:{account}/{name}"),
                None => format!("pot:{name}"),
            };
            self.find(&text) == Ok(End::Pot(pot.id.clone()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn books(difference: Option<i64>, told: Option<i64>) -> Books {
        let hidden = StoredAccount {
            id: "acc_hidden".into(),
            kind: "pot".to_owned(),
            owners: Vec::new(),
            currency: Currency::GBP,
            closed: false,
            created_at: None,
            pot_id: Some("pot_1".into()),
            pot_name: None,
            read_at: None,
            error: None,
            anchor: None,
            difference,
            told_difference: told,
            balance: None,
            total_balance: None,
            number: None,
        };
        let pot = StoredPot {
            id: "pot_1".into(),
            account_id: "acc_1".into(),
            pot_current_id: Some("acc_hidden".into()),
            name: "Bills".to_owned(),
            kind: "default".to_owned(),
            balance: 0,
            currency: Currency::GBP,
            goal: None,
            locked: false,
            deleted: false,
            available_for_bills: true,
            has_virtual_cards: true,
            isa: false,
            charity: false,
            created_at: None,
            read_at: Timestamp::UNIX_EPOCH,
        };
        Books {
            as_of: Timestamp::UNIX_EPOCH,
            accounts: vec![hidden],
            pots: vec![pot],
            exclusions: Exclusions::default(),
            app_pots: BTreeSet::new(),
            names: BTreeMap::new(),
        }
    }

    #[test]
    fn a_change_of_a_pot_is_unexplained_until_it_was_seen_twice() {
        for (difference, told, expected) in [
            (None, None, false),
            (Some(0), None, false),
            (Some(-249), None, true),
            (Some(-249), Some(-249), false),
            (Some(-498), Some(-249), true),
            (Some(0), Some(-249), true),
        ] {
            let found = books(difference, told).unexplained("pot_1");
            assert_eq!(found, expected, "{difference:?}, told {told:?}");
        }
        assert!(!books(Some(5), None).unexplained("pot_2"), "another pot");
    }
}
