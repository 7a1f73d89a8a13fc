//! A daemon for tests: a real socket and the real protocol, with answers that a test gives it.

use std::collections::{HashMap, VecDeque};
use std::ffi::OsString;
use std::fmt::{self, Display};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use jsonrpsee::RpcModule;
use jsonrpsee::server::{Methods, Server, serve_with_graceful_shutdown, stop_channel};
use jsonrpsee::types::ErrorObjectOwned;
use monzo_common::api::METHODS;
use monzo_common::fault::{Fault, FaultKind};
use monzo_common::model::Version;
use serde::Serialize;
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::UnixListener;
use tokio::task::JoinHandle;

use crate::exit::Exit;
use crate::run_on;
use crate::terminal::Terminal;
use crate::view::fixture;

type Answer = Box<dyn FnMut(&Value) -> Result<Value, Fault> + Send>;

/// What the fake knows and has heard.
#[derive(Default)]
struct State {
    answers: HashMap<&'static str, Answer>,
    calls: Vec<String>,
    items: HashMap<&'static str, Vec<Value>>,
}

/// A daemon that answers as it was told.
pub(crate) struct Fake {
    state: Arc<Mutex<State>>,
    directory: TempDir,
}

/// How a command ended and what it printed.
pub(crate) struct Ran {
    pub(crate) exit: Exit,
    pub(crate) out: Vec<u8>,
    pub(crate) err: String,
}

impl Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let out = String::from_utf8_lossy(&self.out);
        write!(f, "exit {}\n--- out\n{out}--- err\n{}", self.exit.code(), self.err)
    }
}

fn to_value<T: Serialize>(value: &T) -> Value {
    serde_json::to_value(value).expect("the model serializes")
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Fake {
    /// A daemon that knows its version, and answers nothing else.
    pub(crate) fn new() -> Self {
        let directory = TempDir::new().expect("a directory");
        let fake = Self { state: Arc::default(), directory };
        fake.version_at(fixture::now())
    }

    /// The same, with this clock.
    pub(crate) fn version_at(self, now: Timestamp) -> Self {
        self.says(
            "system.version",
            &Version {
                version: monzo_common::VERSION.into(),
                pid: 1,
                schema: Some(1),
                now,
                zone: "Europe/London".into(),
                cycle: None,
            },
        )
    }

    /// The same, with an answer to a method.
    pub(crate) fn says<T: Serialize>(self, method: &'static str, answer: &T) -> Self {
        let answer = to_value(answer);
        self.on(method, move |_| Ok(answer.clone()))
    }

    /// The same, with answers one after the other; the last stays.
    pub(crate) fn says_in_turn<T: Serialize>(self, method: &'static str, answers: &[T]) -> Self {
        let mut answers: VecDeque<Value> = answers.iter().map(to_value).collect();
        self.on(method, move |_| {
            let next = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
            Ok(next.unwrap_or_default())
        })
    }

    /// The same, with a fault.
    pub(crate) fn fails(self, method: &'static str, kind: FaultKind, message: &str, hint: &str) -> Self {
        let fault = Fault::new(kind, message, hint);
        self.on(method, move |_| Err(fault.clone()))
    }

    /// The same, with an answer that depends on the arguments.
    pub(crate) fn on(
        self,
        method: &'static str,
        answer: impl FnMut(&Value) -> Result<Value, Fault> + Send + 'static,
    ) -> Self {
        lock(&self.state).answers.insert(method, Box::new(answer));
        self
    }

    /// The same, with what subscribers of `sync.subscribe` or `events.subscribe` are sent.
    pub(crate) fn sends<T: Serialize>(self, subscription: &'static str, items: &[T]) -> Self {
        lock(&self.state).items.insert(subscription, items.iter().map(to_value).collect());
        self
    }

    /// What was asked of it, a line a call; the version, which every command asks for, is left out.
    pub(crate) fn calls(&self) -> String {
        lock(&self.state).calls.iter().filter(|call| !call.starts_with("system.version")).cloned().collect()
    }

    /// A place for files of the test.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Runs a command line without terminal, with this standard input.
    pub(crate) async fn run(&self, line: &[&str], input: &str) -> Ran {
        self.run_with(line, input, &[], |_| {}).await
    }

    /// Runs what has no end until it has printed so many lines, and answers those.
    pub(crate) async fn run_until(&self, line: &[&str], lines: usize) -> String {
        let (server, out) = (self.serve(), Shared::default());
        let (terminal, reader) = (self.terminal(&out, &Shared::default(), "", &[]), out.clone());
        let enough = async move {
            while reader.peek().lines().count() < lines {
                tokio::task::yield_now().await;
            }
        };
        let exit = run_on(arguments(line), terminal, enough).await;
        server.abort();
        assert_eq!(exit, Exit::Done, "what has no end is ended by an interrupt");
        out.peek()
    }

    /// Runs what is interrupted at once, and answers what it says.
    pub(crate) async fn interrupt(&self, line: &[&str]) -> (Exit, String) {
        let err = Shared::default();
        let terminal = self.terminal(&Shared::default(), &err, "", &[]);
        let exit = run_on(arguments(line), terminal, std::future::ready(())).await;
        (exit, err.peek())
    }

    /// The same as [`run`](Self::run), with environment variables and changes to the terminal.
    pub(crate) async fn run_with(
        &self,
        line: &[&str],
        input: &str,
        env: &[(&str, &str)],
        change: impl FnOnce(&mut Terminal),
    ) -> Ran {
        let server = self.serve();
        let (out, err) = (Shared::default(), Shared::default());
        let mut terminal = self.terminal(&out, &err, input, env);
        change(&mut terminal);
        let exit = run_on(arguments(line), terminal, std::future::pending()).await;
        server.abort();
        let place = self.directory.path().display().to_string();
        let out = match String::from_utf8(out.take()) {
            Ok(text) => text.replace(&place, "DIR").into_bytes(),
            Err(bytes) => bytes.into_bytes(),
        };
        Ran { exit, out, err: err.peek().replace(&place, "DIR") }
    }

    fn terminal(&self, out: &Shared, err: &Shared, input: &str, env: &[(&str, &str)]) -> Terminal {
        let socket = ("MONZOD_SOCKET".to_owned(), self.file("monzod.sock").display().to_string());
        let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let input = io::Cursor::new(input.to_owned());
        Terminal::of_streams(out.clone(), err.clone(), input, env.chain([socket]).collect())
    }

    fn serve(&self) -> JoinHandle<()> {
        let socket = self.file("monzod.sock");
        let _ = std::fs::remove_file(&socket);
        let listener = UnixListener::bind(&socket).expect("a socket");
        tokio::spawn(serve(listener, self.methods()))
    }

    fn methods(&self) -> Methods {
        let mut module = RpcModule::from_arc(Arc::clone(&self.state));
        for declared in METHODS {
            let method = declared.name;
            if declared.subscription {
                continue;
            }
            let answered = module.register_method(method, move |params, state, _| {
                let params: Value = params.parse().unwrap_or_default();
                let mut state = lock(state);
                state.calls.push(match &params {
                    Value::Null => format!("{method}\n"),
                    params => format!("{method} {params}\n"),
                });
                let answer = state.answers.get_mut(method).map(|answer| answer(&params));
                answer
                    .unwrap_or_else(|| {
                        Err(Fault::new(
                            FaultKind::Internal,
                            format!("{method} was not expected"),
                            "tell the fake",
                        ))
                    })
                    .map_err(ErrorObjectOwned::from)
            });
            answered.expect("each method is registered once");
        }
        for (subscribe, item, unsubscribe) in [
            ("sync.subscribe", "sync.progress", "sync.unsubscribe"),
            ("events.subscribe", "events.event", "events.unsubscribe"),
        ] {
            let answered = module.register_subscription_raw(
                subscribe,
                item,
                unsubscribe,
                move |_, pending, state, _| {
                    let items = lock(&state).items.get(subscribe).cloned().unwrap_or_default();
                    tokio::spawn(async move {
                        let Ok(sink) = pending.accept().await else { return };
                        for item in items {
                            let Ok(item) = serde_json::value::to_raw_value(&item) else { return };
                            if sink.send(item).await.is_err() {
                                return;
                            }
                        }
                        sink.closed().await;
                    });
                },
            );
            answered.expect("each subscription is registered once");
        }
        module.into()
    }
}

fn arguments(line: &[&str]) -> impl Iterator<Item = OsString> {
    std::iter::once("monzoctl").chain(line.iter().copied()).map(Into::into)
}

async fn serve(listener: UnixListener, methods: Methods) {
    while let Ok((stream, _)) = listener.accept().await {
        let (stop, handle) = stop_channel();
        let service = Server::builder().to_service_builder().build(methods.clone(), stop.clone());
        tokio::spawn(async move {
            let _ = serve_with_graceful_shutdown(stream, service, stop.shutdown()).await;
            // The session goes on after the upgrade, until its side of the channel is gone.
            handle.stopped().await;
        });
    }
}

/// A buffer that both the terminal and the test hold.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Shared {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn peek(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
