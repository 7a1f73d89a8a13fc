//! A plausible life, as events on an agenda: each day is planned from the seed, and what it brings comes when it is due.
//!
//! The history is nothing but the same life run from its first day to the bank's first request, so that a clock that
//! moves on finds the same kind of days that lie behind it.

mod bills;
mod cards;
mod cast;
mod plan;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use jiff::civil::Date;

use super::clock::{London, Ms};
use super::world::World;
use crate::random::Random;

pub use cards::{DECLINES, Fate, Purchase};
pub use cast::Cast;

/// Something that will happen.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    /// A day is planned.
    Plan(Date),
    /// Someone pays by card.
    Buy(Purchase),
    /// A card payment comes to its end.
    End {
        /// The line.
        row: usize,
        /// How.
        fate: Fate,
    },
    /// The shop gives the money back.
    Refund {
        /// The payment.
        row: usize,
    },
    /// The person pays for a purchase from a pot, afterwards.
    Cover {
        /// The payment.
        row: usize,
        /// The pot.
        pot: usize,
    },
    /// Wages come in.
    Salary {
        /// To this account.
        account: usize,
        /// So much.
        amount: i64,
    },
    /// A bill is announced, and the pot pays for it what it can.
    Announce(Bill),
    /// A bill is taken from the account.
    Collect {
        /// The bill.
        bill: Bill,
        /// The pot that paid, or a part.
        pot: Option<usize>,
    },
    /// Money comes or goes by bank transfer.
    Pay {
        /// In the list of this account.
        account: usize,
        /// With whom.
        party: u16,
        /// Signed.
        amount: i64,
        /// Complete so much later.
        settles_after: Ms,
    },
    /// The person moves money between an account and a pot.
    Move {
        /// The pot.
        pot: usize,
        /// Positive: into the pot.
        amount: i64,
    },
    /// A month's interest on a savings pot.
    Interest {
        /// The pot.
        pot: usize,
    },
    /// A month of Flex is paid.
    RepayFlex,
    /// A month of cashback is paid.
    Cashback,
    /// A pot is emptied and deleted.
    Delete {
        /// The pot.
        pot: usize,
    },
    /// An account is emptied and closed.
    Close {
        /// The account.
        account: usize,
    },
}

/// A direct debit or a standing order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bill {
    /// Taken from this account.
    pub account: usize,
    /// By whom.
    pub party: u16,
    /// Pence, positive.
    pub amount: i64,
    /// Paid from this pot as far as it goes.
    pub pot: Option<usize>,
    /// Which payment of a standing order; nothing for a direct debit.
    pub iteration: Option<u32>,
}

impl Event {
    /// It begins something, rather than ending what has begun.
    const fn is_new(&self) -> bool {
        !matches!(self, Self::End { .. } | Self::Refund { .. } | Self::Collect { .. })
    }
}

/// The agenda and those who live by it.
#[derive(Debug, Clone)]
pub struct Life {
    random: Random,
    /// London's days.
    pub london: London,
    /// Who is who.
    pub cast: Cast,
    agenda: BinaryHeap<Reverse<(Ms, u64, Event)>>,
    count: u64,
    /// The history ends here.
    began: Ms,
    lively: bool,
    /// On payday the person fills the pots.
    pub(super) by_hand: bool,
    first: Date,
    /// How many lines the history shall have.
    wanted: Option<usize>,
    deposits: u32,
}

impl Life {
    /// Lives from `years` before `began` until then; with `wanted` lines, or as many as come by themselves.
    pub fn new(world: &mut World, seed: u64, began: Ms, years: u32, wanted: Option<usize>) -> Self {
        let london = London::new();
        let first = cast::first_day(london.day(began), years);
        let random = Random::new(seed);
        let cast = cast::open(world, &london, first, began);
        let mut life = Self {
            random,
            london,
            cast,
            agenda: BinaryHeap::new(),
            count: 0,
            began,
            lively: true,
            by_hand: true,
            first,
            wanted,
            deposits: 0,
        };
        life.arrive();
        life.run(world, began);
        life.leave_open(world);
        life.lively = false;
        life
    }

    /// A few accounts with a few lines, and nothing that comes by itself.
    pub fn minimal(world: &mut World, seed: u64, began: Ms) -> Self {
        let london = London::new();
        let day = london.day(began);
        let cast = cast::open_few(world, began);
        Self {
            random: Random::new(seed),
            london,
            cast,
            agenda: BinaryHeap::new(),
            count: 0,
            began,
            lively: false,
            by_hand: true,
            first: day,
            wanted: None,
            deposits: 0,
        }
    }

    /// Puts something on the agenda.
    pub fn schedule(&mut self, at: Ms, event: Event) {
        self.count += 1;
        self.agenda.push(Reverse((at, self.count, event)));
    }

    /// Whether new things happen by themselves from `now` on.
    pub fn set_lively(&mut self, lively: bool, now: Ms) {
        let planned = self.agenda.iter().any(|Reverse((_, _, event))| matches!(event, Event::Plan(_)));
        if lively && !self.lively && !planned {
            let day = super::clock::later(self.london.day(now));
            self.schedule(self.london.at(day, 0), Event::Plan(day));
        }
        self.lively = lively;
    }

    /// Lets everything happen that is due at `now`.
    pub fn run(&mut self, world: &mut World, now: Ms) {
        while let Some(Reverse((at, _, _))) = self.agenda.peek()
            && *at <= now
        {
            let Some(Reverse((at, _, event))) = self.agenda.pop() else { return };
            if self.lively || at <= self.began || !event.is_new() {
                self.happen(world, at, event);
            }
        }
    }

    fn happen(&mut self, world: &mut World, at: Ms, event: Event) {
        match event {
            Event::Plan(day) => self.plan(world, day),
            Event::Buy(purchase) => _ = self.buy(world, at, &purchase),
            Event::End { row, fate } => self.end(world, at, row, fate),
            Event::Refund { row } => _ = self.refund(world, at, row),
            Event::Cover { row, pot } => self.cover(world, at, row, pot),
            Event::Salary { account, amount } => _ = self.salary(world, at, account, amount),
            Event::Announce(bill) => self.announce(world, at, bill),
            Event::Collect { bill, pot } => self.collect(world, at, bill, pot),
            Event::Pay { account, party, amount, settles_after } => {
                self.pay(world, at, (account, party, amount), settles_after);
            }
            Event::Move { pot, amount } => self.shift(world, at, pot, amount),
            Event::Interest { pot } => self.interest(world, at, pot),
            Event::RepayFlex => self.repay_flex(world, at),
            Event::Cashback => self.cashback(world, at),
            Event::Delete { pot } => self.delete(world, at, pot),
            Event::Close { account } => self.close(world, at, account),
        }
    }
}
