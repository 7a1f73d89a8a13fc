//! What triggers look at, as the ledger and the bank's objects show it: credits, and balances with what they were.

use std::collections::BTreeMap;

use jiff::Timestamp;
use monzo_common::id::AccountId;

use crate::autosort::Services;
use crate::autosort::decide::names;
use crate::autosort::decide::occurrence::{CreditKind, CreditMarks, CreditRow, Edge, Memory, Watch};
use crate::autosort::decide::world::{Holder, World};
use crate::autosort::run::error::SorterError;
use crate::autosort::study::backtest::moments::CREDITS;
use crate::monzo::{Own, row_flags};
use crate::rule::{AccountOrPotName, Rule, Trigger};
use crate::store::{Reader, StoreError};

/// Credits that may fire a rule.
pub(crate) async fn credits(services: &Services) -> Result<Vec<CreditRow>, SorterError> {
    credits_since(services, services.clock.now().checked_sub(CREDITS).unwrap_or(Timestamp::MIN)).await
}

/// Credits since an instant, of the kinds that may fire a rule and of others.
pub(crate) async fn credits_since(
    services: &Services,
    since: Timestamp,
) -> Result<Vec<CreditRow>, SorterError> {
    let read = services.store.read(move |reader| Ok((reader.firing_credits(since)?, own(reader)?)));
    let (rows, own) = read.await?;
    let credit = |row: crate::store::FiringCredit| {
        let flags = row_flags(&row.raw);
        let kind = CreditKind::of(CreditMarks {
            scheme: &row.scheme,
            account_kind: &row.account_kind,
            reversal: flags.reversal,
            direct_debit: flags.direct_debit,
            flex: flags.flex,
            own: own.is_other_side_of(&flags),
        });
        CreditRow {
            kind,
            id: row.id,
            account: row.account_id,
            created_at: row.created_at,
            first_read_at: row.first_seen_at,
            amount: row.amount,
            from: row.name,
        }
    };
    Ok(rows.into_iter().map(credit).collect())
}

/// The balances that a rule's triggers look at.
pub(crate) fn watches(
    reader: &Reader<'_>,
    rule: &Rule,
    world: &World,
    home: Option<&AccountId>,
) -> Result<BTreeMap<usize, Watch>, StoreError> {
    let mut watches = BTreeMap::new();
    for (index, trigger) in rule.triggers.iter().enumerate() {
        let Trigger::Balance { of, .. } = trigger else { continue };
        let Some(holder) = watched(world, of, home) else { continue };
        let kept = reader.watch(&rule.name, &of.to_string())?;
        let memory = Memory { balance: kept.balance, edge: kept.edge.map(|(key, at)| Edge { key, at }) };
        let (balance, unexplained) = match &holder {
            Holder::Account(account) => (account.balance, false),
            Holder::Pot(pot) => (Some(pot.balance), pot.unexplained),
        };
        let moved_at = reader.last_moved_at(holder.id())?;
        watches.insert(index, Watch { memory, balance, unexplained, moved_at });
    }
    Ok(watches)
}

/// What tells the person's own money from income.
pub(crate) fn own(reader: &Reader<'_>) -> Result<Own, StoreError> {
    let records = reader.account_records()?.into_iter().map(|(id, raw)| (id.to_string(), raw));
    Ok(Own::new(reader.user_id()?, records))
}

/// The accounts of the triggers on income that name one.
pub(crate) fn income_accounts(rule: &Rule, world: &World) -> BTreeMap<usize, AccountId> {
    let named = rule.triggers.iter().enumerate().filter_map(|(index, trigger)| match trigger {
        Trigger::Income { account: Some(name), .. } => Some((index, name)),
        _ => None,
    });
    let account = |name: &str| {
        let name = name.strip_prefix("account:").unwrap_or(name).to_owned();
        names::holder(world, &AccountOrPotName::Account(name), None).ok()
    };
    named
        .filter_map(|(index, name)| match account(name)? {
            Holder::Account(account) => Some((index, account.id)),
            Holder::Pot(_) => None,
        })
        .collect()
}

/// The account or pot whose balance a trigger looks at; nothing where it means nothing, or is gone.
pub(crate) fn watched(world: &World, of: &AccountOrPotName, home: Option<&AccountId>) -> Option<Holder> {
    let found = names::holder(world, of, home).ok()?;
    (!matches!(&found, Holder::Pot(pot) if pot.deleted)).then_some(found)
}

/// The credit that fired an occurrence of a rule, in minor units.
pub(crate) fn credit_of(
    reader: &Reader<'_>,
    rule: &str,
    key: Option<&str>,
) -> Result<Option<i64>, StoreError> {
    let Some(key) = key else { return Ok(None) };
    let found = reader.occurrences(rule)?.into_iter().find(|one| one.key == key);
    Ok(found.and_then(|one| one.credit))
}
