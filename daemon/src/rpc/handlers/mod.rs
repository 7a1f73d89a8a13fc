//! The methods: what each does with the rooms behind it, one file a noun.
//!
//! A handler fetches and answers; what outlasts it belongs to the rooms. The database can be exchanged under the
//! server (a restore), so that every call asks [`Desk`] for the rooms as they are now.

mod access;
mod auth;
mod backup;
mod desk;
mod events;
mod exclusions;
mod ledger;
mod notify;
mod sorter;
mod status;
mod sync;
mod system;
mod uploads;

use jiff::Timestamp;
use jsonrpsee::PendingSubscriptionSink;
use jsonrpsee::core::{RpcResult, SubscriptionResult, async_trait};
use monzo_common::api::ApiServer;
use monzo_common::model::{
    self, Access, AccessChange, Account, Acknowledged, Backtest, Backup, BackupChunk, Balance, BalancePoint,
    ConfigEntry, ConfigReload, ConfigReport, Configured, Delivery, EventPage, Exclusion, ExclusionChange,
    FreezeChange, LoggedOut, Login, LoginBegun, PaydayCalendar, Plan, Pot, Progress, QuarantinedRecord,
    Restored, Role, Run, RunPage, RunStarted, Status, Suggestion, SyncCancelled, SyncHistory, SyncStarted,
    TransactionDetail, TransactionPage, TransactionQuery, TransferPage, Upload, Verification, Version,
    Whoami, Why,
};
use monzo_common::openrpc;

pub use desk::{Command, Desk, Parts, Replacement, Rescue, Rooms, Served};
pub use uploads::Uploads;

#[async_trait]
impl ApiServer for Desk {
    async fn status(&self) -> RpcResult<Status> {
        Ok(status::status(self).await?)
    }

    async fn version(&self) -> RpcResult<Version> {
        Ok(system::version(self))
    }

    async fn config(&self) -> RpcResult<Vec<ConfigEntry>> {
        Ok(system::config(self))
    }

    async fn check(&self, name: Option<String>, text: Option<String>) -> RpcResult<ConfigReport> {
        Ok(system::check(self, name, text).await?)
    }

    async fn reload(&self) -> RpcResult<ConfigReload> {
        Ok(system::reload(self).await?)
    }

    async fn login_begin(&self, again: bool) -> RpcResult<LoginBegun> {
        Ok(auth::begin(self, again).await?)
    }

    async fn login_complete(&self, pasted: String) -> RpcResult<Login> {
        Ok(auth::complete(self, &pasted).await?)
    }

    async fn login_status(&self) -> RpcResult<Login> {
        Ok(self.rooms()?.login.state())
    }

    async fn logout(&self) -> RpcResult<LoggedOut> {
        Ok(auth::logout(self).await?)
    }

    async fn configure(&self, client_id: String, client_secret: String) -> RpcResult<Configured> {
        Ok(auth::configure(self, &client_id, client_secret).await?)
    }

    async fn renew(&self) -> RpcResult<Login> {
        Ok(auth::renew(self).await?)
    }

    async fn whoami(&self, extensions: &jsonrpsee::Extensions) -> RpcResult<Whoami> {
        Ok(auth::whoami(self, extensions).await?)
    }

    async fn access_list(&self) -> RpcResult<Access> {
        Ok(access::list(self))
    }

    async fn access_add(&self, who: String, role: Role) -> RpcResult<AccessChange> {
        Ok(access::add(self, who, role).await?)
    }

    async fn access_remove(&self, who: String) -> RpcResult<AccessChange> {
        Ok(access::remove(self, who).await?)
    }

    async fn sync_start(&self, full: bool) -> RpcResult<SyncStarted> {
        Ok(sync::start(self, full).await?)
    }

    async fn sync_get(&self, id: String) -> RpcResult<model::Sync> {
        Ok(sync::get(self, id).await?)
    }

    async fn quarantined(&self, id: String) -> RpcResult<QuarantinedRecord> {
        Ok(sync::quarantined(self, id).await?)
    }

    async fn sync_status(&self) -> RpcResult<Option<Progress>> {
        Ok(self.rooms()?.sync.progress())
    }

    async fn sync_history(
        &self,
        problems: bool,
        cursor: Option<String>,
        limit: Option<u32>,
    ) -> RpcResult<SyncHistory> {
        Ok(sync::history(self, problems, cursor, limit).await?)
    }

    async fn sync_cancel(&self) -> RpcResult<SyncCancelled> {
        Ok(sync::cancel(self).await?)
    }

    async fn accounts(&self, hidden: bool) -> RpcResult<Vec<Account>> {
        Ok(ledger::accounts(self, hidden).await?)
    }

    async fn left_out_accounts(&self) -> RpcResult<Vec<Account>> {
        Ok(ledger::left_out_accounts(self).await?)
    }

    async fn pots(&self) -> RpcResult<Vec<Pot>> {
        Ok(ledger::pots(self).await?)
    }

    async fn balances(&self, at: Option<Timestamp>) -> RpcResult<Vec<Balance>> {
        Ok(ledger::balances(self, at).await?)
    }

    async fn balance_history(
        &self,
        id: Option<String>,
        since: Timestamp,
        until: Timestamp,
    ) -> RpcResult<Vec<BalancePoint>> {
        Ok(ledger::balance_history(self, id, since, until).await?)
    }

    async fn transactions(&self, query: TransactionQuery) -> RpcResult<TransactionPage> {
        Ok(ledger::transactions(self, query).await?)
    }

    async fn transaction(&self, id: String) -> RpcResult<TransactionDetail> {
        Ok(ledger::transaction(self, id).await?)
    }

    async fn exclusions(&self) -> RpcResult<Vec<Exclusion>> {
        Ok(exclusions::list(self).await?)
    }

    async fn exclude(&self, id: String) -> RpcResult<ExclusionChange> {
        Ok(exclusions::add(self, id).await?)
    }

    async fn include(&self, id: String) -> RpcResult<ExclusionChange> {
        Ok(exclusions::remove(self, id).await?)
    }

    async fn backup_create(&self, with_login: bool) -> RpcResult<Backup> {
        Ok(backup::create(self, with_login).await?)
    }

    async fn backup_list(&self) -> RpcResult<Vec<Backup>> {
        Ok(backup::list(self).await?)
    }

    async fn backup_read(&self, name: String, offset: u64) -> RpcResult<BackupChunk> {
        Ok(backup::read(self, name, offset).await?)
    }

    async fn backup_write(
        &self,
        upload: Option<String>,
        offset: u64,
        data: String,
        size: Option<u64>,
    ) -> RpcResult<Upload> {
        Ok(self.uploads.write(upload, offset, data, size).await?)
    }

    async fn backup_verify(&self, name: Option<String>, upload: Option<String>) -> RpcResult<Verification> {
        Ok(backup::verify(self, name, upload).await?)
    }

    async fn backup_restore(
        &self,
        name: Option<String>,
        upload: Option<String>,
        other_user: Option<bool>,
    ) -> RpcResult<Restored> {
        Ok(backup::restore(self, name, upload, other_user.unwrap_or(false)).await?)
    }

    async fn backup_fresh(&self) -> RpcResult<Restored> {
        Ok(backup::fresh(self).await?)
    }

    async fn rules(&self) -> RpcResult<Vec<model::Rule>> {
        Ok(sorter::rules(self).await?)
    }

    async fn plan(&self, rule: String, at: Option<Timestamp>) -> RpcResult<Plan> {
        Ok(sorter::plan(self, rule, at).await?)
    }

    async fn run_rule(&self, rule: String, hash: Option<String>, again: bool) -> RpcResult<RunStarted> {
        Ok(sorter::run_rule(self, rule, hash, again).await?)
    }

    async fn move_money(&self, amount: i64, from: String, to: String) -> RpcResult<RunStarted> {
        Ok(sorter::move_money(self, amount, from, to).await?)
    }

    async fn approve(&self, id: Option<String>) -> RpcResult<RunStarted> {
        Ok(sorter::approve(self, id).await?)
    }

    async fn reject(&self, id: String) -> RpcResult<RunStarted> {
        Ok(sorter::reject(self, id).await?)
    }

    async fn cancel_run(&self, id: String) -> RpcResult<RunStarted> {
        Ok(sorter::cancel(self, id).await?)
    }

    async fn undo(&self, id: String) -> RpcResult<RunStarted> {
        Ok(sorter::undo(self, id).await?)
    }

    async fn runs(
        &self,
        rule: Option<String>,
        cursor: Option<String>,
        limit: Option<u32>,
    ) -> RpcResult<RunPage> {
        Ok(sorter::runs(self, rule, cursor, limit).await?)
    }

    async fn run(&self, id: String) -> RpcResult<Run> {
        Ok(sorter::run(self, id).await?)
    }

    async fn freeze(
        &self,
        rule: Option<String>,
        until: Option<Timestamp>,
        reason: Option<String>,
    ) -> RpcResult<FreezeChange> {
        Ok(sorter::freeze(self, rule, until, reason).await?)
    }

    async fn thaw(&self, rule: Option<String>, pot: Option<String>) -> RpcResult<FreezeChange> {
        Ok(sorter::thaw(self, rule, pot).await?)
    }

    async fn backtest(&self, rule: String, since: Timestamp) -> RpcResult<Backtest> {
        Ok(sorter::backtest(self, rule, since).await?)
    }

    async fn suggest(&self, kind: Option<String>) -> RpcResult<Suggestion> {
        Ok(sorter::suggest(self, kind).await?)
    }

    async fn why(&self, subject: String) -> RpcResult<Why> {
        Ok(sorter::why(self, subject).await?)
    }

    async fn transfers(
        &self,
        run: Option<String>,
        cursor: Option<String>,
        limit: Option<u32>,
    ) -> RpcResult<TransferPage> {
        Ok(sorter::transfers(self, run, cursor, limit).await?)
    }

    async fn payday(&self, count: u32) -> RpcResult<Vec<PaydayCalendar>> {
        Ok(sorter::payday(self, count).await?)
    }

    async fn discover_pot(&self, pot: String) -> RpcResult<RunStarted> {
        Ok(sorter::discover(self, pot).await?)
    }

    async fn events(
        &self,
        after: Option<i64>,
        before: Option<i64>,
        limit: Option<u32>,
    ) -> RpcResult<EventPage> {
        Ok(events::list(self, after, before, limit).await?)
    }

    async fn acknowledge(&self, id: String, until: Option<Timestamp>) -> RpcResult<Acknowledged> {
        Ok(events::acknowledge(self, id, until).await?)
    }

    async fn notify_test(&self) -> RpcResult<Vec<Delivery>> {
        Ok(notify::test(self).await?)
    }

    async fn discover(&self) -> RpcResult<serde_json::Value> {
        Ok(openrpc::document())
    }

    async fn subscribe_events(&self, pending: PendingSubscriptionSink) -> SubscriptionResult {
        Ok(self.hub().follow_events(pending).await?)
    }

    async fn subscribe_sync(&self, pending: PendingSubscriptionSink) -> SubscriptionResult {
        Ok(self.hub().follow_progress(pending).await?)
    }
}
