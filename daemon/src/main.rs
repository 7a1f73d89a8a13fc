//! `monzod`: see the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    monzod::run(std::env::args_os())
}
