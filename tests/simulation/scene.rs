//! Where a scenario begins: a bank with some pots, rules, and a database that knows them; copied for each scenario.

use std::fs;
use std::path::Path;

use jiff::Timestamp;
use monzo_sandbox::Settings;
use monzo_sandbox::bank::Bank;
use monzo_sandbox::bank::clock::{DAY, Ms};
use monzo_sandbox::bank::people;
use monzo_sandbox::bank::row::{Kind, Row};
use monzo_sandbox::bank::world::Move;
use monzod::config::Config;
use tempfile::TempDir;

/// The account is never taken under this by a run.
pub const FLOOR: i64 = 10_000;

/// What one run that nobody approved may move.
pub const PER_RUN: i64 = 200_000;

/// What the runs of one day move, where nobody approved the last of them.
pub const PER_DAY: i64 = 260_000;

/// A pot that is excluded.
pub const VAULT: &str = "Vault";

/// The levels that rules fill pots up to.
pub const LEVELS: [(&str, &str, i64); 2] = [("payday", "Holiday", 70_000), ("spread", "Gifts", 20_000)];

const CONFIG: &str = r#"
[sync]
poll = ""
jitter = "1m"
[exclude]
pots = ["Vault"]
[[payday]]
name = "main"
day = "last-working-day"
[autosort]
mode = "propose"
max_per_run = "£2,000.00"
max_per_day = "£2,600.00"
account_floor = "£100.00"
quiet_hours = ["02:00", "05:00"]
[[autosort.rule]]
name = "payday"
mode = "auto"
trigger = { on = "payday", at = "09:00" }
source = "account:Personal"
keep = "£300.00"
step = [
  { pot = "Bills", amount = "£400.00" },
  { pot = "Holiday", up_to = "£700.00" },
  { split = [ { pot = "Gifts", share = "33.33%" }, { pot = "Rainy", share = "66.67%", max = "£150.00" } ] },
]
[[autosort.rule]]
name = "spread"
mode = "auto"
trigger = { on = "weekly", weekday = "friday", at = "12:00" }
source = "pot:Buffer"
keep = "£5.00"
step = [ { pot = "Gifts", up_to = "£200.00" }, { pot = "Rainy", amount = "£5.00" }, { pot = "Bills", amount = "£7.01" } ]
[[autosort.rule]]
name = "top-up"
mode = "auto"
trigger = { on = "balance", of = "account:Personal", below = "£150.00", cooldown = "6h" }
source = "pot:Buffer"
step = [{ account = "Personal", up_to = "£250.00" }]
[[autosort.rule]]
name = "wages"
mode = "auto"
trigger = { on = "income", at_least = "£500.00", once = false }
source = "account:Personal"
keep = "£400.00"
take = "income"
on_failure = "leave"
step = [{ pot = "Rainy", amount = "10% of income" }]
"#;

/// The configuration of all scenarios.
pub fn config() -> Config {
    monzod::config::check_text("simulation.toml", CONFIG).expect("a sound configuration")
}

/// A moment of a bank and its daemon that scenarios begin at.
pub struct Scene {
    /// The bank.
    pub bank: Bank,
    /// The time.
    pub now: Timestamp,
    /// The daemon's state directory.
    pub state: TempDir,
}

impl Scene {
    /// The first moment: a bank, and a daemon that nobody has logged in to.
    pub fn first() -> Self {
        let now: Timestamp = "2026-10-26T10:00:00Z".parse().expect("an instant");
        let mut bank = Bank::new(Settings::minimal(now));
        let (at, cast) = (now.as_millisecond() - 9 * DAY, bank.life.cast);
        post_salary(&mut bank, at, 400_000);
        for (name, holds) in [
            ("Holiday", 30_000),
            ("Buffer", 60_000),
            ("Gifts", 0),
            ("Rainy", 10_000),
            (VAULT, 50_000),
            ("Locked", 20_000),
        ] {
            let pot = bank.world.open_pot(cast.personal, name, "blue", at);
            in_the_app(&mut bank, pot, false, holds, at + 1_000);
        }
        if let Some(pot) = bank.world.pots.iter_mut().find(|pot| pot.name == "Locked") {
            pot.locked_until = Some(at + 400 * DAY);
        }
        Self { bank, now, state: directory() }
    }

    /// The same moment, with files of its own.
    pub fn copy(&self) -> Self {
        let state = directory();
        copy_files(self.state.path(), state.path());
        Self { bank: self.bank.clone(), now: self.now, state }
    }
}

/// Wages come in.
pub fn post_salary(bank: &mut Bank, at: Ms, amount: i64) {
    let personal = bank.life.cast.personal;
    bank.world.post(Row::settled(personal, at, amount, Kind::Salary { party: people::EMPLOYER }));
}

/// The person moves money in the app; nothing where there is too little.
pub fn in_the_app(bank: &mut Bank, pot: usize, withdraw: bool, amount: i64, at: Ms) {
    let world = &mut bank.world;
    let there =
        if withdraw { world.pot_balance(pot) } else { world.accounts[world.pots[pot].account].balance };
    if amount <= 0 || amount > there || world.pots[pot].deleted {
        return;
    }
    let external_id = format!("{}:app-{}", world.users[0].id, world.transfers.len());
    world.transfer(&Move { pot, withdraw, amount, at, lag: 0, trigger: "user", external_id: &external_id });
}

/// Where a daemon's files are: what a process leaves behind when it dies, its disk need not survive.
pub fn directory() -> TempDir {
    monzo_sandbox::home::directory("monzod-").expect("a directory")
}

/// Copies every file of a directory into another.
pub fn copy_files(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_file() {
            fs::copy(&path, to.join(path.file_name().expect("a name"))).expect("copied");
        }
    }
}
