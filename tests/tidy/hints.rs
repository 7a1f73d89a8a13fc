//! Commands that the programs tell a person to run: each can be pasted as it stands.
//!
//! A command stands in backticks in a text. What is filled in when it is printed (`{…}`) counts as a word.

use clap::{CommandFactory, Parser};
use monzoctl::args::Cli;

use super::source::{Source, sources};
use super::tree::{Finding, expect_none};

/// Words in capitals that a person has to replace, with why no program can.
const CHOICES: &[(&str, &str)] = &[
    ("restore NAME", "which backup is the person's choice, after `backup list`"),
    ("restore --other-user NAME", "the same"),
    ("show ID", "which record is the person's choice, from the column of that name"),
];

/// The commands in backticks in one text.
fn commands(literal: &str) -> Vec<String> {
    // A text goes on after a line that ends with `\`.
    let mut whole = String::new();
    for line in literal.split("\\\n") {
        whole.push_str(if whole.is_empty() { line } else { line.trim_start() });
    }
    whole.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The command with a word for each thing that is filled in.
fn filled(command: &str) -> String {
    let mut text = String::new();
    let mut rest = command;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        text.push_str("word");
        rest = after.split_once('}').map_or("", |(_, rest)| rest);
    }
    text + rest
}

/// The words of a command as a shell sees them: single quotes hold several words together.
fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (index, part) in command.split('\'').enumerate() {
        match index % 2 {
            0 => words.extend(part.split_whitespace().map(str::to_owned)),
            _ => words.push(part.to_owned()),
        }
    }
    words
}

/// What is wrong with a command, if it is one of ours.
pub fn wrong(command: &str) -> Option<String> {
    let command = words(&filled(command));
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    let words = words.strip_prefix(&["sudo"]).unwrap_or(&words);
    // What follows is for another program.
    let words: Vec<&str> = words.iter().copied().take_while(|word| !["|", ">", "<"].contains(word)).collect();
    if words.first() != Some(&"monzoctl") {
        let named = words.len() > 1 && nested(words[0], words[1]);
        return named.then(|| "begin with `monzoctl`, so that it can be pasted".to_owned());
    }
    if CHOICES.iter().any(|(choice, _)| words[1..].join(" ") == *choice) {
        return None;
    }
    let capitals = |word: &&&str| word.len() > 1 && word.chars().all(|c| c.is_ascii_uppercase() || c == '|');
    if let Some(word) = words.iter().find(capitals) {
        return Some(format!("{word} is not filled in"));
    }
    let parsed = Cli::try_parse_from(&words);
    let error = parsed.err().filter(clap::Error::use_stderr)?;
    Some(error.to_string().lines().next().unwrap_or_default().to_owned())
}

/// `sort history`: a command within a command.
fn nested(group: &str, command: &str) -> bool {
    let all = Cli::command();
    all.find_subcommand(group).is_some_and(|group| group.find_subcommand(command).is_some())
}

fn findings(source: &Source) -> Vec<Finding> {
    let mut found = Vec::new();
    for (line, literal) in &source.literals {
        for command in commands(literal) {
            found.extend(
                wrong(&command).map(|why| Finding::new(&source.path, *line, format!("`{command}`: {why}"))),
            );
        }
    }
    found
}

#[test]
fn every_command_that_a_person_is_told_to_run_can_be_pasted() {
    let found: Vec<Finding> =
        sources(&["common/src", "ctl/src", "daemon/src"]).iter().flat_map(findings).collect();
    expect_none(&found);
}

#[test]
fn a_command_that_cannot_be_pasted_is_found() {
    let source = |text: &str| Source::new("a.rs", text);
    for (text, what) in [
        (r#"x("`monzoctl ack` silences it")"#, "required"),
        (r#"x("`monzoctl sort thaw RULE`")"#, "RULE is not filled in"),
        (r#"x("`monzoctl sort hsitory`")"#, "unrecognized"),
        (r#"x("`monzoctl accounts`, `sort history`")"#, "begin with"),
        ("x(\"`monzoctl sort \\\n   aprove`\")", "unrecognized"),
    ] {
        let found = findings(&source(text));
        assert!(found.len() == 1 && found[0].what.contains(what), "{text}: {found:?}");
    }
    for text in [
        r#"x("`monzoctl sort thaw {}`, then `sudo monzoctl login`")"#,
        r#"x("`monzoctl backup - | age -r age1…`; see `df -h`")"#,
        r#"// `monzoctl ack`"#,
    ] {
        assert_eq!(findings(&source(text)), [], "{text}");
    }
}
