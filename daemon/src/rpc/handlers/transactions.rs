//! `transactions.*`: the transactions of accounts.

use jsonrpsee::core::async_trait;
use monzo_common::api::TransactionsServer;
use monzo_common::fault::{Fault, FaultKind};
use monzo_common::model::{TransactionDetail, TransactionPage, TransactionQuery};

use super::context::RpcContext;
use crate::config::nearest;
use crate::store::{Reader, StoreError};

#[async_trait]
impl TransactionsServer for RpcContext {
    async fn transactions(&self, query: TransactionQuery) -> Result<TransactionPage, Fault> {
        let negative = |amount: Option<i64>| amount.is_some_and(|amount| amount < 0);
        if negative(query.min) || negative(query.max) {
            return Err(Fault::new(
                FaultKind::InvalidParams,
                "`min` and `max` are of the amount without its sign",
                "give them without a minus, and a `direction`",
            ));
        }
        let services = self.services()?;
        let read = services.store.read(move |reader| {
            let mut page = reader.transactions(&query)?;
            if page.transactions.is_empty() && query.cursor.is_none() {
                page.notes = unknown_words(reader, &query)?;
            }
            Ok(page)
        });
        Ok(read.await?)
    }

    async fn transaction(&self, id: String) -> Result<TransactionDetail, Fault> {
        Ok(self.services()?.store.read(move |reader| reader.transaction(&id)).await?)
    }
}

/// Notes for a search that found nothing: which of its words no transaction has, and the nearest one that some have.
fn unknown_words(reader: &Reader<'_>, query: &TransactionQuery) -> Result<Vec<String>, StoreError> {
    let categories = reader.categories()?;
    // Before the first sync every word is unknown.
    if categories.is_empty() {
        return Ok(Vec::new());
    }
    let mut notes = Vec::new();
    if let Some(category) = query.category.as_ref().filter(|category| !categories.contains(category)) {
        notes.push(match nearest(category, categories.iter().map(String::as_str)) {
            Some(near) => format!("no transaction has the category ‘{category}’; did you mean ‘{near}’?"),
            None => {
                format!("no transaction has the category ‘{category}’; there are {}", categories.join(", "))
            }
        });
    }
    if let Some(merchant) = &query.merchant {
        let every =
            TransactionQuery { merchant: Some(merchant.clone()), limit: Some(1), ..Default::default() };
        if reader.transactions(&every)?.transactions.is_empty() {
            let sides = reader.other_sides()?.into_iter().map(|side| side.to_lowercase()).collect::<Vec<_>>();
            let words = sides.iter().flat_map(|side| std::iter::once(side.as_str()).chain(side.split(' ')));
            let near = nearest(merchant, words);
            let near = near.map(|near| format!("; did you mean ‘{near}’?")).unwrap_or_default();
            notes.push(format!("no merchant or other side has a name with ‘{merchant}’{near}"));
        }
    }
    Ok(notes)
}
