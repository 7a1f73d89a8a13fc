//! What is right but worth a second look: rules that pay each other back.

use monzo_common::model::ConfigProblem;

use crate::config::model::Config;
use crate::rule::{AccountOrPotName, Rule, Step};

/// Something worth a second look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// What, in one sentence.
    pub message: String,
    /// What to do about it.
    pub help: String,
    /// File and line.
    pub origin: String,
}

impl From<&Note> for ConfigProblem {
    fn from(note: &Note) -> Self {
        let (file, line) = note.origin.rsplit_once(':').unwrap_or((&note.origin, ""));
        Self {
            file: file.to_owned(),
            line: line.parse().ok(),
            column: None,
            message: note.message.clone(),
            hint: Some(note.help.clone()),
        }
    }
}

/// Says what in the configuration is worth a second look.
pub fn notes(config: &Config) -> Vec<Note> {
    let rules = &config.autosort.rules;
    let mut notes = Vec::new();
    for (index, rule) in rules.iter().enumerate() {
        for other in rules[..index].iter().filter(|other| pays(rule, other) && pays(other, rule)) {
            notes.push(Note {
                message: format!("the rules \"{}\" and \"{}\" pay each other back", other.name, rule.name),
                help: format!("what one moves the other may move back; the other is at {}", other.origin),
                origin: rule.origin.clone(),
            });
        }
    }
    notes
}

/// Tells whether a rule fills the source of another.
fn pays(rule: &Rule, other: &Rule) -> bool {
    rule.steps.iter().flat_map(Step::places).any(|target| same(target, &other.source))
}

fn same(one: &AccountOrPotName, other: &AccountOrPotName) -> bool {
    match (one, other) {
        (AccountOrPotName::Account(one), AccountOrPotName::Account(other)) => one.eq_ignore_ascii_case(other),
        (
            AccountOrPotName::Pot { account: a, name: one },
            AccountOrPotName::Pot { account: b, name: other },
        ) => one == other && (a.is_none() || b.is_none() || a == b),
        _ => false,
    }
}
