//! The simulated bank: a pure state machine, from a request and an instant to what comes of it.
//!
//! No sockets, no clock, no randomness but its seed's. Books are kept in double entry ([`World`]), a life goes on in
//! them ([`life`]), logins are as the real bank's ([`oauth`]), and what goes wrong is decided first ([`faults`]).
//! The rules are those of monzo/README.md, How the bank behaves; where nobody knows, [`Switches`] has the variants.

mod accounts;
pub mod clock;
pub mod faults;
mod feed;
#[cfg(test)]
pub(crate) mod fixture;
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
pub mod webhooks;
pub mod world;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::json;

use clock::Ms;
use faults::{Fault, Faults};
use life::Life;
use oauth::{Caller, Logins};
use webhooks::Webhooks;
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
    webhooks: Webhooks,
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
            webhooks: Webhooks::default(),
            now,
        };
        bank.announce();
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
        self.life.by_hand = switches.by_hand;
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
            answer.date = clock::http_date(self.now.saturating_add(self.switches.date_ahead_ms));
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
        if self.switches.half_characters {
            faults::half_characters(&mut answer);
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
            "webhook-new" => self.register_webhook(caller, request),
            "webhooks" => self.list_webhooks(caller, request),
            "webhook-gone" => self.delete_webhook(caller, name),
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
        (Method::Post, ["webhooks"]) => "webhook-new",
        (Method::Get, ["webhooks"]) => "webhooks",
        (Method::Delete, ["webhooks", _]) => "webhook-gone",
        _ => "unknown",
    }
}

/// 404 for a path that is none, 405 for a method that it does not have.
fn unknown(request: &Request, path: &[&str]) -> Refusal {
    let known = matches!(
        path,
        ["oauth2", "token" | "logout"]
            | ["ping", "whoami"]
            | ["accounts" | "balance" | "pots" | "transactions" | "feed" | "webhooks"]
            | ["transactions" | "webhooks", _]
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

#[cfg(test)]
mod tests {
    use super::fixture::{Till, refused};
    use super::*;
    use faults::Rule;

    #[test]
    fn paths_and_methods_that_are_none_are_refused() {
        let mut till = Till::small();
        let check = |till: &mut Till, method, path: &str, expected: u16| {
            let request = Request::new(method, path).bearer(till.access.clone());
            assert_eq!(till.send(&request).0, expected, "{method:?} {path}");
        };
        check(&mut till, Method::Get, "/accounts/acc_1", 404);
        check(&mut till, Method::Get, "/pots/pot_1", 404);
        check(&mut till, Method::Get, "/nothing", 404);
        check(&mut till, Method::Post, "/accounts", 405);
        check(&mut till, Method::Get, "/pots/pot_1/deposit", 405);
        let mut request = Request::new(Method::Get, "/accounts").bearer(till.access.clone());
        request.accept = Some("text/html".to_owned());
        refused(&till.send(&request), 406, "bad_response.not_acceptable");
        request.accept = Some("text/html, */*;q=0.1".to_owned());
        assert_eq!(till.send(&request).0, 200);
    }

    #[test]
    fn every_answer_tells_the_banks_time() {
        let mut till = Till::small();
        let request = Request::new(Method::Get, "/accounts").bearer(till.access.clone());
        assert_eq!(till.answer(&request).date, "Tue, 24 Nov 2026 13:00:00 GMT");
        till.days(1);
        assert_eq!(till.answer(&request).date, "Wed, 25 Nov 2026 13:00:00 GMT");
    }

    fn strike(fault: Fault) -> (Till, Outcome, usize) {
        let mut till = Till::small();
        till.bank.set_faults(vec![Rule::nth(fault, 1).at("deposit")], 0);
        let pot = &till.bank.world.pots[0];
        let request = Request::new(Method::Put, format!("/pots/{}/deposit", pot.id))
            .bearer(till.access.clone())
            .form("source_account_id", till.bank.world.accounts[pot.account].id.clone())
            .form("amount", "100")
            .form("dedupe_id", "k");
        let before = till.bank.world.transfers.len();
        let outcome = till.bank.handle(&request, till.now);
        let moved = till.bank.world.transfers.len() - before;
        (till, outcome, moved)
    }

    #[test]
    fn faults_strike_before_the_move_or_after_it_as_their_names_say() {
        let check = |fault, status: u16, moved: usize| {
            let (_, outcome, found) = strike(fault);
            let answered = if let Outcome::Answer(answer) = &outcome { answer.status } else { 0 };
            assert_eq!((answered, found), (status, moved), "{fault:?}: {outcome:?}");
        };
        check(Fault::Internal, 500, 0);
        check(Fault::Gateway, 502, 0);
        check(Fault::Timeout, 504, 0);
        check(Fault::TimeoutAfter, 504, 1);
        check(Fault::RateLimit, 429, 0);
        check(Fault::Hang, 0, 0);
        check(Fault::HangAfter, 0, 1);
        check(Fault::ResetBefore, 0, 0);
        check(Fault::ResetAfter, 0, 1);
        check(Fault::EmptyBody, 200, 1);
        check(Fault::TruncatedBody, 200, 1);
        check(Fault::SlowBody, 200, 1);
        check(Fault::MissingKey, 200, 1);
        check(Fault::WrongTypes, 200, 1);
        check(Fault::HugeBody, 200, 1);
        for (fault, status) in [
            (Fault::RateLimitLong, 429),
            (Fault::Html200, 200),
            (Fault::Html400, 400),
            (Fault::Html403, 403),
            (Fault::Empty400, 400),
            (Fault::Empty401, 401),
            (Fault::Empty403, 403),
            (Fault::Redirect, 302),
            (Fault::Code400, 400),
            (Fault::Code401, 401),
            (Fault::Code403, 403),
        ] {
            check(fault, status, 0);
        }
    }

    #[test]
    fn rate_limits_say_when_to_come_back_or_do_not() {
        let check = |fault, expected: Option<&str>| {
            let (_, outcome, _) = strike(fault);
            let Outcome::Answer(answer) = outcome else { panic!("{fault:?} answers") };
            assert_eq!(answer.retry_after.as_deref(), expected, "{fault:?}");
        };
        check(Fault::RateLimit, None);
        check(Fault::RateLimitSeconds, Some("1"));
        check(Fault::RateLimitDate, Some("Tue, 24 Nov 2026 13:00:02 GMT"));
    }

    #[test]
    fn spoilt_successes_lack_what_they_should() {
        let mut till = Till::small();
        let check = |till: &mut Till, fault, spoilt: fn(&serde_json::Value) -> bool| {
            till.bank.set_faults(vec![Rule::nth(fault, 1).at("transactions")], 0);
            let (status, body) = till.list(0, &[]);
            assert!(status == 200 && spoilt(&body), "{fault:?}: {body}");
            let (_, body) = till.list(0, &[]);
            assert_eq!(body["transactions"].as_array().map(Vec::len), Some(4), "it struck once");
        };
        check(&mut till, Fault::EmptyBody, |body| body.is_null());
        check(&mut till, Fault::MissingKey, |body| body.get("transactions").is_none() && body.is_object());
        check(&mut till, Fault::FalseEmptyPage, |body| {
            body["transactions"].as_array().is_some_and(Vec::is_empty)
        });
        check(&mut till, Fault::UnknownFields, |body| body["transactions"][3]["x_new"].is_object());
        check(&mut till, Fault::MalformedRecord, |body| {
            let rows = body["transactions"].as_array().into_iter().flatten();
            rows.filter(|row| row["amount"].is_string()).count() == 1
        });
    }

    #[test]
    fn switches_sprinkle_unknown_fields_spoil_a_record_and_empty_pages() {
        let mut till = Till::small();
        till.bank.switches.unknown_fields = true;
        assert!(till.get("/accounts", &[]).1["accounts"][0]["owners"][0]["x_newer"].is_string());
        till.bank.switches.malformed_record = true;
        assert_eq!(till.list(0, &[]).1["transactions"][2]["amount"], "a lot");
        till.bank.switches = Switches { false_empty_page: true, ..Switches::default() };
        let rows = till.page(0, &[]);
        let id = rows[0]["id"].as_str().expect("an id").to_owned();
        assert!(rows.len() == 4 && till.page(0, &[("since", &id)]).is_empty());
        assert_eq!(till.bank.counts["transactions"], 3);
        assert!(till.bank.log.iter().any(|one| one.detail.contains(&id) && one.status == 200));
    }
}
