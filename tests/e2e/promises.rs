//! What is said before a yes: what a move could not be taken back from, and the balances of now; and what an undo keeps.

use serde_json::{Value, json};

use crate::keys::Seat;
use crate::midway::{by_app, into, out, pot, three_pots};
use crate::moves::moved;
use crate::rig::Rig;
use crate::rules::runs;

const STILL: &str = "[sync]\npoll = \"\"\n";

/// A daemon at a bank where Holiday is a savings pot, which gives nothing back unless the configuration lists it.
fn with_savings(more: &str) -> Rig {
    let rig = three_pots(more);
    let savings = pot(&rig, "Holiday");
    rig.bank.bank().world.pots[savings].kind = "flexible_savings";
    rig.sync();
    rig
}

/// What a client at a terminal shows before it asks.
fn asked(rig: &Rig, arguments: &[&str]) -> String {
    let mut seat = Seat::take(rig, arguments, &[]);
    seat.reads("Move this? [y/N]");
    seat.presses(b"n\n");
    seat.ends().screen
}

fn move_by_hand(rig: &Rig, amount: &str, to: &str) -> String {
    let said = rig.ctl(&["move", amount, "Personal", to, "--yes"]);
    assert_eq!(said.code, 0, "{said:?}");
    runs(rig)[0]["id"].as_str().expect("an id").to_owned()
}

#[test]
fn a_move_that_could_not_be_taken_back_says_so_before_it_is_made_and_its_undo_refuses_with_the_reason() {
    let rig = with_savings(STILL);
    let screen = asked(&rig, &["move", "£10", "Personal", "Holiday"]);
    assert!(screen.contains("An undo could not take these back"), "{screen}");
    assert!(screen.contains("£10.00 into Holiday: Holiday is a savings pot"), "{screen}");
    let screen = asked(&rig, &["move", "£10", "Personal", "Car"]);
    assert!(!screen.contains("An undo could not"), "{screen}");
    let id = move_by_hand(&rig, "£10", "Holiday");
    let said = rig.ctl(&["sort", "undo", &id, "--yes"]);
    assert_eq!(said.code, 6, "{said:?}");
    assert!(said.err.contains("£10.00 into Holiday is not undone: Holiday is a savings pot"), "{said:?}");
    assert_eq!(moved(&rig), [into("Holiday", 1_000)]);
}

#[test]
fn an_undo_takes_back_what_it_can_and_names_each_rest() {
    let rule = "[[autosort.rule]]\nname = \"both\"\ntrigger = { on = \"manual\" }\nsource = \"account:Personal\"\n\
                keep = \"£100.00\"\nstep = [{ pot = \"Holiday\", amount = \"£20.00\" }, { pot = \"Car\", amount = \"£30.00\" }]\n";
    let rig = with_savings(&format!("{STILL}{rule}"));
    let plan = rig.json(&["sort", "plan", "both"]);
    let one_way: Vec<&str> =
        plan["plan"]["one_way"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    assert!(matches!(one_way[..], [one] if one.starts_with("£20.00 into Holiday: ")), "{one_way:?}");
    let said = rig.ctl(&["sort", "run", "both", "--yes"]);
    assert_eq!(said.code, 0, "{said:?}");
    let id = runs(&rig)[0]["id"].as_str().expect("an id").to_owned();
    by_app(&rig, true, "Car", 1_000);
    let said = rig.ctl(&["sort", "undo", &id, "--yes"]);
    assert_eq!(said.code, 8, "{said:?}");
    for rest in ["£20.00 into Holiday is not undone", "£10.00 into Car is not undone: Car holds only £20.00"]
    {
        assert!(said.err.contains(rest), "{rest}: {said:?}");
    }
    assert_eq!(moved(&rig)[2..], [out("Car", 2_000)]);
}

#[test]
fn what_is_taken_back_into_a_pot_stops_at_the_floor_of_the_account() {
    let rig = three_pots(&format!("{STILL}[autosort]\naccount_floor = \"£1,900.00\"\n"));
    let said = rig.ctl(&["move", "£100", "Bills", "Personal", "--yes"]);
    assert_eq!(said.code, 0, "{said:?}");
    let id = runs(&rig)[0]["id"].as_str().expect("an id").to_owned();
    let said = rig.ctl(&["sort", "undo", &id, "--yes"]);
    assert_eq!(said.code, 6, "{said:?}");
    assert!(
        said.err.contains("£100.00 out of Bills is not undone: Personal would fall under its floor"),
        "{said:?}"
    );
}

/// The words of a screen, however its columns are aligned.
fn words(screen: &str) -> String {
    screen.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_plan_that_is_asked_about_has_the_balances_of_now() {
    let rig = three_pots(STILL);
    let said = rig.rpc("autosort.move", &json!({"amount": 500, "from": "Personal", "to": "Car"}));
    let id = said["run"]["id"].as_str().expect("an id").to_owned();
    by_app(&rig, false, "Car", 4_321);
    let screen = asked(&rig, &["move", "£10", "Personal", "Car"]);
    assert!(words(&screen).contains("£43.21 → £53.21"), "{screen}");
    by_app(&rig, false, "Car", 1_000);
    let screen = asked(&rig, &["sort", "approve", &id]);
    assert!(words(&screen).contains("£53.21 → £58.21"), "{screen}");
    assert_eq!(moved(&rig), []);
}

#[test]
fn the_figures_of_a_discovery_and_of_an_undo_are_what_they_are() {
    let rig = three_pots(STILL);
    let screen = asked(&rig, &["pots", "discover", "Car"]);
    assert!(
        screen.contains("Moves £0.01 in 2 transfers. All comes back: no balance changes in the end."),
        "{screen}"
    );
    assert!(!screen.contains("stays") && !screen.contains("£0.02"), "{screen}");
    let id = move_by_hand(&rig, "£25", "Holiday");
    let screen = asked(&rig, &["sort", "undo", &id]);
    assert!(screen.contains("Moves £25.00 in 1 transfer. £0.00 stays in Holiday."), "{screen}");
}

#[test]
fn a_move_that_is_not_waited_for_says_what_will_be_moved_and_how_to_follow_it() {
    let rig = three_pots(STILL);
    let said = rig.ctl(&["move", "£10", "Personal", "Car", "--yes", "--no-wait"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(!said.out.contains("nothing was moved"), "{said:?}");
    assert!(said.out.contains("£10.00") && said.err.contains("`monzoctl show run_"), "{said:?}");
    rig.until("it is moved", || moved(&rig) == [into("Car", 1_000)]);
}

#[test]
fn a_failure_that_was_watched_is_no_problem_any_more() {
    let rig = three_pots(STILL);
    by_app(&rig, false, "Holiday", 5_000);
    // The bank lets only the app take something out, which it says when it is asked to.
    for name in ["Bills", "Holiday"] {
        let pot = pot(&rig, name);
        rig.bank.bank().world.pots[pot].added_security = true;
    }
    let failed = || rig.attention().contains(&"run_failed".to_owned());
    let mut seat = Seat::take(&rig, &["move", "£10", "Bills", "Personal"], &[]);
    seat.reads("Move this? [y/N]");
    seat.presses(b"y\n");
    let seen = seat.ends();
    assert_eq!((seen.code, failed()), (6, false), "{seen:?}");
    let said = rig.ctl(&["move", "£10", "Holiday", "Personal", "--yes"]);
    assert_eq!((said.code, failed()), (6, true), "nobody saw it: {said:?}");
    assert_eq!(moved(&rig), []);
}
