//! The client, built with the tests so that they can start it.

use std::process::ExitCode;

fn main() -> ExitCode {
    monzoctl::run(std::env::args_os())
}
