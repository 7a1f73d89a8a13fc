//! `events.*`: what happened, and silencing what lasts.

use jiff::Timestamp;
use jsonrpsee::PendingSubscriptionSink;
use jsonrpsee::core::{SubscriptionResult, async_trait};
use monzo_common::api::EventsServer;
use monzo_common::fault::{Fault, FaultKind};
use monzo_common::model::{Acknowledged, EventPage};

use super::context::RpcContext;

/// Events on a page unless asked otherwise, and at most.
const PAGE: u32 = 50;
const LONGEST_PAGE: u32 = 1000;

#[async_trait]
impl EventsServer for RpcContext {
    async fn events(
        &self,
        after: Option<i64>,
        before: Option<i64>,
        limit: Option<u32>,
    ) -> Result<EventPage, Fault> {
        if after.is_some() && before.is_some() {
            return Err(Fault::new(
                FaultKind::InvalidParams,
                "events are listed after one or before one, not both",
                "leave out `after` or `before`",
            ));
        }
        let limit = limit.unwrap_or(PAGE).clamp(1, LONGEST_PAGE);
        let (events, more) =
            self.services()?.store.read(move |reader| reader.events(after, before, limit)).await?;
        Ok(EventPage { events, more })
    }

    /// Only what needs a person now can be silenced.
    async fn acknowledge(&self, id: String, until: Option<Timestamp>) -> Result<Acknowledged, Fault> {
        if until.is_some_and(|until| until <= self.clock.now()) {
            return Err(Fault::new(FaultKind::InvalidParams, "that time is over", "name a day to come"));
        }
        let services = self.services()?;
        let observed = services.attention.observe().await?;
        if !observed.iter().any(|observed| observed.attention.id == id) {
            return Err(Fault::new(
                FaultKind::NotFound,
                format!("nothing that needs attention has the id {id}"),
                "`monzoctl status` shows the ids in brackets",
            ));
        }
        let name = id.clone();
        let changed = services.store.write(move |writer| writer.acknowledge(&name, until)).await?;
        Ok(Acknowledged { id, until, changed })
    }

    async fn subscribe_events(&self, pending: PendingSubscriptionSink) -> SubscriptionResult {
        Ok(self.hub.follow_events(pending).await?)
    }
}
