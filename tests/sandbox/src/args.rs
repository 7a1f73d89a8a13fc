//! The program's arguments, and what they mean.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use jiff::{SignedDuration, Timestamp};

use crate::bank::faults::{Rule, rules};
use crate::bank::{Bank, Settings};
use crate::http;

/// A simulated Monzo.
#[derive(Debug, Parser)]
#[command(name = "monzo-sandbox", version, about)]
pub struct Program {
    /// What to do; nothing is the tour.
    #[command(subcommand)]
    pub command: Option<Command>,

    /// End when the tour is over, even on a terminal
    #[arg(long)]
    pub tour_only: bool,

    /// Make the life of the tour from this seed
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
}

/// What the program does.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the simulated bank until it is stopped
    Bank(BankArgs),
}

/// How the bank is founded.
#[derive(Debug, Args)]
pub struct BankArgs {
    /// Serve at this loopback address; port 0 is any that is free
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// Make the data from this seed
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Begin so many years ago
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub years: u32,
    /// Have at least so many transactions
    #[arg(long, value_name = "N")]
    pub rows: Option<usize>,
    /// Begin at this instant instead of the present one (RFC 3339)
    #[arg(long, value_name = "TIME")]
    pub now: Option<Timestamp>,
    /// Take so long for every answer, like 20ms
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "0ms")]
    pub latency: Duration,
    /// Inject faults, like 500:0.05,reset-after:0.01
    #[arg(long, value_name = "NAME:PROBABILITY,…", value_parser = faults)]
    pub faults: Option<Faults>,
    /// Approve logins in the app after so many seconds, or never
    #[arg(long, value_name = "SECONDS|never", value_parser = approval, default_value = "never")]
    pub approve_after: Approval,
    /// Let access tokens live for so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 108_000)]
    pub token_life: u64,
    /// Let new days bring nothing new as the clock moves on
    #[arg(long)]
    pub still: bool,
}

/// Rules of what goes wrong.
#[derive(Debug, Clone)]
pub struct Faults(Vec<Rule>);

/// When logins are approved.
#[derive(Debug, Clone, Copy)]
pub struct Approval(Option<Duration>);

fn duration(text: &str) -> Result<Duration, String> {
    let duration: SignedDuration = text.parse().map_err(|error| format!("{error}"))?;
    Duration::try_from(duration).map_err(|_| "it is negative".to_owned())
}

fn faults(text: &str) -> Result<Faults, String> {
    rules(text).map(Faults)
}

fn approval(text: &str) -> Result<Approval, String> {
    if text == "never" {
        return Ok(Approval(None));
    }
    let seconds: u64 =
        text.parse().map_err(|_| "it is neither `never` nor a number of seconds".to_owned())?;
    Ok(Approval(Some(Duration::from_secs(seconds))))
}

impl BankArgs {
    /// Founds the bank.
    pub fn found(&self) -> Bank {
        let now = self.now.unwrap_or_else(|| monzod::clock::Clock::system().now());
        let mut bank = Bank::new(Settings {
            seed: self.seed,
            years: self.years,
            rows: self.rows,
            lively: !self.still,
            latency: self.latency,
            approve_after: self.approve_after.0,
            token_life: Duration::from_secs(self.token_life),
            ..Settings::new(now)
        });
        if let Some(Faults(rules)) = &self.faults {
            bank.set_faults(rules.clone(), self.seed);
        }
        bank
    }

    /// Founds the bank, says where it is, and serves it until the process ends.
    ///
    /// # Errors
    /// When it cannot be served there.
    pub fn run(&self) -> io::Result<()> {
        if !self.listen.ip().is_loopback() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the address is not loopback"));
        }
        let served = http::serve(self.found(), self.listen)?;
        let mut out = io::stdout().lock();
        writeln!(out, "listening on {}", served.url)?;
        out.flush()?;
        drop(out);
        served.wait();
        Ok(())
    }
}
