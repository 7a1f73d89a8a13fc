//! Paydays and rules as TOML in one canonical form: the same rule gives the same text, whatever its order and spaces.

use std::fmt::Write as _;

use jiff::SignedDuration;
use jiff::civil::{Time, Weekday};
use monzo_common::amount::percent;
use monzo_common::money::Money;

use super::payday::{ADJUST, NATIONS};
use super::rule::{ON_FAILURE, TAKES};
use super::scalar::WEEKDAYS;
use crate::config::value::quoted;
use crate::rule::{
    AccountOrPotName, Adjust, Amount, Basis, BasisPoints, Cap, Credit, Day, Example, Keep, Level, Payday,
    Rhythm, Rule, Share, Step, Trigger,
};
use monzo_common::model::{RuleMode, StepKind};

/// The commented example of the reference.
pub(in crate::config) const EXAMPLE: &str = r#"
# When pay comes; the first is the default. Cycles, forecasts and rules read it.
# [[payday]]
# name = "main"
# day = "last-working-day"  # 1 to 31, "last-friday", "friday", { every = "4w", starting = "2026-01-09" }
# adjust = "before"         # over weekends and bank holidays: "before", "after" or "none"
# nation = "england-and-wales"  # "scotland", "northern-ireland"
# extra_holidays = []       # one-off days such as "2026-06-15"
# income = { from = "ACME*", at_least = "£1,000.00" }  # the credit that proves that it came

# A rule: when, from where, what stays there, and where to, in order. Write as many as you like.
# [[autosort.rule]]
# name = "payday"
# trigger = { on = "payday" }  # "income", "monthly", "weekly", "daily", "balance" or "manual"; or a list
# source = "account:Personal"
# keep = "£600.00"             # or "10%", or both in a list: the larger stays
# take = "all"                 # "income": never more than the credit that fired; "leftover": what was there without it
# mode = "propose"             # "off", "propose" or "auto"; else as in [autosort]
# enabled = true
# catch_up = "2d"              # later than this it is proposed, not run
# on_failure = "return"        # or "leave"
# step = [
#   { bills = "Bills", basis = "upcoming", buffer = "5%" },
#   { pot = "Rent", amount = "£850.00" },
#   { pot = "Groceries", up_to = "£300.00" },
#   { pot = "Car insurance", up_to = "£480.00", by = "03-01" },
#   { goals = ["Holiday", "Car"], max = "20%" },
#   { split = [{ pot = "Investments", share = "60%" }, { pot = "Emergency", share = "40%" }], leftover = "leave" },
#   { ask = "£600.00", to = "Joint" },
#   { rest = "Savings" },
# ]
# An example that `monzoctl config check` runs.
# [[autosort.rule.test]]
# at = "2026-11-30T09:00"
# bills = { Bills = "£412.50" }
# given = { "account:Personal" = "£2,611.20", "pot:Bills" = "£18.00" }
# expect = { Rent = "£850.00", left = "£600.00" }
"#;

/// A list of `key = value`.
#[derive(Default)]
struct Members(Vec<String>);

impl Members {
    fn add(&mut self, key: &str, value: impl std::fmt::Display) -> &mut Self {
        self.0.push(format!("{key} = {value}"));
        self
    }

    fn text(&mut self, key: &str, value: impl AsRef<str>) -> &mut Self {
        self.add(key, quoted(value.as_ref()))
    }

    fn maybe(&mut self, key: &str, value: Option<impl AsRef<str>>) -> &mut Self {
        if let Some(value) = value {
            self.text(key, value);
        }
        self
    }

    fn table(&self) -> String {
        format!("{{ {} }}", self.0.join(", "))
    }

    fn lines(&self) -> String {
        self.0.iter().map(|line| format!("{line}\n")).collect()
    }
}

pub(super) fn pounds(minor: i64) -> String {
    Money::gbp(minor).to_string()
}

/// In the largest unit that fits without a rest.
pub(super) fn length(span: SignedDuration) -> String {
    let seconds = span.as_secs();
    let units = [("w", 604_800), ("d", 86_400), ("h", 3_600), ("m", 60)];
    let fits = units.into_iter().find(|(_, each)| seconds != 0 && seconds % each == 0);
    let (unit, each) = fits.unwrap_or(("s", 1));
    format!("{}{unit}", seconds / each)
}

pub(super) fn clock(time: Time) -> String {
    format!("{:02}:{:02}", time.hour(), time.minute())
}

/// The word for a value of a list of words.
pub(super) fn word_of<T: PartialEq + Copy>(words: &[(&'static str, T)], value: T) -> &'static str {
    words.iter().find(|(_, other)| *other == value).map_or("", |(word, _)| *word)
}

fn weekday(day: Weekday) -> &'static str {
    word_of(&WEEKDAYS, day)
}

fn day(day: Day) -> String {
    match day {
        Day::Of(day) => day.to_string(),
        Day::LastWorking => quoted("last-working-day"),
        Day::Last(day) => quoted(&format!("last-{}", weekday(day))),
    }
}

/// As it is written under `source`, `of` and `given`.
pub(super) fn place(place: &AccountOrPotName) -> String {
    match place {
        AccountOrPotName::Account(name) => format!("account:{name}"),
        AccountOrPotName::Pot { account: Some(account), name } => format!("pot:{account}/{name}"),
        AccountOrPotName::Pot { account: None, name } if name.contains('/') => name.clone(),
        AccountOrPotName::Pot { account: None, name } => format!("pot:{name}"),
    }
}

/// As it is written in a step.
fn target(target: &AccountOrPotName) -> String {
    match target {
        AccountOrPotName::Pot { account: None, name } => name.clone(),
        AccountOrPotName::Account(name) => name.clone(),
        named => place(named),
    }
}

fn share(points: BasisPoints) -> String {
    percent(points.0)
}

fn cap(cap: Cap) -> String {
    match cap {
        Cap::Amount(minor) => pounds(minor),
        Cap::Share(points) => share(points),
    }
}

fn amount(amount: Amount) -> String {
    match amount {
        Amount::Fixed(minor) => pounds(minor),
        Amount::OfIncome(points) => format!("{} of income", share(points)),
    }
}

fn credit(members: &mut Members, credit: &Credit) {
    members.maybe("from", credit.from.as_deref());
    members.maybe("at_least", credit.at_least.map(pounds));
    members.maybe("at_most", credit.at_most.map(pounds));
}

fn payday_members(payday: &Payday) -> Members {
    let mut members = Members::default();
    members.text("name", &payday.name);
    match payday.rhythm {
        Rhythm::Monthly(on) => members.add("day", day(on)),
        Rhythm::Weekly(on) => members.text("day", weekday(on)),
        Rhythm::Every { weeks, starting } => {
            members.add("day", format!("{{ every = \"{weeks}w\", starting = \"{starting}\" }}"))
        }
    };
    members.text("adjust", word_of(ADJUST, payday.adjust));
    members.text("nation", word_of(NATIONS, payday.nation));
    let extra: Vec<String> = payday.extra_holidays.iter().map(|day| quoted(&day.to_string())).collect();
    members.add("extra_holidays", format!("[{}]", extra.join(", ")));
    if let Some(income) = &payday.income {
        let mut inner = Members::default();
        credit(&mut inner, income);
        members.add("income", inner.table());
    }
    members
}

/// A payday as an inline table.
pub(in crate::config) fn payday(payday: &Payday) -> String {
    payday_members(payday).table()
}

fn trigger(trigger: &Trigger) -> String {
    let mut members = Members::default();
    let at = |at: &Option<Time>| at.map(clock);
    match trigger {
        Trigger::Payday { payday, offset_days, at: time } => {
            members.text("on", "payday").maybe("payday", payday.as_deref());
            members.maybe("offset", (*offset_days != 0).then(|| format!("{offset_days}d")));
            members.maybe("at", at(time));
        }
        Trigger::Income { credit: which, account, own, once_a_cycle } => {
            members.text("on", "income");
            credit(&mut members, which);
            members.maybe("account", account.as_deref()).add("own", own);
            members.add("once", if *once_a_cycle { quoted("cycle") } else { "false".to_owned() });
        }
        Trigger::Monthly { day: which, at: time, adjust } => {
            members.text("on", "monthly").add("day", day(*which)).maybe("at", at(time));
            if *adjust != Adjust::None {
                members.text("adjust", word_of(ADJUST, *adjust));
            }
        }
        Trigger::Weekly { weekday: which, at: time } => {
            members.text("on", "weekly").text("weekday", weekday(*which)).maybe("at", at(time));
        }
        Trigger::Daily { at: time } => {
            members.text("on", "daily").maybe("at", at(time));
        }
        Trigger::Balance { of, level, cooldown } => {
            members.text("on", "balance").text("of", place(of));
            match level {
                Level::Below(minor) => members.text("below", pounds(*minor)),
                Level::Above(minor) => members.text("above", pounds(*minor)),
            };
            members.text("cooldown", length(*cooldown));
        }
        Trigger::Manual => {
            members.text("on", "manual");
        }
    }
    members.table()
}

fn step(step: &Step) -> String {
    let mut members = Members::default();
    match step {
        Step::Bills { pot, basis, buffer, horizon, until_known } => {
            members.text("bills", target(pot));
            members.text("basis", if *basis == Basis::Upcoming { "upcoming" } else { "last-cycle" });
            members.text("buffer", share(*buffer)).maybe("horizon", horizon.map(length));
            members.maybe("until_known", until_known.map(pounds));
        }
        Step::Pot { written, target: to, amount: asked, up_to, by, max } => {
            members.text(written.word(), target(to)).maybe("amount", asked.map(amount));
            members.maybe("up_to", up_to.map(pounds));
            members.maybe(
                "by",
                by.map(|by| {
                    let year = by.year.map(|year| format!("{year:04}-")).unwrap_or_default();
                    format!("{year}{:02}-{:02}", by.month, by.day)
                }),
            );
            members.maybe("max", max.map(cap));
        }
        Step::Split { parts, .. } if step.kind() == StepKind::Goals => {
            let pots: Vec<String> = parts.iter().map(|part| quoted(&target(&part.pot))).collect();
            members.add("goals", format!("[{}]", pots.join(", ")));
            // Of a `goals` step each part has the same.
            members.maybe("max", parts.first().and_then(|part| part.max).map(cap));
        }
        Step::Split { parts, redistribute } => {
            let parts = parts.iter().map(|part| {
                let mut members = Members::default();
                members.text("pot", target(&part.pot));
                if let Share::Of(points) = part.share {
                    members.text("share", share(points));
                }
                members.maybe("max", part.max.map(cap)).maybe("up_to", part.up_to.map(pounds));
                members.table()
            });
            let parts: Vec<String> = parts.collect();
            members.add("split", format!("[{}]", parts.join(", ")));
            members.text("leftover", if *redistribute { "redistribute" } else { "leave" });
        }
        Step::Ask { amount, to } => {
            members.text("ask", pounds(*amount)).text("to", to);
        }
    }
    members.table()
}

fn rule_members(rule: &Rule) -> Members {
    let mut members = Members::default();
    members.text("name", &rule.name);
    let triggers: Vec<String> = rule.triggers.iter().map(trigger).collect();
    members.add("trigger", format!("[{}]", triggers.join(", ")));
    members.text("source", place(&rule.source));
    let keep = rule.keep.iter().map(|keep| match keep {
        Keep::Amount(minor) => quoted(&pounds(*minor)),
        Keep::Share(points) => quoted(&share(*points)),
    });
    let keep: Vec<String> = keep.collect();
    if !keep.is_empty() {
        members.add("keep", format!("[{}]", keep.join(", ")));
    }
    if matches!(rule.source, AccountOrPotName::Account(_)) {
        members.text("take", word_of(TAKES, rule.take));
    }
    members.maybe("mode", rule.mode.map(RuleMode::word));
    members.add("enabled", rule.enabled);
    members.text("catch_up", length(rule.catch_up));
    members.text("on_failure", word_of(ON_FAILURE, rule.on_failure));
    let steps: Vec<String> = rule.steps.iter().map(step).collect();
    members.add("step", format!("[{}]", steps.join(", ")));
    members
}

/// The canonical text of a rule: its block without tests, and the paydays that decide when and how much it moves.
pub(super) fn canonical(rule: &Rule, paydays: &[&Payday]) -> String {
    let mut text = rule_members(rule).lines();
    for payday in paydays {
        let _ = writeln!(text, "# payday {}", self::payday(payday));
    }
    text
}

/// A rule on one line, as `config show` lists it.
pub(in crate::config) fn summary(rule: &Rule) -> String {
    let when: Vec<String> = rule.triggers.iter().map(trigger).collect();
    let steps: Vec<String> = rule.steps.iter().map(step).collect();
    let keep: Vec<String> = rule
        .keep
        .iter()
        .map(|keep| match keep {
            Keep::Amount(minor) => pounds(*minor),
            Keep::Share(points) => share(*points),
        })
        .collect();
    let keep = if keep.is_empty() { String::new() } else { format!(", keep {}", keep.join(" or ")) };
    let mode = rule.mode.map(|mode| format!(", {mode}")).unwrap_or_default();
    let off = if rule.enabled { "" } else { ", not enabled" };
    format!("{} from {}{keep}{mode}{off}: {}", when.join(" or "), place(&rule.source), steps.join(", "))
}

fn example(example: &Example) -> String {
    let table = |entries: Vec<(String, i64)>| {
        let entries: Vec<String> = entries
            .into_iter()
            .map(|(name, minor)| format!("{} = {}", quoted(&name), quoted(&pounds(minor))))
            .collect();
        format!("{{ {} }}", entries.join(", "))
    };
    let named = |map: &std::collections::BTreeMap<String, i64>| {
        table(map.iter().map(|(name, minor)| (name.clone(), *minor)).collect())
    };
    let mut members = Members::default();
    members.text("at", example.at.to_string()).maybe("income", example.income.map(pounds));
    members.add("bills", named(&example.bills));
    members.add("given", table(example.given.iter().map(|(at, minor)| (place(at), *minor)).collect()));
    members.add("expect", named(&example.expect));
    members.lines()
}

/// All blocks as a file has them.
pub(in crate::config) fn printed(paydays: &[Payday], rules: &[Rule]) -> String {
    let mut text = String::new();
    for payday in paydays {
        let _ = write!(text, "\n[[payday]]\n{}", payday_members(payday).lines());
    }
    for rule in rules {
        let _ = write!(text, "\n[[autosort.rule]]\n{}", rule_members(rule).lines());
        for test in &rule.tests {
            let _ = write!(text, "[[autosort.rule.test]]\n{}", example(test));
        }
    }
    text
}
