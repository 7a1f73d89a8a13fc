//! Proposals, as they are decided and stored: all that goes into one is read, judged and written in one transaction,
//! so that neither a sync, a reload nor another person can come between.

use jiff::{SignedDuration, Timestamp};
use monzo_common::id::{AccountId, UserId};
use monzo_common::model::{Plan, RunCause, RunState, Transfer, TransferKind, TransferState};

use crate::autosort::decide::decision::{self, Binding, Decision, Purpose, text_hash};
use crate::autosort::decide::guard::{self, Verdict};
use crate::autosort::run::dedupe;
use crate::autosort::run::error::SorterError;
use crate::autosort::snapshot::{Moment, Snapshot};
use crate::autosort::{Settings, Sorter};
use crate::rule::{OnFailure, Rule};
use crate::store::{PlannedMove, StoreError, StoredRun, StoredTransfer, Writer};

/// How long a proposal that a person asked for waits for their approval, if `autosort.plan_ttl` is not shorter. Taste:
/// longer than anybody looks at a question, and short enough that one that was left without an answer is soon gone.
const BY_HAND_TTL: SignedDuration = SignedDuration::from_hours(1);

/// What a decision needs that is not in the database: read once, before its transaction.
pub(crate) struct Context {
    /// The configuration.
    pub(crate) settings: Settings,
    /// The present.
    pub(crate) moment: Moment,
    /// Whose money it is.
    pub(crate) user: Option<UserId>,
    /// A seed for a run that no occurrence gives one.
    pub(crate) random_seed: String,
}

impl Sorter {
    /// What a decision needs that is not in the database.
    pub(crate) fn context(&self) -> Result<Context, SorterError> {
        let random_seed = dedupe::fresh_seed()
            .map_err(|error| SorterError::Conflict(format!("the system gives no randomness: {error}")))?;
        Ok(Context {
            settings: self.settings(),
            moment: self.moment(),
            user: self.login.state().user_id,
            random_seed,
        })
    }

    /// Decides and stores in one transaction. A refusal writes nothing: it has to come before the first write.
    pub(crate) async fn transact<T: Send + 'static>(
        &self,
        write: impl FnOnce(&Writer<'_>) -> Result<T, SorterError> + Send + 'static,
    ) -> Result<T, SorterError> {
        let done = self.store.write(move |writer| match write(writer) {
            Err(SorterError::Store(error)) => Err(error),
            other => Ok(other),
        });
        done.await?
    }
}

/// A run that is to be proposed.
pub(crate) struct Draft {
    pub(crate) rule: String,
    pub(crate) cause: RunCause,
    pub(crate) occurrence: Option<String>,
    /// The account of its rule; that of its first move, where it has none.
    pub(crate) account: Option<AccountId>,
    pub(crate) plan: Plan,
    pub(crate) moves: Vec<PlannedMove>,
    pub(crate) rule_hash: Option<String>,
    pub(crate) seed: String,
    pub(crate) returns: bool,
    pub(crate) undoes: Option<String>,
}

impl Draft {
    /// What a decision about a rule would move.
    pub(crate) fn of_rule(
        context: &Context,
        rule: &Rule,
        decision: Decision,
        occurrence: Option<String>,
        cause: RunCause,
    ) -> Result<Self, SorterError> {
        let user = context.user.as_ref();
        let user = user.ok_or_else(|| SorterError::Conflict("nobody has logged in yet".to_owned()))?;
        let seed = match &occurrence {
            Some(key) if cause != RunCause::Again => dedupe::seed(user, &rule.name, key),
            _ => context.random_seed.clone(),
        };
        let account = decision.resolved.source.as_ref().map(|source| source.account.id.clone());
        let plan = decision.explained();
        Ok(Self {
            rule: rule.name.clone(),
            cause,
            occurrence,
            account,
            moves: moves(&plan),
            plan,
            rule_hash: Some(text_hash(rule)),
            seed,
            returns: rule.on_failure == OnFailure::Return,
            undoes: None,
        })
    }

    /// The run as it is stored.
    fn stored(self, context: &Context) -> Result<StoredRun, SorterError> {
        let first = self.moves.first().map(|first| first.transfer.account_id.clone());
        let Some(account_id) = first.or(self.account) else {
            return Err(SorterError::Conflict("there is nothing to move".to_owned()));
        };
        let now = context.moment.at;
        Ok(StoredRun {
            number: 0,
            id: dedupe::fresh_run_id(now),
            rule: self.rule,
            expires_at: expires_at(context, self.cause),
            cause: self.cause,
            occurrence: self.occurrence,
            state: RunState::Proposed,
            reason: None,
            account_id,
            plan: self.plan,
            moves: self.moves,
            rule_hash: self.rule_hash,
            seed: self.seed,
            returns: self.returns,
            floor: None,
            approved_by: None,
            cancelling: false,
            created_at: now,
            approved_at: None,
            started_at: None,
            ended_at: None,
            undoes: self.undoes,
        })
    }
}

/// When a proposal with this cause ends that is made now.
fn expires_at(context: &Context, cause: RunCause) -> Option<Timestamp> {
    let ttl = context.settings.sorter.plan_ttl;
    let ttl = if cause.by_hand() { ttl.min(BY_HAND_TTL) } else { ttl };
    context.moment.at.checked_add(ttl).ok()
}

/// The transfers of a plan with what each depends on: from a pot, every deposit on the one withdrawal.
fn moves(plan: &Plan) -> Vec<PlannedMove> {
    let first = plan.transfers.first().filter(|first| first.kind == TransferKind::Withdraw).map(|_| 1);
    let all = plan.transfers.iter().map(|one| PlannedMove {
        transfer: one.clone(),
        funded_by: first.filter(|_| one.kind != TransferKind::Withdraw),
        undoes: None,
    });
    all.collect()
}

/// A proposal that was stored.
pub(crate) struct Proposal {
    /// The run.
    pub(crate) run: StoredRun,
    /// Older proposals that it took the place of.
    pub(crate) superseded: Vec<StoredRun>,
}

/// Decides what a rule would move now, and binds the names that mean something for the first time.
pub(crate) fn decide(
    writer: &Writer<'_>,
    context: &Context,
    rule: &Rule,
    purpose: &Purpose,
) -> Result<Decision, StoreError> {
    let snapshot = Snapshot::read(writer, &context.settings, rule, context.moment)?;
    let decision = decision::decide(&snapshot, purpose);
    bind(writer, &decision.bind, context.moment.at)?;
    Ok(decision)
}

/// Binds names to what they mean now; those that are bound already stay so.
pub(crate) fn bind(writer: &Writer<'_>, bindings: &[Binding], now: Timestamp) -> Result<(), StoreError> {
    for one in bindings {
        writer.bind(one.kind, &one.name, &one.id, now)?;
    }
    Ok(())
}

/// Stores a proposal. Older ones of the same rule end, and one that a guard held back goes on as this one.
pub(crate) fn propose(writer: &Writer<'_>, context: &Context, draft: Draft) -> Result<Proposal, SorterError> {
    if let Some(why) = guard::excess_skew(context.moment.skew) {
        return Err(SorterError::Held(format!("{why}, and nothing is planned")));
    }
    let mut run = draft.stored(context)?;
    // It may have been used since it was looked at.
    if let Some(key) = run.occurrence.as_deref().filter(|_| run.cause != RunCause::Again)
        && let Some(used) = writer.used_by(&run.rule, key)?
    {
        return Err(SorterError::Conflict(format!("this occurrence was used by {used} meanwhile")));
    }
    // What is made by hand stands beside other things made by hand.
    let superseded = if run.rule_hash.is_some() || run.cause == RunCause::Undo {
        supersede(writer, &run, context.moment.at)?
    } else {
        Vec::new()
    };
    // What the rule had proposed by itself goes on waiting when a person who looked at it says no.
    let of_the_rule = |old: &StoredRun| !old.by_hand() && old.occurrence == run.occurrence;
    if run.cause == RunCause::Hand && superseded.iter().any(of_the_rule) {
        (run.cause, run.expires_at) = (RunCause::Occurrence, expires_at(context, RunCause::Occurrence));
    }
    let (id, _) = insert(writer, &run)?;
    Ok(Proposal { run: writer.run(&id)?, superseded })
}

/// Stores a run that a guard holds back, as the one of its occurrence; nothing if the occurrence was used meanwhile or
/// such a run is there already.
pub(crate) fn withhold(
    writer: &Writer<'_>,
    context: &Context,
    draft: Draft,
    why: &str,
    until: Option<Timestamp>,
) -> Result<Option<StoredRun>, SorterError> {
    let run = draft.stored(context)?;
    let run = StoredRun { state: RunState::Withheld, reason: Some(why.to_owned()), expires_at: until, ..run };
    if let Some(key) = run.occurrence.as_deref()
        && writer.used_by(&run.rule, key)?.is_some()
    {
        return Ok(None);
    }
    let (_, new) = insert(writer, &run)?;
    Ok(new.then_some(run))
}

/// Inserts a run, or has the one go on as it that a guard held back for the same occurrence; its id, and whether it is
/// new.
fn insert(writer: &Writer<'_>, run: &StoredRun) -> Result<(String, bool), StoreError> {
    let held_back = match run.occurrence.as_deref() {
        Some(key) if run.cause != RunCause::Again => writer.runs_of(&run.rule, key)?,
        _ => Vec::new(),
    };
    let held_back =
        held_back.into_iter().find(|old| old.state == RunState::Withheld && old.cause != RunCause::Again);
    match held_back {
        Some(old) if writer.replan_run(&old.id, run)? => Ok((old.id, false)),
        _ => {
            writer.insert_run(run)?;
            Ok((run.id.clone(), true))
        }
    }
}

/// Ends older proposals of the same rule, and answers them; what is held back for an occurrence goes on being so.
fn supersede(writer: &Writer<'_>, new: &StoredRun, now: Timestamp) -> Result<Vec<StoredRun>, StoreError> {
    let mut superseded = Vec::new();
    for old in writer.unfinished_runs()? {
        let same = old.rule == new.rule && old.undoes == new.undoes;
        if same && old.state == RunState::Proposed {
            let why = Some("a newer plan takes its place");
            writer.end_run(&old.id, old.state, RunState::Expired, why, now)?;
            superseded.push(old);
        }
    }
    Ok(superseded)
}

/// Commits the transfers of a run that is approved, each with its final key.
pub(crate) fn commit(writer: &Writer<'_>, run: &StoredRun) -> Result<(), StoreError> {
    for (planned, place) in run.moves.iter().zip(1_u32..) {
        let one = &planned.transfer;
        writer.insert_transfer(&StoredTransfer {
            transfer: Transfer {
                run_id: run.id.clone(),
                place,
                kind: one.kind,
                pot_id: one.pot_id.clone(),
                account_id: one.account_id.clone(),
                amount: one.amount,
                currency: run.plan.currency,
                state: TransferState::Planned,
                dedupe_id: dedupe::key(&run.seed, place, one.kind),
                requested_at: None,
                confirmed_at: None,
                reconciled_at: None,
                transaction_id: None,
                error: None,
            },
            funded_by: planned.funded_by,
            last_requested_at: None,
            requests: 0,
            outcome_unknown: false,
            refused: false,
            pot_balance: None,
            undoes: planned.undoes.clone(),
        })?;
    }
    Ok(())
}

/// Why a decision may not even be proposed to a person who asks for it; quiet hours only keep a run from beginning.
pub(crate) fn refused(decision: &Decision) -> Option<String> {
    let why: Vec<String> = match &decision.verdict {
        Verdict::Impossible(why) => why.clone(),
        Verdict::Withheld(held) => {
            let hard = held.iter().filter(|held| held.guard != guard::Guard::QuietHours);
            hard.map(|held| held.reason.clone()).collect()
        }
        Verdict::Nothing | Verdict::Allowed | Verdict::Proposed(_) => Vec::new(),
    };
    (!why.is_empty()).then(|| why.join("; "))
}
