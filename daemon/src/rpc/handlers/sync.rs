//! `sync.*`: starting and cancelling a sync, its progress, and past ones.

use jsonrpsee::PendingSubscriptionSink;
use jsonrpsee::core::{SubscriptionResult, async_trait};
use monzo_common::api::SyncsServer;
use monzo_common::fault::Fault;
use monzo_common::model::{Progress, Sync, SyncCancelled, SyncHistory, SyncStarted};

use super::context::RpcContext;
use super::cursor;

/// Syncs on a page unless asked otherwise, and at most.
const PAGE: u32 = 20;
const LONGEST_PAGE: u32 = 200;

/// Records of the quarantine that are shown. Taste: a person looks at a few and then at the log.
const QUARANTINE: u32 = 100;

#[async_trait]
impl SyncsServer for RpcContext {
    async fn sync_start(&self, full: bool) -> Result<SyncStarted, Fault> {
        let services = self.services()?;
        // A person asks: a refresh that is put off is tried at once.
        services.login.try_now();
        Ok(services.sync.start(full).await?)
    }

    async fn sync_cancel(&self) -> Result<SyncCancelled, Fault> {
        Ok(self.services()?.sync.cancel().await?)
    }

    /// One sync; what a running one did in each account is noted when it ends.
    async fn sync_get(&self, id: String) -> Result<Sync, Fault> {
        let services = self.services()?;
        let stored = services.store.read(move |reader| reader.sync(&id)).await?;
        Ok(services.sync.corrected(stored))
    }

    async fn sync_history(
        &self,
        problems: bool,
        cursor: Option<String>,
        limit: Option<u32>,
    ) -> Result<SyncHistory, Fault> {
        let before = cursor::parse("sync.history", cursor)?;
        let limit = limit.unwrap_or(PAGE).clamp(1, LONGEST_PAGE);
        let services = self.services()?;
        let found = services.store.read(move |reader| {
            let (syncs, last) = reader.syncs(problems, before, limit)?;
            let quarantined = if before.is_none() { reader.quarantine(QUARANTINE)? } else { Vec::new() };
            Ok(SyncHistory { syncs, quarantined, cursor: last.map(|number| number.to_string()) })
        });
        let mut found = found.await?;
        found.syncs = found.syncs.into_iter().map(|sync| services.sync.corrected(sync)).collect();
        Ok(found)
    }

    async fn sync_status(&self) -> Result<Option<Progress>, Fault> {
        Ok(self.services()?.sync.progress())
    }

    async fn subscribe_sync(&self, pending: PendingSubscriptionSink) -> SubscriptionResult {
        Ok(self.hub.follow_progress(pending).await?)
    }
}
