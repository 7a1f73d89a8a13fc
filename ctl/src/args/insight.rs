//! Figures, as typed.

use clap::{Args, ValueEnum};

use super::Span;

/// `spending` and `income`
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  monzoctl spending -p last-month --compare\n  \
    monzoctl spending --by payee -p tax-year\n  monzoctl income --per month -p 2026")]
pub struct Figures {
    /// In this period (else this cycle, from payday to payday; without a payday, this month)
    #[command(flatten)]
    pub span: Span,

    /// Put together by this; day, week, month, cycle and year are the same as --per
    #[arg(long, value_enum, value_name = "GROUP")]
    pub by: Option<By>,

    /// A line for each of these periods
    #[arg(long, value_enum, value_name = "PERIOD")]
    pub per: Option<Per>,

    /// Categories, each with its payees
    #[arg(long, conflicts_with = "by")]
    pub tree: bool,

    /// Compare with the period before, a year before, or the average of the six before
    #[arg(long, value_enum, value_name = "WITH", num_args = 0..=1, default_missing_value = "previous")]
    pub compare: Option<Compare>,

    /// In this account; may be repeated
    #[arg(long, value_name = "ACCOUNT")]
    pub account: Vec<String>,

    /// Paid by this pot
    #[arg(long, value_name = "POT")]
    pub pot: Option<String>,

    /// Of this category, such as groceries or eating_out
    #[arg(long, value_name = "CATEGORY")]
    pub category: Option<String>,

    /// With a merchant or other side whose name contains this
    #[arg(long, value_name = "MERCHANT")]
    pub merchant: Option<String>,

    /// Show lines that add up to nothing, too
    #[arg(long)]
    pub zero: bool,
}

/// `cashflow`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  monzoctl cashflow -p last-month\n  monzoctl cashflow --per month -p 2026"
)]
pub struct Cashflow {
    /// In this period (else this cycle, from payday to payday; without a payday, this month)
    #[command(flatten)]
    pub span: Span,

    /// A line for each of these periods
    #[arg(long, value_enum, value_name = "PERIOD")]
    pub per: Option<Per>,
}

/// By what figures are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum By {
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
    /// The same as `--per day`.
    Day,
    /// The same as `--per week`.
    Week,
    /// The same as `--per month`.
    Month,
    /// The same as `--per cycle`.
    Cycle,
    /// The same as `--per year`.
    Year,
}

/// Into which periods figures are divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Per {
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

/// With what figures are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Compare {
    /// The like period before.
    Previous,
    /// The same period a year before.
    Year,
    /// The average of the six like periods before.
    Average,
}
