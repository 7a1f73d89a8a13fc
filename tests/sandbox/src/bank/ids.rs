//! The bank's ids: a prefix, `_`, then 22 base-62 characters that begin with `0000` and sort by time
//! (monzo/README.md, Ids and categories).

use super::clock::Ms;
use crate::random::mix;

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Characters that hold the instant.
const TIME: usize = 8;

/// Characters that keep ids of one instant apart.
const SALT: usize = 10;

/// An id made at `at`; `salt` tells it from others of that instant.
pub fn id(prefix: &str, at: Ms, salt: u64) -> String {
    let mut text = String::with_capacity(prefix.len() + 23);
    text.push_str(prefix);
    text.push_str("_0000");
    push(&mut text, at.max(0).unsigned_abs(), TIME);
    push(&mut text, mix(salt), SALT);
    text
}

/// An opaque token or code.
pub fn token(prefix: &str, salt: u64) -> String {
    let mut text = prefix.to_owned();
    push(&mut text, mix(salt), 11);
    push(&mut text, mix(salt ^ 0x5EED), 11);
    text
}

/// When an id was made, if it is shaped like one.
pub fn made_at(id: &str) -> Option<Ms> {
    let (_, tail) = id.split_once('_')?;
    let digits = tail.strip_prefix("0000")?.as_bytes().get(..TIME)?;
    digits.iter().try_fold(0, |at: Ms, byte| {
        let digit = DIGITS.iter().position(|digit| digit == byte)?;
        at.checked_mul(62)?.checked_add(Ms::try_from(digit).ok()?)
    })
}

fn push(text: &mut String, mut number: u64, width: usize) {
    let mut digits = [b'0'; 11];
    for digit in digits.iter_mut().take(width).rev() {
        *digit = DIGITS[usize::try_from(number % 62).unwrap_or(0)];
        number /= 62;
    }
    text.extend(digits.iter().take(width).map(|digit| char::from(*digit)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_the_banks_shape_and_sort_by_time() {
        let (early, late) = (id("tx", 1_700_000_000_000, 9), id("tx", 1_700_000_000_001, 1));
        assert!(early < late, "{early} {late}");
        assert!(early.starts_with("tx_0000") && early.len() == "tx_".len() + 22, "{early}");
        assert_eq!(made_at(&early), Some(1_700_000_000_000));
    }

    #[test]
    fn what_is_no_id_has_no_time() {
        for text in ["", "tx", "tx_", "tx_00", "tx_0000!!!!!!!!", "2026-01-01T00:00:00Z"] {
            assert_eq!(made_at(text), None, "{text}");
        }
    }
}
