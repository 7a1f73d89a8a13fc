//! Text from outside, made safe and measured: no control characters reach a terminal, widths count cells.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// The text on one line, without characters that could steer a terminal or turn the writing direction.
pub fn clean(text: &str) -> Cow<'_, str> {
    if text.chars().all(|c| !steers(c)) {
        return Cow::Borrowed(text);
    }
    let safe: String = text.chars().map(|c| if steers(c) { ' ' } else { c }).collect();
    Cow::Owned(safe.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// One line of an indented text, cleaned, with its indent.
pub(super) fn kept_indent(line: &str) -> String {
    let text = line.trim_start_matches(' ');
    format!("{}{}", &line[..line.len() - text.len()], clean(text))
}

/// The daemon's words as a sentence: with a capital and a final point.
pub fn sentence(text: &str) -> String {
    let text = clean(text);
    let mut chars = text.trim().chars();
    let Some(first) = chars.next() else { return String::new() };
    let mut sentence: String = first.to_uppercase().chain(chars).collect();
    if !sentence.ends_with(['.', '!', '?', '…']) {
        sentence.push('.');
    }
    sentence
}

/// A finished text as a screen may show it: lines, tabs and our own colours stay, all else that steers is replaced.
///
/// Views clean what they are given; this holds for whatever a view forgets.
pub fn shown(text: &str) -> Cow<'_, str> {
    replaced(text, colour)
}

/// The same for a text that no colour of ours is in, such as CSV.
pub fn shown_plain(text: &str) -> Cow<'_, str> {
    replaced(text, |_| None)
}

fn replaced(text: &str, colour: fn(&str) -> Option<usize>) -> Cow<'_, str> {
    if text.chars().all(|c| stays(c) || !steers(c)) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let length = match colour(rest) {
            Some(length) => length,
            None if steers(c) && !stays(c) => {
                safe.push(REPLACED);
                rest = &rest[c.len_utf8()..];
                continue;
            }
            None => c.len_utf8(),
        };
        safe.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    Cow::Owned(safe)
}

/// JSON for a screen: the same values, with what could steer it as `\u…`.
pub fn escaped(json: &str) -> Cow<'_, str> {
    if json.chars().all(|c| c == '\n' || !steers(c)) {
        return Cow::Borrowed(json);
    }
    let mut safe = String::with_capacity(json.len());
    for c in json.chars() {
        if c == '\n' || !steers(c) {
            safe.push(c);
        } else {
            c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| safe.push_str(&format!("\\u{unit:04x}")));
        }
    }
    Cow::Owned(safe)
}

/// What stands where something that steers was.
const REPLACED: char = char::REPLACEMENT_CHARACTER;

/// The length of a colour of ours that begins here.
fn colour(rest: &str) -> Option<usize> {
    let body = rest.strip_prefix("\x1b[")?;
    let digits = body.find(|c: char| !c.is_ascii_digit())?;
    body[digits..].starts_with('m').then_some("\x1b[".len() + digits + 1)
}

fn stays(c: char) -> bool {
    matches!(c, '\n' | '\t')
}

/// Controls, marks that turn the writing direction, line separators, and invisible tags and annotations.
///
/// Joiners stay: emoji and some scripts are written with them.
fn steers(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
        )
}

/// Cells that a text takes on a terminal.
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// The text in at most `cells` cells, with `…` where something was cut; never within a joined character.
pub(super) fn cut(text: &str, cells: usize) -> Cow<'_, str> {
    if width(text) <= cells {
        return Cow::Borrowed(text);
    }
    let mut room = cells.saturating_sub(1);
    let mut kept = String::new();
    for character in text.graphemes(true) {
        let cells = width(character);
        if cells > room {
            break;
        }
        room -= cells;
        kept.push_str(character);
    }
    let mut kept = kept.trim_end().to_owned();
    if cells > 0 {
        kept.push('…');
    }
    Cow::Owned(kept)
}

/// The text in lines of at most `cells` cells, broken at spaces where there are some.
pub(super) fn broken(text: &str, cells: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let line = lines.last().map_or(0, |line| width(line));
        if line > 0 && line + 1 + width(word) <= cells {
            lines.iter_mut().last().into_iter().for_each(|line| *line = format!("{line} {word}"));
            continue;
        }
        if line > 0 {
            lines.push(String::new());
        }
        for character in word.graphemes(true) {
            let full =
                lines.last().is_some_and(|line| width(line) + width(character) > cells && !line.is_empty());
            if full {
                lines.push(String::new());
            }
            lines.iter_mut().last().into_iter().for_each(|line| line.push_str(character));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_steers_a_terminal_passes() {
        assert_eq!(clean("TESCO \x1b]0;owned\x07 STORES\r\n2"), "TESCO ]0;owned STORES 2");
        for steers in
            ["\u{202e}", "\u{61c}", "\u{9b}", "\u{7f}", "\u{e0041}\u{e007f}", "\u{2066}", "\u{feff}"]
        {
            assert_eq!(clean(&format!("a{steers}b")), "a b", "{steers:?}");
            let shown = shown(&format!("\x1b[31ma{steers}b\x1b[0m\n")).into_owned();
            assert!(shown.starts_with("\x1b[31ma\u{fffd}") && shown.ends_with("b\x1b[0m\n"), "{shown:?}");
            assert_eq!(shown_plain("note\x1b[8m\n"), "note\u{fffd}[8m\n");
        }
        assert_eq!(
            shown("\x1b]0;owned\x07\x1b[2J\x1b[1;31mx"),
            "\u{fffd}]0;owned\u{fffd}\u{fffd}[2J\u{fffd}[1;31mx"
        );
        assert_eq!(clean("PRET   A MANGER"), "PRET   A MANGER");
    }

    #[test]
    fn json_for_a_screen_is_the_same_json() {
        let value = serde_json::json!({"a\u{202e}": "\x1b[2J \u{9b}\u{7f}\u{e0041} £ 👨‍👩‍👧 \n"});
        let raw = value.to_string();
        let safe = escaped(&raw);
        assert!(!safe.chars().any(steers), "{safe:?}");
        assert!(safe.contains("\\udb40\\udc41") && safe.contains("👨‍👩‍👧"), "{safe}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&safe).expect("JSON"), value);
    }

    #[test]
    fn words_become_a_sentence() {
        assert_eq!(sentence("it was approved already"), "It was approved already.");
        assert_eq!(sentence("Done."), "Done.");
        assert_eq!(sentence(" "), "");
    }

    #[test]
    fn wide_characters_count_their_cells() {
        assert_eq!(cut("日本語テキスト", 7), "日本語…");
        assert_eq!(cut("short", 7), "short");
        assert_eq!(cut("a longer text", 8), "a longe…");
        assert_eq!(cut("abc", 0), "");
    }

    #[test]
    fn nothing_is_cut_within_a_joined_character() {
        for (text, cells, expected) in [
            ("👨‍👩‍👧‍👦 family", 3, "👨‍👩‍👧‍👦…"),
            ("👨‍👩‍👧‍👦 family", 2, "…"),
            ("🇬🇧🇫🇷🇩🇪", 4, "🇬🇧…"),
            ("👍🏽👍🏽", 3, "👍🏽…"),
            ("Cafe\u{301} Noir", 5, "Cafe\u{301}…"),
        ] {
            assert_eq!(cut(text, cells), expected, "{text} in {cells}");
            assert!(width(expected) <= cells);
        }
    }
}
