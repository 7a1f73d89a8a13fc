//! `monzo-sandbox`: the library does the work.
//!
//! Under the names `monzod` and `monzoctl` as its first argument it is those programs, so that one build serves.

use std::ffi::OsStr;
use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use monzo_sandbox::args::{Command, Program};
use monzo_sandbox::tour::{Interrupted, MONZOCTL, MONZOD, Tour};

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1).peekable();
    if args.peek().is_some_and(|first| first == OsStr::new(MONZOD)) {
        return monzod::run(args);
    }
    if args.peek().is_some_and(|first| first == OsStr::new(MONZOCTL)) {
        return monzoctl::run(args);
    }
    let Program { command, tour_only, seed } = Program::parse();
    let ended = match command {
        Some(Command::Bank(bank)) => bank.run().map_err(anyhow::Error::from),
        None => Tour { seed, only: tour_only }.run(),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<Interrupted>() => {
            let _ = writeln!(
                std::io::stderr(),
                "\nThe tour was interrupted, and nothing of it is left on this machine."
            );
            ExitCode::from(monzoctl::exit::Exit::Interrupted.code())
        }
        Err(error) => {
            // Nobody reads what cannot be written.
            let _ = writeln!(std::io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
