//! A bank in memory, as small as the loop allows: two accounts, a pot, the five minutes, the 90 days, and trouble.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{NOW, ago};
use crate::clock::Clock;
use crate::monzo::{Boxed, Failure, Request, Response, Transport};

/// What goes wrong with a request.
#[derive(Debug, Clone)]
pub enum Trouble {
    Status(u16, &'static str),
    Body(&'static str),
    Lost,
    Hang,
    /// Time passes while it is answered.
    Minutes(i64),
}

#[derive(Default)]
struct State {
    clock: Option<Clock>,
    approved_at: Option<Timestamp>,
    tokens: u32,
    accounts: Vec<Value>,
    pots: Vec<Value>,
    balances: BTreeMap<String, i64>,
    /// By account, in the order of the list.
    rows: BTreeMap<String, Vec<(Timestamp, Value)>>,
    /// Which request (by what its path contains) meets what, and after how many that do not.
    troubles: Vec<(&'static str, usize, Trouble)>,
    /// What every request of a kind meets until it is taken away.
    always: Option<(&'static str, Trouble)>,
    dice: Option<u64>,
    /// Rows on a page, where the bank serves fewer than are asked for.
    page: Option<usize>,
    asked: VecDeque<String>,
}

pub struct Bank(Mutex<State>);

impl Bank {
    /// Three years of two accounts and a pot, some hundred rows each.
    pub fn new() -> Self {
        let bank = Self(Mutex::new(State::default()));
        bank.open("acc_1", "uk_retail", ago(3 * 365 * 24));
        bank.open("acc_2", "uk_retail_joint", ago(500 * 24));
        bank.state().pots.push(json!({"id": "pot_1", "name": "Bills", "balance": 0, "currency": "GBP", "type": "default",
            "current_account_id": "acc_1", "created": ago(400 * 24).to_string(), "deleted": false, "locked": false}));
        for hour in (2..3 * 365 * 24).step_by(29) {
            bank.pay("acc_1", &format!("tx_1{hour:06}"), ago(hour), -hour);
        }
        for hour in (3..499 * 24).step_by(31) {
            bank.pay("acc_2", &format!("tx_2{hour:06}"), ago(hour), hour);
        }
        for day in (1..399).step_by(7) {
            bank.fill_pot(&format!("{day:06}"), ago(day * 24), 500);
        }
        bank
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().expect("a lock")
    }

    pub fn follow(&self, clock: &Clock) {
        self.state().clock = Some(clock.clone());
    }

    pub fn open(&self, id: &str, kind: &str, created: Timestamp) {
        let account = json!({"id": id, "type": kind, "created": created.to_string(), "closed": false, "currency": "GBP", "owners": []});
        self.state().accounts.push(account);
    }

    /// Adds a settled payment.
    pub fn pay(&self, account: &str, id: &str, at: Timestamp, amount: i64) {
        self.add(account, json!({"id": id, "account_id": account, "created": at.to_string(), "updated": at.to_string(),
            "settled": at.to_string(), "amount": amount, "currency": "GBP", "local_amount": amount, "local_currency": "GBP",
            "description": "SHOP", "category": "general", "scheme": "mastercard", "metadata": {},
            "merchant": {"id": "merch_1", "name": "Shop"}}));
    }

    /// Adds both halves of a pot move.
    pub fn fill_pot(&self, name: &str, at: Timestamp, amount: i64) {
        for (account, sign) in [("acc_1", -1), ("acc_pot", 1)] {
            self.add(account, json!({"id": format!("tx_{account}{name}"), "account_id": account, "created": at.to_string(),
                "updated": at.to_string(), "settled": at.to_string(), "amount": sign * amount, "currency": "GBP",
                "description": "pot_1", "category": "transfers", "scheme": "uk_retail_pot", "merchant": null,
                "metadata": {"pot_id": "pot_1", "pot_account_id": "acc_pot", "trigger": "user"}}));
        }
    }

    pub fn add(&self, account: &str, row: Value) {
        let mut state = self.state();
        *state.balances.entry(account.to_owned()).or_default() += row["amount"].as_i64().unwrap_or(0);
        let rows = state.rows.entry(account.to_owned()).or_default();
        let at: Timestamp =
            row["created"].as_str().and_then(|text| text.parse().ok()).unwrap_or(Timestamp::MIN);
        let place = rows.partition_point(|(other, _)| *other <= at);
        rows.insert(place, (at, row));
    }

    /// Changes a row as the bank does: with a new instant of change.
    pub fn change(&self, account: &str, id: &str, change: impl FnOnce(&mut Value)) {
        let mut state = self.state();
        let now = state.clock.as_ref().map_or(NOW, Clock::now);
        let row =
            state.rows.get_mut(account).and_then(|rows| rows.iter_mut().find(|(_, row)| row["id"] == id));
        let (_, row) = row.expect("the row");
        change(row);
        row["updated"] = json!(now.to_string());
    }

    /// The bank no longer lists the rows that `gone` picks.
    pub fn vanish(&self, account: &str, gone: impl Fn(&Value) -> bool) {
        self.state().rows.get_mut(account).expect("an account").retain(|(_, row)| !gone(row));
    }

    pub fn add_to_balance(&self, account: &str, amount: i64) {
        *self.state().balances.entry(account.to_owned()).or_default() += amount;
    }

    /// The `number`-th request from now on (0 is the next) whose address holds `about` meets trouble.
    pub fn trouble(&self, about: &'static str, number: usize, trouble: Trouble) {
        self.state().troubles.push((about, number, trouble));
    }

    /// Nothing goes wrong from now on.
    pub fn calm(&self) {
        let mut state = self.state();
        state.troubles.clear();
        (state.always, state.dice) = (None, None);
    }

    pub fn always(&self, trouble: Option<(&'static str, Trouble)>) {
        self.state().always = trouble;
    }

    /// About one request in four meets some trouble or other, in an order that the seed decides.
    pub fn dice(&self, seed: Option<u64>) {
        self.state().dice = seed;
    }

    /// Serves no more than so many rows at once, whatever is asked for.
    pub fn short_pages(&self, rows: usize) {
        self.state().page = Some(rows);
    }

    /// Changes what the list of accounts says of one.
    pub fn relist(&self, id: &str, change: impl FnOnce(&mut Value)) {
        let mut state = self.state();
        let account = state.accounts.iter_mut().find(|account| account["id"] == id);
        change(account.expect("an account"));
    }

    /// The addresses that were asked for since this was last called.
    pub fn asked(&self) -> Vec<String> {
        self.state().asked.drain(..).collect()
    }

    /// What the bank lists now, without what a hidden account no longer serves.
    pub fn ledger(&self) -> BTreeMap<String, Vec<Value>> {
        let served = |account: &str, at: Timestamp| account != "acc_pot" || at >= ago(88 * 24);
        let state = self.state();
        let listed = state.rows.iter().map(|(account, rows)| {
            let rows = rows.iter().filter(|(at, _)| served(account, *at)).map(|(_, row)| row.clone());
            (account.clone(), rows.collect())
        });
        listed.collect()
    }

    fn answer(&self, request: &Request) -> Response {
        let mut state = self.state();
        let now = state.clock.as_ref().map_or(NOW, Clock::now);
        let value = |key: &str| {
            request
                .query
                .iter()
                .find(|(name, _)| *name == key)
                .map(|(_, value)| value.clone())
                .unwrap_or_default()
        };
        match request.path.as_str() {
            "/oauth2/token" => {
                state.tokens += 1;
                state.approved_at = Some(now);
                let number = state.tokens;
                ok(&json!({"access_token": format!("a{number}"), "refresh_token": format!("r{number}"),
                    "expires_in": 10_000_000, "token_type": "Bearer", "user_id": "user_1"}))
            }
            "/accounts" => ok(&json!({"accounts": state.accounts})),
            "/balance" => {
                let balance = state.balances.get(&value("account_id")).copied().unwrap_or(0);
                ok(
                    &json!({"balance": balance, "total_balance": balance, "spend_today": 0, "currency": "GBP"}),
                )
            }
            "/pots" => {
                let mut pots: Vec<Value> = state
                    .pots
                    .iter()
                    .filter(|pot| pot["current_account_id"] == value("current_account_id"))
                    .cloned()
                    .collect();
                let held = state.balances.get("acc_pot").copied().unwrap_or(0);
                pots.iter_mut().for_each(|pot| pot["balance"] = json!(held));
                ok(&json!({"pots": pots}))
            }
            "/transactions" => {
                state.transactions(&value("account_id"), &value("since"), &value("before"), now)
            }
            _ => refuse(404, "not_found"),
        }
    }
}

impl State {
    fn transactions(&self, account: &str, since: &str, before: &str, now: Timestamp) -> Response {
        let empty = Vec::new();
        let rows = self.rows.get(account).unwrap_or(&empty);
        let before: Timestamp = before.parse().unwrap_or(Timestamp::MAX);
        let (from, after) = match since.parse::<Timestamp>() {
            Ok(at) => (at, None),
            Err(_) => match rows.iter().position(|(_, row)| row["id"] == since) {
                Some(index) => (rows[index].0, Some(index)),
                None => return refuse(400, "bad_request.bad_param.since"),
            },
        };
        if before.min(now).duration_since(from) > SignedDuration::from_hours(8760) {
            return refuse(400, "bad_request.invalid_time_range");
        }
        let open = self.approved_at.is_some_and(|at| now.duration_since(at) < SignedDuration::from_mins(5));
        if now.duration_since(from) >= SignedDuration::from_hours(90 * 24) && (!open || account == "acc_pot")
        {
            return refuse(403, "forbidden.verification_required");
        }
        let listed = rows.iter().skip(after.map_or(0, |index| index + 1));
        let page: Vec<&Value> = listed
            .filter(|(at, _)| *at >= from && *at < before)
            .take(self.page.unwrap_or(100))
            .map(|(_, row)| row)
            .collect();
        ok(&json!({"transactions": page}))
    }

    /// The trouble that this request meets, if any.
    fn meets(&mut self, address: &str) -> Option<Trouble> {
        if let Some((about, trouble)) = &self.always
            && address.contains(about)
        {
            return Some(trouble.clone());
        }
        let mut met = None;
        for (about, left, trouble) in &mut self.troubles {
            if address.contains(*about) {
                match left.checked_sub(1) {
                    Some(less) => *left = less,
                    None => met = met.or(Some((*about, trouble.clone()))),
                }
            }
        }
        if let Some((about, trouble)) = met {
            let spent = self.troubles.iter().position(|(other, left, _)| *other == about && *left == 0);
            spent.map(|index| self.troubles.remove(index));
            return Some(trouble);
        }
        let dice = self.dice.as_mut()?;
        *dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let thrown = (*dice >> 33) % 28;
        Some(match thrown {
            0 => Trouble::Status(500, r#"{"code":"internal_service"}"#),
            1 => Trouble::Status(502, "<html>Bad gateway</html>"),
            2 => Trouble::Status(504, r#"{"code":"timeout"}"#),
            3 => Trouble::Status(429, ""),
            4 => Trouble::Body(""),
            5 => Trouble::Body(r#"{"transactions":[{"id":"tx_"#),
            6 => Trouble::Body(r#"{"something":[]}"#),
            7 => Trouble::Lost,
            _ => return None,
        })
    }
}

fn ok(body: &Value) -> Response {
    Response { status: 200, body: body.to_string().into_bytes(), ..Response::default() }
}

fn refuse(status: u16, code: &str) -> Response {
    Response {
        status,
        body: json!({"code": code, "message": "m"}).to_string().into_bytes(),
        ..Response::default()
    }
}

impl Transport for Bank {
    fn send(&self, request: Request) -> Boxed<'_, Result<Response, Failure>> {
        let query: Vec<String> = request.query.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let address = format!("{}?{}", request.path, query.join("&"));
        Box::pin(async move {
            // An answer takes its time, so that requests overlap.
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            let met = {
                let mut state = self.state();
                state.asked.push_back(address.clone());
                state.meets(&address)
            };
            match met {
                Some(Trouble::Status(status, body)) => {
                    Ok(Response { status, body: body.as_bytes().to_vec(), ..Response::default() })
                }
                Some(Trouble::Body(body)) => {
                    Ok(Response { status: 200, body: body.as_bytes().to_vec(), ..Response::default() })
                }
                Some(Trouble::Lost) => Err(Failure::Unknown("it was lost".into())),
                Some(Trouble::Hang) => std::future::pending().await,
                Some(Trouble::Minutes(minutes)) => {
                    if let Some(clock) = &self.state().clock {
                        clock.advance(SignedDuration::from_mins(minutes));
                    }
                    Ok(self.answer(&request))
                }
                None => Ok(self.answer(&request)),
            }
        })
    }
}
