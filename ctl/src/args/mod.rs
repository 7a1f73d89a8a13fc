//! What can be typed: the whole command line as types, without behaviour.
//!
//! Help texts are the manual: `monzoctl man` and the completions are generated from them.

use std::path::PathBuf;

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};

mod bills;
mod insight;
mod ledger;
mod login;
mod maintenance;
mod sorter;

pub use bills::{Bills, BillsCommand};
pub use insight::{By, Cashflow, Compare, Figures, Per};
pub use ledger::{Accounts, Balance, Exclude, ExcludeCommand, Show, Span, Transactions};
pub use login::{AccessCommand, AccessRole, Login, Setup};
pub use maintenance::{
    Ack, Backup, BackupCommand, Complete, Completions, ConfigCommand, Events, Man, Names, NotifyCommand,
    Restore, Rpc, Status, Sync, SyncCommand, Verify,
};
pub use sorter::{
    Move, Payday, Pots, PotsCommand, SortApprove, SortBacktest, SortCancel, SortCommand, SortFreeze,
    SortHistory, SortPlan, SortRun, SortSuggest, SortTransfers, SortUndo, SuggestKind, Why,
};

/// Style after your Monzo history: ask and steer monzod, the daemon that keeps it.
#[derive(Debug, Parser)]
#[command(
    name = "monzoctl",
    bin_name = "monzoctl",
    version = monzo_common::VERSION,
    arg_required_else_help = false,
    after_help = "Without a command, `status` is shown.\n\n\
        Accounts, pots, transactions, rules and runs go by id, by the beginning of an id, or by name.\n\
        Periods are days (2026-11-22), months (2026-11), years (2026), tax years (2025/26), or words:\n\
        today, yesterday, last-month, this-cycle, last-cycle, tax-year, next-payday, 30d, friday.\n\n\
        Exit codes: 0 done, 1 failed, 2 usage, 3 daemon not reachable, 4 login or approval needed, 5 not\n\
        allowed, 6 refused, 7 a check found problems, 8 partial or unsettled, 75 try later, 130 interrupted."
)]
pub struct Cli {
    /// What holds for every command.
    #[command(flatten)]
    pub global: Global,

    /// What to do; nothing is `status`.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What holds for every command.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Everywhere")]
pub struct Global {
    /// Talk to the daemon on this socket (else $MONZOD_SOCKET, else where it usually is)
    #[arg(long, global = true, value_name = "PATH")]
    pub socket: Option<PathBuf>,

    /// Print in this form
    #[arg(short, long, global = true, value_enum, value_name = "FORM", default_value_t = Output::Table, conflicts_with = "json")]
    pub output: Output,

    /// Print JSON: the same as `-o json`
    #[arg(long, global = true)]
    pub json: bool,

    /// Colour the output
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t = Color::Auto)]
    pub color: Color,

    /// Never page long output
    #[arg(long, global = true)]
    pub no_pager: bool,

    /// Less output
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,

    /// Say which daemon answers
    #[arg(short, long, global = true)]
    pub verbose: bool,

    /// Answer yes to every question
    #[arg(short, long, global = true)]
    pub yes: bool,
}

impl Global {
    /// The form of the output.
    pub fn form(&self) -> Output {
        if self.json { Output::Json } else { self.output }
    }
}

/// The form of the output.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    #[default]
    Table,
    /// One JSON object.
    Json,
    /// One JSON object a line.
    Jsonl,
    /// Comma-separated values with a header.
    Csv,
}

/// When to colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show how things stand: login, freshness, balances, and what needs you (the default)
    Status(Status),
    /// List accounts with their balances
    Accounts(Accounts),
    /// List pots with their balances and goals
    Pots(Pots),
    /// Show balances, now, on a past day, or over time
    Balance(Balance),
    /// List transactions
    #[command(visible_alias = "tx")]
    Transactions(Transactions),
    /// Show everything about one transaction, account, pot, rule, run or sync
    Show(Show),
    /// Show what was spent in a period, by category, payee or otherwise
    Spending(Figures),
    /// Show what came in during a period
    Income(Figures),
    /// Show how balances went in a period, and what explains it, to the penny
    Cashflow(Cashflow),
    /// Read what is new at the bank, with progress
    Sync(Sync),
    /// Let rules move money between an account and its pots: look, run, approve, undo
    #[command(subcommand)]
    Sort(SortCommand),
    /// Move an amount between an account and a pot, or between two pots, asked first
    Move(Move),
    /// Say why a rule, run, pot or bill stands as it does
    Why(Why),
    /// List bills: what is due, what is covered, what they cost; or say what you know of one
    Bills(Bills),
    /// Show the pay calendar with the paydays to come
    Payday(Payday),
    /// Keep accounts and pots out of analytics and out of the autosorter's reach
    Exclude(Exclude),
    /// Show what happened
    Events(Events),
    /// Silence something that `status` shows
    Ack(Ack),
    /// Send a test notification
    #[command(subcommand)]
    Notify(NotifyCommand),
    /// Register your OAuth client with the daemon
    Setup(Setup),
    /// Log in at the bank, and read the whole history while that is possible
    Login(Login),
    /// Revoke the tokens at the bank and forget them, asked first
    Logout,
    /// Show who is logged in, and who is asking
    Whoami,
    /// Say which users of this machine may read, and which may do everything
    #[command(subcommand)]
    Access(AccessCommand),
    /// Write a backup, or list those that the daemon keeps
    Backup(Backup),
    /// Check the database, or a backup
    Verify(Verify),
    /// Put a backup in the database's place
    Restore(Restore),
    /// Check, show or reload the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Call a method of the daemon by its name, or list the methods
    Rpc(Rpc),
    /// Print the completions for a shell
    Completions(Completions),
    /// Show the manual, or write its pages
    Man(Man),
    /// Print what could be meant, for the completions
    #[command(name = "__complete", hide = true)]
    Complete(Complete),
}

/// The command line as completions are made from it: without what is hidden.
pub fn visible() -> clap::Command {
    let all = Cli::command();
    clap::Command::new("monzoctl")
        .version(monzo_common::VERSION)
        .args(all.get_arguments().cloned())
        .subcommands(all.get_subcommands().filter(|command| !command.is_hide_set()).cloned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_and_argument_says_what_it_does() {
        fn check(command: &clap::Command, path: &str) {
            let path = format!("{path} {}", command.get_name());
            assert!(command.get_about().is_some(), "{path} says nothing");
            for argument in command.get_arguments() {
                assert!(argument.get_help().is_some(), "{path}: {} says nothing", argument.get_id());
            }
            command.get_subcommands().for_each(|command| check(command, &path));
        }
        check(&Cli::command(), "");
    }

    #[test]
    fn a_secret_is_never_an_argument() {
        assert!(Cli::try_parse_from(["monzoctl", "setup", "--secret", "x"]).is_err());
        assert!(Cli::try_parse_from(["monzoctl", "login", "--code", "x"]).is_err());
    }
}
