//! What people propose by hand: a run of a rule, a move, the discovery of a pot's hidden account, and an undo.
//!
//! The bank is read first; then one transaction decides and stores ([`super::proposal`]). Nothing here sends anything.

use monzo_common::id::{PotId, UserId};
use monzo_common::model::{RunCause, RunStarted, RunState, StepKind, SyncCause, SyncState};

use crate::autosort::Sorter;
use crate::autosort::decide::decision::Purpose;
use crate::autosort::decide::guard::Verdict;
use crate::autosort::decide::names;
use crate::autosort::decide::reversal::{self, Reversal};
use crate::autosort::decide::world::{AccountOrPot, World};
use crate::autosort::decide::{check, manual, plan};
use crate::autosort::query::runs;
use crate::autosort::run::error::SorterError;
use crate::autosort::run::finish::{moves, title};
use crate::autosort::run::proposal::{self, Draft, Proposal};
use crate::autosort::run::state;
use crate::autosort::snapshot;
use crate::events::Kind;
use crate::store::{PlannedMove, Reader, StoredRun};

/// What a person asks for by hand.
struct ByHand {
    cause: RunCause,
    /// What the plan is called.
    kind: StepKind,
    explanation: String,
    moves: Vec<PlannedMove>,
    returns: bool,
    undoes: Option<String>,
    /// What an undo cannot take back.
    left_out: Vec<String>,
}

/// What a person's request comes to.
enum Request {
    Moves(ByHand),
    /// Nothing is to be done, in a sentence.
    Nothing {
        message: String,
        left_out: Vec<String>,
    },
}

/// What came of deciding about a request.
enum Answer {
    Proposed { proposal: Proposal, left_out: Vec<String> },
    Nothing(RunStarted),
}

impl Sorter {
    /// Reads the bank now; nothing is decided on what was known before.
    pub(crate) async fn read_bank(&self) -> Result<(), SorterError> {
        let ended = self.sync.finish_for(SyncCause::Run).await?;
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
        user.ok_or_else(|| SorterError::Conflict("nobody is logged in".to_owned()))
    }

    /// Tells of a proposal that a person is asked about.
    pub(crate) async fn announce(&self, proposal: &Proposal) -> Result<(), SorterError> {
        self.announce_superseded(proposal).await;
        let run = &proposal.run;
        self.metrics.run("proposed");
        let message = format!("{} waits for approval: {}", title(run), moves(&run.plan));
        self.tell(run, Kind::RunProposed, message).await;
        self.measure().await?;
        self.nudge();
        Ok(())
    }

    /// Tells of the proposals that a newer one took the place of.
    pub(crate) async fn announce_superseded(&self, proposal: &Proposal) {
        for old in &proposal.superseded {
            self.metrics.run("expired");
            self.tell(old, Kind::RunExpired, format!("a newer plan of {} takes its place", title(old))).await;
        }
    }

    /// Proposes a run of a rule; with a plan's `hash` runs exactly that plan, if it still fits.
    pub async fn run_rule(
        &self,
        name: &str,
        hash: Option<&str>,
        again: bool,
    ) -> Result<RunStarted, SorterError> {
        let rule = self.known(name)?;
        // A plan that waits already is what is meant, with just its moves.
        let open = self.store.read(|reader| reader.unfinished_runs()).await?;
        let meant = |run: &&StoredRun| run.rule == rule.name && Some(run.plan.hash.as_str()) == hash;
        if let Some(run) = open.iter().filter(|run| run.state == RunState::Proposed && !again).find(meant) {
            return self.approve_run(&run.id).await;
        }
        let cause = if again { RunCause::Again } else { RunCause::Hand };
        self.read_bank().await?;
        let nearest = self.nearest(&rule, again).await?;
        let purpose =
            Purpose { approved: true, income: nearest.credit, payday: nearest.payday, ..Purpose::default() };
        let (context, asked, key) = (self.context()?, rule.clone(), nearest.key);
        let proposal = self.transact(move |writer| {
            let decision = proposal::decide(writer, &context, &asked, &purpose)?;
            if let Some(why) = proposal::refused(&decision) {
                return Err(SorterError::Held(why));
            }
            if decision.verdict == Verdict::Nothing {
                return Ok(None);
            }
            let draft = Draft::of_rule(&context, &asked, decision, key, cause)?;
            proposal::propose(writer, &context, draft).map(Some)
        });
        let Some(proposal) = proposal.await? else {
            let message = "nothing is to be moved as things stand".to_owned();
            return Ok(RunStarted { run: None, message, changed: false, left_out: Vec::new() });
        };
        self.announce(&proposal).await?;
        let run = proposal.run;
        match hash {
            Some(hash) if hash != run.plan.hash => {
                let what = plan::hash_difference(hash, &run.plan.hash).join(", ");
                let message = format!("{hash} is no longer what {} would do ({what}); this is", rule.name);
                Ok(started(run, &message))
            }
            Some(_) => self.approve_run(&run.id).await,
            None => Ok(proposed(run)),
        }
    }

    /// Proposes a move between an account and a pot, or two pots, by name or id.
    pub async fn move_money(&self, amount: i64, from: &str, to: &str) -> Result<RunStarted, SorterError> {
        let world = self.world().await?;
        let (from, to) = (names::find(&world, from)?, names::find(&world, to)?);
        manual::transfers(&world, amount, &from, &to)?;
        self.propose_by_hand(move |world, _| {
            Ok(Request::Moves(ByHand {
                cause: RunCause::Hand,
                kind: StepKind::Move,
                explanation: "asked for by hand".to_owned(),
                moves: manual::transfers(world, amount, &from, &to)?,
                returns: true,
                undoes: None,
                left_out: Vec::new(),
            }))
        })
        .await
    }

    /// Proposes to move a penny into a pot and back, after which the account behind it is known.
    pub async fn discover(&self, pot: &str) -> Result<RunStarted, SorterError> {
        let world = self.world().await?;
        let AccountOrPot::Pot(id) = names::find(&world, pot)? else {
            return Err(SorterError::Conflict(format!(
                "‘{pot}’ is an account; only pots have one behind them"
            )));
        };
        if let Some(message) = discovered(&world, &id) {
            return Ok(RunStarted { run: None, message, changed: false, left_out: Vec::new() });
        }
        self.propose_by_hand(move |world, _| {
            if let Some(message) = discovered(world, &id) {
                return Ok(Request::Nothing { message, left_out: Vec::new() });
            }
            Ok(Request::Moves(ByHand {
                cause: RunCause::Discover,
                kind: StepKind::Discover,
                explanation: "a penny in and out again shows the account behind the pot".to_owned(),
                moves: manual::discovery(world, &id).unwrap_or_default(),
                returns: false,
                undoes: None,
                left_out: Vec::new(),
            }))
        })
        .await
    }

    /// Proposes a run that reverses what another moved and nothing has reversed yet, as far as that can be done, and
    /// says what it does not reverse.
    pub async fn undo(&self, id: &str) -> Result<RunStarted, SorterError> {
        let asked = id.to_owned();
        let run = self.store.read(move |reader| Ok(can_be_undone(reader, &asked))).await??;
        self.propose_by_hand(move |world, reader| {
            // Another undo of it may have been approved since.
            let run = can_be_undone(reader, &run.id)?;
            let (done, undone) = (reader.transfers_of(&run.id)?, reader.undoing(&run.id)?);
            let Reversal { moves, left_out } = reversal::reversal(world, &done, &undone);
            if moves.is_empty() {
                let message = match left_out.as_slice() {
                    [] => "nothing of it is left to undo".to_owned(),
                    rest => rest.join("; "),
                };
                return Ok(Request::Nothing { message, left_out });
            }
            Ok(Request::Moves(ByHand {
                cause: RunCause::Undo,
                kind: StepKind::Undo,
                explanation: format!("reverses {}", run.id),
                moves,
                returns: false,
                undoes: Some(run.id),
                left_out,
            }))
        })
        .await
    }

    /// Reads the bank, then decides and stores what a person asks for in one transaction.
    async fn propose_by_hand(
        &self,
        request: impl FnOnce(&World, &Reader<'_>) -> Result<Request, SorterError> + Send + 'static,
    ) -> Result<RunStarted, SorterError> {
        self.read_bank().await?;
        let context = self.context()?;
        let answer = self.transact(move |writer| {
            let world = snapshot::world::read(writer, &context.settings, context.moment.at)?;
            let by_hand = match request(&world, writer)? {
                Request::Moves(by_hand) => by_hand,
                Request::Nothing { message, left_out } => {
                    return Ok(Answer::Nothing(RunStarted { run: None, message, changed: false, left_out }));
                }
            };
            let ByHand { cause, kind, explanation, moves, returns, undoes, left_out } = by_hand;
            allowed(&world, &moves)?;
            let mut plan = manual::plan(&world, kind, &explanation, &moves);
            if let Some(step) = plan.steps.first_mut() {
                step.caps.clone_from(&left_out);
            }
            let draft = Draft {
                rule: plan.rule.clone(),
                cause,
                occurrence: None,
                account: None,
                plan,
                moves,
                rule_hash: None,
                seed: context.random_seed.clone(),
                returns,
                undoes,
            };
            Ok(Answer::Proposed { proposal: proposal::propose(writer, &context, draft)?, left_out })
        });
        match answer.await? {
            Answer::Nothing(answer) => Ok(answer),
            Answer::Proposed { proposal, left_out } => {
                self.announce(&proposal).await?;
                Ok(RunStarted { left_out, ..proposed(proposal.run) })
            }
        }
    }
}

/// That the account behind a pot is known already.
fn discovered(world: &World, id: &PotId) -> Option<String> {
    let known = world.pot(id).is_some_and(|pot| pot.hidden_account.is_some());
    known.then(|| format!("the account behind {} is known already", world.pot_name(id)))
}

/// The run that is to be undone, if it has ended and no other run is undoing it.
fn can_be_undone(reader: &Reader<'_>, id: &str) -> Result<StoredRun, SorterError> {
    let run = reader.run(id)?;
    if !state::ended(run.state) {
        let message =
            format!("{} is still under way; `monzoctl sort cancel {}` ends it", title(&run), run.id);
        return Err(SorterError::Conflict(message));
    }
    let undoing = |other: &&StoredRun| {
        other.undoes.as_deref() == Some(run.id.as_str()) && other.state != RunState::Proposed
    };
    match reader.unfinished_runs()?.iter().find(undoing) {
        Some(other) => Err(SorterError::Conflict(format!("it is being undone already by {}", other.id))),
        None => Ok(run),
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
fn proposed(run: StoredRun) -> RunStarted {
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
