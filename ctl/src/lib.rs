//! `monzoctl`: a person's hands and eyes on `monzod`, over its socket and nothing else.
//!
//! A library with a thin main, so that tests and the sandbox's tour run the same client.
//! The command line is types ([`args`]); a command fetches ([`client`], [`commands`]), then shows ([`view`]);
//! [`terminal`] is the only rim, [`exit`] and [`failure`] say how it ended.
//! It never opens the database and never talks to the network.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

pub mod args;
pub mod client;
pub mod commands;
pub mod exit;
pub mod failure;
pub mod find;
pub mod here;
pub mod meter;
pub mod session;
pub mod terminal;
pub mod view;

#[cfg(test)]
mod fake;

use args::{Cli, Command, Output};
use exit::Exit;
use failure::Failure;
use session::Session;
use terminal::Terminal;

/// Runs one command line on the process's own streams until it ends or is interrupted.
pub fn run(args: impl Iterator<Item = OsString>) -> ExitCode {
    // Without descriptors there is nothing else that could be said or done.
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return Exit::Failed.into();
    };
    let exit = runtime.block_on(run_on(args, Terminal::of_process(), async {
        // Without a handler the signal ends the process, which is as good.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }));
    // A thread that waits for the keyboard must not hold up the end.
    runtime.shutdown_background();
    exit.into()
}

/// Runs one command line on given streams until it ends or `interrupt` does.
pub async fn run_on(
    args: impl Iterator<Item = OsString>,
    mut terminal: Terminal,
    interrupt: impl Future<Output = ()>,
) -> Exit {
    let args: Vec<OsString> = args.collect();
    let cli = match Cli::try_parse_from(&args) {
        Ok(cli) => cli,
        Err(error) => return misunderstood(&error, &args, &mut terminal),
    };
    let command = cli.command.unwrap_or(Command::Status(args::Status::default()));
    let mut session = Session { terminal, global: cli.global };
    let ended = tokio::select! {
        ended = commands::run(&command, &mut session) => ended,
        () = interrupt => Err(Failure::Interrupted(commands::goes_on(&command))),
    };
    let ended = ended.and_then(|exit| session.terminal.flush().map(|()| exit));
    match ended {
        Ok(exit) => exit,
        Err(failure) => {
            // When even the streams fail, the exit code is all that can be said.
            let _ = tell(&failure, &mut session);
            commands::exit(&command, failure.exit())
        }
    }
}

/// `error:`, `cause:`, `try:` on standard error, and the same as JSON on standard output where JSON was asked for.
fn tell(failure: &Failure, session: &mut Session) -> Result<(), Failure> {
    if matches!(failure, Failure::ReaderGone) {
        return Ok(());
    }
    let (message, hint) = (failure.to_string(), failure.hint());
    if session.global.form() == Output::Json {
        session.print(&error_json(failure.code(), &message, hint.as_deref()))?;
    }
    let err = session.terminal.err();
    writeln!(err, "error: {}", view::clean(&message))?;
    if let Some(cause) = failure.cause() {
        writeln!(err, "cause: {}", view::clean(&cause))?;
    }
    if let Some(hint) = hint {
        writeln!(err, "try: {}", view::clean(&hint))?;
    }
    Ok(())
}

/// An error as `--json` prints it.
#[derive(serde::Serialize)]
struct Told<'a> {
    code: &'a str,
    message: &'a str,
    hint: Option<&'a str>,
}

fn error_json(code: &str, message: &str, hint: Option<&str>) -> String {
    view::thing("error", &Told { code, message, hint }).unwrap_or_default()
}

/// Help and versions are answers; the rest is a usage error.
fn misunderstood(error: &clap::Error, args: &[OsString], terminal: &mut Terminal) -> Exit {
    let colour = terminal.out_is_screen && terminal.env("NO_COLOR").is_none();
    let text = error.render();
    let text = if colour { text.ansi().to_string() } else { text.to_string() };
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        let _ = terminal.show(&text, false);
        return Exit::Done;
    }
    if args.iter().any(|arg| arg == "--json" || arg == "-ojson" || arg == "--output=json") {
        let message = error.to_string();
        let message = message.lines().next().unwrap_or_default().trim_start_matches("error: ");
        let _ = terminal.show(&error_json("usage", message, Some("monzoctl --help")), false);
    }
    let _ = write!(terminal.err(), "{text}");
    Exit::Usage
}
