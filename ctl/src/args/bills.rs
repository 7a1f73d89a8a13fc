//! `bills`, as typed.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `bills`
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  monzoctl bills --next 30d\n  monzoctl bills rename \"ACME 0042\" Gym\n  \
        monzoctl bills add \"Boiler cover\" £18.50 --every month --on 2026-12-03 --pot Bills\n  \
        monzoctl bills skip Gym 2026-12-01\n  monzoctl bills --ics bills.ics"
)]
pub struct Bills {
    /// What to say of a bill; nothing is to list them.
    #[command(subcommand)]
    pub command: Option<BillsCommand>,

    /// Only what is due until then, such as 30d or next-payday
    #[arg(long, value_name = "PERIOD")]
    pub next: Option<String>,

    /// Also bills that have ended or that you ignore
    #[arg(long)]
    pub all: bool,

    /// Show income that recurs instead
    #[arg(long, conflicts_with_all = ["next", "all"])]
    pub income: bool,

    /// Show how well bills would have been predicted at each past payday
    #[arg(long, conflicts_with_all = ["next", "all", "income"])]
    pub accuracy: bool,

    /// Write the payments to come to a calendar file, never over an existing one
    #[arg(long, value_name = "FILE", conflicts_with_all = ["all", "income", "accuracy"])]
    pub ics: Option<PathBuf>,
}

/// What can be said of a bill.
#[derive(Debug, Subcommand)]
pub enum BillsCommand {
    /// Say that it is a bill; takes back `ignore`
    Confirm {
        /// The bill
        #[arg(value_name = "BILL")]
        bill: String,
        /// It is paid so many times in all
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1200))]
        instalments: Option<u32>,
    },
    /// Say that it is no bill; removes a bill that you added
    Ignore {
        /// The bill
        #[arg(value_name = "BILL")]
        bill: String,
    },
    /// Give it another name; without one it has the payee's again
    Rename {
        /// The bill
        #[arg(value_name = "BILL")]
        bill: String,
        /// Its new name
        #[arg(value_name = "NAME")]
        name: Option<String>,
    },
    /// Add a bill that your history does not show yet; `ignore` removes it
    Add {
        /// Its name, and whom it pays
        #[arg(value_name = "NAME")]
        name: String,
        /// How much, each time
        #[arg(value_name = "£")]
        amount: String,
        /// The day of its next payment
        #[arg(long, value_name = "DAY")]
        on: String,
        /// How often: `month`, `4 weeks`, `30 days`, `year`
        #[arg(long, value_name = "RHYTHM", default_value = "month")]
        every: String,
        /// The account that pays; needed where you have several
        #[arg(long, value_name = "ACCOUNT", conflicts_with = "pot")]
        account: Option<String>,
        /// The pot that pays
        #[arg(long, value_name = "POT")]
        pot: Option<String>,
    },
    /// Make one bill of several; puts together what `split` took apart
    Merge {
        /// The bill
        #[arg(value_name = "BILL")]
        bill: String,
        /// The bills that are the same
        #[arg(value_name = "BILL", required = true)]
        others: Vec<String>,
    },
    /// Make payments like these a bill of their own; without any, take apart what `merge` put together
    Split {
        /// The bill
        #[arg(value_name = "BILL")]
        bill: String,
        /// Payments of the other bill
        #[arg(value_name = "TRANSACTION")]
        transactions: Vec<String>,
    },
    /// Say that a payment will not come
    Skip {
        /// The bill
        #[arg(value_name = "BILL")]
        bill: String,
        /// The day on which it was expected; nothing is the next one
        #[arg(value_name = "DAY")]
        on: Option<String>,
        /// It will come after all
        #[arg(long)]
        undo: bool,
    },
    /// Set its amount; without one it is estimated again
    Amount {
        /// The bill
        #[arg(value_name = "BILL")]
        bill: String,
        /// How much, each time
        #[arg(value_name = "£")]
        amount: Option<String>,
    },
}
