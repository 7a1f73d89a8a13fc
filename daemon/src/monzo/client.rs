//! One function an endpoint, each answering with facts (monzo/README.md, Endpoints).
//!
//! A token that the bank no longer takes is refreshed once and the request repeated once; reads are repeated
//! patiently, and what moves money or tells a person something is never repeated here.

use std::sync::Arc;

use jiff::Timestamp;
use monzo_common::id::{AccountId, TransactionId};
use secrecy::SecretString;

use super::error::{Error, Verdict};
use super::http_client::HttpClient;
use super::rate_limiter::{Lane, RateLimiter};
use super::retry::{self, Patience};
use super::transport::{Boxed, Method, Request, Response};
use super::wire::{self, Broken};
use crate::facts::{Account, Balance, Page, PotList, Whoami};

/// Rows on a page: always asked for, because the default has changed before (monzo/README.md, Windows and pages).
const PAGE: &str = "100";

/// Gives the access token, and a newer one when the bank refuses it.
pub trait Bearer: Send + Sync {
    /// The access token.
    fn token(&self) -> Boxed<'_, Result<SecretString, Error>>;

    /// Another than `refused`, which the bank does not take (any more).
    fn renewed(&self, refused: SecretString) -> Boxed<'_, Result<SecretString, Error>>;

    /// The bank refuses even a newer token, with this code: what that means.
    fn refused(&self, newer: &SecretString, code: &str) -> Error;
}

/// Where a page begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Since {
    /// At an instant, that instant included.
    Time(Timestamp),
    /// After a row.
    Id(TransactionId),
}

/// The bank, as one person's token sees it.
#[derive(Clone)]
pub struct Client {
    pub(super) http_client: HttpClient,
    pub(super) bearer: Arc<dyn Bearer>,
    pub(super) rate_limiter: Arc<RateLimiter>,
    patience: Patience,
}

impl Client {
    /// A client that asks over `http_client`, with the tokens of `bearer`, no faster than `rate_limiter` allows.
    pub fn new(http_client: HttpClient, bearer: Arc<dyn Bearer>, rate_limiter: Arc<RateLimiter>) -> Self {
        Self { http_client, bearer, rate_limiter, patience: Patience::Background }
    }

    /// The same client, asking each thing once: for whoever comes again soon anyway.
    #[must_use]
    pub fn impatient(&self) -> Self {
        Self { patience: Patience::Once, ..self.clone() }
    }

    /// The pace, to change it.
    pub fn rate_limiter(&self) -> &RateLimiter {
        &self.rate_limiter
    }

    /// `GET /accounts`: closed ones too, hidden ones not.
    ///
    /// # Errors
    /// [`Error::NotApproved`] until the login is approved in the app.
    pub async fn accounts(&self, lane: Lane) -> Result<Vec<Account>, Error> {
        let request = Request::new(Method::Get, "/accounts");
        self.read("accounts", lane, "", request, self.patience, wire::accounts).await
    }

    /// `GET /accounts`, asked once, to see whether the login has been approved.
    ///
    /// # Errors
    /// [`Error::NotApproved`] until the login is approved in the app.
    pub async fn approved(&self) -> Result<(), Error> {
        let request = Request::new(Method::Get, "/accounts");
        self.read("accounts", Lane::Capture, "", request, Patience::Once, wire::accounts).await.map(drop)
    }

    /// `GET /balance`.
    pub async fn balance(&self, account: &AccountId, lane: Lane) -> Result<Balance, Error> {
        let mut request = Request::new(Method::Get, "/balance");
        request.query.push(("account_id", account.to_string()));
        self.read("balance", lane, account.as_str(), request, self.patience, wire::balance).await
    }

    /// `GET /pots`: deleted ones too.
    pub async fn pots(&self, account: &AccountId, lane: Lane) -> Result<PotList, Error> {
        let mut request = Request::new(Method::Get, "/pots");
        request.query.push(("current_account_id", account.to_string()));
        let read = |body: &[u8]| wire::pots(account, body);
        self.read("pots", lane, account.as_str(), request, self.patience, read).await
    }

    /// `GET /transactions`: up to 100 rows, oldest first, with merchants.
    ///
    /// # Errors
    /// [`Error::TooOld`] beyond what the bank serves now.
    pub async fn transactions(
        &self,
        account: &AccountId,
        since: Since,
        before: Option<Timestamp>,
        lane: Lane,
    ) -> Result<Page, Error> {
        let mut request = Request::new(Method::Get, "/transactions");
        let since = match since {
            Since::Time(at) => at.to_string(),
            Since::Id(id) => id.into_string(),
        };
        request.query.push(("account_id", account.to_string()));
        request.query.push(("since", since));
        request.query.extend(before.map(|before| ("before", before.to_string())));
        request.query.push(("limit", PAGE.to_owned()));
        request.query.push(("expand[]", "merchant".to_owned()));
        let read = |body: &[u8]| wire::transactions(account, body);
        self.read("transactions", lane, account.as_str(), request, self.patience, read).await
    }

    /// `GET /ping/whoami`.
    pub async fn whoami(&self) -> Result<Whoami, Error> {
        let request = Request::new(Method::Get, "/ping/whoami");
        self.read("whoami", Lane::Capture, "", request, Patience::Asked, wire::whoami).await
    }

    /// Asks, repeats as patiently as told, and reads the answer.
    async fn read<T>(
        &self,
        endpoint: &'static str,
        lane: Lane,
        account: &str,
        request: Request,
        patience: Patience,
        read: impl Fn(&[u8]) -> Result<T, Broken>,
    ) -> Result<T, Error> {
        let mut tries = 0;
        loop {
            tries += 1;
            let asked = self.ask(endpoint, lane, account, request.clone()).await;
            let answer = asked.and_then(|response| {
                // A 200 without its key is a failure, never an empty list (monzo/README.md, Errors).
                read(&response.body).map_err(|broken| Error::Transient(broken.to_string()))
            });
            let error = match answer {
                Ok(read) => return Ok(read),
                // Nothing was to be done, so that nothing is in doubt.
                Err(Error::OutcomeUnknown(why)) => Error::Transient(why),
                Err(error) => error,
            };
            let wait = retry::wait(patience, tries, &error, super::http_client::jitter());
            if let Error::RateLimited { retry_after } = error {
                self.http_client.throttled();
                self.rate_limiter.slow_down(retry_after.or(wait).unwrap_or_default());
            }
            let Some(wait) = wait else { return Err(error) };
            tracing::debug!(%error, endpoint, tries, "the bank is asked again");
            tokio::time::sleep(self.http_client.clock().pause(wait)).await;
        }
    }

    /// Asks once, and once more with a newer token.
    async fn ask(
        &self,
        endpoint: &'static str,
        lane: Lane,
        account: &str,
        mut request: Request,
    ) -> Result<Response, Error> {
        let token = self.bearer.token().await?;
        request.bearer = Some(token.clone());
        let _pass = self.rate_limiter.pass(lane, account).await;
        match self.http_client.send(endpoint, request.clone()).await? {
            Ok(response) => Ok(response),
            Err(Verdict::BadToken { .. } | Verdict::BadGrant { .. }) => {
                let newer = self.bearer.renewed(token).await?;
                request.bearer = Some(newer.clone());
                match self.http_client.send(endpoint, request).await? {
                    Ok(response) => Ok(response),
                    Err(Verdict::BadToken { code } | Verdict::BadGrant { code }) => {
                        Err(self.bearer.refused(&newer, &code))
                    }
                    Err(Verdict::Error(error)) => Err(error),
                }
            }
            Err(Verdict::Error(error)) => Err(error),
        }
    }
}
