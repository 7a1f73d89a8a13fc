//! The login over real sockets and a real store, with the time in the test's hand.

mod flow;
mod refresh;
mod sealed;

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use mockito::{Matcher, Mock, Server, ServerGuard};
use monzo_common::model::{Event, Login as Shown, LoginState};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::seal::Seal;
use super::*;
use crate::monzo::tests::http_client;
use crate::store::{Options, Store};

/// Nothing in these tests takes as long.
const PATIENCE: Duration = Duration::from_secs(20);

const NOW: Timestamp = Timestamp::constant(1_760_000_000, 0);

/// A login with its own store, bank address and clock.
pub(super) struct Rig {
    pub directory: TempDir,
    pub store: Store,
    pub clock: Clock,
    pub tracker: TaskTracker,
    pub stop: CancellationToken,
    pub login: Login,
    pub settings: watch::Sender<Settings>,
    events: tokio::sync::broadcast::Receiver<Event>,
}

impl Rig {
    pub async fn new(base: &str) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        Self::open(base, directory, NOW).await
    }

    pub async fn open(base: &str, directory: TempDir, now: Timestamp) -> Self {
        let options =
            Options { backups: directory.path().into(), now, traces: None, observe: Box::new(|_, _| {}) };
        let store = Store::open(&directory.path().join("monzod.db"), options).expect("it opens").store;
        let sealed = store.read(|reader| reader.any_secret()).await.expect("an answer");
        let seal = Seal::find(None, directory.path(), sealed).expect("a key");
        let vault = Vault::open(store.clone(), seal).await.expect("a vault");
        let clock = Clock::manual(now);
        let (tell, events) = tokio::sync::broadcast::channel(64);
        let event_log = EventLog::new(store.clone(), clock.clone(), tell);
        let (tracker, stop) = (TaskTracker::new(), CancellationToken::new());
        let settings = Settings {
            auth_url: "https://auth.bank.test/".into(),
            redirect_url: "http://localhost:1/oauth/callback".into(),
            // Port 1 cannot be bound by a test: whatever comes back is pasted.
            redirect: (1, "/oauth/callback".into()),
            client_id: Some("oauth2client_1".into()),
            client_secret: Some("canary-client-secret".into()),
        };
        let settings = watch::Sender::new(settings);
        let parts = Parts {
            vault,
            http_client: http_client(base, Duration::from_secs(5), &clock),
            rate_limiter: Arc::new(RateLimiter::new(4)),
            clock: clock.clone(),
            metrics: Arc::new(Metrics::new(now)),
            event_log,
            tracker: tracker.clone(),
            stop: stop.clone(),
            settings: settings.subscribe(),
        };
        let login = Login::open(parts).await.expect("a login");
        Self { directory, store, clock, tracker, stop, login, settings, events }
    }

    /// The same login after a restart.
    pub async fn restart(self, base: &str) -> Self {
        self.stop.cancel();
        self.tracker.close();
        self.tracker.wait().await;
        let Self { directory, store, clock, login, .. } = self;
        drop((store, login));
        Self::open(base, directory, clock.now()).await
    }

    /// Begins a login and gives the state that the browser would bring back.
    pub async fn begin(&self) -> String {
        let begun = self.login.begin(true).await.expect("a page");
        let (_, state) = begun.url.split_once("state=").expect("a state");
        state.split('&').next().expect("a state").to_owned()
    }

    pub async fn complete(&self, code: &str) -> Result<Shown, LoginError> {
        let state = self.begin().await;
        self.login.complete(&format!("{code} {state}")).await
    }

    /// Waits until the login stands so.
    pub async fn becomes(&self, state: LoginState) {
        let mut watch = self.login.watch();
        let came = tokio::time::timeout(PATIENCE, watch.wait_for(|shown| shown.state == state)).await;
        assert!(came.is_ok_and(|came| came.is_ok()), "it is {:?} and not {state:?}", self.login.state());
    }

    pub fn advance(&self, minutes: i64) {
        self.clock.advance(SignedDuration::from_mins(minutes));
    }

    /// Waits for an event of this kind.
    pub async fn hears(&mut self, kind: &str) {
        let heard = async { while self.events.recv().await.expect("an event").kind != kind {} };
        tokio::time::timeout(PATIENCE, heard).await.expect(kind);
    }

    /// The kinds of the events since then.
    pub fn events(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.events.try_recv().ok()).map(|event| event.kind).collect()
    }
}

/// The answer to a token request.
pub(super) fn tokens(number: u32, user: &str) -> String {
    format!(
        r#"{{"access_token":"canary-access-{number}","client_id":"oauth2client_1","expires_in":108000,
        "refresh_token":"canary-refresh-{number}","token_type":"Bearer","user_id":"{user}"}}"#
    )
}

/// A bank that gives tokens number 1 for the code `code-1`, and has them approved already.
pub(super) async fn bank() -> ServerGuard {
    let mut server = Server::new_async().await;
    token(&mut server, "authorization_code").with_body(tokens(1, "user_1")).create_async().await;
    server.mock("GET", "/accounts").with_body(r#"{"accounts":[]}"#).create_async().await;
    server
}

/// A token request of one kind of grant.
pub(super) fn token(server: &mut ServerGuard, grant: &str) -> Mock {
    let form = Matcher::UrlEncoded("grant_type".into(), grant.into());
    server.mock("POST", "/oauth2/token").match_body(form)
}

/// A rig that is logged in and approved.
pub(super) async fn ready(server: &ServerGuard) -> Rig {
    let mut rig = Rig::new(&server.url()).await;
    rig.complete("code-1").await.expect("signed in");
    rig.becomes(LoginState::Ready).await;
    rig.hears("login_approved").await;
    rig
}
