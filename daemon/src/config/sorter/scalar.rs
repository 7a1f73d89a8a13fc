//! Single values of rules and paydays: amounts, shares, lengths of time, days, times and places.

use jiff::SignedDuration;
use jiff::civil::{Date, DateTime, Time, Weekday};
use monzo_common::amount;
use toml::de::DeValue;

use crate::config::error::not_one_of;
use crate::config::value::{Setting, TimeSpan, kind, text};
use crate::rule::{AccountOrPotName, BasisPoints, By, Cap, Day, Keep};

type Read<T> = Result<T, String>;

pub(super) const WEEKDAYS: [(&str, Weekday); 7] = [
    ("monday", Weekday::Monday),
    ("tuesday", Weekday::Tuesday),
    ("wednesday", Weekday::Wednesday),
    ("thursday", Weekday::Thursday),
    ("friday", Weekday::Friday),
    ("saturday", Weekday::Saturday),
    ("sunday", Weekday::Sunday),
];

/// One of a few words.
pub(super) fn word<T: Copy>(value: &DeValue<'_>, words: &[(&str, T)]) -> Read<T> {
    let found = text(value, "a word in quotes")?;
    let names: Vec<&str> = words.iter().map(|(name, _)| *name).collect();
    words
        .iter()
        .find(|(name, _)| *name == found)
        .map(|(_, word)| *word)
        .ok_or_else(|| not_one_of(found, &names))
}

pub(super) fn amount(value: &DeValue<'_>) -> Read<i64> {
    let written = text(value, "an amount in quotes such as \"£12.34\"")?;
    amount::pence(written).map_err(|error| error.to_string())
}

/// More than nothing.
pub(super) fn some_amount(value: &DeValue<'_>) -> Read<i64> {
    match amount(value)? {
        0 => Err("must be more than £0.00".into()),
        minor => Ok(minor),
    }
}

pub(super) fn share(value: &DeValue<'_>) -> Read<BasisPoints> {
    BasisPoints::read(value)
}

/// From just above nothing to the whole.
pub(super) fn part(value: &DeValue<'_>) -> Read<BasisPoints> {
    let points = share(value)?;
    match points.0 {
        0 => Err("must be more than 0%".into()),
        1..=10_000 => Ok(points),
        _ => Err("must be at most 100%".into()),
    }
}

fn is_share(value: &DeValue<'_>) -> bool {
    value.as_str().is_some_and(|text| text.ends_with('%'))
}

pub(super) fn cap(value: &DeValue<'_>) -> Read<Cap> {
    if is_share(value) { part(value).map(Cap::Share) } else { some_amount(value).map(Cap::Amount) }
}

/// `"£600.00"`, `"10%"`, or a list of both.
pub(super) fn keep(value: &DeValue<'_>) -> Read<Vec<Keep>> {
    let one = |value: &DeValue<'_>| {
        if is_share(value) { part(value).map(Keep::Share) } else { amount(value).map(Keep::Amount) }
    };
    match value.as_array() {
        Some(items) if items.is_empty() => Err("must say an amount, such as \"£0.00\"".into()),
        Some(items) => items.iter().map(|item| one(item.get_ref())).collect(),
        None => Ok(vec![one(value)?]),
    }
}

/// A length of time within bounds, both included.
pub(super) fn span(low: &'static str, high: &'static str) -> impl Fn(&DeValue<'_>) -> Read<SignedDuration> {
    move |value| {
        let found = TimeSpan::read(value)?;
        let bound = |text| TimeSpan::parse(text).expect("the bounds in the code are lengths of time");
        if found < bound(low) || found > bound(high) {
            return Err(format!("must be between {low} and {high}"));
        }
        SignedDuration::try_from(found.duration()).map_err(|_| format!("must be at most {high}"))
    }
}

/// `"-1d"`, `"2d"`: whole days, before or after.
pub(super) fn offset(value: &DeValue<'_>) -> Read<i32> {
    let written = text(value, "days such as \"-1d\"")?;
    let days = written.strip_suffix('d').and_then(|days| days.parse::<i32>().ok());
    match days {
        Some(days) if (-15..=15).contains(&days) => Ok(days),
        Some(_) => Err("must be between -15d and 15d".into()),
        None => Err("expected days before or after, such as \"-1d\" or \"2d\"".into()),
    }
}

pub(super) fn time(value: &DeValue<'_>) -> Read<Time> {
    let wanted = "a time such as \"18:00\"";
    let written = text(value, wanted)?;
    let two = |part: &str| {
        (part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| part.parse::<i8>().ok())?
    };
    let (hour, minute) = written.split_once(':').ok_or_else(|| format!("expected {wanted}"))?;
    match (two(hour), two(minute)) {
        (Some(hour), Some(minute)) => Time::new(hour, minute, 0, 0).map_err(|_| format!("expected {wanted}")),
        _ => Err(format!("expected {wanted}")),
    }
}

pub(super) fn date(value: &DeValue<'_>) -> Read<Date> {
    let wanted = "a date in quotes such as \"2026-01-09\"";
    let written = text(value, wanted)?;
    let found = written.parse::<Date>().ok().filter(|date| date.to_string() == written);
    found.filter(|date| (1_900..=2_200).contains(&date.year())).ok_or_else(|| format!("expected {wanted}"))
}

pub(super) fn moment(value: &DeValue<'_>) -> Read<DateTime> {
    let wanted = "a local date and time in quotes such as \"2026-11-27T09:00\"";
    let written = text(value, wanted)?;
    let found = written.parse::<DateTime>().ok().filter(|_| written.contains('T'));
    found.filter(|at| (1_900..=2_200).contains(&at.date().year())).ok_or_else(|| format!("expected {wanted}"))
}

/// `"03-01"`, or with a year.
pub(super) fn by(value: &DeValue<'_>) -> Read<By> {
    let wanted = "a day such as \"03-01\", or \"2027-03-01\" for once";
    let refusal = || format!("expected {wanted}");
    let written = text(value, wanted)?;
    let number = |part: &str, width: usize| {
        (part.len() == width && part.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| part.parse::<i16>().ok())?
    };
    let parts: Vec<&str> = written.split('-').collect();
    let (year, month, day) = match parts.as_slice() {
        [month, day] => (None, *month, *day),
        [year, month, day] => (Some(number(year, 4).ok_or_else(refusal)?), *month, *day),
        _ => return Err(refusal()),
    };
    let within = |part: &str, last: i16| {
        number(part, 2).filter(|found| (1..=last).contains(found)).and_then(|found| i8::try_from(found).ok())
    };
    match (within(month, 12), within(day, 31)) {
        (Some(month), Some(day)) => Ok(By { year, month, day }),
        _ => Err(refusal()),
    }
}

/// 1 to 31, `"last-working-day"`, `"last-friday"`.
pub(super) fn day(value: &DeValue<'_>) -> Read<Day> {
    let wanted = "expected 1 to 31, \"last-working-day\" or a last weekday such as \"last-friday\"";
    if value.as_integer().is_some() {
        let day = u32::read(value).ok().and_then(|day| i8::try_from(day).ok());
        return day.filter(|day| (1..=31).contains(day)).map(Day::Of).ok_or_else(|| wanted.into());
    }
    let written = value.as_str().ok_or_else(|| format!("{wanted}, found {}", kind(value)))?;
    if written == "last-working-day" {
        return Ok(Day::LastWorking);
    }
    let last = written.strip_prefix("last-");
    let weekday = last.and_then(|name| WEEKDAYS.iter().find(|(weekday, _)| *weekday == name));
    weekday.map(|(_, weekday)| Day::Last(*weekday)).ok_or_else(|| wanted.into())
}

/// A name on one line.
pub(super) fn name(value: &DeValue<'_>) -> Read<String> {
    let found = text(value, "a name in quotes")?;
    let sound = found.trim() == found
        && !found.is_empty()
        && found.chars().count() <= 60
        && !found.chars().any(char::is_control);
    if sound { Ok(found.to_owned()) } else { Err("must be a name of 1 to 60 letters on one line".into()) }
}

/// `account:…` or `pot:…`, said in full.
pub(super) fn place(value: &DeValue<'_>) -> Read<AccountOrPotName> {
    let wanted = "\"account:Personal\" or \"pot:Buffer\"";
    let written = text(value, wanted)?;
    match written.split_once(':') {
        Some(("account", _)) => account(value),
        Some(("pot", _)) => pot(value),
        _ if written.starts_with("acc_") => account(value),
        _ if written.starts_with("pot_") => pot(value),
        _ => Err(format!("say what it is: {wanted}")),
    }
}

/// A pot by its name; `pot:Joint/Bills` says whose.
pub(super) fn pot(value: &DeValue<'_>) -> Read<AccountOrPotName> {
    let written = name(value)?;
    let (account, name) = match written.strip_prefix("pot:") {
        _ if written.starts_with("account:") || written.starts_with("acc_") => {
            return Err("must be a pot; money goes to an account with an `account` step".into());
        }
        Some(rest) => match rest.split_once('/') {
            Some((account, name)) => (Some(account.to_owned()), name.to_owned()),
            None => (None, rest.to_owned()),
        },
        None => (None, written),
    };
    if name.is_empty() || account.as_ref().is_some_and(String::is_empty) {
        return Err("must name a pot, such as \"Bills\" or \"pot:Joint/Bills\"".into());
    }
    Ok(AccountOrPotName::Pot { account, name })
}

/// An account by its name.
pub(super) fn account(value: &DeValue<'_>) -> Read<AccountOrPotName> {
    let written = name(value)?;
    let name = written.strip_prefix("account:").unwrap_or(&written);
    if written.starts_with("pot:") || written.starts_with("pot_") || name.is_empty() {
        return Err("must be an account, such as \"Personal\"".into());
    }
    Ok(AccountOrPotName::Account(name.to_owned()))
}
