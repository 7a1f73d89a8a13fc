//! Looking after the daemon, as typed: status, syncs, events, backups, configuration.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use clap_complete::Shell;

/// `status`
#[derive(Debug, Default, Args)]
pub struct Status {
    /// Keep the page on the screen and up to date
    #[arg(long)]
    pub watch: bool,
}

/// `sync`
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Sync {
    /// Read the last 88 days again, or the whole history while the bank's window is open
    #[arg(long)]
    pub full: bool,

    /// Start it and return
    #[arg(long)]
    pub no_wait: bool,

    /// Cancel, or look back.
    #[command(subcommand)]
    pub command: Option<SyncCommand>,
}

/// What else can be done with syncs.
#[derive(Debug, Subcommand)]
pub enum SyncCommand {
    /// End the running sync; what it has read stays
    Cancel,
    /// List past syncs, and the records that could not be understood
    History {
        /// Only what went wrong
        #[arg(long)]
        problems: bool,
        /// At most so many (50 for tables on a terminal, else all)
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
        limit: Option<u64>,
    },
}

/// `events`
#[derive(Debug, Args)]
pub struct Events {
    /// Go on printing events as they happen
    #[arg(long, short)]
    pub follow: bool,

    /// Begin with the last so many
    #[arg(short = 'n', value_name = "N", default_value_t = 20)]
    pub count: u32,
}

/// `ack`
#[derive(Debug, Args)]
pub struct Ack {
    /// The id that `status` shows beside it
    #[arg(value_name = "ATTENTION")]
    pub id: String,

    /// Be silent until the end of this day (else as long as it lasts)
    #[arg(long, value_name = "DAY")]
    pub until: Option<String>,
}

/// `notify`
#[derive(Debug, Subcommand)]
pub enum NotifyCommand {
    /// Send a test through every channel that is set up
    Test,
}

/// `backup`
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "Examples:\n  monzoctl backup monzo.db\n  monzoctl backup - | age -r age1… > monzo.db.age\n  monzoctl backup list"
)]
pub struct Backup {
    /// Write it here, readable by you alone and never over an existing file; - is standard output
    #[arg(required = true, value_name = "FILE|-")]
    pub file: Option<PathBuf>,

    /// With the login and the client secret (sealed), which are left out else
    #[arg(long)]
    pub with_login: bool,

    /// Style at those that the daemon keeps.
    #[command(subcommand)]
    pub command: Option<BackupCommand>,
}

/// What else can be done with backups.
#[derive(Debug, Subcommand)]
pub enum BackupCommand {
    /// List the backups that the daemon keeps
    List,
}

/// `verify`
#[derive(Debug, Args)]
pub struct Verify {
    /// A backup in a file, - for standard input, or a name of `backup list` (else the database itself)
    #[arg(value_name = "FILE|-|NAME")]
    pub file: Option<PathBuf>,
}

/// `restore`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  monzoctl restore monzo.db\n  age -d monzo.db.age | monzoctl restore - --yes"
)]
pub struct Restore {
    /// A file, - for standard input, or a name of `backup list`
    #[arg(value_name = "FILE|-|NAME", required_unless_present = "fresh")]
    pub source: Option<PathBuf>,

    /// Take it although it holds another person's history
    #[arg(long)]
    pub other_user: bool,

    /// Begin with an empty database where the present one is missing or cannot be used
    #[arg(long, conflicts_with_all = ["source", "other_user"])]
    pub fresh: bool,
}

/// `config`
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Check the daemon's configuration files, or one file, without applying anything
    Check {
        /// Check this file instead
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Show the configuration in force
    Show {
        /// Say where each value is written
        #[arg(long)]
        origin: bool,
    },
    /// Read the configuration again and apply it
    Reload,
}

/// `rpc`
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  monzoctl rpc\n  monzoctl rpc accounts.list '{\"hidden\": true}'\n  \
    monzoctl rpc transactions.list @- < query.json")]
pub struct Rpc {
    /// The method; without it, the methods are listed
    #[arg(value_name = "METHOD")]
    pub method: Option<String>,

    /// Its arguments: a JSON object or array, @FILE, or @- for standard input
    #[arg(value_name = "JSON")]
    pub params: Option<String>,
}

/// `completions`
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  monzoctl completions bash > ~/.local/share/bash-completion/completions/monzoctl"
)]
pub struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
}

/// `man`
#[derive(Debug, Args)]
pub struct Man {
    /// Write the pages of all commands into this directory
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// `__complete`
#[derive(Debug, Args)]
pub struct Complete {
    /// Names of what
    #[arg(value_enum)]
    pub names: Names,
}

/// What the completions can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Names {
    /// Accounts.
    Accounts,
    /// Pots.
    Pots,
    /// Accounts and pots.
    Places,
    /// Accounts, pots and rules.
    Things,
    /// Rules.
    Rules,
    /// Runs, the newest.
    Runs,
    /// Runs that wait for approval.
    Proposals,
    /// Rules, pots, runs and bills.
    Subjects,
    /// Bills.
    Bills,
    /// Backups that the daemon keeps.
    Backups,
    /// What `status` shows as problems and notes.
    Attention,
    /// Users and groups whose role was added by hand.
    Grants,
    /// Methods of the daemon.
    Methods,
    /// Words for periods.
    Periods,
}
