//! The login at the bank.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Role;
use crate::id::UserId;

/// Where the login stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LoginState {
    /// Nobody has logged in yet.
    None,
    /// A sign-in page is open in a browser.
    WaitingBrowser,
    /// Signed in; the person has not approved in the app yet.
    WaitingApproval,
    /// All is well.
    Ready,
    /// The bank no longer takes the tokens.
    LoginNeeded,
    /// The 90 days are over, or access was withdrawn in the app.
    ConsentLapsed,
}

/// The login, without any secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Login {
    /// Where it stands.
    pub state: LoginState,
    /// Whose it is.
    pub user_id: Option<UserId>,
    /// When the access token ends; it is refreshed before.
    pub token_expires_at: Option<Timestamp>,
    /// It can be refreshed; `false` when the OAuth client gets no refresh tokens, so that the login ends with its token.
    #[serde(default)]
    pub refreshes: Option<bool>,
    /// When the 90 days end, as counted here (monzo/README.md, Ninety days of consent).
    pub access_ends_at: Option<Timestamp>,
    /// Why the last attempt did not succeed, with what to do.
    pub error: Option<String>,
}

/// A login that has begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LoginBegun {
    /// The address to open in a browser.
    pub url: String,
    /// Where the browser comes back to.
    pub redirect_url: String,
    /// The daemon listens there; `false` means that the address must be pasted.
    pub listening: bool,
    /// Another program listens at this address, where the browser may come back to as well.
    #[serde(default)]
    pub taken: Option<String>,
    /// When this sign-in page stops being waited for.
    pub expires_at: Timestamp,
}

/// Who is asking, and whose tokens the bank takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Whoami {
    /// The bank takes the token; empty when it could not be asked.
    pub authenticated: Option<bool>,
    /// The OAuth client.
    pub client_id: Option<String>,
    /// The login as the daemon sees it.
    pub login: Login,
    /// The system user that asked, as the kernel says it.
    pub uid: u32,
    /// What that user may do here.
    pub role: Role,
}

/// What a logout did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LoggedOut {
    /// The login as it is now.
    pub login: Login,
    /// The bank confirmed that the tokens are dead.
    pub revoked: bool,
    /// There was something to log out; `false` means that nobody was logged in.
    pub changed: bool,
}

/// What a setup did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Configured {
    /// The OAuth client in force.
    pub client_id: String,
    /// Something changed; `false` means that it was so already.
    pub changed: bool,
}
