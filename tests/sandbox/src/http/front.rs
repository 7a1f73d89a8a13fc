//! From a connection to the bank and back.

use std::io;
use std::net::TcpListener;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{self, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::MovableClock;
use super::body::Pieces;
use crate::Shared;
use crate::bank::{self, Answer, Outcome, Pace};
use crate::control::{self, Args};

/// More than any request holds. Taste.
const LARGEST_REQUEST: usize = 1 << 20;

/// What every connection leads to.
#[derive(Clone)]
pub struct Front {
    pub bank: Shared,
    pub clock: Arc<MovableClock>,
}

/// Accepts connections until it is dropped.
pub async fn run(front: Front, listener: TcpListener) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(tokio::spawn(connection(front.clone(), stream))),
            // Too many open files, mostly: it passes.
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

async fn connection(front: Front, stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    let Ok(handle) = stream.as_fd().try_clone_to_owned() else { return };
    let handle = Arc::new(handle);
    let service = service_fn(move |request| {
        let (front, handle) = (front.clone(), Arc::clone(&handle));
        async move { front.serve(request, &handle).await }
    });
    // A client that hangs up, and a connection that the bank resets, are not worth a word.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

impl Front {
    async fn serve(&self, request: Request<Incoming>, handle: &OwnedFd) -> io::Result<Response<Pieces>> {
        let (head, body) = request.into_parts();
        let path = head.uri.path().to_owned();
        let query = head.uri.query().unwrap_or_default().to_owned();
        let text = |name: header::HeaderName| {
            head.headers.get(name).map(|value| value.to_str().unwrap_or_default().to_owned())
        };
        let content_type = text(header::CONTENT_TYPE).unwrap_or_default();
        let body = match Limited::new(body, LARGEST_REQUEST).collect().await {
            Ok(body) => body.to_bytes(),
            Err(_) => return Ok(response(Answer::json(413, &json!({"code": "bad_request.too_large"})))),
        };
        if let Some(name) = path.strip_prefix("/sandbox/") {
            return Ok(response(self.control(name, &head.method, &query, &body)));
        }
        match (&head.method, path.as_str()) {
            (&Method::GET, "/" | "/authorize") => return Ok(response(self.bank.lock().sign_in_page(&query))),
            (&Method::GET, "/sign-in") => {
                let mut bank = self.bank.lock();
                bank.pass(self.clock.now());
                return Ok(response(bank.sign_in_pressed(&query)));
            }
            _ => {}
        }
        let form = content_type.starts_with("application/x-www-form-urlencoded");
        let bearer = text(header::AUTHORIZATION);
        let request = bank::Request {
            method: method(&head.method),
            path,
            query: pairs(query.as_bytes()),
            form: if form { pairs(&body) } else { Vec::new() },
            bearer: bearer.map(|value| value.strip_prefix("Bearer ").unwrap_or_default().to_owned()),
            accept: text(header::ACCEPT),
        };
        let outcome = self.bank.lock().handle(&request, self.clock.now());
        self.bank.asked();
        match outcome {
            Outcome::Answer(answer) => {
                if !answer.delay.is_zero() {
                    tokio::time::sleep(answer.delay).await;
                }
                Ok(response(answer))
            }
            Outcome::Hang { .. } => std::future::pending().await,
            Outcome::Reset { .. } => {
                // With nothing to linger for, closing sends a reset instead of an end.
                rustix::net::sockopt::set_socket_linger(handle, Some(Duration::ZERO))?;
                Err(io::ErrorKind::ConnectionReset.into())
            }
        }
    }

    fn control(&self, name: &str, method: &Method, query: &str, body: &Bytes) -> Answer {
        let mut args = control::from_pairs(pairs(query.as_bytes()));
        let reads = matches!(name, "ledger" | "requests" | "switches" | "feed" | "now");
        if method != Method::POST && !(reads && method == Method::GET) {
            return Answer::json(405, &json!({"error": "POST it"}));
        }
        match read(body) {
            Ok(more) => args.extend(more),
            Err(error) => return Answer::json(400, &json!({"error": error})),
        }
        let mut bank = self.bank.lock();
        bank.pass(self.clock.now());
        match control::answer(&mut bank, name, args, |by| self.clock.advance(by)) {
            Ok(value) => Answer::json(200, &value),
            Err(error @ control::ControlError::Unknown(..)) => {
                Answer::json(404, &json!({"error": error.to_string()}))
            }
            Err(error) => Answer::json(400, &json!({"error": error.to_string()})),
        }
    }
}

/// Arguments as JSON, or as a form, whatever the header says: `curl -d` says form of everything.
fn read(body: &Bytes) -> Result<Args, String> {
    if body.trim_ascii().starts_with(b"{") {
        return match serde_json::from_slice(body) {
            Ok(Value::Object(args)) => Ok(args),
            Ok(_) => Err("the arguments are no object".to_owned()),
            Err(error) => Err(error.to_string()),
        };
    }
    Ok(control::from_pairs(pairs(body)))
}

fn pairs(text: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(text).into_owned().collect()
}

fn method(method: &Method) -> bank::Method {
    match *method {
        Method::GET => bank::Method::Get,
        Method::POST => bank::Method::Post,
        Method::PUT => bank::Method::Put,
        Method::PATCH => bank::Method::Patch,
        Method::DELETE => bank::Method::Delete,
        _ => bank::Method::Other,
    }
}

fn response(answer: Answer) -> Response<Pieces> {
    let pace = if answer.body.is_empty() { Pace::Whole } else { answer.pace };
    let mut response = Response::new(Pieces::new(answer.body, pace));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
    let optional = [
        (header::DATE, Some(answer.date).filter(|date| !date.is_empty())),
        (header::RETRY_AFTER, answer.retry_after),
        (header::LOCATION, answer.location),
    ];
    for (name, value) in optional {
        if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
            headers.insert(name, value);
        }
    }
    response
}
