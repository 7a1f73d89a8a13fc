//! `monzo-sandbox`: the library does the work.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use monzo_sandbox::args::{Command, Program};

fn main() -> ExitCode {
    let Program { command } = Program::parse();
    let Command::Bank(bank) = command;
    match bank.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody reads what cannot be written.
            let _ = writeln!(std::io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}
