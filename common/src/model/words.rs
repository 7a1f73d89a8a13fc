//! States and kinds that code compares: enums with one spelling each, in JSON, in the database and in metrics.

/// A word that none of the variants of an enum is spelled with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("‘{word}’ is no {what} that this version knows")]
pub struct UnknownWord {
    /// What the word should have been.
    pub what: &'static str,
    /// The word.
    pub word: String,
}

/// Gives an enum its spellings, which are those that serde gives it.
macro_rules! words {
    ($type:ident, $what:literal, $($variant:ident => $word:literal),+ $(,)?) => {
        impl $type {
            /// Every variant.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The one spelling, in JSON, in the database and in metrics.
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),+
                }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.word())
            }
        }

        impl std::str::FromStr for $type {
            type Err = $crate::model::UnknownWord;

            fn from_str(word: &str) -> Result<Self, Self::Err> {
                match word {
                    $($word => Ok(Self::$variant),)+
                    _ => Err($crate::model::UnknownWord { what: $what, word: word.to_owned() }),
                }
            }
        }
    };
}
pub(crate) use words;

#[cfg(test)]
mod tests {
    use std::fmt::Debug;
    use std::str::FromStr;

    use serde::Serialize;

    use super::*;
    use crate::model::{
        Approver, BillOrigin, BillState, OccurrenceState, RuleMode, RunCause, RunState, StepKind, SyncCause,
        SyncState, TransferKind, TransferState,
    };

    #[track_caller]
    fn check<T>(all: &[T], word: impl Fn(T) -> &'static str)
    where
        T: Copy + Debug + PartialEq + Serialize + FromStr<Err = UnknownWord>,
    {
        for one in all {
            assert_eq!(serde_json::json!(one), word(*one), "as JSON spells it");
            assert_eq!(word(*one).parse(), Ok(*one), "and back");
        }
        let unknown = T::from_str("reversed").expect_err("no such word").to_string();
        assert!(unknown.contains("‘reversed’"), "{unknown}");
    }

    #[test]
    fn every_state_and_kind_has_one_spelling_and_an_unknown_one_is_an_error() {
        check(RunState::ALL, RunState::word);
        check(TransferState::ALL, TransferState::word);
        check(TransferKind::ALL, TransferKind::word);
        check(RunCause::ALL, RunCause::word);
        check(Approver::ALL, Approver::word);
        check(OccurrenceState::ALL, OccurrenceState::word);
        check(SyncState::ALL, SyncState::word);
        check(SyncCause::ALL, SyncCause::word);
        check(RuleMode::ALL, RuleMode::word);
        check(StepKind::ALL, StepKind::word);
        check(BillState::ALL, BillState::word);
        check(BillOrigin::ALL, BillOrigin::word);
    }
}
