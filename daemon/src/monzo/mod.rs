//! The bank as seen from here: its endpoints, its refusals, its limits, and its JSON as facts.
//!
//! Everything that is sent goes through [`HttpClient`], everything that comes back through [`wire`];
//! nothing else in the daemon knows how the bank speaks.

mod client;
mod error;
mod http_client;
mod moves;
mod own;
mod rate_limiter;
mod retry;
mod row_flags;
#[cfg(test)]
pub(crate) mod tests;
mod transport;
pub mod wire;

pub use client::{Bearer, Client, Since};
pub use error::{Error, Verdict};
pub use http_client::{HttpClient, jitter};
pub use moves::{Move, MoveError};
pub use own::Own;
pub use rate_limiter::{Lane, RateLimiter};
pub use retry::{Patience, wait};
pub use row_flags::{row_flags, series};
pub use transport::{Boxed, Failure, Https, Method, Request, Response, Transport};
