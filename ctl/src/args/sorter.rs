//! The autosorter, as typed.

use clap::{Args, Subcommand, ValueEnum};

/// `sort`
#[derive(Debug, Subcommand)]
pub enum SortCommand {
    /// Show what a rule would do, step by step; never moves anything
    Plan(SortPlan),
    /// Plan a rule, show it, ask, and do it
    Run(SortRun),
    /// Approve a run that waits; without a name, the only one that a rule has proposed
    Approve(SortApprove),
    /// Say no to a run that waits
    Reject {
        /// The run
        #[arg(value_name = "RUN")]
        id: String,
    },
    /// End a run: what is unsent stays, and what is left over goes back
    Cancel(SortCancel),
    /// Move back what a run has moved, as far as that can be done, asked first
    Undo(SortUndo),
    /// List past and waiting runs
    History(SortHistory),
    /// List rules: when each is next due, what it would leave, and how it last went
    Rules,
    /// List transfers
    Transfers(SortTransfers),
    /// Print rules that the history suggests, ready to be saved
    Suggest(SortSuggest),
    /// Replay the history: what a rule would have done, and the lowest balances
    Backtest(SortBacktest),
    /// Hold everything back, or one rule, across restarts
    Freeze(SortFreeze),
    /// Let everything, or one rule, go on; or try a pot again that the bank refused to move
    Thaw {
        /// Only this rule, or this pot
        #[arg(value_name = "RULE|POT")]
        subject: Option<String>,
    },
}

/// `sort plan`
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  monzoctl sort plan payday\n  \
    monzoctl sort plan payday --at next-payday --explain\n  monzoctl sort plan payday --at 2026-11-27T09:00")]
pub struct SortPlan {
    /// The rule
    #[arg(value_name = "RULE")]
    pub rule: String,

    /// As if it were this day or time
    #[arg(long, value_name = "DAY")]
    pub at: Option<String>,

    /// With the figures and bills behind each amount (as -v)
    #[arg(long)]
    pub explain: bool,
}

/// `sort run`
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  monzoctl sort run payday\n  \
    monzoctl sort run payday --plan 5f2c… --yes   exactly the plan that was shown")]
pub struct SortRun {
    /// The rule
    #[arg(value_name = "RULE")]
    pub rule: String,

    /// Only if the plan is still this one
    #[arg(long, value_name = "HASH")]
    pub plan: Option<String>,

    /// Run again even if it has already run
    #[arg(long)]
    pub again: bool,

    /// Approve and return, without following it to its end
    #[arg(long)]
    pub no_wait: bool,
}

/// `sort approve`
#[derive(Debug, Args)]
pub struct SortApprove {
    /// The run; without it, the only one that a rule has proposed
    #[arg(value_name = "RUN")]
    pub id: Option<String>,

    /// Approve and return, without following it to its end
    #[arg(long)]
    pub no_wait: bool,
}

/// `sort cancel`
#[derive(Debug, Args)]
pub struct SortCancel {
    /// The run
    #[arg(value_name = "RUN")]
    pub id: String,

    /// Return at once, without following it to its end
    #[arg(long)]
    pub no_wait: bool,
}

/// `sort undo`
#[derive(Debug, Args)]
pub struct SortUndo {
    /// The run
    #[arg(value_name = "RUN")]
    pub id: String,

    /// Approve and return, without following it to its end
    #[arg(long)]
    pub no_wait: bool,
}

/// `sort history`
#[derive(Debug, Args)]
pub struct SortHistory {
    /// Only runs of this rule
    #[arg(value_name = "RULE")]
    pub rule: Option<String>,

    /// At most so many (50 for tables on a terminal, else all)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: Option<u64>,
}

/// `sort transfers`
#[derive(Debug, Args)]
pub struct SortTransfers {
    /// Only transfers of this run
    #[arg(value_name = "RUN")]
    pub run: Option<String>,

    /// At most so many (50 for tables on a terminal, else all)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: Option<u64>,
}

/// `sort suggest`
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  monzoctl sort suggest payday > payday.toml")]
pub struct SortSuggest {
    /// Only rules of this kind
    #[arg(value_enum, value_name = "KIND")]
    pub kind: Option<SuggestKind>,
}

/// A kind of rule that can be suggested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SuggestKind {
    /// What to do on payday.
    Payday,
    /// A pot for bills.
    Bills,
    /// What is left over, put aside.
    Sweep,
    /// An account kept above a level.
    TopUp,
    /// A part of each income, set aside for tax.
    Tax,
}

impl SuggestKind {
    /// What the daemon calls it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Payday => "payday",
            Self::Bills => "bills",
            Self::Sweep => "sweep",
            Self::TopUp => "top-up",
            Self::Tax => "tax",
        }
    }
}

/// `sort backtest`
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  monzoctl sort backtest payday --since 12mo")]
pub struct SortBacktest {
    /// The rule
    #[arg(value_name = "RULE")]
    pub rule: String,

    /// From this day on, or so far back
    #[arg(long, value_name = "DAY", default_value = "12mo")]
    pub since: String,
}

/// `sort freeze`
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  monzoctl sort freeze --reason 'moving house'\n  \
    monzoctl sort freeze payday --until 2026-12-01")]
pub struct SortFreeze {
    /// Only this rule
    #[arg(value_name = "RULE")]
    pub rule: Option<String>,

    /// Until the end of this day, or until this time (else until it is thawed)
    #[arg(long, value_name = "DAY")]
    pub until: Option<String>,

    /// Why, to be shown wherever it holds something back
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

/// `move`
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  monzoctl move £25 Personal Holiday\n  \
    monzoctl move 12.34 Bills Rent      between two pots, through their account\n  \
    monzoctl move 50p pot:Joint/Bills account:Joint --yes")]
pub struct Move {
    /// How much: £12, 12.34 or 1234p
    #[arg(value_name = "AMOUNT")]
    pub amount: String,

    /// The account or pot that gives
    #[arg(value_name = "FROM")]
    pub from: String,

    /// The account or pot that gets
    #[arg(value_name = "TO")]
    pub to: String,

    /// Approve and return, without following it to its end
    #[arg(long)]
    pub no_wait: bool,
}

/// `why`
#[derive(Debug, Args)]
pub struct Why {
    /// A rule, run, pot or bill
    #[arg(value_name = "RULE|RUN|POT|BILL")]
    pub subject: String,
}

/// `payday`
#[derive(Debug, Args)]
pub struct Payday {
    /// So many paydays to come
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=120))]
    pub count: u32,
}

/// `pots`
#[derive(Debug, Args)]
pub struct Pots {
    /// What to do; nothing is to list them.
    #[command(subcommand)]
    pub command: Option<PotsCommand>,
}

/// What else can be done with pots.
#[derive(Debug, Subcommand)]
pub enum PotsCommand {
    /// Learn the hidden account behind a pot by a penny in and out, asked first
    Discover {
        /// The pot
        #[arg(value_name = "POT")]
        pot: String,
        /// Approve and return, without following it to its end
        #[arg(long)]
        no_wait: bool,
    },
}
