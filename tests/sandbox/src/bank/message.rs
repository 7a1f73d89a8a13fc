//! What goes in and what comes out: requests, answers, and the ways in which there is none.

use std::time::Duration;

use serde_json::{Value, json};

/// The method of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Changes.
    Post,
    /// Changes.
    Put,
    /// Changes.
    Patch,
    /// Changes.
    Delete,
    /// None that the bank knows.
    Other,
}

/// A request, without the connection that it came over.
#[derive(Debug, Clone)]
pub struct Request {
    /// Its method.
    pub method: Method,
    /// From the root: `/accounts`.
    pub path: String,
    /// Arguments in the address.
    pub query: Vec<(String, String)>,
    /// Arguments in the body, if it is a form.
    pub form: Vec<(String, String)>,
    /// The access token, if there is an `Authorization` header at all; empty if it is malformed.
    pub bearer: Option<String>,
    /// The `Accept` header.
    pub accept: Option<String>,
}

impl Request {
    /// A request without arguments or token.
    pub fn new(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), query: Vec::new(), form: Vec::new(), bearer: None, accept: None }
    }

    /// With a token.
    #[must_use]
    pub fn bearer(mut self, token: impl Into<String>) -> Self {
        self.bearer = Some(token.into());
        self
    }

    /// With an argument in the address.
    #[must_use]
    pub fn query(mut self, key: &str, value: impl Into<String>) -> Self {
        self.query.push((key.to_owned(), value.into()));
        self
    }

    /// With an argument in the body.
    #[must_use]
    pub fn form(mut self, key: &str, value: impl Into<String>) -> Self {
        self.form.push((key.to_owned(), value.into()));
        self
    }

    /// An argument in the address, unless it is empty.
    pub(super) fn asked(&self, key: &str) -> Option<&str> {
        find(&self.query, key)
    }

    /// An argument in the body, unless it is empty.
    pub(super) fn given(&self, key: &str) -> Option<&str> {
        find(&self.form, key)
    }

    /// Merchants are to be given whole.
    pub(super) fn expands_merchants(&self) -> bool {
        self.query
            .iter()
            .any(|(key, value)| matches!(key.as_str(), "expand[]" | "expand") && value == "merchant")
    }
}

fn find<'a>(pairs: &'a [(String, String)], key: &str) -> Option<&'a str> {
    pairs.iter().find(|(name, value)| name == key && !value.is_empty()).map(|(_, value)| value.as_str())
}

/// What comes of a request.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// An answer.
    Answer(Answer),
    /// Nothing, ever; the connection stays.
    Hang {
        /// What was asked for has been done all the same.
        committed: bool,
    },
    /// The connection is reset.
    Reset {
        /// What was asked for has been done all the same.
        committed: bool,
    },
}

/// How a body is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pace {
    /// At once.
    #[default]
    Whole,
    /// Bit by bit, taking so long.
    Slow(Duration),
    /// Only so many bytes of it, though the header promises all; then the connection ends.
    Truncated(usize),
}

/// An answer.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// HTTP's status.
    pub status: u16,
    /// `Content-Type`.
    pub content_type: &'static str,
    /// `Date`: the bank's time.
    pub date: String,
    /// `Retry-After`.
    pub retry_after: Option<String>,
    /// `Location`.
    pub location: Option<String>,
    /// The body.
    pub body: Vec<u8>,
    /// It is sent so much later.
    pub delay: Duration,
    /// How the body is sent.
    pub pace: Pace,
}

impl Answer {
    /// JSON.
    pub fn json(status: u16, body: &Value) -> Self {
        Self {
            status,
            content_type: "application/json",
            body: body.to_string().into_bytes(),
            ..Self::default()
        }
    }

    /// A page for people.
    pub fn html(status: u16, body: impl Into<String>) -> Self {
        Self {
            status,
            content_type: "text/html; charset=utf-8",
            body: body.into().into_bytes(),
            ..Self::default()
        }
    }

    /// The body as JSON; nothing if it is none.
    pub fn value(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }
}

/// What an endpoint answers: the body of a 200, or a refusal.
pub type Reply = Result<Value, Refusal>;

/// The bank says no.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// HTTP's status.
    pub status: u16,
    /// The body.
    pub body: Value,
}

impl Refusal {
    /// With a code and a message (monzo/README.md, Errors).
    pub fn new(status: u16, code: &str, message: &str) -> Self {
        Self { status, body: json!({"code": code, "message": message, "retryable": {}}) }
    }

    /// A required argument is absent.
    pub fn missing(field: &str) -> Self {
        let code = format!("bad_request.missing_param.{field}");
        Self::new(400, &code, &format!("The field '{field}' is required"))
    }

    /// An argument cannot be used.
    pub fn bad(field: &str, message: &str) -> Self {
        Self::new(400, &format!("bad_request.bad_param.{field}"), message)
    }

    /// No such object.
    pub fn not_found(what: &str) -> Self {
        Self::new(404, &format!("not_found.{what}"), &format!("No such {what}"))
    }

    /// The history that was asked for is out of reach (monzo/README.md, How far back).
    pub fn verification_required() -> Self {
        Self::new(403, "forbidden.verification_required", "Verification required")
    }
}
