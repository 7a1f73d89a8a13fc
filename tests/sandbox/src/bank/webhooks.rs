//! Webhooks: who is told of new lines, and what is still to be told (monzo/README.md, Webhooks).
//!
//! The bank only decides what is sent, when, and how often; a front sends it and says whether it arrived.

use serde_json::{Value, json};

use super::Bank;
use super::clock::{Ms, SECOND};
use super::message::{Refusal, Reply, Request};
use super::oauth::Caller;
use super::world::AccountKind;

/// A delivery is tried so often (monzo/README.md, Webhooks).
const ATTEMPTS: u32 = 5;

/// The wait after the first failure; doubles with each. Nobody knows the real one.
const BACKOFF: Ms = SECOND;

#[derive(Debug, Clone)]
struct Webhook {
    id: String,
    account: usize,
    url: String,
}

/// Something to be told.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// Where.
    pub url: String,
    /// What: `transaction.created`, with the merchant whole.
    pub body: Value,
    /// Not before.
    pub due: Ms,
    /// Counted from 1.
    pub attempt: u32,
}

/// Who wants to be told, and what is still to be told.
#[derive(Debug, Clone, Default)]
pub struct Webhooks {
    registered: Vec<Webhook>,
    given: usize,
    /// Lines before this one were told of, or were there before.
    told: usize,
    outbox: Vec<Delivery>,
}

impl Bank {
    /// `POST /webhooks`: the same address again is a second webhook.
    pub(super) fn register_webhook(&mut self, caller: Caller, request: &Request) -> Reply {
        let id = request.given("account_id").ok_or_else(|| Refusal::missing("account_id"))?;
        let url = request.given("url").ok_or_else(|| Refusal::missing("url"))?.to_owned();
        let account = self.account_of(caller, id)?;
        // Nobody tried it with a hidden account (monzo/README.md, Webhooks).
        if self.world.accounts[account].kind == AccountKind::Hidden {
            return Err(self.no_permission(caller.user));
        }
        self.webhooks.given += 1;
        let id = self.world.id("webhook", self.now().as_millisecond(), self.webhooks.given);
        let webhook = Webhook { id, account, url };
        let object = self.webhook_object(&webhook);
        self.webhooks.registered.push(webhook);
        Ok(json!({"webhook": object}))
    }

    /// `GET /webhooks`.
    pub(super) fn list_webhooks(&self, caller: Caller, request: &Request) -> Reply {
        let id = request.asked("account_id").ok_or_else(|| Refusal::missing("account_id"))?;
        let account = self.account_of(caller, id)?;
        let own = self.webhooks.registered.iter().filter(|webhook| webhook.account == account);
        Ok(json!({"webhooks": own.map(|webhook| self.webhook_object(webhook)).collect::<Vec<_>>()}))
    }

    /// `DELETE /webhooks/{id}`.
    pub(super) fn delete_webhook(&mut self, caller: Caller, id: &str) -> Reply {
        let accounts = &self.world.accounts;
        let own = |webhook: &Webhook| accounts[webhook.account].owners.contains(&caller.user);
        let place = self.webhooks.registered.iter().position(|webhook| webhook.id == id && own(webhook));
        self.webhooks.registered.remove(place.ok_or_else(|| Refusal::not_found("webhook"))?);
        Ok(json!({}))
    }

    fn webhook_object(&self, webhook: &Webhook) -> Value {
        json!({"account_id": self.world.accounts[webhook.account].id, "id": webhook.id, "url": webhook.url})
    }

    /// Puts what is new into the outbox: at once, even where the line is not listed yet (monzo/README.md, Webhooks).
    pub(super) fn announce(&mut self) {
        let now = self.now().as_millisecond();
        let first = std::mem::replace(&mut self.webhooks.told, self.world.rows.len());
        let mut fresh = Vec::new();
        for row in first..self.world.rows.len() {
            let account = self.world.rows[row].account;
            for webhook in self.webhooks.registered.iter().filter(|webhook| webhook.account == account) {
                let body = json!({"type": "transaction.created", "data": self.world.render(row, true)});
                let delivery = Delivery { url: webhook.url.clone(), body, due: now, attempt: 1 };
                let times = if self.switches.webhook_duplicates { 2 } else { 1 };
                fresh.extend(std::iter::repeat_n(delivery, times));
            }
        }
        if self.switches.webhook_disorder {
            fresh.reverse();
        }
        self.webhooks.outbox.extend(fresh);
    }

    /// Takes what is due out of the outbox, to be sent.
    pub fn deliveries(&mut self) -> Vec<Delivery> {
        self.announce();
        let now = self.now().as_millisecond();
        let (due, later) = self.webhooks.outbox.drain(..).partition(|delivery| delivery.due <= now);
        self.webhooks.outbox = later;
        due
    }

    /// A delivery was not answered with success: it is tried again, later and later, five times in all.
    pub fn not_delivered(&mut self, delivery: Delivery) {
        if delivery.attempt < ATTEMPTS {
            let due = self.now().as_millisecond().saturating_add(BACKOFF << (delivery.attempt - 1));
            self.webhooks.outbox.push(Delivery { due, attempt: delivery.attempt + 1, ..delivery });
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::super::fixture::{Till, refused};
    use super::super::life::Fate;
    use super::super::message::{Method, Request};
    use super::*;

    fn register(till: &mut Till, account: usize) -> (u16, Value) {
        let request = Request::new(Method::Post, "/webhooks")
            .bearer(till.access.clone())
            .form("account_id", till.bank.world.accounts[account].id.clone())
            .form("url", "http://localhost:1/hook");
        till.send(&request)
    }

    #[test]
    fn webhooks_are_registered_twice_if_asked_twice_listed_and_deleted() {
        let mut till = Till::small();
        let account = till.bank.world.accounts[0].id.clone();
        let count = |till: &mut Till| {
            let (_, body) = till.get("/webhooks", &[("account_id", &account)]);
            body["webhooks"].as_array().map(Vec::len)
        };
        let (_, first) = register(&mut till, 0);
        register(&mut till, 0);
        assert_eq!(count(&mut till), Some(2));
        let id = first["webhook"]["id"].as_str().expect("an id");
        let delete = Request::new(Method::Delete, format!("/webhooks/{id}")).bearer(till.access.clone());
        assert_eq!(till.send(&delete).0, 200);
        refused(&till.send(&delete), 404, "not_found.webhook");
        assert_eq!(count(&mut till), Some(1));
        let hidden = till.bank.world.pots[0].hidden;
        refused(&register(&mut till, hidden), 403, "forbidden.insufficient_permissions");
    }

    #[test]
    fn new_lines_are_told_once_whole_and_before_they_are_listed() {
        let mut till = Till::small();
        register(&mut till, 0);
        assert_eq!(till.bank.deliveries(), [], "what was there before is not told");
        till.bank.switches.visibility_lag_ms = 5_000;
        till.move_money(0, "deposit", "100", "k");
        let told = till.bank.deliveries();
        assert_eq!(told.len(), 1);
        assert_eq!((told[0].body["type"].as_str(), told[0].attempt), (Some("transaction.created"), 1));
        let id = told[0].body["data"]["id"].as_str().expect("an id");
        refused(&till.get(&format!("/transactions/{id}"), &[]), 404, "not_found.transaction");
        till.buy(700, Fate::Settles);
        let told = till.bank.deliveries();
        assert!(told[0].body["data"]["merchant"]["name"].is_string(), "{:?}", told[0].body);
        assert_eq!(till.bank.deliveries(), []);
    }

    #[test]
    fn what_is_not_taken_is_told_five_times_later_and_later() {
        let mut till = Till::small();
        register(&mut till, 0);
        till.buy(700, Fate::Settles);
        let mut waits = Vec::new();
        for seconds in 0..60 {
            for delivery in till.bank.deliveries() {
                waits.push(seconds);
                till.bank.not_delivered(delivery);
            }
            till.pass(SignedDuration::from_secs(1));
        }
        assert_eq!(waits, [0, 1, 3, 7, 15]);
    }

    #[test]
    fn they_may_come_twice_and_out_of_order() {
        let mut till = Till::small();
        register(&mut till, 0);
        till.bank.switches.webhook_duplicates = true;
        till.bank.switches.webhook_disorder = true;
        let bought = [100, 200].map(|amount| till.buy(amount, Fate::Settles));
        let told = till.bank.deliveries();
        let ids: Vec<_> = told.iter().filter_map(|delivery| delivery.body["data"]["id"].as_str()).collect();
        assert_eq!(ids, [&bought[1], &bought[1], &bought[0], &bought[0]]);
    }
}
