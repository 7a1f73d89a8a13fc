//! What must hold after every step, from the bank's books and the daemon's database alone.
//!
//! Nothing here asks the daemon's planning code: balances before and after each move are computed from the bank's rows.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Date, time};
use jiff::tz::TimeZone;
use monzo_sandbox::bank::Bank;
use monzo_sandbox::bank::clock::{HOUR, MINUTE, Ms};
use monzo_sandbox::bank::world::World;

use super::eye::{Run, Transfer, instant};
use super::rules;

/// Transfers of ours carry this in the bank's books.
const OURS: &str = ":mz-";

/// What has been looked at already, and what came of it.
pub struct Checks {
    zone: TimeZone,
    /// The bank's transfers up to here.
    seen: usize,
    /// Our transfers at the bank: key to its number.
    made: BTreeMap<String, usize>,
    /// Runs whose beginning was looked at.
    begun: BTreeSet<String>,
    /// What ran on a day.
    days: BTreeMap<Date, i64>,
    /// What was found wrong in this step.
    wrong: Vec<String>,
}

/// A balance as it was before a row was written, from the rows since.
pub fn before(world: &World, account: usize, row: usize) -> i64 {
    let since = world.rows[row..].iter().filter(|line| line.account == account && line.counts());
    world.accounts[account].balance - since.map(|line| line.amount).sum::<i64>()
}

impl Checks {
    /// Checks from now on.
    pub fn new(bank: &Bank) -> Self {
        Self {
            zone: TimeZone::get("Europe/London").expect("a zone"),
            seen: bank.world.transfers.len(),
            made: BTreeMap::new(),
            begun: BTreeSet::new(),
            days: BTreeMap::new(),
            wrong: Vec::new(),
        }
    }

    /// Looks at everything that happened since the last time; answers what is wrong, a sentence each.
    pub fn look(&mut self, bank: &Bank, (runs, transfers): (&[Run], &[Transfer])) -> Vec<String> {
        let by_id: BTreeMap<&str, &Run> = runs.iter().map(|run| (run.id.as_str(), run)).collect();
        self.conserved(&bank.world);
        self.at_the_bank(&bank.world, &by_id, transfers);
        self.in_the_journal(transfers);
        self.once(runs);
        for run in runs.iter().filter(|run| run.started.is_some()) {
            if self.begun.insert(run.id.clone()) {
                let of_run: Vec<&Transfer> = transfers.iter().filter(|one| one.run == run.id).collect();
                self.beginning(&bank.world, run, &of_run);
            }
        }
        std::mem::take(&mut self.wrong)
    }

    fn say(&mut self, run: Option<&Run>, what: &str) {
        let told = run.map_or_else(String::new, |run| {
            let at = run.started.unwrap_or(run.created);
            let at = instant(at).to_zoned(self.zone.clone());
            format!("{} of {} ({}, by {:?}) begun {at}: ", run.id, run.rule, run.state, run.by)
        });
        self.wrong.push(format!("{told}{what}"));
    }

    /// Every account holds the sum of its rows, and each move took from one what it gave the other.
    fn conserved(&mut self, world: &World) {
        let mut sums = vec![0_i64; world.accounts.len()];
        for row in world.rows.iter().filter(|row| row.counts()) {
            sums[row.account] += row.amount;
        }
        for (account, sum) in world.accounts.iter().zip(sums) {
            if account.balance != sum {
                self.say(None, &format!("{} holds {} and its rows {sum}", account.id, account.balance));
            }
        }
        for one in &world.transfers[self.seen..] {
            let [main, hidden] = one.halves.map(|row| world.rows[row].amount);
            if main + hidden != 0 || main.abs() != one.amount || one.amount <= 0 {
                self.say(None, &format!("{} moved {main} and {hidden}", one.external_id));
            }
        }
    }

    /// Each of our transfers at the bank is stored here, the same in all, and within what its rule may do.
    fn at_the_bank(&mut self, world: &World, runs: &BTreeMap<&str, &Run>, transfers: &[Transfer]) {
        let by_key: BTreeMap<&str, &Transfer> = transfers.iter().map(|one| (one.key.as_str(), one)).collect();
        for index in self.seen..world.transfers.len() {
            let one = &world.transfers[index];
            let Some((_, key)) = one.external_id.split_once(OURS) else { continue };
            let key = format!("mz-{key}");
            if self.made.insert(key.clone(), index).is_some() {
                self.say(None, &format!("{key} moved twice"));
            }
            let Some(planned) = by_key.get(key.as_str()) else {
                self.say(None, &format!("{key} moved {} and no run knows of it", one.amount));
                continue;
            };
            let run = runs.get(planned.run.as_str()).copied();
            let pot = &world.pots[one.pot];
            let same = planned.pot == pot.id
                && planned.amount == one.amount
                && (planned.kind == "withdraw") == one.withdraw;
            if !same {
                self.say(
                    run,
                    &format!("{key} moved {} of {}, planned was {planned:?}", one.amount, pot.name),
                );
            }
            self.within(world, index, run, &planned.kind);
        }
        self.seen = world.transfers.len();
    }

    /// No level is passed, nothing out of reach is touched, and no floor is broken.
    fn within(&mut self, world: &World, index: usize, run: Option<&Run>, kind: &str) {
        let Some(run) = run else { return };
        let one = &world.transfers[index];
        let pot = &world.pots[one.pot];
        if pot.name == rules::EXCLUDED || pot.name == "ISA" || pot.account != 0 || pot.deleted {
            self.say(Some(run), &format!("{} was touched", pot.name));
        }
        let account = before(world, pot.account, one.halves[0]);
        if one.withdraw {
            if account + one.amount > rules::TOPPED.max(account) && run.rule == "top-up" {
                self.say(Some(run), &format!("the account had {account} and was given {}", one.amount));
            }
            return;
        }
        if account - one.amount < rules::FLOOR.min(account) {
            self.say(Some(run), &format!("{} was taken of {account}, below the floor", one.amount));
        }
        if kind == "return" {
            return;
        }
        let held = before(world, pot.hidden, one.halves[1]);
        if rules::fills(&run.rule, pot.name).is_some_and(|most| held + one.amount > most.max(held)) {
            self.say(Some(run), &format!("{} held {held} and was given {}", pot.name, one.amount));
        }
        if rules::gives(&run.rule, pot.name).is_some_and(|most| one.amount > most) {
            self.say(Some(run), &format!("{} was given {}", pot.name, one.amount));
        }
    }

    /// What the stored run calls done is at the bank, and what it calls not done is not.
    fn in_the_journal(&mut self, transfers: &[Transfer]) {
        for one in transfers {
            let there = self.made.contains_key(&one.key);
            let fits = match one.state.as_str() {
                "confirmed" => there,
                "planned" | "failed" | "cancelled" => !there,
                _ => true,
            };
            if !fits || one.amount <= 0 {
                self.say(None, &format!("at the bank: {there}; the journal: {one:?}"));
            }
        }
    }

    /// Of each occurrence one run has moved money at most.
    fn once(&mut self, runs: &[Run]) {
        let mut used: BTreeMap<(&str, &str), &str> = BTreeMap::new();
        let moved = runs.iter().filter(|run| run.started.is_some() && run.cause == "occurrence");
        let mut twice = Vec::new();
        for run in moved {
            let Some(key) = run.occurrence.as_deref() else { continue };
            if let Some(other) = used.insert((&run.rule, key), &run.id) {
                twice.push((run, format!("{key} was run by {other} before")));
            }
        }
        for (run, what) in twice {
            self.say(Some(run), &what);
        }
    }

    /// A run's beginning: what stays in the source, how much by itself, and at which hour.
    fn beginning(&mut self, world: &World, run: &Run, transfers: &[&Transfer]) {
        let sum = |withdrawn: bool| {
            let of = transfers.iter().filter(|one| one.kind != "return");
            of.filter(|one| (one.kind == "withdraw") == withdrawn).map(|one| one.amount).sum::<i64>()
        };
        let (out, into) = (sum(true), sum(false));
        let moved = out.max(into);
        let first = transfers.iter().filter_map(|one| self.made.get(&one.key)).min().copied();
        let at: Ms = first.map_or(run.started.unwrap_or(run.created), |first| world.transfers[first].at);
        let local = instant(at).to_zoned(self.zone.clone());
        let of_day = local.time();
        if of_day < time(7, 0, 0, 0) || of_day >= time(23, 45, 0, 0) {
            self.say(Some(run), &format!("began at {of_day}"));
        }
        let day = self.days.entry(local.date()).or_default();
        *day += moved;
        let day = *day;
        if run.by_itself() && (moved > rules::CAPS.0 || day > rules::CAPS.1) {
            self.say(Some(run), &format!("moved {moved} by itself, {day} on that day"));
        }
        let Some(first) = first.filter(|_| out == 0) else { return };
        let first = &world.transfers[first];
        let row = first.halves[0];
        // What was paid between the plan and the first transfer, the plan could not know.
        let planned = run.approved.unwrap_or(run.created) - MINUTE;
        let since = world.rows[..row].iter().rev().take_while(|line| line.created >= planned - 24 * HOUR);
        let unforeseen: i64 = since
            .filter(|line| line.account == 0 && line.counts() && (planned..first.at).contains(&line.created))
            .map(|line| line.amount)
            .sum();
        let balance = before(world, 0, row) - unforeseen;
        let left = balance - into;
        if let Some(keep) = rules::keeps(&run.rule, balance)
            && left < keep
        {
            self.say(Some(run), &format!("{into} of {balance} leaves {left}, less than {keep}"));
        }
    }
}

/// Each check meets what it is there to find.
mod met {
    use monzo_sandbox::bank::Settings;
    use monzo_sandbox::bank::world::Move;

    use super::*;
    use crate::rig::NOON;

    struct Sample {
        bank: Bank,
        checks: Checks,
        runs: Vec<Run>,
        transfers: Vec<Transfer>,
    }

    impl Sample {
        fn new() -> Self {
            let settings = Settings { years: 1, ..Settings::new(NOON.parse().expect("an instant")) };
            let mut bank = Bank::new(settings);
            let at = bank.now().as_millisecond();
            bank.pay_salary(None, 300_000).expect("paid");
            for name in rules::POTS {
                bank.world.open_pot(0, name, "teal", at);
            }
            Self { checks: Checks::new(&bank), bank, runs: Vec::new(), transfers: Vec::new() }
        }

        fn run(&mut self, id: &str, rule: &str, key: &str) -> &mut Self {
            let at = self.bank.now().as_millisecond();
            self.runs.push(Run {
                id: id.to_owned(),
                rule: rule.to_owned(),
                cause: "occurrence".to_owned(),
                occurrence: Some(key.to_owned()),
                state: "done".to_owned(),
                by: Some("auto".to_owned()),
                created: at,
                approved: Some(at),
                started: Some(at),
                ended: Some(at),
            });
            self
        }

        /// A deposit that the last run has stored as confirmed, and that is at the bank.
        fn deposit(&mut self, pot: &str, amount: i64) -> &mut Self {
            let run = self.runs.last().expect("a run").id.clone();
            let key = format!("mz-{run}-{}d", self.transfers.len());
            let index = self.bank.world.pots.iter().position(|one| one.name == pot).expect("a pot");
            self.made(index, amount, &key);
            self.transfers.push(Transfer {
                run,
                kind: "deposit".to_owned(),
                pot: self.bank.world.pots[index].id.clone(),
                amount,
                state: "confirmed".to_owned(),
                key,
                reconciled: None,
                row: None,
            });
            self
        }

        fn made(&mut self, pot: usize, amount: i64, key: &str) {
            let at = self.bank.now().as_millisecond();
            let external_id = &format!("user_1:{key}");
            self.bank.world.transfer(&Move {
                pot,
                withdraw: false,
                amount,
                at,
                lag: 0,
                trigger: "user",
                external_id,
            });
        }

        fn finds(&mut self, what: &str) {
            let found = self.checks.look(&self.bank, (&self.runs, &self.transfers));
            assert!(found.iter().any(|one| one.contains(what)), "{what}: {found:#?}");
        }
    }

    #[test]
    fn what_is_right_is_not_complained_of() {
        let mut sample = Sample::new();
        sample.run("run_1", "payday", "2026-11-30").deposit("Groceries", 2_000).deposit("Gifts", 2_500);
        let found = sample.checks.look(&sample.bank, (&sample.runs, &sample.transfers));
        assert!(found.is_empty(), "{found:#?}");
    }

    #[test]
    fn what_is_wrong_is_found() {
        let mut sample = Sample::new();
        sample.run("run_1", "payday", "2026-11-30").deposit("Groceries", 26_000);
        sample.finds("Groceries held 0 and was given 26000");
        sample.deposit("Gifts", 2_501);
        sample.finds("Gifts was given 2501");
        sample.deposit(rules::EXCLUDED, 1);
        sample.finds("was touched");
        sample.run("run_2", "payday", "2026-11-30");
        sample.finds("2026-11-30 was run by run_1 before");

        let mut sample = Sample::new();
        sample.made(0, 5, "mz-nobody-1d");
        sample.finds("no run knows of it");

        let mut sample = Sample::new();
        sample.run("run_1", "payday", "2026-11-30").deposit("Gifts", 100).transfers[0].amount = 99;
        sample.finds("planned was");
        sample.transfers[0].state = "failed".to_owned();
        sample.finds("at the bank: true");

        let mut sample = Sample::new();
        let balance = sample.bank.world.accounts[0].balance;
        sample.run("run_1", "guard", "2026-11-24").deposit("Bills", balance - 14_000);
        sample.finds("less than 15000");
        sample.deposit("Bills", 5_000);
        sample.finds("below the floor");
        sample.bank.world.accounts[0].balance += 1;
        sample.finds("and its rows");

        let mut sample = Sample::new();
        sample.bank.pass(instant(sample.bank.now().as_millisecond() + 12 * HOUR));
        sample.run("run_1", "payday", "2026-11-30").deposit("Gifts", 100);
        sample.finds("began at 00:00");
    }
}
