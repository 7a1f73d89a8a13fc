//! What each module's errors are to whoever called: one conversion a kind of error, by its variants.
//!
//! Every fault ends with the next step; nothing here looks into texts.

use monzo_common::fault::{Fault, FaultKind};
use monzo_common::model::LoginState;

use crate::autosort::SorterError;
use crate::autosort::decide::names::NameError;
use crate::config::ConfigError;
use crate::login::{LoginError, VaultError};
use crate::monzo;
use crate::store::{BackupError, StoreError};
use crate::sync::StartError;

const LOG: &str = "look into the daemon's log: `journalctl -u monzod -e`";
const LATER: &str = "try again in some minutes; `monzoctl status` says how things stand";
const LOG_IN: &str = "`monzoctl login`";
const SETUP: &str = "copy id and secret from developers.monzo.com, then `monzoctl setup`";

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::new(error.kind(), error.to_string(), error.hint())
    }
}

impl From<monzo::Error> for Fault {
    fn from(error: monzo::Error) -> Self {
        let hint = match error {
            monzo::Error::NotApproved => "approve the login in the Monzo app, then `monzoctl login`",
            monzo::Error::LoginNeeded { .. } | monzo::Error::TooOld => LOG_IN,
            monzo::Error::RateLimited { .. }
            | monzo::Error::OutcomeUnknown(_)
            | monzo::Error::Transient(_)
            | monzo::Error::Foreign { .. } => LATER,
            monzo::Error::ClientRefused { .. } => SETUP,
            monzo::Error::Refused { .. } => LOG,
        };
        let fault = Self::new(error.kind(), error.to_string(), hint);
        let wait = match error {
            monzo::Error::RateLimited { retry_after } => {
                retry_after.and_then(|wait| u32::try_from(wait.as_secs()).ok())
            }
            _ => None,
        };
        match wait {
            Some(seconds) => fault.retry_after(seconds),
            None => fault,
        }
    }
}

impl From<VaultError> for Fault {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::Store(error) => error.into(),
            VaultError::Seal(error) => Self::new(FaultKind::Conflict, error.to_string(), error.hint()),
        }
    }
}

impl From<LoginError> for Fault {
    fn from(error: LoginError) -> Self {
        let message = error.to_string();
        let (kind, hint) = match error {
            LoginError::NotConfigured => (FaultKind::Conflict, "`monzoctl setup` says how to make one"),
            LoginError::UnfitClient(_) => (FaultKind::InvalidParams, SETUP),
            LoginError::Ready => {
                (FaultKind::Conflict, "nothing is to be done; `monzoctl login` asks before it logs in anew")
            }
            LoginError::Mismatch(_) => {
                (FaultKind::InvalidParams, "begin again with `monzoctl login`, and use the newest address")
            }
            LoginError::AnotherPerson => (
                FaultKind::Conflict,
                "log in as the person whose history this is, or give the other person a daemon of their own",
            ),
            LoginError::Bank(error) => return error.into(),
            LoginError::Vault(error) => return error.into(),
        };
        Self::new(kind, message, hint)
    }
}

impl From<StartError> for Fault {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Login(state) => not_ready(state),
            StartError::Stopping => {
                Self::new(FaultKind::Stopping, error.to_string(), "try again when it is up")
            }
            StartError::Store(error) => error.into(),
        }
    }
}

/// Why the bank cannot be asked in this state of the login.
fn not_ready(state: LoginState) -> Fault {
    match state {
        LoginState::WaitingApproval => Fault::new(
            FaultKind::ApprovalNeeded,
            "the login waits for approval in the Monzo app",
            "approve it there; `monzoctl login` goes on waiting with you",
        ),
        LoginState::ConsentLapsed => Fault::new(
            FaultKind::ConsentLapsed,
            "the bank's permission has ended",
            "refresh it in the Monzo app and run `monzoctl login --renewed`, or `monzoctl login`",
        ),
        LoginState::None => Fault::new(FaultKind::LoginNeeded, "nobody is logged in", LOG_IN),
        LoginState::WaitingBrowser | LoginState::LoginNeeded | LoginState::Ready => {
            Fault::new(FaultKind::LoginNeeded, "nobody is logged in", LOG_IN)
        }
    }
}

impl From<SorterError> for Fault {
    fn from(error: SorterError) -> Self {
        let message = error.to_string();
        let (kind, hint) = match error {
            SorterError::Name(NameError::Unknown(_)) => {
                (FaultKind::NotFound, "`monzoctl accounts` and `monzoctl pots` list them")
            }
            SorterError::Name(NameError::Ambiguous(..)) => {
                (FaultKind::Ambiguous, "write `account:NAME`, `pot:NAME` or `pot:ACCOUNT/NAME`")
            }
            SorterError::Name(NameError::Gone(_)) => {
                (FaultKind::Withheld, "`monzoctl pots` lists the pots that there are")
            }
            SorterError::Move(_) => {
                (FaultKind::InvalidParams, "`monzoctl move £10 Personal Savings` moves into a pot")
            }
            SorterError::Held(_) => (
                FaultKind::Withheld,
                "change what blocks it, then try again; `monzoctl sort rules` shows the rules, `monzoctl status` what needs you",
            ),
            SorterError::NoReplay(_) => (
                FaultKind::Conflict,
                "`monzoctl sort rules` lists those that fire by the calendar, by income or by a balance",
            ),
            SorterError::Conflict(_) => (FaultKind::Conflict, "`monzoctl sort history` lists the runs"),
            SorterError::Bill(_) => (FaultKind::Conflict, "`monzoctl bills --all` lists the bills"),
            SorterError::NoBill(_) => (FaultKind::NotFound, "`monzoctl bills --all` lists them"),
            SorterError::NoRule(_) => (FaultKind::NotFound, "`monzoctl sort rules` lists them"),
            SorterError::Unread(_) => (FaultKind::BankUnreachable, LATER),
            SorterError::Sync(error) => return error.into(),
            SorterError::Store(error) => return error.into(),
        };
        Self::new(kind, message, hint)
    }
}

impl From<BackupError> for Fault {
    fn from(error: BackupError) -> Self {
        let message = error.to_string();
        match error {
            BackupError::Store(error) => error.into(),
            BackupError::File { .. } => Self::new(
                FaultKind::StoreUnavailable,
                message,
                "see that the directory is there, can be written and has room",
            ),
            BackupError::AnotherPerson { .. } => Self::new(
                FaultKind::Conflict,
                message,
                "if that is what you want: `monzoctl restore --other-user NAME`",
            ),
            BackupError::Unsound { .. } => {
                Self::new(FaultKind::Conflict, message, "choose another: `monzoctl backup list`")
            }
        }
    }
}

impl From<&ConfigError> for Fault {
    fn from(error: &ConfigError) -> Self {
        let problems: Vec<String> = error.problems.iter().map(crate::config::Problem::summary).collect();
        let message = format!("the configuration has {} and stays as it was", count(problems.len()));
        Self::new(
            FaultKind::ConfigInvalid,
            message,
            "mend it and `monzoctl config check`, then `monzoctl config reload`",
        )
        .because(&problems.join("\n"))
    }
}

fn count(problems: usize) -> String {
    if problems == 1 { "a problem".to_owned() } else { format!("{problems} problems") }
}
