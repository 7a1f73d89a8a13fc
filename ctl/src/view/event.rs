//! Events: one line each, so that they can be followed.

use monzo_common::model::{Acknowledged, Delivery, DeliveryState, Event, Severity};

use super::style::{Paint, Style};
use super::text::clean;

/// `events`, in the given order.
pub fn events(events: &[Event], style: &Style) -> String {
    if events.is_empty() {
        return "No events to show.\n".to_owned();
    }
    events.iter().map(|one| event(one, style)).collect()
}

/// One event.
pub fn event(event: &Event, style: &Style) -> String {
    let at = style.paint(Paint::Quiet, &style.time.second(event.at));
    let (paint, mark) = match event.severity {
        Severity::Problem => (Paint::Bad, "✗"),
        Severity::Note => (Paint::Quiet, "·"),
    };
    let kind = style.paint(Paint::Quiet, &format!("({})", clean(&event.kind)));
    format!("{at} {} {} {kind}\n", style.paint(paint, mark), clean(&event.message))
}

/// `notify test`
pub fn deliveries(all: &[Delivery]) -> String {
    let line = |one: &Delivery| {
        let because = one.error.as_deref().map(|error| format!(": {}", clean(error))).unwrap_or_default();
        let became = match one.state {
            DeliveryState::Sent => "took the test; look into the Monzo app",
            DeliveryState::Refused => "refused the test",
            DeliveryState::Unknown => "may have taken the test; look into the Monzo app",
            DeliveryState::NotSent => "could not be reached",
        };
        format!("The {} {became}{because}.\n", clean(&one.channel))
    };
    all.iter().map(line).collect()
}

/// `ack`
pub fn acknowledged(done: &Acknowledged, style: &Style) -> String {
    let id = clean(&done.id);
    match (done.changed, done.until) {
        (true, Some(until)) => format!("{id} is silent until {}.\n", style.time.minute(until)),
        (true, None) => format!("{id} is hidden until it is resolved.\n"),
        (false, _) => format!("{id} was silent already.\n"),
    }
}
