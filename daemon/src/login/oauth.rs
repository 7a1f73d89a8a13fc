//! The OAuth 2 requests: the address to open, a code for tokens, and tokens for newer ones (monzo-api.md 2).
//!
//! Client id and secret travel in the body, no PKCE is sent, and never an Authorization header, whose stale token
//! would have the request refused before it is read (monzo-api.md 2.7.3).

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use monzo_common::id::UserId;
use oauth2::basic::{
    BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenType,
};
use oauth2::http::{Request as HttpRequest, Response as HttpResponse};
use oauth2::{
    AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet, EndpointSet,
    ExtraTokenFields, RedirectUrl, RefreshToken, RequestTokenError, StandardRevocableToken,
    StandardTokenResponse, TokenResponse, TokenUrl,
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::monzo::{Error, Line, Method, Request, Verdict};

/// What the bank adds to a token response.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Extra {
    #[serde(default)]
    user_id: Option<String>,
}

impl ExtraTokenFields for Extra {}

type Tokens = StandardTokenResponse<Extra, BasicTokenType>;

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

/// A token that says nothing about its life is taken to live this long (monzo-api.md 2.3.2: six hours at least).
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
            // The line knows the host; only the path counts.
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
    ///
    /// # Errors
    /// [`GrantError`].
    pub async fn exchange(&self, line: &Line, code: &str, now: Timestamp) -> Result<Grant, GrantError> {
        let client = self.client()?;
        let sender = |request: HttpRequest<Vec<u8>>| post(line.clone(), request);
        let answer =
            client.exchange_code(AuthorizationCode::new(code.to_owned())).request_async(&sender).await;
        grant(answer, now)
    }

    /// Trades a refresh token for new ones; the old ones die (monzo-api.md 2.7.1).
    ///
    /// # Errors
    /// [`GrantError`].
    pub async fn refresh(
        &self,
        line: &Line,
        refresh: &SecretString,
        now: Timestamp,
    ) -> Result<Grant, GrantError> {
        let client = self.client()?;
        let token = RefreshToken::new(refresh.expose_secret().to_owned());
        let sender = |request: HttpRequest<Vec<u8>>| post(line.clone(), request);
        let answer = client.exchange_refresh_token(&token).request_async(&sender).await;
        grant(answer, now)
    }
}

/// Sends a token request over the line, as the oauth2 crate asks for it.
async fn post(line: Line, request: HttpRequest<Vec<u8>>) -> Result<HttpResponse<Vec<u8>>, GrantError> {
    let mut sent = Request::new(Method::Post, "/oauth2/token");
    let form = String::from_utf8(request.into_body()).map_err(|_| GrantError::Broken)?;
    sent.form = Some(form.into());
    match line.send("token", sent).await? {
        Ok(response) => HttpResponse::builder()
            .status(response.status)
            .header("content-type", "application/json")
            .body(response.body)
            .map_err(|_| GrantError::Broken),
        Err(Verdict::BadToken { code } | Verdict::BadGrant { code }) => Err(GrantError::Dead(code)),
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
    let life = tokens.expires_in().unwrap_or(UNSTATED_LIFE);
    let life = SignedDuration::try_from(life).unwrap_or(SignedDuration::MAX);
    Ok(Grant {
        access: tokens.access_token().secret().as_str().into(),
        refresh: tokens.refresh_token().map(|token| token.secret().as_str().into()),
        expires_at: now.checked_add(life).unwrap_or(Timestamp::MAX),
        user_id: tokens.extra_fields().user_id.clone().filter(|id| !id.is_empty()).map(UserId::from),
    })
}
