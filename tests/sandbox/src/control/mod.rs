//! What tests and demos may do to a bank and its clients cannot: things happen, and the books are open.
//!
//! Each is a method of [`Bank`]; the HTTP front offers the same under `/sandbox/` (see [`answer`]).

mod ledger;
mod routes;

use serde::Deserialize;

use crate::bank::Bank;
use crate::bank::clock::SECOND;
use crate::bank::faults::{Faults, Rule};
use crate::bank::life::{DECLINES, Fate, Purchase};
use crate::bank::people;
use crate::bank::row::{Kind, OwnMark, Row};

pub use ledger::{Ledger, LedgerAccount, LedgerTransfer};
pub use routes::{Args, answer, from_pairs};

/// No amount is larger: ten thousand million pounds. Taste, so that sums cannot overflow.
const LARGEST: i64 = 1_000_000_000_000;

/// Why something cannot be done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// Nothing has this id or name.
    #[error("there is no {0} `{1}`")]
    Unknown(&'static str, String),
    /// The arguments are not those that it takes.
    #[error("{0}")]
    Arguments(String),
}

/// A card payment to be made.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Spend {
    /// An account's id; Ada's current account if nothing.
    pub account: Option<String>,
    /// A shop's name; any if nothing.
    pub merchant: Option<String>,
    /// Pence; what the shop charges if nothing.
    pub amount: Option<i64>,
    /// So many at the same instant; one if nothing.
    pub count: Option<u32>,
    /// How it ends; it settles in one of the next nights if nothing.
    pub fate: Option<Fate>,
    /// With the virtual card of the pot with this id.
    pub pot: Option<String>,
    /// Declined for this reason.
    pub decline: Option<String>,
    /// So many seconds ago.
    pub ago: Option<i64>,
}

impl Bank {
    /// Somebody pays by card; answers with the ids.
    ///
    /// # Errors
    /// When the account, the pot or the shop is none.
    pub fn spend(&mut self, order: &Spend) -> Result<Vec<String>, ControlError> {
        let account = self.account_named(order.account.as_deref())?;
        let shop = match order.merchant.as_deref() {
            Some(name) => people::merchant_named(name).ok_or_else(|| unknown("merchant", name))?,
            None => 1,
        };
        let pot = order.pot.as_deref().map(|id| self.world.pot(id).ok_or_else(|| unknown("pot", id)));
        let decline = order.decline.as_deref().map(|reason| {
            let known = DECLINES.into_iter().chain(["INSUFFICIENT_FUNDS", "CARD_CLOSED"]);
            known.into_iter().find(|known| *known == reason).unwrap_or("OTHER")
        });
        let purchase = Purchase {
            pot: pot.transpose()?,
            decline,
            fate: order.fate.map(Fate::bounded).or(Some(Fate::Settles)),
            ..Purchase::of(account, shop, order.amount.unwrap_or(0).clamp(0, LARGEST))
        };
        let at = self.now().as_millisecond().saturating_sub(order.ago.unwrap_or(0).saturating_mul(SECOND));
        let count = order.count.unwrap_or(1).min(100_000);
        Ok((0..count)
            .map(|_| {
                let row = self.life.buy(&mut self.world, at, &purchase);
                self.world.row_id(row)
            })
            .collect())
    }

    /// Wages come in; answers with the id.
    ///
    /// # Errors
    /// When the account is none.
    pub fn pay_salary(&mut self, account: Option<&str>, amount: i64) -> Result<String, ControlError> {
        let account = self.account_named(account)?;
        let at = self.now().as_millisecond();
        let row = self.life.salary(&mut self.world, at, account, amount.clamp(0, LARGEST));
        Ok(self.world.row_id(row))
    }

    /// The person sends money to themselves, which only `mark` tells; answers with the id.
    ///
    /// # Errors
    /// When the account is none.
    pub fn pay_oneself(
        &mut self,
        account: Option<&str>,
        amount: i64,
        mark: OwnMark,
    ) -> Result<String, ControlError> {
        let account = self.account_named(account)?;
        let at = self.now().as_millisecond();
        let row = Row::settled(account, at, amount.clamp(0, LARGEST), Kind::OwnMoney(mark));
        let row = self.world.post(row);
        Ok(self.world.row_id(row))
    }

    /// A pot is no longer listed, or is again.
    ///
    /// # Errors
    /// When the pot is none.
    pub fn list_pot(&mut self, id: &str, listed: bool) -> Result<(), ControlError> {
        let pot = self.world.pot(id).ok_or_else(|| unknown("pot", id))?;
        self.world.pots[pot].unlisted = !listed;
        Ok(())
    }

    /// A pending line settles, or all of them; answers with how many.
    ///
    /// # Errors
    /// When the line is none.
    pub fn settle(&mut self, id: Option<&str>) -> Result<usize, ControlError> {
        let rows = match id {
            Some(id) => vec![self.line(id)?],
            None => {
                let pending =
                    |row: &usize| self.world.rows[*row].amount_pending && !self.world.rows[*row].gone;
                (0..self.world.rows.len()).filter(pending).collect()
            }
        };
        let at = self.now().as_millisecond();
        for row in &rows {
            self.life.end(&mut self.world, at, *row, Fate::Settles);
        }
        Ok(rows.len())
    }

    /// A line is no longer listed.
    ///
    /// # Errors
    /// When the line is none.
    pub fn vanish(&mut self, id: &str) -> Result<(), ControlError> {
        let row = self.line(id)?;
        if !self.world.rows[row].gone {
            self.world.vanish(row);
        }
        Ok(())
    }

    /// A line has another amount.
    ///
    /// # Errors
    /// When the line is none.
    pub fn change(&mut self, id: &str, amount: i64) -> Result<(), ControlError> {
        let row = self.line(id)?;
        self.world.change(row, amount.clamp(-LARGEST, LARGEST));
        self.touch(row);
        Ok(())
    }

    /// A payment is reversed: it settles with nothing.
    ///
    /// # Errors
    /// When the line is none.
    pub fn reverse(&mut self, id: &str) -> Result<(), ControlError> {
        let row = self.line(id)?;
        let at = self.now().as_millisecond();
        self.life.end(&mut self.world, at, row, Fate::Reverses);
        Ok(())
    }

    /// The shop gives a payment back; answers with the id of the refund.
    ///
    /// # Errors
    /// When the line is none that can be refunded.
    pub fn refund(&mut self, id: &str) -> Result<String, ControlError> {
        let row = self.line(id)?;
        let at = self.now().as_millisecond();
        let refund = self.life.refund(&mut self.world, at, row);
        refund.map(|row| self.world.row_id(row)).ok_or_else(|| unknown("purchase", id))
    }

    /// The person edits a line in the app: its category, its note, or both.
    ///
    /// # Errors
    /// When the line is none.
    pub fn edit(
        &mut self,
        id: &str,
        category: Option<&str>,
        notes: Option<&str>,
    ) -> Result<(), ControlError> {
        let row = self.line(id)?;
        let line = &mut self.world.rows[row];
        if let Some(category) = category {
            line.category = Some(category.into());
        }
        if let Some(notes) = notes {
            line.notes = Some(notes.into());
        }
        self.touch(row);
        Ok(())
    }

    /// These faults from now on, whose chances come from `seed`; none of those before.
    pub fn set_faults(&mut self, rules: Vec<Rule>, seed: u64) {
        self.faults.set(rules, seed);
    }

    /// Nothing goes wrong any more.
    pub fn clear_faults(&mut self) {
        self.faults = Faults::none();
    }

    fn touch(&mut self, row: usize) {
        let now = self.now().as_millisecond();
        let line = &mut self.world.rows[row];
        line.updated = now.max(line.updated + 1);
    }

    fn line(&self, id: &str) -> Result<usize, ControlError> {
        self.world.row(id).ok_or_else(|| unknown("transaction", id))
    }

    fn account_named(&self, id: Option<&str>) -> Result<usize, ControlError> {
        id.map_or(Ok(self.life.cast.personal), |id| {
            self.world.account(id).ok_or_else(|| unknown("account", id))
        })
    }
}

fn unknown(what: &'static str, name: &str) -> ControlError {
    ControlError::Unknown(what, name.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::bank::Settings;

    fn call(bank: &mut Bank, name: &str, args: Value) -> Result<Value, ControlError> {
        let Value::Object(args) = args else { panic!("arguments are an object") };
        answer(bank, name, args, |_| {})
    }

    fn bank() -> Bank {
        Bank::new(Settings::minimal("2026-11-24T13:00:00Z".parse().expect("an instant")))
    }

    fn row(bank: &Bank, id: &str) -> Option<Value> {
        let ledger = bank.ledger(None);
        let mut rows = ledger.accounts.into_iter().flat_map(|account| account.transactions);
        rows.find(|row| row["id"] == id)
    }

    #[test]
    fn payments_are_made_changed_settled_reversed_refunded_and_taken_away() {
        let mut bank = bank();
        let spent = call(&mut bank, "spend", json!({"amount": 700, "count": 3, "merchant": "Corner Green"}));
        let ids: Vec<String> = serde_json::from_value(spent.expect("spent")["ids"].clone()).expect("ids");
        assert_eq!(ids.len(), 3);
        call(&mut bank, "change", json!({"id": ids[0], "amount": -650})).expect("changed");
        assert_eq!(call(&mut bank, "settle", json!({"id": ids[0]})), Ok(json!({"settled": 1})));
        let settled = row(&bank, &ids[0]).expect("listed");
        assert_eq!((settled["amount"].as_i64(), settled["settled"] == ""), (Some(-650), false));
        call(&mut bank, "reverse", json!({"id": ids[1]})).expect("reversed");
        assert_eq!(row(&bank, &ids[1]).expect("listed")["amount"], 0);
        call(&mut bank, "vanish", json!({"id": ids[2]})).expect("gone");
        assert_eq!(row(&bank, &ids[2]), None);
        let refund = call(&mut bank, "refund", json!({"id": ids[0]})).expect("refunded");
        assert_eq!(row(&bank, refund["id"].as_str().expect("an id")).expect("listed")["amount"], 650);
        call(&mut bank, "edit", json!({"id": ids[0], "category": "gifts", "notes": "hers"})).expect("edited");
        let edited = row(&bank, &ids[0]).expect("listed");
        assert_eq!((edited["category"].as_str(), edited["notes"].as_str()), (Some("gifts"), Some("hers")));
        assert!(edited["updated"].as_str() > settled["updated"].as_str());
        let paid = call(&mut bank, "salary", json!({"amount": 123_456})).expect("paid");
        assert_eq!(row(&bank, paid["id"].as_str().expect("an id")).expect("listed")["scheme"], "bacs");
    }

    #[test]
    fn faults_and_switches_are_set_by_name() {
        let mut bank = bank();
        let set = call(&mut bank, "faults", json!({"rules": "500:0.1,hang:0.01", "seed": 3})).expect("set");
        assert_eq!(set["rules"], 2);
        let script = json!({"rules": [{"fault": "reset-after", "endpoint": "pots", "nth": 2}]});
        assert_eq!(call(&mut bank, "faults", script).expect("set")["rules"], 1);
        assert_eq!(call(&mut bank, "faults", json!({})).expect("cleared")["rules"], 0);
        let switched = call(&mut bank, "switches", json!({"visibility_lag_ms": 50, "lapse": "refresh"}));
        assert_eq!(switched.expect("switched")["lapse"], "refresh");
        assert_eq!(bank.switches.visibility_lag_ms, 50);
        assert!(call(&mut bank, "switches", json!({"unheard_of": true})).is_err());
        assert!(call(&mut bank, "faults", json!({"rules": "unheard-of"})).is_err());
    }

    #[test]
    fn what_is_wrong_is_told() {
        let mut bank = bank();
        assert_eq!(call(&mut bank, "dance", json!({})), Err(ControlError::Unknown("call", "dance".into())));
        assert_eq!(
            call(&mut bank, "vanish", json!({"id": "tx_1"})),
            Err(ControlError::Unknown("transaction", "tx_1".into()))
        );
        assert!(matches!(call(&mut bank, "change", json!({"id": "tx_1"})), Err(ControlError::Arguments(_))));
        assert!(matches!(call(&mut bank, "spend", json!({"shop": "x"})), Err(ControlError::Arguments(_))));
    }

    #[test]
    fn the_books_show_hidden_accounts_and_every_move() {
        let bank = bank();
        let ledger = bank.ledger(None);
        let hidden: Vec<_> = ledger.accounts.iter().filter(|account| account.kind == "hidden").collect();
        assert_eq!((hidden.len(), hidden[0].balance), (1, 50_000));
        assert_eq!(
            hidden[0].transactions[0]["id"],
            Value::from(ledger.transfers[0].hidden_transaction_id.clone())
        );
        let one = bank.ledger(Some(&hidden[0].id));
        assert_eq!((one.accounts.len(), one.pots.len()), (1, 1));
    }
}
