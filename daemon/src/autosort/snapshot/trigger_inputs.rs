//! What triggers look at, as the ledger and the bank's objects show it: credits, and balances with what they were.

use std::collections::BTreeMap;

use jiff::Timestamp;
use monzo_common::id::AccountId;

use crate::autosort::Sorter;
use crate::autosort::decide::occurrence::{CreditKind, CreditMarks, CreditRow, Edge, Memory, Watch};
use crate::autosort::decide::world::World;
use crate::autosort::run::propose::SorterError;
use crate::autosort::snapshot::books::Books;
use crate::autosort::study::backtest::moments::CREDITS;
use crate::monzo::{Own, marks};
use crate::rule::{Place, Rule, Trigger};
use crate::store::{Reader, StoreError};

impl Sorter {
    /// Credits that may fire a rule.
    pub(crate) async fn credits(&self) -> Result<Vec<CreditRow>, SorterError> {
        self.credits_since(self.clock.now().checked_sub(CREDITS).unwrap_or(Timestamp::MIN)).await
    }

    /// Credits since an instant, of the kinds that may fire a rule and of others.
    pub(crate) async fn credits_since(&self, since: Timestamp) -> Result<Vec<CreditRow>, SorterError> {
        let read = self.store.read(move |reader| Ok((reader.firing_credits(since)?, own(reader)?)));
        let (rows, own) = read.await?;
        let credit = |row: crate::store::FiringCredit| {
            let marks = marks(&row.raw);
            let kind = CreditKind::of(CreditMarks {
                scheme: &row.scheme,
                account_kind: &row.account_kind,
                reversal: marks.reversal,
                direct_debit: marks.direct_debit,
                flex: marks.flex,
                own: own.is_other_side_of(&marks),
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
    pub(crate) async fn watches(
        &self,
        rule: &Rule,
        (books, world): (&Books, &World),
        home: Option<&AccountId>,
    ) -> Result<BTreeMap<usize, Watch>, SorterError> {
        let mut watches = BTreeMap::new();
        for (index, trigger) in rule.triggers.iter().enumerate() {
            let Trigger::Balance { of, .. } = trigger else { continue };
            let Some((id, balance)) = balance_of(world, of, home) else { continue };
            let (name, place, asked) = (rule.name.clone(), of.to_string(), id.clone());
            let (kept, moved_at) = self
                .store
                .read(move |reader| Ok((reader.watch(&name, &place)?, reader.last_moved_at(&asked)?)))
                .await?;
            let memory = Memory { balance: kept.balance, edge: kept.edge.map(|(key, at)| Edge { key, at }) };
            let unexplained = books.unexplained(&id);
            watches.insert(index, Watch { memory, balance, unexplained, moved_at });
        }
        Ok(watches)
    }
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
    named.filter_map(|(index, name)| Some((index, account(world, name)?))).collect()
}

fn account(world: &World, name: &str) -> Option<AccountId> {
    let name = name.strip_prefix("account:").unwrap_or(name).to_lowercase();
    let mut found = world
        .accounts
        .iter()
        .filter(|account| account.id.as_str().to_lowercase() == name || account.name.to_lowercase() == name);
    found.next().map(|account| account.id.clone())
}

/// The id and balance of what a trigger looks at.
pub(crate) fn balance_of(
    world: &World,
    of: &Place,
    home: Option<&AccountId>,
) -> Option<(String, Option<i64>)> {
    match of {
        Place::Account(name) => {
            let id = account(world, name)?;
            let found = world.accounts.iter().find(|account| account.id == id)?;
            Some((id.to_string(), found.balance))
        }
        Place::Pot { account: owner, name } => {
            let owner = match owner {
                Some(owner) => account(world, owner),
                None => home.cloned(),
            };
            let name = name.to_lowercase();
            let found = world.pots.iter().find(|pot| {
                !pot.deleted
                    && owner.as_ref().is_none_or(|owner| *owner == pot.account_id)
                    && (pot.name.to_lowercase() == name || pot.id.as_str().to_lowercase() == name)
            })?;
            Some((found.id.to_string(), Some(found.balance)))
        }
    }
}
