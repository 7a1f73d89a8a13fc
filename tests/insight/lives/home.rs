//! The contracts of a household.

use jiff::civil::{Date, Weekday};

use super::calendar::{When, later};
use super::contract::{Contract, Price, Rail};
use super::dice::Dice;
use super::{FIRST, LAST};

/// Rises in April, as telephone companies like it.
const APRIL: Price = Price::Fixed { rises_in: 4, chance: 550 };

fn monthly(day: i8) -> When {
    When::Months { every: 1, day, first: 0 }
}

/// A day of the month; those that not each month has come often enough.
fn day(dice: &mut Dice) -> i8 {
    if dice.chance(180) {
        dice.pick(&[1, 29, 30, 31])
    } else {
        i8::try_from(dice.between(1, 28)).expect("small")
    }
}

/// A price that may rise once a year.
fn rising(dice: &mut Dice) -> Price {
    Price::Fixed { rises_in: i8::try_from(dice.between(1, 12)).expect("small"), chance: 300 }
}

/// Somewhen in a life, so that there is something before and after.
fn somewhen(dice: &mut Dice) -> Date {
    later(FIRST, dice.between(250, 800))
}

/// What a household has signed.
pub fn contracts(dice: &mut Dice) -> Vec<Contract> {
    let mut all = Vec::new();
    rent(&mut all, dice);
    utilities(&mut all, dice);
    policies(&mut all, dice);
    subscriptions(&mut all, dice);
    others(&mut all, dice);
    for contract in &mut all {
        change(contract, dice);
    }
    all
}

fn rent(all: &mut Vec<Contract>, dice: &mut Dice) {
    let amount = dice.between(550, 1_400) * 100;
    let price = rising(dice);
    let rent = match dice.between(0, 3) {
        0 => Contract::new("Oak Lettings", Rail::Order, monthly(1), amount, "bills"),
        1 => Contract::new("Harbour Mortgages", Rail::Debit, monthly(day(dice)), amount + 37, "bills"),
        2 => Contract::new("Mrs P Landlady", Rail::Transfer, monthly(day(dice)), amount, "bills"),
        _ => Contract::new("Oak Lettings", Rail::Order, When::LastWorking, amount, "bills"),
    };
    all.push(rent.priced(price));
}

fn utilities(all: &mut Vec<Contract>, dice: &mut Dice) {
    let d = dice.pick(&[1, 2, 5, 15, 21, 28]);
    let council = if dice.chance(700) { When::CouncilTax { day: d } } else { monthly(d) };
    let tax =
        Contract::new("Borough Council Tax", Rail::Debit, council, dice.between(9_000, 21_000), "bills");
    all.push(tax.priced(Price::Fixed { rises_in: 4, chance: 1_000 }));
    let energy =
        Contract::new("Bright Energy", Rail::Debit, monthly(day(dice)), dice.between(7_000, 18_000), "bills");
    let rises = rising(dice);
    let how = dice.pick(&[rises, Price::Season { swing: 350 }, Price::Fixed { rises_in: 10, chance: 700 }]);
    all.push(energy.priced(how));
    let every = dice.pick(&[1, 1, 3, 6]);
    let first = dice.between(0, 11);
    let water = When::Months { every, day: day(dice), first };
    let (used, rises) = (Price::Used { spread: 50 }, rising(dice));
    all.push(
        Contract::new("Dale Water", Rail::Debit, water, dice.between(2_400, 5_200) * every, "bills")
            .priced(dice.pick(&[used, rises])),
    );
    all.push(
        Contract::new(
            "Fernlink Broadband",
            Rail::Debit,
            monthly(day(dice)),
            dice.between(2_200, 4_800),
            "bills",
        )
        .priced(APRIL),
    );
    all.push(
        Contract::new("Skylark Mobile", Rail::Debit, monthly(day(dice)), dice.between(800, 3_500), "bills")
            .priced(dice.pick(&[APRIL, Price::Used { spread: 30 }])),
    );
    if dice.chance(600) {
        let every = dice.pick(&[1, 3]);
        let licence = When::Months { every, day: day(dice), first: dice.between(0, 11) };
        all.push(Contract::new("TV Licence", Rail::Debit, licence, 1_412 * every, "bills"));
    }
}

/// Three within three months are three, and not one each quarter.
fn policies(all: &mut Vec<Contract>, dice: &mut Dice) {
    let month = dice.between(1, 12);
    let policies = [("Kite Car Insurance", 38_000), ("Hearth Home Cover", 21_000), ("Paws Pet Plan", 16_000)];
    let one_insurer = dice.chance(250);
    for (n, (name, amount)) in (0..).zip(policies) {
        let month = i8::try_from((month + n - 1) % 12 + 1).expect("a month");
        let rail = if one_insurer { Rail::Card } else { dice.pick(&[Rail::Card, Rail::Card, Rail::Debit]) };
        let amount = amount + dice.between(-4_000, 9_000);
        let when = When::Year { month, day: day(dice) };
        let mut policy = Contract::new(name, rail, when, amount, "finances").priced(Price::Premium);
        policy.shop = (one_insurer).then(|| "grp_insurer".to_owned());
        if one_insurer {
            policy.name = "Umbrella Insurance".to_owned();
        }
        all.push(policy);
    }
    if dice.chance(500) {
        let when = When::Year { month: i8::try_from(dice.between(1, 12)).expect("a month"), day: day(dice) };
        all.push(Contract::new("Garden Trust Membership", Rail::Card, when, 8_460, "entertainment"));
    }
}

fn subscriptions(all: &mut Vec<Contract>, dice: &mut Dice) {
    let streams = [
        ("Lumen Streaming", 1_099),
        ("Notes Music", 1_199),
        ("Cloudberry Storage", 249),
        ("Daily Herald", 999),
        ("Ironworks Gym", 2_650),
    ];
    for (name, amount) in streams {
        if dice.chance(700) {
            let price = rising(dice);
            all.push(
                Contract::new(name, Rail::Card, monthly(day(dice)), amount, "entertainment").priced(price),
            );
        }
    }
    // Two contracts at one shop, at which things are bought, too.
    if dice.chance(500) {
        for amount in [899, 1_499] {
            let mut two = Contract::new("Larkspur", Rail::Card, monthly(day(dice)), amount, "shopping");
            two.shop = Some("grp_larkspur".to_owned());
            all.push(two);
        }
    }
    if dice.chance(400) {
        let when = When::Days { every: dice.pick(&[7, 14]), first: dice.between(0, 13) };
        all.push(Contract::new("Green Box Veg", Rail::Card, when, 1_595, "groceries"));
    }
    if dice.chance(400) {
        let when = When::Days { every: dice.pick(&[28, 30]), first: dice.between(0, 27) };
        all.push(Contract::new("Clearview Lenses", Rail::Card, when, 2_200, "personal_care"));
    }
}

fn others(all: &mut Vec<Contract>, dice: &mut Dice) {
    if dice.chance(500) {
        all.push(Contract::new(
            "Lifeboat Charity",
            Rail::Debit,
            monthly(day(dice)),
            dice.pick(&[500, 1_000, 2_000]),
            "charity",
        ));
    }
    if dice.chance(350) {
        let card = Contract::new("Meridian Credit Card", Rail::Debit, monthly(day(dice)), 32_000, "finances");
        all.push(card.priced(Price::Used { spread: 90 }));
    }
    if dice.chance(500) {
        // Two policies at one company, each by its own mandate.
        for amount in [1_250, 3_400] {
            let mut life = Contract::new(
                &format!("Beacon Life {amount}"),
                Rail::Debit,
                monthly(day(dice)),
                amount,
                "finances",
            );
            life.renamed = Some((FIRST, "BEACON LIFE".to_owned()));
            all.push(life);
        }
    }
    if dice.chance(400) {
        let when = When::Months { every: 6, day: day(dice), first: dice.between(0, 5) };
        all.push(Contract::new("Manor Ground Rent", Rail::Debit, when, 17_500, "bills"));
    }
    if dice.chance(400) {
        let when = When::Months { every: dice.pick(&[2, 3]), day: day(dice), first: dice.between(0, 5) };
        all.push(Contract::new("Estate Service Charge", Rail::Order, when, 24_000, "bills"));
    }
    if dice.chance(400) {
        let nth = When::Nth(dice.pick(&[1, 2, 3]), dice.pick(&[Weekday::Monday, Weekday::Thursday]));
        all.push(Contract::new("Allotment Society", Rail::Order, nth, 1_800, "bills"));
    }
    if dice.chance(400) {
        all.push(Contract::new(
            "Sparkle Cleaning",
            Rail::Order,
            When::Days { every: 14, first: dice.between(0, 13) },
            4_500,
            "bills",
        ));
    }
    if dice.chance(500) {
        // A loan of 24 instalments.
        let from = later(FIRST, dice.between(30, 300));
        let until = later(from, 24 * 30 + 15).min(LAST);
        all.push(
            Contract::new("Acorn Loans", Rail::Debit, monthly(day(dice)), 15_270, "finances")
                .between(from, until),
        );
    }
}

/// What happens to contracts: they begin, end, are renamed, and get new mandates.
fn change(contract: &mut Contract, dice: &mut Dice) {
    let yearly = matches!(contract.when, When::Year { .. });
    if contract.until == LAST && !yearly {
        if dice.chance(150) {
            contract.from = somewhen(dice);
        } else if dice.chance(130) {
            contract.until = somewhen(dice);
        }
    }
    if contract.renamed.is_none()
        && contract.shop.is_none()
        && contract.rail != Rail::Transfer
        && dice.chance(150)
    {
        let name = match contract.rail {
            Rail::Card => format!(
                "{}.com*{}",
                contract.name.to_lowercase().replace(' ', ""),
                dice.between(1_000, 9_999)
            ),
            _ => format!("{} GROUP PLC", contract.name.to_uppercase()),
        };
        contract.renamed = Some((somewhen(dice), name));
    } else if contract.rail == Rail::Debit && dice.chance(100) {
        contract.new_mandate = Some(somewhen(dice));
    }
}
