//! The documents agree with the code: links lead somewhere, and the README lists the commands that there are.

use std::collections::BTreeSet;

use super::tree::{Finding, Text, expect_none, read, root, texts};

/// Links of Markdown to other files of the repository: `[text](place)`.
fn links(text: &Text) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (index, line) in text.text.lines().enumerate() {
        for rest in line.split("](").skip(1) {
            let place = rest.split([')', '#', ' ']).next().unwrap_or_default();
            if !place.is_empty() && !place.contains(':') {
                found.push((index + 1, place.to_owned()));
            }
        }
    }
    found
}

fn broken(text: &Text) -> Vec<Finding> {
    let folder = text.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let lost = links(text).into_iter().filter(|(_, place)| !root().join(folder).join(place).exists());
    lost.map(|(line, place)| Finding::new(&text.path, line, format!("{place} does not exist"))).collect()
}

/// The commands of a table between the README's marks: what follows `monzoctl` in the first cell of each row.
fn listed(readme: &str) -> BTreeSet<String> {
    let section =
        readme.split("<!-- commands -->").nth(1).and_then(|rest| rest.split("<!-- /commands -->").next());
    let rows = section.unwrap_or_default().lines().filter_map(|line| line.strip_prefix("| `"));
    let cells = rows.filter_map(|row| row.split(" | ").next());
    let named = cells.flat_map(|cell| cell.split("`, `").map(str::to_owned).collect::<Vec<_>>());
    named.filter_map(|usage| usage.split([' ', '`']).next().map(str::to_owned)).collect()
}

#[test]
fn every_link_leads_somewhere() {
    let documents = texts().into_iter().filter(|text| text.path.ends_with(".md"));
    let found: Vec<Finding> = documents.flat_map(|text| broken(&text)).collect();
    expect_none(&found);
}

#[test]
fn the_readme_lists_the_commands_that_there_are() {
    let command = monzoctl::args::visible();
    let real: BTreeSet<String> =
        command.get_subcommands().map(|command| command.get_name().to_owned()).collect();
    assert_eq!(listed(&read("README.md")), real);
}

#[test]
fn the_readme_begins_with_the_two_commands() {
    let readme = read("README.md");
    for command in ["cargo run --release --bin monzo-sandbox", "cargo test --workspace"] {
        assert!(readme.lines().any(|line| line.trim() == command), "{command}");
        assert!(read(".ci/run").contains(command), ".ci/run does not run {command}");
    }
}

#[test]
fn a_broken_link_and_a_missing_command_are_found() {
    let text =
        Text::new("daemon/a.md", "See [b](src/lib.rs), [c](nowhere.md#x) and [d](https://example.org).\n");
    assert_eq!(broken(&text), [Finding::new("daemon/a.md", 1, "nowhere.md does not exist")]);
    let table =
        "<!-- commands -->\n| `status [--watch]` | it |\n| `verify`, `restore` | it |\n<!-- /commands -->";
    assert_eq!(listed(table), ["restore", "status", "verify"].map(str::to_owned).into());
}
