//! Commands in sentences: a name as a shell reads it, so that what is printed can be pasted.

/// Characters that no shell treats specially within a word.
const PLAIN: &str = "-_.:/@";

/// The text as one word of a shell's command line.
pub fn word(text: &str) -> String {
    if !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || PLAIN.contains(c)) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_word_of_a_command_line() {
        for (name, expected) in [
            ("payday", "payday"),
            ("income_late:main:2026-11-27", "income_late:main:2026-11-27"),
            ("big pay", "'big pay'"),
            ("it's", r"'it'\''s'"),
            ("$(reboot)", "'$(reboot)'"),
            ("", "''"),
        ] {
            assert_eq!(word(name), expected);
        }
    }
}
