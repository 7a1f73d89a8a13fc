//! `autosort.*`: rules, plans and runs.

use jiff::Timestamp;
use jsonrpsee::core::async_trait;
use monzo_common::api::AutosortServer;
use monzo_common::fault::{Fault, FaultKind};
use monzo_common::model::{Backtest, FreezeChange, Plan, Rule, Run, RunPage, RunStarted, Suggestion, Why};

use super::context::RpcContext;
use super::cursor;
use crate::autosort::query;
use crate::autosort::study::backtest;
use crate::autosort::study::suggest::{self, Kind};

#[async_trait]
impl AutosortServer for RpcContext {
    async fn rules(&self) -> Result<Vec<Rule>, Fault> {
        Ok(query::rules::rules(&self.services()?.sorter).await?)
    }

    async fn plan(&self, rule: String, at: Option<Timestamp>) -> Result<Plan, Fault> {
        Ok(query::rules::plan(&self.services()?.sorter, &rule, at).await?)
    }

    async fn run_rule(&self, rule: String, hash: Option<String>, again: bool) -> Result<RunStarted, Fault> {
        Ok(self.services()?.sorter.run_rule(&rule, hash.as_deref(), again).await?)
    }

    async fn move_money(&self, amount: i64, from: String, to: String) -> Result<RunStarted, Fault> {
        Ok(self.services()?.sorter.move_money(amount, &from, &to).await?)
    }

    async fn approve(&self, id: Option<String>) -> Result<RunStarted, Fault> {
        Ok(self.services()?.sorter.approve(id.as_deref()).await?)
    }

    async fn reject(&self, id: String) -> Result<RunStarted, Fault> {
        Ok(self.services()?.sorter.reject(&id).await?)
    }

    async fn cancel_run(&self, id: String) -> Result<RunStarted, Fault> {
        Ok(self.services()?.sorter.cancel(&id).await?)
    }

    async fn undo(&self, id: String) -> Result<RunStarted, Fault> {
        Ok(self.services()?.sorter.undo(&id).await?)
    }

    async fn runs(
        &self,
        rule: Option<String>,
        cursor: Option<String>,
        limit: Option<u32>,
    ) -> Result<RunPage, Fault> {
        let before = cursor::parse("autosort.runs", cursor)?;
        Ok(query::runs::runs(&self.services()?.sorter, rule, before, limit).await?)
    }

    async fn run(&self, id: String) -> Result<Run, Fault> {
        Ok(query::runs::run_of(&self.services()?.sorter, &id).await?)
    }

    async fn freeze(
        &self,
        rule: Option<String>,
        until: Option<Timestamp>,
        reason: Option<String>,
    ) -> Result<FreezeChange, Fault> {
        Ok(self.services()?.sorter.freeze(rule, until, reason).await?)
    }

    async fn thaw(&self, rule: Option<String>, pot: Option<String>) -> Result<FreezeChange, Fault> {
        let sorter = &self.services()?.sorter;
        match (rule, pot) {
            (Some(_), Some(_)) => Err(Fault::new(
                FaultKind::InvalidParams,
                "`rule` and `pot` are both given",
                "give one of them, or none to thaw everything",
            )),
            (None, Some(pot)) => Ok(sorter.thaw_pot(&pot).await?),
            (rule, None) => Ok(sorter.thaw(rule).await?),
        }
    }

    async fn backtest(&self, rule: String, since: Timestamp) -> Result<Backtest, Fault> {
        Ok(backtest::of_rule(&self.services()?.sorter, &rule, since).await?)
    }

    async fn suggest(&self, kind: Option<String>) -> Result<Suggestion, Fault> {
        let kind = kind.map(|word| word.parse::<Kind>()).transpose().map_err(|error| {
            Fault::new(FaultKind::InvalidParams, error.to_string(), "without a kind, all are suggested")
        })?;
        let folder = self.locations.drop_ins().display().to_string();
        Ok(suggest::suggestion(&self.services()?.sorter, kind, folder).await?)
    }

    async fn why(&self, subject: String) -> Result<Why, Fault> {
        Ok(query::why::why(&self.services()?.sorter, &subject).await?)
    }
}
