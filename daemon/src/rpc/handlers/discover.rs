//! `rpc.discover`: the OpenRPC document of all methods.

use jsonrpsee::core::async_trait;
use monzo_common::api::RpcServer;
use monzo_common::fault::Fault;
use monzo_common::openrpc;

use super::context::RpcContext;

#[async_trait]
impl RpcServer for RpcContext {
    async fn discover(&self) -> Result<serde_json::Value, Fault> {
        Ok(openrpc::document())
    }
}
