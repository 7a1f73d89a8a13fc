//! Which accounts and pots figures are of, and what a person calls them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use monzo_common::amount::percent;
use monzo_common::id::{AccountId, PotId};
use monzo_common::money::Currency;

use crate::store::{EntryFilter, WHOLE};

/// An account, listed or behind a pot, as figures see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopedAccount {
    /// The bank's id.
    pub id: AccountId,
    /// What a person calls it.
    pub name: String,
    /// The pot that it is behind.
    pub pot: Option<PotId>,
    /// No figure counts it.
    pub excluded: bool,
    /// How much of its entries counts, in basis points.
    pub share: u32,
    /// Currency of its amounts.
    pub currency: Currency,
    /// When it was opened, where that is known.
    pub created_at: Option<Timestamp>,
}

/// A pot as figures see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopedPot {
    /// The bank's id.
    pub id: PotId,
    /// The account that owns it.
    pub account: AccountId,
    /// What a person calls it.
    pub name: String,
    /// The account behind it, where that is known.
    pub behind: Option<AccountId>,
    /// No figure counts it.
    pub excluded: bool,
    /// When it was made, where that is known.
    pub created_at: Option<Timestamp>,
}

/// The accounts and pots of a person, with names of all that figures are grouped by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// Every account, those behind pots included.
    pub accounts: Vec<ScopedAccount>,
    /// Every pot.
    pub pots: Vec<ScopedPot>,
    /// The person's names for categories.
    pub categories: BTreeMap<String, String>,
}

impl Scope {
    /// The currency of figures: that of the first account.
    pub fn currency(&self) -> Currency {
        self.accounts.first().map_or(Currency::GBP, |account| account.currency)
    }

    /// The accounts of one currency, which alone can be added up.
    pub fn in_currency(&self) -> impl Iterator<Item = &ScopedAccount> {
        let currency = self.currency();
        self.accounts.iter().filter(move |account| account.currency == currency)
    }

    /// The name of a category: the person's, else the bank's key in words.
    pub fn category(&self, key: &str) -> String {
        if let Some(name) = self.categories.get(key) {
            return name.clone();
        }
        if key.is_empty() {
            return "no category".to_owned();
        }
        if key.starts_with("category_") {
            return key.to_owned();
        }
        let words = key.replace('_', " ");
        let mut letters = words.chars();
        letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
    }

    /// The name of a pot.
    pub fn pot(&self, id: &str) -> String {
        let pot = self.pots.iter().find(|pot| pot.id.as_str() == id);
        pot.map_or_else(|| id.to_owned(), |pot| pot.name.clone())
    }
}

impl ScopedAccount {
    /// A share of less than all, as a person writes it.
    pub fn share_text(&self) -> Option<String> {
        (self.share != WHOLE).then(|| percent(self.share))
    }
}

/// Entries of a span, all of each.
pub fn whole(since: Timestamp, until: Timestamp) -> EntryFilter {
    EntryFilter { since, until, share: WHOLE, category: None, payee: None, pot: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_category_is_called_as_the_person_calls_it_else_in_words() {
        let scope = Scope {
            categories: [("category_0001".to_owned(), "Allotment".to_owned())].into(),
            ..Scope::default()
        };
        for (key, name) in [
            ("category_0001", "Allotment"),
            ("category_0002", "category_0002"),
            ("eating_out", "Eating out"),
            ("", "no category"),
        ] {
            assert_eq!(scope.category(key), name);
        }
    }

    #[test]
    fn a_share_is_written_with_as_few_digits_as_it_needs() {
        let text = |share| {
            let account = ScopedAccount {
                id: "acc_1".into(),
                name: "Joint".into(),
                pot: None,
                excluded: false,
                share,
                currency: Currency::GBP,
                created_at: None,
            };
            account.share_text()
        };
        assert_eq!(text(5_000).as_deref(), Some("50%"));
        assert_eq!(text(3_330).as_deref(), Some("33.3%"));
        assert_eq!(text(3_333).as_deref(), Some("33.33%"));
        assert_eq!(text(WHOLE), None);
    }
}
