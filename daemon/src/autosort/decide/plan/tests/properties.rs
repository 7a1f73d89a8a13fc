//! What holds for every plan, over arbitrary rules and states (autosort/README.md, Planning).

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::date;
use monzo_common::model::{Plan, PlanStep, StepKind, TransferKind};
use proptest::prelude::*;

use crate::autosort::decide::bills::{Level, NotKnown};
use crate::autosort::decide::check::{Limits, check};
use crate::autosort::decide::fixtures::{account, personal, pot, pot_of, refusal, rule};
use crate::autosort::decide::guard::Guard;
use crate::autosort::decide::names::{Resolved, resolve};
use crate::autosort::decide::plan::{PlanInputs, changed, plan};
use crate::autosort::decide::world::{Holder, Pot, World};
use crate::rule::{
    AccountOrPotName, Amount, Basis, BasisPoints, By, Cap, Keep, OnFailure, Part, Rule, Share, Step, Take,
};

const NAMES: [&str; 5] = ["A", "B", "C", "D", "E"];

/// A source of choices: the numbers that proptest draws, one after the other, and shrinks.
struct Dice<'d>(std::slice::Iter<'d, u16>);

impl Dice<'_> {
    fn below(&mut self, most: i64) -> i64 {
        i64::from(self.0.next().copied().unwrap_or(0)) % most.max(1)
    }

    fn one_in(&mut self, times: i64) -> bool {
        self.below(times) == times - 1
    }

    fn maybe(&mut self, most: i64) -> Option<i64> {
        self.one_in(2).then(|| self.below(most))
    }

    fn place(&mut self) -> AccountOrPotName {
        // Rarely a name that means nothing.
        let name = usize::try_from(self.below(41)).map_or("F", |index| NAMES.get(index % 6).unwrap_or(&"F"));
        pot(name)
    }

    fn points(&mut self, most: i64) -> BasisPoints {
        BasisPoints(u32::try_from(self.below(most)).unwrap_or(0))
    }

    fn cap(&mut self) -> Option<Cap> {
        match self.below(4) {
            0 => Some(Cap::Amount(self.below(5_000))),
            1 => Some(Cap::Share(self.points(10_001))),
            _ => None,
        }
    }

    fn amount(&mut self) -> Option<Amount> {
        match self.below(4) {
            0 => None,
            1 => Some(Amount::OfIncome(self.points(10_001))),
            _ => Some(Amount::Fixed(self.below(9_000))),
        }
    }

    fn step(&mut self, from_pot: bool) -> Step {
        match self.below(8) {
            0 => Step::Bills {
                pot: self.place(),
                basis: Basis::Upcoming,
                buffer: self.points(2_000),
                horizon: None,
                until_known: None,
            },
            1 if from_pot => Step::Pot {
                written: StepKind::Account,
                target: personal(),
                amount: self.amount(),
                up_to: self.maybe(9_000),
                by: None,
                max: self.cap(),
            },
            2 => {
                let max = self.cap();
                let part = |pot| Part { pot, share: Share::Equal, max, up_to: None };
                let parts = [self.place(), self.place(), self.place()].map(part).into();
                Step::Split { parts, redistribute: true }
            }
            3 => Step::Split { parts: self.parts(), redistribute: self.one_in(2) },
            4 => Step::Ask { amount: self.below(5_000), to: "Joint".to_owned() },
            5 => Step::Pot {
                written: StepKind::Rest,
                target: self.place(),
                amount: None,
                up_to: None,
                by: None,
                max: self.cap(),
            },
            6 => Step::Pot {
                written: StepKind::Pot,
                target: self.place(),
                amount: self.amount(),
                up_to: Some(self.below(9_000)),
                by: Some(By { year: None, month: 3, day: 1 }),
                max: self.cap(),
            },
            _ => Step::Pot {
                written: StepKind::Pot,
                target: self.place(),
                amount: self.amount(),
                up_to: self.maybe(9_000),
                by: None,
                max: self.cap(),
            },
        }
    }

    fn parts(&mut self) -> Vec<Part> {
        let count = 1 + self.below(4);
        let mut rest = 10_000;
        (1..=count)
            .map(|number| {
                let share = if number == count { rest } else { self.below(rest + 1) };
                rest -= share;
                Part {
                    pot: self.place(),
                    share: Share::Of(BasisPoints(u32::try_from(share).unwrap_or(0))),
                    max: if self.one_in(3) { self.cap() } else { None },
                    up_to: if self.one_in(3) { self.maybe(5_000) } else { None },
                }
            })
            .collect()
    }

    fn pot(&mut self, name: &str) -> Pot {
        Pot {
            goal: self.maybe(9_000),
            locked: self.one_in(8),
            deleted: self.one_in(16),
            excluded: self.one_in(16),
            isa: self.one_in(16),
            charity: self.one_in(16),
            refuses_deposits: self.one_in(16).then(refusal),
            kind: if self.one_in(8) { "flexible_savings" } else { "default" }.to_owned(),
            ..pot_of(if self.one_in(60) { "Joint" } else { "Personal" }, name, self.below(9_000))
        }
    }

    fn case(&mut self) -> (Rule, World, PlanInputs) {
        let balance = self.below(40_000) - 2_000;
        let pots = NAMES.iter().map(|name| self.pot(name)).collect();
        let world = World {
            accounts: vec![account("Personal", balance), account("Joint", 0)],
            pots,
            ..World::default()
        };
        let from_pot = self.one_in(3);
        let count = 1 + self.below(5);
        let rule = Rule {
            source: if from_pot { self.place() } else { personal() },
            keep: match self.below(3) {
                0 if from_pot => Vec::new(),
                1 => vec![Keep::Amount(self.below(3_000)), Keep::Share(self.points(10_001))],
                _ => vec![Keep::Amount(self.below(3_000))],
            },
            take: [Take::All, Take::Income, Take::Leftover][usize::try_from(self.below(3)).unwrap_or(0)],
            on_failure: OnFailure::Return,
            ..rule(0, (0..count).map(|_| self.step(from_pot)).collect())
        };
        let mut levels = BTreeMap::new();
        for (index, step) in (1..).zip(&rule.steps) {
            if let Step::Bills { .. } = step {
                let known = !self.one_in(8);
                let level = Level { amount: self.below(9_000), ..Level::default() };
                levels.insert(index, if known { Ok(level) } else { Err(NotKnown::NoCycle) });
            }
        }
        let facts = PlanInputs {
            as_of: Timestamp::UNIX_EPOCH,
            today: date(2026, 11, 27),
            income: (!self.one_in(4)).then(|| self.below(30_000)),
            paydays: vec![date(2026, 11, 27), date(2026, 12, 31), date(2027, 1, 29), date(2027, 2, 26)],
            levels,
            guardrails: String::new(),
        };
        (rule, world, facts)
    }
}

fn holder<'w>(world: &'w World, id: &str) -> Option<&'w Pot> {
    world.pots.iter().find(|pot| pot.id.as_str() == id)
}

fn sum(plan: &Plan, kind: TransferKind) -> i64 {
    plan.transfers.iter().filter(|transfer| transfer.kind == kind).map(|transfer| transfer.amount).sum()
}

/// Money that arrives where it is meant for: not what is only asked for.
fn given(step: &PlanStep) -> i64 {
    step.targets.iter().filter(|target| target.id.is_some()).map(|target| target.amount).sum()
}

fn keeps_the_invariants(resolved: &Resolved, world: &World, facts: &PlanInputs) -> Result<(), TestCaseError> {
    let plan = plan(resolved, facts);
    prop_assert_eq!(&plan, &super::super::plan(resolved, facts), "the same inputs give the same plan");
    prop_assert!(plan.transfers.iter().all(|transfer| transfer.amount > 0), "no transfer is nothing or less");
    if plan.steps.iter().any(|step| step.error.is_some()) {
        prop_assert!(plan.transfers.is_empty(), "what cannot be told moves nothing");
        return Ok(());
    }
    let Some(source) = &resolved.source else {
        prop_assert!(plan.transfers.is_empty());
        return Ok(());
    };
    let before = source.holder.balance();
    let moved = before - plan.left;
    prop_assert_eq!(moved, plan.steps.iter().map(given).sum::<i64>(), "what leaves arrives");
    prop_assert_eq!(
        plan.after.iter().map(|one| one.after - one.before).sum::<i64>(),
        0,
        "money is conserved"
    );
    prop_assert!(moved <= plan.available);
    prop_assert!(moved == 0 || plan.left >= plan.keep, "the source keeps what it must");
    let set_aside: i64 = plan.steps.iter().map(|step| step.amount - given(step)).sum();
    prop_assert!(moved == 0 || moved + set_aside <= plan.available, "what is asked for is set aside too");
    match facts.income.map(|income| (resolved.rule.take, income)) {
        Some((Take::Income, income)) => prop_assert!(moved <= income),
        Some((Take::Leftover, income)) => prop_assert!(moved == 0 || moved <= before - income),
        None if resolved.rule.take == Take::Income => prop_assert_eq!(moved, 0),
        _ => {}
    }
    if let Holder::Pot(pot) = &source.holder {
        prop_assert_eq!(sum(&plan, TransferKind::Withdraw), moved, "one withdrawal of the sum");
        prop_assert!(moved <= pot.balance);
        prop_assert!(moved == 0 || (!pot.locked && pot.kind == "default" && !pot.isa));
    } else {
        prop_assert_eq!(sum(&plan, TransferKind::Withdraw), 0);
        prop_assert_eq!(sum(&plan, TransferKind::Deposit), moved);
    }
    for transfer in &plan.transfers {
        let pot = holder(world, transfer.pot_id.as_str());
        let Some(pot) = pot else { return Err(TestCaseError::fail("a transfer of no pot")) };
        prop_assert!(!pot.excluded && !pot.deleted, "what is excluded or gone is not touched");
        prop_assert_eq!(&pot.account_id, &source.account.id);
        if transfer.kind == TransferKind::Deposit {
            prop_assert!(!pot.isa && !pot.charity && pot.refuses_deposits.is_none());
        }
    }
    // The floor is the guard's, which withholds such a plan as it is.
    let forbidden = check(&plan.transfers, world, &Limits::default());
    prop_assert!(forbidden.iter().all(|one| one.guard == Guard::Floor), "a plan holds {forbidden:?}");
    for (planned, step) in plan.steps.iter().zip(&resolved.rule.steps) {
        step_holds(planned, step, world)?;
    }
    prop_assert_eq!(
        changed(&plan, resolved, facts),
        Vec::<String>::new(),
        "a plan is admissible where it was made"
    );
    Ok(())
}

/// No level is passed and every cap holds; a split of which nothing is capped gives all.
fn step_holds(planned: &PlanStep, step: &Step, world: &World) -> Result<(), TestCaseError> {
    let begun = planned.inputs.first().map_or(0, |input| input.amount);
    prop_assert!(planned.amount >= 0 && planned.short >= 0 && planned.amount <= begun);
    let skipped = planned.explanation.contains("skipped");
    prop_assert!(
        planned.short == 0 || planned.amount == begun || skipped,
        "what is short took all that was left"
    );
    let allows = |cap: &Option<Cap>| match cap {
        None => i64::MAX,
        Some(Cap::Amount(most)) => *most,
        Some(Cap::Share(part)) => begun * i64::from(part.0) / 10_000,
    };
    let goal = |id: &Option<String>| id.as_ref().and_then(|id| holder(world, id)).and_then(|pot| pot.goal);
    for (place, target) in planned.targets.iter().enumerate() {
        let (level, most) = match step {
            Step::Bills { .. } | Step::Ask { .. } => (None, i64::MAX),
            Step::Pot { up_to, max, .. } => (up_to.or(goal(&target.id)), allows(max)),
            Step::Split { parts, .. } => (parts[place].up_to.or(goal(&target.id)), allows(&parts[place].max)),
        };
        prop_assert!(target.amount <= most, "a cap was passed: {target:?}");
        let after = target.after.unwrap_or(0);
        prop_assert!(target.amount == 0 || level.is_none_or(|level| after <= level), "a level was passed");
    }
    let split = step.kind() == StepKind::Split;
    if split && planned.caps.is_empty() && !skipped {
        let twice = (1..planned.targets.len())
            .any(|one| planned.targets[..one].iter().any(|target| target.id == planned.targets[one].id));
        prop_assert!(twice || planned.amount == begun, "a split gives all where nothing is capped");
    }
    if step.kind() == StepKind::Goals {
        // Who got less than another was stopped by its goal or the cap, but for a penny of rounding.
        let most = planned.targets.iter().map(|target| target.amount).max().unwrap_or(0);
        let stopped = |amount: i64, name: &str| {
            amount + 1 >= most || planned.caps.iter().any(|cap| cap.starts_with(name))
        };
        let targets = &planned.targets;
        let unlike = |one: usize| targets.iter().filter(|target| target.id == targets[one].id).count() == 1;
        for (index, target) in targets.iter().enumerate() {
            prop_assert!(skipped || !unlike(index) || stopped(target.amount, &target.name), "{planned:?}");
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn every_plan_keeps_the_invariants(draws in prop::collection::vec(any::<u16>(), 110)) {
        let (rule, world, facts) = Dice(draws.iter()).case();
        keeps_the_invariants(&resolve(&rule, &world), &world, &facts)?;
    }

    #[test]
    fn a_sinking_fund_is_full_on_the_last_payday_and_never_dearer_than_even(
        missing in 0_i64..1_000_000, paydays in 1_usize..30,
    ) {
        let dates: Vec<_> = (0..paydays).map(|month| {
            date(2026, 1, 28).checked_add(jiff::Span::new().months(i64::try_from(month).unwrap_or(0))).unwrap()
        }).collect();
        let due = dates[paydays - 1];
        let by = By { year: Some(due.year()), month: due.month(), day: due.day() };
        let step = Step::Pot { written: StepKind::Pot, target: pot("A"), amount: None, up_to: Some(missing), by: Some(by), max: None };
        let one = rule(0, vec![step]);
        let (mut saved, mut least, mut most) = (0, i64::MAX, 0);
        for index in 0..paydays {
            let facts = PlanInputs {
                as_of: Timestamp::UNIX_EPOCH, today: dates[index], income: None, paydays: dates[index..].to_vec(),
                levels: BTreeMap::new(), guardrails: String::new(),
            };
            let world = crate::autosort::decide::fixtures::world(2_000_000, &[("A", saved)]);
            let given = plan(&resolve(&one, &world), &facts).steps[0].amount;
            (least, most) = (least.min(given), most.max(given));
            saved += given;
        }
        prop_assert_eq!(saved, missing);
        prop_assert!(most - least <= 1);
    }
}
