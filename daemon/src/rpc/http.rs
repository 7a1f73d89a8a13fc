//! Plain HTTP: what a request may be, how much of it is read, and how it is answered.

use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::{Method, Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioTimer;
use jsonrpsee::server::http::is_json;
use monzo_common::VERSION;
use monzo_common::fault::{Fault, FaultKind};

use super::message::{Reply, Sender};
use super::server::ASKING;
use super::shares::Share;

/// How long a request may take to arrive. Taste: it comes from the same machine.
const ARRIVAL: Duration = Duration::from_secs(10);

/// What is read of a request before it is looked at, in bytes. Taste.
const BUFFER: usize = 16 * 1024;

/// Headers of a request. Taste: browsers send about twenty.
const HEADERS: usize = 64;

/// Every answer over HTTP tells which version gave it.
static VERSION_HEADER: HeaderName = HeaderName::from_static("monzod-version");

/// An answer as it is sent.
pub type Answer = Response<Full<Bytes>>;

/// Why a request is not served: with which status, what is said, and how it is counted.
pub type Refused = (StatusCode, Fault, &'static str);

/// HTTP/1 within limits. Not HTTP/2: one of its connections carries many requests at a time, each with a body that
/// need never end.
pub fn builder() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(ARRIVAL).max_buf_size(BUFFER).max_headers(HEADERS);
    builder
}

/// Answers the message in the body of a request.
pub async fn call(request: Request<Incoming>, limit: u64, sender: &Sender) -> Result<Answer, Refused> {
    if request.method() != Method::POST {
        let fault = not_a_call("only POST is answered here, and WebSockets");
        return Err((StatusCode::METHOD_NOT_ALLOWED, fault, "not_a_call"));
    }
    if !is_json(request.headers().get(header::CONTENT_TYPE)) {
        let fault = not_a_call("the request has no `Content-Type: application/json`");
        return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, fault, "not_a_call"));
    }
    let body = arrive(request.into_body(), limit).await?;
    let body = match sender.answer(body).await {
        Some(Reply { text, held }) => Bytes::from_owner(Written { text, _held: held }),
        None => Bytes::new(),
    };
    Ok(json(StatusCode::OK, body))
}

/// The text of an answer, with its share of the bytes that may wait, until it is written.
struct Written {
    text: String,
    _held: Vec<Share>,
}

impl AsRef<[u8]> for Written {
    fn as_ref(&self) -> &[u8] {
        self.text.as_bytes()
    }
}

/// Refuses what a browser sends: a page must not reach the socket through some proxy in between.
pub fn own(headers: &HeaderMap, uri: &Uri) -> Result<(), Refused> {
    let refused = |message, reason| Err((StatusCode::FORBIDDEN, browser(message), reason));
    if headers.contains_key(header::ORIGIN) || headers.contains_key(header::REFERER) {
        return refused("requests with Origin or Referer are refused", "browser");
    }
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = hosts.next().map(HeaderValue::as_bytes);
    if hosts.next().is_some() {
        return refused("requests with more than one Host are refused", "host");
    }
    // An address in full names a host too, and it counts as much.
    let asked = uri.authority().map(|authority| authority.as_str().as_bytes());
    if [host, asked].into_iter().flatten().any(|host| !is_ours(host)) {
        return refused("requests for a foreign Host are refused", "host");
    }
    Ok(())
}

/// Whether a `Host` names this daemon, with or without a port.
fn is_ours(host: &[u8]) -> bool {
    let name = host.split(|b| *b == b':').next().unwrap_or_default();
    matches!(name, b"" | b"localhost" | b"monzod")
}

/// Reads a whole body within its limits.
async fn arrive(body: Incoming, limit: u64) -> Result<Vec<u8>, Refused> {
    let broken = || (StatusCode::BAD_REQUEST, broken(), "broken");
    let limit_error = || (StatusCode::PAYLOAD_TOO_LARGE, too_large(limit), "too_large");
    let whole = async {
        tokio::pin!(body);
        // In one piece: a frame can be a byte, and as a value of its own weigh a hundred.
        let mut read = Vec::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| broken())?;
            let Some(data) = frame.data_ref() else { continue };
            if u64::try_from(read.len() + data.len()).unwrap_or(u64::MAX) > limit {
                return Err(limit_error());
            }
            read.extend_from_slice(data);
        }
        Ok(read)
    };
    match tokio::time::timeout(ARRIVAL, whole).await {
        Ok(read) => read,
        Err(_) => Err((StatusCode::REQUEST_TIMEOUT, slow(), "slow")),
    }
}

/// An answer that says why a request is not served, in HTTP and in JSON-RPC.
pub fn refusal(status: StatusCode, fault: Fault) -> Answer {
    json(status, Bytes::from(Reply::error(fault).text))
}

fn json(status: StatusCode, body: Bytes) -> Answer {
    let mut answer = Response::new(Full::new(body));
    *answer.status_mut() = status;
    let kind = HeaderValue::from_static("application/json; charset=utf-8");
    answer.headers_mut().insert(header::CONTENT_TYPE, kind);
    versioned(answer)
}

/// The answer with the version that gave it.
pub fn versioned(mut answer: Answer) -> Answer {
    answer.headers_mut().insert(&VERSION_HEADER, HeaderValue::from_static(VERSION));
    answer
}

fn browser(message: &str) -> Fault {
    Fault::new(FaultKind::NotAllowed, message, "use monzoctl, or curl with `http://localhost/` as address")
}

/// The fault of a request that is too large.
pub fn too_large(limit: u64) -> Fault {
    let message = format!("the request has more than the {limit} bytes that yours may have");
    let hint = format!(
        "send less at a time; operators may send `rpc.max_request`, and viewers {ASKING} bytes of it"
    );
    Fault::new(FaultKind::InvalidParams, message, hint)
}

/// The fault of a request that is none of JSON-RPC's.
pub fn not_a_call(message: &str) -> Fault {
    let hint = "use monzoctl, or `curl --unix-socket SOCKET --json '{…}' http://localhost/`";
    Fault::new(FaultKind::InvalidParams, message, hint)
}

fn broken() -> Fault {
    Fault::new(FaultKind::InvalidParams, "the request did not arrive whole", "send it again")
}

fn slow() -> Fault {
    let message = format!("the request did not arrive within {} seconds", ARRIVAL.as_secs());
    Fault::new(FaultKind::InvalidParams, message, "send it again")
}
