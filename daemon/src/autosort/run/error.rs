//! Why the sorter does not do what it was asked.

use crate::autosort::decide::manual::InvalidMove;
use crate::autosort::decide::names::NameError;
use crate::store::StoreError;
use crate::sync::StartError;

/// Why the sorter does not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum SorterError {
    /// A name means nothing, or too much.
    #[error(transparent)]
    Name(#[from] NameError),
    /// What was asked for makes no sense.
    #[error(transparent)]
    Move(#[from] InvalidMove),
    /// A guardrail, freeze, exclusion, lock or changed plan is in the way.
    #[error("{0}")]
    Held(String),
    /// There is nothing like that in the present state.
    #[error("{0}")]
    Conflict(String),
    /// There is no rule with this name.
    #[error("there is no rule ‘{0}’")]
    NoRule(String),
    /// What was said of a bill does not fit it.
    #[error("{0}")]
    Bill(String),
    /// There is no bill with this id.
    #[error("there is no bill ‘{0}’")]
    NoBill(String),
    /// What it would have done in the past cannot be told.
    #[error("it cannot be replayed: {0}")]
    NoReplay(String),
    /// The bank could not be read, so that nothing is known for sure.
    #[error("the bank could not be read: {0}")]
    Unread(String),
    /// No sync can be started.
    #[error(transparent)]
    Sync(#[from] StartError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}
