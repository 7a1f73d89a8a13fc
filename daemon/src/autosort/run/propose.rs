//! What people ask of the sorter: proposals by hand, consent, refusal, and holding all of it back.
//!
//! Nothing here sends anything. Consent is given to a plan after a fresh sync, or not at all; what was consented to is
//! committed whole, with its keys at the bank, before the loop is told of it.

use jiff::{SignedDuration, Timestamp};
use monzo_common::id::{AccountId, UserId};
use monzo_common::model::{
    Plan, RunStarted, RunState, SyncState, Transfer, TransferState, asked_by_a_person,
};

use crate::autosort::Sorter;
use crate::autosort::decide::names::{self, NameError};
use crate::autosort::decide::reversal::{self, Reversal};
use crate::autosort::decide::world::{AccountOrPot, World};
use crate::autosort::decide::{check, guard, manual};
use crate::autosort::query::runs;
use crate::autosort::run::finish::{moves, title};
use crate::autosort::run::{dedupe, state};
use crate::events::Kind;
use crate::store::{PlannedMove, StoreError, StoredRun, StoredTransfer, Writer};
use crate::sync::StartError;

/// How long a proposal that a person asked for waits for their yes, if `autosort.plan_ttl` is not shorter. Taste: longer
/// than anybody looks at a question, and short enough that one that was left without an answer is soon gone.
const BY_HAND_TTL: SignedDuration = SignedDuration::from_hours(1);

/// Why the sorter does not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum SorterError {
    /// A name means nothing, or too much.
    #[error(transparent)]
    Name(#[from] NameError),
    /// What was asked for makes no sense.
    #[error(transparent)]
    Move(#[from] manual::InvalidMove),
    /// A guardrail, freeze, exclusion, lock or changed plan is in the way.
    #[error("{0}")]
    Held(String),
    /// There is nothing like that in the present state.
    #[error("{0}")]
    Conflict(String),
    /// There is no rule with this name.
    #[error("there is no rule ‘{0}’")]
    NoRule(String),
    /// What it would have done in the past cannot be told.
    #[error("it cannot be replayed: {0}")]
    NoReplay(String),
    /// The bank could not be read, so that nothing is known for sure.
    #[error("the bank could not be read: {0}")]
    Unread(String),
    /// No sync can be started.
    #[error(transparent)]
    Sync(#[from] StartError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A run that is to be proposed.
pub(crate) struct Draft {
    pub(crate) rule: String,
    pub(crate) cause: String,
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
    /// What a person asked for without a rule; it bears the name of its plan.
    fn by_hand(cause: &str, plan: Plan, moves: Vec<PlannedMove>) -> Result<Self, SorterError> {
        Ok(Self {
            rule: plan.rule.clone(),
            cause: cause.to_owned(),
            occurrence: None,
            account: None,
            plan,
            moves,
            rule_hash: None,
            seed: Sorter::seed()?,
            returns: false,
            undoes: None,
        })
    }
}

impl Sorter {
    /// Reads the bank now; nothing is decided on what was known before.
    pub(crate) async fn read_bank(&self) -> Result<(), SorterError> {
        let ended = self.sync.finish_for("run").await?;
        let id = ended.id.clone();
        let kept = self.store.read(move |reader| reader.sync(&id)).await?;
        match kept.state {
            SyncState::Done | SyncState::Partial => Ok(()),
            _ => Err(SorterError::Unread("the sync did not end well; `monzoctl sync` says why".to_owned())),
        }
    }

    /// Whose money it is.
    pub(crate) async fn user(&self) -> Result<UserId, SorterError> {
        let user = self.login.state().user_id;
        user.ok_or_else(|| SorterError::Conflict("nobody has logged in yet".to_owned()))
    }

    pub(crate) fn seed() -> Result<String, SorterError> {
        dedupe::fresh_seed()
            .map_err(|error| SorterError::Conflict(format!("the system gives no randomness: {error}")))
    }

    /// A run as it is kept, from what it is to be.
    pub(crate) fn stored(&self, draft: Draft, now: Timestamp) -> Result<StoredRun, SorterError> {
        let first = draft.moves.first().map(|first| first.transfer.account_id.clone());
        let Some(account_id) = first.or(draft.account) else {
            return Err(SorterError::Conflict("there is nothing to move".to_owned()));
        };
        Ok(StoredRun {
            number: 0,
            id: dedupe::fresh_run_id(now),
            rule: draft.rule,
            expires_at: now.checked_add(self.ttl(&draft.cause)).ok(),
            cause: draft.cause,
            occurrence: draft.occurrence,
            state: RunState::Proposed,
            reason: None,
            account_id,
            plan: draft.plan,
            moves: draft.moves,
            rule_hash: draft.rule_hash,
            seed: draft.seed,
            returns: draft.returns,
            floor: None,
            approved_by: None,
            cancelling: false,
            created_at: now,
            approved_at: None,
            started_at: None,
            ended_at: None,
            undoes: draft.undoes,
        })
    }

    /// How long a proposal with this cause waits for approval.
    fn ttl(&self, cause: &str) -> SignedDuration {
        let ttl = self.settings().sorter.plan_ttl;
        if asked_by_a_person(cause) { ttl.min(BY_HAND_TTL) } else { ttl }
    }

    /// Keeps a proposal and tells of it; older ones of the same rule are overtaken.
    pub(crate) async fn propose(&self, draft: Draft) -> Result<StoredRun, SorterError> {
        let run = self.propose_quietly(draft).await?;
        self.metrics.run("proposed");
        self.tell(
            &run,
            Kind::RunProposed,
            format!("{} waits for approval: {}", title(&run), moves(&run.plan)),
        )
        .await;
        self.measure().await?;
        self.nudge();
        Ok(run)
    }

    /// Keeps a proposal; older ones of the same rule are overtaken, and one that a guard held back goes on as this one.
    pub(crate) async fn propose_quietly(&self, draft: Draft) -> Result<StoredRun, SorterError> {
        if let Some(why) = guard::excess_skew(self.clock.skew()) {
            return Err(SorterError::Held(format!("{why}, and nothing is planned")));
        }
        let now = self.clock.now();
        let mut kept = self.stored(draft, now)?;
        let waits_as_the_rules_own = now.checked_add(self.ttl("occurrence")).ok();
        let written = self.store.write(move |writer| {
            // It may have been used while this was being planned.
            if let Some(key) = kept.occurrence.as_deref().filter(|_| kept.cause != "again")
                && let Some(used) = writer.used_by(&kept.rule, key)?
            {
                return Ok(Err(used));
            }
            // What is made by hand stands beside other things made by hand.
            let overtaken = if kept.rule_hash.is_some() || kept.cause == "undo" {
                overtake(writer, &kept, now)?
            } else {
                Vec::new()
            };
            // What the rule had proposed by itself goes on waiting when a person who looked at it says no.
            let of_the_rule = |old: &StoredRun| !old.by_hand() && old.occurrence == kept.occurrence;
            if kept.cause == "hand" && overtaken.iter().any(of_the_rule) {
                (kept.cause, kept.expires_at) = ("occurrence".to_owned(), waits_as_the_rules_own);
            }
            Ok(Ok((keep(writer, &kept)?.0, overtaken)))
        });
        let (id, overtaken) = written
            .await?
            .map_err(|used| SorterError::Conflict(format!("this occasion was used by {used} meanwhile")))?;
        for old in overtaken {
            self.metrics.run("expired");
            self.tell(&old, Kind::RunExpired, format!("a newer plan of {} takes its place", title(&old)))
                .await;
        }
        Ok(self.store.read(move |reader| reader.run(&id)).await?)
    }

    /// Keeps a run that a guard holds back, as the one that it is for its occasion.
    pub(crate) async fn withhold(
        &self,
        draft: Draft,
        why: &str,
        until: Option<Timestamp>,
    ) -> Result<(), SorterError> {
        let run = self.stored(draft, self.clock.now())?;
        let run =
            StoredRun { state: RunState::Withheld, reason: Some(why.to_owned()), expires_at: until, ..run };
        let kept = run.clone();
        let written = self.store.write(move |writer| {
            // It may have been used while this was being planned.
            match kept.occurrence.as_deref() {
                Some(key) if writer.used_by(&kept.rule, key)?.is_some() => Ok(false),
                _ => Ok(keep(writer, &kept)?.1),
            }
        });
        if written.await? {
            self.metrics.run("withheld");
            self.tell(&run, Kind::RunWithheld, format!("the rule {} is held back: {why}", run.rule)).await;
        }
        Ok(())
    }

    /// Proposes a move between an account and a pot, or two pots, by name or id.
    ///
    /// # Errors
    /// [`SorterError`].
    pub async fn move_money(&self, amount: i64, from: &str, to: &str) -> Result<RunStarted, SorterError> {
        let world = self.world().await?;
        let (from, to) = (names::find(&world, from)?, names::find(&world, to)?);
        manual::transfers(&world, amount, &from, &to)?;
        let world = self.current_world().await?;
        let moves = manual::transfers(&world, amount, &from, &to)?;
        allowed(&world, &moves)?;
        let plan = manual::plan(&world, "move", "asked for by hand", &moves);
        let draft = Draft { returns: true, ..Draft::by_hand("hand", plan, moves)? };
        self.propose_by_hand(draft, Vec::new()).await
    }

    /// Proposes to move a penny into a pot and back, after which the account behind it is known.
    ///
    /// # Errors
    /// [`SorterError`].
    pub async fn discover(&self, pot: &str) -> Result<RunStarted, SorterError> {
        let world = self.world().await?;
        let AccountOrPot::Pot(id) = names::find(&world, pot)? else {
            return Err(SorterError::Conflict(format!(
                "‘{pot}’ is an account; only pots have one behind them"
            )));
        };
        let known = |world: &World| world.pot(&id).is_some_and(|pot| pot.hidden_account.is_some());
        let world = if known(&world) { world } else { self.current_world().await? };
        if known(&world) {
            let message = format!("the account behind {} is known already", world.pot_name(&id));
            return Ok(RunStarted { run: None, message, changed: false, left_out: Vec::new() });
        }
        let moves = manual::discovery(&world, &id).unwrap_or_default();
        allowed(&world, &moves)?;
        let explanation = "a penny in and out again shows the account behind the pot";
        let plan = manual::plan(&world, "discover", explanation, &moves);
        self.propose_by_hand(Draft::by_hand("discover", plan, moves)?, Vec::new()).await
    }

    /// Proposes a run that reverses what another moved and nothing has reversed yet, as far as that can be done, and
    /// says what it does not reverse.
    ///
    /// # Errors
    /// [`SorterError`].
    pub async fn undo(&self, id: &str) -> Result<RunStarted, SorterError> {
        let asked = id.to_owned();
        let run = self.store.read(move |reader| reader.run(&asked)).await?;
        if !state::ended(run.state) {
            let message =
                format!("{} is still under way; `monzoctl sort cancel {}` ends it", title(&run), run.id);
            return Err(SorterError::Conflict(message));
        }
        let open = self.store.read(|reader| reader.unfinished_runs()).await?;
        if let Some(other) = open
            .iter()
            .find(|other| other.undoes.as_deref() == Some(&run.id) && other.state != RunState::Proposed)
        {
            return Err(SorterError::Conflict(format!("it is being undone already by {}", other.id)));
        }
        let (world, asked) = (self.current_world().await?, run.id.clone());
        let read = self.store.read(move |reader| Ok((reader.transfers_of(&asked)?, reader.undoing(&asked)?)));
        let (done, undone) = read.await?;
        let Reversal { moves, left_out } = reversal::reversal(&world, &done, &undone);
        if moves.is_empty() {
            let message = match left_out.as_slice() {
                [] => "nothing of it is left to undo".to_owned(),
                rest => rest.join("; "),
            };
            return Ok(RunStarted { run: None, message, changed: false, left_out });
        }
        allowed(&world, &moves)?;
        let mut plan = manual::plan(&world, "undo", &format!("reverses {}", run.id), &moves);
        if let Some(step) = plan.steps.first_mut() {
            step.caps.clone_from(&left_out);
        }
        let draft = Draft { undoes: Some(run.id), ..Draft::by_hand("undo", plan, moves)? };
        self.propose_by_hand(draft, left_out).await
    }

    /// What the bank says now: a plan that a person is asked about shows no balance of before.
    async fn current_world(&self) -> Result<World, SorterError> {
        self.read_bank().await?;
        Ok(self.world().await?)
    }

    async fn propose_by_hand(&self, draft: Draft, left_out: Vec<String>) -> Result<RunStarted, SorterError> {
        let run = self.propose(draft).await?;
        Ok(RunStarted { left_out, ..proposed(run) })
    }
}

/// Refuses moves that may not be made as things stand.
fn allowed(world: &World, moves: &[PlannedMove]) -> Result<(), SorterError> {
    let transfers: Vec<_> = moves.iter().map(|one| one.transfer.clone()).collect();
    let found = check::check(&transfers, world, &check::Limits::default());
    if found.is_empty() {
        return Ok(());
    }
    let reasons: Vec<String> = found.into_iter().map(|violation| violation.reason).collect();
    Err(SorterError::Held(reasons.join("; ")))
}

/// The answer with a proposal that was asked for, and how it is approved where nobody is asked about it.
pub(crate) fn proposed(run: StoredRun) -> RunStarted {
    let occurrence = run.occurrence.as_ref().map(|key| format!(" for {key}")).unwrap_or_default();
    let message = format!("proposed{occurrence}; `monzoctl sort approve {}` approves it", run.id);
    started(run, &message)
}

pub(crate) fn started(run: StoredRun, message: &str) -> RunStarted {
    RunStarted {
        run: Some(runs::run(run, Vec::new())),
        message: message.to_owned(),
        changed: true,
        left_out: Vec::new(),
    }
}

/// Keeps a run, or has the one go on as it that a guard held back for the same occasion; its id, and whether it is new.
fn keep(writer: &Writer<'_>, run: &StoredRun) -> Result<(String, bool), StoreError> {
    let held_back = match run.occurrence.as_deref() {
        Some(key) if run.cause != "again" => writer.runs_of(&run.rule, key)?,
        _ => Vec::new(),
    };
    let held_back = held_back.into_iter().find(|old| old.state == RunState::Withheld && old.cause != "again");
    match held_back {
        Some(old) if writer.replan_run(&old.id, run)? => Ok((old.id, false)),
        _ => {
            writer.insert_run(run)?;
            Ok((run.id.clone(), true))
        }
    }
}

/// Ends older proposals of the same rule, and answers them; what is held back for an occasion goes on being so.
fn overtake(writer: &Writer<'_>, new: &StoredRun, now: Timestamp) -> Result<Vec<StoredRun>, StoreError> {
    let mut overtaken = Vec::new();
    for old in writer.unfinished_runs()? {
        let same = old.rule == new.rule && old.undoes == new.undoes;
        if same && old.state == RunState::Proposed {
            let why = Some("a newer plan takes its place");
            writer.end_run(&old.id, old.state, RunState::Expired, why, now)?;
            overtaken.push(old);
        }
    }
    Ok(overtaken)
}

/// Commits the transfers of a run that is let go, each with its final key.
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
            needs: planned.needs,
            last_requested_at: None,
            requests: 0,
            doubtful: false,
            refused: false,
            pot_balance: None,
            undoes: planned.undoes.clone(),
        })?;
    }
    Ok(())
}
