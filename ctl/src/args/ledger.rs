//! Accounts, pots, balances and transactions, as typed.

use clap::{Args, Subcommand};

/// `accounts`
#[derive(Debug, Args)]
pub struct Accounts {
    /// Show the hidden accounts behind pots too
    #[arg(long)]
    pub hidden: bool,
}

/// `balance`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  monzoctl balance --at 2026-04-05\n  monzoctl balance Holiday --history -p tax-year"
)]
pub struct Balance {
    /// Only this account or pot
    #[arg(value_name = "ACCOUNT|POT")]
    pub name: Option<String>,

    /// As it was at the end of this day
    #[arg(long, value_name = "DAY", conflicts_with = "history")]
    pub at: Option<String>,

    /// Draw how it went, day by day
    #[arg(long)]
    pub history: bool,

    /// Over this period
    #[command(flatten)]
    pub span: Span,
}

/// A period by its ends.
#[derive(Debug, Default, Args)]
pub struct Span {
    /// Within this period
    #[arg(short, long, value_name = "PERIOD", conflicts_with_all = ["since", "until"])]
    pub period: Option<String>,

    /// From this day on
    #[arg(long, value_name = "DAY")]
    pub since: Option<String>,

    /// Until this day, which is included
    #[arg(long, value_name = "DAY")]
    pub until: Option<String>,
}

/// `transactions`
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  monzoctl tx -p last-month --debit --min £100\n  \
    monzoctl tx --merchant tesco --since 30d\n  monzoctl tx --pot Bills -o csv > bills.csv")]
pub struct Transactions {
    /// When they were made
    #[command(flatten)]
    pub span: Span,

    /// In this account; may be repeated
    #[arg(long, value_name = "ACCOUNT")]
    pub account: Vec<String>,

    /// To, from or within this pot
    #[arg(long, value_name = "POT")]
    pub pot: Option<String>,

    /// Of this category, such as groceries or eating_out
    #[arg(long, value_name = "CATEGORY")]
    pub category: Option<String>,

    /// With a merchant or other side whose name contains this
    #[arg(long, value_name = "MERCHANT")]
    pub merchant: Option<String>,

    /// At least this much, in or out
    #[arg(long, value_name = "£")]
    pub min: Option<String>,

    /// At most this much, in or out
    #[arg(long, value_name = "£")]
    pub max: Option<String>,

    /// Money in only
    #[arg(long, conflicts_with = "debit")]
    pub credit: bool,

    /// Money out only
    #[arg(long)]
    pub debit: bool,

    /// Pending ones only
    #[arg(long)]
    pub pending: bool,

    /// Declined ones only
    #[arg(long)]
    pub declined: bool,

    /// Only those that the bank no longer lists
    #[arg(long)]
    pub withdrawn: bool,

    /// At most so many (50 for tables on a terminal, else all)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: Option<u64>,

    /// Oldest first
    #[arg(long)]
    pub reverse: bool,

    /// With the bank's own JSON (not for tables)
    #[arg(long)]
    pub raw: bool,
}

/// `show`
#[derive(Debug, Args)]
pub struct Show {
    /// A transaction, account, pot, rule, run or sync
    #[arg(value_name = "ID|NAME", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub id: String,
}

/// `exclude`
#[derive(Debug, Args)]
pub struct Exclude {
    /// What to do; nothing is `list`.
    #[command(subcommand)]
    pub command: Option<ExcludeCommand>,
}

/// What to do with exclusions.
#[derive(Debug, Subcommand)]
pub enum ExcludeCommand {
    /// List what is excluded, and where that is written
    List,
    /// Exclude an account (and its pots) or a pot
    Add {
        /// The account or pot
        #[arg(value_name = "ACCOUNT|POT")]
        name: String,
    },
    /// Take an exclusion back
    Remove {
        /// The account or pot
        #[arg(value_name = "ACCOUNT|POT")]
        name: String,
    },
}
