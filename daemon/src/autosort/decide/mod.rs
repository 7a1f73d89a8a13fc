//! Pure decisions: no clock, store, bank or network is within their reach.

pub(crate) mod balances;
pub mod bills;
pub mod calendar;
pub mod check;
pub mod decision;
pub mod example;
#[cfg(test)]
pub(crate) mod fixtures;
pub mod guard;
pub mod manual;
pub mod names;
pub mod occurrence;
pub mod plan;
pub mod quiet_hours;
pub mod reversal;
pub mod trouble;
pub mod world;
