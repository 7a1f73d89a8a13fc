//! Who is on the other side: shops, employers, landlords and utilities. All of them are invented.

/// A shop that takes cards.
#[derive(Debug)]
pub struct Merchant {
    /// Its name.
    pub name: &'static str,
    /// The bank's category.
    pub category: &'static str,
    /// The card scheme's category code.
    pub mcc: &'static str,
    /// What the app shows.
    pub emoji: &'static str,
    /// Where it is; nothing for a shop on the internet.
    pub city: Option<&'static str>,
    /// In minor units of the shop's currency, from and to.
    pub prices: (i64, i64),
    /// How often it is visited, against the others.
    pub weight: u64,
    /// What it charges in, and pence for a hundred of its minor units.
    pub currency: Option<(&'static str, &'static str, i64)>,
}

const fn shop(
    name: &'static str,
    (category, mcc, emoji): (&'static str, &'static str, &'static str),
    city: &'static str,
    prices: (i64, i64),
    weight: u64,
) -> Merchant {
    let city = if city.is_empty() { None } else { Some(city) };
    Merchant { name, category, mcc, emoji, city, prices, weight, currency: None }
}

const fn abroad(
    name: &'static str,
    (category, mcc, emoji): (&'static str, &'static str, &'static str),
    city: &'static str,
    prices: (i64, i64),
    currency: (&'static str, &'static str, i64),
) -> Merchant {
    Merchant { name, category, mcc, emoji, city: Some(city), prices, weight: 1, currency: Some(currency) }
}

const GROCERIES: (&str, &str, &str) = ("groceries", "5411", "🛒");
const EATING: (&str, &str, &str) = ("eating_out", "5812", "🍽️");
const COFFEE: (&str, &str, &str) = ("eating_out", "5814", "☕");
const TRANSPORT: (&str, &str, &str) = ("transport", "4111", "🚇");
const FUEL: (&str, &str, &str) = ("transport", "5542", "⛽");
const SHOPPING: (&str, &str, &str) = ("shopping", "5311", "🛍️");
const FUN: (&str, &str, &str) = ("entertainment", "7832", "🎬");
const HOLIDAYS: (&str, &str, &str) = ("holidays", "7011", "🏨");

/// Every shop; the first [`AT_HOME`] are those of everyday life.
pub static MERCHANTS: &[Merchant] = &[
    shop("Platform Nine", COFFEE, "LEEDS", (260, 690), 22),
    shop("Marlow & Finch", GROCERIES, "LEEDS", (480, 5400), 20),
    shop("Corner Green", GROCERIES, "LEEDS", (150, 1400), 14),
    shop("Aire Valley Trams", TRANSPORT, "LEEDS", (180, 560), 18),
    shop("The Tin Lantern", EATING, "LEEDS", (900, 4600), 7),
    shop("Noodle Yard", EATING, "LEEDS", (750, 2200), 6),
    shop("Quillfeather Books", SHOPPING, "YORK", (699, 3500), 3),
    shop("Harbour & Hound", EATING, "WHITBY", (1200, 5200), 2),
    shop("Gantry Cinema", FUN, "LEEDS", (850, 2400), 3),
    shop("Meridian Pharmacy", ("personal_care", "5912", "💊"), "LEEDS", (220, 1900), 3),
    shop("Brindle Hardware", SHOPPING, "LEEDS", (300, 6800), 2),
    shop("Oakmoor Services", FUEL, "WETHERBY", (2800, 7600), 3),
    shop("Pennine Rail", TRANSPORT, "", (640, 6200), 3),
    shop("Larkspur Online", SHOPPING, "", (499, 8900), 6),
    shop("Moth & Ember", SHOPPING, "", (1200, 9900), 2),
    shop("Kestrel Leisure", FUN, "LEEDS", (500, 1800), 2),
    shop("Fernhill Garden Centre", SHOPPING, "OTLEY", (600, 4200), 1),
    shop("Paper Lantern Games", FUN, "", (399, 5999), 2),
    abroad("Café Miramar", EATING, "LISBOA", (350, 4800), ("EUR", "PRT", 86)),
    abroad("Mercado Azul", ("groceries", "5411", "🛒"), "LISBOA", (400, 3900), ("EUR", "PRT", 86)),
    abroad("Hotel Alvorada", HOLIDAYS, "PORTO", (8900, 31000), ("EUR", "PRT", 86)),
    abroad("Kumo Soba", EATING, "KYOTO", (900, 4200), ("JPY", "JPN", 53)),
    abroad("Sakura Rail", TRANSPORT, "KYOTO", (240, 13800), ("JPY", "JPN", 53)),
    abroad("Blue Heron Diner", EATING, "PORTLAND", (900, 5600), ("USD", "USA", 78)),
];

/// How many of [`MERCHANTS`] are of everyday life.
pub const AT_HOME: usize = 18;

/// What is paid every month with the virtual card of the Bills pot.
pub static SUBSCRIPTIONS: &[(Merchant, i8)] = &[
    (shop("Lumen Streaming", ("entertainment", "4899", "📺"), "", (1099, 1099), 0), 6),
    (shop("Ironworks Gym", ("personal_care", "7997", "🏋️"), "LEEDS", (2799, 2799), 0), 12),
    (shop("Cloudberry Storage", ("bills", "4816", "☁️"), "", (249, 249), 0), 19),
];

/// A shop or a subscription, by its number; subscriptions follow the shops.
pub fn merchant(number: u16) -> &'static Merchant {
    let index = usize::from(number) % (MERCHANTS.len() + SUBSCRIPTIONS.len());
    MERCHANTS.get(index).unwrap_or_else(|| &SUBSCRIPTIONS[index - MERCHANTS.len()].0)
}

/// The number of a shop by its name.
pub fn merchant_named(name: &str) -> Option<u16> {
    let all = MERCHANTS.iter().chain(SUBSCRIPTIONS.iter().map(|(merchant, _)| merchant));
    all.enumerate()
        .find(|(_, merchant)| merchant.name == name)
        .and_then(|(index, _)| u16::try_from(index).ok())
}

/// Someone who is paid, or pays, by bank transfer, direct debit or salary.
#[derive(Debug)]
pub struct Party {
    /// Its name.
    pub name: &'static str,
    /// What the payment says.
    pub reference: &'static str,
    /// The bank's category.
    pub category: &'static str,
}

const fn party(name: &'static str, reference: &'static str, category: &'static str) -> Party {
    Party { name, reference, category }
}

/// Pays the salary.
pub const EMPLOYER: u16 = 0;
/// Takes the rent by standing order.
pub const LANDLORD: u16 = 1;
/// The other owner of the joint account.
pub const PARTNER: u16 = 2;
/// Owes for lunch.
pub const FRIEND: u16 = 3;
/// The joint account, seen from the personal one.
pub const HOUSEHOLD: u16 = 4;
/// The person, seen from the joint account.
pub const ONESELF: u16 = 5;
/// The first that collects direct debits.
pub const FIRST_PAYEE: u16 = 6;

/// Everyone who is paid, or pays, without a card.
pub static PARTIES: &[Party] = &[
    party("HALCYON INSTRUMENTS LTD", "HALCYON SALARY", "income"),
    party("Thornbury Lettings", "FLAT 4 RENT", "bills"),
    party("Sam Example", "HOUSEHOLD", "general"),
    party("Robin Sample", "lunch, thanks!", "general"),
    party("Ada & Sam", "Joint account", "transfers"),
    party("Ada Example", "From Ada", "transfers"),
    party("NORTHERN LIGHTS ENERGY", "NLE 884213", "bills"),
    party("LEEDS COUNCIL TAX", "CT 4412009", "bills"),
    party("AIRE WATER", "WATER 77120", "bills"),
    party("FERNDALE BROADBAND", "FD-20391", "bills"),
    party("SKYLARK MOBILE", "SKYLARK 07700", "bills"),
    party("ORCHARD INSURANCE", "HOME POLICY 5521", "bills"),
    party("RED KITE TRUST", "DONATION", "charity"),
    party("JOINT HOME ENERGY", "JHE 55120", "bills"),
];

/// One of [`PARTIES`].
pub fn party_of(number: u16) -> &'static Party {
    &PARTIES[usize::from(number) % PARTIES.len()]
}

/// A direct debit: who, from the Bills pot or not, on which day of the month, how much at least and at most.
#[derive(Debug)]
pub struct Mandate {
    /// Who collects.
    pub payee: u16,
    /// From the Bills pot.
    pub from_pot: bool,
    /// From the joint account instead of the personal one.
    pub joint: bool,
    /// On this day, or the next working one.
    pub day: i8,
    /// In pence, in summer and in winter.
    pub amounts: (i64, i64),
}

/// Every direct debit. Three on the first, at the same instant.
pub static MANDATES: &[Mandate] = &[
    Mandate { payee: FIRST_PAYEE, from_pot: true, joint: false, day: 1, amounts: (6200, 17_400) },
    Mandate { payee: FIRST_PAYEE + 1, from_pot: true, joint: false, day: 1, amounts: (15_600, 15_600) },
    Mandate { payee: FIRST_PAYEE + 2, from_pot: true, joint: false, day: 1, amounts: (3850, 3850) },
    Mandate { payee: FIRST_PAYEE + 3, from_pot: true, joint: false, day: 8, amounts: (3200, 3200) },
    Mandate { payee: FIRST_PAYEE + 4, from_pot: true, joint: false, day: 15, amounts: (1400, 1900) },
    Mandate { payee: FIRST_PAYEE + 5, from_pot: false, joint: false, day: 20, amounts: (1825, 1825) },
    Mandate { payee: FIRST_PAYEE + 6, from_pot: false, joint: false, day: 22, amounts: (1000, 1000) },
    Mandate { payee: FIRST_PAYEE + 7, from_pot: false, joint: true, day: 10, amounts: (4000, 9000) },
];
