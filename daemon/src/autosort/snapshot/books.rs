//! What the sorter knows of the bank at one instant: accounts, pots, and what a person keeps it away from.

use std::collections::BTreeMap;

use jiff::Timestamp;
use monzo_common::id::{AccountId, PotId};
use monzo_common::money::{Currency, Money};
use monzo_common::shell;

use crate::autosort::decide::calendar;
use crate::config;
use crate::exclusion::Exclusions;
use crate::rule::{Autosort, Place};
use crate::store::{AppPot, Reader, StoreError, StoredAccount, StoredPot};

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
    /// Pots that only the app moves money of.
    pub app_pots: Vec<AppPot>,
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
    /// A pot that is gone is; with why.
    #[error("{0}")]
    Gone(String),
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
        let app_pots = reader.app_pots()?;
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
        match self.find_any(text)? {
            End::Pot(id) => match self.gone(&id) {
                Some(why) => Err(NoPlace::Gone(why)),
                None => Ok(End::Pot(id)),
            },
            account => Ok(account),
        }
    }

    /// The same, also of pots that are gone where no other fits.
    ///
    /// # Errors
    /// [`NoPlace`].
    pub fn find_any(&self, text: &str) -> Result<End, NoPlace> {
        match self.find_among(text, false) {
            Err(NoPlace::Unknown(_)) => self.find_among(text, true),
            found => found,
        }
    }

    fn find_among(&self, text: &str, gone: bool) -> Result<End, NoPlace> {
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
            let kept = self.pots.iter().filter(|pot| pots && pot.deleted == gone && owned(pot));
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

    /// Why a pot is gone; nothing if it is not.
    pub fn gone(&self, id: &PotId) -> Option<String> {
        let Some(pot) = self.pot(id) else { return Some("the bank no longer lists the pot".to_owned()) };
        let name = pot.name(&self.names);
        match pot.unlisted_at {
            Some(at) => Some(format!("the bank no longer lists the pot {name} (since {})", day_text(at))),
            None => pot.deleted.then(|| format!("the pot {name} was deleted")),
        }
    }

    /// That the bank refused to move a pot's money that way, where it has.
    pub fn app_pot(&self, id: &PotId, out: bool) -> Option<&AppPot> {
        self.app_pots.iter().find(|pot| pot.pot_id == *id && pot.out == out)
    }

    /// That only the app moves a pot's money some way, since when, and what lets it be tried again.
    pub fn needs_app(&self, pot: &AppPot) -> String {
        let (name, since) = (self.pot_name(&pot.pot_id), day_text(pot.at));
        let way = if pot.out { "take money out of it" } else { "put money into it" };
        format!("{name} needs the app since {since} to {way}: {}", pot.reason)
    }

    /// The same, with what lets it be tried again.
    fn refuses(&self, id: &PotId, out: bool) -> Option<String> {
        let pot = self.app_pot(id, out)?;
        Some(format!(
            "{}; `{}` lets it be tried again",
            self.needs_app(pot),
            thaw_command(&self.pot_name(id))
        ))
    }

    /// Why no money may be put into a pot; nothing if it may.
    pub fn no_deposit(&self, id: &PotId) -> Option<String> {
        let Some(pot) = self.pot(id).filter(|pot| !pot.deleted) else { return self.gone(id) };
        let name = pot.name(&self.names);
        if self.exclusions.pot(&pot.id, &pot.account_id) {
            Some(format!("{name} is excluded"))
        } else if let Some(why) = self.refuses(id, false) {
            Some(why)
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
        let Some(pot) = self.pot(id).filter(|pot| !pot.deleted) else { return self.gone(id) };
        let name = pot.name(&self.names);
        if self.exclusions.pot(&pot.id, &pot.account_id) {
            Some(format!("{name} is excluded"))
        } else if pot.locked {
            Some(format!("{name} is locked"))
        } else if let Some(why) = self.refuses(id, true) {
            Some(why)
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

/// The command that lets a pot be tried again which the bank refused to move, as it can be pasted.
pub fn thaw_command(pot: &str) -> String {
    format!("monzoctl sort thaw {}", shell::word(pot))
}

fn day_text(at: Timestamp) -> String {
    at.to_zoned(calendar::london()).strftime("%-d %b %Y").to_string()
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
            unlisted_at: None,
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
            app_pots: Vec::new(),
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
