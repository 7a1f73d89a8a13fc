//! `transfers.*`: single transfers of runs.

use jsonrpsee::core::async_trait;
use monzo_common::api::TransfersServer;
use monzo_common::fault::Fault;
use monzo_common::model::TransferPage;

use super::context::RpcContext;
use super::cursor;
use crate::autosort::query::runs;

#[async_trait]
impl TransfersServer for RpcContext {
    async fn transfers(
        &self,
        run: Option<String>,
        cursor: Option<String>,
        limit: Option<u32>,
    ) -> Result<TransferPage, Fault> {
        let after = cursor::parse_pair("transfers.list", cursor)?;
        Ok(runs::transfers(&self.services()?.sorter, run, after, limit).await?)
    }
}
