//! Questions over one snapshot of the database: what was, counted from the rows.
//!
//! Everything here takes a [`Reader`](crate::store::Reader) and answers with values; SQL sums integers, Rust groups.

pub mod accuracy;
pub mod balances;
pub mod bills;
pub mod calendar;
pub mod cashflow;
pub mod entries;
pub mod figures;
pub mod history;
pub mod payday;
pub mod recurring;
pub mod scope;
