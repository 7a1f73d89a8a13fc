//! The one place that sends requests: the transport, what is learnt from every answer, and what is counted.

use std::sync::Arc;
use std::time::Instant;

use super::error::{Error, Verdict, http_date, verdict};
use super::transport::{Method, Request, Response, Transport};
use crate::clock::Clock;
use crate::metrics::Metrics;

/// A line to the bank.
#[derive(Clone)]
pub struct HttpClient {
    transport: Arc<dyn Transport>,
    clock: Clock,
    metrics: Arc<Metrics>,
}

impl HttpClient {
    /// A line over `transport`; every answer's `Date` is told to `clock`.
    pub fn new(transport: Arc<dyn Transport>, clock: Clock, metrics: Arc<Metrics>) -> Self {
        Self { transport, clock, metrics }
    }

    /// The clock that learns from the bank's answers.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Asks for an answer, any at all, for the `Date` in it.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn learn_time(&self) -> Result<(), Error> {
        self.send("whoami", Request::new(Method::Get, "/ping/whoami")).await.map(drop)
    }

    /// Sends one request and says what the answer means.
    ///
    /// # Errors
    /// When there is no answer; an answer that is a refusal is the inner error.
    pub async fn send(
        &self,
        endpoint: &'static str,
        request: Request,
    ) -> Result<Result<Response, Verdict>, Error> {
        let began = Instant::now();
        let answer = self.transport.send(request).await;
        let seconds = began.elapsed();
        let response = match answer {
            Ok(response) => response,
            Err(failure) => {
                let error = Error::from(failure);
                self.metrics.request(endpoint, Some(error.word()), seconds);
                return Err(error);
            }
        };
        if let Some(date) = response.date.as_deref().and_then(http_date) {
            self.clock.observe(date);
        }
        if response.status == 200 {
            self.metrics.request(endpoint, None, seconds);
            return Ok(Ok(response));
        }
        let verdict = verdict(&response, self.clock.now());
        let word = match &verdict {
            Verdict::BadToken { .. } => "bad_token",
            Verdict::BadGrant { .. } => "bad_grant",
            Verdict::Error(error) => error.word(),
        };
        self.metrics.request(endpoint, Some(word), seconds);
        Ok(Err(verdict))
    }

    /// The bank asked for less.
    pub(super) fn throttled(&self) {
        self.metrics.throttled();
    }
}

/// A little jitter in 0..=1000, so that several that would come at one time do not come together.
pub fn jitter() -> u16 {
    let mut bytes = [0_u8; 2];
    match getrandom::fill(&mut bytes) {
        Ok(()) => u16::from_le_bytes(bytes) % 1001,
        // Without randomness the middle serves as well.
        Err(_) => 500,
    }
}
