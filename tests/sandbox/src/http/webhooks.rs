//! Sends what the bank has to tell to those who registered a webhook on this machine.

use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::{Method, Request, Uri, header};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::front::Front;
use crate::bank::webhooks::Delivery;

/// How often the outbox is looked at. Taste.
const EVERY: Duration = Duration::from_millis(50);

/// How long a receiver may take. Nobody knows the real one.
const PATIENCE: Duration = Duration::from_secs(5);

/// Delivers until it is dropped, one after the other.
pub async fn run(front: Front) {
    loop {
        let due = {
            let mut bank = front.bank.lock();
            bank.pass(front.clock.now());
            bank.deliveries()
        };
        for delivery in due {
            if !matches!(timeout(PATIENCE, send(&delivery)).await, Ok(Some(()))) {
                front.bank.lock().not_delivered(delivery);
            }
        }
        sleep(EVERY).await;
    }
}

/// Nothing unless it was answered with success. Only loopback is reached: a simulation has no business elsewhere.
async fn send(delivery: &Delivery) -> Option<()> {
    let uri: Uri = delivery.url.parse().ok()?;
    let (host, port) = (uri.host()?, uri.port_u16().unwrap_or(80));
    if uri.scheme_str() != Some("http") || !matches!(host, "localhost" | "127.0.0.1") {
        return None;
    }
    let stream = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.ok()?;
    let connection = tokio::spawn(connection);
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let request = Request::builder()
        .method(Method::POST)
        .uri(path)
        .header(header::HOST, format!("{host}:{port}"))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::from(delivery.body.to_string())))
        .ok()?;
    let answer = sender.send_request(request).await;
    connection.abort();
    answer.ok().filter(|answer| answer.status().is_success()).map(drop)
}
