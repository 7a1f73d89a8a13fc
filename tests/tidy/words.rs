//! Words that do not belong into the repository: places of one machine, and work that is not done.

use super::tree::{Finding, Text, expect_none, texts};

/// What is said of a word that was found.
type Word = (fn(&str) -> bool, &'static str);

const WORDS: &[Word] = &[
    (home, "a path of somebody's own machine"),
    (conflict, "a merge that was not finished"),
    (unfinished, "something unfinished; finish it or leave it out"),
];

/// A line that names a place which only one machine has.
fn home(line: &str) -> bool {
    // In pieces, since this file is searched too.
    let places =
        [["/wo", "rk/"], ["/ro", "ot/"], ["/Us", "ers/"], ["/tmp/ba", "sh_"]].map(|parts| parts.concat());
    let begins = |at: usize| !line[..at].ends_with(|c: char| c.is_alphanumeric() || ".$}~".contains(c));
    places.iter().any(|place| line.match_indices(place.as_str()).any(|(at, _)| begins(at)))
}

fn conflict(line: &str) -> bool {
    line.starts_with(&"<".repeat(7)) || line.starts_with(&">".repeat(7))
}

fn unfinished(line: &str) -> bool {
    let marks = [["TO", "DO"], ["FIX", "ME"], ["XX", "X:"], ["lorem ", "ipsum"]].map(|parts| parts.concat());
    marks.iter().any(|mark| line.contains(mark.as_str()))
}

fn findings(text: &Text) -> Vec<Finding> {
    let mut found = Vec::new();
    for (index, line) in text.text.lines().enumerate() {
        let wrong = WORDS.iter().filter(|(is, _)| is(line));
        found.extend(
            wrong.map(|(_, what)| Finding::new(&text.path, index + 1, format!("{what}: {}", line.trim()))),
        );
    }
    found
}

/// Crates come from where everybody gets them.
fn foreign_sources(lock: &str) -> Vec<Finding> {
    let usual = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
    let lines = lock.lines().enumerate().filter(|(_, line)| line.starts_with("source = ") && *line != usual);
    lines.map(|(index, line)| Finding::new("Cargo.lock", index + 1, line)).collect()
}

#[test]
fn no_text_names_a_place_that_only_one_machine_has() {
    let found: Vec<Finding> = texts().iter().flat_map(findings).collect();
    expect_none(&found);
}

#[test]
fn crates_come_from_the_public_registry() {
    let lock = texts().into_iter().find(|text| text.path == "Cargo.lock").expect("the lock file is kept");
    expect_none(&foreign_sources(&lock.text));
}

#[test]
fn every_kind_of_word_is_found() {
    let bad = [["see /wo", "rk/main/README.md"], ["<<<<<", "<< HEAD"], ["// TO", "DO: later"]];
    for (line, (is, what)) in bad.iter().map(|parts| parts.concat()).zip(WORDS) {
        assert!(is(&line), "{what}: {line}");
    }
    let good = ["the /network/ and frame/work/x", "a chroot/x", "a list, to do"];
    for line in good {
        assert_eq!(findings(&Text::new("a.md", line)), [], "{line}");
    }
    assert_eq!(foreign_sources("source = \"git+https://example.org/x\"\n").len(), 1);
}
