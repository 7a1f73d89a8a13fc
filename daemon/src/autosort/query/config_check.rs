//! What a check of the configuration says of rules beyond their text: examples that fail, and names at the bank.

use monzo_common::model::ConfigProblem;

use crate::autosort::decide::decision::paydays;
use crate::autosort::decide::{example, names};
use crate::autosort::{Services, Settings, snapshot};
use crate::config::{Config, Note};
use crate::store::StoreError;

/// Where nobody can be asked what a name means.
const UNASKED: &str = "names not checked";

/// The examples of rules that do not come out as they say; none of them stops the daemon.
pub fn failing_examples(config: &Config) -> Vec<ConfigProblem> {
    let mut failing = Vec::new();
    for rule in &config.autosort.rules {
        for one in &rule.tests {
            let days = paydays(&config.paydays, one.at.date(), rule);
            for difference in example::differences(rule, one, &days) {
                failing.push(ConfigProblem::from(&Note {
                    message: format!("an example of the rule \"{}\" fails: {difference}", rule.name),
                    help: "mend the rule, or what the example expects".to_owned(),
                    origin: one.origin.clone(),
                }));
            }
        }
    }
    failing
}

/// Says that names were not checked, if there are any; nothing where no rule names anything.
pub fn unasked(config: &Config, why: &str) -> Option<Note> {
    let first = config.autosort.rules.first()?;
    Some(Note {
        message: format!("{UNASKED}: {why}"),
        help: "`monzoctl config check` asks the daemon, once it has read the bank".to_owned(),
        origin: first.origin.clone(),
    })
}

/// What is the matter with the names of rules, by the accounts and pots that are known.
pub async fn check_names(services: &Services, config: &Config) -> Result<Vec<Note>, StoreError> {
    let (settings, now) = (Settings::of(config), services.clock.now());
    let world = services.store.read(move |reader| snapshot::world::read(reader, &settings, now)).await?;
    if world.accounts.is_empty() {
        return Ok(unasked(config, "nothing was read from the bank yet").into_iter().collect());
    }
    let mut notes = Vec::new();
    for rule in &config.autosort.rules {
        let found = names::resolve(rule, &world);
        let place = format!(" ({})", rule.origin);
        notes.extend(found.problems.into_iter().map(|problem| Note {
            message: problem.message.strip_suffix(&place).unwrap_or(&problem.message).to_owned(),
            help: "mend the name, or the pot in the app; what it would get stays where it is".to_owned(),
            origin: rule.origin.clone(),
        }));
        notes.extend(found.notes.into_iter().map(|message| Note {
            message,
            help: "it goes on working; write the new name when you like".to_owned(),
            origin: rule.origin.clone(),
        }));
    }
    Ok(notes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::check_text;

    const RULE: &str = "[autosort]\nmode = \"propose\"\n\n[[autosort.rule]]\nname = \"sweep\"\n\
        trigger = { on = \"manual\" }\nsource = \"account:Personal\"\nkeep = \"£100.00\"\n\
        step = [{ rest = \"Savings\" }]\n\n[[autosort.rule.test]]\nat = \"2026-11-27T09:00\"\n\
        given = { \"account:Personal\" = \"£150.00\" }\nexpect = { Savings = \"£50.00\" }\n";

    #[test]
    fn an_example_that_comes_out_is_no_problem() {
        let config = check_text("x.toml", RULE).expect("a sound text");
        assert_eq!(config.autosort.rules[0].tests.len(), 1);
        assert_eq!(failing_examples(&config), []);
    }

    #[test]
    fn an_example_that_fails_is_a_problem_with_its_place() {
        let text = RULE.replace("Savings = \"£50.00\"", "Savings = \"£60.00\"");
        let config = check_text("x.toml", &text).expect("the text itself is sound");
        let found = failing_examples(&config);
        let [problem] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((problem.file.as_str(), problem.line), ("x.toml", Some(11)), "{problem:?}");
        assert!(problem.message.contains("£60.00") && problem.message.contains("£50.00"), "{problem:?}");
    }

    #[test]
    fn without_rules_nobody_needs_to_be_asked_for_names() {
        let config = check_text("x.toml", "").expect("an empty text");
        assert_eq!(unasked(&config, "no daemon is asked"), None);
        let config = check_text("x.toml", RULE).expect("a sound text");
        let note = unasked(&config, "no daemon is asked").expect("a rule has names");
        assert!(note.message.starts_with("names not checked"), "{note:?}");
    }
}
