//! The guides are true: each block of TOML is a configuration that monzod accepts, and each command can be typed.

use std::fs;

use monzod::config::{Config, Loaded, Locations};

use super::hints::wrong;
use super::tree::{Finding, Text, expect_none, texts};

/// The words that make a step of a rule what it is.
pub const STEPS: [&str; 7] = ["bills", "pot", "account", "goals", "split", "ask", "rest"];

/// A block between fences, with the line of its guide on which it begins.
struct Block<'a> {
    language: &'a str,
    line: usize,
    lines: Vec<&'a str>,
}

fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks: Vec<Block<'_>> = Vec::new();
    let mut open = false;
    for (index, line) in text.lines().enumerate() {
        match line.strip_prefix("```") {
            Some(_) if open => open = false,
            Some(language) => {
                open = true;
                blocks.push(Block { language, line: index + 2, lines: Vec::new() });
            }
            None => {
                if let Some(block) = blocks.last_mut().filter(|_| open) {
                    block.lines.push(line);
                }
            }
        }
    }
    blocks
}

/// Puts all blocks of a guide where a person would put them, each in a drop-in of its own, and loads them together.
fn load(guide: &Text) -> Result<Loaded, String> {
    let folder = tempfile::tempdir().expect("a folder");
    let drop_ins = folder.path().join("conf.d");
    fs::create_dir(&drop_ins).expect("a folder for the drop-ins");
    for block in blocks(&guide.text).iter().filter(|block| block.language == "toml") {
        // Empty lines first, so that an error names the guide's own line.
        let text = format!("{}{}\n", "\n".repeat(block.line - 1), block.lines.join("\n"));
        fs::write(drop_ins.join(format!("{:05}.toml", block.line)), text).expect("a drop-in");
    }
    let main = folder.path().join("monzod.toml");
    fs::write(&main, "").expect("a main file");
    let locations = Locations::new(Some(main), &|_| None);
    Config::load(&locations).map_err(|error| error.to_string())
}

/// The commands that a guide tells a person to type: in backticks, and in blocks of a shell.
fn commands(guide: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut shell = Vec::new();
    let mut fenced = Vec::new();
    for block in blocks(guide) {
        fenced.extend(block.line - 1..=block.line + block.lines.len());
        for (index, line) in block.lines.iter().enumerate() {
            // A console shows what was printed, too, and that may name commands as well.
            let typed = match block.language {
                "sh" => Some(*line),
                "console" => line.strip_prefix("$ "),
                _ => None,
            };
            shell.extend(typed.map(|typed| (block.line + index, typed.to_owned())));
        }
    }
    for (index, line) in guide.lines().enumerate().filter(|(index, _)| !fenced.contains(&(index + 1))) {
        found.extend(line.split('`').skip(1).step_by(2).map(|code| (index + 1, code.to_owned())));
    }
    found.extend(shell);
    found.retain(|(_, command)| command.starts_with("monzoctl ") || command.starts_with("sudo monzoctl "));
    found
}

fn untypable(guide: &Text) -> Vec<Finding> {
    let commands = commands(&guide.text).into_iter();
    let judged = commands.filter_map(|(line, command)| Some((line, wrong(&command)?, command)));
    judged
        .map(|(line, why, command)| Finding::new(&guide.path, line, format!("`{command}`: {why}")))
        .collect()
}

fn guides() -> Vec<Text> {
    let guides: Vec<Text> =
        texts().into_iter().filter(|text| text.path.starts_with("packaging/guide/")).collect();
    assert!(guides.iter().any(|guide| guide.path.ends_with("/rules.md")), "the guide to rules is missing");
    guides
}

#[test]
fn every_configuration_in_a_guide_is_accepted() {
    for guide in guides() {
        let loaded = load(&guide).unwrap_or_else(|error| panic!("{}:\n{error}", guide.path));
        let wanted = guide.text.matches("\n[[autosort.rule]]\n").count();
        assert_eq!(loaded.config.autosort.rules.len(), wanted, "{}: the rules that were read", guide.path);
    }
}

#[test]
fn every_command_in_a_guide_can_be_typed() {
    let found: Vec<Finding> = guides().iter().flat_map(untypable).collect();
    expect_none(&found);
}

#[test]
fn the_guide_to_rules_has_a_recipe_for_every_kind_of_step() {
    let guide = guides().into_iter().find(|guide| guide.path.ends_with("/rules.md")).expect("it is there");
    let toml: Vec<&str> = blocks(&guide.text)
        .into_iter()
        .filter(|block| block.language == "toml")
        .flat_map(|block| block.lines)
        .collect();
    for kind in STEPS {
        let begins = format!("{{ {kind} = ");
        assert!(toml.iter().any(|line| line.contains(&begins)), "no recipe has a step `{kind}`");
    }
}

#[test]
fn the_readme_shows_a_rule_that_is_accepted_and_names_the_guide() {
    let readme = Text::new("README.md", &super::tree::read("README.md"));
    let loaded = load(&readme).unwrap_or_else(|error| panic!("README.md:\n{error}"));
    assert_eq!(loaded.config.autosort.rules.len(), 1, "the README shows one whole rule");
    assert!(readme.text.contains("(packaging/guide/rules.md)"), "the README links to the guide");
}

#[test]
fn a_bad_block_and_a_bad_command_are_found() {
    let bad = Text::new(
        "a.md",
        "Say:\n\n```toml\n[[autosort.rule]]\nname = \"a\"\n```\n\nThen `monzoctl sort plam a`:\n\n\
         ```console\n$ monzoctl sync\nmonzoctl nonsense is printed\n```\n",
    );
    let error = load(&bad).expect_err("the rule lacks nearly everything");
    assert!(error.contains(":4:1"), "it names the line of the guide: {error}");
    let found: Vec<usize> = untypable(&bad).iter().map(|finding| finding.line).collect();
    assert_eq!(found, [8], "{:?}", untypable(&bad));
    let good = Text::new("b.md", "`monzoctl sort plan 'bill guard'`\n\n```sh\nmonzoctl sync\n```\n");
    assert_eq!(untypable(&good), []);
    assert!(load(&good).is_ok());
}
