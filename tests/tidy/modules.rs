//! Which module may import which: ARCHITECTURE.md's table, held against the code.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{Source, sources};
use super::tree::{Finding, expect_none, read};

const DAEMON: &str = "daemon/src/";

/// The modules and what each may import; `None` is everything.
type Table = BTreeMap<String, Option<BTreeSet<String>>>;

/// The table of ARCHITECTURE.md between its marks: a module, then the modules it may import.
fn table(text: &str) -> Table {
    let section =
        text.split("<!-- modules -->").nth(1).and_then(|rest| rest.split("<!-- /modules -->").next());
    let names = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    let mut table = Table::new();
    for row in section.unwrap_or_default().lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = row.split('|').collect();
        let allowed = (cells[2].trim() != "everything").then(|| names(cells[2]).into_iter().collect());
        for module in names(cells[1]) {
            table.insert(module, allowed.clone());
        }
    }
    table
}

/// The module of a file of the daemon, and how deep in the crate the file's module is.
fn module(path: &str) -> Option<(String, usize)> {
    let inside = path.strip_prefix(DAEMON)?.trim_end_matches(".rs");
    let parts: Vec<&str> = inside.split('/').filter(|part| *part != "mod").collect();
    let module = *parts.first()?;
    (module != "lib" && module != "main").then(|| (module.to_owned(), parts.len()))
}

fn trespasses(table: &Table, source: &Source) -> Vec<Finding> {
    let Some((own, depth)) = module(&source.path) else { return Vec::new() };
    let Some(allowed) = table.get(&own) else {
        return vec![Finding::new(
            &source.path,
            1,
            format!("the module `{own}` is not in ARCHITECTURE.md's table"),
        )];
    };
    let Some(allowed) = allowed else { return Vec::new() };
    let foreign = source.roots(depth).into_iter().filter(|(_, name)| *name != own && !allowed.contains(name));
    foreign
        .map(|(line, name)| Finding::new(&source.path, line, format!("`{own}` may not import `{name}`")))
        .collect()
}

#[test]
fn rooms_import_only_what_the_architecture_lets_them() {
    let table = table(&read("ARCHITECTURE.md"));
    let found: Vec<Finding> =
        sources(&["daemon"]).iter().flat_map(|source| trespasses(&table, source)).collect();
    expect_none(&found);
}

#[test]
fn the_table_names_only_rooms_that_exist() {
    let modules: BTreeSet<String> = sources(&["daemon"])
        .iter()
        .filter_map(|source| module(&source.path))
        .map(|module| module.0)
        .collect();
    for (module, allowed) in table(&read("ARCHITECTURE.md")) {
        assert!(modules.contains(&module), "there is no module `{module}`");
        for name in allowed.unwrap_or_default() {
            assert!(modules.contains(&name), "`{module}` may import `{name}`, which does not exist");
        }
    }
}

#[test]
fn the_bank_and_the_database_do_not_know_each_other() {
    let table = table(&read("ARCHITECTURE.md"));
    let may =
        |module: &str, other: &str| table[module].as_ref().is_none_or(|allowed| allowed.contains(other));
    assert!(!may("monzo", "store") && !may("store", "monzo") && !may("rpc", "monzo"));
    assert!(
        table.iter().all(|(module, allowed)| module == "app" || !may(module, "app") && allowed.is_some())
    );
}

#[test]
fn a_trespass_is_found_with_its_line() {
    let table =
        table("<!-- modules -->\n| `app` | everything |\n| `sync`, `login` | `store` |\n<!-- /modules -->");
    let source =
        Source::new("daemon/src/sync/run.rs", "use crate::store::Store;\nuse super::super::rpc::Gate;\n");
    assert_eq!(trespasses(&table, &source), [Finding::new(&source.path, 2, "`sync` may not import `rpc`")]);
    let source = Source::new("daemon/src/feed.rs", "");
    assert_eq!(trespasses(&table, &source).len(), 1, "a module that the table does not have");
}
