//! The daemon: keeps a person's Monzo history in SQLite, stays logged in, and answers JSON-RPC on a Unix socket.
//!
//! *Sync brings facts from the bank into the store; RPC answers from it; app wires.*
//! Read [`facts`] first: the values that travel between the modules.

pub mod app;
pub mod attention;
pub mod autosort;
pub mod clock;
pub mod config;
pub mod events;
pub mod exclusion;
pub mod facts;
mod fault;
pub mod host;
pub mod insight;
pub mod ledger;
pub mod login;
pub mod metrics;
pub mod monzo;
pub mod notify;
pub mod rpc;
pub mod rule;
pub mod services;
pub mod store;
pub mod sync;

pub use app::run;
