//! Reads accounts and pots, with what the settings say about them, at one instant.

use std::collections::BTreeMap;

use jiff::Timestamp;
use monzo_common::id::AccountId;

use crate::autosort::Settings;
use crate::autosort::decide::names;
use crate::autosort::decide::world::{Account, Pot, Refusal, World};
use crate::exclusion::Exclusions;
use crate::store::{Reader, StoreError, StoredAccount};

/// The world at one instant of the database.
pub fn read(reader: &Reader<'_>, settings: &Settings, now: Timestamp) -> Result<World, StoreError> {
    let (accounts, pots, names) = (reader.accounts()?, reader.pots()?, &settings.names);
    let exclusions = Exclusions::of(&settings.exclude, &reader.exclusions()?, &accounts, &pots, names);
    let refusals = reader.app_pots()?;
    let refusal = |id: &monzo_common::id::PotId, out| {
        let found = refusals.iter().find(|one| one.pot_id == *id && one.out == out)?;
        Some(Refusal { at: found.at, reason: found.reason.clone() })
    };
    let hidden: BTreeMap<&AccountId, &StoredAccount> =
        accounts.iter().map(|account| (&account.id, account)).collect();
    let listed = accounts.iter().filter(|account| account.pot_id.is_none()).map(|account| Account {
        id: account.id.clone(),
        floor: settings.sorter.account_floor,
        name: account.name(names),
        kind: account.kind.clone(),
        currency: account.currency,
        balance: account.balance,
        closed: account.closed,
        excluded: exclusions.account(&account.id),
        read_at: account.read_at,
        error: account.error.clone(),
    });
    let pots = pots.iter().map(|pot| Pot {
        id: pot.id.clone(),
        account_id: pot.account_id.clone(),
        hidden_account: pot.pot_current_id.clone(),
        name: pot.name(names).to_owned(),
        kind: pot.kind.clone(),
        currency: pot.currency,
        balance: pot.balance,
        goal: pot.goal,
        locked: pot.locked,
        deleted: pot.deleted,
        unlisted_at: pot.unlisted_at,
        excluded: exclusions.pot(&pot.id, &pot.account_id),
        isa: pot.isa,
        charity: pot.charity,
        withdraw_listed: false,
        refuses_deposits: refusal(&pot.id, false),
        refuses_withdrawals: refusal(&pot.id, true),
        unexplained: pot
            .pot_current_id
            .as_ref()
            .and_then(|id| hidden.get(id))
            .is_some_and(|account| unexplained(account.difference, account.told_difference)),
    });
    let mut world =
        World { as_of: now, accounts: listed.collect(), pots: pots.collect(), bound: reader.bound_names()? };
    let floors = floors(&world, settings);
    for account in &mut world.accounts {
        account.floor = floors.get(&account.id).copied().unwrap_or(account.floor);
    }
    let may_give = names::withdraw_listed(&world, &settings.sorter.withdraw_from);
    for pot in &mut world.pots {
        pot.withdraw_listed = may_give.contains(&pot.id);
    }
    Ok(world)
}

/// Whether the difference between a pot's balance and its rows is another than the one that was found twice.
fn unexplained(difference: Option<i64>, told: Option<i64>) -> bool {
    difference.unwrap_or(0) != told.unwrap_or(0)
}

/// The floors that the settings give to accounts of their own, in minor units; the highest where several entries fit.
fn floors(world: &World, settings: &Settings) -> BTreeMap<AccountId, i64> {
    let mut floors = BTreeMap::new();
    for (given, floor) in &settings.sorter.floors {
        for account in names::accounts_called(world, given) {
            let most = floors.entry(account.id.clone()).or_insert(*floor);
            *most = (*most).max(*floor);
        }
    }
    floors
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_a_pot_is_unexplained_until_it_was_seen_twice() {
        for (difference, told, expected) in [
            (None, None, false),
            (Some(0), None, false),
            (Some(-249), None, true),
            (Some(-249), Some(-249), false),
            (Some(-498), Some(-249), true),
            (Some(0), Some(-249), true),
        ] {
            assert_eq!(unexplained(difference, told), expected, "{difference:?}, told {told:?}");
        }
    }
}
