//! Rules from the credit that fires them to the money that arrives: by themselves, by hand, and once for each occurrence.

use jiff::SignedDuration;
use monzo_sandbox::bank::faults::{Fault, Rule};
use monzo_sandbox::control::Spend;
use serde_json::{Value, json};

use crate::moves::{asked, moved};
use crate::rig::{self, PATIENCE, Rig};

/// Pay that goes on into a pot by itself, as far as one run may.
pub const INCOME: &str = r#"
[sync]
poll = ""
[[payday]]
name = "main"
day = "last-working-day"
[autosort]
mode = "auto"
max_per_run = "£1,000.00"
[[autosort.rule]]
name = "pay"
trigger = { on = "income", at_least = "£300.00" }
source = "account:Personal"
keep = "£100.00"
take = "income"
step = [{ rest = "Holiday" }]
"#;

/// A rule that only a person starts.
const MANUAL: &str = r#"
[sync]
poll = ""
[[autosort.rule]]
name = "aside"
trigger = { on = "manual" }
source = "account:Personal"
keep = "£100.00"
step = [{ pot = "Holiday", amount = "£50.00" }]
"#;

/// A bank with two pots, and a daemon that has read it.
pub fn two_pots(more: &str) -> Rig {
    let mut rig = Rig::stopped(rig::small(), more);
    {
        let mut bank = rig.bank.bank();
        let (account, at) = (bank.life.cast.personal, bank.now().as_millisecond() - 1);
        bank.world.open_pot(account, "Holiday", "teal", at);
    }
    rig.start();
    rig.login();
    accepted(&rig);
    rig
}

/// Waits until the rules are accepted: what comes before that fires nothing.
pub fn accepted(rig: &Rig) {
    let rules = rig.json(&["sort", "rules"])["rules"].as_array().expect("a list").len();
    let database = rusqlite::Connection::open(rig.home.state().join("monzod.db")).expect("a database");
    rig.until("the rules are accepted", || {
        let count = database.query_row("SELECT count(*) FROM rules WHERE enabled", [], |row| row.get(0));
        count.is_ok_and(|count: usize| count == rules)
    });
}

/// All runs, the newest first.
pub fn runs(rig: &Rig) -> Vec<Value> {
    rig.rpc("autosort.runs", &json!({"limit": 500}))["runs"].as_array().expect("a list").clone()
}

/// Waits until there are so many runs and the newest is in this state, and answers it; one that is done has met its
/// rows too.
pub fn newest(rig: &Rig, count: usize, state: &str) -> Value {
    let mut last = Vec::new();
    let deadline = std::time::Instant::now() + PATIENCE;
    loop {
        last.clone_from(&runs(rig));
        let there = last.len() == count && last[0]["state"] == state;
        if there && (state != "done" || reconciled(&last[0])) {
            return last[0].clone();
        }
        assert!(std::time::Instant::now() < deadline, "never {count} runs, the newest {state}: {last:#?}");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

fn reconciled(run: &Value) -> bool {
    let transfers = run["transfers"].as_array().expect("a list");
    transfers.iter().all(|one| one["reconciled_at"].is_string())
}

/// The run's guards in one text.
pub fn guards(run: &Value) -> String {
    run["plan"]["guards"].to_string()
}

/// Other configuration, read again; answers how that went.
pub fn reconfigure(rig: &Rig, more: &str) {
    std::fs::write(rig.home.path("etc/conf.d/more.toml"), more).expect("written");
    let said = rig.ctl(&["config", "reload"]);
    assert_eq!(said.code, 0, "{said:?}");
}

fn paid(rig: &Rig, amount: i64) {
    // The sync that follows a run yields no occurrences, even for who joins it.
    rig.until("no sync runs", || rig.status()["sync"]["state"] == "idle");
    rig.bank.bank().pay_salary(None, amount).expect("paid");
    rig.sync();
}

fn spent(rig: &Rig, amount: i64) {
    rig.bank.bank().spend(&Spend { amount: Some(amount), ..Spend::default() }).expect("bought");
}

fn holiday(amount: i64) -> (bool, String, i64) {
    (false, "Holiday".to_owned(), amount)
}

#[test]
fn pay_is_sorted_by_itself_once_a_person_has_seen_it_and_only_within_its_guards() {
    let rig = two_pots(INCOME);
    assert!(runs(&rig).is_empty(), "what came before the rule fires nothing");
    paid(&rig, 40_000);
    let first = newest(&rig, 1, "proposed");
    assert!(guards(&first).contains("never run"), "{first}");
    assert_eq!(moved(&rig), []);
    let said = rig.ctl(&["sort", "approve", "--yes"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(moved(&rig), [holiday(40_000)]);

    rig.bank.advance(SignedDuration::from_hours(30 * 24));
    paid(&rig, 35_000);
    newest(&rig, 2, "done");
    assert_eq!(moved(&rig), [holiday(40_000), holiday(35_000)]);

    paid(&rig, 36_000);
    let further = newest(&rig, 3, "proposed");
    assert!(guards(&further).contains("further"), "{further}");
    assert_eq!(rig.ctl(&["sort", "reject", further["id"].as_str().expect("an id")]).code, 0);

    rig.bank.advance(SignedDuration::from_hours(31 * 24));
    paid(&rig, 120_000);
    let large = newest(&rig, 4, "proposed");
    assert!(guards(&large).contains("max_per_run") && guards(&large).contains("£1,000.00"), "{large}");
    assert!(!guards(&large).contains("never run") && !guards(&large).contains("further"), "{large}");
    assert_eq!(moved(&rig).len(), 2, "only a person lets go what is over a guard");
    let said = rig.ctl(&["sort", "approve", "--yes"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(moved(&rig)[2..], [holiday(120_000)]);
}

#[test]
fn a_rule_run_by_hand_uses_its_occurrence_and_says_so() {
    let rig = two_pots(&INCOME.replace("\"auto\"", "\"propose\""));
    paid(&rig, 40_000);
    newest(&rig, 1, "proposed");
    let said = rig.ctl(&["sort", "run", "pay", "--yes"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.err.contains("2026-11-30"), "it says which occurrence it takes: {said:?}");
    let first = runs(&rig)[0].clone();
    assert_eq!(first["occurrence"], "2026-11-30", "{first}");
    let said = rig.ctl(&["sort", "run", "pay", "--yes"]);
    assert_ne!(said.code, 0, "{said:?}");
    let id = first["id"].as_str().expect("an id");
    assert!(said.err.contains(id) && said.err.contains("--again"), "{said:?}");
    assert_eq!(moved(&rig), [holiday(40_000)]);
    let again = rig.rpc("autosort.run", &json!({"rule": "pay", "hash": null, "again": true}));
    assert_eq!(again["run"]["state"], "proposed", "{again}");
    assert_eq!(moved(&rig), [holiday(40_000)], "again is a proposal too");
    // What a person asked for is approved by its id only.
    let said = rig.ctl(&["sort", "approve", again["run"]["id"].as_str().expect("an id"), "--yes"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(moved(&rig).len(), 2);
}

#[test]
fn exactly_the_plan_that_was_shown_runs_or_none() {
    let rig = two_pots(MANUAL);
    let plan = rig.json(&["sort", "plan", "aside"]);
    let hash = plan["plan"]["hash"].as_str().expect("a hash").to_owned();
    let said = rig.ctl(&["sort", "run", "aside", "--plan", &hash, "--yes"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(moved(&rig), [holiday(5_000)]);
    reconfigure(&rig, &MANUAL.replace("£50.00", "£60.00"));
    let said = rig.ctl(&["sort", "run", "aside", "--plan", &hash, "--yes"]);
    assert_eq!(said.code, 6, "{said:?}");
    assert_eq!(moved(&rig), [holiday(5_000)], "another plan is not run");
    newest(&rig, 2, "proposed");
}

#[test]
fn pay_that_comes_at_night_is_sorted_in_the_morning() {
    let rig = two_pots(INCOME);
    paid(&rig, 40_000);
    newest(&rig, 1, "proposed");
    assert_eq!(rig.ctl(&["sort", "approve", "--yes"]).code, 0);
    rig.bank.advance(SignedDuration::from_hours(30 * 24 - 10));
    paid(&rig, 35_000);
    let held = newest(&rig, 2, "withheld");
    assert!(held["reason"].as_str().is_some_and(|reason| reason.contains("quiet hours")), "{held}");
    rig.sync();
    assert_eq!(runs(&rig).len(), 2, "it is held back as one run");
    assert_eq!(moved(&rig), [holiday(40_000)]);
    rig.bank.advance(SignedDuration::from_hours(6));
    rig.sync();
    rig.until("it runs", || runs(&rig)[0]["state"] == "done");
    assert_eq!(moved(&rig), [holiday(40_000), holiday(35_000)]);
    let open = runs(&rig).iter().filter(|run| run["state"] == "withheld").count();
    assert_eq!(open, 0, "nothing of it is left waiting: {:#?}", runs(&rig));
}

/// A rule that only asks for a payment.
const ASKING: &str = "[sync]\npoll = \"\"\n[[autosort.rule]]\nname = \"share\"\ntrigger = { on = \"manual\" }\n\
     source = \"account:Personal\"\nkeep = \"£100.00\"\nstep = [{ ask = \"£60.00\", to = \"Corner Green\" }]\n";

#[test]
fn a_rule_that_only_asks_is_a_run_whose_payment_is_ticked_off_when_it_is_seen() {
    let rig = two_pots(ASKING);
    let said = rig.ctl(&["sort", "run", "share", "--yes"]);
    assert!(said.code == 0 && said.out.contains("£60.00 to Corner Green"), "{said:?}");
    let done = newest(&rig, 1, "done");
    assert_eq!(done["transfers"], json!([]), "{done}");
    assert_eq!(moved(&rig), []);
    let wanted = |rig: &Rig| {
        let attention = rig.status()["attention"].clone();
        let all = attention.as_array().expect("a list").clone();
        all.into_iter().find(|one| one["code"] == "payment_asked").map(|one| one["message"].to_string())
    };
    let what = wanted(&rig).expect("it says what to pay");
    assert!(what.contains("pay £60.00 from Personal to Corner Green"), "{what}");
    let order = Spend { amount: Some(6_000), merchant: Some("Corner Green".to_owned()), ..Spend::default() };
    rig.bank.bank().spend(&order).expect("paid");
    rig.bank.advance(SignedDuration::from_mins(1));
    rig.sync();
    rig.until("it is ticked off", || wanted(&rig).is_none());
}

#[test]
fn a_run_that_was_done_in_part_still_says_what_is_to_be_paid() {
    let more = ASKING.replace(
        "step = [",
        "step = [{ pot = \"Holiday\", amount = \"£10.00\" }, { pot = \"Bills\", amount = \"£5.00\" }, ",
    );
    let rig = two_pots(&more);
    let proposed = rig.rpc("autosort.run", &json!({"rule": "share", "again": false}));
    let id = proposed["run"]["id"].as_str().expect("an id").to_owned();
    // The second deposit is not answered, and refused when it is repeated.
    let unanswered = [2, 3].map(|nth| Rule::nth(Fault::Internal, nth).at("deposit"));
    rig.bank.bank().set_faults(unanswered.into(), 0);
    rig.rpc("autosort.approve", &json!({"id": id}));
    rig.until("the second is asked for", || asked(&rig, "deposit") > 1);
    {
        let mut bank = rig.bank.bank();
        let bills = bank.world.pots.iter().position(|pot| pot.name == "Bills").expect("a pot");
        bank.world.pots[bills].deleted = true;
    }
    rig.until("the repeat is refused", || asked(&rig, "deposit") > 3);
    rig.bank.advance(SignedDuration::from_mins(6));
    newest(&rig, 1, "partial");
    let said = rig.ctl(&["show", &id]);
    assert!(said.out.contains("£60.00"), "{said:?}");
    assert!(rig.status().to_string().contains("pay £60.00 from Personal to Corner Green"));
}

#[test]
fn what_a_guard_holds_back_is_one_run_that_goes_on_when_the_guard_lifts() {
    let rig = two_pots(INCOME);
    assert_eq!(rig.ctl(&["sort", "freeze", "--reason", "holidays"]).code, 0);
    paid(&rig, 40_000);
    let held = newest(&rig, 1, "withheld");
    assert!(held["reason"].as_str().is_some_and(|why| why.contains("holidays")), "{held}");
    rig.sync();
    assert_eq!(newest(&rig, 1, "withheld")["id"], held["id"], "one run, however often it is planned");

    // What has changed meanwhile counts: £1,482.70 and the pay, less £1,700.00, less £100.00 that stay.
    spent(&rig, 170_000);
    rig.bank.advance(SignedDuration::from_mins(1));
    assert_eq!(rig.ctl(&["sort", "thaw"]).code, 0);
    rig.sync();
    let proposed = newest(&rig, 1, "proposed");
    assert_eq!((&proposed["id"], &proposed["reason"]), (&held["id"], &Value::Null), "{proposed}");
    assert_eq!(proposed["transfers"][0]["amount"], 8_270, "planned again: {proposed}");
    assert!(proposed["expires_at"].is_string(), "{proposed}");
    let said = rig.ctl(&["sort", "approve", "--yes"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(moved(&rig), [holiday(8_270)]);
    // The sync that follows the run is over.
    rig.sync();

    // Now that a person has seen the rule run, it goes on by itself.
    rig.bank.advance(SignedDuration::from_hours(30 * 24));
    assert_eq!(rig.ctl(&["sort", "freeze"]).code, 0);
    paid(&rig, 35_000);
    let held = newest(&rig, 2, "withheld");
    assert_eq!(rig.ctl(&["sort", "thaw"]).code, 0);
    rig.sync();
    let done = newest(&rig, 2, "done");
    assert_eq!(done["id"], held["id"]);
    assert_eq!(moved(&rig), [holiday(8_270), holiday(35_000)]);
}

#[test]
fn what_is_held_back_ends_with_its_occurrence() {
    let rig = two_pots(
        "[sync]\npoll = \"\"\n[[autosort.rule]]\nname = \"over\"\n\
         trigger = { on = \"balance\", of = \"account:Personal\", above = \"£1,500.00\" }\n\
         source = \"account:Personal\"\nkeep = \"£100.00\"\nstep = [{ pot = \"Holiday\", amount = \"£50.00\" }]\n",
    );
    rig.sync();
    assert_eq!(rig.ctl(&["sort", "freeze"]).code, 0);
    paid(&rig, 40_000);
    newest(&rig, 1, "withheld");
    spent(&rig, 60_000);
    rig.bank.advance(SignedDuration::from_mins(1));
    rig.sync();
    let over = newest(&rig, 1, "expired");
    assert_eq!(over["reason"], "its occurrence is over", "{over}");
    assert_eq!(moved(&rig), []);
}
