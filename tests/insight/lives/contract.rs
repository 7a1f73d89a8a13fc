//! A contract: when it is paid, by which rail, how much, and what goes wrong.

use jiff::civil::Date;

use super::calendar::{Roll, When, later, rolled};
use super::dice::Dice;
use super::{FIRST, LAST, Paid, Truth};

/// How its price goes.
#[derive(Debug, Clone, Copy)]
pub enum Price {
    /// The same until a rise; rises come in this month, so often in a thousand years.
    Fixed { rises_in: i8, chance: i64 },
    /// As much is used each time, more or less, per mille.
    Used { spread: i64 },
    /// More in winter, by so much per mille of the mean.
    Season { swing: i64 },
    /// A new premium each time.
    Premium,
}

/// The rail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rail {
    /// A mandate.
    Debit,
    /// A standing order.
    Order,
    /// A card, whose shop the bank knows.
    Card,
    /// A transfer that the person's phone reminds them of.
    Transfer,
}

#[derive(Debug, Clone)]
pub struct Contract {
    pub name: String,
    /// The shop's group, where two contracts share one.
    pub shop: Option<String>,
    pub rail: Rail,
    pub when: When,
    pub price: Price,
    pub amount: i64,
    pub category: &'static str,
    pub from: Date,
    pub until: Date,
    /// Another name from this day on.
    pub renamed: Option<(Date, String)>,
    /// Another mandate from this day on.
    pub new_mandate: Option<Date>,
}

impl Contract {
    pub fn new(name: &str, rail: Rail, when: When, amount: i64, category: &'static str) -> Self {
        Self {
            name: name.to_owned(),
            shop: None,
            rail,
            when,
            price: Price::Fixed { rises_in: 0, chance: 0 },
            amount,
            category,
            from: FIRST,
            until: LAST,
            renamed: None,
            new_mandate: None,
        }
    }

    pub fn priced(self, price: Price) -> Self {
        Self { price, ..self }
    }

    pub fn between(self, from: Date, until: Date) -> Self {
        Self { from, until, ..self }
    }

    pub fn truth(&self) -> Truth {
        Truth {
            name: self.name.clone(),
            keyed: matches!(self.rail, Rail::Debit | Rail::Order),
            yearly: matches!(self.when, When::Year { .. }),
            cancelled: self.until < LAST,
        }
    }

    fn roll(&self) -> Roll {
        match (self.rail, self.when) {
            (_, When::LastWorking) => Roll::Earlier,
            (Rail::Debit | Rail::Order, _) => Roll::Later,
            (Rail::Card | Rail::Transfer, _) => Roll::Never,
        }
    }

    /// What was paid, with all that went wrong.
    pub fn payments(&self, dice: &mut Dice) -> Vec<Paid> {
        let mut paid = Vec::new();
        let mut amount = self.amount;
        let mut rose = self.from;
        for nominal in self.when.days(self.from, self.until) {
            let price = self.price(&mut amount, &mut rose, nominal, dice);
            let mut date = rolled(nominal, self.roll());
            let long = matches!(self.when, When::Year { .. })
                || matches!(self.when, When::Months { every, .. } if every > 2);
            match self.rail {
                // A card is charged in another time zone, or a try fails and another is made.
                Rail::Card if dice.chance(40) => date = later(date, 1),
                Rail::Card if dice.chance(6) => date = later(date, dice.between(2, 4)),
                // A person pays when they think of it.
                Rail::Transfer if dice.chance(150) => date = later(date, dice.between(-1, 1)),
                Rail::Debit if dice.chance(6) => date = rolled(later(date, dice.between(1, 3)), Roll::Later),
                _ => {}
            }
            if !long && dice.chance(5) || date > LAST {
                continue;
            }
            paid.push(self.paid(date, price));
            if !long && dice.chance(4) {
                paid.push(self.paid(later(date, dice.between(0, 1)), price));
            }
        }
        paid
    }

    fn price(&self, amount: &mut i64, rose: &mut Date, day: Date, dice: &mut Dice) -> i64 {
        match self.price {
            Price::Fixed { rises_in, chance } => {
                if day.month() == rises_in && rose.year() < day.year() {
                    *rose = day;
                    if dice.chance(chance) {
                        *amount = *amount * dice.between(1_030, 1_120) / 1_000;
                    }
                }
                *amount
            }
            Price::Used { spread } => *amount * dice.around(spread).max(300) / 1_000,
            Price::Season { swing } => {
                let cold = [1_000, 900, 600, 100, -400, -800, -1_000, -900, -500, 0, 500, 900];
                let month = usize::try_from(day.month() - 1).expect("a month");
                *amount * (1_000 + cold[month] * swing / 1_000) / 1_000 * dice.around(40) / 1_000
            }
            Price::Premium => {
                let now = *amount;
                *amount = *amount * dice.between(980, 1_110) / 1_000;
                now
            }
        }
    }

    fn paid(&self, date: Date, amount: i64) -> Paid {
        let name = match &self.renamed {
            Some((from, name)) if date >= *from => name,
            _ => &self.name,
        };
        let second = self.new_mandate.is_some_and(|from| date >= from);
        let key = format!("{}_{}", self.name.replace(' ', "_"), if second { 2 } else { 1 });
        let scheme = match self.rail {
            Rail::Debit => "bacs",
            Rail::Order | Rail::Transfer => "payport_faster_payments",
            Rail::Card => "mastercard",
        };
        let shop = || self.shop.clone().unwrap_or_else(|| format!("grp_{}", self.name));
        Paid {
            date,
            amount,
            name: name.clone(),
            scheme,
            key: matches!(self.rail, Rail::Debit | Rail::Order).then_some(key),
            group: (self.rail == Rail::Card).then(shop),
            category: self.category,
        }
    }
}
