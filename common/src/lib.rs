//! The words that `monzod` and `monzoctl` share: money, ids, periods, the model, the RPC contract and its faults.
//!
//! For both programs, so that neither can mean something else by the same word.
//! Nothing here does I/O: values come in, values go out, and time, zone and environment are parameters.
//! Read [`money`] and [`id`] first, then [`model`], then [`api`] and [`fault`].

pub mod amount;
pub mod api;
pub mod fault;
pub mod id;
pub mod model;
pub mod money;
pub mod openrpc;
pub mod paths;
pub mod period;
pub mod shell;

/// Version of both programs; they are released together.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
