//! Money out: rules that move money between an account and its pots; planned, explained, bounded, exactly once.
//!
//! Deciding is pure ([`rule`] and what stands on it); doing is a journalled sequence of transfers.

pub mod backtest;
pub mod replay;
pub mod rule;
pub mod suggest;
