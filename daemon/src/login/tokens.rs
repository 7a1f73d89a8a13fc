//! The access token, kept fresh: one refresh at a time, on disk before it is used, and never abandoned once sent.
//!
//! A refresh token works once (monzo/README.md, Refreshing a token). So the intent is noted before it is sent, a lost
//! answer is asked for again with the same token, and a definite refusal is remembered instead of repeated: no retry
//! storm.

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
use crate::clock::{self, Clock};
use crate::metrics::Metrics;
use crate::monzo::{Bearer, Boxed, Error, HttpClient, Method, Request, Verdict};

/// Refresh at least this long before the end (monzo/README.md, Clients and sign-in).
const MARGIN: SignedDuration = SignedDuration::from_mins(5);

/// Waits between tries with the same refresh token, when no answer came. Taste.
const TRY_AGAIN: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(3), Duration::from_secs(9)];

/// How long nothing is tried after all tries failed; doubles with each further failure. Taste.
const REST: SignedDuration = SignedDuration::from_secs(60);

/// The longest wait between tries of our own accord. Taste: a bank that is well again is noticed within the hour.
const LONGEST_REST: SignedDuration = SignedDuration::from_hours(1);

/// Why a login ends that cannot be refreshed, and what mends it (monzo/README.md, Clients and sign-in).
const NOT_CONFIDENTIAL: &str =
    "the bank gives this OAuth client no refresh tokens; one that is confidential gets them";

/// Who is told that the login is lost.
pub type Lost = Box<dyn Fn(String) + Send + Sync>;

/// Where the OAuth client comes from when a refresh needs it.
pub type Registered = Box<dyn Fn() -> Boxed<'static, Option<Registration>> + Send + Sync>;

/// The tokens of the login.
pub struct Tokens(Arc<Inner>);

struct Inner {
    vault: Vault,
    http_client: HttpClient,
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
    /// The last refresh did not succeed.
    trouble: Option<Trouble>,
    /// The bank refused a token that it had just given.
    doubt: Option<Rest>,
}

/// Refreshes do not succeed, for a reason that says nothing about the login: it is kept, and they are tried again.
#[derive(Debug, Clone)]
pub struct Trouble {
    /// When one failed first.
    pub since: Timestamp,
    /// Why the last one failed.
    pub why: Error,
    rest: Rest,
}

impl Trouble {
    /// When the next is tried.
    pub fn until(&self) -> Timestamp {
        self.rest.until()
    }

    /// The error for requests in the meantime.
    fn error(self) -> Error {
        if matches!(self.why, Error::ClientRefused { .. } | Error::RateLimited { .. }) {
            return self.why;
        }
        let until = self.until().strftime("%-d %b %H:%M UTC");
        Error::Transient(format!(
            "the login could not be refreshed and is kept; the next try is at {until}: {}",
            self.why
        ))
    }
}

/// A time in which nothing is tried.
#[derive(Debug, Clone, Copy)]
struct Rest {
    from: Timestamp,
    lasts: SignedDuration,
    /// How many there were in a row, this one included.
    number: u32,
}

impl Rest {
    /// The rest after `before`: twice as long, or as long as the bank asks for.
    fn after(before: Option<Self>, asked: Option<SignedDuration>, now: Timestamp) -> Self {
        let number = before.map_or(0, |before| before.number).saturating_add(1);
        let doubled = REST.checked_mul(1 << number.saturating_sub(1).min(16)).unwrap_or(LONGEST_REST);
        Self { from: now, lasts: doubled.min(LONGEST_REST).max(asked.unwrap_or_default()), number }
    }

    fn until(self) -> Timestamp {
        self.from.checked_add(self.lasts).unwrap_or(Timestamp::MAX)
    }

    fn holds(self, now: Timestamp) -> bool {
        clock::elapsed(self.from, now).is_some_and(|gone| gone < self.lasts)
    }
}

impl Tokens {
    /// Tokens as the vault has them.
    pub fn new(
        (vault, pair): (Vault, Option<Pair>),
        http_client: HttpClient,
        (clock, metrics): (Clock, Arc<Metrics>),
        (tracker, stop): (TaskTracker, CancellationToken),
        registered: Registered,
        lost: Lost,
    ) -> Self {
        let state = Mutex::new(State { pair, ..State::default() });
        let turn = Arc::default();
        Self(Arc::new(Inner {
            vault,
            http_client,
            clock,
            metrics,
            tracker,
            stop,
            registered,
            lost,
            turn,
            state,
        }))
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
        self.trouble().is_some_and(|trouble| matches!(trouble.why, Error::ClientRefused { .. }))
    }

    /// Why refreshes do not succeed, if they do not.
    pub fn trouble(&self) -> Option<Trouble> {
        self.0.state().trouble.clone()
    }

    /// The next request may try a refresh again, whatever the last one said; if it fails too, the waits grow on.
    pub fn end_rest(&self) {
        let mut state = self.0.state();
        let State { trouble, doubt, .. } = &mut *state;
        let rests = trouble.iter_mut().map(|trouble| &mut trouble.rest).chain(doubt);
        rests.for_each(|rest| rest.lasts = SignedDuration::ZERO);
    }

    /// Another OAuth client was given: what the bank said to the last one counts no more.
    pub fn reconsider(&self) {
        let refused = |trouble: &mut Trouble| matches!(trouble.why, Error::ClientRefused { .. });
        drop(self.0.state().trouble.take_if(refused));
    }

    /// The bank gave a token for newer ones; nothing while nobody is logged in.
    pub fn refreshes(&self) -> Option<bool> {
        self.0.state().pair.as_ref().map(|pair| pair.refresh.is_some())
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

    /// Tokens are refreshed when a tenth of their life, or five minutes, is left; and when a wrong clock counted it.
    fn due(&self, pair: &Pair) -> bool {
        if clock::elapsed(pair.given_at, self.clock.now()).is_none() {
            return true;
        }
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
            let now = self.clock.now();
            let trouble = state.trouble.clone().filter(|trouble| trouble.rest.holds(now));
            let doubt = state.doubt.filter(|doubt| known && doubt.holds(now));
            (state.dead.clone(), trouble.map(Trouble::error).or(doubt.map(doubted)))
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
            return self.live_on(pair, known).await;
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
            match registration.refresh(&self.http_client, refresh, self.clock.now()).await {
                Ok(grant) => return Ok(self.keep(grant, pair, known).await),
                Err(GrantError::Dead(code)) => return self.die(code, pair.clone(), known).await,
                Err(error) => {
                    self.metrics.refreshed("failed");
                    let wait = match &error {
                        GrantError::Bank(Error::Transient(_) | Error::OutcomeUnknown(_)) => waits.next(),
                        // An answer came, and the next one would be the same.
                        _ => None,
                    };
                    let goes_on = match wait {
                        Some(wait) => {
                            self.stop.run_until_cancelled(sleep(self.clock.pause(wait))).await.is_some()
                        }
                        None => false,
                    };
                    if !goes_on {
                        let why = self.put_off(error);
                        return self.still(pair.clone(), known, why);
                    }
                }
            }
        }
    }

    /// Notes that a refresh failed, and for how long none is tried; what whoever asked is told.
    fn put_off(&self, error: GrantError) -> Error {
        let (why, asked) = match error {
            GrantError::Bank(Error::RateLimited { retry_after }) => {
                let asked = retry_after.and_then(|asked| SignedDuration::try_from(asked).ok());
                (Error::RateLimited { retry_after }, asked)
            }
            GrantError::Bank(error) => (error, None),
            error @ (GrantError::Dead(_) | GrantError::Broken) => (Error::Transient(error.to_string()), None),
        };
        let (mut state, now) = (self.state(), self.clock.now());
        let before = state.trouble.take();
        let since = before.as_ref().map_or(now, |before| before.since.min(now));
        let rest = Rest::after(before.map(|before| before.rest), asked, now);
        let trouble = Trouble { since, why, rest };
        state.trouble = Some(trouble.clone());
        drop(state);
        tracing::warn!(error = %trouble.why, until = %trouble.until(), "the login could not be refreshed; it is kept, and tried again");
        trouble.error()
    }

    /// Keeps the new pair on disk before anybody uses it; where the disk refuses, memory must do for now.
    async fn keep(&self, grant: Grant, old: &Pair, refused: bool) -> SecretString {
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
        let mut state = self.state();
        // Whether the new token is taken where the old one was not will show.
        let doubt = state.doubt.filter(|_| refused);
        *state = State { pair: Some(pair), unsaved: saved.is_err(), doubt, ..State::default() };
        access
    }

    /// What it means that the bank refuses the newest token: only a sign-in elsewhere ends the login, and is not fought
    /// with; otherwise the next refresh, which waits, will tell.
    fn refused(&self, newer: &SecretString, code: &str) -> Error {
        if code.ends_with("evicted") {
            self.bury(newer, code);
            return Error::LoginNeeded { reason: code.to_owned() };
        }
        let rest = {
            let mut state = self.state();
            let rest = Rest::after(state.doubt, None, self.clock.now());
            state.doubt = Some(rest);
            rest
        };
        tracing::warn!(code, "the bank does not take a token that it has just given; the login is kept");
        doubted(rest)
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
        let alive = !known_bad && pair.expires_at > self.clock.now() && self.taken(&pair).await == Some(true);
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

    /// Uses a token that cannot be refreshed for as long as the bank takes it.
    async fn live_on(&self, pair: Pair, known_bad: bool) -> Result<SecretString, Error> {
        if !known_bad && pair.expires_at > self.clock.now() {
            return Ok(pair.access);
        }
        match self.taken(&pair).await {
            Some(true) => Ok(pair.access),
            Some(false) => self.die(NOT_CONFIDENTIAL.to_owned(), pair, true).await,
            None => Err(Error::Transient("it does not say whether it takes the login".to_owned())),
        }
    }

    /// Whether the bank still takes the access token (monzo/README.md, Refreshing a token); nothing if it does not say
    /// so itself.
    async fn taken(&self, pair: &Pair) -> Option<bool> {
        let mut request = Request::new(Method::Get, "/ping/whoami");
        request.bearer = Some(pair.access.clone());
        match self.http_client.send("whoami", request).await {
            Ok(Ok(_)) => Some(true),
            Ok(Err(Verdict::BadToken { code })) if !code.is_empty() => Some(false),
            Ok(Err(_)) | Err(_) => None,
        }
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

    fn refused(&self, newer: &SecretString, code: &str) -> Error {
        self.0.refused(newer, code)
    }
}

/// Why another token is not asked for yet.
fn doubted(rest: Rest) -> Error {
    let until = rest.until().strftime("%-d %b %H:%M UTC");
    Error::Transient(format!(
        "it does not take a token that it has just given; another is asked for after {until}"
    ))
}
