//! What else a kept row says of itself: whether it takes something back, who is on its other side, and what it belongs
//! to (monzo/README.md, Metadata).

use monzo_common::id::PotId;
use serde_json::Value;

use super::own::account_number;
use crate::facts::{RowFlags, record};

/// Reads the flags of a kept row; what cannot be read has none.
pub fn row_flags(raw: &str) -> RowFlags {
    let row = record::value(raw);
    let (metadata, counterparty) = (&row["metadata"], &row["counterparty"]);
    let filled = |key: &str| match metadata.get(key) {
        Some(Value::String(text)) => !text.is_empty() && text != "false",
        Some(Value::Bool(set)) => *set,
        _ => false,
    };
    let text = |of: &Value, key: &str| {
        let text = of.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        text.map(str::to_owned)
    };
    let first = |keys: &[&str]| keys.iter().find_map(|key| text(metadata, key));
    let any = |keys: &[&str]| keys.iter().any(|key| filled(key));
    RowFlags {
        reversal: any(&["is_reversal", "original_transaction_id"]),
        direct_debit: any(&["bacs_direct_debit_instruction_id", "mandate_id"]),
        flex: any(&["flex_transaction_type", "monzo_flex_id"]),
        top_up: row["is_load"] == Value::Bool(true),
        not_spending: row["include_in_spending"] == Value::Bool(false),
        left_out: filled("exclude_from_breakdown"),
        to_self: filled("p2p_is_to_self"),
        other_account: text(counterparty, "account_id"),
        other_user: text(counterparty, "user_id"),
        other_number: account_number(counterparty),
        pot_to_pot: filled("is_pot_to_pot_transfer"),
        paying_pot: first(&["bills_pot_id", "retroactive_pot_id"]).map(PotId::from),
        series: first(&["series_id", "subscription_id", "mandate_id", "bacs_direct_debit_instruction_id"]),
        trip: first(&["trip_id"]),
        spender: first(&["spender_first_name"]).or_else(|| text(&row, "user_id")),
    }
}

/// What the bank itself says belongs together, of a kept row: the standing order or mandate that it is of.
pub fn series(raw: &str) -> Option<String> {
    row_flags(raw).series
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_read_and_nothing_is_assumed() {
        let found = row_flags(
            r#"{"metadata":{"p2p_is_to_self":"true","mandate_id":"m","is_reversal":""},"counterparty":{"account_id":"acc_2"}}"#,
        );
        assert!(found.to_self && found.direct_debit && !found.reversal && !found.flex && !found.left_out);
        assert_eq!((found.other_account.as_deref(), found.series.as_deref()), (Some("acc_2"), Some("m")));
        for metadata in
            [r#""p2p_is_to_self":"true","notes":"\ud83d""#, r#""\ud83d":1e999,"p2p_is_to_self":"true""#]
        {
            assert!(row_flags(&format!(r#"{{"metadata":{{{metadata}}}}}"#)).to_self, "{metadata}");
        }
        for raw in ["", "[]", "{}", r#"{"metadata":null,"counterparty":3}"#] {
            assert_eq!(row_flags(raw), RowFlags::default(), "{raw}");
        }
    }

    #[test]
    fn the_banks_word_and_the_persons_are_told_apart() {
        let flags = row_flags(r#"{"include_in_spending":false}"#);
        assert!(flags.not_spending && !flags.left_out);
        let flags = row_flags(r#"{"metadata":{"exclude_from_breakdown":"true"}}"#);
        assert!(!flags.not_spending && flags.left_out);
        assert_eq!(row_flags(r#"{"include_in_spending":null}"#), RowFlags::default());
    }
}
