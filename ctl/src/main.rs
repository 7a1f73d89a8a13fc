//! The thin main of `monzoctl`.

use std::process::ExitCode;

fn main() -> ExitCode {
    monzoctl::run(std::env::args_os())
}
