//! One sync from beginning to end: accounts, then the history that is still missing, then what may have changed.
//!
//! Accounts are read side by side and fail one by one; only a lost login or permission ends the whole.
//! What was read before an end of any kind is stored, with the cursor that lets the next sync go on from there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use monzo_common::id::{AccountId, PotId};
use monzo_common::model::{SyncPhase, SyncState};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::balances::Held;
use super::failure::Failure;
use super::progress::SyncProgress;
use super::windows;
use super::{Services, balances, capture, entries, pass};
use crate::events::{Happened, Kind};
use crate::facts;
use crate::monzo::{self, Lane};
use crate::store::{LeftOut, StoredAccount};

/// How long the balances may hold up a capture. Taste.
const FIRST_BALANCES: Duration = Duration::from_secs(10);

/// What a sync is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Task {
    /// Re-read all that the bank serves now.
    pub full: bool,
}

/// An account on its way through a sync.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The bank's id.
    pub id: AccountId,
    /// What the person calls it.
    pub name: String,
    /// No row of it is older than this, as far as known.
    pub opened_at: Timestamp,
    /// The pot that it hides behind.
    pub pot_id: Option<PotId>,
    /// Its rows never settle (monzo/README.md, How a row changes).
    pub flex: bool,
    /// It is closed, or its pot is deleted: the bank may refuse to let it be read.
    pub closed: bool,
}

/// A first row can be older than its account by a moment; a day is beyond doubt. Taste.
const BEFORE_OPENING: SignedDuration = SignedDuration::from_hours(24);

impl Target {
    fn of(account: &StoredAccount, names: &BTreeMap<String, String>) -> Self {
        let opened_at = account.created_at.unwrap_or(windows::BEFORE_THE_BANK);
        Self {
            id: account.id.clone(),
            name: account.name(names),
            opened_at: opened_at.checked_sub(BEFORE_OPENING).unwrap_or(opened_at),
            pot_id: account.pot_id.clone(),
            flex: account.kind == "uk_monzo_flex",
            closed: account.closed,
        }
    }

    /// Hidden accounts are never served beyond 90 days (monzo/README.md, The account behind a pot).
    pub fn hidden(&self) -> bool {
        self.pot_id.is_some()
    }

    /// Its refusal may mean that the bank's permission has ended; hidden and closed accounts are refused for themselves.
    pub fn speaks_for_login(&self) -> bool {
        !self.hidden() && !self.closed
    }
}

/// A running sync, shared by everything that reads for it.
pub struct Run {
    /// The services that it works with.
    pub services: Arc<Services>,
    /// Its id.
    pub id: String,
    /// What it is to do.
    pub task: Task,
    /// Its counters.
    pub progress: SyncProgress,
    /// Ends it at the next page boundary.
    pub cancel: CancellationToken,
    /// When the five minutes of full history end, if they have not.
    pub history_ends: Option<Timestamp>,
    /// Windows that are read at once: as many as requests may be in flight, so that no batch waits half-filled.
    pub at_once: usize,
    /// Hidden accounts found on the way.
    pub found: mpsc::UnboundedSender<AccountId>,
}

/// How a sync ended.
#[derive(Debug)]
pub struct Ended {
    /// Done, partial, failed or cancelled.
    pub state: SyncState,
    /// Why it failed as a whole.
    pub failure: Option<Failure>,
}

impl Run {
    /// The whole history can be read at this moment.
    pub fn history_open(&self) -> bool {
        self.history_ends.is_some_and(|ends| self.services.clock.now() < ends)
    }

    /// How requests are paced: without spacing while the five minutes run.
    pub fn lane(&self) -> Lane {
        if self.history_open() { Lane::Capture } else { Lane::Steady }
    }

    /// Asks the bank, unless the sync is cancelled first; reads may be dropped at any time.
    pub async fn ask<T>(&self, asking: impl Future<Output = Result<T, monzo::Error>>) -> Result<T, Failure> {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(Failure::Cancelled),
            answer = asking => Ok(answer?),
        }
    }

    /// What the person calls accounts and pots.
    fn names(&self) -> BTreeMap<String, String> {
        self.services.settings.borrow().names.clone()
    }

    /// Keeps an event, and tells of it.
    pub async fn happened(&self, happened: Happened) {
        self.services.event_log.record(happened.sync(&self.id)).await;
    }
}

/// Runs a sync and says how it ended; each account's share is in the tally.
pub async fn run(run: Arc<Run>, mut found: mpsc::UnboundedReceiver<AccountId>) -> Ended {
    let turn = Arc::clone(&run.services.turn);
    // Money that is on its way shows wrong balances, so that a sync waits for a run to end or to pause.
    let _turn = tokio::select! {
        biased;
        () = run.cancel.cancelled() => return Ended { state: SyncState::Cancelled, failure: None },
        turn = turn.lock() => turn,
    };
    match phases(&run, &mut found).await {
        Ok(()) => Ended { state: run.progress.outcome(), failure: None },
        Err(Failure::Cancelled) => Ended { state: SyncState::Cancelled, failure: None },
        Err(failure) => Ended { state: SyncState::Failed, failure: Some(failure) },
    }
}

async fn phases(run: &Arc<Run>, found: &mut mpsc::UnboundedReceiver<AccountId>) -> Result<(), Failure> {
    let listed = list(run).await?;
    take_back(run).await?;
    for target in &listed {
        run.progress.account(&target.id, &target.name);
    }
    let mut before = Held::default();
    let reading = balances::read(run, &listed, &mut before);
    if run.history_open() {
        // A balance that does not come must not cost the five minutes, which belong to the rows.
        if let Ok(read) = tokio::time::timeout(FIRST_BALANCES, reading).await {
            read?;
        }
    } else {
        reading.await?;
    }
    run.progress.phase(if run.history_open() { SyncPhase::Capture } else { SyncPhase::Incremental });
    let targets = with_hidden(run, listed).await?;
    let captured = capture::capture(run, &targets, found).await?;
    run.progress.phase(SyncPhase::Incremental);
    let mut passes = JoinSet::new();
    let mut all = targets;
    all.extend(captured);
    for target in &all {
        spawn_pass(run, &mut passes, target.clone());
    }
    let mut failed = None;
    while let Some(ended) = passes.join_next().await {
        joined(run, ended, &mut failed);
        while let Ok(id) = found.try_recv() {
            if let Some(target) = hidden_target(run, &id).await?
                && !all.contains(&target)
            {
                run.progress.account(&target.id, &target.name);
                all.push(target.clone());
                spawn_pass(run, &mut passes, target);
            }
        }
    }
    if let Some(failure) = failed {
        return Err(failure);
    }
    run.progress.phase(SyncPhase::Reconcile);
    balances::reconcile(run, &all, before).await?;
    entries::bring_up_to_date(&run.services.store).await?;
    Ok(())
}

/// Takes back what was noted as read, or as lost, by a clock that was ahead. The bank has just told its time.
async fn take_back(run: &Run) -> Result<(), Failure> {
    let now = run.services.clock.now();
    if !run.services.clock.confirmed() {
        return Ok(());
    }
    let ahead = run.services.store.read(move |reader| reader.read_ahead(now)).await?;
    if ahead.is_empty() {
        return Ok(());
    }
    tracing::warn!(accounts = ahead.len(), "a clock that was ahead noted what was read; it is read again");
    let edge = windows::readable_from(now);
    let taken_back = run.services.store.write(move |writer| {
        ahead.iter().try_for_each(|account| writer.take_back_windows(account, edge, now))
    });
    Ok(taken_back.await?)
}

fn spawn_pass(run: &Arc<Run>, passes: &mut JoinSet<Result<(), Failure>>, target: Target) {
    let run = Arc::clone(run);
    passes.spawn(async move {
        if run.failed(&target.id) {
            return Ok(());
        }
        let read = pass::pass(&run, &target).await;
        run.close(&target, read).await
    });
}

impl Run {
    /// An account has failed or was left out already in this sync.
    pub fn failed(&self, id: &AccountId) -> bool {
        self.progress.failed(id)
    }

    /// Notes how an account's reading ended, and passes on only what ends the whole sync.
    pub async fn close(&self, target: &Target, read: Result<(), Failure>) -> Result<(), Failure> {
        let failure = match read {
            Err(failure) if failure.ends_sync() => return Err(failure),
            Err(failure) if target.closed && failure.refuses() => return self.close_refused(target).await,
            read => read.err(),
        };
        let error = failure.as_ref().map(ToString::to_string);
        let (id, now, told) = (target.id.clone(), self.services.clock.now(), error.clone());
        let noted = self.services.store.write(move |writer| {
            let before = writer.account(&id)?.error;
            writer.account_read(&id, now, told.as_deref())?;
            Ok(before != told)
        });
        let new = noted.await?;
        self.progress.done(&target.id, failure.as_ref().map(Failure::kind).zip(error));
        if let Some(failure) = failure.filter(Failure::leaves_out) {
            self.progress.left_out(&target.id);
            if new {
                let happened = Happened::new(Kind::AccountUnreadable, format!("{}: {failure}", target.name));
                self.happened(happened.account(target.id.as_str())).await;
            }
        }
        Ok(())
    }
}

impl Run {
    /// A closed account that the bank no longer lets be read is nothing to be mended: it is told once, and left out.
    async fn close_refused(&self, target: &Target) -> Result<(), Failure> {
        let (id, now) = (target.id.clone(), self.services.clock.now());
        let key = format!("closed_refused/{id}");
        let noted = self.services.store.write(move |writer| {
            writer.forgive_account(&id)?;
            let new = writer.meta(&key)?.is_none();
            if new {
                writer.set_meta(&key, &now.to_string())?;
            }
            Ok(new)
        });
        let new = noted.await?;
        self.progress.done(&target.id, None);
        self.progress.left_out(&target.id);
        if new {
            let name = &target.name;
            let message =
                format!("{name}: the bank no longer lets this account be read; its history is kept");
            let happened = Happened::new(Kind::AccountUnreadable, message);
            self.happened(happened.account(target.id.as_str())).await;
        }
        Ok(())
    }
}

/// Joins a reading; the first failure that ends the sync has the others end at their page boundary, with what they read.
///
/// A panic in a reading goes on, so that systemd restarts the daemon from a known state.
pub fn joined(
    run: &Run,
    ended: Result<Result<(), Failure>, tokio::task::JoinError>,
    failed: &mut Option<Failure>,
) {
    let failure = match ended {
        Ok(Ok(())) => return,
        Ok(Err(failure)) => failure,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => Failure::Cancelled,
    };
    failed.get_or_insert(failure);
    run.cancel.cancel();
}

/// Asks for the accounts and keeps them; which of them to read is the configuration's.
async fn list(run: &Run) -> Result<Vec<Target>, Failure> {
    let client = &run.services.client;
    let accounts = match run.ask(client.accounts(run.lane())).await {
        Err(Failure::Bank(monzo::Error::NotApproved | monzo::Error::TooOld)) => return Err(Failure::Lapsed),
        answer => answer?,
    };
    let now = run.services.clock.now();
    let settings = run.services.settings.borrow().clone();
    let (wanted, others): (Vec<facts::Account>, Vec<_>) =
        accounts.into_iter().partition(|account| settings.reads(&account.id, &account.kind));
    let others: Vec<LeftOut> = others
        .into_iter()
        .map(|account| LeftOut { id: account.id, kind: account.kind, closed: account.closed })
        .collect();
    let bank: BTreeSet<AccountId> = wanted.iter().map(|account| account.id.clone()).collect();
    let stored = run
        .services
        .store
        .write(move |writer| {
            writer.upsert_accounts(&wanted, now)?;
            writer.set_left_out(&others)?;
            writer.accounts()
        })
        .await?;
    let kept = stored
        .iter()
        .filter(|account| account.pot_id.is_none() && settings.reads(&account.id, &account.kind));
    let mut listed = Vec::new();
    for target in kept.map(|account| Target::of(account, &settings.names)) {
        if bank.contains(&target.id) {
            listed.push(target);
        } else {
            run.progress.account(&target.id, &target.name);
            run.close(&target, Err(Failure::Unlisted)).await?;
        }
    }
    Ok(listed)
}

/// Adds the hidden accounts that are known already.
async fn with_hidden(run: &Run, mut targets: Vec<Target>) -> Result<Vec<Target>, Failure> {
    let stored = run.services.store.read(|reader| reader.accounts()).await?;
    for account in stored.iter().filter(|account| account.pot_id.is_some()) {
        let target = Target::of(account, &run.names());
        run.progress.account(&target.id, &target.name);
        targets.push(target);
    }
    Ok(targets)
}

/// A hidden account that was found on the way.
pub async fn hidden_target(run: &Run, id: &AccountId) -> Result<Option<Target>, Failure> {
    let stored = run.services.store.read(|reader| reader.accounts()).await?;
    let names = run.names();
    let found = stored.iter().find(|account| account.id == *id).map(|account| Target::of(account, &names));
    if let Some(target) = &found {
        let message =
            format!("found the account behind the pot {}; its last 88 days are being read", target.name);
        let pot = target.pot_id.as_ref().map(ToString::to_string).unwrap_or_default();
        run.happened(Happened::new(Kind::PotDiscovered, message).account(target.id.as_str()).pot(pot)).await;
    }
    Ok(found)
}
