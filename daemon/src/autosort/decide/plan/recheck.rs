//! Whether moves that a person approved are still right after a fresh sync (autosort/README.md, Planning).

use monzo_common::model::{Plan, PlanStep, TransferKind};

use super::allocation::Allocation;
use super::steps::buffered;
use super::words::money;
use super::{PlanInputs, hash, hash_difference};
use crate::autosort::decide::bills::Level;
use crate::autosort::decide::names::{Resolved, Target};
use crate::rule::{Cap, Step};

/// What changed since a plan was made so that its moves may not be made any more; nothing where they still may.
///
/// Amounts are not planned again: rule and guardrails must be the same, and what stays at the source, levels, goals,
/// caps and flags must allow just these moves. The floor is the guard's.
pub fn changed(plan: &Plan, fresh: &Resolved, facts: &PlanInputs) -> Vec<String> {
    let mut changes = Vec::new();
    let now = hash(&fresh.rule.text, &facts.guardrails, &plan.transfers, &plan.steps);
    if now != plan.hash {
        changes.extend(hash_difference(&now, &plan.hash));
        return changes;
    }
    changes.extend(fresh.refusals().map(|problem| problem.message.clone()));
    let Some(source) = &fresh.source else { return changes };
    let balance = source.holder.balance();
    let keep = super::keep(&fresh.rule.keep, balance);
    let available = super::available(fresh.rule.take, balance, keep, facts.income);
    // What is asked for is set aside in the source, so that it must be there too.
    let asked = super::asks(&plan.steps).fold(0_i64, |sum, (_, target)| sum.saturating_add(target.amount));
    let taken = moved(plan).saturating_add(asked);
    if taken > available {
        changes.push(format!(
            "{} are to be moved or set aside, and only {} of {} may be",
            money(taken),
            money(available),
            source.holder.name()
        ));
    }
    let mut allocation = Allocation::new(available);
    for (planned, (step, targets)) in plan.steps.iter().zip(fresh.rule.steps.iter().zip(&fresh.targets)) {
        let level = facts.levels.get(&planned.index).and_then(|level| level.as_ref().ok());
        walk(planned, (step, level), targets, &mut allocation, &mut changes);
    }
    changes
}

/// What leaves the source.
fn moved(plan: &Plan) -> i64 {
    let sum = |kind| {
        plan.transfers
            .iter()
            .filter(|transfer| transfer.kind == kind)
            .fold(0_i64, |sum, transfer| sum.saturating_add(transfer.amount))
    };
    sum(TransferKind::Withdraw).max(sum(TransferKind::Deposit))
}

fn walk(
    planned: &PlanStep,
    (step, bills): (&Step, Option<&Level>),
    targets: &[Target],
    allocation: &mut Allocation,
    changes: &mut Vec<String>,
) {
    let begun = allocation.left;
    if let Step::Ask { .. } = step {
        allocation.set_aside(planned.amount);
        return;
    }
    for (place, (target, amount)) in
        targets.iter().zip(planned.targets.iter().map(|target| target.amount)).enumerate()
    {
        if amount == 0 {
            continue;
        }
        if let Some(trouble) = &target.held {
            changes.push(format!("{}: {trouble}", target.name));
        }
        let (level, max) = bounds((step, bills), place, target);
        if let Some(level) = level.filter(|level| amount > allocation.room(target, Some(*level))) {
            changes.push(format!("{} would be filled past {}", target.name, money(level)));
        }
        if max.is_some_and(|max| amount > Allocation::allows(max, begun)) {
            changes.push(format!("{} would get more than its cap allows now", target.name));
        }
        allocation.give(target, amount);
    }
}

/// The level and the cap of one target.
fn bounds(
    (step, bills): (&Step, Option<&Level>),
    place: usize,
    target: &Target,
) -> (Option<i64>, Option<Cap>) {
    let goal = target.holder.as_ref().and_then(|holder| holder.goal());
    match step {
        Step::Bills { buffer, .. } => (bills.map(|level| buffered(level, buffer.0)), None),
        Step::Ask { .. } => (None, None),
        Step::Pot { up_to, max, .. } => (up_to.or(goal), *max),
        Step::Split { parts, .. } => {
            let part = parts.get(place);
            (part.and_then(|part| part.up_to).or(goal), part.and_then(|part| part.max))
        }
    }
}
