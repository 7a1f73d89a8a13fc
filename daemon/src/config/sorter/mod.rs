//! `[[payday]]` and `[[autosort.rule]]`: blocks of the files that add up, read into the rule as values.
//!
//! Each block is judged alone, and all of them together once every file is read (`agreement`).
//! The keys of `[autosort]` itself are rows of the table of keys (`settings`).

mod agreement;
mod block;
mod example;
mod notes;
mod payday;
mod rule;
mod scalar;
pub(super) mod settings;
mod step;
mod text;
mod trigger;

use toml::Spanned;
use toml::de::DeValue;

use super::error::{Excerpt, Problem};
use super::load::Source;
use crate::rule::{Payday, Rule};
use block::Out;

pub use notes::{Note, notes};
pub(super) use text::{EXAMPLE, payday as payday_text, printed, summary};

/// The blocks of all files, in their order.
#[derive(Default)]
pub(super) struct Drafts {
    paydays: Vec<(Payday, Excerpt)>,
    rules: Vec<Draft>,
}

/// A rule, and the places that are judged once all files are read.
struct Draft {
    rule: Rule,
    /// Its name.
    at: Excerpt,
    /// Where it says `auto`.
    auto: Option<Excerpt>,
    /// Paydays that its triggers name, and those that want one without a name.
    paydays: Vec<(Option<String>, Excerpt)>,
    /// What needs a credit that fires.
    income: Vec<Excerpt>,
}

impl Drafts {
    /// Reads `payday`.
    pub(super) fn paydays(&mut self, source: Source<'_>, value: &Spanned<DeValue<'_>>) -> Vec<Problem> {
        let mut out = Out::new(source);
        for block in out.blocks("payday", "[[payday]]", value) {
            self.paydays.extend(payday::read(&mut out, &block));
        }
        out.problems
    }

    /// Reads `autosort.rule`.
    pub(super) fn rules(&mut self, source: Source<'_>, value: &Spanned<DeValue<'_>>) -> Vec<Problem> {
        let mut out = Out::new(source);
        for block in out.blocks("autosort.rule", "[[autosort.rule]]", value) {
            self.rules.extend(rule::read(&mut out, &block));
        }
        out.problems
    }
}

/// Whether the keys of a block include one: for advice about misplaced keys.
pub(super) fn home_of(key: &str) -> Option<&'static str> {
    let homes: [(&[&str], &str); 2] = [(payday::KEYS, "[[payday]]"), (rule::KEYS, "[[autosort.rule]]")];
    homes.into_iter().find(|(keys, _)| keys.contains(&key)).map(|(_, home)| home)
}

#[cfg(test)]
mod tests;
