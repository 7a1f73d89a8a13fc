//! How a sync ended: noted in the store, told to people, counted for whoever scrapes, answered to who cancelled it.

use std::time::Duration;

use jiff::Timestamp;
use monzo_common::model::{AccountSync as Account, LoginState, Sync, SyncCancelled, SyncState};

use super::super::failure::Failure;
use super::super::run::Ended;
use super::{Running, Service};
use crate::events::{Happened, Kind};
use crate::metrics::{Rows, SyncOutcome};

impl Service {
    /// Notes how a sync ended, and when the next is due.
    pub(super) async fn finish(&mut self, (running, ended): (Running, Ended)) {
        let now = self.services.clock.now();
        let Ended { mut state, failure } = ended;
        if state == SyncState::Cancelled && self.login_gone() {
            state = SyncState::Failed;
        }
        let mut sync = running.snapshot();
        sync.state = state;
        sync.ended_at = Some(now);
        sync.error = failure.as_ref().map(ToString::to_string);
        sync.code = failure.as_ref().map(Failure::kind);
        let failures_before = self.failures;
        match sync.state {
            SyncState::Done => self.failures = 0,
            SyncState::Failed | SyncState::Partial => self.failures = self.failures.saturating_add(1),
            SyncState::Running | SyncState::Cancelled => {}
        }
        // First, so that whoever sees the end also sees when the next one is due.
        self.polled_at = Some(now);
        self.reschedule_after(state, now).await;
        let kept = sync.clone();
        let noted = self.services.store.write(move |writer| writer.end_sync(&kept));
        if let Err(error) = noted.await {
            tracing::error!(%error, monzod_sync_id = sync.id, "the end of a sync could not be noted");
            self.unnoted = Some(sync.clone());
        }
        self.tell(&sync, failure.as_ref(), failures_before).await;
        self.count(&sync, now);
        if let Ok(success) = self.services.store.read(|reader| reader.last_success_at()).await {
            self.services.metrics.sync_succeeded(success);
        }
        running.run.progress.ended(sync.clone());
        for answer in running.cancelled {
            let _ = answer.send(SyncCancelled { sync: Some(sync.clone()), changed: true });
        }
        if self.again {
            self.look().await;
        }
    }

    /// The login ended in a way that only the person can mend, which is told as such and not as failed syncs.
    fn login_gone(&self) -> bool {
        matches!(self.services.login.state().state, LoginState::LoginNeeded | LoginState::ConsentLapsed)
    }

    /// Tells of the first failure after a success and of the first success after a failure, not of each.
    async fn tell(&mut self, sync: &Sync, failure: Option<&Failure>, failures_before: u32) {
        let failed = matches!(sync.state, SyncState::Failed | SyncState::Partial);
        match failure {
            Some(Failure::Lapsed) => self.services.login.lapsed().await,
            Some(failure) => tracing::warn!(error = %failure, monzod_sync_id = sync.id, "sync failed"),
            None => tracing::info!(monzod_sync_id = sync.id, state = ?sync.state, "sync ended"),
        }
        let ends_login = failure.is_some_and(Failure::ends_login) || self.login_gone();
        let happened = match (failed, failures_before) {
            _ if ends_login => None,
            (true, 0) => {
                let first = sync.accounts.iter().find_map(|account| account.error.clone());
                let why = failure.map(ToString::to_string).or(first).unwrap_or_default();
                Some(Happened::new(Kind::SyncFailed, format!("a sync failed: {why}")))
            }
            (false, 1..) if sync.state == SyncState::Done => {
                Some(Happened::new(Kind::SyncRecovered, "syncs work again"))
            }
            _ => None,
        };
        if let Some(happened) = happened {
            self.services.event_log.record(happened.sync(sync.id.as_str())).await;
        }
    }

    /// Counts a finished sync for whoever scrapes.
    fn count(&self, sync: &Sync, now: Timestamp) {
        let metrics = &self.services.metrics;
        let outcome = match sync.state {
            SyncState::Done => SyncOutcome::Done,
            SyncState::Partial => SyncOutcome::Partial,
            SyncState::Running | SyncState::Cancelled => SyncOutcome::Cancelled,
            SyncState::Failed => SyncOutcome::Failed,
        };
        let elapsed = Duration::try_from(now.duration_since(sync.started_at)).unwrap_or_default();
        metrics.sync_ended(outcome, elapsed);
        for account in &sync.accounts {
            let Account { added, changed, withdrawn, .. } = account;
            metrics.rows_stored(Rows { added: *added, changed: *changed, withdrawn: *withdrawn });
            if account.error.is_some() {
                metrics.account_failed("account");
            }
        }
    }
}
