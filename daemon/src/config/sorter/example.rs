//! `[[autosort.rule.test]]`: what a rule should do in a made-up state.

use std::collections::BTreeMap;

use toml::de::DeValue;

use super::block::{Block, Out};
use super::scalar::{amount, moment, place, pot, some_amount};
use crate::rule::Example;

const KEYS: &[&str] = &["at", "income", "bills", "given", "expect"];

pub(super) fn read(out: &mut Out<'_>, block: &Block<'_, '_>) -> Option<Example> {
    block.only(out, KEYS, |_| None);
    let at = block.need(out, "at", "\"2026-11-27T09:00\"", moment);
    let income = block.read(out, "income", some_amount);
    let bills = amounts(out, block, "bills", |name| Ok(name.to_owned()));
    let given = amounts(out, block, "given", |name| {
        let value = DeValue::String(name.into());
        place(&value).or_else(|_| pot(&value))
    });
    if !block.has("expect") {
        out.say(
            block.head(),
            "[[autosort.rule.test]] needs `expect`",
            "such as expect = { left = \"£600.00\" }",
        );
    }
    let expect = amounts(out, block, "expect", |name| Ok(name.to_owned()));
    let origin = out.excerpt(block.head()).place.without_column();
    Some(Example { at: at?, income, bills, given, expect, origin })
}

/// A table of amounts by name.
fn amounts<K: Ord>(
    out: &mut Out<'_>,
    block: &Block<'_, '_>,
    key: &'static str,
    name: impl Fn(&str) -> Result<K, String>,
) -> BTreeMap<K, i64> {
    let mut found = BTreeMap::new();
    let Some(table) = block.value(key).and_then(|value| out.block(key, value)) else { return found };
    for (written, value) in table.table {
        let minor = amount(value.get_ref());
        match (name(written.get_ref()), minor) {
            (Ok(name), Ok(minor)) => {
                found.insert(name, minor);
            }
            (Err(refusal), _) => out.say(written.span(), format!("`{key}`: {refusal}"), ""),
            (_, Err(refusal)) => {
                out.say(value.span(), format!("`{key}.{}`: {refusal}", written.get_ref()), "");
            }
        }
    }
    found
}
