//! `quarantine.*`: records of the bank that could not be understood.

use jsonrpsee::core::async_trait;
use monzo_common::api::QuarantineServer;
use monzo_common::fault::Fault;
use monzo_common::model::QuarantinedRecord;

use super::context::RpcContext;

#[async_trait]
impl QuarantineServer for RpcContext {
    async fn quarantined(&self, id: String) -> Result<QuarantinedRecord, Fault> {
        Ok(self.services()?.store.read(move |reader| reader.quarantined_record(&id)).await?)
    }
}
