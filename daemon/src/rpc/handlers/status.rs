//! `system.status`: gathers how things stand; what of it needs a person is `attention`'s to say.

use std::collections::BTreeMap;

use jiff::Timestamp;
use monzo_common::VERSION;
use monzo_common::fault::Fault;
use monzo_common::model::{
    AccountStatus, Attention, Login, LoginState, Mode, Severity, SorterStatus, Status, SyncStatus,
};

use super::context::{RpcContext, Served, Services};
use super::ledger::read_ledger;
use crate::attention::{self, Difference, Facts, History, RunMatter};
use crate::clock::elapsed;
use crate::store::Writer;
use crate::sync::{self, schedule};

pub(super) async fn status(context: &RpcContext) -> Result<Status, Fault> {
    let served = context.served.borrow().clone();
    match served {
        Served::Normal(services) => normal(context, &services).await,
        Served::Rescue(why) => Ok(rescue(context, attention::rescue(&why.reason, &why.hint))),
        Served::Between => Ok(rescue(context, attention::between())),
    }
}

/// What needs a person, silenced or not.
pub(super) async fn attention(context: &RpcContext) -> Result<Vec<Attention>, Fault> {
    let (_, facts) = gather(context, &context.services()?).await?;
    Ok(attention::attention(&facts))
}

/// The same, each with whether the person has silenced it; forgets what was silenced and is over.
pub(super) async fn attention_and_silence(context: &RpcContext) -> Result<Vec<(Attention, bool)>, Fault> {
    let (services, all) = (context.services()?, attention(context).await?);
    let silenced = services.store.read(|reader| reader.acknowledged()).await?;
    let over = over(&silenced, &all);
    if !over.is_empty() {
        let forget = move |writer: &Writer<'_>| over.iter().try_for_each(|id| writer.unacknowledge(id));
        services.store.write(forget).await?;
    }
    let now = context.clock.now();
    let with_silence = |one| {
        let silent = is_silent(&silenced, &one, now);
        (one, silent)
    };
    Ok(all.into_iter().map(with_silence).collect())
}

fn is_silent(silenced: &BTreeMap<String, Option<Timestamp>>, one: &Attention, now: Timestamp) -> bool {
    silenced.get(&one.id).is_some_and(|until| until.is_none_or(|until| until > now))
}

async fn normal(context: &RpcContext, services: &Services) -> Result<Status, Fault> {
    let now = context.clock.now();
    let (mut status, facts) = gather(context, services).await?;
    let silenced = services.store.read(|reader| reader.acknowledged()).await?;
    let mut all = attention::attention(&facts);
    all.retain(|one| !is_silent(&silenced, one, now));
    status.attention = all;
    status.healthy = status.attention.iter().all(|attention| attention.severity == Severity::Note);
    Ok(status)
}

/// What was silenced for as long as it lasts, and is over: the next of its kind speaks again.
fn over(silenced: &BTreeMap<String, Option<Timestamp>>, all: &[Attention]) -> Vec<String> {
    let lasts = |id: &String| all.iter().any(|attention| attention.id == *id);
    silenced.iter().filter(|(id, until)| until.is_none() && !lasts(id)).map(|(id, _)| id.clone()).collect()
}

async fn gather(context: &RpcContext, services: &Services) -> Result<(Status, Facts), Fault> {
    let config = context.config.borrow().config.clone();
    let (now, interval) = (context.clock.now(), config.sync.interval.duration());
    let zone = config.time.zone.rules().clone();
    let login = services.login.state();
    let configured = services.login.client_id().await?.is_some();
    // Before the database is read, so that a sync that ends meanwhile is not seen as neither running nor done.
    let running = services.sync.progress().is_some();
    let read = services.store.read(move |reader| {
        let ledger = read_ledger(reader, &config)?;
        let mut accounts = Vec::with_capacity(ledger.accounts.len());
        let mut histories = Vec::new();
        for account in &ledger.accounts {
            let (from, to) = reader.covered(&account.id)?.unzip();
            let name = account.name(&ledger.names);
            let missing = reader.refused(&account.id)?.into_iter().map(|(_, before)| before).max();
            if let (Some(before), None) = (missing, &account.pot_id) {
                histories.push(History { account_id: account.id.clone(), name, missing_before: before });
            }
            accounts.push(AccountStatus {
                account: ledger.account(account),
                last_success_at: account.read_at,
                covered_from: from,
                covered_to: to,
                error: account.error.clone(),
                difference: account.difference,
            });
        }
        let mut differences = Vec::new();
        for account in &ledger.accounts {
            if let Some(amount) = account.told_difference {
                let quarantined = sync::quarantined(reader, &account.id)?;
                differences.push(Difference {
                    account_id: account.id.clone(),
                    amount,
                    because: quarantined.because(amount),
                    explained: quarantined.explains(amount),
                });
            }
        }
        let sync = SyncStatus {
            state: String::new(),
            last_success_at: reader.last_success_at()?,
            last_attempt_at: reader.last_attempt_at()?,
            next_due_at: None,
            stale: false,
            error: reader.last_sync_error()?,
        };
        let kept_apart = (reader.quarantined()?, reader.left_out()?);
        Ok((accounts, histories, differences, sync, kept_apart))
    });
    let (mut accounts, histories, differences, recorded, kept_apart) = read.await?;
    let (quarantined, left_out) = kept_apart;
    // What a wrong clock has dated into the future is not known.
    let known = |at: Option<Timestamp>| at.filter(|at| elapsed(*at, now).is_some());
    let attempt = recorded.last_attempt_at;
    let (last_success_at, last_attempt_at) = (known(recorded.last_success_at), known(attempt));
    accounts.iter_mut().for_each(|account| account.last_success_at = known(account.last_success_at));
    let (sorter, runs, freezes) = services.sorter.status().await?;
    let runs = runs.into_iter().map(|run| RunMatter {
        id: run.id,
        rule: run.rule,
        state: run.state,
        reason: run.reason,
    });
    let matters = services.sorter.matters().await?;
    let interval = jiff::SignedDuration::try_from(interval).unwrap_or(jiff::SignedDuration::MAX);
    let ready = login.state == LoginState::Ready;
    let overdue = schedule::overdue(last_success_at, interval, now);
    let sync = SyncStatus {
        state: if running { "running" } else { "idle" }.to_owned(),
        last_success_at,
        last_attempt_at,
        next_due_at: services
            .sync
            .next_due_at()
            .filter(|_| ready)
            .map(|due| services.sync.still_due(due, attempt, now)),
        stale: overdue,
        ..recorded
    };
    let facts = Facts {
        now,
        login: login.clone(),
        configured,
        client_refused: services.login.client_refused(),
        unsaved_login: services.login.unsaved(),
        refresh_trouble: services.login.trouble(),
        left_alone_until: services.sync.left_alone().and_then(|left| now.checked_add(left).ok()),
        // A first sync that runs, or is about to begin, is not late.
        stale: ready && overdue && !(last_success_at.is_none() && (running || attempt.is_none())),
        last_success_at,
        sync_error: sync.error.clone(),
        next_sync: sync.next_due_at,
        zone,
        accounts: accounts.clone(),
        histories,
        left_out,
        differences,
        quarantined,
        store: services.store.health(),
        skew: context.clock.excessive_skew(),
        troubles: context.troubles.borrow().clone(),
        next_due: sorter.next,
        runs: runs.collect(),
        frozen: freezes.into_iter().map(|freeze| (freeze.rule, freeze.reason)).collect(),
        rules: matters.rules,
        incomes: matters.incomes,
        asks: matters.asks,
        app_pots: matters.app_pots,
    };
    let status = Status {
        healthy: true,
        version: VERSION.to_owned(),
        mode: Mode::Normal,
        started_at: context.started_at,
        login,
        sync,
        accounts,
        sorter,
        quarantined,
        attention: Vec::new(),
    };
    Ok((status, facts))
}

/// Without a database nothing is sorted.
fn no_sorter() -> SorterStatus {
    SorterStatus { mode: "off".to_owned(), frozen: false, next: None, proposed: 0, unsettled: 0 }
}

/// The page of a daemon that knows nothing but why.
fn rescue(context: &RpcContext, why: Attention) -> Status {
    Status {
        healthy: false,
        version: VERSION.to_owned(),
        mode: Mode::Rescue,
        started_at: context.started_at,
        login: Login {
            state: LoginState::None,
            user_id: None,
            token_expires_at: None,
            refreshes: None,
            access_ends_at: None,
            error: None,
        },
        sync: SyncStatus {
            state: "idle".to_owned(),
            last_success_at: None,
            last_attempt_at: None,
            next_due_at: None,
            stale: true,
            error: None,
        },
        accounts: Vec::new(),
        sorter: no_sorter(),
        quarantined: 0,
        attention: vec![why],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_silenced_as_long_as_it_lasts_speaks_again_when_it_comes_back() {
        let there = attention::between();
        let silenced = [there.id.as_str(), "gone", "gone_but_dated"].map(str::to_owned);
        let until = [None, None, Some(Timestamp::MAX)];
        let silenced = silenced.into_iter().zip(until).collect();
        assert_eq!(over(&silenced, &[there]), ["gone"]);
    }
}
