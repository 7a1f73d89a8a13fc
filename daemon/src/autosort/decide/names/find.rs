//! The one way from a name to an account or pot: by id, by what the name meant before, or by the name itself; as it
//! was written first, then whatever the case.

use std::collections::{BTreeMap, BTreeSet};

use monzo_common::id::{AccountId, PotId};

use crate::autosort::decide::check;
use crate::autosort::decide::trouble::Trouble;
use crate::autosort::decide::world::{Account, AccountOrPot, Holder, Pot, World};
use crate::rule::{AccountOrPotName, Rule};

/// Why a name that a person gave means nothing, or too much.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
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

/// Under which a place of a rule is remembered.
pub fn bound_name(rule: &str, place: &AccountOrPotName) -> String {
    format!("{rule}/{place}")
}

/// Something that can be named.
trait Named {
    fn id(&self) -> &str;
    fn name(&self) -> &str;
}

impl Named for Account {
    fn id(&self) -> &str {
        self.id.as_str()
    }

    fn name(&self) -> &str {
        &self.name
    }
}

impl Named for Pot {
    fn id(&self) -> &str {
        self.id.as_str()
    }

    fn name(&self) -> &str {
        &self.name
    }
}

/// Which of these have a name: as it is written, else whatever the case.
fn named<'w, T: Named>(all: &[&'w T], text: &str) -> Vec<&'w T> {
    let exact: Vec<&T> = all.iter().copied().filter(|one| one.name() == text).collect();
    if !exact.is_empty() {
        return exact;
    }
    let lower = text.to_lowercase();
    all.iter().copied().filter(|one| one.name().to_lowercase() == lower).collect()
}

fn ids<T: Named>(all: &[&T]) -> Vec<String> {
    all.iter().map(|one| one.id().to_owned()).collect()
}

fn names<T: Named>(all: &[&T]) -> Vec<String> {
    all.iter().map(|one| one.name().to_owned()).collect()
}

/// The account with an id or a name; a closed one has to be given by its id.
fn account<'w>(world: &'w World, text: &str) -> Result<&'w Account, Trouble> {
    if let Some(account) = world.accounts.iter().find(|account| account.id.as_str() == text) {
        return Ok(account);
    }
    let (closed, open): (Vec<&Account>, Vec<&Account>) =
        world.accounts.iter().partition(|account| account.closed);
    match named(&open, text).as_slice() {
        [account] => Ok(account),
        [] if named(&closed, text).is_empty() => Err(Trouble::Unknown { there: names(&open) }),
        [] => Err(Trouble::Closed),
        several => Err(Trouble::Ambiguous { ids: ids(several) }),
    }
}

/// The pot with an id or a name; one that is deleted where no other has the name. `home` owns the pots that are named
/// without an account; without it, the pots of all accounts are meant.
fn pot<'w>(world: &'w World, place: &AccountOrPotName, home: Option<&AccountId>) -> Result<&'w Pot, Trouble> {
    let text = place.name();
    if let Some(pot) = world.pots.iter().find(|pot| pot.id.as_str() == text) {
        return Ok(pot);
    }
    let owner = match place {
        AccountOrPotName::Pot { account: Some(owner), .. } => Some(&account(world, owner)?.id),
        _ => home,
    };
    let ours = world.pots.iter().filter(|pot| owner.is_none_or(|owner| pot.account_id == *owner));
    let (gone, open): (Vec<&Pot>, Vec<&Pot>) = ours.partition(|pot| pot.deleted);
    match named(&open, text).as_slice() {
        [pot] => Ok(pot),
        [] => match named(&gone, text).as_slice() {
            [] => Err(Trouble::Unknown { there: names(&open) }),
            [pot] => Ok(pot),
            _ => Err(Trouble::Deleted { namesake: None }),
        },
        several => Err(Trouble::Ambiguous { ids: ids(several) }),
    }
}

/// What a place outside of a rule's steps means: a trigger's, or one of the settings.
///
/// # Errors
/// Why it means nothing, or too much.
pub fn holder(world: &World, place: &AccountOrPotName, home: Option<&AccountId>) -> Result<Holder, Trouble> {
    Ok(match place {
        AccountOrPotName::Account(name) => Holder::Account(account(world, name)?.clone()),
        AccountOrPotName::Pot { .. } => Holder::Pot(pot(world, place, home)?.clone()),
    })
}

/// The pots that `withdraw_from` lists. A name that fits several pots lists none of them.
pub fn withdraw_listed(world: &World, places: &[AccountOrPotName]) -> BTreeSet<PotId> {
    let pots = places.iter().filter(|place| matches!(place, AccountOrPotName::Pot { .. }));
    pots.filter_map(|place| pot(world, place, None).ok()).map(|pot| pot.id.clone()).collect()
}

/// The accounts that an id or a name fits, closed ones too: a floor holds for each of them.
pub fn accounts_called<'w>(world: &'w World, text: &str) -> Vec<&'w Account> {
    let all: Vec<&Account> = world.accounts.iter().collect();
    match all.iter().find(|account| account.id.as_str() == text) {
        Some(account) => vec![account],
        None => named(&all, text),
    }
}

/// What a person means by `account:NAME`, `pot:NAME`, `pot:ACCOUNT/NAME`, a bare name, an id or the beginning of one.
///
/// # Errors
/// [`NameError`].
pub fn find(world: &World, text: &str) -> Result<AccountOrPot, NameError> {
    let found = find_any(world, text)?;
    match &found {
        AccountOrPot::Pot(id) => match world.pot(id).map(|pot| (check::open(pot), pot)) {
            Some((Err(trouble @ (Trouble::Deleted { .. } | Trouble::Unlisted { .. })), pot)) => {
                Err(NameError::Gone(trouble.about(&pot.name)))
            }
            _ => Ok(found),
        },
        AccountOrPot::Account(_) => Ok(found),
    }
}

/// The same, also of what is closed or gone where nothing else fits.
///
/// # Errors
/// [`NameError`].
pub fn find_any(world: &World, text: &str) -> Result<AccountOrPot, NameError> {
    let (accounts, pots, name) = match text.split_once(':') {
        Some(("account", name)) => (true, false, name),
        Some(("pot", name)) => (false, true, name),
        _ => (true, true, text),
    };
    let (owner, name) = match name.split_once('/') {
        Some((owner, pot)) => (account(world, owner).ok(), pot),
        None => (None, name),
    };
    let qualified = text.contains('/');
    let owned = |pot: &&Pot| !qualified || owner.is_some_and(|owner| owner.id == pot.account_id);
    for gone in [false, true] {
        let accounts: Vec<&Account> =
            world.accounts.iter().filter(|one| accounts && !qualified && one.closed == gone).collect();
        let pots: Vec<&Pot> =
            world.pots.iter().filter(|one| pots && one.deleted == gone).filter(owned).collect();
        let mut found = (with_id(&accounts, name), with_id(&pots, name));
        if found.0.is_empty() && found.1.is_empty() {
            found = (named(&accounts, name), named(&pots, name));
        }
        if found.0.is_empty() && found.1.is_empty() && name.len() > SHORTEST_PREFIX {
            found = (with_prefix(&accounts, name), with_prefix(&pots, name));
        }
        match (found.0.as_slice(), found.1.as_slice()) {
            ([], []) => {}
            ([account], []) => return Ok(AccountOrPot::Account(account.id.clone())),
            ([], [pot]) => return Ok(AccountOrPot::Pot(pot.id.clone())),
            (accounts, pots) => {
                let pots = pots
                    .iter()
                    .map(|pot| format!("pot:{}/{}", world.account_name(&pot.account_id), pot.name));
                let all: Vec<String> = names(accounts).into_iter().chain(pots).collect();
                return Err(NameError::Ambiguous(text.to_owned(), all.join(" and of ")));
            }
        }
    }
    Err(NameError::Unknown(text.to_owned()))
}

/// A prefix of an id has to be longer: `acc_` and `pot_` begin all of them.
const SHORTEST_PREFIX: usize = 4;

fn with_id<'w, T: Named>(all: &[&'w T], id: &str) -> Vec<&'w T> {
    all.iter().copied().filter(|one| one.id() == id).collect()
}

fn with_prefix<'w, T: Named>(all: &[&'w T], prefix: &str) -> Vec<&'w T> {
    all.iter().copied().filter(|one| one.id().starts_with(prefix)).collect()
}

/// The names of one rule, and what is learnt while they resolve.
pub(super) struct Names<'w> {
    rule: &'w str,
    world: &'w World,
    bound: BTreeMap<AccountOrPotName, String>,
    notes: Vec<String>,
}

impl<'w> Names<'w> {
    pub(super) fn new(rule: &'w Rule, world: &'w World) -> Self {
        Self { rule: &rule.name, world, bound: BTreeMap::new(), notes: Vec::new() }
    }

    /// Ids to remember, and notes of what was renamed.
    pub(super) fn kept(self) -> (Vec<(AccountOrPotName, String)>, Vec<String>) {
        (self.bound.into_iter().collect(), self.notes)
    }

    fn known(&self, place: &AccountOrPotName) -> Option<&'w str> {
        self.world.bound.get(&bound_name(self.rule, place)).map(String::as_str)
    }

    /// The account of a place.
    pub(super) fn account(&mut self, place: &AccountOrPotName) -> Result<&'w Account, Trouble> {
        let account = match self.known(place) {
            Some(id) => self.world.accounts.iter().find(|account| account.id.as_str() == id),
            None => Some(account(self.world, place.name())?),
        };
        let account = account.ok_or(Trouble::Closed)?;
        self.bind(place, account.id.as_str(), &account.name);
        Ok(account)
    }

    /// The pot of a place; `home` as for [`pot`].
    pub(super) fn pot(
        &mut self,
        place: &AccountOrPotName,
        home: Option<&AccountId>,
    ) -> Result<&'w Pot, Trouble> {
        let pot = match self.known(place) {
            Some(id) => self.world.pots.iter().find(|pot| pot.id.as_str() == id),
            None => Some(pot(self.world, place, home)?),
        };
        let pot = pot.ok_or(Trouble::Deleted { namesake: None })?;
        // A name is never bound to a pot that is gone already.
        if !pot.deleted || self.known(place).is_some() || place.name() == pot.id.as_str() {
            self.bind(place, pot.id.as_str(), &pot.name);
        }
        Ok(pot)
    }

    /// An open pot that has the name of one that is gone.
    pub(super) fn namesake(&self, gone: &Holder) -> Option<String> {
        let Holder::Pot(gone) = gone else { return None };
        let of_account = |pot: &&Pot| pot.account_id == gone.account_id && !pot.deleted;
        let same = |pot: &&Pot| pot.name.to_lowercase() == gone.name.to_lowercase();
        self.world.pots.iter().filter(of_account).find(same).map(|pot| pot.id.as_str().to_owned())
    }

    /// What an account is called.
    pub(super) fn account_name(&self, id: &AccountId) -> String {
        self.world.account_name(id)
    }

    fn bind(&mut self, place: &AccountOrPotName, id: &str, name: &str) {
        let written = place.name();
        let renamed = written != id && written.to_lowercase() != name.to_lowercase();
        if renamed && !self.bound.contains_key(place) {
            self.notes.push(format!("{place} is called {name} now; the rule goes on with it"));
        }
        self.bound.insert(place.clone(), id.to_owned());
    }
}
