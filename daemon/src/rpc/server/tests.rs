//! The server over a real socket, with peers as the test likes them.

use std::future::pending;
use std::path::PathBuf;
use std::sync::Mutex;

use jsonrpsee::core::client::{ClientT, Error, Subscription, SubscriptionClientT};
use jsonrpsee::rpc_params;
use jsonrpsee::server::{Methods, RpcModule};
use jsonrpsee::types::ErrorObjectOwned;
use jsonrpsee_ws_client::{WsClient, WsClientBuilder};
use monzo_common::VERSION;
use monzo_common::model::{Event, Mode, Severity};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{Notify, mpsc};

use super::*;
use crate::rpc::access::tests::peer;
use crate::rpc::events::Hub;
use crate::rpc::middleware;
use crate::rpc::peer::Peer;
use crate::store::Audited;

/// A server on a socket in a directory of its own.
struct Rig {
    directory: TempDir,
    peer: Arc<Mutex<Peer>>,
    grants: watch::Sender<Grants>,
    mode: watch::Sender<Mode>,
    hub: Hub,
    looked_up: mpsc::UnboundedReceiver<()>,
    audited: mpsc::UnboundedReceiver<Audited>,
    metrics: Arc<Metrics>,
    stop: CancellationToken,
    tasks: TaskTracker,
    /// Lets `sync.start` go on.
    go: Arc<Notify>,
    /// `sync.start` was entered.
    entered: Arc<Notify>,
    running: tokio::task::JoinHandle<()>,
}

fn viewer() -> Peer {
    peer(1000, "ada", &[(7, "monzod")])
}

fn operator() -> Peer {
    peer(1001, "bob", &[(8, "monzod-admin")])
}

fn stranger() -> Peer {
    peer(1002, "eve", &[])
}

fn methods(hub: Hub, go: Arc<Notify>, entered: Arc<Notify>) -> Methods {
    let mut module = RpcModule::new(());
    let sound = "names are unique";
    module.register_method("system.status", |_, (), _| json!({"fine": true})).expect(sound);
    module
        .register_async_method("system.version", |_, _, _| async { panic!("a handler's mistake") as Value })
        .expect(sound);
    module.register_async_method("system.check", |_, _, _| async { pending::<Value>().await }).expect(sound);
    module
        .register_async_method("sync.start", move |_, _, _| {
            let (go, entered) = (Arc::clone(&go), Arc::clone(&entered));
            async move {
                entered.notify_one();
                go.notified().await;
                json!("done")
            }
        })
        .expect(sound);
    module
        .register_method("transactions.get", |params, (), _| -> Result<Value, ErrorObjectOwned> {
            let (number,): (u8,) = params.parse()?;
            Ok(json!(number))
        })
        .expect(sound);
    module.register_method("not.permitted", |_, (), _| json!(1)).expect(sound);
    module
        .register_subscription(
            "events.subscribe",
            "events.event",
            "events.unsubscribe",
            move |_, sink, _, _| {
                let hub = hub.clone();
                async move { hub.follow_events(sink).await }
            },
        )
        .expect(sound);
    module.into()
}

impl Rig {
    fn of(peer: Peer) -> Self {
        Self::with(peer, config::Rpc::default(), Duration::from_secs(30))
    }

    fn with(peer: Peer, limits: config::Rpc, timeout: Duration) -> Self {
        let directory = TempDir::new().expect("a directory");
        let listener = UnixListener::bind(directory.path().join("s")).expect("a socket");
        let metrics = Arc::new(Metrics::new(jiff::Timestamp::UNIX_EPOCH));
        let (mode, watch_mode) = watch::channel(Mode::Normal);
        let (grants, watch_grants) = watch::channel(Grants::new(990, &config::Access::default(), &[]));
        let (note, audited) = mpsc::unbounded_channel();
        let tasks = TaskTracker::new();
        let audit = Arc::new(move |call| drop(note.send(call)));
        let limited = CallLimits { timeout, ..call_limits(&limits) };
        let hub = Hub::new(watch::channel(None).1);
        let (go, entered) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let middleware = Middleware::new(middleware::Parts {
            methods: methods(hub.clone(), Arc::clone(&go), Arc::clone(&entered)),
            limits: limited,
            metrics: Arc::clone(&metrics),
            mode: watch_mode,
            audit,
            tasks: tasks.clone(),
        });
        let peer = Arc::new(Mutex::new(peer));
        let found = Arc::clone(&peer);
        let (tell, looked_up) = mpsc::unbounded_channel();
        let server = Server::new(Parts {
            limits,
            middleware,
            grants: watch_grants,
            lookup: Arc::new(move |_| {
                let peer = found.lock().expect("not poisoned").clone();
                // The test may be over.
                let _ = tell.send(());
                peer
            }),
            metrics: Arc::clone(&metrics),
        });
        let stop = CancellationToken::new();
        let stopping = stop.clone();
        let running = tokio::spawn(async move { server.run(listener, stopping).await });
        Self {
            directory,
            peer,
            grants,
            mode,
            hub,
            looked_up,
            audited,
            metrics,
            stop,
            tasks,
            go,
            entered,
            running,
        }
    }

    fn socket(&self) -> PathBuf {
        self.directory.path().join("s")
    }

    fn now_comes(&self, peer: Peer) {
        *self.peer.lock().expect("not poisoned") = peer;
    }

    async fn connect(&self) -> UnixStream {
        UnixStream::connect(self.socket()).await.expect("the server listens")
    }

    async fn websocket(&self) -> Result<WsClient, String> {
        let stream = self.connect().await;
        let client = WsClientBuilder::default().build_with_stream("ws://localhost/", stream).await;
        client.map_err(|error| error.to_string())
    }

    /// One HTTP request with these headers more, and its whole answer.
    async fn http(&self, headers: &str, body: &str) -> Answer {
        let length = body.len();
        let head = "Content-Type: application/json\r\nConnection: close";
        self.raw(&format!("POST / HTTP/1.1\r\n{head}\r\n{headers}Content-Length: {length}\r\n\r\n{body}"))
            .await
    }

    async fn raw(&self, request: &str) -> Answer {
        let mut stream = self.connect().await;
        stream.write_all(request.as_bytes()).await.expect("the server reads");
        let mut answer = Vec::new();
        // A refusal may end with a reset, because the request was not read; what came before it counts.
        let _ = stream.read_to_end(&mut answer).await;
        Answer::parse(&String::from_utf8(answer).expect("answers are text"))
    }

    async fn call(&self, method: &str) -> Value {
        let body = json!({"jsonrpc": "2.0", "id": 7, "method": method}).to_string();
        self.http("Host: localhost\r\n", &body).await.body
    }

    async fn stopped(self) {
        self.stop.cancel();
        self.running.await.expect("the server ends well");
    }
}

#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: Value,
}

impl Answer {
    fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
        let body = serde_json::from_str(body).unwrap_or_else(|_| json!(body));
        Self { status, head: head.to_ascii_lowercase(), body }
    }

    fn code(&self) -> &Value {
        &self.body["error"]["data"]["code"]
    }
}

fn code(error: &Error) -> &'static str {
    match error {
        Error::Call(error) => Fault::from_error(error).kind.code(),
        other => panic!("not an answer of the daemon: {other:?}"),
    }
}

#[tokio::test]
async fn http_and_websocket_are_served_on_one_socket() {
    let rig = Rig::of(viewer());
    let answer =
        rig.http("Host: localhost\r\n", r#"{"jsonrpc":"2.0","id":7,"method":"system.status"}"#).await;
    assert_eq!((answer.status, &answer.body["result"]["fine"]), (200, &json!(true)), "{answer:?}");
    assert!(answer.head.contains(&format!("monzod-version: {VERSION}")), "{}", answer.head);
    let client = rig.websocket().await.expect("a viewer may connect");
    let status: Value = client.request("system.status", rpc_params![]).await.expect("viewers may look");
    assert_eq!(status, json!({"fine": true}));
    drop(client);
    rig.stopped().await;
}

#[tokio::test]
async fn a_stranger_is_told_what_to_do_over_http_and_websocket() {
    let rig = Rig::of(stranger());
    let answer =
        rig.http("Host: localhost\r\n", r#"{"jsonrpc":"2.0","id":7,"method":"system.status"}"#).await;
    assert_eq!((answer.status, answer.code()), (403, &json!("not_allowed")), "{answer:?}");
    assert!(answer.body["error"]["data"]["hint"].as_str().is_some_and(|hint| hint.contains("access add")));
    assert!(answer.head.contains("monzod-version"), "{}", answer.head);
    let upgrade = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    let answer = rig.raw(upgrade).await;
    assert_eq!((answer.status, answer.code()), (403, &json!("not_allowed")), "{answer:?}");
    let refused = rig.websocket().await.expect_err("strangers are refused");
    assert!(refused.contains("403"), "{refused}");
    rig.stopped().await;
}

#[tokio::test]
async fn strangers_never_take_a_seat() {
    let limits = config::Rpc { max_connections: 1, ..config::Rpc::default() };
    let mut rig = Rig::with(stranger(), limits, Duration::from_secs(30));
    let mut held = Vec::new();
    for _ in 0..REFUSALS {
        held.push(rig.connect().await);
        rig.looked_up.recv().await.expect("the server looks strangers up");
    }
    rig.now_comes(viewer());
    let client = rig.websocket().await.expect("the seat is free");
    let _: Value = client.request("system.status", rpc_params![]).await.expect("and served");
}

#[tokio::test]
async fn one_connection_too_many_is_told_to_come_back() {
    let limits = config::Rpc { max_connections: 1, ..config::Rpc::default() };
    let rig = Rig::with(viewer(), limits, Duration::from_secs(30));
    let client = rig.websocket().await.expect("one fits");
    let answer =
        rig.http("Host: localhost\r\n", r#"{"jsonrpc":"2.0","id":7,"method":"system.status"}"#).await;
    assert_eq!((answer.status, answer.code()), (503, &json!("busy")), "{answer:?}");
    assert_eq!(answer.body["error"]["data"]["retry_after"], json!(1));
    let _: Value = client.request("system.status", rpc_params![]).await.expect("the first is served on");
}

#[tokio::test]
async fn viewers_that_take_every_place_leave_room_for_an_operator() {
    let rig = Rig::of(viewer());
    let mut clients = Vec::new();
    let refused = loop {
        match rig.websocket().await {
            Ok(client) => clients.push(client),
            Err(refused) => break refused,
        }
    };
    assert!(refused.contains("503") && clients.len() >= 4, "{} clients, then {refused}", clients.len());
    rig.now_comes(operator());
    let operator = rig.websocket().await.expect("operators have places of their own");
    let _: Value = operator.request("system.status", rpc_params![]).await.expect("and are served");
}

#[tokio::test]
async fn a_viewer_that_keeps_every_call_busy_leaves_calls_to_an_operator() {
    let limits = config::Rpc { max_calls: 8, ..config::Rpc::default() };
    let rig = Rig::with(viewer(), limits, Duration::from_secs(30));
    let viewers = Arc::new(rig.websocket().await.expect("a viewer may connect"));
    let mut hanging = Vec::new();
    for _ in 0..2 {
        let viewers = Arc::clone(&viewers);
        hanging.push(tokio::spawn(async move {
            viewers.request::<Value, _>("system.check", rpc_params![]).await
        }));
    }
    let error = loop {
        match viewers.request::<Value, _>("system.status", rpc_params![]).await {
            Ok(_) => tokio::task::yield_now().await,
            Err(error) => break error,
        }
    };
    assert_eq!(code(&error), "busy");
    rig.now_comes(operator());
    let operator = rig.websocket().await.expect("an operator may connect");
    let _: Value = operator.request("system.status", rpc_params![]).await.expect("and is answered");
}

#[tokio::test]
async fn strangers_that_hold_every_refusal_do_not_keep_the_next_from_being_told() {
    let mut rig = Rig::of(stranger());
    let mut silent = Vec::new();
    for _ in 0..2 * REFUSALS {
        silent.push(rig.connect().await);
        rig.looked_up.recv().await.expect("the server looks strangers up");
    }
    assert_eq!(rig.call("system.status").await["error"]["data"]["code"], "not_allowed");
}

#[tokio::test]
async fn http_2_is_not_spoken() {
    let rig = Rig::of(viewer());
    let answer = rig.raw("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    assert_ne!(answer.status, 200, "{answer:?}");
    assert!(answer.head.is_empty() || answer.head.starts_with("http/1.1 4"), "{answer:?}");
}

#[tokio::test]
async fn requests_that_are_no_calls_are_told_what_to_send() {
    let rig = Rig::of(viewer());
    let plain = "POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}";
    let get = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    for (request, status) in [(plain, 415), (get, 405)] {
        let answer = rig.raw(request).await;
        assert_eq!((answer.status, answer.code()), (status, &json!("invalid_params")), "{answer:?}");
    }
    let answer = rig.http("Host: localhost\r\n", "nonsense").await;
    assert_eq!((answer.status, answer.code()), (200, &json!("invalid_params")), "{answer:?}");
    assert_eq!(answer.body["error"]["code"], -32700);
}

#[tokio::test]
async fn a_viewers_request_is_small_and_an_operators_may_hold_a_document() {
    let rig = Rig::of(viewer());
    let body = |length: usize| {
        let text = "x".repeat(length);
        json!({"jsonrpc": "2.0", "id": 7, "method": "system.status", "params": {"text": text}}).to_string()
    };
    let answer = rig.http("Host: localhost\r\n", &body(70_000)).await;
    assert_eq!((answer.status, answer.code()), (413, &json!("invalid_params")), "{answer:?}");
    rig.now_comes(operator());
    let answer = rig.http("Host: localhost\r\n", &body(70_000)).await;
    let said = answer.body["error"]["message"].as_str().unwrap_or_default();
    assert_eq!((answer.status, said), (200, "`text` has 70000 characters and may have 500"), "{answer:?}");
}

#[tokio::test]
async fn what_a_browser_sends_is_refused() {
    let rig = Rig::of(operator());
    let call = r#"{"jsonrpc":"2.0","id":7,"method":"system.status"}"#;
    for headers in [
        "Host: localhost\r\nOrigin: http://evil.example\r\n",
        "Host: localhost\r\nReferer: http://evil.example/\r\n",
        "Host: evil.example\r\n",
        "Host: localhost.evil.example:80\r\n",
        "Host: localhost\r\nHost: evil.example\r\n",
        "Host: localhost\r\nHost: localhost\r\n",
    ] {
        let answer = rig.http(headers, call).await;
        assert_eq!((answer.status, answer.code()), (403, &json!("not_allowed")), "{headers}: {answer:?}");
    }
    for (address, status) in [("http://evil.example/", 403), ("http://localhost/", 200)] {
        let head = "Host: localhost\r\nContent-Type: application/json\r\nConnection: close";
        let length = call.len();
        let request = format!("POST {address} HTTP/1.1\r\n{head}\r\nContent-Length: {length}\r\n\r\n{call}");
        assert_eq!(rig.raw(&request).await.status, status, "{address}");
    }
    for headers in ["Host: localhost:80\r\n", "Host: monzod\r\n", "Host:\r\n"] {
        let answer = rig.http(headers, call).await;
        assert_eq!(answer.status, 200, "{headers}: {answer:?}");
    }
}

#[tokio::test]
async fn a_viewer_may_not_do_what_operators_do() {
    let mut rig = Rig::of(viewer());
    assert_eq!(rig.call("sync.start").await["error"]["data"]["code"], "not_allowed");
    rig.now_comes(operator());
    rig.go.notify_one();
    assert_eq!(rig.call("sync.start").await["result"], "done");
    let audited = rig.audited.recv().await.expect("an operator's call is audited");
    let expected =
        Audited { uid: 1001, pid: None, method: "sync.start".to_owned(), outcome: "ok".to_owned() };
    assert_eq!(audited, expected);
    assert!(rig.audited.try_recv().is_err(), "a viewer's calls are not");
}

#[tokio::test]
async fn what_is_not_in_the_table_does_not_exist() {
    let rig = Rig::of(operator());
    for method in ["not.permitted", "not.there"] {
        let error = &rig.call(method).await["error"];
        assert_eq!(
            (&error["code"], &error["data"]["code"]),
            (&json!(-32601), &json!("not_found")),
            "{method}"
        );
    }
}

#[tokio::test]
async fn a_panic_is_answered_and_the_connection_goes_on() {
    let rig = Rig::of(viewer());
    let client = rig.websocket().await.expect("a viewer may connect");
    let error = client.request::<Value, _>("system.version", rpc_params![]).await.expect_err("it panics");
    assert_eq!(code(&error), "internal");
    assert!(!format!("{error:?}").contains("mistake"), "{error:?}");
    let _: Value = client.request("system.status", rpc_params![]).await.expect("the connection is usable");
    assert!(rig.metrics.page().contains("monzod_rpc_panics_total 1"));
}

#[tokio::test]
async fn a_call_that_takes_too_long_is_given_up_and_an_operators_goes_on() {
    let mut rig = Rig::with(operator(), config::Rpc::default(), Duration::from_millis(20));
    assert_eq!(rig.call("system.check").await["error"]["data"]["code"], "timed_out");
    assert_eq!(rig.call("sync.start").await["error"]["data"]["code"], "timed_out");
    assert!(rig.audited.try_recv().is_err(), "it is not over");
    rig.go.notify_one();
    assert_eq!(rig.audited.recv().await.map(|call| call.outcome).as_deref(), Some("ok"));
}

#[tokio::test]
async fn hanging_up_cancels_nothing_that_an_operator_asked_for() {
    let mut rig = Rig::of(operator());
    let client = rig.websocket().await.expect("an operator may connect");
    let call = tokio::spawn(async move { client.request::<Value, _>("sync.start", rpc_params![]).await });
    rig.entered.notified().await;
    call.abort();
    let _ = call.await;
    rig.go.notify_one();
    assert_eq!(rig.audited.recv().await.map(|call| call.outcome).as_deref(), Some("ok"));
    rig.tasks.close();
    rig.tasks.wait().await;
}

#[tokio::test]
async fn each_entry_of_a_batch_passes_the_middleware() {
    let rig = Rig::of(viewer());
    let batch = json!([
        {"jsonrpc": "2.0", "id": 1, "method": "system.status"},
        {"jsonrpc": "2.0", "id": 2, "method": "sync.start"},
        {"jsonrpc": "2.0", "method": "system.status"},
        {"jsonrpc": "2.0", "id": 3, "method": "not.there"},
    ]);
    let answer = rig.http("Host: localhost\r\n", &batch.to_string()).await.body;
    assert_eq!(answer.as_array().map(Vec::len), Some(3), "{answer}");
    assert_eq!(answer[0]["result"]["fine"], true);
    assert_eq!(answer[1]["error"]["data"]["code"], "not_allowed");
    assert_eq!(answer[2]["error"]["data"]["code"], "not_found");
    let many: Vec<_> =
        (0..51).map(|id| json!({"jsonrpc": "2.0", "id": id, "method": "system.status"})).collect();
    let answer = rig.http("Host: localhost\r\n", &json!(many).to_string()).await.body;
    assert_eq!(answer["error"]["code"], -32010, "{answer}");
}

#[tokio::test]
async fn errors_of_the_library_get_our_codes_too() {
    let rig = Rig::of(viewer());
    let error = &rig.call("transactions.get").await["error"];
    assert_eq!(
        (&error["code"], &error["data"]["code"]),
        (&json!(-32602), &json!("invalid_params")),
        "{error}"
    );
    let error = &rig.call("events.subscribe").await["error"];
    assert_eq!(error["data"]["code"], "invalid_params");
    assert!(error["message"].as_str().is_some_and(|text| text.contains("WebSocket")), "{error}");
}

#[tokio::test]
async fn a_request_that_is_too_large_is_refused() {
    let limits = config::Rpc {
        max_request: config::ByteSize::parse("64KiB").expect("a size"),
        ..config::Rpc::default()
    };
    let rig = Rig::with(viewer(), limits, Duration::from_secs(30));
    let answer = rig.http("Host: localhost\r\n", &"x".repeat(65 * 1024)).await;
    assert_eq!((answer.status, answer.code()), (413, &json!("invalid_params")), "{answer:?}");
}

#[tokio::test]
async fn in_rescue_only_what_repairs_is_served() {
    let rig = Rig::of(operator());
    rig.mode.send_replace(Mode::Rescue);
    assert_eq!(rig.call("system.status").await["result"]["fine"], true);
    let error = &rig.call("sync.start").await["error"];
    assert_eq!(error["data"]["code"], "rescue");
    assert!(error["data"]["hint"].as_str().is_some_and(|hint| hint.contains("monzoctl status")), "{error}");
}

#[tokio::test]
async fn calls_beyond_the_limit_are_told_to_come_back() {
    let limits = config::Rpc { max_calls: 1, ..config::Rpc::default() };
    let rig = Rig::with(operator(), limits, Duration::from_secs(30));
    let client = Arc::new(rig.websocket().await.expect("an operator may connect"));
    let busy = Arc::clone(&client);
    let first = tokio::spawn(async move { busy.request::<Value, _>("sync.start", rpc_params![]).await });
    rig.entered.notified().await;
    let error = client.request::<Value, _>("system.status", rpc_params![]).await.expect_err("one is at work");
    assert_eq!(code(&error), "busy");
    rig.go.notify_one();
    first.await.expect("no panic").expect("the first is answered");
    let _: Value = client.request("system.status", rpc_params![]).await.expect("and then others");
}

fn event(id: i64) -> Event {
    Event {
        id,
        at: jiff::Timestamp::UNIX_EPOCH,
        kind: "restored".to_owned(),
        severity: Severity::Note,
        message: "x".repeat(64 * 1024),
        account_id: None,
        pot_id: None,
        transaction_id: None,
        sync_id: None,
        rule: None,
        run_id: None,
    }
}

async fn follow(client: &WsClient) -> Subscription<Event> {
    client
        .subscribe("events.subscribe", rpc_params![], "events.unsubscribe")
        .await
        .expect("viewers may listen")
}

#[tokio::test]
async fn events_reach_those_who_listen_and_a_stop_ends_them_at_once() {
    let rig = Rig::of(viewer());
    let client = rig.websocket().await.expect("a viewer may connect");
    let mut events = follow(&client).await;
    drop(rig.hub.teller().send(event(1)));
    let heard = events.next().await.expect("it goes on").expect("an event");
    assert_eq!(heard.id, 1);
    rig.stop.cancel();
    assert!(events.next().await.is_none(), "a stop ends subscriptions");
    rig.running.await.expect("the server ends well");
}

#[tokio::test]
async fn subscriptions_of_a_connection_are_bounded() {
    let limits = config::Rpc { max_subscriptions: 1, ..config::Rpc::default() };
    let rig = Rig::with(viewer(), limits, Duration::from_secs(30));
    let client = rig.websocket().await.expect("a viewer may connect");
    let _held = follow(&client).await;
    let refused: Result<Subscription<Event>, _> =
        client.subscribe("events.subscribe", rpc_params![], "events.unsubscribe").await;
    assert_eq!(code(&refused.expect_err("one is enough")), "busy");
}

#[tokio::test]
async fn a_listener_that_does_not_read_is_told_and_let_go() {
    let rig = Rig::of(viewer());
    let mut stream = rig.connect().await;
    let upgrade = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(upgrade.as_bytes()).await.expect("the server reads");
    let mut head = [0_u8; 4096];
    let _ = stream.read(&mut head).await.expect("an answer");
    stream.write_all(&masked(r#"{"jsonrpc":"2.0","id":1,"method":"events.subscribe"}"#)).await.expect("sent");
    let _ = stream.read(&mut head).await.expect("the subscription's id");
    // Each one is more than the socket and the connection's buffer hold, so that the ring overtakes the listener.
    for id in 0..2_000 {
        drop(rig.hub.teller().send(event(id)));
        tokio::task::yield_now().await;
    }
    let mut seen = Vec::new();
    let mut buffer = vec![0_u8; 1 << 20];
    while !contains(&seen, b"were missed") {
        let read = stream.read(&mut buffer).await.expect("the connection lives");
        assert!(read > 0, "the connection ended without a reason");
        // The reason is short: keeping the last few bytes suffices.
        seen.drain(..seen.len().saturating_sub(1024));
        seen.extend_from_slice(&buffer[..read]);
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// A text frame as clients send it, masked with zeros.
fn masked(text: &str) -> Vec<u8> {
    let length = u8::try_from(text.len()).expect("a short text");
    assert!(length < 126);
    let mut frame = vec![0x81, 0x80 | length, 0, 0, 0, 0];
    frame.extend_from_slice(text.as_bytes());
    frame
}

#[tokio::test]
async fn calls_in_flight_are_answered_before_a_stop() {
    let rig = Rig::of(operator());
    let client = Arc::new(rig.websocket().await.expect("an operator may connect"));
    let over_websocket = Arc::clone(&client);
    let call =
        tokio::spawn(async move { over_websocket.request::<Value, _>("sync.start", rpc_params![]).await });
    rig.entered.notified().await;
    rig.stop.cancel();
    rig.go.notify_one();
    assert_eq!(call.await.expect("no panic").expect("answered"), json!("done"));
    rig.running.await.expect("the server ends well");
}

#[tokio::test]
async fn a_changed_role_closes_the_connection_and_no_other() {
    let rig = Rig::of(viewer());
    let ada = rig.websocket().await.expect("a viewer may connect");
    rig.now_comes(operator());
    let bob = rig.websocket().await.expect("an operator may connect");
    rig.grants.send_modify(|grants| grants.add(&[("ada".to_owned(), Role::Operator)]));
    ada.on_disconnect().await;
    let _: Value = bob.request("system.status", rpc_params![]).await.expect("nothing changed for bob");
}
