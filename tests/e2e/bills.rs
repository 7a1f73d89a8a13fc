//! Bills: what is due and covered, what the person says of it, and that the sorter goes by the same.

use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::rig::{self, Rig};

const RULE: &str = r#"
[sync]
poll = ""
[[payday]]
name = "main"
day = "last-working-day"
[[autosort.rule]]
name = "bills"
trigger = { on = "payday" }
source = "account:Personal"
keep = "£0.00"
step = [{ bills = "Bills", basis = "upcoming", buffer = "0%" }]
"#;

fn year() -> Rig {
    let rig = Rig::with(rig::year(), RULE);
    rig.login();
    rig
}

fn bills(rig: &Rig) -> Vec<Value> {
    rig.json(&["bills", "--all"])["bills"].as_array().expect("a list").clone()
}

fn bill(rig: &Rig, name: &str) -> Value {
    let all = bills(rig);
    all.iter().find(|bill| bill["name"] == name).unwrap_or_else(|| panic!("no {name}: {all:#?}")).clone()
}

/// What the sorter plans for each bill of the next payday, by name.
fn planned(rig: &Rig) -> Vec<(String, i64)> {
    let plan = rig.json(&["sort", "plan", "bills", "--at", "2026-11-30T09:00"])["plan"].clone();
    let bills = plan["steps"][0]["bills"].as_array().unwrap_or_else(|| panic!("{plan:#}")).clone();
    let named = |bill: &Value| {
        (bill["name"].as_str().expect("a name").to_owned(), bill["amount"].as_i64().expect("pence"))
    };
    bills.iter().map(named).collect()
}

#[test]
fn bills_are_listed_by_due_date_with_their_pot_cover_and_cost() {
    let rig = year();
    let all = bills(&rig);
    let water = bill(&rig, "AIRE WATER");
    assert_eq!(
        (&water["origin"], &water["rhythm"]["every"]),
        (&json!("mandate"), &json!("month")),
        "{water:#}"
    );
    assert_eq!((&water["estimate"], &water["upper"]), (&json!(3_850), &json!(3_850)), "{water:#}");
    assert_eq!(water["next_on"], "2026-12-01", "{water:#}");
    assert_eq!(water["cost_a_year"], 3_850 * 12, "{water:#}");
    assert!(water["covered"].is_boolean() || water["covered"].is_null(), "{water:#}");
    let confidence = water["confidence"].as_f64().expect("a number");
    assert!((0.5..=1.0).contains(&confidence), "{water:#}");
    let gym = bill(&rig, "Ironworks Gym");
    let pots = rig.json(&["pots"])["pots"].clone();
    let pot = pots.as_array().expect("a list").iter().find(|pot| pot["name"] == "Bills").expect("a pot");
    assert_eq!((&gym["origin"], &gym["pot_id"]), (&json!("found"), &pot["id"]), "{gym:#}");
    assert!(all.iter().all(|bill| bill["name"] != "Ada & Sam"), "a transfer between own accounts: {all:#?}");
    let next: Vec<&str> = all.iter().filter_map(|bill| bill["next_on"].as_str()).collect();
    assert!(next.is_sorted(), "{next:?}");

    let said = rig.ctl(&["bills"]);
    assert_eq!(said.code, 0, "{said:?}");
    for part in ["AIRE WATER", "£38.50", "Bills", "Before the next payday", "a year at today's prices"] {
        assert!(said.out.contains(part), "{part}: {}", said.out);
    }
    let csv = rig.ctl(&["bills", "-o", "csv"]);
    assert!(csv.out.starts_with("id,name,payee,"), "{csv:?}");
    assert_eq!(rig.ctl(&["bills", "-o", "jsonl"]).out.lines().count(), csv.out.lines().count() - 1);
    let soon = rig.json(&["bills", "--next", "7d"])["bills"].clone();
    let soon = soon.as_array().expect("a list");
    assert!(!soon.is_empty() && soon.len() < all.len(), "{soon:#?}");
    assert!(soon.iter().all(|bill| bill["next_on"].as_str() <= Some("2026-12-02")), "{soon:#?}");

    let incomes = rig.json(&["bills", "--income"])["incomes"].clone();
    assert_eq!(incomes[0]["payee"], "HALCYON INSTRUMENTS LTD", "{incomes:#}");
    assert_eq!(
        (&incomes[0]["next_on"], &incomes[0]["rhythm"]["day"]),
        (&json!("2026-11-30"), &json!("last-working-day"))
    );

    let why = rig.ctl(&["why", "aire water"]);
    assert!(
        why.code == 0 && why.out.contains("mandate") && why.out.contains("next on 1 Dec 2026"),
        "{why:?}"
    );
}

#[test]
fn what_a_person_says_of_a_bill_counts_for_the_sorter_too_and_can_be_taken_back() {
    let mut rig = year();
    let before = planned(&rig);
    let amount = |planned: &[(String, i64)], name: &str| {
        planned.iter().find(|(known, _)| known == name).map(|(_, amount)| *amount)
    };
    assert_eq!(amount(&before, "AIRE WATER"), Some(3_850), "{before:?}");
    let id = bill(&rig, "AIRE WATER")["id"].clone();
    let water = id.as_str().expect("an id");
    for (words, back, name, expected) in [
        (vec!["ignore", water], vec!["confirm", water], "AIRE WATER", None),
        (vec!["amount", water, "£41.00"], vec!["amount", water], "AIRE WATER", Some(4_100)),
        (vec!["rename", water, "Tap"], vec!["rename", water], "Tap", Some(3_850)),
        (vec!["skip", water], vec!["skip", water, "2026-12-01", "--undo"], "AIRE WATER", None),
    ] {
        let typed = |words: &[&str]| {
            let said = rig.ctl(&[&["bills"], words].concat());
            assert_eq!(said.code, 0, "{words:?}: {said:?}");
            said.out
        };
        typed(&words);
        assert_eq!(amount(&planned(&rig), name), expected, "{words:?}");
        let again = rig.json(&[&["bills"], &words[..]].concat());
        if words[0] != "skip" {
            assert_eq!(again["change"]["changed"], false, "a repeat of {words:?}: {again:#}");
        } else {
            typed(&["skip", water, "2027-01-04", "--undo"]);
        }
        typed(&back);
        assert_eq!(amount(&planned(&rig), "AIRE WATER"), Some(3_850), "{back:?}");
    }
    // It outlives a restart and the next sync.
    rig.ctl(&["bills", "rename", water, "Tap"]);
    assert!(rig.stop().success());
    rig.start();
    assert_eq!(rig.sync().code, 0);
    let tap = bill(&rig, "Tap");
    assert_eq!((&tap["id"], &tap["payee"]), (&id, &json!("AIRE WATER")));
    let unknown = rig.ctl(&["bills", "ignore", "no such bill"]);
    assert!(unknown.code == 2 && unknown.err.contains("bills --all"), "{unknown:?}");
    let foolish = rig.call("bills.amount", &json!({"id": water, "amount": -5})).expect_err("it is refused");
    assert_eq!(foolish["data"]["code"], "invalid_params", "{foolish:#}");
}

#[test]
fn bills_are_added_merged_and_split() {
    let rig = year();
    let add = ["bills", "add", "Boiler cover", "£18.50", "--on", "2026-12-03", "--pot", "Bills"];
    let added = rig.json(&add)["change"].clone();
    assert_eq!((&added["changed"], &added["bill"]["origin"]), (&json!(true), &json!("person")), "{added:#}");
    assert_eq!(rig.json(&add)["change"]["changed"], false);
    assert!(planned(&rig).contains(&("Boiler cover".to_owned(), 1_850)));
    assert_eq!(rig.ctl(&["bills", "ignore", "Boiler cover"]).code, 0);
    assert!(bills(&rig).iter().all(|bill| bill["name"] != "Boiler cover"));

    let count = bills(&rig).len();
    let merged = rig.json(&["bills", "merge", "Lumen Streaming", "Cloudberry Storage"])["change"].clone();
    assert_eq!(
        (&merged["changed"], &merged["bill"]["origin"]),
        (&json!(true), &json!("person")),
        "{merged:#}"
    );
    assert_eq!(bills(&rig).len(), count - 1);
    let one = merged["bill"]["id"].as_str().expect("an id").to_owned();
    assert_eq!(rig.ctl(&["bills", "split", &one]).code, 0);
    assert_eq!(bills(&rig).len(), count);

    let strange = rig.ctl(&["bills", "split", "Ironworks Gym", "tx_none"]);
    assert_eq!(strange.code, 2, "{strange:?}");
}

#[test]
fn the_accuracy_of_ones_own_ledger_and_a_calendar_file_are_printed() {
    let rig = year();
    let accuracy = rig.json(&["bills", "--accuracy"])["accuracy"].clone();
    let rows = accuracy["rows"].as_array().expect("a list");
    assert_eq!(rows.iter().map(|row| row["kind"].clone()).collect::<Vec<_>>(), ["mandate", "found", "all"]);
    let all = &rows[2];
    assert!(all["payments"].as_u64() > Some(50), "{accuracy:#}");
    assert!(all["within_one"].as_u64() > Some(9_000), "{accuracy:#}");
    let said = rig.ctl(&["bills", "--accuracy"]);
    assert!(said.code == 0 && said.out.contains("next date: ±1 working day"), "{said:?}");

    let file = rig.home.path("bills.ics");
    let path = file.to_str().expect("text");
    let said = rig.ctl(&["bills", "--next", "30d", "--ics", path]);
    assert_eq!(said.code, 0, "{said:?}");
    let text = std::fs::read_to_string(&file).expect("a file");
    assert!(
        text.starts_with("BEGIN:VCALENDAR\r\n") && text.contains("SUMMARY:AIRE WATER: up to £38.50"),
        "{text}"
    );
    let mode = std::fs::metadata(&file).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let again = rig.ctl(&["bills", "--ics", path]);
    assert!(again.code == 1 && again.err.contains("exists already"), "{again:?}");
    assert_eq!(std::fs::read_to_string(&file).expect("a file"), text);
}
