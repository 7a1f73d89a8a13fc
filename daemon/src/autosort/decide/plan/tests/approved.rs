//! What a person approved, after a fresh sync.

use crate::autosort::decide::fixtures::{bills, facts, fixed, level, rest, rule, up_to, with, world};
use crate::autosort::decide::names::resolve;
use crate::autosort::decide::plan::{PlanInputs, changed, plan};
use crate::autosort::decide::world::World;
use crate::rule::Rule;

/// How many changes stand in the way of a plan made in one world and executed in another.
#[track_caller]
fn check(rule: &Rule, planned: &World, fresh: &World, changes: usize) {
    let plan = plan(&resolve(rule, planned), &facts());
    let found = changed(&plan, &resolve(rule, fresh), &facts());
    assert_eq!(found.len(), changes, "{found:?}");
}

#[test]
fn other_balances_that_still_allow_the_moves_change_nothing() {
    let rule = rule(100, vec![fixed("A", 300), up_to("B", 200)]);
    let planned = world(1_000, &[("A", 0), ("B", 0)]);
    check(&rule, &planned, &planned, 0);
    check(&rule, &planned, &world(600, &[("A", 50), ("B", 0)]), 0);
}

#[test]
fn what_must_stay_levels_goals_and_flags_must_hold() {
    let rule = rule(100, vec![fixed("A", 300), up_to("B", 200), rest("C")]);
    let pots = [("A", 0), ("B", 0), ("C", 0)];
    let planned = world(700, &pots);
    check(&rule, &planned, &world(699, &pots), 1);
    check(&rule, &planned, &world(700, &[("A", 0), ("B", 1), ("C", 0)]), 1);
    check(&rule, &planned, &with(world(700, &pots), "A", |pot| pot.goal = Some(299)), 1);
    check(&rule, &planned, &with(world(700, &pots), "C", |pot| pot.excluded = true), 1);
}

#[test]
fn another_text_or_other_guardrails_end_the_approval() {
    let one = rule(0, vec![fixed("A", 300)]);
    let world = world(1_000, &[("A", 0)]);
    let plan = plan(&resolve(&one, &world), &facts());
    let other = Rule { text: "another".to_owned(), ..one.clone() };
    assert_eq!(changed(&plan, &resolve(&other, &world), &facts()).len(), 1);
    let others = PlanInputs { guardrails: "others".to_owned(), ..facts() };
    assert_eq!(changed(&plan, &resolve(&one, &world), &others).len(), 1);
}

#[test]
fn bills_that_need_less_by_now_end_the_approval() {
    let rule = rule(0, vec![bills("A", 500)]);
    let world = world(1_000, &[("A", 20)]);
    let needing = |amount| PlanInputs { levels: [(1, Ok(level(amount)))].into(), ..facts() };
    let plan = plan(&resolve(&rule, &world), &needing(200));
    let changes = |amount| changed(&plan, &resolve(&rule, &world), &needing(amount)).len();
    assert_eq!((changes(200), changes(300), changes(199)), (0, 0, 1));
    assert_eq!(changed(&plan, &resolve(&rule, &world), &facts()).len(), 0, "what is not known caps nothing");
}
