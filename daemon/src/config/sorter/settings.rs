//! `[autosort]`: what holds for all rules, as rows of the table of keys.

use jiff::SignedDuration;
use jiff::civil::Time;
use toml::de::DeValue;

use super::rule::MODES;
use super::scalar::{amount, pot, some_amount, span, time, word};
use super::text::place as place_text;
use super::text::{clock, length, pounds};
use crate::config::keys::Key;
use crate::config::value::quoted;
use crate::rule::AccountOrPotName;
use monzo_common::model::RuleMode;

macro_rules! setting {
    ($field:ident, $read:expr, $print:expr, $doc:literal) => {
        Key {
            path: concat!("autosort.", stringify!($field)),
            live: true,
            entries: None,
            doc: $doc,
            set: |config, value| {
                config.autosort.$field = $read(value)?;
                Ok(())
            },
            get: |config| $print(&config.autosort.$field),
        }
    };
}

/// The keys of `[autosort]`.
pub(in crate::config) const KEYS: [Key; 10] = [
    setting!(
        mode,
        |value| word(value, MODES),
        |mode: &RuleMode| quoted(mode.word()),
        "How runs of rules begin: \"off\", \"propose\" (you approve each) or \"auto\"."
    ),
    setting!(
        max_per_run,
        limit,
        limit_text,
        "A run over this is proposed; must be set where anything is \"auto\"; \"\": none."
    ),
    setting!(max_per_day, limit, limit_text, "The same for all runs of a day; \"\": none."),
    Key {
        path: "autosort.account_floor",
        live: true,
        entries: None,
        doc: "No run makes an account's balance less; or a table by account: { Personal = \"£50.00\" }.",
        set: |config, value| {
            let sorter = &mut config.autosort;
            match value.as_table() {
                Some(table) => {
                    sorter.account_floor = 0;
                    let floor = |(name, value): (&toml::Spanned<_>, &toml::Spanned<DeValue<'_>>)| {
                        let name: &std::borrow::Cow<'_, str> = name.get_ref();
                        Ok((name.to_string(), amount(value.get_ref())?))
                    };
                    sorter.floors = table.iter().map(floor).collect::<Result<_, String>>()?;
                }
                None => {
                    sorter.account_floor = amount(value)?;
                    sorter.floors.clear();
                }
            }
            Ok(())
        },
        get: |config| {
            let floors = &config.autosort.floors;
            let entry =
                |(name, minor): (&String, &i64)| format!("{} = {}", quoted(name), quoted(&pounds(*minor)));
            match floors.is_empty() {
                true => quoted(&pounds(config.autosort.account_floor)),
                false => format!("{{ {} }}", floors.iter().map(entry).collect::<Vec<_>>().join(", ")),
            }
        },
    },
    setting!(
        quiet_hours,
        quiet,
        quiet_text,
        "No run begins between these local times; []: none, and the bank's own payments of the night run then."
    ),
    setting!(max_staleness, span("1m", "1d"), span_text, "A run is planned on facts no older than this."),
    setting!(plan_ttl, span("5m", "31d"), span_text, "How long a proposal can be approved."),
    setting!(
        move_deadline,
        span("1m", "6h"),
        span_text,
        "How long one transfer is tried before its run waits for the next sync."
    ),
    setting!(run_deadline, span("15m", "7d"), span_text, "From approval; then what is unsent is cancelled."),
    setting!(
        withdraw_from,
        places,
        |list: &Vec<_>| {
            format!("[{}]", list.iter().map(|at| quoted(&place_text(at))).collect::<Vec<_>>().join(", "))
        },
        "Savings pots that may be a source; ordinary ones always may."
    ),
];

fn limit(value: &DeValue<'_>) -> Result<Option<i64>, String> {
    if value.as_str() == Some("") { Ok(None) } else { some_amount(value).map(Some) }
}

fn limit_text(limit: &Option<i64>) -> String {
    quoted(&limit.map(pounds).unwrap_or_default())
}

fn span_text(span: &SignedDuration) -> String {
    quoted(&length(*span))
}

fn quiet(value: &DeValue<'_>) -> Result<Option<(Time, Time)>, String> {
    let wanted = "expected two times such as [\"00:00\", \"07:00\"], or [] for none";
    let items = value.as_array().ok_or(wanted)?;
    let times = items.iter().map(|item| time(item.get_ref())).collect::<Result<Vec<_>, _>>()?;
    match times.as_slice() {
        [] => Ok(None),
        [from, to] if from == to => Err("the two times are the same; write [] for none".into()),
        [from, to] => Ok(Some((*from, *to))),
        _ => Err(wanted.into()),
    }
}

fn quiet_text(hours: &Option<(Time, Time)>) -> String {
    match hours {
        Some((from, to)) => format!("[{}, {}]", quoted(&clock(*from)), quoted(&clock(*to))),
        None => "[]".to_owned(),
    }
}

fn places(value: &DeValue<'_>) -> Result<Vec<AccountOrPotName>, String> {
    let items = value.as_array().ok_or("expected a list of pots such as [\"Savings\"]")?;
    items.iter().map(|item| pot(item.get_ref())).collect()
}
