//! The loop over a bank in memory: no sockets, time in the test's hand, trouble on request.

mod bank;
mod captures;
mod changes;
mod entries;
mod troubles;

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use monzo_common::model::{Event, LoginState, Sync, SyncState};
use monzo_common::money::Currency;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::*;
use crate::facts::Row;
use crate::host::notify::Heartbeats;
use crate::login::seal::Seal;
use crate::login::{Parts, Vault};
use crate::monzo::{HttpClient, RateLimiter};
use crate::store::Options;
pub(super) use bank::{Bank, Trouble};

/// Simulated time passes by itself; this is far more than any test needs of it.
const PATIENCE: Duration = Duration::from_secs(3600);

pub(super) const NOW: Timestamp = Timestamp::constant(1_760_000_000, 0);

pub(super) fn ago(hours: i64) -> Timestamp {
    NOW.checked_sub(SignedDuration::from_hours(hours)).expect("in range")
}

/// The daemon's syncing half, and the bank that it talks to.
pub(super) struct Rig {
    pub bank: Arc<Bank>,
    pub clock: Clock,
    pub store: Store,
    pub login: Login,
    pub handle: Handle,
    directory: TempDir,
    stop: CancellationToken,
    tracker: TaskTracker,
    service: JoinHandle<()>,
    events: tokio::sync::broadcast::Receiver<Event>,
}

impl Rig {
    pub async fn new(bank: Bank) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        Self::open(Arc::new(bank), directory, Clock::manual(NOW)).await
    }

    async fn open(bank: Arc<Bank>, directory: TempDir, clock: Clock) -> Self {
        let transport = Arc::clone(&bank) as Arc<dyn crate::monzo::Transport>;
        Self::build(bank, transport, directory, clock, None).await
    }

    /// A rig that polls balances every quarter of an hour.
    pub async fn polling(bank: Bank) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let bank = Arc::new(bank);
        let transport = Arc::clone(&bank) as Arc<dyn crate::monzo::Transport>;
        let quarter = Some(SignedDuration::from_mins(15));
        Self::build(bank, transport, directory, Clock::manual(NOW), quarter).await
    }

    async fn build(
        bank: Arc<Bank>,
        transport: Arc<dyn crate::monzo::Transport>,
        directory: TempDir,
        clock: Clock,
        poll: Option<SignedDuration>,
    ) -> Self {
        bank.follow(&clock);
        let now = clock.now();
        let options =
            Options { backups: directory.path().into(), now, traces: None, observe: Box::new(|_, _| {}) };
        let store = Store::open(&directory.path().join("monzod.db"), options).expect("it opens").store;
        let seal = Seal::find(None, directory.path(), false).expect("a key");
        let vault = Vault::open(store.clone(), seal).await.expect("a vault");
        let (tell, events) = tokio::sync::broadcast::channel(256);
        let event_log = EventLog::new(store.clone(), clock.clone(), tell);
        let (tracker, stop) = (TaskTracker::new(), CancellationToken::new());
        let metrics = Arc::new(Metrics::new(now));
        let settings = crate::login::Settings {
            auth_url: "https://auth.bank.test/".into(),
            redirect_url: "http://localhost:1/oauth/callback".into(),
            redirect: (1, "/oauth/callback".into()),
            client_id: Some("oauth2client_1".into()),
            client_secret: Some("secret".into()),
        };
        let parts = Parts {
            vault,
            http_client: HttpClient::new(transport, clock.clone(), Arc::clone(&metrics)),
            rate_limiter: Arc::new(RateLimiter::new(4)),
            clock: clock.clone(),
            metrics: Arc::clone(&metrics),
            event_log: event_log.clone(),
            tracker: tracker.clone(),
            stop: stop.clone(),
            settings: watch::Sender::new(settings).subscribe(),
        };
        let login = Login::open(parts).await.expect("a login");
        let day = |days: i64| SignedDuration::from_hours(24 * days);
        let settings = Settings {
            accounts: vec!["uk_retail".into(), "uk_retail_joint".into()],
            plan: schedule::Plan { interval: SignedDuration::from_hours(6), jitter: SignedDuration::ZERO },
            on_start: true,
            poll,
            reread: day(7),
            sweep: None,
            concurrency: 4,
            names: std::collections::BTreeMap::new(),
        };
        let services = Services {
            store: store.clone(),
            client: login.client(),
            login: login.clone(),
            clock: clock.clone(),
            event_log,
            settings: watch::Sender::new(settings).subscribe(),
            metrics,
            heartbeat: Heartbeats::default().register("sync", PATIENCE),
            turn: Turn::default(),
        };
        let (service, handle) = Service::new(services, watch::Sender::new(None));
        let service = tokio::spawn(service.run(stop.clone()));
        Self { bank, clock, store, login, handle, directory, stop, tracker, service, events }
    }

    /// Signs in, has it approved, and waits for the capture that follows.
    pub async fn log_in(&self) -> Sync {
        let ended = self.ends("login");
        self.sign_in().await;
        ended.await
    }

    pub async fn sign_in(&self) {
        let begun = self.login.begin(true).await.expect("a page");
        let (_, state) = begun.url.split_once("state=").expect("a state");
        let state = state.split('&').next().expect("a state");
        self.login.complete(&format!("code {state}")).await.expect("signed in");
        let mut watch = self.login.watch();
        let ready = watch.wait_for(|shown| shown.state == LoginState::Ready);
        tokio::time::timeout(PATIENCE, ready).await.expect("in time").expect("a state");
    }

    /// The next sync with this cause, once it has ended.
    pub fn ends(&self, cause: &'static str) -> impl Future<Output = Sync> + use<> {
        let mut watch = self.handle.watch();
        watch.mark_unchanged();
        let known = watch.borrow().as_ref().map(|progress| progress.sync_id.clone());
        async move {
            let ended = watch.wait_for(|progress| {
                let sync = progress.as_ref().and_then(|progress| progress.sync.as_ref());
                sync.is_some_and(|sync| sync.cause.word() == cause && Some(&sync.id) != known.as_ref())
            });
            let ended = tokio::time::timeout(PATIENCE, ended).await.expect("a sync ends").expect("a loop");
            ended.as_ref().and_then(|progress| progress.sync.clone()).expect("a sync")
        }
    }

    /// Asks for a sync and waits for its end.
    pub async fn sync(&self, full: bool) -> Sync {
        let ended = self.ends("request");
        self.handle.start(full).await.expect("it starts");
        ended.await
    }

    /// Changes the database as only damage does.
    pub fn damage(&self, sql: &str) {
        let path = self.directory.path().join("monzod.db");
        rusqlite::Connection::open(path).and_then(|other| other.execute(sql, [])).expect("changed");
    }

    /// Lets a quarter of an hour pass, and the loop look at the clock.
    pub async fn quarter(&self) {
        self.clock.advance(SignedDuration::from_mins(15));
        tokio::time::sleep(Duration::from_secs(90)).await;
    }

    pub fn advance(&self, hours: i64) {
        self.clock.advance(SignedDuration::from_hours(hours));
    }

    /// Everything the bank lists is stored once, just as it is listed, and nothing else counts.
    pub async fn equals_the_bank(&self) {
        for (account, listed) in self.bank.ledger() {
            let id = AccountId::from(account.as_str());
            let query = monzo_common::model::TransactionQuery {
                accounts: vec![id],
                withdrawn: Some(false),
                raw: true,
                reverse: true,
                limit: Some(500),
                ..Default::default()
            };
            let mut stored = Vec::new();
            let mut cursor = None;
            loop {
                let query = monzo_common::model::TransactionQuery { cursor, ..query.clone() };
                let page = self.store.read(move |reader| reader.transactions(&query)).await.expect("a page");
                stored.extend(page.transactions.into_iter().filter_map(|row| row.raw.map(|raw| raw.value())));
                cursor = page.cursor;
                if cursor.is_none() {
                    break;
                }
            }
            assert_eq!(stored.len(), listed.len(), "rows of {account}");
            for (stored, listed) in stored.iter().zip(&listed) {
                assert_eq!(stored, listed, "a row of {account}");
            }
        }
    }

    pub async fn covered(&self, account: &str) -> Option<(Timestamp, Timestamp)> {
        let id = AccountId::from(account);
        self.store.read(move |reader| reader.covered(&id)).await.expect("an answer")
    }

    pub async fn refused(&self, account: &str) -> Vec<(Timestamp, Timestamp)> {
        let id = AccountId::from(account);
        self.store.read(move |reader| reader.refused(&id)).await.expect("an answer")
    }

    /// The kinds of the events since this was last asked.
    pub fn events(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.events.try_recv().ok()).map(|event| event.kind).collect()
    }

    /// Stops as the daemon does, and begins anew on the same files.
    pub async fn restart(self) -> Self {
        self.stop.cancel();
        self.service.await.expect("no panic");
        self.tracker.close();
        self.tracker.wait().await;
        let Self { bank, clock, store, login, handle, directory, .. } = self;
        drop((store, login, handle));
        Self::open(bank, directory, clock).await
    }

    /// Is killed wherever it is, and begins anew on the same files.
    pub async fn kill(self) -> Self {
        self.service.abort();
        let _ = self.service.await;
        self.stop.cancel();
        let Self { bank, clock, store, login, handle, directory, .. } = self;
        drop((store, login, handle));
        Self::open(bank, directory, clock).await
    }
}

pub(super) fn errors(sync: &Sync) -> Vec<String> {
    sync.accounts.iter().filter_map(|account| account.error.clone()).collect()
}

pub(super) fn done(sync: &Sync) {
    assert_eq!(sync.state, SyncState::Done, "{:?}", errors(sync));
}

/// A plain settled row.
pub(crate) fn row(id: &str, created_at: Timestamp) -> Row {
    Row {
        account_id: "acc_1".into(),
        id: id.into(),
        created_at,
        settled_at: Some(created_at),
        updated_at: Some(created_at),
        amount: -100,
        currency: Currency::GBP,
        local_amount: -100,
        local_currency: Currency::GBP,
        description: "TEST".into(),
        notes: String::new(),
        category: "general".into(),
        categories: vec![],
        merchant: None,
        counterparty: None,
        scheme: "mastercard".into(),
        amount_is_pending: false,
        decline_reason: None,
        pot: None,
        external_id: None,
        trigger: None,
        bills_pot_id: None,
        raw: "{}".into(),
    }
}
