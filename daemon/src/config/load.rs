//! Finds the configuration's files, reads each by itself and merges them in order.
//!
//! Each file is judged alone, so that a problem has one place; a later file's key replaces an earlier one's.
//! All problems of all files are reported together: a person mends them in one go.

use std::{
    collections::BTreeMap,
    fs, io, iter,
    path::{Path, PathBuf},
};

use monzo_common::paths;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    check,
    error::{ConfigError, Excerpt, FilePosition, Problem, nearest},
    keys::{Key, LATER, SECTIONS, keys},
    model::Config,
    sorter::{self, Drafts},
};

/// Where the configuration may be, in order of precedence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Locations {
    /// Given by `--config`; must exist.
    pub given: Option<PathBuf>,
    /// Looked for in this order; the first that exists is used.
    pub usual: Vec<PathBuf>,
}

impl Locations {
    /// Returns the places to look: `given`, else `/etc/monzod`, else the user's configuration directory.
    pub fn new(given: Option<PathBuf>, env: paths::Env<'_>) -> Self {
        Self {
            given,
            usual: iter::once(paths::SYSTEM_CONFIG.into()).chain(paths::user_config(env)).collect(),
        }
    }

    /// Returns the main file: the given one, or the first usual one that is there or has drop-ins beside it.
    fn main(&self) -> Option<&Path> {
        let there = |path: &&PathBuf| path.exists() || drop_in_dir(path).is_dir();
        self.given.as_ref().or_else(|| self.usual.iter().find(there)).map(PathBuf::as_path)
    }

    /// Returns the folder of drop-ins beside the main file, or beside the one that would be read first.
    pub fn drop_ins(&self) -> PathBuf {
        let first = self.main().or(self.usual.first().map(PathBuf::as_path));
        first.map(drop_in_dir).unwrap_or_default()
    }
}

/// A configuration and where each of its keys comes from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Loaded {
    /// The configuration in force.
    pub config: Config,
    /// The place of each key that a file sets, by its dotted path; the others are defaults.
    pub origins: BTreeMap<String, FilePosition>,
    /// The files read, in the order they were merged.
    pub files: Vec<PathBuf>,
}

impl Config {
    /// Reads and merges all files, or says all that is wrong with them.
    pub fn load(locations: &Locations) -> Result<Loaded, ConfigError> {
        let mut reading = Reading::default();
        if let Some(main) = locations.main() {
            if main.exists() || locations.given.is_some() {
                reading.file(main);
            }
            match drop_ins(main) {
                Ok(files) => files.iter().for_each(|file| reading.file(file)),
                Err(error) => reading.unreadable(&drop_in_dir(main), &error),
            }
        }
        reading.finish()
    }
}

/// Reads one text as if it were the only file; `name` stands for the file in problems.
pub fn check_text(name: &str, text: &str) -> Result<Config, ConfigError> {
    let mut reading = Reading::default();
    reading.text(Path::new(name), text);
    reading.finish().map(|loaded| loaded.config)
}

fn drop_in_dir(main: &Path) -> PathBuf {
    main.with_file_name("conf.d")
}

/// Lists the drop-ins beside the main file, in name order.
fn drop_ins(main: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(drop_in_dir(main)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut files = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    // Editors leave `.monzod.toml.swp` and the like behind.
    let hidden = |path: &Path| path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    files.retain(|path| path.extension().is_some_and(|ext| ext == "toml") && !hidden(path));
    files.sort();
    Ok(files)
}

/// What has been read so far.
#[derive(Default)]
struct Reading {
    loaded: Loaded,
    excerpts: BTreeMap<String, Excerpt>,
    drafts: Drafts,
    problems: Vec<Problem>,
}

/// The file being read.
#[derive(Clone, Copy)]
pub(super) struct Source<'t> {
    file: &'t Path,
    text: &'t str,
}

impl Source<'_> {
    pub(super) fn excerpt(&self, span: std::ops::Range<usize>) -> Excerpt {
        Excerpt::of(self.file.to_path_buf(), self.text, span)
    }
}

impl Reading {
    fn file(&mut self, file: &Path) {
        match fs::read_to_string(file) {
            Ok(text) => {
                self.loaded.files.push(file.to_path_buf());
                self.text(file, &text);
            }
            Err(error) => self.unreadable(file, &error),
        }
    }

    fn unreadable(&mut self, path: &Path, error: &io::Error) {
        let help = match error.kind() {
            io::ErrorKind::NotFound => Some("check the path given to --config".to_owned()),
            io::ErrorKind::PermissionDenied => {
                Some("let the daemon's user read it, such as with `chgrp monzod` and mode 0640".to_owned())
            }
            io::ErrorKind::InvalidData => Some("save it as UTF-8 text".to_owned()),
            _ => None,
        };
        self.problems.push(Problem {
            message: format!("cannot read {}: {error}", path.display()),
            help,
            excerpt: None,
        });
    }

    fn text(&mut self, file: &Path, text: &str) {
        let source = Source { file, text };
        let (table, errors) = DeTable::parse_recoverable(text);
        let before = self.problems.len();
        for error in &errors {
            let excerpt = source.excerpt(error.span().unwrap_or(0..0));
            let message = format!("not valid TOML: {}", error.message().replace('\n', ", "));
            self.problem(message, None, Some(excerpt));
        }
        if errors.is_empty() {
            self.table(source, "", table.get_ref());
        }
        self.problems[before..].sort_by_key(|problem| problem.excerpt.as_ref().map(|at| at.place.clone()));
    }

    fn problem(&mut self, message: String, help: Option<String>, excerpt: Option<Excerpt>) {
        self.problems.push(Problem { message, help, excerpt });
    }

    fn table(&mut self, source: Source<'_>, prefix: &str, table: &DeTable<'_>) {
        for (name, value) in table {
            let path = if prefix.is_empty() {
                name.get_ref().to_string()
            } else {
                format!("{prefix}.{}", name.get_ref())
            };
            let known = keys().find(|key| key.path == path);
            match (known, value.get_ref()) {
                _ if path == "payday" => self.problems.extend(self.drafts.paydays(source, value)),
                _ if path == "autosort.rule" => self.problems.extend(self.drafts.rules(source, value)),
                (Some(key), DeValue::Table(entries)) if key.entries.is_some() => {
                    self.entries(source, key, entries);
                }
                (Some(key), _) => self.value(source, key, path, value.span(), value.get_ref()),
                (None, DeValue::Table(inner)) if is_section(&path) => self.table(source, &path, inner),
                (None, _) => self.unknown(source, prefix, &path, name),
            }
        }
    }

    fn entries(&mut self, source: Source<'_>, key: &Key, entries: &DeTable<'_>) {
        for (name, value) in entries {
            let mut one = DeTable::new();
            one.insert(name.clone(), value.clone());
            let span = name.span().start..value.span().end;
            self.value(source, key, format!("{}.{}", key.path, name.get_ref()), span, &DeValue::Table(one));
        }
    }

    fn value(
        &mut self,
        source: Source<'_>,
        key: &Key,
        path: String,
        span: std::ops::Range<usize>,
        value: &DeValue<'_>,
    ) {
        let excerpt = source.excerpt(span);
        match (key.set)(&mut self.loaded.config, value) {
            Ok(()) => {
                self.loaded.origins.insert(path.clone(), excerpt.place.clone());
                self.excerpts.insert(path, excerpt);
            }
            Err(refusal) => self.problem(format!("`{path}`: {refusal}"), None, Some(excerpt)),
        }
    }

    fn unknown(
        &mut self,
        source: Source<'_>,
        prefix: &str,
        path: &str,
        name: &Spanned<std::borrow::Cow<'_, str>>,
    ) {
        let excerpt = Some(source.excerpt(name.span()));
        let bare = name.get_ref().as_ref();
        if LATER.contains(&path) {
            let what = if prefix.is_empty() { format!("[{bare}]") } else { format!("`{path}`") };
            let help = format!("remove {what}, or install a version that knows it");
            return self.problem(format!("this version does not know {what} yet"), Some(help), excerpt);
        }
        if is_section(path) {
            return self.problem(format!("`{path}` is a section: write it as [{path}]"), None, excerpt);
        }
        let message = match prefix {
            "" => format!("unknown section or key `{bare}`"),
            _ => format!("unknown key `{bare}` in [{prefix}]"),
        };
        self.problem(message, Some(advice(prefix, bare)), excerpt);
    }

    fn finish(mut self) -> Result<Loaded, ConfigError> {
        self.problems.extend(check::problems(&self.loaded.config, &self.excerpts));
        let settled = self.drafts.settle(&mut self.loaded, &self.excerpts);
        self.problems.extend(settled);
        if self.problems.is_empty() { Ok(self.loaded) } else { Err(ConfigError { problems: self.problems }) }
    }
}

/// Tells whether keys lie below this path.
fn is_section(path: &str) -> bool {
    let below = |key: &Key| key.path.strip_prefix(path).is_some_and(|rest| rest.starts_with('.'));
    keys().any(below)
}

/// Says what an unknown key was probably meant to be.
fn advice(prefix: &str, name: &str) -> String {
    if ["secret", "token", "password", "key"].iter().any(|word| name.to_lowercase().contains(word)) {
        return "secrets are not configuration: give them to `monzoctl setup`, or as systemd credentials"
            .to_owned();
    }
    let children = keys().filter_map(|key| match prefix {
        "" => None,
        _ => key.path.strip_prefix(prefix)?.strip_prefix('.')?.split('.').next(),
    });
    let sections = SECTIONS.iter().map(|(section, _)| *section).filter(|_| prefix.is_empty());
    let blocks = [("", "payday"), ("autosort", "rule")].into_iter();
    let blocks = blocks.filter(|(of, _)| *of == prefix).map(|(_, name)| name);
    let here: Vec<&str> = children.chain(sections).chain(blocks).collect();
    if let Some(word) = nearest(name, here.iter().copied()) {
        return format!("did you mean `{word}`?");
    }
    let block = sorter::home_of(name).filter(|_| matches!(prefix, "" | "autosort"));
    if let Some(home) = block {
        return format!("`{name}` belongs in {home}");
    }
    let elsewhere = keys().find(|key| key.path.rsplit('.').next() == Some(name));
    if let Some((section, _)) = elsewhere.and_then(|key| key.path.rsplit_once('.')) {
        return format!("`{name}` belongs in [{section}]");
    }
    let mut here = here;
    here.dedup();
    format!("known here: {}", here.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        check_text("monzod.toml", text).expect_err("a problem").to_string()
    }

    fn write(dir: &Path, name: &str, text: &str) -> PathBuf {
        let path = dir.join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("made");
        fs::write(&path, text).expect("written");
        path
    }

    fn given(path: &Path) -> Locations {
        Locations { given: Some(path.to_path_buf()), usual: Vec::new() }
    }

    #[test]
    fn an_empty_file_means_the_defaults() {
        assert_eq!(check_text("x", "").expect("valid"), Config::default());
    }

    #[test]
    fn without_any_file_the_defaults_are_used() {
        let loaded = Config::load(&Locations { given: None, usual: vec!["/nonexistent/x.toml".into()] });
        assert_eq!(loaded.expect("valid"), Loaded::default());
    }

    #[test]
    fn a_given_file_must_exist() {
        let error =
            Config::load(&given(Path::new("/nonexistent/x.toml"))).expect_err("not there").to_string();
        assert!(error.contains("cannot read /nonexistent/x.toml") && error.contains("--config"), "{error}");
    }

    #[test]
    fn drop_ins_are_merged_in_name_order_and_origins_are_kept() {
        let dir = tempfile::tempdir().expect("a directory");
        let main = write(
            dir.path(),
            "monzod.toml",
            "[sync]\ninterval = \"1h\"\njitter = \"1m\"\n[names]\nacc_1 = \"A\"",
        );
        write(dir.path(), "conf.d/20-b.toml", "[sync]\ninterval = \"3h\"\n[store]\nbackup.keep = 3");
        let first =
            write(dir.path(), "conf.d/10-a.toml", "[sync]\ninterval = \"2h\"\n[names]\nacc_2 = \"B\"");
        write(dir.path(), "conf.d/.hidden.toml", "nonsense");
        write(dir.path(), "conf.d/README", "nonsense");
        let loaded = Config::load(&given(&main)).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(loaded.config.sync.interval.to_string(), "3h");
        assert_eq!(loaded.config.sync.jitter.to_string(), "1m");
        assert_eq!((loaded.config.names.len(), loaded.config.store.backup.keep), (2, 3));
        assert_eq!(loaded.files.len(), 3);
        assert_eq!(loaded.origins["names.acc_2"], FilePosition { file: first, line: 4, column: 1 });
        assert_eq!(loaded.origins["sync.jitter"].line, 3);
        assert!(!loaded.origins.contains_key("sync.poll"));
    }

    #[test]
    fn all_problems_of_all_files_are_told_together() {
        let dir = tempfile::tempdir().expect("a directory");
        let main = write(dir.path(), "monzod.toml", "[sync]\ninterval = \"1s\"\njiter = \"1m\"\n");
        write(dir.path(), "conf.d/a.toml", "[rpc\n");
        write(dir.path(), "conf.d/b.toml", "[log]\nlevel = \"loud\"\n");
        let error = Config::load(&given(&main)).expect_err("problems");
        let lines: Vec<usize> = error
            .problems
            .iter()
            .map(|problem| problem.excerpt.as_ref().map_or(0, |at| at.place.line))
            .collect();
        assert_eq!(lines, [2, 3, 1, 2], "{error}");
    }

    #[test]
    fn an_unknown_key_is_answered_with_what_was_meant() {
        let check = |text, wanted: &str| {
            let error = refused(text);
            assert!(error.contains(wanted), "{text}\n{error}");
        };
        check("[sync]\nintervall = \"6h\"", "did you mean `interval`?");
        check("[syncc]\ninterval = \"6h\"", "did you mean `sync`?");
        check("[sync]\nlisten = \"x\"", "`listen` belongs in [metrics]");
        check("[sync]\nfrequency = \"6h\"", "known here: interval, jitter");
        check("interval = \"6h\"", "`interval` belongs in [sync]");
        check("sync = 3", "write it as [sync]");
        check("[store.backup]\nkep = 3", "did you mean `keep`?");
        check("[store]\nbackup = true", "write it as [store.backup]");
        check("[[autosort.rules]]\nname = \"payday\"", "did you mean `rule`?");
        check("[budget]\ngroceries = \"£300 / month\"", "does not know [budget] yet");
        check("[notify]\nntfy = \"x\"", "does not know `notify.ntfy` yet");
    }

    #[test]
    fn a_bad_value_is_shown_with_its_place_and_bounds() {
        let error = refused("[sync]\ninterval = \"1s\"\n");
        let wanted = [
            "`sync.interval`: must be between 5m and 7d",
            "  --> monzod.toml:2:12",
            "   |",
            " 2 | interval = \"1s\"",
            "   |            ^^^^",
        ];
        assert_eq!(error, wanted.join("\n"));
    }

    #[test]
    fn a_secret_in_the_wrong_place_is_not_repeated() {
        let error = refused("[monzo]\nclient_secret = \"mnzconf.hunter2\"\n");
        assert!(error.contains("monzoctl setup") && !error.contains("hunter2"), "{error}");
        let error = refused("[monzo]\nclient_id = \"mnzconf.hunter2\"\n");
        assert!(error.contains("oauth2client_") && !error.contains("hunter2"), "{error}");
        let error = refused("[monzo]\nclient_secret = \"mnzconf.hunter2\n");
        assert!(error.contains("not valid TOML") && !error.contains("hunter2"), "{error}");
    }

    #[test]
    fn every_syntax_error_of_a_file_is_told() {
        let error = check_text("x", "[sync]\ninterval = \njitter = = 3\n").expect_err("two errors");
        assert!(error.problems.len() >= 2, "{error}");
        assert!(check_text("x", "[sync]\n[sync]\n").is_err(), "a section twice");
        assert!(check_text("x", "[names]\nacc_1 = \"A\"\nacc_1 = \"B\"").is_err(), "a key twice");
    }

    #[test]
    fn the_users_file_is_used_where_the_system_has_none() {
        let env = |name: &str| (name == "HOME").then(|| "/home/alice".to_owned());
        let locations = Locations::new(None, &env);
        let wanted = [Path::new(paths::SYSTEM_CONFIG), Path::new("/home/alice/.config/monzod/monzod.toml")];
        assert_eq!(locations.usual, wanted);
    }

    #[test]
    fn no_text_makes_it_panic() {
        for text in [
            "\u{feff}",
            "=",
            "[[",
            "[a]\n[[a]]",
            "a.b = 1\na = 2",
            "\0",
            "é = 1",
            "names = 3",
            "[names]\nx = 1",
        ] {
            assert!(check_text("x", text).is_err() || text == "\u{feff}", "{text:?}");
        }
    }
}
