//! Payments that a run asks of the person: what they are, and which of them the ledger shows as paid.

use crate::autosort::Services;
use crate::autosort::decide::{names, plan};
use crate::autosort::run::error::SorterError;
use crate::events::{Happened, Kind};
use crate::monzo::row_flags;
use crate::store::{PossibleAnswer, StoredAsk, StoredRun};

/// What a run asks a person to pay.
pub(crate) fn asks_of(run: &StoredRun) -> Vec<StoredAsk> {
    plan::asks(&run.plan.steps)
        .map(|(step, target)| StoredAsk {
            run_id: run.id.clone(),
            step,
            account_id: run.account_id.clone(),
            payee: target.name.clone(),
            amount: target.amount,
            // Whoever pays when the proposal comes, and approves it after that, has paid.
            asked_at: run.plan.as_of,
        })
        .collect()
}

/// Whether a payment of the right amount went to whom it was asked for.
fn answers(payee: &str, account: Option<&str>, row: &PossibleAnswer) -> bool {
    let payee = payee.to_lowercase();
    let named = |text: &str| text.to_lowercase().contains(&payee);
    let to_account = || account.is_some_and(|id| row_flags(&row.raw).other_account.as_deref() == Some(id));
    named(&row.counterparty) || named(&row.description) || to_account()
}

/// Looks for the payments that were asked for, and notes those that were made.
pub(crate) async fn tick_off(services: &Services) -> Result<(), SorterError> {
    let open = services.store.read(|reader| reader.open_asks()).await?;
    if open.is_empty() {
        return Ok(());
    }
    let world = services.world().await?;
    for ask in open {
        let own = names::accounts_called(&world, &ask.payee).into_iter().next();
        let asked = ask.clone();
        let rows = services.store.read(move |reader| reader.possible_answers(&asked)).await?;
        let id = own.map(|account| account.id.as_str());
        let Some(row) = rows.into_iter().find(|row| answers(&ask.payee, id, row)) else { continue };
        let (kept, now, transaction) = (ask.clone(), services.clock.now(), row.transaction_id.clone());
        if services.store.write(move |writer| writer.ask_paid(&kept, &transaction, now)).await? {
            let money = world.money(&ask.account_id, ask.amount);
            let message = format!("{money} to {} was paid, as a run had asked", ask.payee);
            let happened = Happened::new(Kind::AskPaid, message).account(ask.account_id.as_str());
            services.event_log.record(happened.transaction(row.transaction_id)).await;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(counterparty: &str, description: &str, raw: &str) -> PossibleAnswer {
        PossibleAnswer {
            transaction_id: "tx_1".to_owned(),
            counterparty: counterparty.to_owned(),
            description: description.to_owned(),
            raw: raw.to_owned(),
        }
    }

    #[test]
    fn a_payment_answers_by_the_name_of_either_side_or_the_account_that_it_went_to() {
        assert!(answers("joint", None, &row("Our Joint Account", "", "")));
        assert!(answers("Landlord", None, &row("", "LANDLORD LTD", "")));
        let raw = r#"{"counterparty":{"account_id":"acc_2"}}"#;
        assert!(answers("Joint", Some("acc_2"), &row("J Bloggs", "J Bloggs", raw)));
        assert!(!answers("Joint", Some("acc_3"), &row("J Bloggs", "J Bloggs", raw)));
        assert!(!answers("Joint", None, &row("J Bloggs", "J Bloggs", raw)));
    }
}
