//! What a day brings: wages and bills on their days, and shops as chance has it.

use jiff::civil::Date;

use super::cards::{Fate, Purchase};
use super::{Bill, Event, Life};
use crate::bank::clock::{DAY, HOUR, MINUTE, Ms, SECOND, last_working, later, next_working};
use crate::bank::people::{self, AT_HOME, MANDATES, MERCHANTS, SUBSCRIPTIONS};
use crate::bank::world::World;

/// Ada's wages in the first year, and what each further year adds; pence. Taste: enough for what she does.
const WAGES: (i64, i64) = (318_000, 7_500);

impl Life {
    /// The first days: money to begin with, and the account and the pot that will be given up.
    pub(super) fn arrive(&mut self) {
        let first = self.first;
        let cast = self.cast;
        let noon = self.london.at(first, 12 * HOUR);
        let pay = |account, amount| Event::Pay { account, party: people::ONESELF, amount, settles_after: 0 };
        self.schedule(noon, pay(cast.personal, 260_000));
        self.schedule(noon, pay(cast.joint, 60_000));
        self.schedule(noon, pay(cast.other, 90_000));
        self.schedule(noon, pay(cast.closed, 30_000));
        self.schedule(noon + HOUR, Event::Move { pot: cast.bills, amount: 20_000 });
        self.schedule(noon + HOUR, Event::Move { pot: cast.isa, amount: 50_000 });
        self.schedule(noon + 20 * DAY, Event::Move { pot: cast.bicycle, amount: 4_000 });
        self.schedule(noon + 250 * DAY, Event::Delete { pot: cast.bicycle });
        for month in 1..8 {
            self.schedule(noon + month * 30 * DAY, pay(cast.closed, -1_500 * month));
        }
        self.schedule(noon + 260 * DAY, Event::Close { account: cast.closed });
        let day = later(first);
        self.schedule(self.london.at(day, 0), Event::Plan(day));
    }

    /// Puts everything of a day on the agenda, and the planning of the next.
    pub(super) fn plan(&mut self, world: &World, day: Date) {
        let next = later(day);
        self.schedule(self.london.at(next, 0), Event::Plan(next));
        self.plan_bills(day);
        self.plan_wages(day);
        self.plan_habits(day);
        let personal = match self.wanted {
            Some(wanted) => self.crowd(world, wanted, day),
            None => self.random.below(5),
        };
        self.plan_purchases(day, self.cast.personal, personal);
        let shared = self.random.below(3);
        self.plan_purchases(day, self.cast.joint, shared);
        if self.random.chance(600) {
            self.plan_purchases(day, self.cast.other, 1);
        }
    }

    /// How many purchases today bring the history to the wanted number of lines.
    fn crowd(&self, world: &World, wanted: usize, day: Date) -> u64 {
        let left = self.began.saturating_sub(self.london.at(day, 0)).max(0) / DAY + 1;
        // Of each day's lines a few come by themselves.
        let missing = wanted.saturating_sub(world.rows.len()) as u64;
        (missing / left.unsigned_abs()).min(5_000)
    }

    fn at(&self, day: Date, of_day: Ms) -> Ms {
        self.london.at(day, of_day)
    }

    fn plan_bills(&mut self, day: Date) {
        let cast = self.cast;
        for mandate in MANDATES {
            if next_working(on(day, mandate.day)) != day
                && next_working(on(earlier_month(day), mandate.day)) != day
            {
                continue;
            }
            let (summer, winter) = mandate.amounts;
            let amount = if matches!(day.month(), 11 | 12 | 1..=3) { winter } else { summer };
            let bill = Bill {
                account: if mandate.joint { cast.joint } else { cast.personal },
                party: mandate.payee,
                amount,
                pot: mandate.from_pot.then_some(cast.bills),
                iteration: None,
            };
            self.schedule(self.at(day, 2 * HOUR + 31 * MINUTE), Event::Announce(bill));
        }
        if day.day() == 3 {
            let months = (i32::from(day.year()) - i32::from(self.first.year())) * 12 + i32::from(day.month())
                - i32::from(self.first.month());
            let bill = Bill {
                account: cast.personal,
                party: people::LANDLORD,
                amount: 89_500,
                pot: Some(cast.bills),
                iteration: Some(months.unsigned_abs()),
            };
            self.schedule(self.at(day, 2 * HOUR + 34 * MINUTE), Event::Announce(bill));
        }
        for ((_, of_month), number) in SUBSCRIPTIONS.iter().zip(0_u16..) {
            if day.day() == *of_month {
                let shops = u16::try_from(MERCHANTS.len()).unwrap_or(0);
                let account = cast.bills;
                let purchase =
                    Purchase { pot: Some(account), ..Purchase::of(cast.personal, shops + number, 0) };
                self.schedule(self.at(day, 6 * HOUR + 20 * MINUTE), Event::Buy(purchase));
            }
        }
    }

    fn plan_wages(&mut self, day: Date) {
        let cast = self.cast;
        if day == last_working(day) {
            let (wages, raise) = WAGES;
            let years = i64::from(day.year()) - i64::from(self.first.year());
            let salary = |account, amount| Event::Salary { account, amount };
            let night = self.at(day, HOUR + 4 * MINUTE + 11 * SECOND);
            self.schedule(night, salary(cast.personal, wages + raise * years));
            self.schedule(night, salary(cast.other, 72_000));
            self.plan_pots(day);
        }
        self.plan_shared(day);
    }

    /// The person fills the pots on payday, unless something else does.
    fn plan_pots(&mut self, day: Date) {
        let cast = self.cast;
        if !self.by_hand {
            return;
        }
        // Too little for the bills in some months, so that the account pays the rest.
        self.deposits += 1;
        let bills = if self.deposits.is_multiple_of(5) { 112_000 } else { 132_500 };
        let moves = [
            (cast.bills, bills),
            (cast.holiday, 12_000),
            (cast.savings, 15_000),
            (cast.house, 10_000),
            (cast.guarded, 1_000),
        ];
        for ((pot, amount), number) in moves.into_iter().zip(0..) {
            let at = self.at(day, 7 * HOUR + 30 * MINUTE + number * 9 * SECOND);
            self.schedule(at, Event::Move { pot, amount });
        }
    }

    /// What the two share, and what the bank pays and takes.
    fn plan_shared(&mut self, day: Date) {
        let cast = self.cast;
        if day.day() == 2 {
            let at = self.at(day, 3 * HOUR + 5 * MINUTE);
            let pay = |account, party, amount| Event::Pay { account, party, amount, settles_after: 0 };
            self.schedule(at, pay(cast.personal, people::HOUSEHOLD, -40_000));
            self.schedule(at, pay(cast.joint, people::ONESELF, 40_000));
            self.schedule(at, pay(cast.joint, people::PARTNER, 40_000));
            self.schedule(at, pay(cast.other, people::HOUSEHOLD, -40_000));
            self.schedule(at + 5 * HOUR, Event::Move { pot: cast.repairs, amount: 5_000 });
        }
        if day == day.last_of_month() {
            for pot in [cast.savings, cast.isa] {
                self.schedule(self.at(day, 2 * HOUR), Event::Interest { pot });
            }
            self.schedule(self.at(day, 8 * HOUR), Event::Cashback);
        }
        if day.day() == 16 {
            self.schedule(self.at(day, 5 * HOUR), Event::RepayFlex);
        }
    }

    /// What happens now and then.
    fn plan_habits(&mut self, day: Date) {
        let cast = self.cast;
        let noon = 12 * HOUR + self.random.between(0, 6 * HOUR);
        let noon = self.at(day, noon);
        if self.random.chance(25) {
            let amount = self.random.between(600, 2_500);
            // The next cycle of the scheme is hours away, though the money is there (monzo/README.md, Rows).
            let settles_after = if self.random.chance(500) { 7 * HOUR } else { 0 };
            let pay = Event::Pay { account: cast.personal, party: people::FRIEND, amount, settles_after };
            self.schedule(noon, pay);
        }
        if self.random.chance(20) {
            let amount = -self.random.between(500, 2_000);
            let pay = Event::Pay { account: cast.personal, party: people::FRIEND, amount, settles_after: 0 };
            self.schedule(noon, pay);
        }
        if self.random.chance(15) {
            let pot = if self.random.chance(500) { cast.savings } else { cast.rainy };
            self.schedule(noon, Event::Move { pot, amount: -2_000 });
        }
        if self.random.chance(60) {
            let shop = *self.random.pick(&[13_u16, 14, 17]);
            self.schedule(noon, Event::Buy(Purchase { flex: true, ..Purchase::of(cast.flex, shop, 0) }));
        }
        if self.random.chance(12) {
            self.schedule(noon, Event::Buy(Purchase { check: true, ..Purchase::of(cast.personal, 13, 0) }));
        }
    }

    fn plan_purchases(&mut self, day: Date, account: usize, count: u64) {
        for _ in 0..count {
            let of_day = self.random.between(7 * HOUR, 22 * HOUR);
            let at = self.at(day, of_day);
            let merchant = self.shop(day, account);
            let mut purchase = Purchase::of(account, merchant, 0);
            if count > 8 {
                purchase.amount = self.random.between(4, 30);
            }
            self.schedule(at, Event::Buy(purchase));
        }
    }

    /// Where somebody shops: abroad in the second half of June, at home else.
    fn shop(&mut self, day: Date, account: usize) -> u16 {
        if account == self.cast.personal && day.month() == 6 && day.day() > 14 {
            let trip = u64::from(day.year().unsigned_abs()) % 3;
            let (first, count) = [(18, 3), (21, 2), (23, 1)][usize::try_from(trip).unwrap_or(0)];
            return first + u16::try_from(self.random.below(count)).unwrap_or(0);
        }
        let total = MERCHANTS.iter().take(AT_HOME).map(|merchant| merchant.weight).sum();
        let mut left = self.random.below(total);
        for (merchant, number) in MERCHANTS.iter().take(AT_HOME).zip(0_u16..) {
            if left < merchant.weight {
                return number;
            }
            left -= merchant.weight;
        }
        0
    }

    /// Payments of the last hours that are still open when the history ends: one for each way in which they can end.
    pub(super) fn leave_open(&mut self, world: &mut World) {
        let fates =
            [Fate::Settles, Fate::Changes { per_cent: 112 }, Fate::Vanishes, Fate::Reverses, Fate::Copied];
        for (fate, number) in fates.into_iter().zip(1_i64..) {
            let at = self.began - number * 37 * MINUTE;
            let merchant = u16::try_from(number).unwrap_or(1);
            let purchase =
                Purchase { fate: Some(fate), ..Purchase::of(self.cast.personal, merchant, 900 + number * 7) };
            self.buy(world, at, &purchase);
        }
        // What the last day was to bring after its end.
        let missing = self.wanted.map_or(0, |wanted| wanted.saturating_sub(world.rows.len()));
        for number in (0..i64::try_from(missing).unwrap_or(0)).rev() {
            let amount = self.random.between(4, 30);
            let at = self.began - number * MINUTE - SECOND;
            self.buy(world, at, &Purchase::of(self.cast.personal, 1, amount));
        }
    }
}

/// The day of a month, or its last.
fn on(day: Date, of_month: i8) -> Date {
    let wanted = of_month.min(day.days_in_month());
    Date::new(day.year(), day.month(), wanted).unwrap_or(day)
}

fn earlier_month(day: Date) -> Date {
    day.first_of_month().yesterday().unwrap_or(day)
}
