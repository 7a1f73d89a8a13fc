//! The configuration, the metrics, and this machine's clock.

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
        let (seconds, direction) =
            (skew.as_secs().abs(), if skew.is_negative() { "behind" } else { "ahead of" });
        let message = format!("this machine's clock is {seconds} s {direction} the bank's");
        all.push(problem("clock_skewed", message, "let NTP set it: `timedatectl set-ntp true`"));
    }
    all
}
