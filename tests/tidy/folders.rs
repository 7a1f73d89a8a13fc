//! Every folder says what lives in it and what does not.

use std::collections::BTreeSet;

use super::source::{Source, sources};
use super::tree::{Finding, expect_none, folders, read, texts};

/// Whether a folder has a README of its own; what is deeper is told by the folder above it.
fn has_own(folder: &str) -> bool {
    let parts: Vec<&str> = folder.split('/').collect();
    match parts.as_slice() {
        [first, ..] if first.starts_with('.') => false,
        [_] | ["daemon", "src", _] | ["packaging", _] => true,
        ["tests", inner] => !["src", "tidy"].contains(inner),
        _ => false,
    }
}

/// What a README of a folder lacks.
fn lacks(path: &str, text: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    if !text.starts_with("# ") {
        found.push(Finding::new(path, 1, "it should begin with the folder's name as its title"));
    }
    if !text.contains("Not here:") {
        found.push(Finding::new(
            path,
            text.lines().count(),
            "it should say what does not live there: `Not here: …`",
        ));
    }
    found
}

/// The folder of the modules that a README tells of, for crates and their modules.
fn modules_of(path: &str) -> Option<String> {
    let folder = path.strip_suffix("/README.md")?;
    match folder.split('/').collect::<Vec<_>>().as_slice() {
        ["common" | "ctl" | "daemon"] => Some(format!("{folder}/src/")),
        ["daemon", "src", _] => Some(format!("{folder}/")),
        _ => None,
    }
}

/// The modules that a README does not name, as `` `module` `` or `` `module/` ``.
fn unnamed(path: &str, text: &str, sources: &[Source]) -> Vec<Finding> {
    let Some(modules) = modules_of(path) else { return Vec::new() };
    let inside = sources.iter().filter_map(|source| source.path.strip_prefix(&modules));
    let names: BTreeSet<&str> =
        inside.map(|inside| inside.split('/').next().unwrap_or_default().trim_end_matches(".rs")).collect();
    let named = |name: &str| text.contains(&format!("`{name}`")) || text.contains(&format!("`{name}/`"));
    let silent = names.into_iter().filter(|name| !["mod", "lib", "main"].contains(name) && !named(name));
    silent.map(|name| Finding::new(path, 1, format!("it does not say what `{name}` is for"))).collect()
}

#[test]
fn every_readme_of_a_room_tells_of_all_its_modules() {
    let sources = sources(&["common", "ctl", "daemon"]);
    let readmes = texts().into_iter().filter(|text| text.path.ends_with("/README.md"));
    let found: Vec<Finding> = readmes.flat_map(|text| unnamed(&text.path, &text.text, &sources)).collect();
    expect_none(&found);
}

#[test]
fn every_folder_says_what_lives_there_and_what_does_not() {
    let texts = texts();
    let mut found = Vec::new();
    for folder in folders().iter().filter(|folder| has_own(folder)) {
        let path = format!("{folder}/README.md");
        match texts.iter().find(|text| text.path == path) {
            None => found.push(Finding::new(&path, 1, "it is missing")),
            Some(text) => found.extend(lacks(&path, &text.text)),
        }
    }
    expect_none(&found);
}

#[test]
fn the_room_of_the_store_is_one_of_the_folders() {
    let folders = folders();
    for folder in ["common", "daemon/src/store", "packaging/systemd", "tests"] {
        assert!(folders.iter().any(|name| name == folder) && has_own(folder), "{folder}");
    }
    assert!(read("daemon/src/store/README.md").contains("Not here:"));
}

#[test]
fn a_readme_without_a_title_or_without_a_limit_is_found() {
    assert_eq!(lacks("a/README.md", "Words.\n").len(), 2);
    assert_eq!(lacks("a/README.md", "# a\n\nWords.\n\nNot here: others (`b`).\n"), []);
}

#[test]
fn a_module_that_its_readme_does_not_tell_of_is_found() {
    let sources = [Source::new("ctl/src/view/csv.rs", ""), Source::new("ctl/src/exit.rs", "")];
    assert_eq!(unnamed("ctl/README.md", "- `view/`, `exit`: x", &sources), []);
    assert_eq!(unnamed("ctl/README.md", "- `exit`: the view", &sources).len(), 1);
}
