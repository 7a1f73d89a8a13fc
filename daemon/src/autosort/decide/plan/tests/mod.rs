//! Tables of cases for every sentence about plans, and properties over arbitrary rules and states.

mod approved;
mod properties;
mod sentences;
