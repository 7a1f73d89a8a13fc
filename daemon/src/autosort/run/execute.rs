//! Carries a run on: one transfer after the other, each noted before it is sent, each sent only if it still may be.
//!
//! Amounts never change here. A look before each send can only veto; an answer that is missing is looked for before
//! anything is repeated, and repeated only with the same key (autosorter.md 4).

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use monzo_common::model::{PlannedTransfer, RunState, TransferKind, TransferState};
use tokio::time::Instant;

use crate::autosort::decide::trouble::needs_app;
use crate::autosort::decide::world::Refusal;
use crate::autosort::decide::{calendar, check, guard, quiet_hours};
use crate::autosort::run::crash;
use crate::autosort::run::finish::title;
use crate::autosort::run::state::{self, Item, Stance, Step};
use crate::autosort::{Sorter, clock_text, word};
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
pub(crate) enum Left {
    /// To its end.
    Ended,
    /// It waits for something.
    Waits,
    /// The daemon stops; it goes on at the next start.
    Stopped,
}

/// What came of one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Came {
    /// The next one can be taken.
    On,
    /// The same can be tried again in a while.
    Again(String),
    /// Nothing more can be done until something changes, or a time.
    Waits(String, Option<Timestamp>),
}

/// How long one transfer is pressed before the run waits.
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

pub(crate) fn item(stored: &StoredTransfer) -> Item {
    let one = &stored.transfer;
    Item {
        place: one.place,
        kind: one.kind,
        amount: one.amount,
        needs: stored.needs,
        state: one.state,
        doubtful: stored.doubtful,
    }
}

impl Sorter {
    /// Carries a run on as far as it goes; no sync reads meanwhile.
    pub(crate) async fn carry_on(&self, id: &str) -> Result<Left, StoreError> {
        let turn = std::sync::Arc::clone(&self.turn);
        let _turn = tokio::select! {
            biased;
            () = self.stop.cancelled() => return Ok(Left::Stopped),
            turn = turn.lock() => turn,
        };
        let mut patience = Patience::new(self.settings().sorter.move_deadline);
        loop {
            if self.stop.is_cancelled() {
                return Ok(Left::Stopped);
            }
            self.heartbeat.beat();
            let (run, transfers) = self.load(id).await?;
            if state::ended(run.state) {
                return Ok(Left::Ended);
            }
            let Some(came) = self.step(&run, &transfers, &mut patience).await? else {
                return Ok(Left::Ended);
            };
            match came {
                Came::On => {}
                Came::Waits(why, until) => {
                    self.wait(&run, &why, until).await?;
                    return Ok(Left::Waits);
                }
                Came::Again(why) => match patience.next() {
                    Some(wait) => self.pause(wait).await,
                    None => {
                        let until = self.clock.now().checked_add(LATER).ok();
                        self.wait(&run, &why, until).await?;
                        return Ok(Left::Waits);
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
    ) -> Result<Option<Came>, StoreError> {
        let items: Vec<Item> = transfers.iter().map(item).collect();
        let mut stance =
            Stance { cancelling: run.cancelling, late: self.late(run), returns: run.returns, kept: false };
        let at = |place: u32| transfers.iter().find(|one| one.transfer.place == place);
        match state::next(&items, stance) {
            Step::Send(place) | Step::Settle(place) => patience.about(place),
            _ => {}
        }
        Ok(Some(match state::next(&items, stance) {
            Step::Send(place) => match at(place) {
                Some(one) => {
                    let moved = transfers.iter().any(|one| one.requests > 0);
                    self.send(run, one, moved).await?
                }
                None => Came::On,
            },
            Step::Settle(place) => match at(place) {
                Some(one) => self.settle(run, one).await?,
                None => Came::On,
            },
            Step::Cancel(place, why) => match at(place) {
                Some(one) => self.forgo(run, one, why.sentence()).await?,
                None => Came::On,
            },
            Step::Return(most) => match self.make_return(run, transfers, most).await? {
                Ok(true) => Came::On,
                Ok(false) => {
                    stance.kept = true;
                    let Step::End(state) = state::next(&items, stance) else { return Ok(Some(Came::On)) };
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

    /// What a failure to ask the bank means for a run.
    pub(crate) async fn met(&self, error: monzo::Error) -> Came {
        match error {
            monzo::Error::NotApproved | monzo::Error::TooOld => {
                self.login.lapsed().await;
                Came::Waits("the bank's permission has ended: a login is needed".to_owned(), None)
            }
            monzo::Error::LoginNeeded { .. } => Came::Waits("a login is needed".to_owned(), None),
            other => Came::Again(other.to_string()),
        }
    }

    /// The bank's own balance of the run's account, asked now.
    pub(crate) async fn fresh(&self, run: &StoredRun) -> Result<facts::Balance, monzo::Error> {
        self.client.impatient().balance(&run.account_id, Lane::Steady).await
    }

    /// Sends a transfer for the first time, if it may be; a run that has `moved` money finishes in quiet hours too.
    async fn send(&self, run: &StoredRun, one: &StoredTransfer, moved: bool) -> Result<Came, StoreError> {
        if let Some(why) = self.held(run).await? {
            return Ok(Came::Waits(why, None));
        }
        if !self.login.ready() {
            return Ok(Came::Waits("a login is needed".to_owned(), None));
        }
        let balance = match self.fresh(run).await {
            Ok(balance) => balance.balance,
            Err(error) => return Ok(self.met(error).await),
        };
        // After the question: the machine may have slept over it.
        if !moved && let Some(came) = self.may_begin(run) {
            return Ok(came);
        }
        let run = &self.begin(run, balance).await?;
        if let Some(why) = self.veto(run, one, balance).await? {
            return self.forgo(run, one, &why).await;
        }
        self.press(run, one).await
    }

    /// What keeps a run from beginning.
    fn may_begin(&self, run: &StoredRun) -> Option<Came> {
        let (settings, now) = (self.settings(), self.clock.now());
        if guard::excess_skew(self.clock.skew()).is_some() {
            // In words that stay the same while it lasts: each other reason is told anew.
            return Some(Came::Waits("this machine's clock is not the bank's".to_owned(), None));
        }
        let hours = settings.sorter.quiet_hours.filter(|_| run.cause != "undo");
        let until = quiet_hours::until(hours, settings.sorter.move_deadline, &calendar::london(), now)?;
        let why = format!("quiet hours until {}", clock_text(until, &settings.zone));
        Some(Came::Waits(why, Some(until)))
    }

    /// Notes that a run begins, with the floor that holds for all of it, and answers it as it is then.
    async fn begin(&self, run: &StoredRun, balance: i64) -> Result<StoredRun, StoreError> {
        let first = run.started_at.is_none();
        if !first && run.state == RunState::Executing {
            return Ok(run.clone());
        }
        let world = self.world().await?.with_balance(&run.account_id, balance);
        let floor = world.account(&run.account_id).map_or(balance, check::floor);
        let (id, state, now) = (run.id.clone(), run.state, self.clock.now());
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
        if run.approved_by.as_deref() != Some("auto") || one.transfer.kind == TransferKind::Return {
            return Ok(None);
        }
        let (settings, now) = (self.settings(), self.clock.now());
        let (begin, end) = calendar::day(now, &calendar::london());
        let all = self.store.read(move |reader| reader.moved_between(begin, end)).await?;
        let planned: Vec<_> = run.moves.iter().map(|one| one.transfer.clone()).collect();
        let moved = guard::moved(&planned);
        // A run that was let go on this day is among its runs already.
        let counted = run.approved_at.is_some_and(|at| begin <= at && at < end);
        let today = if counted { all } else { all.saturating_add(moved) };
        let most = (settings.sorter.max_per_run, settings.sorter.max_per_day);
        Ok(guard::caps((moved, today), most).into_iter().next().map(|held| held.reason))
    }

    /// Notes that a transfer is about to be sent, sends it, and notes the answer.
    pub(crate) async fn press(&self, run: &StoredRun, one: &StoredTransfer) -> Result<Came, StoreError> {
        let (key, now) = (one.transfer.dedupe_id.clone(), self.clock.now());
        crash::point("planned");
        let noted = self.store.write(move |writer| writer.transfer_requested(&key, now)).await?;
        if !noted {
            return Ok(Came::On);
        }
        crash::point("requested");
        if one.requests == 0 {
            self.metrics.transfer(word(TransferState::Requested));
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
                Ok(Came::On)
            }
            // Only the answer to the first request settles by itself that nothing happened.
            Err(MoveError::Refused { status, code, message }) if !one.doubtful => {
                let why = refusal(status, &code, &message);
                if speaks_of_the_pot(&code) {
                    self.needs_app(one, &why).await?;
                }
                self.give_up(run, one, TransferState::Failed, &why).await?;
                Ok(Came::On)
            }
            Err(MoveError::Refused { status, code, message }) => {
                let why = refusal(status, &code, &message);
                self.store.write(move |writer| writer.transfer_refused(&key, &why)).await?;
                Ok(Came::Again("a repeat was refused, and the bank's list is to show why".to_owned()))
            }
            Err(MoveError::Unknown(why)) => {
                if !one.doubtful {
                    self.tell_of(run, one, Kind::TransferDoubtful, format!("may have happened: {why}")).await;
                }
                Ok(Came::Again(format!("it is not known whether the bank did it: {why}")))
            }
            Err(MoveError::NotDone(error)) => {
                let doubtful = one.doubtful;
                self.store.write(move |writer| writer.transfer_not_done(&key, doubtful)).await?;
                Ok(self.met(error).await)
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
            self.metrics.transfer(word(TransferState::Confirmed));
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
            self.metrics.transfer(word(state));
            let kind =
                if state == TransferState::Failed { Kind::TransferFailed } else { Kind::TransferCancelled };
            self.tell_of(run, one, kind, format!("does not happen: {why}")).await;
        }
        crash::point("given-up");
        Ok(())
    }

    /// A pot that refuses for good is left to the app from now on (monzo-api.md 4.2.7).
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
            self.journal.record(happened).await;
        }
        Ok(())
    }
}

/// Whether a refusal's code says something of the pot itself. That money is missing, an argument wrong or the pot not
/// found passes, and a code of none of the bank's families (monzo-api.md 9.2) is of somebody else.
fn speaks_of_the_pot(code: &str) -> bool {
    let family = code.split_once('.').map(|(family, _)| family);
    matches!(family, Some("bad_request" | "forbidden" | "precondition_failed"))
        && !code.ends_with("insufficient_funds")
        && !code.contains("param")
}

fn refusal(status: u16, code: &str, message: &str) -> String {
    if message.is_empty() {
        format!("the bank refused it ({status} {code})")
    } else {
        format!("the bank refused it: {message} ({code})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_code_of_the_bank_that_is_about_the_pot_says_something_of_it() {
        for code in ["forbidden.pot_added_security", "forbidden.pot_locked", "bad_request.pot_rule"] {
            assert!(speaks_of_the_pot(code), "{code}");
        }
        for code in [
            "",
            "forbidden",
            "access_denied",
            "captive.portal",
            "bad_request.insufficient_funds",
            "bad_request.bad_param.amount",
            "bad_request.missing_param.dedupe_id",
            "not_found.pot",
            "bad_response.html",
        ] {
            assert!(!speaks_of_the_pot(code), "{code}");
        }
    }
}
