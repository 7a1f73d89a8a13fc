//! What a rule would have done: its paydays of the past, planned by what was held then (autosorter.md 5).

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use monzo_common::id::{AccountId, PotId};
use monzo_common::model::Backtest;

use super::backtest::{Balances, Replay, backtest};
use super::occurrence::{self, CreditRow, Facts as Moment};
use super::outgoings::{self, levels_at};
use super::plan::Facts;
use super::planning::paydays;
use super::proposals::SorterError;
use super::resolve::{Resolved, resolve};
use super::rule::Payday;
use super::world::{Holder, World};
use super::{Settings, Sorter, calendar, guard, plan, quiet, replay};

/// A time that the rule would have run.
struct Run {
    at: Timestamp,
    payday: Date,
    /// The credit that proved the payday, in minor units.
    income: Option<i64>,
}

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
        let account = source.account.id.clone();
        let ruled = ruled(&resolved);
        let held = Balances {
            account: source.account.balance.unwrap_or(0),
            pots: books
                .pots
                .iter()
                .filter(|pot| pot.account_id == account)
                .map(|pot| (pot.id.clone(), pot.balance))
                .collect(),
        };
        let (zone, pots, asked) = (settings.zone.clone(), ruled.clone(), account.clone());
        let read = self.store.read(move |reader| {
            let whole = replay::whole(reader, &asked, &pots)?;
            Ok((replay::history(reader, &asked, (since, now), &held, &whole, &zone)?, whole))
        });
        let (past, whole) = read.await?;
        let credits = self.credits_since(since).await?;
        let (runs, mut notes) = moments(&settings, &account, &credits, (since, now));
        notes.extend(whole.unknown.iter().map(|pot| {
            format!("what {pot} earned or spent by itself is not known; what went in and out of it is")
        }));
        let back = since.checked_sub(outgoings::BACK).unwrap_or(Timestamp::MIN);
        let ledger = self.outgoings(&resolved, (back, now)).await?;
        let names = books
            .pots
            .iter()
            .filter(|pot| pot.account_id == account)
            .map(|pot| (pot.id.clone(), (pot.name(&books.names).to_owned(), ruled.contains(&pot.id))));
        let replay = Replay {
            rule: rule.name.clone(),
            account: (account.to_string(), source.account.name.clone()),
            pots: names.collect(),
            whole,
            began: past.began,
            least: past.least,
            events: past.events,
            runs: runs.iter().map(|run| run.at).collect(),
            notes,
        };
        let runs: BTreeMap<Timestamp, Run> = runs.into_iter().map(|run| (run.at, run)).collect();
        Ok(backtest(&replay, |at, balances| {
            let world = then(&world, &account, balances);
            let resolved = resolve(&rule, &world);
            let run = runs.get(&at);
            let payday = run.map(|run| run.payday);
            let today = calendar::local_date(at, &settings.zone);
            let facts = Facts {
                as_of: at,
                today,
                income: run.and_then(|run| run.income),
                paydays: paydays(&settings.paydays, payday.unwrap_or(today), &rule),
                levels: levels_at(&ledger, &resolved, &settings, at, payday),
                guardrails: guard::text(&settings.sorter),
            };
            plan::plan(&resolved, &facts)
        }))
    }
}

/// The pots that a rule takes from or gives to.
fn ruled(resolved: &Resolved) -> Vec<PotId> {
    let source = resolved.source.iter().map(|source| &source.holder);
    let targets = resolved.targets.iter().flatten().filter_map(|target| target.holder.as_ref());
    let pots = source.chain(targets).filter_map(|holder| match holder {
        Holder::Pot(pot) => Some(pot.id.clone()),
        Holder::Account(_) => None,
    });
    pots.collect()
}

/// When a rule would have run: on each payday, once its credit was there and the quiet hours over; and what is to be
/// said of those on which it would not have.
fn moments(
    settings: &Settings,
    account: &AccountId,
    credits: &[CreditRow],
    (since, now): (Timestamp, Timestamp),
) -> (Vec<Run>, Vec<String>) {
    let Some(payday) = settings.paydays.first() else {
        return (Vec::new(), vec!["there is no payday to replay: add a `[[payday]]`".to_owned()]);
    };
    let mut notes = Vec::new();
    let first = calendar::local_date(since, &settings.zone);
    let days = calendar::from(payday, first, 1_000).into_iter().map(|found| found.date);
    let begins = days.filter_map(|day| Some((day, calendar::midnight(day, &settings.zone)?)));
    let past = begins.take_while(|(_, at)| *at <= now).filter(|(_, at)| *at >= since);
    let mut runs = Vec::new();
    for (day, begins) in past {
        let credit = proof(settings, payday, account, credits, day);
        if payday.income.is_some() && credit.is_none() {
            notes
                .push(format!("the income of the payday {day} is not there, so that nothing would have run"));
            continue;
        }
        let at = credit.as_ref().map_or(begins, |credit| credit.created_at.max(begins));
        let sorter = &settings.sorter;
        let at =
            quiet::until(sorter.quiet_hours, sorter.move_deadline, &calendar::london(), at).unwrap_or(at);
        let income = credit.map(|credit| if credit.account == *account { credit.amount } else { 0 });
        if at <= now {
            runs.push(Run { at, payday: day, income });
        }
    }
    (runs, notes)
}

/// The credit that proved a payday: one of the rule's own account before those of others.
fn proof(
    settings: &Settings,
    payday: &Payday,
    account: &AccountId,
    credits: &[CreditRow],
    day: Date,
) -> Option<CreditRow> {
    let moment = Moment { now: Timestamp::MAX, zone: &settings.zone, paydays: &[], sync: None, credits };
    let all = occurrence::proofs(&moment, payday, day);
    all.into_iter().min_by_key(|row| (row.account != *account, row.created_at)).cloned()
}

/// The world as it would then have been.
fn then(world: &World, account: &AccountId, balances: &Balances) -> World {
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
