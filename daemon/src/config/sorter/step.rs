//! `step`: where money goes.

use monzo_common::model::StepKind;
use toml::de::DeValue;

use super::block::{Block, Out, Value};
use super::scalar::{account, by, cap, name, part, pot, share, some_amount, span, word};
use crate::config::error::Excerpt;
use crate::config::value::text;
use crate::rule::{AccountOrPotName, Amount, Basis, BasisPoints, Part, Share, Step};

/// The words that make a step what it is, with the keys that go with each.
const KINDS: &[(&str, &[&str])] = &[
    ("bills", &["basis", "buffer", "horizon", "until_known"]),
    ("pot", &["amount", "up_to", "by", "max"]),
    ("account", &["amount", "up_to", "max"]),
    ("goals", &["max"]),
    ("split", &["leftover"]),
    ("ask", &["to"]),
    ("rest", &["max"]),
];

const PART: &[&str] = &["pot", "share", "max", "up_to"];

/// The steps of a rule, with the places that need a credit.
#[derive(Default)]
pub(super) struct Steps {
    pub(super) all: Vec<Step>,
    pub(super) income: Vec<Excerpt>,
}

/// Reads the list of steps of a rule with this source.
pub(super) fn read(out: &mut Out<'_>, value: &Value<'_>, source: Option<&AccountOrPotName>) -> Steps {
    let mut steps = Steps::default();
    let Some(items) = value.get_ref().as_array() else {
        out.say(value.span(), "`step` is a list", "such as step = [{ rest = \"Savings\" }]");
        return steps;
    };
    if items.is_empty() {
        out.say(value.span(), "a rule needs a step", "such as { rest = \"Savings\" }");
    }
    for (index, item) in items.iter().enumerate() {
        let Some(block) = out.block("a step", item) else { continue };
        let Some((kind, block)) = kind_of(out, block) else { continue };
        let Some(step) = step(out, &block, kind, &mut steps.income) else { continue };
        let last = index + 1 == items.len();
        if let Some(source) = source {
            possible(out, &block, &step, source);
        }
        if !last && takes_all(&step) {
            let help = match kind {
                "rest" => "it gets all that is left: put it at the end",
                _ => "it gets all that is left: give it `amount` or `up_to`, or put it at the end",
            };
            out.say(
                block.head(),
                format!("a `{kind}` step before the last leaves nothing to the others"),
                help,
            );
        }
        steps.all.push(step);
    }
    steps
}

/// Which kind a step is, if exactly one, after its keys were judged.
fn kind_of<'b, 't>(out: &mut Out<'_>, block: Block<'b, 't>) -> Option<(&'static str, Block<'b, 't>)> {
    let kinds: Vec<_> = KINDS.iter().filter(|(kind, _)| block.has(kind)).collect();
    let [(kind, keys)] = kinds.as_slice() else {
        let names = KINDS.iter().map(|(kind, _)| *kind).collect::<Vec<_>>().join(", ");
        let help = match kinds.as_slice() {
            [] if block.has("share") => "`share` goes with a part of `split`".to_owned(),
            [] => "such as { pot = \"Rent\", amount = \"£850.00\" }".to_owned(),
            _ => "make each a step of its own".to_owned(),
        };
        out.say(block.head(), format!("a step has exactly one of {names}"), help);
        return None;
    };
    let known: Vec<&str> = std::iter::once(*kind).chain(keys.iter().copied()).collect();
    block.only(out, &known, elsewhere);
    let what = match *kind {
        "bills" => "a `bills` step",
        "pot" => "a `pot` step",
        "account" => "an `account` step",
        "goals" => "a `goals` step",
        "split" => "a `split` step",
        "ask" => "an `ask` step",
        _ => "a `rest` step",
    };
    Some((kind, block.called(what)))
}

/// Says where a key belongs that is no key of this step.
fn elsewhere(key: &str) -> Option<String> {
    let homes: Vec<String> =
        KINDS.iter().filter(|(_, keys)| keys.contains(&key)).map(|(kind, _)| format!("`{kind}`")).collect();
    match homes.as_slice() {
        [] if PART.contains(&key) => Some(format!("`{key}` goes with a part of `split`")),
        [] if super::rule::KEYS.contains(&key) => Some(format!("`{key}` belongs to the rule")),
        [] => None,
        homes => Some(format!("`{key}` goes with {}", homes.join(", "))),
    }
}

fn step(out: &mut Out<'_>, block: &Block<'_, '_>, kind: &str, income: &mut Vec<Excerpt>) -> Option<Step> {
    match kind {
        "bills" => bills(out, block),
        "pot" => {
            let pot = block.read(out, "pot", pot);
            let amount = asked(out, block, income);
            let up_to = block.read(out, "up_to", some_amount);
            let by = block.read(out, "by", by);
            if block.has("by") && !block.has("up_to") {
                out.say(block.span_of("by"), "`by` needs `up_to`: what is to be there by then", "");
            }
            if block.has("by") && block.has("amount") {
                out.say(
                    block.span_of("amount"),
                    "`by` says the amount: what is missing ÷ paydays left",
                    "remove one of them",
                );
            }
            let max = block.read(out, "max", cap);
            Some(Step::Pot { written: StepKind::Pot, target: pot?, amount, up_to, by, max })
        }
        "account" => {
            let account = block.read(out, "account", account);
            let amount = asked(out, block, income);
            let up_to = block.read(out, "up_to", some_amount);
            let max = block.read(out, "max", cap);
            Some(Step::Pot { written: StepKind::Account, target: account?, amount, up_to, by: None, max })
        }
        "goals" => {
            let pots = block.read(out, "goals", pots);
            let max = block.read(out, "max", cap);
            let part = |pot| Part { pot, share: Share::Equal, max, up_to: None };
            Some(Step::Split { parts: pots?.into_iter().map(part).collect(), redistribute: true })
        }
        "split" => split(out, block),
        "ask" => {
            let amount = block.read(out, "ask", some_amount);
            let to = block.need(out, "to", "\"Joint\"", name);
            Some(Step::Ask { amount: amount?, to: to? })
        }
        _ => {
            let pot = block.read(out, "rest", pot);
            let (written, max) = (StepKind::Rest, block.read(out, "max", cap));
            Some(Step::Pot { written, target: pot?, amount: None, up_to: None, by: None, max })
        }
    }
}

fn bills(out: &mut Out<'_>, block: &Block<'_, '_>) -> Option<Step> {
    const BASES: &[(&str, Basis)] = &[("upcoming", Basis::Upcoming), ("last-cycle", Basis::LastCycle)];
    let pot = block.read(out, "bills", pot);
    let basis = block.read(out, "basis", |value| word(value, BASES)).unwrap_or_default();
    let buffer = block.read(out, "buffer", |value| match share(value)? {
        BasisPoints(points) if points > 10_000 => Err("must be at most 100%".into()),
        points => Ok(points),
    });
    let horizon = block.read(out, "horizon", span("1h", "366d"));
    let until_known = block.read(out, "until_known", some_amount);
    if block.has("horizon") && basis == Basis::LastCycle {
        out.say(block.span_of("horizon"), "`horizon` is for basis = \"upcoming\"", "remove one of them");
    }
    if block.has("until_known") && basis == Basis::Upcoming {
        out.say(block.span_of("until_known"), "`until_known` is for basis = \"last-cycle\"", "");
    }
    Some(Step::Bills { pot: pot?, basis, buffer: buffer.unwrap_or_default(), horizon, until_known })
}

fn split(out: &mut Out<'_>, block: &Block<'_, '_>) -> Option<Step> {
    const LEFTOVER: &[(&str, bool)] = &[("redistribute", true), ("leave", false)];
    let value = block.value("split")?;
    let redistribute = block.read(out, "leftover", |value| word(value, LEFTOVER)).unwrap_or(true);
    let Some(items) = value.get_ref().as_array().filter(|items| !items.is_empty()) else {
        let help = "such as split = [{ pot = \"Holiday\", share = \"60%\" }]";
        out.say(value.span(), "`split` is a list of parts", help);
        return None;
    };
    let (mut parts, mut total): (Vec<Part>, u32) = (Vec::new(), 0);
    for item in items.iter() {
        let Some(block) = out.block("a part of `split`", item) else { continue };
        block.only(out, PART, elsewhere);
        let pot = block.need(out, "pot", "\"Holiday\"", pot);
        let share = block.need(out, "share", "\"60%\"", part);
        let max = block.read(out, "max", cap);
        let up_to = block.read(out, "up_to", some_amount);
        let (Some(pot), Some(share)) = (pot, share) else { continue };
        if parts.iter().any(|other| other.pot == pot) {
            out.say(block.span_of("pot"), "a pot is in one split twice", "add its shares up");
        }
        total = total.saturating_add(share.0);
        parts.push(Part { pot, share: Share::Of(share), max, up_to });
    }
    if total > BasisPoints::WHOLE.0 {
        let total = monzo_common::amount::percent(total);
        out.say(value.span(), format!("the shares of a split add up to {total}"), "they may be 100% at most");
    }
    (parts.len() == items.len()).then_some(Step::Split { parts, redistribute })
}

/// `amount`: fixed, or of the credit.
fn asked(out: &mut Out<'_>, block: &Block<'_, '_>, income: &mut Vec<Excerpt>) -> Option<Amount> {
    let amount = block.read(out, "amount", |value| {
        let written = text(value, "an amount in quotes such as \"£12.34\", or \"25% of income\"")?;
        if written.ends_with("of spending") || written.starts_with("round-up") {
            return Err("is reserved for a later version".into());
        }
        match written.strip_suffix(" of income") {
            Some(share) => part(&DeValue::String(share.into())).map(Amount::OfIncome),
            None if written.ends_with('%') => {
                Err("of what? write \"25% of income\"; for shares of what is left write a `split`".into())
            }
            None => some_amount(value).map(Amount::Fixed),
        }
    });
    if matches!(amount, Some(Amount::OfIncome(_))) {
        income.push(out.excerpt(block.span_of("amount")));
    }
    amount
}

fn pots(value: &DeValue<'_>) -> Result<Vec<AccountOrPotName>, String> {
    let items = value.as_array().ok_or("expected a list of pots such as [\"Holiday\", \"Car\"]")?;
    let pots = items.iter().map(|item| pot(item.get_ref())).collect::<Result<Vec<_>, _>>()?;
    if pots.is_empty() {
        return Err("must name at least one pot".into());
    }
    match pots.iter().enumerate().any(|(index, pot)| pots[..index].contains(pot)) {
        true => Err("names a pot twice".into()),
        false => Ok(pots),
    }
}

fn takes_all(step: &Step) -> bool {
    matches!(
        step,
        Step::Pot { written: StepKind::Rest, .. } | Step::Pot { amount: None, up_to: None, max: None, .. }
    )
}

/// Says what no run could ever do with this source.
fn possible(out: &mut Out<'_>, block: &Block<'_, '_>, step: &Step, source: &AccountOrPotName) {
    if let (StepKind::Account, AccountOrPotName::Account(_)) = (step.kind(), source) {
        let help = "the bank's API moves money between an account and its own pots: for another account write \
                    { ask = \"£600.00\", to = \"Joint\" }";
        return out.say(block.head(), "an `account` step needs a pot as the rule's source", help);
    }
    for target in step.places() {
        if target == source {
            out.say(block.head(), "a step fills the pot that is the rule's source", "name another pot");
        } else if let (Some(one), Some(other)) = (usual_account(source), usual_account(target))
            && one != other
        {
            let help = "all pots and accounts of a rule belong to one account; for another one write \
                        { ask = \"£600.00\", to = \"Joint\" }";
            out.say(block.head(), format!("the source is of {one}, the target of {other}"), help);
        }
    }
}

/// The account that a place names, where that is a name that only one account has.
fn usual_account(place: &AccountOrPotName) -> Option<&str> {
    let (AccountOrPotName::Account(name) | AccountOrPotName::Pot { account: Some(name), .. }) = place else {
        return None;
    };
    ["Personal", "Joint", "Business", "Flex"].into_iter().find(|usual| usual.eq_ignore_ascii_case(name))
}
