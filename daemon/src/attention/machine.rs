//! The configuration, the metrics, and this machine's clock.

use jiff::SignedDuration;
use monzo_common::model::Attention;

use super::{Inputs, problem};

pub(super) fn attention(inputs: &Inputs) -> Vec<Attention> {
    let mut all = Vec::new();
    if let Some(why) = &inputs.troubles.config {
        let message = format!("the configuration on disk was refused, the one in force stays: {why}");
        all.push(problem(
            "config_rejected",
            message,
            "`monzoctl config check` shows what to change; then `monzoctl config reload`",
        ));
    }
    if let Some(why) = &inputs.troubles.metrics {
        let message = format!("metrics are not served: {why}");
        all.push(problem(
            "metrics_unserved",
            message,
            "free the address or change `metrics.listen`, then restart",
        ));
    }
    if let Some(skew) = inputs.skew {
        let (length, direction) =
            (length(skew.abs()), if skew.is_negative() { "behind" } else { "ahead of" });
        let message = format!("this machine's clock is {length} {direction} the bank's");
        all.push(problem("clock_skewed", message, "let NTP set it: `timedatectl set-ntp true`"));
    }
    all
}

/// A length of time in its largest whole unit.
fn length(span: SignedDuration) -> String {
    match (span.as_hours() / 24, span.as_hours(), span.as_mins()) {
        (2.., ..) => format!("{} days", span.as_hours() / 24),
        (_, 2.., _) => format!("{} hours", span.as_hours()),
        (_, _, 2..) => format!("{} minutes", span.as_mins()),
        _ => format!("{} seconds", span.as_secs()),
    }
}
