//! Pay, benefits, and money that comes now and then.

use jiff::civil::Weekday;

use super::calendar::{Roll, When, later, rolled};
use super::dice::Dice;
use super::{FIRST, LAST, Life, Truth};

struct Job {
    payer: &'static str,
    when: When,
    amount: i64,
    /// Two thirds of payments lie within this of the amount, per mille.
    spread: i64,
    /// The name has a number that changes.
    numbered: bool,
}

fn work(life: &mut Life, dice: &mut Dice, job: &Job) {
    let number = life.incomes.len();
    life.incomes.push(Truth { name: job.payer.to_owned(), keyed: false, yearly: false, cancelled: false });
    let mut amount = job.amount;
    for (n, nominal) in (1..).zip(job.when.days(FIRST, LAST)) {
        if nominal.month() == 4 && nominal.day() <= 28 && dice.chance(60) {
            amount = amount * dice.between(1_010, 1_060) / 1_000;
        }
        let mut date = rolled(nominal, Roll::Earlier);
        if dice.chance(6) {
            date = rolled(later(date, dice.between(1, 3)), Roll::Later);
        }
        if date > LAST {
            continue;
        }
        let paid = if job.spread > 0 { amount * dice.around(job.spread).max(400) / 1_000 } else { amount };
        let name =
            if job.numbered { format!("{} {:05}", job.payer, 100 + n * 7) } else { job.payer.to_owned() };
        let id = life.receive(date, paid, &name);
        life.of.insert(id, number);
        if number == 0 {
            life.paydays.push(date);
        }
    }
}

pub fn earn(life: &mut Life, dice: &mut Dice) {
    let fourweekly = When::Days { every: 28, first: dice.between(0, 27) };
    // FIRST is a Monday.
    let friday = When::Days { every: 7, first: 4 };
    let day = dice.pick(&[15_i8, 20, 25, 28, 31]);
    let on_day = When::Months { every: 1, day, first: 0 };
    let (when, amount) = dice.pick(&[
        (When::LastWorking, 245_000),
        (When::LastWorking, 310_000),
        (on_day, 268_000),
        (on_day, 199_000),
        (fourweekly, 186_000),
        (friday, 52_000),
    ]);
    let spread = dice.pick(&[0, 0, 15, 40]);
    let numbered = dice.chance(300);
    work(life, dice, &Job { payer: "HALCYON INSTRUMENTS LTD", when, amount, spread, numbered });
    if dice.chance(350) {
        let when = dice.pick(&[
            When::Days { every: 7, first: 3 },
            When::Nth(-1, Weekday::Friday),
            When::Days { every: 14, first: 9 },
        ]);
        work(life, dice, &Job { payer: "Night School", when, amount: 31_000, spread: 100, numbered: false });
    }
    if dice.chance(400) {
        let when = When::Days { every: 28, first: dice.between(0, 6) * 4 };
        work(
            life,
            dice,
            &Job { payer: "HMRC CHILD BENEFIT", when, amount: 10_240, spread: 0, numbered: false },
        );
    }
    let mut day = FIRST;
    while day <= LAST {
        day = later(day, dice.between(5, 40));
        if day <= LAST {
            let friend = dice.pick(&["Sam Carter", "Alex Quinn", "Robin Hale", "Marketplace Sales"]);
            let amount = dice.between(3, 90) * 100;
            life.receive(day, amount, friend);
        }
    }
}
