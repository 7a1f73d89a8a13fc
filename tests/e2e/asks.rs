//! What needs a person: names that change, pots that go, pay that is late, payments only the app can make, proposals
//! that grow old, and second thoughts.

use jiff::SignedDuration;
use monzo_sandbox::bank::life::Cast;
use monzo_sandbox::bank::people;
use monzo_sandbox::bank::row::{Kind, Row};
use serde_json::{Value, json};

use crate::midway::{by_app, into, out, pot, three_pots};
use crate::moves::{ended, moved, propose, run};
use crate::rig::Rig;
use crate::rules::{guards, newest, reconfigure, runs};

/// Pay of which two pots get something, by itself.
const PAY: &str = r#"
[sync]
poll = ""
[[payday]]
name = "main"
day = "last-working-day"
income = { at_least = "£300.00" }
[autosort]
mode = "auto"
max_per_run = "£1,000.00"
[[autosort.rule]]
name = "pay"
trigger = { on = "income", at_least = "£300.00" }
source = "account:Personal"
keep = "£100.00"
step = [{ pot = "Holiday", amount = "£50.00" }, { pot = "Car", amount = "£30.00" }]
"#;

/// Reads the bank as it is now: the first may have joined one that had begun before.
fn read(rig: &Rig) {
    rig.sync();
    rig.sync();
}

fn pay(rig: &Rig) {
    rig.bank.bank().pay_salary(None, 40_000).expect("paid");
    read(rig);
}

/// A daemon whose rule has run once by hand and may run by itself.
fn proven() -> Rig {
    let rig = three_pots(PAY);
    let said = rig.ctl(&["sort", "run", "pay", "--yes"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(moved(&rig), [into("Holiday", 5_000), into("Car", 3_000)]);
    rig.bank.advance(SignedDuration::from_hours(24));
    rig
}

/// What is said of a thing that needs attention.
fn attention(rig: &Rig, code: &str) -> Option<String> {
    let status = rig.status();
    let list = status["attention"].as_array().expect("a list");
    list.iter().find(|one| one["code"] == code).map(|one| one["message"].as_str().expect("text").to_owned())
}

fn told(rig: &Rig, kind: &str) -> usize {
    let events = rig.json(&["events", "-n", "1000"]);
    events["events"].as_array().expect("a list").iter().filter(|event| event["kind"] == kind).count()
}

#[test]
fn a_pot_that_is_renamed_in_the_app_goes_on_working_and_it_is_noted_once() {
    let rig = proven();
    let holiday = pot(&rig, "Holiday");
    rig.bank.bank().world.pots[holiday].name = "Lisbon";
    pay(&rig);
    let run = newest(&rig, 2, "done");
    assert_eq!(run["plan"]["guards"], json!([]), "{run}");
    assert_eq!(moved(&rig)[2..], [into("Lisbon", 5_000), into("Car", 3_000)]);
    rig.until("it is noted", || told(&rig, "name_changed") == 1);
    read(&rig);
    assert_eq!(told(&rig, "name_changed"), 1);
    assert_eq!(attention(&rig, "rule_unfit"), None);
}

#[test]
fn a_pot_that_is_gone_is_skipped_and_a_person_looks_first() {
    let rig = proven();
    let holiday = pot(&rig, "Holiday");
    rig.bank.bank().world.pots[holiday].deleted = true;
    pay(&rig);
    let run = newest(&rig, 2, "proposed");
    assert!(guards(&run).contains("deleted"), "{run}");
    assert_eq!(moved(&rig).len(), 2, "what could not be planned whole is not run by itself");
    let said = attention(&rig, "rule_unfit").unwrap_or_default();
    for part in ["\"pay\"", "step 1", "Holiday", "more.toml:"] {
        assert!(said.contains(part), "{part} is not in: {said}");
    }
    assert_eq!(rig.ctl(&["sort", "approve", "--yes"]).code, 0);
    assert_eq!(moved(&rig)[2..], [into("Car", 3_000)], "its money stays");
}

#[test]
fn pay_that_is_late_is_told_with_what_came_instead() {
    let rig = proven();
    let payday: jiff::Timestamp = "2026-11-30T12:00:00Z".parse().expect("an instant");
    rig.bank.advance(payday.duration_since(rig.bank.now()));
    read(&rig);
    assert_eq!(attention(&rig, "income_late"), None, "there is time until the second day after");
    rig.bank.bank().pay_salary(None, 20_000).expect("paid");
    rig.bank.advance(SignedDuration::from_hours(48));
    read(&rig);
    let said = attention(&rig, "income_late").unwrap_or_default();
    assert!(said.contains("30 Nov") && said.contains("£200.00"), "{said}");
    assert_eq!(told(&rig, "income_late"), 1);
    pay(&rig);
    assert_eq!(attention(&rig, "income_late"), None);
}

const ASK: &str = r#"
[sync]
poll = ""
[[autosort.rule]]
name = "share"
trigger = { on = "manual" }
source = "account:Personal"
keep = "£100.00"
step = [{ ask = "£600.00", to = "Sam Example" }, { pot = "Holiday", amount = "£50.00" }, { rest = "Car" }]
"#;

/// Money goes by bank transfer.
fn pays(rig: &Rig, party: u16, amount: i64) {
    let mut bank = rig.bank.bank();
    let (Cast { personal, .. }, at) = (bank.life.cast, bank.now().as_millisecond());
    bank.world.post(Row::settled(personal, at, -amount, Kind::Bank { party, iteration: None }));
}

#[test]
fn what_only_the_app_can_pay_is_set_aside_asked_for_and_ticked_off() {
    let rig = three_pots(ASK);
    let said = rig.ctl(&["sort", "run", "share", "--yes"]);
    assert_eq!(said.code, 0, "{said:?}");
    // Of £1,482.70, less what is kept and what is asked for.
    assert_eq!(moved(&rig), [into("Holiday", 5_000), into("Car", 73_270)]);
    let asked = attention(&rig, "payment_asked").unwrap_or_default();
    assert!(asked.contains("£600.00") && asked.contains("Sam Example"), "{asked}");
    pays(&rig, 2, 59_999);
    pays(&rig, people::EMPLOYER, 60_000);
    read(&rig);
    assert!(attention(&rig, "payment_asked").is_some(), "another amount, or to somebody else");
    pays(&rig, 2, 60_000);
    read(&rig);
    rig.until("it is ticked off", || attention(&rig, "payment_asked").is_none());
    assert_eq!(told(&rig, "ask_paid"), 1);
}

#[test]
fn a_pot_is_discovered_by_a_penny_in_and_out_that_is_asked_for_first() {
    let rig = three_pots("[sync]\npoll = \"\"\n");
    let known = || {
        let pots = rig.json(&["pots"]);
        let list = pots["pots"].as_array().expect("a list").clone();
        list.iter().any(|pot| pot["name"] == "Holiday" && pot["pot_current_id"].is_string())
    };
    assert!(!known());
    let said = rig.ctl(&["pots", "discover", "Holiday"]);
    assert_eq!((said.code, moved(&rig)), (2, vec![]), "{said:?}");
    let said = rig.ctl(&["pots", "discover", "Holiday", "--yes"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(moved(&rig), [into("Holiday", 1), out("Holiday", 1)]);
    rig.until("it is known", || {
        rig.sync();
        known()
    });
    let said = rig.ctl(&["pots", "discover", "Holiday", "--yes"]);
    assert!(said.code == 0 && said.out.contains("known already"), "{said:?}");
    assert_eq!(moved(&rig).len(), 2);
}

#[test]
fn a_proposal_that_nobody_approves_expires_and_a_newer_one_takes_an_older_ones_place() {
    let rig = three_pots(PAY);
    let first = rig.rpc("autosort.run", &json!({"rule": "pay", "hash": null, "again": false}));
    let first = first["run"]["id"].as_str().expect("an id").to_owned();
    let second = rig.rpc("autosort.run", &json!({"rule": "pay", "hash": null, "again": false}));
    let second = second["run"]["id"].as_str().expect("an id").to_owned();
    let old = run(&rig, &first);
    assert_eq!(old["state"], "expired", "{old}");
    assert!(old["reason"].as_str().expect("a reason").contains("newer"), "{old}");
    assert_eq!(run(&rig, &second)["state"], "proposed");
    rig.bank.advance(SignedDuration::from_hours(73));
    rig.sync();
    rig.until("it expires", || run(&rig, &second)["state"] == "expired");
    for id in [first, second] {
        let said = rig.rpc("autosort.approve", &json!({"id": id}));
        assert_eq!((&said["changed"], moved(&rig)), (&json!(false), vec![]), "{said}");
    }
}

#[test]
fn a_plan_by_its_hash_is_not_run_under_other_guardrails() {
    let rig = three_pots(PAY);
    let hash = rig.json(&["sort", "plan", "pay"])["plan"]["hash"].as_str().expect("a hash").to_owned();
    reconfigure(&rig, &PAY.replace("£1,000.00", "£999.00"));
    let said = rig.ctl(&["sort", "run", "pay", "--plan", &hash, "--yes"]);
    assert_eq!(said.code, 6, "{said:?}");
    assert!(said.err.contains("guardrails"), "it says what changed: {said:?}");
    assert_eq!(moved(&rig), []);
    newest(&rig, 1, "proposed");
}

#[test]
fn an_approval_under_other_guardrails_says_what_changed_and_proposes_anew() {
    let rig = three_pots(PAY);
    let said = rig.rpc("autosort.run", &json!({"rule": "pay", "hash": null, "again": false}));
    let old = said["run"]["id"].as_str().expect("an id").to_owned();
    reconfigure(&rig, &PAY.replace("max_per_run", "account_floor = \"£1.00\"\nmax_per_run"));
    let said = rig.ctl(&["sort", "approve", &old, "--yes"]);
    assert!(said.code == 6 && said.err.contains("guardrails"), "{said:?}");
    let old = run(&rig, &old);
    assert_eq!(old["state"], "expired", "{old}");
    assert_eq!(runs(&rig)[0]["state"], "proposed");
    assert_eq!(moved(&rig), []);
}

#[test]
fn a_plan_that_waits_is_let_go_by_its_hash_although_balances_have_changed() {
    let rig = three_pots(&PAY.replace("amount = \"£30.00\"", "amount = \"£20.00\""));
    let said = rig.rpc("autosort.run", &json!({"rule": "pay", "hash": null, "again": false}));
    let (id, hash) =
        (said["run"]["id"].clone(), said["run"]["plan_hash"].as_str().expect("a hash").to_owned());
    by_app(&rig, true, "Bills", 10_000);
    let said = rig.ctl(&["sort", "run", "pay", "--plan", &hash, "--yes"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!((runs(&rig).len(), &runs(&rig)[0]["id"]), (1, &id));
    assert_eq!(moved(&rig), [into("Holiday", 5_000), into("Car", 2_000)]);
}

/// Undoes a run as far as that can be done now; what that says, and the run.
fn undone(rig: &Rig, id: &str) -> (String, Value) {
    let said = rig.rpc("autosort.undo", &json!({"id": id}));
    let message = said["message"].as_str().expect("a message").to_owned();
    let Some(undo) = said["run"]["id"].as_str() else { return (message, Value::Null) };
    rig.rpc("autosort.approve", &json!({"id": undo}));
    (message, ended(rig, undo))
}

#[test]
fn an_undo_takes_what_is_there_a_repeat_what_remains_and_then_nothing() {
    let rig = three_pots("[sync]\npoll = \"\"\n");
    let id = propose(&rig, 10_000, "Personal", "Holiday");
    rig.rpc("autosort.approve", &json!({"id": id}));
    assert_eq!(ended(&rig, &id)["state"], "done");
    by_app(&rig, true, "Holiday", 6_000);
    read(&rig);
    let (_, first) = undone(&rig, &id);
    assert_eq!(first["state"], "done", "{first}");
    assert!(first["plan"]["steps"][0]["caps"].to_string().contains("holds only £40.00"), "{first}");
    let (said, _) = undone(&rig, &id);
    assert!(said.contains("holds nothing"), "{said}");
    by_app(&rig, false, "Holiday", 9_000);
    read(&rig);
    let (_, second) = undone(&rig, &id);
    assert_eq!(second["state"], "done", "{second}");
    assert_eq!(moved(&rig), [into("Holiday", 10_000), out("Holiday", 4_000), out("Holiday", 6_000)]);
    let (said, third) = undone(&rig, &id);
    assert!(third.is_null() && said.contains("nothing of it is left"), "{said}");
    assert_eq!(moved(&rig).len(), 3);
}
