//! The control API: `/sandbox/…`, JSON in and out; tests/sandbox/README.md is its manual.

use jiff::SignedDuration;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Number, Value, json};

use super::{ControlError, Spend};
use crate::bank::clock;
use crate::bank::faults::{Fault, Rule, rules};
use crate::bank::row::OwnMark;
use crate::bank::{Bank, Lapse, Switches};

/// Arguments of a call: of its address, its form or its JSON.
pub type Args = Map<String, Value>;

/// Reads arguments from a query or a form; what looks like a number or a truth is one.
pub fn from_pairs(pairs: impl IntoIterator<Item = (String, String)>) -> Args {
    let value = |text: String| match text.as_str() {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        digits => {
            digits.parse::<i64>().map_or(Value::String(text), |number| Value::Number(Number::from(number)))
        }
    };
    pairs.into_iter().map(|(key, text)| (key, value(text))).collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignIn {
    url: String,
    user: Option<String>,
    error: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LapseArgs {
    #[serde(default)]
    variant: Lapse,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Salary {
    account: Option<String>,
    amount: Option<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OwnMoney {
    account: Option<String>,
    amount: i64,
    mark: OwnMark,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListPot {
    pot: String,
    listed: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Maybe {
    id: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct One {
    id: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    id: String,
    amount: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Edit {
    id: String,
    category: Option<String>,
    notes: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Script {
    Names(String),
    Rules(Vec<Rule>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FaultArgs {
    rules: Option<Script>,
    #[serde(default)]
    seed: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    seconds: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LedgerArgs {
    account_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RequestsArgs {
    #[serde(default)]
    clear: bool,
    #[serde(default)]
    log: bool,
}

/// Does what `/sandbox/<name>` says; `advance` moves the front's clock.
///
/// # Errors
/// When there is no such call, or its arguments are not good.
pub fn answer(
    bank: &mut Bank,
    name: &str,
    args: Args,
    advance: impl FnOnce(SignedDuration),
) -> Result<Value, ControlError> {
    let done = || Ok(json!({}));
    match name {
        "approve" => Ok(json!({"approved": bank.approve()})),
        "expire" => {
            bank.expire();
            done()
        }
        "evict" => {
            bank.evict();
            done()
        }
        "revoke" => {
            bank.revoke();
            done()
        }
        "renew" => {
            bank.renew();
            done()
        }
        "close-history" => {
            bank.close_history();
            done()
        }
        "lapse" => {
            let LapseArgs { variant } = read(args)?;
            bank.lapse(variant);
            done()
        }
        "sign-in" => {
            let SignIn { url, user, error } = read(args)?;
            let redirect = bank.sign_in(&url, user.as_deref(), error.as_deref());
            let redirect = redirect.map_err(|error| ControlError::Arguments(error.to_string()))?;
            Ok(json!({"redirect": redirect}))
        }
        "spend" => {
            let order: Spend = read(args)?;
            Ok(json!({"ids": bank.spend(&order)?}))
        }
        "salary" => {
            let Salary { account, amount } = read(args)?;
            Ok(json!({"id": bank.pay_salary(account.as_deref(), amount.unwrap_or(250_000))?}))
        }
        "own-money" => {
            let OwnMoney { account, amount, mark } = read(args)?;
            Ok(json!({"id": bank.pay_oneself(account.as_deref(), amount, mark)?}))
        }
        "list-pot" => {
            let ListPot { pot, listed } = read(args)?;
            bank.list_pot(&pot, listed)?;
            done()
        }
        "settle" => {
            let Maybe { id } = read(args)?;
            Ok(json!({"settled": bank.settle(id.as_deref())?}))
        }
        "vanish" => {
            let One { id } = read(args)?;
            bank.vanish(&id)?;
            done()
        }
        "reverse" => {
            let One { id } = read(args)?;
            bank.reverse(&id)?;
            done()
        }
        "refund" => {
            let One { id } = read(args)?;
            Ok(json!({"id": bank.refund(&id)?}))
        }
        "change" => {
            let Change { id, amount } = read(args)?;
            bank.change(&id, amount)?;
            done()
        }
        "edit" => {
            let Edit { id, category, notes } = read(args)?;
            bank.edit(&id, category.as_deref(), notes.as_deref())?;
            done()
        }
        "faults" => set_faults(bank, read(args)?),
        "switches" => set_switches(bank, args),
        "advance" => {
            let Advance { seconds } = read(args)?;
            let by = SignedDuration::from_secs(seconds.clamp(0, 3_000_000_000));
            advance(by);
            let now = bank.now().checked_add(by).unwrap_or(bank.now());
            bank.pass(now);
            Ok(json!({"now": clock::text(bank.now().as_millisecond())}))
        }
        "now" => Ok(json!({"now": clock::text(bank.now().as_millisecond())})),
        "ledger" => {
            let LedgerArgs { account_id } = read(args)?;
            Ok(json!(bank.ledger(account_id.as_deref())))
        }
        "requests" => Ok(requests(bank, &read(args)?)),
        "feed" => {
            let items = bank.feed.iter().map(|item| {
                json!({"account_id": item.account_id, "title": item.title, "body": item.body, "url": item.url})
            });
            Ok(json!({"items": items.collect::<Vec<_>>()}))
        }
        _ => Err(ControlError::Unknown("call", name.to_owned())),
    }
}

fn read<T: DeserializeOwned>(args: Args) -> Result<T, ControlError> {
    serde_json::from_value(Value::Object(args)).map_err(|error| ControlError::Arguments(error.to_string()))
}

/// Sets the rules; without any, tells the faults that there are and clears those in force.
fn set_faults(bank: &mut Bank, args: FaultArgs) -> Result<Value, ControlError> {
    let rules = match args.rules {
        None => Vec::new(),
        Some(Script::Names(text)) => rules(&text).map_err(ControlError::Arguments)?,
        Some(Script::Rules(rules)) => rules,
    };
    let count = rules.len();
    bank.set_faults(rules, args.seed);
    Ok(json!({"rules": count, "known": Fault::ALL.map(Fault::name).to_vec()}))
}

/// Changes the switches that are named, and tells all.
fn set_switches(bank: &mut Bank, args: Args) -> Result<Value, ControlError> {
    let mut all = json!(bank.switches);
    if let Value::Object(known) = &mut all {
        known.extend(args);
    }
    let switches: Switches =
        serde_json::from_value(all).map_err(|error| ControlError::Arguments(error.to_string()))?;
    bank.switch(switches);
    Ok(json!(bank.switches))
}

fn requests(bank: &mut Bank, args: &RequestsArgs) -> Value {
    let mut told = json!({"counts": bank.counts});
    if args.log {
        let log = bank.log.iter().map(|one| {
            json!({
                "at": clock::text(one.at), "endpoint": one.endpoint, "detail": one.detail,
                "status": one.status, "fault": one.fault
            })
        });
        told["log"] = Value::Array(log.collect());
    }
    if args.clear {
        bank.counts.clear();
        bank.log.clear();
    }
    told
}
