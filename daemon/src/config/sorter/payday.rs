//! `[[payday]]`: when pay comes.

use jiff::civil::Date;
use toml::de::DeValue;

use super::block::{Block, Out};
use super::scalar::{WEEKDAYS, amount, date, day, name, word};
use crate::config::error::Excerpt;
use crate::config::value::{Setting, text};
use crate::rule::{Adjust, Credit, Nation, Payday, Rhythm};

pub(super) const KEYS: &[&str] = &["name", "day", "adjust", "nation", "extra_holidays", "income"];

pub(super) const ADJUST: &[(&str, Adjust)] =
    &[("before", Adjust::Before), ("after", Adjust::After), ("none", Adjust::None)];

pub(super) const NATIONS: &[(&str, Nation)] = &[
    ("england-and-wales", Nation::EnglandAndWales),
    ("scotland", Nation::Scotland),
    ("northern-ireland", Nation::NorthernIreland),
];

pub(super) fn read(out: &mut Out<'_>, block: &Block<'_, '_>) -> Option<(Payday, Excerpt)> {
    block.only(out, KEYS, |key| match key {
        "from" | "at_least" | "at_most" => Some(format!("`{key}` belongs in `income`")),
        "every" | "starting" => Some(format!("`{key}` belongs in `day`")),
        _ => None,
    });
    let name = block.need(out, "name", "\"main\"", name);
    let rhythm = match block.value("day") {
        Some(value) if value.get_ref().is_table() => {
            let block = out.block("`day`", value);
            block.and_then(|block| every(out, &block))
        }
        _ => block.need(out, "day", "\"last-working-day\"", rhythm),
    };
    let income = block.value("income").and_then(|value| {
        let income = out.block("`income`", value)?;
        income.only(out, &["from", "at_least", "at_most"], |_| None);
        Some(credit(out, &income))
    });
    let payday = Payday {
        name: name?,
        rhythm: rhythm?,
        adjust: block.read(out, "adjust", |value| word(value, ADJUST)).unwrap_or_default(),
        nation: block.read(out, "nation", |value| word(value, NATIONS)).unwrap_or_default(),
        extra_holidays: block.read(out, "extra_holidays", dates).unwrap_or_default(),
        income,
    };
    Some((payday, out.excerpt(block.span_of("name"))))
}

/// `from`, `at_least` and `at_most` of a block.
pub(super) fn credit(out: &mut Out<'_>, block: &Block<'_, '_>) -> Credit {
    let credit = Credit {
        from: block.read(out, "from", name),
        at_least: block.read(out, "at_least", amount),
        at_most: block.read(out, "at_most", amount),
    };
    if let (Some(least), Some(most)) = (credit.at_least, credit.at_most)
        && least > most
    {
        out.say(block.span_of("at_most"), "`at_most` is less than `at_least`", "no credit could be meant");
    }
    credit
}

fn rhythm(value: &DeValue<'_>) -> Result<Rhythm, String> {
    let weekday = value.as_str().and_then(|name| WEEKDAYS.iter().find(|(weekday, _)| *weekday == name));
    if let Some((_, weekday)) = weekday {
        return Ok(Rhythm::Weekly(*weekday));
    }
    day(value).map(Rhythm::Monthly).map_err(|refusal| {
        format!("{refusal}, a weekday such as \"friday\", or {{ every = \"4w\", starting = \"2026-01-09\" }}")
    })
}

fn every(out: &mut Out<'_>, block: &Block<'_, '_>) -> Option<Rhythm> {
    block.only(out, &["every", "starting"], |_| None);
    let weeks = block.need(out, "every", "\"4w\"", |value| {
        let weeks =
            text(value, "weeks such as \"4w\"")?.strip_suffix('w').and_then(|count| count.parse().ok());
        weeks
            .filter(|weeks| (1_u8..=52).contains(weeks))
            .ok_or_else(|| "expected weeks, from \"1w\" to \"52w\"".to_owned())
    });
    let starting = block.need(out, "starting", "\"2026-01-09\"", date);
    Some(Rhythm::Every { weeks: weeks?, starting: starting? })
}

fn dates(value: &DeValue<'_>) -> Result<Vec<Date>, String> {
    let items = value.as_array().ok_or("expected a list of dates such as [\"2026-06-15\"]")?;
    let mut dates = items.iter().map(|item| date(item.get_ref())).collect::<Result<Vec<_>, _>>()?;
    dates.sort_unstable();
    dates.dedup();
    Ok(dates)
}

/// A switch.
pub(super) fn switch(value: &DeValue<'_>) -> Result<bool, String> {
    bool::read(value)
}
