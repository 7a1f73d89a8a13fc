//! The table of every key: its path, its place in [`Config`], its bounds, its explanation, and how a reload applies it.
//!
//! Reading, printing, the commented reference and the comparison at a reload all walk this one table, so that a key
//! cannot be read but not printed, or documented but not read.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use monzo_common::model::{ConfigChange, ConfigChangeKind, ConfigEntry};
use toml::de::DeValue;

use crate::rule::BasisPoints;

use super::{
    Loaded,
    address::{BankUrl, Principal, RedirectUrl},
    error::FilePosition,
    model::Config,
    sorter::{self, settings},
    value::{ByteSize, Setting, TimeSpan, lines},
};

/// One key of the configuration.
pub(crate) struct Key {
    /// The dotted path, such as `store.backup.every`.
    pub(crate) path: &'static str,
    /// Whether a reload applies it without a restart.
    pub(crate) live: bool,
    /// For a table of the person's own keys: prints its lines as TOML.
    pub(crate) entries: Option<fn(&Config) -> String>,
    /// What it does, in one line.
    pub(crate) doc: &'static str,
    /// Reads a value into the configuration, or says what would be right.
    pub(crate) set: fn(&mut Config, &DeValue<'_>) -> Result<(), String>,
    /// Prints the value as TOML.
    pub(crate) get: fn(&Config) -> String,
}

impl Key {
    /// Returns the key's section and its path in there; the section itself for a table of own keys.
    fn split(&self) -> (&'static str, Option<&'static str>) {
        self.path.split_once('.').map_or((self.path, None), |(section, rest)| (section, Some(rest)))
    }
}

/// The sections and what each is about, in the order they are printed.
pub(crate) const SECTIONS: &[(&str, &str)] = &[
    ("monzo", "The bank, and how it is asked."),
    ("sync", "When facts are read, and how far back."),
    ("store", "The database."),
    ("rpc", "The socket that clients use, and its limits."),
    (
        "access",
        "Who may do what: users, and groups as \"@group\". Root and the daemon's own user may do everything.",
    ),
    ("metrics", "Prometheus metrics."),
    ("names", "Your own names for accounts and pots: \"acc_\u{2026}\" = \"House\"."),
    (
        "exclude",
        "Kept and synced, but outside analytics and the autosorter's reach; an account takes its pots with it.",
    ),
    ("share", "How much of an account counts in spending, income and budgets: Joint = \"50%\"."),
    ("categories", "Your own names for categories: \"category_\u{2026}\" = \"Allotment\"."),
    ("notify", "What you are told of beyond this machine, and where."),
    ("log", "Logging."),
    ("time", "The calendar."),
    ("autosort", "What holds for all rules that move money."),
];

/// Sections and keys that later versions have; a file that uses them is meant for one of those.
pub(crate) const LATER: &[&str] = &[
    "budget",
    "export",
    "notify.webhook",
    "notify.style",
    "notify.ntfy",
    "notify.email",
    "notify.heartbeat",
];

macro_rules! key {
    ($first:ident $(. $rest:ident)*, $live:expr, $check:expr, $doc:expr) => {
        key!(@ None, $first $(. $rest)*, $live, $check, $doc)
    };
    (entries $first:ident, $live:expr, $check:expr, $doc:expr) => {
        key!(@ Some(|config| lines(&config.$first)), $first, $live, $check, $doc)
    };
    (@ $entries:expr, $first:ident $(. $rest:ident)*, $live:expr, $check:expr, $doc:expr) => {
        Key {
            path: concat!(stringify!($first) $(, ".", stringify!($rest))*),
            live: $live,
            entries: $entries,
            doc: $doc,
            set: |config, value| {
                let read = Setting::read(value)?;
                $check(&read)?;
                Setting::merge(&mut config.$first $(.$rest)*, read);
                Ok(())
            },
            get: |config| config.$first $(.$rest)*.print(),
        }
    };
}

const LIVE: bool = true;
const RESTART: bool = false;

/// Every key, in the order it is printed. The bounds are taste, wide enough for any honest use, unless a line says more.
const GENERAL: &[Key] = &[
    key!(monzo.api_url, RESTART, any::<BankUrl>, "The bank's API: https, or http on this machine."),
    key!(monzo.auth_url, RESTART, any::<BankUrl>, "Where you log in; as api_url."),
    key!(
        monzo.redirect_url,
        RESTART,
        any::<RedirectUrl>,
        "Where the browser comes back to; exactly as registered at Monzo."
    ),
    key!(
        monzo.client_id,
        RESTART,
        any,
        "The OAuth client, \"oauth2client_\u{2026}\"; \"\": set by `monzoctl setup`."
    ),
    key!(monzo.timeout, RESTART, spans("1s", "5m"), "How long one request may take."),
    key!(
        monzo.max_concurrency,
        LIVE,
        numbers(1, 16),
        "Requests in flight during the capture of the history; the bank's rate limit halves it."
    ),
    key!(
        monzo.accounts,
        LIVE,
        some,
        "The accounts to sync, by type (\"uk_retail\", \"uk_retail_joint\", \"uk_business\", \"uk_monzo_flex\") or by id (\"acc_\u{2026}\")."
    ),
    key!(monzo.clock, RESTART, any, "\"system\", or \"bank\": the time of a simulated bank on this machine."),
    // Shorter than five minutes asks the bank without need; longer than a week outlives the 90 days too soon.
    key!(sync.interval, LIVE, spans("5m", "7d"), "The time between two syncs."),
    key!(sync.jitter, LIVE, spans("0s", "6h"), "The most by which a sync is moved, at random."),
    key!(sync.on_start, LIVE, any, "Sync at start if the last sync is older than the interval."),
    key!(
        sync.poll,
        LIVE,
        off_or(spans("1m", "1d")),
        "Look at balances this often and sync when one changed; \"\": off."
    ),
    // The bank refuses reads further back than 90 days (monzo/README.md, How far back).
    key!(sync.reread, LIVE, spans("1d", "88d"), "Look for changes at least this far back."),
    key!(
        sync.sweep,
        LIVE,
        any,
        "Read the last 88 days again for late edits: \"daily\", \"weekly\", \"monthly\" or \"off\"."
    ),
    key!(store.backup.every, LIVE, off_or(spans("1h", "30d")), "Back up this often; \"\": off."),
    key!(store.backup.keep, LIVE, numbers(1, 365), "How many backups to keep."),
    key!(store.backup.dir, LIVE, folder, "Where to keep them; relative to the state directory."),
    key!(
        rpc.socket,
        RESTART,
        off_or(socket),
        "The socket; \"\": passed by systemd, else in the runtime directory."
    ),
    key!(
        rpc.max_connections,
        RESTART,
        numbers(2, 1_024),
        "Clients at a time; one viewer gets at most a quarter."
    ),
    key!(
        rpc.max_request,
        RESTART,
        sizes("4KiB", "64MiB"),
        "The largest request of an operator; viewers may send 64KiB of it."
    ),
    key!(rpc.call_timeout, RESTART, spans("1s", "10m"), "How long one call may take."),
    key!(
        rpc.max_calls,
        RESTART,
        numbers(1, 1_024),
        "Calls worked on at a time, over all connections; one viewer gets at most a quarter."
    ),
    key!(rpc.max_batch, RESTART, numbers(1, 1_000), "Calls in one batch."),
    key!(rpc.max_subscriptions, RESTART, numbers(1, 128), "Subscriptions of one connection."),
    key!(access.operators, LIVE, any::<Vec<Principal>>, "May do everything."),
    key!(access.viewers, LIVE, any::<Vec<Principal>>, "May read."),
    key!(
        metrics.listen,
        RESTART,
        any,
        "The address of /metrics, /livez and /readyz; \"\": off. Other machines can read all of it where it is no \
         loopback address."
    ),
    key!(metrics.balances, LIVE, any, "Amounts of money among the metrics."),
    key!(entries names, LIVE, named, "Your own names, by the bank's id."),
    key!(exclude.accounts, LIVE, any::<Vec<String>>, "Accounts, by id or name."),
    key!(exclude.pots, LIVE, any::<Vec<String>>, "Pots, by id or name."),
    key!(entries share, LIVE, parts, "How much of an account counts, by its name or id."),
    key!(entries categories, LIVE, named_in_a_line, "Your own names, by the bank's key."),
    key!(
        notify.on,
        LIVE,
        once,
        "The news: \"attention\" (something needs you), \"run\" (a run waits for you, or ended), \"recovered\"."
    ),
    key!(notify.feed, LIVE, any, "In the feed of your Monzo app."),
    key!(notify.amounts, LIVE, any, "Sentences with amounts of money and names; else only what it is about."),
    key!(log.level, LIVE, any, "\"error\", \"warn\", \"info\", \"debug\" or \"trace\"."),
    key!(
        log.format,
        RESTART,
        any,
        "\"auto\" (the journal under systemd, else text), \"journal\", \"text\" or \"json\"."
    ),
    key!(time.zone, RESTART, any, "The zone of days, months and cycles."),
];

/// Every key, the autosorter's own last.
pub(crate) fn keys() -> impl Iterator<Item = &'static Key> {
    const SORTER: &[Key] = &settings::KEYS;
    GENERAL.iter().chain(SORTER)
}

type Checked = Result<(), String>;

fn any<T>(_: &T) -> Checked {
    Ok(())
}

fn within<T: PartialOrd + std::fmt::Display>(value: &T, low: &T, high: &T) -> Checked {
    if value < low || value > high { Err(format!("must be between {low} and {high}")) } else { Ok(()) }
}

fn numbers(low: u32, high: u32) -> impl Fn(&u32) -> Checked {
    move |value| within(value, &low, &high)
}

fn spans(low: &'static str, high: &'static str) -> impl Fn(&TimeSpan) -> Checked {
    let bound = |text| TimeSpan::parse(text).expect("the table's bounds are lengths of time");
    move |value| within(value, &bound(low), &bound(high))
}

fn sizes(low: &'static str, high: &'static str) -> impl Fn(&ByteSize) -> Checked {
    let bound = |text| ByteSize::parse(text).expect("the table's bounds are sizes");
    move |value| within(value, &bound(low), &bound(high))
}

fn off_or<T>(check: impl Fn(&T) -> Checked) -> impl Fn(&Option<T>) -> Checked {
    move |value| value.as_ref().map_or(Ok(()), &check)
}

fn some<T: PartialEq>(list: &Vec<T>) -> Checked {
    if list.is_empty() { Err("must name at least one".into()) } else { once(list) }
}

#[allow(clippy::ptr_arg, reason = "a check takes the setting's own type")]
fn once<T: PartialEq>(list: &Vec<T>) -> Checked {
    let twice = list.iter().enumerate().any(|(index, item)| list[..index].contains(item));
    if twice { Err("names one twice".into()) } else { Ok(()) }
}

#[allow(clippy::ptr_arg, reason = "a check takes the setting's own type")]
fn folder(path: &std::path::PathBuf) -> Checked {
    let climbs = path.components().any(|part| part == std::path::Component::ParentDir);
    match path.as_os_str().is_empty() {
        true => Err("must name a directory".into()),
        false if climbs => Err("must not contain `..`; give an absolute path instead".into()),
        false => Ok(()),
    }
}

#[allow(clippy::ptr_arg, reason = "a check takes the setting's own type")]
fn socket(path: &std::path::PathBuf) -> Checked {
    // The kernel's limit: sun_path holds 108 bytes with its closing zero.
    match path.as_os_str().len() {
        _ if !path.is_absolute() => Err("must be an absolute path, beginning with `/`".into()),
        length if length > 107 => Err(format!("is {length} bytes long; a socket's path has at most 107")),
        _ => Ok(()),
    }
}

fn named(names: &BTreeMap<String, String>) -> Checked {
    for id in names.keys() {
        if !(id.starts_with("acc_") || id.starts_with("pot_")) {
            return Err(
                "must name an account or a pot by its id: \"acc_\u{2026}\" or \"pot_\u{2026}\"".into()
            );
        }
    }
    named_in_a_line(names)
}

fn named_in_a_line(names: &BTreeMap<String, String>) -> Checked {
    let sound = |name: &String| {
        !name.trim().is_empty() && name.chars().count() <= 60 && !name.chars().any(char::is_control)
    };
    if names.values().all(sound) {
        Ok(())
    } else {
        Err("must be a name of 1 to 60 letters on one line".into())
    }
}

/// A part is at most the whole.
fn parts(parts: &BTreeMap<String, BasisPoints>) -> Checked {
    if parts.values().all(|part| part.0 <= BasisPoints::WHOLE.0) {
        Ok(())
    } else {
        Err("must be at most 100%".into())
    }
}

/// Returns the keys in which two configurations differ.
pub fn diff(old: &Config, new: &Config) -> Vec<ConfigChange> {
    let changed = keys().filter(|key| (key.get)(old) != (key.get)(new));
    let keys = changed.map(|key| ConfigChange {
        key: key.path.to_owned(),
        live: key.live,
        change: ConfigChangeKind::Changed,
    });
    let (before, after) = (blocks_of(old), blocks_of(new));
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let blocks = names.into_iter().filter_map(|key| {
        let change = match (before.get(key), after.get(key)) {
            (None, _) => ConfigChangeKind::Added,
            (_, None) => ConfigChangeKind::Removed,
            (before, after) if before != after => ConfigChangeKind::Changed,
            _ => return None,
        };
        Some(ConfigChange { key: key.clone(), live: true, change })
    });
    keys.chain(blocks).collect()
}

/// The blocks that add up, by the path under which they are shown, as TOML.
fn blocks_of(config: &Config) -> BTreeMap<String, String> {
    let paydays = config.paydays.iter().enumerate().map(|(index, payday)| {
        // The first is the default, so that their order means something.
        let default = if index == 0 { "first" } else { "" };
        (format!("payday.{}", payday.name), format!("{default}{}", sorter::payday_text(payday)))
    });
    let rules = config.autosort.rules.iter();
    let rules = rules.map(|rule| {
        let tests =
            format!("{:?}", rule.tests.iter().map(|test| (&test.expect, &test.given)).collect::<Vec<_>>());
        (format!("autosort.rule.{}", rule.name), format!("{}{tests}", rule.text))
    });
    paydays.chain(rules).collect()
}

/// What holds after a reload: the new values, but those of keys that need a restart stay as they were.
pub fn in_force(old: &Config, new: &Config) -> Config {
    let mut config = new.clone();
    for key in keys().filter(|key| !key.live && (key.get)(old) != (key.get)(new)) {
        // What was printed can be read again; the test of the round trip makes sure of every key.
        let printed = format!("value = {}", (key.get)(old));
        let table = toml::de::DeTable::parse(&printed);
        let value = table.as_ref().ok().and_then(|table| table.get_ref().get("value"));
        if let Some(value) = value {
            let _ = (key.set)(&mut config, value.get_ref());
        }
    }
    config
}

/// Lists every key with its value and where it comes from; a table of own keys entry by entry.
pub fn show(loaded: &Loaded) -> Vec<ConfigEntry> {
    let origin = |key: &str| {
        loaded.origins.get(key).map_or_else(|| "default".to_owned(), FilePosition::without_column)
    };
    let entry = |key: String, value| ConfigEntry { origin: origin(&key), key, value };
    let entries = |key: &Key| match plain(&(key.get)(&loaded.config)) {
        serde_json::Value::Object(own) if key.entries.is_some() => {
            own.into_iter().map(|(name, value)| entry(format!("{}.{name}", key.path), value)).collect()
        }
        value => vec![entry(key.path.to_owned(), value)],
    };
    let paydays = loaded.config.paydays.iter();
    let paydays =
        paydays.map(|payday| entry(format!("payday.{}", payday.name), plain(&sorter::payday_text(payday))));
    let rules = loaded.config.autosort.rules.iter();
    let rules = rules.map(|rule| entry(format!("autosort.rule.{}", rule.name), sorter::summary(rule).into()));
    keys().flat_map(entries).chain(paydays).chain(rules).collect()
}

/// Returns a value printed as TOML as a JSON value.
fn plain(printed: &str) -> serde_json::Value {
    let table = toml::from_str::<serde_json::Value>(&format!("value = {printed}"));
    table.ok().and_then(|mut table| table.get_mut("value").map(serde_json::Value::take)).unwrap_or_default()
}

/// Prints the configuration as TOML that reads back as the same configuration.
pub fn print(config: &Config) -> String {
    sections(config, false) + &sorter::printed(&config.paydays, &config.autosort.rules)
}

/// Prints the reference: every key with its explanation and its default.
pub fn default_toml() -> String {
    sections(&Config::default(), true) + sorter::EXAMPLE
}

fn sections(config: &Config, explained: bool) -> String {
    let mut out = String::new();
    for (section, about) in SECTIONS {
        let gap = if out.is_empty() { "" } else { "\n" };
        let about = if explained { format!("# {about}\n") } else { String::new() };
        let _ = writeln!(out, "{gap}{about}[{section}]");
        for key in keys().filter(|key| key.split().0 == *section) {
            match key.split().1 {
                None => out.extend(key.entries.map(|lines| lines(config))),
                Some(name) => {
                    if explained {
                        let wait = if key.live { "" } else { " (Restart to apply.)" };
                        let _ = writeln!(out, "# {}{wait}", key.doc);
                    }
                    let _ = writeln!(out, "{name} = {}", (key.get)(config));
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{super::check_text, *};

    #[test]
    fn the_reference_reads_back_as_the_defaults() {
        let text = default_toml();
        let read = check_text("default", &text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert_eq!(read, Config::default(), "{text}");
    }

    #[test]
    fn a_printed_configuration_reads_back_as_itself() {
        let text = "[monzo]\nclient_id = \"oauth2client_0000abc\"\n[sync]\npoll = \"\"\ninterval = \"90m\"\n\
                    [store]\nbackup = { every = \"12h\", keep = 3 }\n[names]\nacc_1 = \"Ho\\\"use\"\n\
                    [rpc]\nsocket = \"/tmp/x.sock\"\n[exclude]\npots = [\"pot_1\"]\n[access]\nviewers = []\n";
        let config = check_text("first", text).unwrap_or_else(|error| panic!("{error}"));
        let printed = print(&config);
        let again = check_text("printed", &printed).unwrap_or_else(|error| panic!("{error}\n{printed}"));
        assert_eq!(again, config, "{printed}");
        assert_ne!(config, Config::default());
        assert!(printed.contains("interval = \"90m\""), "kept as written: {printed}");
    }

    #[test]
    fn every_key_has_a_section_and_an_explanation_and_every_section_a_key() {
        for key in keys() {
            assert!(SECTIONS.iter().any(|(section, _)| *section == key.split().0), "{}", key.path);
            assert!(key.doc.ends_with('.'), "{}: {}", key.path, key.doc);
        }
        for (section, _) in SECTIONS {
            assert!(keys().any(|key| key.split().0 == *section), "{section}");
        }
    }

    #[test]
    fn a_difference_names_the_key_and_whether_it_is_live() {
        let old = Config::default();
        let new = check_text("new", "[sync]\ninterval = \"1h\"\n[rpc]\nmax_connections = 8").expect("valid");
        let found: Vec<_> = diff(&old, &new).into_iter().map(|change| (change.key, change.live)).collect();
        assert_eq!(found, [("sync.interval".to_owned(), true), ("rpc.max_connections".to_owned(), false)]);
        assert_eq!(diff(&new, &new), []);
    }

    #[test]
    fn every_key_is_shown_with_its_value_and_where_it_comes_from() {
        let place = FilePosition { file: "a.toml".into(), line: 3, column: 9 };
        let config = check_text("a.toml", "[names]\nacc_1 = \"House\"").expect("valid");
        let origins = [("names.acc_1".to_owned(), place)].into();
        let shown = show(&Loaded { config, origins, files: Vec::new() });
        let find = |key: &str| {
            shown.iter().find(|entry| entry.key == key).unwrap_or_else(|| panic!("{key}: {shown:?}"))
        };
        assert_eq!(
            (find("names.acc_1").origin.as_str(), &find("names.acc_1").value),
            ("a.toml:3", &"House".into())
        );
        assert_eq!(
            (find("rpc.max_calls").origin.as_str(), &find("rpc.max_calls").value),
            ("default", &16.into())
        );
        assert_eq!(find("monzo.accounts").value[0], "uk_retail");
        assert!(shown.iter().all(|entry| !entry.value.is_null()), "{shown:?}");
    }
}
