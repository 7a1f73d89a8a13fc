//! What moves money between an account and its pots, and the line that tells of it in the app's feed.
//!
//! Each is sent once. Whoever asks keeps the key that makes a repeat harmless, and decides about repeating: here an
//! answer is only told apart by what is certain after it (monzo/README.md, Lost answers).

use std::time::Duration;

use monzo_common::id::{AccountId, PotId};
use oauth2::url::form_urlencoded;

use super::client::Client;
use super::error::{Error, Verdict};
use super::rate_limiter::Lane;
use super::transport::{Method, Request, Response};
use super::wire;
use crate::facts::Pot;

/// The picture beside a feed item, which the bank wants (monzo/README.md, The feed).
const PICTURE: &str = "https://monzo.com/static/images/favicon.png";

/// The longest rest that one refused move brings on everybody. Taste.
const LONGEST_REST: Duration = Duration::from_secs(60);

/// Why a move was not confirmed, by what is certain about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoveError {
    /// The bank understood and said no; this request did nothing.
    #[error("the bank refused it ({status} {code})")]
    Refused {
        /// HTTP's status.
        status: u16,
        /// The bank's code.
        code: String,
        /// The bank's message.
        message: String,
    },
    /// It may have happened or not.
    #[error("it is not known whether the bank did it: {0}")]
    Unknown(String),
    /// The request did not reach what moves money; it may be sent again.
    #[error(transparent)]
    NotDone(Error),
}

/// A move, whole: the same key and the same amount at every repeat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// The pot.
    pub pot: PotId,
    /// The pot's own account.
    pub account: AccountId,
    /// Minor units, more than zero.
    pub amount: i64,
    /// The idempotency key: the bank makes a move with one key once.
    pub dedupe_id: String,
}

/// An encoded form.
fn form<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

impl Client {
    /// `PUT /pots/{id}/deposit`: from the account into the pot; the pot as it is afterwards.
    pub async fn deposit(&self, order: &Move) -> Result<Pot, MoveError> {
        self.press("deposit", "source_account_id", order).await
    }

    /// `PUT /pots/{id}/withdraw`: from the pot into the account; the pot as it is afterwards.
    pub async fn withdraw(&self, order: &Move) -> Result<Pot, MoveError> {
        self.press("withdraw", "destination_account_id", order).await
    }

    async fn press(&self, way: &'static str, other: &str, order: &Move) -> Result<Pot, MoveError> {
        let mut request = Request::new(Method::Put, format!("/pots/{}/{way}", order.pot));
        let amount = order.amount.to_string();
        let pairs = [(other, order.account.as_str()), ("amount", &amount), ("dedupe_id", &order.dedupe_id)];
        request.form = Some(form(pairs).into());
        let response = self.once(way, order.account.as_str(), request).await?;
        // Success is an answer that has the pot (monzo/README.md, Moving money); anything else proves nothing.
        match wire::moved(&order.account, &response.body) {
            Some(pot) if pot.id == order.pot => Ok(pot),
            _ => Err(MoveError::Unknown("its answer does not show the pot".to_owned())),
        }
    }

    /// `POST /feed`: a line in the app's feed; tried once at most, since a repeat would show twice.
    ///
    /// # Errors
    /// [`MoveError`], and nothing is to be done about it.
    pub async fn feed(&self, account: &AccountId, title: &str, body: &str) -> Result<(), MoveError> {
        let mut request = Request::new(Method::Post, "/feed");
        let pairs = [
            ("account_id", account.as_str()),
            ("type", "basic"),
            ("params[title]", title),
            ("params[body]", body),
            ("params[image_url]", PICTURE),
        ];
        request.form = Some(form(pairs).into());
        self.once("feed", account.as_str(), request).await.map(drop)
    }

    /// Sends once; again only after an answer that a newer token is needed, which has moved nothing.
    async fn once(
        &self,
        endpoint: &'static str,
        account: &str,
        mut request: Request,
    ) -> Result<Response, MoveError> {
        let token = self.bearer.token().await.map_err(MoveError::NotDone)?;
        request.bearer = Some(token.clone());
        let _pass = self.rate_limiter.pass(Lane::Steady, account).await;
        match self.sent(endpoint, request.clone()).await? {
            Ok(response) => Ok(response),
            Err(Verdict::BadToken { .. } | Verdict::BadGrant { .. }) => {
                let newer = self.bearer.renewed(token).await.map_err(MoveError::NotDone)?;
                request.bearer = Some(newer.clone());
                match self.sent(endpoint, request).await? {
                    Ok(response) => Ok(response),
                    Err(Verdict::BadToken { code } | Verdict::BadGrant { code }) => {
                        Err(MoveError::NotDone(self.bearer.refused(&newer, &code)))
                    }
                    Err(Verdict::Error(error)) => Err(self.meaning(error)),
                }
            }
            Err(Verdict::Error(error)) => Err(self.meaning(error)),
        }
    }

    async fn sent(
        &self,
        endpoint: &'static str,
        request: Request,
    ) -> Result<Result<Response, Verdict>, MoveError> {
        self.http_client.send(endpoint, request).await.map_err(|error| match error {
            Error::OutcomeUnknown(why) => MoveError::Unknown(why),
            // Without an answer and without doubt it never left this machine.
            error => MoveError::NotDone(error),
        })
    }

    fn meaning(&self, error: Error) -> MoveError {
        match error {
            Error::Refused { status, code, message } => MoveError::Refused { status, code, message },
            // The server's own failures may come after the move was made (monzo/README.md, Moving money).
            Error::Transient(why) | Error::OutcomeUnknown(why) => MoveError::Unknown(why),
            // Whatever stands between may have passed the request on.
            error @ Error::Foreign { .. } => MoveError::Unknown(error.to_string()),
            Error::RateLimited { retry_after } => {
                self.http_client.throttled();
                self.rate_limiter.slow_down(retry_after.unwrap_or_default().min(LONGEST_REST));
                MoveError::NotDone(Error::RateLimited { retry_after })
            }
            error @ (Error::NotApproved
            | Error::LoginNeeded { .. }
            | Error::ClientRefused { .. }
            | Error::TooOld) => MoveError::NotDone(error),
        }
    }
}
