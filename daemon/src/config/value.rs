//! Reads and prints one configured value: lengths of time, sizes, lists, switches.
//!
//! Each type is read from TOML by [`Setting::read`] and printed by [`Setting::print`] in the form it was written in,
//! so that `config show` gives back what a person recognises. A refusal says what would be right and never repeats
//! the value: it could be a secret in the wrong place.

use std::{collections::BTreeMap, fmt, net::SocketAddr, path::PathBuf, time::Duration};

use jiff::tz::TimeZone;
use monzo_common::amount;
use toml::de::DeValue;

use crate::rule::BasisPoints;

/// A value that can be read from a TOML file and printed as TOML again.
pub(crate) trait Setting: Sized {
    /// Reads the value, or says what would be right.
    fn read(value: &DeValue<'_>) -> Result<Self, String>;
    /// Prints the value as TOML.
    fn print(&self) -> String;
    /// Takes the value of a later file: replaces it, or adds its entries for a table of a person's own keys.
    fn merge(&mut self, later: Self) {
        *self = later;
    }
}

/// Prints a TOML string.
pub(crate) fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

pub(super) fn text<'v>(value: &'v DeValue<'_>, example: &str) -> Result<&'v str, String> {
    value.as_str().ok_or_else(|| format!("expected {example}, found {}", kind(value)))
}

pub(super) fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a fractional number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

impl Setting for bool {
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        value.as_bool().ok_or_else(|| format!("expected true or false, found {}", kind(value)))
    }
    fn print(&self) -> String {
        self.to_string()
    }
}

impl Setting for u32 {
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        value
            .as_integer()
            .and_then(|number| u32::from_str_radix(number.as_str(), number.radix()).ok())
            .ok_or_else(|| format!("expected a whole number such as 4, found {}", kind(value)))
    }
    fn print(&self) -> String {
        self.to_string()
    }
}

impl Setting for String {
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        text(value, "a string in quotes").map(str::to_owned)
    }
    fn print(&self) -> String {
        quoted(self)
    }
}

impl<T: Setting> Setting for Vec<T> {
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        let items = value.as_array().ok_or_else(|| format!("expected a list, found {}", kind(value)))?;
        items.iter().map(|item| T::read(item.get_ref())).collect()
    }
    fn print(&self) -> String {
        format!("[{}]", self.iter().map(T::print).collect::<Vec<_>>().join(", "))
    }
}

/// The lines of a table of a person's own keys, as TOML.
pub(crate) fn lines<T: Setting>(table: &BTreeMap<String, T>) -> String {
    table.iter().map(|(key, value)| format!("{} = {}\n", quoted(key), value.print())).collect()
}

/// A table of a person's own keys.
impl<T: Setting> Setting for BTreeMap<String, T> {
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        let table = value.as_table().ok_or_else(|| format!("expected a table, found {}", kind(value)))?;
        let entry = |(key, value): (&toml::Spanned<_>, &toml::Spanned<DeValue<'_>>)| {
            let key: &std::borrow::Cow<'_, str> = key.get_ref();
            Ok((key.to_string(), T::read(value.get_ref())?))
        };
        table.iter().map(entry).collect()
    }
    fn print(&self) -> String {
        let entries: Vec<_> =
            self.iter().map(|(key, value)| format!("{} = {}", quoted(key), value.print())).collect();
        if entries.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", entries.join(", ")) }
    }
    fn merge(&mut self, later: Self) {
        self.extend(later);
    }
}

/// A part of something, written in percent.
impl Setting for BasisPoints {
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        let written = text(value, "a percentage in quotes such as \"16.67%\"")?;
        amount::basis_points(written).map(Self).map_err(|error| error.to_string())
    }
    fn print(&self) -> String {
        quoted(&amount::percent(self.0))
    }
}

/// A value that the empty string turns off.
impl<T: Setting> Setting for Option<T> {
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        if value.as_str() == Some("") { Ok(None) } else { T::read(value).map(Some) }
    }
    fn print(&self) -> String {
        self.as_ref().map_or_else(|| quoted(""), T::print)
    }
}

impl Setting for SocketAddr {
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        let wanted = "an address and port such as \"127.0.0.1:21854\" or \"[::1]:21854\"";
        text(value, wanted)?.parse().map_err(|_| format!("expected {wanted}"))
    }
    fn print(&self) -> String {
        quoted(&self.to_string())
    }
}

impl Setting for PathBuf {
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        let path = text(value, "a path in quotes")?;
        if path.contains('\0') {
            Err("a path cannot contain a zero byte".to_owned())
        } else {
            Ok(path.into())
        }
    }
    fn print(&self) -> String {
        quoted(&self.to_string_lossy())
    }
}

/// A number with one of a few units, kept as it was written.
#[derive(Clone, Copy, Debug)]
struct Counted {
    count: u32,
    unit: &'static str,
    each: u64,
}

impl Counted {
    fn parse(text: &str, units: &[(&'static str, u64)]) -> Option<Self> {
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (count, unit) = text.split_at(digits);
        let (unit, each) = units.iter().find(|(name, _)| *name == unit.trim_start()).copied()?;
        Some(Self { count: count.parse().ok()?, unit, each })
    }

    fn total(self) -> u64 {
        u64::from(self.count) * self.each
    }
}

macro_rules! counted {
    ($(#[$doc:meta])* $name:ident, $units:expr, $example:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name(Counted);

        impl $name {
            const UNITS: &[(&str, u64)] = $units;

            /// Parses the written form; `None` when it is not one.
            pub fn parse(text: &str) -> Option<Self> {
                Counted::parse(text, Self::UNITS).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}{}", self.0.count, self.0.unit)
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.0.total() == other.0.total()
            }
        }

        impl Eq for $name {}

        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
                Some(self.0.total().cmp(&other.0.total()))
            }
        }

        impl Setting for $name {
            fn read(value: &DeValue<'_>) -> Result<Self, String> {
                let units = Self::UNITS.iter().map(|(unit, _)| *unit).collect::<Vec<_>>().join(", ");
                Self::parse(text(value, $example)?)
                    .ok_or_else(|| format!("expected a whole number with a unit ({units}), such as {}", $example))
            }
            fn print(&self) -> String {
                quoted(&self.to_string())
            }
        }
    };
}

counted! {
    /// A length of time as a person writes it: `"30s"`, `"15m"`, `"6h"`, `"7d"`.
    TimeSpan, &[("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400), ("w", 604_800)], "\"30s\", \"6h\" or \"7d\""
}

counted! {
    /// A size as a person writes it: `"512KiB"`, `"1MiB"`.
    ByteSize, &[("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)], "\"512KiB\" or \"1MiB\""
}

impl TimeSpan {
    /// Returns the length of time.
    pub fn duration(self) -> Duration {
        Duration::from_secs(self.0.total())
    }
}

impl ByteSize {
    /// Returns the size in bytes.
    pub fn bytes(self) -> u64 {
        self.0.total()
    }
}

/// A time zone by its IANA name.
#[derive(Clone, Debug, PartialEq)]
pub struct Zone(TimeZone);

impl Zone {
    /// Returns the zone of that name, if this machine or the program's own tables know it.
    pub fn named(name: &str) -> Option<Self> {
        TimeZone::get(name).ok().map(Self)
    }

    /// Returns UTC.
    pub fn utc() -> Self {
        Self(TimeZone::UTC)
    }

    /// Returns the zone's rules.
    pub fn rules(&self) -> &TimeZone {
        &self.0
    }

    /// Returns the zone's IANA name.
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }
}

impl Setting for Zone {
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        let wanted = "a time zone's IANA name such as \"Europe/London\"";
        Self::named(text(value, wanted)?).ok_or_else(|| format!("expected {wanted}"))
    }
    fn print(&self) -> String {
        quoted(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T: Setting>(toml: &str) -> Result<T, String> {
        T::read(DeValue::parse(toml).expect("valid TOML").get_ref())
    }

    #[test]
    fn lengths_of_time_and_sizes_print_as_they_were_written() {
        for written in ["30s", "60s", "15m", "6h", "7d", "2w", "0s"] {
            let span = TimeSpan::parse(written).unwrap_or_else(|| panic!("{written} is a length of time"));
            assert_eq!(span.to_string(), written);
        }
        assert_eq!(TimeSpan::parse("60s"), TimeSpan::parse("1m"));
        assert_eq!(TimeSpan::parse("7d").expect("a week").duration(), Duration::from_secs(604_800));
        assert_eq!(ByteSize::parse("1MiB").expect("a size").bytes(), 1_048_576);
        assert_eq!(ByteSize::parse("64 KiB").expect("a size").to_string(), "64KiB");
    }

    #[test]
    fn anything_else_is_no_length_of_time() {
        for wrong in ["", "s", "6", "-6h", "6.5h", "6hours", "99999999999d", "6h30m"] {
            assert_eq!(TimeSpan::parse(wrong), None, "{wrong:?}");
        }
        let refusal = read::<TimeSpan>("6").expect_err("a bare number");
        assert_eq!(refusal, "expected \"30s\", \"6h\" or \"7d\", found a number");
        let refusal = read::<TimeSpan>("\"6 hours\"").expect_err("no such unit");
        assert!(refusal.contains("s, m, h, d, w"), "{refusal}");
    }

    #[test]
    fn the_empty_string_turns_a_key_off() {
        assert_eq!(read::<Option<TimeSpan>>("\"\""), Ok(None));
        assert_eq!(read::<Option<SocketAddr>>("\"\""), Ok(None));
        assert!(read::<Option<SocketAddr>>("\"localhost\"").is_err());
        assert_eq!(None::<TimeSpan>.print(), "\"\"");
    }

    #[test]
    fn zones_are_known_by_name() {
        assert_eq!(
            read::<Zone>("\"Europe/London\"").map(|zone| zone.print()),
            Ok("\"Europe/London\"".to_owned())
        );
        assert!(read::<Zone>("\"Europe/Londn\"").is_err());
    }

    #[test]
    fn numbers_are_whole_and_in_range() {
        assert_eq!(read::<u32>("0x10"), Ok(16));
        for wrong in ["-1", "1.5", "\"4\"", "99999999999"] {
            assert!(read::<u32>(wrong).is_err(), "{wrong}");
        }
    }
}
