//! Balances in plans: brought up to date where a plan waits, and what could not be taken back.

use jiff::Timestamp;
use monzo_common::model::{Plan, PlannedTransfer, TransferKind};
use monzo_common::money::Money;

use super::check;
use super::world::World;

/// Gives a plan that waits for approval the balances of now, before and after; what it moves stays the same.
pub fn renew(plan: &mut Plan, world: &World, as_of: Option<Timestamp>) {
    let balance = |id: &str| {
        let pot = world.pots.iter().find(|pot| pot.id.as_str() == id).map(|pot| pot.balance);
        let account = world.accounts.iter().find(|account| account.id.as_str() == id);
        pot.or_else(|| account.and_then(|account| account.balance))
    };
    let source = plan.transfers.first().map(|first| match first.kind {
        TransferKind::Withdraw => first.pot_id.to_string(),
        TransferKind::Deposit | TransferKind::Return => first.account_id.to_string(),
    });
    for outcome in &mut plan.after {
        let Some(now) = balance(&outcome.id) else { continue };
        let by = now.saturating_sub(outcome.before);
        outcome.before = now;
        outcome.after = outcome.after.saturating_add(by);
        if source.as_ref() == Some(&outcome.id) {
            plan.left = plan.left.saturating_add(by);
        }
        let targets = plan.steps.iter_mut().flat_map(|step| &mut step.targets);
        for target in targets.filter(|target| target.id.as_ref() == Some(&outcome.id)) {
            target.before = target.before.map(|_| now);
            target.after = target.after.map(|after| after.saturating_add(by));
        }
    }
    plan.as_of = as_of.unwrap_or(plan.as_of);
}

/// The transfers that `sort undo` could not take back as things stand, each with its reason.
pub fn one_way(world: &World, transfers: &[PlannedTransfer]) -> Vec<String> {
    let mut found = Vec::new();
    for one in transfers {
        let kind = match one.kind {
            TransferKind::Deposit | TransferKind::Return => TransferKind::Withdraw,
            TransferKind::Withdraw => TransferKind::Deposit,
        };
        let back = PlannedTransfer { kind, ..one.clone() };
        found.extend(
            check::refusal(&back, world)
                .map(|why| format!("{}: {}", words(world, one, one.amount), why.reason)),
        );
    }
    found
}

/// `£25.00 into Holiday`
pub fn words(world: &World, transfer: &PlannedTransfer, amount: i64) -> String {
    let way = if transfer.kind == TransferKind::Withdraw { "out of" } else { "into" };
    format!("{} {way} {}", Money::gbp(amount), world.pot_name(&transfer.pot_id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::autosort::decide::fixtures::{with, world};
    use crate::autosort::decide::world::Pot;

    #[test]
    fn what_an_undo_could_not_take_back_is_named_before_it_is_sent() {
        let free = world(1_000, &[("A", 500)]);
        let transfer = |kind| {
            let pot = &free.pots[0];
            [PlannedTransfer {
                kind,
                pot_id: pot.id.clone(),
                account_id: pot.account_id.clone(),
                amount: 100,
            }]
        };
        let changed = |change: fn(&mut Pot)| with(world(1_000, &[("A", 500)]), "A", change);
        let (deposit, withdrawal) = (transfer(TransferKind::Deposit), transfer(TransferKind::Withdraw));
        assert_eq!((one_way(&free, &deposit), one_way(&free, &withdrawal)), (Vec::new(), Vec::new()));
        for (barred, word) in [
            (changed(|pot| pot.locked = true), "locked"),
            (changed(|pot| pot.isa = true), "ISA"),
            (changed(|pot| pot.kind = "flexible_savings".to_owned()), "savings"),
        ] {
            let found = one_way(&barred, &deposit);
            assert!(matches!(found.as_slice(), [one] if one.contains(word)), "{word}: {found:?}");
        }
    }
}
