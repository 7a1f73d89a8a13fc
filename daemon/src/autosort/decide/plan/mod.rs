//! What a rule would move, and why: a pure function of rule, state and time (autosort/README.md, Planning).

mod allocation;
mod recheck;
pub(crate) mod share;
mod sinking_fund;
mod steps;
pub(crate) mod words;

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use monzo_common::id::PotId;
use monzo_common::model::{Outcome, Plan, PlanStep, PlannedTarget, PlannedTransfer, StepKind, TransferKind};
use monzo_common::money::Currency;
use sha2::{Digest, Sha256};

use crate::autosort::decide::bills::{Level, NotKnown};
use crate::autosort::decide::names::{Problem, Resolved, Source};
use crate::autosort::decide::world::Holder;
use crate::rule::{BasisPoints, Keep, Step, Take};
use allocation::Allocation;
pub use recheck::changed;

/// What a plan goes by besides the rule and the balances.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanInputs {
    /// The instant of all facts.
    pub as_of: Timestamp,
    /// Its local date.
    pub today: Date,
    /// The credit that fired, in minor units.
    pub income: Option<i64>,
    /// This run's own payday, then the later ones in order, as far as the last `by` of the rule (a year, if in doubt).
    /// A run between paydays has the last one that came as its own.
    pub paydays: Vec<Date>,
    /// What the pots of `bills` steps have to hold, by the step's number from 1.
    pub levels: BTreeMap<u32, Result<Level, NotKnown>>,
    /// The guardrails in one canonical text: [`crate::autosort::decide::guard::text`].
    pub guardrails: String,
}

/// What a rule would move at the instant of the facts. The same inputs give the same plan.
///
/// A step that cannot be told (`error`) leaves the whole plan without moves: what comes after it in the rule must not
/// take the money that it may need.
pub fn plan(resolved: &Resolved, facts: &PlanInputs) -> Plan {
    let rule = &resolved.rule;
    let balance = resolved.source.as_ref().map_or(0, |source| source.holder.balance());
    let keep = keep(&rule.keep, balance);
    let available = if resolved.refusals().next().is_some() {
        0
    } else {
        available(rule.take, balance, keep, facts.income)
    };
    let no_credit = (rule.take != Take::All && facts.income.is_none()).then(|| {
        "no credit has fired it, so that nothing is known to take from or to leave alone".to_owned()
    });
    let mut allocation = Allocation::new(available);
    let mut steps = Vec::new();
    let mut unknown = None;
    for (index, (step, targets)) in (1..).zip(rule.steps.iter().zip(&resolved.targets)) {
        let planned = match (refusal(resolved, index), unknown) {
            (Some(refusal), _) => Err(refusal),
            (None, Some(unknown)) => {
                steps.push(blank(index, step, format!("not planned, since step {unknown} could not be")));
                continue;
            }
            (None, None) => steps::plan(index, step, targets, facts, &mut allocation),
        };
        steps.push(planned.unwrap_or_else(|error| {
            unknown.get_or_insert(index);
            PlanStep { error: Some(error.clone()), ..blank(index, step, error) }
        }));
    }
    let transfers =
        if unknown.is_some() { Vec::new() } else { transfers(resolved.source.as_ref(), &allocation) };
    let moved = if transfers.is_empty() { 0 } else { allocation.moved };
    Plan {
        rule: rule.name.clone(),
        as_of: facts.as_of,
        hash: hash(&rule.text, &facts.guardrails, &transfers, &steps),
        available,
        currency: Currency::GBP,
        keep,
        left: balance.saturating_sub(moved),
        after: outcomes(resolved, &transfers, moved, allocation.into_account),
        steps,
        transfers,
        guards: resolved.problems.iter().map(|problem| problem.message.clone()).chain(no_credit).collect(),
        one_way: Vec::new(),
    }
}

/// What refuses the rule at a step: its own trouble, or at the first step that of the source.
fn refusal(resolved: &Resolved, index: u32) -> Option<String> {
    let here = |problem: &&Problem| problem.step == Some(index) || (problem.step.is_none() && index == 1);
    resolved.refusals().find(here).map(|problem| problem.message.clone())
}

fn blank(index: u32, step: &Step, explanation: String) -> PlanStep {
    PlanStep {
        index,
        kind: step.kind(),
        targets: Vec::new(),
        inputs: Vec::new(),
        bills: Vec::new(),
        amount: 0,
        short: 0,
        caps: Vec::new(),
        explanation,
        error: None,
    }
}

/// What stays at the source: the largest of what the rule says, shares rounded up.
fn keep(keep: &[Keep], balance: i64) -> i64 {
    let amount = |keep: &Keep| match *keep {
        Keep::Amount(amount) => amount,
        Keep::Share(BasisPoints(part)) => share::of_up(balance.max(0), u64::from(part), 10_000),
    };
    keep.iter().map(amount).max().unwrap_or(0)
}

fn available(take: Take, balance: i64, keep: i64, income: Option<i64>) -> i64 {
    let above = balance.saturating_sub(keep).max(0);
    match (take, income) {
        (Take::All, _) => above,
        (Take::Income, income) => above.min(income.unwrap_or(0).max(0)),
        (Take::Leftover, Some(income)) => above.min(balance.saturating_sub(income.max(0)).max(0)),
        // Which credit is to be left alone is not known: it may be all that there is.
        (Take::Leftover, None) => 0,
    }
}

/// From a pot one withdrawal of the sum; then one deposit a pot.
fn transfers(source: Option<&Source>, allocation: &Allocation) -> Vec<PlannedTransfer> {
    let Some(source) = source else { return Vec::new() };
    let transfer = |kind, pot_id: &PotId, amount| PlannedTransfer {
        kind,
        pot_id: pot_id.clone(),
        account_id: source.account.id.clone(),
        amount,
    };
    let withdrawal = match &source.holder {
        Holder::Pot(pot) if allocation.moved > 0 => {
            Some(transfer(TransferKind::Withdraw, &pot.id, allocation.moved))
        }
        _ => None,
    };
    let deposits =
        allocation.deposits.iter().map(|(pot, amount)| transfer(TransferKind::Deposit, pot, *amount));
    withdrawal.into_iter().chain(deposits).collect()
}

fn outcomes(
    resolved: &Resolved,
    transfers: &[PlannedTransfer],
    moved: i64,
    into_account: i64,
) -> Vec<Outcome> {
    let Some(source) = &resolved.source else { return Vec::new() };
    let mut outcomes: Vec<Outcome> = Vec::new();
    let mut note = |holder: &Holder, change: i64| {
        if outcomes.iter().all(|outcome| outcome.id != holder.id()) {
            let before = holder.balance();
            outcomes.push(Outcome {
                id: holder.id().to_owned(),
                name: holder.name().to_owned(),
                before,
                after: before.saturating_add(change),
            });
        }
    };
    note(&source.holder, moved.saturating_neg());
    for holder in resolved.targets.iter().flatten().filter_map(|target| target.holder.as_ref()) {
        let change = match holder {
            Holder::Account(_) if transfers.is_empty() => 0,
            Holder::Account(account) if account.id == source.account.id => into_account,
            Holder::Account(_) => 0,
            Holder::Pot(pot) => transfers
                .iter()
                .filter(|transfer| transfer.kind == TransferKind::Deposit && transfer.pot_id == pot.id)
                .fold(0, |sum: i64, transfer| sum.saturating_add(transfer.amount)),
        };
        note(holder, change);
    }
    outcomes
}

/// What a plan asks a person to pay: the step, whom and how much.
pub fn asks(steps: &[PlanStep]) -> impl Iterator<Item = (u32, &PlannedTarget)> {
    let asking = steps.iter().filter(|step| step.kind == StepKind::Ask && step.error.is_none());
    asking
        .flat_map(|step| step.targets.iter().map(move |target| (step.index, target)))
        .filter(|(_, target)| target.amount > 0)
}

/// A name for the rule's text, the guardrails and the moves, made or asked for, one after the other; balances have no
/// part in it.
pub fn hash(text: &str, guardrails: &str, transfers: &[PlannedTransfer], steps: &[PlanStep]) -> String {
    let mut moves = String::new();
    for transfer in transfers {
        let kind = match transfer.kind {
            TransferKind::Withdraw => 'w',
            TransferKind::Deposit => 'd',
            TransferKind::Return => 'r',
        };
        moves += &format!("{kind} {} {} {}\n", transfer.pot_id, transfer.account_id, transfer.amount);
    }
    for (step, target) in asks(steps) {
        moves += &format!("a {step} {}\n", target.amount);
    }
    // Enough to tell plans apart, and short enough to be typed.
    let digits = |part: &str, bytes| {
        let digest = Sha256::digest(part);
        digest.iter().take(bytes).fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
    };
    digits(text, 3) + &digits(guardrails, 3) + &digits(&moves, 4)
}

/// What two plans of a rule differ in, by their names.
pub fn hash_difference(one: &str, other: &str) -> Vec<String> {
    let parts = [
        (0..6, "the rule was changed"),
        (6..12, "the guardrails were changed"),
        (12..20, "other moves are right by now"),
    ];
    let differs = |range: &std::ops::Range<usize>| one.get(range.clone()) != other.get(range.clone());
    parts.into_iter().filter(|(range, _)| differs(range)).map(|(_, what)| what.to_owned()).collect()
}

#[cfg(test)]
mod tests;
