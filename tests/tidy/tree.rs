//! The repository's files, and what is said of them when something is wrong.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// A text file; its path is relative to the repository, with `/`.
pub struct Text {
    pub path: String,
    pub text: String,
}

impl Text {
    pub fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }
}

/// Something that should not be.
#[derive(Debug, PartialEq, Eq)]
pub struct Finding {
    pub path: String,
    pub line: usize,
    pub what: String,
}

impl Finding {
    pub fn new(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, what: what.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.what)
    }
}

/// Fails with every finding on a line of its own.
#[track_caller]
pub fn expect_none(findings: &[Finding]) {
    let lines: String = findings.iter().map(|finding| format!("\n  {finding}")).collect();
    assert!(findings.is_empty(), "{} found:{lines}", findings.len());
}

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests are a folder of the repository")
        .to_owned()
}

/// One file of the repository.
pub fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every text file, in the order of the paths; what is built is left out.
pub fn texts() -> Vec<Text> {
    let mut paths = Vec::new();
    walk(&root(), &mut paths);
    paths.sort();
    let text = |path: PathBuf| {
        let name = path.strip_prefix(root()).expect("it was found below the root").display().to_string();
        // What is no UTF-8 is no text.
        fs::read_to_string(&path).ok().map(|text| Text { path: name, text })
    };
    paths.into_iter().filter_map(text).collect()
}

/// Every directory with a file in it or below it.
pub fn folders() -> Vec<String> {
    let mut folders: Vec<String> = Vec::new();
    for text in texts() {
        let above = text.path.match_indices('/').map(|(at, _)| text.path[..at].to_owned());
        folders.extend(above);
    }
    folders.sort();
    folders.dedup();
    folders
}

fn walk(folder: &Path, paths: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in entries {
        let path = entry.expect("the folder stays while it is read").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let built = ["target", ".git", "__pycache__", ".venv", "venv"].contains(&name.as_ref());
        if built || name.ends_with(".pyc") {
            continue;
        }
        if path.is_dir() { walk(&path, paths) } else { paths.push(path) }
    }
}
