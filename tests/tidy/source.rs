//! Rust source as the checks see it: code without comments, texts and tests, and the texts by themselves.
//!
//! Not a parser: it knows comments, literals and braces, which is what it takes to tell code from words about code.

use super::tree::{Text, texts};

/// One source file.
pub struct Source {
    pub path: String,
    /// The code; comments, the contents of literals and unit tests are blanks, so that lines keep their numbers.
    pub code: String,
    /// The contents of text literals outside unit tests, with their lines.
    pub literals: Vec<(usize, String)>,
}

impl Source {
    pub fn new(path: &str, text: &str) -> Self {
        let (mut code, mut literals) = separate(text);
        for cut in test_items(&code) {
            let lines = line_at(&code, cut.start)..=line_at(&code, cut.end - 1);
            literals.retain(|(line, _)| !lines.contains(line));
            blank(&mut code, cut.start, cut.end);
        }
        Self { path: path.to_owned(), code, literals }
    }

    /// Lines with code on them.
    pub fn length(&self) -> usize {
        self.code.lines().filter(|line| !line.trim().is_empty()).count()
    }

    /// The lines on which `token` stands as a word of its own; it may contain `::`.
    pub fn lines_with(&self, token: &str) -> Vec<usize> {
        let part = |c: char| c.is_alphanumeric() || c == '_';
        let alone = |at: usize| {
            let before = self.code[..at].chars().next_back();
            let after = self.code[at + token.len()..].chars().next();
            let joined =
                |edge: Option<char>, next: Option<char>| edge.is_some_and(part) && next.is_some_and(part);
            !joined(token.chars().next(), before) && !joined(token.chars().next_back(), after)
        };
        let found = self.code.match_indices(token).filter(|(at, _)| alone(*at));
        found.map(|(at, _)| line_at(&self.code, at)).collect()
    }

    /// The names of this crate's root that the file uses, with their lines: `crate::x`, `super::…::x`.
    pub fn roots(&self, depth: usize) -> Vec<(usize, String)> {
        let mut found = Vec::new();
        let up = "super::".repeat(depth);
        let starts: &[&str] = if depth == 0 { &["crate::"] } else { &["crate::", &up] };
        for start in starts {
            for (at, _) in self.code.match_indices(start) {
                let before = self.code[..at].chars().next_back();
                if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
                    continue;
                }
                let rest = &self.code[at + start.len()..];
                let line = line_at(&self.code, at);
                found.extend(heads(rest).into_iter().map(|name| (line, name)));
            }
        }
        found.retain(|(_, name)| name != "super" && !name.is_empty());
        found.sort();
        found
    }
}

/// Every source file below one of `folders`; files of unit tests are left out.
pub fn sources(folders: &[&str]) -> Vec<Source> {
    let inside = |text: &Text| {
        let below = folders.iter().any(|folder| text.path.starts_with(&format!("{folder}/")));
        below && text.path.ends_with(".rs")
    };
    let texts: Vec<Text> = texts().into_iter().filter(inside).collect();
    let tests: Vec<String> = texts.iter().flat_map(test_modules).collect();
    let test = |path: &str| {
        let below = |module: &String| path.strip_prefix(module.as_str());
        tests.iter().filter_map(below).any(|rest| rest == ".rs" || rest.starts_with('/'))
    };
    let kept = texts.iter().filter(|text| !test(&text.path));
    kept.map(|text| Source::new(&text.path, &text.text)).collect()
}

/// The files, or folders, that a file declares as unit tests, without `.rs`: `#[cfg(test)] mod fixture;`.
fn test_modules(text: &Text) -> Vec<String> {
    let (code, _) = separate(&text.text);
    let folder = match text.path.rsplit_once('/') {
        Some((folder, "mod.rs" | "lib.rs" | "main.rs")) => folder,
        _ => text.path.trim_end_matches(".rs"),
    };
    let mut modules = Vec::new();
    for cut in test_items(&code) {
        if let Some(name) = code[cut].strip_suffix(';').and_then(|item| item.rsplit_once("mod ")) {
            modules.push(format!("{folder}/{}", name.1.trim()));
        }
    }
    modules
}

/// The first names of a path or of a group of paths: `x::y` is `x`, `{a, b::c}` is `a` and `b`.
fn heads(rest: &str) -> Vec<String> {
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    if !rest.starts_with('{') {
        return vec![word(rest)];
    }
    let group = &rest[1..closing(rest).unwrap_or(rest.len())];
    let (mut names, mut depth, mut begin) = (Vec::new(), 0, 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                names.push(word(group[begin..at].trim()));
                begin = at + 1;
            }
            _ => {}
        }
    }
    names.push(word(group[begin..].trim().trim_end_matches('}').trim()));
    names
}

/// Where the brace that opens `text` is closed.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 1 => return Some(at),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// The items that only tests have, from their attribute to their end.
fn test_items(code: &str) -> Vec<std::ops::Range<usize>> {
    let mut items: Vec<std::ops::Range<usize>> = Vec::new();
    for (start, attribute) in code.match_indices("#[cfg(test)]") {
        if items.last().is_some_and(|last| last.contains(&start)) {
            continue;
        }
        let after = start + attribute.len();
        let rest = &code[after..];
        let end = match (rest.find('{'), rest.find(';')) {
            (Some(brace), semicolon) if semicolon.is_none_or(|semicolon| brace < semicolon) => {
                after + brace + closing(&rest[brace..]).map_or(rest.len() - brace, |at| at + 1)
            }
            (_, Some(semicolon)) => after + semicolon + 1,
            _ => code.len(),
        };
        items.push(start..end);
    }
    items
}

/// Splits text into code, with blanks for the rest, and the contents of its text literals.
fn separate(text: &str) -> (String, Vec<(usize, String)>) {
    let mut code = text.to_owned();
    let mut literals = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let named = text[..at].chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_');
        let (length, content) = if rest.starts_with("//") {
            (rest.find('\n').unwrap_or(rest.len()), None)
        } else if rest.starts_with("/*") {
            (rest.find("*/").map_or(rest.len(), |end| end + 2), None)
        } else if rest.starts_with('"') {
            let end = quote_end(rest);
            (end, Some(1..end.saturating_sub(1)))
        } else if let Some(hashes) = raw_start(rest).filter(|_| !named) {
            let close = format!("\"{}", "#".repeat(hashes));
            let open = hashes + 2;
            let end = rest[open..].find(&close).map_or(rest.len(), |end| open + end);
            ((end + close.len()).min(rest.len()), Some(open..end))
        } else if let Some(length) = char_literal(rest) {
            (length, None)
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
            continue;
        };
        if let Some(content) = content {
            literals.push((line_at(text, at), rest[content].to_owned()));
        }
        blank(&mut code, at, at + length);
        at += length;
    }
    (code, literals)
}

fn quote_end(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// The number of hashes of a raw text that begins here.
fn raw_start(rest: &str) -> Option<usize> {
    let hashes = rest.strip_prefix('r')?;
    let count = hashes.chars().take_while(|c| *c == '#').count();
    hashes[count..].starts_with('"').then_some(count)
}

/// The length of a character that begins here; lifetimes are none.
fn char_literal(rest: &str) -> Option<usize> {
    let mut inner = rest.strip_prefix('\'')?.char_indices();
    let (_, first) = inner.next()?;
    if first == '\\' {
        return rest[2..].char_indices().skip(1).find(|(_, c)| *c == '\'').map(|(at, _)| at + 3);
    }
    let (at, second) = inner.next()?;
    (second == '\'').then_some(at + 2)
}

/// Puts blanks in the place of everything but line ends.
fn blank(code: &mut String, start: usize, end: usize) {
    let blanks: String = code[start..end].bytes().map(|b| if b == b'\n' { '\n' } else { ' ' }).collect();
    code.replace_range(start..end, &blanks);
}

pub fn line_at(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_texts_and_tests_are_no_code() {
        let text = "// SELECT a\nlet x = \"f64\\\"\"; /* f64 */ let c = '\"';\nlet y = r#\"raw \"f64\"#;\n\
                    #[cfg(test)]\nmod tests {\n    fn f64() { \"in a test\"; }\n}\nfn after(x: &'a f64) {}\n";
        let source = Source::new("a.rs", text);
        assert_eq!(source.lines_with("f64"), [8], "{}", source.code);
        assert_eq!(source.literals, [(2, "f64\\\"".to_owned()), (3, "raw \"f64".to_owned())]);
        assert_eq!(source.length(), 3);
    }

    #[test]
    fn a_word_within_a_word_is_another_word() {
        let source = Source::new("a.rs", "monzo_common::x;\nStoredBalance;\nmonzo::x;\n");
        assert_eq!(source.lines_with("monzo::"), [3]);
        assert_eq!(source.lines_with("Store"), Vec::<usize>::new());
    }

    #[test]
    fn uses_of_the_root_are_found_through_every_spelling() {
        let text = "use crate::store::Reader;\nuse crate::{clock, monzo::{self, Line}};\n\
                    use super::super::login;\nuse super::own;\n";
        let names: Vec<String> =
            Source::new("a.rs", text).roots(2).into_iter().map(|(_, name)| name).collect();
        assert_eq!(names, ["store", "clock", "monzo", "login"]);
    }

    #[test]
    fn a_file_that_is_declared_as_a_test_is_none_of_the_sources() {
        let text = Text::new("ctl/src/view/mod.rs", "mod csv;\n#[cfg(test)]\nmod fixture;\n");
        assert_eq!(test_modules(&text), ["ctl/src/view/fixture"]);
        let text = Text::new("daemon/src/rpc/server.rs", "#[cfg(test)]\nmod tests;\n");
        assert_eq!(test_modules(&text), ["daemon/src/rpc/server/tests"]);
    }
}
