//! What is wrong with a configuration: every problem of every file, each with its place and what would be right.
//!
//! A line is shown as the person wrote it, unless it may hold a secret that was put in the wrong place.

use std::{fmt, ops::Range, path::PathBuf};

use monzo_common::model::ConfigProblem;

/// All that is wrong with the configuration; never empty.
#[derive(Debug, thiserror::Error)]
#[error("{}", .problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct ConfigError {
    /// The problems, in the order of the files and their lines.
    pub problems: Vec<Problem>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong, in one sentence.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// Where it is; `None` when it is no place in a file.
    pub excerpt: Option<Excerpt>,
}

/// A place in a configuration file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FilePosition {
    /// The file, or the name given to a text that is no file.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

impl FilePosition {
    /// Returns the file and line.
    pub fn without_column(&self) -> String {
        format!("{}:{}", self.file.display(), self.line)
    }
}

impl fmt::Display for FilePosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file.display(), self.line, self.column)
    }
}

/// A place and the line there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    /// Where.
    pub place: FilePosition,
    /// The line as written; `None` when it may hold a secret.
    pub line: Option<String>,
    /// How many characters from the column on are meant, at least one.
    pub width: usize,
}

impl Excerpt {
    /// Finds the place of the bytes `span` in `text`, the content of `file`.
    pub(crate) fn of(file: PathBuf, text: &str, span: Range<usize>) -> Self {
        let start = floor(text, span.start);
        let begin = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let end = text[start..].find('\n').map_or(text.len(), |newline| start + newline);
        let line = text[begin..end].trim_end_matches('\r');
        let place = FilePosition {
            file,
            line: text[..begin].matches('\n').count() + 1,
            column: text[begin..start].chars().count() + 1,
        };
        let until = floor(text, span.end.clamp(start, end));
        let width = text[start..until].chars().count().max(1);
        Self { place, line: (!may_hold_secret(line)).then(|| line.to_owned()), width }
    }
}

/// The greatest character boundary at or below `at`.
fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|index| text.is_char_boundary(*index)).unwrap_or(0)
}

/// Tells whether a line may hold a secret that was put into the configuration by mistake.
fn may_hold_secret(line: &str) -> bool {
    let line = line.to_lowercase();
    let words = ["secret", "token", "password", "passwd", "seal", "mnzconf", "mnzpub", "bearer", "eyj"];
    words.iter().any(|word| line.contains(word)) || (line.contains("://") && line.contains('@'))
}

impl Problem {
    /// Returns the problem on one line, without the file's own words: for the journal and for `status`.
    pub fn summary(&self) -> String {
        let place = self.excerpt.as_ref().map(|at| format!("{}: ", at.place)).unwrap_or_default();
        let help = self.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
        format!("{place}{}{help}", self.message)
    }
}

impl From<&Problem> for ConfigProblem {
    fn from(problem: &Problem) -> Self {
        let place = problem.excerpt.as_ref().map(|at| &at.place);
        let number = |number: usize| u32::try_from(number).ok();
        Self {
            file: place.map(|at| at.file.display().to_string()).unwrap_or_default(),
            line: place.and_then(|at| number(at.line)),
            column: place.and_then(|at| number(at.column)),
            message: problem.message.clone(),
            hint: problem.help.clone(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(Excerpt { place, line, width }) = &self.excerpt {
            write!(f, "\n  --> {place}")?;
            if let Some(line) = line {
                let number = place.line.to_string();
                let margin = " ".repeat(number.len());
                // A tab is one column but several cells: repeat it, so that the mark stands under its word.
                let before = line.chars().take(place.column - 1);
                let indent: String = before.map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
                write!(f, "\n {margin} |\n {number} | {line}\n {margin} | {indent}{}", "^".repeat(*width))?;
            }
        }
        if let Some(help) = &self.help {
            write!(f, "\n  help: {help}")?;
        }
        Ok(())
    }
}

/// Says that `found` is none of `words`, with the nearest of them.
pub(crate) fn not_one_of(found: &str, words: &[&str]) -> String {
    let hint = nearest(found, words.iter().copied()).map(|word| format!("; did you mean \"{word}\"?"));
    format!("expected one of {}{}", words.join(", "), hint.unwrap_or_default())
}

/// Returns the candidate that `found` is most likely a misspelling of.
pub(crate) fn nearest<'w>(found: &str, candidates: impl Iterator<Item = &'w str>) -> Option<&'w str> {
    let found = found.to_lowercase().replace('-', "_");
    let tolerated = (found.chars().count() / 3).max(1);
    candidates
        .map(|word| (distance(&found, word), word))
        .filter(|(distance, _)| *distance <= tolerated)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

/// Counts the insertions, deletions, substitutions and swaps of neighbours between two words.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<_>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let same = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (rows[i - 1][j] + 1).min(row[j - 1] + 1).min(rows[i - 1][j - 1] + same);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_shown_with_its_line_and_a_mark() {
        let text = "[sync]\n\tintervall = \"6h\"\n";
        let at = text.find("intervall").expect("it is there");
        let problem = Problem {
            message: "unknown key `intervall` in [sync]".into(),
            help: Some("did you mean `interval`?".into()),
            excerpt: Some(Excerpt::of("/etc/monzod/monzod.toml".into(), text, at..at + 9)),
        };
        let shown = [
            "unknown key `intervall` in [sync]",
            "  --> /etc/monzod/monzod.toml:2:2",
            "   |",
            " 2 | \tintervall = \"6h\"",
            "   | \t^^^^^^^^^",
            "  help: did you mean `interval`?",
        ];
        assert_eq!(problem.to_string(), shown.join("\n"));
        let summary =
            "/etc/monzod/monzod.toml:2:2: unknown key `intervall` in [sync] (did you mean `interval`?)";
        assert_eq!(problem.summary(), summary);
    }

    #[test]
    fn a_line_that_may_hold_a_secret_is_not_shown() {
        let text = "client_secret = \"mnzconf.abc\"";
        let excerpt = Excerpt::of("x".into(), text, 0..13);
        assert_eq!((excerpt.line, excerpt.place.line), (None, 1));
    }

    #[test]
    fn spans_outside_the_text_are_survived() {
        for span in [0..0, 5..5, 3..99, 99..100, 1..2] {
            let excerpt = Excerpt::of("x".into(), "é\né", span);
            assert!(excerpt.width >= 1);
        }
        assert_eq!(Excerpt::of("x".into(), "", 0..0).place.column, 1);
    }

    #[test]
    fn the_nearest_word_is_found_unless_all_are_far() {
        let words = ["interval", "jitter", "on_start", "poll"];
        let check = |found, wanted| assert_eq!(nearest(found, words.into_iter()), wanted, "{found}");
        check("intervall", Some("interval"));
        check("intevral", Some("interval"));
        check("on-start", Some("on_start"));
        check("pol", Some("poll"));
        check("frequency", None);
        check("", None);
    }
}
