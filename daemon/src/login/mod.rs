//! The login at the bank, from a sign-in page to the end of its ninety days.
//!
//! It belongs to the daemon and not to whoever asked: a client that goes away ends nothing, and a login that waits
//! for approval goes on waiting over a restart. One person owns the database; another's login is refused unseen.
//! Read [`seal`] and [`access`] first, then `vault`, `tokens` and `flow`.

pub mod access;
mod flow;
mod loopback;
mod oauth;
pub mod seal;
#[cfg(test)]
mod tests;
mod tokens;
mod vault;

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use monzo_common::model::{Configured, LoggedOut, Login as Shown, LoginState};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::{Clock, elapsed};
use crate::events::{EventLog, Happened, Kind};
use crate::metrics::Metrics;
use crate::monzo::{Client, Error, HttpClient, Method, RateLimiter, Request};

use flow::Pending;
use oauth::{GrantError, Registration};
use tokens::Tokens;

pub use tokens::Trouble;
pub use vault::{Standing, Vault, VaultError};

/// What mends a login that cannot be refreshed: the kind of the OAuth client is chosen when it is made, and `setup`
/// comes before the login that it is for.
pub const MAKE_CONFIDENTIAL: &str =
    "make a *confidential* client at developers.monzo.com, then `sudo monzoctl setup` and `monzoctl login`";

/// What the configuration and the credentials say about logging in.
#[derive(Clone)]
pub struct Settings {
    /// The sign-in page.
    pub auth_url: String,
    /// Where the browser comes back to.
    pub redirect_url: String,
    /// Its port and path.
    pub redirect: (u16, String),
    /// The OAuth client of the configuration, which wins over the one that `setup` kept.
    pub client_id: Option<String>,
    /// Its secret from a credential or the environment, which wins too.
    pub client_secret: Option<SecretString>,
}

/// Why something about the login could not be done.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// No OAuth client is known.
    #[error("no OAuth client is set up")]
    NotConfigured,
    /// The given client cannot work.
    #[error("{0}")]
    UnfitClient(&'static str),
    /// A login is ready already.
    #[error("a login is ready already")]
    Ready,
    /// What came back from the browser does not belong to the pending login.
    #[error("{0}")]
    Mismatch(String),
    /// Somebody else logged in.
    #[error(
        "this database belongs to another person at the bank; their login was refused and nothing of it was kept"
    )]
    AnotherPerson,
    /// The bank says no.
    #[error(transparent)]
    Bank(#[from] Error),
    /// It could not be kept.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

/// The login, from anywhere.
#[derive(Clone)]
pub struct Login(Arc<Inner>);

struct Inner {
    vault: Vault,
    tokens: Arc<Tokens>,
    http_client: HttpClient,
    client: Client,
    clock: Clock,
    metrics: Arc<Metrics>,
    event_log: EventLog,
    tracker: TaskTracker,
    stop: CancellationToken,
    settings: watch::Receiver<Settings>,
    shown: watch::Sender<Shown>,
    standing: Mutex<Standing>,
    pending: Mutex<Option<Pending>>,
    lost: tokio::sync::mpsc::UnboundedSender<String>,
}

/// What a login is built from.
pub struct Parts {
    /// Where it is kept.
    pub vault: Vault,
    /// To the bank.
    pub http_client: HttpClient,
    /// How fast the bank is asked.
    pub rate_limiter: Arc<RateLimiter>,
    /// The time.
    pub clock: Clock,
    /// Counts.
    pub metrics: Arc<Metrics>,
    /// Who hears of events.
    pub event_log: EventLog,
    /// Whom a stopping daemon waits for.
    pub tracker: TaskTracker,
    /// The daemon stops.
    pub stop: CancellationToken,
    /// The configuration, as it changes.
    pub settings: watch::Receiver<Settings>,
}

impl Login {
    /// The login as the vault has it; one that waits for approval goes on waiting.
    ///
    /// # Errors
    /// [`VaultError`] when it cannot be read.
    pub async fn open(parts: Parts) -> Result<Self, VaultError> {
        let Parts { vault, http_client, rate_limiter, clock, metrics, event_log, tracker, stop, settings } =
            parts;
        let (pair, mut standing) = (vault.pair().await?, vault.standing().await?);
        if pair.is_none() && standing.state != LoginState::None {
            standing = Standing::default();
        }
        if standing.state == LoginState::WaitingBrowser {
            standing.state = LoginState::LoginNeeded;
        }
        if vault.refresh_in_doubt().await? {
            tracing::warn!(
                "a refresh of the login was under way when the daemon was stopped; the next one will tell"
            );
        }
        let registered = {
            let (settings, vault) = (settings.clone(), vault.clone());
            Box::new(move || -> crate::monzo::Boxed<'static, Option<Registration>> {
                let (settings, vault) = (settings.borrow().clone(), vault.clone());
                Box::pin(async move { registration(&settings, &vault).await.ok().flatten() })
            })
        };
        let (lost, mut losses) = tokio::sync::mpsc::unbounded_channel();
        let tell = lost.clone();
        // Whoever refreshed is not held up by what follows from a loss.
        let told = Box::new(move |reason| drop(tell.send(reason)));
        let tokens = Arc::new(Tokens::new(
            (vault.clone(), pair),
            http_client.clone(),
            (clock.clone(), Arc::clone(&metrics)),
            (tracker.clone(), stop.clone()),
            registered,
            told,
        ));
        let client = Client::new(
            http_client.clone(),
            Arc::clone(&tokens) as Arc<dyn crate::monzo::Bearer>,
            rate_limiter,
        );
        let shown = watch::Sender::new(Shown {
            state: standing.state,
            user_id: vault.user_id().await?,
            token_expires_at: None,
            refreshes: None,
            access_ends_at: None,
            error: None,
        });
        let waiting = standing.state == LoginState::WaitingApproval;
        let login = Self(Arc::new(Inner {
            vault,
            tokens,
            http_client,
            client,
            clock,
            metrics,
            event_log,
            tracker,
            stop,
            settings,
            shown,
            standing: Mutex::new(standing),
            pending: Mutex::default(),
            lost,
        }));
        login.show().await;
        let listener = login.clone();
        let stop = login.0.stop.clone();
        login.0.tracker.spawn(async move {
            while let Some(Some(reason)) = stop.run_until_cancelled(losses.recv()).await {
                // A login that came meanwhile has nothing to do with the loss.
                if listener.0.tokens.dead() {
                    listener.mark(LoginState::LoginNeeded, Some(reason), Kind::LoginLost).await;
                }
            }
        });
        if waiting {
            login.await_approval();
        }
        Ok(login)
    }

    /// The bank, with these tokens.
    pub fn client(&self) -> Client {
        self.0.client.clone()
    }

    /// How it stands.
    pub fn state(&self) -> Shown {
        let mut shown = self.0.shown.borrow().clone();
        if shown.state == LoginState::WaitingBrowser && !self.waiting_for_browser() {
            // Nobody has signed in while the page lasted.
            shown.state = self.0.standing().state;
        }
        shown.token_expires_at = self.0.tokens.pair().map(|pair| pair.expires_at);
        shown.refreshes = self.0.tokens.refreshes();
        shown
    }

    /// How it stands, as it changes.
    pub fn watch(&self) -> watch::Receiver<Shown> {
        self.0.shown.subscribe()
    }

    /// The bank can be read.
    pub fn ready(&self) -> bool {
        self.0.shown.borrow().state == LoginState::Ready
    }

    /// The newest tokens are only in memory, because they could not be kept.
    pub fn unsaved(&self) -> bool {
        self.0.tokens.unsaved()
    }

    /// The bank does not take the OAuth client.
    pub fn client_refused(&self) -> bool {
        self.0.tokens.client_refused()
    }

    /// Why refreshes do not succeed, if they do not.
    pub fn trouble(&self) -> Option<Trouble> {
        self.0.tokens.trouble()
    }

    /// Ends the time in which no refresh is tried after one that failed: a person asks for it now.
    pub fn try_now(&self) {
        self.0.tokens.end_rest();
    }

    /// When the person approved in the app: the five minutes of full history run from here.
    pub fn approved_at(&self) -> Option<Timestamp> {
        self.0.standing().approved_at
    }

    /// The OAuth client in force.
    pub async fn client_id(&self) -> Result<Option<String>, LoginError> {
        let settings = self.0.settings.borrow().clone();
        Ok(registration(&settings, &self.0.vault).await?.map(|registration| registration.client_id))
    }

    /// Keeps the OAuth client of `setup`.
    ///
    /// # Errors
    /// [`LoginError::UnfitClient`] for one that cannot work.
    pub async fn configure(&self, id: &str, secret: SecretString) -> Result<Configured, LoginError> {
        fit(id, secret.expose_secret())?;
        let kept = self.0.vault.client().await?;
        let same = kept.is_some_and(|(kept_id, kept_secret)| {
            kept_id == id && kept_secret.expose_secret() == secret.expose_secret()
        });
        if !same {
            self.0.vault.keep_client(id, &secret).await?;
            self.0.tokens.reconsider();
        }
        let client_id = self.client_id().await?.unwrap_or_else(|| id.to_owned());
        Ok(Configured { client_id, changed: !same })
    }

    /// Permissions were refreshed in the app just now: the ninety days begin again.
    ///
    /// # Errors
    /// [`LoginError`] if nobody is logged in.
    pub async fn renew(&self) -> Result<Shown, LoginError> {
        let now = self.0.clock.now();
        let state = self.0.standing().state;
        if !matches!(state, LoginState::Ready | LoginState::ConsentLapsed) {
            let reason = "there is no login whose permissions could have been refreshed".to_owned();
            return Err(Error::LoginNeeded { reason }.into());
        }
        self.change(|standing| {
            standing.state = LoginState::Ready;
            standing.authorised_at = Some(now);
            standing.warned = None;
            standing.error = None;
        })
        .await?;
        self.0
            .event_log
            .record(Happened::new(Kind::AccessRenewed, "the bank's ninety days begin again"))
            .await;
        Ok(self.state())
    }

    /// The bank's permission has ended, as long as there was one: a login that waits for approval has none yet.
    pub async fn lapsed(&self) {
        if self.0.standing().state != LoginState::Ready {
            return;
        }
        let why = "the bank gives no permission any more".to_owned();
        self.mark(LoginState::ConsentLapsed, Some(why), Kind::ConsentLapsed).await;
    }

    /// Whether the bank takes the token now.
    pub async fn whoami(&self) -> Result<bool, Error> {
        match self.0.client.whoami().await {
            Ok(whoami) => Ok(whoami.authenticated),
            Err(Error::LoginNeeded { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Kills the tokens at the bank and forgets them; they are forgotten even if the bank cannot be reached.
    ///
    /// # Errors
    /// [`LoginError::Vault`] if they could not be forgotten.
    pub async fn logout(&self) -> Result<LoggedOut, LoginError> {
        self.abandon();
        let _held = self.0.tokens.hold().await;
        let pair = self.0.tokens.pair();
        let changed = pair.is_some();
        let revoked = match pair {
            Some(pair) => self.revoke(pair.access).await,
            None => false,
        };
        self.0.tokens.replace(None);
        self.0.vault.forget().await?;
        *self.0.standing() = Standing::default();
        self.show().await;
        if changed {
            self.0.event_log.record(Happened::new(Kind::LoggedOut, "logged out")).await;
        }
        Ok(LoggedOut { login: self.state(), revoked, changed })
    }

    /// Kills a token at the bank (monzo/README.md, Logging out); a dead one counts as killed.
    async fn revoke(&self, token: SecretString) -> bool {
        let mut request = Request::new(Method::Post, "/oauth2/logout");
        request.bearer = Some(token);
        match self.0.http_client.send("logout", request).await {
            Ok(Ok(_) | Err(crate::monzo::Verdict::BadToken { .. })) => true,
            Ok(Err(_)) | Err(_) => false,
        }
    }

    /// Tells of the ninety days when they end soon, each of the warnings once.
    pub async fn remind(&self) {
        self.count_again().await;
        let (ends, warned) = {
            let standing = self.0.standing();
            (standing.authorised_at.map(access::ends_at), standing.warned)
        };
        let Some(due) = ends.and_then(|ends| access::warning(ends, self.0.clock.now())) else { return };
        if warned.is_some_and(|warned| warned <= due) || !self.ready() {
            return;
        }
        if self.change(|standing| standing.warned = Some(due)).await.is_ok() {
            let message = format!(
                "the bank's permission ends within {due} days: refresh it in the Monzo app, then `monzoctl login --renewed`"
            );
            self.0.event_log.record(Happened::new(Kind::AccessEnding, message)).await;
        }
    }

    /// Counts ninety days from now that a wrong clock began to count in the future: they end then at the latest.
    async fn count_again(&self) {
        let (now, authorised) = (self.0.clock.now(), self.0.standing().authorised_at);
        if self.0.clock.confirmed() && authorised.is_some_and(|at| elapsed(at, now).is_none()) {
            tracing::warn!(
                "a clock was wrong when the login was approved: its ninety days are counted from now"
            );
            let kept = self.change(|standing| standing.authorised_at = Some(now)).await;
            if let Err(error) = kept {
                tracing::warn!(%error, "where the login stands could not be kept");
            }
        }
    }

    /// Notes a new state, if it is one, and tells of it.
    async fn mark(&self, state: LoginState, error: Option<String>, kind: Kind) {
        if self.0.standing().state == state {
            return;
        }
        let told = error.clone();
        let kept = self.change(|standing| {
            standing.state = state;
            standing.error = error;
        });
        if let Err(error) = kept.await {
            tracing::warn!(%error, "where the login stands could not be kept");
        }
        let message = match state {
            LoginState::ConsentLapsed => {
                "the bank's permission has ended: refresh it in the Monzo app and run `monzoctl login --renewed`, or `monzoctl login`".to_owned()
            }
            _ if self.0.tokens.refreshes() == Some(false) => {
                format!("the login has ended ({}): {MAKE_CONFIDENTIAL}", told.unwrap_or_default())
            }
            _ => format!("the bank no longer takes the login ({}): `monzoctl login`", told.unwrap_or_default()),
        };
        self.0.event_log.record(Happened::new(kind, message)).await;
    }

    /// Changes where the login stands, in memory, on disk, and for whoever watches.
    async fn change(&self, change: impl FnOnce(&mut Standing)) -> Result<(), VaultError> {
        let standing = {
            let mut standing = self.0.standing();
            change(&mut standing);
            standing.clone()
        };
        let kept = self.0.vault.keep_standing(&standing).await;
        self.show().await;
        kept
    }

    async fn show(&self) {
        let standing = self.0.standing().clone();
        let pair = self.0.tokens.pair();
        let user_id = self.0.vault.user_id().await.ok().flatten();
        let access_ends_at = standing.authorised_at.map(access::ends_at);
        let token_expires_at = pair.map(|pair| pair.expires_at);
        let state = match standing.state {
            LoginState::None | LoginState::LoginNeeded if self.waiting_for_browser() => {
                LoginState::WaitingBrowser
            }
            state => state,
        };
        self.0.metrics.login(state == LoginState::Ready, token_expires_at, access_ends_at);
        self.0.shown.send_replace(Shown {
            state,
            user_id,
            token_expires_at,
            refreshes: self.0.tokens.refreshes(),
            access_ends_at,
            error: standing.error,
        });
    }
}

impl Inner {
    fn standing(&self) -> std::sync::MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pending(&self) -> std::sync::MutexGuard<'_, Option<Pending>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The OAuth client in force: each part from the configuration or a credential, else from `setup`.
async fn registration(settings: &Settings, vault: &Vault) -> Result<Option<Registration>, VaultError> {
    let kept = vault.client().await?;
    let (kept_id, kept_secret) = kept.unzip();
    let both = settings.client_id.clone().or(kept_id).zip(settings.client_secret.clone().or(kept_secret));
    Ok(both.map(|(client_id, client_secret)| Registration {
        client_id,
        client_secret,
        auth_url: settings.auth_url.clone(),
        redirect_url: settings.redirect_url.clone(),
    }))
}

/// Whether a client can work, as far as its shape tells (monzo/README.md, Clients and sign-in).
fn fit(id: &str, secret: &str) -> Result<(), LoginError> {
    if !id.starts_with("oauth2client_") || id.contains(char::is_whitespace) {
        return Err(LoginError::UnfitClient(
            "a client id begins with oauth2client_; copy it from developers.monzo.com",
        ));
    }
    if secret.contains("mnzpub") {
        return Err(LoginError::UnfitClient(
            "this is the secret of a non-confidential client, which gets no refresh tokens; make a confidential one at developers.monzo.com",
        ));
    }
    if secret.trim().is_empty() || secret.contains(char::is_whitespace) {
        return Err(LoginError::UnfitClient(
            "the secret is empty or holds spaces; copy it from developers.monzo.com",
        ));
    }
    Ok(())
}

impl From<GrantError> for LoginError {
    fn from(error: GrantError) -> Self {
        match error {
            GrantError::Dead(code) => Self::Mismatch(format!(
                "the bank does not take the code ({code}); codes work once and for some minutes"
            )),
            GrantError::Bank(error) => Self::Bank(error),
            GrantError::Broken => Self::Bank(Error::Transient(error.to_string())),
        }
    }
}
