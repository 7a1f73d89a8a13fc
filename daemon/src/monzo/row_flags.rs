//! What else a kept row says of itself: whether it takes something back, who is on its other side, and what it belongs
//! to (monzo/README.md, Metadata).

use serde_json::Value;

use super::own::AccountNumber;
use crate::facts::record;

/// What tells a payment's kind beside its scheme.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowFlags {
    /// It takes back another row.
    pub reversal: bool,
    /// It belongs to a direct debit.
    pub direct_debit: bool,
    /// It belongs to Flex.
    pub flex: bool,
    /// It loads the account from a card of the person's own.
    pub top_up: bool,
    /// The bank does not count it as spending.
    pub not_spending: bool,
    /// The person left it out of the app's figures.
    pub left_out: bool,
    /// The person's own payment to themselves.
    pub to_self: bool,
    /// The account on the other side, where the bank names one.
    pub other_account: Option<String>,
    /// The person on the other side, where the bank names one.
    pub other_user: Option<String>,
    /// The sort code and number on the other side, where the bank names both.
    pub other_number: Option<AccountNumber>,
    /// A transfer between two pots, as the app makes them.
    pub pot_to_pot: bool,
    /// The pot that paid for it: at once, or as the person chose afterwards.
    pub paying_pot: Option<String>,
    /// The standing order or mandate that it is of.
    pub series: Option<String>,
    /// The trip that the bank counts it to.
    pub trip: Option<String>,
    /// Whose card paid, on a joint account: the first name, else the user's id.
    pub spender: Option<String>,
}

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
        other_number: AccountNumber::read(counterparty),
        pot_to_pot: filled("is_pot_to_pot_transfer"),
        paying_pot: first(&["bills_pot_id", "retroactive_pot_id"]),
        series: first(&["series_id", "subscription_id", "mandate_id", "bacs_direct_debit_instruction_id"]),
        trip: first(&["trip_id"]),
        spender: first(&["spender_first_name"]).or_else(|| text(&row, "user_id")),
    }
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
