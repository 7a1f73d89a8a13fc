//! The manual page of the configuration has every key with its default, and every field of a rule.

use std::collections::BTreeSet;

use monzod::config::{Config, check_text, default_toml, print};

use super::tree::read;

const PAGE: &str = "packaging/man/monzod.toml.5";

/// What `on` of a trigger may say.
const TRIGGERS: [&str; 7] = ["payday", "income", "monthly", "weekly", "daily", "balance", "manual"];

/// The page without the escapes of roff.
fn plain(roff: &str) -> String {
    let escapes = [("\\(dq", "\""), ("\\(aq", "'"), ("\\-", "-"), ("\\[Po]", "£"), ("\\&", ""), ("\\ ", " ")];
    escapes.iter().fold(roff.to_owned(), |text, (escape, plain)| text.replace(escape, plain))
}

/// What the page explains: the tags of its paragraphs.
fn tags(page: &str) -> BTreeSet<&str> {
    let pairs = page.lines().zip(page.lines().skip(1));
    pairs.filter(|(above, _)| *above == ".TP").filter_map(|(_, tag)| tag.strip_prefix(".B ")).collect()
}

/// `section.key = value`, each as the page should say it.
fn keys(printed: &str) -> Vec<String> {
    let (mut section, mut keys) = ("", Vec::new());
    for line in printed.lines() {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']');
        } else if line.contains(" = ") {
            keys.push(format!("{section}.{line}"));
        }
    }
    keys
}

/// The fields of the blocks that the reference shows as comments.
fn fields(reference: &str) -> BTreeSet<&str> {
    let lines = reference.lines().skip_while(|line| *line != "# [[payday]]");
    lines
        .filter_map(|line| line.strip_prefix("# ")?.split_once(" = "))
        .map(|(field, _)| field)
        .filter(|field| field.bytes().all(|b| b == b'_' || b.is_ascii_lowercase()))
        .collect()
}

/// What stands between `.nf` and `.fi`: a whole file.
fn file(page: &str) -> String {
    let shown = page.lines().skip_while(|line| *line != ".nf").take_while(|line| *line != ".fi");
    shown.filter(|line| !line.starts_with('.')).fold(String::new(), |text, line| text + line + "\n")
}

#[test]
fn the_page_has_every_key_with_its_default() {
    let page = plain(&read(PAGE));
    let tags = tags(&page);
    let wanted = keys(&print(&Config::default()));
    let missing: Vec<&String> = wanted.iter().filter(|key| !tags.contains(key.as_str())).collect();
    assert!(missing.is_empty(), "{PAGE} lacks, as `.TP` and `.B KEY = DEFAULT`: {missing:#?}");
    let stale: Vec<&&str> = tags
        .iter()
        .filter(|tag| {
            tag.contains('.') && !tag.starts_with("names.") && !wanted.iter().any(|key| key == **tag)
        })
        .collect();
    assert!(stale.is_empty(), "{PAGE} has what monzod does not have: {stale:#?}");
}

#[test]
fn the_page_has_every_field_of_paydays_and_rules_and_every_trigger_and_step() {
    let page = plain(&read(PAGE));
    let tags = tags(&page);
    let reference = default_toml();
    let triggers = TRIGGERS.map(|on| format!("on = \"{on}\""));
    let wanted =
        fields(&reference).into_iter().chain(triggers.iter().map(String::as_str)).chain(super::guide::STEPS);
    let missing: Vec<&str> = wanted.filter(|wanted| !tags.contains(wanted)).collect();
    assert!(missing.is_empty(), "{PAGE} does not explain: {missing:?}");
    for trigger in triggers {
        assert!(reference.contains(trigger.trim_start_matches("on = ")), "{trigger} is in no reference");
    }
}

#[test]
fn the_file_that_the_page_shows_is_accepted() {
    let shown = file(&plain(&read(PAGE)));
    let config = check_text(PAGE, &shown).unwrap_or_else(|error| panic!("{error}\n{shown}"));
    assert_eq!((config.paydays.len(), config.autosort.rules.len()), (1, 1), "{shown}");
}

#[test]
fn what_a_page_lacks_is_found() {
    let page = plain(".TP\n.B a.b = \\(dqx\\-y\\(dq\nText.\n.TP\n.BR c \", \" d\n.B e\n");
    assert_eq!(tags(&page), BTreeSet::from(["a.b = \"x-y\""]));
    assert_eq!(keys("[a]\nb = \"x-y\"\nc.d = 1\n\n[e]\n"), ["a.b = \"x-y\"", "a.c.d = 1"]);
    assert_eq!(
        fields("# a = 1\n# [[payday]]\n# b_c = 1  # why = not\n#   { d = 1 }\ne = 1\n"),
        BTreeSet::from(["b_c"])
    );
    assert_eq!(file("x\n.nf\n.RS\na = 1\n.RE\n.fi\ny\n"), "a = 1\n");
}
