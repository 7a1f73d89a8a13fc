//! What a record of the bank says of its row beside the columns that are kept of it.

use monzo_common::id::PotId;

/// A UK account's sort code and number, digits only.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AccountNumber {
    /// Six digits.
    pub sort_code: String,
    /// Eight digits.
    pub number: String,
}

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
    /// The other side is the person: by the bank's word, or because it is an account of theirs.
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
    pub paying_pot: Option<PotId>,
    /// The standing order or mandate that it is of.
    pub series: Option<String>,
    /// The trip that the bank counts it to.
    pub trip: Option<String>,
    /// Whose card paid, on a joint account: the first name, else the user's id.
    pub spender: Option<String>,
}
