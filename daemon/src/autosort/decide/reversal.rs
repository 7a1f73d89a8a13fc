//! What an undo moves: each confirmed transfer of a run back, as far as pots and floors allow.

use std::collections::BTreeMap;

use monzo_common::id::{AccountId, PotId};
use monzo_common::model::{PlannedTransfer, TransferKind, TransferState};
use monzo_common::money::Money;

use super::manual::made;
use super::world::World;
use super::{balances, check};
use crate::store::{PlannedMove, StoredTransfer};

/// What an undo does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reversal {
    /// The transfers that it makes.
    pub moves: Vec<PlannedMove>,
    /// What it cannot take back, each with its reason in a sentence.
    pub left_out: Vec<String>,
}

/// What reverses the confirmed transfers that are not undone yet, last first, each limited by what its pot may give and
/// by the floor of the account.
///
/// Also what is not reversed, each with its reason in a sentence.
pub fn reversal(world: &World, done: &[StoredTransfer], undone: &[StoredTransfer]) -> Reversal {
    let mut all: Vec<PlannedMove> = Vec::new();
    let mut left_out = Vec::new();
    let mut held: BTreeMap<PotId, i64> = world.pots.iter().map(|pot| (pot.id.clone(), pot.balance)).collect();
    // What may leave each account without taking it under its floor.
    let mut spare: BTreeMap<AccountId, i64> = BTreeMap::new();
    for account in &world.accounts {
        let spares = account.balance.map(|balance| balance.saturating_sub(check::floor(account)));
        spare.insert(account.id.clone(), spares.unwrap_or(0).max(0));
    }
    let remaining = |one: &StoredTransfer| {
        let back = undone.iter().filter(|other| {
            other.undoes.as_deref() == Some(one.transfer.dedupe_id.as_str())
                && !matches!(other.transfer.state, TransferState::Failed | TransferState::Cancelled)
        });
        back.map(|other| other.transfer.amount).fold(one.transfer.amount, i64::saturating_sub)
    };
    let confirmed =
        |one: &&StoredTransfer| one.transfer.state == TransferState::Confirmed && remaining(one) > 0;
    // What came out of a pot can go back only as far as what it paid for comes back first.
    let mut back: i64 = 0;
    for one in done.iter().rev().filter(confirmed) {
        let (pot, account) = (one.transfer.pot_id.clone(), one.transfer.account_id.clone());
        let want = remaining(one);
        let reverse = match one.transfer.kind {
            TransferKind::Deposit => TransferKind::Withdraw,
            TransferKind::Withdraw | TransferKind::Return => TransferKind::Deposit,
        };
        let transfer =
            PlannedTransfer { kind: reverse, pot_id: pot.clone(), account_id: account.clone(), amount: want };
        let refused = check::refusal(&transfer, world).map(|violation| violation.reason);
        let mut rest = |kind, amount: i64, why: String| {
            let transfer = PlannedTransfer { kind, pot_id: pot.clone(), account_id: account.clone(), amount };
            left_out.push(format!("{} is not undone: {why}", balances::words(world, &transfer, amount)));
        };
        match one.transfer.kind {
            TransferKind::Return => {}
            TransferKind::Deposit => {
                let holds = held.get(&pot).copied().unwrap_or(0);
                if let Some(why) = refused {
                    rest(TransferKind::Deposit, want, why);
                    continue;
                }
                let amount = want.min(holds).max(0);
                if amount < want {
                    let name = world.pot_name(&pot);
                    let holds = if amount == 0 {
                        "nothing".to_owned()
                    } else {
                        format!("only {}", Money::gbp(holds))
                    };
                    rest(TransferKind::Deposit, want - amount, format!("{name} holds {holds}"));
                }
                if amount == 0 {
                    continue;
                }
                held.insert(pot.clone(), holds - amount);
                // A deposit that a withdrawal paid for gives that money back to it.
                if one.funded_by.is_some() {
                    back = back.saturating_add(amount);
                } else if let Some(spare) = spare.get_mut(&account) {
                    *spare = spare.saturating_add(amount);
                }
                let mut reverse = made(TransferKind::Withdraw, pot, account, amount, None);
                reverse.undoes = Some(one.transfer.dedupe_id.clone());
                all.push(reverse);
            }
            TransferKind::Withdraw => {
                // What a return brought back is back already.
                let returned = confirmed_sum(done, |other| other.transfer.kind == TransferKind::Return);
                let want = want.saturating_sub(returned).max(0);
                if let Some(why) = refused {
                    rest(TransferKind::Withdraw, want, why);
                    continue;
                }
                // Each part is paid by the withdrawal that brings it, so that nothing is paid out of the account.
                let paid = confirmed_sum(done, |other| other.funded_by == Some(one.transfer.place));
                let own = want.saturating_sub(paid).max(0);
                let parts: Vec<(u32, i64)> = all
                    .iter()
                    .zip(1_u32..)
                    .filter(|(other, _)| other.transfer.kind == TransferKind::Withdraw)
                    .map(|(other, place)| (place, other.transfer.amount))
                    .collect();
                let mut given = 0_i64;
                for (funded_by, part) in parts {
                    let amount = part.min(back);
                    if amount <= 0 {
                        continue;
                    }
                    back -= amount;
                    given = given.saturating_add(amount);
                    let mut reverse =
                        made(TransferKind::Deposit, pot.clone(), account.clone(), amount, Some(funded_by));
                    reverse.undoes = Some(one.transfer.dedupe_id.clone());
                    all.push(reverse);
                }
                let short = want.saturating_sub(own).saturating_sub(given);
                if short > 0 {
                    rest(TransferKind::Withdraw, short, "what it paid for does not come back".to_owned());
                }
                let spare = spare.entry(account.clone()).or_default();
                let amount = own.min(*spare);
                *spare -= amount;
                if amount < own {
                    let floor = Money::gbp(world.account(&account).map_or(0, |account| account.floor));
                    let why =
                        format!("{} would fall under its floor of {floor}", world.account_name(&account));
                    rest(TransferKind::Withdraw, own - amount, why);
                }
                if amount > 0 {
                    let mut reverse = made(TransferKind::Deposit, pot.clone(), account.clone(), amount, None);
                    reverse.undoes = Some(one.transfer.dedupe_id.clone());
                    all.push(reverse);
                }
            }
        }
    }
    Reversal { moves: all, left_out }
}

/// The sum of the confirmed transfers that `counts`.
fn confirmed_sum(done: &[StoredTransfer], counts: impl Fn(&StoredTransfer) -> bool) -> i64 {
    let confirmed = done.iter().filter(|one| one.transfer.state == TransferState::Confirmed && counts(one));
    confirmed.map(|one| one.transfer.amount).fold(0, i64::saturating_add)
}
