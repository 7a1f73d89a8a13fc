//! Facts in: brings everything that the bank lists into the store, once, and keeps it true.

pub mod absence;
pub mod progress;
pub mod reading;
pub mod reconcile;
pub mod schedule;
pub mod windows;

#[cfg(test)]
pub(crate) mod tests {
    use jiff::Timestamp;
    use monzo_common::money::Currency;

    use crate::facts::Row;

    /// A plain settled row.
    pub(crate) fn row(id: &str, created_at: Timestamp) -> Row {
        Row {
            account_id: "acc_1".into(),
            id: id.into(),
            created_at,
            settled_at: Some(created_at),
            updated_at: Some(created_at),
            amount: -100,
            currency: Currency::GBP,
            local_amount: -100,
            local_currency: Currency::GBP,
            description: "TEST".into(),
            notes: String::new(),
            category: "general".into(),
            categories: vec![],
            merchant: None,
            counterparty: None,
            scheme: "mastercard".into(),
            amount_is_pending: false,
            decline_reason: None,
            pot: None,
            external_id: None,
            trigger: None,
            bills_pot_id: None,
            raw: "{}".into(),
        }
    }
}
