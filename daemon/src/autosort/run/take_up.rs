//! An occurrence that is due: what is decided about it is stored in the same transaction.

use jiff::Timestamp;
use jiff::civil::Date;
use monzo_common::id::AccountId;
use monzo_common::model::{Approver, RunCause, RunState};

use crate::autosort::decide::decision::Purpose;
use crate::autosort::decide::guard::{Guard, Verdict};
use crate::autosort::decide::occurrence::{Begin, Occurrence, Why};
use crate::autosort::run::error::SorterError;
use crate::autosort::run::proposal::{self, Context, Draft, Proposal, commit};
use crate::rule::Rule;
use crate::store::{StoreError, StoredOccurrence, StoredRun, Writer};

/// What was stored about an occurrence that was due.
pub(crate) enum TakenUp {
    Nothing,
    /// The run that a guard had held back has ended.
    Dropped {
        run: StoredRun,
        why: String,
    },
    /// A guard holds it back; `new` where none did before.
    Withheld {
        new: Option<StoredRun>,
        why: String,
        only_quiet_hours: bool,
    },
    Proposed(Proposal),
    Approved(Proposal),
}

/// Decides about an occurrence that is due, and stores the run that is approved, proposed or held back.
pub(crate) fn take_up(
    writer: &Writer<'_>,
    context: &Context,
    rule: &Rule,
    account: Option<&AccountId>,
    one: &Occurrence,
) -> Result<TakenUp, SorterError> {
    let now = context.moment.at;
    let runs = writer.runs_of(&rule.name, &one.key)?;
    if runs.iter().any(|run| run.state == RunState::Proposed) {
        return Ok(TakenUp::Nothing);
    }
    let withheld = runs.into_iter().find(|run| run.state == RunState::Withheld);
    let drop = |why: &str| -> Result<TakenUp, SorterError> {
        let Some(run) = withheld else { return Ok(TakenUp::Nothing) };
        writer.end_run(&run.id, run.state, RunState::Expired, Some(why), now)?;
        Ok(TakenUp::Dropped { run, why: why.to_owned() })
    };
    let propose = match &one.begin {
        Begin::Never => return drop("the rule is off"),
        Begin::Run => Vec::new(),
        Begin::Propose(reasons) => reasons.iter().filter(|why| **why != Why::Mode).map(in_words).collect(),
    };
    let payday = one.key.parse::<Date>().ok();
    let purpose = Purpose { income: income_of(one, account), payday, propose, ..Purpose::default() };
    let decision = proposal::decide(writer, context, rule, &purpose)?;
    let why = decision.verdict.reasons().join("; ");
    let draft =
        |decision| Draft::of_rule(context, rule, decision, Some(one.key.clone()), RunCause::Occurrence);
    match &decision.verdict {
        Verdict::Nothing => drop("nothing is to be moved any more"),
        Verdict::Impossible(_) => {
            note_reason(writer, rule, one, &why, now)?;
            drop(&why)
        }
        Verdict::Withheld(held) => {
            let only_quiet_hours = held.iter().all(|held| held.guard == Guard::QuietHours);
            note_reason(writer, rule, one, &why, now)?;
            let new = proposal::withhold(writer, context, draft(decision)?, &why, one.until)?;
            Ok(TakenUp::Withheld { new, why, only_quiet_hours })
        }
        Verdict::Proposed(_) => {
            if let Some(later) = later_proposal(writer, rule, one)? {
                let why = format!("it waits until {later}, a later occurrence, is approved or rejected");
                note_reason(writer, rule, one, &why, now)?;
                return Ok(TakenUp::Nothing);
            }
            match proposal::propose(writer, context, draft(decision)?) {
                // Used meanwhile is as good as proposed.
                Err(SorterError::Conflict(_)) => Ok(TakenUp::Nothing),
                other => Ok(TakenUp::Proposed(other?)),
            }
        }
        // Within its guards, and of a text that a person has approved before.
        Verdict::Allowed => match proposal::propose(writer, context, draft(decision)?) {
            Err(SorterError::Conflict(_)) => Ok(TakenUp::Nothing),
            other => {
                let proposal = other?;
                let id = &proposal.run.id;
                writer.step_run(id, RunState::Proposed, RunState::Approved, None, None)?;
                writer.run_approved(id, Approver::Auto, None, now)?;
                commit(writer, &writer.run(id)?)?;
                Ok(TakenUp::Approved(proposal))
            }
        },
    }
}

/// The proposed run of a later occurrence of the rule: of one rule the newest proposal stands, and earlier occurrences
/// wait until a person has answered it.
fn later_proposal(writer: &Writer<'_>, rule: &Rule, one: &Occurrence) -> Result<Option<String>, StoreError> {
    let known = writer.occurrences(&rule.name)?;
    let due = |key: &str| known.iter().find(|one| one.key == key).map(|one| one.due_at);
    let later = |run: &StoredRun| {
        run.occurrence.as_deref().is_some_and(|other| {
            other != one.key && due(other).is_some_and(|due| (due, other) > (one.at, one.key.as_str()))
        })
    };
    let proposed = |run: &StoredRun| run.rule == rule.name && run.state == RunState::Proposed;
    Ok(writer.unfinished_runs()?.into_iter().find(|run| proposed(run) && later(run)).map(|run| run.id))
}

/// Notes why an occurrence has no run yet.
fn note_reason(
    writer: &Writer<'_>,
    rule: &Rule,
    one: &Occurrence,
    why: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    match writer.occurrences(&rule.name)?.into_iter().find(|found| found.key == one.key) {
        Some(found) => {
            writer.note_occurrence(&StoredOccurrence { reason: Some(why.to_owned()), ..found }, now)
        }
        None => Ok(()),
    }
}

fn in_words(why: &Why) -> String {
    match why {
        Why::Mode => "the mode is propose",
        Why::FirstRun => "the rule has never run: a person looks at its first run",
        Why::ChangedText => "the rule was changed since it last ran",
        Why::Late => "it is later than `catch_up`",
        Why::Further => "it is a further payment within the cycle",
    }
    .to_owned()
}

/// What the credit behind an occurrence brought to an account, in minor units: nothing of one that came in elsewhere.
pub(crate) fn income_of(one: &Occurrence, account: Option<&AccountId>) -> Option<i64> {
    let credit = one.credit.as_ref()?;
    Some(if Some(&credit.account) == account { credit.amount } else { 0 })
}
