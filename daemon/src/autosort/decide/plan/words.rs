//! Amounts and shares as plans say them.

use monzo_common::money::Money;

/// Pounds and pence.
pub(crate) fn money(minor: i64) -> String {
    Money::gbp(minor).to_string()
}

/// Basis points as a percentage: `20%`, `16.67%`.
pub(crate) fn percent(points: u32) -> String {
    let (whole, part) = (points / 100, points % 100);
    match part {
        0 => format!("{whole}%"),
        _ if part % 10 == 0 => format!("{whole}.{}%", part / 10),
        _ => format!("{whole}.{part:02}%"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_print_as_they_are_written() {
        for (points, text) in
            [(2_000, "20%"), (1_667, "16.67%"), (550, "5.5%"), (5, "0.05%"), (10_000, "100%")]
        {
            assert_eq!(percent(points), text);
        }
    }
}
