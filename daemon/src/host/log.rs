//! Messages to the journal with structured fields, or as text or JSON on standard error.
//!
//! Only the daemon's own messages follow the configured level; libraries stay at `warn` whatever it is, since their
//! details hold headers and bodies, and with them tokens. Fields are named `monzod_…` and the journal gets them
//! unprefixed, so that `MESSAGE_ID` is one of them.

use std::{
    io::{self, IsTerminal},
    os::unix::fs::MetadataExt,
};

use monzo_common::paths::Env;
use tracing::{Dispatch, Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{
    Layer, Registry,
    filter::Targets,
    fmt::{self, MakeWriter, format},
    layer::SubscriberExt,
    registry::LookupSpan,
    reload,
};

use crate::config::{LogFormat, LogLevel};

/// The crates whose messages follow the configured level.
const OURS: [&str; 2] = ["monzod", "monzo_common"];

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The journal was asked for and is not there.
    #[error(
        "log.format is \"journal\" and the journal cannot be reached: {0}; set it to \"auto\" or \"text\""
    )]
    Journal(#[source] io::Error),
    /// Another logger is in place.
    #[error("the log was started twice")]
    Started,
}

/// Changes the level of a running log.
#[derive(Clone, Debug)]
pub struct Level(reload::Handle<Targets, Registry>);

impl Level {
    /// Changes the least important messages that are logged, from the next message on.
    pub fn set(&self, level: LogLevel) {
        // Fails only when the log is gone, and then there is nothing to change.
        let _ = self.0.reload(targets(level));
    }
}

/// Starts the log of this process; call once.
///
/// The `log` crate's messages are not taken in: they would carry paths of the build machine.
pub fn start(level: LogLevel, format: LogFormat, env: Env<'_>) -> Result<Level, LogError> {
    let format = match format {
        LogFormat::Auto if to_journal(env) => LogFormat::Journal,
        LogFormat::Auto => LogFormat::Text,
        chosen => chosen,
    };
    let colour = io::stderr().is_terminal() && env("NO_COLOR").is_none_or(|value| value.is_empty());
    let output: Output = match format {
        LogFormat::Journal => {
            let journal = tracing_journald::layer().map_err(LogError::Journal)?;
            journal.with_field_prefix(None).with_syslog_identifier("monzod".to_owned()).boxed()
        }
        LogFormat::Json => json(io::stderr),
        LogFormat::Auto | LogFormat::Text => text(io::stderr, colour),
    };
    let (dispatch, level) = assemble(level, output);
    tracing::dispatcher::set_global_default(dispatch).map_err(|_| LogError::Started)?;
    Ok(level)
}

type Filtered = tracing_subscriber::layer::Layered<reload::Layer<Targets, Registry>, Registry>;
type Output = Box<dyn Layer<Filtered> + Send + Sync>;

fn assemble(level: LogLevel, output: Output) -> (Dispatch, Level) {
    let (filter, handle) = reload::Layer::new(targets(level));
    (Dispatch::new(Registry::default().with(filter).with(output)), Level(handle))
}

fn targets(level: LogLevel) -> Targets {
    let level = match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    let libraries = level.min(LevelFilter::WARN);
    Targets::new().with_default(libraries).with_targets(OURS.map(|ours| (ours, level)))
}

/// One readable line a message; without the fields that only the journal needs.
fn text<S, W>(writer: W, colour: bool) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'s> LookupSpan<'s>,
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let fields = format::debug_fn(|writer, field, value| match field.name() {
        "message" => write!(writer, "{value:?}"),
        "message_id" => Ok(()),
        name => write!(writer, " {}={value:?}", name.strip_prefix("monzod_").unwrap_or(name)),
    });
    fmt::layer().with_writer(writer).with_ansi(colour).with_target(false).fmt_fields(fields).boxed()
}

/// One JSON object a message.
fn json<S, W>(writer: W) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'s> LookupSpan<'s>,
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    fmt::layer().json().flatten_event(true).with_current_span(false).with_writer(writer).boxed()
}

/// Tells whether standard error is connected to the journal, by the device and inode that systemd names.
fn to_journal(env: Env<'_>) -> bool {
    let stream = std::fs::metadata("/proc/self/fd/2").map(|stream| (stream.dev(), stream.ino()));
    stream.is_ok_and(|identity| is_stream(env("JOURNAL_STREAM").as_deref(), identity))
}

fn is_stream(named: Option<&str>, (device, inode): (u64, u64)) -> bool {
    named.and_then(|named| named.split_once(':')) == Some((&device.to_string(), &inode.to_string()))
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("no panic").extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Lines {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().expect("no panic").clone()).expect("text")
        }
    }

    fn logged(level: LogLevel, act: impl FnOnce(&Level)) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let (dispatch, level) = assemble(level, text(move || writer.clone(), false));
        tracing::dispatcher::with_default(&dispatch, || act(&level));
        lines.text()
    }

    #[test]
    fn text_is_readable_and_hides_what_only_the_journal_needs() {
        let text = logged(LogLevel::Info, |_| {
            tracing::info!(message_id = "abc", monzod_sync_id = 7, "synced");
        });
        let line = text.split_once("  INFO ").map(|(_, line)| line);
        assert_eq!(line, Some("synced sync_id=7\n"), "{text:?}");
    }

    #[test]
    fn json_is_one_object_a_line_with_every_field() {
        let lines = Lines::default();
        let writer = lines.clone();
        let (dispatch, _) = assemble(LogLevel::Info, json(move || writer.clone()));
        tracing::dispatcher::with_default(&dispatch, || {
            tracing::warn!(message_id = "abc", monzod_sync_id = 7, "late");
        });
        let object: serde_json::Value = serde_json::from_str(&lines.text()).expect("one object");
        assert_eq!((&object["message"], &object["level"]), (&"late".into(), &"WARN".into()));
        assert_eq!((&object["monzod_sync_id"], &object["message_id"]), (&7.into(), &"abc".into()));
    }

    #[test]
    fn the_level_can_be_changed_while_running() {
        let text = logged(LogLevel::Warn, |level| {
            tracing::info!("before");
            level.set(LogLevel::Debug);
            tracing::debug!("after");
        });
        assert!(text.contains("after") && !text.contains("before"), "{text}");
    }

    #[test]
    fn libraries_stay_at_warn_whatever_the_level() {
        let text = logged(LogLevel::Trace, |_| {
            tracing::info!(target: "hyper", "authorization: Bearer canary");
            tracing::warn!(target: "hyper", "a warning");
            tracing::trace!("ours");
        });
        assert!(text.contains("ours") && text.contains("a warning") && !text.contains("canary"), "{text}");
        let text = logged(LogLevel::Error, |_| tracing::warn!(target: "hyper", "a warning"));
        assert_eq!(text, "", "libraries are never louder than the daemon");
    }

    #[test]
    fn the_journal_is_known_by_its_stream() {
        assert!(is_stream(Some("8:1234"), (8, 1234)));
        for (named, identity) in
            [(Some("8:1234"), (8, 1)), (Some("8"), (8, 1)), (None, (8, 1)), (Some(""), (0, 0))]
        {
            assert!(!is_stream(named, identity), "{named:?}");
        }
    }
}
