//! The daemon's command line, as typed.

use std::path::PathBuf;

use clap::Parser;

/// Keep a person's Monzo history and answer monzoctl
#[derive(Debug, Parser)]
#[command(
    name = "monzod",
    bin_name = "monzod",
    version = monzo_common::VERSION,
    after_help = "It runs in the foreground and never forks; monzoctl asks and steers it.\n\n\
        Exit codes: 0 stopped, 1 failed, 2 usage, 64 configuration, 73 the state directory is another monzod's.\n\
        Signals: HUP reads the configuration again; TERM and INT stop, a second one at once."
)]
pub struct Args {
    /// Read this configuration (else /etc/monzod/monzod.toml, else ~/.config/monzod/monzod.toml, else defaults)
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Say whether the configuration is sound, and end
    #[arg(long, conflicts_with = "print_config")]
    pub check_config: bool,

    /// Print the configuration that is in force, and end
    #[arg(long)]
    pub print_config: bool,

    /// Print the defaults, with what each key does
    #[arg(long, requires = "print_config")]
    pub default: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Args::command().debug_assert();
    }
}
