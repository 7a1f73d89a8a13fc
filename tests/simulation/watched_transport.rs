//! The transport to the bank, watched: what is sent must be stored first, and must be allowed.
//!
//! Here scenarios strike: a death before or after a request, a fault, or the person with the phone in their hand.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use monzo_sandbox::bank::Bank;
use monzo_sandbox::bank::faults::{Fault, Rule};
use monzo_sandbox::transport::Simulated;
use monzod::monzo::{Boxed, Failure, Method, Request, Response, Transport};
use rusqlite::Connection;
use secrecy::ExposeSecret;

use crate::crash_plan::CrashPlan;
use crate::invariants;
use crate::memory::Memory;
use crate::notes::Notes;

/// What happens around a request: its number and endpoint, and the bank; answers what goes wrong with it.
pub type Weather = dyn FnMut(u64, &str, &mut Bank) -> Option<Fault> + Send;

/// What a scenario shares with all its doors.
#[derive(Clone)]
pub struct Watch {
    pub notes: Notes,
    pub memory: Arc<Mutex<Memory>>,
    pub weather: Arc<Mutex<Option<Box<Weather>>>>,
}

impl Watch {
    pub fn new() -> Self {
        Self { notes: Notes::default(), memory: Arc::default(), weather: Arc::default() }
    }

    pub fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn set_weather(&self, weather: Option<Box<Weather>>) {
        *self.weather.lock().unwrap_or_else(PoisonError::into_inner) = weather;
    }
}

/// An order to move money, as it leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    pub pot: String,
    pub withdraw: bool,
    pub account: String,
    pub amount: i64,
    pub key: String,
}

/// The door of one life.
pub struct WatchedTransport {
    bank: Simulated,
    fate: Arc<CrashPlan>,
    watch: Watch,
    connection: Mutex<Connection>,
}

impl WatchedTransport {
    /// A door to `bank` for a daemon whose database is at `path`.
    pub fn new(bank: Simulated, fate: Arc<CrashPlan>, watch: Watch, path: &Path) -> Self {
        let connection = Mutex::new(invariants::open(path));
        Self { bank, fate, watch, connection }
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Timestamp {
        self.bank.bank().now()
    }

    /// What a request meets on its way, before the bank has it.
    fn meets(&self, number: u64, request: &Request) {
        let name = endpoint(request);
        let fault = match &mut *self.watch.weather.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(weather) => weather(number, name, &mut self.bank.bank()),
            None => None,
        };
        let mut bank = self.bank.bank();
        match fault {
            Some(fault) => bank.set_faults(vec![Rule::nth(fault, 1)], 0),
            None => bank.clear_faults(),
        }
        if let Some(fault) = fault {
            let now = bank.now();
            self.watch.notes.note(now, &format!("{} strikes the next", fault.name()));
        }
    }

    fn leaves(&self, request: &Request) {
        let connection = self.connection();
        match order(request) {
            Some(order) => invariants::may_leave(&connection, &order, &self.bank.bank(), &self.watch),
            None => {
                let now = self.now();
                self.watch.memory().asked(&connection, now);
            }
        }
    }

    fn arrived(&self, request: &Request, answer: &Result<Response, Failure>) {
        let told = match answer {
            Ok(response) => response.status.to_string(),
            Err(failure) => failure.to_string(),
        };
        self.watch.notes.note(self.now(), &format!("{} -> {told}", shown(request)));
        let mut memory = self.watch.memory();
        match (endpoint(request), answer) {
            ("balance", Ok(response)) if response.status == 200 => {
                memory.told(serde_json::from_slice(&response.body).ok());
            }
            ("deposit" | "withdraw", Ok(response)) if response.status == 401 => {}
            ("deposit" | "withdraw", _) => memory.stale(),
            _ => {}
        }
    }
}

impl Transport for WatchedTransport {
    fn send(&self, request: Request) -> Boxed<'_, Result<Response, Failure>> {
        Box::pin(async move {
            let Some(number) = self.fate.leaving() else { return std::future::pending().await };
            self.meets(number, &request);
            self.leaves(&request);
            let answer = self.bank.send(request.clone()).await;
            self.arrived(&request, &answer);
            if self.fate.arriving(number) { answer } else { std::future::pending().await }
        })
    }
}

/// What a request is for.
pub fn endpoint(request: &Request) -> &'static str {
    match request.path.as_str() {
        "/balance" => "balance",
        "/pots" => "pots",
        "/accounts" => "accounts",
        "/transactions" => "transactions",
        "/oauth2/token" => "token",
        path if path.ends_with("/deposit") => "deposit",
        path if path.ends_with("/withdraw") => "withdraw",
        _ => "other",
    }
}

fn shown(request: &Request) -> String {
    match order(request) {
        Some(order) => {
            let way = if order.withdraw { "withdraw" } else { "deposit" };
            format!("{way} {} {} {}", order.amount, order.pot, order.key)
        }
        None => {
            let about: Vec<&str> = request.query.iter().map(|(_, value)| value.as_str()).collect();
            format!("{} {}", request.path, about.join(" "))
        }
    }
}

fn order(request: &Request) -> Option<Order> {
    let withdraw = match (request.method, endpoint(request)) {
        (Method::Put, "withdraw") => true,
        (Method::Put, "deposit") => false,
        _ => return None,
    };
    let form = request.form.as_ref()?.expose_secret().as_bytes().to_vec();
    let given = |key: &str| {
        let mut pairs = form_urlencoded::parse(&form);
        pairs.find(|(name, _)| name == key).map(|(_, value)| value.into_owned()).unwrap_or_default()
    };
    let account = given(if withdraw { "destination_account_id" } else { "source_account_id" });
    Some(Order {
        pot: request.path.split('/').nth(2).unwrap_or_default().to_owned(),
        withdraw,
        account,
        amount: given("amount").parse().unwrap_or(0),
        key: given("dedupe_id"),
    })
}
