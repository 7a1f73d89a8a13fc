//! `[[autosort.rule]]`: a rule as a whole.

use jiff::SignedDuration;

use super::Draft;
use super::block::{Block, Out};
use super::payday::switch;
use super::scalar::{keep, name, place, span, word};
use super::{example, step, trigger};
use crate::rule::{AccountOrPotName, OnFailure, Rule, Take};
use monzo_common::model::RuleMode;

pub(super) const KEYS: &[&str] = &[
    "name",
    "trigger",
    "source",
    "keep",
    "take",
    "mode",
    "enabled",
    "catch_up",
    "on_failure",
    "step",
    "test",
];

pub(super) const MODES: &[(&str, RuleMode)] =
    &[("off", RuleMode::Off), ("propose", RuleMode::Propose), ("auto", RuleMode::Auto)];

pub(super) const TAKES: &[(&str, Take)] =
    &[("all", Take::All), ("income", Take::Income), ("leftover", Take::Leftover)];

pub(super) const ON_FAILURE: &[(&str, OnFailure)] =
    &[("return", OnFailure::Return), ("leave", OnFailure::Leave)];

/// Names of runs that no rule makes.
const TAKEN: [&str; 3] = ["move", "undo", "discover"];

pub(super) fn read(out: &mut Out<'_>, block: &Block<'_, '_>) -> Option<Draft> {
    block.only(out, KEYS, |key| match key {
        "steps" => Some("did you mean `step`?".to_owned()),
        "on" | "at" | "payday" => Some(format!("`{key}` belongs in `trigger`")),
        _ => None,
    });
    let name = block.need(out, "name", "\"payday\"", |value| match name(value)? {
        taken if TAKEN.contains(&taken.as_str()) => {
            Err(format!("\"{taken}\" is what runs made by hand are called; give it another name"))
        }
        name => Ok(name),
    });
    let source = block.need(out, "source", "\"account:Personal\"", place);
    let triggers = match block.value("trigger") {
        Some(value) => trigger::read(out, value),
        None => {
            out.say(
                block.head(),
                "[[autosort.rule]] needs `trigger`",
                "such as trigger = { on = \"payday\" }",
            );
            trigger::Triggers::default()
        }
    };
    let steps = match block.value("step") {
        Some(value) => step::read(out, value, source.as_ref()),
        None => {
            out.say(
                block.head(),
                "[[autosort.rule]] needs `step`",
                "such as step = [{ rest = \"Savings\" }]",
            );
            step::Steps::default()
        }
    };
    if matches!(source, Some(AccountOrPotName::Account(_))) && !block.has("keep") {
        let help = "say what must stay there, such as keep = \"£600.00\"";
        out.say(block.span_of("source"), "a rule whose source is an account must say `keep`", help);
    }
    let take = block.read(out, "take", |value| word(value, TAKES)).unwrap_or_default();
    let mut income = steps.income;
    if take != Take::All {
        income.push(out.excerpt(block.span_of("take")));
        if matches!(source, Some(AccountOrPotName::Pot { .. })) {
            out.say(block.span_of("take"), "`take` is for a source that is an account", "remove it");
        }
    }
    let mode = block.read(out, "mode", |value| word(value, MODES));
    let auto = (mode == Some(RuleMode::Auto)).then(|| out.excerpt(block.span_of("mode")));
    let keep = block.read(out, "keep", keep).unwrap_or_default();
    let enabled = block.read(out, "enabled", switch).unwrap_or(true);
    let catch_up = block.read(out, "catch_up", span("0s", "31d")).unwrap_or(SignedDuration::from_hours(48));
    let on_failure = block.read(out, "on_failure", |value| word(value, ON_FAILURE)).unwrap_or_default();
    let tests = match block.value("test") {
        Some(value) => {
            let blocks = out.blocks("test", "[[autosort.rule.test]]", value);
            blocks.iter().filter_map(|block| example::read(out, block)).collect()
        }
        None => Vec::new(),
    };
    let at = out.excerpt(block.span_of("name"));
    let rule = Rule {
        name: name?,
        triggers: triggers.all,
        source: source?,
        keep,
        take,
        mode,
        enabled,
        catch_up,
        on_failure,
        steps: steps.all,
        tests,
        text: String::new(),
        origin: out.excerpt(block.head()).place.without_column(),
    };
    Some(Draft { rule, at, auto, paydays: triggers.paydays, income })
}
