//! What the blocks of all files must agree on: names used once, paydays that exist, money that can come in.

use std::collections::BTreeMap;

use super::{Drafts, text};
use crate::config::error::{Excerpt, Problem, nearest};
use crate::config::load::Loaded;
use crate::rule::{Payday, Step, Trigger};
use monzo_common::model::RuleMode;

impl Drafts {
    /// Puts the blocks into the configuration, and says what is wrong with them together.
    pub(in crate::config) fn settle(
        self,
        loaded: &mut Loaded,
        excerpts: &BTreeMap<String, Excerpt>,
    ) -> Vec<Problem> {
        let mut problems = Vec::new();
        let names = self.paydays.iter().map(|(payday, at)| (payday.name.as_str(), at));
        problems.extend(used_twice("paydays", names));
        let names = self.rules.iter().map(|draft| (draft.rule.name.as_str(), &draft.at));
        problems.extend(used_twice("rules", names));
        let paydays: Vec<Payday> = self.paydays.iter().map(|(payday, _)| payday.clone()).collect();
        for draft in &self.rules {
            problems
                .extend(draft.paydays.iter().filter_map(|(name, at)| unknown(name.as_deref(), at, &paydays)));
            if !draft.rule.triggers.iter().any(|trigger| brings_income(trigger, &paydays)) {
                problems.extend(draft.income.iter().map(|at| Problem {
                    message: format!(
                        "no trigger of rule \"{}\" brings an income to take from",
                        draft.rule.name
                    ),
                    help: Some("use on = \"income\", or a payday with `income`".into()),
                    excerpt: Some(at.clone()),
                }));
            }
        }
        let everywhere =
            (loaded.config.autosort.mode == RuleMode::Auto).then(|| excerpts.get("autosort.mode"));
        let auto = everywhere.flatten().or_else(|| self.rules.iter().find_map(|draft| draft.auto.as_ref()));
        if let Some(auto) = auto
            && loaded.config.autosort.max_per_run.is_none()
        {
            problems.push(Problem {
                message: "`autosort.max_per_run` must be set where anything is `auto`".into(),
                help: Some("such as max_per_run = \"£2,500.00\" in [autosort]".into()),
                excerpt: Some(auto.clone()),
            });
        }
        self.give(loaded, paydays);
        problems
    }

    fn give(self, loaded: &mut Loaded, paydays: Vec<Payday>) {
        for (payday, at) in self.paydays {
            loaded.origins.insert(format!("payday.{}", payday.name), at.place);
        }
        for draft in self.rules {
            let mut rule = draft.rule;
            let read = paydays.iter().enumerate().filter(|(index, payday)| {
                let names = rule.triggers.iter().filter_map(|trigger| match trigger {
                    Trigger::Payday { payday, .. } => Some(payday.as_deref()),
                    Trigger::Income { .. } => Some(None),
                    _ => None,
                });
                let by_cycle = rule
                    .steps
                    .iter()
                    .any(|step| matches!(step, Step::Bills { .. } | Step::Pot { by: Some(_), .. }));
                let first = *index == 0;
                (by_cycle && first)
                    || names.into_iter().any(|name| name.map_or(first, |name| name == payday.name))
            });
            let read: Vec<&Payday> = read.map(|(_, payday)| payday).collect();
            rule.text = text::canonical(&rule, &read);
            loaded.origins.insert(format!("autosort.rule.{}", rule.name), draft.at.place);
            loaded.config.autosort.rules.push(rule);
        }
        loaded.config.paydays = paydays;
    }
}

fn used_twice<'a>(what: &str, names: impl Iterator<Item = (&'a str, &'a Excerpt)>) -> Vec<Problem> {
    let mut first: BTreeMap<String, &Excerpt> = BTreeMap::new();
    let mut problems = Vec::new();
    for (name, at) in names {
        let Some(other) = first.get(&name.to_lowercase()) else {
            first.insert(name.to_lowercase(), at);
            continue;
        };
        problems.push(Problem {
            message: format!("two {what} are called \"{name}\""),
            help: Some(format!("give one of them another name: here, and at {}", other.place)),
            excerpt: Some(at.clone()),
        });
    }
    problems
}

fn unknown(name: Option<&str>, at: &Excerpt, paydays: &[Payday]) -> Option<Problem> {
    let names: Vec<&str> = paydays.iter().map(|payday| payday.name.as_str()).collect();
    let (message, help) = match name {
        Some(name) if names.contains(&name) => return None,
        Some(name) => {
            let help = match nearest(name, names.iter().copied()) {
                Some(word) => format!("did you mean \"{word}\"?"),
                None if names.is_empty() => "write a [[payday]] of that name".to_owned(),
                None => format!("there are: {}", names.join(", ")),
            };
            (format!("there is no payday \"{name}\""), help)
        }
        None if names.is_empty() => {
            let help = "write one, such as [[payday]] with name = \"main\" and day = \"last-working-day\"";
            ("there is no [[payday]]".to_owned(), help.to_owned())
        }
        None => return None,
    };
    Some(Problem { message, help: Some(help), excerpt: Some(at.clone()) })
}

fn brings_income(trigger: &Trigger, paydays: &[Payday]) -> bool {
    match trigger {
        Trigger::Income { .. } => true,
        Trigger::Payday { payday, offset_days: 0, .. } => match payday {
            Some(name) => paydays.iter().any(|payday| payday.name == *name && payday.income.is_some()),
            None => paydays.first().is_some_and(|payday| payday.income.is_some()),
        },
        _ => false,
    }
}
