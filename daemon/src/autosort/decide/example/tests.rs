//! The example of the specification, and examples that are wrong.

use jiff::civil::date;

use super::*;
use crate::rule::{Amount, Basis, By, Cap, Keep, OnFailure, Part, Share, Take, Trigger};
use jiff::SignedDuration;
use monzo_common::model::{RuleMode, StepKind};

fn pot(name: &str) -> AccountOrPotName {
    AccountOrPotName::Pot { account: None, name: name.to_owned() }
}

/// A payday rule as a person writes it.
fn payday() -> Rule {
    let part =
        |name, share, max, up_to| Part { pot: pot(name), share: Share::Of(BasisPoints(share)), max, up_to };
    let equal = |name, max| Part { pot: pot(name), share: Share::Equal, max: Some(max), up_to: None };
    Rule {
        name: "payday".to_owned(),
        triggers: vec![Trigger::Payday { payday: None, offset_days: 0, at: None }],
        source: AccountOrPotName::Account("Personal".to_owned()),
        keep: vec![Keep::Amount(60_000)],
        take: Take::All,
        mode: Some(RuleMode::Auto),
        enabled: true,
        catch_up: SignedDuration::from_hours(48),
        on_failure: OnFailure::Return,
        steps: vec![
            Step::Bills {
                pot: pot("Bills"),
                basis: Basis::Upcoming,
                buffer: BasisPoints(500),
                horizon: None,
                until_known: None,
            },
            Step::Pot {
                written: StepKind::Pot,
                target: pot("Rent"),
                amount: Some(Amount::Fixed(85_000)),
                up_to: None,
                by: None,
                max: None,
            },
            Step::Pot {
                written: StepKind::Pot,
                target: pot("Groceries"),
                amount: None,
                up_to: Some(30_000),
                by: None,
                max: None,
            },
            Step::Pot {
                written: StepKind::Pot,
                target: pot("Car insurance"),
                amount: None,
                up_to: Some(48_000),
                by: Some(By { year: None, month: 3, day: 1 }),
                max: None,
            },
            Step::Split {
                parts: ["Holiday", "Car"].map(|name| equal(name, Cap::Share(BasisPoints(2_000)))).into(),
                redistribute: true,
            },
            Step::Split {
                parts: vec![
                    part("Investments", 6_000, None, None),
                    part("Emergency", 4_000, Some(Cap::Amount(20_000)), Some(600_000)),
                ],
                redistribute: true,
            },
            Step::Ask { amount: 60_000, to: "Joint".to_owned() },
            Step::Pot {
                written: StepKind::Rest,
                target: pot("Savings"),
                amount: None,
                up_to: None,
                by: None,
                max: None,
            },
        ],
        tests: Vec::new(),
        text: "payday".to_owned(),
        origin: "monzod.toml:40".to_owned(),
    }
}

fn example(expect: &[(&str, i64)]) -> Example {
    Example {
        at: date(2026, 11, 27).at(9, 0, 0, 0),
        income: Some(245_000),
        bills: BTreeMap::from([("Bills".to_owned(), 41_250)]),
        given: BTreeMap::from([
            (AccountOrPotName::Account("Personal".to_owned()), 261_120),
            (pot("Bills"), 1_800),
        ]),
        expect: expect.iter().map(|(name, amount)| ((*name).to_owned(), *amount)).collect(),
        origin: "monzod.toml:60".to_owned(),
    }
}

fn paydays() -> Vec<Date> {
    vec![date(2026, 11, 27), date(2026, 12, 31), date(2027, 1, 29), date(2027, 2, 26), date(2027, 3, 31)]
}

#[test]
fn the_example_of_the_specification_holds() {
    assert_eq!(differences(&payday(), &example(&[("Bills", 39_450), ("left", 60_000)]), &paydays()), []);
}

#[test]
fn every_step_of_the_specified_rule_gives_what_is_left_in_its_turn() {
    let expect = [
        ("Bills", 39_450),
        ("Rent", 85_000),
        ("Groceries", 30_000),
        ("Car insurance", 12_000),
        ("Holiday", 6_934),
        ("Car", 6_934),
        ("Investments", 12_481),
        ("Emergency", 8_321),
        ("Joint", 0),
        ("Savings", 0),
        ("left", 60_000),
    ];
    assert_eq!(differences(&payday(), &example(&expect), &paydays()), []);
}

#[test]
fn what_differs_is_named_with_both_amounts() {
    let found = differences(&payday(), &example(&[("Bills", 40_000), ("Rents", 1)]), &paydays());
    let words: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(
        words,
        ["Bills: expected £400.00, and the rule gives £394.50", "Rents: no step of the rule gives to it"]
    );
}

#[test]
fn an_example_without_the_bills_that_its_rule_needs_is_not_planned() {
    let bare = Example { bills: BTreeMap::new(), ..example(&[("left", 60_000)]) };
    let found = differences(&payday(), &bare, &paydays());
    assert!(matches!(found.as_slice(), [Difference::NotPlanned(_)]), "{found:?}");
}

#[test]
fn a_rule_from_a_pot_into_its_account_can_be_tried() {
    let account = AccountOrPotName::Account("Joint".to_owned());
    let top_up = Rule {
        source: pot("Buffer"),
        keep: Vec::new(),
        steps: vec![Step::Pot {
            written: StepKind::Account,
            target: account.clone(),
            amount: None,
            up_to: Some(15_000),
            by: None,
            max: None,
        }],
        ..payday()
    };
    let case = Example {
        given: BTreeMap::from([(account, 4_000), (pot("Buffer"), 30_000)]),
        ..example(&[("Joint", 11_000), ("left", 19_000)])
    };
    assert_eq!(differences(&top_up, &case, &paydays()), []);
}
