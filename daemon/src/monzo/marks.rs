//! What else a kept row says of itself: whether it takes something back, and what it belongs to
//! (monzo/README.md, Metadata).

use serde_json::Value;

use super::own::AccountNumber;
use crate::facts::record;

/// What tells a payment's kind beside its scheme.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marks {
    /// It takes back another row.
    pub reversal: bool,
    /// It belongs to a direct debit.
    pub direct_debit: bool,
    /// It belongs to Flex.
    pub flex: bool,
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
}

/// Reads the marks of a kept row; what cannot be read has none.
pub fn marks(raw: &str) -> Marks {
    let row = record::value(raw);
    let (metadata, counterparty) = (&row["metadata"], &row["counterparty"]);
    let filled = |key: &str| match metadata.get(key) {
        Some(Value::String(text)) => !text.is_empty() && text != "false",
        Some(Value::Bool(set)) => *set,
        _ => false,
    };
    let other = |key: &str| counterparty.get(key).and_then(Value::as_str).map(str::to_owned);
    let any = |keys: &[&str]| keys.iter().any(|key| filled(key));
    Marks {
        reversal: any(&["is_reversal", "original_transaction_id"]),
        direct_debit: any(&["bacs_direct_debit_instruction_id", "mandate_id"]),
        flex: any(&["flex_transaction_type", "monzo_flex_id"]),
        to_self: filled("p2p_is_to_self"),
        other_account: other("account_id"),
        other_user: other("user_id"),
        other_number: AccountNumber::read(counterparty),
        pot_to_pot: filled("is_pot_to_pot_transfer"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_read_and_nothing_is_assumed() {
        let found = marks(
            r#"{"metadata":{"p2p_is_to_self":"true","mandate_id":"m","is_reversal":""},"counterparty":{"account_id":"acc_2"}}"#,
        );
        assert!(found.to_self && found.direct_debit && !found.reversal && !found.flex);
        assert_eq!(found.other_account.as_deref(), Some("acc_2"));
        for metadata in
            [r#""p2p_is_to_self":"true","notes":"\ud83d""#, r#""\ud83d":1e999,"p2p_is_to_self":"true""#]
        {
            assert!(marks(&format!(r#"{{"metadata":{{{metadata}}}}}"#)).to_self, "{metadata}");
        }
        for raw in ["", "[]", "{}", r#"{"metadata":null,"counterparty":3}"#] {
            assert_eq!(marks(raw), Marks::default(), "{raw}");
        }
    }
}
