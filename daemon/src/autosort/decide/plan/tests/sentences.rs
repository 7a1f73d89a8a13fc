//! The requirements on plans (autosort/README.md, Planning), each as a case or a table of them.

use jiff::civil::date;
use monzo_common::model::{Plan, StepKind, TransferKind};

use crate::autosort::decide::bills::NotKnown;
use crate::autosort::decide::fixtures::{
    account, bills, facts, fixed, level, personal, pot, pot_of, rest, rule, up_to, with, world,
};
use crate::autosort::decide::names::resolve;
use crate::autosort::decide::plan::{PlanInputs, hash_difference, plan};
use crate::autosort::decide::world::World;
use crate::rule::{AccountOrPotName, Amount, BasisPoints, By, Cap, Keep, Part, Rule, Share, Step, Take};

/// What each target gets, step by step, and what stays at the source.
#[track_caller]
fn check(rule: &Rule, world: &World, facts: &PlanInputs, amounts: &[i64], left: i64) -> Plan {
    let plan = plan(&resolve(rule, world), facts);
    let found: Vec<i64> =
        plan.steps.iter().flat_map(|step| &step.targets).map(|target| target.amount).collect();
    assert_eq!((found.as_slice(), plan.left), (amounts, left), "{plan:#?}");
    plan
}

fn capped(mut step: Step, cap: Cap) -> Step {
    match &mut step {
        Step::Pot { max, .. } => *max = Some(cap),
        Step::Split { parts, .. } => parts.iter_mut().for_each(|part| part.max = Some(cap)),
        _ => panic!("this step has no cap"),
    }
    step
}

fn split(parts: &[(&str, u32)], redistribute: bool) -> Step {
    let part = |(name, share): &(&str, u32)| Part {
        pot: pot(name),
        share: Share::Of(BasisPoints(*share)),
        max: None,
        up_to: None,
    };
    Step::Split { parts: parts.iter().map(part).collect(), redistribute }
}

fn goals(names: &[&str]) -> Step {
    let part = |name: &&str| Part { pot: pot(name), share: Share::Equal, max: None, up_to: None };
    Step::Split { parts: names.iter().map(part).collect(), redistribute: true }
}

#[test]
fn the_larger_of_what_is_kept_stays_and_shares_round_up() {
    let one = |keep: Vec<Keep>| Rule { keep, ..rule(0, vec![rest("A")]) };
    for (keep, balance, left) in [
        (vec![Keep::Amount(600)], 1_000, 600),
        (vec![Keep::Share(BasisPoints(1_000))], 1_001, 101),
        (vec![Keep::Amount(600), Keep::Share(BasisPoints(1_000))], 10_000, 1_000),
        (vec![Keep::Amount(600), Keep::Share(BasisPoints(1_000))], 1_000, 600),
        (vec![Keep::Amount(600)], 500, 500),
        (vec![Keep::Amount(600)], -500, -500),
    ] {
        let given = (balance - left).max(0);
        check(&one(keep), &world(balance, &[("A", 0)]), &facts(), &[given], left);
    }
}

#[test]
fn take_limits_what_is_available() {
    for (take, income, given) in [
        (Take::All, Some(300), 900),
        (Take::Income, Some(300), 300),
        (Take::Income, Some(5_000), 900),
        (Take::Income, None, 0),
        (Take::Leftover, Some(300), 700),
        (Take::Leftover, Some(5_000), 0),
        (Take::Leftover, None, 0),
    ] {
        let rule = Rule { take, ..rule(100, vec![rest("A")]) };
        let facts = PlanInputs { income, ..facts() };
        check(&rule, &world(1_000, &[("A", 0)]), &facts, &[given], 1_000 - given);
    }
}

#[test]
fn steps_go_in_order_and_the_one_that_finds_too_little_is_short() {
    let rule = rule(0, vec![fixed("A", 700), fixed("B", 500), fixed("C", 100)]);
    let plan = check(&rule, &world(1_000, &[("A", 0), ("B", 0), ("C", 0)]), &facts(), &[700, 300, 0], 0);
    assert_eq!(plan.steps.iter().map(|step| step.short).collect::<Vec<_>>(), [0, 200, 100]);
}

#[test]
fn a_pot_is_filled_to_its_level_and_short_of_it_where_too_little_is_left() {
    let rule = rule(0, vec![up_to("A", 300), up_to("B", 900)]);
    let plan = check(&rule, &world(500, &[("A", 120), ("B", 0)]), &facts(), &[180, 320], 0);
    assert_eq!(plan.steps.iter().map(|step| step.short).collect::<Vec<_>>(), [0, 580]);
    check(&rule, &world(500, &[("A", 400), ("B", 900)]), &facts(), &[0, 0], 500);
}

#[test]
fn the_banks_goal_caps_where_no_level_is_written() {
    let goal = |name| with(world(1_000, &[("A", 100)]), name, |pot| pot.goal = Some(250));
    check(&rule(0, vec![fixed("A", 500)]), &goal("A"), &facts(), &[150], 850);
    check(&rule(0, vec![rest("A")]), &goal("A"), &facts(), &[150], 850);
    check(&rule(0, vec![up_to("A", 600)]), &goal("A"), &facts(), &[500], 500);
    check(&rule(0, vec![split(&[("A", 10_000)], true)]), &goal("A"), &facts(), &[150], 850);
    let plan = plan(&resolve(&rule(0, vec![rest("A")]), &goal("A")), &facts());
    assert_eq!(plan.steps[0].caps, ["up to its goal of £2.50: £1.50 fits"]);
    assert_eq!(plan.steps[0].short, 0);
}

#[test]
fn the_banks_goal_does_not_cap_bills_and_sinking_funds() {
    let world = with(world(1_000, &[("A", 100)]), "A", |pot| pot.goal = Some(250));
    let mut with_bills = facts();
    with_bills.levels.insert(1, Ok(level(500)));
    check(&rule(0, vec![bills("A", 0)]), &world, &with_bills, &[400], 600);
    check(&rule(0, vec![fund("A", 900)]), &world, &facts(), &[200], 800);
}

fn fund(name: &str, level: i64) -> Step {
    let by = Some(By { year: None, month: 3, day: 1 });
    Step::Pot { written: StepKind::Pot, target: pot(name), amount: None, up_to: Some(level), by, max: None }
}

#[test]
fn a_sinking_fund_gets_what_is_missing_over_the_paydays_left() {
    let rule = rule(0, vec![fund("A", 48_000)]);
    let mut balance = 0;
    let mut given = Vec::new();
    let all = facts().paydays;
    for (index, payday) in all.iter().enumerate() {
        let facts = PlanInputs { today: *payday, paydays: all[index..].to_vec(), ..facts() };
        let plan = plan(&resolve(&rule, &world(100_000, &[("A", balance)])), &facts);
        given.push(plan.steps[0].amount);
        balance += plan.steps[0].amount;
    }
    assert_eq!((given, balance), (vec![12_000; 4], 48_000));
    // Pennies go first, so that the last payday is never the dearest; a full fund gets nothing.
    check(&rule, &world(100_000, &[("A", 47_998)]), &facts(), &[1], 99_999);
    check(&rule, &world(100_000, &[("A", 50_000)]), &facts(), &[0], 100_000);
}

#[test]
fn a_sinking_fund_without_paydays_or_level_is_a_planning_error_and_one_past_its_day_gets_nothing() {
    let bare = PlanInputs { paydays: Vec::new(), ..facts() };
    let plan_of = |step: Step, facts: &PlanInputs| {
        plan(&resolve(&rule(0, vec![step]), &world(1_000, &[("A", 0)])), facts)
    };
    assert!(plan_of(fund("A", 900), &bare).steps[0].error.is_some());
    let no_level = Step::Pot {
        written: StepKind::Pot,
        target: pot("A"),
        amount: None,
        up_to: None,
        by: Some(By { year: None, month: 3, day: 1 }),
        max: None,
    };
    assert!(plan_of(no_level, &facts()).steps[0].error.is_some());
    let past = Step::Pot {
        written: StepKind::Pot,
        target: pot("A"),
        amount: None,
        up_to: Some(900),
        by: Some(By { year: Some(2026), month: 3, day: 1 }),
        max: None,
    };
    let plan = plan_of(past, &facts());
    assert_eq!((plan.steps[0].amount, plan.steps[0].error.as_deref()), (0, None));
}

#[test]
fn a_percentage_of_income_rounds_down_and_needs_an_income() {
    let amount = Some(Amount::OfIncome(BasisPoints(2_500)));
    let rule = rule(
        0,
        vec![Step::Pot {
            written: StepKind::Pot,
            target: pot("A"),
            amount,
            up_to: None,
            by: None,
            max: None,
        }],
    );
    let paid = PlanInputs { income: Some(245_003), ..facts() };
    check(&rule, &world(300_000, &[("A", 0)]), &paid, &[61_250], 238_750);
    let unpaid = plan(&resolve(&rule, &world(300_000, &[("A", 0)])), &facts());
    assert!(unpaid.steps[0].error.as_deref().is_some_and(|error| error.starts_with("25% of income")));
    assert!(unpaid.transfers.is_empty());
}

#[test]
fn bills_get_what_their_level_with_the_buffer_lacks_rounded_up() {
    for (amount, buffer, balance, need) in [
        (41_250, 0, 1_800, 39_450),
        (41_250, 500, 1_800, 41_513),
        (1, 1, 0, 2),
        (100, 500, 200, 0),
        (0, 500, 0, 0),
    ] {
        let mut facts = facts();
        facts.levels.insert(1, Ok(level(amount)));
        let rule = rule(0, vec![bills("A", buffer)]);
        let plan = check(&rule, &world(100_000, &[("A", balance)]), &facts, &[need], 100_000 - need);
        let sum = plan.steps[0].inputs.iter().find(|input| input.name == "bills").map(|input| input.amount);
        assert_eq!(sum, Some(amount));
    }
}

#[test]
fn what_an_earlier_step_gave_to_the_pot_counts_for_its_bills() {
    let mut facts = facts();
    facts.levels.insert(2, Ok(level(500)));
    let rule = rule(0, vec![fixed("A", 200), bills("A", 0)]);
    let plan = check(&rule, &world(1_000, &[("A", 0)]), &facts, &[200, 300], 500);
    assert_eq!(plan.transfers.len(), 1, "one deposit a pot");
    assert_eq!(plan.transfers[0].amount, 500);
}

#[test]
fn bills_that_cannot_be_told_leave_the_plan_without_moves_and_say_what_to_do() {
    let mut facts = facts();
    facts.levels.insert(2, Err(NotKnown::Hidden { pot: "A".to_owned() }));
    let rule = rule(0, vec![fixed("B", 100), bills("A", 0), rest("B")]);
    let plan = plan(&resolve(&rule, &world(1_000, &[("A", 0), ("B", 0)])), &facts);
    assert!(plan.transfers.is_empty());
    assert_eq!(plan.left, 1_000);
    assert!(plan.steps[1].error.as_deref().is_some_and(|error| error.contains("monzoctl pots discover A")));
    assert_eq!(plan.steps[2].explanation, "not planned, since step 2 could not be");
    assert!(plan.after.iter().all(|outcome| outcome.before == outcome.after));
}

#[test]
fn goals_share_equally_and_each_stops_at_its_goal() {
    let world = |a, b| {
        let world = with(world(1_000, &[("A", 0), ("B", 0), ("C", 0)]), "A", |pot| pot.goal = a);
        with(world, "B", |pot| pot.goal = b)
    };
    let both = rule(0, vec![goals(&["A", "B"])]);
    check(&both, &world(Some(5_000), Some(5_000)), &facts(), &[500, 500], 0);
    check(&both, &world(Some(300), Some(5_000)), &facts(), &[300, 700], 0);
    check(&both, &world(Some(300), Some(400)), &facts(), &[300, 400], 300);
    check(&both, &world(None, Some(5_000)), &facts(), &[0, 1_000], 0);
    let most = rule(0, vec![capped(goals(&["A", "B"]), Cap::Share(BasisPoints(2_000))), rest("C")]);
    check(&most, &world(Some(5_000), Some(100)), &facts(), &[200, 100, 700], 0);
}

#[test]
fn caps_are_of_what_the_step_began_with_and_are_named() {
    let rule = rule(0, vec![fixed("A", 500), capped(rest("B"), Cap::Share(BasisPoints(3_000)))]);
    let plan = check(&rule, &world(1_000, &[("A", 0), ("B", 0)]), &facts(), &[500, 150], 350);
    assert_eq!(plan.steps[1].caps, ["at most 30% of £5.00: £1.50"]);
}

#[test]
fn a_part_whose_cap_leaves_it_nothing_says_so() {
    let Step::Split { mut parts, redistribute } = split(&[("A", 6_000), ("B", 4_000)], true) else { return };
    parts[0].max = Some(Cap::Share(BasisPoints(100)));
    let rule = rule(0, vec![Step::Split { parts, redistribute }]);
    let plan = check(&rule, &world(50, &[("A", 0), ("B", 0)]), &facts(), &[0, 50], 0);
    assert_eq!(plan.steps[0].caps, ["A: at most £0.00"]);
}

#[test]
fn a_split_gives_to_the_penny_and_redistributes_or_leaves() {
    let thirds = rule(0, vec![split(&[("A", 3_333), ("B", 3_333), ("C", 3_334)], true)]);
    check(&thirds, &world(100, &[("A", 0), ("B", 0), ("C", 0)]), &facts(), &[33, 33, 34], 0);
    let lost = rule(0, vec![split(&[("A", 3_333), ("B", 3_333), ("C", 3_333)], true)]);
    check(&lost, &world(100, &[("A", 0), ("B", 0), ("C", 0)]), &facts(), &[34, 33, 33], 0);
    let half = rule(0, vec![split(&[("A", 5_000)], true), rest("B")]);
    check(&half, &world(101, &[("A", 0), ("B", 0)]), &facts(), &[51, 50], 0);
    for (redistribute, amounts, left) in [(true, [800, 200, 0], 0), (false, [600, 200, 200], 0)] {
        let Step::Split { mut parts, .. } = split(&[("A", 6_000), ("B", 4_000)], redistribute) else {
            return;
        };
        parts[1].max = Some(Cap::Amount(200));
        let rule = rule(0, vec![Step::Split { parts, redistribute }, rest("C")]);
        check(&rule, &world(1_000, &[("A", 0), ("B", 0), ("C", 0)]), &facts(), &amounts, left);
    }
}

#[test]
fn what_is_asked_for_is_set_aside_in_the_source_and_never_sent() {
    let ask = |amount| Step::Ask { amount, to: "Joint".to_owned() };
    let plan =
        check(&rule(100, vec![ask(600), rest("A")]), &world(1_000, &[("A", 0)]), &facts(), &[600, 300], 700);
    assert_eq!(plan.steps[0].targets[0].id, None);
    assert_eq!(plan.transfers.len(), 1);
    let short = check(&rule(0, vec![ask(600)]), &world(500, &[]), &facts(), &[500], 500);
    assert_eq!(short.steps[0].short, 100);
}

#[test]
fn a_pot_gives_by_one_withdrawal_of_the_sum_and_one_deposit_a_target() {
    let account = Step::Pot {
        written: StepKind::Account,
        target: personal(),
        amount: None,
        up_to: Some(15_000),
        by: None,
        max: None,
    };
    let rule = Rule { source: pot("Buffer"), ..rule(0, vec![account, fixed("A", 500), rest("B")]) };
    let world = world(4_000, &[("Buffer", 20_000), ("A", 0), ("B", 0)]);
    let plan = check(&rule, &world, &facts(), &[11_000, 500, 8_500], 0);
    let sent: Vec<(TransferKind, &str, i64)> = plan
        .transfers
        .iter()
        .map(|transfer| (transfer.kind, transfer.pot_id.as_str(), transfer.amount))
        .collect();
    assert_eq!(
        sent,
        [
            (TransferKind::Withdraw, "pot_Buffer", 20_000),
            (TransferKind::Deposit, "pot_A", 500),
            (TransferKind::Deposit, "pot_B", 8_500),
        ]
    );
    let after: Vec<(&str, i64)> =
        plan.after.iter().map(|outcome| (outcome.name.as_str(), outcome.after)).collect();
    assert_eq!(after, [("Buffer", 0), ("Personal", 15_000), ("A", 500), ("B", 8_500)]);
}

#[test]
fn the_step_of_a_pot_that_is_gone_is_skipped_and_its_money_stays() {
    let gone = |world| with(world, "A", |pot| pot.deleted = true);
    let all = rule(0, vec![fixed("A", 300), rest("B")]);
    let plan = check(&all, &gone(world(1_000, &[("A", 0), ("B", 0)])), &facts(), &[0, 700], 300);
    assert_eq!(plan.guards, ["rule \"payday\", step 1, pot:A: it was deleted in the app (monzod.toml:7)"]);
    assert!(plan.steps[0].explanation.contains("A was skipped"), "{}", plan.steps[0].explanation);
    // A part of a split, and one of several goals, keep their share; the others get what they would have got.
    let shared = rule(0, vec![split(&[("A", 6_000), ("B", 4_000)], true)]);
    check(&shared, &gone(world(1_000, &[("A", 0), ("B", 0)])), &facts(), &[0, 400], 600);
    // Bills that cannot be told could be anything.
    let of_bills = rule(0, vec![bills("A", 0), rest("B")]);
    check(&of_bills, &gone(world(1_000, &[("A", 0), ("B", 0)])), &facts(), &[0, 0], 1_000);
}

#[test]
fn an_object_of_another_account_refuses_the_rule_before_any_move() {
    let mut world = world(1_000, &[("A", 0)]);
    world.accounts.push(account("Joint", 500));
    world.pots.push(pot_of("Joint", "Theirs", 0));
    let theirs = AccountOrPotName::Pot { account: Some("Joint".to_owned()), name: "Theirs".to_owned() };
    let rule = rule(
        0,
        vec![
            fixed("A", 100),
            Step::Pot {
                written: StepKind::Rest,
                target: theirs,
                amount: None,
                up_to: None,
                by: None,
                max: None,
            },
        ],
    );
    let plan = plan(&resolve(&rule, &world), &facts());
    assert!(plan.transfers.is_empty());
    assert!(plan.steps[1].error.as_deref().is_some_and(|error| error.contains("belongs to Joint")));
}

#[test]
fn the_hash_covers_rule_guardrails_and_moves_and_not_the_balances() {
    let of = |rule: &Rule, balance, facts: &PlanInputs| {
        plan(&resolve(rule, &world(balance, &[("A", 0)])), facts).hash
    };
    let one = rule(0, vec![fixed("A", 300)]);
    let hash = of(&one, 1_000, &facts());
    assert_eq!(hash, of(&one, 2_000, &facts()));
    let check =
        |other: String, what: &str| assert_eq!(hash_difference(&hash, &other), [what], "{hash} {other}");
    check(of(&one, 200, &facts()), "other moves are right by now");
    check(of(&Rule { text: "another".to_owned(), ..one.clone() }, 1_000, &facts()), "the rule was changed");
    let others = PlanInputs { guardrails: "others".to_owned(), ..facts() };
    check(of(&one, 1_000, &others), "the guardrails were changed");
    assert_eq!(hash.len(), 20);
    assert_eq!(hash_difference(&hash, "").len(), 3);
    assert_eq!(hash_difference(&hash, &hash), [""; 0]);
}

#[test]
fn a_level_is_never_passed_by_a_pot_that_two_steps_or_two_parts_name() {
    let twice = rule(0, vec![up_to("A", 300), split(&[("A", 5_000), ("A", 5_000)], true)]);
    let goal = with(world(1_000, &[("A", 0)]), "A", |pot| pot.goal = Some(500));
    check(&twice, &goal, &facts(), &[300, 200, 0], 500);
}

#[test]
fn each_figure_of_a_step_is_shown() {
    let mut facts = facts();
    facts.today = date(2026, 11, 27);
    let plan = plan(&resolve(&rule(0, vec![fund("A", 900)]), &world(1_000, &[("A", 100)])), &facts);
    let inputs: Vec<(&str, i64)> =
        plan.steps[0].inputs.iter().map(|input| (input.name.as_str(), input.amount)).collect();
    assert_eq!(inputs, [("left", 1_000), ("level", 900), ("balance", 100), ("missing", 800)]);
    assert_eq!(plan.steps[0].explanation, "£8.00 missing ÷ 4 paydays until 2027-03-01");
    assert_eq!(plan.steps[0].targets[0].before, Some(100));
    assert_eq!(plan.steps[0].targets[0].after, Some(300));
}
