//! What the other modules call when something happened.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};

use super::{Metrics, seconds, seconds_at};

/// How a sync ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncOutcome {
    /// Every account was read.
    Done,
    /// Some accounts were read.
    Partial,
    /// No account was read.
    Failed,
    /// A person cancelled it.
    Cancelled,
}

impl SyncOutcome {
    /// Every outcome.
    pub const ALL: [Self; 4] = [Self::Done, Self::Partial, Self::Failed, Self::Cancelled];

    /// Returns the label's value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Partial => "partial",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// How many transactions a batch changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    /// Not known before.
    pub added: u64,
    /// Known, and different now.
    pub changed: u64,
    /// No longer served by the bank.
    pub withdrawn: u64,
}

/// A client that is connected until this is dropped.
#[derive(Debug)]
pub struct Connection(Arc<Metrics>);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.rpc.connections.dec();
    }
}

/// The sync.
impl Metrics {
    /// A sync began.
    pub fn sync_started(&self, at: Timestamp) {
        self.sync.running.set(1);
        self.sync_attempted(Some(at));
    }

    /// A sync ended at `at` after `elapsed`.
    pub fn sync_ended(&self, outcome: SyncOutcome, elapsed: Duration) {
        self.sync.running.set(0);
        self.sync.runs.with_label_values(&[outcome.as_str()]).inc();
        self.sync.duration.observe(seconds(elapsed));
    }

    /// The last sync began at `at`; at start, from the database.
    pub fn sync_attempted(&self, at: Option<Timestamp>) {
        self.sync.last_attempt.set(seconds_at(at));
    }

    /// The last sync that read what could be read ended at `at`, by the database.
    pub fn sync_succeeded(&self, at: Option<Timestamp>) {
        self.sync.last_success.set(seconds_at(at));
    }

    /// The next sync is due at `at`.
    pub fn sync_due(&self, at: Option<Timestamp>) {
        self.sync.next_due.set(seconds_at(at));
    }

    /// A sync could not read an account.
    pub fn account_failed(&self, reason: &'static str) {
        self.sync.failures.with_label_values(&[reason]).inc();
    }

    /// A batch of transactions was committed.
    pub fn rows_stored(&self, rows: Rows) {
        self.sync.added.inc_by(rows.added);
        self.sync.changed.inc_by(rows.changed);
        self.sync.withdrawn.inc_by(rows.withdrawn);
    }
}

/// The bank.
impl Metrics {
    /// A request to the bank was answered, or failed for a reason.
    pub fn request(&self, endpoint: &'static str, failure: Option<&'static str>, elapsed: Duration) {
        self.bank.requests.with_label_values(&[endpoint]).inc();
        self.bank.duration.with_label_values(&[endpoint]).observe(seconds(elapsed));
        if let Some(reason) = failure {
            self.bank.failures.with_label_values(&[endpoint, reason]).inc();
        }
    }

    /// The bank asked for fewer requests.
    pub fn throttled(&self) {
        self.bank.throttled.inc();
    }

    /// This machine's clock is ahead of the bank's by `skew`.
    pub fn clock_skew(&self, skew: SignedDuration) {
        self.clock_skew.set(skew.as_secs_f64());
    }
}

/// Clients.
impl Metrics {
    /// A client connected; it is counted until the answer is dropped.
    pub fn connected(self: &Arc<Self>) -> Connection {
        self.rpc.connections.inc();
        Connection(Arc::clone(self))
    }

    /// A call was answered, or refused with an error of this code; `method` is one of ours, never the client's text.
    pub fn call(&self, method: &'static str, failure: Option<&'static str>, elapsed: Duration) {
        self.rpc.calls.with_label_values(&[method]).inc();
        self.rpc.duration.with_label_values(&[method]).observe(seconds(elapsed));
        if let Some(code) = failure {
            self.rpc.failures.with_label_values(&[method, code]).inc();
        }
    }

    /// A connection or request was refused before it was read.
    pub fn rpc_refused(&self, reason: &'static str) {
        self.rpc.refused.with_label_values(&[reason]).inc();
    }

    /// A handler panicked.
    pub fn panicked(&self) {
        self.rpc.panics.inc();
    }
}

/// The store.
impl Metrics {
    /// The database and its log have this size, and its file system this much room.
    pub fn store_measured(&self, size_bytes: u64, free_bytes: u64) {
        // Exact up to eight petabytes.
        self.store.size.set(size_bytes as f64);
        self.store.free.set(free_bytes as f64);
    }

    /// A write transaction was committed, or failed.
    pub fn transaction(&self, succeeded: bool, elapsed: Duration) {
        self.store.transaction_duration.observe(seconds(elapsed));
        self.store.writable.set(i64::from(succeeded));
    }

    /// So many records are in quarantine.
    pub fn quarantined(&self, rows: u64) {
        self.store.quarantined.set(i64::try_from(rows).unwrap_or(i64::MAX));
    }

    /// The database was found damaged, or whole again.
    pub fn store_damaged(&self, damaged: bool) {
        self.store.damaged.set(i64::from(damaged));
    }

    /// The last good backup was made at `at`.
    pub fn backup_succeeded(&self, at: Option<Timestamp>) {
        self.store.backup_last_success.set(seconds_at(at));
    }
}

/// The states of runs and transfers that are counted.
pub(super) const RUN_STATES: [&str; 9] =
    ["proposed", "withheld", "approved", "done", "partial", "failed", "expired", "rejected", "cancelled"];
pub(super) const TRANSFER_STATES: [&str; 4] = ["requested", "confirmed", "failed", "cancelled"];

/// Telling the person.
impl Metrics {
    /// So many problems and notes need a person and are not silenced.
    pub fn attention(&self, problems: usize, notes: usize) {
        for (severity, number) in [("problem", problems), ("note", notes)] {
            let number = i64::try_from(number).unwrap_or(i64::MAX);
            self.attention.with_label_values(&[severity]).set(number);
        }
    }

    /// A notification was sent, or not.
    pub fn notified(&self, channel: &'static str, outcome: &'static str) {
        self.notifications.with_label_values(&[channel, outcome]).inc();
    }
}

/// The autosorter.
impl Metrics {
    /// A run came to a state.
    pub fn run(&self, state: &'static str) {
        self.sorter.runs.with_label_values(&[state]).inc();
    }

    /// A transfer came to a state.
    pub fn transfer(&self, state: &'static str) {
        self.sorter.transfers.with_label_values(&[state]).inc();
    }

    /// So many transfers are not settled, so many runs wait for approval, and all is frozen or not.
    pub fn sorter(&self, unsettled: u64, proposed: usize, frozen: bool) {
        self.sorter.unsettled.set(i64::try_from(unsettled).unwrap_or(i64::MAX));
        self.sorter.proposed.set(i64::try_from(proposed).unwrap_or(i64::MAX));
        self.sorter.frozen.set(i64::from(frozen));
    }
}

/// The login and the configuration.
impl Metrics {
    /// How the login stands.
    pub fn login(&self, valid: bool, token_expires: Option<Timestamp>, access_ends: Option<Timestamp>) {
        self.login.valid.set(i64::from(valid));
        self.login.token_expiry.set(seconds_at(token_expires));
        self.login.access_ends.set(seconds_at(access_ends));
    }

    /// A refresh of the token ended.
    pub fn refreshed(&self, outcome: &'static str) {
        self.login.refreshes.with_label_values(&[outcome]).inc();
    }

    /// The configuration was read again, or refused.
    pub fn config_reloaded(&self, succeeded: bool) {
        self.config_last_reload_success.set(i64::from(succeeded));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn shows(metrics: &Metrics, line: &str) {
        let page = metrics.page();
        assert!(page.lines().any(|found| found == line), "no line {line:?} on\n{page}");
    }

    #[test]
    fn a_sync_leaves_its_traces() {
        let metrics = Metrics::new(Timestamp::UNIX_EPOCH);
        let at = Timestamp::from_second(1_000_000).expect("an instant");
        metrics.sync_started(at);
        shows(&metrics, "monzod_sync_running 1");
        metrics.rows_stored(Rows { added: 3, changed: 2, withdrawn: 0 });
        metrics.sync_ended(SyncOutcome::Partial, Duration::from_secs(3));
        shows(&metrics, "monzod_sync_last_attempt_timestamp_seconds 1000000");
        shows(&metrics, "monzod_sync_last_success_timestamp_seconds 0");
        metrics.sync_ended(SyncOutcome::Done, Duration::from_secs(3));
        metrics.sync_succeeded(Some(at));
        shows(&metrics, "monzod_sync_running 0");
        shows(&metrics, "monzod_sync_last_success_timestamp_seconds 1000000");
        shows(&metrics, "monzod_sync_rows_total{change=\"added\"} 3");
        shows(&metrics, "monzod_sync_duration_seconds_count 2");
    }

    #[test]
    fn a_failed_request_counts_as_request_and_as_failure() {
        let metrics = Metrics::new(Timestamp::UNIX_EPOCH);
        metrics.request("pots", None, Duration::from_millis(40));
        metrics.request("pots", Some("timeout"), Duration::from_secs(30));
        shows(&metrics, "monzod_bank_requests_total{endpoint=\"pots\"} 2");
        shows(&metrics, "monzod_bank_request_failures_total{endpoint=\"pots\",reason=\"timeout\"} 1");
    }

    #[test]
    fn a_client_is_counted_while_it_is_connected() {
        let metrics = Arc::new(Metrics::new(Timestamp::UNIX_EPOCH));
        let (first, second) = (metrics.connected(), metrics.connected());
        shows(&metrics, "monzod_rpc_connections 2");
        drop(first);
        shows(&metrics, "monzod_rpc_connections 1");
        drop(second);
        shows(&metrics, "monzod_rpc_connections 0");
    }

    #[test]
    fn a_failed_write_shows_until_one_succeeds() {
        let metrics = Metrics::new(Timestamp::UNIX_EPOCH);
        shows(&metrics, "monzod_store_writable 1");
        metrics.transaction(false, Duration::from_millis(1));
        shows(&metrics, "monzod_store_writable 0");
        metrics.transaction(true, Duration::from_millis(1));
        shows(&metrics, "monzod_store_writable 1");
    }
}
