//! The states of runs and transfers, the legal steps between them, and what a run does next. Pure.
//!
//! What happens next follows from the stored states and from nothing else, so that a run goes on after a crash
//! exactly as it would have without one. Money that is certainly still on its way is never left behind: what was
//! withdrawn and could not be placed goes back in one return (autosort/README.md, Exactly once).

use monzo_common::model::{RunState, TransferKind, TransferState};

/// Whether a run may go from one state to another.
pub const fn run_may(from: RunState, to: RunState) -> bool {
    use RunState as R;
    match from {
        R::Proposed | R::Withheld => {
            matches!(to, R::Proposed | R::Withheld | R::Approved | R::Expired | R::Rejected | R::Cancelled)
        }
        R::Approved => {
            matches!(to, R::Waiting | R::Executing | R::Done | R::Partial | R::Failed | R::Cancelled)
        }
        R::Waiting => matches!(to, R::Executing | R::Done | R::Partial | R::Failed | R::Cancelled),
        R::Executing => matches!(to, R::Waiting | R::Done | R::Partial | R::Failed | R::Cancelled),
        R::Done | R::Partial | R::Failed | R::Expired | R::Rejected | R::Cancelled => false,
    }
}

/// Whether a transfer may go from one state to another; what is in doubt is never given up as not sent.
pub const fn transfer_may(from: TransferState, outcome_unknown: bool, to: TransferState) -> bool {
    use TransferState as T;
    match from {
        T::Planned => matches!(to, T::Requested | T::Cancelled),
        T::Requested => {
            matches!(to, T::Requested | T::Confirmed | T::Failed)
                || (!outcome_unknown && matches!(to, T::Cancelled))
        }
        T::Confirmed | T::Failed | T::Cancelled => false,
    }
}

/// Whether a run has ended.
pub const fn ended(state: RunState) -> bool {
    matches!(
        state,
        RunState::Done
            | RunState::Partial
            | RunState::Failed
            | RunState::Expired
            | RunState::Rejected
            | RunState::Cancelled
    )
}

/// What the next step of a run depends on, of one transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TransferView {
    /// Its number in the run.
    pub place: u32,
    /// Which way.
    pub kind: TransferKind,
    /// Minor units.
    pub amount: i64,
    /// The number of the transfer that brings the money for it.
    pub funded_by: Option<u32>,
    /// Where it stands.
    pub state: TransferState,
    /// A request is out whose outcome is not known.
    pub outcome_unknown: bool,
}

/// What the next step of a run depends on, beside its transfers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RunContext {
    /// A person ends it.
    pub cancelling: bool,
    /// Its time is over.
    pub late: bool,
    /// What cannot be placed goes back.
    pub returns: bool,
    /// Whether to make a return has been decided already, and none was possible.
    pub kept: bool,
}

/// What a run does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Finds out what became of a transfer that was sent.
    Settle(u32),
    /// Sends a transfer.
    Send(u32),
    /// Gives up a transfer that certainly did not happen.
    Cancel(u32, Why),
    /// Makes a return of at most so many minor units.
    Return(i64),
    /// Ends like this.
    End(RunState),
}

/// Why a transfer is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// What was to bring its money did not.
    Unpaid,
    /// A person ended the run.
    Cancelled,
    /// The run's time is over.
    Late,
}

impl Why {
    /// The reason in words.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Unpaid => "the money for it did not come",
            Self::Cancelled => "the run was cancelled",
            Self::Late => "the run took longer than `autosort.run_deadline`",
        }
    }
}

/// What a run does next.
pub fn next(items: &[TransferView], context: RunContext) -> Step {
    let closing = match (context.cancelling, context.late) {
        (true, _) => Some(Why::Cancelled),
        (false, true) => Some(Why::Late),
        (false, false) => None,
    };
    if let Some(item) = items.iter().find(|item| item.state == TransferState::Requested) {
        return match closing {
            // A return is what ending a run is for.
            Some(why) if !item.outcome_unknown && item.kind != TransferKind::Return => {
                Step::Cancel(item.place, why)
            }
            _ => Step::Settle(item.place),
        };
    }
    if let Some(item) = items.iter().find(|item| item.state == TransferState::Planned) {
        let paid = item.funded_by.is_none_or(|funded_by| {
            items.iter().any(|other| other.place == funded_by && other.state == TransferState::Confirmed)
        });
        return match closing {
            Some(why) if item.kind != TransferKind::Return => Step::Cancel(item.place, why),
            _ if !paid => Step::Cancel(item.place, Why::Unpaid),
            _ => Step::Send(item.place),
        };
    }
    let over = surplus(items);
    let returned = items.iter().any(|item| item.kind == TransferKind::Return);
    if context.returns && !context.kept && !returned && over > 0 {
        return Step::Return(over);
    }
    Step::End(outcome(items, context.cancelling))
}

/// What was withdrawn for others and did not reach them, in minor units.
pub fn surplus(items: &[TransferView]) -> i64 {
    let stranded = |item: &&TransferView| {
        let paid = |funded_by: u32| {
            items.iter().any(|other| {
                other.place == funded_by
                    && other.kind == TransferKind::Withdraw
                    && other.state == TransferState::Confirmed
            })
        };
        matches!(item.state, TransferState::Failed | TransferState::Cancelled)
            && item.kind == TransferKind::Deposit
            && item.funded_by.is_some_and(paid)
    };
    items.iter().filter(stranded).map(|item| item.amount).fold(0, i64::saturating_add)
}

/// What is left in the account after all, in minor units: the surplus less what went back.
pub fn stranded(items: &[TransferView]) -> i64 {
    let back = items
        .iter()
        .filter(|item| item.kind == TransferKind::Return && item.state == TransferState::Confirmed)
        .map(|item| item.amount);
    back.fold(surplus(items), i64::saturating_sub)
}

/// How a run ends whose transfers all have.
fn outcome(items: &[TransferView], cancelling: bool) -> RunState {
    let meant = || items.iter().filter(|item| item.kind != TransferKind::Return);
    let confirmed = meant().filter(|item| item.state == TransferState::Confirmed).count();
    match confirmed {
        all if all == meant().count() => RunState::Done,
        _ if cancelling => RunState::Cancelled,
        0 => RunState::Failed,
        _ => RunState::Partial,
    }
}

/// Every state of a run.
#[cfg(test)]
pub(crate) const RUNS: [RunState; 11] = [
    RunState::Proposed,
    RunState::Withheld,
    RunState::Approved,
    RunState::Waiting,
    RunState::Executing,
    RunState::Done,
    RunState::Partial,
    RunState::Failed,
    RunState::Expired,
    RunState::Rejected,
    RunState::Cancelled,
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_has_ended_stays_as_it_is() {
        for from in RUNS {
            for to in RUNS {
                assert!(!(ended(from) && run_may(from, to)), "{from:?} to {to:?}");
            }
        }
        for to in [TransferState::Planned, TransferState::Requested, TransferState::Cancelled] {
            for from in [TransferState::Confirmed, TransferState::Failed, TransferState::Cancelled] {
                assert!(!transfer_may(from, false, to), "{from:?} to {to:?}");
            }
        }
        assert!(!transfer_may(TransferState::Requested, true, TransferState::Cancelled));
        assert!(!transfer_may(TransferState::Planned, false, TransferState::Confirmed), "unsent");
    }

    #[test]
    fn nothing_is_sent_that_was_not_approved() {
        for from in [RunState::Proposed, RunState::Withheld] {
            assert!(!run_may(from, RunState::Executing) && !run_may(from, RunState::Done), "{from:?}");
        }
    }

    fn item(place: u32, kind: TransferKind, amount: i64, funded_by: Option<u32>) -> TransferView {
        TransferView { place, kind, amount, funded_by, state: TransferState::Planned, outcome_unknown: false }
    }

    /// One withdrawal and deposits from it, or deposits alone.
    fn runs() -> impl Strategy<Value = Vec<TransferView>> {
        (any::<bool>(), prop::collection::vec(1_i64..1_000_000, 0..5)).prop_map(|(pot, amounts)| {
            let mut items = Vec::new();
            if pot && !amounts.is_empty() {
                items.push(item(1, TransferKind::Withdraw, amounts.iter().sum(), None));
            }
            let funded_by = (!items.is_empty()).then_some(1);
            for amount in amounts {
                let place = u32::try_from(items.len()).expect("few") + 1;
                items.push(item(place, TransferKind::Deposit, amount, funded_by));
            }
            items
        })
    }

    /// What comes of a step: confirmed, refused, in doubt, vetoed, cancelled by a person, late.
    fn answers() -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(0_u8..8, 0..40)
    }

    /// Plays a run to its end at a bank that keeps the real books, and checks each step.
    fn play(mut items: Vec<TransferView>, answers: Vec<u8>, returns: bool) -> Result<(), TestCaseError> {
        let mut context = RunContext { returns, ..RunContext::default() };
        let mut done: BTreeMap<u32, i64> = BTreeMap::new();
        let mut answers = answers.into_iter();
        for _ in 0..200 {
            let step = next(&items, context);
            let place = match step {
                Step::Settle(place) | Step::Send(place) | Step::Cancel(place, _) => place,
                Step::Return(amount) => {
                    prop_assert!(returns && amount > 0);
                    prop_assert!(
                        items.iter().all(|item| item.kind != TransferKind::Return),
                        "a second return"
                    );
                    let place = u32::try_from(items.len()).expect("few") + 1;
                    items.push(item(place, TransferKind::Return, amount, None));
                    continue;
                }
                Step::End(state) => {
                    prop_assert!(ended(state));
                    for item in &items {
                        prop_assert!(!matches!(
                            item.state,
                            TransferState::Planned | TransferState::Requested
                        ));
                        let happened = done.contains_key(&item.place);
                        prop_assert_eq!(happened, item.state == TransferState::Confirmed, "{:?}", item);
                    }
                    let confirmed = items.iter().all(|item| item.state == TransferState::Confirmed);
                    prop_assert!(!confirmed || state == RunState::Done);
                    let withdrawn: i64 = items
                        .iter()
                        .filter(|item| item.kind == TransferKind::Withdraw)
                        .filter_map(|item| done.get(&item.place))
                        .sum();
                    let placed: i64 = items
                        .iter()
                        .filter(|item| item.funded_by.is_some() || item.kind == TransferKind::Return)
                        .filter_map(|item| done.get(&item.place))
                        .sum();
                    prop_assert_eq!(
                        withdrawn - placed,
                        stranded(&items),
                        "a penny is neither placed nor named"
                    );
                    return Ok(());
                }
            };
            let item = items.iter_mut().find(|item| item.place == place).expect("it is there");
            let to = match step {
                Step::Cancel(..) => TransferState::Cancelled,
                Step::Send(_) => {
                    prop_assert_eq!(item.state, TransferState::Planned, "only once as the first");
                    item.state = TransferState::Requested;
                    item.outcome_unknown = true;
                    continue;
                }
                _ => match answers.next().unwrap_or(0) {
                    0 | 1 => {
                        done.insert(place, item.amount);
                        TransferState::Confirmed
                    }
                    2 => TransferState::Failed,
                    3 => {
                        item.outcome_unknown = false;
                        continue;
                    }
                    4 => {
                        context.cancelling = true;
                        continue;
                    }
                    5 => {
                        context.late = true;
                        continue;
                    }
                    _ => continue,
                },
            };
            prop_assert!(transfer_may(item.state, item.outcome_unknown, to), "{:?} to {:?}", item, to);
            item.state = to;
            item.outcome_unknown = false;
        }
        prop_assert!(false, "it does not end");
        Ok(())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn whatever_the_bank_answers_a_run_ends_and_every_penny_is_placed_or_named(
            items in runs(), answers in answers(), returns: bool
        ) {
            play(items, answers, returns)?;
        }
    }
}
