//! Reads one table of a file: its keys by name, each problem with its place.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::config::error::{Excerpt, Problem, nearest};
use crate::config::load::Source;
use crate::config::value::kind;

pub(super) type Value<'t> = Spanned<DeValue<'t>>;

/// The file being read, and what was wrong with it.
pub(super) struct Out<'s> {
    source: Source<'s>,
    pub(super) problems: Vec<Problem>,
}

impl<'s> Out<'s> {
    pub(super) fn new(source: Source<'s>) -> Self {
        Self { source, problems: Vec::new() }
    }

    pub(super) fn excerpt(&self, span: Range<usize>) -> Excerpt {
        self.source.excerpt(span)
    }

    pub(super) fn say(&mut self, span: Range<usize>, message: impl Into<String>, help: impl Into<String>) {
        let (help, excerpt) = (help.into(), Some(self.excerpt(span)));
        self.problems.push(Problem {
            message: message.into(),
            help: (!help.is_empty()).then_some(help),
            excerpt,
        });
    }

    /// The blocks of a list of tables; a single table is no list.
    pub(super) fn blocks<'b, 't>(
        &mut self,
        key: &str,
        what: &'static str,
        value: &'b Value<'t>,
    ) -> Vec<Block<'b, 't>> {
        let Some(items) = value.get_ref().as_array() else {
            self.say(value.span(), format!("`{key}` is a list of blocks"), format!("write each as {what}"));
            return Vec::new();
        };
        items.iter().filter_map(|item| self.block(what, item)).collect()
    }

    /// A block of a table.
    pub(super) fn block<'b, 't>(
        &mut self,
        what: &'static str,
        value: &'b Value<'t>,
    ) -> Option<Block<'b, 't>> {
        let DeValue::Table(table) = value.get_ref() else {
            let found = kind(value.get_ref());
            self.say(value.span(), format!("{what}: expected a table, found {found}"), "");
            return None;
        };
        Some(Block { what, table, span: value.span() })
    }
}

/// One table.
pub(super) struct Block<'b, 't> {
    /// What it is, for problems.
    pub(super) what: &'static str,
    pub(super) table: &'b DeTable<'t>,
    pub(super) span: Range<usize>,
}

impl<'b, 't> Block<'b, 't> {
    /// The same table, known better.
    pub(super) fn called(self, what: &'static str) -> Self {
        Self { what, ..self }
    }

    pub(super) fn value(&self, key: &str) -> Option<&'b Value<'t>> {
        self.table.get(key)
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.value(key).is_some()
    }

    /// Where a key's value is; where the block is, if it has none.
    pub(super) fn span_of(&self, key: &str) -> Range<usize> {
        self.value(key).map_or_else(|| self.head(), Spanned::span)
    }

    /// Where the block begins, without all that it contains.
    pub(super) fn head(&self) -> Range<usize> {
        self.span.clone()
    }

    /// Reads a key, if it is there and right.
    pub(super) fn read<T>(
        &self,
        out: &mut Out<'_>,
        key: &str,
        read: impl FnOnce(&DeValue<'_>) -> Result<T, String>,
    ) -> Option<T> {
        let value = self.value(key)?;
        match read(value.get_ref()) {
            Ok(read) => Some(read),
            Err(refusal) => {
                out.say(value.span(), format!("`{key}` of {}: {refusal}", self.what), "");
                None
            }
        }
    }

    /// Reads a key that must be there.
    pub(super) fn need<T>(
        &self,
        out: &mut Out<'_>,
        key: &str,
        example: &str,
        read: impl FnOnce(&DeValue<'_>) -> Result<T, String>,
    ) -> Option<T> {
        if !self.has(key) {
            out.say(
                self.head(),
                format!("{} needs `{key}`", self.what),
                format!("such as {key} = {example}"),
            );
        }
        self.read(out, key, read)
    }

    /// Says which keys are not among those known here, and what was meant.
    pub(super) fn only(&self, out: &mut Out<'_>, keys: &[&str], elsewhere: impl Fn(&str) -> Option<String>) {
        for name in self.table.keys() {
            let found = name.get_ref().as_ref();
            if keys.contains(&found) {
                continue;
            }
            let help = elsewhere(found)
                .or_else(|| {
                    nearest(found, keys.iter().copied()).map(|word| format!("did you mean `{word}`?"))
                })
                .unwrap_or_else(|| format!("known here: {}", keys.join(", ")));
            out.say(name.span(), format!("unknown key `{found}` in {}", self.what), help);
        }
    }
}
