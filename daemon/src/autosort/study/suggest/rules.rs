//! The blocks of a suggestion, each with the figures that it comes from.

use std::fmt::Write;

use monzo_common::money::Money;

use super::{Account, Kind, Pot, SuggestionInputs, a_month, named};
use crate::insight::payday::{comment, quoted};
use crate::insight::recurring::{Bill, LIKELY};

/// A level for an account about which nothing is known, in minor units. Taste.
const LITTLE: i64 = 50_00;

/// The pay calendar.
pub(super) fn calendar(facts: &SuggestionInputs) -> String {
    match facts.pays.first() {
        Some(pay) => pay.toml("main"),
        None => "# No regular pay was found in the last two years. Say when it comes:\n\
                 # [[payday]]\n# name = \"main\"\n# day = \"last-working-day\"\n# adjust = \"before\"\n"
            .to_owned(),
    }
}

/// The rule of a kind, or a comment that says what it lacks.
pub(super) fn rule(kind: Kind, facts: &SuggestionInputs) -> String {
    let Some(source) = facts.source() else {
        return format!("# {}: no account is known yet; run `monzoctl sync` first.\n", kind.word());
    };
    match kind {
        Kind::Payday => payday(source, facts),
        Kind::Bills => bills(source, facts),
        Kind::Sweep => sweep(source, facts),
        Kind::TopUp => top_up(source, facts),
        Kind::Tax => tax(source, facts),
    }
}

fn head(text: &mut String, facts: &SuggestionInputs, name: &str, trigger: &str, source: &str) {
    let name = facts.free(name);
    let _ = writeln!(text, "[[autosort.rule]]\nname = \"{name}\"\ntrigger = {trigger}\nsource = {source}");
}

fn account(account: &Account) -> String {
    quoted(&format!("account:{}", account.name))
}

fn keep(text: &mut String, source: &Account, facts: &SuggestionInputs) {
    let keep = facts.keep(source);
    let _ = writeln!(
        text,
        "keep = \"{}\" # what leaves {} in a month, without bills that pots pay",
        Money::gbp(keep),
        comment(&source.name)
    );
}

/// Each bill of a pot in a comment of its own, and their sum.
fn listed(text: &mut String, indent: &str, bills: &[&Bill]) {
    for bill in bills {
        let amount = bill.next.map_or(bill.last.amount, |next| next.amount);
        let next = bill.next.map(|next| format!(", next on {}", next.date)).unwrap_or_default();
        let guess = if bill.confidence < LIKELY { " (a guess)" } else { "" };
        let _ = writeln!(
            text,
            "{indent}# {}: {} {}{next}{guess}",
            comment(&bill.name),
            Money::gbp(amount),
            bill.rhythm.period.word()
        );
    }
    let sum: i64 = bills.iter().map(|bill| a_month(bill)).sum();
    let _ = writeln!(text, "{indent}# together about {} a month", Money::gbp(sum));
}

fn with_bills<'a>(source: &'a Account, facts: &'a SuggestionInputs) -> Vec<(&'a Pot, Vec<&'a Bill>)> {
    let bills = |pot| facts.bills_of(pot).collect::<Vec<_>>();
    let pots = facts.pots_of(source).map(|pot| (pot, bills(pot)));
    pots.filter(|(_, bills)| !bills.is_empty()).collect()
}

/// A pot for what is left: one that earns interest, else one that is called so.
fn savings<'a>(source: &'a Account, facts: &'a SuggestionInputs) -> Option<&'a Pot> {
    let open = || facts.pots_of(source).filter(|pot| !pot.locked);
    let earns = open().find(|pot| ["instant_access", "flexible_savings"].contains(&pot.kind.as_str()));
    earns.or_else(|| open().find(|pot| pot.name.to_lowercase().contains("saving")))
}

fn payday(source: &Account, facts: &SuggestionInputs) -> String {
    let mut steps = String::new();
    let with_bills = with_bills(source, facts);
    for (pot, bills) in &with_bills {
        listed(&mut steps, "  ", bills);
        let _ = writeln!(steps, "  {{ bills = {}, buffer = \"5%\" }},", named(pot, facts));
    }
    for pot in facts.pots_of(source).filter(|pot| with_bills.iter().all(|(known, _)| known.id != pot.id)) {
        if let Some(deposit) = facts.filled(pot) {
            let _ = writeln!(
                steps,
                "  {{ pot = {}, amount = \"{}\" }}, # you moved this {}, last on {}",
                named(pot, facts),
                Money::gbp(deposit.last.amount),
                deposit.rhythm.period.word(),
                deposit.last.date
            );
        }
    }
    let rest = savings(source, facts).map(|pot| named(pot, facts));
    if steps.is_empty() && rest.is_none() {
        return format!(
            "# payday: {} has no pot that pays bills or is filled regularly, so there is nothing to suggest.\n",
            comment(&source.name)
        );
    }
    if let Some(rest) = rest {
        let mark = if steps.is_empty() { "" } else { "# " };
        let _ = writeln!(steps, "  {mark}{{ rest = {rest} }}, # whatever is left above `keep`");
    }
    let mut text = String::new();
    if facts.pays.is_empty() && !facts.has_payday {
        text.push_str("# It needs the `[[payday]]` above.\n");
    }
    head(&mut text, facts, "payday", "{ on = \"payday\" }", &account(source));
    keep(&mut text, source, facts);
    let _ = write!(text, "step = [\n{steps}]\n");
    text
}

fn bills(source: &Account, facts: &SuggestionInputs) -> String {
    let pots = with_bills(source, facts);
    if pots.is_empty() {
        return format!(
            "# bills: no pot of {} has paid a bill yet. Let a pot pay direct debits in the app, then ask again.\n",
            comment(&source.name)
        );
    }
    let mut text = String::from(
        "# Shortly before bills are due it fills the pot that pays them, if the payday's rule did not.\n",
    );
    head(&mut text, facts, "bill guard", "{ on = \"daily\", at = \"18:00\" }", &account(source));
    // It is for need: what the account lives on may be used, but not a pound more.
    let _ = writeln!(text, "keep = \"{}\"", Money::gbp(0));
    text.push_str("step = [\n");
    for (pot, bills) in pots {
        listed(&mut text, "  ", &bills);
        let _ = writeln!(text, "  {{ bills = {}, horizon = \"2d\" }},", named(pot, facts));
    }
    text.push_str("]\n");
    text
}

fn sweep(source: &Account, facts: &SuggestionInputs) -> String {
    let Some(pot) = savings(source, facts) else {
        return format!("# sweep: {} has no savings pot that money could go to.\n", comment(&source.name));
    };
    let mut text = String::from("# What is left above a month's spending goes to savings each week.\n");
    let trigger = "{ on = \"weekly\", weekday = \"friday\", at = \"18:00\" }";
    head(&mut text, facts, "sweep", trigger, &account(source));
    keep(&mut text, source, facts);
    let _ = writeln!(text, "step = [{{ rest = {} }}]", named(pot, facts));
    text
}

fn top_up(source: &Account, facts: &SuggestionInputs) -> String {
    let gives = |pot: &&Pot| pot.kind == "default" && !pot.locked && facts.bills_of(pot).next().is_none();
    // One that is filled from the account would only get back what it gave.
    let by_itself = |pot: &&Pot| (facts.filled(pot).is_none(), pot.balance, pot.id.clone());
    let pot = facts.pots_of(source).filter(gives).filter(|pot| pot.balance > 0).max_by_key(by_itself);
    let Some(pot) = pot else {
        return format!("# top-up: {} has no pot that could give.\n", comment(&source.name));
    };
    let week = source.spent_a_month / 4;
    let below = LITTLE.max(week / 4 / 1_000 * 1_000);
    let mut text =
        String::from("# When the account runs low, a pot fills it up to about a week's spending.\n");
    let trigger = format!(
        "{{ on = \"balance\", of = {}, below = \"{}\", cooldown = \"6h\" }}",
        account(source),
        Money::gbp(below)
    );
    let named = named(pot, facts);
    let from = format!("\"pot:{}", named.trim_start_matches('"'));
    head(&mut text, facts, "top-up", &trigger, if named.contains(pot.id.as_str()) { &named } else { &from });
    let level = below.saturating_mul(3).max(week.saturating_add(999) / 1_000 * 1_000);
    let _ = writeln!(
        text,
        "step = [{{ account = {}, up_to = \"{}\" }}]",
        quoted(&source.name),
        Money::gbp(level)
    );
    text
}

fn tax(source: &Account, facts: &SuggestionInputs) -> String {
    let Some(pot) = facts.pots_of(source).find(|pot| pot.name.to_lowercase().contains("tax")) else {
        return format!(
            "# tax: {} has no pot whose name contains \"tax\". Make one in the app, then ask again.\n",
            comment(&source.name)
        );
    };
    let mut text = String::from(
        "# A part of what comes in is set aside. Ask an accountant, not this program, whether a fifth is enough.\n",
    );
    let from = match facts.pays.first() {
        Some(pay) => format!("{{ on = \"income\", from = {}, once = false }}", quoted(&pay.payer)),
        None => "{ on = \"income\", once = false }".to_owned(),
    };
    head(&mut text, facts, "tax", &from, &account(source));
    let _ = writeln!(text, "keep = \"{}\"\ntake = \"income\"", Money::gbp(0));
    let _ = writeln!(text, "step = [{{ pot = {}, amount = \"20% of income\" }}]", named(pot, facts));
    text
}
