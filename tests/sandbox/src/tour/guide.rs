//! Who leads through the tour: starts the daemon, types commands, and looks whether they did what they should.

use std::fs::File;
use std::io::{BufRead, BufReader, IsTerminal, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdin, ExitStatus, Stdio};

use anyhow::{Context, bail, ensure};
use monzoctl::exit::Exit;

use super::Interrupted;
use super::interrupt::Interrupt;
use crate::home::Home;

/// The daemon that is shown, and the way to show it.
pub(super) struct Guide<'a> {
    home: &'a Home,
    daemon: Daemon,
    interrupt: Interrupt,
    styled: bool,
}

/// The daemon's process, which ends with the tour however that ends.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended long ago.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl<'a> Guide<'a> {
    /// Starts the daemon; its log goes to a file that is shown only if something fails.
    pub(super) fn begin(home: &'a Home, interrupt: Interrupt) -> anyhow::Result<Self> {
        let log = File::create(home.path("log")).context("the log cannot be made")?;
        let daemon = home
            .daemon()
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("monzod does not start")?;
        let styled = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Ok(Self { home, daemon: Daemon(daemon), interrupt, styled })
    }

    /// Says something to whoever is on the tour.
    pub(super) fn say(&self, sentence: &str) -> anyhow::Result<()> {
        writeln!(std::io::stdout(), "{sentence}")?;
        Ok(())
    }

    /// Types a command and shows what it prints; it should end with `expected`.
    pub(super) fn show(&self, arguments: &[&str], expected: i32) -> anyhow::Result<()> {
        self.type_(arguments)?;
        // A pager would hold the tour up.
        let status = self
            .home
            .client(arguments)
            .env("PAGER", "cat")
            .stdin(Stdio::null())
            .status()
            .context("monzoctl does not start")?;
        writeln!(std::io::stdout())?;
        self.check(arguments, status, expected)
    }

    /// What a command prints, for the guide's own eyes.
    pub(super) fn ask(&self, arguments: &[&str]) -> anyhow::Result<Vec<u8>> {
        let output = self.home.client(arguments).stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
        self.check(arguments, output.status, 0)?;
        Ok(output.stdout)
    }

    /// Logs in as a person does over SSH: takes the address, signs in, and pastes where the browser ended.
    pub(super) fn log_in(&self, sign_in: impl FnOnce(&str) -> anyhow::Result<String>) -> anyhow::Result<()> {
        let arguments = ["login", "--paste"];
        self.type_(&arguments)?;
        let mut client = self
            .home
            .client(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("monzoctl does not start")?;
        let (stdin, stdout) = (client.stdin.take(), client.stdout.take());
        let (mut stdin, stdout) = stdin.zip(stdout).context("monzoctl has no streams")?;
        let mut lines = BufReader::new(stdout);
        let mut address = String::new();
        lines.read_line(&mut address)?;
        if !address.trim().is_empty() {
            writeln!(std::io::stdout(), "{}", address.trim())?;
            paste(&mut stdin, &sign_in(address.trim())?)?;
        }
        drop(stdin);
        let mut rest = String::new();
        lines.read_to_string(&mut rest)?;
        write!(std::io::stdout(), "{rest}")?;
        let status = client.wait()?;
        writeln!(std::io::stdout())?;
        self.check(&arguments, status, 0)
    }

    /// Waits until the person has seen enough.
    pub(super) fn stay(&self) {
        self.interrupt.wait();
    }

    /// Stops the daemon as systemd does.
    pub(super) fn end(mut self) -> anyhow::Result<ExitStatus> {
        let pid = i32::try_from(self.daemon.0.id()).ok().and_then(rustix::process::Pid::from_raw);
        let pid = pid.context("the daemon has no process")?;
        // The keyboard's interrupt may have reached it before.
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        Ok(self.daemon.0.wait()?)
    }

    /// Shows a command as it would be typed.
    pub(super) fn type_(&self, arguments: &[&str]) -> anyhow::Result<()> {
        let line = format!("$ monzoctl {}", arguments.join(" "));
        let mut out = std::io::stdout();
        match self.styled {
            true => writeln!(out, "\n\x1b[1;36m{line}\x1b[0m")?,
            false => writeln!(out, "\n{line}")?,
        }
        out.flush()?;
        Ok(())
    }

    /// A command that did not end as it should ends the tour, with the daemon's last words.
    fn check(&self, arguments: &[&str], status: ExitStatus, expected: i32) -> anyhow::Result<()> {
        let interrupted = status.signal() == Some(rustix::process::Signal::INT.as_raw())
            || status.code() == Some(i32::from(Exit::Interrupted.code()));
        if self.interrupt.heard() || interrupted {
            // The keyboard's interrupt has reached the command, too, perhaps before us: how that ended says nothing.
            bail!(Interrupted);
        }
        if status.code() == Some(expected) {
            return Ok(());
        }
        let log = std::fs::read_to_string(self.home.path("log")).unwrap_or_default();
        let last: Vec<&str> = log.lines().rev().take(20).collect();
        let last: Vec<&str> = last.into_iter().rev().collect();
        bail!(
            "`monzoctl {}` should end with {expected}, and ended with {status}; the daemon's log ends:\n{}",
            arguments.join(" "),
            last.join("\n")
        )
    }
}

fn paste(stdin: &mut ChildStdin, address: &str) -> anyhow::Result<()> {
    ensure!(!address.contains('\n'), "the bank's address has more than one line");
    writeln!(stdin, "{address}").context("monzoctl does not take the address")
}
