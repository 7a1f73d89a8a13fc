//! Attentions that a person has silenced, each until a time or for as long as it lasts.

use std::collections::BTreeMap;

use jiff::Timestamp;
use monzo_common::model::Attention;

/// Until when each attention is silenced, by its id; without a time, for as long as it lasts.
pub(super) type Silences = BTreeMap<String, Option<Timestamp>>;

/// Whether the attention is silenced now.
pub(super) fn is_silenced(silences: &Silences, id: &str, now: Timestamp) -> bool {
    silences.get(id).is_some_and(|until| until.is_none_or(|until| until > now))
}

/// Silences for as long as an attention lasts, where it no longer lasts: the next of the same id is not silenced.
pub(super) fn ended(silences: &Silences, all: &[Attention]) -> Vec<String> {
    let lasts = |id: &String| all.iter().any(|attention| attention.id == *id);
    silences.iter().filter(|(id, until)| until.is_none() && !lasts(id)).map(|(id, _)| id.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silence_without_a_time_ends_with_its_attention() {
        let there = crate::attention::restoring();
        let silenced = [there.id.as_str(), "gone", "gone_but_dated"].map(str::to_owned);
        let until = [None, None, Some(Timestamp::MAX)];
        let silences: Silences = silenced.into_iter().zip(until).collect();
        assert_eq!(ended(&silences, &[there]), ["gone"]);
    }

    #[test]
    fn a_silence_with_a_time_ends_then() {
        let silences = Silences::from([("quarantine".to_owned(), Some(Timestamp::UNIX_EPOCH))]);
        assert!(is_silenced(&silences, "quarantine", Timestamp::MIN));
        assert!(!is_silenced(&silences, "quarantine", Timestamp::UNIX_EPOCH));
        assert!(!is_silenced(&silences, "login_needed", Timestamp::MIN));
    }
}
