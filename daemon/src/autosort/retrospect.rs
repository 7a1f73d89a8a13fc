//! What a rule would have done: its paydays of the past, planned by what was held then (autosorter.md 5).

use std::collections::BTreeMap;

use jiff::Timestamp;
use monzo_common::model::Backtest;

use super::backtest::{Balances, Replay, backtest};
use super::plan::Facts;
use super::planning::paydays;
use super::proposals::SorterError;
use super::resolve::resolve;
use super::world::{Holder, World};
use super::{Sorter, calendar, guard, plan, replay};

impl Sorter {
    /// What a rule would have done since a time, payday by payday.
    ///
    /// # Errors
    /// [`SorterError`].
    pub async fn backtest(&self, name: &str, since: Timestamp) -> Result<Backtest, SorterError> {
        let (rule, settings, now) = (self.known(name)?, self.settings(), self.clock.now());
        let books = self.books().await?;
        let world = self.world(&books, &rule).await?;
        let resolved = resolve(&rule, &world);
        let Some(source) = resolved.source.clone() else {
            let why = resolved.problems.first().map(|problem| problem.message.clone()).unwrap_or_default();
            return Err(SorterError::Held(why));
        };
        let filled: Vec<_> = resolved
            .targets
            .iter()
            .flatten()
            .filter_map(|target| match &target.holder {
                Some(Holder::Pot(pot)) => Some(pot.id.clone()),
                _ => None,
            })
            .collect();
        let account = source.account.id.clone();
        let (zone, pots) = (settings.zone.clone(), filled.clone());
        let (asked, kept) = (account.clone(), books.pots.clone());
        let held = books.account(&account).and_then(|account| account.balance).unwrap_or(0);
        let read = self.store.read(move |reader| {
            let events = replay::events(reader, &asked, (since, now), &zone)?;
            let whole = replay::whole_from(reader, &asked, &pots)?;
            let sum = |rows: Vec<(Timestamp, i64)>| {
                rows.into_iter().fold(0_i64, |sum, (_, amount)| sum.saturating_add(amount))
            };
            let began = held.saturating_sub(sum(reader.counted(&asked, since, now)?));
            let mut before = BTreeMap::new();
            for pot in kept.iter().filter(|pot| pot.account_id == asked) {
                let moved = match &pot.pot_current_id {
                    Some(hidden) => sum(reader.counted(hidden, since, now)?),
                    None => 0,
                };
                before.insert(pot.id.clone(), pot.balance.saturating_sub(moved));
            }
            Ok((events, whole, Balances { account: began, pots: before }))
        });
        let (events, whole_from, began) = read.await?;
        let first = calendar::local_date(since, &settings.zone);
        let days =
            settings.paydays.first().map(|payday| calendar::from(payday, first, 1_000)).unwrap_or_default();
        let moments =
            days.iter().filter_map(|day| Some((day.date, calendar::midnight(day.date, &settings.zone)?)));
        let moments: Vec<_> =
            moments.take_while(|(_, at)| *at <= now).filter(|(_, at)| *at >= since).collect();
        let mut levels = BTreeMap::new();
        for (date, at) in &moments {
            levels.insert(*at, self.levels(&rule, &resolved, *at, Some(*date)).await?);
        }
        let names = books
            .pots
            .iter()
            .filter(|pot| pot.account_id == account)
            .map(|pot| (pot.id.clone(), (pot.name(&books.names).to_owned(), filled.contains(&pot.id))));
        let replay = Replay {
            rule: rule.name.clone(),
            account: (account.to_string(), source.account.name.clone()),
            pots: names.collect(),
            whole_from,
            began,
            events,
            runs: moments.iter().map(|(_, at)| *at).collect(),
            floor: books.floor(&account, &settings.sorter),
        };
        Ok(backtest(&replay, |at, balances| {
            let world = then(&world, &account, balances);
            let today = calendar::local_date(at, &settings.zone);
            let facts = Facts {
                as_of: at,
                today,
                income: None,
                paydays: paydays(&settings.paydays, today),
                levels: levels.get(&at).cloned().unwrap_or_default(),
                guardrails: guard::text(&settings.sorter),
            };
            plan::plan(&resolve(&rule, &world), &facts)
        }))
    }
}

/// The world as it would then have been.
fn then(world: &World, account: &monzo_common::id::AccountId, balances: &Balances) -> World {
    let mut then = world.clone();
    for one in then.accounts.iter_mut().filter(|one| one.id == *account) {
        one.balance = Some(balances.account);
    }
    for pot in &mut then.pots {
        if let Some(held) = balances.pots.get(&pot.id) {
            pot.balance = *held;
        }
    }
    then
}
