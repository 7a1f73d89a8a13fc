//! What several keys must agree on, checked after all files are merged.

use std::collections::BTreeMap;

use super::{
    error::{Excerpt, Problem},
    model::Config,
    word::ClockSource,
};

/// Returns what is wrong with the merged configuration; `excerpts` are the places of the keys that files set.
pub(crate) fn problems(config: &Config, excerpts: &BTreeMap<String, Excerpt>) -> Vec<Problem> {
    let at = |key: &str| excerpts.get(key).cloned();
    let mut problems = Vec::new();
    if config.monzo.clock == ClockSource::Bank && !config.monzo.api_url.is_loopback() {
        problems.push(Problem {
            message: "`monzo.clock` = \"bank\" is only for a simulated bank on this machine".into(),
            help: Some("remove the line, or let monzo.api_url be on this machine".into()),
            excerpt: at("monzo.clock"),
        });
    }
    if config.sync.jitter > config.sync.interval {
        problems.push(Problem {
            message: format!(
                "`sync.jitter` ({}) is longer than `sync.interval` ({})",
                config.sync.jitter, config.sync.interval
            ),
            help: Some("a tenth of the interval is plenty".into()),
            excerpt: at("sync.jitter").or_else(|| at("sync.interval")),
        });
    }
    problems.extend(names_used_twice(config, excerpts));
    problems
}

/// Two accounts of one name could not be told apart on the command line.
fn names_used_twice(config: &Config, excerpts: &BTreeMap<String, Excerpt>) -> Vec<Problem> {
    let mut first: BTreeMap<String, &str> = BTreeMap::new();
    let mut problems = Vec::new();
    for (id, name) in &config.names {
        let Some(other) = first.insert(name.to_lowercase(), id) else { continue };
        let place = |id: &str| excerpts.get(&format!("names.{id}"));
        let where_else = place(other).map_or_else(String::new, |at| format!(", and at {}", at.place));
        problems.push(Problem {
            message: format!("one name is used twice, for {other} and {id}"),
            help: Some(format!("give one of them another name: here{where_else}")),
            excerpt: place(id).cloned(),
        });
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::super::check_text;

    #[test]
    fn the_banks_clock_needs_a_bank_on_this_machine() {
        let error = check_text("x", "[monzo]\nclock = \"bank\"\n").expect_err("the real bank");
        assert!(error.to_string().contains("x:2:9"), "{error}");
        let text = "[monzo]\nclock = \"bank\"\napi_url = \"http://127.0.0.1:9\"\n";
        assert!(check_text("x", text).is_ok());
    }

    #[test]
    fn the_jitter_is_shorter_than_the_interval() {
        let error = check_text("x", "[sync]\ninterval = \"30m\"\njitter = \"1h\"\n").expect_err("too long");
        assert!(error.to_string().contains("x:3:10"), "{error}");
    }

    #[test]
    fn a_name_used_twice_names_both_places() {
        let error = check_text("x", "[names]\nacc_1 = \"House\"\nacc_2 = \"house\"\n")
            .expect_err("twice")
            .to_string();
        assert!(
            error.contains("acc_1 and acc_2") && error.contains("x:3:1") && error.contains("x:2:1"),
            "{error}"
        );
    }
}
