//! A file is a page or three: none has more than 400 lines of code, its unit tests not counted.

use super::source::{Source, sources};
use super::tree::{Finding, expect_none};

/// Where a file is split by subject (ARCHITECTURE.md).
const MOST: usize = 400;

fn too_long(source: &Source) -> Option<Finding> {
    let length = source.length();
    let what = format!("{length} lines of code; split it by subject at {MOST}");
    (length > MOST).then(|| Finding::new(&source.path, 1, what))
}

#[test]
fn no_file_is_too_long() {
    let found: Vec<_> = sources(&["common", "ctl", "daemon", "tests"]).iter().filter_map(too_long).collect();
    expect_none(&found);
}

#[test]
fn a_long_file_is_found_and_its_tests_and_comments_do_not_count() {
    let code = "fn f() {}\n".repeat(MOST);
    let rest = "// words\n\n#[cfg(test)]\nmod tests {\n    fn f() {}\n}\n";
    assert_eq!(too_long(&Source::new("a.rs", &format!("{code}{rest}"))), None);
    let found = too_long(&Source::new("a.rs", &format!("{code}fn g() {{}}\n{rest}")));
    assert_eq!(found.map(|found| found.path).as_deref(), Some("a.rs"));
}
