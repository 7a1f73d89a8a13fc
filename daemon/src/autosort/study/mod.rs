//! What the ledger teaches: rules that it suggests, and what a rule would have done in the past.

pub mod backtest;
pub(crate) mod learnt;
pub mod suggest;
