//! Accounts, pots, rules and facts that the tests of this module are made of.

use std::collections::BTreeMap;

use jiff::civil::date;
use jiff::{SignedDuration, Timestamp};
use monzo_common::id::{AccountId, PotId};

use crate::autosort::decide::bills::Level;
use crate::autosort::decide::plan::PlanInputs;
use crate::autosort::decide::world::{Account, Pot, Refusal, World};
use crate::rule::{AccountOrPotName, BasisPoints, Keep, OnFailure, Rule, Step, Take};
use monzo_common::model::StepKind;

pub(crate) fn account(name: &str, balance: i64) -> Account {
    Account::open(AccountId::new(format!("acc_{name}")), name, balance)
}

pub(crate) fn pot_of(owner: &str, name: &str, balance: i64) -> Pot {
    let id = PotId::new(format!("pot_{name}"));
    Pot::open(id, AccountId::new(format!("acc_{owner}")), name, balance)
}

/// The bank refused to move a pot's money.
pub(crate) fn refusal() -> Refusal {
    Refusal { at: Timestamp::UNIX_EPOCH, reason: "the pot has added security".to_owned() }
}

/// A world of one account, Personal, and pots with balances.
pub(crate) fn world(balance: i64, pots: &[(&str, i64)]) -> World {
    World {
        accounts: vec![account("Personal", balance)],
        pots: pots.iter().map(|(name, balance)| pot_of("Personal", name, *balance)).collect(),
        ..World::default()
    }
}

/// The same world with one pot changed.
pub(crate) fn with(mut world: World, name: &str, change: impl FnOnce(&mut Pot)) -> World {
    change(world.pots.iter_mut().find(|pot| pot.name == name).expect("a pot of the fixture"));
    world
}

pub(crate) fn personal() -> AccountOrPotName {
    AccountOrPotName::Account("Personal".to_owned())
}

pub(crate) fn pot(name: &str) -> AccountOrPotName {
    AccountOrPotName::Pot { account: None, name: name.to_owned() }
}

pub(crate) fn rule(keep: i64, steps: Vec<Step>) -> Rule {
    Rule {
        name: "payday".to_owned(),
        triggers: Vec::new(),
        source: personal(),
        keep: vec![Keep::Amount(keep)],
        take: Take::All,
        mode: None,
        enabled: true,
        catch_up: SignedDuration::from_hours(48),
        on_failure: OnFailure::Return,
        steps,
        tests: Vec::new(),
        text: "the rule".to_owned(),
        origin: "monzod.toml:7".to_owned(),
    }
}

pub(crate) fn facts() -> PlanInputs {
    PlanInputs {
        as_of: Timestamp::UNIX_EPOCH,
        today: date(2026, 11, 27),
        income: None,
        paydays: vec![date(2026, 11, 27), date(2026, 12, 31), date(2027, 1, 29), date(2027, 2, 26)],
        levels: BTreeMap::new(),
        guardrails: "the guardrails".to_owned(),
    }
}

pub(crate) fn level(amount: i64) -> Level {
    Level { amount, ..Level::default() }
}

pub(crate) fn fixed(name: &str, amount: i64) -> Step {
    Step::Pot {
        written: StepKind::Pot,
        target: pot(name),
        amount: Some(crate::rule::Amount::Fixed(amount)),
        up_to: None,
        by: None,
        max: None,
    }
}

pub(crate) fn up_to(name: &str, level: i64) -> Step {
    Step::Pot {
        written: StepKind::Pot,
        target: pot(name),
        amount: None,
        up_to: Some(level),
        by: None,
        max: None,
    }
}

pub(crate) fn rest(name: &str) -> Step {
    Step::Pot { written: StepKind::Rest, target: pot(name), amount: None, up_to: None, by: None, max: None }
}

pub(crate) fn bills(name: &str, buffer: u32) -> Step {
    Step::Bills {
        pot: pot(name),
        basis: crate::rule::Basis::Upcoming,
        buffer: BasisPoints(buffer),
        horizon: None,
        until_known: None,
    }
}
