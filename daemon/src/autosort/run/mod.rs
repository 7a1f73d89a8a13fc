//! Runs, from the proposal to the end: what people approve or refuse, and one transfer after the other.
//!
//! What comes next follows from the stored state alone ([`state`]), so that a run that a crash interrupted goes on by
//! the same code.

pub(crate) mod adopt;
mod approve;
pub(crate) mod asks;
mod cancel;
mod crash;
pub mod dedupe;
pub mod error;
pub(crate) mod execute;
pub(crate) mod finish;
mod freeze;
pub(crate) mod proposal;
pub(crate) mod propose;
mod reconcile;
mod refusal;
mod rule_changes;
mod service;
mod settle;
pub mod state;
mod take_up;
pub(crate) mod triggers;
