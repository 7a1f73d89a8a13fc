//! Amounts of rules and moves: strict, so that no amount is guessed from its size.
//!
//! `£12`, `£1,234.56`, `12.34` and `1234p` are amounts; `12` could be pounds or pence and is none.

/// Why a text is no amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAnAmount {
    /// Digits alone.
    #[error("pounds or pence? write £12 or 12.00 for pounds, 12p for pence")]
    Bare,
    /// A plus or minus.
    #[error("an amount has no sign: write £12.34")]
    Sign,
    /// One digit after the point, or three.
    #[error("pence have two digits: write £12.34, £12 or 1234p")]
    Decimals,
    /// Commas that do not part groups of three.
    #[error("commas stand between groups of three digits: write £1,234.56")]
    Commas,
    /// More than can be counted.
    #[error("the amount is too large")]
    TooLarge,
    /// Anything else.
    #[error("write an amount as £1,234.56, £12, 12.34 or 1234p")]
    Unreadable,
}

/// Reads an amount of pounds as minor units, never negative.
///
/// # Errors
/// [`NotAnAmount`], which says what would be right.
pub fn pence(text: &str) -> Result<i64, NotAnAmount> {
    if text.starts_with(['-', '+', '−']) || text.starts_with("£-") || text.starts_with("£+") {
        return Err(NotAnAmount::Sign);
    }
    let (whole, pence) = match (text.strip_prefix('£'), text.strip_suffix('p')) {
        (Some(_), Some(_)) => return Err(NotAnAmount::Unreadable),
        (None, Some(pence)) => (pence, None),
        (Some(pounds), None) => match pounds.split_once('.') {
            Some((whole, pence)) => (whole, Some(pence)),
            None => (pounds, Some("00")),
        },
        (None, None) => match text.split_once('.') {
            Some((whole, pence)) => (whole, Some(pence)),
            None if is_digits(&text.replace(',', "")) => return Err(NotAnAmount::Bare),
            None => return Err(NotAnAmount::Unreadable),
        },
    };
    let digits = ungrouped(whole)?;
    let pence = pence.unwrap_or_default();
    match pence.len() {
        _ if !pence.is_empty() && !is_digits(pence) => Err(NotAnAmount::Unreadable),
        2 => Ok(()),
        0 if text.ends_with('p') => Ok(()),
        _ => Err(NotAnAmount::Decimals),
    }?;
    format!("{digits}{pence}").parse().map_err(|_| NotAnAmount::TooLarge)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn ungrouped(text: &str) -> Result<String, NotAnAmount> {
    let mut groups = text.split(',');
    let first = groups.next().unwrap_or_default();
    let rest: Vec<&str> = groups.collect();
    if !is_digits(&text.replace(',', "")) {
        return Err(NotAnAmount::Unreadable);
    }
    let sound =
        rest.is_empty() || (1..=3).contains(&first.len()) && rest.iter().all(|group| group.len() == 3);
    if sound { Ok(text.replace(',', "")) } else { Err(NotAnAmount::Commas) }
}

/// A text is no percentage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("write a percentage as 20%, 12.5% or 16.67%")]
pub struct NotAShare;

/// Reads a percentage as basis points: `16.67%` is 1667.
///
/// # Errors
/// [`NotAShare`], which says what would be right.
pub fn basis_points(text: &str) -> Result<u32, NotAShare> {
    let number = text.strip_suffix('%').ok_or(NotAShare)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "00"));
    if !is_digits(whole) || !is_digits(fraction) || fraction.len() > 2 || whole.len() > 4 {
        return Err(NotAShare);
    }
    format!("{whole}{fraction:0<2}").parse().map_err(|_| NotAShare)
}

/// Prints basis points as [`basis_points`] reads them: `16.67%`, `20%`.
pub fn percent(basis_points: u32) -> String {
    match (basis_points / 100, basis_points % 100) {
        (whole, 0) => format!("{whole}%"),
        (whole, tenths) if tenths % 10 == 0 => format!("{whole}.{}%", tenths / 10),
        (whole, hundredths) => format!("{whole}.{hundredths:02}%"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::money::Money;

    #[test]
    fn amounts_are_read_as_they_are_written() {
        for (text, minor) in [
            ("£1,234.56", 123_456),
            ("£12", 1_200),
            ("£1,234", 123_400),
            ("12.34", 1_234),
            ("1,234.56", 123_456),
            ("1234p", 1_234),
            ("£0.00", 0),
            ("0p", 0),
            ("£1234567.00", 123_456_700),
        ] {
            assert_eq!(pence(text), Ok(minor), "{text}");
        }
    }

    #[test]
    fn what_could_be_meant_otherwise_is_refused_with_a_hint() {
        for (text, why) in [
            ("12", NotAnAmount::Bare),
            ("1,234", NotAnAmount::Bare),
            ("-£12", NotAnAmount::Sign),
            ("£-12.00", NotAnAmount::Sign),
            ("+12.00", NotAnAmount::Sign),
            ("−12.00", NotAnAmount::Sign),
            ("12.3", NotAnAmount::Decimals),
            ("£12.345", NotAnAmount::Decimals),
            ("£12.", NotAnAmount::Decimals),
            ("£1,23.00", NotAnAmount::Commas),
            ("£1234,567.00", NotAnAmount::Commas),
            ("1,23p", NotAnAmount::Commas),
            ("£99999999999999999999", NotAnAmount::TooLarge),
            ("", NotAnAmount::Unreadable),
            ("£", NotAnAmount::Unreadable),
            ("p", NotAnAmount::Unreadable),
            ("£12p", NotAnAmount::Unreadable),
            ("12.34p", NotAnAmount::Unreadable),
            (" £12", NotAnAmount::Unreadable),
            ("£ 12", NotAnAmount::Unreadable),
            ("€12", NotAnAmount::Unreadable),
            (".50", NotAnAmount::Unreadable),
            ("1e3", NotAnAmount::Unreadable),
            ("£١٢", NotAnAmount::Unreadable),
        ] {
            assert_eq!(pence(text), Err(why), "{text:?}");
        }
    }

    #[test]
    fn percentages_are_basis_points() {
        for (text, points) in
            [("16.67%", 1_667), ("20%", 2_000), ("12.5%", 1_250), ("0%", 0), ("100%", 10_000), ("0.01%", 1)]
        {
            assert_eq!(basis_points(text), Ok(points), "{text}");
            assert_eq!(percent(points), text);
        }
        for text in ["20", "%", "-1%", "1.234%", "1.%", ".5%", "20 %", "12345%"] {
            assert_eq!(basis_points(text), Err(NotAShare), "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn every_amount_survives_print_and_read(minor in 0_i64..=i64::MAX) {
            prop_assert_eq!(pence(&Money::gbp(minor).to_string()), Ok(minor));
            prop_assert_eq!(pence(&Money::gbp(minor).plain()), Ok(minor));
            prop_assert_eq!(pence(&format!("{minor}p")), Ok(minor));
        }

        #[test]
        fn what_is_read_is_what_was_written(text in "[£]?[0-9,.]{1,9}[p]?") {
            if let Ok(minor) = pence(&text) {
                let digits: String = text.chars().filter(char::is_ascii_digit).collect();
                let whole = text.starts_with('£') && !text.contains('.');
                let written: i64 = digits.parse().expect("digits");
                prop_assert_eq!(minor, if whole { written * 100 } else { written });
            }
        }

        #[test]
        fn every_share_survives_print_and_read(points in 0_u32..=999_999) {
            prop_assert_eq!(basis_points(&percent(points)), Ok(points));
        }

        #[test]
        fn no_text_panics(text: String) {
            let _ = (pence(&text), basis_points(&text));
        }
    }
}
