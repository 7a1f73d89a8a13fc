//! A migration that was released is never edited: each file's content is pinned here.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use super::tree::{Text, read, texts};

/// The files in their order, each with the SHA-256 of its content.
const PINNED: &[(&str, &str)] = &[
    ("migrations/0001_core.sql", "bb349ddfc49eb38d9ad8626d9c102bbc48dea31ee9bf82461d601901a7f83b65"),
    ("migrations/0002_autosorter.sql", "e3b588beeef06387ec7a769c88ca7034f4212450c32515ffc5b2b48df0a56947"),
    ("migrations/0003_notices.sql", "55833bd5e9915318011ef280c92c761dfc5a477b9dfa537194a200d8db1b143c"),
    ("migrations/0004_unlisted_pots.sql", "2cc503bf43e738ebf1dc06047631cc6e17522b027b5d4415df27d9638c9eb2c8"),
    ("migrations/0005_sums.sql", "945955fee89b89169bb6ec45a064bd4af29bc4be4afcbd716f1636359d45ade1"),
    ("migrations/0006_bills.sql", "ab8692ac7f1823b654ac97998356567a6255c909748ced355ea8b969511362b0"),
    ("migrations/0007_dictionary.sql", "89b9f441d2b8576f68d7f286aa0a466e7ae72a574a05ef64dfe4eb66045518d6"),
    ("migrations/0008_entries.sql", "423a9dd109b2b656b0a73a7d5607b1c2bb98bf55c0a76fb2c4d19eda101fe415"),
];

fn digest(text: &str) -> String {
    Sha256::digest(text).iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn files() -> Vec<Text> {
    let mut files = texts();
    files.retain(|text| text.path.starts_with("migrations/") && text.path.ends_with(".sql"));
    files
}

/// What is wrong with the files as against the pins.
fn differences(files: &[Text], pinned: &[(&str, &str)]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (index, file) in files.iter().enumerate() {
        let number = format!("migrations/{:04}_", index + 1);
        if !file.path.starts_with(&number) {
            wrong.push(format!("{}: its name should begin with {number}", file.path));
        }
        if !file.text.starts_with("-- ") {
            wrong.push(format!("{}:1: it should say at its top what it is for", file.path));
        }
        let found = digest(&file.text);
        match pinned.iter().find(|(path, _)| *path == file.path) {
            None => wrong.push(format!("{} is not pinned; add its SHA-256: {found}", file.path)),
            Some((_, pin)) if *pin != found => wrong.push(format!(
                "{} was edited: a released migration is never edited, write a new one \
                 (if no release has it yet, pin {found})",
                file.path
            )),
            Some(_) => {}
        }
    }
    for (path, _) in pinned.iter().filter(|(path, _)| files.iter().all(|file| file.path != *path)) {
        wrong.push(format!("{path} is gone; databases that ran it need it"));
    }
    wrong
}

#[test]
fn no_migration_was_edited_renumbered_or_removed() {
    let wrong = differences(&files(), PINNED);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_migration_is_embedded_in_order() {
    let code = read("daemon/src/store/migrate.rs");
    let places: Vec<Option<usize>> = files().iter().map(|file| code.find(&file.path)).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{places:?}");
}

#[test]
fn an_edited_an_unnumbered_and_a_missing_file_are_found() {
    let files =
        [Text::new("migrations/0001_core.sql", "-- Core.\n"), Text::new("migrations/3_x.sql", "SELECT 1;\n")];
    let wrong = differences(&files, &[("migrations/0001_core.sql", "00"), ("migrations/0002_b.sql", "00")]);
    assert_eq!(wrong.len(), 5, "{wrong:#?}");
    assert_eq!(differences(&files[..1], &[("migrations/0001_core.sql", &digest("-- Core.\n"))]), [""; 0]);
}
