//! Killed from outside at random moments of a run, at a bank that goes wrong at random: each transfer happens once or,
//! where the run says so, not at all, and no penny is lost sight of.
//!
//! `MONZOD_TEST_SEEDS=100 cargo test -p monzo-tests --test e2e kills` plays more than the few of every day, and
//! `MONZOD_TEST_SEED=7` a certain one.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use monzo_sandbox::bank::faults::{Fault, Rule};
use monzo_sandbox::random::Random;
use serde_json::{Value, json};

use crate::midway::three_pots;
use crate::moves::{ended, run};
use crate::rig::Rig;
use crate::rules::newest;

/// Seeds that are played when nobody asks for more.
const SEEDS: u64 = 3;

/// What a bank may do to any request, one in eight of those that matter.
const TROUBLES: [Fault; 10] = [
    Fault::TimeoutAfter,
    Fault::ResetAfter,
    Fault::HangAfter,
    Fault::ResetBefore,
    Fault::Internal,
    Fault::Gateway,
    Fault::RateLimit,
    Fault::EmptyBody,
    Fault::TruncatedBody,
    Fault::FalseEmptyPage,
];

const RULES: &str = r#"
[monzo]
timeout = "1s"
[sync]
poll = ""
[[payday]]
name = "main"
day = "last-working-day"
[[autosort.rule]]
name = "pay"
trigger = { on = "income", at_least = "£300.00" }
source = "account:Personal"
keep = "£100.00"
step = [
  { pot = "Holiday", amount = "£50.00" },
  { split = [{ pot = "Car", share = "33.33%" }, { pot = "Bills", share = "66.67%" }] },
]
[[autosort.rule]]
name = "spread"
trigger = { on = "manual" }
source = "pot:Bills"
step = [{ pot = "Holiday", amount = "£100.00" }, { pot = "Car", amount = "£50.00" }]
"#;

fn seeds() -> Vec<u64> {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    match number("MONZOD_TEST_SEED") {
        Some(seed) => vec![seed],
        None => (1..=number("MONZOD_TEST_SEEDS").unwrap_or(SEEDS)).collect(),
    }
}

/// Plays a run of each seed.
fn play(scene: impl Fn(&mut Rig) -> String) {
    for seed in seeds() {
        let mut random = Random::new(seed);
        let mut rig = three_pots(RULES);
        let id = scene(&mut rig);
        let before = books(&rig);
        let run = storm(&mut rig, &id, &mut random);
        check(&rig, seed, &run, &before);
    }
}

/// Approves a run at a bank that goes wrong, kills the daemon several times, and answers how it ended.
fn storm(rig: &mut Rig, id: &str, random: &mut Random) -> Value {
    {
        let mut bank = rig.bank.bank();
        bank.switches.visibility_lag_ms = *random.pick(&[0, 0, 700, 20_000]);
        bank.switches.funds_first = random.chance(500);
        bank.settings.latency = Duration::from_millis(random.below(12));
        let rules = ["deposit", "withdraw", "balance", "transactions"].into_iter().flat_map(|endpoint| {
            let fault = *random.pick(&TROUBLES);
            let other = *random.pick(&TROUBLES);
            [
                Rule::chance(fault, 120_000).at(endpoint).times(2),
                Rule::chance(other, 120_000).at(endpoint).times(2),
            ]
        });
        let rules: Vec<Rule> = rules.collect();
        bank.set_faults(rules, random.number());
    }
    // The answer may be lost with the daemon, or refuse because the bank could not be read.
    let _ = rig.ctl(&["sort", "approve", id, "--yes", "--no-wait"]);
    for _ in 0..random.between(1, 3) {
        // The moment is the point of this test, so that it is reached by the clock.
        let at = Instant::now() + Duration::from_millis(random.below(250));
        while Instant::now() < at {
            std::hint::spin_loop();
        }
        rig.kill();
        rig.start();
    }
    {
        let mut bank = rig.bank.bank();
        bank.clear_faults();
        bank.switches.visibility_lag_ms = 0;
        bank.settings.latency = Duration::ZERO;
    }
    rig.bank.advance(SignedDuration::from_mins(6));
    if run(rig, id)["state"] == "proposed" {
        // The bank could not be read, so that nothing was approved.
        rig.rpc("autosort.approve", &json!({"id": id}));
    }
    ended(rig, id)
}

/// What the account and each pot hold, by the bank's books.
fn books(rig: &Rig) -> BTreeMap<String, i64> {
    let bank = rig.bank.bank();
    let pots = bank.world.pots.iter().enumerate();
    let mut held: BTreeMap<String, i64> =
        pots.map(|(index, pot)| (pot.id.clone(), bank.world.pot_balance(index))).collect();
    held.insert("account".to_owned(), bank.world.accounts[bank.life.cast.personal].balance);
    held
}

/// The bank's books and the run's record are one.
fn check(rig: &Rig, seed: u64, run: &Value, before: &BTreeMap<String, i64>) {
    let transfers = run["transfers"].as_array().expect("a list");
    let made: Vec<(String, bool, String, i64)> = {
        let bank = rig.bank.bank();
        let ours = bank.world.transfers.iter().filter(|one| one.external_id.contains(":mz-"));
        ours.map(|one| {
            let key = one.external_id.rsplit(':').next().expect("a key").to_owned();
            (key, one.withdraw, bank.world.pots[one.pot].id.clone(), one.amount)
        })
        .collect()
    };
    let keys: BTreeSet<&str> = made.iter().map(|one| one.0.as_str()).collect();
    assert_eq!(keys.len(), made.len(), "seed {seed}: a key was used twice: {made:?}");
    for one in transfers {
        let text = |key: &str| one[key].as_str().expect("text");
        let found = made.iter().find(|made| made.0 == text("dedupe_id"));
        match text("state") {
            "confirmed" => {
                let (_, withdraw, pot, amount) =
                    found.unwrap_or_else(|| panic!("seed {seed}: not made: {one}"));
                let said = (text("kind") == "withdraw", text("pot_id"), one["amount"].as_i64());
                assert_eq!((*withdraw, pot.as_str(), Some(*amount)), said, "seed {seed}: {one}");
            }
            "failed" | "cancelled" => assert_eq!(found, None, "seed {seed}: made, though not said: {one}"),
            other => panic!("seed {seed}: a run ended with a transfer that is {other}: {run}"),
        }
    }
    assert_eq!(
        transfers.iter().filter(|one| one["state"] == "confirmed").count(),
        made.len(),
        "seed {seed}: something was moved that is not in the record: {made:?} {run}"
    );
    let mut expected = before.clone();
    for (_, withdraw, pot, amount) in &made {
        let amount = if *withdraw { *amount } else { -*amount };
        *expected.get_mut("account").expect("there") += amount;
        *expected.get_mut(pot).expect("there") -= amount;
    }
    assert_eq!(books(rig), expected, "seed {seed}");
    // The bank came back, and so did everything else: nothing is left over that could stay anywhere.
    assert_eq!(run["state"], "done", "seed {seed}: {run}");
    rig.until("the rows are seen", || {
        rig.sync();
        let run = self::run(rig, run["id"].as_str().expect("an id"));
        run["transfers"].as_array().expect("a list").iter().all(|one| one["reconciled_at"].is_string())
    });
    assert_eq!(rig.status()["sorter"]["frozen"], false, "seed {seed}");
}

#[test]
fn a_payday_run_survives_kills_and_a_bank_that_goes_wrong_to_the_penny() {
    play(|rig| {
        rig.bank.bank().pay_salary(None, 40_001).expect("paid");
        rig.sync();
        newest(rig, 1, "proposed")["id"].as_str().expect("an id").to_owned()
    });
}

#[test]
fn a_run_from_pot_to_pots_survives_kills_and_a_bank_that_goes_wrong_to_the_penny() {
    play(|rig| {
        let said = rig.rpc("autosort.run", &json!({"rule": "spread", "hash": null, "again": false}));
        said["run"]["id"].as_str().unwrap_or_else(|| panic!("no run: {said}")).to_owned()
    });
}
