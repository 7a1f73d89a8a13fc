//! A record of the bank as JSON text: kept as it was sent, and read as far as it can be.
//!
//! The bank cuts texts at a length, also in the middle of an emoji. Half of a surrogate pair is then left as an escape,
//! which decoders refuse. Such a half is read as the replacement character, and the rest of the record as it is.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::value::RawValue;

/// Objects and lists deeper than this are shown as their text: whoever reads the answer has a limit too.
const DEEPEST: usize = 64;

/// Hexadecimal digits of an escape.
const DIGITS: usize = 4;

/// The same JSON with each half of a surrogate pair replaced, so that it can be decoded.
pub fn decodable(json: &str) -> Cow<'_, str> {
    let mut mended = String::new();
    let (mut copied, mut at) = (0, 0);
    while let Some(found) = json.get(at..).and_then(|rest| rest.find('\\')) {
        let escape = at + found;
        match unit(json, escape) {
            Some(0xD800..=0xDBFF) if matches!(unit(json, escape + 6), Some(0xDC00..=0xDFFF)) => {
                at = escape + 12;
            }
            Some(0xD800..=0xDFFF) => {
                mended.push_str(&json[copied..escape]);
                mended.push_str("\\ufffd");
                at = escape + 6;
                copied = at;
            }
            // Whatever is escaped takes a character more, which may itself be a backslash.
            _ => at = escape + 1 + json[escape + 1..].chars().next().map_or(0, char::len_utf8),
        }
    }
    if copied == 0 {
        return Cow::Borrowed(json);
    }
    mended.push_str(&json[copied..]);
    Cow::Owned(mended)
}

/// The UTF-16 unit that is escaped at a place of the text, if one is.
fn unit(json: &str, at: usize) -> Option<u16> {
    let digits = json.get(at..)?.strip_prefix("\\u")?.get(..DIGITS)?;
    u16::from_str_radix(digits, 16).ok()
}

/// The record as a value; what in it cannot be decoded is there as its text.
pub fn value(json: &str) -> Value {
    let json = decodable(json);
    // Nearly every record is sound and shallow; piece by piece, each level would be read again within the next.
    let opened = json.bytes().filter(|byte| matches!(byte, b'{' | b'[')).count();
    let whole = if opened <= DEEPEST { serde_json::from_str(&json).ok() } else { None };
    whole.unwrap_or_else(|| part(&json, DEEPEST))
}

fn part(json: &str, levels: usize) -> Value {
    let whole = match json.trim_start().as_bytes().first() {
        Some(b'{') if levels > 0 => {
            serde_json::from_str::<BTreeMap<String, &RawValue>>(json).map(|entries| {
                entries.into_iter().map(|(key, raw)| (key, part(raw.get(), levels - 1))).collect()
            })
        }
        Some(b'[') if levels > 0 => serde_json::from_str::<Vec<&RawValue>>(json)
            .map(|items| items.into_iter().map(|raw| part(raw.get(), levels - 1)).collect()),
        Some(b'{' | b'[') => return Value::String(json.to_owned()),
        _ => serde_json::from_str(json),
    };
    whole.unwrap_or_else(|_| Value::String(json.to_owned()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn half_a_surrogate_pair_is_a_replacement_character() {
        for (sent, read) in [
            (r#""caf\u00e9""#, "café"),
            (r#""\ud83d\udc36""#, "🐶"),
            (r#""dog \ud83d""#, "dog \u{fffd}"),
            (r#""\udc36 dog""#, "\u{fffd} dog"),
            (r#""\ud83d\ud83d\udc36""#, "\u{fffd}🐶"),
            (r#""\udc36\ud83d""#, "\u{fffd}\u{fffd}"),
            (r#""\\ud83d""#, r"\ud83d"),
            (r#""\\\ud83d""#, "\\\u{fffd}"),
            (r#""\"\uD83D\"""#, "\"\u{fffd}\""),
        ] {
            assert_eq!(value(sent), read, "{sent}");
        }
    }

    #[test]
    fn what_cannot_be_decoded_is_shown_as_its_text_and_the_rest_as_it_is() {
        assert_eq!(
            value(r#"{"a":1,"\ud800":[true,1e999,{"b":null}]}"#),
            json!({"a": 1, "\u{fffd}": [true, "1e999", {"b": null}]})
        );
        for text in ["", "{", "[1,", "nothing", "{\"a\":}"] {
            assert_eq!(value(text), text);
        }
        let deep = format!("{}{}", "[".repeat(9_000), "]".repeat(9_000));
        assert!(value(&deep).to_string().contains(&"[".repeat(9_000 - DEEPEST)));
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in r#"[\\ud83Dc0\"\{\}\[\],:é🐶]{0,40}"#) {
            let _ = value(&text);
        }

        #[test]
        fn what_can_be_decoded_is_read_as_it_is(text in "\\PC{0,40}", number in any::<i64>()) {
            let sent = json!({ &text: [text, number, {"n": null}] });
            prop_assert_eq!(value(&sent.to_string()), sent);
        }
    }
}
