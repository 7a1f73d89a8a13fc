//! Which accounts and which user id are the person's own, and whether a row came from them (monzo/README.md, Rows).

use std::collections::BTreeSet;

use monzo_common::id::UserId;
use serde_json::Value;

use super::row_flags::row_flags;
use crate::facts::{AccountNumber, RowFlags, record};

/// The account number in an object that has `sort_code` and `account_number`.
pub(super) fn account_number(object: &Value) -> Option<AccountNumber> {
    let digits = |key: &str| {
        let text = object.get(key)?.as_str()?;
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        (!digits.is_empty()).then_some(digits)
    };
    Some(AccountNumber { sort_code: digits("sort_code")?, number: digits("account_number")? })
}

/// What identifies the person at the bank.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Own {
    user: Option<UserId>,
    accounts: BTreeSet<String>,
    numbers: BTreeSet<AccountNumber>,
}

impl Own {
    /// The person who is logged in, and the records of their accounts: each id with the bank's JSON.
    pub fn new(user: Option<UserId>, records: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut own = Self { user, ..Self::default() };
        for (id, raw) in records {
            own.accounts.insert(id);
            let record = record::value(&raw);
            let local = record.get("payment_details").and_then(|details| details.get("locale_uk"));
            own.numbers.extend([Some(&record), local].into_iter().flatten().filter_map(account_number));
        }
        own
    }

    /// Whether the other side of a kept row is the person.
    pub fn is_other_side(&self, raw: &str) -> bool {
        self.is_other_side_of(&row_flags(raw))
    }

    /// The same, of flags that were read already.
    pub fn is_other_side_of(&self, flags: &RowFlags) -> bool {
        flags.to_self
            || flags.other_account.as_ref().is_some_and(|id| self.accounts.contains(id))
            || flags
                .other_user
                .as_deref()
                .is_some_and(|id| self.user.as_ref().is_some_and(|own| own.as_str() == id))
            || flags.other_number.as_ref().is_some_and(|number| self.numbers.contains(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own() -> Own {
        let record = r#"{"account_number":"12345678","sort_code":"04-00-04"}"#;
        let newer = r#"{"payment_details":{"locale_uk":{"account_number":"87654321","sort_code":"040004"}}}"#;
        Own::new(
            Some("user_1".into()),
            [("acc_1", record), ("acc_2", newer), ("acc_3", ""), ("acc_4", "null")]
                .map(|(id, raw)| (id.to_owned(), raw.to_owned())),
        )
    }

    #[test]
    fn each_mark_alone_tells_the_persons_own_money() {
        for (counterparty, metadata) in [
            (r#"{"user_id":"user_1"}"#, "{}"),
            (r#"{"account_id":"acc_3"}"#, "{}"),
            (r#"{"sort_code":"040004","account_number":"12345678"}"#, "{}"),
            (r#"{"sort_code":"04 00 04","account_number":"87654321","user_id":"anonuser_9"}"#, "{}"),
            ("{}", r#"{"p2p_is_to_self":"true"}"#),
        ] {
            let raw = format!(r#"{{"counterparty":{counterparty},"metadata":{metadata}}}"#);
            assert!(own().is_other_side(&raw), "{raw}");
        }
    }

    #[test]
    fn somebody_elses_money_is_not_the_persons_own() {
        for counterparty in [
            "{}",
            "null",
            r#"{"user_id":"user_2","account_id":"acc_9"}"#,
            r#"{"user_id":""}"#,
            r#"{"sort_code":"200000","account_number":"12345678"}"#,
            r#"{"account_number":"12345678"}"#,
            r#"{"sort_code":"","account_number":""}"#,
        ] {
            let raw = format!(r#"{{"counterparty":{counterparty}}}"#);
            assert!(!own().is_other_side(&raw), "{raw}");
            assert!(!Own::default().is_other_side(&raw), "{raw}: nobody is known");
        }
    }
}
