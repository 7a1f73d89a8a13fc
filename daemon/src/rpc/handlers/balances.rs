//! `balances.*`: balances of accounts and pots.

use jiff::Timestamp;
use jsonrpsee::core::async_trait;
use monzo_common::api::BalancesServer;
use monzo_common::fault::{Fault, FaultKind};
use monzo_common::model::Balance;

use super::context::RpcContext;
use super::ledger::read_ledger;
use crate::insight;

#[async_trait]
impl BalancesServer for RpcContext {
    /// Balances now, as the bank last told them, or at an instant of the past, as the rows say.
    async fn balances(&self, at: Option<Timestamp>) -> Result<Vec<Balance>, Fault> {
        let config = self.config.borrow().config.clone();
        let now = self.clock.now();
        if at.is_some_and(|at| at > now) {
            let hint = "ask for an instant of the past, or leave `at` out for the balances now";
            return Err(Fault::new(FaultKind::InvalidParams, "`at` lies in the future", hint));
        }
        let services = self.services()?;
        let read = services.store.read(move |reader| {
            let ledger = read_ledger(reader, &config)?;
            let balances: Vec<Balance> = match at {
                Some(at) => {
                    let past = insight::balances::at(reader, at)?.into_iter();
                    past.filter_map(|past| ledger.past(past, at)).collect()
                }
                None => {
                    let newest = reader.balances()?.into_iter();
                    newest.filter_map(|newest| ledger.present(newest)).collect()
                }
            };
            Ok(balances)
        });
        Ok(read.await?)
    }
}
