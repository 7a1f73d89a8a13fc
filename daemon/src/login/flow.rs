//! From a sign-in page to an approved login: one pending page at a time, a single-use state, and patience.
//!
//! What comes back from the browser, caught or pasted, is the same text and takes the same way.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use monzo_common::model::{Login as Shown, LoginBegun, LoginState};
use oauth2::url::form_urlencoded;
use secrecy::SecretString;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::loopback::Loopback;
use super::vault::{Pair, Standing};
use super::{Login, LoginError, registration};
use crate::clock::elapsed;
use crate::events::{Happened, Kind};
use crate::monzo::{Error, Method, Request};

/// How long a sign-in page is waited for: the e-mail may take its time. Taste.
const PAGE_LASTS: SignedDuration = SignedDuration::from_mins(30);

/// How long the address goes on answering after the code was taken. Taste: browsers ask twice at once, people reload
/// within a moment.
const ANSWERS_ON: Duration = Duration::from_secs(60);

/// How long an earlier page's listener is waited for. Taste: it ends at once.
const LET_GO: Duration = Duration::from_secs(1);

/// Bytes of a state: 192 bits cannot be guessed.
const STATE: usize = 24;

/// A sign-in page that somebody may be looking at.
pub(super) struct Pending {
    state: String,
    expires_at: Timestamp,
    listening: CancellationToken,
    serving: Option<JoinHandle<()>>,
    /// The code was taken, and this is what came of it, once it is known.
    taken: Option<watch::Receiver<Option<Page>>>,
}

/// What the browser is shown, and whether it is a success.
type Page = (bool, String);

/// What came back from the browser.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Code { code: String, state: String },
    Refused(String),
}

impl Login {
    /// Begins a login: makes a state, listens for the browser, and answers the address to open.
    ///
    /// # Errors
    /// [`LoginError::Ready`] unless `again`; [`LoginError::NotConfigured`] before `setup`.
    pub async fn begin(&self, again: bool) -> Result<LoginBegun, LoginError> {
        if self.ready() && !again {
            return Err(LoginError::Ready);
        }
        let settings = self.0.settings.borrow().clone();
        let registration = registration(&settings, &self.0.vault).await?.ok_or(LoginError::NotConfigured)?;
        let mut bytes = [0_u8; STATE];
        getrandom::fill(&mut bytes)
            .map_err(|_| LoginError::Mismatch("the system gives no randomness".to_owned()))?;
        let state = URL_SAFE_NO_PAD.encode(bytes);
        let url = registration.address(&state)?;
        let expires_at = self.0.clock.now().checked_add(PAGE_LASTS).unwrap_or(Timestamp::MAX);
        let listening = self.0.stop.child_token();
        if let Some(serving) = self.abandon() {
            // Its port is free only once it has ended.
            let _ = tokio::time::timeout(LET_GO, serving).await;
        }
        let (port, path) = &settings.redirect;
        let loopback = Loopback::bind(*port, path).await;
        let heard = loopback.is_some();
        let taken = loopback.as_ref().and_then(Loopback::taken).map(|address| address.to_string());
        let pending = Pending { state, expires_at, listening: listening.clone(), serving: None, taken: None };
        *self.0.pending() = Some(pending);
        if let Some(loopback) = loopback {
            let login = self.clone();
            let redirected =
                std::sync::Arc::new(move |query: String| -> crate::monzo::Boxed<'static, (bool, String)> {
                    let login = login.clone();
                    Box::pin(async move { login.redirected(query).await })
                });
            let lasting = Duration::try_from(PAGE_LASTS).unwrap_or_default();
            let serving = self.0.tracker.spawn(async move {
                let _ = tokio::time::timeout(lasting, loopback.serve(redirected, listening)).await;
            });
            if let Some(pending) = self.0.pending().as_mut() {
                pending.serving = Some(serving);
            }
        }
        self.show().await;
        Ok(LoginBegun { url, redirect_url: settings.redirect_url, listening: heard, taken, expires_at })
    }

    /// Ends a pending page; what listened for it ends soon.
    pub(super) fn abandon(&self) -> Option<JoinHandle<()>> {
        let pending = self.0.pending().take()?;
        pending.listening.cancel();
        pending.serving
    }

    /// A sign-in page is open.
    pub(super) fn waiting_for_browser(&self) -> bool {
        let now = self.0.clock.now();
        self.0.pending().as_ref().is_some_and(|pending| now < pending.expires_at && pending.taken.is_none())
    }

    /// The browser came back: a page for the person.
    async fn redirected(self, query: String) -> Page {
        match self.again(&query) {
            Some(mut taken) => {
                let page = taken.wait_for(Option::is_some).await.ok().and_then(|page| page.clone());
                match page {
                    // It may have been approved since.
                    Some((true, _)) => self.page(Ok(())),
                    Some(failed) => failed,
                    None => (false, "The daemon is stopping. Begin again with `monzoctl login`.".to_owned()),
                }
            }
            None => {
                let completed = self.complete(&query).await;
                self.page(completed.as_ref().map(drop))
            }
        }
    }

    /// What came of the code, if the browser comes back with what was taken already.
    fn again(&self, query: &str) -> Option<watch::Receiver<Option<Page>>> {
        let Ok(Answer::Code { state, .. }) = read(query) else { return None };
        let pending = self.0.pending();
        pending.as_ref().filter(|pending| same(&pending.state, &state))?.taken.clone()
    }

    fn page(&self, completed: Result<(), &LoginError>) -> Page {
        match completed {
            Ok(()) if self.ready() => (true, "You are logged in; you can close this page.".to_owned()),
            Ok(()) => (
                true,
                "You are signed in. Now approve it in the Monzo app; you can close this page.".to_owned(),
            ),
            Err(error) if self.waiting_for_browser() => {
                (false, format!("This did not work: {error}. The login that is pending still waits."))
            }
            Err(error) => (false, format!("This did not work: {error}. Begin again with `monzoctl login`.")),
        }
    }

    /// Completes the pending login with what the browser came back with.
    ///
    /// # Errors
    /// [`LoginError`]; what does not belong to the pending login leaves it pending.
    pub async fn complete(&self, pasted: &str) -> Result<Shown, LoginError> {
        let (code, state) = match read(pasted)? {
            Answer::Code { code, state } => (code, state),
            Answer::Refused(why) => {
                return Err(LoginError::Mismatch(format!(
                    "the bank says that the sign-in was refused ({why})"
                )));
            }
        };
        let (listening, told) = self.claim(&state)?;
        // Once begun, the exchange goes on even if the caller goes away: the code works once.
        let login = self.clone();
        let exchanging = self.0.tracker.spawn(async move {
            let exchanged = login.exchange(&code).await;
            if exchanged.is_err() {
                login.show().await;
            }
            told.send_replace(Some(login.page(exchanged.as_ref().map(drop))));
            login.answer_on(listening);
            exchanged
        });
        match exchanging.await {
            Ok(exchanged) => exchanged,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => Err(Error::Transient("the daemon is stopping".to_owned()).into()),
        }
    }

    /// Answers on for whoever comes back to the address, and then ends what listens there.
    fn answer_on(&self, listening: CancellationToken) {
        self.0.tracker.spawn(async move {
            let _ = listening.run_until_cancelled(tokio::time::sleep(ANSWERS_ON)).await;
            listening.cancel();
        });
    }

    /// Takes the pending login if `state` is its own; what comes of it is to be told.
    fn claim(&self, state: &str) -> Result<(CancellationToken, watch::Sender<Option<Page>>), LoginError> {
        let mut pending = self.0.pending();
        let now = self.0.clock.now();
        let mine = pending.as_mut().filter(|pending| {
            now < pending.expires_at && pending.taken.is_none() && same(&pending.state, state)
        });
        match mine {
            Some(pending) => {
                let (told, taken) = watch::channel(None);
                pending.taken = Some(taken);
                Ok((pending.listening.clone(), told))
            }
            None => Err(LoginError::Mismatch(
                "that address is from an older login; use the newest address that `monzoctl login` printed"
                    .to_owned(),
            )),
        }
    }

    async fn exchange(&self, code: &str) -> Result<Shown, LoginError> {
        let settings = self.0.settings.borrow().clone();
        let registration = registration(&settings, &self.0.vault).await?.ok_or(LoginError::NotConfigured)?;
        // A refresh of the old tokens must not come back after the new ones.
        let _held = self.0.tokens.hold().await;
        let now = self.0.clock.now();
        let grant = registration.exchange(&self.0.http_client, code, now).await?;
        let user = match grant.user_id.clone() {
            Some(user) => user,
            None => self.owner(grant.access.clone()).await?,
        };
        let owner = self.0.vault.user_id().await?;
        if owner.is_some_and(|owner| owner != user) {
            self.revoke(grant.access).await;
            let message =
                "somebody else tried to log in; this database belongs to another person and nothing was kept";
            self.0.event_log.record(Happened::new(Kind::LoginRefused, message)).await;
            self.show().await;
            return Err(LoginError::AnotherPerson);
        }
        let pair = Pair {
            access: grant.access,
            refresh: grant.refresh,
            expires_at: grant.expires_at,
            given_at: now,
        };
        let standing =
            Standing { state: LoginState::WaitingApproval, signed_in_at: Some(now), ..Standing::default() };
        self.0.vault.keep_login(&pair, &user, &standing).await?;
        self.0.tokens.replace(Some(pair));
        *self.0.standing() = standing;
        self.show().await;
        self.0
            .event_log
            .record(Happened::new(Kind::LoggedIn, "signed in; waiting for approval in the Monzo app"))
            .await;
        self.await_approval();
        Ok(self.state())
    }

    /// Whose token it is, where the exchange did not say.
    async fn owner(&self, token: SecretString) -> Result<monzo_common::id::UserId, LoginError> {
        let mut request = Request::new(Method::Get, "/ping/whoami");
        request.bearer = Some(token);
        let unknown = || Error::Transient("it does not say whose login this is".to_owned());
        let response = self.0.http_client.send("whoami", request).await?.map_err(|_| unknown())?;
        let whoami = crate::monzo::wire::whoami(&response.body).map_err(|_| unknown())?;
        Ok(whoami.user_id.ok_or_else(unknown)?)
    }

    /// Asks until the person approves in the app; belongs to the daemon, not to a caller.
    pub(super) fn await_approval(&self) {
        let login = self.clone();
        let stop = self.0.stop.clone();
        self.0.tracker.spawn(async move {
            let _ = stop.run_until_cancelled(login.ask_for_approval()).await;
        });
    }

    async fn ask_for_approval(&self) {
        let signed_in = self.0.standing().signed_in_at;
        loop {
            let standing = self.0.standing().clone();
            // Another login, or a logout, has taken over.
            if standing.state != LoginState::WaitingApproval || standing.signed_in_at != signed_in {
                return;
            }
            match self.0.client.approved().await {
                Ok(()) => return self.approve().await,
                Err(Error::NotApproved) => {}
                Err(Error::LoginNeeded { reason }) => {
                    // Whoever sent the refusal has told already, or this does.
                    return drop(self.0.lost.send(reason));
                }
                Err(error) => tracing::debug!(%error, "approval could not be asked for"),
            }
            // Where nobody knows how long, it may be long.
            let waited = signed_in.and_then(|at| elapsed(at, self.0.clock.now()));
            let wait = pause(waited.unwrap_or(SignedDuration::MAX));
            tokio::time::sleep(self.0.clock.pause(wait)).await;
        }
    }

    async fn approve(&self) {
        let now = self.0.clock.now();
        let kept = self.change(|standing| {
            standing.state = LoginState::Ready;
            standing.approved_at = Some(now);
            standing.authorised_at = Some(now);
            standing.warned = None;
            standing.error = None;
        });
        if let Err(error) = kept.await {
            tracing::error!(%error, "the approval could not be kept");
        }
        let message = "approved in the app; the whole history is being read";
        self.0.event_log.record(Happened::new(Kind::LoginApproved, message)).await;
    }
}

/// How long to wait before asking for approval again (the issue: 2 s for 5 minutes, 5 s to 20 minutes, then a minute).
fn pause(waited: SignedDuration) -> Duration {
    match waited.as_mins() {
        ..5 => Duration::from_secs(2),
        5..20 => Duration::from_secs(5),
        20.. => Duration::from_secs(60),
    }
}

/// Compares without telling by its duration how much was right.
fn same(one: &str, other: &str) -> bool {
    one.len() == other.len()
        && one.bytes().zip(other.bytes()).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

/// Reads a redirected address, its query, or `CODE STATE`.
fn read(pasted: &str) -> Result<Answer, LoginError> {
    let pasted = pasted.trim();
    if let Some((code, state)) = pasted.split_once(char::is_whitespace)
        && !pasted.contains('=')
    {
        return Ok(Answer::Code { code: code.to_owned(), state: state.trim().to_owned() });
    }
    let query = pasted.split_once('?').map_or(pasted, |(_, query)| query);
    let query = query.split('#').next().unwrap_or_default();
    let value = |key: &str| {
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        pairs
            .find(|(name, _)| name == key)
            .map(|(_, value)| value.into_owned())
            .filter(|value| !value.is_empty())
    };
    if let Some(error) = value("error") {
        let words = value("error_description").map(|words| format!("{error}: {words}"));
        let clean: String = words.unwrap_or(error).chars().filter(|c| !c.is_control()).take(200).collect();
        return Ok(Answer::Refused(clean));
    }
    match (value("code"), value("state")) {
        (Some(code), Some(state)) => Ok(Answer::Code { code, state }),
        _ => Err(LoginError::Mismatch(
            "that is not the address from your browser; `code=…&state=…` and `CODE STATE` are taken too"
                .to_owned(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_paste_the_same_thing_is_read() {
        let expected = Answer::Code { code: "abc".into(), state: "x-y".into() };
        for pasted in [
            "http://localhost:21853/oauth/callback?code=abc&state=x-y",
            "http://localhost:21853/oauth/callback?state=x-y&code=abc#done",
            " code=abc&state=x-y\n",
            "abc x-y",
            "abc\tx-y",
        ] {
            assert_eq!(read(pasted).expect(pasted), expected, "{pasted}");
        }
    }

    #[test]
    fn what_is_neither_is_refused_and_the_banks_error_is_told() {
        for pasted in ["", "abc", "code=abc", "state=x", "http://localhost/?code=&state=x"] {
            assert!(matches!(read(pasted), Err(LoginError::Mismatch(_))), "{pasted}");
        }
        let refused = read("http://localhost/?error=access_denied&state=x").expect("an answer");
        assert_eq!(refused, Answer::Refused("access_denied".into()));
    }

    #[test]
    fn approval_is_asked_for_less_and_less_often() {
        let seconds = |minutes| pause(SignedDuration::from_mins(minutes)).as_secs();
        assert_eq!(
            [seconds(0), seconds(4), seconds(5), seconds(19), seconds(20), seconds(900)],
            [2, 2, 5, 5, 60, 60]
        );
    }

    #[test]
    fn states_are_compared_whole() {
        assert!(same("abc", "abc"));
        assert!(!same("abc", "abd") && !same("abc", "ab") && !same("", "a"));
    }
}
