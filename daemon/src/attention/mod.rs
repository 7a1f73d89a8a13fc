//! What needs a person, and how to mend it: `monzoctl status` lists it, notifications tell it, metrics count it.
//!
//! A *problem* is what a person must act on, a *note* what they may want to know. The id of an attention stays the same
//! as long as its reason lasts, so that a person can silence one without silencing the next.
//!
//! [`Observer`] reads the [`Inputs`]; [`attention`] decides, as a pure function of them.

mod inputs;
mod login;
mod machine;
mod observer;
mod silence;
mod sorter;
mod store;
mod sync;
#[cfg(test)]
mod tests;

use monzo_common::model::{Attention, Severity};

pub use inputs::{Difference, Inputs, MissingHistory, OpenRun, Troubles};
pub use observer::{Observed, Observer, Parts};

/// What needs a person, problems first.
pub fn attention(inputs: &Inputs) -> Vec<Attention> {
    let subjects =
        [store::attention, login::attention, sync::attention, machine::attention, sorter::attention];
    let mut all: Vec<Attention> = subjects.iter().flat_map(|subject| subject(inputs)).collect();
    all.sort_by_key(|attention| attention.severity == Severity::Note);
    all
}

/// The database cannot be used, and only what repairs it is served.
pub fn rescue(reason: &str, hint: &str) -> Attention {
    problem("rescue", reason, hint)
}

/// The database is being replaced at this moment.
pub fn restoring() -> Attention {
    note("restoring", "the database is being put back from a backup", "wait a moment")
}

fn problem(code: &str, message: impl Into<String>, hint: &str) -> Attention {
    about(Severity::Problem, code, "", message, hint)
}

fn note(code: &str, message: impl Into<String>, hint: &str) -> Attention {
    about(Severity::Note, code, "", message, hint)
}

/// An attention about one account, rule, run or pot, which is part of its id; about none where `subject` is empty.
fn about(severity: Severity, code: &str, subject: &str, message: impl Into<String>, hint: &str) -> Attention {
    let id = if subject.is_empty() { code.to_owned() } else { format!("{code}:{subject}") };
    Attention { id, code: code.to_owned(), severity, message: message.into(), hint: hint.to_owned() }
}
