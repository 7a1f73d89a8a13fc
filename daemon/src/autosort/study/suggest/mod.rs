//! Rules that the ledger suggests: commented TOML, ready to be read, changed and saved.
//!
//! Nothing of it is in force until a person saves it, and a rule without a `mode` of its own only proposes.

mod inputs;
mod rules;
#[cfg(test)]
mod tests;

use std::str::FromStr;

use monzo_common::id::{AccountId, PotId};
use monzo_common::model::Suggestion;

use crate::insight::payday::{Pay, quoted};
use crate::insight::recurring::{Bill, LIKELY};
pub use inputs::{coming_bills, paydays, suggestion};

/// What a suggestion is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A pay calendar, and what to do with pay.
    Payday,
    /// A guard that fills a pot shortly before its bills are due.
    Bills,
    /// What is left over, into savings.
    Sweep,
    /// An account that runs low, from a pot.
    TopUp,
    /// A part of what comes in, for tax.
    Tax,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Payday, Self::Bills, Self::Sweep, Self::TopUp, Self::Tax];

    /// The name of the rule that is suggested.
    const fn rule(self) -> &'static str {
        match self {
            Self::Bills => "bill guard",
            other => other.word(),
        }
    }

    /// As a person writes it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Payday => "payday",
            Self::Bills => "bills",
            Self::Sweep => "sweep",
            Self::TopUp => "top-up",
            Self::Tax => "tax",
        }
    }
}

/// A word is no kind of suggestion.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("nothing is suggested for `{0}`; there are payday, bills, sweep, top-up and tax")]
pub struct NoSuchKind(String);

impl FromStr for Kind {
    type Err = NoSuchKind;

    fn from_str(word: &str) -> Result<Self, NoSuchKind> {
        let same = |kind: &Self| kind.word() == word || kind.word().replace('-', "_") == word;
        Self::ALL.into_iter().find(same).ok_or_else(|| NoSuchKind(word.to_owned()))
    }
}

/// An account that rules may take from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The bank's id.
    pub id: AccountId,
    /// What it is called.
    pub name: String,
    /// What leaves it in a month by other ways than into pots, in minor units.
    pub spent_a_month: i64,
}

/// A pot that rules may fill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pot {
    /// The bank's id.
    pub id: PotId,
    /// Its account.
    pub account: AccountId,
    /// What it is called.
    pub name: String,
    /// The bank's word for its kind.
    pub kind: String,
    /// Minor units.
    pub balance: i64,
    /// Minor units.
    pub goal: Option<i64>,
    /// Nothing comes out of it now.
    pub locked: bool,
}

/// What suggestions are made from. Excluded, closed and deleted accounts and pots are not among it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SuggestionInputs {
    /// Pay, the largest first ([`crate::insight::payday::found`]).
    pub pays: Vec<Pay>,
    /// Bills ([`crate::insight::recurring::bills`]).
    pub bills: Vec<Bill>,
    /// What goes into pots regularly: the same over [`crate::insight::history::deposits`].
    pub deposits: Vec<Bill>,
    /// Accounts, the one that matters most first.
    pub accounts: Vec<Account>,
    /// Pots.
    pub pots: Vec<Pot>,
    /// A `[[payday]]` is configured already, so that none is suggested.
    pub has_payday: bool,
    /// Names of the rules that there are.
    pub rules: Vec<String>,
    /// The folder of drop-ins of the configuration in use, as a person finds it.
    pub folder: String,
}

/// Rules of one kind, or of all that the ledger has something to say about.
pub fn suggest(kind: Option<Kind>, facts: &SuggestionInputs) -> Suggestion {
    let kinds: Vec<Kind> = kind.map_or_else(|| Kind::ALL.to_vec(), |kind| vec![kind]);
    // A file of a rule that is in force is not to be saved over.
    let name = kind.map_or_else(
        || "autosort".to_owned(),
        |kind| facts.free(kind.rule()).replacen(kind.rule(), kind.word(), 1).replace(' ', "-"),
    );
    let save_as = format!("{}/{name}.toml", facts.folder.trim_end_matches('/'));
    let mut toml = String::new();
    let mut calendar = facts.has_payday;
    for kind in kinds {
        let needs = matches!(kind, Kind::Payday | Kind::Bills);
        if needs && !calendar {
            toml.push('\n');
            toml.push_str(&rules::calendar(facts));
            calendar = true;
        }
        toml.push('\n');
        toml.push_str(&rules::rule(kind, facts));
    }
    let whole = toml.lines().any(|line| line.starts_with("[["));
    let head = if whole {
        let alone =
            "# It goes by the pay calendar that you have, which a check of this file alone does not see.\n";
        format!(
            "# Suggested from the history of your accounts. Read it, change it, then save it as\n\
             # {}\n# and run `monzoctl config reload`. Until you say `mode = \"auto\"`, every run waits for your approval.\n{}",
            crate::insight::payday::comment(&save_as),
            if facts.has_payday && toml.contains("on = \"payday\"") { alone } else { "" }
        )
    } else {
        "# Your accounts suggest nothing of this kind yet.\n".to_owned()
    };
    toml.insert_str(0, &head);
    Suggestion { toml, save_as }
}

impl SuggestionInputs {
    /// The account that rules take from: where pay comes in, else the first.
    fn source(&self) -> Option<&Account> {
        let paid =
            self.pays.first().and_then(|pay| self.accounts.iter().find(|known| known.id == pay.account));
        paid.or_else(|| self.accounts.first())
    }

    /// A name that no rule has yet.
    fn free(&self, name: &str) -> String {
        let taken = |name: &str| self.rules.iter().any(|rule| rule.to_lowercase() == name.to_lowercase());
        let numbered = (2_u32..).map(|number| format!("{name} {number}"));
        std::iter::once(name.to_owned()).chain(numbered).find(|name| !taken(name)).unwrap_or_default()
    }

    /// Whether a person, or a rule for them, fills a pot again and again.
    fn filled(&self, pot: &Pot) -> Option<&Bill> {
        self.deposits.iter().find(|deposit| {
            deposit.pot.as_ref() == Some(&pot.id) && !deposit.ended && deposit.confidence >= LIKELY
        })
    }

    fn pots_of<'a>(&'a self, account: &'a Account) -> impl Iterator<Item = &'a Pot> {
        self.pots.iter().filter(|pot| pot.account == account.id)
    }

    /// Bills that a pot pays and that go on.
    fn bills_of<'a>(&'a self, pot: &'a Pot) -> impl Iterator<Item = &'a Bill> {
        self.bills.iter().filter(|bill| bill.pot.as_ref() == Some(&pot.id) && !bill.ended)
    }

    /// What an account itself needs between two paydays: what leaves it, without what its pots pay; in whole tens of
    /// pounds, rounded up.
    fn keep(&self, account: &Account) -> i64 {
        let by_pots: i64 = self.pots_of(account).flat_map(|pot| self.bills_of(pot)).map(a_month).sum();
        let own = account.spent_a_month.saturating_sub(by_pots).max(0);
        own.saturating_add(999) / 1_000 * 1_000
    }
}

/// What a bill costs in a month, in minor units.
fn a_month(bill: &Bill) -> i64 {
    let amount = bill.next.map_or(bill.last.amount, |next| next.amount);
    bill.rhythm.period.a_year(amount) / 12
}

/// A pot as a rule of its account names it: by its name, or by its id where that is not the only one.
fn named(pot: &Pot, facts: &SuggestionInputs) -> String {
    let twins = facts
        .pots
        .iter()
        .filter(|other| other.account == pot.account && other.name.to_lowercase() == pot.name.to_lowercase());
    // A slash or a colon would be read as part of a qualified name.
    let clear = twins.count() == 1 && !pot.name.contains(['/', ':']) && pot.name.trim() == pot.name;
    quoted(if clear && !pot.name.is_empty() { &pot.name } else { pot.id.as_str() })
}
