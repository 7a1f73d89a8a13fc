//! The sorter: freezes, runs, and what rules need.

use monzo_common::model::{Attention, RunState, Severity};
use monzo_common::shell;

use super::{Inputs, about};
use crate::autosort::query::rule_issues::{AppPotIssue, RuleIssue};

pub(super) fn attention(inputs: &Inputs) -> Vec<Attention> {
    let mut all = Vec::new();
    for (rule, reason) in &inputs.frozen {
        let (subject, message, hint) = match rule {
            Some(rule) => (
                rule.as_str(),
                format!("the rule {rule} is frozen: {reason}"),
                format!("`monzoctl sort thaw {}` lets it go on", shell::word(rule)),
            ),
            None => (
                "",
                format!("the sorter is frozen: {reason}"),
                "see what was moved in the Monzo app and by `monzoctl sort history`; then `monzoctl sort thaw` lets rules run again"
                    .to_owned(),
            ),
        };
        let severity = if rule.is_some() { Severity::Note } else { Severity::Problem };
        all.push(about(severity, "sorter_frozen", subject, message, &hint));
    }
    for run in &inputs.runs {
        let because = run.reason.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
        let id = &run.id;
        let look = |code: &str| {
            format!(
                "`monzoctl show {id}` shows what was moved; `monzoctl ack {code}:{id}` when it is dealt with"
            )
        };
        let (severity, code, what, hint) = match run.state {
            RunState::Proposed => (
                Severity::Note,
                "run_proposed",
                "waits for approval",
                format!(
                    "`monzoctl sort approve {id}` shows its plan and asks; `monzoctl sort reject {id}` drops it"
                ),
            ),
            RunState::Withheld => {
                (Severity::Note, "run_withheld", "is held back", format!("`monzoctl why {id}` says by what"))
            }
            RunState::Waiting => {
                (Severity::Note, "run_waiting", "waits", format!("`monzoctl show {id}` shows its plan"))
            }
            RunState::Partial => (Severity::Problem, "run_partial", "was done in part", look("run_partial")),
            RunState::Failed => (Severity::Problem, "run_failed", "failed", look("run_failed")),
            _ => continue,
        };
        all.push(about(severity, code, id, format!("{}: the run {what}{because}", run.rule), &hint));
    }
    for RuleIssue { subject, message } in &inputs.rule_issues.rules {
        all.push(about(
            Severity::Problem,
            "rule_unfit",
            subject,
            message,
            "do what it says; or change the rule, then `monzoctl config reload`",
        ));
    }
    for RuleIssue { subject, message } in &inputs.rule_issues.incomes {
        let hint = format!(
            "if it came in another form, change `income` of the payday, then `monzoctl config reload`; or `monzoctl ack {}`",
            shell::word(&format!("income_late:{subject}"))
        );
        all.push(about(Severity::Problem, "income_late", subject, message, &hint));
    }
    for RuleIssue { subject, message } in &inputs.rule_issues.asks {
        let hint = format!(
            "pay it in the app: this note goes when a sync sees the payment; or `monzoctl ack payment_asked:{subject}`"
        );
        all.push(about(Severity::Note, "payment_asked", subject, message, &hint));
    }
    for AppPotIssue { issue, thaw } in &inputs.rule_issues.app_pots {
        let hint = format!("move its money in the Monzo app; `{thaw}` lets it be tried again");
        all.push(about(Severity::Note, "pot_needs_app", &issue.subject, &issue.message, &hint));
    }
    all
}
