//! What the names of a rule mean at the bank, and what is the matter with them (autosort/README.md, Names and trouble).
//!
//! The bank's objects never stop anything but their own step: what is gone is named, its money stays, and the rest of
//! the rule goes on. Only what the whole rule stands on, its source and the one account, refuses the whole rule.

mod find;

use super::check;
use super::trouble::Trouble;
use super::world::{Account, Holder, World};
use crate::rule::{AccountOrPotName, Rule};
use find::Names;
pub use find::{NameError, accounts_called, bound_name, find, find_any, holder, withdraw_listed};

/// A rule with the bank's ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The rule.
    pub rule: Rule,
    /// Where its money comes from; nothing where the rule is refused, and `problems` say why.
    pub source: Option<Source>,
    /// The targets of each step, as they were written; none for what is only asked for.
    pub targets: Vec<Vec<Target>>,
    /// What is the matter at the bank.
    pub problems: Vec<Problem>,
    /// What is worth a note, and no problem: names that changed in the app.
    pub notes: Vec<String>,
    /// Ids to remember for the rule's places, so that a rename in the app goes on working.
    pub bound: Vec<(AccountOrPotName, String)>,
}

/// Where a rule's money comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The account or pot.
    pub holder: Holder,
    /// The one account that all of the rule's money passes through: the source itself, or the owner of the pot.
    pub account: Account,
}

/// Where a part of a rule's money goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// As written.
    pub place: AccountOrPotName,
    /// Its name today, else as written.
    pub name: String,
    /// What it is; nothing for a name that means nothing.
    pub holder: Option<Holder>,
    /// Why nothing may go there; what it would have got stays at the source.
    pub held: Option<Trouble>,
}

/// What is the matter with a place of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The step's number from 1; nothing for the source.
    pub step: Option<u32>,
    /// As written.
    pub place: AccountOrPotName,
    /// What is the matter.
    pub trouble: Trouble,
    /// All of it in one sentence, with rule, step, file and line.
    pub message: String,
}

impl Resolved {
    /// What refuses the whole rule: its source, or an object of another account.
    pub fn refusals(&self) -> impl Iterator<Item = &Problem> {
        self.problems.iter().filter(|problem| {
            problem.step.is_none() || matches!(problem.trouble, Trouble::OtherAccount { .. })
        })
    }
}

/// What a rule's names mean in a world. The same rule and world give the same answer.
pub fn resolve(rule: &Rule, world: &World) -> Resolved {
    let mut names = Names::new(rule, world);
    let mut problems = Vec::new();
    let source = source(rule, world, &mut names).unwrap_or_else(|trouble| {
        problems.push(problem(rule, None, &rule.source, trouble));
        None
    });
    let account = source.as_ref().map(|source| source.account.clone());
    let mut targets = Vec::new();
    for (number, step) in (1..).zip(&rule.steps) {
        let mut of_step = Vec::new();
        for place in step.places() {
            let target = target(place, account.as_ref(), source.as_ref(), &mut names);
            if let Some(trouble) = &target.held {
                problems.push(problem(rule, Some(number), place, trouble.clone()));
            }
            of_step.push(target);
        }
        targets.push(of_step);
    }
    let (bound, notes) = names.kept();
    Resolved { rule: rule.clone(), source, targets, problems, notes, bound }
}

fn source(rule: &Rule, world: &World, names: &mut Names<'_>) -> Result<Option<Source>, Trouble> {
    match &rule.source {
        AccountOrPotName::Account(_) => {
            let account = names.account(&rule.source)?;
            check::account(account)?;
            Ok(Some(Source { holder: Holder::Account(account.clone()), account: account.clone() }))
        }
        AccountOrPotName::Pot { .. } => {
            let pot = names.pot(&rule.source, None)?;
            check::withdrawal(pot)?;
            let owner = world.accounts.iter().find(|account| account.id == pot.account_id);
            let account = owner.ok_or(Trouble::Closed)?;
            check::account(account)?;
            Ok(Some(Source { holder: Holder::Pot(pot.clone()), account: account.clone() }))
        }
    }
}

fn target(
    place: &AccountOrPotName,
    account: Option<&Account>,
    source: Option<&Source>,
    names: &mut Names<'_>,
) -> Target {
    let found = match place {
        AccountOrPotName::Account(_) => names.account(place).map(|account| Holder::Account(account.clone())),
        AccountOrPotName::Pot { .. } => {
            names.pot(place, account.map(|account| &account.id)).cloned().map(Holder::Pot)
        }
    };
    match found {
        Ok(holder) => {
            let held = misplaced(&holder, account, source, names).or_else(|| match &holder {
                Holder::Account(account) => check::account(account).err(),
                Holder::Pot(pot) => check::deposit(pot).err(),
            });
            let held = match held {
                Some(Trouble::Deleted { .. }) => Some(Trouble::Deleted { namesake: names.namesake(&holder) }),
                other => other,
            };
            Target { place: place.clone(), name: holder.name().to_owned(), holder: Some(holder), held }
        }
        Err(trouble) => {
            Target { place: place.clone(), name: place.name().to_owned(), holder: None, held: Some(trouble) }
        }
    }
}

fn misplaced(
    holder: &Holder,
    account: Option<&Account>,
    source: Option<&Source>,
    names: &Names<'_>,
) -> Option<Trouble> {
    let (Some(account), Some(source)) = (account, source) else { return None };
    let owner = match holder {
        Holder::Account(account) => &account.id,
        Holder::Pot(pot) => &pot.account_id,
    };
    if *owner != account.id {
        return Some(Trouble::OtherAccount { owner: names.account_name(owner) });
    }
    (holder.id() == source.holder.id()).then_some(Trouble::Itself)
}

fn problem(rule: &Rule, step: Option<u32>, place: &AccountOrPotName, trouble: Trouble) -> Problem {
    let part = step.map_or_else(|| "source".to_owned(), |step| format!("step {step}"));
    let message = format!("rule \"{}\", {part}, {place}: {trouble} ({})", rule.name, rule.origin);
    Problem { step, place: place.clone(), trouble, message }
}

#[cfg(test)]
mod tests;
