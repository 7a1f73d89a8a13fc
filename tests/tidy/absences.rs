//! Things deliberately absent, as ARCHITECTURE.md prints them, searched for in the code.

use super::source::{Source, sources};
use super::tree::{Finding, expect_none, folders, read, texts};

/// Something that must not be in a part of the code.
struct Absence {
    /// The sentence of ARCHITECTURE.md.
    rule: &'static str,
    /// Where it must not be.
    places: &'static [&'static str],
    /// Folders and files in there that may have it.
    but: &'static [&'static str],
    /// Words of code.
    code: &'static [&'static str],
    /// What a text may be.
    text: fn(&str) -> bool,
}

const EVERYWHERE: &[&str] = &["common", "ctl", "daemon"];
const NEVER: fn(&str) -> bool = |_| false;

const ABSENCES: &[Absence] = &[
    Absence {
        rule: "The client never opens the database or the network.",
        places: &["ctl"],
        but: &[],
        code: &[
            "rusqlite",
            "r2d2",
            "reqwest",
            "hyper",
            "monzod::",
            "TcpStream",
            "TcpListener",
            "UdpSocket",
            "ToSocketAddrs",
            "lookup_host",
        ],
        text: sql,
    },
    Absence {
        rule: "`common` does no I/O.",
        places: &["common"],
        but: &[],
        code: &[
            "std::fs",
            "std::io",
            "std::net",
            "std::env",
            "std::process",
            "std::thread",
            "std::os",
            "tokio",
            "println",
            "eprintln",
            "rustix",
            "Instant",
        ],
        text: NEVER,
    },
    Absence {
        rule: "Nothing but `store` contains SQL.",
        places: EVERYWHERE,
        but: &["daemon/src/store"],
        code: &["rusqlite", "r2d2", "r2d2_sqlite", "rusqlite_migration"],
        text: sql,
    },
    Absence {
        rule: "Nothing but `monzo` knows the bank's JSON.",
        places: EVERYWHERE,
        // The login speaks OAuth, whose requests and tokens are no JSON of the bank's own.
        but: &["daemon/src/monzo", "daemon/src/login"],
        code: &[],
        text: |text| endpoint(text) || key(text),
    },
    Absence {
        rule: "Nothing but `monzo` sends HTTP.",
        places: EVERYWHERE,
        but: &["daemon/src/monzo"],
        code: &["reqwest::Client", "reqwest::ClientBuilder", "reqwest::get", "reqwest::Request"],
        text: NEVER,
    },
    Absence {
        rule: "Nothing but `autosort/run/execute` moves money.",
        places: EVERYWHERE,
        but: &["daemon/src/monzo", "daemon/src/autosort/run/execute.rs"],
        code: &["client.deposit(", "client.withdraw("],
        text: |text| endpoint(text) && (text.ends_with("/deposit") || text.ends_with("/withdraw")),
    },
    Absence {
        rule: "Time enters only through `clock`.",
        places: EVERYWHERE,
        but: &["daemon/src/clock.rs"],
        code: &["SystemTime::now", "Timestamp::now", "Zoned::now", "UNIX_EPOCH", "clock_gettime"],
        text: NEVER,
    },
    Absence {
        rule: "There are no floats in `common` and `store`.",
        places: &["common", "daemon/src/store", "daemon/src/autosort"],
        but: &[],
        code: &["f32", "f64"],
        text: NEVER,
    },
    Absence {
        rule: "`insight` sees only a `Reader`.",
        places: &["daemon/src/insight"],
        but: &[],
        code: &["Store", "Writer"],
        text: NEVER,
    },
    Absence {
        rule: "No module imports `app`.",
        places: &["daemon"],
        but: &["daemon/src/app", "daemon/src/lib.rs"],
        code: &["app::"],
        text: NEVER,
    },
    Absence {
        rule: "`rpc` names no type of `monzo`.",
        places: &["daemon/src/rpc"],
        but: &[],
        code: &["monzo::", "crate::monzo"],
        text: NEVER,
    },
];

/// The rule about names of modules, which is no rule about code.
const NAMES: &str = "No module is called `util`, `helpers`, `manager` or `misc`.";

impl Absence {
    fn covers(&self, path: &str) -> bool {
        let below = |place: &&str| path == *place || path.starts_with(&format!("{place}/"));
        self.places.iter().any(below) && !self.but.iter().any(below)
    }

    fn findings(&self, source: &Source) -> Vec<Finding> {
        if !self.covers(&source.path) {
            return Vec::new();
        }
        let mut found = Vec::new();
        for word in self.code {
            let lines = source.lines_with(word).into_iter();
            found.extend(
                lines.map(|line| Finding::new(&source.path, line, format!("`{word}`; {}", self.rule))),
            );
        }
        for (line, text) in source.literals.iter().filter(|(_, text)| (self.text)(text)) {
            found.push(Finding::new(&source.path, *line, format!("{text:?}; {}", self.rule)));
        }
        found
    }
}

fn sql(text: &str) -> bool {
    let text = text.trim_start();
    let begins =
        ["SELECT ", "INSERT INTO ", "INSERT OR ", "DELETE FROM ", "PRAGMA ", "CREATE TABLE ", "VACUUM"];
    begins.iter().any(|begin| text.starts_with(begin))
        || text.starts_with("UPDATE ") && text.contains(" SET ")
        || text.starts_with("BEGIN ") && text.ends_with("TRANSACTION")
}

fn endpoint(text: &str) -> bool {
    let first = text.strip_prefix('/').and_then(|path| path.split(['/', '?']).next());
    let endpoints = ["accounts", "balance", "pots", "transactions", "feed", "webhooks", "attachment", "ping"];
    first.is_some_and(|first| endpoints.contains(&first))
}

/// Keys that only the bank's JSON has.
fn key(text: &str) -> bool {
    let keys = [
        "is_load",
        "include_in_spending",
        "current_account_id",
        "goal_amount",
        "pot_account_id",
        "cover_image_url",
        "p2p_transfer",
        "expand[]",
    ];
    keys.contains(&text)
}

fn ill_named(path: &str) -> Option<Finding> {
    let names = ["util", "utils", "helper", "helpers", "manager", "managers", "misc"];
    let mut parts = path.split('/').map(|part| part.trim_end_matches(".rs"));
    let part = parts.find(|part| names.contains(part))?;
    Some(Finding::new(path, 1, format!("`{part}`; {NAMES}")))
}

/// The bullets of ARCHITECTURE.md between its marks.
fn printed(text: &str) -> Vec<&str> {
    let section =
        text.split("<!-- absences -->").nth(1).and_then(|rest| rest.split("<!-- /absences -->").next());
    section.unwrap_or_default().lines().filter_map(|line| line.strip_prefix("- ")).collect()
}

#[test]
fn what_is_deliberately_absent_is_absent() {
    let sources = sources(EVERYWHERE);
    let of =
        |absence: &Absence| sources.iter().flat_map(|source| absence.findings(source)).collect::<Vec<_>>();
    let found: Vec<Finding> = ABSENCES.iter().flat_map(of).collect();
    expect_none(&found);
}

#[test]
fn modules_are_named_by_what_they_are_about() {
    let files = texts().into_iter().map(|text| text.path).filter(|path| path.ends_with(".rs"));
    let found: Vec<Finding> = files.chain(folders()).filter_map(|path| ill_named(&path)).collect();
    expect_none(&found);
}

#[test]
fn the_architecture_prints_exactly_what_is_checked() {
    let text = read("ARCHITECTURE.md");
    let checked: Vec<&str> = ABSENCES.iter().map(|absence| absence.rule).chain([NAMES]).collect();
    assert_eq!(printed(&text), checked);
}

#[test]
fn every_rule_is_about_code_that_exists() {
    let sources = sources(EVERYWHERE);
    for absence in ABSENCES {
        assert!(sources.iter().any(|source| absence.covers(&source.path)), "{}", absence.rule);
    }
}

#[test]
fn every_rule_finds_a_breach() {
    let breaches = [
        ("ctl/src/commands/pots.rs", "use tokio::net::TcpStream;"),
        ("common/src/paths.rs", "let text = std::fs::read(path);"),
        ("daemon/src/sync/run.rs", "let sql = \"SELECT id FROM accounts\";"),
        ("daemon/src/sync/run.rs", "let path = \"/transactions\";"),
        ("daemon/src/sync/run.rs", "let client = reqwest::Client::new();"),
        ("daemon/src/autosort/run/settle.rs", "let pot = client.deposit(&order).await;"),
        ("daemon/src/sync/run.rs", "let now = Timestamp::now();"),
        ("daemon/src/store/rows.rs", "let pounds = amount as f64;"),
        ("daemon/src/insight/balances.rs", "use crate::store::Store;"),
        ("daemon/src/sync/run.rs", "use crate::app::serve;"),
        ("daemon/src/rpc/guard.rs", "use crate::monzo::Error;"),
    ];
    assert_eq!(breaches.len(), ABSENCES.len());
    for (absence, (path, code)) in ABSENCES.iter().zip(breaches) {
        let found = absence.findings(&Source::new(path, &format!("//! A module.\n\n{code}\n")));
        let place = found.first().map(|found| (found.path.as_str(), found.line));
        assert_eq!(place, Some((path, 3)), "{}", absence.rule);
    }
    assert!(ill_named("daemon/src/store/util.rs").is_some() && ill_named("ctl/src/helpers/mod.rs").is_some());
}
