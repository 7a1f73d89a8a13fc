//! How far a sync has come, counted while it runs and told to whoever watches.
//!
//! Counting is cheap and shared by all windows that are read at once; telling is left to a watch channel,
//! which forgets what nobody had time to look at.

use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use monzo_common::fault::FaultKind;
use monzo_common::id::AccountId;
use monzo_common::model::{AccountSync, Progress, ProgressAccount, Sync, SyncPhase, SyncState};
use tokio::sync::watch;

/// The counters of one sync.
#[derive(Debug)]
pub struct SyncProgress {
    state: Mutex<State>,
    tell: watch::Sender<Option<Progress>>,
}

#[derive(Debug)]
struct State {
    progress: Progress,
    accounts: Vec<AccountSync>,
    left_out: Vec<AccountId>,
    window_ends: Option<Timestamp>,
}

/// What storing a batch changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// New rows.
    pub added: u64,
    /// Rows that changed.
    pub changed: u64,
    /// Rows withdrawn.
    pub withdrawn: u64,
}

impl SyncProgress {
    /// Counters at zero.
    pub fn new(sync_id: &str, window_ends: Option<Timestamp>, tell: watch::Sender<Option<Progress>>) -> Self {
        let progress = Progress {
            sync_id: sync_id.to_owned(),
            phase: SyncPhase::Accounts,
            pages: 0,
            rows: 0,
            windows_done: 0,
            windows: 0,
            window_seconds_left: None,
            accounts: Vec::new(),
            sync: None,
        };
        let state = State { progress, accounts: Vec::new(), left_out: Vec::new(), window_ends };
        let tally = Self { state: Mutex::new(state), tell };
        tally.publish(&tally.lock());
        tally
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Counters stay usable whatever panicked while holding them.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn publish(&self, state: &State) {
        self.tell.send_replace(Some(state.progress.clone()));
    }

    /// The sync goes on to its next phase.
    pub fn phase(&self, phase: SyncPhase) {
        let mut state = self.lock();
        state.progress.phase = phase;
        self.publish(&state);
    }

    /// An account takes part; a second time changes nothing.
    pub fn account(&self, id: &AccountId, name: &str) {
        let mut state = self.lock();
        if state.accounts.iter().any(|account| account.account_id == *id) {
            return;
        }
        state.accounts.push(AccountSync {
            account_id: id.clone(),
            pages: 0,
            added: 0,
            changed: 0,
            withdrawn: 0,
            error: None,
            code: None,
        });
        state.progress.accounts.push(ProgressAccount {
            account_id: id.clone(),
            name: name.to_owned(),
            pages: 0,
            rows: 0,
            done: false,
        });
        self.publish(&state);
    }

    /// More windows are to be read.
    pub fn windows(&self, more: usize) {
        let mut state = self.lock();
        state.progress.windows += u32::try_from(more).unwrap_or(u32::MAX);
        self.publish(&state);
    }

    /// A window is over.
    pub fn window_done(&self) {
        let mut state = self.lock();
        state.progress.windows_done += 1;
        self.publish(&state);
    }

    /// A page of an account was read.
    pub fn page(&self, id: &AccountId, rows: usize, now: Timestamp) {
        let rows = rows as u64;
        let mut state = self.lock();
        state.progress.pages += 1;
        state.progress.rows += rows;
        state.progress.window_seconds_left = state.window_ends.and_then(|ends| {
            let left = ends.duration_since(now).as_secs();
            u32::try_from(left).ok().filter(|left| *left > 0)
        });
        if let Some(account) = state.progress.accounts.iter_mut().find(|account| account.account_id == *id) {
            account.pages += 1;
            account.rows += rows;
        }
        if let Some(account) = state.accounts.iter_mut().find(|account| account.account_id == *id) {
            account.pages += 1;
        }
        self.publish(&state);
    }

    /// A batch of an account was stored.
    pub fn stored(&self, id: &AccountId, counts: Counts) {
        let mut state = self.lock();
        if let Some(account) = state.accounts.iter_mut().find(|account| account.account_id == *id) {
            account.added += counts.added;
            account.changed += counts.changed;
            account.withdrawn += counts.withdrawn;
        }
    }

    /// An account is over, well or not; the first error stays.
    pub fn done(&self, id: &AccountId, failure: Option<(FaultKind, String)>) {
        let mut state = self.lock();
        if let Some(account) = state.accounts.iter_mut().find(|account| account.account_id == *id)
            && account.error.is_none()
        {
            (account.code, account.error) = failure.unzip();
        }
        if let Some(account) = state.progress.accounts.iter_mut().find(|account| account.account_id == *id) {
            account.done = true;
        }
        self.publish(&state);
    }

    /// An account has failed or was left out.
    pub fn failed(&self, id: &AccountId) -> bool {
        let state = self.lock();
        let failed = |account: &AccountSync| account.account_id == *id && account.error.is_some();
        state.left_out.contains(id) || state.accounts.iter().any(failed)
    }

    /// An account that cannot be read is no failure of the sync.
    pub fn left_out(&self, id: &AccountId) {
        self.lock().left_out.push(id.clone());
    }

    /// How the accounts' shares add up.
    pub fn outcome(&self) -> SyncState {
        let state = self.lock();
        let failed = |account: &&AccountSync| account.error.is_some();
        let counts = |account: &&AccountSync| !state.left_out.contains(&account.account_id);
        let all = state.accounts.len();
        match state.accounts.iter().filter(failed).count() {
            none if none == all && all > 0 => SyncState::Failed,
            _ if state.accounts.iter().filter(failed).any(|account| counts(&account)) => SyncState::Partial,
            _ => SyncState::Done,
        }
    }

    /// What was done in each account so far.
    pub fn accounts(&self) -> Vec<AccountSync> {
        self.lock().accounts.clone()
    }

    /// The sync is over.
    pub fn ended(&self, sync: Sync) {
        let mut state = self.lock();
        state.progress.phase = SyncPhase::Ended;
        state.progress.sync = Some(sync);
        self.publish(&state);
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn pages_and_rows_are_counted_for_the_sync_and_for_the_account() {
        let (tell, watch) = watch::channel(None);
        let now = Timestamp::UNIX_EPOCH;
        let ends = now.checked_add(SignedDuration::from_secs(300)).expect("in range");
        let tally = SyncProgress::new("sync_1", Some(ends), tell);
        let account = AccountId::from("acc_1");
        tally.account(&account, "Personal");
        tally.account(&account, "Personal");
        tally.page(&account, 100, now);
        tally.stored(&account, Counts { added: 90, changed: 10, withdrawn: 0 });
        tally.done(&account, Some((FaultKind::BankRefused, "first".into())));
        tally.done(&account, Some((FaultKind::BankRefused, "second".into())));
        let progress = watch.borrow().clone().expect("progress was told");
        assert_eq!((progress.pages, progress.rows, progress.window_seconds_left), (1, 100, Some(300)));
        assert_eq!(progress.accounts.len(), 1);
        let accounts = tally.accounts();
        assert_eq!((accounts[0].added, accounts[0].error.as_deref()), (90, Some("first")));
    }

    #[test]
    fn an_account_that_is_left_out_fails_no_sync_unless_nothing_else_was_read() {
        let tally = SyncProgress::new("sync_1", None, watch::channel(None).0);
        assert_eq!(tally.outcome(), SyncState::Done);
        let [one, two, three] = ["acc_1", "acc_2", "acc_3"].map(AccountId::from);
        tally.account(&one, "One");
        tally.done(&one, Some((FaultKind::BankRefused, "not readable".into())));
        tally.left_out(&one);
        assert_eq!(tally.outcome(), SyncState::Failed);
        tally.account(&two, "Two");
        tally.done(&two, None);
        assert_eq!(tally.outcome(), SyncState::Done);
        tally.account(&three, "Three");
        tally.done(&three, Some((FaultKind::BankRefused, "500".into())));
        assert_eq!(tally.outcome(), SyncState::Partial);
    }
}
