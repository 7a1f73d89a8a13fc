//! A bank whose rows are made when they are asked for, so that a million of them take no memory.
//!
//! One account with a pot. The bulk of the rows is spread evenly over ten years; the last thirty days have ten rows a
//! day in every ledger, so that what a sync reads again is the same however long the history is.

use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::fmt::rfc2822::DateTimePrinter;
use jiff::{SignedDuration, Timestamp};
use monzod::clock::Clock;
use monzod::monzo::{Boxed, Failure, Request, Response, Transport};

/// The account.
pub const ACCOUNT: &str = "acc_bench";

/// When the account was opened.
pub const OPENED: Timestamp = Timestamp::constant(1_463_000_000, 0);

/// When a benchmark begins.
pub const NOW: Timestamp = Timestamp::constant(1_780_000_000, 0);

/// Rows of the last thirty days.
const RECENT: usize = 300;

/// Rows on a page.
const PAGE: usize = 100;

/// Rows that came after the benchmark began.
struct State {
    new: Vec<Timestamp>,
    balance: i64,
    requests: u64,
}

/// The bank.
pub struct Bank {
    clock: Clock,
    rows: usize,
    latency: Duration,
    /// Rows that were written beforehand, where making them would be measured too.
    rendered: Vec<String>,
    state: Mutex<State>,
}

impl Bank {
    /// A bank with so many rows, of which each answer takes `latency`.
    pub fn new(clock: &Clock, rows: usize, latency: Duration) -> Self {
        let balance = (0..rows).map(amount).sum();
        let state = Mutex::new(State { new: Vec::new(), balance, requests: 0 });
        Self { clock: clock.clone(), rows, latency, rendered: Vec::new(), state }
    }

    /// The same with all rows written now.
    pub fn rendered(mut self) -> Self {
        self.rendered = (0..self.rows).map(|index| row(index, self.created(index))).collect();
        self
    }

    /// Adds rows, a second after the other, up to now.
    pub fn add(&self, rows: usize) {
        let now = self.clock.now();
        let mut state = self.state();
        let first = self.rows + state.new.len();
        state.balance += (first..first + rows).map(amount).sum::<i64>();
        let back = |index: usize| SignedDuration::from_secs(i64::try_from(rows - index).unwrap_or(0));
        state.new.extend((0..rows).map(|index| now.checked_sub(back(index)).expect("in range")));
    }

    /// How many requests there were.
    pub fn requests(&self) -> u64 {
        self.state().requests
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn created(&self, index: usize) -> Timestamp {
        let bulk = self.rows.saturating_sub(RECENT);
        let edge = NOW.checked_sub(SignedDuration::from_hours(30 * 24)).expect("in range");
        let (from, to, place, of) = match index.checked_sub(bulk) {
            None => (OPENED, edge, index, bulk),
            Some(place) => (edge, NOW, place, RECENT),
        };
        let span = i128::from(to.as_millisecond() - from.as_millisecond());
        let (place, of) = (i128::try_from(place).unwrap_or(0), i128::try_from(of).unwrap_or(1));
        let after = i64::try_from(span * place / of).unwrap_or(0);
        Timestamp::from_millisecond(from.as_millisecond() + after).expect("in range")
    }

    /// A page of the list, as the bank answers `since` and `before`.
    fn page(&self, since: &str, before: Timestamp) -> String {
        let new = self.state().new.clone();
        let count = self.rows + new.len();
        let created = |index: usize| match index.checked_sub(self.rows) {
            None => self.created(index),
            Some(place) => new[place],
        };
        let first = match since.strip_prefix("tx_") {
            Some(index) => index.parse::<usize>().expect("a number") + 1,
            None => {
                let since: Timestamp = since.parse().expect("an instant");
                let (mut low, mut high) = (0, count);
                while low < high {
                    let middle = usize::midpoint(low, high);
                    if created(middle) < since { low = middle + 1 } else { high = middle }
                }
                low
            }
        };
        let mut page = String::with_capacity(PAGE * 1_700);
        page.push_str(r#"{"transactions":["#);
        for index in (first..count).take(PAGE) {
            let at = created(index);
            if at >= before {
                break;
            }
            if index > first {
                page.push(',');
            }
            match self.rendered.get(index) {
                Some(row) => page.push_str(row),
                None => page.push_str(&row(index, at)),
            }
        }
        page.push_str("]}");
        page
    }

    fn answer(&self, request: &Request) -> String {
        let value = |key: &str| {
            let found = request.query.iter().find(|(name, _)| *name == key);
            found.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        let hidden = value("account_id") == HIDDEN;
        match request.path.as_str() {
            "/oauth2/token" => r#"{"access_token":"a","refresh_token":"r","expires_in":9000000,"token_type":"Bearer","user_id":"user_1"}"#.to_owned(),
            "/accounts" => format!(r#"{{"accounts":[{{"id":"{ACCOUNT}","type":"uk_retail","created":"{OPENED}","currency":"GBP"}}]}}"#),
            "/balance" => format!(r#"{{"balance":{},"currency":"GBP"}}"#, self.state().balance),
            "/pots" => format!(
                r#"{{"pots":[{{"id":"pot_bench","name":"Bills","balance":500000,"currency":"GBP","type":"default","current_account_id":"{ACCOUNT}","created":"{OPENED}","deleted":false,"locked":false}}]}}"#
            ),
            "/transactions" if hidden => r#"{"transactions":[]}"#.to_owned(),
            "/transactions" => self.page(&value("since"), value("before").parse().unwrap_or(Timestamp::MAX)),
            _ => "{}".to_owned(),
        }
    }
}

/// The account behind the pot.
const HIDDEN: &str = "acc_behind_pot";

fn amount(index: usize) -> i64 {
    let index = i64::try_from(index).unwrap_or(0);
    if index % 30 == 7 { 2_000 + index % 900 } else { -1 - index % 997 }
}

/// About as large as the bank's rows are, and as varied: card payments, money in, and moves to the pot.
fn row(index: usize, at: Timestamp) -> String {
    let noise: String = (0..24)
        .map(|step| char::from(b'a' + u8::try_from((index * 31 + step * 17 + index / 97) % 26).unwrap_or(0)))
        .collect();
    let amount = amount(index);
    let shop = index % 500;
    let (scheme, merchant, metadata) = match index % 50 {
        13 => (
            "uk_retail_pot",
            "null".to_owned(),
            format!(
                r#"{{"pot_id":"pot_bench","pot_account_id":"{HIDDEN}","trigger":"user","external_id":"user_1:app-{index}","ledger_insertion_id":"entryset_{index:020}"}}"#
            ),
        ),
        _ if amount > 0 => (
            "payport_faster_payments",
            "null".to_owned(),
            format!(r#"{{"faster_payment":"true","insertion":"entryset_{index:020}","notes":"{noise}"}}"#),
        ),
        _ => (
            "mastercard",
            format!(
                r#"{{"id":"merch_{shop}","group_id":"grp_{shop}","name":"Shop {shop}","logo":"https://logo.test/{shop}.jpg","emoji":"🛒","category":"groceries","online":false,"atm":false,"disable_feedback":false,"metadata":{{"website":"https://shop{shop}.test"}},"address":{{"short_formatted":"{shop} High Street, Leeds LS1 1AA","city":"Leeds","region":"","country":"GBR","postcode":"LS1 1AA","latitude":53.79,"longitude":-1.54,"zoom_level":17,"approximate":false,"formatted":"{shop} High Street, Leeds LS1 1AA","address":"{shop} High Street"}}}}"#
            ),
            format!(
                r#"{{"ledger_insertion_id":"entryset_{index:020}","mastercard_auth_message_id":"mcauthmsg_{index:020}","mastercard_lifecycle_id":"mclifecycle_{index:020}","mcc":"5411","mastercard_card_id":"mccard_1"}}"#
            ),
        ),
    };
    let mut text = String::with_capacity(1_700);
    let _ = write!(
        text,
        r#"{{"id":"tx_{index:08}","account_id":"{ACCOUNT}","created":"{at}","updated":"{at}","settled":"{at}","amount":{amount},"currency":"GBP","local_amount":{amount},"local_currency":"GBP","description":"{noise}","notes":"","category":"groceries","categories":{{"groceries":{amount}}},"scheme":"{scheme}","amount_is_pending":false,"merchant":{merchant},"metadata":{metadata},"labels":null,"attachments":null,"international":null,"is_load":false,"counterparty":{{}},"dedupe_id":"mclifecycle:{noise}{index}","originator":false,"include_in_spending":true,"can_be_excluded_from_breakdown":true,"can_be_made_subscription":true,"can_split_the_bill":true,"can_add_to_tab":true,"can_match_transactions_in_categorization":true,"atm_fees_detailed":null,"parent_account_id":"","user_id":"user_1","fees":{{}}}}"#
    );
    text
}

impl Transport for Bank {
    fn send(&self, request: Request) -> Boxed<'_, Result<Response, Failure>> {
        Box::pin(async move {
            self.state().requests += 1;
            if !self.latency.is_zero() {
                tokio::time::sleep(self.latency).await;
            }
            let date = DateTimePrinter::new().timestamp_to_rfc9110_string(&self.clock.now()).ok();
            Ok(Response {
                status: 200,
                body: self.answer(&request).into_bytes(),
                date,
                ..Response::default()
            })
        })
    }
}
