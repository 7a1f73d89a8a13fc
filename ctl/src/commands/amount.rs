//! An amount to be moved, read strictly: nothing is guessed (autosort/README.md, Amounts).

use monzo_common::money::{Currency, Money};

use crate::failure::Failure;

/// What is right.
const HINT: &str = "write £12, £1,234.56, 12.34, or pence as 1234p";

/// Minor units of pounds, more than zero.
///
/// # Errors
/// A usage failure that says how the amount is written.
pub(super) fn amount(typed: &str) -> Result<i64, Failure> {
    let text = typed.trim();
    let (pence, digits) = match text.strip_suffix('p') {
        Some(pence) => (true, pence),
        None => (false, text),
    };
    let (pounds, digits) = match digits.strip_prefix('£') {
        Some(_) if pence => return Err(refused(typed)),
        Some(digits) => (true, digits),
        None => (false, digits),
    };
    if !digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b',' || byte == b'.') {
        return Err(refused(typed));
    }
    match digits.split_once('.') {
        Some(_) if pence => return Err(refused(typed)),
        Some((_, fraction)) if fraction.len() != 2 => return Err(refused(typed)),
        None if !pounds && !pence && digits.parse::<Money>().is_ok() => {
            return Err(Failure::usage(
                format!("‘{typed}’ could be pounds or pence"),
                format!("write £{digits} for pounds, or {digits}p for pence"),
            ));
        }
        _ => {}
    }
    let money: Money = format!("£{digits}").parse().map_err(|_| refused(typed))?;
    let minor = if pence { money.minor / 100 } else { money.minor };
    if money.currency != Currency::GBP || minor <= 0 {
        return Err(refused(typed));
    }
    Ok(minor)
}

fn refused(typed: &str) -> Failure {
    Failure::usage(format!("‘{typed}’ is not an amount that can be moved"), HINT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_written_without_doubt() {
        for (typed, minor) in [
            ("£1,234.56", 123_456),
            ("£12", 1_200),
            ("12.34", 1_234),
            ("1,234.56", 123_456),
            ("1234p", 1_234),
            ("1p", 1),
            ("£0.01", 1),
        ] {
            assert_eq!(amount(typed).ok(), Some(minor), "{typed}");
        }
    }

    #[test]
    fn what_could_be_meant_in_two_ways_is_refused() {
        let hint = amount("12").expect_err("a bare number").hint();
        assert_eq!(hint.as_deref(), Some("write £12 for pounds, or 12p for pence"));
        for typed in [
            "",
            "£",
            "p",
            "-£5",
            "+£5",
            "−5.00",
            "£5.5",
            "5.5",
            "5.555",
            "£5.",
            ".50",
            "£12p",
            "12.00p",
            "£1,23",
            "1,23.45",
            "€5",
            "$5",
            "5 GBP",
            "£0",
            "0.00",
            "0p",
            "1e3",
            "£ 5",
            "ten",
            "99999999999999999999.00",
        ] {
            assert!(amount(typed).is_err(), "{typed}");
        }
    }
}
