//! Idempotency keys, by which the bank never makes a transfer twice, and random ids (autosort/README.md, Exactly once).
//!
//! A key is made of who, which rule and which occurrence, so that a run that was forgotten and is planned again, after
//! a restored backup or on a second machine, meets the bank's own memory and cannot move twice.

use jiff::Timestamp;
use monzo_common::id::UserId;
use monzo_common::model::TransferKind;
use sha2::{Digest, Sha256};

/// The digits of ids and keys: lower-case base32.
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// Digits of a seed: a hundred bits.
const SEED: usize = 20;

/// What every key of ours begins with.
pub const PREFIX: &str = "mz-";

fn digits(bits: &[u8], count: usize) -> String {
    let digit = |index: usize| {
        let (byte, shift) = (index * 5 / 8, index * 5 % 8);
        let high = u16::from(bits.get(byte).copied().unwrap_or(0));
        let low = u16::from(bits.get(byte + 1).copied().unwrap_or(0));
        let five = ((high << 8 | low) >> (11 - shift)) & 31;
        char::from(ALPHABET[usize::from(five)])
    };
    (0..count).map(digit).collect()
}

/// The seed of an occurrence's run: the same wherever and whenever it is planned.
pub fn seed(user: &UserId, rule: &str, occurrence: &str) -> String {
    let mut hash = Sha256::new();
    for part in [user.as_str(), rule, occurrence] {
        // With its length, so that no two ways of cutting the text are one.
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part);
    }
    digits(&hash.finalize(), SEED)
}

/// A seed for a run that a person makes: never the same twice.
///
/// # Errors
/// When the system has no randomness, without which such a run is not safe.
pub fn fresh_seed() -> Result<String, getrandom::Error> {
    let mut bytes = [0_u8; 13];
    getrandom::fill(&mut bytes)?;
    Ok(digits(&bytes, SEED))
}

/// A run's id: random, never a counter.
pub fn fresh_run_id(now: Timestamp) -> String {
    let mut bytes = [0_u8; 10];
    if getrandom::fill(&mut bytes).is_err() {
        // The time must do: two runs never begin in the same millisecond.
        let digest = Sha256::digest(now.as_millisecond().to_be_bytes());
        bytes.iter_mut().zip(digest).for_each(|(byte, digit)| *byte = digit);
    }
    format!("run_{}", digits(&bytes, 16))
}

/// The beginning of every key of a run.
pub fn prefix(seed: &str) -> String {
    format!("{PREFIX}{seed}-")
}

/// The key of one transfer: its place, `z` for the return, and which way the money goes.
pub fn key(seed: &str, place: u32, kind: TransferKind) -> String {
    let begins = prefix(seed);
    match kind {
        TransferKind::Withdraw => format!("{begins}{place}w"),
        TransferKind::Deposit => format!("{begins}{place}d"),
        TransferKind::Return => format!("{begins}zd"),
    }
}

/// The place and direction that a key tells, if it is one of ours; a return has no place.
pub fn read(key: &str) -> Option<(&str, Option<u32>, TransferKind)> {
    let (seed, end) = key.strip_prefix(PREFIX)?.rsplit_once('-')?;
    let (place, way) = end.split_at_checked(end.len().checked_sub(1)?)?;
    let kind = match way {
        "w" => TransferKind::Withdraw,
        "d" if place == "z" => return Some((seed, None, TransferKind::Return)),
        "d" => TransferKind::Deposit,
        _ => return None,
    };
    Some((seed, Some(place.parse().ok()?), kind))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_seed_depends_on_person_rule_and_occurrence_and_on_nothing_else() {
        let user = UserId::from("user_1");
        let one = seed(&user, "payday", "2026-11-27");
        assert_eq!(one, seed(&user, "payday", "2026-11-27"));
        assert_eq!(one.len(), 20);
        assert!(one.bytes().all(|digit| ALPHABET.contains(&digit)), "{one}");
        let others = [
            seed(&"user_2".into(), "payday", "2026-11-27"),
            seed(&user, "payday2", "026-11-27"),
            seed(&user, "payday", "2026-12-31"),
        ];
        assert!(!others.contains(&one));
        // Never to change: the bank remembers the keys of earlier versions.
        assert_eq!(one, "rdje542yltzprub6xbxe");
    }

    #[test]
    fn digits_are_base32() {
        // The vectors of RFC 4648 without padding.
        assert_eq!(digits(b"foobar", 10), "mzxw6ytboi");
        assert_eq!(digits(b"foo", 5), "mzxw6");
    }

    #[test]
    fn keys_of_a_run_differ_and_tell_what_they_are() {
        let keys = [
            key("s", 1, TransferKind::Withdraw),
            key("s", 1, TransferKind::Deposit),
            key("s", 12, TransferKind::Deposit),
            key("s", 3, TransferKind::Return),
        ];
        assert_eq!(keys, ["mz-s-1w", "mz-s-1d", "mz-s-12d", "mz-s-zd"]);
        assert_eq!(BTreeSet::from(keys.clone()).len(), keys.len());
        assert_eq!(read(&keys[2]), Some(("s", Some(12), TransferKind::Deposit)));
        assert_eq!(read(&keys[3]), Some(("s", None, TransferKind::Return)));
        for other in ["mz-", "mz-s-", "mz-s-w", "mz-s-1x", "1w", "mz-s-é"] {
            assert_eq!(read(other), None, "{other}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn no_text_panics(text: String) {
            let _ = read(&text);
            let _ = read(&format!("{PREFIX}{text}"));
        }
    }
}
