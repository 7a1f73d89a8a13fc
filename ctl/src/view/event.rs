//! Events: one line each, so that they can be followed.

use monzo_common::model::{Event, Severity};

use super::look::{Look, Paint};
use super::text::clean;

/// `events`, in the given order.
pub fn events(events: &[Event], look: &Look) -> String {
    if events.is_empty() {
        return "Nothing has happened yet.\n".to_owned();
    }
    events.iter().map(|one| event(one, look)).collect()
}

/// One event.
pub fn event(event: &Event, look: &Look) -> String {
    let at = look.paint(Paint::Quiet, &look.here.second(event.at));
    let (paint, mark) = match event.severity {
        Severity::Problem => (Paint::Bad, "✗"),
        Severity::Note => (Paint::Quiet, "·"),
    };
    let kind = look.paint(Paint::Quiet, &format!("({})", clean(&event.kind)));
    format!("{at} {} {} {kind}\n", look.paint(paint, mark), clean(&event.message))
}
