//! The one judge of transfers: whether money may enter or leave a pot or account.
//!
//! Planning, moves by hand, undo and approval ask it before anything is committed, and the loop asks it again before
//! each transfer is sent. Two places that answered this question would drift apart.

use std::collections::BTreeMap;

use monzo_common::id::{AccountId, PotId};
use monzo_common::model::{PlannedTransfer, TransferKind};
use monzo_common::money::{Currency, Money};

use super::guard::{Guard, Violation};
use super::trouble::{ISA, Trouble};
use super::world::{Account, Pot, World};

/// What transfers are judged by, beside the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// The floor of a run that has begun, in minor units. Else it is [`floor`] of what the world says.
    pub run_floor: Option<i64>,
    /// The transfers are about to be sent: whether a pot holds enough is for the bank to say, since the stored balance
    /// of a pot can be older than an answer that never came.
    pub sending: bool,
}

/// The floor of a run that begins now: it never makes worse what is below the configured floor already.
pub fn floor(account: &Account) -> i64 {
    account.floor.min(account.balance.unwrap_or(account.floor))
}

/// Why these transfers may not be made, one after the other, each reason once; nothing if they may.
///
/// Balances are followed from one transfer to the next: what is withdrawn can be deposited.
pub fn check(transfers: &[PlannedTransfer], world: &World, limits: &Limits) -> Vec<Violation> {
    let mut found: Vec<Violation> = Vec::new();
    let mut note = |violation: Violation| {
        if !found.contains(&violation) {
            found.push(violation);
        }
    };
    let mut balances: BTreeMap<&AccountId, i64> = BTreeMap::new();
    let mut held: BTreeMap<&PotId, i64> = BTreeMap::new();
    let mut under_floor = false;
    for one in transfers {
        if let Some(violation) = refusal(one, world) {
            note(violation);
        }
        let (Some(account), Some(pot)) = (world.account(&one.account_id), world.pot(&one.pot_id)) else {
            continue;
        };
        if one.amount <= 0 {
            note(Violation { guard: Guard::Lock, reason: "an amount must be more than nothing".to_owned() });
            continue;
        }
        let Some(before) = account.balance else { continue };
        let balance = balances.entry(&one.account_id).or_insert(before);
        let in_pot = held.entry(&one.pot_id).or_insert(pot.balance);
        let money = |minor| Money::new(minor, account.currency);
        if one.kind == TransferKind::Withdraw {
            if *in_pot < one.amount && !limits.sending {
                let reason =
                    format!("{} holds {}, less than {}", pot.name, money(*in_pot), money(one.amount));
                note(Violation { guard: Guard::Lock, reason });
            }
            *in_pot = in_pot.saturating_sub(one.amount);
            *balance = balance.saturating_add(one.amount);
            continue;
        }
        *in_pot = in_pot.saturating_add(one.amount);
        *balance = balance.saturating_sub(one.amount);
        let floor = limits.run_floor.unwrap_or_else(|| floor(account));
        if *balance < floor && !under_floor {
            under_floor = true;
            let (left, floor) = (money(*balance), money(floor));
            let reason = format!("{} would be left with {left}, under its floor of {floor}", account.name);
            note(Violation { guard: Guard::Floor, reason });
        }
    }
    found
}

/// Why a transfer may not be made, whatever the amounts: what the account or the pot is.
pub fn refusal(one: &PlannedTransfer, world: &World) -> Option<Violation> {
    let Some(owner) = world.account(&one.account_id) else {
        let reason = format!("{} is no account that the bank lists", one.account_id);
        return Some(Violation { guard: Guard::Exclusion, reason });
    };
    if let Err(trouble) = account(owner) {
        return Some(Violation { guard: Guard::Exclusion, reason: trouble.about(&owner.name) });
    }
    let Some(pot) = world.pot(&one.pot_id) else {
        let reason = format!("the bank no longer lists the pot {}", one.pot_id);
        return Some(Violation { guard: Guard::Exclusion, reason });
    };
    if pot.account_id != owner.id {
        let reason = format!("{} is no pot of {}", pot.name, owner.name);
        return Some(Violation { guard: Guard::Exclusion, reason });
    }
    let answer = if one.kind == TransferKind::Withdraw { withdrawal(pot) } else { deposit(pot) };
    let trouble = answer.err()?;
    let guard = if trouble == Trouble::Excluded { Guard::Exclusion } else { Guard::Lock };
    Some(Violation { guard, reason: trouble.about(&pot.name) })
}

/// Whether an account's money may be moved.
///
/// # Errors
/// What is in the way.
pub fn account(account: &Account) -> Result<(), Trouble> {
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
///
/// # Errors
/// What is in the way.
pub fn deposit(pot: &Pot) -> Result<(), Trouble> {
    open(pot)?;
    if pot.isa {
        return Err(Trouble::Isa);
    }
    if pot.charity {
        return Err(Trouble::Charity);
    }
    match &pot.refuses_deposits {
        Some(refusal) => Err(Trouble::needs_app(pot, refusal, false)),
        None => Ok(()),
    }
}

/// Whether money may leave a pot: unlocked ones of the kind `default` that are no ISA, and those of `withdraw_from`.
///
/// # Errors
/// What is in the way.
pub fn withdrawal(pot: &Pot) -> Result<(), Trouble> {
    open(pot)?;
    if pot.locked {
        return Err(Trouble::Locked);
    }
    if let Some(refusal) = &pot.refuses_withdrawals {
        return Err(Trouble::needs_app(pot, refusal, true));
    }
    if (pot.kind != "default" || pot.isa) && !pot.withdraw_listed {
        let kind = if pot.isa { ISA.to_owned() } else { pot.kind.clone() };
        return Err(Trouble::Savings { kind });
    }
    Ok(())
}

/// Whether a pot is there and within the sorter's reach.
///
/// # Errors
/// What is in the way.
pub fn open(pot: &Pot) -> Result<(), Trouble> {
    if let Some(since) = pot.unlisted_at {
        return Err(Trouble::Unlisted { since });
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

#[cfg(test)]
mod tests;
