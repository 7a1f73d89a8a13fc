//! The one struct of metrics: counters and gauges of the sync, the bank, RPC, the store and the login.
//!
//! Names are interfaces: dashboards and alert rules rely on them, so families are added and never renamed.
//! Label values are `&'static str` throughout, which bounds how many series there can be and keeps personal data out.
//! A timestamp of 0 means never, or not known.

mod process;
mod record;
mod server;

use std::time::Duration;

use jiff::Timestamp;
use prometheus::{
    Gauge, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts, Registry,
    TextEncoder, core::Collector,
};

pub use record::{Connection, Rows, SyncOutcome};
pub use server::{Readiness, Server, ServerError};

/// The version of the text format that [`Metrics::page`] speaks.
pub(crate) const CONTENT_TYPE: &str = prometheus::TEXT_FORMAT;

/// Requests to the bank and syncs take tenths of seconds to minutes.
const REQUEST_BUCKETS: [f64; 9] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
const SYNC_BUCKETS: [f64; 9] = [0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0];
/// Calls and commits are answered from this machine.
const LOCAL_BUCKETS: [f64; 9] = [0.000_1, 0.000_5, 0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10.0];

/// Every metric of the daemon.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    process: process::Process,
    sync: Sync,
    bank: Bank,
    rpc: Rpc,
    store: Store,
    login: Login,
    sorter: Sorter,
    attention: prometheus::IntGaugeVec,
    notifications: IntCounterVec,
    config_last_reload_success: IntGauge,
    clock_skew: Gauge,
}

#[derive(Debug)]
struct Sync {
    last_success: Gauge,
    last_attempt: Gauge,
    next_due: Gauge,
    running: IntGauge,
    runs: IntCounterVec,
    failures: IntCounterVec,
    duration: Histogram,
    added: IntCounter,
    changed: IntCounter,
    withdrawn: IntCounter,
}

#[derive(Debug)]
struct Bank {
    requests: IntCounterVec,
    failures: IntCounterVec,
    duration: HistogramVec,
    throttled: IntCounter,
}

#[derive(Debug)]
struct Rpc {
    calls: IntCounterVec,
    failures: IntCounterVec,
    duration: HistogramVec,
    connections: IntGauge,
    refused: IntCounterVec,
    panics: IntCounter,
}

#[derive(Debug)]
struct Store {
    size: Gauge,
    free: Gauge,
    transaction_duration: Histogram,
    quarantined: IntGauge,
    backup_last_success: Gauge,
    damaged: IntGauge,
    writable: IntGauge,
}

#[derive(Debug)]
struct Login {
    valid: IntGauge,
    token_expiry: Gauge,
    access_ends: Gauge,
    refreshes: IntCounterVec,
}

#[derive(Debug)]
struct Sorter {
    runs: IntCounterVec,
    transfers: IntCounterVec,
    unsettled: IntGauge,
    proposed: IntGauge,
    frozen: IntGauge,
}

impl Metrics {
    /// Makes all metrics at zero, for a process that started at `started_at`.
    pub fn new(started_at: Timestamp) -> Self {
        let register = Register(Registry::new());
        let r = &register;
        let build = r.int_gauges("monzod_build_info", "The version that runs; always 1.", &["version"]);
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        let rows = r.counters("monzod_sync_rows_total", "Transactions stored, by what changed.", &["change"]);
        let metrics = Self {
            process: process::Process::new(r, started_at),
            sync: Sync {
                last_success: r.gauge(
                    "monzod_sync_last_success_timestamp_seconds",
                    "When the last sync that read what could be read ended; 0: never.",
                ),
                last_attempt: r.gauge(
                    "monzod_sync_last_attempt_timestamp_seconds",
                    "When the last sync began; 0: never.",
                ),
                next_due: r.gauge(
                    "monzod_sync_next_due_timestamp_seconds",
                    "When the next sync is due; 0: not scheduled.",
                ),
                running: r.int_gauge("monzod_sync_running", "Whether a sync is running."),
                runs: r.counters("monzod_sync_runs_total", "Syncs that ended, by state.", &["state"]),
                failures: r.counters(
                    "monzod_sync_failures_total",
                    "Accounts that a sync could not read.",
                    &["reason"],
                ),
                duration: r.histogram("monzod_sync_duration_seconds", "How long syncs took.", &SYNC_BUCKETS),
                added: rows.with_label_values(&["added"]),
                changed: rows.with_label_values(&["changed"]),
                withdrawn: rows.with_label_values(&["withdrawn"]),
            },
            bank: Bank {
                requests: r.counters(
                    "monzod_bank_requests_total",
                    "Requests sent to the bank.",
                    &["endpoint"],
                ),
                failures: r.counters(
                    "monzod_bank_request_failures_total",
                    "Requests to the bank that failed, by reason.",
                    &["endpoint", "reason"],
                ),
                duration: r.histograms(
                    "monzod_bank_request_duration_seconds",
                    "How long the bank took to answer.",
                    &REQUEST_BUCKETS,
                    &["endpoint"],
                ),
                throttled: r.counter("monzod_bank_throttled_total", "Answers that asked for fewer requests."),
            },
            rpc: Rpc {
                calls: r.counters("monzod_rpc_calls_total", "Calls of clients.", &["method"]),
                failures: r.counters(
                    "monzod_rpc_call_failures_total",
                    "Calls that were answered with an error, by its code.",
                    &["method", "code"],
                ),
                duration: r.histograms(
                    "monzod_rpc_call_duration_seconds",
                    "How long calls took.",
                    &LOCAL_BUCKETS,
                    &["method"],
                ),
                connections: r.int_gauge("monzod_rpc_connections", "Clients connected now."),
                refused: r.counters(
                    "monzod_rpc_refused_total",
                    "Connections and requests refused before they were read, by reason.",
                    &["reason"],
                ),
                panics: r.counter("monzod_rpc_panics_total", "Handlers that panicked; each is a bug."),
            },
            store: Store {
                size: r.gauge("monzod_store_size_bytes", "Size of the database with its log."),
                free: r.gauge("monzod_store_free_bytes", "Free space where the database is."),
                transaction_duration: r.histogram(
                    "monzod_store_transaction_duration_seconds",
                    "How long write transactions took, with their commit.",
                    &LOCAL_BUCKETS,
                ),
                quarantined: r
                    .int_gauge("monzod_store_quarantined_rows", "Records kept that were not understood."),
                backup_last_success: r.gauge(
                    "monzod_backup_last_success_timestamp_seconds",
                    "When the last backup was written and checked; 0: never.",
                ),
                damaged: r.int_gauge("monzod_store_damaged", "Whether the database is damaged."),
                writable: r
                    .int_gauge("monzod_store_writable", "Whether the last write to the database succeeded."),
            },
            login: Login {
                valid: r.int_gauge("monzod_login_valid", "Whether the daemon is logged in at the bank."),
                token_expiry: r.gauge(
                    "monzod_token_expiry_timestamp_seconds",
                    "When the access token expires; 0: there is none.",
                ),
                access_ends: r.gauge(
                    "monzod_access_ends_timestamp_seconds",
                    "When the person's consent ends; 0: not known.",
                ),
                refreshes: r.counters(
                    "monzod_login_refreshes_total",
                    "Refreshes of the token.",
                    &["outcome"],
                ),
            },
            sorter: Sorter {
                runs: r.counters(
                    "monzod_sorter_runs_total",
                    "Runs of the autosorter, by the state that they came to.",
                    &["state"],
                ),
                transfers: r.counters(
                    "monzod_transfers_total",
                    "Transfers, by the state that they came to.",
                    &["state"],
                ),
                unsettled: r.int_gauge(
                    "monzod_transfers_unsettled",
                    "Transfers of runs under way that are not settled yet.",
                ),
                proposed: r.int_gauge("monzod_sorter_proposed_runs", "Runs that wait for approval."),
                frozen: r
                    .int_gauge("monzod_sorter_frozen", "Whether a freeze holds all of the autosorter back."),
            },
            attention: r.int_gauges(
                "monzod_attention",
                "Problems and notes that need a person and are not silenced, by severity.",
                &["severity"],
            ),
            notifications: r.counters(
                "monzod_notifications_total",
                "Notifications, by channel and by what became of them.",
                &["channel", "outcome"],
            ),
            config_last_reload_success: r.int_gauge(
                "monzod_config_last_reload_success",
                "Whether the last reading of the configuration succeeded.",
            ),
            clock_skew: r.gauge(
                "monzod_clock_skew_seconds",
                "By how much this machine's clock is ahead of the bank's; negative: behind.",
            ),
            registry: register.0,
        };
        metrics.begin();
        metrics
    }

    /// Shows every known outcome at zero: a rate can only be taken of a series that was there before.
    fn begin(&self) {
        for outcome in SyncOutcome::ALL {
            self.sync.runs.with_label_values(&[outcome.as_str()]);
        }
        for state in record::RUN_STATES {
            self.sorter.runs.with_label_values(&[state]);
        }
        for state in record::TRANSFER_STATES {
            self.sorter.transfers.with_label_values(&[state]);
        }
        self.attention(0, 0);
        self.config_last_reload_success.set(1);
        self.store.writable.set(1);
    }

    /// Prints all metrics in Prometheus' text format.
    pub fn page(&self) -> String {
        self.process.refresh();
        // Encoding fails only for families without series, and `gather` leaves those out.
        TextEncoder::new().encode_to_string(&self.registry.gather()).unwrap_or_default()
    }
}

/// Makes metrics and registers them.
struct Register(Registry);

/// Names and labels are constants in this folder; the test of the whole page makes every one of them.
const SOUND: &str = "the names and labels of metrics are valid and unique";

impl Register {
    fn add<M: Collector + Clone + 'static>(&self, made: prometheus::Result<M>) -> M {
        let metric = made.expect(SOUND);
        self.0.register(Box::new(metric.clone())).expect(SOUND);
        metric
    }

    fn gauge(&self, name: &str, help: &str) -> Gauge {
        self.add(Gauge::new(name, help))
    }

    fn int_gauge(&self, name: &str, help: &str) -> IntGauge {
        self.add(IntGauge::new(name, help))
    }

    fn int_gauges(&self, name: &str, help: &str, labels: &[&str]) -> prometheus::IntGaugeVec {
        self.add(prometheus::IntGaugeVec::new(Opts::new(name, help), labels))
    }

    fn counter(&self, name: &str, help: &str) -> IntCounter {
        self.add(IntCounter::new(name, help))
    }

    fn counters(&self, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
        self.add(IntCounterVec::new(Opts::new(name, help), labels))
    }

    fn histogram(&self, name: &str, help: &str, buckets: &[f64]) -> Histogram {
        self.add(Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets.to_vec())))
    }

    fn histograms(&self, name: &str, help: &str, buckets: &[f64], labels: &[&str]) -> HistogramVec {
        self.add(HistogramVec::new(HistogramOpts::new(name, help).buckets(buckets.to_vec()), labels))
    }
}

/// Returns an instant as Prometheus has it: seconds since 1970; 0 for none.
fn seconds_at(at: Option<Timestamp>) -> f64 {
    at.map_or(0.0, |at| at.as_duration().as_secs_f64())
}

fn seconds(elapsed: Duration) -> f64 {
    elapsed.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// A page on which every family has a series.
    fn full_page() -> String {
        let metrics = Metrics::new(Timestamp::UNIX_EPOCH);
        metrics.request("transactions", Some("timeout"), Duration::from_millis(30));
        metrics.call("system.status", Some("internal"), Duration::from_millis(1));
        metrics.rpc_refused("no_role");
        metrics.account_failed("timeout");
        metrics.refreshed("done");
        metrics.notified("feed", "sent");
        metrics.page()
    }

    /// Each family's name with its type and help.
    fn families(page: &str) -> BTreeMap<&str, (&str, &str)> {
        let line = |kind| page.lines().filter_map(move |line| line.strip_prefix(kind)?.split_once(' '));
        let types: BTreeMap<_, _> = line("# TYPE ").collect();
        line("# HELP ").map(|(name, help)| (name, (types[name], help))).collect()
    }

    #[test]
    fn the_families_are_those_of_the_list() {
        let page = full_page();
        let line = |(name, (kind, help)): (&&str, &(&str, &str))| format!("{name} {kind}: {help}\n");
        let found: String = families(&page).iter().map(line).collect();
        let listed = include_str!("families.txt");
        assert_eq!(
            found, listed,
            "families are interfaces: add to families.txt, never rename. Found:\n{found}"
        );
    }

    #[test]
    fn names_follow_the_rules_that_promtool_checks() {
        let page = full_page();
        for (name, (kind, help)) in families(&page) {
            assert!(help.ends_with('.'), "{name} has no help: {help:?}");
            assert_eq!(
                name.ends_with("_total"),
                kind == "counter",
                "{name}: `_total` is for counters and for all of them"
            );
            assert!(name.starts_with("monzod_") || name.starts_with("process_"), "{name}");
            assert!(kind != "histogram" || name.ends_with("_seconds"), "{name} lacks its unit");
            for part in name.split('_') {
                let scaled = ["milliseconds", "ms", "minutes", "hours", "days", "kilobytes", "mb", "percent"];
                let typed = ["gauge", "counter", "histogram", "summary"];
                assert!(!scaled.contains(&part), "{name}: use the base unit");
                assert!(!typed.contains(&part), "{name}: a name has no type");
            }
            assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{name}: snake case");
        }
    }

    #[test]
    fn every_outcome_of_a_sync_is_there_before_it_happens() {
        let page = Metrics::new(Timestamp::UNIX_EPOCH).page();
        for state in ["done", "partial", "failed", "cancelled"] {
            assert!(page.contains(&format!("monzod_sync_runs_total{{state=\"{state}\"}} 0")), "{page}");
        }
        assert!(
            page.contains(&format!("monzod_build_info{{version=\"{}\"}} 1", env!("CARGO_PKG_VERSION"))),
            "{page}"
        );
    }
}
