//! The manual and the completions can be made of the command line as it is.

use std::collections::{BTreeSet, HashMap};
use std::ffi::OsString;
use std::fs;

use monzoctl::exit::Exit;
use monzoctl::terminal::Terminal;

fn run(args: &[&str]) -> Exit {
    let streams = Terminal::of_streams(std::io::sink(), std::io::sink(), std::io::empty(), HashMap::new());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let args = ["monzoctl"].iter().chain(args).map(OsString::from);
    runtime.block_on(monzoctl::run_on(args, streams, std::future::pending()))
}

/// The pages that a command line should have: its own, and one a command.
fn pages() -> BTreeSet<String> {
    let commands = monzoctl::args::visible();
    let names = commands.get_subcommands().map(|command| format!("monzoctl-{}.1", command.get_name()));
    names.chain(["monzoctl.1".to_owned()]).collect()
}

#[test]
fn every_command_has_a_page() {
    let folder = tempfile::tempdir().expect("a folder");
    assert_eq!(run(&["man", "--dir", &folder.path().display().to_string()]), Exit::Done);
    let written = fs::read_dir(folder.path()).expect("the folder is there");
    let written: BTreeSet<String> =
        written.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    let missing: Vec<_> = pages().difference(&written).cloned().collect();
    assert!(missing.is_empty(), "without a page: {missing:?}");
    for page in &written {
        let text = fs::read_to_string(folder.path().join(page)).expect("a page is text");
        assert!(text.contains(".SH SYNOPSIS") && text.contains(".SH DESCRIPTION"), "{page}:\n{text}");
    }
}

#[test]
fn every_shell_has_completions() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert_eq!(run(&["completions", shell]), Exit::Done, "{shell}");
    }
    assert_eq!(run(&["completions", "abacus"]), Exit::Usage);
}
