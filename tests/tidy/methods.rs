//! Every RPC method has a permission, a line that explains it, an entry in the OpenRPC document, and a command.

use std::collections::BTreeSet;

use clap::Parser;
use monzo_common::openrpc;
use monzo_common::permission::{PERMISSIONS, permission};
use monzoctl::args::Cli;

use super::source::{Source, sources};
use super::tree::{Finding, expect_none, read};

const CONTRACT: &str = "common/src/api.rs";

/// A command that calls the method, or why there is none.
enum Way {
    Command(&'static str),
    None(&'static str),
}

use Way::Command;

/// How a person gets to each method.
const WAYS: &[(&str, Way)] = &[
    ("system.status", Command("status")),
    ("system.version", Command("-v status")),
    ("system.config", Command("config show")),
    ("system.check", Command("config check")),
    ("system.reload", Command("config reload")),
    ("auth.begin", Command("login")),
    ("auth.complete", Command("login --paste")),
    ("auth.status", Command("login")),
    ("auth.logout", Command("logout")),
    ("auth.configure", Command("setup")),
    ("auth.renew", Command("login --renewed")),
    ("auth.whoami", Command("whoami")),
    ("access.list", Command("access list")),
    ("access.add", Command("access add sam")),
    ("access.remove", Command("access remove sam")),
    ("sync.start", Command("sync")),
    ("sync.get", Command("show sync_1")),
    ("sync.status", Way::None("`sync.subscribe` begins with where the running sync stands")),
    ("sync.history", Command("sync history")),
    ("quarantine.get", Command("show record_1")),
    ("sync.cancel", Command("sync cancel")),
    ("accounts.list", Command("accounts")),
    ("accounts.left_out", Command("accounts")),
    ("pots.list", Command("pots")),
    ("balances.list", Command("balance")),
    ("insight.balances", Command("balance --history")),
    ("transactions.list", Command("transactions")),
    ("transactions.get", Command("show tx_1")),
    ("exclusions.list", Command("exclude list")),
    ("exclusions.add", Command("exclude add Holiday")),
    ("exclusions.remove", Command("exclude remove Holiday")),
    ("backup.create", Command("backup monzo.db")),
    ("backup.list", Command("backup list")),
    ("backup.read", Command("backup monzo.db")),
    ("backup.write", Command("restore monzo.db")),
    ("backup.verify", Command("verify")),
    ("backup.restore", Command("restore monzo.db")),
    ("backup.fresh", Command("restore --fresh")),
    ("autosort.rules", Command("sort rules")),
    ("autosort.plan", Command("sort plan payday")),
    ("autosort.run", Command("sort run payday")),
    ("autosort.move", Command("move £5 Personal Holiday")),
    ("autosort.approve", Command("sort approve")),
    ("autosort.reject", Command("sort reject run_1")),
    ("autosort.cancel", Command("sort cancel run_1")),
    ("autosort.undo", Command("sort undo run_1")),
    ("autosort.runs", Command("sort history")),
    ("autosort.get", Command("show run_1")),
    ("autosort.freeze", Command("sort freeze")),
    ("autosort.thaw", Command("sort thaw")),
    ("autosort.backtest", Command("sort backtest payday")),
    ("autosort.suggest", Command("sort suggest")),
    ("autosort.why", Command("why payday")),
    ("transfers.list", Command("sort transfers")),
    ("insight.payday", Command("payday")),
    ("pots.discover", Command("pots discover Holiday")),
    ("events.list", Command("events")),
    ("notify.test", Command("notify test")),
    ("events.ack", Command("ack login")),
    ("events.subscribe", Command("events --follow")),
    ("events.unsubscribe", Way::None("the connection's end is the subscription's")),
    ("sync.subscribe", Command("sync")),
    ("sync.unsubscribe", Way::None("the connection's end is the subscription's")),
    ("rpc.discover", Command("rpc")),
];

/// A method as the contract declares it.
#[derive(Debug, Default)]
struct Method {
    line: usize,
    name: String,
    explained: bool,
    /// The function of the trait; empty for the end of a subscription, which the client's library calls.
    function: String,
}

fn quoted<'a>(text: &'a str, before: &str) -> Option<&'a str> {
    text.split_once(before)?.1.split('"').next()
}

/// The methods of the contract's text, in its order.
fn declared(contract: &str) -> Vec<Method> {
    let mut methods: Vec<Method> = Vec::new();
    let mut explained = false;
    for (index, line) in contract.lines().map(str::trim).enumerate() {
        if let Some(words) = line.strip_prefix("///") {
            explained = !words.trim().is_empty();
        } else if line.starts_with("#[method(") || line.starts_with("#[subscription(") {
            let name = quoted(line, "name = \"").unwrap_or_default().to_owned();
            let method = Method { line: index + 1, name, explained, function: String::new() };
            if let Some(end) = quoted(line, "unsubscribe = \"") {
                methods.push(Method {
                    line: index + 1,
                    name: end.to_owned(),
                    explained,
                    ..Method::default()
                });
            }
            methods.push(method);
        } else if let Some(rest) = line.strip_prefix("async fn ") {
            if let Some(method) = methods.last_mut() {
                method.function = rest.split('(').next().unwrap_or_default().to_owned();
            }
            explained = false;
        }
    }
    methods
}

/// What the OpenRPC document says of each method.
fn described() -> Vec<(String, String)> {
    let document = openrpc::document();
    let methods = document["methods"].as_array().cloned().unwrap_or_default();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    methods.iter().map(|method| (text(&method["name"]), text(&method["summary"]))).collect()
}

fn lacks(method: &Method, described: &[(String, String)], client: &[Source]) -> Vec<Finding> {
    let mut what = Vec::new();
    if !method.explained {
        what.push("has no doc line");
    }
    if permission(&method.name).is_none() {
        what.push("has no permission");
    }
    if !described.iter().any(|(name, summary)| *name == method.name && summary.ends_with('.')) {
        what.push("has no entry with a sentence in the OpenRPC document");
    }
    match WAYS.iter().find(|(name, _)| *name == method.name) {
        None => what.push("has no command and no reason why"),
        Some((_, Way::None(reason))) if !reason.is_empty() => {}
        Some((_, Way::None(_))) => what.push("has neither a command nor a reason why"),
        Some((_, Command(line))) => {
            let words = ["monzoctl"].into_iter().chain(line.split_whitespace());
            if Cli::try_parse_from(words).is_err() {
                what.push("has a command that cannot be typed");
            }
            // `monzoctl rpc` sends a method by its name.
            let call = format!("{}(", method.function);
            let called = |source: &Source| source.code.contains(&format!(".{call}"));
            let named = |source: &Source| source.literals.iter().any(|(_, text)| *text == method.name);
            if !client.iter().any(|source| called(source) || named(source)) {
                what.push("is never called by the client");
            }
        }
    }
    what.into_iter()
        .map(|what| Finding::new(CONTRACT, method.line, format!("{} {what}", method.name)))
        .collect()
}

#[test]
fn every_method_is_permitted_explained_described_and_reachable() {
    let (described, client) = (described(), sources(&["ctl"]));
    let methods = declared(&read(CONTRACT));
    let found: Vec<Finding> = methods.iter().flat_map(|method| lacks(method, &described, &client)).collect();
    expect_none(&found);
}

#[test]
fn every_table_knows_the_same_methods() {
    let methods = declared(&read(CONTRACT));
    let contract: BTreeSet<&str> = methods.iter().map(|method| method.name.as_str()).collect();
    let permissions: BTreeSet<&str> = PERMISSIONS.iter().map(|permission| permission.method).collect();
    let ways: BTreeSet<&str> = WAYS.iter().map(|(name, _)| *name).collect();
    assert_eq!(permissions, contract, "permissions against the contract");
    assert_eq!(ways, contract, "commands against the contract");
}

#[test]
fn a_method_that_lacks_everything_is_found() {
    let text = "    #[method(name = \"pots.burn\")]\n    async fn burn(&self) -> RpcResult<Pot>;\n";
    let methods = declared(text);
    assert_eq!((methods[0].name.as_str(), methods[0].function.as_str()), ("pots.burn", "burn"));
    let found = lacks(&methods[0], &described(), &[]);
    assert_eq!(found.len(), 4, "{found:?}");
    let unreachable = Method { name: "pots.list".into(), explained: true, function: "pots".into(), line: 1 };
    assert_eq!(lacks(&unreachable, &described(), &[]).len(), 1);
}
