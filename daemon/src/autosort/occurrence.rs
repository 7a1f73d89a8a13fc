//! Occurrences: each time that a rule is due, once and for all under its key (autosorter.md 2).

mod facts;

pub use facts::{
    Begin, CreditKind, CreditMarks, CreditRow, Edge, Evaluation, Facts, Fired, History, Memory, Occurrence,
    State, Subject, Synced, Watch, Why,
};

impl CreditKind {
    /// What a credit is; what is not known to be income is not.
    pub fn of(marks: CreditMarks<'_>) -> Self {
        const RAILS: [&str; 6] =
            ["bacs", "payport_faster_payments", "faster_payments", "chaps", "p2p_payment", "monzo_to_monzo"];
        let not_income = marks.reversal
            || marks.direct_debit
            || marks.flex
            || marks.account_kind == "uk_monzo_flex"
            || !RAILS.contains(&marks.scheme);
        match not_income {
            true => Self::Other,
            false if marks.own => Self::Own,
            false => Self::Income,
        }
    }
}
