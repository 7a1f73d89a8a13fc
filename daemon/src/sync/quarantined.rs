//! What records in quarantine have to do with a difference between a balance and the rows.

use monzo_common::id::AccountId;

use crate::monzo::wire;
use crate::store::{Reader, StoreError};

/// The records of one account that could not be understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quarantined {
    /// How many.
    records: usize,
    /// What they add up to in minor units, if the amount of each can be made out.
    worth: Option<i64>,
}

/// Looks at the records of an account in quarantine.
pub fn quarantined(reader: &Reader<'_>, account: &AccountId) -> Result<Quarantined, StoreError> {
    let records = reader.quarantine_of(account)?;
    let worth = records.iter().try_fold(0_i64, |sum, raw| sum.checked_add(wire::amount(raw)?));
    Ok(Quarantined { records: records.len(), worth })
}

impl Quarantined {
    /// They are worth just as much as is missing.
    pub fn explains(&self, difference: i64) -> bool {
        self.records > 0 && self.worth == Some(difference)
    }

    /// A clause that says what they have to do with a difference; empty if there are none.
    pub fn because(&self, difference: i64) -> String {
        match (self.records, self.explains(difference)) {
            (0, _) => String::new(),
            (1, true) => "; a record that could not be understood is worth just that".to_owned(),
            (records, true) => {
                format!("; {records} records that could not be understood are worth just that")
            }
            (1, false) => "; a record of it that could not be understood may be why".to_owned(),
            (records, false) => {
                format!("; {records} records of it that could not be understood may be why")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_explains_just_the_difference_that_it_is_worth() {
        for (records, worth, difference, explains, words) in [
            (0, Some(0), 500, false, ""),
            (1, Some(500), 500, true, "; a record that could not be understood is worth just that"),
            (1, Some(500), 400, false, "; a record of it that could not be understood may be why"),
            (2, None, 500, false, "; 2 records of it that could not be understood may be why"),
            (2, Some(500), 500, true, "; 2 records that could not be understood are worth just that"),
        ] {
            let found = Quarantined { records, worth };
            assert_eq!((found.explains(difference), found.because(difference).as_str()), (explains, words));
        }
    }
}
