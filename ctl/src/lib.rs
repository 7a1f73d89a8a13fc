//! `monzoctl`: a person's hands and eyes on `monzod`, over its socket and nothing else.
//!
//! A library with a thin main, so that tests and the sandbox's tour run the same client.
//! The command line is types ([`args`]); a command fetches ([`client`], [`commands`]), then shows ([`view`]);
//! [`terminal`] is the only input and output, [`exit`] and [`failure`] say how it ended.
//! It never opens the database and never talks to the network.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;
use tokio::signal::unix::{SignalKind, signal};

pub mod args;
pub mod client;
pub mod commands;
pub mod daemon_time;
pub mod exit;
pub mod failure;
pub mod find;
pub mod progress_line;
pub mod session;
mod slip;
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
        tokio::select! {
            () = heard(SignalKind::interrupt()) => {}
            () = heard(SignalKind::terminate()) => {}
            // The terminal was closed, or Ctrl-\: a question that stood there was not answered.
            () = heard(SignalKind::hangup()) => {}
            () = heard(SignalKind::quit()) => {}
        }
    }));
    // A thread that waits for the keyboard must not hold up the end.
    runtime.shutdown_background();
    exit.into()
}

/// Waits for a signal. Without a handler it ends the process, which is as good.
async fn heard(kind: SignalKind) {
    if kind == SignalKind::hangup() && hangup_is_ignored() {
        return std::future::pending().await;
    }
    match signal(kind) {
        Ok(mut signals) => drop(signals.recv().await),
        Err(_) => std::future::pending().await,
    }
}

/// Whether this was started to outlive its terminal, as `nohup` does.
fn hangup_is_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    // The lowest bit is the first signal, and that is SIGHUP.
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}

/// Runs one command line on given streams until it ends or `interrupt` does.
pub async fn run_on(
    args: impl Iterator<Item = OsString>,
    terminal: Terminal,
    interrupt: impl Future<Output = ()>,
) -> Exit {
    let args: Vec<OsString> = args.collect();
    let cli = match Cli::try_parse_from(&args) {
        Ok(cli) => cli,
        Err(error) => return misunderstood(&error, &args, terminal),
    };
    let command = cli.command.unwrap_or(Command::Status(args::Status::default()));
    let mut session = Session::new(terminal, cli.global);
    let ended = tokio::select! {
        // First, so that it is listened for before a question can stand on the screen.
        biased;
        () = interrupt => {
            session.terminal.end_line();
            if commands::endless(&command) {
                return Exit::Done;
            }
            Err(Failure::Interrupted(commands::goes_on(&command).map(str::to_owned)))
        }
        ended = commands::run(&command, &mut session) => ended,
    };
    let ended = commands::leave(ended, &mut session).await;
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
    let (message, cause, hint) = (failure.to_string(), failure.cause(), failure.hint());
    let printed = match session.global.form() {
        Output::Json => session.print(&error_json(&Told {
            code: failure.code(),
            message: &message,
            cause: cause.as_deref(),
            hint: hint.as_deref(),
        })),
        _ => Ok(()),
    };
    if let Failure::Unanswered(no) = failure {
        session.say(&view::clean(no))?;
        return printed;
    }
    session.say(&format!("error: {}", view::clean(&message)))?;
    // A configuration with several problems has as many causes, a line each.
    for cause in cause.iter().flat_map(|cause| cause.lines()) {
        session.say(&format!("cause: {}", view::clean(cause)))?;
    }
    if let Some(hint) = hint {
        session.suggest(&hint)?;
    }
    // Where standard output is full, the words beside it are what is left.
    printed
}

/// An error as `--json` prints it.
#[derive(serde::Serialize)]
struct Told<'a> {
    code: &'a str,
    message: &'a str,
    /// Why, where more is known: a line for each reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'a str>,
    hint: Option<&'a str>,
}

fn error_json(told: &Told<'_>) -> String {
    view::one("error", told).unwrap_or_default()
}

/// Help and versions are answers; the rest is a usage error.
fn misunderstood(error: &clap::Error, args: &[OsString], mut terminal: Terminal) -> Exit {
    let colour = terminal.out_is_screen && terminal.env("NO_COLOR").is_none();
    let text = error.render();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let text = if colour { text.ansi().to_string() } else { text.to_string() };
            let _ = terminal.show(&text, true);
            return Exit::Done;
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let _ = write!(terminal.err(), "{text}");
            return Exit::Usage;
        }
        _ => {}
    }
    let args: Vec<String> = args.iter().map(|arg| arg.to_string_lossy().into_owned()).collect();
    let form = args.windows(2).any(|pair| (pair[0] == "-o" || pair[0] == "--output") && pair[1] == "json");
    let json = form || args.iter().any(|arg| arg == "--json" || arg == "-ojson" || arg == "--output=json");
    let mut session = Session::new(terminal, args::Global { json, ..args::Global::default() });
    let _ = tell(&slip::usage(error, &args), &mut session);
    Exit::Usage
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::io;

    use monzo_common::fault::FaultKind;
    use monzo_common::model::Version;

    use super::*;
    use crate::fake::Fake;
    use crate::terminal::Rights;
    use crate::view::fixture;

    #[tokio::test]
    async fn each_kind_of_fault_ends_with_its_code_and_says_what_to_do() {
        for (kind, expected) in [
            (FaultKind::Internal, Exit::Failed),
            (FaultKind::NotFound, Exit::Usage),
            (FaultKind::LoginNeeded, Exit::LoginNeeded),
            (FaultKind::NotAllowed, Exit::NotAllowed),
            (FaultKind::BankRefused, Exit::Refused),
            (FaultKind::RateLimited, Exit::TryLater),
        ] {
            let fake = Fake::new().fails("sync.start", kind, "it broke", "mend it");
            let ran = fake.run(&["sync"], "").await;
            assert_eq!((ran.exit, ran.err.as_str()), (expected, "error: it broke\ntry: mend it\n"));
        }
    }

    #[tokio::test]
    async fn status_ends_with_0_3_or_7_only() {
        let mut status = fixture::status();
        let fake = Fake::new().says("system.status", &status);
        assert_eq!(fake.run(&[], "").await.exit, Exit::Done);
        status.healthy = false;
        let fake = fake.says("system.status", &status);
        assert_eq!(fake.run(&["status", "--json"], "").await.exit, Exit::Problems);
        let fake = fake.fails("system.status", FaultKind::NotAllowed, "no role", "ask");
        assert_eq!(fake.run(&["status"], "").await.exit, Exit::Unreachable);
    }

    #[tokio::test]
    async fn without_a_daemon_it_says_where_it_looked() {
        let ran = Fake::new().run(&["pots", "--json", "--socket", "/no/such/socket"], "").await;
        insta::assert_snapshot!(ran, @r#"
        exit 3
        --- out
        {"v":1,"error":{"code":"unreachable","message":"monzod is not running: there is no socket at /no/such/socket","cause":"No such file or directory (os error 2)","hint":"start `monzod`, or name its socket with --socket or $MONZOD_SOCKET"}}
        --- err
        error: monzod is not running: there is no socket at /no/such/socket
        cause: No such file or directory (os error 2)
        try: start `monzod`, or name its socket with --socket or $MONZOD_SOCKET
        "#);
    }

    #[tokio::test]
    async fn other_versions_are_told_unless_quiet() {
        let version = Version {
            version: "9.9.9".into(),
            pid: 7,
            schema: None,
            now: fixture::now(),
            zone: "Europe/London".into(),
            cycle: None,
        };
        let fake = Fake::new().says("system.version", &version).says("exclusions.list", &[0_u8; 0]);
        insta::assert_snapshot!(fake.run(&["exclude"], "").await, @r"
        exit 0
        --- out
        Nothing is excluded.
        --- err
        warning: this is monzoctl 0.1.0, but monzod is 9.9.9; restart it after an upgrade: `sudo systemctl restart monzod`
        ");
        assert_eq!(fake.run(&["exclude", "-q"], "").await.err, "");
    }

    #[tokio::test]
    async fn what_is_typed_wrongly_is_met_with_what_is_right() {
        let fake = Fake::new();
        insta::assert_snapshot!(fake.run(&["transactoins", "-o", "json"], "").await, @r#"
        exit 2
        --- out
        {"v":1,"error":{"code":"usage","message":"unrecognized subcommand 'transactoins'","hint":"did you mean `monzoctl transactions -o json`?"}}
        --- err
        error: unrecognized subcommand 'transactoins'
        try: did you mean `monzoctl transactions -o json`?
        "#);
        insta::assert_snapshot!(fake.run(&["login", "--paste", "--renewed"], "").await, @r"
        exit 2
        --- out
        --- err
        error: the argument '--paste' cannot be used with '--renewed'
        try: `monzoctl login --help`
        ");
        insta::assert_snapshot!(fake.run(&["backup"], "").await, @r"
        exit 2
        --- out
        --- err
        error: the following required arguments were not provided: <FILE|->
        try: `monzoctl backup --help`
        ");
        insta::assert_snapshot!(fake.run(&["pots", "-o", "yaml"], "").await, @r"
        exit 2
        --- out
        --- err
        error: invalid value 'yaml' for '--output <FORM>' [possible values: table, json, jsonl, csv]
        try: `monzoctl pots --help`
        ");
        insta::assert_snapshot!(fake.run(&["tx", "--limit", "few"], "").await, @r"
        exit 2
        --- out
        --- err
        error: invalid value 'few' for '--limit <N>': invalid digit found in string
        try: `monzoctl tx --help`
        ");
        insta::assert_snapshot!(fake.run(&["config"], "").await.exit.code(), @"2");
        for (line, hint) in [
            (&["report"][..], "`monzoctl --help`"),
            (&["sort", "aprove", "run 8"], "did you mean `monzoctl sort approve 'run 8'`?"),
            (&["sort", "approvals"], "did you mean `monzoctl sort approve`?"),
            (&["tx", "--limt", "5"], "did you mean `monzoctl tx --limit 5`?"),
            (&["tx", "--limt=5"], "did you mean `monzoctl tx --limit=5`?"),
            (&["pots", "-o", "jsno"], "did you mean `monzoctl pots -o json`?"),
            (&["sort", "run"], "`monzoctl sort run --help`"),
            (&["--nonsense"], "`monzoctl --help`"),
        ] {
            let ran = fake.run(line, "").await;
            assert_eq!(ran.exit, Exit::Usage, "{line:?}");
            assert!(ran.err.ends_with(&format!("try: {hint}\n")), "{line:?}: {ran}");
        }
        insta::assert_snapshot!(fake.run(&["--version"], "").await, @r"
        exit 0
        --- out
        monzoctl 0.1.0
        --- err
        ");
    }

    #[tokio::test]
    async fn an_interrupt_says_what_goes_on() {
        // Nothing listens, so that the command still tries to connect.
        let (exit, err) = Fake::new().interrupt(&["sync"]).await;
        assert_eq!(exit, Exit::Interrupted);
        insta::assert_snapshot!(err, @r"
        error: interrupted
        try: the sync goes on; `monzoctl sync` joins it, `monzoctl sync cancel` ends it
        ");
        for endless in [&["status", "--watch"][..], &["events", "--follow"]] {
            let (exit, err) = Fake::new().interrupt(endless).await;
            assert_eq!((exit, err.as_str()), (Exit::Done, ""), "{endless:?} has no other end");
        }
    }

    #[tokio::test]
    async fn commands_in_hints_are_those_of_whoever_reads_them() {
        let fake = Fake::new().fails("sync.start", FaultKind::LoginNeeded, "no login", "`monzoctl login`");
        let as_who =
            async |rights| fake.run_with(&["sync"], "", &[], |terminal| terminal.rights = rights).await.err;
        assert_eq!(as_who(Rights::Own).await, "error: no login\ntry: `monzoctl login`\n");
        assert_eq!(as_who(Rights::Sudo).await, "error: no login\ntry: `sudo monzoctl login`\n");
        let fake =
            Fake::new().fails("sync.start", FaultKind::NotAllowed, "no", "`sudo monzoctl access add 7`");
        let as_who =
            async |rights| fake.run_with(&["sync"], "", &[], |terminal| terminal.rights = rights).await.err;
        assert_eq!(as_who(Rights::Sudo).await, "error: no\ntry: `sudo monzoctl access add 7`\n");
        assert_eq!(as_who(Rights::Root).await, "error: no\ntry: `monzoctl access add 7`\n");
    }

    #[tokio::test]
    async fn an_error_is_told_beside_a_standard_output_that_is_full() {
        let err = tempfile::NamedTempFile::new().expect("a file");
        let terminal = Terminal::of_streams(
            Broken(io::ErrorKind::StorageFull),
            err.reopen().expect("opened"),
            io::empty(),
            HashMap::new(),
        );
        let args = ["monzoctl", "pots", "--json", "--socket", "/no/such/socket"].map(Into::into).into_iter();
        assert_eq!(run_on(args, terminal, std::future::pending()).await, Exit::Unreachable);
        let told = std::fs::read_to_string(err.path()).expect("text");
        assert!(told.starts_with("error: monzod is not running"), "{told}");
    }

    /// Standard output that takes nothing.
    struct Broken(io::ErrorKind);

    impl io::Write for Broken {
        fn write(&mut self, _bytes: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_reader_that_has_gone_is_no_failure() {
        let terminal =
            Terminal::of_streams(Broken(io::ErrorKind::BrokenPipe), io::sink(), io::empty(), HashMap::new());
        let args = ["monzoctl", "completions", "bash"].map(Into::into).into_iter();
        assert_eq!(run_on(args, terminal, std::future::pending()).await, Exit::Done);
    }
}
