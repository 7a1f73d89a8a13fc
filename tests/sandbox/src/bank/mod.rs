//! The simulated bank: a pure state machine, from a request and an instant to what comes of it.
//!
//! No sockets, no clock, no randomness but its seed's. Books are kept in double entry ([`World`]), a life goes on in
//! them ([`life`]), logins are as the real bank's ([`oauth`]), and what goes wrong is decided first ([`faults`]).
//! The rules are those of monzo-api.md; where nobody knows, [`Switches`] has the variants.

mod accounts;
pub mod clock;
pub mod faults;
mod feed;
#[cfg(test)]
mod fixture;
pub mod ids;
pub mod life;
mod message;
mod moves;
pub mod oauth;
pub mod people;
mod render;
pub mod row;
mod settings;
mod transactions;
pub mod world;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::json;

use clock::Ms;
use faults::{Fault, Faults};
use life::Life;
use oauth::{Caller, Logins};
use world::World;

pub use feed::Item;
pub use message::{Answer, Method, Outcome, Pace, Refusal, Reply, Request};
pub use settings::{CLIENT_ID, CLIENT_SECRET, Lapse, RefusalStyle, Settings, Switches, Whoami};

/// Requests that the log keeps; older ones are only counted. Taste.
const LOG: usize = 50_000;

/// A request that was answered, or not.
#[derive(Debug, Clone)]
pub struct Logged {
    /// When, by the bank's clock.
    pub at: Ms,
    /// The endpoint's name.
    pub endpoint: &'static str,
    /// The account that was asked for, or `since`, for reading tests.
    pub detail: String,
    /// The status; 0 where there was no answer.
    pub status: u16,
    /// What struck it.
    pub fault: Option<Fault>,
}

/// A bank.
#[derive(Debug, Clone)]
pub struct Bank {
    /// How it was founded.
    pub settings: Settings,
    /// What can be changed while it runs.
    pub switches: Switches,
    /// What goes wrong.
    pub faults: Faults,
    /// The books.
    pub world: World,
    /// What goes on in them.
    pub life: Life,
    /// The feed of the app.
    pub feed: Vec<Item>,
    /// How often each endpoint was asked.
    pub counts: BTreeMap<&'static str, u64>,
    /// What was asked, oldest first.
    pub log: std::collections::VecDeque<Logged>,
    logins: Logins,
    now: Ms,
}

impl Bank {
    /// Founds a bank, with its history.
    pub fn new(settings: Settings) -> Self {
        let now = settings.now.as_millisecond();
        let mut world = World::new(settings.seed);
        let life = if settings.tiny {
            Life::minimal(&mut world, settings.seed, now)
        } else {
            Life::new(&mut world, settings.seed, now, settings.years, settings.rows)
        };
        let mut bank = Self {
            switches: Switches { lively: settings.lively, ..Switches::default() },
            settings,
            faults: Faults::none(),
            world,
            life,
            feed: Vec::new(),
            counts: BTreeMap::new(),
            log: std::collections::VecDeque::new(),
            logins: Logins::default(),
            now,
        };
        bank.life.set_lively(bank.switches.lively, now);
        bank
    }

    /// The bank's time.
    pub fn now(&self) -> Timestamp {
        clock::instant(self.now)
    }

    /// Lets time pass, never back, and everything happen that is due.
    pub fn pass(&mut self, now: Timestamp) {
        self.now = self.now.max(now.as_millisecond());
        self.approve_due();
        self.life.run(&mut self.world, self.now);
    }

    /// Changes the switches.
    pub fn switch(&mut self, switches: Switches) {
        self.life.set_lively(switches.lively, self.now);
        self.switches = switches;
    }

    /// What comes of a request at an instant.
    pub fn handle(&mut self, request: &Request, now: Timestamp) -> Outcome {
        self.pass(now);
        let endpoint = endpoint(request);
        let fault = self.faults.strike(endpoint);
        let mut outcome = match fault.and_then(|fault| faults::instead(fault, self.now)) {
            Some(outcome) => outcome,
            None => self.consider(endpoint, request, fault),
        };
        if let Outcome::Answer(answer) = &mut outcome {
            answer.date = clock::http_date(self.now);
            answer.delay += self.settings.latency;
        }
        self.record(endpoint, request, &outcome, fault);
        outcome
    }

    /// Looks at a request, and spoils the answer where a fault says so.
    fn consider(&mut self, endpoint: &'static str, request: &Request, fault: Option<Fault>) -> Outcome {
        let mut answer = match self.answer(endpoint, request) {
            Ok(body) => Answer::json(200, &body),
            Err(refusal) => Answer::json(refusal.status, &refusal.body),
        };
        if self.switches.unknown_fields {
            faults::rewrite(&mut answer, faults::unknown_fields);
        }
        if self.switches.malformed_record {
            faults::rewrite(&mut answer, faults::malformed_record);
        }
        let continues = request.asked("since").is_some_and(|since| since.starts_with("tx_"));
        if self.switches.false_empty_page && continues && answer.status == 200 {
            return faults::spoil(Fault::FalseEmptyPage, answer);
        }
        let refreshed = endpoint == "token" && request.given("grant_type") == Some("refresh_token");
        if refreshed && answer.status == 200 && std::mem::take(&mut self.switches.refresh_answer_lost) {
            return Outcome::Reset { committed: true };
        }
        match fault {
            Some(fault) => faults::spoil(fault, answer),
            None => Outcome::Answer(answer),
        }
    }

    fn answer(&mut self, endpoint: &'static str, request: &Request) -> Reply {
        if request.accept.as_deref().is_some_and(|accept| !accepts_json(accept)) {
            return Err(Refusal::new(406, "bad_response.not_acceptable", "Only JSON is spoken here"));
        }
        let path: Vec<&str> = request.path.trim_matches('/').split('/').collect();
        match endpoint {
            "token" => return self.token(request),
            "logout" => return self.logout(request),
            "whoami" => return self.whoami(request),
            "unknown" => return Err(unknown(request, &path)),
            _ => {}
        }
        let caller: Caller = self.caller(request)?;
        let name = path.get(1).copied().unwrap_or_default();
        match endpoint {
            "accounts" => self.accounts(caller, request),
            "balance" => self.balance(caller, request),
            "pots" => self.pots(caller, request),
            "transactions" => self.transactions(caller, request),
            "transaction" => self.transaction(caller, name, request),
            "annotate" => self.annotate(caller, name, request),
            "deposit" => self.move_money(caller, name, false, request),
            "withdraw" => self.move_money(caller, name, true, request),
            "feed" => self.post_feed(caller, request),
            _ => Err(unknown(request, &path)),
        }
    }

    fn record(&mut self, endpoint: &'static str, request: &Request, outcome: &Outcome, fault: Option<Fault>) {
        *self.counts.entry(endpoint).or_default() += 1;
        let status = match outcome {
            Outcome::Answer(answer) => answer.status,
            Outcome::Hang { .. } | Outcome::Reset { .. } => 0,
        };
        let told = ["account_id", "current_account_id", "since", "before"];
        let told =
            told.into_iter().filter_map(|key| request.asked(key).map(|value| format!("{key}={value}")));
        let detail = told.chain(request.given("grant_type").map(str::to_owned)).collect::<Vec<_>>().join("&");
        if self.log.len() == LOG {
            self.log.pop_front();
        }
        self.log.push_back(Logged { at: self.now, endpoint, detail, status, fault });
    }
}

/// The name of what is asked for, as counted and as faults name it.
pub fn endpoint(request: &Request) -> &'static str {
    let path: Vec<&str> = request.path.trim_matches('/').split('/').collect();
    match (request.method, path.as_slice()) {
        (Method::Post, ["oauth2", "token"]) => "token",
        (Method::Post, ["oauth2", "logout"]) => "logout",
        (Method::Get, ["ping", "whoami"]) => "whoami",
        (Method::Get, ["accounts"]) => "accounts",
        (Method::Get, ["balance"]) => "balance",
        (Method::Get, ["pots"]) => "pots",
        (Method::Put, ["pots", _, "deposit"]) => "deposit",
        (Method::Put, ["pots", _, "withdraw"]) => "withdraw",
        (Method::Get, ["transactions"]) => "transactions",
        (Method::Get, ["transactions", _]) => "transaction",
        (Method::Patch, ["transactions", _]) => "annotate",
        (Method::Post, ["feed"]) => "feed",
        _ => "unknown",
    }
}

/// 404 for a path that is none, 405 for a method that it does not have.
fn unknown(request: &Request, path: &[&str]) -> Refusal {
    let known = matches!(
        path,
        ["oauth2", "token" | "logout"]
            | ["ping", "whoami"]
            | ["accounts" | "balance" | "pots" | "transactions" | "feed"]
            | ["transactions", _]
            | ["pots", _, "deposit" | "withdraw"]
    );
    let params = json!({"path": request.path});
    let (status, code) = if known { (405, "bad_request.method_not_allowed") } else { (404, "not_found") };
    let body = json!({"code": code, "message": "No such endpoint", "params": params, "retryable": {}});
    Refusal { status, body }
}

fn accepts_json(accept: &str) -> bool {
    let mut kinds = accept.split(',').map(|kind| kind.split(';').next().unwrap_or_default().trim());
    kinds.any(|kind| matches!(kind, "" | "*/*" | "application/*" | "application/json"))
}
