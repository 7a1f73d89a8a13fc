//! `pots.*`: pots, and learning the account behind one.

use jsonrpsee::core::async_trait;
use monzo_common::api::PotsServer;
use monzo_common::fault::Fault;
use monzo_common::model::{Pot, RunStarted};

use super::context::RpcContext;

#[async_trait]
impl PotsServer for RpcContext {
    async fn pots(&self) -> Result<Vec<Pot>, Fault> {
        let ledger = self.ledger().await?;
        Ok(ledger.pots.iter().map(|pot| ledger.pot(pot)).collect())
    }

    async fn discover_pot(&self, pot: String) -> Result<RunStarted, Fault> {
        Ok(self.services()?.sorter.discover(&pot).await?)
    }
}
