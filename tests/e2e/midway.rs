//! Runs that meet trouble between two of their transfers: each penny is placed, back in its pot, or named, whether or
//! not the daemon dies meanwhile.

use jiff::SignedDuration;
use monzo_sandbox::bank::faults::{Fault, Rule};
use monzo_sandbox::bank::world::Move;
use monzo_sandbox::control::Spend;
use serde_json::{Value, json};

use crate::moves::{ended, moved, run};
use crate::rig::{self, Rig};
use crate::rules::{accepted, reconfigure};

/// From one pot into two others; `HEAD` is what a test adds to `[autosort]`.
pub fn spread(head: &str) -> String {
    format!(
        "[monzo]\ntimeout = \"1s\"\n[sync]\npoll = \"\"\n[autosort]\n{head}\n[[autosort.rule]]\nname = \"spread\"\n\
         trigger = {{ on = \"manual\" }}\nsource = \"pot:Bills\"\n\
         step = [{{ pot = \"Holiday\", amount = \"£100.00\" }}, {{ pot = \"Car\", amount = \"£50.00\" }}]\n"
    )
}

/// Money that went out of a pot, or into one.
type Moved = (bool, String, i64);

pub fn out(pot: &str, amount: i64) -> Moved {
    (true, pot.to_owned(), amount)
}

pub fn into(pot: &str, amount: i64) -> Moved {
    (false, pot.to_owned(), amount)
}

/// A bank with three pots, of which Bills holds £500.00, and a daemon that has read it.
pub fn three_pots(more: &str) -> Rig {
    let mut rig = Rig::stopped(rig::small(), more);
    {
        let mut bank = rig.bank.bank();
        let (account, at) = (bank.life.cast.personal, bank.now().as_millisecond() - 1);
        bank.world.open_pot(account, "Holiday", "teal", at);
        bank.world.open_pot(account, "Car", "blue", at);
    }
    rig.start();
    rig.login();
    accepted(&rig);
    rig
}

/// The place of a pot in the bank's books.
pub fn pot(rig: &Rig, name: &str) -> usize {
    rig.bank.bank().world.pots.iter().position(|pot| pot.name == name).expect("a pot")
}

/// The person moves money in the app.
pub fn by_app(rig: &Rig, withdraw: bool, name: &str, amount: i64) {
    let pot = pot(rig, name);
    let mut bank = rig.bank.bank();
    let at = bank.now().as_millisecond();
    let external_id = format!("{}:app-{at}", bank.world.users[0].id);
    bank.world.transfer(&Move {
        pot,
        withdraw,
        amount,
        at,
        lag: 0,
        trigger: "user",
        external_id: &external_id,
    });
}

/// From now on the bank answers this to each request of a kind.
pub fn always(rig: &Rig, fault: Fault, endpoint: &str) {
    rig.bank.bank().set_faults(vec![Rule::chance(fault, 1_000_000).at(endpoint)], 0);
}

pub fn asked(rig: &Rig, endpoint: &str) -> u64 {
    rig.bank.bank().counts.get(endpoint).copied().unwrap_or_default()
}

/// Lets the rule `spread` go, and answers its run when the bank has been asked for something.
pub fn begun(rig: &Rig, endpoint: &str) -> String {
    let said = rig.rpc("autosort.run", &json!({"rule": "spread", "hash": null, "again": false}));
    let id = said["run"]["id"].as_str().unwrap_or_else(|| panic!("no run: {said}")).to_owned();
    let before = asked(rig, endpoint);
    rig.rpc("autosort.approve", &json!({"id": id}));
    rig.until("it is asked for", || asked(rig, endpoint) > before);
    id
}

/// A run whose withdrawal is done and whose deposits the bank has no time for, until the faults are cleared.
pub fn halfway(rig: &Rig) -> String {
    always(rig, Fault::RateLimit, "deposit");
    begun(rig, "deposit")
}

/// Dies without a warning, and is started again; what was being asked for then is in doubt until the list can show it.
pub fn reborn(rig: &mut Rig) {
    rig.kill();
    rig.start();
    rig.bank.advance(SignedDuration::from_mins(6));
}

/// Waits until a transfer is given up, while the bank still has no time for others.
fn given_up(rig: &Rig, id: &str, transfer: usize) {
    rig.until("it is given up", || matches!(states(&run(rig, id))[transfer], "failed" | "cancelled"));
}

/// The bank has time again; answers how the run ended.
pub fn over(rig: &Rig, id: &str) -> Value {
    rig.bank.bank().clear_faults();
    ended(rig, id)
}

/// How each transfer of a run stands.
pub fn states(run: &Value) -> Vec<&str> {
    let transfers = run["transfers"].as_array().expect("a list");
    transfers.iter().map(|one| one["state"].as_str().expect("a state")).collect()
}

/// Plays a scene with a daemon that lives through it, and with one that dies in the middle.
pub fn twice(config: &str, scene: impl Fn(&mut Rig, bool)) {
    for dies in [false, true] {
        scene(&mut three_pots(config), dies);
    }
}

#[test]
fn a_list_that_lags_and_answers_that_are_lost_move_money_exactly_once() {
    twice(&spread(""), |rig, dies| {
        rig.bank.bank().switches.visibility_lag_ms = 90_000;
        let lost =
            [Rule::nth(Fault::TimeoutAfter, 1).at("withdraw"), Rule::nth(Fault::ResetAfter, 1).at("deposit")];
        rig.bank.bank().set_faults(lost.into(), 0);
        let id = begun(rig, "deposit");
        if dies {
            reborn(rig);
        }
        let run = ended(rig, &id);
        assert_eq!(run["state"], "done", "{run}");
        assert_eq!(moved(rig), [out("Bills", 15_000), into("Holiday", 10_000), into("Car", 5_000)]);
        rig.bank.advance(SignedDuration::from_mins(2));
        rig.until("the rows are seen", || {
            rig.sync();
            let run = self::run(rig, &id);
            run["transfers"].as_array().expect("a list").iter().all(|one| one["reconciled_at"].is_string())
        });
        assert_eq!(rig.status()["sorter"]["frozen"], false);
    });
}

#[test]
fn bursts_of_429_and_of_failures_of_the_bank_move_money_exactly_once() {
    twice(&spread(""), |rig, dies| {
        let at = |fault, nth, endpoint| Rule::nth(fault, nth).at(endpoint);
        let bursts = vec![
            at(Fault::RateLimitSeconds, 1, "withdraw"),
            at(Fault::Gateway, 2, "withdraw"),
            at(Fault::Internal, 1, "deposit"),
            at(Fault::RateLimit, 2, "deposit"),
            at(Fault::Timeout, 4, "deposit"),
        ];
        rig.bank.bank().set_faults(bursts, 0);
        let id = begun(rig, "deposit");
        if dies {
            reborn(rig);
        }
        let run = ended(rig, &id);
        assert_eq!(run["state"], "done", "{run}");
        assert_eq!(moved(rig), [out("Bills", 15_000), into("Holiday", 10_000), into("Car", 5_000)]);
    });
}

#[test]
fn a_source_that_was_emptied_meanwhile_gives_nothing_and_the_run_fails() {
    twice(&spread(""), |rig, dies| {
        always(rig, Fault::RateLimit, "withdraw");
        let id = begun(rig, "withdraw");
        by_app(rig, true, "Bills", 45_000);
        if dies {
            reborn(rig);
        }
        let before = asked(rig, "withdraw");
        rig.bank.bank().clear_faults();
        if dies {
            // What was sent before may have happened, so that the refusal of its repeat is believed only with the list.
            rig.until("the repeat is refused", || asked(rig, "withdraw") > before);
            rig.bank.advance(SignedDuration::from_mins(6));
        }
        let run = ended(rig, &id);
        assert_eq!(run["state"], "failed", "{run}");
        assert_eq!(states(&run)[1..], ["cancelled", "cancelled"], "{run}");
        assert!(run["reason"].is_string(), "{run}");
        assert_eq!(moved(rig), []);
        assert!(rig.attention().contains(&"run_failed".to_owned()), "{:?}", rig.attention());
    });
}

/// The source refuses for good; from then on it is left to the app.
fn refused(change: impl Fn(&mut monzo_sandbox::bank::world::Pot, i64)) {
    let rig = three_pots(&spread(""));
    always(&rig, Fault::RateLimit, "withdraw");
    let id = begun(&rig, "withdraw");
    let bills = pot(&rig, "Bills");
    {
        let mut bank = rig.bank.bank();
        let tomorrow = bank.now().as_millisecond() + 86_400_000;
        change(&mut bank.world.pots[bills], tomorrow);
    }
    let run = over(&rig, &id);
    assert_eq!(run["state"], "failed", "{run}");
    assert_eq!(states(&run), ["failed", "cancelled", "cancelled"], "{run}");
    assert_eq!(moved(&rig), []);
    rig.sync();
    let asked_before = asked(&rig, "withdraw");
    let said = rig.ctl(&["move", "£5", "Bills", "Personal", "--yes"]);
    assert!(matches!(said.code, 2 | 6), "{said:?}");
    assert_eq!(asked(&rig, "withdraw"), asked_before, "what refuses is not asked again");
}

#[test]
fn a_source_that_is_locked_secured_or_deleted_meanwhile_is_left_to_the_app() {
    refused(|pot, tomorrow| pot.locked_until = Some(tomorrow));
    refused(|pot, _| pot.added_security = true);
}

#[test]
fn a_source_that_is_deleted_meanwhile_gives_nothing() {
    refused(|pot, _| pot.deleted = true);
}

#[test]
fn a_target_that_is_deleted_midway_does_not_stop_the_other_and_its_part_goes_back() {
    twice(&spread(""), |rig, dies| {
        let id = halfway(rig);
        let holiday = pot(rig, "Holiday");
        rig.bank.bank().world.pots[holiday].deleted = true;
        if dies {
            reborn(rig);
        }
        let run = over(rig, &id);
        assert_eq!(run["state"], "partial", "{run}");
        // Refused by the bank, or by what a sync read meanwhile.
        assert!(matches!(states(&run)[1], "failed" | "cancelled"), "{run}");
        assert_eq!(moved(rig), [out("Bills", 15_000), into("Car", 5_000), into("Bills", 10_000)]);
        assert!(rig.attention().contains(&"run_partial".to_owned()));
    });
}

/// Gives up what is left to send, and answers the run when it was done in part.
fn done_in_part(rig: &Rig, id: &str) -> Value {
    given_up(rig, id, 1);
    let run = over(rig, id);
    assert_eq!(run["state"], "partial", "{run}");
    run
}

#[test]
fn money_that_a_card_took_midway_is_missing_from_the_return_and_named() {
    twice(&spread(""), |rig, dies| {
        let id = halfway(rig);
        // £1,482.70 and £150.00 that are on their way; £60.00 stay.
        let order = Spend { amount: Some(157_270), ..Spend::default() };
        rig.bank.bank().spend(&order).expect("bought");
        if dies {
            reborn(rig);
        }
        let run = done_in_part(rig, &id);
        assert_eq!(moved(rig), [out("Bills", 15_000), into("Car", 5_000), into("Bills", 1_000)]);
        assert!(run["reason"].as_str().expect("a reason").contains("£90.00 stays in Personal"), "{run}");
    });
}

#[test]
fn what_was_left_out_midway_is_not_touched_and_its_part_goes_back() {
    twice(&spread(""), |rig, dies| {
        let id = halfway(rig);
        assert_eq!(rig.ctl(&["exclude", "add", "Holiday"]).code, 0);
        if dies {
            reborn(rig);
        }
        let run = done_in_part(rig, &id);
        assert_eq!(moved(rig), [out("Bills", 15_000), into("Car", 5_000), into("Bills", 10_000)]);
        assert!(run["reason"].as_str().expect("a reason").contains("excluded"), "{run}");
    });
}

#[test]
fn what_cannot_go_back_into_an_excluded_source_stays_in_the_account_and_is_named() {
    let rig = three_pots(&spread(""));
    let id = halfway(&rig);
    for name in ["Bills", "Holiday"] {
        assert_eq!(rig.ctl(&["exclude", "add", name]).code, 0);
    }
    let run = done_in_part(&rig, &id);
    assert_eq!(moved(&rig), [out("Bills", 15_000), into("Car", 5_000)]);
    assert!(run["reason"].as_str().expect("a reason").contains("£100.00 stays in Personal"), "{run}");
}

#[test]
fn a_cancelled_run_returns_what_is_left_over() {
    twice(&spread(""), |rig, dies| {
        let second = (2..60).map(|nth| Rule::nth(Fault::RateLimit, nth).at("deposit"));
        rig.bank.bank().set_faults(second.collect(), 0);
        let id = begun(rig, "deposit");
        rig.until("the second is asked for", || asked(rig, "deposit") > 1);
        rig.bank.bank().clear_faults();
        always(rig, Fault::RateLimit, "balance");
        rig.rpc("autosort.cancel", &json!({"id": id}));
        if dies {
            reborn(rig);
        }
        let run = over(rig, &id);
        // What had gone before the word was given is done; the rest went back.
        let placed = moved(rig);
        let back: i64 = placed.iter().filter(|(out, pot, _)| !out && pot == "Bills").map(|one| one.2).sum();
        let there: i64 = placed.iter().filter(|(out, pot, _)| !out && pot != "Bills").map(|one| one.2).sum();
        assert_eq!(back + there, 15_000, "{run} {placed:?}");
        assert_eq!(run["state"], if back > 0 { "cancelled" } else { "done" }, "{run}");
    });
}

#[test]
fn a_repeat_that_meets_the_banks_funds_before_its_key_is_believed_only_with_the_list() {
    let config = spread("").replace("£100.00", "£450.00");
    twice(&config, |rig, dies| {
        rig.bank.bank().switches.funds_first = true;
        rig.bank.bank().switches.visibility_lag_ms = 150_000;
        rig.bank.bank().set_faults(vec![Rule::nth(Fault::TimeoutAfter, 1).at("withdraw")], 0);
        let id = begun(rig, "withdraw");
        rig.until("the repeat is refused", || asked(rig, "withdraw") > 1);
        if dies {
            reborn(rig);
        }
        assert_eq!(states(&run(rig, &id))[0], "requested", "a refused repeat proves nothing");
        rig.bank.advance(SignedDuration::from_mins(6));
        let run = ended(rig, &id);
        assert_eq!(run["state"], "done", "{run}");
        assert_eq!(moved(rig), [out("Bills", 50_000), into("Holiday", 45_000), into("Car", 5_000)]);
    });
}

#[test]
fn a_pot_that_was_filled_after_the_proposal_is_planned_anew() {
    let config = spread("").replace("amount = \"£100.00\"", "up_to = \"£100.00\"");
    let rig = three_pots(&config);
    let said = rig.rpc("autosort.run", &json!({"rule": "spread", "hash": null, "again": false}));
    let old = said["run"]["id"].as_str().expect("an id").to_owned();
    by_app(&rig, false, "Holiday", 7_000);
    let said = rig.rpc("autosort.approve", &json!({"id": old}));
    assert_eq!(run(&rig, &old)["state"], "expired", "{said}");
    assert_eq!((&said["run"]["state"], moved(&rig)), (&json!("proposed"), vec![]), "{said}");
    let new = said["run"]["id"].as_str().expect("an id").to_owned();
    rig.rpc("autosort.approve", &json!({"id": new}));
    assert_eq!(ended(&rig, &new)["state"], "done");
    assert_eq!(moved(&rig), [out("Bills", 8_000), into("Holiday", 3_000), into("Car", 5_000)]);
}

#[test]
fn a_pot_that_was_filled_after_the_approval_gets_what_was_agreed_to() {
    let config = spread("").replace("amount = \"£100.00\"", "up_to = \"£100.00\"");
    let rig = three_pots(&config);
    let id = halfway(&rig);
    by_app(&rig, false, "Holiday", 7_000);
    reconfigure(&rig, &config.replace("£100.00", "£20.00"));
    let run = over(&rig, &id);
    assert_eq!(run["state"], "done", "amounts never change: {run}");
    assert_eq!(moved(&rig), [out("Bills", 15_000), into("Holiday", 10_000), into("Car", 5_000)]);
}
