//! The only door to the bank: one request in, one answer or failure out.
//!
//! Nothing above knows how requests travel, so that tests put a simulated bank behind this trait.
//! A failure says whether the request may have reached the bank, because that decides what may be repeated.

use std::pin::Pin;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

/// More than the largest page by far; longer answers are cut off as broken. Taste.
const LARGEST_BODY: usize = 8 << 20;

/// How long to wait for a connection. Taste: less than any answer takes.
const CONNECT: Duration = Duration::from_secs(10);

/// A future that can be kept anywhere.
pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The method of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Reads; may be repeated at will.
    Get,
    /// Changes something.
    Post,
    /// Changes something.
    Put,
}

/// A request, complete except for the bank's address.
#[derive(Debug, Clone)]
pub struct Request {
    /// Its method.
    pub method: Method,
    /// From the root of the API: `/accounts`.
    pub path: String,
    /// Arguments in the address.
    pub query: Vec<(&'static str, String)>,
    /// An encoded form, in the body.
    pub form: Option<SecretString>,
    /// The access token.
    pub bearer: Option<SecretString>,
}

impl Request {
    /// A request without arguments or token.
    pub fn new(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), query: Vec::new(), form: None, bearer: None }
    }
}

/// What the bank answered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Response {
    /// HTTP's status.
    pub status: u16,
    /// The `Retry-After` header, as it came.
    pub retry_after: Option<String>,
    /// The `Date` header, as it came.
    pub date: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The request did not leave this machine.
    #[error("the bank cannot be reached: {0}")]
    NotSent(String),
    /// The request may have reached the bank, or not.
    #[error("the bank's answer did not arrive: {0}")]
    Unknown(String),
}

/// Sends one request.
pub trait Transport: Send + Sync {
    /// Sends `request` and waits for its answer.
    fn send(&self, request: Request) -> Boxed<'_, Result<Response, Failure>>;
}

/// The bank over HTTPS.
#[derive(Debug)]
pub struct Https {
    client: reqwest::Client,
    base: String,
}

impl Https {
    /// A door to the API at `base`, whose requests take `timeout` at most.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(base: &str, timeout: Duration) -> Result<Self, reqwest::Error> {
        // A second installation keeps the first, which is the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let loopback = base.starts_with("http://");
        let client = reqwest::Client::builder()
            .user_agent(concat!("monzod/", env!("CARGO_PKG_VERSION")))
            .https_only(!loopback)
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT.min(timeout))
            .timeout(timeout)
            .pool_idle_timeout(Duration::from_secs(60))
            .pool_max_idle_per_host(8)
            // Whether something may be repeated is decided by whoever asked, never by the connection.
            .retry(reqwest::retry::never())
            .no_proxy_if(loopback)
            .build()?;
        Ok(Self { client, base: base.trim_end_matches('/').to_owned() })
    }
}

/// Proxies of the environment serve the real bank, never a loopback one.
trait NoProxyIf {
    fn no_proxy_if(self, loopback: bool) -> Self;
}

impl NoProxyIf for reqwest::ClientBuilder {
    fn no_proxy_if(self, loopback: bool) -> Self {
        if loopback { self.no_proxy() } else { self }
    }
}

impl Transport for Https {
    fn send(&self, request: Request) -> Boxed<'_, Result<Response, Failure>> {
        Box::pin(async move {
            let method = match request.method {
                Method::Get => reqwest::Method::GET,
                Method::Post => reqwest::Method::POST,
                Method::Put => reqwest::Method::PUT,
            };
            let mut building = self
                .client
                .request(method, format!("{}{}", self.base, request.path))
                .header(reqwest::header::ACCEPT, "application/json")
                .query(&request.query);
            if let Some(token) = &request.bearer {
                building = building.bearer_auth(token.expose_secret());
            }
            if let Some(form) = &request.form {
                building = building
                    .header(reqwest::header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                    .body(form.expose_secret().to_owned());
            }
            receive(building.send().await.map_err(|error| failure(&error))?).await
        })
    }
}

async fn receive(mut answer: reqwest::Response) -> Result<Response, Failure> {
    let header = |name: reqwest::header::HeaderName| {
        answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
    };
    let mut response = Response {
        status: answer.status().as_u16(),
        retry_after: header(reqwest::header::RETRY_AFTER),
        date: header(reqwest::header::DATE),
        body: Vec::new(),
    };
    while let Some(chunk) = answer.chunk().await.map_err(|error| failure(&error))? {
        if response.body.len() + chunk.len() > LARGEST_BODY {
            return Err(Failure::Unknown("it is larger than any answer should be".to_owned()));
        }
        response.body.extend_from_slice(&chunk);
    }
    Ok(response)
}

/// Names a failure without the address, which holds ids.
fn failure(error: &reqwest::Error) -> Failure {
    let why = if error.is_timeout() {
        "it took too long".to_owned()
    } else {
        let mut deepest: &dyn std::error::Error = error;
        while let Some(source) = deepest.source() {
            deepest = source;
        }
        deepest.to_string()
    };
    // A request that never had a connection cannot have reached the bank.
    if error.is_connect() || error.is_builder() { Failure::NotSent(why) } else { Failure::Unknown(why) }
}
