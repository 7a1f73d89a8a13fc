//! Money without cards: bills and the pot that pays them, wages, transfers, interest, and what ends.

use super::{Bill, Event, Life};
use crate::bank::clock::{HOUR, MINUTE, Ms};
use crate::bank::row::{Kind, Row};
use crate::bank::world::{Move, World};

impl Life {
    /// The pot pays what it can into the account; the bill follows (monzo/README.md, A bill that a pot pays).
    pub(super) fn announce(&mut self, world: &mut World, at: Ms, bill: Bill) {
        let covered = bill.pot.map_or(0, |pot| world.pot_balance(pot).clamp(0, bill.amount));
        let pot = bill.pot.filter(|_| covered > 0);
        if let Some(pot) = pot {
            let series = world.id("series", 1_600_000_000_000, usize::from(bill.party));
            let external_id = match bill.iteration {
                Some(n) => format!("standing-order-withdrawal:{series}:{n}:{}", world.pots[pot].id),
                None => format!("direct-debit-withdrawal:{series}:{at}:{}", world.pots[pot].id),
            };
            let trigger = "committed_spending";
            let order =
                Move { pot, withdraw: true, amount: covered, at, lag: 0, trigger, external_id: &external_id };
            world.transfer(&order);
        }
        // Standing orders about 03:00, direct debits after 04:00; those of one night at one instant.
        let night = self.london.at(self.london.day(at), 0);
        let collected = if bill.iteration.is_some() { 3 * HOUR } else { 4 * HOUR + 12 * MINUTE };
        self.schedule(night + collected, Event::Collect { bill, pot });
    }

    /// The bill is taken, whether the money is there or not.
    pub(super) fn collect(&mut self, world: &mut World, at: Ms, bill: Bill, pot: Option<usize>) {
        let kind = match bill.iteration {
            Some(_) => Kind::Bank { party: bill.party, iteration: bill.iteration },
            None => Kind::DirectDebit { payee: bill.party, bills_pot: pot },
        };
        world.post(Row::settled(bill.account, at, -bill.amount, kind));
    }

    /// Wages come in.
    pub fn salary(&mut self, world: &mut World, at: Ms, account: usize, amount: i64) -> usize {
        world.post(Row::settled(account, at, amount, Kind::Salary { party: crate::bank::people::EMPLOYER }))
    }

    pub(super) fn pay(
        &mut self,
        world: &mut World,
        at: Ms,
        (account, party, amount): (usize, u16, i64),
        settles_after: Ms,
    ) {
        if world.accounts[account].closed || world.accounts[account].balance < -amount {
            return;
        }
        let kind = Kind::Bank { party, iteration: None };
        world.post(Row { settled: Some(at + settles_after), ..Row::settled(account, at, amount, kind) });
    }

    /// The person moves money; less than wished where there is less.
    pub(super) fn shift(&mut self, world: &mut World, at: Ms, pot: usize, amount: i64) {
        let account = world.pots[pot].account;
        let withdraw = amount < 0;
        let there = if withdraw { world.pot_balance(pot) } else { world.accounts[account].balance };
        let amount = amount.abs().min(there);
        if amount <= 0 || world.pots[pot].deleted {
            return;
        }
        let owner = world.accounts[account].owners[0];
        let number = self.random.number();
        let external_id =
            format!("{}:{:08x}-{:08x}", world.users[owner].id, number >> 32, number & 0xFFFF_FFFF);
        world.transfer(&Move {
            pot,
            withdraw,
            amount,
            at,
            lag: 0,
            trigger: "user",
            external_id: &external_id,
        });
    }

    pub(super) fn interest(&mut self, world: &mut World, at: Ms, pot: usize) {
        // 3.6 per cent a year.
        let amount = world.pot_balance(pot) * 3 / 1_000;
        if amount > 0 {
            world.post(Row::settled(world.pots[pot].hidden, at, amount, Kind::Interest));
        }
    }

    pub(super) fn repay_flex(&mut self, world: &mut World, at: Ms) {
        let owed = -world.accounts[self.cast.flex].balance;
        let amount = (owed / 3).max(owed.min(2_000));
        if amount <= 0 || world.accounts[self.cast.personal].balance < amount {
            return;
        }
        world.post(Row::settled(self.cast.personal, at, -amount, Kind::FlexRepayment));
        world.post(Row::settled(self.cast.flex, at, amount, Kind::FlexRepayment));
    }

    pub(super) fn cashback(&mut self, world: &mut World, at: Ms) {
        let amount = self.random.between(40, 320);
        world.post(Row::settled(self.cast.rewards, at, amount, Kind::Cashback));
    }

    pub(super) fn delete(&mut self, world: &mut World, at: Ms, pot: usize) {
        let balance = world.pot_balance(pot);
        self.shift(world, at, pot, -balance);
        world.pots[pot].deleted = true;
        world.pots[pot].updated = at;
    }

    pub(super) fn close(&mut self, world: &mut World, at: Ms, account: usize) {
        let balance = world.accounts[account].balance;
        self.pay(world, at, (account, crate::bank::people::ONESELF, -balance), 0);
        world.accounts[account].closed = true;
    }
}
