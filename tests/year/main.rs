//! A year with the sorter: paydays, bills and spending, faults, restarts and renewals, and what must hold after each step.
//!
//! The bank lives on by itself as its clock is moved; the daemon syncs when it is asked to and sorts on its own. After
//! every step [`checks`] looks at the bank's books and the daemon's database; at the end [`bills`] judges whether what
//! could be covered was. `MONZOD_YEAR_SEED` and `MONZOD_YEAR_DAYS` choose another life or a longer one.

mod bills;
mod checks;
mod end;
mod eye;
mod life;
#[allow(dead_code, reason = "the rig serves many tests, and this is one")]
#[path = "../e2e/rig.rs"]
mod rig;
mod rules;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use monzo_sandbox::bank::clock::Ms;
use monzo_sandbox::bank::faults::{Fault, Rule};
use monzo_sandbox::bank::{Bank, Lapse, Settings, Switches};
use serde_json::{Value, json};

use checks::Checks;
use eye::{Eye, Run};
use life::{Deed, Life};
use rig::{PATIENCE, Rig};

/// The life that continuous integration lives; any other must end as well.
const SEED: u64 = 11;

/// A year and its last payday.
const DAYS: u64 = 371;

/// Between two looks at what changes by itself.
const SHORT: Duration = Duration::from_millis(5);

/// A daemon, its bank, and who looks at both.
struct Year {
    rig: Rig,
    eye: Eye,
    checks: Checks,
    /// The bank's rows before the year.
    since: usize,
    /// The bank does not list what the Bills pot's own card pays, as the real one may not.
    unlisted: bool,
    /// When no daemon ran.
    asleep: Vec<(Ms, Ms)>,
    steps: u64,
    /// Where the time goes, for whoever makes it longer.
    spent: BTreeMap<&'static str, Duration>,
}

fn told(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is {text}")))
}

impl Year {
    fn begin(seed: u64) -> Self {
        let unlisted = seed.is_multiple_of(3);
        let settings = Settings { seed, lively: true, ..rig::year() };
        let mut rig = Rig::stopped(settings, "");
        let excluded = {
            let mut bank = rig.bank.bank();
            let (account, at) = (bank.life.cast.personal, bank.now().as_millisecond() - 1);
            for name in rules::POTS {
                bank.world.open_pot(account, name, "teal", at);
            }
            let switches =
                Switches { by_hand: false, virtual_cards_listed: !unlisted, ..bank.switches.clone() };
            bank.switch(switches);
            let pot = bank.world.pots.iter().find(|pot| pot.name == rules::EXCLUDED).expect("a pot");
            pot.id.clone()
        };
        let config = rules::CONFIG.replace("EXCLUDED_ID", &excluded);
        std::fs::write(rig.home.path("etc/conf.d/more.toml"), config).expect("written");
        rig.start();
        rig.login();
        let (checks, since) = {
            let bank = rig.bank.bank();
            (Checks::new(&bank), bank.world.rows.len())
        };
        let eye = Eye::open(&rig.home.state().join("monzod.db"));
        let (asleep, spent) = (Vec::new(), BTreeMap::new());
        Self { rig, eye, checks, since, unlisted, asleep, steps: 0, spent }
    }

    fn timed<T>(&mut self, what: &'static str, deed: impl FnOnce(&mut Self) -> T) -> T {
        let began = Instant::now();
        let done = deed(self);
        *self.spent.entry(what).or_default() += began.elapsed();
        done
    }

    fn now(&self) -> String {
        self.rig.bank.now().to_string()
    }

    /// Moves the bank's clock to this instant.
    fn pass(&mut self, at: Timestamp) {
        let by = at.duration_since(self.rig.bank.now());
        if by.is_positive() {
            self.timed("life", |year| year.rig.bank.advance(by));
        }
    }

    /// Asks for a sync; one that runs already may be past what has just happened, so that it is not joined.
    fn start(&self) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let said = self.rig.call("sync.start", &json!({"full": false}));
            let said = said.unwrap_or_else(|error| panic!("{}: {error}", self.now()));
            if said["joined"] == false {
                return;
            }
            assert!(Instant::now() < deadline, "{}: a sync never ends: {said}", self.now());
            std::thread::sleep(SHORT);
        }
    }

    /// Syncs, and waits until all that follows has followed.
    fn sync(&mut self) {
        self.timed("sync", |year| {
            let now = year.now();
            year.start();
            if let Err(why) = year.eye.settle(PATIENCE) {
                panic!("{now}: it never settles: {why}: {:#?}", year.unfinished());
            }
        });
    }

    fn unfinished(&self) -> Vec<Run> {
        let mut runs = self.eye.runs();
        runs.retain(|run| run.ended.is_none());
        runs
    }

    /// The person says yes to what waits for them.
    fn approve(&mut self) {
        for _ in 0..4 {
            let Some(run) = self.unfinished().into_iter().find(|run| run.state == "proposed") else { return };
            let said = self.rig.call("autosort.approve", &json!({"id": run.id}));
            if let Err(error) = &said {
                // What no longer fits is planned anew, and asked again.
                assert!(error["data"]["code"].is_string(), "{}: {run:?}: {error}", self.now());
            }
            let settled = self.timed("approve", |year| year.eye.settle(PATIENCE));
            settled.unwrap_or_else(|why| panic!("{}: {why}: {:#?}", self.now(), self.unfinished()));
        }
    }

    fn check(&mut self) {
        self.steps += 1;
        let wrong = self.timed("check", |year| {
            let bank = year.rig.bank.bank();
            year.checks.look(&bank, (&year.eye.runs(), &year.eye.transfers()))
        });
        assert!(wrong.is_empty(), "{}, step {}:\n  {}", self.now(), self.steps, wrong.join("\n  "));
    }

    /// Nothing is left unexplained, and nothing has frozen itself.
    fn agree(&mut self) {
        let status = self.status();
        for account in status["accounts"].as_array().expect("a list") {
            let difference = &account["difference"];
            // What a pot's card pays unseen is told as spending that no row explains.
            let unseen = self.unlisted && account["pot_id"].is_string();
            let none = difference.is_null() || *difference == 0;
            assert!(none || unseen, "{}, step {}: {account}", self.now(), self.steps);
        }
        assert_eq!(status["sorter"]["frozen"], false, "{}, step {}: {status}", self.now(), self.steps);
    }

    /// The status page.
    fn status(&self) -> Value {
        self.rig.call("system.status", &Value::Null).expect("a status")
    }

    /// One moment of the life: time passes, something is done, and everything is looked at.
    fn live(&mut self, at: Timestamp, deed: &Deed) {
        self.pass(at);
        match deed {
            Deed::Sync => self.sync(),
            Deed::Renew => {
                self.rig.bank.bank().renew();
                self.rig.call("auth.renew", &Value::Null).expect("renewed");
                self.sync();
            }
            Deed::Restart => {
                assert!(self.rig.stop().success(), "{}: it stops", self.now());
                self.rig.start();
                self.sync();
            }
            Deed::Kill => {
                self.rig.kill();
                self.rig.start();
                self.sync();
            }
            Deed::KillAt(count) => {
                let asked = |bank: &Bank| bank.counts.get("deposit").copied().unwrap_or(0);
                let enough = asked(&self.rig.bank.bank()) + count;
                self.start();
                let deadline = Instant::now() + PATIENCE;
                while !self.rig.bank.wait_until(SHORT, |bank| asked(bank) >= enough)
                    && self.eye.unsettled().is_some()
                {
                    assert!(Instant::now() < deadline, "{}: {:#?}", self.now(), self.unfinished());
                }
                self.rig.kill();
                self.rig.start();
                self.sync();
            }
            Deed::Faults(fault, endpoint, nth) => {
                let rules = vec![Rule::nth(*fault, *nth).at(endpoint), Rule::chance(Fault::Internal, 10_000)];
                self.rig.bank.bank().set_faults(rules, self.steps);
                self.sync();
                self.check();
                self.pass(at + SignedDuration::from_hours(1));
                self.rig.bank.bank().clear_faults();
                self.sync();
            }
            Deed::Lapse => {
                self.rig.bank.bank().lapse(Lapse::Permissions);
                self.sync();
                self.check();
                self.pass(at + SignedDuration::from_hours(1));
                self.rig.bank.bank().renew();
                self.rig.call("auth.renew", &Value::Null).expect("renewed");
                self.sync();
            }
            Deed::Sleep(until) => {
                self.rig.stop();
                self.asleep.push((at.as_millisecond(), until.as_millisecond()));
                self.pass(*until);
                self.rig.start();
                self.sync();
            }
        }
        self.check();
        self.agree();
        if life::awake(at) {
            self.approve();
            self.check();
        }
    }
}

#[test]
fn a_year_ends_with_every_bill_covered_that_could_be() {
    let (seed, days) = (told("MONZOD_YEAR_SEED", SEED), told("MONZOD_YEAR_DAYS", DAYS));
    let mut year = Year::begin(seed);
    let mut life = Life::new(&mut year.rig.bank.bank(), seed);
    for day in 0..days {
        let moments = life.day(&mut year.rig.bank.bank(), day);
        for (at, deed) in moments {
            year.live(at, &deed);
        }
    }
    year.end(seed);
}
