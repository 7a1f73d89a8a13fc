//! The loop: looks at the ledger after each sync, ends what has expired, and carries runs on, one at a time.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;

use monzo_common::model::{Freeze, RunState, Sync, SyncCause, SyncState};
use tokio_util::sync::CancellationToken;

use crate::autosort::Sorter;
use crate::autosort::decide::occurrence::{Begin, Occurrence};
use crate::autosort::run::error::SorterError;
use crate::autosort::run::execute::RunProgress;
use crate::autosort::run::finish::title;
use crate::autosort::run::state;
use crate::autosort::run::{asks, rule_changes};
use crate::clock::{TOLERATED_SKEW, elapsed};
use crate::events::{Happened, Kind};
use crate::rule::Rule;
use crate::store::{StoreError, StoredRun};

/// The wall clock is looked at this often at least, so that suspend and clock steps are met.
const LOOK: Duration = Duration::from_secs(60);

impl Sorter {
    /// Runs until the daemon stops, from when the database is known to be whole; a transfer that was sent is answered
    /// first.
    pub async fn run(self, whole: CancellationToken) {
        let stop = self.stop.clone();
        while !whole.is_cancelled() {
            self.heartbeat.beat();
            tokio::select! {
                () = whole.cancelled() => {}
                () = stop.cancelled() => return self.heartbeat.retire(),
                () = tokio::time::sleep(LOOK) => {}
            }
        }
        let (mut progress, mut login, mut settings) =
            (self.sync.watch(), self.login.watch(), self.settings.clone());
        // What a crash left unfinished goes on by the same code as everything else.
        let (mut woken, mut changed) = (true, true);
        loop {
            self.heartbeat.beat();
            // Rules are accepted when they are read, and not only when the next sync ends.
            if std::mem::take(&mut changed)
                && let Err(error) = self.look_at_rules(None).await
            {
                tracing::warn!(%error, "the rules could not be looked at");
            }
            let again = match self.round(woken).await {
                Ok(again) => again,
                Err(error) => {
                    tracing::warn!(%error, "the sorter could not look at how things stand");
                    false
                }
            };
            if stop.is_cancelled() {
                break;
            }
            if again {
                woken = true;
                continue;
            }
            let wait = self.until_due().await;
            woken = tokio::select! {
                () = stop.cancelled() => break,
                () = self.0.nudge.notified() => true,
                seen = progress.changed() => {
                    if seen.is_err() {
                        break;
                    }
                    // Only the end of a sync is of interest here.
                    progress.borrow_and_update().as_ref().is_some_and(|seen| seen.sync.is_some())
                }
                state = login.changed() => state.is_ok(),
                read = settings.changed() => {
                    changed = read.is_ok();
                    changed
                }
                () = tokio::time::sleep(wait) => false,
            };
        }
        self.heartbeat.retire();
    }

    /// How long nothing is due.
    async fn until_due(&self) -> Duration {
        let now = self.clock.now();
        let open = self.store.read(|reader| reader.unfinished_runs()).await.unwrap_or_default();
        let due = open.iter().filter_map(|run| run.expires_at).chain(self.next_due()).min();
        let wait = due.map_or(LOOK, |due| Duration::try_from(due.duration_since(now)).unwrap_or_default());
        wait.clamp(Duration::from_millis(200), self.clock.pause(LOOK))
    }

    /// Looks once; `true` if there is reason to look again at once.
    async fn round(&self, woken: bool) -> Result<bool, StoreError> {
        let synced = self.after_sync().await?;
        self.expire().await?;
        self.date_freezes().await?;
        let again = self.carry_all_on(woken || synced).await?;
        self.meet_the_calendar().await;
        self.measure().await?;
        Ok(again)
    }

    /// Looks at the ledger, if a sync has ended since the last time; `true` if one has.
    async fn after_sync(&self) -> Result<bool, StoreError> {
        let ended: Option<Sync> = self.sync.watch().borrow().as_ref().and_then(|seen| seen.sync.clone());
        let Some(ended) = ended else { return Ok(false) };
        let seen = self.0.looked_at.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if seen.as_deref() == Some(ended.id.as_str()) {
            return Ok(false);
        }
        if ended.state == SyncState::Done {
            self.0.read.store(true, Ordering::Relaxed);
        }
        if Self::good(ended.state) {
            self.reconcile().await?;
            // Occurrences first: what the bank knows of them is no stranger's.
            self.look_at_rules(Some((ended.id.clone(), ended.cause == SyncCause::Run))).await?;
            self.look_for_strangers().await?;
            if let Err(error) = asks::tick_off(self).await {
                tracing::warn!(%error, "the payments that were asked for could not be looked for");
            }
            if let Err(error) = rule_changes::tell(self).await {
                tracing::warn!(%error, "renamed pots and late incomes could not be told");
            }
        }
        *self.0.looked_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(ended.id);
        Ok(true)
    }

    /// Looks at the rules; what cannot be done is said, and holds nothing else up.
    async fn look_at_rules(&self, synced: Option<(String, bool)>) -> Result<(), StoreError> {
        match self.fire(synced).await {
            Ok(()) => Ok(()),
            Err(SorterError::Store(error)) => Err(error),
            Err(error) => {
                tracing::warn!(%error, "the rules could not be looked at");
                Ok(())
            }
        }
    }

    /// A rule is due by the calendar: all is read first, and planned after that.
    async fn meet_the_calendar(&self) {
        let due = self.next_due().is_some_and(|at| at <= self.clock.now());
        if !due || !self.login.ready() {
            return;
        }
        self.set_next(None);
        if let Err(error) = self.sync.start_for(SyncCause::Rule, false).await {
            tracing::debug!(%error, "no sync could be started for a rule");
        }
    }

    /// Whether nothing was made of an open occurrence yet that waits for a person.
    pub(crate) async fn untouched(&self, rule: &Rule, one: &Occurrence) -> Result<bool, StoreError> {
        let (rule, key) = (rule.name.clone(), one.key.clone());
        let runs = self.store.read(move |reader| reader.runs_of(&rule, &key)).await?;
        let waits = runs.iter().any(|run| run.state == RunState::Proposed);
        Ok(!waits && !matches!(one.begin, Begin::Never))
    }

    /// Ends proposals that nobody approved in time, or whose rule was removed.
    async fn expire(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let open = self.store.read(|reader| reader.unfinished_runs()).await?;
        let waits = |run: &&StoredRun| matches!(run.state, RunState::Proposed | RunState::Withheld);
        for run in open.iter().filter(waits) {
            if run.expires_at.is_some_and(|at| at <= now) {
                let told = format!("{} was not approved in time", title(run));
                self.expire_run(run, "it was not approved in time", told).await?;
            } else if self.clock.confirmed() && elapsed(run.created_at, now).is_none() {
                let told = format!("{} has ended: a clock was wrong when it was proposed", title(run));
                self.expire_run(run, "a clock was wrong when it was proposed", told).await?;
            } else if run.rule_hash.is_some() && self.rule(&run.rule).is_none() {
                let told = format!("{} has ended: the rule was removed", title(run));
                self.expire_run(run, "the rule was removed", told).await?;
            }
        }
        Ok(())
    }

    /// Counts the freezes that a wrong clock has dated into the future from now on, for as long as they were meant to
    /// last.
    async fn date_freezes(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let freezes = self.store.read(move |reader| reader.freezes(now)).await?;
        let dated = |freeze: &Freeze| freeze.until.is_some() && elapsed(freeze.at, now).is_none();
        if !self.clock.confirmed() || !freezes.iter().any(dated) {
            return Ok(());
        }
        let future = now.checked_add(TOLERATED_SKEW).unwrap_or(now);
        self.store.write(move |writer| writer.date_freezes(future, now)).await?;
        let message = "a clock was wrong when the sorter was frozen: the freeze is counted from now";
        self.event_log.record(Happened::new(Kind::SorterFrozen, message)).await;
        Ok(())
    }

    /// Carries runs on, oldest first; one that has begun and waits holds the others back.
    async fn carry_all_on(&self, woken: bool) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let open = self.store.read(|reader| reader.unfinished_runs()).await?;
        let mut under_way: Vec<StoredRun> = open
            .into_iter()
            .filter(|run| !matches!(run.state, RunState::Proposed | RunState::Withheld))
            .collect();
        // What has moved money comes first.
        under_way.sort_by_key(|run| (run.started_at.is_none(), run.number));
        for run in under_way {
            let due = run.state != RunState::Waiting || woken || run.expires_at.is_some_and(|at| at <= now);
            let left = if due { self.carry_on(&run.id).await? } else { RunProgress::Waits };
            match left {
                RunProgress::Stopped => return Ok(false),
                RunProgress::Ended => {
                    self.follow().await;
                    return Ok(true);
                }
                RunProgress::Waits if due && self.waits_for_the_bank(&run).await? => {
                    // A sync may show what the bank did not answer.
                    self.follow().await;
                    return Ok(false);
                }
                RunProgress::Waits if self.begun(&run.id).await? => return Ok(false),
                RunProgress::Waits => {}
            }
        }
        Ok(false)
    }

    async fn begun(&self, id: &str) -> Result<bool, StoreError> {
        let id = id.to_owned();
        Ok(self.store.read(move |reader| reader.run(&id)).await?.started_at.is_some())
    }

    /// A run waits because the bank did not answer as it should.
    async fn waits_for_the_bank(&self, run: &StoredRun) -> Result<bool, StoreError> {
        let id = run.id.clone();
        let now = self.store.read(move |reader| reader.run(&id)).await?;
        Ok(!state::ended(now.state) && now.started_at.is_some() && now.expires_at.is_some())
    }

    /// A sync follows every run.
    async fn follow(&self) {
        if !self.login.ready() {
            return;
        }
        if let Err(error) = self.sync.start_for(SyncCause::Run, false).await {
            tracing::debug!(%error, "no sync could follow the run");
        }
    }
}
