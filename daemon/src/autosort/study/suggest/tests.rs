//! Suggestions as they are printed, and that each is TOML whatever things are called.

use jiff::ToSpan;
use jiff::civil::{Date, Weekday, date};
use proptest::prelude::*;

use super::{Account, Kind, Pot, SuggestionInputs, suggest};
use crate::insight::payday::{self, Credit};
use crate::insight::recurring::{Row, bills};

fn working(day: Date) -> bool {
    !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday)
}

fn rows(name: &str, amount: i64, first: Date, pot: Option<&str>) -> Vec<Row> {
    let row = |n: i64| Row {
        account: "acc_1".into(),
        id: format!("tx_{name}{n}").into(),
        date: first.checked_add(n.months()).expect("a date"),
        amount: -amount,
        description: String::new(),
        counterparty: Some(name.into()),
        merchant: None,
        group: None,
        category: String::new(),
        scheme: "bacs".into(),
        series: Some(name.into()),
        pot: pot.map(Into::into),
    };
    (0..5).map(row).collect()
}

fn pot(id: &str, name: &str, kind: &str, balance: i64) -> Pot {
    Pot {
        id: id.into(),
        account: "acc_1".into(),
        name: name.into(),
        kind: kind.into(),
        balance,
        goal: None,
        locked: false,
    }
}

fn facts() -> SuggestionInputs {
    let asof = date(2026, 7, 3);
    let days =
        [date(2026, 2, 27), date(2026, 3, 31), date(2026, 4, 30), date(2026, 5, 29), date(2026, 6, 30)];
    let credits = days.map(|day| Credit {
        account: "acc_1".into(),
        id: format!("tx_{day}").into(),
        date: day,
        amount: 245_000,
        name: "HALCYON \"INSTRUMENTS\" LTD".into(),
        scheme: "bacs".into(),
    });
    let horizon = date(2026, 8, 1);
    let mut paid = rows("Northern Lights", 6_200, date(2026, 2, 2), Some("pot_bills"));
    paid.extend(rows("Thornbury", 89_500, date(2026, 2, 3), Some("pot_bills")));
    paid.extend(rows("Skylark", 1_900, date(2026, 2, 16), None));
    let deposits = rows("pot_holiday", 12_000, date(2026, 2, 28), Some("pot_holiday"));
    SuggestionInputs {
        pays: payday::found(&credits, asof, &working),
        bills: bills(&paid, asof, horizon, &working),
        deposits: bills(&deposits, asof, horizon, &working),
        accounts: vec![Account { id: "acc_1".into(), name: "Personal".into(), spent_a_month: 158_312 }],
        pots: vec![
            pot("pot_bills", "Bills", "default", 1_800),
            pot("pot_holiday", "Holiday", "default", 48_000),
            pot("pot_savings", "Savings", "instant_access", 300_000),
            pot("pot_tax", "Tax 2026", "default", 0),
        ],
        has_payday: false,
        rules: Vec::new(),
        folder: "/etc/monzod/conf.d".into(),
    }
}

#[test]
fn a_payday_is_suggested_with_its_payer_day_bills_and_amounts() {
    let found = suggest(Some(Kind::Payday), &facts());
    assert_eq!(found.save_as, "/etc/monzod/conf.d/payday.toml");
    let expected = r#"
# HALCYON "INSTRUMENTS" LTD paid £2,450.00 on 2026-06-30, on the last working day of the month.
# Learnt from 5 payments. Next: 2026-07-31, 2026-08-31, 2026-09-30.
[[payday]]
name = "main"
day = "last-working-day"
adjust = "before"
income = { from = "HALCYON \"INSTRUMENTS\" LTD", at_least = "£1,960.00" }

[[autosort.rule]]
name = "payday"
trigger = { on = "payday" }
source = "account:Personal"
keep = "£630.00" # what leaves Personal in a month, without bills that pots pay
step = [
  # Thornbury: £895.00 monthly, next on 2026-07-03
  # Northern Lights: £62.00 monthly, next on 2026-07-03
  # together about £957.00 a month
  { bills = "Bills", buffer = "5%" },
  { pot = "Holiday", amount = "£120.00" }, # you moved this monthly, last on 2026-06-28
  # { rest = "Savings" }, # whatever is left above `keep`
]
"#;
    let blocks = found.toml.split_once("approval.\n").expect("a head").1;
    let sorted = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    // Two bills of one day come in the order of their amounts.
    assert_eq!(sorted(blocks), sorted(expected), "{blocks}");
}

#[test]
fn the_other_rules_name_what_they_move_and_where() {
    let line = |kind: Kind, wanted: &str| {
        let toml = suggest(Some(kind), &facts()).toml;
        assert!(toml.lines().any(|line| line.trim() == wanted), "{toml}");
        assert!(toml.parse::<toml::Table>().is_ok(), "{toml}");
    };
    line(Kind::Bills, "{ bills = \"Bills\", horizon = \"2d\" },");
    line(Kind::Sweep, "step = [{ rest = \"Savings\" }]");
    line(Kind::TopUp, "source = \"pot:Holiday\"");
    line(Kind::TopUp, "step = [{ account = \"Personal\", up_to = \"£400.00\" }]");
    line(Kind::Tax, "step = [{ pot = \"Tax 2026\", amount = \"20% of income\" }]");
}

#[test]
fn all_kinds_together_have_one_calendar_and_no_name_twice() {
    let toml = suggest(None, &facts()).toml;
    let table: toml::Table = toml.parse().expect("TOML");
    let rules = table["autosort"]["rule"].as_array().expect("rules");
    let names: Vec<&str> = rules.iter().filter_map(|rule| rule["name"].as_str()).collect();
    assert_eq!(names, ["payday", "bill guard", "sweep", "top-up", "tax"]);
    assert_eq!(table["payday"].as_array().map(Vec::len), Some(1));
    let toml = suggest(None, &SuggestionInputs { has_payday: true, ..facts() }).toml;
    assert!(!toml.contains("[[payday]]"), "{toml}");
}

#[test]
fn a_suggestion_leaves_alone_what_there_is_and_takes_from_no_pot_that_is_filled() {
    let taken = vec!["Payday".to_owned(), "bill guard".to_owned()];
    let facts = SuggestionInputs { has_payday: true, rules: taken, ..facts() };
    let payday = suggest(Some(Kind::Payday), &facts);
    assert!(payday.save_as.ends_with("/payday-2.toml"), "{}", payday.save_as);
    assert!(
        payday.toml.contains("name = \"payday 2\"") && payday.toml.contains("this file alone"),
        "{}",
        payday.toml
    );
    assert!(suggest(Some(Kind::Bills), &facts).save_as.ends_with("/bills-2.toml"));
    let mut pots = facts.pots.clone();
    pots.push(pot("pot_rainy", "Rainy day", "default", 1));
    let top_up = suggest(Some(Kind::TopUp), &SuggestionInputs { pots, ..facts });
    assert!(top_up.toml.contains("source = \"pot:Rainy day\""), "{}", top_up.toml);
}

#[test]
fn where_the_ledger_says_nothing_the_suggestion_says_what_is_missing() {
    for kind in Kind::ALL {
        let bare = SuggestionInputs { folder: "conf.d/".into(), ..SuggestionInputs::default() };
        let found = suggest(Some(kind), &bare);
        let table: toml::Table = found.toml.parse().expect("TOML");
        assert!(table.is_empty() && found.toml.contains("monzoctl sync"), "{}", found.toml);
        assert!(!found.toml.contains("save it"), "there is nothing to save: {}", found.toml);
        assert_eq!(kind.word().parse(), Ok(kind));
    }
    assert!("spending".parse::<Kind>().is_err());
}

#[test]
fn the_configuration_takes_every_suggestion() {
    let parsed = |toml: &str| {
        crate::config::check_text("x.toml", toml).unwrap_or_else(|error| panic!("{error}\n{toml}"))
    };
    for kind in Kind::ALL {
        let config = parsed(&suggest(Some(kind), &facts()).toml);
        assert_eq!(config.autosort.rules.len(), 1, "{kind:?}");
    }
    let config = parsed(&suggest(None, &facts()).toml);
    assert_eq!((config.paydays.len(), config.autosort.rules.len()), (1, 5));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn a_suggestion_is_toml_whatever_things_are_called(
        names in prop::array::uniform4("[ -~\\n\\t£\"\\\\#']{0,12}"), amount in 0..i64::MAX / 200, kind in 0..6_usize,
    ) {
        let mut facts = facts();
        for (pot, name) in facts.pots.iter_mut().zip(&names) {
            pot.name.clone_from(name);
            pot.balance = amount;
        }
        facts.accounts[0].name.clone_from(&names[1]);
        facts.accounts[0].spent_a_month = amount;
        facts.bills.iter_mut().for_each(|bill| bill.name.clone_from(&names[2]));
        facts.pays[0].payer.clone_from(&names[3]);
        facts.folder.clone_from(&names[0]);
        let toml = suggest(Kind::ALL.get(kind).copied(), &facts).toml;
        prop_assert!(toml.parse::<toml::Table>().is_ok(), "{}", toml);
    }
}
