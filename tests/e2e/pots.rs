//! Pots as the bank really has them: answers that are not the bank's, pots that refuse, and pots that come and go.

use monzo_sandbox::bank::faults::{Fault, Rule};
use serde_json::{Value, json};

use crate::midway::{by_app, into, out, pot, three_pots};
use crate::moves::{asked, ended, moved, propose};
use crate::rig::Rig;
use crate::rules::reconfigure;

const QUICK: &str = "[monzo]\ntimeout = \"1s\"\n[sync]\npoll = \"\"\n";

/// A rule that gives to a pot.
const INTO_BILLS: &str = "[[autosort.rule]]\nname = \"fill\"\ntrigger = { on = \"manual\" }\n\
    source = \"account:Personal\"\nkeep = \"£1.00\"\nstep = [{ pot = \"Bills\", amount = \"£10.00\" }]\n";

/// A pot as clients are told of it.
fn told(rig: &Rig, name: &str) -> Value {
    let pots = rig.json(&["pots"])["pots"].clone();
    let pots = pots.as_array().expect("a list");
    pots.iter().find(|pot| pot["name"] == name).unwrap_or_else(|| panic!("no {name}: {pots:#?}")).clone()
}

/// How many events of a kind there are.
fn events(rig: &Rig, kind: &str) -> usize {
    let events = rig.json(&["events", "-n", "500"])["events"].clone();
    events.as_array().expect("a list").iter().filter(|event| event["kind"] == kind).count()
}

fn list(rig: &Rig, name: &str, listed: bool) {
    let index = pot(rig, name);
    let mut bank = rig.bank.bank();
    let id = bank.world.pots[index].id.clone();
    bank.list_pot(&id, listed).expect("a pot");
}

#[test]
fn an_answer_that_is_not_the_banks_says_nothing_of_a_pot() {
    let rig = three_pots(QUICK);
    let mut expected = Vec::new();
    for fault in [Fault::Html403, Fault::Html403After, Fault::Redirect, Fault::RedirectAfter] {
        rig.bank.bank().set_faults(vec![Rule::nth(fault, 1).at("deposit")], 1);
        let id = propose(&rig, 5_000, "Personal", "Holiday");
        rig.rpc("autosort.approve", &json!({"id": id}));
        let run = ended(&rig, &id);
        assert_eq!(run["state"], "done", "{fault:?}: {run}");
        expected.push(into("Holiday", 5_000));
        assert_eq!(moved(&rig), expected, "{fault:?}: once, whatever the first answer was");
    }
    assert_eq!(told(&rig, "Holiday")["needs_app"], json!([]));
    assert_eq!(rig.attention(), [""; 0]);
}

#[test]
fn a_pot_that_needs_the_app_says_since_when_and_can_be_tried_again() {
    let rig = three_pots(QUICK);
    let bills = pot(&rig, "Bills");
    rig.bank.bank().world.pots[bills].added_security = true;
    let said = rig.ctl(&["move", "£5", "Bills", "Personal", "--yes"]);
    assert_ne!(said.code, 0, "{said:?}");
    let needs = told(&rig, "Bills")["needs_app"].clone();
    assert_eq!((needs[0]["way"].as_str(), needs[1].as_object()), (Some("out"), None), "{needs}");
    assert!(needs[0]["since_at"].as_str().is_some_and(|at| at.starts_with("2026-11-24")), "{needs}");
    assert!(rig.attention().contains(&"pot_needs_app".to_owned()), "{:?}", rig.attention());
    for command in [&["pots"][..], &["show", "Bills"], &["why", "Bills"]] {
        let said = rig.ctl(command);
        assert!(said.out.contains("needs the app since 24 Nov"), "{command:?}: {said:?}");
    }
    let before = asked(&rig, "withdraw");
    let said = rig.ctl(&["move", "£5", "Bills", "Personal", "--yes"]);
    assert!(said.code == 6 && said.err.contains("`monzoctl sort thaw Bills`"), "{said:?}");
    assert_eq!(asked(&rig, "withdraw"), before, "it is not asked again by itself");

    rig.bank.bank().world.pots[bills].added_security = false;
    let said = rig.ctl(&["sort", "thaw", "Bills"]);
    assert!(said.code == 0 && said.out.contains("Bills"), "{said:?}");
    assert!(!rig.attention().contains(&"pot_needs_app".to_owned()), "{:?}", rig.attention());
    let said = rig.ctl(&["move", "£5", "Bills", "Personal", "--yes"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(moved(&rig), [out("Bills", 500)]);
    let said = rig.ctl(&["sort", "thaw", "Bills"]);
    assert!(said.code == 0 && said.out.contains("not frozen"), "a repeat says so: {said:?}");
}

#[test]
fn a_pot_that_is_no_longer_listed_is_gone_until_it_is_listed_again() {
    let rig = three_pots(QUICK);
    let bills = pot(&rig, "Bills");
    rig.bank.bank().world.pots[bills].goal = Some(100_000);
    rig.sync();
    assert_eq!(
        (&told(&rig, "Bills")["balance"], &told(&rig, "Bills")["goal"]),
        (&json!(50_000), &json!(100_000))
    );

    list(&rig, "Bills", false);
    rig.sync();
    rig.sync();
    let gone = told(&rig, "Bills");
    assert_eq!((&gone["balance"], &gone["goal"], &gone["deleted"]), (&json!(0), &Value::Null, &json!(true)));
    assert!(gone["unlisted_at"].is_string(), "{gone}");
    let balances = rig.ctl(&["balance"]);
    assert!(!balances.out.contains("Bills"), "{balances:?}");
    assert_eq!(rig.attention(), [""; 0], "a pot that is gone is nobody's problem");
    assert_eq!((events(&rig, "pot_unlisted"), events(&rig, "account_unreadable")), (1, 1), "told once");
    for move_ in [["Personal", "Bills"], ["Bills", "Personal"]] {
        let said = rig.ctl(&["move", "£5", move_[0], move_[1], "--yes"]);
        assert!(said.code == 6 && said.err.contains("no longer lists"), "{move_:?}: {said:?}");
    }
    assert_eq!((asked(&rig, "deposit"), asked(&rig, "withdraw")), (0, 0), "the bank is not asked");

    reconfigure(&rig, &format!("{QUICK}{INTO_BILLS}"));
    let plan = rig.json(&["sort", "plan", "fill"])["plan"].clone();
    assert_eq!((&plan["transfers"], &plan["steps"][0]["amount"]), (&json!([]), &json!(0)), "{plan}");
    reconfigure(&rig, QUICK);

    list(&rig, "Bills", true);
    rig.sync();
    let back = told(&rig, "Bills");
    assert_eq!(
        (&back["balance"], &back["deleted"], &back["unlisted_at"]),
        (&json!(50_000), &json!(false), &Value::Null)
    );
    assert_eq!(events(&rig, "pot_listed"), 1);
    let said = rig.ctl(&["move", "£5", "Personal", "Bills", "--yes"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(moved(&rig), [into("Bills", 500)]);
    assert_eq!(rig.attention(), [""; 0]);
}

#[test]
fn an_isa_of_the_default_kind_gives_nothing_unless_the_configuration_lists_it() {
    let rig = three_pots(QUICK);
    let bills = pot(&rig, "Bills");
    rig.bank.bank().world.pots[bills].isa = true;
    rig.sync();
    let said = rig.ctl(&["move", "£5", "Bills", "Personal", "--yes"]);
    assert!(said.code == 6 && said.err.contains("Bills is an ISA pot"), "{said:?}");
    let said = rig.ctl(&["move", "£5", "Bills", "Holiday", "--yes"]);
    assert!(said.code == 6 && said.err.contains("withdraw_from"), "{said:?}");
    assert_eq!(asked(&rig, "withdraw"), 0, "the bank is not asked");
    reconfigure(&rig, &format!("{QUICK}[autosort]\nwithdraw_from = [\"Bills\"]\n"));
    let said = rig.ctl(&["move", "£5", "Bills", "Personal", "--yes"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(moved(&rig), [out("Bills", 500)]);
}

#[test]
fn a_name_in_withdraw_from_that_two_pots_have_lists_neither() {
    let rig = three_pots(&format!("{QUICK}[autosort]\nwithdraw_from = [\"Twin\"]\n"));
    for name in ["Holiday", "Car"] {
        let index = pot(&rig, name);
        rig.bank.bank().world.pots[index].kind = "flexible_savings";
        by_app(&rig, false, name, 1_000);
        rig.bank.bank().world.pots[index].name = "Twin";
    }
    rig.sync();
    let pots = rig.json(&["pots"])["pots"].clone();
    let twins = pots.as_array().expect("a list").iter().filter(|pot| pot["name"] == "Twin");
    for twin in twins {
        let id = twin["id"].as_str().expect("an id");
        let said = rig.ctl(&["move", "£5", id, "Personal", "--yes"]);
        assert!(said.code == 6 && said.err.contains("withdraw_from"), "{said:?}");
    }
    assert_eq!(asked(&rig, "withdraw"), 0, "the bank is not asked");
}
