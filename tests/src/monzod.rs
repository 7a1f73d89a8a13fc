//! The daemon, built with the tests so that they can start it.

use std::process::ExitCode;

fn main() -> ExitCode {
    monzod::run(std::env::args_os())
}
