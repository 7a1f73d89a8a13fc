//! References in comments lead somewhere: a document is in the tree, and a section that is named is in it.

use super::tree::{Finding, Text, expect_none, texts};

/// What a comment says of documents: `x.md`, and `x/README.md, Section`.
fn references(line: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    let comment = line.trim_start().starts_with("//");
    let ends = line.match_indices(".md").map(|(at, _)| at + ".md".len());
    let whole = move |end: &usize| {
        comment && !line[*end..].starts_with(|c: char| c.is_ascii_alphanumeric() || c == '/')
    };
    ends.filter(whole).map(move |end| {
        let part = |c: char| c.is_ascii_alphanumeric() || "./_-".contains(c);
        let before = line[..end].char_indices().rev().find(|(_, c)| !part(*c));
        let start = before.map_or(0, |(at, c)| at + c.len_utf8());
        let document = &line[start..end];
        let section = line[end..].strip_prefix(", ").filter(|_| document.ends_with("/README.md"));
        (document, section)
    })
}

/// The headings of a document of Markdown.
fn headings(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim())
}

fn lost(source: &Text, documents: &[Text]) -> Vec<Finding> {
    let mut found = Vec::new();
    for (index, line) in source.text.lines().enumerate() {
        for (name, section) in references(line) {
            let inside = format!("/{name}");
            let mut named =
                documents.iter().filter(|text| text.path == name || text.path.ends_with(&inside)).peekable();
            // A comment goes on after the reference, so that the section is what the rest begins with.
            let there = |text: &Text| {
                section.is_none_or(|section| headings(&text.text).any(|heading| section.starts_with(heading)))
            };
            let what = if named.peek().is_none() {
                format!("{name} is not in the tree")
            } else if named.any(there) {
                continue;
            } else {
                format!("{name} has no section that begins so: {}", section.unwrap_or_default())
            };
            found.push(Finding::new(&source.path, index + 1, what));
        }
    }
    found
}

#[test]
fn every_document_that_a_comment_names_is_in_the_tree() {
    let (documents, others): (Vec<Text>, Vec<Text>) =
        texts().into_iter().partition(|text| text.path.ends_with(".md"));
    let checked = |text: &&Text| text.path.ends_with(".rs") && !text.path.starts_with("tests/tidy/");
    let found: Vec<Finding> = others.iter().filter(checked).flat_map(|text| lost(text, &documents)).collect();
    expect_none(&found);
}

#[test]
fn a_reference_that_leads_nowhere_is_found() {
    let documents = [Text::new("daemon/src/monzo/README.md", "# monzo\n\n## Pots\n")];
    let judge = |line: &str| lost(&Text::new("a.rs", line), &documents).len();
    assert_eq!(judge("/// A pot (monzo/README.md, Pots), as listed."), 0);
    assert_eq!(judge("// As monzo/README.md says."), 0);
    assert_eq!(judge("let x = \"elsewhere.md\";"), 0, "a text is no comment");
    assert_eq!(judge("/// A pot (monzo/README.md, Pans)."), 1);
    assert_eq!(judge("//! Elsewhere (spec.md 5.7)."), 1);
}
