//! The OpenRPC document: generated from the types, so that it cannot promise what the code does not do.

use jiff::Timestamp;
use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use crate::VERSION;
use crate::fault::FaultKind;
use crate::model::{
    Access, AccessChange, Account, Acknowledged, Backtest, Backup, BackupChunk, Balance, BalancePoint,
    ConfigEntry, ConfigReload, ConfigReport, Configured, Delivery, Event, EventPage, Exclusion,
    ExclusionChange, FreezeChange, LoggedOut, Login, LoginBegun, PaydayCalendar, Plan, Pot, Progress,
    QuarantinedRecord, Restored, Role, Rule, Run, RunPage, RunStarted, Status, Suggestion, Sync,
    SyncCancelled, SyncHistory, SyncStarted, TransactionDetail, TransactionPage, TransactionQuery,
    TransferPage, Upload, Verification, Version, Whoami, Why,
};
use crate::permission::permission;

/// Describes methods to a generator of schemas.
struct Describe {
    schemas: SchemaGenerator,
    methods: Vec<Value>,
}

/// One argument: its name and type, and whether it may be left out.
type Argument = (&'static str, fn(&mut SchemaGenerator) -> Value, bool);

fn schema<T: JsonSchema>(schemas: &mut SchemaGenerator) -> Value {
    schemas.subschema_for::<T>().to_value()
}

fn needed<T: JsonSchema>(name: &'static str) -> Argument {
    (name, schema::<T>, true)
}

fn optional<T: JsonSchema>(name: &'static str) -> Argument {
    (name, schema::<T>, false)
}

impl Describe {
    fn method<R: JsonSchema>(&mut self, name: &str, summary: &str, arguments: &[Argument]) {
        let params: Vec<Value> = arguments
            .iter()
            .map(|(name, schema, required)| json!({"name": name, "required": required, "schema": schema(&mut self.schemas)}))
            .collect();
        let result = schema::<R>(&mut self.schemas);
        let role = permission(name).map(|permission| permission.role);
        self.methods.push(json!({
            "name": name,
            "summary": summary,
            "paramStructure": "by-name",
            "params": params,
            "result": {"name": "result", "schema": result},
            "x-role": role,
        }));
    }
}

/// The whole document.
pub fn document() -> Value {
    let schemas = SchemaSettings::draft07()
        .with(|settings| settings.definitions_path = "/components/schemas".into())
        .into_generator();
    let mut all = Describe { schemas, methods: Vec::new() };
    describe(&mut all);
    let faults: Map<String, Value> = FaultKind::ALL
        .iter()
        .map(|kind| (kind.code().to_owned(), json!({"code": kind.number(), "message": kind.meaning()})))
        .collect();
    json!({
        "openrpc": "1.3.2",
        "info": {"title": "monzod", "version": VERSION, "license": {"name": "MIT OR Apache-2.0"}},
        "methods": all.methods,
        "components": {"schemas": all.schemas.take_definitions(true), "errors": faults},
    })
}

fn describe(all: &mut Describe) {
    system(all);
    auth(all);
    all.method::<SyncStarted>(
        "sync.start",
        "Starts a sync, or joins the one that runs.",
        &[needed::<bool>("full")],
    );
    all.method::<Sync>("sync.get", "One sync.", &[needed::<String>("id")]);
    all.method::<Option<Progress>>("sync.status", "How far the running sync has come.", &[]);
    all.method::<SyncHistory>(
        "sync.history",
        "Past syncs, newest first, and what is in quarantine.",
        &[needed::<bool>("problems"), optional::<String>("cursor"), optional::<u32>("limit")],
    );
    all.method::<QuarantinedRecord>(
        "quarantine.get",
        "A record that could not be understood, by its number in quarantine or the bank's id.",
        &[needed::<String>("id")],
    );
    all.method::<SyncCancelled>("sync.cancel", "Ends the running sync at its next page boundary.", &[]);
    all.method::<Vec<Account>>(
        "accounts.list",
        "Accounts; hidden ones if asked.",
        &[needed::<bool>("hidden")],
    );
    all.method::<Vec<Account>>(
        "accounts.left_out",
        "Accounts that the bank lists and that are not synced.",
        &[],
    );
    all.method::<Vec<Pot>>("pots.list", "Pots, deleted ones included.", &[]);
    all.method::<Vec<Balance>>(
        "balances.list",
        "Balances of accounts and pots, now or as they were.",
        &[optional::<Timestamp>("at")],
    );
    all.method::<Vec<BalancePoint>>(
        "insight.balances",
        "The end-of-day balances of one account or pot, or of all accounts.",
        &[optional::<String>("id"), needed::<Timestamp>("since"), needed::<Timestamp>("until")],
    );
    all.method::<TransactionPage>(
        "transactions.list",
        "Transactions that match, page by page.",
        &[needed::<TransactionQuery>("query")],
    );
    all.method::<TransactionDetail>(
        "transactions.get",
        "Everything about one transaction, by id or unique id prefix.",
        &[needed::<String>("id")],
    );
    all.method::<Vec<Exclusion>>("exclusions.list", "What is excluded, and by whom.", &[]);
    all.method::<ExclusionChange>("exclusions.add", "Excludes an account or pot.", &[needed::<String>("id")]);
    all.method::<ExclusionChange>(
        "exclusions.remove",
        "Takes an exclusion by hand back.",
        &[needed::<String>("id")],
    );
    backup(all);
    sorter(all);
    all.method::<EventPage>(
        "events.list",
        "Events, newest first, or those after `after` oldest first.",
        &[optional::<i64>("after"), optional::<i64>("before"), optional::<u32>("limit")],
    );
    all.method::<Vec<Delivery>>(
        "notify.test",
        "Sends a test through every channel that notifications take.",
        &[],
    );
    all.method::<Acknowledged>(
        "events.ack",
        "Silences one attention, for good or until a time.",
        &[needed::<String>("id"), optional::<Timestamp>("until")],
    );
    all.method::<Event>("events.subscribe", "Subscription: events as they happen.", &[]);
    all.method::<bool>("events.unsubscribe", "Ends the subscription.", &[]);
    all.method::<Progress>("sync.subscribe", "Subscription: progress of syncs as it happens.", &[]);
    all.method::<bool>("sync.unsubscribe", "Ends the subscription.", &[]);
    all.method::<Value>("rpc.discover", "This document.", &[]);
}

fn sorter(all: &mut Describe) {
    let rule = || needed::<String>("rule");
    let id = || needed::<String>("id");
    all.method::<Vec<Rule>>("autosort.rules", "The rules as they stand.", &[]);
    all.method::<Plan>(
        "autosort.plan",
        "What a rule would do, now or at a time; never moves anything.",
        &[rule(), optional::<Timestamp>("at")],
    );
    all.method::<RunStarted>(
        "autosort.run",
        "Proposes a run of a rule; with a plan's hash runs exactly that plan.",
        &[rule(), optional::<String>("hash"), needed::<bool>("again")],
    );
    all.method::<RunStarted>(
        "autosort.move",
        "Proposes a move of minor units between an account and a pot, or between two pots.",
        &[needed::<i64>("amount"), needed::<String>("from"), needed::<String>("to")],
    );
    all.method::<RunStarted>(
        "autosort.approve",
        "Approves a proposed run; the only one that waits, if none is named.",
        &[optional::<String>("id")],
    );
    all.method::<RunStarted>("autosort.reject", "Says no to a proposed run.", &[id()]);
    all.method::<RunStarted>("autosort.cancel", "Ends a run; what is left over goes back.", &[id()]);
    all.method::<RunStarted>("autosort.undo", "Proposes a run that reverses what another moved.", &[id()]);
    all.method::<RunPage>(
        "autosort.runs",
        "Runs, newest first.",
        &[optional::<String>("rule"), optional::<String>("cursor"), optional::<u32>("limit")],
    );
    all.method::<Run>("autosort.get", "One run, by id or unique id prefix.", &[id()]);
    all.method::<FreezeChange>(
        "autosort.freeze",
        "Holds everything back, or one rule.",
        &[optional::<String>("rule"), optional::<Timestamp>("until"), optional::<String>("reason")],
    );
    all.method::<FreezeChange>(
        "autosort.thaw",
        "Lets everything, or one rule, go on; or lets a pot be tried again that the bank refused to move.",
        &[optional::<String>("rule"), optional::<String>("pot")],
    );
    all.method::<Backtest>(
        "autosort.backtest",
        "What a rule would have done since a time.",
        &[rule(), needed::<Timestamp>("since")],
    );
    all.method::<Suggestion>(
        "autosort.suggest",
        "Rules that the ledger suggests.",
        &[optional::<String>("kind")],
    );
    all.method::<Why>(
        "autosort.why",
        "Why a rule, run or pot stands as it does.",
        &[needed::<String>("subject")],
    );
    all.method::<TransferPage>(
        "transfers.list",
        "Transfers, newest first; of one run, if asked.",
        &[optional::<String>("run"), optional::<String>("cursor"), optional::<u32>("limit")],
    );
    all.method::<Vec<PaydayCalendar>>(
        "insight.payday",
        "The pay calendars with their next paydays.",
        &[needed::<u32>("count")],
    );
    all.method::<RunStarted>(
        "pots.discover",
        "Proposes to move a penny into a pot and back, to learn the hidden account behind it.",
        &[needed::<String>("pot")],
    );
}

fn system(all: &mut Describe) {
    all.method::<Status>("system.status", "How things stand, from memory; never asks the bank.", &[]);
    all.method::<Version>("system.version", "What answers here, and its clock and zone.", &[]);
    all.method::<Vec<ConfigEntry>>(
        "system.config",
        "The configuration in force, with where each value comes from.",
        &[],
    );
    all.method::<ConfigReport>(
        "system.check",
        "Checks the configuration files, or the given text, without applying anything.",
        &[optional::<String>("name"), optional::<String>("text")],
    );
    all.method::<ConfigReload>(
        "system.reload",
        "Reads the configuration again and applies what can be applied live.",
        &[],
    );
}

fn auth(all: &mut Describe) {
    all.method::<LoginBegun>(
        "auth.begin",
        "Begins a login and answers the address to open; `again` even though one is ready.",
        &[needed::<bool>("again")],
    );
    all.method::<Login>(
        "auth.complete",
        "Completes a login with what the browser came back with.",
        &[needed::<String>("pasted")],
    );
    all.method::<Login>("auth.status", "Where the login stands.", &[]);
    all.method::<LoggedOut>("auth.logout", "Revokes the tokens at the bank and forgets them.", &[]);
    all.method::<Configured>(
        "auth.configure",
        "Keeps the OAuth client's id and secret, sealed.",
        &[needed::<String>("client_id"), needed::<String>("client_secret")],
    );
    all.method::<Login>(
        "auth.renew",
        "Notes that permissions were refreshed in the Monzo app just now.",
        &[],
    );
    all.method::<Whoami>("auth.whoami", "Who is asking, and whether the bank takes the tokens.", &[]);
    all.method::<Access>("access.list", "Who may do what.", &[]);
    all.method::<AccessChange>(
        "access.add",
        "Gives a user or `@group` a role.",
        &[needed::<String>("who"), needed::<Role>("role")],
    );
    all.method::<AccessChange>("access.remove", "Takes an added role away.", &[needed::<String>("who")]);
}

fn backup(all: &mut Describe) {
    all.method::<Backup>("backup.create", "Makes a backup now.", &[needed::<bool>("with_login")]);
    all.method::<Vec<Backup>>("backup.list", "Backups that are kept, newest first.", &[]);
    all.method::<BackupChunk>(
        "backup.read",
        "A piece of a backup, from `offset`.",
        &[needed::<String>("name"), needed::<u64>("offset")],
    );
    all.method::<Upload>(
        "backup.write",
        "Appends base64 data to an upload; without `upload` begins one, of `size` bytes where that is known.",
        &[
            optional::<String>("upload"),
            needed::<u64>("offset"),
            needed::<String>("data"),
            optional::<u64>("size"),
        ],
    );
    all.method::<Verification>(
        "backup.verify",
        "Checks the database, a kept backup, or an upload.",
        &[optional::<String>("name"), optional::<String>("upload")],
    );
    all.method::<Restored>(
        "backup.restore",
        "Puts a kept backup or an upload in the database's place; with `other_user` also another person's.",
        &[optional::<String>("name"), optional::<String>("upload"), optional::<bool>("other_user")],
    );
    all.method::<Restored>(
        "backup.fresh",
        "Begins with an empty database where the present one cannot be used.",
        &[],
    );
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::permission::PERMISSIONS;

    #[test]
    fn every_permitted_method_is_described_and_no_other() {
        let document = document();
        let described: BTreeSet<_> = document["methods"]
            .as_array()
            .expect("methods are a list")
            .iter()
            .map(|method| method["name"].as_str().expect("methods have names"))
            .collect();
        let permitted: BTreeSet<_> = PERMISSIONS.iter().map(|permission| permission.method).collect();
        assert_eq!(described, permitted);
    }

    #[test]
    fn every_reference_in_the_document_resolves() {
        let document = document();
        let text = document.to_string();
        let schemas = document["components"]["schemas"].as_object().expect("schemas are an object");
        for reference in text.split("#/components/schemas/").skip(1) {
            let name = reference.split('"').next().unwrap_or_default();
            assert!(schemas.contains_key(name), "{name} is referred to but not described");
        }
    }
}
