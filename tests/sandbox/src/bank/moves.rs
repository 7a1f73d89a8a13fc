//! `PUT /pots/{id}/deposit` and `/withdraw`: a move happens once for each key (monzo-api.md 4.2 to 4.4).

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
        // What is in the address counts as missing, and a missing amount as nothing (monzo-api.md 1.6).
        let amount =
            request.given("amount").and_then(|text| text.parse::<i64>().ok()).filter(|amount| *amount > 0);
        let amount = amount.ok_or_else(|| Refusal::bad("bad_param.amount", "must be greater than 0"))?;
        let account = request.given(field).ok_or_else(|| Refusal::missing(field))?;
        let dedupe_id = request.given("dedupe_id").ok_or_else(|| Refusal::missing("dedupe_id"))?;
        if self.world.account(account) != Some(self.world.pots[pot].account) {
            return Err(Refusal::bad(field, "The account is not the pot's own"));
        }
        let external_id = format!("{}:{dedupe_id}", self.world.users[caller.user].id);
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
            account.owners.contains(&caller.user) && account.kind != AccountKind::Hidden
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
