//! The configuration as the daemon uses it: every key with its type and its default.
//!
//! Values that exist are valid: bounds and shapes were checked when they were read (`keys`), and what two keys
//! must agree on afterwards (`check`).

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf};

use crate::rule::{Autosort, BasisPoints, Payday};

use super::{
    address::{BankUrl, ClientId, Principal, RedirectUrl},
    value::{ByteSize, TimeSpan, Zone},
    word::{AccountKind, ClockSource, LogFormat, LogLevel, Sweep, SyncedAccount, Topic},
};

/// The whole configuration; [`Default`] is what an empty file means.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// The bank and how it is asked.
    pub monzo: Monzo,
    /// When and how far back facts are read.
    pub sync: Sync,
    /// The database.
    pub store: Store,
    /// The socket that clients use.
    pub rpc: Rpc,
    /// Who may do what.
    pub access: Access,
    /// The Prometheus endpoint.
    pub metrics: Metrics,
    /// The person's own names, by the bank's id.
    pub names: BTreeMap<String, String>,
    /// What is left out of analytics and the autosorter's reach.
    pub exclude: Exclude,
    /// How much of an account counts in figures, by its name or id.
    pub share: BTreeMap<String, BasisPoints>,
    /// The person's names for categories, by the bank's key.
    pub categories: BTreeMap<String, String>,
    /// What a person is told of beyond this machine.
    pub notify: Notify,
    /// Logging.
    pub log: Log,
    /// The calendar.
    pub time: Time,
    /// The pay calendars, in the order of the files; the first is the default.
    pub paydays: Vec<Payday>,
    /// The rules that move money, and what holds for all of them.
    pub autosort: Autosort,
}

/// The bank and how it is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Monzo {
    /// The API.
    pub api_url: BankUrl,
    /// Where a person logs in.
    pub auth_url: BankUrl,
    /// Where the browser comes back to after a login.
    pub redirect_url: RedirectUrl,
    /// The OAuth client; `None`: set by `monzoctl setup`.
    pub client_id: Option<ClientId>,
    /// How long one request may take.
    pub timeout: TimeSpan,
    /// Requests in flight during the capture of the history.
    pub max_concurrency: u32,
    /// The types of account that are synced.
    pub accounts: Vec<SyncedAccount>,
    /// Where the present comes from.
    pub clock: ClockSource,
}

/// When and how far back facts are read.
#[derive(Clone, Debug, PartialEq)]
pub struct Sync {
    /// The time between two syncs.
    pub interval: TimeSpan,
    /// The most by which a sync is moved, at random.
    pub jitter: TimeSpan,
    /// Whether to sync at start if the last one is older than the interval.
    pub on_start: bool,
    /// The time between two looks at the balances; `None`: off.
    pub poll: Option<TimeSpan>,
    /// How far back each sync looks for changes at least.
    pub reread: TimeSpan,
    /// How often everything the bank still serves is read again.
    pub sweep: Sweep,
}

/// The database.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Store {
    /// Scheduled backups.
    pub backup: Backup,
}

/// Scheduled backups.
#[derive(Clone, Debug, PartialEq)]
pub struct Backup {
    /// The time between two backups; `None`: off.
    pub every: Option<TimeSpan>,
    /// How many are kept.
    pub keep: u32,
    /// Where they are kept; relative to the state directory.
    pub dir: PathBuf,
}

/// The socket that clients use and its limits.
#[derive(Clone, Debug, PartialEq)]
pub struct Rpc {
    /// The socket; `None`: in the runtime directory.
    pub socket: Option<PathBuf>,
    /// Clients at a time.
    pub max_connections: u32,
    /// The largest request.
    pub max_request: ByteSize,
    /// How long one call may take.
    pub call_timeout: TimeSpan,
    /// Calls worked on at a time, over all connections.
    pub max_calls: u32,
    /// Calls in one batch.
    pub max_batch: u32,
    /// Subscriptions of one connection.
    pub max_subscriptions: u32,
}

/// Who may do what.
#[derive(Clone, Debug, PartialEq)]
pub struct Access {
    /// May do everything, beside root and the daemon's own user.
    pub operators: Vec<Principal>,
    /// May read.
    pub viewers: Vec<Principal>,
}

/// The Prometheus endpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct Metrics {
    /// The address; `None`: off.
    pub listen: Option<SocketAddr>,
    /// Whether amounts of money are among the metrics.
    pub balances: bool,
}

/// What a person is told of beyond this machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Notify {
    /// The kinds of news.
    pub on: Vec<Topic>,
    /// In the feed of the Monzo app.
    pub feed: bool,
    /// Whether amounts of money may be in it.
    pub amounts: bool,
}

/// What is left out of analytics and the autosorter's reach.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exclude {
    /// Accounts, with their pots, by id or name.
    pub accounts: Vec<String>,
    /// Pots by id or name.
    pub pots: Vec<String>,
}

/// Logging.
#[derive(Clone, Debug, PartialEq)]
pub struct Log {
    /// The least important messages that are logged.
    pub level: LogLevel,
    /// Where and how.
    pub format: LogFormat,
}

/// The calendar.
#[derive(Clone, Debug, PartialEq)]
pub struct Time {
    /// The zone of days, months and cycles.
    pub zone: Zone,
}

impl Default for Monzo {
    fn default() -> Self {
        Self {
            api_url: BankUrl::parse("https://api.monzo.com").expect("an https address"),
            auth_url: BankUrl::parse("https://auth.monzo.com/").expect("an https address"),
            redirect_url: RedirectUrl::parse("http://localhost:21853/oauth/callback")
                .expect("a loopback address"),
            client_id: None,
            timeout: span("30s"),
            max_concurrency: 4,
            accounts: [AccountKind::Personal, AccountKind::Joint, AccountKind::Business]
                .map(SyncedAccount::Kind)
                .to_vec(),
            clock: ClockSource::System,
        }
    }
}

impl Default for Sync {
    fn default() -> Self {
        Self {
            interval: span("6h"),
            jitter: span("10m"),
            on_start: true,
            poll: Some(span("15m")),
            reread: span("7d"),
            sweep: Sweep::Weekly,
        }
    }
}

impl Default for Backup {
    fn default() -> Self {
        Self { every: Some(span("1d")), keep: 7, dir: "backups".into() }
    }
}

impl Default for Rpc {
    fn default() -> Self {
        Self {
            socket: None,
            max_connections: 32,
            max_request: ByteSize::parse("1MiB").expect("a size"),
            call_timeout: span("30s"),
            max_calls: 16,
            max_batch: 50,
            max_subscriptions: 8,
        }
    }
}

impl Default for Access {
    fn default() -> Self {
        let group = |name: &str| vec![Principal::Group(name.to_owned())];
        Self { operators: group("monzod-admin"), viewers: group("monzod") }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self { listen: Some(SocketAddr::from(([127, 0, 0, 1], 21_854))), balances: false }
    }
}

impl Default for Notify {
    fn default() -> Self {
        Self { on: vec![Topic::Attention, Topic::Run, Topic::Recovered], feed: true, amounts: true }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { level: LogLevel::Info, format: LogFormat::Auto }
    }
}

impl Default for Time {
    fn default() -> Self {
        // The zone is in the program's own tables where the machine has none; UTC only if even those were stripped.
        Self { zone: Zone::named("Europe/London").unwrap_or_else(Zone::utc) }
    }
}

fn span(text: &str) -> TimeSpan {
    TimeSpan::parse(text).expect("the defaults above are lengths of time")
}
