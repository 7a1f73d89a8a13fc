//! What the store keeps of the login: sealed tokens, the sealed client secret, where the login stands,
//! and a note of each refresh that is under way.
//!
//! The note is written before the refresh token is sent, because a token that was used once is dead:
//! after a crash in between, it says why the next refresh is refused (monzo/README.md, Refreshing a token).

use std::sync::Arc;

use jiff::Timestamp;
use monzo_common::id::UserId;
use monzo_common::model::LoginState;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::seal::{Seal, SealError};
use crate::store::{Store, StoreError};

const CHECK: &str = "check";
const CLIENT: &str = "client";
const TOKENS: &str = "tokens";
const STANDING: &str = "standing";
const REFRESH: &str = "refresh";

/// Why something of the login could not be kept or found.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The database says no.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The seal says no.
    #[error(transparent)]
    Seal(#[from] SealError),
}

/// A pair of tokens.
#[derive(Clone)]
pub struct Pair {
    /// For requests.
    pub access: SecretString,
    /// For newer tokens.
    pub refresh: Option<SecretString>,
    /// When `access` ends.
    pub expires_at: Timestamp,
    /// When it was given.
    pub given_at: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct SealedTokens {
    access: String,
    refresh: Option<String>,
    expires_at: Timestamp,
    given_at: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct KeptClient {
    id: String,
    secret: String,
}

/// Where the login stands, as it outlives the daemon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Where.
    pub state: LoginState,
    /// When the person signed in.
    pub signed_in_at: Option<Timestamp>,
    /// When the person approved in the app: the five minutes run from here.
    pub approved_at: Option<Timestamp>,
    /// The ninety days run from here.
    pub authorised_at: Option<Timestamp>,
    /// Why it does not serve.
    pub error: Option<String>,
    /// The last of the warnings before the ninety days end that was told, in days.
    pub warned: Option<i64>,
}

impl Default for Standing {
    fn default() -> Self {
        Self {
            state: LoginState::None,
            signed_in_at: None,
            approved_at: None,
            authorised_at: None,
            error: None,
            warned: None,
        }
    }
}

/// Keeps and finds what belongs to the login.
#[derive(Clone)]
pub struct Vault {
    store: Store,
    seal: Arc<Seal>,
}

impl Vault {
    /// A vault in `store` under `seal`, after a look whether the seal fits what is in it.
    ///
    /// # Errors
    /// [`SealError::Wrong`] if it does not.
    pub async fn open(store: Store, seal: Seal) -> Result<Self, VaultError> {
        let vault = Self { store, seal: Arc::new(seal) };
        match vault.store.read(|reader| reader.secret(CHECK)).await? {
            Some(check) => drop(vault.seal.open(CHECK, &check)?),
            None => vault.keep(CHECK, CHECK.as_bytes()).await?,
        }
        Ok(vault)
    }

    async fn keep(&self, name: &'static str, value: &[u8]) -> Result<(), VaultError> {
        let sealed = self.seal.seal(name, value)?;
        Ok(self.store.write(move |writer| writer.set_secret(name, &sealed)).await?)
    }

    async fn find<T: for<'de> Deserialize<'de>>(&self, name: &'static str) -> Result<Option<T>, VaultError> {
        let Some(sealed) = self.store.read(move |reader| reader.secret(name)).await? else { return Ok(None) };
        let opened = self.seal.open(name, &sealed)?;
        Ok(serde_json::from_slice(opened.expose_secret()).ok())
    }

    /// The tokens.
    pub async fn pair(&self) -> Result<Option<Pair>, VaultError> {
        let kept: Option<SealedTokens> = self.find(TOKENS).await?;
        Ok(kept.map(|kept| Pair {
            access: kept.access.into(),
            refresh: kept.refresh.map(SecretString::from),
            expires_at: kept.expires_at,
            given_at: kept.given_at,
        }))
    }

    fn sealed(&self, pair: &Pair) -> Result<Vec<u8>, VaultError> {
        let kept = SealedTokens {
            access: pair.access.expose_secret().to_owned(),
            refresh: pair.refresh.as_ref().map(|token| token.expose_secret().to_owned()),
            expires_at: pair.expires_at,
            given_at: pair.given_at,
        };
        let text = SecretString::from(serde_json::to_string(&kept).unwrap_or_default());
        Ok(self.seal.seal(TOKENS, text.expose_secret().as_bytes())?)
    }

    /// Keeps refreshed tokens, and that no refresh is under way any more.
    ///
    /// # Errors
    /// [`VaultError`]; the old pair stays.
    pub async fn keep_pair(&self, pair: &Pair) -> Result<(), VaultError> {
        let sealed = self.sealed(pair)?;
        let kept = self.store.write(move |writer| {
            writer.set_secret(TOKENS, &sealed)?;
            writer.forget_secret(REFRESH)
        });
        Ok(kept.await?)
    }

    /// Keeps the tokens of a new login, whose person the database belongs to from now on.
    ///
    /// # Errors
    /// [`VaultError`]; nothing is kept.
    pub async fn keep_login(
        &self,
        pair: &Pair,
        user: &UserId,
        standing: &Standing,
    ) -> Result<(), VaultError> {
        let (sealed, user, standing) = (self.sealed(pair)?, user.clone(), encoded(standing));
        let kept = self.store.write(move |writer| {
            writer.bind_user(&user)?;
            writer.set_secret(TOKENS, &sealed)?;
            writer.forget_secret(REFRESH)?;
            writer.set_secret(STANDING, &standing)
        });
        Ok(kept.await?)
    }

    /// Notes that a refresh with `token`, of which a digest is kept, is about to be sent.
    ///
    /// # Errors
    /// [`VaultError`]; then it must not be sent.
    pub async fn note_refresh(&self, token: &SecretString, now: Timestamp) -> Result<(), VaultError> {
        let digest = Sha256::digest(token.expose_secret().as_bytes());
        let digest: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let note = format!("{now} {digest}").into_bytes();
        Ok(self.store.write(move |writer| writer.set_secret(REFRESH, &note)).await?)
    }

    /// A refresh was sent whose answer was never kept.
    pub async fn refresh_in_doubt(&self) -> Result<bool, VaultError> {
        Ok(self.store.read(|reader| reader.secret(REFRESH)).await?.is_some())
    }

    /// Forgets the tokens.
    pub async fn forget(&self) -> Result<(), VaultError> {
        let forgotten = self.store.write(|writer| {
            writer.forget_secret(TOKENS)?;
            writer.forget_secret(REFRESH)?;
            writer.forget_secret(STANDING)
        });
        Ok(forgotten.await?)
    }

    /// Where the login stands.
    pub async fn standing(&self) -> Result<Standing, VaultError> {
        let kept = self.store.read(|reader| reader.secret(STANDING)).await?;
        Ok(kept.and_then(|kept| serde_json::from_slice(&kept).ok()).unwrap_or_default())
    }

    /// Keeps where the login stands.
    pub async fn keep_standing(&self, standing: &Standing) -> Result<(), VaultError> {
        let standing = encoded(standing);
        Ok(self.store.write(move |writer| writer.set_secret(STANDING, &standing)).await?)
    }

    /// Whose history this is.
    pub async fn user_id(&self) -> Result<Option<UserId>, VaultError> {
        Ok(self.store.read(|reader| reader.user_id()).await?)
    }

    /// The OAuth client that `setup` kept: id and secret.
    pub async fn client(&self) -> Result<Option<(String, SecretString)>, VaultError> {
        let kept: Option<KeptClient> = self.find(CLIENT).await?;
        Ok(kept.map(|client| (client.id, client.secret.into())))
    }

    /// Keeps the OAuth client.
    pub async fn keep_client(&self, id: &str, secret: &SecretString) -> Result<(), VaultError> {
        let kept = KeptClient { id: id.to_owned(), secret: secret.expose_secret().to_owned() };
        let text = SecretString::from(serde_json::to_string(&kept).unwrap_or_default());
        self.keep(CLIENT, text.expose_secret().as_bytes()).await
    }
}

fn encoded(standing: &Standing) -> Vec<u8> {
    serde_json::to_vec(standing).unwrap_or_default()
}
