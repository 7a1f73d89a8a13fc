//! Who lives this life: two people, their accounts, and the pots they keep.

use jiff::ToSpan;
use jiff::civil::Date;

use crate::bank::clock::{DAY, HOUR, London, MINUTE, Ms};
use crate::bank::people;
use crate::bank::row::{Card, Kind, Row};
use crate::bank::world::{AccountKind, Move, User, World};

/// The numbers of the accounts and pots that have a part.
#[derive(Debug, Clone, Copy)]
pub struct Cast {
    /// Ada's current account.
    pub personal: usize,
    /// Ada's and Sam's.
    pub joint: usize,
    /// Sam's own.
    pub other: usize,
    /// Ada's, given up after a year.
    pub closed: usize,
    /// Flex.
    pub flex: usize,
    /// Cashback.
    pub rewards: usize,
    /// Pays the bills.
    pub bills: usize,
    /// Has a goal.
    pub holiday: usize,
    /// Gathers round-ups.
    pub rainy: usize,
    /// Earns interest.
    pub savings: usize,
    /// Locked, with a goal.
    pub house: usize,
    /// Earns interest, tax-free.
    pub isa: usize,
    /// Deleted after a year.
    pub bicycle: usize,
    /// Wants the app for taking out.
    pub guarded: usize,
    /// Of the joint account.
    pub repairs: usize,
}

/// The first day of a life of `years` before `last`.
pub(super) fn first_day(last: Date, years: u32) -> Date {
    last.checked_sub(i64::from(years.min(50)).years()).unwrap_or(last)
}

fn people(world: &mut World, at: Ms) {
    for (number, (name, first_name)) in
        [("Ada Example", "Ada"), ("Sam Example", "Sam")].into_iter().enumerate()
    {
        let id = world.id("user", at, number);
        world.users.push(User { id, name, first_name });
    }
}

/// Opens everything on the first day.
pub(super) fn open(world: &mut World, london: &London, first: Date, began: Ms) -> Cast {
    let opened = london.at(first, 9 * HOUR + 30 * MINUTE);
    people(world, opened);
    let personal = world.open(AccountKind::Retail, &[0], opened);
    let joint = world.open(AccountKind::Joint, &[0, 1], opened + 40 * MINUTE);
    let other = world.open(AccountKind::Retail, &[1], opened + 20 * MINUTE);
    let closed = world.open(AccountKind::Retail, &[0], opened + 5 * MINUTE);
    let flex = world.open(AccountKind::Flex, &[0], opened + 60 * MINUTE);
    world.open(AccountKind::BackingLoan, &[0], opened + 60 * MINUTE);
    let rewards = world.open(AccountKind::Rewards, &[0], opened + 90 * MINUTE);
    world.open(AccountKind::Loan, &[0], opened + 95 * MINUTE);
    let later = opened + HOUR;
    let mut pot = |account, name, style| world.open_pot(account, name, style, later);
    let cast = Cast {
        personal,
        joint,
        other,
        closed,
        flex,
        rewards,
        bills: pot(personal, "Bills", "teal"),
        holiday: pot(personal, "Holiday", "beach_ball"),
        rainy: pot(personal, "Rainy day", "blue"),
        savings: pot(personal, "Savings", "cassette"),
        house: pot(personal, "House deposit", ""),
        isa: pot(personal, "ISA", "purple"),
        bicycle: pot(personal, "New bicycle", "green"),
        guarded: pot(personal, "Emergency", "red"),
        repairs: pot(joint, "House repairs", "yellow"),
    };
    // Never used, so that nobody learns the account behind it (monzo/README.md, The account behind a pot).
    pot(personal, "Someday", "grey");
    let pots = &mut world.pots;
    pots[cast.bills].virtual_card = true;
    pots[cast.bills].goal = Some(140_000);
    pots[cast.holiday].goal = Some(200_000);
    pots[cast.rainy].round_up = true;
    pots[cast.savings].kind = "instant_access";
    pots[cast.house].goal = Some(2_500_000);
    pots[cast.house].locked_until = Some(began + 120 * DAY);
    pots[cast.isa].kind = "fixed_savings";
    pots[cast.isa].isa = true;
    pots[cast.guarded].added_security = true;
    for saving in [cast.savings, cast.isa, cast.house] {
        pots[saving].for_bills = false;
    }
    cast
}

/// Opens the least that is worth reading: one account with a pot, four lines, and someone else's account.
pub(super) fn open_few(world: &mut World, began: Ms) -> Cast {
    let opened = began - 20 * DAY;
    people(world, opened);
    let personal = world.open(AccountKind::Retail, &[0], opened);
    let other = world.open(AccountKind::Retail, &[1], opened);
    let bills = world.open_pot(personal, "Bills", "teal", opened + MINUTE);
    let salary = Kind::Salary { party: people::EMPLOYER };
    world.post(Row::settled(personal, began - 10 * DAY, 200_000, salary.clone()));
    world.post(Row::settled(other, began - 10 * DAY, 150_000, salary));
    world.transfer(&Move {
        pot: bills,
        withdraw: false,
        amount: 50_000,
        at: began - 9 * DAY,
        lag: 0,
        trigger: "user",
        external_id: &format!("{}:first", world.users[0].id.clone()),
    });
    world.post(Row::settled(personal, began - 8 * DAY, -1_250, Kind::Card(Card::default())));
    world.post(Row {
        amount_pending: true,
        ..Row::pending(personal, began - 5 * HOUR, -480, Kind::Card(Card { merchant: 2, ..Card::default() }))
    });
    Cast {
        personal,
        joint: personal,
        other,
        closed: personal,
        flex: personal,
        rewards: personal,
        bills,
        holiday: bills,
        rainy: bills,
        savings: bills,
        house: bills,
        isa: bills,
        bicycle: bills,
        guarded: bills,
        repairs: bills,
    }
}
