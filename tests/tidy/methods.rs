//! Every RPC method can be called by a command; its role, parameters and OpenRPC entry come from its declaration.

use std::collections::BTreeSet;

use clap::Parser;
use monzo_common::api::METHODS;
use monzoctl::args::Cli;

use super::source::{Source, sources};
use super::tree::{Finding, expect_none};

const DECLARATIONS: &str = "common/src/api/mod.rs";

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
    ("insight.spending", Command("spending")),
    ("insight.income", Command("income")),
    ("insight.cashflow", Command("cashflow")),
    ("insight.payday", Command("payday")),
    ("insight.bills", Command("bills")),
    ("insight.incomes", Command("bills --income")),
    ("bills.confirm", Command("bills confirm Gym")),
    ("bills.ignore", Command("bills ignore Gym")),
    ("bills.rename", Command("bills rename Gym Club")),
    ("bills.add", Command("bills add Gym £20 --on 2026-12-01")),
    ("bills.merge", Command("bills merge Gym Pool")),
    ("bills.split", Command("bills split Gym tx_1")),
    ("bills.skip", Command("bills skip Gym")),
    ("bills.amount", Command("bills amount Gym £21")),
    ("bills.accuracy", Command("bills --accuracy")),
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

/// What keeps a person from calling a method.
fn lacks(name: &str, function: Option<&str>, client: &[Source]) -> Vec<Finding> {
    let mut what = Vec::new();
    match WAYS.iter().find(|(known, _)| *known == name) {
        None => what.push("has no command and no reason why"),
        Some((_, Way::None(reason))) if !reason.is_empty() => {}
        Some((_, Way::None(_))) => what.push("has neither a command nor a reason why"),
        Some((_, Command(line))) => {
            let words = ["monzoctl"].into_iter().chain(line.split_whitespace());
            if Cli::try_parse_from(words).is_err() {
                what.push("has a command that cannot be typed");
            }
            // `monzoctl rpc` sends a method by its name.
            let called = |source: &Source| {
                function.is_some_and(|function| source.code.contains(&format!(".{function}(")))
            };
            let named = |source: &Source| source.literals.iter().any(|(_, text)| *text == name);
            if !client.iter().any(|source| called(source) || named(source)) {
                what.push("is never called by the client");
            }
        }
    }
    what.into_iter().map(|what| Finding::new(DECLARATIONS, 1, format!("{name} {what}"))).collect()
}

#[test]
fn every_method_can_be_reached_by_a_command() {
    let client = sources(&["ctl"]);
    let found: Vec<Finding> =
        METHODS.iter().flat_map(|method| lacks(method.name, method.function, &client)).collect();
    expect_none(&found);
}

#[test]
fn every_command_in_the_table_has_a_method() {
    let declared: BTreeSet<&str> = METHODS.iter().map(|method| method.name).collect();
    let ways: BTreeSet<&str> = WAYS.iter().map(|(name, _)| *name).collect();
    assert_eq!(ways, declared, "commands against the declared methods");
}

#[test]
fn every_method_says_what_it_does_in_a_sentence() {
    for method in METHODS {
        assert!(method.summary.ends_with('.'), "{}: {}", method.name, method.summary);
    }
}

#[test]
fn a_method_that_no_command_calls_is_found() {
    assert_eq!(lacks("pots.burn", Some("burn"), &[]).len(), 1);
    assert_eq!(lacks("pots.list", Some("pots"), &[]).len(), 1);
}
