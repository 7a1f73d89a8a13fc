//! What people ask of the sorter: proposals by hand, consent, refusal, and holding all of it back.
//!
//! Nothing here sends anything. Consent is given to a plan after a fresh sync, or not at all; what was consented to is
//! committed whole, with its keys at the bank, before the loop is told of it.

use jiff::Timestamp;
use monzo_common::id::{AccountId, UserId};
use monzo_common::model::{Plan, RunStarted, RunState, SyncState, Transfer, TransferState};

use super::books::{Books, End, NoPlace};
use super::ending::{moves, title};
use super::{Sorter, dedupe, guard, hand, journal, show};
use crate::events::Kind;
use crate::store::{PlannedMove, StoreError, StoredRun, StoredTransfer, Writer};
use crate::sync::StartError;

/// Why the sorter does not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum SorterError {
    /// A name means nothing, or too much.
    #[error(transparent)]
    Place(#[from] NoPlace),
    /// What was asked for makes no sense.
    #[error(transparent)]
    Move(#[from] hand::NoMove),
    /// A guardrail, freeze, exclusion, lock or changed plan is in the way.
    #[error("{0}")]
    Held(String),
    /// There is nothing like that in the present state.
    #[error("{0}")]
    Conflict(String),
    /// There is no rule with this name.
    #[error("there is no rule ‘{0}’")]
    NoRule(String),
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
pub(super) struct Draft {
    pub(super) rule: String,
    pub(super) cause: &'static str,
    pub(super) occurrence: Option<String>,
    /// The account of its rule; that of its first move, where it has none.
    pub(super) account: Option<AccountId>,
    pub(super) plan: Plan,
    pub(super) moves: Vec<PlannedMove>,
    pub(super) rule_hash: Option<String>,
    pub(super) seed: String,
    pub(super) returns: bool,
    pub(super) undoes: Option<String>,
}

impl Draft {
    /// What a person asked for without a rule; it bears the name of its plan.
    fn by_hand(cause: &'static str, plan: Plan, moves: Vec<PlannedMove>) -> Result<Self, SorterError> {
        Ok(Self {
            rule: plan.rule.clone(),
            cause,
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
    pub(super) async fn read_bank(&self) -> Result<(), SorterError> {
        let ended = self.sync.finish_for("run").await?;
        let id = ended.id.clone();
        let kept = self.store.read(move |reader| reader.sync(&id)).await?;
        match kept.state {
            SyncState::Done | SyncState::Partial => Ok(()),
            _ => Err(SorterError::Unread("the sync did not end well; `monzoctl sync` says why".to_owned())),
        }
    }

    /// Whose money it is.
    pub(super) async fn user(&self) -> Result<UserId, SorterError> {
        let user = self.login.state().user_id;
        user.ok_or_else(|| SorterError::Conflict("nobody has logged in yet".to_owned()))
    }

    pub(super) fn seed() -> Result<String, SorterError> {
        dedupe::fresh_seed()
            .map_err(|error| SorterError::Conflict(format!("the system gives no randomness: {error}")))
    }

    /// A run as it is kept, from what it is to be.
    pub(super) fn stored(&self, draft: Draft, now: Timestamp) -> Result<StoredRun, SorterError> {
        let first = draft.moves.first().map(|first| first.transfer.account_id.clone());
        let Some(account_id) = first.or(draft.account) else {
            return Err(SorterError::Conflict("there is nothing to move".to_owned()));
        };
        Ok(StoredRun {
            number: 0,
            id: dedupe::fresh_run_id(now),
            rule: draft.rule,
            cause: draft.cause.to_owned(),
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
            expires_at: now.checked_add(self.settings().sorter.plan_ttl).ok(),
            approved_at: None,
            started_at: None,
            ended_at: None,
            undoes: draft.undoes,
        })
    }

    /// Keeps a proposal and tells of it; older ones of the same rule are overtaken.
    pub(super) async fn propose(&self, draft: Draft) -> Result<StoredRun, SorterError> {
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
    pub(super) async fn propose_quietly(&self, draft: Draft) -> Result<StoredRun, SorterError> {
        if let Some(why) = guard::apart(self.clock.skew()) {
            return Err(SorterError::Held(format!("{why}, and nothing is planned")));
        }
        let now = self.clock.now();
        let run = self.stored(draft, now)?;
        let kept = run.clone();
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
    pub(super) async fn withhold(
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
        let books = self.books().await?;
        let (from, to) = (books.find(from)?, books.find(to)?);
        let moves = hand::transfers(&books, amount, &from, &to)?;
        self.hinder(&books, &moves)?;
        let plan = hand::plan(&books, "move", "asked for by hand", &moves);
        let draft = Draft { returns: true, ..Draft::by_hand("hand", plan, moves)? };
        self.propose_by_hand(draft).await
    }

    /// Proposes to move a penny into a pot and back, after which the account behind it is known.
    ///
    /// # Errors
    /// [`SorterError`].
    pub async fn discover(&self, pot: &str) -> Result<RunStarted, SorterError> {
        let books = self.books().await?;
        let End::Pot(id) = books.find(pot)? else {
            return Err(SorterError::Conflict(format!(
                "‘{pot}’ is an account; only pots have one behind them"
            )));
        };
        if books.pot(&id).is_some_and(|pot| pot.pot_current_id.is_some()) {
            let message = format!("the account behind {} is known already", books.pot_name(&id));
            return Ok(RunStarted { run: None, message, changed: false });
        }
        let moves = hand::discovery(&books, &id).unwrap_or_default();
        self.hinder(&books, &moves)?;
        let plan = hand::plan(
            &books,
            "discover",
            "a penny in and out again shows the account behind the pot",
            &moves,
        );
        self.propose_by_hand(Draft::by_hand("discover", plan, moves)?).await
    }

    /// Proposes a run that reverses what another moved and nothing has reversed yet.
    ///
    /// # Errors
    /// [`SorterError`].
    pub async fn undo(&self, id: &str) -> Result<RunStarted, SorterError> {
        let (books, asked, settings) = (self.books().await?, id.to_owned(), self.settings());
        let read = self.store.read(move |reader| {
            let run = reader.run(&asked)?;
            Ok((reader.transfers_of(&run.id)?, reader.undoing(&run.id)?, run))
        });
        let (done, undone, run) = read.await?;
        if !journal::ended(run.state) {
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
        let (moves, left_out) = hand::undoing(&books, &settings.sorter, &done, &undone);
        if moves.is_empty() {
            let why = left_out.first().cloned().unwrap_or_else(|| "nothing of it is left to undo".to_owned());
            return Ok(RunStarted { run: None, message: why, changed: false });
        }
        self.hinder(&books, &moves)?;
        let mut plan = hand::plan(&books, "undo", &format!("reverses {}", run.id), &moves);
        if let Some(step) = plan.steps.first_mut() {
            step.caps = left_out;
        }
        let draft = Draft { undoes: Some(run.id), ..Draft::by_hand("undo", plan, moves)? };
        self.propose_by_hand(draft).await
    }

    async fn propose_by_hand(&self, draft: Draft) -> Result<RunStarted, SorterError> {
        let run = self.propose(draft).await?;
        let message = format!("proposed; `monzoctl sort approve {}` approves it", run.id);
        Ok(started(run, &message))
    }

    fn hinder(&self, books: &Books, moves: &[PlannedMove]) -> Result<(), SorterError> {
        let transfers: Vec<_> = moves.iter().map(|one| one.transfer.clone()).collect();
        let found = hand::hindrances(books, &self.settings().sorter, &transfers);
        if found.is_empty() { Ok(()) } else { Err(SorterError::Held(found.join("; "))) }
    }
}

pub(super) fn started(run: StoredRun, message: &str) -> RunStarted {
    RunStarted { run: Some(show::run(run, Vec::new())), message: message.to_owned(), changed: true }
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
pub(super) fn commit(writer: &Writer<'_>, run: &StoredRun) -> Result<(), StoreError> {
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
