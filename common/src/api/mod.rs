//! The API: every RPC method, declared once.
//!
//! To add a method, add its declaration here and its function to the handlers in the daemon. Its name, role, sentence,
//! parameters and answer stand nowhere else: the traits of server and client, the permissions ([`METHODS`]) and the
//! OpenRPC document are generated from the declaration.
//!
//! Parameters are passed by name. A method that starts long work answers at once with its object, and the work goes on
//! whether or not the caller stays; progress is sent to subscriptions. A method that changes something says whether
//! it did.

// jsonrpsee's macro generates functions without documentation.
#![allow(missing_docs)]

mod table;

use jiff::Timestamp;
use jiff::civil::Date;
use jsonrpsee::core::SubscriptionResult;
use jsonrpsee::proc_macros::rpc;

use crate::fault::Fault;
use crate::model::{
    self, Access, AccessChange, Account, Acknowledged, Backtest, Backup, BackupChunk, Balance, BalancePoint,
    Bill, BillAccuracy, BillChange, Cashflow, ConfigEntry, ConfigReload, ConfigReport, Configured, Delivery,
    Event, EventPage, Exclusion, ExclusionChange, FigurePeriod, Figures, FiguresQuery, FreezeChange,
    LoggedOut, Login, LoginBegun, NewBill, PaydayCalendar, Plan, Pot, Progress, QuarantinedRecord, Restored,
    Role, Run, RunPage, RunStarted, Status, Suggestion, SyncCancelled, SyncHistory, SyncStarted,
    TransactionDetail, TransactionPage, TransactionQuery, TransferPage, Upload, Verification, Version,
    Whoami, Why,
};
use table::api;

pub use table::{Method, Parameter, Schema};

/// The client's trait of every namespace: `use monzo_common::api::client::*`.
pub mod client {
    pub use super::{
        AccessControlClient as _, AccountsClient as _, AuthClient as _, AutosortClient as _,
        BackupsClient as _, BalancesClient as _, BillsClient as _, EventsClient as _, ExclusionsClient as _,
        InsightClient as _, NotifyClient as _, PotsClient as _, QuarantineClient as _, RpcClient as _,
        SyncsClient as _, SystemClient as _, TransactionsClient as _, TransfersClient as _,
    };
}

api! {
    /// The daemon itself and its configuration.
    trait System {
        /// The state of everything, from the daemon's own data; never asks the bank.
        #[method("system.status", Viewer in rescue)]
        fn status() -> Status;

        /// The daemon's version, process id, clock and time zone.
        #[method("system.version", Viewer in rescue)]
        fn version() -> Version;

        /// The configuration in force, key by key, with where each value comes from.
        #[method("system.config", Viewer)]
        fn config() -> Vec<ConfigEntry>;

        /// Checks the configuration files, or the given text, without applying anything.
        #[method("system.check", Viewer)]
        fn check(name: Option<String>, text: Option<String>) -> ConfigReport;

        /// Reads the configuration again and applies what can be applied without a restart.
        #[method("system.reload", Operator)]
        fn reload() -> ConfigReload;
    }

    /// The login and the OAuth client.
    trait Auth {
        /// Begins a login and answers the address to open; with `again` also where a login is ready.
        #[method("auth.begin", Operator)]
        fn login_begin(again: bool) -> LoginBegun;

        /// Completes a login with the address that the browser was sent to.
        #[method("auth.complete", Operator)]
        fn login_complete(pasted: String) -> Login;

        /// The state of the login.
        #[method("auth.status", Viewer)]
        fn login_status() -> Login;

        /// Revokes the tokens at the bank and removes them here.
        #[method("auth.logout", Operator)]
        fn logout() -> LoggedOut;

        /// Stores the OAuth client's id and secret, encrypted.
        #[method("auth.configure", Operator)]
        fn configure(client_id: String, client_secret: String) -> Configured;

        /// Notes that permissions were refreshed in the Monzo app just now.
        #[method("auth.renew", Operator)]
        fn renew() -> Login;

        /// Who is calling, and whether the bank accepts the tokens.
        #[method("auth.whoami", Viewer, with_extensions)]
        fn whoami() -> Whoami;
    }

    /// Who may do what.
    trait AccessControl {
        /// Who has which role, and where it comes from.
        #[method("access.list", Viewer)]
        fn access_list() -> Access;

        /// Gives a user or `@group` a role.
        #[method("access.add", Operator)]
        fn access_add(who: String, role: Role) -> AccessChange;

        /// Takes back a role that `access.add` gave.
        #[method("access.remove", Operator)]
        fn access_remove(who: String) -> AccessChange;
    }

    /// Reading the bank.
    trait Syncs {
        /// Starts a sync, or joins the one that runs.
        #[method("sync.start", Operator)]
        fn sync_start(full: bool) -> SyncStarted;

        /// One sync, by its id.
        #[method("sync.get", Viewer)]
        fn sync_get(id: String) -> model::Sync;

        /// The progress of the running sync.
        #[method("sync.status", Viewer)]
        fn sync_status() -> Option<Progress>;

        /// Past syncs, newest first, and what is in quarantine.
        #[method("sync.history", Viewer)]
        fn sync_history(problems: bool, cursor: Option<String>, limit: Option<u32>) -> SyncHistory;

        /// Ends the running sync after the page that it reads.
        #[method("sync.cancel", Operator)]
        fn sync_cancel() -> SyncCancelled;

        subscriptions {
            /// Subscription: progress of syncs as it happens, beginning with the running one.
            #[subscription("sync.subscribe", Viewer, sends "sync.progress", ends with "sync.unsubscribe")]
            fn subscribe_sync() -> Progress;
        }
    }

    /// Records of the bank that could not be understood.
    trait Quarantine {
        /// A record that could not be understood, by its number in quarantine or the bank's id.
        #[method("quarantine.get", Viewer)]
        fn quarantined(id: String) -> QuarantinedRecord;
    }

    /// Accounts.
    trait Accounts {
        /// Accounts that are synced; with `hidden` also those behind pots.
        #[method("accounts.list", Viewer)]
        fn accounts(hidden: bool) -> Vec<Account>;

        /// Accounts that the bank lists and that are not synced, because `monzo.accounts` names neither their type
        /// nor their id.
        #[method("accounts.left_out", Viewer)]
        fn left_out_accounts() -> Vec<Account>;
    }

    /// Pots.
    trait Pots {
        /// Pots, deleted ones included.
        #[method("pots.list", Viewer)]
        fn pots() -> Vec<Pot>;

        /// Proposes to move a penny into a pot and back, to learn the hidden account behind it.
        #[method("pots.discover", Operator)]
        fn discover_pot(pot: String) -> RunStarted;
    }

    /// Balances.
    trait Balances {
        /// Balances of accounts and pots, now or at an instant of the past.
        #[method("balances.list", Viewer)]
        fn balances(at: Option<Timestamp>) -> Vec<Balance>;
    }

    /// Figures that are computed from what is stored.
    trait Insight {
        /// The end-of-day balances of one account or pot, or of all accounts.
        #[method("insight.balances", Viewer)]
        fn balance_history(id: Option<String>, since: Timestamp, until: Timestamp) -> Vec<BalancePoint>;

        /// What was spent in a period: refunds and repayments make it less, transfers are none of it.
        #[method("insight.spending", Viewer)]
        fn spending(query: FiguresQuery) -> Figures;

        /// What came in during a period.
        #[method("insight.income", Viewer)]
        fn income(query: FiguresQuery) -> Figures;

        /// How the balances of accounts and pots went in a period, and what explains it; to the penny.
        #[method("insight.cashflow", Viewer)]
        fn cashflow(since: Timestamp, until: Timestamp, per: Option<FigurePeriod>) -> Cashflow;

        /// The pay calendars with their next paydays.
        #[method("insight.payday", Viewer)]
        fn payday(count: u32) -> Vec<PaydayCalendar>;

        /// Bills that recur, the next one first; with `all` also those that have ended or are ignored.
        #[method("insight.bills", Viewer)]
        fn bills(all: bool) -> Vec<Bill>;

        /// Income that recurs, the next one first.
        #[method("insight.incomes", Viewer)]
        fn incomes() -> Vec<Bill>;
    }

    /// What the person says of bills; it counts before what the ledger shows.
    trait Bills {
        /// Confirms a bill, which also takes back that it is ignored; `instalments` says of how many payments it is.
        #[method("bills.confirm", Operator)]
        fn confirm_bill(id: String, instalments: Option<u32>) -> BillChange;

        /// Says that something is no bill, and removes a bill that was added.
        #[method("bills.ignore", Operator)]
        fn ignore_bill(id: String) -> BillChange;

        /// Gives a bill another name; without `name` it has the payee's again.
        #[method("bills.rename", Operator)]
        fn rename_bill(id: String, name: Option<String>) -> BillChange;

        /// Adds a bill that the ledger does not show yet.
        #[method("bills.add", Operator)]
        fn add_bill(bill: NewBill) -> BillChange;

        /// Makes one bill of several, or puts together what was split.
        #[method("bills.merge", Operator)]
        fn merge_bills(id: String, others: Vec<String>) -> BillChange;

        /// Makes a bill of its own of payments like these; without any, takes apart what was merged.
        #[method("bills.split", Operator)]
        fn split_bill(id: String, transactions: Vec<String>) -> BillChange;

        /// Says that the payment of a day, or the next one, will not come; with `undo` that it will.
        #[method("bills.skip", Operator)]
        fn skip_bill(id: String, on: Option<Date>, undo: bool) -> BillChange;

        /// Sets the amount of a bill in minor units; without `amount` it is estimated again.
        #[method("bills.amount", Operator)]
        fn set_bill_amount(id: String, amount: Option<i64>) -> BillChange;

        /// How well bills would have been predicted at each past payday.
        #[method("bills.accuracy", Viewer)]
        fn bill_accuracy() -> BillAccuracy;
    }

    /// Transactions.
    trait Transactions {
        /// Transactions that match, page by page.
        #[method("transactions.list", Viewer)]
        fn transactions(query: TransactionQuery) -> TransactionPage;

        /// Everything about one transaction, by id or unique id prefix.
        #[method("transactions.get", Viewer)]
        fn transaction(id: String) -> TransactionDetail;
    }

    /// Accounts and pots that the sorter and the figures leave alone.
    trait Exclusions {
        /// What is excluded, and by whom.
        #[method("exclusions.list", Viewer)]
        fn exclusions() -> Vec<Exclusion>;

        /// Excludes an account or pot by its id.
        #[method("exclusions.add", Operator)]
        fn exclude(id: String) -> ExclusionChange;

        /// Takes back an exclusion that `exclusions.add` made.
        #[method("exclusions.remove", Operator)]
        fn include(id: String) -> ExclusionChange;
    }

    /// Backups of the database, and restoring them.
    trait Backups {
        /// Makes a backup now.
        #[method("backup.create", Operator)]
        fn backup_create(with_login: bool) -> Backup;

        /// The backups that the daemon has, newest first.
        #[method("backup.list", Viewer in rescue)]
        fn backup_list() -> Vec<Backup>;

        /// A piece of a backup, from `offset`.
        #[method("backup.read", Operator)]
        fn backup_read(name: String, offset: u64) -> BackupChunk;

        /// Appends base64 data to an upload; without `upload` begins one, of `size` bytes where that is known.
        #[method("backup.write", Operator in rescue)]
        fn backup_write(upload: Option<String>, offset: u64, data: String, size: Option<u64>) -> Upload;

        /// Checks the database, a backup, or an upload.
        #[method("backup.verify", Operator in rescue)]
        fn backup_verify(name: Option<String>, upload: Option<String>) -> Verification;

        /// Replaces the database by a backup or an upload; with `other_user` also by another person's.
        #[method("backup.restore", Operator in rescue)]
        fn backup_restore(name: Option<String>, upload: Option<String>, other_user: Option<bool>) -> Restored;

        /// Begins with an empty database where the present one cannot be used.
        #[method("backup.fresh", Operator in rescue)]
        fn backup_fresh() -> Restored;
    }

    /// Rules, plans and runs: what moves money.
    trait Autosort {
        /// The rules and their state.
        #[method("autosort.rules", Viewer)]
        fn rules() -> Vec<model::Rule>;

        /// What a rule would do, now or at a time; never moves anything and never syncs.
        #[method("autosort.plan", Viewer)]
        fn plan(rule: String, at: Option<Timestamp>) -> Plan;

        /// Proposes a run of a rule's nearest open occurrence; with a plan's `hash` runs exactly that plan.
        #[method("autosort.run", Operator)]
        fn run_rule(rule: String, hash: Option<String>, again: bool) -> RunStarted;

        /// Proposes a move of minor units between an account and a pot, or between two pots, by name or id.
        #[method("autosort.move", Operator)]
        fn move_money(amount: i64, from: String, to: String) -> RunStarted;

        /// Approves a proposed run; without an id the only one that a rule has proposed.
        #[method("autosort.approve", Operator)]
        fn approve(id: Option<String>) -> RunStarted;

        /// Rejects a proposed run.
        #[method("autosort.reject", Operator)]
        fn reject(id: String) -> RunStarted;

        /// Cancels a run: nothing more is sent, and money that is left over goes back.
        #[method("autosort.cancel", Operator)]
        fn cancel_run(id: String) -> RunStarted;

        /// Proposes a run that reverses what another run moved.
        #[method("autosort.undo", Operator)]
        fn undo(id: String) -> RunStarted;

        /// Runs, newest first.
        #[method("autosort.runs", Viewer)]
        fn runs(rule: Option<String>, cursor: Option<String>, limit: Option<u32>) -> RunPage;

        /// One run, by id or unique id prefix.
        #[method("autosort.get", Viewer)]
        fn run(id: String) -> Run;

        /// Freezes one rule, or the whole sorter: it moves nothing until it is thawed.
        #[method("autosort.freeze", Operator)]
        fn freeze(rule: Option<String>, until: Option<Timestamp>, reason: Option<String>) -> FreezeChange;

        /// Thaws one rule, or the whole sorter; or lets a pot be tried again that the bank refused to move.
        #[method("autosort.thaw", Operator)]
        fn thaw(rule: Option<String>, pot: Option<String>) -> FreezeChange;

        /// What a rule would have done since a time.
        #[method("autosort.backtest", Viewer)]
        fn backtest(rule: String, since: Timestamp) -> Backtest;

        /// Rules that the ledger suggests, of one kind or of all: payday, bills, sweep, top-up, tax.
        #[method("autosort.suggest", Viewer)]
        fn suggest(kind: Option<String>) -> Suggestion;

        /// Explains the state of a rule, run or pot.
        #[method("autosort.why", Viewer)]
        fn why(subject: String) -> Why;
    }

    /// Single transfers of runs.
    trait Transfers {
        /// Transfers, newest first; with `run` only those of that run.
        #[method("transfers.list", Viewer)]
        fn transfers(run: Option<String>, cursor: Option<String>, limit: Option<u32>) -> TransferPage;
    }

    /// What happened, and what needs a person.
    trait Events {
        /// Events, newest first, or those after `after` oldest first.
        #[method("events.list", Viewer)]
        fn events(after: Option<i64>, before: Option<i64>, limit: Option<u32>) -> EventPage;

        /// Silences one attention of `system.status`, as long as it lasts or until a time.
        #[method("events.ack", Operator)]
        fn acknowledge(id: String, until: Option<Timestamp>) -> Acknowledged;

        subscriptions {
            /// Subscription: events as they happen.
            #[subscription("events.subscribe", Viewer, sends "events.event", ends with "events.unsubscribe")]
            fn subscribe_events() -> Event;
        }
    }

    /// Notifications.
    trait Notify {
        /// Sends a test through every channel of notifications.
        #[method("notify.test", Operator)]
        fn notify_test() -> Vec<Delivery>;
    }

    /// The API itself.
    trait Rpc {
        /// This document: every method with its parameters, answer and errors.
        #[method("rpc.discover", Viewer in rescue)]
        fn discover() -> serde_json::Value;
    }
}

/// The method of this name; one that is not declared cannot be called.
pub fn method(name: &str) -> Option<&'static Method> {
    METHODS.iter().find(|method| method.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_method_is_declared_once() {
        let names: BTreeSet<_> = METHODS.iter().map(|method| method.name).collect();
        assert_eq!(names.len(), METHODS.len());
    }

    #[test]
    fn rescue_serves_only_what_repairs() {
        for method in METHODS.iter().filter(|method| method.rescue) {
            let namespace = method.name.split('.').next().unwrap_or_default();
            assert!(["system", "backup", "rpc"].contains(&namespace), "{}", method.name);
        }
    }

    #[test]
    fn a_row_of_the_table_has_what_the_declaration_says() {
        let freeze = method("autosort.freeze").expect("it is declared");
        assert_eq!((freeze.role, freeze.rescue, freeze.subscription), (Role::Operator, false, false));
        assert_eq!(
            freeze.summary,
            "Freezes one rule, or the whole sorter: it moves nothing until it is thawed."
        );
        let names: Vec<_> = freeze.parameters.iter().map(|parameter| parameter.name).collect();
        assert_eq!(names, ["rule", "until", "reason"]);
        let left_out = method("accounts.left_out").expect("it is declared");
        assert!(left_out.summary.ends_with("neither their type nor their id."), "{}", left_out.summary);
        let status = method("system.status").expect("it is declared");
        assert_eq!((status.role, status.rescue), (Role::Viewer, true));
        assert!(method("sync.unsubscribe").is_some_and(|end| end.subscription));
        assert!(method("pots.burn").is_none());
    }
}
