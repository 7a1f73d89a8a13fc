//! Money out: rules that move money between an account and its pots; planned, explained, bounded, exactly once.
//!
//! Deciding is pure ([`rule`] and what stands on it); doing is a journalled sequence of transfers.

pub mod bills;
pub mod calendar;
pub mod example;
#[cfg(test)]
mod fixtures;
pub mod guard;
pub mod occurrence;
pub mod plan;
pub mod resolve;
pub mod rule;
pub mod suggest;
pub mod world;
