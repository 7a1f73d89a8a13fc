//! Failures: why a command did not do what it was asked, with the code, the cause and the next step.
//!
//! What a command *found* (problems, a partial sync) is not a failure but an [`Exit`]; a failure always has words.

use std::fmt::Display;
use std::io;

use jsonrpsee::core::ClientError;
use monzo_common::fault::{Fault, FaultKind};

use crate::exit::Exit;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Typed wrongly, or a name that fits nothing or too much.
    #[error("{message}")]
    Usage {
        /// What is wrong.
        message: String,
        /// What would be right.
        hint: String,
    },
    /// Nobody answers on the socket.
    #[error("{message}")]
    Unreachable {
        /// What was tried.
        message: String,
        /// What the system said.
        cause: Option<String>,
        /// What to do in this situation.
        hint: String,
    },
    /// The daemon answered with a fault.
    #[error("{0}")]
    Fault(Fault),
    /// A sign-in was not accepted; the pending login stays.
    #[error("{}", .0.message)]
    SignIn(Fault),
    /// A file or stream of this side could not be read or written.
    #[error("{what}")]
    Local {
        /// What was being done.
        what: String,
        /// What the system said.
        source: io::Error,
        /// What to do.
        hint: String,
    },
    /// What came over the socket was not what was promised.
    #[error("{message}")]
    Broken {
        /// What is wrong with it.
        message: String,
        /// What to do.
        hint: String,
    },
    /// Interrupted from the keyboard, with what goes on regardless.
    #[error("interrupted")]
    Interrupted(Option<String>),
    /// Interrupted before it was agreed to, with what did not happen.
    #[error("{0}")]
    Unanswered(String),
    /// The reader of our output has gone, which is fine.
    #[error("the reader of the output has gone")]
    ReaderGone,
}

impl Failure {
    /// Wrong usage with its correction.
    pub fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), hint: hint.into() }
    }

    /// A file or stream that failed; a reader that has gone is recognised.
    pub fn local(what: impl Display, source: io::Error, hint: impl Into<String>) -> Self {
        Self::Local { what: what.to_string(), source, hint: hint.into() }
    }

    /// A promise of the daemon that does not hold.
    pub fn broken(message: impl Into<String>) -> Self {
        Self::Broken {
            message: message.into(),
            hint: "compare `monzoctl --version` with `monzod --version`, then look into `journalctl -u monzod -e`"
                .into(),
        }
    }

    /// The exit code.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Usage { .. } => Exit::Usage,
            Self::Unreachable { .. } => Exit::Unreachable,
            Self::Fault(fault) => Exit::of(fault.kind),
            // A wrong or stale state, or the bank's own error.
            Self::SignIn(fault) => match Exit::of(fault.kind) {
                Exit::Usage | Exit::Refused => Exit::Failed,
                other => other,
            },
            Self::Local { .. } | Self::Broken { .. } => Exit::Failed,
            Self::Interrupted(_) | Self::Unanswered(_) => Exit::Interrupted,
            Self::ReaderGone => Exit::Done,
        }
    }

    /// The stable word for scripts.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Usage { .. } => "usage",
            Self::Unreachable { .. } => "unreachable",
            Self::Fault(fault) | Self::SignIn(fault) => fault.kind.code(),
            Self::Local { .. } => "local",
            Self::Broken { .. } => "broken_answer",
            Self::Interrupted(_) | Self::Unanswered(_) => "interrupted",
            Self::ReaderGone => "reader_gone",
        }
    }

    /// Why, where more is known.
    pub fn cause(&self) -> Option<String> {
        match self {
            Self::Unreachable { cause, .. } => cause.clone(),
            Self::Fault(fault) | Self::SignIn(fault) => fault.cause.clone(),
            Self::Local { source, .. } => Some(source.to_string()),
            Self::Usage { .. }
            | Self::Broken { .. }
            | Self::Interrupted(_)
            | Self::Unanswered(_)
            | Self::ReaderGone => None,
        }
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Usage { hint, .. }
            | Self::Unreachable { hint, .. }
            | Self::Local { hint, .. }
            | Self::Broken { hint, .. } => Some(hint.clone()),
            Self::Fault(fault) | Self::SignIn(fault) => Some(match fault.retry_after {
                Some(seconds) => format!("{} (in {seconds} s)", fault.hint),
                None => fault.hint.clone(),
            }),
            Self::Interrupted(hint) => hint.clone(),
            Self::Unanswered(_) | Self::ReaderGone => None,
        }
    }

    /// The kind of fault, where the daemon answered with one.
    pub fn fault_kind(&self) -> Option<FaultKind> {
        match self {
            Self::Fault(fault) | Self::SignIn(fault) => Some(fault.kind),
            _ => None,
        }
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Call(error) => Self::Fault(Fault::from_error(&error)),
            ClientError::RequestTimeout => Self::Fault(Fault::new(
                FaultKind::TimedOut,
                "the daemon did not answer in time",
                "look at `monzoctl status`, then try again",
            )),
            ClientError::ParseError(error) => {
                Self::broken(format!("the daemon's answer cannot be read: {error}"))
            }
            other => Self::Unreachable {
                message: "the connection to the daemon broke off".into(),
                cause: Some(other.to_string()),
                hint: "try again; if it stays so, look at `systemctl status monzod`".into(),
            },
        }
    }
}

/// Failing to write to standard output or standard error.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::ReaderGone;
        }
        Self::local("the output cannot be written", error, "check where it is redirected to")
    }
}
