//! Money: an integer of minor units and a currency; never a float.
//!
//! Parsing and printing are exact inverses, so that an amount that a person copies from a table and types again is the same amount.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An ISO 4217 code: three upper-case letters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Currency([u8; 3]);

impl Currency {
    /// Pounds sterling, the currency of every account at the bank.
    pub const GBP: Self = Self(*b"GBP");

    /// The code.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("???")
    }

    /// How many digits of the minor unit follow the point (ISO 4217).
    pub fn digits(&self) -> u32 {
        match &self.0 {
            b"BIF" | b"CLP" | b"DJF" | b"GNF" | b"ISK" | b"JPY" | b"KMF" | b"KRW" | b"PYG" | b"RWF"
            | b"UGX" | b"VND" | b"VUV" | b"XAF" | b"XOF" | b"XPF" => 0,
            b"BHD" | b"IQD" | b"JOD" | b"KWD" | b"LYD" | b"OMR" | b"TND" => 3,
            _ => 2,
        }
    }

    fn symbol(&self) -> Option<&'static str> {
        match &self.0 {
            b"GBP" => Some("£"),
            b"EUR" => Some("€"),
            b"USD" => Some("$"),
            b"JPY" => Some("¥"),
            _ => None,
        }
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Currency {
    type Err = NotACurrency;

    fn from_str(text: &str) -> Result<Self, NotACurrency> {
        match *text.as_bytes() {
            [a, b, c] if text.bytes().all(|byte| byte.is_ascii_alphabetic()) => {
                Ok(Self([a, b, c].map(|byte| byte.to_ascii_uppercase())))
            }
            _ => Err(NotACurrency),
        }
    }
}

impl TryFrom<String> for Currency {
    type Error = NotACurrency;

    fn try_from(text: String) -> Result<Self, NotACurrency> {
        text.parse()
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.code().to_owned()
    }
}

/// A text is not a currency code of three letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a currency is three letters, such as GBP")]
pub struct NotACurrency;

/// An amount in minor units of one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Money {
    /// Minor units: pence for GBP; negative is money going out.
    pub minor: i64,
    /// The currency of `minor`.
    pub currency: Currency,
}

impl Money {
    /// An amount of minor units.
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// An amount of pence.
    pub const fn gbp(minor: i64) -> Self {
        Self::new(minor, Currency::GBP)
    }

    /// The sum, or nothing where currencies differ or the sum does not fit.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        (self.currency == other.currency)
            .then(|| self.minor.checked_add(other.minor))
            .flatten()
            .map(|minor| Self::new(minor, self.currency))
    }

    /// The digits alone, without symbol or separators: `-1234.56`; for CSV and accounting formats.
    pub fn plain(&self) -> String {
        let (whole, fraction) = self.parts();
        let sign = if self.minor < 0 { "-" } else { "" };
        match fraction {
            Some(fraction) => format!("{sign}{whole}.{fraction}"),
            None => format!("{sign}{whole}"),
        }
    }

    fn parts(&self) -> (u64, Option<String>) {
        let digits = self.currency.digits();
        let unit = 10_u64.pow(digits);
        let magnitude = self.minor.unsigned_abs();
        let fraction = (digits > 0).then(|| format!("{:0width$}", magnitude % unit, width = digits as usize));
        (magnitude / unit, fraction)
    }
}

/// Prints `£1,234.56`, `-£0.05`, `¥1,200` or `1,234.56 CHF`.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, fraction) = self.parts();
        let mut text = String::new();
        if self.minor < 0 {
            text.push('-');
        }
        text.push_str(self.currency.symbol().unwrap_or_default());
        text.push_str(&grouped(whole));
        if let Some(fraction) = fraction {
            text.push('.');
            text.push_str(&fraction);
        }
        if self.currency.symbol().is_none() {
            text.push(' ');
            text.push_str(self.currency.code());
        }
        f.pad(&text)
    }
}

fn grouped(whole: u64) -> String {
    let digits = whole.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Why a text is not an amount of money.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotMoney {
    /// Nothing that reads as an amount.
    #[error("‘{0}’ is not an amount: write £12, £12.34 or 1234.56")]
    Unreadable(String),
    /// More digits after the point than the currency has.
    #[error("‘{0}’ has more digits after the point than {1} has")]
    TooPrecise(String, Currency),
    /// Larger than can be counted.
    #[error("‘{0}’ is too large")]
    TooLarge(String),
}

/// Reads what [`Display`](fmt::Display) prints, and plain digits as pounds.
impl FromStr for Money {
    type Err = NotMoney;

    fn from_str(text: &str) -> Result<Self, NotMoney> {
        let unreadable = || NotMoney::Unreadable(text.to_owned());
        let trimmed = text.trim();
        let (negative, rest) = match trimmed.strip_prefix(['-', '−']) {
            Some(rest) => (true, rest),
            None => (false, trimmed.strip_prefix('+').unwrap_or(trimmed)),
        };
        let (currency, rest) = split_currency(rest).ok_or_else(unreadable)?;
        let (whole, fraction) = match rest.split_once('.') {
            Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
            Some(_) => return Err(unreadable()),
            None => (rest, ""),
        };
        let whole = ungrouped(whole).ok_or_else(unreadable)?;
        if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(unreadable());
        }
        let digits = currency.digits() as usize;
        if fraction.len() > digits {
            return Err(NotMoney::TooPrecise(text.to_owned(), currency));
        }
        let sign = if negative { "-" } else { "" };
        format!("{sign}{whole}{fraction:0<digits$}")
            .parse()
            .map(|minor| Self::new(minor, currency))
            .map_err(|_| NotMoney::TooLarge(text.to_owned()))
    }
}

fn split_currency(text: &str) -> Option<(Currency, &str)> {
    for currency in [Currency::GBP, Currency(*b"EUR"), Currency(*b"USD"), Currency(*b"JPY")] {
        if let Some(rest) = currency.symbol().and_then(|symbol| text.strip_prefix(symbol)) {
            return Some((currency, rest));
        }
    }
    match text.rsplit_once(' ') {
        Some((rest, code)) => Some((code.parse().ok()?, rest)),
        None => Some((Currency::GBP, text)),
    }
}

/// Digits with commas only where they group thousands.
fn ungrouped(text: &str) -> Option<String> {
    let mut groups = text.split(',');
    let first = groups.next()?;
    let plain = !text.contains(',');
    let sound = |group: &str| !group.is_empty() && group.bytes().all(|byte| byte.is_ascii_digit());
    if !sound(first) || (!plain && first.len() > 3) {
        return None;
    }
    let mut digits = first.to_owned();
    for group in groups {
        if group.len() != 3 || !sound(group) {
            return None;
        }
        digits.push_str(group);
    }
    Some(digits)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn amounts_print_as_people_write_them() {
        let check = |minor: i64, code: &str, expected: &str| {
            let currency = code.parse().expect("a code");
            assert_eq!(Money::new(minor, currency).to_string(), expected, "{minor} {code}");
        };
        check(123_456, "GBP", "£1,234.56");
        check(-5, "GBP", "-£0.05");
        check(0, "GBP", "£0.00");
        check(1_200, "JPY", "¥1,200");
        check(123_456, "CHF", "1,234.56 CHF");
        check(1_234_567, "KWD", "1,234.567 KWD");
        check(i64::MIN, "GBP", "-£92,233,720,368,547,758.08");
    }

    #[test]
    fn amounts_are_read_as_people_type_them() {
        let check = |text: &str, minor: i64| {
            assert_eq!(text.parse::<Money>().map(|money| money.minor), Ok(minor), "{text}");
        };
        check("£12", 1_200);
        check("12.3", 1_230);
        check("1,234.56", 123_456);
        check("-£0.05", -5);
        check("1234", 123_400);
    }

    #[test]
    fn what_is_not_an_amount_is_refused() {
        for text in
            ["", "£", "12.", ".5", "1,23", "12,34,567", "1.234", "ten", "£1 2", "--1", "1e3", "1,,234"]
        {
            assert!(text.parse::<Money>().is_err(), "{text:?} was read as {:?}", text.parse::<Money>());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn every_amount_survives_print_and_read(minor: i64, pick in 0_usize..5) {
            let currency = ["GBP", "EUR", "JPY", "CHF", "KWD"][pick].parse().expect("a code");
            let money = Money::new(minor, currency);
            prop_assert_eq!(money.to_string().parse::<Money>(), Ok(money));
        }

        #[test]
        fn no_text_panics(text: String) {
            let _ = text.parse::<Money>();
        }
    }
}
