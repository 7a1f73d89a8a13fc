//! The access token, kept fresh: one refresh at a time, on disk before it is used, and never abandoned once sent.
//!
//! A refresh token works once (monzo-api.md 2.7). So the intent is noted before it is sent, a lost answer is asked
//! for again with the same token, and a definite refusal is remembered instead of repeated: no retry storm.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{Mutex as Turn, OwnedMutexGuard};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::oauth::{Grant, GrantError, Registration};
use super::vault::{Pair, Vault};
use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::monzo::{Bearer, Boxed, Error, Line, Method, Request};

/// Refresh at least this long before the end (product.md; monzo-api.md 2.3.2).
const MARGIN: SignedDuration = SignedDuration::from_mins(5);

/// Waits between tries with the same refresh token, when no answer came. Taste.
const TRY_AGAIN: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(3), Duration::from_secs(9)];

/// How long nothing is tried after all tries failed. Taste.
const REST: SignedDuration = SignedDuration::from_secs(60);

/// Who is told that the login is lost.
pub type Lost = Box<dyn Fn(String) + Send + Sync>;

/// Where the OAuth client comes from when a refresh needs it.
pub type Registered = Box<dyn Fn() -> Boxed<'static, Option<Registration>> + Send + Sync>;

/// The tokens of the login.
pub struct Tokens(Arc<Inner>);

struct Inner {
    vault: Vault,
    line: Line,
    clock: Clock,
    metrics: Arc<Metrics>,
    tracker: TaskTracker,
    /// The daemon stops: what was sent is awaited, nothing more is sent.
    stop: CancellationToken,
    registered: Registered,
    lost: Lost,
    /// One refresh at a time.
    turn: Arc<Turn<()>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    pair: Option<Pair>,
    /// The newest pair is not on disk yet.
    unsaved: bool,
    /// The bank refused the refresh token: nothing is sent any more until a new login.
    dead: Option<String>,
    resting_until: Option<Timestamp>,
    /// The bank's word for why it does not take the OAuth client.
    client_refused: Option<String>,
}

impl Tokens {
    /// Tokens as the vault has them.
    pub fn new(
        (vault, pair): (Vault, Option<Pair>),
        line: Line,
        (clock, metrics): (Clock, Arc<Metrics>),
        (tracker, stop): (TaskTracker, CancellationToken),
        registered: Registered,
        lost: Lost,
    ) -> Self {
        let state = Mutex::new(State { pair, ..State::default() });
        let turn = Arc::default();
        Self(Arc::new(Inner { vault, line, clock, metrics, tracker, stop, registered, lost, turn, state }))
    }

    /// Waits for a refresh that is under way and keeps others from beginning: for a login or logout, which would
    /// otherwise be undone by its late answer.
    pub async fn hold(&self) -> OwnedMutexGuard<()> {
        Arc::clone(&self.0.turn).lock_owned().await
    }

    /// The bank refused the tokens for good.
    pub fn dead(&self) -> bool {
        self.0.state().dead.is_some()
    }

    /// Takes the tokens of a new login, which are on disk already.
    pub fn replace(&self, pair: Option<Pair>) {
        *self.0.state() = State { pair, ..State::default() };
    }

    /// The tokens, as they are.
    pub fn pair(&self) -> Option<Pair> {
        self.0.state().pair.clone()
    }

    /// The bank does not take the OAuth client, so that nothing can be refreshed.
    pub fn client_refused(&self) -> bool {
        self.0.state().client_refused.is_some()
    }

    /// Another OAuth client was given: what the bank said to the last one counts no more.
    pub fn reconsider(&self) {
        let mut state = self.0.state();
        if state.client_refused.take().is_some() {
            state.resting_until = None;
        }
    }

    /// The newest tokens could not be kept yet: a restart now would cost the login.
    pub fn unsaved(&self) -> bool {
        self.0.state().unsaved
    }
}

impl Inner {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The tokens if they may be used now, or why there are none.
    fn usable(&self) -> Result<Pair, Error> {
        let state = self.state();
        let now = self.clock.now();
        match (&state.pair, &state.dead) {
            (None, _) => Err(Error::LoginNeeded { reason: "nobody is logged in".to_owned() }),
            (Some(pair), Some(dead)) if pair.expires_at <= now => {
                Err(Error::LoginNeeded { reason: dead.clone() })
            }
            (Some(pair), _) => Ok(pair.clone()),
        }
    }

    /// Tokens are refreshed when a tenth of their life, or five minutes, is left.
    fn due(&self, pair: &Pair) -> bool {
        let life = pair.expires_at.duration_since(pair.given_at);
        let margin = MARGIN.max(life / 10).min(life / 2);
        pair.expires_at.duration_since(self.clock.now()) < margin
    }

    /// Refreshes unless somebody else just did; the caller may go away, the refresh goes on.
    async fn refreshed(self: Arc<Self>, refused: Option<SecretString>) -> Result<SecretString, Error> {
        let inner = Arc::clone(&self);
        let turn = Arc::clone(&self.turn).lock_owned().await;
        let task = self.tracker.spawn(async move {
            let _turn = turn;
            inner.refresh(refused).await
        });
        task.await.unwrap_or_else(|_| Err(Error::Transient("the daemon is stopping".to_owned())))
    }

    async fn refresh(&self, refused: Option<SecretString>) -> Result<SecretString, Error> {
        let pair = self.usable()?;
        let known =
            refused.as_ref().is_some_and(|refused| refused.expose_secret() == pair.access.expose_secret());
        if !known && (refused.is_some() || !self.due(&pair)) {
            return Ok(pair.access);
        }
        let (dead, resting) = {
            let state = self.state();
            let resting = state.resting_until.is_some_and(|until| self.clock.now() < until);
            let why = match &state.client_refused {
                Some(code) => Error::ClientRefused { code: code.clone() },
                None => Error::Transient("the last refresh failed; it is tried again in a minute".to_owned()),
            };
            (state.dead.clone(), resting.then_some(why))
        };
        match dead {
            Some(reason) if known => return Err(Error::LoginNeeded { reason }),
            Some(_) => return Ok(pair.access),
            None => {
                if let Some(why) = resting {
                    return self.still(pair, known, why);
                }
            }
        }
        let Some(refresh) = &pair.refresh else {
            return self.die("the client gets no refresh tokens".to_owned(), pair, known).await;
        };
        let Some(registration) = (self.registered)().await else {
            let why = "the OAuth client is not set up: run `monzoctl setup`".to_owned();
            return self.still(pair, known, Error::Transient(why));
        };
        self.vault.note_refresh(refresh, self.clock.now()).await.map_err(|error| {
            Error::Transient(format!("no refresh is sent, because it cannot be noted: {error}"))
        })?;
        self.send(&registration, refresh, &pair, known).await
    }

    /// Sends the refresh token until the bank answers or patience ends.
    async fn send(
        &self,
        registration: &Registration,
        refresh: &SecretString,
        pair: &Pair,
        known: bool,
    ) -> Result<SecretString, Error> {
        let mut waits = TRY_AGAIN.into_iter();
        loop {
            match registration.refresh(&self.line, refresh, self.clock.now()).await {
                Ok(grant) => return Ok(self.keep(grant, pair).await),
                Err(GrantError::Dead(code)) => return self.die(code, pair.clone(), known).await,
                Err(GrantError::Bank(Error::Refused { code, message, .. })) => {
                    return self.die(format!("{code} {message}"), pair.clone(), known).await;
                }
                // The person mends it with `setup`, and the tokens are as good as before.
                Err(GrantError::Bank(Error::ClientRefused { code })) => {
                    self.metrics.refreshed("failed");
                    let mut state = self.state();
                    state.resting_until = self.clock.now().checked_add(REST).ok();
                    state.client_refused = Some(code.clone());
                    drop(state);
                    return self.still(pair.clone(), known, Error::ClientRefused { code });
                }
                Err(error) => {
                    self.metrics.refreshed("failed");
                    let (wait, rest) = match &error {
                        GrantError::Bank(Error::RateLimited { retry_after }) => {
                            let asked = retry_after.and_then(|asked| SignedDuration::try_from(asked).ok());
                            (None, asked.unwrap_or(REST).max(REST))
                        }
                        _ => (waits.next(), REST),
                    };
                    let goes_on = match wait {
                        Some(wait) => self.stop.run_until_cancelled(sleep(wait)).await.is_some(),
                        None => false,
                    };
                    if !goes_on {
                        self.state().resting_until = self.clock.now().checked_add(rest).ok();
                        return self.still(pair.clone(), known, Error::Transient(error.to_string()));
                    }
                }
            }
        }
    }

    /// Keeps the new pair on disk before anybody uses it; where the disk refuses, memory must do for now.
    async fn keep(&self, grant: Grant, old: &Pair) -> SecretString {
        let pair = Pair {
            access: grant.access,
            refresh: grant.refresh.or_else(|| old.refresh.clone()),
            expires_at: grant.expires_at,
            given_at: self.clock.now(),
        };
        let saved = self.vault.keep_pair(&pair).await;
        if let Err(error) = &saved {
            tracing::error!(%error, "the refreshed login could not be kept; do not stop the daemon before this is mended");
        }
        self.metrics.refreshed(if saved.is_ok() { "done" } else { "unsaved" });
        let access = pair.access.clone();
        *self.state() = State { pair: Some(pair), unsaved: saved.is_err(), ..State::default() };
        access
    }

    /// The tokens can still be used, or nothing can be done now.
    fn still(&self, pair: Pair, known_bad: bool, why: Error) -> Result<SecretString, Error> {
        if known_bad || pair.expires_at <= self.clock.now() {
            return Err(why);
        }
        Ok(pair.access)
    }

    /// The refresh token is refused for good; the access token may still live out its time.
    async fn die(&self, reason: String, pair: Pair, known_bad: bool) -> Result<SecretString, Error> {
        self.metrics.refreshed("refused");
        let alive = !known_bad && pair.expires_at > self.clock.now() && self.alive(&pair).await;
        self.bury(&pair.access, &reason);
        if alive { Ok(pair.access) } else { Err(Error::LoginNeeded { reason }) }
    }

    /// Remembers that the tokens around `access` are refused for good, and tells of it once.
    fn bury(&self, access: &SecretString, reason: &str) {
        {
            let mut state = self.state();
            let same = |pair: &Pair| pair.access.expose_secret() == access.expose_secret();
            if state.dead.is_some() || !state.pair.as_ref().is_some_and(same) {
                return;
            }
            state.dead = Some(reason.to_owned());
        }
        (self.lost)(reason.to_owned());
    }

    /// Whether the bank still takes the access token (monzo-api.md 2.7.6).
    async fn alive(&self, pair: &Pair) -> bool {
        let mut request = Request::new(Method::Get, "/ping/whoami");
        request.bearer = Some(pair.access.clone());
        matches!(self.line.send("whoami", request).await, Ok(Ok(_)))
    }

    /// Tries again to keep what could not be kept.
    async fn save(&self) {
        let unsaved = {
            let state = self.state();
            state.pair.clone().filter(|_| state.unsaved)
        };
        if let Some(pair) = unsaved
            && self.vault.keep_pair(&pair).await.is_ok()
        {
            self.state().unsaved = false;
        }
    }
}

impl Bearer for Tokens {
    fn token(&self) -> Boxed<'_, Result<SecretString, Error>> {
        let inner = Arc::clone(&self.0);
        Box::pin(async move {
            inner.save().await;
            let pair = inner.usable()?;
            if inner.due(&pair) { inner.refreshed(None).await } else { Ok(pair.access) }
        })
    }

    fn renewed(&self, refused: SecretString) -> Boxed<'_, Result<SecretString, Error>> {
        let inner = Arc::clone(&self.0);
        Box::pin(inner.refreshed(Some(refused)))
    }

    fn lost(&self, refused: &SecretString, reason: &str) {
        self.0.bury(refused, reason);
    }
}
