//! Anything in any order, from a seed: people, payments, faults, deaths, an older database; in the end all is right.

use std::time::Duration;

use jiff::SignedDuration;
use monzo_common::model::LoginState;
use monzo_sandbox::Bank;
use monzo_sandbox::bank::clock::DAY;
use monzo_sandbox::bank::faults::Fault;
use monzo_sandbox::control::Spend;
use monzo_sandbox::random::{Random, mix};
use tempfile::TempDir;

use crate::course::{self, ends_right};
use crate::crash_plan::Death;
use crate::harness::{Died, Harness};
use crate::parallel;
use crate::person::Wish;
use crate::scene::{Scene, in_the_app, post_salary};
use crate::watched_transport::Weather;

/// Seeds that are tried where nobody says how many: always the same, so that a failure is a change's. Taste: CI has
/// the time.
const SEEDS: u64 = 120;

/// Something happens at the bank that no daemon asked for.
fn happen(bank: &mut Bank, random: &mut Random) {
    let now = bank.now().as_millisecond();
    let pot = usize::try_from(random.below(bank.world.pots.len() as u64)).unwrap_or(0);
    match random.below(12) {
        0..4 => {
            let most = bank.world.accounts[bank.life.cast.personal].balance.max(2);
            let amount = Some(random.between(1, most.min(40_000)));
            bank.spend(&Spend { amount, ..Spend::default() }).expect("a payment");
        }
        4..6 => post_salary(bank, now, random.between(10_000, 200_000)),
        6..9 => in_the_app(bank, pot, random.chance(500), random.between(1, 20_000), now),
        9 => bank.world.pots[pot].locked_until = random.chance(600).then_some(now + DAY),
        10 => drop(bank.settle(None)),
        _ => {
            if bank.world.pots[pot].name == "Gifts" && bank.world.pot_balance(pot) == 0 {
                bank.world.pots[pot].deleted = true;
            }
        }
    }
}

/// How much goes wrong at requests.
fn weather(random: &mut Random) -> Box<Weather> {
    let mut own = Random::new(random.number());
    let (faults, events) = (*random.pick(&[0, 10, 60, 200]), *random.pick(&[0, 15, 80]));
    Box::new(move |_, endpoint, bank| {
        let weight = if matches!(endpoint, "deposit" | "withdraw" | "balance") { 3 } else { 1 };
        if own.chance(events * weight) {
            happen(bank, &mut own);
        }
        own.chance(faults * weight).then(|| *own.pick(&Fault::ALL))
    })
}

struct Storm {
    harness: Harness,
    random: Random,
    older: Option<TempDir>,
    frozen: bool,
}

impl Storm {
    fn new(scene: &Scene, seed: u64) -> Self {
        let mut random = Random::new(mix(seed));
        let harness = Harness::new(scene.copy());
        {
            let mut bank = harness.bank.lock();
            bank.settings.latency = Duration::from_millis(*random.pick(&[0, 0, 40, 700]));
            bank.switches.visibility_lag_ms = *random.pick(&[0, 0, 800, 30_000, 150_000]);
            bank.switches.funds_first = random.chance(500);
            bank.switches.added_security_400 = random.chance(500);
            bank.switches.unknown_fields = random.chance(100);
        }
        harness.watch.set_weather(Some(weather(&mut random)));
        Self { harness, random, older: None, frozen: false }
    }

    fn step(&mut self) -> Result<(), Died> {
        if !self.harness.lives() {
            self.harness.open();
        }
        match self.random.below(100) {
            0..55 => self.wish()?,
            55..62 => happen(&mut self.harness.bank.lock(), &mut self.random),
            62..76 => {
                let minutes = *self.random.pick(&[1, 9, 45, 200, 900, 1_500, 4_400]);
                self.harness.jump(SignedDuration::from_mins(self.random.between(1, minutes)));
            }
            76..80 => self.harness.breathe(Duration::from_secs(1_200))?,
            80..89 => {
                let nth = self.random.below(60) + 1;
                let death = match self.random.below(4) {
                    0 => Death::Before(nth),
                    1 => Death::After(nth),
                    _ => Death::Commit(3 * nth),
                };
                self.harness.note(&format!("doomed: {death:?}"));
                self.harness.decide(Some(death));
            }
            89..92 => self.harness.kill(),
            92..94 => self.harness.stop(),
            94..96 => {
                self.harness.stop();
                self.older = Some(self.harness.copy());
            }
            96..98 => self.back(),
            98 => self.harness.bank.lock().evict(),
            _ => self.harness.watch.set_weather(Some(weather(&mut self.random))),
        }
        self.wait()
    }

    fn wish(&mut self) -> Result<(), Died> {
        let wish = Wish::any(&mut self.random);
        self.frozen |= wish.freezes();
        let notes = self.harness.watch.notes.clone();
        let patient = self.random.chance(500);
        self.harness.act(|services| async move {
            let asking = tokio::spawn(wish.ask(services, notes));
            // Who hangs up ends nothing.
            if patient && asking.await.is_err_and(|error| error.is_panic()) {
                panic!("a panic while a wish was fulfilled");
            }
        })
    }

    fn back(&mut self) {
        let Some(older) = self.older.take() else { return };
        self.harness.kill();
        // Longer than the bank's list takes to show what the newer one did.
        self.harness.jump(SignedDuration::from_mins(self.random.between(3, 600)));
        if self.random.chance(500) {
            self.harness.restore(&older);
        } else {
            self.harness.put_back(&older);
        }
        self.frozen = true;
    }

    fn wait(&mut self) -> Result<(), Died> {
        if !self.harness.lives() {
            return Ok(());
        }
        let span = *self.random.pick(&[0, 30, 300, 2_000, 20_000, 90_000]);
        self.harness.breathe(Duration::from_millis(span))?;
        if self.random.chance(700) && self.login() != LoginState::Ready {
            self.harness.log_in()?;
        }
        Ok(())
    }

    fn login(&self) -> LoginState {
        let state = self.harness.act(|services| async move { services.login.state().state });
        state.unwrap_or(LoginState::Ready)
    }
}

fn storm(scene: &Scene, seed: u64) {
    let mut storm = Storm::new(scene, seed);
    for _ in 0..storm.random.between(6, 30) {
        // Who has died begins again at the next step.
        let _ = storm.step();
        storm.harness.check();
        storm.harness.watch.notes.assert_right(&format!("seed {seed}"));
    }
    ends_right(&storm.harness, storm.frozen);
    storm.harness.watch.notes.assert_right(&format!("seed {seed}"));
}

#[test]
fn whatever_happens_in_whatever_order_every_penny_is_where_the_stored_runs_say() {
    let scenes = [course::proven(), course::payday()];
    let one = std::env::var("MONZO_SIMULATION_SEED").ok().and_then(|seed| seed.parse().ok());
    let seeds = match one {
        Some(seed) => seed..seed + 1,
        None => 0..parallel::wanted().unwrap_or(SEEDS),
    };
    parallel::all(seeds, |seed| {
        let scene = usize::from(seed.is_multiple_of(3));
        storm(&scenes[scene], seed);
    });
}
