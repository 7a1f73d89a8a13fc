//! `balances.*`: balances of accounts and pots.

use jiff::Timestamp;
use jsonrpsee::core::async_trait;
use monzo_common::api::BalancesServer;
use monzo_common::fault::{Fault, FaultKind};
use monzo_common::model::{Balance, BalancePoint};

use super::context::RpcContext;
use crate::insight;
use crate::insight::balances::Past;
use crate::ledger::Ledger;
use crate::store::StoredBalance;

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
            let ledger = Ledger::read(reader, &config)?;
            let balances: Vec<Balance> = match at {
                Some(at) => {
                    let balances = insight::balances::at(reader, at)?.into_iter();
                    balances.filter_map(|one| past(&ledger, one, at)).collect()
                }
                None => {
                    let balances = reader.balances()?.into_iter();
                    balances.filter_map(|one| present(&ledger, one)).collect()
                }
            };
            Ok(balances)
        });
        Ok(read.await?)
    }
}

fn deleted(ledger: &Ledger, point: &BalancePoint) -> bool {
    ledger.pots.iter().any(|pot| pot.deleted && Some(&pot.id) == point.pot_id.as_ref())
}

/// The newest balance of an account, or of a pot that is still there.
fn present(
    ledger: &Ledger,
    StoredBalance { point, total_balance, spend_today }: StoredBalance,
) -> Option<Balance> {
    if deleted(ledger, &point) {
        return None;
    }
    Some(Balance {
        name: name_of(ledger, &point)?,
        account_id: point.account_id,
        pot_id: point.pot_id,
        balance: Some(point.balance),
        total_balance,
        spend_today,
        currency: point.currency,
        at: point.at,
        known_from: None,
    })
}

/// The balance at an instant of the past; a pot that was deleted since is shown while it held something.
fn past(ledger: &Ledger, Past { newest, held, known_from }: Past, asked: Timestamp) -> Option<Balance> {
    if deleted(ledger, &newest) && held.is_none_or(|(_, balance)| balance == 0) {
        return None;
    }
    Some(Balance {
        name: name_of(ledger, &newest)?,
        account_id: newest.account_id,
        pot_id: newest.pot_id,
        balance: held.map(|(_, balance)| balance),
        total_balance: None,
        spend_today: None,
        currency: newest.currency,
        at: held.map_or(asked, |(at, _)| at),
        known_from: Some(known_from),
    })
}

fn name_of(ledger: &Ledger, point: &BalancePoint) -> Option<String> {
    match &point.pot_id {
        Some(id) => {
            ledger.pots.iter().find(|pot| pot.id == *id).map(|pot| pot.name(&ledger.names).to_owned())
        }
        None => {
            let account = ledger.accounts.iter().find(|account| account.id == point.account_id);
            account.map(|account| account.name(&ledger.names))
        }
    }
}
