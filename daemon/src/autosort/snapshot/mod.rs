//! What a decision needs, read from the database as values.

pub(crate) mod bill_inputs;
pub mod books;
pub(crate) mod planning;
pub(crate) mod trigger_inputs;
