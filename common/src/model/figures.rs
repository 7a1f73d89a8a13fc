//! What was spent, what came in, and how balances went from one instant to another.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::words::words;
use crate::id::{AccountId, PotId};
use crate::money::Currency;

/// What an entry, which is a row or a part of it, is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// Money out.
    Spending,
    /// A payment that came back: it makes spending less, on its own day.
    Refund,
    /// A share that a person paid back: it makes spending less.
    Repayment,
    /// Money in.
    Income,
    /// What the bank pays for money that it keeps: income.
    Interest,
    /// Money that stays the person's: between accounts and pots.
    Transfer,
}

words!(
    EntryKind, "kind of entry",
    Spending => "spending",
    Refund => "refund",
    Repayment => "repayment",
    Income => "income",
    Interest => "interest",
    Transfer => "transfer",
);

/// By what a figure is put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FigureGroup {
    /// The category.
    Category,
    /// The shop, or the group of shops.
    Merchant,
    /// Whom it went to or came from, shop or not.
    Payee,
    /// The trip.
    Trip,
    /// The account.
    Account,
    /// The pot that paid.
    Pot,
    /// Whose card paid, on a joint account.
    Person,
}

words!(
    FigureGroup, "grouping",
    Category => "category",
    Merchant => "merchant",
    Payee => "payee",
    Trip => "trip",
    Account => "account",
    Pot => "pot",
    Person => "person",
);

/// Into which periods a figure is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FigurePeriod {
    /// Days.
    Day,
    /// Weeks, which begin on Monday.
    Week,
    /// Calendar months.
    Month,
    /// From payday to payday.
    Cycle,
    /// Calendar years.
    Year,
}

words!(
    FigurePeriod, "period",
    Day => "day",
    Week => "week",
    Month => "month",
    Cycle => "cycle",
    Year => "year",
);

/// With which other period a figure is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Comparison {
    /// The like period before.
    Previous,
    /// The same period a year before.
    Year,
    /// The average of the six like periods before.
    Average,
}

words!(Comparison, "comparison", Previous => "previous", Year => "year", Average => "average");

/// Which figure is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FiguresQuery {
    /// From this instant on.
    pub since: Timestamp,
    /// Until just before this one.
    pub until: Timestamp,
    /// Grouped by this.
    #[serde(default)]
    pub by: Option<FigureGroup>,
    /// A row for each of these periods.
    #[serde(default)]
    pub per: Option<FigurePeriod>,
    /// Categories, each with its payees.
    #[serde(default)]
    pub tree: bool,
    /// Compared with another period.
    #[serde(default)]
    pub compare: Option<Comparison>,
    /// Of these accounts; empty is every account.
    #[serde(default)]
    pub accounts: Vec<AccountId>,
    /// Of what this pot paid.
    #[serde(default)]
    pub pot: Option<PotId>,
    /// Of this category (the bank's key).
    #[serde(default)]
    pub category: Option<String>,
    /// Of payees whose name contains this, whatever the case.
    #[serde(default)]
    pub merchant: Option<String>,
    /// With lines that add up to nothing.
    #[serde(default)]
    pub zero: bool,
}

/// What was spent or came in during a period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Figures {
    /// From this instant on.
    pub since: Timestamp,
    /// Until just before this one.
    pub until: Timestamp,
    /// Currency of the amounts.
    pub currency: Currency,
    /// Minor units; spending is positive for money out.
    pub total: i64,
    /// How much of the total is pending, so that it may still change, in minor units.
    pub provisional: i64,
    /// What is not counted: excluded accounts and pots, and what the bank or the person left out.
    pub left_out: LeftOutOfFigures,
    /// Accounts of which a share counts.
    pub share: Vec<Share>,
    /// What the rows are grouped by.
    pub by: Option<FigureGroup>,
    /// The periods of the rows.
    pub per: Option<FigurePeriod>,
    /// The lines, the largest first; with periods, the oldest period first.
    pub rows: Vec<FigureRow>,
    /// What it is compared with.
    pub compared: Option<Compared>,
}

/// What a figure leaves out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LeftOutOfFigures {
    /// How many transactions.
    pub count: u64,
    /// Minor units, with the sign of the figure.
    pub amount: i64,
}

/// An account of which a share counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Share {
    /// The account.
    pub account_id: AccountId,
    /// Its name.
    pub name: String,
    /// How much counts, such as `50%`.
    pub share: String,
}

/// One line of a figure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FigureRow {
    /// What tells this line from others: a category's key, a payee's, an id; empty where there is no group.
    pub key: String,
    /// What a person calls it.
    pub name: String,
    /// The period: `2026-11-22` (a day, or the first day of a week or cycle), `2026-11` or `2026`.
    pub period: Option<String>,
    /// Minor units; spending is positive for money out.
    pub amount: i64,
    /// How many transactions, or parts of some.
    pub count: u64,
    /// How much of the amount is pending, in minor units.
    pub provisional: i64,
    /// The same in the period that it is compared with, in minor units.
    pub previous: Option<i64>,
    /// The lines within this one.
    pub children: Vec<FigureRow>,
}

/// What a figure is compared with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Compared {
    /// Which other period.
    pub with: Comparison,
    /// Where it begins; of several, the first.
    pub since: Timestamp,
    /// Where it ends; of several, the last.
    pub until: Timestamp,
    /// The total there, in minor units.
    pub total: i64,
    /// Of the other period only so many days count, because this one is not over yet.
    pub days: Option<u32>,
}

/// How balances went from one instant to another:
/// opening + income − spending + transfers + left out + unexplained = closing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cashflow {
    /// From this instant on.
    pub since: Timestamp,
    /// Until just before this one.
    pub until: Timestamp,
    /// Currency of the amounts.
    pub currency: Currency,
    /// Accounts and pots.
    pub accounts: Vec<CashflowRow>,
    /// All of those together whose balance is known at both ends.
    pub total: CashflowRow,
    /// The total of each period, where periods were asked for.
    pub periods: Vec<CashflowRow>,
}

/// How one balance, or all of them, went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CashflowRow {
    /// The account; for a pot, the one that owns it; nothing for all.
    pub account_id: Option<AccountId>,
    /// The pot, where this is a pot's.
    pub pot_id: Option<PotId>,
    /// What a person calls it.
    pub name: String,
    /// The period, where this is the total of one.
    pub period: Option<String>,
    /// Balance before the first instant, in minor units; nothing where it is not known.
    pub opening: Option<i64>,
    /// What came in, in minor units.
    pub income: i64,
    /// What was spent, positive for money out, in minor units.
    pub spending: i64,
    /// What came from other accounts and pots of the person, less what went there, in minor units.
    pub transfers: i64,
    /// What counts to no figure, in minor units.
    pub left_out: i64,
    /// What no transaction explains, in minor units; nothing where a balance is not known.
    pub unexplained: Option<i64>,
    /// Balance at the end, in minor units; nothing where it is not known.
    pub closing: Option<i64>,
}
