//! `trigger`: when a rule fires.

use jiff::SignedDuration;
use toml::de::DeValue;

use super::block::{Block, Out, Value};
use super::payday::{ADJUST, credit, switch};
use super::scalar::{WEEKDAYS, account, amount, day, name, offset, place, pot, span, time, word};
use crate::config::error::{Excerpt, not_one_of};
use crate::config::value::text;
use crate::rule::{AccountOrPotName, Adjust, Level, Trigger};

/// What `on` may say, with the keys that go with it.
const KINDS: &[(&str, &[&str])] = &[
    ("payday", &["payday", "offset", "at"]),
    ("income", &["from", "at_least", "at_most", "account", "own", "once"]),
    ("monthly", &["day", "at", "adjust"]),
    ("weekly", &["weekday", "at"]),
    ("daily", &["at"]),
    ("balance", &["of", "below", "above", "cooldown"]),
    ("manual", &[]),
];

/// The triggers of a rule, with the paydays that they want.
#[derive(Default)]
pub(super) struct Triggers {
    pub(super) all: Vec<Trigger>,
    pub(super) paydays: Vec<(Option<String>, Excerpt)>,
}

/// Reads one trigger or a list of them.
pub(super) fn read(out: &mut Out<'_>, value: &Value<'_>) -> Triggers {
    let mut triggers = Triggers::default();
    match value.get_ref() {
        DeValue::Array(items) if items.is_empty() => {
            out.say(value.span(), "a rule needs a trigger", "such as { on = \"manual\" }");
        }
        DeValue::Array(items) => items.iter().for_each(|item| triggers.add(out, item)),
        _ => triggers.add(out, value),
    }
    triggers
}

impl Triggers {
    fn add(&mut self, out: &mut Out<'_>, value: &Value<'_>) {
        if value.get_ref().is_str() {
            let help = "such as trigger = { on = \"payday\" }";
            return out.say(value.span(), "`trigger` is a table, or a list of them", help);
        }
        let Some(block) = out.block("a trigger", value) else { return };
        let Some((on, keys)) = block.need(out, "on", "\"payday\"", kind_of) else { return };
        let known: Vec<&str> = std::iter::once("on").chain(keys.iter().copied()).collect();
        block.only(out, &known, |key| elsewhere(key, on));
        if on == "payday" {
            let name = block.value("payday").and_then(|name| name.get_ref().as_str()).map(str::to_owned);
            let place = if name.is_some() { "payday" } else { "on" };
            self.paydays.push((name, out.excerpt(block.span_of(place))));
        }
        self.all.extend(trigger(out, &block, on));
    }
}

fn kind_of(value: &DeValue<'_>) -> Result<(&'static str, &'static [&'static str]), String> {
    let found = text(value, "a word in quotes")?;
    if found == "spending" {
        return Err("\"spending\" is reserved for a later version".into());
    }
    let names: Vec<&str> = KINDS.iter().map(|(name, _)| *name).collect();
    KINDS.iter().find(|(name, _)| *name == found).copied().ok_or_else(|| not_one_of(found, &names))
}

fn elsewhere(key: &str, on: &str) -> Option<String> {
    let homes: Vec<String> = KINDS
        .iter()
        .filter(|(_, keys)| keys.contains(&key))
        .map(|(name, _)| format!("on = \"{name}\""))
        .collect();
    match homes.as_slice() {
        [] if super::rule::KEYS.contains(&key) => Some(format!("`{key}` belongs to the rule")),
        [] => None,
        homes => Some(format!("`{key}` goes with {}, not with on = \"{on}\"", homes.join(" or "))),
    }
}

fn trigger(out: &mut Out<'_>, block: &Block<'_, '_>, on: &str) -> Option<Trigger> {
    let at = block.read(out, "at", time);
    Some(match on {
        "payday" => Trigger::Payday {
            payday: block.read(out, "payday", name),
            offset_days: block.read(out, "offset", offset).unwrap_or(0),
            at,
        },
        "income" => {
            let account = block.read(out, "account", account);
            Trigger::Income {
                credit: credit(out, block),
                account: account.map(|account| match account {
                    AccountOrPotName::Account(name) | AccountOrPotName::Pot { name, .. } => name,
                }),
                own: block.read(out, "own", switch).unwrap_or(false),
                once_a_cycle: block.read(out, "once", once).unwrap_or(true),
            }
        }
        "monthly" => Trigger::Monthly {
            day: block.need(out, "day", "1", day)?,
            at,
            adjust: block.read(out, "adjust", |value| word(value, ADJUST)).unwrap_or(Adjust::None),
        },
        "weekly" => Trigger::Weekly {
            weekday: block.need(out, "weekday", "\"friday\"", |value| word(value, &WEEKDAYS))?,
            at,
        },
        "daily" => Trigger::Daily { at },
        "balance" => Trigger::Balance {
            of: block
                .need(out, "of", "\"account:Personal\"", |value| place(value).or_else(|_| pot(value)))?,
            level: level(out, block)?,
            cooldown: block.read(out, "cooldown", span("0s", "31d")).unwrap_or(SignedDuration::ZERO),
        },
        _ => Trigger::Manual,
    })
}

fn once(value: &DeValue<'_>) -> Result<bool, String> {
    match value {
        DeValue::Boolean(false) => Ok(false),
        DeValue::String(word) if word == "cycle" => Ok(true),
        _ => Err("expected \"cycle\", or false for every credit".into()),
    }
}

fn level(out: &mut Out<'_>, block: &Block<'_, '_>) -> Option<Level> {
    let below = block.read(out, "below", amount);
    let above = block.read(out, "above", amount);
    match (block.has("below"), block.has("above")) {
        (true, false) => below.map(Level::Below),
        (false, true) => above.map(Level::Above),
        _ => {
            let help = "such as below = \"£50.00\"";
            out.say(block.head(), "a balance trigger says either `below` or `above`", help);
            None
        }
    }
}
