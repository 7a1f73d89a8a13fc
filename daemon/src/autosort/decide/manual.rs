//! What a person asks for by hand: a move, an undo, the discovery of a pot's hidden account. Each becomes a plan like
//! any other, is carried out by the same code, and is refused for the same reasons.

use monzo_common::id::{AccountId, PotId};
use monzo_common::model::{
    Outcome, Plan, PlanStep, PlannedInput, PlannedTarget, PlannedTransfer, StepKind, TransferKind,
};
use monzo_common::money::Currency;
use sha2::{Digest, Sha256};

use crate::autosort::decide::world::{AccountOrPot, World};
use crate::autosort::decide::{balances, guard};
use crate::store::PlannedMove;

/// Why a move that was asked for makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMove {
    /// Not more than nothing.
    #[error("an amount must be more than nothing")]
    Nothing,
    /// From an account to an account, or from a thing to itself.
    #[error("the bank's API moves money only between an account and its own pots")]
    Impossible,
    /// Pot and account, or both pots, do not belong together.
    #[error("{0} and {1} belong to different accounts")]
    DifferentAccounts(String, String),
}

pub(super) fn made(
    kind: TransferKind,
    pot_id: PotId,
    account_id: AccountId,
    amount: i64,
    funded_by: Option<u32>,
) -> PlannedMove {
    PlannedMove { transfer: PlannedTransfer { kind, pot_id, account_id, amount }, funded_by, undoes: None }
}

/// The transfers of a move.
///
/// # Errors
/// [`InvalidMove`].
pub fn transfers(
    world: &World,
    amount: i64,
    from: &AccountOrPot,
    to: &AccountOrPot,
) -> Result<Vec<PlannedMove>, InvalidMove> {
    if amount <= 0 {
        return Err(InvalidMove::Nothing);
    }
    let owner = |pot: &PotId| world.pot(pot).map(|pot| pot.account_id.clone());
    let apart = |one: String, other: String| Err(InvalidMove::DifferentAccounts(one, other));
    match (from, to) {
        (AccountOrPot::Account(account), AccountOrPot::Pot(pot)) => match owner(pot) {
            Some(owner) if owner == *account => {
                Ok(vec![made(TransferKind::Deposit, pot.clone(), owner, amount, None)])
            }
            _ => apart(world.account_name(account), world.pot_name(pot)),
        },
        (AccountOrPot::Pot(pot), AccountOrPot::Account(account)) => match owner(pot) {
            Some(owner) if owner == *account => {
                Ok(vec![made(TransferKind::Withdraw, pot.clone(), owner, amount, None)])
            }
            _ => apart(world.pot_name(pot), world.account_name(account)),
        },
        (AccountOrPot::Pot(source), AccountOrPot::Pot(target)) if source != target => {
            match (owner(source), owner(target)) {
                (Some(one), Some(other)) if one == other => Ok(vec![
                    made(TransferKind::Withdraw, source.clone(), one.clone(), amount, None),
                    made(TransferKind::Deposit, target.clone(), one, amount, Some(1)),
                ]),
                _ => apart(world.pot_name(source), world.pot_name(target)),
            }
        }
        _ => Err(InvalidMove::Impossible),
    }
}

/// A penny in and out again, after which the bank's rows name the account behind the pot (monzo/README.md, The account behind a pot).
pub fn discovery(world: &World, pot: &PotId) -> Option<Vec<PlannedMove>> {
    let account = world.pot(pot)?.account_id.clone();
    Some(vec![
        made(TransferKind::Deposit, pot.clone(), account.clone(), 1, None),
        made(TransferKind::Withdraw, pot.clone(), account, 1, Some(1)),
    ])
}

/// A plan of one step that says what is made by hand.
pub fn plan(world: &World, kind: StepKind, explanation: &str, made: &[PlannedMove]) -> Plan {
    let transfers: Vec<PlannedTransfer> = made.iter().map(|one| one.transfer.clone()).collect();
    let mut after: Vec<Outcome> = Vec::new();
    let mut change = |id: String, name: String, before: i64, by: i64| match after
        .iter_mut()
        .find(|outcome| outcome.id == id)
    {
        Some(outcome) => outcome.after = outcome.after.saturating_add(by),
        None => after.push(Outcome { id, name, before, after: before.saturating_add(by) }),
    };
    for one in &transfers {
        let signed =
            if one.kind == TransferKind::Withdraw { one.amount } else { one.amount.saturating_neg() };
        let balance = world.account(&one.account_id).and_then(|account| account.balance).unwrap_or(0);
        change(one.account_id.to_string(), world.account_name(&one.account_id), balance, signed);
        let held = world.pot(&one.pot_id).map_or(0, |pot| pot.balance);
        change(one.pot_id.to_string(), world.pot_name(&one.pot_id), held, signed.saturating_neg());
    }
    let amount = guard::moved(&transfers);
    let targets = after
        .iter()
        .filter(|outcome| outcome.after > outcome.before)
        .map(|outcome| PlannedTarget {
            id: Some(outcome.id.clone()),
            name: outcome.name.clone(),
            amount: outcome.after - outcome.before,
            before: Some(outcome.before),
            after: Some(outcome.after),
        })
        .collect();
    // What gives; where everything comes back, all that is touched.
    let gives: Vec<&Outcome> = after.iter().filter(|outcome| outcome.after < outcome.before).collect();
    let gives = if gives.is_empty() { after.iter().collect() } else { gives };
    let available = gives.iter().map(|outcome| outcome.before.max(0)).fold(0, i64::saturating_add);
    let left = gives.iter().map(|outcome| outcome.after).fold(0, i64::saturating_add);
    let step = PlanStep {
        index: 1,
        kind,
        targets,
        inputs: vec![PlannedInput { name: "asked for".to_owned(), amount }],
        bills: Vec::new(),
        amount,
        short: 0,
        caps: Vec::new(),
        explanation: explanation.to_owned(),
        error: None,
    };
    Plan {
        rule: kind.word().to_owned(),
        as_of: world.as_of,
        hash: hash(kind, &transfers),
        one_way: balances::one_way(world, &transfers),
        available,
        currency: Currency::GBP,
        keep: 0,
        left,
        steps: vec![step],
        transfers,
        after,
        guards: Vec::new(),
    }
}

/// Covers what is moved, and not the balances.
fn hash(kind: StepKind, transfers: &[PlannedTransfer]) -> String {
    let mut hash = Sha256::new();
    hash.update(kind.word());
    for one in transfers {
        hash.update(format!("\n{:?} {} {} {}", one.kind, one.pot_id, one.account_id, one.amount));
    }
    hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
