//! What a rule would have done: each time that its triggers would have fired, planned by what was held then
//! (autosort/README.md, Before money moves).

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use monzo_common::id::{AccountId, PotId};
use monzo_common::model::{Backtest, RuleMode};
use monzo_common::shell;

use crate::autosort::decide::decision::paydays;
use crate::autosort::decide::names::{Resolved, resolve};
use crate::autosort::decide::occurrence::{History, Subject};
use crate::autosort::decide::plan::PlanInputs;
use crate::autosort::decide::world::{Account, Holder, World};
use crate::autosort::decide::{calendar, guard, plan, quiet_hours};
use crate::autosort::run::error::SorterError;
use crate::autosort::snapshot::bill_inputs::{self, Ledger, levels_at};
use crate::autosort::snapshot::trigger_inputs::{self, income_accounts};
use crate::autosort::study::backtest::moments::{CREDITS, moments};
use crate::autosort::study::backtest::replay;
use crate::autosort::study::backtest::replay::Whole;
use crate::autosort::study::backtest::{Balances, Replay, Watched, backtest};
use crate::autosort::{Services, Settings};
use crate::rule::{Rule, Trigger};

/// What a rule would have done since a time, each time that its own triggers would have fired.
pub async fn of_rule(services: &Services, name: &str, since: Timestamp) -> Result<Backtest, SorterError> {
    let (rule, settings, now) = (services.known(name)?, services.settings(), services.clock.now());
    let world = services.world().await?;
    let resolved = resolve(&rule, &world);
    let Some(source) = resolved.source.clone() else {
        let why = resolved.problems.first().map(|problem| problem.message.clone()).unwrap_or_default();
        return Err(SorterError::Held(why));
    };
    if rule.triggers.iter().all(|trigger| matches!(trigger, Trigger::Manual)) {
        let why = "only a person starts this rule, and when one would have is not known";
        return Err(SorterError::NoReplay(why.to_owned()));
    }
    let account = source.account.id.clone();
    let watched = watched(&rule, &world, &source.account)?;
    let ruled = ruled(&resolved);
    let looked: Vec<PotId> =
        ruled.iter().cloned().chain(watched.iter().filter_map(|one| one.pot.clone())).collect();
    let held = Balances {
        account: source.account.balance.unwrap_or(0),
        pots: world
            .pots
            .iter()
            .filter(|pot| pot.account_id == account)
            .map(|pot| (pot.id.clone(), pot.balance))
            .collect(),
    };
    let (zone, asked) = (settings.zone.clone(), account.clone());
    let whole = services.store.read(move |reader| replay::whole(reader, &asked, &looked)).await?;
    let (since, mut notes) = begins_at(since, &whole, &watched, &world, &settings)?;
    let (whole, asked) = (whole, account.clone());
    let known = whole.clone();
    let read = services
        .store
        .read(move |reader| replay::history(reader, &asked, (since, now), &held, &known, &zone));
    let past = read.await?;
    let credits =
        trigger_inputs::credits_since(services, since.checked_sub(CREDITS).unwrap_or(Timestamp::MIN)).await?;
    let used = BTreeSet::new();
    let subject = Subject {
        rule: &rule,
        mode: RuleMode::Auto,
        since: Timestamp::MIN,
        history: History::ThisText,
        account: Some(account.clone()),
        income_accounts: income_accounts(&rule, &world),
        watches: BTreeMap::new(),
        used: &used,
    };
    let calendars = (&settings.zone, &settings.paydays[..]);
    let (runs, said) = moments(&subject, calendars, &credits, (since, now));
    notes.extend(said);
    notes.extend(whole.unknown.iter().map(|pot| {
        format!("what {pot} earned or spent by itself is not known; what went in and out of it is")
    }));
    let back = since.checked_sub(bill_inputs::BACK).unwrap_or(Timestamp::MIN);
    let (asked, zone) = (resolved.clone(), settings.zone.clone());
    let ledger = services.store.read(move |reader| Ledger::read(reader, &asked, &zone, (back, now))).await?;
    let names = world
        .pots
        .iter()
        .filter(|pot| pot.account_id == account)
        .map(|pot| (pot.id.clone(), (pot.name.clone(), ruled.contains(&pot.id))));
    let replay = Replay {
        rule: rule.name.clone(),
        account: (account.to_string(), source.account.name.clone()),
        pots: names.collect(),
        source: match &source.holder {
            Holder::Pot(pot) => Some(pot.id.clone()),
            Holder::Account(_) => None,
        },
        whole,
        began: past.began,
        least: past.least,
        events: past.events,
        runs: runs.iter().map(|run| run.when.clone()).collect(),
        watched,
        notes,
    };
    let (hours, deadline) = (settings.sorter.quiet_hours, settings.sorter.move_deadline);
    let begins = |at| quiet_hours::until(hours, deadline, &calendar::london(), at).unwrap_or(at);
    Ok(backtest(&replay, now, begins, |at, moment, balances| {
        let world = then(&world, &account, balances);
        let resolved = resolve(&rule, &world);
        let run = moment.and_then(|moment| runs.get(moment));
        let own = run.and_then(|run| run.date);
        let today = calendar::local_date(at, &settings.zone);
        let facts = PlanInputs {
            as_of: at,
            today,
            income: run.and_then(|run| run.income),
            paydays: paydays(&settings.paydays, own.unwrap_or(today), &rule),
            levels: levels_at(&ledger, &resolved, &settings, at, own),
            guardrails: guard::text(&settings.sorter),
        };
        plan::plan(&resolved, &facts)
    }))
}

/// From when on a rule can be replayed, and what is to be said of that.
///
/// # Errors
/// [`SorterError::NoReplay`] where that is never.
fn begins_at(
    since: Timestamp,
    whole: &Whole,
    watched: &[Watched],
    world: &World,
    settings: &Settings,
) -> Result<(Timestamp, Vec<String>), SorterError> {
    let Some(mut from) = whole.account else {
        return Err(SorterError::NoReplay(
            "no row of its account was read yet: run `monzoctl sync`".to_owned(),
        ));
    };
    for one in watched {
        let Some(pot) = &one.pot else { continue };
        let Some(known) = whole.pots.get(pot) else {
            let name = world.pot_name(pot);
            let why = format!(
                "what {name} held is not known: run `monzoctl pots discover {}` first",
                shell::word(&name)
            );
            return Err(SorterError::NoReplay(why));
        };
        from = from.max(*known);
    }
    let mut notes = Vec::new();
    if from > since {
        let day = calendar::local_date(from, &settings.zone);
        notes.push(format!("the replay begins on {day}: what was before is not known"));
    }
    if !watched.is_empty() {
        notes.push("a balance is looked at after each row: a sync may see it some hours later".to_owned());
    }
    Ok((since.max(from), notes))
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

/// The balances that a rule's triggers look at, as far as a replay knows them.
///
/// # Errors
/// [`SorterError::NoReplay`] for one that it cannot know.
fn watched(rule: &Rule, world: &World, account: &Account) -> Result<Vec<Watched>, SorterError> {
    let mut watched = Vec::new();
    for trigger in &rule.triggers {
        let Trigger::Balance { of, level, cooldown } = trigger else { continue };
        let no = |why: &str| SorterError::NoReplay(format!("the balance of {of} cannot be replayed: {why}"));
        let Some(holder) = trigger_inputs::watched(world, of, Some(&account.id)) else {
            return Err(no("nothing is called so"));
        };
        let (pot, owner) = match &holder {
            Holder::Pot(pot) => (Some(pot), &pot.account_id),
            Holder::Account(account) => (None, &account.id),
        };
        if *owner != account.id {
            return Err(no(&format!("only what happened in {} and its pots is", account.name)));
        }
        watched.push(Watched {
            pot: pot.map(|pot| pot.id.clone()),
            name: pot.map_or(&account.name, |pot| &pot.name).clone(),
            level: *level,
            cooldown: *cooldown,
        });
    }
    Ok(watched)
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
