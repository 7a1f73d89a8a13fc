//! The OAuth 2 requests: the address to open, a code for tokens, and tokens for newer ones
//! (monzo/README.md, Clients and sign-in).
//!
//! Client id and secret travel in the body, no PKCE is sent, and never an Authorization header, whose stale token
//! would have the request refused before it is read (monzo/README.md, Refreshing a token).

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use monzo_common::id::UserId;
use oauth2::basic::{
    BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenType,
};
use oauth2::http::{Request as HttpRequest, Response as HttpResponse};
use oauth2::{
    AccessToken, AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet,
    EndpointSet, RedirectUrl, RefreshToken, RequestTokenError, Scope, StandardRevocableToken, TokenResponse,
    TokenUrl,
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::monzo::{Error, HttpClient, Method, Request, Verdict};

/// A token answer. The tokens are all that is needed of it: a refresh has used up the token before this one, so that
/// an answer that was refused for a detail would cost the login.
#[derive(Debug, Serialize, Deserialize)]
struct Tokens {
    access_token: AccessToken,
    #[serde(default, deserialize_with = "token")]
    refresh_token: Option<RefreshToken>,
    #[serde(default, deserialize_with = "seconds")]
    expires_in: Option<u64>,
    #[serde(default, deserialize_with = "text")]
    user_id: Option<String>,
}

/// A text that is not empty; anything else is as good as absent.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(value.as_str().map(str::to_owned).filter(|text| !text.is_empty()))
}

fn token<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<RefreshToken>, D::Error> {
    Ok(text(deserializer)?.map(RefreshToken::new))
}

/// Whole seconds, more than none, as a number or as text; anything else is as good as absent.
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let written = value.as_str().map_or_else(|| value.to_string(), |text| text.trim().to_owned());
    let whole = written.split('.').next().unwrap_or_default();
    Ok(whole.parse().ok().filter(|seconds| *seconds > 0))
}

impl TokenResponse for Tokens {
    type TokenType = BasicTokenType;

    fn access_token(&self) -> &AccessToken {
        &self.access_token
    }

    fn token_type(&self) -> &BasicTokenType {
        // The bank knows no other.
        &BasicTokenType::Bearer
    }

    fn expires_in(&self) -> Option<Duration> {
        self.expires_in.map(Duration::from_secs)
    }

    fn refresh_token(&self) -> Option<&RefreshToken> {
        self.refresh_token.as_ref()
    }

    fn scopes(&self) -> Option<&Vec<Scope>> {
        None
    }
}

type Client = oauth2::Client<
    BasicErrorResponse,
    Tokens,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

/// A token that says nothing about its life is taken to live this long (monzo/README.md, Clients and sign-in).
const UNSTATED_LIFE: Duration = Duration::from_secs(6 * 3600);

/// The OAuth client and its addresses.
#[derive(Clone)]
pub struct Registration {
    /// Its id.
    pub client_id: String,
    /// Its secret.
    pub client_secret: SecretString,
    /// The sign-in page.
    pub auth_url: String,
    /// Where the browser comes back to; exactly as registered.
    pub redirect_url: String,
}

/// Tokens as the bank gave them.
pub struct Grant {
    /// For requests.
    pub access: SecretString,
    /// For newer tokens; a client of the wrong kind gets none.
    pub refresh: Option<SecretString>,
    /// When `access` ends.
    pub expires_at: Timestamp,
    /// Whose they are, where the bank says.
    pub user_id: Option<UserId>,
}

/// Why there are no tokens.
#[derive(Debug, thiserror::Error)]
pub enum GrantError {
    /// The code or refresh token is not good.
    #[error("the bank does not take it ({0})")]
    Dead(String),
    /// Anything else that the line says.
    #[error(transparent)]
    Bank(#[from] Error),
    /// The answer is none.
    #[error("the bank's answer holds no tokens")]
    Broken,
}

impl Registration {
    fn client(&self) -> Result<Client, GrantError> {
        let broken = |_| GrantError::Broken;
        Ok(oauth2::Client::new(ClientId::new(self.client_id.clone()))
            .set_client_secret(ClientSecret::new(self.client_secret.expose_secret().to_owned()))
            .set_auth_uri(AuthUrl::new(self.auth_url.clone()).map_err(broken)?)
            // The HTTP client knows the host; only the path counts.
            .set_token_uri(TokenUrl::new("https://bank.invalid/oauth2/token".to_owned()).map_err(broken)?)
            .set_redirect_uri(RedirectUrl::new(self.redirect_url.clone()).map_err(broken)?)
            .set_auth_type(AuthType::RequestBody))
    }

    /// The address to open, with `state` in it.
    ///
    /// # Errors
    /// [`GrantError::Broken`] if an address is none.
    pub fn address(&self, state: &str) -> Result<String, GrantError> {
        let state = state.to_owned();
        let (address, _) = self.client()?.authorize_url(|| CsrfToken::new(state)).url();
        Ok(address.to_string())
    }

    /// Trades the code of a sign-in for tokens.
    pub async fn exchange(
        &self,
        http_client: &HttpClient,
        code: &str,
        now: Timestamp,
    ) -> Result<Grant, GrantError> {
        let client = self.client()?;
        let sender = |request: HttpRequest<Vec<u8>>| post(http_client.clone(), request);
        let answer =
            client.exchange_code(AuthorizationCode::new(code.to_owned())).request_async(&sender).await;
        grant(answer, now)
    }

    /// Trades a refresh token for new ones; the old ones die (monzo/README.md, Refreshing a token).
    pub async fn refresh(
        &self,
        http_client: &HttpClient,
        refresh: &SecretString,
        now: Timestamp,
    ) -> Result<Grant, GrantError> {
        let client = self.client()?;
        let token = RefreshToken::new(refresh.expose_secret().to_owned());
        let sender = |request: HttpRequest<Vec<u8>>| post(http_client.clone(), request);
        let answer = client.exchange_refresh_token(&token).request_async(&sender).await;
        grant(answer, now)
    }
}

/// Sends a token request over the line, as the oauth2 crate asks for it.
async fn post(
    http_client: HttpClient,
    request: HttpRequest<Vec<u8>>,
) -> Result<HttpResponse<Vec<u8>>, GrantError> {
    let mut sent = Request::new(Method::Post, "/oauth2/token");
    let form = String::from_utf8(request.into_body()).map_err(|_| GrantError::Broken)?;
    sent.form = Some(form.into());
    match http_client.send("token", sent).await? {
        Ok(response) => HttpResponse::builder()
            .status(response.status)
            .header("content-type", "application/json")
            .body(response.body)
            .map_err(|_| GrantError::Broken),
        Err(Verdict::BadGrant { code }) => Err(GrantError::Dead(code)),
        // No token was sent whose refusal this could be.
        Err(Verdict::BadToken { code }) if code.is_empty() => Err(Error::Foreign { status: 401 }.into()),
        Err(Verdict::BadToken { code }) => {
            Err(Error::Refused { status: 401, code, message: String::new() }.into())
        }
        Err(Verdict::Error(error)) => Err(error.into()),
    }
}

type Asked = RequestTokenError<GrantError, BasicErrorResponse>;

fn grant(answer: Result<Tokens, Asked>, now: Timestamp) -> Result<Grant, GrantError> {
    let tokens = answer.map_err(|error| match error {
        RequestTokenError::Request(error) => error,
        RequestTokenError::ServerResponse(_) | RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
            GrantError::Broken
        }
    })?;
    if tokens.access_token.secret().is_empty() {
        return Err(GrantError::Broken);
    }
    let life = tokens.expires_in().unwrap_or(UNSTATED_LIFE);
    let life = SignedDuration::try_from(life).unwrap_or(SignedDuration::MAX);
    Ok(Grant {
        access: tokens.access_token().secret().as_str().into(),
        refresh: tokens.refresh_token().map(|token| token.secret().as_str().into()),
        expires_at: now.checked_add(life).unwrap_or(Timestamp::MAX),
        user_id: tokens.user_id.map(UserId::from),
    })
}
