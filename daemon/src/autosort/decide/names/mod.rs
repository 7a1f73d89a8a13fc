//! What the names of a rule mean at the bank, and what is the matter with them (autosorter.md 1, *Names* and *Pots*).
//!
//! The bank's objects never stop anything but their own step: what is gone is named, its money stays, and the rest of
//! the rule goes on. Only what the whole rule stands on, its source and the one account, refuses the whole rule.

mod find;

use std::collections::BTreeMap;

use monzo_common::id::{AccountId, PotId};
use monzo_common::money::Currency;

use crate::autosort::decide::guard::Door;
use crate::autosort::decide::world::{Account, Holder, Pot, World};
use crate::autosort::snapshot::books::thaw_command;
use crate::rule::{Place, Rule, Step};
use find::Names;

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
    pub bound: Vec<(Place, String)>,
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
    pub place: Place,
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
    pub place: Place,
    /// What is the matter.
    pub trouble: Trouble,
    /// All of it in one sentence, with rule, step, file and line.
    pub message: String,
}

/// What can be the matter with an account or pot.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// No object has this name.
    #[error("there is none of that name; there are {}", listed(there))]
    Unknown {
        /// The names that there are.
        there: Vec<String>,
    },
    /// Several objects have this name.
    #[error("several have that name: write one of the ids {}", ids.join(", "))]
    Ambiguous {
        /// Theirs.
        ids: Vec<String>,
    },
    /// The pot was deleted.
    #[error("it was deleted in the app{}", namesake.as_ref().map(|id| format!("; another pot has its name now: write its id, {id}")).unwrap_or_default())]
    Deleted {
        /// A pot that has its name now.
        namesake: Option<String>,
    },
    /// The bank's list no longer holds the pot.
    #[error("the bank no longer lists it")]
    Unlisted,
    /// The account was closed.
    #[error("it was closed")]
    Closed,
    /// It is excluded.
    #[error("it is excluded from the autosorter")]
    Excluded,
    /// Money may not leave it.
    #[error("it is locked: money may go in but not out")]
    Locked,
    /// The bank takes no deposits for ISA pots here.
    #[error("money does not go into an ISA pot by itself")]
    Isa,
    /// Nor for charity pots.
    #[error("money does not go into a charity pot by itself")]
    Charity,
    /// A savings pot that is not in `withdraw_from`.
    #[error("a {kind} pot gives nothing unless `autosort.withdraw_from` lists it")]
    Savings {
        /// The bank's kind.
        kind: String,
    },
    /// The bank refused it for good.
    #[error(
        "it needs the app: the bank refused to move its money for programs; `{thaw}` lets it be tried again"
    )]
    NeedsApp {
        /// The command that lets it be tried again.
        thaw: String,
    },
    /// It belongs to another account than the source.
    #[error("it belongs to {owner}; all pots of a rule belong to the account of its source")]
    OtherAccount {
        /// The other account's name.
        owner: String,
    },
    /// It is where the money comes from.
    #[error("it is the rule's own source")]
    Itself,
    /// An account of a kind that has no pots, or of another currency.
    #[error("{what} cannot be sorted")]
    Unsupported {
        /// What it is.
        what: String,
    },
    /// Its balance was never read.
    #[error("its balance is not known yet: run `monzoctl sync`")]
    Unread,
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
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
    let mut names = Names::new(world);
    let mut problems = Vec::new();
    let source = source(rule, world, &mut names).unwrap_or_else(|trouble| {
        problems.push(problem(rule, None, &rule.source, trouble));
        None
    });
    let account = source.as_ref().map(|source| source.account.clone());
    let mut targets = Vec::new();
    for (number, step) in (1..).zip(&rule.steps) {
        let mut of_step = Vec::new();
        for place in places(step) {
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

/// The places that a step gives to, as they were written.
pub fn places(step: &Step) -> Vec<&Place> {
    match step {
        Step::Bills { pot, .. } | Step::Pot { pot, .. } | Step::Rest { pot, .. } => vec![pot],
        Step::Account { account, .. } => vec![account],
        Step::Goals { pots, .. } => pots.iter().collect(),
        Step::Split { parts, .. } => parts.iter().map(|part| &part.pot).collect(),
        Step::Ask { .. } => Vec::new(),
    }
}

fn source(rule: &Rule, world: &World, names: &mut Names<'_>) -> Result<Option<Source>, Trouble> {
    match &rule.source {
        Place::Account(_) => {
            let account = names.account(&rule.source)?;
            usable(account)?;
            Ok(Some(Source { holder: Holder::Account(account.clone()), account: account.clone() }))
        }
        Place::Pot { .. } => {
            let pot = names.pot(&rule.source, None)?;
            gives(pot, names.savings_may_give(pot))?;
            let owner = world.accounts.iter().find(|account| account.id == pot.account_id);
            let account = owner.ok_or(Trouble::Closed)?;
            usable(account)?;
            Ok(Some(Source { holder: Holder::Pot(pot.clone()), account: account.clone() }))
        }
    }
}

fn target(
    place: &Place,
    account: Option<&Account>,
    source: Option<&Source>,
    names: &mut Names<'_>,
) -> Target {
    let found = match place {
        Place::Account(_) => names.account(place).map(|account| Holder::Account(account.clone())),
        Place::Pot { .. } => names.pot(place, account.map(|account| &account.id)).cloned().map(Holder::Pot),
    };
    match found {
        Ok(holder) => {
            let held = misplaced(&holder, account, source, names).or_else(|| match &holder {
                Holder::Account(account) => usable(account).err(),
                Holder::Pot(pot) => takes(pot).err(),
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

/// Whether an account's money may be moved.
pub fn usable(account: &Account) -> Result<(), Trouble> {
    if account.closed {
        return Err(Trouble::Closed);
    }
    if account.excluded {
        return Err(Trouble::Excluded);
    }
    if !matches!(account.kind.as_str(), "uk_retail" | "uk_retail_joint" | "uk_business") {
        return Err(Trouble::Unsupported { what: format!("an account of the kind {}", account.kind) });
    }
    sterling(account.currency)?;
    if account.balance.is_none() {
        return Err(Trouble::Unread);
    }
    Ok(())
}

/// Whether money may go into a pot: any open pot but ISA and charity ones.
pub fn takes(pot: &Pot) -> Result<(), Trouble> {
    open(pot)?;
    if pot.isa {
        return Err(Trouble::Isa);
    }
    if pot.charity {
        return Err(Trouble::Charity);
    }
    if pot.refuses_deposits {
        return Err(Trouble::NeedsApp { thaw: thaw_command(&pot.name) });
    }
    Ok(())
}

/// Whether money may leave a pot: `listed` are savings pots of `withdraw_from`.
pub fn gives(pot: &Pot, listed: bool) -> Result<(), Trouble> {
    open(pot)?;
    if pot.locked {
        return Err(Trouble::Locked);
    }
    if pot.refuses_withdrawals {
        return Err(Trouble::NeedsApp { thaw: thaw_command(&pot.name) });
    }
    if (pot.kind != "default" || pot.isa) && !listed {
        let kind = if pot.isa { "ISA".to_owned() } else { pot.kind.clone() };
        return Err(Trouble::Savings { kind });
    }
    Ok(())
}

fn open(pot: &Pot) -> Result<(), Trouble> {
    if pot.unlisted {
        return Err(Trouble::Unlisted);
    }
    if pot.deleted {
        return Err(Trouble::Deleted { namesake: None });
    }
    if pot.excluded {
        return Err(Trouble::Excluded);
    }
    sterling(pot.currency)
}

/// The bank's accounts are in pounds, and amounts of rules too.
fn sterling(currency: Currency) -> Result<(), Trouble> {
    if currency == Currency::GBP {
        Ok(())
    } else {
        Err(Trouble::Unsupported { what: format!("money in {currency}") })
    }
}

/// What may be done with each pot of an account, for the guard.
pub fn doors(world: &World, account: &AccountId) -> BTreeMap<PotId, Door> {
    let names = Names::new(world);
    let why = |answer: Result<(), Trouble>| answer.err().map(|trouble| trouble.to_string());
    world
        .pots
        .iter()
        .filter(|pot| pot.account_id == *account)
        .map(|pot| {
            let door = Door {
                balance: pot.balance,
                excluded: pot.excluded,
                into: why(takes(pot)),
                out: why(gives(pot, names.savings_may_give(pot))),
            };
            (pot.id.clone(), door)
        })
        .collect()
}

fn problem(rule: &Rule, step: Option<u32>, place: &Place, trouble: Trouble) -> Problem {
    let part = step.map_or_else(|| "source".to_owned(), |step| format!("step {step}"));
    let message = format!("rule \"{}\", {part}, {place}: {trouble} ({})", rule.name, rule.origin);
    Problem { step, place: place.clone(), trouble, message }
}

#[cfg(test)]
mod tests;
