//! Runs, from the proposal to the end: what people approve or refuse, and one transfer after the other.
//!
//! What comes next follows from the stored state alone ([`state`]), so that a run that a crash interrupted goes on by
//! the same code.

mod adopt;
mod approve;
mod cancel;
mod crash;
pub mod dedupe;
pub(crate) mod execute;
pub(crate) mod finish;
mod freeze;
pub(crate) mod propose;
mod reconcile;
mod service;
mod settle;
pub mod state;
pub(crate) mod triggers;
use jiff::Timestamp;

use super::decide::decision::Binding;
use crate::store::{StoreError, Writer};

/// Binds names to what they mean now; those that are bound already stay so.
pub(crate) fn bind(writer: &Writer<'_>, bindings: &[Binding], now: Timestamp) -> Result<(), StoreError> {
    for one in bindings {
        writer.bind(one.kind, &one.name, &one.id, now)?;
    }
    Ok(())
}
