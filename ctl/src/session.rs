//! One invocation: the terminal, what was asked of all commands, and the ways to print an answer.

use std::borrow::Cow;
use std::path::PathBuf;

use jsonrpsee::core::ClientError;
use jsonrpsee_ws_client::WsClient;
use monzo_common::fault::FaultKind;
use monzo_common::model::Run;
use monzo_common::paths;
use serde::Serialize;
use tokio::time::Instant;

use crate::args::{Color, Global, Output};
use crate::client::{self, Daemon};
use crate::daemon_time::DaemonTime;
use crate::failure::Failure;
use crate::terminal::Terminal;
use crate::view::columns::Columns;
use crate::view::{self, Csv, Style};

/// Rows of a table on a terminal without `--limit`.
const SCREENFUL: u64 = 50;

/// One invocation of the client.
pub struct Session {
    /// Its streams.
    pub terminal: Terminal,
    /// What holds for every command.
    pub global: Global,
    /// While a question stands: what did not happen, if it is not answered.
    pub unanswered: Option<String>,
    /// A run that was asked for and is not approved yet.
    pub unapproved: Option<Run>,
}

impl Session {
    /// An invocation that has not asked for anything yet.
    pub fn new(terminal: Terminal, global: Global) -> Self {
        Self { terminal, global, unanswered: None, unapproved: None }
    }

    /// Connects, and says so where the versions differ.
    pub async fn connect(&mut self) -> Result<Daemon, Failure> {
        let daemon = self.reach().await?;
        let (own, theirs) = (monzo_common::VERSION, &daemon.version.version);
        if own != theirs {
            self.note(&format!(
                "warning: this is monzoctl {own}, but monzod is {theirs}; restart it after an upgrade: `sudo systemctl restart monzod`"
            ))?;
        }
        if self.global.verbose {
            let (socket, pid) = (daemon.socket.display(), daemon.version.pid);
            self.note(&format!("monzod {theirs}, process {pid}, answers on {socket}"))?;
        }
        Ok(daemon)
    }

    /// Where the daemon's socket may be, the likeliest first.
    pub fn sockets(&self) -> Vec<PathBuf> {
        paths::client_sockets(self.global.socket.clone(), &|name: &str| self.terminal.env(name))
    }

    /// Connects, and explains the waiting where it takes long.
    async fn reach(&mut self) -> Result<Daemon, Failure> {
        let sockets = self.sockets();
        let connecting = client::connect(&sockets);
        tokio::pin!(connecting);
        tokio::select! {
            connected = &mut connecting => return connected,
            () = tokio::time::sleep(client::EXPLAINED) => {}
        }
        let seconds = client::START.as_secs();
        self.note(&format!(
            "monzod does not answer yet: it is starting, or waits to be restarted (`systemctl status monzod`). Trying for {seconds} s."
        ))?;
        connecting.await
    }

    /// Asks the daemon, and asks again where a restart came between.
    ///
    /// # Errors
    /// As the question, or as [`connect`](Self::connect) where the daemon stays away.
    pub async fn ask<T>(
        &mut self,
        daemon: &mut Daemon,
        question: impl AsyncFn(&WsClient) -> Result<T, ClientError>,
    ) -> Result<T, Failure> {
        let deadline = Instant::now() + client::RESTART;
        loop {
            let failure = match question(&daemon.client).await {
                Ok(answer) => return Ok(answer),
                Err(error) => Failure::from(error),
            };
            let restarting = matches!(failure, Failure::Unreachable { .. })
                || failure.fault_kind() == Some(FaultKind::Stopping);
            if !restarting || Instant::now() >= deadline {
                return Err(failure);
            }
            tokio::time::sleep(client::PAUSE).await;
            *daemon = self.connect().await?;
        }
    }

    /// Whether the person agrees; nothing when there is nobody to ask and `--yes` was not said.
    ///
    /// Every answer but a yes is a no, and so are the end of the input and an interrupt; `no` says what did not happen.
    pub async fn agree(&mut self, question: &str, no: &str) -> Result<Option<bool>, Failure> {
        if self.global.yes {
            return Ok(Some(true));
        }
        if !self.terminal.in_is_keyboard {
            return Ok(None);
        }
        self.unanswered = Some(no.to_owned());
        let agreed = self.terminal.confirm(question).await?;
        self.unanswered = None;
        if !agreed {
            self.note(no)?;
        }
        Ok(Some(agreed))
    }

    /// Asks for a line; `no` says what did not happen if there is no answer.
    pub async fn question(&mut self, question: &str, no: &str) -> Result<String, Failure> {
        self.unanswered = Some(no.to_owned());
        let answer = self.terminal.ask(question).await?;
        self.answered(answer, no)
    }

    /// The same, without showing what is typed.
    pub async fn secret(&mut self, question: &str, no: &str) -> Result<String, Failure> {
        self.unanswered = Some(no.to_owned());
        let answer = self.terminal.ask_secret(question).await?;
        self.answered(answer, no)
    }

    /// At a keyboard the end of the input is a no, as an interrupt is; a script that gives too little is a mistake.
    fn answered(&mut self, answer: Option<String>, no: &str) -> Result<String, Failure> {
        self.unanswered = None;
        answer.ok_or_else(|| match self.terminal.in_is_keyboard {
            true => Failure::Unanswered(no.to_owned()),
            false => Failure::usage(
                "standard input ended before the answer",
                "write the answers there, one a line, or use the flags that `--help` lists",
            ),
        })
    }

    /// The answer is for a program.
    pub fn wants_data(&self) -> bool {
        self.global.form() != Output::Table
    }

    /// How many rows to show at most.
    pub fn limit(&self, asked: Option<u64>) -> Option<u64> {
        let table_on_screen = self.global.form() == Output::Table && self.terminal.out_is_screen;
        asked.or(table_on_screen.then_some(SCREENFUL))
    }

    /// How texts may look; without a daemon the place is UTC.
    pub fn look(&self, time: &DaemonTime) -> Style {
        let colour = match self.global.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => self.terminal.out_is_screen && self.colour_is_welcome(),
        };
        let width = self.terminal.out_is_screen.then_some(self.terminal.size.0);
        Style { colour, width, time: time.clone() }
    }

    fn colour_is_welcome(&self) -> bool {
        self.terminal.env("NO_COLOR").is_none() && self.terminal.env("TERM").as_deref() != Some("dumb")
    }

    /// Says something beside the answer, unless only the answer is wanted.
    pub fn note(&mut self, text: &str) -> Result<(), Failure> {
        if !self.global.quiet {
            self.say(text)?;
        }
        Ok(())
    }

    /// Says something that is said even where only the answer is wanted: failures, and what a person is asked about.
    pub fn say(&mut self, text: &str) -> Result<(), Failure> {
        let text = self.terminal.pasteable(text).into_owned();
        writeln!(self.terminal.err(), "{}", view::shown(&text))?;
        Ok(())
    }

    /// Says on standard error what to do next, after a command that did not do all that it was asked.
    pub fn suggest(&mut self, hint: &str) -> Result<(), Failure> {
        self.say(&format!("try: {}", view::clean(hint)))
    }

    /// Prints a text as the answer, in the form that was asked for.
    pub fn print(&mut self, text: &str) -> Result<(), Failure> {
        match self.global.form() {
            Output::Table => {
                let text = self.terminal.pasteable(text).into_owned();
                self.print_as(&text, view::shown)
            }
            Output::Json | Output::Jsonl => self.print_json(text),
            Output::Csv => self.print_as(text, view::shown_plain),
        }
    }

    /// Prints JSON, whatever form was asked for.
    pub fn print_json(&mut self, text: &str) -> Result<(), Failure> {
        self.print_as(text, view::escaped)
    }

    /// On a screen nothing may steer it; elsewhere every byte stays.
    fn print_as(&mut self, text: &str, safe: fn(&str) -> Cow<'_, str>) -> Result<(), Failure> {
        let text = if self.terminal.out_is_screen { safe(text) } else { text.into() };
        self.terminal.show(&text, !self.global.no_pager)
    }

    /// Prints one thing in the form that was asked for.
    pub fn print_one<T: Serialize>(
        &mut self,
        noun: &str,
        value: &T,
        text: impl FnOnce() -> String,
    ) -> Result<(), Failure> {
        let text = match self.global.form() {
            Output::Table => text(),
            Output::Json => view::one(noun, value).map_err(unprintable)?,
            Output::Jsonl => format!("{}\n", serde_json::to_string(value).map_err(unprintable)?),
            Output::Csv => view::csv_of_one(value).map_err(unprintable)?,
        };
        self.print(&text)
    }

    /// Prints a list in the form that was asked for.
    pub fn print_list<T: Serialize>(
        &mut self,
        nouns: &str,
        columns: Columns,
        items: &[T],
        table: impl FnOnce() -> String,
    ) -> Result<(), Failure> {
        let mut text = String::new();
        match self.global.form() {
            Output::Table => text = table(),
            Output::Json => text = view::list(nouns, items).map_err(unprintable)?,
            Output::Jsonl => {
                for item in items {
                    text.push_str(&serde_json::to_string(item).map_err(unprintable)?);
                    text.push('\n');
                }
            }
            Output::Csv => {
                let csv = Csv(columns);
                text.push_str(&csv.header());
                for item in items {
                    text.push_str(&csv.row(item).map_err(unprintable)?);
                }
            }
        }
        self.print(&text)
    }
}

/// A value that has no text; the model has none such.
#[allow(clippy::needless_pass_by_value, reason = "the shape that `map_err` asks for")]
pub fn unprintable(error: serde_json::Error) -> Failure {
    Failure::broken(format!("the answer cannot be printed: {error}"))
}
