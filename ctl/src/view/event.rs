//! Events: one line each, so that they can be followed; on a screen that is too narrow for it, a line and what follows
//! from it, indented.

use monzo_common::model::{Acknowledged, Delivery, DeliveryState, Event, Severity};

use super::style::{Paint, Style};
use super::text::{broken, clean, width};

/// `events`, in the given order.
pub fn events(events: &[Event], style: &Style) -> String {
    if events.is_empty() {
        return "No events to show.\n".to_owned();
    }
    events.iter().map(|one| event(one, style)).collect()
}

/// One event.
pub fn event(event: &Event, style: &Style) -> String {
    let at = style.time.second(event.at);
    let (paint, mark) = match event.severity {
        Severity::Problem => (Paint::Bad, "✗"),
        Severity::Note => (Paint::Quiet, "·"),
    };
    let kind = format!("({})", clean(&event.kind));
    let text = format!("{} {kind}", clean(&event.message));
    let margin = width(&at) + width(mark) + 2;
    let lines = match style.width {
        Some(screen) if margin + width(&text) > screen => broken(&text, screen.saturating_sub(margin).max(1)),
        _ => vec![text],
    };
    let text = lines.join(&format!("\n{}", " ".repeat(margin)));
    let text = match text.strip_suffix(&kind) {
        Some(message) => format!("{message}{}", style.paint(Paint::Quiet, &kind)),
        // A screen that is narrower than the word.
        None => text,
    };
    format!("{} {} {text}\n", style.paint(Paint::Quiet, &at), style.paint(paint, mark))
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
