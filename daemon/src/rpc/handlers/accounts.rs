//! `accounts.*`: accounts, synced or left out.

use jsonrpsee::core::async_trait;
use monzo_common::api::AccountsServer;
use monzo_common::fault::Fault;
use monzo_common::model::Account;

use super::context::RpcContext;

#[async_trait]
impl AccountsServer for RpcContext {
    async fn accounts(&self, hidden: bool) -> Result<Vec<Account>, Fault> {
        let ledger = self.ledger().await?;
        let shown = ledger.accounts.iter().filter(|account| hidden || account.pot_id.is_none());
        Ok(shown.map(|account| ledger.account(account)).collect())
    }

    async fn left_out_accounts(&self) -> Result<Vec<Account>, Fault> {
        let ledger = self.ledger().await?;
        let left_out = self.services()?.store.read(|reader| reader.left_out()).await?;
        Ok(left_out.into_iter().map(|account| ledger.left_out(account)).collect())
    }
}
