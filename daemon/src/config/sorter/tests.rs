use jiff::SignedDuration;
use jiff::civil::{Time, date};

use super::super::{check_text, default_toml, notes, print};
use crate::rule::{
    AccountOrPotName, Adjust, Amount, BasisPoints, By, Cap, Day, Keep, Part, Rhythm, Share, Step, Trigger,
};
use monzo_common::model::{RuleMode, StepKind};

const PAYDAY: &str = "[[payday]]\nname = \"main\"\nday = \"last-working-day\"\n\
                      income = { from = \"ACME*\", at_least = \"£1,000.00\" }\n";

const RULE: &str = r#"
[autosort]
max_per_run = "£2,500.00"
[[autosort.rule]]
name = "payday"
trigger = { on = "payday" }
source = "account:Personal"
keep = ["£600.00", "10%"]
mode = "auto"
step = [
  { bills = "Bills", buffer = "5%" },
  { pot = "Rent", amount = "£850.00" },
  { pot = "Gifts", amount = "25% of income" },
  { pot = "Groceries", up_to = "£300.00" },
  { pot = "Car insurance", up_to = "£480.00", by = "03-01" },
  { goals = ["Holiday", "Car"], max = "20%" },
  { split = [ { pot = "Investments", share = "60%" }, { pot = "Emergency", share = "40%", max = "£200.00", up_to = "£6,000.00" } ], leftover = "redistribute" },
  { ask = "£600.00", to = "Joint" },
  { rest = "Savings" },
]
[[autosort.rule.test]]
at = "2026-11-27T09:00"
income = "£2,450.00"
bills = { Bills = "£412.50" }
given = { "account:Personal" = "£2,611.20", "pot:Bills" = "£18.00" }
expect = { Bills = "£394.50", left = "£600.00" }
"#;

fn refused(text: &str) -> String {
    match check_text("x.toml", text) {
        Ok(_) => panic!("was taken: {text}"),
        Err(error) => error.to_string(),
    }
}

fn pot(name: &str) -> AccountOrPotName {
    AccountOrPotName::Pot { account: None, name: name.into() }
}

#[test]
fn a_whole_rule_is_read_as_values() {
    let config = check_text("x.toml", &format!("{PAYDAY}{RULE}")).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(config.paydays[0].rhythm, Rhythm::Monthly(Day::LastWorking));
    assert_eq!(config.paydays[0].adjust, Adjust::Before);
    assert_eq!(config.paydays[0].income.as_ref().and_then(|credit| credit.at_least), Some(100_000));
    assert_eq!(config.autosort.max_per_run, Some(250_000));
    let rule = &config.autosort.rules[0];
    assert_eq!(rule.origin, "x.toml:8");
    assert_eq!(rule.mode, Some(RuleMode::Auto));
    assert_eq!(rule.keep, [Keep::Amount(60_000), Keep::Share(BasisPoints(1_000))]);
    assert_eq!(rule.triggers, [Trigger::Payday { payday: None, offset_days: 0, at: None }]);
    assert_eq!(rule.steps.len(), 9);
    let by = Some(By { year: None, month: 3, day: 1 });
    let insurance = Step::Pot {
        written: StepKind::Pot,
        target: pot("Car insurance"),
        amount: None,
        up_to: Some(48_000),
        by,
        max: None,
    };
    assert_eq!(rule.steps[4], insurance);
    let gifts = Some(Amount::OfIncome(BasisPoints(2_500)));
    assert!(matches!(&rule.steps[2], Step::Pot { amount, .. } if *amount == gifts));
    let max = Some(Cap::Share(BasisPoints(2_000)));
    let part = |name| Part { pot: pot(name), share: Share::Equal, max, up_to: None };
    assert_eq!(rule.steps[5], Step::Split { parts: ["Holiday", "Car"].map(part).into(), redistribute: true });
    assert_eq!(rule.tests[0].expect["left"], 60_000);
    assert_eq!(rule.tests[0].given[&AccountOrPotName::Account("Personal".into())], 261_120);
}

#[test]
fn every_trigger_is_read() {
    let triggers = r#"trigger = [
        { on = "payday", offset = "-1d", at = "07:30" },
        { on = "income", from = "ACME*", once = false, own = true },
        { on = "monthly", day = "last-friday", adjust = "after" },
        { on = "weekly", weekday = "friday", at = "18:00" },
        { on = "daily" },
        { on = "balance", of = "account:Personal", below = "£50.00", cooldown = "6h" },
        { on = "manual" },
    ]"#;
    let text = format!(
        "{PAYDAY}[[autosort.rule]]\nname = \"a\"\nsource = \"pot:Buffer\"\n{triggers}\n\
         step = [{{ account = \"Personal\", up_to = \"£150.00\" }}]"
    );
    let config = check_text("x.toml", &text).unwrap_or_else(|error| panic!("{error}"));
    let rule = &config.autosort.rules[0];
    assert_eq!(rule.triggers.len(), 7);
    let at = Some(Time::constant(7, 30, 0, 0));
    assert_eq!(rule.triggers[0], Trigger::Payday { payday: None, offset_days: -1, at });
    let cooldown = SignedDuration::from_hours(6);
    assert!(matches!(&rule.triggers[5], Trigger::Balance { cooldown: found, .. } if *found == cooldown));
}

#[test]
fn the_text_of_a_rule_does_not_depend_on_how_it_was_written() {
    let read = |text: &str| {
        let config =
            check_text("x.toml", &format!("{PAYDAY}{text}")).unwrap_or_else(|error| panic!("{error}"));
        config.autosort.rules[0].text.clone()
    };
    let one = read(
        "[[autosort.rule]]\nname = \"a\"\ntrigger = { on = \"weekly\", weekday = \"friday\" }\n\
         source = \"account:Personal\"\nkeep = \"£1,500\"\ncatch_up = \"48h\"\nstep = [{ rest = \"Savings\" }]\n",
    );
    let other = read(
        "# A sweep.\n[[autosort.rule]]\nstep = [ { rest = 'Savings' } ]\nkeep = [\"150000p\"]\n\
         trigger = [{ weekday = \"friday\", on = \"weekly\" }]\nsource = \"account:Personal\"\nname = \"a\"\n\
         [[autosort.rule.test]]\nat = \"2026-11-27T09:00\"\nexpect = {}\n",
    );
    assert_eq!(one, other);
    let changed = read(
        "[[autosort.rule]]\nname = \"a\"\ntrigger = { on = \"weekly\", weekday = \"friday\" }\n\
         source = \"account:Personal\"\nkeep = \"£1,501\"\nstep = [{ rest = \"Savings\" }]\n",
    );
    assert_ne!(one, changed);
}

#[test]
fn a_payday_that_a_rule_reads_is_part_of_its_text() {
    let read = |day: &str| {
        let text = format!("[[payday]]\nname = \"main\"\nday = {day}\nincome = {{}}\n{RULE}");
        let config = check_text("x.toml", &text).unwrap_or_else(|error| panic!("{error}"));
        config.autosort.rules[0].text.clone()
    };
    assert_ne!(read("27"), read("28"));
}

#[test]
fn printed_rules_read_back_as_themselves() {
    let config = check_text("x.toml", &format!("{PAYDAY}{RULE}")).unwrap_or_else(|error| panic!("{error}"));
    let printed = print(&config);
    let again = check_text("y", &printed).unwrap_or_else(|error| panic!("{error}\n{printed}"));
    assert_eq!(again.paydays, config.paydays, "{printed}");
    assert_eq!(again.autosort.rules[0].text, config.autosort.rules[0].text);
    assert_eq!(again.autosort.rules[0].steps, config.autosort.rules[0].steps);
    let tests = |config: &super::super::Config| config.autosort.rules[0].tests[0].given.clone();
    assert_eq!(tests(&again), tests(&config));
}

#[test]
fn the_example_of_the_reference_is_a_rule() {
    let reference = default_toml();
    let example = reference.split("\n# When pay comes").nth(1).expect("the example is there");
    // Lines of prose begin with a capital; the rest is TOML behind a mark.
    let toml: String = example
        .lines()
        .skip(1)
        .filter_map(|line| line.strip_prefix("# "))
        .filter(|line| !line.starts_with(|first: char| first.is_ascii_uppercase()))
        .map(|line| format!("{line}\n"))
        .collect();
    let config = check_text("example", &toml).unwrap_or_else(|error| panic!("{error}\n{toml}"));
    assert_eq!((config.paydays.len(), config.autosort.rules.len()), (1, 1), "{toml}");
    assert_eq!(config.autosort.rules[0].tests.len(), 1);
}

#[test]
fn paydays_are_read_in_every_form() {
    let read = |day: &str| {
        let config = check_text("x", &format!("[[payday]]\nname = \"a\"\nday = {day}\n"));
        config.unwrap_or_else(|error| panic!("{error}")).paydays[0].rhythm
    };
    assert_eq!(read("31"), Rhythm::Monthly(Day::Of(31)));
    assert!(matches!(read("\"last-friday\""), Rhythm::Monthly(Day::Last(_))));
    assert!(matches!(read("\"friday\""), Rhythm::Weekly(_)));
    let every = read("{ every = \"4w\", starting = \"2026-01-09\" }");
    assert_eq!(every, Rhythm::Every { weeks: 4, starting: date(2026, 1, 9) });
}

/// A rule whose line is broken, with a word of what is said about it.
fn broken(line: &str, wanted: &str) {
    let key = line.split(" = ").next().expect("a key");
    let sound = [
        "name = \"a\"",
        "trigger = { on = \"daily\" }",
        "source = \"account:Personal\"",
        "keep = \"£1.00\"",
        "step = [{ rest = \"Savings\" }]",
    ];
    let mut lines = vec!["[[autosort.rule]]"];
    lines.extend(sound.iter().filter(|other| !other.starts_with(&format!("{key} = "))));
    lines.push(line);
    let error = refused(&lines.join("\n"));
    assert!(error.contains(wanted), "{line}\nwanted: {wanted}\n{error}");
    assert!(error.contains("--> x.toml:"), "it has a place: {error}");
}

#[test]
fn what_is_wrong_with_an_amount_is_said() {
    broken("keep = \"12\"", "pounds or pence?");
    broken("keep = 12", "an amount in quotes");
    broken("keep = 12.5", "found a fractional number");
    broken("keep = \"-£12.00\"", "no sign");
    broken("keep = \"£12.5\"", "two digits");
    broken("keep = \"12.345\"", "two digits");
    broken("keep = \"£1,2\"", "groups of three");
    broken("keep = \"101%\"", "at most 100%");
    broken("catch_up = \"2 days\"", "a whole number with a unit");
    broken("catch_up = \"40d\"", "between 0s and 31d");
}

#[test]
fn a_step_has_one_kind_and_its_own_keys() {
    broken("step = [{ amount = \"£1.00\" }]", "exactly one of bills, pot, account, goals, split, ask, rest");
    broken("step = [{ pot = \"A\", rest = \"B\" }]", "make each a step of its own");
    broken("step = [{ pot = \"A\", buffer = \"5%\" }]", "`buffer` goes with `bills`");
    broken("step = [{ pot = \"A\", share = \"5%\" }]", "`share` goes with a part of `split`");
    broken("step = [{ pot = \"A\", keep = \"£5.00\" }]", "`keep` belongs to the rule");
    broken("step = [{ pot = \"A\", amuont = \"£5.00\" }]", "did you mean `amount`?");
    broken("step = [{ rest = \"A\" }, { pot = \"B\", up_to = \"£1.00\" }]", "put it at the end");
    broken("step = [{ pot = \"A\" }, { rest = \"B\" }]", "give it `amount` or `up_to`");
    broken("step = [{ pot = \"A\", by = \"03-01\" }]", "`by` needs `up_to`");
    broken("step = [{ pot = \"A\", amount = \"20%\" }]", "25% of income");
    broken("step = [{ pot = \"A\", amount = \"20% of income\" }]", "brings an income");
    broken("step = [{ pot = \"A\", amount = \"100% of spending\" }]", "reserved");
    broken("step = [{ ask = \"£1.00\" }]", "needs `to`");
    broken("step = [{ goals = [\"A\", \"A\"] }]", "names a pot twice");
    broken("step = []", "needs a step");
    broken("step = [{ rest = \"account:Personal\" }]", "must be a pot");
    broken("step = [{ bills = \"A\", until_known = \"£1.00\" }]", "for basis = \"last-cycle\"");
    broken(
        "step = [{ split = [{ pot = \"A\", share = \"60%\" }, { pot = \"B\", share = \"40.01%\" }] }]",
        "add up to 100.01%",
    );
}

#[test]
fn impossible_steps_are_refused() {
    broken("step = [{ account = \"Joint\", up_to = \"£1.00\" }]", "needs a pot as the rule's source");
    broken("step = [{ rest = \"pot:Joint/Bills\" }]", "the source is of Personal, the target of Joint");
    let text = "[[autosort.rule]]\nname = \"a\"\ntrigger = { on = \"manual\" }\nsource = \"pot:A\"\n";
    assert!(refused(&format!("{text}step = [{{ rest = \"A\" }}]")).contains("the rule's source"));
    let take = refused(&format!("{text}take = \"income\"\nstep = [{{ rest = \"B\" }}]"));
    assert!(take.contains("`take` is for a source that is an account"), "{take}");
}

#[test]
fn a_trigger_has_its_own_keys() {
    broken("trigger = { on = \"wekly\", weekday = \"friday\" }", "did you mean \"weekly\"?");
    broken("trigger = { on = \"weekly\" }", "needs `weekday`");
    broken("trigger = { on = \"daily\", day = 3 }", "`day` goes with on = \"monthly\"");
    broken("trigger = { on = \"balance\", of = \"account:Personal\" }", "either `below` or `above`");
    broken("trigger = { on = \"spending\" }", "reserved for a later version");
    broken("trigger = { on = \"payday\" }", "there is no [[payday]]");
    broken("trigger = \"daily\"", "is a table");
    broken("trigger = []", "needs a trigger");
    broken("trigger = { on = \"daily\", at = \"25:00\" }", "a time such as");
    broken("trigger = { on = \"income\", once = true }", "\"cycle\", or false");
}

#[test]
fn what_a_rule_must_say_is_asked_for() {
    broken("source = \"Personal\"", "say what it is");
    broken("names = \"b\"", "did you mean `name`?");
    broken("at = \"07:00\"", "`at` belongs in `trigger`");
    broken("mode = \"auto\"", "max_per_run` must be set");
    broken("name = \"undo\"", "give it another name");
    broken("name = \"\"", "1 to 60 letters");
    let error = refused(
        "[[autosort.rule]]\nname = \"a\"\ntrigger = { on = \"daily\" }\nsource = \"account:Personal\"\n\
         step = [{ rest = \"Savings\" }]",
    );
    assert!(error.contains("must say `keep`") && error.contains("x.toml:4:10"), "{error}");
    let error = refused("[[autosort.rule]]\n");
    for key in ["name", "trigger", "source", "step"] {
        assert!(error.contains(&format!("needs `{key}`")), "{key}: {error}");
    }
    assert!(refused("[autosort]\nmode = \"auto\"").contains("x.toml:2:8"));
    assert!(refused("[autosort]\nkeep = \"£1.00\"").contains("belongs in [[autosort.rule]]"));
    assert!(refused("[payday]\nname = \"a\"").contains("write each as [[payday]]"));
}

#[test]
fn an_unknown_payday_is_answered_with_the_nearest() {
    let rule = "[[autosort.rule]]\nname = \"a\"\ntrigger = { on = \"payday\", payday = \"mian\" }\n\
                source = \"pot:B\"\nstep = [{ account = \"Personal\" }]";
    let error = refused(&format!("{PAYDAY}{rule}"));
    assert!(
        error.contains("there is no payday \"mian\"") && error.contains("did you mean \"main\"?"),
        "{error}"
    );
}

#[test]
fn a_name_used_twice_names_both_places() {
    let error = refused(&format!("{PAYDAY}{PAYDAY}"));
    assert!(error.contains("two paydays are called \"main\""), "{error}");
    assert!(error.contains("x.toml:6:8") && error.contains("x.toml:2:8"), "{error}");
}

#[test]
fn blocks_of_several_files_add_up() {
    let dir = tempfile::tempdir().expect("a directory");
    let main = dir.path().join("monzod.toml");
    std::fs::create_dir(dir.path().join("conf.d")).expect("made");
    std::fs::write(&main, format!("{PAYDAY}{RULE}")).expect("written");
    let sweep = "[[autosort.rule]]\nname = \"sweep\"\ntrigger = { on = \"manual\" }\nsource = \"pot:Buffer\"\n\
                 step = [{ account = \"Personal\" }]\n";
    let drop_in = dir.path().join("conf.d/rules.toml");
    std::fs::write(&drop_in, sweep).expect("written");
    let locations = super::super::Locations { given: Some(main), usual: Vec::new() };
    let loaded = super::super::Config::load(&locations).unwrap_or_else(|error| panic!("{error}"));
    let names: Vec<&str> = loaded.config.autosort.rules.iter().map(|rule| rule.name.as_str()).collect();
    assert_eq!(names, ["payday", "sweep"]);
    assert_eq!(loaded.origins["autosort.rule.sweep"].file, drop_in);
    std::fs::write(&drop_in, sweep.replace("sweep", "payday")).expect("written");
    let error = super::super::Config::load(&locations).expect_err("twice").to_string();
    assert!(error.contains("rules.toml:2:8") && error.contains("monzod.toml:9:8"), "{error}");
}

#[test]
fn rules_that_pay_each_other_back_are_noted() {
    let text = "[[autosort.rule]]\nname = \"up\"\ntrigger = { on = \"manual\" }\nsource = \"pot:Buffer\"\n\
                step = [{ account = \"Personal\" }]\n\
                [[autosort.rule]]\nname = \"down\"\ntrigger = { on = \"manual\" }\nsource = \"account:Personal\"\n\
                keep = \"£1.00\"\nstep = [{ rest = \"Buffer\" }]\n";
    let config = check_text("x", text).unwrap_or_else(|error| panic!("{error}"));
    let found = notes(&config);
    assert_eq!(found.len(), 1);
    assert!(found[0].message.contains("\"up\" and \"down\" pay each other back"), "{found:?}");
    let other = check_text("x", &text.replace("rest = \"Buffer\"", "rest = \"Savings\"")).expect("valid");
    assert_eq!(notes(&other), []);
}

#[test]
fn a_reload_tells_which_blocks_changed() {
    let read = |text: &str| check_text("x", text).unwrap_or_else(|error| panic!("{error}"));
    let before = read(&format!("{PAYDAY}{RULE}"));
    let after = read(&format!("{PAYDAY}{}", RULE.replace("£850.00", "£851.00")));
    let changes = super::super::diff(&before, &after);
    assert_eq!(changes.len(), 1, "{changes:?}");
    assert_eq!((changes[0].key.as_str(), changes[0].live), ("autosort.rule.payday", true));
    let moved = read(&format!("# Elsewhere.\n\n{PAYDAY}{RULE}"));
    assert_eq!(super::super::diff(&before, &moved), []);
}

#[test]
fn no_broken_block_makes_it_panic() {
    for text in [
        "payday = 3",
        "[[payday]]\n",
        "[[payday]]\nday = {}\nname = 3",
        "[[payday]]\nname = \"a\"\nday = 0",
        "[[payday]]\nname = \"a\"\nday = \"last-\"",
        "[[payday]]\nname = \"a\"\nday = { every = \"0w\", starting = \"2026-02-30\" }",
        "autosort = 3",
        "autosort.rule = 3",
        "autosort.rule = [3]",
        "[[autosort.rule]]\nstep = [3, {}, { split = [] }, { split = 3 }, { goals = 3 }]\ntrigger = [3, {}]",
        "[[autosort.rule]]\ntest = 3\nsource = \"pot:/\"\nkeep = []",
        "[[autosort.rule]]\n[[autosort.rule.test]]\ngiven = 3\nexpect = { a = 3 }\nbills = { b = \"1\" }",
    ] {
        assert!(check_text("x", text).is_err(), "{text:?}");
    }
}
