//! `PUT /pots/{id}/deposit` and `/withdraw`: a move happens once for each key (monzo/README.md, Moving money).

use super::Bank;
use super::clock::Ms;
use super::message::{Refusal, Reply, Request};
use super::oauth::Caller;
use super::world::{AccountKind, Move};

impl Bank {
    /// Moves money into a pot, or out of it.
    pub(super) fn move_money(
        &mut self,
        caller: Caller,
        pot: &str,
        withdraw: bool,
        request: &Request,
    ) -> Reply {
        let pot = self.own_pot(caller, pot)?;
        let field = if withdraw { "destination_account_id" } else { "source_account_id" };
        // What is in the address counts as missing, and a missing amount as nothing
        // (monzo/README.md, Requests and values).
        let amount =
            request.given("amount").and_then(|text| text.parse::<i64>().ok()).filter(|amount| *amount > 0);
        let amount = amount.ok_or_else(|| Refusal::bad("bad_param.amount", "must be greater than 0"))?;
        let account = request.given(field).ok_or_else(|| Refusal::missing(field))?;
        let dedupe_id = request.given("dedupe_id").ok_or_else(|| Refusal::missing("dedupe_id"))?;
        if self.world.account(account) != Some(self.world.pots[pot].account) {
            return Err(Refusal::bad(field, "The account is not the pot's own"));
        }
        let external_id = format!("{}:{dedupe_id}", self.world.users[caller.user].id);
        if self.switches.funds_first {
            self.allowed(pot, withdraw, amount)?;
        }
        if let Some(made) = self.world.made(pot, withdraw, &external_id) {
            if made.amount != amount && self.switches.strict_dedupe {
                return Err(Refusal::bad("dedupe_id", "This key was used with another amount"));
            }
            return Ok(self.pot_object(pot));
        }
        self.allowed(pot, withdraw, amount)?;
        let lag = Ms::try_from(self.switches.visibility_lag_ms).unwrap_or(Ms::MAX);
        self.world.transfer(&Move {
            pot,
            withdraw,
            amount,
            at: self.now,
            lag,
            trigger: "user",
            external_id: &external_id,
        });
        Ok(self.pot_object(pot))
    }

    fn own_pot(&self, caller: Caller, id: &str) -> Result<usize, Refusal> {
        let own = |pot: &usize| {
            let account = &self.world.accounts[self.world.pots[*pot].account];
            account.owners.contains(&caller.user)
                && account.kind != AccountKind::Hidden
                && !self.world.pots[*pot].unlisted
        };
        self.world.pot(id).filter(own).ok_or_else(|| Refusal::not_found("pot"))
    }

    /// Deposits are bounded by the account, withdrawals by the pot, its lock and its security.
    fn allowed(&self, index: usize, withdraw: bool, amount: i64) -> Result<(), Refusal> {
        let pot = &self.world.pots[index];
        if pot.deleted {
            return Err(Refusal::bad("pot_id", "The pot is deleted"));
        }
        if withdraw && pot.locked(self.now) {
            return Err(Refusal::new(403, "forbidden.pot_locked", "The pot is locked"));
        }
        if withdraw && pot.added_security {
            let status = if self.switches.added_security_400 { 400 } else { 403 };
            let code =
                if status == 400 { "bad_request.pot_added_security" } else { "forbidden.pot_added_security" };
            return Err(Refusal::new(status, code, "Withdraw from this pot in the app"));
        }
        if withdraw && self.world.pot_balance(index) < amount {
            let message = "You can't withdraw more than your current pot balance";
            return Err(Refusal::new(400, "bad_request.insufficient_funds", message));
        }
        if !withdraw && self.world.accounts[pot.account].balance < amount {
            let message = "You can't deposit more than your current account balance";
            return Err(Refusal::new(400, "bad_request.insufficient_funds", message));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Till, refused};
    use super::super::message::{Method, Request};
    use serde_json::Value;

    fn held(till: &Till) -> (i64, i64) {
        let cast = till.bank.life.cast;
        (till.bank.world.accounts[cast.personal].balance, till.bank.world.pot_balance(cast.bills))
    }

    #[test]
    fn a_move_answers_with_the_pot_and_writes_two_halves_that_share_their_keys() {
        let mut till = Till::small();
        let cast = till.bank.life.cast;
        let before = held(&till);
        let (status, pot) = till.move_money(cast.bills, "deposit", "1234", "k-1");
        assert_eq!((status, pot["balance"].as_i64()), (200, Some(before.1 + 1234)), "{pot}");
        assert_eq!(held(&till), (before.0 - 1234, before.1 + 1234));
        let hidden = till.bank.world.pots[cast.bills].hidden;
        let main = till.page(cast.personal, &[]).pop().expect("a half");
        let other = till.page(hidden, &[]).pop().expect("a half");
        assert_eq!((main["amount"].as_i64(), other["amount"].as_i64()), (Some(-1234), Some(1234)));
        let user = till.bank.world.users[0].id.clone();
        let pot_id = till.bank.world.pots[cast.bills].id.clone();
        for half in [&main, &other] {
            let metadata = &half["metadata"];
            assert_eq!(metadata["external_id"], Value::from(format!("{user}:k-1")));
            assert_eq!(metadata["ledger_insertion_id"], main["metadata"]["ledger_insertion_id"]);
            assert_eq!(metadata["pot_account_id"], Value::from(till.bank.world.accounts[hidden].id.clone()));
            assert_eq!(
                (half["description"].as_str(), metadata["trigger"].as_str()),
                (Some(pot_id.as_str()), Some("user"))
            );
            assert_eq!(half["settled"], half["created"]);
            assert!(half["updated"].as_str() > half["created"].as_str());
        }
        assert_ne!(main["id"], other["id"]);
        let account = till.bank.world.accounts[cast.personal].id.clone();
        assert_eq!(main["dedupe_id"], Value::from(format!("{pot_id}:{account}:deposit:{user}:k-1")));
    }

    #[test]
    fn a_repeated_key_moves_nothing_and_answers_with_the_pot_as_it_is() {
        let mut till = Till::small();
        let pot = till.bank.life.cast.bills;
        till.move_money(pot, "deposit", "100", "k");
        let after = held(&till);
        let (status, body) = till.move_money(pot, "deposit", "100", "k");
        assert_eq!((status, body["balance"].as_i64(), held(&till)), (200, Some(after.1), after));
        assert_eq!(till.move_money(pot, "deposit", "999", "k").0, 200);
        assert_eq!(held(&till), after);
        till.bank.switches.strict_dedupe = true;
        refused(&till.move_money(pot, "deposit", "999", "k"), 400, "bad_request.bad_param.dedupe_id");
        // The other direction is another key (monzo/README.md, The key of a move).
        assert_eq!(till.move_money(pot, "withdraw", "100", "k").0, 200);
        assert_eq!(held(&till), (after.0 + 100, after.1 - 100));
    }

    #[test]
    fn what_cannot_be_moved_is_refused_and_moves_nothing() {
        let mut till = Till::whole();
        let cast = till.bank.life.cast;
        let check = |till: &mut Till, pot: usize, direction: &str, amount: &str, expected: (u16, &str)| {
            let before = (till.bank.world.transfers.len(), held(till));
            let found = till.move_money(pot, direction, amount, "k");
            refused(&found, expected.0, expected.1);
            assert_eq!((till.bank.world.transfers.len(), held(till)), before);
        };
        let amount = (400, "bad_request.bad_param.bad_param.amount");
        for bad in ["", "0", "-5", "1.5", "lots"] {
            check(&mut till, cast.bills, "deposit", bad, amount);
        }
        let funds = (400, "bad_request.insufficient_funds");
        check(&mut till, cast.bills, "deposit", "999999999", funds);
        check(&mut till, cast.bills, "withdraw", "999999999", funds);
        check(&mut till, cast.house, "withdraw", "100", (403, "forbidden.pot_locked"));
        check(&mut till, cast.guarded, "withdraw", "100", (403, "forbidden.pot_added_security"));
        check(&mut till, cast.bicycle, "deposit", "100", (400, "bad_request.bad_param.pot_id"));
        till.bank.switches.added_security_400 = true;
        check(&mut till, cast.guarded, "withdraw", "100", (400, "bad_request.pot_added_security"));
        assert_eq!(till.move_money(cast.house, "deposit", "100", "k2").0, 200, "a locked pot takes money");
    }

    #[test]
    fn arguments_in_the_address_count_as_missing() {
        let mut till = Till::small();
        let pot = &till.bank.world.pots[0];
        let account = till.bank.world.accounts[pot.account].id.clone();
        let request = Request::new(Method::Put, format!("/pots/{}/deposit", pot.id))
            .bearer(till.access.clone())
            .query("source_account_id", account.clone())
            .query("amount", "100")
            .query("dedupe_id", "k");
        refused(&till.send(&request), 400, "bad_request.bad_param.bad_param.amount");
        let request = request.form("amount", "100");
        refused(&till.send(&request), 400, "bad_request.missing_param.source_account_id");
        let request = request.form("source_account_id", account);
        refused(&till.send(&request), 400, "bad_request.missing_param.dedupe_id");
        let other = till.bank.world.accounts[till.bank.life.cast.other].id.clone();
        let mut request = request.form("dedupe_id", "k");
        request.form[1].1 = other;
        refused(&till.send(&request), 400, "bad_request.bad_param.source_account_id");
        request.path = "/pots/pot_none/deposit".to_owned();
        refused(&till.send(&request), 404, "not_found.pot");
    }

    #[test]
    fn a_move_may_be_listed_later_than_the_balance_shows_it() {
        let mut till = Till::small();
        let cast = till.bank.life.cast;
        till.bank.switches.visibility_lag_ms = 800;
        let before = till.page(cast.personal, &[]).len();
        let balance = held(&till).0;
        till.move_money(cast.bills, "deposit", "100", "k");
        assert_eq!(held(&till).0, balance - 100);
        assert_eq!(till.page(cast.personal, &[]).len(), before);
        let half = till.bank.world.transfers.last().expect("a move").halves[0];
        let path = format!("/transactions/{}", till.bank.world.row_id(half));
        refused(&till.get(&path, &[]), 404, "not_found.transaction");
        till.pass(jiff::SignedDuration::from_millis(800));
        assert_eq!(till.page(cast.personal, &[]).len(), before + 1);
        assert_eq!(till.get(&path, &[]).0, 200);
    }
}
