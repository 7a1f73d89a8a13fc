//! What happens on each day of the year, beside what the bank's own life brings.

use jiff::civil::{Date, Weekday, time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use monzo_sandbox::bank::Bank;
use monzo_sandbox::bank::clock::{HOUR, MINUTE, last_working};
use monzo_sandbox::bank::faults::Fault;
use monzo_sandbox::bank::life::{Event, Purchase};
use monzo_sandbox::random::Random;

/// What is done at a moment.
#[derive(Debug, Clone)]
pub enum Deed {
    /// All is read.
    Sync,
    /// The person refreshes the permissions in the app.
    Renew,
    /// The machine starts again.
    Restart,
    /// The power fails.
    Kill,
    /// The power fails once so many deposits have been asked for, or when nothing moves.
    KillAt(u64),
    /// For an hour the bank does this at the n-th request to an endpoint, and sometimes fails by chance.
    Faults(Fault, &'static str, u64),
    /// The ninety days are over before the person renews them.
    Lapse,
    /// The machine is off until then.
    Sleep(Timestamp),
}

/// What may happen to a deposit.
const OF_MOVES: [Fault; 7] = [
    Fault::ResetAfter,
    Fault::ResetBefore,
    Fault::TimeoutAfter,
    Fault::Gateway,
    Fault::EmptyBody,
    Fault::TruncatedBody,
    Fault::RateLimitSeconds,
];

/// What may happen to a question.
const OF_READS: [Fault; 6] = [
    Fault::Internal,
    Fault::ResetBefore,
    Fault::RateLimit,
    Fault::TruncatedBody,
    Fault::MissingKey,
    Fault::MalformedRecord,
];

/// The days to come.
pub struct Life {
    random: Random,
    zone: TimeZone,
    first: Date,
    pots: [usize; 2],
    /// The machine is off until then.
    off: Timestamp,
}

/// At this hour a person looks at what waits for them.
pub fn awake(at: Timestamp) -> bool {
    let zone = TimeZone::get("Europe/London").expect("a zone");
    let of_day = at.to_zoned(zone).time();
    of_day >= time(7, 0, 0, 0) && of_day < time(23, 0, 0, 0)
}

impl Life {
    pub fn new(bank: &mut Bank, seed: u64) -> Self {
        let zone = TimeZone::get("Europe/London").expect("a zone");
        let first = bank.now().to_zoned(zone.clone()).date();
        let pot = |name| bank.world.pots.iter().position(|pot| pot.name == name).expect("a pot");
        let pots = [pot("Groceries"), pot("Car insurance")];
        Self { random: Random::new(seed ^ 0x5945_4152), zone, first, pots, off: Timestamp::MIN }
    }

    fn at(&self, day: Date, hour: i8, minute: i8) -> Timestamp {
        day.at(hour, minute, 0, 0).to_zoned(self.zone.clone()).expect("a moment").timestamp()
    }

    /// The moments of a day, in their order; what the person does is put on the bank's agenda.
    pub fn day(&mut self, bank: &mut Bank, number: u64) -> Vec<(Timestamp, Deed)> {
        let day = self.first.checked_add(i64::try_from(number).expect("few").days()).expect("a day");
        self.spend(bank, day);
        let payday = day == last_working(day);
        let mut moments = vec![(self.at(day, 19, 5), Deed::Sync)];
        if payday {
            moments.push((self.at(day, 1, 30), Deed::Sync));
            moments.push((self.at(day, 7, 3), self.trouble()));
            moments.push((self.at(day, 12, 10), Deed::Sync));
        }
        if day.weekday() == Weekday::Friday && self.random.chance(300) {
            moments.push((self.at(day, 18, 1), Deed::Sync));
        }
        if self.random.chance(120) {
            let (hour, minute) = (self.random.between(0, 23), self.random.between(0, 59));
            let (hour, minute) = (i8::try_from(hour).expect("few"), i8::try_from(minute).expect("few"));
            let deed = match self.random.below(8) {
                0 => Deed::Restart,
                1 => Deed::Kill,
                2 => {
                    let endpoint =
                        *self.random.pick(&["transactions", "balance", "pots", "accounts", "token"]);
                    Deed::Faults(*self.random.pick(&OF_READS), endpoint, 1)
                }
                _ => Deed::Sync,
            };
            moments.push((self.at(day, hour, minute), deed));
        }
        if number % 80 == 79 {
            let deed = if number % 320 == 239 { Deed::Lapse } else { Deed::Renew };
            moments.push((self.at(day, 9, 30), deed));
        }
        moments.sort_by_key(|(at, _)| *at);
        moments.retain(|(at, _)| *at > self.off && *at > bank.now());
        if self.random.chance(8) {
            let last = moments.last().map_or(bank.now(), |(at, _)| *at) + SignedDuration::from_mins(5);
            let until = last + SignedDuration::from_hours(self.random.between(10, 60));
            moments.push((last, Deed::Sleep(until)));
            self.off = until;
        }
        moments
    }

    /// What goes wrong when the payday's money is sorted.
    fn trouble(&mut self) -> Deed {
        let nth = u64::try_from(self.random.between(1, 6)).unwrap_or(1);
        match self.random.below(4) {
            0 => Deed::KillAt(nth),
            1 => Deed::Faults(*self.random.pick(&OF_MOVES), "deposit", nth),
            _ => Deed::Sync,
        }
    }

    /// The person's own doings with pots, and now and then something dear.
    fn spend(&mut self, bank: &mut Bank, day: Date) {
        let noon = self.at(day, 12, 0).as_millisecond();
        let [groceries, insurance] = self.pots;
        if matches!(day.day(), 6 | 13 | 20 | 27) {
            let amount = -self.random.between(3_500, 7_500);
            bank.life.schedule(noon, Event::Move { pot: groceries, amount });
        }
        if (day.month(), day.day()) == (3, 1) {
            bank.life.schedule(noon + HOUR, Event::Move { pot: insurance, amount: -48_000 });
        }
        if self.random.chance(30) {
            let amount = self.random.between(3_000, 25_000);
            let account = bank.life.cast.personal;
            let purchase = Purchase::of(account, 14, amount);
            bank.life.schedule(noon + self.random.between(0, 400) * MINUTE, Event::Buy(purchase));
        }
    }
}
