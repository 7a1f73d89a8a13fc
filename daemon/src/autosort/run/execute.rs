//! Carries a run on: one transfer after the other, each written down before it is sent, and sent only if it still may be.
//!
//! Amounts never change here. A look before each send can only veto; an answer that is missing is looked for before
//! anything is repeated, and repeated only with the same key (autosort/README.md, Exactly once).

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use monzo_common::model::{Approver, PlannedTransfer, RunCause, RunState, TransferKind, TransferState};
use tokio::time::Instant;

use crate::autosort::decide::trouble::needs_app;
use crate::autosort::decide::world::Refusal;
use crate::autosort::decide::{calendar, check, guard, quiet_hours};
use crate::autosort::run::crash;
use crate::autosort::run::finish::title;
use crate::autosort::run::refusal::{refusal, speaks_of_the_pot};
use crate::autosort::run::state::{self, RunContext, Step, TransferView};
use crate::autosort::{Sorter, clock_text};
use crate::events::{Happened, Kind};
use crate::facts;
use crate::monzo::{self, Lane, Move, MoveError};
use crate::store::{AppPot, StoreError, StoredRun, StoredTransfer};

/// The wait after the first failure; doubles with each, up to the longest. Taste.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);

/// How long a run that the bank held up waits when no sync comes before. Taste.
pub(crate) const LATER: SignedDuration = SignedDuration::from_mins(10);

/// How far a run came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RunProgress {
    /// To its end.
    Ended,
    /// It waits for something.
    Waits,
    /// The daemon stops; it goes on at the next start.
    Stopped,
}

/// What came of one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StepOutcome {
    /// The next one can be taken.
    Done,
    /// The same can be tried again in a while.
    RetryLater(String),
    /// Nothing more can be done until something changes, or a time.
    Waits(String, Option<Timestamp>),
}

/// How long one transfer is tried before the run waits.
struct Patience {
    began: Instant,
    wait: Duration,
    deadline: Duration,
    for_place: Option<u32>,
}

impl Patience {
    fn new(deadline: SignedDuration) -> Self {
        let deadline = Duration::try_from(deadline).unwrap_or_default();
        Self { began: Instant::now(), wait: FIRST, deadline, for_place: None }
    }

    /// Another transfer has its own time.
    fn about(&mut self, place: u32) {
        if self.for_place != Some(place) {
            *self =
                Self { began: Instant::now(), wait: FIRST, deadline: self.deadline, for_place: Some(place) };
        }
    }

    /// The next wait; nothing when the time is over.
    fn next(&mut self) -> Option<Duration> {
        let wait = self.wait;
        self.wait = (self.wait * 2).min(LONGEST);
        (self.began.elapsed() + wait <= self.deadline).then_some(wait)
    }
}

pub(crate) fn view(stored: &StoredTransfer) -> TransferView {
    let one = &stored.transfer;
    TransferView {
        place: one.place,
        kind: one.kind,
        amount: one.amount,
        funded_by: stored.funded_by,
        state: one.state,
        outcome_unknown: stored.outcome_unknown,
    }
}

impl Sorter {
    /// Carries a run on as far as it goes; no sync reads meanwhile.
    pub(crate) async fn carry_on(&self, id: &str) -> Result<RunProgress, StoreError> {
        let turn = std::sync::Arc::clone(&self.turn);
        let _turn = tokio::select! {
            biased;
            () = self.stop.cancelled() => return Ok(RunProgress::Stopped),
            turn = turn.lock() => turn,
        };
        let mut patience = Patience::new(self.settings().sorter.move_deadline);
        loop {
            if self.stop.is_cancelled() {
                return Ok(RunProgress::Stopped);
            }
            self.heartbeat.beat();
            let (run, transfers) = self.load(id).await?;
            if state::ended(run.state) {
                return Ok(RunProgress::Ended);
            }
            let Some(came) = self.step(&run, &transfers, &mut patience).await? else {
                return Ok(RunProgress::Ended);
            };
            match came {
                StepOutcome::Done => {}
                StepOutcome::Waits(why, until) => {
                    self.wait(&run, &why, until).await?;
                    return Ok(RunProgress::Waits);
                }
                StepOutcome::RetryLater(why) => match patience.next() {
                    Some(wait) => self.pause(self.clock.pause(wait)).await,
                    None => {
                        let until = self.clock.now().checked_add(LATER).ok();
                        self.wait(&run, &why, until).await?;
                        return Ok(RunProgress::Waits);
                    }
                },
            }
        }
    }

    async fn load(&self, id: &str) -> Result<(StoredRun, Vec<StoredTransfer>), StoreError> {
        let id = id.to_owned();
        self.store.read(move |reader| Ok((reader.run(&id)?, reader.transfers_of(&id)?))).await
    }

    /// A while, or less: a freeze, a cancellation or a stop is met at once.
    async fn pause(&self, wait: Duration) {
        tokio::select! {
            () = self.stop.cancelled() => {}
            () = self.0.nudge.notified() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }

    pub(crate) fn late(&self, run: &StoredRun) -> bool {
        let deadline = self.settings.borrow().sorter.run_deadline;
        let ends = run.approved_at.and_then(|at| at.checked_add(deadline).ok());
        ends.is_some_and(|ends| ends <= self.clock.now())
    }

    /// Takes the next step; nothing when the run has ended with it.
    async fn step(
        &self,
        run: &StoredRun,
        transfers: &[StoredTransfer],
        patience: &mut Patience,
    ) -> Result<Option<StepOutcome>, StoreError> {
        let items: Vec<TransferView> = transfers.iter().map(view).collect();
        let mut context = RunContext {
            cancelling: run.cancelling,
            late: self.late(run),
            returns: run.returns,
            kept: false,
        };
        let at = |place: u32| transfers.iter().find(|one| one.transfer.place == place);
        match state::next(&items, context) {
            Step::Send(place) | Step::Settle(place) => patience.about(place),
            _ => {}
        }
        Ok(Some(match state::next(&items, context) {
            Step::Send(place) => match at(place) {
                Some(one) => {
                    let moved = transfers.iter().any(|one| one.requests > 0);
                    self.send(run, one, moved).await?
                }
                None => StepOutcome::Done,
            },
            Step::Settle(place) => match at(place) {
                Some(one) => self.settle(run, one).await?,
                None => StepOutcome::Done,
            },
            Step::Cancel(place, why) => match at(place) {
                Some(one) => self.cancel_unsent(run, one, why.sentence()).await?,
                None => StepOutcome::Done,
            },
            Step::Return(most) => match self.make_return(run, transfers, most).await? {
                Ok(true) => StepOutcome::Done,
                Ok(false) => {
                    context.kept = true;
                    let Step::End(state) = state::next(&items, context) else {
                        return Ok(Some(StepOutcome::Done));
                    };
                    self.end(run, state, transfers).await?;
                    return Ok(None);
                }
                Err(came) => came,
            },
            Step::End(state) => {
                self.end(run, state, transfers).await?;
                return Ok(None);
            }
        }))
    }

    /// What a failed request means for a run.
    pub(crate) async fn on_bank_error(&self, error: monzo::Error) -> StepOutcome {
        match error {
            monzo::Error::NotApproved | monzo::Error::TooOld => {
                self.login.lapsed().await;
                StepOutcome::Waits("the bank's permission has ended: a login is needed".to_owned(), None)
            }
            monzo::Error::LoginNeeded { .. } => StepOutcome::Waits("a login is needed".to_owned(), None),
            other => StepOutcome::RetryLater(other.to_string()),
        }
    }

    /// The bank's own balance of the run's account, asked now.
    pub(crate) async fn current_balance(&self, run: &StoredRun) -> Result<facts::Balance, monzo::Error> {
        self.client.impatient().balance(&run.account_id, Lane::Steady).await
    }

    /// Sends a transfer for the first time, if it may be; a run that has `moved` money finishes in quiet hours too.
    async fn send(
        &self,
        run: &StoredRun,
        one: &StoredTransfer,
        moved: bool,
    ) -> Result<StepOutcome, StoreError> {
        if let Some(why) = self.held(run).await? {
            return Ok(StepOutcome::Waits(why, None));
        }
        if !self.login.ready() {
            return Ok(StepOutcome::Waits("a login is needed".to_owned(), None));
        }
        let balance = match self.current_balance(run).await {
            Ok(balance) => balance.balance,
            Err(error) => return Ok(self.on_bank_error(error).await),
        };
        // After the question, since the machine may have slept over it; one instant for both, so that no run is noted
        // as begun at a time at which it may not begin.
        let now = self.clock.now();
        if !moved && let Some(came) = self.may_begin(run, now) {
            return Ok(came);
        }
        let run = &self.begin(run, balance, now).await?;
        if let Some(why) = self.veto(run, one, balance).await? {
            return self.cancel_unsent(run, one, &why).await;
        }
        self.send_request(run, one).await
    }

    /// What keeps a run from beginning at `now`.
    fn may_begin(&self, run: &StoredRun, now: Timestamp) -> Option<StepOutcome> {
        let settings = self.settings();
        if guard::excess_skew(self.clock.skew()).is_some() {
            // In words that stay the same while it lasts: each other reason is told anew.
            return Some(StepOutcome::Waits("this machine's clock is not the bank's".to_owned(), None));
        }
        let hours = settings.sorter.quiet_hours.filter(|_| run.cause != RunCause::Undo);
        let until = quiet_hours::until(hours, settings.sorter.move_deadline, &calendar::london(), now)?;
        let why = format!("quiet hours until {}", clock_text(until, &settings.zone));
        Some(StepOutcome::Waits(why, Some(until)))
    }

    /// Notes that a run begins at `now`, with the floor that holds for all of it, and answers it as it is then.
    async fn begin(&self, run: &StoredRun, balance: i64, now: Timestamp) -> Result<StoredRun, StoreError> {
        let first = run.started_at.is_none();
        if !first && run.state == RunState::Executing {
            return Ok(run.clone());
        }
        let world = self.world().await?.with_balance(&run.account_id, balance);
        let floor = world.account(&run.account_id).map_or(balance, check::floor);
        let (id, state) = (run.id.clone(), run.state);
        let begun = self.store.write(move |writer| {
            writer.step_run(&id, state, RunState::Executing, None, None)?;
            writer.run_started(&id, Some(floor), now)?;
            writer.run(&id)
        });
        let begun = begun.await?;
        if first {
            self.tell(&begun, Kind::RunStarted, format!("{} begins", title(&begun))).await;
        }
        Ok(begun)
    }

    /// Why a transfer may not be sent as things stand; a veto only, amounts never change.
    pub(crate) async fn veto(
        &self,
        run: &StoredRun,
        one: &StoredTransfer,
        balance: i64,
    ) -> Result<Option<String>, StoreError> {
        let world = self.world().await?.with_balance(&run.account_id, balance);
        let transfer = PlannedTransfer {
            kind: one.transfer.kind,
            pot_id: one.transfer.pot_id.clone(),
            account_id: one.transfer.account_id.clone(),
            amount: one.transfer.amount,
        };
        let limits = check::Limits { run_floor: run.floor, sending: true };
        if let Some(violation) = check::check(&[transfer], &world, &limits).into_iter().next() {
            return Ok(Some(violation.reason));
        }
        self.over_caps(run, one).await
    }

    /// The cap that a run which no person approved is over as things stand; what goes back is under none.
    async fn over_caps(&self, run: &StoredRun, one: &StoredTransfer) -> Result<Option<String>, StoreError> {
        if run.approved_by != Some(Approver::Auto) || one.transfer.kind == TransferKind::Return {
            return Ok(None);
        }
        let (settings, now) = (self.settings(), self.clock.now());
        let (begin, end) = calendar::day(now, &calendar::london());
        let all = self.store.read(move |reader| reader.moved_between(begin, end)).await?;
        let planned: Vec<_> = run.moves.iter().map(|one| one.transfer.clone()).collect();
        let moved = guard::moved(&planned);
        // A run that was approved on this day is counted among its runs already.
        let counted = run.approved_at.is_some_and(|at| begin <= at && at < end);
        let today = if counted { all } else { all.saturating_add(moved) };
        let most = (settings.sorter.max_per_run, settings.sorter.max_per_day);
        Ok(guard::caps((moved, today), most).into_iter().next().map(|held| held.reason))
    }

    /// Notes that a transfer is about to be sent, sends it, and notes the answer.
    pub(crate) async fn send_request(
        &self,
        run: &StoredRun,
        one: &StoredTransfer,
    ) -> Result<StepOutcome, StoreError> {
        let (key, now) = (one.transfer.dedupe_id.clone(), self.clock.now());
        crash::point("planned");
        let noted = self.store.write(move |writer| writer.transfer_requested(&key, now)).await?;
        if !noted {
            return Ok(StepOutcome::Done);
        }
        crash::point("requested");
        if one.requests == 0 {
            self.metrics.transfer(TransferState::Requested.word());
            self.tell_of(run, one, Kind::TransferRequested, "is sent".to_owned()).await;
        }
        let order = Move {
            pot: one.transfer.pot_id.clone(),
            account: one.transfer.account_id.clone(),
            amount: one.transfer.amount,
            dedupe_id: one.transfer.dedupe_id.clone(),
        };
        let answer = match one.transfer.kind {
            TransferKind::Withdraw => self.client.withdraw(&order).await,
            TransferKind::Deposit | TransferKind::Return => self.client.deposit(&order).await,
        };
        crash::point("answered");
        let key = order.dedupe_id;
        match answer {
            Ok(pot) => {
                self.confirm(run, one, Some(pot), None).await?;
                crash::point("confirmed");
                Ok(StepOutcome::Done)
            }
            // Only the answer to the first request settles by itself that nothing happened.
            Err(MoveError::Refused { status, code, message }) if !one.outcome_unknown => {
                let why = refusal(status, &code, &message);
                if speaks_of_the_pot(&code) {
                    self.needs_app(one, &why).await?;
                }
                self.give_up(run, one, TransferState::Failed, &why).await?;
                Ok(StepOutcome::Done)
            }
            Err(MoveError::Refused { status, code, message }) => {
                let why = refusal(status, &code, &message);
                self.store.write(move |writer| writer.transfer_refused(&key, &why)).await?;
                Ok(StepOutcome::RetryLater(
                    "a repeat was refused, and the bank's list is to show why".to_owned(),
                ))
            }
            Err(MoveError::Unknown(why)) => {
                if !one.outcome_unknown {
                    self.tell_of(run, one, Kind::TransferDoubtful, format!("may have happened: {why}")).await;
                }
                Ok(StepOutcome::RetryLater(format!("it is not known whether the bank did it: {why}")))
            }
            Err(MoveError::NotDone(error)) => {
                let outcome_unknown = one.outcome_unknown;
                self.store.write(move |writer| writer.transfer_not_done(&key, outcome_unknown)).await?;
                Ok(self.on_bank_error(error).await)
            }
        }
    }

    /// Notes that the bank did it, and what the pot then held.
    pub(crate) async fn confirm(
        &self,
        run: &StoredRun,
        one: &StoredTransfer,
        pot: Option<facts::Pot>,
        row: Option<String>,
    ) -> Result<(), StoreError> {
        let (key, now, account) =
            (one.transfer.dedupe_id.clone(), self.clock.now(), one.transfer.account_id.clone());
        let kept = self.store.write(move |writer| {
            if let Some(pot) = &pot {
                writer.keep_pot_balance(&account, pot, now)?;
            }
            writer.transfer_confirmed(&key, pot.map(|pot| pot.balance), row.as_deref(), now)
        });
        if kept.await? {
            self.metrics.transfer(TransferState::Confirmed.word());
            self.tell_of(run, one, Kind::TransferConfirmed, "is done".to_owned()).await;
        }
        Ok(())
    }

    /// Notes that a transfer does not happen.
    pub(crate) async fn give_up(
        &self,
        run: &StoredRun,
        one: &StoredTransfer,
        state: TransferState,
        why: &str,
    ) -> Result<(), StoreError> {
        let (key, reason) = (one.transfer.dedupe_id.clone(), why.to_owned());
        if self.store.write(move |writer| writer.transfer_ended(&key, state, &reason)).await? {
            self.metrics.transfer(state.word());
            let kind =
                if state == TransferState::Failed { Kind::TransferFailed } else { Kind::TransferCancelled };
            self.tell_of(run, one, kind, format!("does not happen: {why}")).await;
        }
        crash::point("given-up");
        Ok(())
    }

    /// A pot that refuses for good is left to the app from now on (monzo/README.md, Refused moves).
    async fn needs_app(&self, one: &StoredTransfer, why: &str) -> Result<(), StoreError> {
        let pot = AppPot {
            pot_id: one.transfer.pot_id.clone(),
            out: one.transfer.kind == TransferKind::Withdraw,
            reason: why.to_owned(),
            at: self.clock.now(),
        };
        let noted = pot.clone();
        if self.store.write(move |writer| writer.needs_app(&noted)).await? {
            let refusal = Refusal { at: pot.at, reason: pot.reason.clone() };
            let name = self.world().await?.pot_name(&pot.pot_id);
            let message = format!("{name} {}", needs_app(&refusal, pot.out));
            let happened = Happened::new(Kind::PotNeedsApp, message).pot(one.transfer.pot_id.as_str());
            self.event_log.record(happened).await;
        }
        Ok(())
    }
}
