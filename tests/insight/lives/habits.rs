//! What people buy without any contract: often, and at times almost regularly.

use jiff::civil::{Date, Weekday};

use super::calendar::later;
use super::dice::Dice;
use super::{FIRST, LAST, Life, Paid};

fn buy(life: &mut Life, date: Date, amount: i64, name: &str, category: &'static str) {
    if date > LAST {
        return;
    }
    life.spend(&Paid {
        date,
        amount,
        name: name.to_owned(),
        scheme: "mastercard",
        key: None,
        group: Some(format!("grp_{name}")),
        category,
    });
}

/// Each shop again after so many days, for so much.
fn again(life: &mut Life, dice: &mut Dice, name: &str, (least, most): (i64, i64), (low, high): (i64, i64)) {
    let mut day = later(FIRST, dice.between(0, most));
    while day <= LAST {
        let amount = dice.between(low, high);
        buy(life, day, amount, name, "shopping");
        day = later(day, dice.between(least, most));
    }
}

pub fn live(life: &mut Life, dice: &mut Dice) {
    let mut day = FIRST;
    let coffee = dice.between(280, 420);
    while day <= LAST {
        let weekday = day.weekday();
        let weekend = matches!(weekday, Weekday::Saturday | Weekday::Sunday);
        if weekday == Weekday::Saturday && dice.chance(930) {
            buy(life, day, dice.between(3_800, 9_900), "Marlow Supermarket", "groceries");
        }
        if !weekend && dice.chance(650) {
            buy(life, day, coffee, "Nine Bar Coffee", "eating_out");
        }
        if weekday == Weekday::Friday && dice.chance(550) {
            buy(life, day, dice.between(1_400, 3_600), "Spice Route Takeaway", "eating_out");
        }
        if weekday == dice.pick(&[Weekday::Saturday, Weekday::Sunday]) && dice.chance(650) {
            buy(life, day, 550, "Municipal Baths", "entertainment");
        }
        if dice.chance(120) {
            buy(life, day, dice.pick(&[230, 460, 810]), "City Transport", "transport");
        }
        if dice.chance(60) {
            let shop = format!("Shop {}", dice.between(1, 90));
            let amount = dice.between(300, 9_000);
            buy(life, day, amount, &shop, "shopping");
        }
        if dice.chance(60) {
            let amount = dice.between(400, 7_000);
            buy(life, day, amount, "Larkspur", "shopping");
        }
        if dice.chance(25) {
            let friend = dice.pick(&["Sam Carter", "Alex Quinn", "Robin Hale"]);
            let paid = Paid {
                date: day,
                amount: dice.pick(&[500, 1_000, 1_500, 2_000, 2_500]),
                name: friend.to_owned(),
                scheme: "payport_faster_payments",
                key: None,
                group: None,
                category: "transfers",
            };
            life.spend(&paid);
        }
        day = later(day, 1);
    }
    again(life, dice, "Roundabout Fuel", (10, 18), (4_200, 5_600));
    again(life, dice, "Corner Barber", (28, 42), (1_800, 1_800));
    again(life, dice, "Village Chemist", (20, 50), (990, 990));
    again(life, dice, "Paper Lantern Books", (40, 90), (799, 1_299));
    again(life, dice, "Old Mill Pub", (4, 16), (900, 4_000));
    again(life, dice, "Vets on the Green", (80, 200), (4_500, 9_500));
}
