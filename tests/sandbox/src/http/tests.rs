//! Over real sockets: what the state machine says, as a client meets it.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{Served, serve};
use crate::bank::faults::{Fault, Rule};
use crate::bank::{Bank, CLIENT_ID, CLIENT_SECRET, Settings};
use crate::control::Spend;

fn served() -> Served {
    let now = "2026-11-24T13:00:00Z".parse().expect("an instant");
    let bank = Bank::new(Settings::minimal(now));
    serve(bank, "127.0.0.1:0".parse().expect("an address")).expect("served")
}

/// Sends one request on a connection of its own and reads to the end.
fn raw(served: &Served, head: &str, body: &str) -> std::io::Result<String> {
    let address = served.url.strip_prefix("http://").expect("an address");
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let length = body.len();
    write!(stream, "{head} HTTP/1.1\r\nHost: bank\r\nConnection: close\r\nContent-Length: {length}\r\n")?;
    if !body.is_empty() {
        write!(stream, "Content-Type: application/x-www-form-urlencoded\r\n")?;
    }
    write!(stream, "\r\n{body}")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn ask(served: &Served, head: &str, body: &str) -> (u16, Value) {
    let answer = raw(served, head, body).expect("an answer");
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    let body = answer.split_once("\r\n\r\n").map(|(_, body)| body).unwrap_or_default();
    (status, serde_json::from_str(body).unwrap_or(Value::Null))
}

#[test]
fn a_person_signs_in_and_approves_without_a_browser() {
    let served = served();
    let address = format!(
        "{}/?client_id={CLIENT_ID}&response_type=code&state=s&redirect_uri=http://localhost:9/cb",
        served.url
    );
    let page = raw(&served, &format!("GET {}", address.strip_prefix(&served.url).expect("a path")), "")
        .expect("a page");
    assert!(page.contains("200 OK") && page.contains("Sign in</a>") && page.contains("text/html"), "{page}");
    let (status, body) = ask(&served, "POST /sandbox/sign-in", &json!({"url": address}).to_string());
    assert_eq!(status, 200, "{body}");
    let redirect = body["redirect"].as_str().expect("an address");
    let code = redirect.split(['=', '&']).nth(1).expect("a code");
    let form = format!(
        "grant_type=authorization_code&client_id={CLIENT_ID}&client_secret={CLIENT_SECRET}&redirect_uri=http%3A%2F%2Flocalhost%3A9%2Fcb&code={code}"
    );
    let (status, tokens) = ask(&served, "POST /oauth2/token", &form);
    assert_eq!(status, 200, "{tokens}");
    assert_eq!(ask(&served, "POST /sandbox/approve", "").1, json!({"approved": 1}));
    let bearer = format!(
        "GET /accounts HTTP/1.1\r\nAuthorization: Bearer {}\r\nX:",
        tokens["access_token"].as_str().expect("a token")
    );
    let (status, accounts) = ask(&served, &bearer, "");
    assert_eq!((status, accounts["accounts"].as_array().map(Vec::len)), (200, Some(1)), "{accounts}");
}

#[test]
fn pressing_the_button_leads_back_to_the_client() {
    let served = served();
    let query =
        format!("client_id={CLIENT_ID}&response_type=code&state=s&redirect_uri=http://localhost:9/cb");
    let answer = raw(&served, &format!("GET /sign-in?{query}"), "").expect("an answer");
    assert!(
        answer.contains("302 Found") && answer.contains("location: http://localhost:9/cb?code=code_"),
        "{answer}"
    );
}

#[test]
fn the_clock_moves_and_the_header_tells() {
    let served = served();
    let (_, before) = ask(&served, "GET /sandbox/now", "");
    let (status, after) = ask(&served, "POST /sandbox/advance", "seconds=864000");
    assert_eq!(status, 200, "{after}");
    assert!(before["now"].as_str().is_some_and(|now| now.starts_with("2026-11-24T13:0")), "{before}");
    assert!(after["now"].as_str().is_some_and(|now| now.starts_with("2026-12-04T13:0")), "{after}");
    served.advance(SignedDuration::from_hours(24));
    let answer = raw(&served, "GET /ping/whoami", "").expect("an answer");
    assert!(answer.contains("date: Sat, 05 Dec 2026 13:0"), "{answer}");
}

#[test]
fn connections_are_reset_before_and_after_the_deed() {
    let served = served();
    for fault in [Fault::ResetBefore, Fault::ResetAfter] {
        served.bank().set_faults(vec![Rule::nth(fault, 1)], 0);
        let error = raw(&served, "GET /ping/whoami", "").expect_err("a reset");
        assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{fault:?}");
    }
    assert_eq!(ask(&served, "GET /ping/whoami", "").0, 401, "others are served on");
}

#[test]
fn a_truncated_body_ends_before_what_its_header_promised() {
    let served = served();
    served.bank().set_faults(vec![Rule::nth(Fault::TruncatedBody, 1)], 0);
    let answer = raw(&served, "GET /ping/whoami", "").unwrap_or_default();
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let promised = head.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("a promise");
    let promised: usize = promised.parse().expect("a number");
    assert!(!body.is_empty() && body.len() < promised, "{} of {promised}", body.len());
}

#[test]
fn a_slow_body_comes_whole_in_the_end() {
    let served = served();
    served.bank().set_faults(vec![Rule::nth(Fault::SlowBody, 1)], 0);
    let began = Instant::now();
    let (status, body) = ask(&served, "GET /ping/whoami", "");
    assert_eq!((status, body["error"].as_str()), (401, Some("invalid_token")));
    assert!(began.elapsed() > Duration::from_secs(1), "{:?}", began.elapsed());
}

#[test]
fn gateways_speak_html_and_empty_bodies_are_empty() {
    let served = served();
    served.bank().set_faults(vec![Rule::nth(Fault::Gateway, 1), Rule::nth(Fault::EmptyBody, 2)], 0);
    let answer = raw(&served, "GET /ping/whoami", "").expect("an answer");
    assert!(
        answer.contains("502 Bad Gateway") && answer.contains("text/html") && answer.contains("<html>"),
        "{answer}"
    );
    let answer = raw(&served, "GET /ping/whoami", "").expect("an answer");
    assert!(answer.contains("content-length: 0\r\n"), "{answer}");
}

#[test]
fn the_control_api_refuses_what_it_does_not_know() {
    let served = served();
    assert_eq!(ask(&served, "POST /sandbox/dance", "").0, 404);
    assert_eq!(ask(&served, "GET /sandbox/approve", "").0, 405);
    assert_eq!(ask(&served, "POST /sandbox/advance", "{").0, 400);
    assert_eq!(ask(&served, "POST /sandbox/advance", "seconds=soon").0, 400);
    let (status, counts) = ask(&served, "GET /sandbox/requests?log=true", "");
    assert_eq!((status, counts["log"].as_array().map(Vec::len)), (200, Some(0)));
}

#[test]
fn dropping_it_frees_the_port_at_once_even_with_a_request_that_hangs() {
    let served = served();
    served.bank().set_faults(vec![Rule::nth(Fault::Hang, 1)], 0);
    let address = served.url.strip_prefix("http://").expect("an address").to_owned();
    let mut stream = TcpStream::connect(&address).expect("connected");
    stream.write_all(b"GET /accounts HTTP/1.1\r\nHost: bank\r\n\r\n").expect("sent");
    assert!(served.wait_until(Duration::from_secs(20), |bank| bank.counts.contains_key("accounts")));
    drop(served);
    assert!(TcpStream::connect(&address).is_err());
}

#[test]
fn a_webhook_is_told_of_a_purchase_and_again_until_it_takes_it() {
    let served = served();
    let receiver = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://localhost:{}/hook", receiver.local_addr().expect("an address").port());
    let (account, access) = {
        let mut bank = served.bank();
        (bank.world.accounts[0].id.clone(), bank.log_in_approved("ada").expect("logged in"))
    };
    let head = format!("POST /webhooks HTTP/1.1\r\nAuthorization: Bearer {access}\r\nX:");
    let (status, body) = ask(&served, &head, &format!("account_id={account}&url={url}"));
    assert_eq!(status, 200, "{body}");
    served.bank().spend(&Spend { amount: Some(250), ..Spend::default() }).expect("bought");
    let mut bodies = Vec::new();
    for status in ["500 Internal Server Error", "200 OK"] {
        let (mut stream, _) = receiver.accept().expect("a delivery");
        let mut request = String::new();
        while !request.contains("transaction.created") {
            let mut piece = [0; 4096];
            let read = stream.read(&mut piece).expect("a piece");
            request.push_str(&String::from_utf8_lossy(&piece[..read]));
        }
        assert!(request.starts_with("POST /hook "), "{request}");
        bodies.push(request.split_once("\r\n\r\n").map(|(_, body)| body.len()));
        write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n").expect("answered");
    }
    assert!(bodies[0].is_some(), "{bodies:?}");
}
