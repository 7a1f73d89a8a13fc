//! `monzod --print-config --default` is the configuration's reference: every key is there, each with a line about it.

use std::collections::BTreeSet;

use monzod::config::{Config, Loaded, default_toml, print, show};

/// The keys of a printed configuration, with whether a comment stands above each.
fn keys(printed: &str) -> Vec<(String, bool)> {
    let (mut section, mut above, mut keys) = (String::new(), "", Vec::new());
    for line in printed.lines() {
        if let Some(name) = line.strip_prefix('[') {
            name.trim_end_matches(']').clone_into(&mut section);
        } else if let Some((key, _)) = line.split_once(" = ").filter(|_| !line.starts_with('#')) {
            keys.push((format!("{section}.{key}"), above.starts_with("# ") && above.ends_with(['.', ')'])));
        }
        above = line;
    }
    keys
}

/// The sections, with whether a comment stands above each.
fn sections(printed: &str) -> Vec<(&str, bool)> {
    let pairs = std::iter::once("").chain(printed.lines()).zip(printed.lines());
    pairs
        .filter(|(_, line)| line.starts_with('['))
        .map(|(above, line)| (line, above.starts_with("# ")))
        .collect()
}

#[test]
fn every_key_of_the_reference_is_explained() {
    let reference = default_toml();
    for (key, explained) in keys(&reference) {
        assert!(explained, "{key} has no line above it in:\n{reference}");
    }
    for (section, explained) in sections(&reference) {
        assert!(explained, "{section} has no line above it in:\n{reference}");
    }
}

#[test]
fn the_reference_has_every_key_that_there_is() {
    let explained: BTreeSet<String> = keys(&default_toml()).into_iter().map(|(key, _)| key).collect();
    let printed: BTreeSet<String> =
        keys(&print(&Config::default())).into_iter().map(|(key, _)| key).collect();
    assert_eq!(explained, printed, "the reference against what a daemon without a file prints");
    let loaded = Loaded { config: Config::default(), origins: [].into(), files: Vec::new() };
    for entry in show(&loaded).iter().filter(|entry| entry.key.contains('.')) {
        assert!(explained.contains(&entry.key), "{} is shown, but not in the reference", entry.key);
    }
}

#[test]
fn a_key_without_a_line_is_found() {
    let text = "# About.\n[sync]\n# The time.\ninterval = \"6h\"\njitter = \"10m\"\n\n[log]\n";
    assert_eq!(keys(text), [("sync.interval".to_owned(), true), ("sync.jitter".to_owned(), false)]);
    assert_eq!(sections(text), [("[sync]", true), ("[log]", false)]);
}
