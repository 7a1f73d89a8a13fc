//! Text from outside, made safe and measured: no control characters reach a terminal, widths count cells.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The text on one line, without characters that could steer a terminal or turn the writing direction.
pub fn clean(text: &str) -> Cow<'_, str> {
    if text.chars().all(|c| !steers(c)) {
        return Cow::Borrowed(text);
    }
    let safe: String = text.chars().map(|c| if steers(c) { ' ' } else { c }).collect();
    Cow::Owned(safe.split_whitespace().collect::<Vec<_>>().join(" "))
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

fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Cells that a text takes on a terminal.
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// The text in at most `cells` cells, with `…` where something was cut.
pub(super) fn cut(text: &str, cells: usize) -> Cow<'_, str> {
    if width(text) <= cells {
        return Cow::Borrowed(text);
    }
    let mut room = cells.saturating_sub(1);
    let mut kept = String::new();
    for c in text.chars() {
        let cells = c.width().unwrap_or(0);
        if cells > room {
            break;
        }
        room -= cells;
        kept.push(c);
    }
    let mut kept = kept.trim_end().to_owned();
    if cells > 0 {
        kept.push('…');
    }
    Cow::Owned(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_steers_a_terminal_passes() {
        assert_eq!(clean("TESCO \x1b]0;owned\x07 STORES\r\n2"), "TESCO ]0;owned STORES 2");
        assert_eq!(clean("a\u{202e}b"), "a b");
        assert_eq!(clean("PRET   A MANGER"), "PRET   A MANGER");
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
}
