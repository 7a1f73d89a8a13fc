//! Why a rule, run or pot stands as it does: the condition that is false, with its figures, and what holds it back.

use std::collections::BTreeSet;

use monzo_common::id::PotId;
use monzo_common::model::{self, OccurrenceState, RuleMode, RunState, TransferKind, TransferState};
use monzo_common::shell;

use crate::autosort::decide::check;
use crate::autosort::decide::decision::{Purpose, off};
use crate::autosort::decide::guard::Verdict;
use crate::autosort::decide::names::{self, Resolved, resolve};
use crate::autosort::decide::occurrence::{CreditKind, CreditRow, matches};
use crate::autosort::decide::plan::words::money;
use crate::autosort::decide::world::{AccountOrPot, Holder, World};
use crate::autosort::query::rules::{self, state_word};
use crate::autosort::query::runs;
use crate::autosort::run::adopt::took_it;
use crate::autosort::run::error::SorterError;
use crate::autosort::snapshot::trigger_inputs::{self, income_accounts, watched};
use crate::autosort::study::suggest;
use crate::autosort::{Services, Settings, clock_text};
use crate::rule::{Level, Rule, Trigger};
use crate::store::{StoredOccurrence, StoredRun};

/// Runs, and transfers, that are looked through for the last one of a rule or pot. Taste.
const LOOKED_THROUGH: u32 = 500;

/// Bills and runs of one kind that are told at most. Taste.
const TOLD: usize = 5;

/// Why a rule, run or pot stands as it does.
pub async fn why(services: &Services, subject: &str) -> Result<model::Why, SorterError> {
    if let Some(rule) = services.rule(subject) {
        return why_rule(services, &rule).await;
    }
    if subject.starts_with("run_") {
        let run = runs::run_of(services, subject).await?;
        let mut reasons: Vec<String> = run.reason.clone().into_iter().collect();
        reasons.extend(run.transfers.iter().filter_map(|one| one.error.clone()));
        reasons.push(format!("{}: {}", run.rule, state_word(run.state)));
        if run.state == RunState::Proposed {
            reasons.push(format!("`monzoctl sort approve {}` approves it", run.id));
        }
        return Ok(model::Why { subject: run.id, reasons, plan: Some(run.plan) });
    }
    let world = services.world().await?;
    let (subject, mut reasons) = match names::find_any(&world, subject)? {
        AccountOrPot::Pot(id) => (world.pot_name(&id), why_pot(services, &world, &id).await?),
        AccountOrPot::Account(id) => (world.account_name(&id), Vec::new()),
    };
    if reasons.is_empty() {
        reasons.push("nothing blocks it".to_owned());
    }
    Ok(model::Why { subject, reasons, plan: None })
}

async fn why_rule(services: &Services, rule: &Rule) -> Result<model::Why, SorterError> {
    let (settings, now) = (services.settings(), services.clock.now());
    let name = rule.name.clone();
    let read = services.store.read(move |reader| {
        // By the runs: an occurrence is noted as used only when a sync has followed.
        let (runs, _) = reader.runs(Some(&name), None, LOOKED_THROUGH)?;
        let user = runs.into_iter().find(|run| run.occurrence.is_some() && took_it(run));
        Ok((reader.unfinished_runs()?, reader.occurrences(&name)?, user))
    });
    let (open, occurrences, user) = read.await?;
    let mut reasons: Vec<String> = turned_off(rule, &settings).into_iter().collect();
    reasons.extend(open.iter().filter(|run| run.rule == rule.name).map(stands));
    let world = services.world().await?;
    reasons.extend(conditions(rule, &world, &trigger_inputs::credits(services).await?, &settings));
    let used = user.as_ref().and_then(|run| run.occurrence.as_ref());
    let unused = |one: &&StoredOccurrence| one.state != OccurrenceState::Used && Some(&one.key) != used;
    for one in occurrences.iter().filter(unused).take(3) {
        let why = one.reason.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
        reasons.push(format!("its occurrence {} is {}{why}", one.key, one.state));
    }
    if let Some((run, key)) = user.as_ref().zip(used) {
        reasons.push(format!("its occurrence {key} was used by {}: {}", run.id, state_word(run.state)));
    }
    if let Some(next) = rules::next_of(services, rule, now) {
        reasons.push(format!("it is next due on {}", clock_text(next, &settings.zone)));
    }
    let planned = services.decide(rule, now, &Purpose { shown: true, ..Purpose::default() }).await?;
    reasons.extend(planned.verdict.reasons());
    reasons.extend(planned.now.iter().map(|held| held.reason.clone()));
    if planned.verdict == Verdict::Nothing {
        let available = money(planned.plan.available);
        reasons.push(format!(
            "as things stand it would move nothing: {available} may be taken from {}",
            rule.source
        ));
    }
    let mode = rule.mode.unwrap_or(settings.sorter.mode);
    if mode == RuleMode::Propose {
        reasons.push("the mode is propose: a person approves each run".to_owned());
    }
    let mut told = BTreeSet::new();
    reasons.retain(|reason| told.insert(reason.clone()));
    Ok(model::Why { subject: rule.name.clone(), reasons, plan: Some(planned.explained()) })
}

async fn why_pot(services: &Services, world: &World, id: &PotId) -> Result<Vec<String>, SorterError> {
    let (settings, now) = (services.settings(), services.clock.now());
    let Some(pot) = world.pot(id) else { return Ok(Vec::new()) };
    let troubles = [check::deposit(pot), check::withdrawal(pot)];
    let mut reasons: Vec<String> =
        troubles.into_iter().filter_map(|answer| Some(answer.err()?.about(&pot.name))).collect();
    reasons.dedup();
    if !pot.deleted && pot.hidden_account.is_none() {
        let name = shell::word(&pot.name);
        reasons.push(format!("what leaves it cannot be seen yet: `monzoctl pots discover {name}` shows it"));
    }
    for rule in &settings.sorter.rules {
        let resolved = resolve(rule, world);
        let Some(part) = part_of(&resolved, id) else { continue };
        let next = match turned_off(rule, &settings) {
            Some(why) => format!(": {why}"),
            None => rules::next_of(services, rule, now).map_or_else(String::new, |next| {
                format!(", next due on {}", clock_text(next, &settings.zone))
            }),
        };
        reasons.push(format!("the rule {} {part}{next}", rule.name));
    }
    let asked = id.clone();
    let (transfers, _) =
        services.store.read(move |reader| reader.transfers(None, None, LOOKED_THROUGH)).await?;
    let last = transfers.into_iter().map(|one| one.transfer).find(|one| {
        one.pot_id == asked && one.state == TransferState::Confirmed && one.kind != TransferKind::Withdraw
    });
    if let Some(last) = last {
        let at = last.confirmed_at.map(|at| clock_text(at, &settings.zone)).unwrap_or_default();
        let amount = world.money(&last.account_id, last.amount);
        reasons.push(format!("it last got {amount} on {at}, by {}", last.run_id));
    }
    let mut bills = suggest::coming_bills(services, id).await?;
    let more = bills.len().saturating_sub(TOLD);
    bills.truncate(TOLD);
    reasons.extend(bills);
    if more > 0 {
        reasons.push(format!("{more} more bills are paid from it"));
    }
    Ok(reasons)
}

/// How an unfinished run stands, with what a person can do.
fn stands(run: &StoredRun) -> String {
    let why = run.reason.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
    let next = match run.state {
        RunState::Proposed => format!("; `monzoctl sort approve {}` approves it", run.id),
        _ => String::new(),
    };
    format!("{} is {}{why}{next}", run.id, state_word(run.state))
}

/// Why a rule never fires by itself as it is configured.
fn turned_off(rule: &Rule, settings: &Settings) -> Option<String> {
    off(rule, settings).then(|| match rule.enabled {
        false => format!("it is off: `enabled = false` ({})", rule.origin),
        true if rule.mode == Some(RuleMode::Off) => format!("it is off: its `mode` is off ({})", rule.origin),
        true => "it is off: the `mode` of `[autosort]` is off".to_owned(),
    })
}

/// What a rule does with a pot.
fn part_of(resolved: &Resolved, id: &PotId) -> Option<String> {
    let is = |holder: &Holder| holder.id() == id.as_str();
    let gives = resolved.source.as_ref().is_some_and(|source| is(&source.holder));
    let steps = (1..)
        .zip(&resolved.targets)
        .filter(|(_, targets)| targets.iter().any(|target| target.holder.as_ref().is_some_and(is)));
    let steps: Vec<String> = steps.map(|(step, _): (u32, _)| step.to_string()).collect();
    let takes = (!steps.is_empty()).then(|| format!("puts money into it (step {})", steps.join(" and ")));
    match (gives, takes) {
        (true, Some(takes)) => Some(format!("takes money from it and {takes}")),
        (true, None) => Some("takes money from it".to_owned()),
        (false, takes) => takes,
    }
}

/// The conditions of a rule's triggers that are false now, each with its figures.
fn conditions(rule: &Rule, world: &World, credits: &[CreditRow], settings: &Settings) -> Vec<String> {
    let resolved = resolve(rule, world);
    let home = resolved.source.as_ref().map(|source| &source.account.id);
    let accounts = income_accounts(rule, world);
    let mut found = Vec::new();
    for (index, trigger) in rule.triggers.iter().enumerate() {
        match trigger {
            Trigger::Balance { of, level, .. } => {
                let (side, level) = match level {
                    Level::Below(level) => ("below", *level),
                    Level::Above(level) => ("above", *level),
                };
                let holds = |balance: i64| if side == "below" { balance < level } else { balance > level };
                let watched = watched(world, of, home).map(|holder| match holder {
                    Holder::Account(account) => account.balance,
                    Holder::Pot(pot) => Some(pot.balance),
                });
                found.push(match watched {
                    None => format!("{of} means nothing at the bank, so that its balance cannot fire it"),
                    Some(None) => format!("the balance of {of} was not read yet"),
                    Some(Some(balance)) if holds(balance) => format!(
                        "the balance of {of}, {}, is {side} {}: it fires when it gets there, and again only after it \
                         was not",
                        money(balance),
                        money(level)
                    ),
                    Some(Some(balance)) => {
                        format!("the balance of {of}, {}, is not {side} {}", money(balance), money(level))
                    }
                });
            }
            Trigger::Income { credit, account, own, .. } => {
                let Some(account) = account.as_ref().map_or(home, |_| accounts.get(&index)) else { continue };
                let mut rows: Vec<&CreditRow> = credits
                    .iter()
                    .filter(|row| row.account == *account && row.amount > 0)
                    .filter(|row| row.kind == CreditKind::Income || (*own && row.kind == CreditKind::Own))
                    .collect();
                rows.sort_by_key(|row| row.created_at);
                let told = |row: &CreditRow| {
                    let at = clock_text(row.created_at, &settings.zone);
                    format!("{} from {} on {at}", money(row.amount), row.from)
                };
                let wanted = wanted(credit);
                let fits = rows.iter().rev().find(|row| matches(credit, row));
                found.push(match (fits, rows.last()) {
                    (Some(row), _) => format!("the last payment {wanted} was {}", told(row)),
                    (None, Some(row)) => format!("no payment {wanted} has come; the last was {}", told(row)),
                    (None, None) => format!("no payment {wanted} has come"),
                });
                let since = fits.map(|row| row.created_at);
                let passed_over = credits.iter().filter(|row| {
                    row.account == *account && row.amount > 0 && row.kind == CreditKind::Own && !*own
                });
                let passed_over =
                    passed_over.filter(|row| matches(credit, row)).max_by_key(|row| row.created_at);
                if let Some(row) = passed_over.filter(|row| since.is_none_or(|since| row.created_at > since))
                {
                    found.push(format!("{} is your own money, which is no income", told(row)));
                }
            }
            Trigger::Manual => found
                .push(format!("only a person starts it: `monzoctl sort run {}`", shell::word(&rule.name))),
            Trigger::Payday { .. }
            | Trigger::Monthly { .. }
            | Trigger::Weekly { .. }
            | Trigger::Daily { .. } => {}
        }
    }
    found
}

/// Which payments are meant, in words.
fn wanted(credit: &crate::rule::Credit) -> String {
    let mut words = Vec::new();
    words.extend(credit.from.as_ref().map(|from| format!("from {from}")));
    words.extend(credit.at_least.map(|least| format!("of at least {}", money(least))));
    words.extend(credit.at_most.map(|most| format!("of at most {}", money(most))));
    if words.is_empty() { "from anybody".to_owned() } else { words.join(" ") }
}
