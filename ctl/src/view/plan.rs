//! A plan as a table of moves: before → after, what stays, what fell short and why.

use monzo_common::model::{Outcome, Plan, PlanStep, StepKind, TransferKind};
use monzo_common::money::{Currency, Money};
use monzo_common::shell;

use super::account::amount;
use super::progress::count;
use super::style::{Paint, Style};
use super::table::{Align, Table};
use super::text::{clean, cut, width};
use super::transaction::Names;

/// `sort plan`, and what is shown before a person is asked; `detail` adds the figures behind each amount.
pub fn plan(plan: &Plan, detail: bool, style: &Style) -> String {
    let mut text = headline(plan, style);
    text.push('\n');
    text.push_str(&moves(plan, style));
    text.push_str(&sums(plan, style));
    text.push_str(&reasons(plan, style));
    text.push_str(&one_way(plan, style));
    if detail {
        plan.steps.iter().for_each(|step| text.push_str(&figures(step, plan.currency, style)));
    }
    text
}

/// How to do exactly what a plan shows.
pub fn plan_advice(plan: &Plan) -> String {
    if plan.transfers.is_empty() {
        return String::new();
    }
    format!(
        "\nTo do exactly this: `monzoctl sort run {} --plan {}`\n",
        shell::word(&clean(&plan.rule)),
        clean(&plan.hash)
    )
}

/// Names of what a plan touches, by id.
pub fn plan_names(plan: &Plan) -> Names {
    let targets = plan.steps.iter().flat_map(|step| &step.targets);
    let targets = targets.filter_map(|target| Some((target.id.clone()?, target.name.clone())));
    let outcomes = plan.after.iter().map(|outcome| (outcome.id.clone(), outcome.name.clone()));
    targets.chain(outcomes).collect()
}

fn headline(plan: &Plan, style: &Style) -> String {
    let title = match plan.rule.as_str() {
        "move" => "Move by hand".to_owned(),
        "undo" => "Undo".to_owned(),
        "discover" => "Discovery of a hidden account".to_owned(),
        rule => format!("Plan of {}", clean(rule)),
    };
    let (at, distance) = (style.time.minute(plan.as_of), style.time.relative(plan.as_of));
    let when = style.paint(Paint::Quiet, &format!("as of {at} ({distance})"));
    format!("{}  {when}\n", style.paint(Paint::Strong, &title))
}

/// What no step fills: where the money comes from, and where it comes back to.
fn sources(plan: &Plan) -> Vec<&Outcome> {
    let filled = |outcome: &Outcome| {
        let mut targets = plan.steps.iter().flat_map(|step| &step.targets);
        targets.any(|target| target.id.as_ref() == Some(&outcome.id))
    };
    let others: Vec<&Outcome> = plan.after.iter().filter(|outcome| !filled(outcome)).collect();
    let changed: Vec<&Outcome> =
        others.iter().copied().filter(|outcome| outcome.before != outcome.after).collect();
    // Where nothing moves, what could have given is shown all the same.
    if changed.is_empty() { others } else { changed }
}

fn moves(plan: &Plan, style: &Style) -> String {
    let mut table = Table::new(&[
        ("", Align::Left),
        ("WHERE", Align::Flexible),
        ("MOVES", Align::Right),
        ("BEFORE", Align::Right),
        ("", Align::Left),
        ("AFTER", Align::Right),
        ("", Align::Flexible),
    ]);
    for source in sources(plan) {
        let change = source.after.saturating_sub(source.before);
        let way = if change > 0 { "to" } else { "from" };
        table.painted([
            (way, Paint::Quiet),
            (&source.name, Paint::Strong),
            (&signed(change, plan.currency), Paint::Plain),
            (&amount(Some(source.before), plan.currency), Paint::Quiet),
            ("→", Paint::Quiet),
            (&amount(Some(source.after), plan.currency), Paint::Strong),
            ("", Paint::Plain),
        ]);
    }
    plan.steps.iter().for_each(|step| add_step(&mut table, step, plan));
    table.take(style)
}

fn add_step(table: &mut Table, step: &PlanStep, plan: &Plan) {
    let (paint, remark) = remark(step, plan.currency);
    if step.targets.is_empty() {
        let moves = signed(step.amount, plan.currency);
        table.painted([
            (&step.index.to_string(), Paint::Quiet),
            (step.kind.word(), Paint::Quiet),
            (&moves, Paint::Quiet),
            ("", Paint::Plain),
            ("", Paint::Plain),
            ("", Paint::Plain),
            (&remark, paint),
        ]);
    }
    for (place, target) in step.targets.iter().enumerate() {
        let first = place == 0;
        let index = if first { step.index.to_string() } else { String::new() };
        let known = target.before.zip(target.after);
        // What is only asked for does not move.
        let (ink, moves) = match (target.amount, step.kind) {
            (1.., StepKind::Ask) => (Paint::Note, Money::new(target.amount, plan.currency).to_string()),
            (0, _) => (Paint::Quiet, signed(0, plan.currency)),
            (minor, _) => (Paint::Good, signed(minor, plan.currency)),
        };
        table.painted([
            (&index, Paint::Quiet),
            (&target.name, Paint::Plain),
            (&moves, ink),
            (
                &known.map_or_else(String::new, |(before, _)| amount(Some(before), plan.currency)),
                Paint::Quiet,
            ),
            (if known.is_some() { "→" } else { "" }, Paint::Quiet),
            (&known.map_or_else(String::new, |(_, after)| amount(Some(after), plan.currency)), Paint::Plain),
            (if first { &remark } else { "" }, paint),
        ]);
    }
}

fn signed(minor: i64, currency: Currency) -> String {
    match minor {
        0 => "–".to_owned(),
        1.. => format!("+{}", Money::new(minor, currency)),
        _ => Money::new(minor, currency).to_string(),
    }
}

fn remark(step: &PlanStep, currency: Currency) -> (Paint, String) {
    if step.error.is_some() {
        return (Paint::Bad, "cannot be planned".to_owned());
    }
    if step.short > 0 {
        return (Paint::Note, format!("short by {}", Money::new(step.short, currency)));
    }
    match (step.kind, step.amount, step.caps.is_empty()) {
        (StepKind::Undo, _, false) => (Paint::Note, "not all of it".to_owned()),
        (StepKind::Ask, 1.., _) => (Paint::Note, "set aside; you send it".to_owned()),
        (_, _, false) => (Paint::Quiet, "capped".to_owned()),
        _ => (Paint::Plain, String::new()),
    }
}

/// The sum of transfers with each penny counted once, where it arrives.
pub(super) fn once(transfers: impl Iterator<Item = (TransferKind, i64)>) -> i64 {
    let (mut given, mut got) = (0_i64, 0_i64);
    for (kind, amount) in transfers {
        match kind {
            TransferKind::Withdraw => given = given.saturating_add(amount),
            TransferKind::Return => given = given.saturating_sub(amount),
            TransferKind::Deposit => got = got.saturating_add(amount),
        }
    }
    given.max(got)
}

fn sums(plan: &Plan, style: &Style) -> String {
    let money = |minor| Money::new(minor, plan.currency);
    let moved = once(plan.transfers.iter().map(|transfer| (transfer.kind, transfer.amount)));
    let mut text = String::from("\n");
    let asked =
        plan.steps.iter().filter(|step| step.kind == StepKind::Ask).map(|step| step.amount).sum::<i64>();
    if plan.transfers.is_empty() && asked > 0 {
        let words = format!("Nothing moves by itself; {} is for you to send.", money(asked));
        text.push_str(&style.paint(Paint::Strong, &words));
    } else if plan.transfers.is_empty() {
        text.push_str(&style.paint(Paint::Strong, "Nothing to move."));
    } else {
        let transfers = u64::try_from(plan.transfers.len()).unwrap_or(u64::MAX);
        let words = format!("Moves {} in {}.", money(moved), count(transfers, "transfer"));
        text.push_str(&style.paint(Paint::Strong, &words));
    }
    let mut rest = Vec::new();
    // What stays is told of one place; a sum over several would be nobody's balance.
    match sources(plan).as_slice() {
        [one] if one.after <= one.before => {
            rest.push(format!("{} stays in {}", money(plan.left), clean(&one.name)));
        }
        many if !many.is_empty() && many.iter().all(|one| one.after == one.before) && moved > 0 => {
            rest.push("All comes back: no balance changes in the end".to_owned());
        }
        _ => {}
    }
    if plan.keep > 0 {
        rest.push(format!("{} must stay", money(plan.keep)));
    }
    if plan.transfers.is_empty() && asked == 0 {
        rest.push(format!("{} could be moved", money(plan.available)));
    }
    if !rest.is_empty() {
        text.push_str(&format!(" {}.", rest.join("; ")));
    }
    text.push('\n');
    text
}

/// What `sort undo` could not take back: said before anything is agreed to.
fn one_way(plan: &Plan, style: &Style) -> String {
    if plan.one_way.is_empty() {
        return String::new();
    }
    let title = style.paint(Paint::Note, "An undo could not take these back");
    let lines =
        plan.one_way.iter().map(|one| format!("  {} {}\n", style.paint(Paint::Note, "!"), clean(one)));
    format!("\n{title}\n{}", lines.collect::<String>())
}

/// What fell short, was capped, skipped or cannot be planned, and what holds the whole back.
fn reasons(plan: &Plan, style: &Style) -> String {
    let mut lines = Vec::new();
    for step in &plan.steps {
        let name = format!("{} {}", step.index, called(step));
        if let Some(error) = &step.error {
            lines.push((Paint::Bad, "✗", format!("{name}: {error}")));
        } else if step.short > 0 {
            let short = Money::new(step.short, plan.currency);
            lines.push((Paint::Note, "•", format!("{name}, short by {short}: {}", step.explanation)));
        } else if step.amount == 0 && !step.explanation.is_empty() {
            lines.push((Paint::Quiet, "•", format!("{name}, nothing: {}", step.explanation)));
        }
        if step.kind == StepKind::Undo {
            lines.extend(step.caps.iter().map(|rest| (Paint::Note, "!", rest.clone())));
            continue;
        }
        lines.extend(step.caps.iter().map(|cap| (Paint::Quiet, "•", format!("{name}, capped: {cap}"))));
    }
    lines.extend(plan.guards.iter().map(|guard| (Paint::Note, "!", format!("held back: {guard}"))));
    if lines.is_empty() {
        return String::new();
    }
    let lines = lines
        .iter()
        .map(|(paint, mark, words)| format!("  {} {}\n", style.paint(*paint, mark), clean(words)))
        .collect::<String>();
    format!("\n{}\n{lines}", style.paint(Paint::Strong, "Why"))
}

/// `Bills`, or `Holiday and Car`; what a step without a target is called by its kind.
fn called(step: &PlanStep) -> String {
    let names: Vec<_> = step.targets.iter().map(|target| clean(&target.name)).collect();
    match names.split_last() {
        None => step.kind.to_string(),
        Some((only, [])) => only.to_string(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
    }
}

/// The formula of a step with what went into it.
fn figures(step: &PlanStep, currency: Currency, style: &Style) -> String {
    if step.explanation.is_empty() && step.inputs.is_empty() && step.bills.is_empty() {
        return String::new();
    }
    let title = format!("Step {}, {} for {}", step.index, step.kind, called(step));
    let mut text = format!("\n{}\n", style.paint(Paint::Strong, &title));
    if !step.explanation.is_empty() {
        text.push_str(&format!("  {}\n", clean(&step.explanation)));
    }
    let mut rows: Vec<(String, String, String)> = Vec::new();
    for input in &step.inputs {
        rows.push((
            clean(&input.name).into_owned(),
            Money::new(input.amount, currency).to_string(),
            String::new(),
        ));
    }
    for bill in &step.bills {
        let note = bill.note.as_deref().map(|note| format!("  {}", clean(note))).unwrap_or_default();
        let name = format!("{}  {}", bill.date, clean(&bill.name));
        rows.push((name, Money::new(bill.amount, currency).to_string(), note));
    }
    rows.push((
        "gets".to_owned(),
        Money::new(step.amount, currency).to_string(),
        if step.short > 0 {
            format!("  short by {}", Money::new(step.short, currency))
        } else {
            String::new()
        },
    ));
    let screen = style.width.unwrap_or(usize::MAX);
    let amounts = rows.iter().map(|(_, amount, _)| width(amount)).max().unwrap_or(0);
    let names = rows.iter().map(|(name, ..)| width(name)).max().unwrap_or(0);
    let names = names.min(screen.saturating_sub(amounts + 4));
    for (name, amount, note) in rows {
        let (name, note) = (cut(&name, names), cut(&note, screen.saturating_sub(names + amounts + 4)));
        let (gap, pad) = (" ".repeat(names - width(&name)), " ".repeat(amounts - width(&amount)));
        text.push_str(&format!("  {name}{gap}  {pad}{amount}{}\n", style.paint(Paint::Quiet, &note)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::fixture::{self, style};

    #[test]
    fn a_plan_shows_moves_what_stays_and_what_fell_short() {
        insta::assert_snapshot!(plan(&fixture::plan(), false, &style(None)), @r"
        Plan of payday  as of 2026-07-22 10:55 (5 min ago)

              WHERE          MOVES     BEFORE         AFTER
        from  Personal  -£1,411.20  £2,611.20  →  £1,200.00
        1     Bills       +£394.50     £18.00  →    £412.50
        2     Rent        +£850.00      £0.00  →    £850.00
        3     Holiday      +£66.70    £433.30  →    £500.00  short by £900.00
              Car         +£100.00      £0.00  →    £100.00
        4     Joint        £600.00                           set aside; you send it

        Moves £1,411.20 in 4 transfers. £1,200.00 stays in Personal; £600.00 must stay.

        Why
          • 3 Holiday and Car, short by £900.00: the rest in equal parts, each up to its goal
          • 3 Holiday and Car, capped: Holiday reaches its goal of £500.00
        ");
    }

    #[test]
    fn the_figures_behind_each_amount_are_shown_on_request() {
        let mut bills = fixture::plan();
        bills.steps.truncate(1);
        insta::assert_snapshot!(plan(&bills, true, &style(None)), @r"
        Plan of payday  as of 2026-07-22 10:55 (5 min ago)

              WHERE          MOVES     BEFORE         AFTER
        from  Personal  -£1,411.20  £2,611.20  →  £1,200.00
        to    Rent        +£850.00      £0.00  →    £850.00
        to    Holiday      +£66.70    £433.30  →    £500.00
        to    Car         +£100.00      £0.00  →    £100.00
        1     Bills       +£394.50     £18.00  →    £412.50

        Moves £1,411.20 in 4 transfers. £600.00 must stay.

        Step 1, bills for Bills
          bills until 28 Aug, plus 5 %, less what is there
          bills                      £392.85
          balance                     £18.00
          2026-08-01  Council Tax    £150.00
          2026-08-14  Car insurance  £242.85  a twelfth of £2,914.20
          gets                       £394.50
        ");
    }

    #[test]
    fn a_plan_without_moves_says_so_and_a_step_that_cannot_be_planned_says_what_to_do() {
        let mut nothing = fixture::plan();
        nothing.transfers.clear();
        nothing.available = 0;
        nothing.left = 261_120;
        nothing.after.truncate(1);
        nothing.after[0].after = 261_120;
        nothing.steps.truncate(2);
        nothing.steps[0].targets.clear();
        nothing.steps[0].amount = 0;
        nothing.steps[0].error =
            Some("the account behind Bills is not known: `monzoctl pots discover Bills`".into());
        nothing.steps[1].amount = 0;
        nothing.steps[1].targets[0].amount = 0;
        nothing.steps[1].targets[0].after = Some(0);
        nothing.steps[1].explanation = "nothing is left".into();
        nothing.steps[1].short = 0;
        insta::assert_snapshot!(plan(&nothing, false, &style(None)), @r"
        Plan of payday  as of 2026-07-22 10:55 (5 min ago)

              WHERE     MOVES     BEFORE         AFTER
        from  Personal      –  £2,611.20  →  £2,611.20
        1     bills         –                           cannot be planned
        2     Rent          –      £0.00  →      £0.00

        Nothing to move. £2,611.20 stays in Personal; £600.00 must stay; £0.00 could be moved.

        Why
          ✗ 1 bills: the account behind Bills is not known: `monzoctl pots discover Bills`
          • 2 Rent, nothing: nothing is left
        ");
    }

    #[test]
    fn a_narrow_screen_still_shows_every_amount() {
        let text = plan(&fixture::plan(), false, &style(Some(64)));
        assert!(text.contains("£2,611.20"), "{text}");
        let rows = text.lines().skip(2).take_while(|line| !line.is_empty());
        for line in rows {
            assert!(width(line) <= 64, "{line}");
        }
    }
}
