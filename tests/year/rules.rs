//! The configuration that is lived with for a year, and what each of its rules promises, once more and by hand.

/// The rule whose trigger never fires, and which is looked at last: when it has been, all others have.
pub const LOOKOUT: &str = "lookout";

/// Pots that are opened for this year, besides those of the bank's own life.
pub const POTS: [&str; 4] = ["Groceries", "Car insurance", "Buffer", "Gifts"];

/// The pot that nothing may touch.
pub const EXCLUDED: &str = "Rainy day";

/// Of one run by itself, and of a day; pence.
pub const CAPS: (i64, i64) = (250_000, 300_000);

/// What stays in the account whatever happens, pence.
pub const FLOOR: i64 = 10_000;

/// The rule that fills the Bills pot on payday.
pub const PAYDAY: &str = "payday";

/// The year's configuration; `EXCLUDED_ID` stands for the excluded pot's id.
pub const CONFIG: &str = r#"
[sync]
poll = ""
[exclude]
pots = ["EXCLUDED_ID"]
[[payday]]
name = "main"
day = "last-working-day"
income = { at_least = "£1,000.00" }
[autosort]
mode = "auto"
max_per_run = "£2,500.00"
max_per_day = "£3,000.00"
account_floor = "£100.00"

[[autosort.rule]]
name = "payday"
trigger = { on = "payday" }
source = "account:Personal"
keep = ["£900.00", "10%"]
step = [
  { bills = "Bills", buffer = "5%" },
  { pot = "Gifts", amount = "£25.00" },
  { pot = "Groceries", up_to = "£250.00" },
  { pot = "Buffer", up_to = "£300.00" },
  { pot = "Car insurance", up_to = "£480.00", by = "03-01" },
  { goals = ["Holiday", "House deposit"], max = "20%" },
  { split = [{ pot = "Emergency", share = "60%", max = "£80.00" }, { pot = "Someday", share = "40%", up_to = "£500.00" }], leftover = "redistribute" },
  { rest = "Savings", max = "£150.00" },
]

[[autosort.rule]]
name = "guard"
trigger = { on = "daily", at = "19:00" }
source = "account:Personal"
keep = "£150.00"
step = [{ bills = "Bills", horizon = "2d" }]

[[autosort.rule]]
name = "sweep"
trigger = { on = "weekly", weekday = "friday", at = "18:00" }
source = "account:Personal"
keep = "£1,400.00"
step = [{ rest = "Savings", max = "£200.00" }]

[[autosort.rule]]
name = "top-up"
trigger = { on = "balance", of = "account:Personal", below = "£300.00", cooldown = "6h" }
source = "pot:Buffer"
step = [{ account = "Personal", up_to = "£450.00" }]

[[autosort.rule]]
name = "lookout"
trigger = { on = "balance", of = "pot:Buffer", above = "£900,000.00", cooldown = "6h" }
source = "pot:Buffer"
step = [{ account = "Personal", up_to = "£1.00" }]
"#;

/// What a rule leaves in the account of so much, pence; nothing for one whose source is a pot.
pub fn keeps(rule: &str, balance: i64) -> Option<i64> {
    match rule {
        "payday" => Some(90_000.max(balance / 10)),
        "guard" => Some(15_000),
        "sweep" => Some(140_000),
        _ => None,
    }
}

/// How far a rule fills a pot at most, pence, where the configuration or the bank's goal says so.
pub fn fills(rule: &str, pot: &str) -> Option<i64> {
    match (rule, pot) {
        ("payday", "Groceries") => Some(25_000),
        ("payday", "Buffer") => Some(30_000),
        ("payday", "Car insurance") => Some(48_000),
        ("payday", "Someday") => Some(50_000),
        ("payday", "Holiday") => Some(200_000),
        ("payday", "House deposit") => Some(2_500_000),
        _ => None,
    }
}

/// What a rule gives a pot at most in one run, pence.
pub fn gives(rule: &str, pot: &str) -> Option<i64> {
    match (rule, pot) {
        ("payday", "Gifts") => Some(2_500),
        ("payday", "Emergency") => Some(8_000),
        ("payday", "Savings") => Some(15_000),
        ("sweep", "Savings") => Some(20_000),
        ("guard", "Bills") | ("payday", _) => None,
        _ => Some(0),
    }
}

/// Up to where the account is topped up, pence.
pub const TOPPED: i64 = 45_000;
