//! The configuration, and what is wrong with it.

use monzo_common::model::{ConfigChangeKind, ConfigEntry, ConfigReload, ConfigReport};
use serde_json::Value;

use super::style::{Paint, Style};
use super::text::clean;

/// `config show`: lines of TOML, which a file could hold.
pub fn entries(entries: &[ConfigEntry], origin: bool, style: &Style) -> String {
    let lines: Vec<(String, &str)> = entries
        .iter()
        .map(|entry| (format!("{} = {}", clean(&entry.key), toml(&entry.value)), entry.origin.as_str()))
        .collect();
    let widest = lines.iter().map(|(line, _)| super::text::width(line)).filter(|width| *width < 60).max();
    lines
        .iter()
        .map(|(line, from)| {
            if !origin {
                return format!("{line}\n");
            }
            let padding = " ".repeat(widest.unwrap_or(0).saturating_sub(super::text::width(line)));
            let paint = if *from == "default" { Paint::Quiet } else { Paint::Note };
            format!("{line}{padding}  {}\n", style.paint(paint, &format!("# {}", clean(from))))
        })
        .collect()
}

/// A JSON value as TOML writes it; strings and arrays are alike in both.
fn toml(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let members: Vec<String> =
                members.iter().map(|(key, value)| format!("{} = {}", bare(key), toml(value))).collect();
            if members.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", members.join(", ")) }
        }
        Value::Array(items) => format!("[{}]", items.iter().map(toml).collect::<Vec<_>>().join(", ")),
        Value::Null => "\"\"".to_owned(),
        other => clean(&other.to_string()).into_owned(),
    }
}

fn bare(key: &str) -> String {
    let plain = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if plain { key.to_owned() } else { Value::from(key).to_string() }
}

/// `config check`
pub fn report(report: &ConfigReport, style: &Style) -> String {
    let mut text = String::new();
    let found = report.problems.iter().map(|problem| (style.paint(Paint::Bad, "✗"), problem));
    let notes = report.notes.iter().map(|note| (style.paint(Paint::Note, "!"), note));
    for (mark, problem) in found.chain(notes) {
        let mut place = clean(&problem.file).into_owned();
        for number in [problem.line, problem.column].into_iter().flatten() {
            place.push_str(&format!(":{number}"));
        }
        text.push_str(&format!(
            "{mark} {}: {}\n",
            style.paint(Paint::Strong, &place),
            clean(&problem.message)
        ));
        if let Some(hint) = &problem.hint {
            text.push_str(&format!("  → {}\n", clean(hint)));
        }
    }
    if report.sound {
        let files = match report.files.as_slice() {
            [] => "no file, so that every key has its default".to_owned(),
            files => files.iter().map(|file| clean(file)).collect::<Vec<_>>().join(", "),
        };
        let sound = match report.notes.len() {
            0 => "OK".to_owned(),
            1 => "OK with 1 warning".to_owned(),
            warnings => format!("OK with {warnings} warnings"),
        };
        text.push_str(&format!("{}: {files}\n", style.paint(Paint::Good, &sound)));
    }
    text
}

/// `config reload`
pub fn reload(reload: &ConfigReload, style: &Style) -> String {
    if reload.changes.is_empty() {
        return "Read again; nothing has changed.\n".to_owned();
    }
    reload
        .changes
        .iter()
        .map(|change| {
            let what = match change.change {
                ConfigChangeKind::Added => "added",
                ConfigChangeKind::Changed => "changed",
                ConfigChangeKind::Removed => "removed",
            };
            let (paint, when) = if change.live {
                (Paint::Good, what.to_owned())
            } else {
                (Paint::Note, format!("{what}, in force after a restart"))
            };
            // Rules and paydays are called what people call them.
            let key = clean(&change.key);
            let named = |prefix, noun| key.strip_prefix(prefix).map(|name| format!("{noun} {name}"));
            let key = named("autosort.rule.", "rule").or_else(|| named("payday.", "payday"));
            let key = key.unwrap_or_else(|| clean(&change.key).into_owned());
            format!("{key}: {}\n", style.paint(paint, &when))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use monzo_common::model::ConfigProblem;
    use serde_json::json;

    use super::*;
    use crate::view::fixture::style;

    #[test]
    fn the_configuration_is_shown_as_toml() {
        let entry =
            |key: &str, value, origin: &str| ConfigEntry { key: key.into(), value, origin: origin.into() };
        let all = [
            entry("sync.interval", json!("6h"), "default"),
            entry("monzo.accounts", json!(["uk_retail"]), "/etc/monzod/monzod.toml:4"),
            entry("store.backup", json!({"every": "1d", "keep": 7}), "default"),
        ];
        insta::assert_snapshot!(entries(&all, true, &style(None)), @r#"
        sync.interval = "6h"                       # default
        monzo.accounts = ["uk_retail"]             # /etc/monzod/monzod.toml:4
        store.backup = { every = "1d", keep = 7 }  # default
        "#);
    }

    #[test]
    fn a_problem_says_where_it_is_and_what_would_be_right() {
        let found = ConfigReport {
            files: vec!["/etc/monzod/monzod.toml".into()],
            sound: false,
            problems: vec![ConfigProblem {
                file: "/etc/monzod/monzod.toml".into(),
                line: Some(3),
                column: Some(1),
                message: "unknown key ‘intervall’".into(),
                hint: Some("did you mean ‘interval’?".into()),
            }],
            notes: Vec::new(),
        };
        insta::assert_snapshot!(report(&found, &style(None)), @r"
        ✗ /etc/monzod/monzod.toml:3:1: unknown key ‘intervall’
          → did you mean ‘interval’?
        ");
    }
}
