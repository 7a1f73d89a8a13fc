//! Each kind of step: what it asks for, what caps it, and what it gets of what is left (autosort/README.md, Planning).

use jiff::civil::Date;
use monzo_common::model::{PlanStep, PlannedBill, PlannedInput, PlannedTarget};

use super::allocation::Allocation;
use super::share::{self, Portion};
use super::words::{money, percent};
use super::{PlanInputs, sinking_fund};
use crate::autosort::decide::bills::{Level, NotKnown};
use crate::autosort::decide::names::Target;
use crate::rule::{Amount, BasisPoints, By, Cap, Part, Share, Step};

/// What a step is about to say of itself.
#[derive(Debug, Default)]
struct Draft {
    targets: Vec<PlannedTarget>,
    inputs: Vec<PlannedInput>,
    bills: Vec<PlannedBill>,
    short: i64,
    caps: Vec<String>,
    explanation: Vec<String>,
}

impl Draft {
    fn input(&mut self, name: &str, amount: i64) {
        self.inputs.push(PlannedInput { name: name.to_owned(), amount });
    }

    fn say(&mut self, words: impl Into<String>) {
        self.explanation.push(words.into());
    }
}

/// Plans one step; its money leaves the allocation. The error says why nothing could be planned, and what to do.
pub(super) fn plan(
    index: u32,
    step: &Step,
    targets: &[Target],
    facts: &PlanInputs,
    allocation: &mut Allocation,
) -> Result<PlanStep, String> {
    let mut draft = Draft::default();
    let begun = allocation.left;
    draft.input("left", begun);
    match (step, targets) {
        (Step::Bills { buffer, .. }, [target]) => {
            bills(&mut draft, index, target, *buffer, facts, allocation)?;
        }
        (Step::Pot { amount, up_to, by, max, .. }, [target]) => {
            let amount = asked(*amount, facts)?;
            let wish = Wish { amount, up_to: *up_to, goal: goal(target), max: *max };
            match by {
                Some(by) => sinking(&mut draft, target, wish, *by, facts, allocation)?,
                None => single(&mut draft, target, wish, allocation),
            }
        }
        (Step::Split { parts, redistribute }, targets) => {
            split(&mut draft, parts, targets, *redistribute, allocation);
        }
        (Step::Ask { amount, to }, _) => ask(&mut draft, *amount, to, allocation),
        (Step::Bills { .. } | Step::Pot { .. }, _) => draft.say("it has no target"),
    }
    held(&mut draft, targets, begun.saturating_sub(allocation.left));
    if draft.short > 0 {
        draft.say("no more was left");
    }
    Ok(PlanStep {
        index,
        kind: step.kind(),
        amount: draft.targets.iter().fold(0, |sum: i64, target| sum.saturating_add(target.amount)),
        targets: draft.targets,
        inputs: draft.inputs,
        bills: draft.bills,
        short: draft.short,
        caps: draft.caps,
        explanation: draft.explanation.join("; "),
        error: None,
    })
}

fn held(draft: &mut Draft, targets: &[Target], taken: i64) {
    let given = draft.targets.iter().fold(0_i64, |sum, target| sum.saturating_add(target.amount));
    let mut gone = targets.iter().filter_map(|target| Some((target, target.held.as_ref()?))).peekable();
    if gone.peek().is_none() {
        return;
    }
    for (target, trouble) in gone {
        draft.say(format!("{} was skipped: {trouble}", target.name));
    }
    draft.say(format!("{} stays at the source for it", money(taken.saturating_sub(given))));
}

fn goal(target: &Target) -> Option<i64> {
    target.holder.as_ref().and_then(|holder| holder.goal())
}

/// The amount that a step asks for; nothing for one that takes whatever is left.
fn asked(amount: Option<Amount>, facts: &PlanInputs) -> Result<Option<i64>, String> {
    match amount {
        None => Ok(None),
        Some(Amount::Fixed(amount)) => Ok(Some(amount.max(0))),
        Some(Amount::OfIncome(BasisPoints(part))) => {
            let income = facts.income.ok_or_else(|| {
                format!(
                    "{} of income is not known before a credit has come: run it when the income is there",
                    percent(part)
                )
            })?;
            Ok(Some(share::of(income.max(0), u64::from(part), 10_000)))
        }
    }
}

/// What a step wants for its one target.
#[derive(Debug, Clone, Copy)]
struct Wish {
    /// Minor units; nothing for all that there is, or all that is missing of `up_to`.
    amount: Option<i64>,
    /// The level that the step names.
    up_to: Option<i64>,
    /// The level that the bank names, where the step names none.
    goal: Option<i64>,
    max: Option<Cap>,
}

/// One target: an amount, or all that is left; never past its level, never more than its cap.
fn single(draft: &mut Draft, target: &Target, wish: Wish, allocation: &mut Allocation) {
    let begun = allocation.left;
    let balance = allocation.balance(target);
    let level = wish.up_to.or(wish.goal);
    let room = allocation.room(target, level);
    let asked = wish.amount.or(wish.up_to.map(|_| room));
    let mut wanted = asked.unwrap_or(begun);
    if let Some(level) = level {
        draft.input("level", level);
        draft.input("balance", balance);
    }
    match (wish.amount, wish.up_to) {
        (Some(amount), _) => {
            draft.input("amount", amount);
            draft.say(money(amount));
        }
        (None, Some(level)) => draft.say(format!("up to {}, with {} in it", money(level), money(balance))),
        (None, None) => draft.say("all that is left"),
    }
    if let (Some(level), true) = (level, room < wanted) {
        let whose = if wish.up_to.is_some() { "up to" } else { "up to its goal of" };
        draft.caps.push(format!("{whose} {}: {} fits", money(level), money(room)));
        wanted = room;
    }
    wanted = capped(draft, wish.max, begun, wanted);
    let amount = wanted.min(begun);
    // What takes whatever is there asks for no certain amount, and is not short of one.
    draft.short = if asked.is_some() { wanted.saturating_sub(amount) } else { 0 };
    draft.targets.push(allocation.give(target, amount));
}

fn capped(draft: &mut Draft, max: Option<Cap>, begun: i64, wanted: i64) -> i64 {
    let Some(cap) = max else { return wanted };
    let most = Allocation::allows(cap, begun);
    if most >= wanted {
        return wanted;
    }
    draft.caps.push(match cap {
        Cap::Amount(_) => format!("at most {}", money(most)),
        Cap::Share(BasisPoints(part)) => {
            format!("at most {} of {}: {}", percent(part), money(begun), money(most))
        }
    });
    most
}

/// What is missing of a level, over the paydays that are left.
fn sinking(
    draft: &mut Draft,
    target: &Target,
    wish: Wish,
    by: By,
    facts: &PlanInputs,
    allocation: &mut Allocation,
) -> Result<(), String> {
    let begun = allocation.left;
    let Some(level) = wish.up_to.or(wish.goal) else {
        return Err(format!(
            "{} has neither `up_to` nor a goal in the app to be filled to: give it one",
            target.name
        ));
    };
    let Some(due) = sinking_fund::due(by, facts.today) else {
        draft.say("the day of this fund has passed");
        draft.targets.push(allocation.give(target, 0));
        return Ok(());
    };
    if facts.paydays.is_empty() {
        return Err(NotKnown::NoCycle.to_string());
    }
    let paydays = sinking_fund::paydays_left(&facts.paydays, due);
    let missing = allocation.room(target, Some(level));
    draft.input("level", level);
    draft.input("balance", allocation.balance(target));
    draft.input("missing", missing);
    let mut wanted = share::of_up(missing, 1, paydays);
    draft.say(of_paydays(missing, paydays, due));
    wanted = capped(draft, wish.amount.map(Cap::Amount), begun, wanted);
    wanted = capped(draft, wish.max, begun, wanted);
    let amount = wanted.min(begun);
    draft.short = wanted.saturating_sub(amount);
    draft.targets.push(allocation.give(target, amount));
    Ok(())
}

fn of_paydays(missing: i64, paydays: u64, due: Date) -> String {
    format!(
        "{} missing ÷ {paydays} payday{} until {due}",
        money(missing),
        if paydays == 1 { "" } else { "s" }
    )
}

fn bills(
    draft: &mut Draft,
    index: u32,
    target: &Target,
    BasisPoints(buffer): BasisPoints,
    facts: &PlanInputs,
    allocation: &mut Allocation,
) -> Result<(), String> {
    let level = match (facts.levels.get(&index), &target.held) {
        (Some(Ok(level)), _) => level,
        // Its bills cannot be told, so all that could be theirs stays.
        (_, Some(_)) => {
            let all = allocation.left;
            draft.targets.push(allocation.give(target, all));
            return Ok(());
        }
        (Some(Err(reason)), None) => return Err(reason.to_string()),
        (None, None) => {
            return Err(format!("the bills of {} were not read: run `monzoctl sync`", target.name));
        }
    };
    let (balance, full) = (allocation.balance(target), buffered(level, buffer));
    let wanted = full.saturating_sub(balance).max(0);
    draft.input("bills", level.amount);
    draft.inputs.extend(level.inputs.iter().cloned());
    draft.input("level", full);
    draft.input("balance", balance);
    draft.bills.clone_from(&level.bills);
    let with_buffer = if buffer == 0 { String::new() } else { format!(" + {}", percent(buffer)) };
    draft.say(format!("bills {}{with_buffer} − {} in it", money(level.amount), money(balance)));
    draft.explanation.extend(level.notes.iter().cloned());
    let amount = wanted.min(allocation.left);
    draft.short = wanted.saturating_sub(amount);
    draft.targets.push(allocation.give(target, amount));
    Ok(())
}

/// A level with its buffer, rounded up.
pub(super) fn buffered(level: &Level, buffer: u32) -> i64 {
    share::of_up(level.amount.max(0), 10_000 + u64::from(buffer), 10_000)
}

fn split(
    draft: &mut Draft,
    parts: &[Part],
    targets: &[Target],
    redistribute: bool,
    allocation: &mut Allocation,
) {
    let begun = allocation.left;
    let level = |part: &Part, target: &Target| part.up_to.or_else(|| goal(target));
    let most = |part: &Part| part.max.map_or(i64::MAX, |cap| Allocation::allows(cap, begun));
    let equal = parts.iter().all(|part| part.share == Share::Equal);
    draft.say(if equal {
        "equally, each up to its goal".to_owned()
    } else {
        format!("{} by shares", money(begun))
    });
    let mut portions = Vec::new();
    // What the shares leave of the whole.
    let mut rest = if equal { 0 } else { BasisPoints::WHOLE.0 };
    for (part, target) in parts.iter().zip(targets) {
        let level = level(part, target);
        let (weight, room) = match part.share {
            // Nothing is known of a name that means nothing: its whole share stays.
            Share::Equal if level.is_none() && target.holder.is_some() => {
                draft.caps.push(format!("{} has no goal in the app", target.name));
                (1, 0)
            }
            Share::Equal => (1, allocation.room(target, level)),
            Share::Of(BasisPoints(points)) => (points, allocation.room(target, level)),
        };
        rest = rest.saturating_sub(weight);
        portions.push(Portion { weight, cap: room.min(most(part)) });
    }
    // What rounding to basis points lost is no rest.
    if usize::try_from(rest).is_ok_and(|rest| rest > parts.len()) {
        portions.push(Portion { weight: rest, cap: i64::MAX });
    }
    let shares = share::divide(begun, &portions, redistribute);
    for (((part, target), portion), share) in parts.iter().zip(targets).zip(&portions).zip(shares) {
        if let Share::Of(BasisPoints(points)) = part.share {
            draft.say(format!("{} {}", target.name, percent(points)));
        }
        let level = level(part, target);
        // Of a pot without a goal it was said above.
        if share.capped && (!equal || level.is_some() || portion.cap > 0) {
            let to_goal = equal && portion.cap != most(part);
            let reason = if to_goal { "up to its goal:" } else { "at most" };
            draft.caps.push(format!("{}: {reason} {}", target.name, money(portion.cap)));
        }
        give_within(draft, allocation, target, share.amount, level);
    }
}

/// Gives, but not past a level that the same pot reached by being named twice.
fn give_within(
    draft: &mut Draft,
    allocation: &mut Allocation,
    target: &Target,
    amount: i64,
    level: Option<i64>,
) {
    let amount = amount.min(allocation.room(target, level));
    draft.targets.push(allocation.give(target, amount));
}

fn ask(draft: &mut Draft, amount: i64, to: &str, allocation: &mut Allocation) {
    let wanted = amount.max(0);
    let amount = wanted.min(allocation.left);
    draft.short = wanted.saturating_sub(amount);
    draft.input("amount", wanted);
    draft.say(format!(
        "{} set aside in the source, and asked for: the bank moves nothing there",
        money(amount)
    ));
    allocation.set_aside(amount);
    draft.targets.push(PlannedTarget { id: None, name: to.to_owned(), amount, before: None, after: None });
}
