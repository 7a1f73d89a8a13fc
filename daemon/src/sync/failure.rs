//! Why an account, or a whole sync, could not be read, in the words of the person who will read it.

use monzo_common::fault::FaultKind;

use crate::monzo;
use crate::store::StoreError;
use crate::sync::reading::Stuck;

/// What stopped a reading.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Ended on request or because the daemon stops; what was read is kept.
    #[error("cancelled")]
    Cancelled,
    /// The bank no longer serves a window this old.
    #[error("the bank serves this part of the history only in the five minutes after a login")]
    TooOld,
    /// The bank lets this one account not be read, though others can be.
    #[error("the bank does not let this account be read")]
    Unreadable,
    /// The bank's list of accounts no longer holds it.
    #[error("the bank no longer lists this account; what is stored of it is kept")]
    Unlisted,
    /// The bank's permission has ended; nothing can be read.
    #[error("the bank's permission has ended: run `monzoctl login`, or refresh permissions in the Monzo app")]
    Lapsed,
    /// The bank does not answer as it should.
    #[error(transparent)]
    Bank(#[from] monzo::Error),
    /// The database does not take the rows.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The bank repeats itself.
    #[error(transparent)]
    Stuck(#[from] Stuck),
    /// So many rows are missing from the bank's list that none was withdrawn.
    #[error(
        "the bank no longer lists {missing} of {known} rows that it listed before; nothing was withdrawn, \
         and the next sync asks again"
    )]
    Held {
        /// Rows that are missing.
        missing: usize,
        /// Rows that were known in the window.
        known: usize,
    },
}

impl Failure {
    /// What kind of fault it is to a caller.
    pub fn kind(&self) -> FaultKind {
        match self {
            Self::Cancelled => FaultKind::Stopping,
            Self::TooOld | Self::Unreadable | Self::Unlisted | Self::Held { .. } => FaultKind::BankRefused,
            Self::Lapsed => FaultKind::ConsentLapsed,
            Self::Bank(error) => error.kind(),
            Self::Store(error) => error.kind(),
            // The bank answers, but not with what it should.
            Self::Stuck(_) => FaultKind::BankUnreachable,
        }
    }

    /// No account can be read any more, so that the sync ends.
    pub fn ends_sync(&self) -> bool {
        matches!(self, Self::Cancelled) || self.ends_login()
    }

    /// Only the person can mend it, at the bank; it is told as a matter of the login.
    pub fn ends_login(&self) -> bool {
        matches!(self, Self::Lapsed | Self::Bank(monzo::Error::LoginNeeded { .. }))
    }

    /// The bank refuses the account, rather than failing.
    pub fn refuses(&self) -> bool {
        match self {
            Self::TooOld | Self::Unreadable => true,
            Self::Bank(monzo::Error::Refused { status, .. }) => matches!(status, 403 | 404),
            _ => false,
        }
    }

    /// The account is left out, which is said but fails no sync.
    pub fn leaves_out(&self) -> bool {
        matches!(self, Self::Unreadable | Self::Unlisted)
    }
}
