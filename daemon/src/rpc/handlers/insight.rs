//! `insight.*`: figures that are computed from what is stored.

use jiff::Timestamp;
use jsonrpsee::core::async_trait;
use monzo_common::api::InsightServer;
use monzo_common::fault::{Fault, FaultKind};
use monzo_common::model::{BalancePoint, Bill, PaydayCalendar};

use super::context::RpcContext;
use crate::autosort::query::bills;
use crate::autosort::study::suggest;
use crate::insight;

#[async_trait]
impl InsightServer for RpcContext {
    async fn balance_history(
        &self,
        id: Option<String>,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<BalancePoint>, Fault> {
        if since >= until {
            return Err(Fault::new(
                FaultKind::InvalidParams,
                "the period ends before it begins",
                "give `since` before `until`",
            ));
        }
        let zone = self.config.borrow().config.time.zone.rules().clone();
        let until = until.min(self.clock.now());
        let services = self.services()?;
        let read = services
            .store
            .read(move |reader| insight::balances::history(reader, id.as_deref(), (since, until), &zone));
        Ok(read.await?)
    }

    async fn payday(&self, count: u32) -> Result<Vec<PaydayCalendar>, Fault> {
        Ok(suggest::paydays(&self.services()?.sorter, count).await?)
    }

    async fn bills(&self, all: bool) -> Result<Vec<Bill>, Fault> {
        Ok(bills::bills(&self.services()?.sorter, all).await?)
    }

    async fn incomes(&self) -> Result<Vec<Bill>, Fault> {
        Ok(bills::incomes(&self.services()?.sorter).await?)
    }
}
