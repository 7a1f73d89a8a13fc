//! What goes wrong, by name: with a probability from a seed, or at the n-th request.

use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::message::{Answer, Outcome, Pace};
use crate::random::Random;

/// One way of going wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Fault {
    /// 500 with JSON; nothing is done.
    #[serde(rename = "500")]
    Internal,
    /// 502 with a page of HTML; nothing is done.
    #[serde(rename = "502")]
    Gateway,
    /// 504 with JSON; nothing is done.
    #[serde(rename = "504")]
    Timeout,
    /// 504 with JSON, and yet it is done.
    #[serde(rename = "504-after")]
    TimeoutAfter,
    /// 429 without `Retry-After`.
    #[serde(rename = "429")]
    RateLimit,
    /// 429 with `Retry-After`, in seconds.
    #[serde(rename = "429-retry-after")]
    RateLimitSeconds,
    /// 429 with `Retry-After`, as a date.
    #[serde(rename = "429-retry-date")]
    RateLimitDate,
    /// 200 without a body.
    #[serde(rename = "empty-body")]
    EmptyBody,
    /// 200 whose body ends in the middle.
    #[serde(rename = "truncated-body")]
    TruncatedBody,
    /// The body comes bit by bit.
    #[serde(rename = "slow-body")]
    SlowBody,
    /// No answer, ever; nothing is done.
    #[serde(rename = "hang")]
    Hang,
    /// No answer, ever, and yet it is done.
    #[serde(rename = "hang-after")]
    HangAfter,
    /// The connection is reset; nothing is done.
    #[serde(rename = "reset-before")]
    ResetBefore,
    /// The connection is reset, and yet it is done.
    #[serde(rename = "reset-after")]
    ResetAfter,
    /// 200 without its key.
    #[serde(rename = "missing-key")]
    MissingKey,
    /// Keys that nobody has heard of.
    #[serde(rename = "unknown-fields")]
    UnknownFields,
    /// One record cannot be understood.
    #[serde(rename = "malformed-record")]
    MalformedRecord,
    /// An empty list where there is more.
    #[serde(rename = "false-empty-page")]
    FalseEmptyPage,
    /// 429 with a `Retry-After` of an hour.
    #[serde(rename = "429-retry-long")]
    RateLimitLong,
    /// 200 with a page of HTML, as a network's sign-in page; nothing is done.
    #[serde(rename = "html-200")]
    Html200,
    /// 400 with a page of HTML; nothing is done.
    #[serde(rename = "html-400")]
    Html400,
    /// 403 with a page of HTML; nothing is done.
    #[serde(rename = "html-403")]
    Html403,
    /// The same, and yet it is done.
    #[serde(rename = "html-403-after")]
    Html403After,
    /// 400 without a body; nothing is done.
    #[serde(rename = "empty-400")]
    Empty400,
    /// 401 without a body; nothing is done.
    #[serde(rename = "empty-401")]
    Empty401,
    /// 403 without a body; nothing is done.
    #[serde(rename = "empty-403")]
    Empty403,
    /// 302 to a page elsewhere; nothing is done.
    #[serde(rename = "redirect")]
    Redirect,
    /// The same, and yet it is done.
    #[serde(rename = "redirect-after")]
    RedirectAfter,
    /// 400 with a code that nobody has heard of; nothing is done.
    #[serde(rename = "code-400")]
    Code400,
    /// 401 with a code that nobody has heard of; nothing is done.
    #[serde(rename = "code-401")]
    Code401,
    /// 403 with a code that nobody has heard of; nothing is done.
    #[serde(rename = "code-403")]
    Code403,
    /// 200 with values of other types than they should be; tokens themselves stay as they are.
    #[serde(rename = "wrong-types")]
    WrongTypes,
    /// 200 with a body of nine mebibytes.
    #[serde(rename = "huge-body")]
    HugeBody,
}

/// Larger than any answer.
const HUGE: usize = 9 << 20;

impl Fault {
    /// All of them.
    pub const ALL: [Self; 33] = [
        Self::Internal,
        Self::Gateway,
        Self::Timeout,
        Self::TimeoutAfter,
        Self::RateLimit,
        Self::RateLimitSeconds,
        Self::RateLimitDate,
        Self::EmptyBody,
        Self::TruncatedBody,
        Self::SlowBody,
        Self::Hang,
        Self::HangAfter,
        Self::ResetBefore,
        Self::ResetAfter,
        Self::MissingKey,
        Self::UnknownFields,
        Self::MalformedRecord,
        Self::FalseEmptyPage,
        Self::RateLimitLong,
        Self::Html200,
        Self::Html400,
        Self::Html403,
        Self::Html403After,
        Self::Empty400,
        Self::Empty401,
        Self::Empty403,
        Self::Redirect,
        Self::RedirectAfter,
        Self::Code400,
        Self::Code401,
        Self::Code403,
        Self::WrongTypes,
        Self::HugeBody,
    ];

    /// Its name.
    pub fn name(self) -> String {
        json!(self).as_str().unwrap_or_default().to_owned()
    }
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|fault| fault.name() == name).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("there is no fault `{name}`; there are: {names}")
        })
    }
}

/// When a fault strikes: by chance, or at certain requests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// What happens.
    pub fault: Fault,
    /// Only at this endpoint, as counted in `requests`: `transactions`, `token`, …
    #[serde(default)]
    pub endpoint: Option<String>,
    /// So many times in a million.
    #[serde(default)]
    pub per_million: u64,
    /// At the n-th request that matches from now on, counted from 1.
    #[serde(default)]
    pub nth: Option<u64>,
    /// At most so many times.
    #[serde(default)]
    pub times: Option<u64>,
}

impl Rule {
    /// A fault that strikes by chance, at every endpoint.
    pub fn chance(fault: Fault, per_million: u64) -> Self {
        Self { fault, endpoint: None, per_million, nth: None, times: None }
    }

    /// A fault that strikes once, at the n-th request from now on.
    pub fn nth(fault: Fault, nth: u64) -> Self {
        Self { nth: Some(nth), ..Self::chance(fault, 0) }
    }

    /// Only at this endpoint.
    #[must_use]
    pub fn at(mut self, endpoint: &str) -> Self {
        self.endpoint = Some(endpoint.to_owned());
        self
    }

    /// At most so many times.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }
}

/// Reads `name:probability,…`, with probabilities such as `0.05`.
pub fn rules(text: &str) -> Result<Vec<Rule>, String> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let (name, probability) = part.split_once(':').unwrap_or((part, "1"));
            let per_million = per_million(probability)
                .ok_or_else(|| format!("`{probability}` is not a probability between 0 and 1"))?;
            Ok(Rule::chance(name.parse()?, per_million))
        })
        .collect()
}

fn per_million(text: &str) -> Option<u64> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let digits: String = decimals.chars().chain("000000".chars()).take(6).collect();
    let number = whole.parse::<u64>().ok()?.checked_mul(1_000_000)?.checked_add(digits.parse().ok()?)?;
    (number <= 1_000_000).then_some(number)
}

/// The rules in force.
#[derive(Debug, Clone)]
pub struct Faults {
    random: Random,
    rules: Vec<(Rule, u64, u64)>,
}

impl Faults {
    /// None.
    pub fn none() -> Self {
        Self { random: Random::new(0), rules: Vec::new() }
    }

    /// These rules, whose chances come from `seed`.
    pub fn set(&mut self, rules: Vec<Rule>, seed: u64) {
        self.random = Random::new(seed);
        self.rules = rules.into_iter().map(|rule| (rule, 0, 0)).collect();
    }

    /// What strikes this request, if anything.
    pub fn strike(&mut self, endpoint: &str) -> Option<Fault> {
        let mut struck = None;
        for (rule, met, done) in &mut self.rules {
            if rule.endpoint.as_deref().is_some_and(|only| only != endpoint) {
                continue;
            }
            *met += 1;
            // Chance is asked every time, so that other rules do not shift it.
            let chance = rule.per_million > 0 && self.random.below(1_000_000) < rule.per_million;
            let due = rule.nth.map_or(chance, |nth| *met == nth);
            if due && struck.is_none() && rule.times.is_none_or(|times| *done < times) {
                *done += 1;
                struck = Some(rule.fault);
            }
        }
        struck
    }
}

/// What is answered instead of looking at the request; nothing if the request is to be looked at first.
pub fn instead(fault: Fault, now: super::clock::Ms) -> Option<Outcome> {
    let refusal = |status: u16, code: &str, message: &str| {
        Answer::json(status, &json!({"code": code, "message": message, "retryable": {}}))
    };
    let page = |status: u16, title: &str| Outcome::Answer(page(status, title));
    let empty = |status: u16| Outcome::Answer(Answer { status, ..Answer::default() });
    let unknown = |status: u16, prefix: &str| {
        Outcome::Answer(refusal(status, &format!("{prefix}.something_new"), "Something new"))
    };
    let limited = |retry_after| {
        let answer = refusal(429, "rate_limited.too_many_requests", "Too many requests");
        Outcome::Answer(Answer { retry_after, ..answer })
    };
    Some(match fault {
        Fault::Internal => Outcome::Answer(refusal(500, "internal_service", "Something went wrong")),
        Fault::Gateway => page(502, "502 Bad Gateway"),
        Fault::Html200 => page(200, "Welcome to the network of this hotel"),
        Fault::Html400 => page(400, "400 Bad Request"),
        Fault::Html403 => page(403, "403 Forbidden"),
        Fault::Empty400 => empty(400),
        Fault::Empty401 => empty(401),
        Fault::Empty403 => empty(403),
        Fault::Redirect => Outcome::Answer(redirect()),
        Fault::Code400 => unknown(400, "bad_request"),
        Fault::Code401 => unknown(401, "unauthorized"),
        Fault::Code403 => unknown(403, "forbidden"),
        Fault::RateLimitLong => limited(Some("3600".to_owned())),
        Fault::Timeout => Outcome::Answer(refusal(504, "timeout", "Timed out")),
        Fault::RateLimit => limited(None),
        Fault::RateLimitSeconds => limited(Some("1".to_owned())),
        Fault::RateLimitDate => limited(Some(super::clock::http_date(now.saturating_add(2_000)))),
        Fault::Hang => Outcome::Hang { committed: false },
        Fault::ResetBefore => Outcome::Reset { committed: false },
        _ => return None,
    })
}

fn page(status: u16, title: &str) -> Answer {
    Answer::html(status, format!("<html><head><title>{title}</title></head><body>{title}</body></html>"))
}

fn redirect() -> Answer {
    let location = Some("https://elsewhere.test/maintenance".to_owned());
    Answer { status: 302, location, ..Answer::default() }
}

/// What becomes of the answer to a request that was looked at.
pub fn spoil(fault: Fault, mut answer: Answer) -> Outcome {
    match fault {
        Fault::TimeoutAfter => {
            let body = json!({"code": "timeout", "message": "Timed out", "retryable": {}});
            answer = Answer { date: answer.date, ..Answer::json(504, &body) };
        }
        Fault::Html403After => answer = Answer { date: answer.date, ..page(403, "403 Forbidden") },
        Fault::RedirectAfter => answer = Answer { date: answer.date, ..redirect() },
        Fault::HangAfter => return Outcome::Hang { committed: true },
        Fault::ResetAfter => return Outcome::Reset { committed: true },
        Fault::EmptyBody => answer.body.clear(),
        Fault::TruncatedBody => answer.pace = Pace::Truncated(answer.body.len() / 2),
        Fault::SlowBody => answer.pace = Pace::Slow(Duration::from_secs(2)),
        Fault::MissingKey => rewrite(&mut answer, missing_key),
        Fault::UnknownFields => rewrite(&mut answer, unknown_fields),
        Fault::MalformedRecord => rewrite(&mut answer, malformed_record),
        Fault::FalseEmptyPage => rewrite(&mut answer, empty_page),
        Fault::WrongTypes => rewrite(&mut answer, wrong_types),
        Fault::HugeBody => answer.body.splice(0..0, std::iter::repeat_n(b' ', HUGE)).for_each(drop),
        _ => {}
    }
    Outcome::Answer(answer)
}

/// Changes the JSON of a success.
pub fn rewrite(answer: &mut Answer, change: impl FnOnce(&mut Value)) {
    if answer.status == 200 && answer.content_type == "application/json" {
        let mut body = answer.value();
        change(&mut body);
        answer.body = body.to_string().into_bytes();
    }
}

fn list(body: &mut Value) -> Option<&mut Vec<Value>> {
    body.as_object_mut()?.values_mut().find_map(Value::as_array_mut)
}

fn missing_key(body: &mut Value) {
    if let Some(object) = body.as_object_mut() {
        for key in [
            "accounts",
            "pots",
            "transactions",
            "transaction",
            "balance",
            "id",
            "access_token",
            "authenticated",
        ] {
            object.remove(key);
        }
    }
}

/// Adds keys to every object that has an id, and to the outermost.
pub fn unknown_fields(body: &mut Value) {
    match body {
        Value::Array(items) => items.iter_mut().for_each(unknown_fields),
        Value::Object(object) => {
            object.values_mut().for_each(unknown_fields);
            object.insert("x_new".to_owned(), json!({"since": 2031, "tags": ["a", null, 1.5]}));
            object.insert("x_newer".to_owned(), json!("élan"));
        }
        _ => {}
    }
}

/// Makes the middle record of a list one that cannot be understood.
pub fn malformed_record(body: &mut Value) {
    if let Some(items) = list(body)
        && let Some(record) = items.len().checked_div(2).and_then(|middle| items.get_mut(middle))
        && let Some(object) = record.as_object_mut()
    {
        for key in ["amount", "balance"] {
            if object.contains_key(key) {
                object.insert(key.to_owned(), json!("a lot"));
            }
        }
    }
}

/// Cuts names and notes in the middle of an emoji, and adds a key and a value to metadata that are cut so.
pub fn half_characters(answer: &mut Answer) {
    // Of the private use area, so that it stands for the half until the JSON is text.
    const HALF: char = '\u{E0FF}';
    fn cut(value: &mut Value) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(cut),
            Value::Object(object) => {
                object.values_mut().for_each(cut);
                for key in ["name", "notes"] {
                    if let Some(Value::String(text)) = object.get_mut(key) {
                        text.push(HALF);
                    }
                }
                if let Some(Value::Object(metadata)) = object.get_mut("metadata") {
                    metadata.insert(format!("x_new{HALF}"), json!(HALF));
                }
            }
            _ => {}
        }
    }
    rewrite(answer, cut);
    let text = String::from_utf8_lossy(&answer.body).replace(HALF, "\\ud83d");
    answer.body = text.into_bytes();
}

/// Makes numbers texts, texts numbers, and lists objects; tokens stay, and what else an answer with tokens says becomes
/// odd.
fn wrong_types(body: &mut Value) {
    let Some(object) = body.as_object_mut() else { return };
    for (key, value) in object.iter_mut().filter(|(key, _)| !key.ends_with("_token")) {
        *value = match value {
            Value::Number(number) => json!(number.to_string()),
            Value::Array(items) => json!({"items": items}),
            _ if key == "token_type" => Value::Null,
            _ => json!(7),
        };
    }
}

fn empty_page(body: &mut Value) {
    if let Some(items) = body.get_mut("transactions").and_then(Value::as_array_mut) {
        items.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_read_by_name_and_probability() {
        let read = rules("500:0.05, reset-after:1,hang").expect("they are good");
        let found: Vec<_> = read.iter().map(|rule| (rule.fault, rule.per_million)).collect();
        assert_eq!(
            found,
            [(Fault::Internal, 50_000), (Fault::ResetAfter, 1_000_000), (Fault::Hang, 1_000_000)]
        );
        assert!(rules("nonsense:0.1").expect_err("unknown").contains("reset-before"));
        for bad in ["500:2", "500:-1", "500:x", "500:0.x"] {
            assert!(rules(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_scripted_fault_strikes_at_the_nth_matching_request_only() {
        let mut faults = Faults::none();
        faults.set(vec![Rule::nth(Fault::Hang, 2).at("pots")], 1);
        let endpoints = ["pots", "balance", "pots", "pots"];
        assert_eq!(endpoints.map(|endpoint| faults.strike(endpoint)), [None, None, Some(Fault::Hang), None]);
    }

    #[test]
    fn chances_come_from_the_seed_and_end_when_told() {
        let struck = |seed, times| {
            let mut faults = Faults::none();
            let rule = Rule { times, ..Rule::chance(Fault::Internal, 300_000) };
            faults.set(vec![rule], seed);
            (0..200).filter(|_| faults.strike("accounts").is_some()).collect::<Vec<i32>>()
        };
        assert_eq!(struck(7, None), struck(7, None));
        assert_ne!(struck(7, None), struck(8, None));
        assert!((30..90).contains(&struck(7, None).len()), "{:?}", struck(7, None));
        assert_eq!(struck(7, Some(3)).len(), 3);
    }
}
