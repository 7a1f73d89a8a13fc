//! Card payments: how they begin, and the ways in which they end (monzo/README.md, How a row changes).

use serde::Deserialize;

use super::{Event, Life};
use crate::bank::clock::{DAY, HOUR, MINUTE, Ms, SECOND};
use crate::bank::people::merchant;
use crate::bank::row::{Card, Kind, Row};
use crate::bank::world::{AccountKind, Move, World};

/// Someone pays by card.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Purchase {
    /// With the card of this account.
    pub account: usize,
    /// Here.
    pub merchant: u16,
    /// Pence, positive; 0 for what the shop charges.
    pub amount: i64,
    /// With the virtual card of this pot instead.
    pub pot: Option<usize>,
    /// With Flex.
    pub flex: bool,
    /// A look whether the card is good, no purchase.
    pub check: bool,
    /// Declined for this reason.
    pub decline: Option<&'static str>,
    /// How it ends; nothing for chance.
    pub fate: Option<Fate>,
}

/// How a card payment ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// With the amount it had.
    Settles,
    /// With so many per cent of the amount it had.
    Changes {
        /// Per cent.
        per_cent: i64,
    },
    /// Off the list.
    Vanishes,
    /// With nothing, because the shop took nothing.
    Reverses,
    /// As another line, beside the pending one, which vanishes a week later.
    Copied,
    /// Not by itself.
    Never,
}

impl Fate {
    /// The same within what a shop may do: up to ten times the amount.
    #[must_use]
    pub fn bounded(self) -> Self {
        match self {
            Self::Changes { per_cent } => Self::Changes { per_cent: per_cent.clamp(0, 1_000) },
            other => other,
        }
    }
}

impl Purchase {
    /// A purchase with an account's card.
    pub fn of(account: usize, merchant: u16, amount: i64) -> Self {
        Self { account, merchant, amount, ..Self::default() }
    }
}

/// Reasons for which cards are declined (monzo/README.md, How a row changes).
pub const DECLINES: [&str; 6] = [
    "INVALID_CVC",
    "CARD_BLOCKED",
    "INVALID_PIN",
    "OTHER",
    "SCA_NOT_AUTHENTICATED_CARD_NOT_PRESENT",
    "CARD_INACTIVE",
];

impl Life {
    /// Pays, if the account has the money, and puts the end on the agenda.
    pub fn buy(&mut self, world: &mut World, at: Ms, purchase: &Purchase) -> usize {
        let shop = merchant(purchase.merchant);
        let account = purchase.pot.map_or(purchase.account, |pot| world.pots[pot].hidden);
        let charged = match purchase.amount {
            0 if purchase.check => 0,
            0 => self.random.between(shop.prices.0, shop.prices.1),
            amount => amount,
        };
        let (amount, local) = match shop.currency {
            Some((currency, _, rate)) if purchase.amount == 0 && !purchase.check => {
                (charged * rate / 100, Some((-charged, currency)))
            }
            _ => (charged, None),
        };
        let flex = purchase.flex || world.accounts[account].kind == AccountKind::Flex;
        let declined = purchase.decline.or_else(|| {
            if flex || purchase.check || purchase.fate.is_some() {
                None
            } else if world.accounts[account].balance < amount {
                Some("INSUFFICIENT_FUNDS")
            } else {
                self.random.chance(9).then(|| *self.random.pick(&DECLINES))
            }
        });
        let owners = &world.accounts[account].owners;
        let holder = owners[usize::try_from(self.random.below(owners.len() as u64)).unwrap_or(0)];
        let card = Card {
            merchant: purchase.merchant,
            holder,
            virtual_card: purchase.pot.is_some(),
            flex,
            check: purchase.check,
            ..Card::default()
        };
        let amount_pending = !flex && !purchase.check && declined.is_none();
        let notes = purchase.check.then(|| "Active card check".into());
        let row = world.post(Row {
            local,
            amount_pending,
            declined,
            notes,
            ..Row::pending(account, at, -amount, Kind::Card(card))
        });
        if amount_pending {
            self.go_on(world, at, row, purchase);
        }
        row
    }

    /// What follows a payment that was taken: a round-up, its end, perhaps a refund or a pot that pays for it.
    fn go_on(&mut self, world: &mut World, at: Ms, row: usize, purchase: &Purchase) {
        let fate = purchase.fate.unwrap_or_else(|| self.fate(purchase, world.rows[row].local.is_some()));
        let end = self.settlement(at);
        self.schedule(end, Event::End { row, fate });
        if purchase.fate.is_some() || purchase.pot.is_some() {
            return;
        }
        if purchase.account == self.cast.personal && self.wanted.is_none() {
            self.round_up(world, at, row);
        }
        if self.random.chance(14) {
            let days = self.random.between(4, 60);
            self.schedule(at + days * DAY + 3 * HOUR, Event::Refund { row });
        }
        if purchase.account == self.cast.personal && self.random.chance(6) {
            self.schedule(at + 5 * HOUR, Event::Cover { row, pot: self.cast.holiday });
        }
    }

    fn fate(&mut self, purchase: &Purchase, foreign: bool) -> Fate {
        let tips = matches!(merchant(purchase.merchant).mcc, "5812" | "5542");
        match self.random.below(1000) {
            0..7 => Fate::Vanishes,
            7..14 => Fate::Reverses,
            14..18 => Fate::Copied,
            18..90 if tips => Fate::Changes { per_cent: self.random.between(90, 115) },
            18..500 if foreign => Fate::Changes { per_cent: self.random.between(98, 102) },
            _ => Fate::Settles,
        }
    }

    /// About 00:30 UTC, one or two nights later (monzo/README.md, Kinds of rows).
    fn settlement(&mut self, at: Ms) -> Ms {
        let nights = if self.random.chance(700) { 1 } else { 2 };
        at.div_euclid(DAY) * DAY + nights * DAY + 30 * MINUTE + self.random.between(0, 90_000)
    }

    fn round_up(&mut self, world: &mut World, at: Ms, row: usize) {
        let pot = self.cast.rainy;
        let amount = -world.rows[row].amount;
        let change = 100 - amount.rem_euclid(100);
        if !world.pots[pot].round_up || change == 100 || world.accounts[self.cast.personal].balance < change {
            return;
        }
        let external_id = format!("coin-jar:{}", world.row_id(row));
        let transfer = world.transfer(&Move {
            pot,
            withdraw: false,
            amount: change,
            at: at + 1_240,
            lag: 0,
            trigger: "coin_jar",
            external_id: &external_id,
        });
        let half = world.transfers[transfer].halves[0];
        if let Kind::Card(card) = &mut world.rows[row].kind {
            card.round_up = Some(half);
        }
    }

    /// A card payment comes to its end, if it has not come to one.
    pub fn end(&mut self, world: &mut World, at: Ms, row: usize, fate: Fate) {
        if world.rows[row].gone || world.rows[row].settled.is_some() {
            return;
        }
        match fate {
            Fate::Never => return,
            Fate::Settles => {}
            Fate::Changes { per_cent } => world.change(row, world.rows[row].amount * per_cent / 100),
            Fate::Vanishes => return world.vanish(row),
            Fate::Reverses => {
                world.change(row, 0);
                if let Kind::Card(card) = &mut world.rows[row].kind {
                    card.reversed = true;
                }
            }
            Fate::Copied => {
                let pending = &world.rows[row];
                let copy = Row {
                    settled: Some(at),
                    updated: at + 150,
                    amount_pending: false,
                    visible: at,
                    created: pending.created + 4 * SECOND,
                    ..pending.clone()
                };
                world.post(copy);
                return self.schedule(at + 7 * DAY, Event::End { row, fate: Fate::Vanishes });
            }
        }
        let line = &mut world.rows[row];
        line.settled = Some(at);
        // The record of a change is younger than the one before, however soon it comes.
        line.updated = (at + 150).max(line.updated + 1);
        line.amount_pending = false;
    }

    /// The shop gives the money back.
    pub fn refund(&mut self, world: &mut World, at: Ms, row: usize) -> Option<usize> {
        let line = &world.rows[row];
        let Kind::Card(card) = &line.kind else { return None };
        if line.gone || line.amount >= 0 || world.accounts[line.account].closed {
            return None;
        }
        let card = Card { original: Some(row), round_up: None, ..card.clone() };
        let back = Row {
            local: line.local.map(|(amount, currency)| (-amount, currency)),
            ..Row::settled(line.account, at, -line.amount, Kind::Card(card))
        };
        Some(world.post(back))
    }

    /// A pot pays for a purchase afterwards (monzo/README.md, A bill that a pot pays).
    pub(super) fn cover(&mut self, world: &mut World, at: Ms, row: usize, pot: usize) {
        let amount = world.pot_balance(pot).min(-world.rows[row].amount);
        if amount <= 0 || world.rows[row].gone {
            return;
        }
        let external_id = format!("pot-cover:{}", world.row_id(row));
        world.transfer(&Move {
            pot,
            withdraw: true,
            amount,
            at,
            lag: 0,
            trigger: "user",
            external_id: &external_id,
        });
        let line = &mut world.rows[row];
        line.updated = line.updated.max(at + 90);
        if let Kind::Card(card) = &mut line.kind {
            card.covered_by = Some(pot);
        }
    }
}
