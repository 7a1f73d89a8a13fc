//! Runs the examples that a rule brings along, in a made-up world of nothing but what they give.
//!
//! Every name of the rule exists there, holds nothing unless the example says so, and has no goal that would cap it;
//! so a rule can be tried without the bank, the daemon, or a penny.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use monzo_common::id::{AccountId, PotId};
use monzo_common::model::{Plan, StepKind};

use crate::autosort::decide::bills::Level;
use crate::autosort::decide::names::resolve;
use crate::autosort::decide::plan::words::money;
use crate::autosort::decide::plan::{PlanInputs, plan};
use crate::autosort::decide::world::{Account, Pot, World};
use crate::rule::{AccountOrPotName, BasisPoints, Example, Rule, Step};

/// Where an example and its rule disagree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Difference {
    /// A pot, account or `left` has another amount.
    #[error("{name}: expected {}, and the rule gives {}", money(*expected), money(*found))]
    Amount {
        /// As the example names it.
        name: String,
        /// Minor units.
        expected: i64,
        /// Minor units.
        found: i64,
    },
    /// The example expects something of a name to which no step gives.
    #[error("{0}: no step of the rule gives to it")]
    Nobody(String),
    /// The rule cannot be planned so.
    #[error("{0}")]
    NotPlanned(String),
}

/// What stays at the source, as examples call it.
const LEFT: &str = "left";

/// What an example expects and its rule does not do; nothing where they agree.
///
/// `paydays` are the example's own and the later ones, as in [`PlanInputs`]. The `bills` of an example are what has to be
/// in the pot, buffer included.
pub fn differences(rule: &Rule, example: &Example, paydays: &[Date]) -> Vec<Difference> {
    let untold = rule.steps.iter().filter_map(|step| match step {
        Step::Bills { pot, .. } if bills(example, pot).is_none() => Some(pot.name()),
        _ => None,
    });
    let untold: Vec<Difference> = untold
        .map(|pot| Difference::NotPlanned(format!("the example says nothing of the `bills` of {pot}")))
        .collect();
    if !untold.is_empty() {
        return untold;
    }
    let plan = planned(rule, example, paydays);
    let mut differences: Vec<Difference> =
        plan.steps.iter().filter_map(|step| step.error.clone()).map(Difference::NotPlanned).collect();
    if !differences.is_empty() {
        return differences;
    }
    for (name, expected) in &example.expect {
        let found = if name == LEFT { Some(plan.left) } else { given(&plan, name) };
        match found {
            None => differences.push(Difference::Nobody(name.clone())),
            Some(found) if found != *expected => {
                differences.push(Difference::Amount { name: name.clone(), expected: *expected, found });
            }
            Some(_) => {}
        }
    }
    differences
}

/// What all steps give to a name.
fn given(plan: &Plan, name: &str) -> Option<i64> {
    let name = name.to_lowercase();
    let targets = plan.steps.iter().flat_map(|step| &step.targets);
    targets
        .filter(|target| target.name.to_lowercase() == name)
        .fold(None, |sum, target| Some(sum.unwrap_or(0_i64).saturating_add(target.amount)))
}

/// What an example says that the bills of a pot need.
fn bills(example: &Example, pot: &AccountOrPotName) -> Option<i64> {
    let name = pot.name().to_lowercase();
    example.bills.iter().find(|(pot, _)| pot.to_lowercase() == name).map(|(_, amount)| *amount)
}

fn planned(rule: &Rule, example: &Example, paydays: &[Date]) -> Plan {
    let mut rule = rule.clone();
    let mut levels = BTreeMap::new();
    for (index, step) in (1..).zip(&mut rule.steps) {
        let Step::Bills { pot, buffer, .. } = step else { continue };
        *buffer = BasisPoints(0);
        if let Some(amount) = bills(example, pot) {
            levels.insert(index, Ok(Level { amount, ..Level::default() }));
        }
    }
    let as_of = TimeZone::UTC.to_ambiguous_timestamp(example.at).compatible().unwrap_or_default();
    let facts = PlanInputs {
        as_of,
        today: example.at.date(),
        income: example.income,
        paydays: paydays.to_vec(),
        levels,
        guardrails: String::new(),
    };
    plan(&resolve(&rule, &world(&rule, example)), &facts)
}

/// A world in which everything exists that the rule names.
fn world(rule: &Rule, example: &Example) -> World {
    let home = home(rule);
    let mut world = World::default();
    let goals = rule.steps.iter().filter(|step| step.kind() == StepKind::Goals).flat_map(Step::places);
    let goals: Vec<&AccountOrPotName> = goals.collect();
    for place in std::iter::once(&rule.source).chain(rule.steps.iter().flat_map(Step::places)) {
        let owner = owner(place, &home).to_owned();
        if world.accounts.iter().all(|account| account.name != owner) {
            let balance = balance(
                example,
                |place| matches!(place, AccountOrPotName::Account(name) if name.to_lowercase() == owner.to_lowercase()),
            );
            world.accounts.push(Account::open(AccountId::new(owner.clone()), &owner, balance));
        }
        let AccountOrPotName::Pot { name, .. } = place else { continue };
        if world.pots.iter().any(|pot| pot.name == *name && pot.account_id.as_str() == owner) {
            continue;
        }
        let same = |given: &AccountOrPotName| matches!(given, AccountOrPotName::Pot { name: other, .. } if other.to_lowercase() == name.to_lowercase());
        let held = balance(example, |given| same(given) && self::owner(given, &home) == owner);
        let goal = goals.iter().any(|place| same(place)).then_some(i64::MAX);
        let id = PotId::new(format!("{owner}/{name}"));
        world.pots.push(Pot { goal, ..Pot::open(id, AccountId::new(owner), name, held) });
    }
    world
}

/// The account that bare names belong to.
fn home(rule: &Rule) -> String {
    let named = |place: &AccountOrPotName| match place {
        AccountOrPotName::Account(name) => Some(name.clone()),
        AccountOrPotName::Pot { account, .. } => account.clone(),
    };
    let of_steps = || rule.steps.iter().flat_map(Step::places).find_map(named);
    named(&rule.source).or_else(of_steps).unwrap_or_else(|| "Personal".to_owned())
}

fn owner<'p>(place: &'p AccountOrPotName, home: &'p str) -> &'p str {
    match place {
        AccountOrPotName::Account(name) => name,
        AccountOrPotName::Pot { account, .. } => account.as_deref().unwrap_or(home),
    }
}

fn balance(example: &Example, is: impl Fn(&AccountOrPotName) -> bool) -> i64 {
    example.given.iter().find(|(place, _)| is(place)).map_or(0, |(_, balance)| *balance)
}

#[cfg(test)]
mod tests;
