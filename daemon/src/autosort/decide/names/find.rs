//! Finds accounts and pots by id, by what a name meant before, or by name; the last whatever the case.

use std::collections::BTreeMap;

use monzo_common::id::AccountId;

use super::Trouble;
use crate::autosort::decide::world::{Account, Holder, Pot, World};
use crate::rule::Place;

/// The names of a world, and what is learnt while a rule uses them.
pub(super) struct Names<'w> {
    world: &'w World,
    bound: BTreeMap<Place, String>,
    notes: Vec<String>,
}

impl<'w> Names<'w> {
    pub(super) fn new(world: &'w World) -> Self {
        Self { world, bound: BTreeMap::new(), notes: Vec::new() }
    }

    /// Ids to remember, and notes of what was renamed.
    pub(super) fn kept(self) -> (Vec<(Place, String)>, Vec<String>) {
        (self.bound.into_iter().collect(), self.notes)
    }

    /// The account of a place.
    pub(super) fn account(&mut self, place: &Place) -> Result<&'w Account, Trouble> {
        let text = place.name();
        let account = match self.world.bound.get(place) {
            Some(id) => self.world.accounts.iter().find(|account| account.id.as_str() == id.as_str()),
            None => Some(self.account_of_name(text)?),
        };
        let account = account.ok_or(Trouble::Closed)?;
        self.bind(place, account.id.as_str(), &account.name);
        Ok(account)
    }

    fn account_of_name(&self, text: &str) -> Result<&'w Account, Trouble> {
        if let Some(account) = self.world.accounts.iter().find(|account| account.id.as_str() == text) {
            return Ok(account);
        }
        let open: Vec<&Account> = self.world.accounts.iter().filter(|account| !account.closed).collect();
        match only(&open, text, |account| &account.name) {
            Found::One(account) => Ok(account),
            Found::Several(found) => Err(Trouble::Ambiguous {
                ids: found.iter().map(|account| account.id.as_str().to_owned()).collect(),
            }),
            Found::None => {
                let closed: Vec<&Account> =
                    self.world.accounts.iter().filter(|account| account.closed).collect();
                if let Found::One(_) | Found::Several(_) = only(&closed, text, |account| &account.name) {
                    return Err(Trouble::Closed);
                }
                Err(Trouble::Unknown { there: open.iter().map(|account| account.name.clone()).collect() })
            }
        }
    }

    /// The pot of a place; `home` owns the pots that are named without an account. Without one, as for the source of
    /// a rule, the pots of all accounts are meant.
    pub(super) fn pot(&mut self, place: &Place, home: Option<&AccountId>) -> Result<&'w Pot, Trouble> {
        let text = place.name();
        let known = self.world.bound.get(place).map(String::as_str);
        if let Some(pot) = self.world.pots.iter().find(|pot| pot.id.as_str() == known.unwrap_or(text)) {
            self.bind(place, pot.id.as_str(), &pot.name);
            return Ok(pot);
        }
        if known.is_some() {
            return Err(Trouble::Deleted { namesake: None });
        }
        let owner = match place {
            Place::Pot { account: Some(account), .. } => Some(self.account_of_name(account)?.id.clone()),
            _ => home.cloned(),
        };
        let ours: Vec<&Pot> = self
            .world
            .pots
            .iter()
            .filter(|pot| owner.as_ref().is_none_or(|owner| pot.account_id == *owner))
            .collect();
        let open: Vec<&Pot> = ours.iter().copied().filter(|pot| !pot.deleted).collect();
        match only(&open, text, |pot| &pot.name) {
            Found::One(pot) => {
                self.bind(place, pot.id.as_str(), &pot.name);
                Ok(pot)
            }
            Found::Several(found) => {
                Err(Trouble::Ambiguous { ids: found.iter().map(|pot| pot.id.as_str().to_owned()).collect() })
            }
            Found::None => {
                let gone: Vec<&Pot> = ours.into_iter().filter(|pot| pot.deleted).collect();
                match only(&gone, text, |pot| &pot.name) {
                    Found::One(pot) => Ok(pot),
                    Found::Several(_) => Err(Trouble::Deleted { namesake: None }),
                    Found::None => {
                        Err(Trouble::Unknown { there: open.iter().map(|pot| pot.name.clone()).collect() })
                    }
                }
            }
        }
    }

    /// An open pot that has the name of one that is gone.
    pub(super) fn namesake(&self, gone: &Holder) -> Option<String> {
        let Holder::Pot(gone) = gone else { return None };
        let of_account = |pot: &&Pot| pot.account_id == gone.account_id && !pot.deleted;
        let same = |pot: &&Pot| pot.name.to_lowercase() == gone.name.to_lowercase();
        self.world.pots.iter().filter(of_account).find(same).map(|pot| pot.id.as_str().to_owned())
    }

    /// Whether `withdraw_from` lists a pot, by id, name or account and name.
    pub(super) fn savings_may_give(&self, pot: &Pot) -> bool {
        self.world.withdraw_from.iter().any(|place| {
            let Place::Pot { account, name } = place else { return false };
            let named = name.as_str() == pot.id.as_str() || name.to_lowercase() == pot.name.to_lowercase();
            let owned = account.as_ref().is_none_or(|account| {
                self.account_of_name(account).is_ok_and(|owner| owner.id == pot.account_id)
            });
            named && owned
        })
    }

    /// What an account is called.
    pub(super) fn account_name(&self, id: &AccountId) -> String {
        let found = self.world.accounts.iter().find(|account| account.id == *id);
        found.map_or_else(|| id.as_str().to_owned(), |account| account.name.clone())
    }

    fn bind(&mut self, place: &Place, id: &str, name: &str) {
        let written = place.name();
        let renamed = written != id && written.to_lowercase() != name.to_lowercase();
        if renamed && !self.bound.contains_key(place) {
            self.notes.push(format!("{place} is called {name} now; the rule goes on with it"));
        }
        self.bound.insert(place.clone(), id.to_owned());
    }
}

enum Found<'w, T> {
    None,
    One(&'w T),
    Several(Vec<&'w T>),
}

/// The one of a name: as written, else whatever the case.
fn only<'w, T>(of: &[&'w T], text: &str, name: impl Fn(&T) -> &String) -> Found<'w, T> {
    let exact: Vec<&T> = of.iter().copied().filter(|one| name(one) == text).collect();
    let found = if exact.is_empty() {
        let lower = text.to_lowercase();
        of.iter().copied().filter(|one| name(one).to_lowercase() == lower).collect()
    } else {
        exact
    };
    match found.as_slice() {
        [] => Found::None,
        [one] => Found::One(one),
        _ => Found::Several(found),
    }
}
