//! The login life cycle, as typed.

use clap::{Args, Subcommand, ValueEnum};

/// `setup`
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  sudo monzoctl setup\n  \
    pass show monzo | sudo monzoctl setup --client-id oauth2client_0000… --secret-stdin")]
pub struct Setup {
    /// Take this client id instead of asking
    #[arg(long, value_name = "ID")]
    pub client_id: Option<String>,

    /// Read the client secret from standard input, one line
    #[arg(long, requires = "client_id")]
    pub secret_stdin: bool,
}

/// `login`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  monzoctl login\n  monzoctl login --paste      no browser on this machine\n  \
    monzoctl login --renewed    after refreshing permissions in the Monzo app"
)]
pub struct Login {
    /// Paste the address that the browser ends at, instead of being sent back here
    #[arg(long)]
    pub paste: bool,

    /// Print the address, but do not open a browser
    #[arg(long)]
    pub no_browser: bool,

    /// Return after signing in, without waiting for approval and history
    #[arg(long)]
    pub no_wait: bool,

    /// Say that permissions were refreshed in the Monzo app just now
    #[arg(long, conflicts_with_all = ["paste", "no_browser"])]
    pub renewed: bool,
}

/// `access`
#[derive(Debug, Subcommand)]
pub enum AccessCommand {
    /// List who may do what
    List,
    /// Give a user, or a @group, a role
    Add {
        /// User name or number, or @group
        #[arg(value_name = "USER")]
        who: String,
        /// What they may do
        #[arg(long, value_enum, default_value_t = AccessRole::Viewer)]
        role: AccessRole,
    },
    /// Take a role away that was added here
    Remove {
        /// User name or number, or @group
        #[arg(value_name = "USER")]
        who: String,
    },
}

/// A role, as typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AccessRole {
    /// Reads.
    Viewer,
    /// Does everything.
    Operator,
}
