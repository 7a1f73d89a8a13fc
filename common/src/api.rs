//! The RPC contract, once: both the server's trait and the client's methods come from it.
//!
//! Arguments are named. Long work answers at once with its object and goes on whether or not the caller stays;
//! progress comes by subscription. Every verb that changes something says whether it did.

// The macro's expansion cannot carry doc comments on what it generates.
#![allow(missing_docs)]

use jiff::Timestamp;
use jsonrpsee::core::{RpcResult, SubscriptionResult};
use jsonrpsee::proc_macros::rpc;

use crate::model::{
    self, Access, AccessChange, Account, Acknowledged, Backtest, Backup, BackupChunk, Balance, BalancePoint,
    ConfigEntry, ConfigReload, ConfigReport, Configured, Delivery, Event, EventPage, Exclusion,
    ExclusionChange, FreezeChange, LoggedOut, Login, LoginBegun, PaydayCalendar, Plan, Pot, Progress,
    QuarantinedRecord, Restored, Role, Run, RunPage, RunStarted, Status, Suggestion, SyncCancelled,
    SyncHistory, SyncStarted, TransactionDetail, TransactionPage, TransactionQuery, TransferPage, Upload,
    Verification, Version, Whoami, Why,
};

/// Everything that can be asked of the daemon.
#[rpc(client, server)]
pub trait Api {
    /// How things stand, from memory; never asks the bank.
    #[method(name = "system.status")]
    async fn status(&self) -> RpcResult<Status>;

    /// What answers here, and its clock and zone.
    #[method(name = "system.version")]
    async fn version(&self) -> RpcResult<Version>;

    /// The configuration in force, key by key, with where each value comes from.
    #[method(name = "system.config")]
    async fn config(&self) -> RpcResult<Vec<ConfigEntry>>;

    /// Checks the configuration files, or the given text, without applying anything.
    #[method(name = "system.check", param_kind = map)]
    async fn check(&self, name: Option<String>, text: Option<String>) -> RpcResult<ConfigReport>;

    /// Reads the configuration again and applies what can be applied live.
    #[method(name = "system.reload")]
    async fn reload(&self) -> RpcResult<ConfigReload>;

    /// Begins a login and answers the address to open; `again` even though one is ready.
    #[method(name = "auth.begin", param_kind = map)]
    async fn login_begin(&self, again: bool) -> RpcResult<LoginBegun>;

    /// Completes a login with what the browser came back with.
    #[method(name = "auth.complete", param_kind = map)]
    async fn login_complete(&self, pasted: String) -> RpcResult<Login>;

    /// Where the login stands.
    #[method(name = "auth.status")]
    async fn login_status(&self) -> RpcResult<Login>;

    /// Revokes the tokens at the bank and forgets them.
    #[method(name = "auth.logout")]
    async fn logout(&self) -> RpcResult<LoggedOut>;

    /// Keeps the OAuth client's id and secret, sealed.
    #[method(name = "auth.configure", param_kind = map)]
    async fn configure(&self, client_id: String, client_secret: String) -> RpcResult<Configured>;

    /// Notes that permissions were refreshed in the Monzo app just now.
    #[method(name = "auth.renew")]
    async fn renew(&self) -> RpcResult<Login>;

    /// Who is asking, and whether the bank takes the tokens.
    #[method(name = "auth.whoami", with_extensions)]
    async fn whoami(&self) -> RpcResult<Whoami>;

    /// Who may do what.
    #[method(name = "access.list")]
    async fn access_list(&self) -> RpcResult<Access>;

    /// Gives a user or `@group` a role.
    #[method(name = "access.add", param_kind = map)]
    async fn access_add(&self, who: String, role: Role) -> RpcResult<AccessChange>;

    /// Takes an added role away.
    #[method(name = "access.remove", param_kind = map)]
    async fn access_remove(&self, who: String) -> RpcResult<AccessChange>;

    /// Starts a sync, or joins the one that runs.
    #[method(name = "sync.start", param_kind = map)]
    async fn sync_start(&self, full: bool) -> RpcResult<SyncStarted>;

    /// One sync.
    #[method(name = "sync.get", param_kind = map)]
    async fn sync_get(&self, id: String) -> RpcResult<model::Sync>;

    /// How far the running sync has come.
    #[method(name = "sync.status")]
    async fn sync_status(&self) -> RpcResult<Option<Progress>>;

    /// Past syncs, newest first, and what is in quarantine.
    #[method(name = "sync.history", param_kind = map)]
    async fn sync_history(
        &self,
        problems: bool,
        cursor: Option<String>,
        limit: Option<u32>,
    ) -> RpcResult<SyncHistory>;

    /// A record that could not be understood, by its number in quarantine or the bank's id.
    #[method(name = "quarantine.get", param_kind = map)]
    async fn quarantined(&self, id: String) -> RpcResult<QuarantinedRecord>;

    /// Ends the running sync at its next page boundary.
    #[method(name = "sync.cancel")]
    async fn sync_cancel(&self) -> RpcResult<SyncCancelled>;

    /// Accounts; the hidden ones behind pots too, if asked.
    #[method(name = "accounts.list", param_kind = map)]
    async fn accounts(&self, hidden: bool) -> RpcResult<Vec<Account>>;

    /// Accounts that the bank lists and that are not synced, because `monzo.accounts` names neither their type nor their id.
    #[method(name = "accounts.left_out")]
    async fn left_out_accounts(&self) -> RpcResult<Vec<Account>>;

    /// Pots, deleted ones included.
    #[method(name = "pots.list")]
    async fn pots(&self) -> RpcResult<Vec<Pot>>;

    /// Balances of accounts and pots, now or as they were.
    #[method(name = "balances.list", param_kind = map)]
    async fn balances(&self, at: Option<Timestamp>) -> RpcResult<Vec<Balance>>;

    /// The end-of-day balances of one account or pot, or of all accounts.
    #[method(name = "insight.balances", param_kind = map)]
    async fn balance_history(
        &self,
        id: Option<String>,
        since: Timestamp,
        until: Timestamp,
    ) -> RpcResult<Vec<BalancePoint>>;

    /// Transactions that match, page by page.
    #[method(name = "transactions.list", param_kind = map)]
    async fn transactions(&self, query: TransactionQuery) -> RpcResult<TransactionPage>;

    /// Everything about one transaction, by id or unique id prefix.
    #[method(name = "transactions.get", param_kind = map)]
    async fn transaction(&self, id: String) -> RpcResult<TransactionDetail>;

    /// What is excluded, and by whom.
    #[method(name = "exclusions.list")]
    async fn exclusions(&self) -> RpcResult<Vec<Exclusion>>;

    /// Excludes an account or pot by its id.
    #[method(name = "exclusions.add", param_kind = map)]
    async fn exclude(&self, id: String) -> RpcResult<ExclusionChange>;

    /// Takes an exclusion by hand back.
    #[method(name = "exclusions.remove", param_kind = map)]
    async fn include(&self, id: String) -> RpcResult<ExclusionChange>;

    /// Makes a backup now.
    #[method(name = "backup.create", param_kind = map)]
    async fn backup_create(&self, with_login: bool) -> RpcResult<Backup>;

    /// Backups that are kept, newest first.
    #[method(name = "backup.list")]
    async fn backup_list(&self) -> RpcResult<Vec<Backup>>;

    /// A piece of a backup, from `offset`.
    #[method(name = "backup.read", param_kind = map)]
    async fn backup_read(&self, name: String, offset: u64) -> RpcResult<BackupChunk>;

    /// Appends base64 data to an upload; without `upload` begins one, of `size` bytes where that is known.
    #[method(name = "backup.write", param_kind = map)]
    async fn backup_write(
        &self,
        upload: Option<String>,
        offset: u64,
        data: String,
        size: Option<u64>,
    ) -> RpcResult<Upload>;

    /// Checks the database, a kept backup, or an upload.
    #[method(name = "backup.verify", param_kind = map)]
    async fn backup_verify(&self, name: Option<String>, upload: Option<String>) -> RpcResult<Verification>;

    /// Puts a kept backup or an upload in the database's place; with `other_user` also another person's.
    #[method(name = "backup.restore", param_kind = map)]
    async fn backup_restore(
        &self,
        name: Option<String>,
        upload: Option<String>,
        other_user: Option<bool>,
    ) -> RpcResult<Restored>;

    /// Begins with an empty database where the present one cannot be used.
    #[method(name = "backup.fresh")]
    async fn backup_fresh(&self) -> RpcResult<Restored>;

    /// The rules as they stand.
    #[method(name = "autosort.rules")]
    async fn rules(&self) -> RpcResult<Vec<model::Rule>>;

    /// What a rule would do, now or at a time; never moves anything and never syncs.
    #[method(name = "autosort.plan", param_kind = map)]
    async fn plan(&self, rule: String, at: Option<Timestamp>) -> RpcResult<Plan>;

    /// Proposes a run of a rule's nearest open occurrence; with a plan's `hash` runs exactly that plan.
    #[method(name = "autosort.run", param_kind = map)]
    async fn run_rule(&self, rule: String, hash: Option<String>, again: bool) -> RpcResult<RunStarted>;

    /// Proposes a move of minor units between an account and a pot, or between two pots, by name or id.
    #[method(name = "autosort.move", param_kind = map)]
    async fn move_money(&self, amount: i64, from: String, to: String) -> RpcResult<RunStarted>;

    /// Approves a proposed run; the only one that a rule has proposed, if none is named.
    #[method(name = "autosort.approve", param_kind = map)]
    async fn approve(&self, id: Option<String>) -> RpcResult<RunStarted>;

    /// Says no to a proposed run.
    #[method(name = "autosort.reject", param_kind = map)]
    async fn reject(&self, id: String) -> RpcResult<RunStarted>;

    /// Ends a run: what is unsent stays unsent, and what is left over goes back.
    #[method(name = "autosort.cancel", param_kind = map)]
    async fn cancel_run(&self, id: String) -> RpcResult<RunStarted>;

    /// Proposes a run that reverses what another moved.
    #[method(name = "autosort.undo", param_kind = map)]
    async fn undo(&self, id: String) -> RpcResult<RunStarted>;

    /// Runs, newest first.
    #[method(name = "autosort.runs", param_kind = map)]
    async fn runs(
        &self,
        rule: Option<String>,
        cursor: Option<String>,
        limit: Option<u32>,
    ) -> RpcResult<RunPage>;

    /// One run, by id or unique id prefix.
    #[method(name = "autosort.get", param_kind = map)]
    async fn run(&self, id: String) -> RpcResult<Run>;

    /// Holds everything back, or one rule.
    #[method(name = "autosort.freeze", param_kind = map)]
    async fn freeze(
        &self,
        rule: Option<String>,
        until: Option<Timestamp>,
        reason: Option<String>,
    ) -> RpcResult<FreezeChange>;

    /// Lets everything, or one rule, go on; or lets a pot be tried again that the bank refused to move.
    #[method(name = "autosort.thaw", param_kind = map)]
    async fn thaw(&self, rule: Option<String>, pot: Option<String>) -> RpcResult<FreezeChange>;

    /// What a rule would have done since a time.
    #[method(name = "autosort.backtest", param_kind = map)]
    async fn backtest(&self, rule: String, since: Timestamp) -> RpcResult<Backtest>;

    /// Rules that the ledger suggests, of one kind or of all: payday, bills, sweep, top-up, tax.
    #[method(name = "autosort.suggest", param_kind = map)]
    async fn suggest(&self, kind: Option<String>) -> RpcResult<Suggestion>;

    /// Why a rule, run or pot stands as it does.
    #[method(name = "autosort.why", param_kind = map)]
    async fn why(&self, subject: String) -> RpcResult<Why>;

    /// Transfers, newest first; of one run, if asked.
    #[method(name = "transfers.list", param_kind = map)]
    async fn transfers(
        &self,
        run: Option<String>,
        cursor: Option<String>,
        limit: Option<u32>,
    ) -> RpcResult<TransferPage>;

    /// The pay calendars with their next paydays.
    #[method(name = "insight.payday", param_kind = map)]
    async fn payday(&self, count: u32) -> RpcResult<Vec<PaydayCalendar>>;

    /// Proposes to move a penny into a pot and back, to learn the hidden account behind it.
    #[method(name = "pots.discover", param_kind = map)]
    async fn discover_pot(&self, pot: String) -> RpcResult<RunStarted>;

    /// Events, newest first, or those after `after` oldest first.
    #[method(name = "events.list", param_kind = map)]
    async fn events(
        &self,
        after: Option<i64>,
        before: Option<i64>,
        limit: Option<u32>,
    ) -> RpcResult<EventPage>;

    /// Silences one attention, for good or until a time.
    #[method(name = "events.ack", param_kind = map)]
    async fn acknowledge(&self, id: String, until: Option<Timestamp>) -> RpcResult<Acknowledged>;

    /// Sends a test through every channel that notifications take.
    #[method(name = "notify.test")]
    async fn notify_test(&self) -> RpcResult<Vec<Delivery>>;

    /// The OpenRPC document of all this.
    #[method(name = "rpc.discover")]
    async fn discover(&self) -> RpcResult<serde_json::Value>;

    /// Events as they happen.
    #[subscription(name = "events.subscribe" => "events.event", unsubscribe = "events.unsubscribe", item = Event)]
    async fn subscribe_events(&self) -> SubscriptionResult;

    /// Progress of syncs as it happens, beginning with where the running one stands.
    #[subscription(name = "sync.subscribe" => "sync.progress", unsubscribe = "sync.unsubscribe", item = Progress)]
    async fn subscribe_sync(&self) -> SubscriptionResult;
}
