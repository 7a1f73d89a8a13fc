//! The rim: standard streams, the screen's size, colour, the pager and questions.
//!
//! The only module that touches the process's streams, so that every command can be run in a test with buffers.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{self, BufRead, IsTerminal, Read, Write};
use std::process::{Command, Stdio};

use rustix::termios::{self, LocalModes, OptionalActions, QueueSelector, Termios};

use crate::failure::Failure;
use crate::view::shown;

/// The streams of one invocation, and what is known about them.
pub struct Terminal {
    out: Box<dyn Write + Send>,
    err: Box<dyn Write + Send>,
    input: Option<Box<dyn BufRead + Send>>,
    /// Standard output is a screen.
    pub out_is_screen: bool,
    /// Standard error is a screen.
    pub err_is_screen: bool,
    /// Standard input is a keyboard.
    pub in_is_keyboard: bool,
    /// Columns and rows of the screen.
    pub size: (usize, usize),
    /// Name of this computer, as another would call it.
    pub host: String,
    /// Whose rights this process has.
    pub rights: Rights,
    env: HashMap<String, String>,
}

/// Whose rights a process has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rights {
    /// Those of the person at the keyboard.
    Own,
    /// Root's, lent by sudo.
    Sudo,
    /// Root's own.
    Root,
}

/// The size of a screen that does not tell it.
const USUAL_SIZE: (usize, usize) = (80, 24);

impl Terminal {
    /// The process's own streams.
    pub fn of_process() -> Self {
        let stdout = io::stdout();
        let out_is_screen = stdout.is_terminal();
        let size = termios::tcgetwinsize(&stdout)
            .ok()
            .filter(|size| size.ws_col > 0)
            .map_or(USUAL_SIZE, |size| (size.ws_col.into(), size.ws_row.into()));
        Self {
            out: Box::new(io::BufWriter::new(stdout)),
            err: Box::new(io::stderr()),
            input: Some(Box::new(io::BufReader::new(io::stdin()))),
            out_is_screen,
            err_is_screen: io::stderr().is_terminal(),
            in_is_keyboard: io::stdin().is_terminal(),
            size,
            host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            rights: match (rustix::process::geteuid().is_root(), std::env::var_os("SUDO_USER")) {
                (false, _) => Rights::Own,
                (true, Some(user)) if !user.is_empty() && user != "root" => Rights::Sudo,
                (true, _) => Rights::Root,
            },
            env: std::env::vars_os()
                .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)))
                .collect(),
        }
    }

    /// Given streams, none of them a screen.
    pub fn of_streams(
        out: impl Write + Send + 'static,
        err: impl Write + Send + 'static,
        input: impl BufRead + Send + 'static,
        env: HashMap<String, String>,
    ) -> Self {
        Self {
            out: Box::new(out),
            err: Box::new(err),
            input: Some(Box::new(input)),
            out_is_screen: false,
            err_is_screen: false,
            in_is_keyboard: false,
            size: USUAL_SIZE,
            host: "server".to_owned(),
            rights: Rights::Own,
            env,
        }
    }

    /// An environment variable; empty ones count as absent.
    pub fn env(&self, name: &str) -> Option<String> {
        self.env.get(name).filter(|value| !value.is_empty()).cloned()
    }

    /// The text with its commands as whoever reads it has to type them: under sudo with `sudo`, as root without.
    pub fn pasteable<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match self.rights {
            Rights::Own => Cow::Borrowed(text),
            Rights::Root => Cow::Owned(text.replace("`sudo monzoctl ", "`monzoctl ")),
            Rights::Sudo => Cow::Owned(
                text.replace("`sudo monzoctl ", "`monzoctl ").replace("`monzoctl ", "`sudo monzoctl "),
            ),
        }
    }

    /// Where results go.
    pub fn out(&mut self) -> &mut dyn Write {
        &mut self.out
    }

    /// Where words about the work go.
    pub fn err(&mut self) -> &mut dyn Write {
        &mut self.err
    }

    /// Ends the line on which the keyboard has just printed `^C`.
    pub fn end_line(&mut self) {
        if self.in_is_keyboard && self.err_is_screen {
            // Where nothing can be written nothing needs to look well.
            let _ = writeln!(self.err);
        }
    }

    /// Sends out what is still buffered.
    pub fn flush(&mut self) -> Result<(), Failure> {
        self.out.flush()?;
        Ok(())
    }

    /// Prints a text, through the pager where it does not fit the screen.
    pub fn show(&mut self, text: &str, paging: bool) -> Result<(), Failure> {
        let tall = text.lines().count() >= self.size.1;
        if paging && self.out_is_screen && tall && self.page(text) {
            return Ok(());
        }
        self.out.write_all(text.as_bytes())?;
        self.flush()
    }

    /// Whether a pager took the text.
    fn page(&mut self, text: &str) -> bool {
        let pager = self.env("PAGER").unwrap_or_else(|| "less -FRX".to_owned());
        let mut words = pager.split_whitespace();
        let Some(program) = words.next() else { return false };
        self.read_through(program, &words.collect::<Vec<_>>(), text)
    }

    /// Whether a program that shows text on the screen took it.
    pub fn read_through(&mut self, program: &str, args: &[&str], text: &str) -> bool {
        if !self.out_is_screen {
            return false;
        }
        let spawned =
            Command::new(program).args(args).env("LESSCHARSET", "utf-8").stdin(Stdio::piped()).spawn();
        let Ok(mut child) = spawned else { return false };
        if let Some(mut stdin) = child.stdin.take() {
            // A pager that is left early is no failure.
            let _ = stdin.write_all(text.as_bytes());
        }
        child.wait().is_ok()
    }

    /// One line from standard input without its end; nothing at the end of the input.
    pub async fn line(&mut self) -> Result<Option<String>, Failure> {
        let Some(input) = self.input.take() else { return Ok(None) };
        let (input, line) = aside(input, |input| {
            let mut line = Vec::new();
            input.read_until(b'\n', &mut line).map(|count| (count > 0).then_some(line))
        })
        .await?;
        self.input = Some(input);
        // Whatever keys were pressed make a line.
        let line = line.map(|line| String::from_utf8_lossy(&line).into_owned());
        Ok(line.map(|line| line.trim_end_matches(['\n', '\r']).to_owned()))
    }

    /// The next bytes of standard input, `limit` or less; none at its end.
    pub async fn bytes(&mut self, limit: u64) -> Result<Vec<u8>, Failure> {
        let Some(input) = self.input.take() else { return Ok(Vec::new()) };
        let (input, bytes) = aside(input, move |input| {
            let mut bytes = Vec::new();
            input.take(limit).read_to_end(&mut bytes).map(|_| bytes)
        })
        .await?;
        self.input = Some(input);
        Ok(bytes)
    }

    /// Asks on standard error and takes one line as the answer; nothing if the input ends without one.
    pub async fn ask(&mut self, question: &str) -> Result<Option<String>, Failure> {
        let question = self.pasteable(question).into_owned();
        // In one piece, so that whoever answers as soon as it stands there answers all of it.
        self.err.write_all(format!("{} ", shown(&question)).as_bytes())?;
        self.err.flush()?;
        let answer = self.line().await?;
        if answer.is_none() {
            // The question still stands on the line.
            writeln!(self.err)?;
        }
        Ok(answer)
    }

    /// Asks without showing what is typed.
    pub async fn ask_secret(&mut self, question: &str) -> Result<Option<String>, Failure> {
        let hidden = self.in_is_keyboard.then(Hidden::begin).flatten();
        let answer = self.ask(question).await;
        drop(hidden);
        if matches!(answer, Ok(Some(_))) {
            writeln!(self.err)?;
        }
        answer
    }

    /// Asks for yes or no. Only a yes that is typed after the question is one.
    pub async fn confirm(&mut self, question: &str) -> Result<bool, Failure> {
        // What was typed before the question could be read answers something else.
        let _ = termios::tcflush(io::stdin(), QueueSelector::IFlush);
        let answer = self.ask(&format!("{question} [y/N]")).await?;
        Ok(answer.is_some_and(|answer| matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")))
    }
}

/// Reads on a thread of its own, so that an interrupt is heard meanwhile.
async fn aside<T: Send + 'static>(
    mut input: Box<dyn BufRead + Send>,
    read: impl FnOnce(&mut (dyn BufRead + Send)) -> io::Result<T> + Send + 'static,
) -> Result<(Box<dyn BufRead + Send>, T), Failure> {
    let reading = tokio::task::spawn_blocking(move || {
        let found = read(input.as_mut());
        (input, found)
    });
    let cannot = |error| Failure::local("standard input cannot be read", error, "check where it comes from");
    let (input, found) = reading.await.map_err(|error| cannot(io::Error::other(error)))?;
    Ok((input, found.map_err(cannot)?))
}

/// While this lives the keyboard does not echo; an interrupt restores it too.
struct Hidden(Termios);

impl Hidden {
    fn begin() -> Option<Self> {
        let before = termios::tcgetattr(io::stdin()).ok()?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        termios::tcsetattr(io::stdin(), OptionalActions::Flush, &silent).ok()?;
        Some(Self(before))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        let _ = termios::tcsetattr(io::stdin(), OptionalActions::Flush, &self.0);
    }
}
