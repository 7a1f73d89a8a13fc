//! Logins: codes, tokens, approval in the app, and the ninety days (monzo/README.md, Clients and sign-in).
//!
//! A user has one login at a client: the latest. Signing in again displaces it, refreshing renews it.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::Bank;
use super::clock::{DAY, MINUTE, Ms, SECOND};
use super::ids;
use super::message::{Refusal, Reply, Request};
use super::settings::{Lapse, RefusalStyle, Whoami};

/// A code can be traded this long (monzo/README.md, Clients and sign-in).
const CODE_LIFE: Ms = 10 * MINUTE;

/// Access ends this long after approval (monzo/README.md, Ninety days of consent).
const CONSENT: Ms = 90 * DAY;

/// The whole history can be read this long after approval (monzo/README.md, How far back).
pub const HISTORY_OPEN: Ms = 300 * SECOND;

/// A code of a sign-in.
#[derive(Debug, Clone)]
struct Code {
    user: usize,
    redirect: String,
    until: Ms,
    used: bool,
}

/// What has become of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Live,
    /// Another sign-in displaced it.
    Evicted,
    /// Renewed, logged out or revoked.
    Dead,
}

#[derive(Debug, Clone, Copy)]
struct Token {
    user: usize,
    refresh: bool,
    until: Ms,
    fate: Fate,
}

/// A user's login.
#[derive(Debug, Clone)]
struct Login {
    access: String,
    refresh: String,
    signed_in: Ms,
    approved: Option<Ms>,
    consent_until: Ms,
}

/// All logins.
#[derive(Debug, Clone, Default)]
pub struct Logins {
    codes: HashMap<String, Code>,
    tokens: HashMap<String, Token>,
    logins: HashMap<usize, Login>,
    given: u64,
    /// Every code and token that was ever given.
    secrets: Vec<String>,
}

/// Whose request it is, and what it may see.
#[derive(Debug, Clone, Copy)]
pub struct Caller {
    /// The user.
    pub user: usize,
    /// When the login was approved in the app.
    pub approved: Ms,
}

impl Bank {
    /// Signs a user in, as the page would, and answers with a code for `redirect`.
    pub(crate) fn give_code(&mut self, user: usize, redirect: &str) -> String {
        self.logins.given += 1;
        let code =
            ids::token("code_", self.settings.seed ^ (self.logins.given << 8) ^ self.now.unsigned_abs());
        let given = Code {
            user,
            redirect: redirect.to_owned(),
            until: self.now.saturating_add(CODE_LIFE),
            used: false,
        };
        self.logins.codes.insert(code.clone(), given);
        self.logins.secrets.push(code.clone());
        code
    }

    /// `POST /oauth2/token`.
    pub(super) fn token(&mut self, request: &Request) -> Reply {
        let grant = request.given("grant_type").ok_or_else(|| Refusal::missing("grant_type"))?;
        let grant = grant.to_owned();
        // A stale token has the call refused before the form is read (monzo/README.md, Refreshing a token).
        if grant == "refresh_token" && self.switches.refresh_minds_bearer && request.bearer.is_some() {
            self.bearer(request)?;
        }
        let client = request.given("client_id").ok_or_else(|| Refusal::missing("client_id"))?;
        if client != self.settings.client_id {
            return Err(oauth_refusal("bad_request.could_not_authenticate", "invalid_client"));
        }
        if request.given("client_secret") != Some(&self.settings.client_secret) {
            return Err(oauth_refusal("bad_request.could_not_authenticate", "invalid_request"));
        }
        match grant.as_str() {
            "authorization_code" => self.exchange(request),
            "refresh_token" => self.refresh(request),
            _ => Err(Refusal::bad("grant_type", "Unknown grant type")),
        }
    }

    fn exchange(&mut self, request: &Request) -> Reply {
        let code = request.given("code").ok_or_else(|| Refusal::missing("code"))?;
        let redirect = request.given("redirect_uri").ok_or_else(|| Refusal::missing("redirect_uri"))?;
        let invalid =
            || Refusal::new(400, "bad_request.authorization_code.invalid", "Authorization code is invalid");
        let now = self.now;
        let known = self.logins.codes.get_mut(code).filter(|known| !known.used).ok_or_else(invalid)?;
        if known.redirect != redirect {
            return Err(Refusal::bad("redirect_uri", "The redirect URI is not the one of the sign-in"));
        }
        known.used = true;
        if known.until < now {
            return Err(invalid());
        }
        let user = known.user;
        self.log_in(user);
        let login = self.logins.logins.get(&user).ok_or_else(invalid)?;
        Ok(self.grant(login, user))
    }

    /// A new login, not approved yet, in the place of the one before; answers with its access token.
    pub(crate) fn log_in(&mut self, user: usize) -> String {
        if let Some(before) = self.logins.logins.remove(&user) {
            self.logins.end(&before.access, Fate::Evicted);
            self.logins.end(&before.refresh, Fate::Evicted);
        }
        let (access, refresh) = self.new_tokens(user);
        let login = Login { access, refresh, signed_in: self.now, approved: None, consent_until: Ms::MAX };
        let access = login.access.clone();
        self.logins.logins.insert(user, login);
        access
    }

    fn refresh(&mut self, request: &Request) -> Reply {
        let given = request.given("refresh_token").ok_or_else(|| Refusal::missing("refresh_token"))?;
        let token = self.logins.tokens.get(given).filter(|token| token.refresh).copied();
        let refused = |suffix: &str| Err(self.refresh_refusal(suffix));
        let Some(token) = token else { return refused("") };
        match token.fate {
            Fate::Evicted => return refused(".evicted"),
            Fate::Dead => return refused(""),
            Fate::Live => {}
        }
        let Some(login) = self.logins.logins.get(&token.user).cloned() else { return refused("") };
        if login.consent_until <= self.now && self.switches.lapse == Lapse::Refresh {
            return refused("");
        }
        for old in [&login.access, &login.refresh] {
            self.logins.end(old, Fate::Dead);
        }
        let (access, refresh) = self.new_tokens(token.user);
        let login = Login { access, refresh, ..login };
        let answer = self.grant(&login, token.user);
        self.logins.logins.insert(token.user, login);
        Ok(answer)
    }

    fn refresh_refusal(&self, suffix: &str) -> Refusal {
        match self.switches.refusal_style {
            RefusalStyle::Code => {
                Refusal::new(401, &format!("unauthorized.bad_refresh_token{suffix}"), "Bad refresh token")
            }
            RefusalStyle::Oauth => {
                let code = match suffix {
                    ".evicted" => "bad_request.refresh_token.evicted",
                    _ => "bad_request.refresh_token.invalid",
                };
                let params = json!({"original_error_code": code, "refresh_token_id": "reftok_0000Sandbox"});
                let body = json!({
                    "error": "invalid_request",
                    "error_description": "Refresh token is not valid",
                    "error_params": params
                });
                Refusal { status: 400, body }
            }
        }
    }

    fn new_tokens(&mut self, user: usize) -> (String, String) {
        let until =
            self.now.saturating_add(Ms::try_from(self.settings.token_life.as_millis()).unwrap_or(Ms::MAX));
        self.logins.given += 1;
        let salt = self.settings.seed ^ (self.logins.given << 20);
        let access = ids::token("access_", salt);
        let refresh = ids::token("refresh_", salt ^ 1);
        let token = Token { user, refresh: false, until, fate: Fate::Live };
        self.logins.secrets.extend([access.clone(), refresh.clone()]);
        self.logins.tokens.insert(access.clone(), token);
        self.logins.tokens.insert(refresh.clone(), Token { refresh: true, until: Ms::MAX, ..token });
        (access, refresh)
    }

    fn grant(&self, login: &Login, user: usize) -> Value {
        let mut grant = json!({
            "access_token": login.access,
            "client_id": self.settings.client_id,
            "expires_in": self.settings.token_life.as_secs(),
            "token_type": "Bearer",
            "user_id": self.world.users[user].id,
        });
        // Clients that are not confidential get no refresh tokens (monzo/README.md, Clients and sign-in).
        if !self.settings.client_secret.starts_with("mnzpub") {
            grant["refresh_token"] = json!(login.refresh);
        }
        grant
    }

    /// The user whose token it is, approved or not (monzo/README.md, Refused tokens).
    pub(super) fn bearer(&self, request: &Request) -> Result<usize, Refusal> {
        let bad = |suffix: &str, message: &str| {
            if self.switches.bad_token_400 {
                return Refusal::new(400, "bad_request.invalid_token", "Token is invalid");
            }
            let body = json!({
                "code": format!("unauthorized.bad_access_token{suffix}"),
                "error": "invalid_token",
                "error_description": message,
                "message": message
            });
            Refusal { status: 401, body }
        };
        let token = request.bearer.as_deref().and_then(|token| self.logins.tokens.get(token));
        match token.filter(|token| !token.refresh) {
            Some(Token { fate: Fate::Evicted, .. }) => Err(bad(".evicted", "Signed in elsewhere")),
            None | Some(Token { fate: Fate::Dead, .. }) => Err(bad("", "Bad access token")),
            Some(token) if token.until <= self.now => Err(bad(".expired", "Access token has expired")),
            Some(token) => Ok(token.user),
        }
    }

    /// The user whose token it is, if it was approved and the consent has not ended.
    pub(super) fn caller(&self, request: &Request) -> Result<Caller, Refusal> {
        let user = self.bearer(request)?;
        let login = self.logins.logins.get(&user);
        let Some((login, approved)) = login.and_then(|login| Some((login, login.approved?))) else {
            return Err(self.no_permission(user));
        };
        match self.switches.lapse {
            _ if self.now < login.consent_until => Ok(Caller { user, approved }),
            Lapse::Permissions => Err(self.no_permission(user)),
            Lapse::Verification => Err(Refusal::verification_required()),
            Lapse::Refresh => Ok(Caller { user, approved }),
        }
    }

    /// 403 `insufficient_permissions` (monzo/README.md, Approval in the app).
    pub(super) fn no_permission(&self, user: usize) -> Refusal {
        let body = json!({
            "code": "forbidden.insufficient_permissions",
            "message": "Access forbidden due to insufficient permissions",
            "params": {"client_id": self.settings.client_id, "user_id": self.world.users[user].id}
        });
        Refusal { status: 403, body }
    }

    /// `GET /ping/whoami`.
    pub(super) fn whoami(&self, request: &Request) -> Reply {
        let user = self.bearer(request)?;
        let approved = self.logins.logins.get(&user).is_some_and(|login| login.approved.is_some());
        let authenticated = match self.switches.whoami {
            Whoami::Forbidden if !approved => return Err(Refusal::verification_required()),
            Whoami::Unauthenticated => approved,
            Whoami::Authenticated | Whoami::Forbidden => true,
        };
        let user_id = &self.world.users[user].id;
        Ok(json!({"authenticated": authenticated, "client_id": self.settings.client_id, "user_id": user_id}))
    }

    /// `POST /oauth2/logout`.
    pub(super) fn logout(&mut self, request: &Request) -> Reply {
        let user = self.bearer(request)?;
        self.logins.forget(user);
        Ok(json!({}))
    }

    /// The person accepts in the app: every login that waits.
    pub fn approve(&mut self) -> usize {
        let now = self.now;
        let waiting = self.logins.logins.values_mut().filter(|login| login.approved.is_none());
        waiting.map(|login| login.approve(now)).count()
    }

    /// Every token and code that was ever given, for tests that look for them where they should not be.
    pub fn secrets(&self) -> Vec<String> {
        self.logins.secrets.clone()
    }

    /// Approves by itself what has waited long enough.
    pub(super) fn approve_due(&mut self) {
        let Some(after) = self.settings.approve_after else { return };
        let after = Ms::try_from(after.as_millis()).unwrap_or(Ms::MAX);
        for login in self.logins.logins.values_mut().filter(|login| login.approved.is_none()) {
            let due = login.signed_in.saturating_add(after);
            if due <= self.now {
                login.approve(due);
            }
        }
    }

    /// Somebody signs in elsewhere with the same client: the logins that there are are displaced.
    pub fn evict(&mut self) {
        let users: Vec<usize> = self.logins.logins.keys().copied().collect();
        for user in users {
            self.log_in(user);
        }
    }

    /// The access tokens of all logins expire now.
    pub fn expire(&mut self) {
        for token in self.logins.tokens.values_mut().filter(|token| !token.refresh) {
            token.until = token.until.min(self.now);
        }
    }

    /// The person takes all access away, in the app.
    pub fn revoke(&mut self) {
        let users: Vec<usize> = self.logins.logins.keys().copied().collect();
        for user in users {
            self.logins.forget(user);
        }
    }

    /// The ninety days of all logins end now.
    pub fn lapse(&mut self, variant: Lapse) {
        self.switches.lapse = variant;
        for login in self.logins.logins.values_mut() {
            login.consent_until = self.now;
        }
    }

    /// The person presses "Refresh permissions" in the app: ninety days from now, without opening the history.
    pub fn renew(&mut self) {
        for login in self.logins.logins.values_mut() {
            login.consent_until = self.now.saturating_add(CONSENT);
        }
    }

    /// Since when the whole history can be read no more, for tests: the approval is moved back past the window.
    pub fn close_history(&mut self) {
        for login in self.logins.logins.values_mut() {
            login.approved = login.approved.map(|at| at.min(self.now.saturating_sub(HISTORY_OPEN)));
        }
    }
}

impl Login {
    fn approve(&mut self, at: Ms) {
        self.approved = Some(at);
        self.consent_until = at.saturating_add(CONSENT);
    }
}

impl Logins {
    fn end(&mut self, token: &str, fate: Fate) {
        if let Some(token) = self.tokens.get_mut(token) {
            token.fate = fate;
        }
    }

    fn forget(&mut self, user: usize) {
        if let Some(login) = self.logins.remove(&user) {
            self.end(&login.access, Fate::Dead);
            self.end(&login.refresh, Fate::Dead);
        }
    }
}

fn oauth_refusal(code: &str, error: &str) -> Refusal {
    let body =
        json!({"code": code, "error": error, "error_description": "", "message": "Could not authenticate"});
    Refusal { status: 400, body }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Till, refused, token};
    use super::super::message::{Method, Outcome};
    use super::super::settings::Settings;
    use super::*;
    use crate::bank::fixture::start;
    use jiff::SignedDuration;

    #[test]
    fn a_code_is_traded_once_within_its_minutes_and_for_its_address_only() {
        let mut till = Till::new(Settings::minimal(start()));
        let code = till.code();
        let other =
            token("authorization_code").form("redirect_uri", "http://localhost:9/other").form("code", &code);
        refused(&till.send(&other), 400, "bad_request.bad_param.redirect_uri");
        let (status, body) = till.exchange(&code);
        assert_eq!(
            (status, body["token_type"].as_str(), body["expires_in"].as_u64()),
            (200, Some("Bearer"), Some(108_000))
        );
        refused(&till.exchange(&code), 400, "bad_request.authorization_code.invalid");
        let code = till.code();
        till.pass(SignedDuration::from_mins(11));
        refused(&till.exchange(&code), 400, "bad_request.authorization_code.invalid");
    }

    #[test]
    fn a_client_that_is_not_registered_gets_no_tokens() {
        let mut till = Till::new(Settings::minimal(start()));
        let with = |id: &str, secret: &str| {
            Request::new(Method::Post, "/oauth2/token")
                .form("grant_type", "authorization_code")
                .form("client_id", id)
                .form("client_secret", secret)
        };
        let (status, body) = till.send(&with("oauth2client_other", "mnzconf.sandbox-secret"));
        assert_eq!((status, body["error"].as_str()), (400, Some("invalid_client")));
        let (status, body) = till.send(&with(super::super::CLIENT_ID, "mnzconf.wrong"));
        assert_eq!((status, body["error"].as_str()), (400, Some("invalid_request")));
        let nothing = Request::new(Method::Post, "/oauth2/token");
        refused(&till.send(&nothing), 400, "bad_request.missing_param.grant_type");
    }

    #[test]
    fn a_client_that_is_not_confidential_gets_no_refresh_token() {
        let client_secret = super::super::CLIENT_SECRET.to_owned();
        let mut till = Till::new(Settings { client_secret, ..Settings::minimal(start()) });
        let code = till.code();
        assert!(till.exchange(&code).1["refresh_token"].is_string());
        till.bank.settings.client_secret = "mnzpub.sandbox".to_owned();
        let code = till.code();
        let mut request =
            token("authorization_code").form("redirect_uri", "http://localhost:9/cb").form("code", code);
        request.form[2].1 = "mnzpub.sandbox".to_owned();
        let (status, body) = till.send(&request);
        assert_eq!((status, body.get("refresh_token")), (200, None), "{body}");
    }

    #[test]
    fn each_person_has_a_login_of_their_own_and_sees_the_joint_account() {
        let mut till = Till::whole();
        let address = format!(
            "/?client_id={}&response_type=code&redirect_uri=http://localhost:9/cb",
            super::super::CLIENT_ID
        );
        let back = till.bank.sign_in(&address, Some("sam"), None).expect("signed in");
        let ada = till.access.clone();
        let (_, body) = till.exchange(back.split('=').nth(1).expect("a code"));
        till.keep(&body);
        till.bank.approve();
        let (_, body) = till.get("/accounts", &[]);
        let kinds =
            body["accounts"].as_array().expect("a list").iter().map(|account| account["type"].clone());
        assert_eq!(kinds.collect::<Vec<_>>(), ["uk_retail_joint", "uk_retail"]);
        till.access = ada;
        assert_eq!(till.get("/accounts", &[]).0, 200, "the other login goes on");
    }

    #[test]
    fn before_approval_no_data_and_who_am_i_as_switched() {
        let mut till = Till::new(Settings::minimal(start()));
        till.sign_in();
        for path in ["/accounts", "/balance", "/pots", "/transactions"] {
            let found = till.get(path, &[]);
            refused(&found, 403, "forbidden.insufficient_permissions");
            assert!(found.1["params"]["client_id"].is_string() && found.1["params"]["user_id"].is_string());
        }
        assert_eq!(till.get("/ping/whoami", &[]).1["authenticated"], true);
        till.bank.switches.whoami = Whoami::Unauthenticated;
        assert_eq!(till.get("/ping/whoami", &[]).1["authenticated"], false);
        till.bank.switches.whoami = Whoami::Forbidden;
        refused(&till.get("/ping/whoami", &[]), 403, "forbidden.verification_required");
        assert_eq!(till.bank.approve(), 1);
        assert_eq!(till.get("/accounts", &[]).0, 200);
        assert_eq!(till.bank.approve(), 0, "there is nothing left to approve");
    }

    #[test]
    fn approval_comes_by_itself_when_told_to() {
        let approve_after = Some(std::time::Duration::from_secs(10));
        let mut till = Till::new(Settings { approve_after, ..Settings::minimal(start()) });
        till.sign_in();
        till.pass(SignedDuration::from_secs(9));
        assert_eq!(till.get("/accounts", &[]).0, 403);
        till.pass(SignedDuration::from_secs(1));
        assert_eq!(till.get("/accounts", &[]).0, 200);
    }

    #[test]
    fn tokens_are_refused_for_what_became_of_them() {
        let mut till = Till::small();
        let first = till.access.clone();
        till.access = "nonsense".to_owned();
        let found = till.get("/accounts", &[]);
        refused(&found, 401, "unauthorized.bad_access_token");
        assert_eq!(found.1["error"], "invalid_token");
        till.access = till.refresh.clone();
        refused(&till.get("/accounts", &[]), 401, "unauthorized.bad_access_token");
        till.sign_in();
        let second = std::mem::replace(&mut till.access, first);
        refused(&till.get("/accounts", &[]), 401, "unauthorized.bad_access_token.evicted");
        till.access = second;
        till.pass(SignedDuration::from_secs(108_000));
        refused(&till.get("/accounts", &[]), 401, "unauthorized.bad_access_token.expired");
        till.bank.switches.bad_token_400 = true;
        refused(&till.get("/accounts", &[]), 400, "bad_request.invalid_token");
        let (status, body) = till.renew();
        assert_eq!(status, 200, "{body}");
    }

    #[test]
    fn a_refresh_token_works_once_and_kills_the_pair_before_it() {
        let mut till = Till::small();
        let (access, refresh) = (till.access.clone(), till.refresh.clone());
        let (_, body) = till.renew();
        till.keep(&body);
        assert_ne!((&access, &refresh), (&till.access, &till.refresh));
        assert_eq!(till.get("/accounts", &[]).0, 200, "the approval outlives the tokens");
        let newer = std::mem::replace(&mut till.refresh, refresh);
        refused(&till.renew(), 401, "unauthorized.bad_refresh_token");
        till.bank.switches.refusal_style = RefusalStyle::Oauth;
        let (status, body) = till.renew();
        assert_eq!((status, body["error"].as_str(), body.get("code")), (400, Some("invalid_request"), None));
        till.bank.switches.refusal_style = RefusalStyle::Code;
        till.access = access;
        refused(&till.get("/accounts", &[]), 401, "unauthorized.bad_access_token");
        till.refresh = newer.clone();
        till.sign_in();
        till.refresh = newer;
        refused(&till.renew(), 401, "unauthorized.bad_refresh_token.evicted");
    }

    #[test]
    fn a_login_elsewhere_displaces_this_one() {
        let mut till = Till::small();
        till.bank.evict();
        refused(&till.get("/accounts", &[]), 401, "unauthorized.bad_access_token.evicted");
        refused(&till.renew(), 401, "unauthorized.bad_refresh_token.evicted");
    }

    #[test]
    fn a_stale_authorization_header_has_a_refresh_refused() {
        let mut till = Till::small();
        let request = token("refresh_token").form("refresh_token", till.refresh.clone()).bearer("stale");
        refused(&till.send(&request), 401, "unauthorized.bad_access_token");
        till.bank.switches.refresh_minds_bearer = false;
        assert_eq!(till.send(&request).0, 200);
    }

    #[test]
    fn a_lost_answer_has_rotated_the_tokens_all_the_same() {
        let mut till = Till::small();
        till.bank.switches.refresh_answer_lost = true;
        let request = token("refresh_token").form("refresh_token", till.refresh.clone());
        let outcome = till.bank.handle(&request, till.now);
        assert!(matches!(outcome, Outcome::Reset { committed: true }), "{outcome:?}");
        refused(&till.renew(), 401, "unauthorized.bad_refresh_token");
        refused(&till.get("/accounts", &[]), 401, "unauthorized.bad_access_token");
    }

    #[test]
    fn the_end_of_the_ninety_days_is_told_in_three_ways() {
        let check = |lapse, data: u16, code: &str, refresh: u16| {
            let mut till = Till::small();
            till.bank.switches.lapse = lapse;
            till.bank.settings.token_life = std::time::Duration::from_secs(100 * 86_400);
            let (_, body) = till.renew();
            till.keep(&body);
            till.pass(SignedDuration::from_secs(90 * 86_400 - 1));
            assert_eq!(till.get("/accounts", &[]).0, 200, "{lapse:?}");
            till.pass(SignedDuration::from_secs(1));
            let (status, body) = till.get("/accounts", &[]);
            assert_eq!((status, body["code"].as_str().unwrap_or_default()), (data, code), "{lapse:?}");
            assert_eq!(till.renew().0, refresh, "{lapse:?}");
        };
        check(Lapse::Permissions, 403, "forbidden.insufficient_permissions", 200);
        check(Lapse::Verification, 403, "forbidden.verification_required", 200);
        check(Lapse::Refresh, 200, "", 401);
    }

    #[test]
    fn renewing_in_the_app_gives_ninety_days_from_then() {
        let mut till = Till::small();
        till.bank.lapse(Lapse::Permissions);
        assert_eq!(till.get("/accounts", &[]).0, 403);
        till.bank.renew();
        assert_eq!(till.get("/accounts", &[]).0, 200);
    }

    #[test]
    fn logging_out_and_revoking_end_both_tokens() {
        let mut till = Till::small();
        let logout = Request::new(Method::Post, "/oauth2/logout").bearer(till.access.clone());
        assert_eq!(till.send(&logout).0, 200);
        refused(&till.get("/accounts", &[]), 401, "unauthorized.bad_access_token");
        refused(&till.renew(), 401, "unauthorized.bad_refresh_token");
        let mut till = Till::small();
        till.bank.revoke();
        refused(&till.get("/accounts", &[]), 401, "unauthorized.bad_access_token");
        refused(&till.renew(), 401, "unauthorized.bad_refresh_token");
    }
}
