//! Reads what decides: from the services, the configuration, the clock, and what went wrong outside the services.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use monzo_common::fault::Fault;
use monzo_common::model::{AccountStatus, Attention, LoginState, SyncStatus};
use tokio::sync::watch;

use super::{Difference, Inputs, MissingHistory, OpenRun, Troubles, attention, silence};
use crate::autosort::Sorter;
use crate::autosort::query::rule_issues::rule_issues;
use crate::autosort::query::runs::{Standing, standing};
use crate::clock::{Clock, elapsed};
use crate::config::Loaded;
use crate::ledger::Ledger;
use crate::login::Login;
use crate::store::{LeftOut, Reader, Store, StoreError, Writer};
use crate::sync::{self, schedule};

/// An attention, and whether the person has silenced it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// The attention.
    pub attention: Attention,
    /// The person has silenced it, and so knows of it.
    pub silenced: bool,
}

/// What an observer is made of.
pub struct Parts {
    /// The database.
    pub store: Store,
    /// The login.
    pub login: Login,
    /// The sync loop.
    pub sync: sync::Handle,
    /// What moves money.
    pub sorter: Sorter,
    /// The time.
    pub clock: Clock,
    /// The configuration in force.
    pub config: watch::Receiver<Loaded>,
    /// What went wrong outside the services.
    pub troubles: watch::Receiver<Troubles>,
}

/// Observes what needs a person, in a daemon whose database can be used.
#[derive(Clone)]
pub struct Observer(Arc<Parts>);

/// What the database says, as of one snapshot.
struct Stored {
    accounts: Vec<AccountStatus>,
    missing_histories: Vec<MissingHistory>,
    differences: Vec<Difference>,
    left_out: Vec<LeftOut>,
    quarantined: u64,
    last_success_at: Option<Timestamp>,
    last_attempt_at: Option<Timestamp>,
    last_sync_error: Option<String>,
}

impl Observer {
    /// An observer of these parts.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// What needs a person now; removes silences that have ended.
    pub async fn observe(&self) -> Result<Vec<Observed>, Fault> {
        let all = attention(&self.inputs().await?);
        let silences = self.0.store.read(|reader| reader.acknowledged()).await?;
        let ended = silence::ended(&silences, &all);
        if !ended.is_empty() {
            let remove = move |writer: &Writer<'_>| ended.iter().try_for_each(|id| writer.unacknowledge(id));
            self.0.store.write(remove).await?;
        }
        Ok(self.with_silence(all, &silences))
    }

    /// What needs a person by these inputs, without what they have silenced.
    pub async fn not_silenced(&self, inputs: &Inputs) -> Result<Vec<Attention>, Fault> {
        let silences = self.0.store.read(|reader| reader.acknowledged()).await?;
        let observed = self.with_silence(attention(inputs), &silences).into_iter();
        Ok(observed.filter(|observed| !observed.silenced).map(|observed| observed.attention).collect())
    }

    fn with_silence(&self, all: Vec<Attention>, silences: &silence::Silences) -> Vec<Observed> {
        let now = self.0.clock.now();
        let observed = all.into_iter().map(|attention| {
            let silenced = silence::is_silenced(silences, &attention.id, now);
            Observed { attention, silenced }
        });
        observed.collect()
    }

    /// The state of everything now.
    pub async fn inputs(&self) -> Result<Inputs, Fault> {
        let config = self.0.config.borrow().config.clone();
        let (now, zone) = (self.0.clock.now(), config.time.zone.rules().clone());
        let interval =
            SignedDuration::try_from(config.sync.interval.duration()).unwrap_or(SignedDuration::MAX);
        let login = self.0.login.state();
        let configured = self.0.login.client_id().await?.is_some();
        // Before the database is read: otherwise a sync that ends in between is seen as neither running nor done.
        let running = self.0.sync.progress().is_some();
        let mut stored =
            self.0.store.read(move |reader| stored(reader, &Ledger::read(reader, &config)?)).await?;
        // A time that a wrong clock has put in the future is not known.
        let known = |at: Option<Timestamp>| at.filter(|at| elapsed(*at, now).is_some());
        for account in &mut stored.accounts {
            account.last_success_at = known(account.last_success_at);
        }
        let sorter = &self.0.sorter;
        let Standing { status, runs, freezes } = standing(sorter, sorter.next_due()).await?;
        let rule_issues = rule_issues(sorter).await?;
        let runs = runs.into_iter().map(|run| OpenRun {
            id: run.id,
            rule: run.rule,
            state: run.state,
            reason: run.reason,
        });
        let (attempt, last_success_at) = (stored.last_attempt_at, known(stored.last_success_at));
        let ready = login.state == LoginState::Ready;
        let overdue = schedule::overdue(last_success_at, interval, now);
        let next_due_at = self.0.sync.next_due_at().filter(|_| ready);
        let sync = SyncStatus {
            state: if running { "running" } else { "idle" }.to_owned(),
            last_success_at,
            last_attempt_at: known(attempt),
            next_due_at: next_due_at.map(|due| self.0.sync.still_due(due, now)),
            stale: overdue,
            error: stored.last_sync_error,
        };
        let first_sync = last_success_at.is_none() && (running || attempt.is_none());
        Ok(Inputs {
            now,
            zone,
            login,
            configured,
            client_refused: self.0.login.client_refused(),
            unsaved_login: self.0.login.unsaved(),
            refresh_trouble: self.0.login.trouble(),
            left_alone_until: self.0.sync.left_alone().and_then(|left| now.checked_add(left).ok()),
            sync,
            sync_overdue: ready && overdue && !first_sync,
            accounts: stored.accounts,
            missing_histories: stored.missing_histories,
            left_out: stored.left_out,
            differences: stored.differences,
            quarantined: stored.quarantined,
            store: self.0.store.health(),
            skew: self.0.clock.excessive_skew(),
            troubles: self.0.troubles.borrow().clone(),
            sorter: status,
            runs: runs.collect(),
            frozen: freezes.into_iter().map(|freeze| (freeze.rule, freeze.reason)).collect(),
            rule_issues,
        })
    }
}

fn stored(reader: &Reader<'_>, ledger: &Ledger) -> Result<Stored, StoreError> {
    let mut accounts = Vec::with_capacity(ledger.accounts.len());
    let (mut missing_histories, mut differences) = (Vec::new(), Vec::new());
    for account in &ledger.accounts {
        let (covered_from, covered_to) = reader.covered(&account.id)?.unzip();
        accounts.push(AccountStatus {
            account: ledger.account(account),
            last_success_at: account.read_at,
            covered_from,
            covered_to,
            error: account.error.clone(),
            difference: account.difference,
        });
        let missing = reader.refused(&account.id)?.into_iter().map(|(_, before)| before).max();
        if let (Some(before), None) = (missing, &account.pot_id) {
            let name = account.name(&ledger.names);
            missing_histories.push(MissingHistory { account_id: account.id.clone(), name, before });
        }
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
    Ok(Stored {
        accounts,
        missing_histories,
        differences,
        left_out: reader.left_out()?,
        quarantined: reader.quarantined()?,
        last_success_at: reader.last_success_at()?,
        last_attempt_at: reader.last_attempt_at()?,
        last_sync_error: reader.last_sync_error()?,
    })
}
