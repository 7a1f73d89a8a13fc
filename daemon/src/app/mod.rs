//! The composition root: configuration, lock, log, services, server; then waiting, and a clean end.
//!
//! Everything that can be wrong with the surroundings is found before anything binds, and says what to do.

mod args;
pub mod core;
mod maintenance;
mod notify_loop;
mod serve;
pub mod settings;
mod status_line;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

use crate::autosort::query::config_check;
use crate::config::{self, Config, Loaded, Locations};
use crate::host::directories;
use crate::host::lock::{LockError, StateLock};
use args::Args;

/// The configuration is wrong and stays so: systemd must not try again.
const CONFIGURATION: u8 = 64;

/// Another daemon has the state directory.
const LOCKED: u8 = 73;

/// Tasks wait for the bank and for SQLite, which has threads of its own. Taste.
const WORKERS: usize = 2;

/// Threads that block on SQLite and files: the writer, the readers, and a few for files. Taste.
const BLOCKING: usize = 8;

/// Threads that block are given back soon: each has memory of its own.
const IDLE: Duration = Duration::from_secs(5);

/// Runs the daemon until it is told to stop.
pub fn run(args: impl Iterator<Item = OsString>) -> ExitCode {
    let args = match Args::try_parse_from(args) {
        Ok(args) => args,
        Err(error) => {
            let usage = error.use_stderr();
            // Where nothing can be printed, the code says it.
            let _ = error.print();
            return if usage { ExitCode::from(2) } else { ExitCode::SUCCESS };
        }
    };
    let env = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let locations = Locations::new(args.config.clone(), &env);
    if args.print_config && args.default {
        return print(&config::default_toml());
    }
    let loaded = match Config::load(&locations) {
        Ok(loaded) => loaded,
        Err(error) => {
            complain(&format!("{error}"));
            return ExitCode::from(CONFIGURATION);
        }
    };
    if args.print_config {
        return print(&config::print(&loaded.config));
    }
    if args.check_config {
        return check(&loaded);
    }
    std::panic::set_hook(Box::new(panicked));
    directories::restrict_umask();
    // Memory holds tokens and the client's secret; where this is not possible, the unit's limit still holds.
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
    let state = match directories::state(&env) {
        Ok(state) => state,
        Err(error) => return failed(&error),
    };
    let lock = match StateLock::acquire(&state) {
        Ok(lock) => lock,
        Err(error @ LockError::Held { .. }) => {
            complain(&format!("error: {error}"));
            return ExitCode::from(LOCKED);
        }
        Err(error) => return failed(&error),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .max_blocking_threads(BLOCKING)
        .thread_keep_alive(IDLE)
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error),
    };
    let ended = runtime.block_on(serve::serve(loaded, locations, state, &env));
    // Whatever still blocks has nothing to lose: what counts is in the database.
    runtime.shutdown_timeout(Duration::from_millis(200));
    drop(lock);
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Says whether the files are sound, and what else is worth a look; no daemon is asked.
fn check(loaded: &Loaded) -> ExitCode {
    let config = &loaded.config;
    for note in config::notes(config).iter().chain(&config_check::unasked(config, "no daemon is asked")) {
        complain(&format!("note: {}: {} ({})", note.origin, note.message, note.help));
    }
    let failing = config_check::failing_examples(config);
    for one in &failing {
        let line = one.line.map(|line| format!(":{line}")).unwrap_or_default();
        complain(&format!("{}{line}: {}", one.file, one.message));
    }
    if !failing.is_empty() {
        return ExitCode::from(CONFIGURATION);
    }
    let files: Vec<String> = loaded.files.iter().map(|file| file.display().to_string()).collect();
    let read = if files.is_empty() { "no file, defaults".to_owned() } else { files.join(", ") };
    print(&format!("the configuration is sound ({read})\n"))
}

/// Says where, and not what: a message could quote what nobody else should read.
fn panicked(panic: &std::panic::PanicHookInfo<'_>) {
    let place = panic.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
    let thread = std::thread::current();
    tracing::error!(monzod_place = place, thread = thread.name(), "a panic at {place}; this is a bug");
}

fn print(text: &str) -> ExitCode {
    // A reader that has gone has what it wanted.
    let _ = std::io::stdout().write_all(text.as_bytes());
    ExitCode::SUCCESS
}

fn failed(error: &dyn std::error::Error) -> ExitCode {
    complain(&format!("error: {error}"));
    ExitCode::FAILURE
}

fn complain(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
