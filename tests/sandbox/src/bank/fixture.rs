//! A bank and a client of it, for the tests of every rule.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::message::{Answer, Method, Outcome, Request};
use super::settings::{CLIENT_ID, CLIENT_SECRET, Settings};
use super::{Bank, life::Fate};
use crate::control::Spend;

/// The instant at which all tests begin: a Tuesday afternoon.
pub fn start() -> Timestamp {
    "2026-11-24T13:00:00Z".parse().expect("an instant")
}

/// A client with its tokens.
pub struct Till {
    pub bank: Bank,
    pub now: Timestamp,
    pub access: String,
    pub refresh: String,
}

impl Till {
    /// Not signed in.
    pub fn new(settings: Settings) -> Self {
        Self { now: settings.now, bank: Bank::new(settings), access: String::new(), refresh: String::new() }
    }

    /// Signed in and approved at a small bank.
    pub fn small() -> Self {
        let mut till = Self::new(Settings::minimal(start()));
        till.sign_in();
        till.bank.approve();
        till
    }

    /// Signed in and approved at a bank with its whole history.
    pub fn whole() -> Self {
        let mut till = Self::new(Settings::new(start()));
        till.sign_in();
        till.bank.approve();
        till
    }

    pub fn sign_in(&mut self) {
        let code = self.code();
        let (status, body) = self.exchange(&code);
        assert_eq!(status, 200, "{body}");
        self.keep(&body);
    }

    pub fn code(&mut self) -> String {
        self.bank.pass(self.now);
        let redirect = "redirect_uri=http://localhost:9/cb";
        let address = format!("/?client_id={CLIENT_ID}&response_type=code&state=s&{redirect}");
        let back = self.bank.sign_in(&address, None, None).expect("signed in");
        back.split(['=', '&']).nth(1).expect("a code").to_owned()
    }

    pub fn exchange(&mut self, code: &str) -> (u16, Value) {
        let request =
            token("authorization_code").form("redirect_uri", "http://localhost:9/cb").form("code", code);
        self.send(&request)
    }

    pub fn renew(&mut self) -> (u16, Value) {
        let request = token("refresh_token").form("refresh_token", self.refresh.clone());
        self.send(&request)
    }

    pub fn keep(&mut self, body: &Value) {
        let text = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
        (self.access, self.refresh) = (text("access_token"), text("refresh_token"));
    }

    pub fn send(&mut self, request: &Request) -> (u16, Value) {
        let answer = self.answer(request);
        (answer.status, answer.value())
    }

    pub fn answer(&mut self, request: &Request) -> Answer {
        match self.bank.handle(request, self.now) {
            Outcome::Answer(answer) => answer,
            outcome => panic!("there is no answer: {outcome:?}"),
        }
    }

    pub fn get(&mut self, path: &str, query: &[(&str, &str)]) -> (u16, Value) {
        let mut request = Request::new(Method::Get, path).bearer(self.access.clone());
        for (key, value) in query {
            request = request.query(key, *value);
        }
        self.send(&request)
    }

    pub fn move_money(&mut self, pot: usize, direction: &str, amount: &str, key: &str) -> (u16, Value) {
        let pot = &self.bank.world.pots[pot];
        let account = self.bank.world.accounts[pot.account].id.clone();
        let field = if direction == "deposit" { "source_account_id" } else { "destination_account_id" };
        let request = Request::new(Method::Put, format!("/pots/{}/{direction}", pot.id))
            .bearer(self.access.clone())
            .form(field, account)
            .form("amount", amount)
            .form("dedupe_id", key);
        self.send(&request)
    }

    /// Lines of a page; fails unless it is one.
    pub fn page(&mut self, account: usize, query: &[(&str, &str)]) -> Vec<Value> {
        let (status, body) = self.list(account, query);
        assert_eq!(status, 200, "{body}");
        body["transactions"].as_array().expect("a list").clone()
    }

    pub fn list(&mut self, account: usize, query: &[(&str, &str)]) -> (u16, Value) {
        let id = self.bank.world.accounts[account].id.clone();
        let mut all = vec![("account_id", id.as_str())];
        all.extend_from_slice(query);
        self.get("/transactions", &all)
    }

    /// A pending payment of a known amount.
    pub fn buy(&mut self, amount: i64, fate: Fate) -> String {
        self.bank.pass(self.now);
        let order = Spend { amount: Some(amount), fate: Some(fate), ..Spend::default() };
        self.bank.spend(&order).expect("bought").remove(0)
    }

    pub fn pass(&mut self, by: SignedDuration) {
        self.now = self.now.checked_add(by).expect("in range");
        self.bank.pass(self.now);
    }

    pub fn days(&mut self, days: i64) {
        self.pass(SignedDuration::from_hours(24 * days));
    }
}

pub fn token(grant: &str) -> Request {
    Request::new(Method::Post, "/oauth2/token")
        .form("grant_type", grant)
        .form("client_id", CLIENT_ID)
        .form("client_secret", CLIENT_SECRET)
}

/// Checks status and code of a refusal.
pub fn refused((status, body): &(u16, Value), expected: u16, code: &str) {
    assert_eq!((*status, body["code"].as_str().unwrap_or_default()), (expected, code), "{body}");
}
