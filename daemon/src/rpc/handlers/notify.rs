//! `notify.*`: whether the person can be told.

use jsonrpsee::core::async_trait;
use monzo_common::api::NotifyServer;
use monzo_common::fault::{Fault, FaultKind};
use monzo_common::model::Delivery;

use super::context::RpcContext;

#[async_trait]
impl NotifyServer for RpcContext {
    async fn notify_test(&self) -> Result<Vec<Delivery>, Fault> {
        let deliveries = self.services()?.notifier.test().await?;
        if deliveries.is_empty() {
            return Err(Fault::new(
                FaultKind::Conflict,
                "there is no channel to send a test through",
                "set `feed = true` under [notify], then `monzoctl config reload`; before the first login there is no feed",
            ));
        }
        Ok(deliveries)
    }
}
