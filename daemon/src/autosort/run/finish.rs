//! How a run waits and ends: money that could not be placed goes back, and the person is told.

use jiff::Timestamp;
use monzo_common::model::{Plan, PlannedTransfer, RunCause, RunState, TransferKind, TransferState};
use monzo_common::money::Money;

use crate::autosort::Sorter;
use crate::autosort::decide::{check, guard};
use crate::autosort::run::asks::asks_of;
use crate::autosort::run::execute::{StepOutcome, view};
use crate::autosort::run::state::{self, TransferView};
use crate::autosort::run::{crash, dedupe};
use crate::events::{Happened, Kind};
use crate::store::{StoreError, StoredAsk, StoredRun, StoredTransfer};

impl Sorter {
    /// Commits the one return of what could not be placed; `false` if nothing can go back.
    pub(crate) async fn make_return(
        &self,
        run: &StoredRun,
        transfers: &[StoredTransfer],
        most: i64,
    ) -> Result<Result<bool, StepOutcome>, StoreError> {
        let source = transfers.iter().find(|one| one.transfer.kind == TransferKind::Withdraw);
        let Some(source) = source else { return Ok(Ok(false)) };
        let balance = match self.current_balance(run).await {
            Ok(balance) => balance.balance,
            Err(error) => return Ok(Err(self.on_bank_error(error).await)),
        };
        let world = self.world().await?.with_balance(&run.account_id, balance);
        let floor = run.floor.or_else(|| world.account(&run.account_id).map(check::floor)).unwrap_or(balance);
        let amount = most.min(balance.saturating_sub(floor));
        let back = PlannedTransfer {
            kind: TransferKind::Return,
            pot_id: source.transfer.pot_id.clone(),
            account_id: run.account_id.clone(),
            amount,
        };
        let limits = check::Limits { run_floor: Some(floor), sending: true };
        if amount <= 0 || !check::check(&[back], &world, &limits).is_empty() {
            return Ok(Ok(false));
        }
        let last = transfers.iter().map(|one| one.transfer.place).max().unwrap_or(0);
        let mut back = source.clone();
        back.transfer.place = last + 1;
        back.transfer.kind = TransferKind::Return;
        back.transfer.amount = amount;
        back.transfer.state = TransferState::Planned;
        back.transfer.dedupe_id = dedupe::key(&run.seed, back.transfer.place, TransferKind::Return);
        back.transfer.requested_at = None;
        back.transfer.confirmed_at = None;
        back.transfer.reconciled_at = None;
        back.transfer.transaction_id = None;
        back.transfer.error = None;
        (back.funded_by, back.undoes) = (None, None);
        self.store.write(move |writer| writer.insert_transfer(&back)).await?;
        crash::point("returning");
        Ok(Ok(true))
    }

    /// Notes that a run waits, for what and until when.
    pub(crate) async fn wait(
        &self,
        run: &StoredRun,
        why: &str,
        until: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let (id, reason) = (run.id.clone(), why.to_owned());
        // The state may have moved on since the run was read; whatever it is, it now waits.
        let noted = self.store.write(move |writer| {
            let state = writer.run(&id)?.state;
            writer.step_run(&id, state, RunState::Waiting, Some(&reason), until)
        });
        noted.await?;
        if run.reason.as_deref() != Some(why) {
            self.tell(run, Kind::RunWaiting, format!("{} waits: {why}", title(run))).await;
        }
        Ok(())
    }

    /// Notes how a run ended, and what a person should know of it.
    pub(crate) async fn end(
        &self,
        run: &StoredRun,
        state: RunState,
        transfers: &[StoredTransfer],
    ) -> Result<(), StoreError> {
        let items: Vec<TransferView> = transfers.iter().map(view).collect();
        let left = state::stranded(&items);
        let failed: Vec<String> = transfers.iter().filter_map(|one| one.transfer.error.clone()).collect();
        let mut reasons = failed;
        reasons.dedup();
        if left > 0 {
            let name = self.world().await?.account_name(&run.account_id);
            reasons.push(format!("{} stays in {name}", Money::new(left, run.plan.currency)));
        }
        let reason = Some(reasons.join("; ")).filter(|reason| !reason.is_empty());
        let (id, from, kept, now) = (run.id.clone(), run.state, reason.clone(), self.clock.now());
        let floor = run.floor;
        // What is asked for is set aside in the account, and stays so when some of the rest could not be done.
        let asks =
            if matches!(state, RunState::Done | RunState::Partial) { asks_of(run) } else { Vec::new() };
        let asked = self.asked(run, &asks).await?;
        let noted = self.store.write(move |writer| {
            let ended = writer.end_run(&id, from, state, kept.as_deref(), now)?;
            if !ended {
                return Ok(false);
            }
            // A run that only asks has sent nothing; this is when it was there.
            if !asks.is_empty() {
                writer.run_started(&id, floor, now)?;
            }
            for ask in &asks {
                writer.ask(ask)?;
            }
            Ok(true)
        });
        crash::point("ending");
        if !noted.await? {
            return Ok(());
        }
        let (kind, word, verb) = match state {
            RunState::Done => (Kind::RunDone, "done", "is done"),
            RunState::Partial => (Kind::RunPartial, "partial", "was done in part"),
            RunState::Cancelled => (Kind::RunCancelled, "cancelled", "was cancelled"),
            _ => (Kind::RunFailed, "failed", "failed"),
        };
        self.metrics.run(word);
        let done = state == RunState::Done && reason.is_none() && !run.plan.transfers.is_empty();
        let moved = done.then(|| moves(&run.plan));
        let because: String =
            moved.into_iter().chain(reason).chain(asked).map(|reason| format!(": {reason}")).collect();
        self.tell(run, kind, format!("{} {verb}{because}", title(run))).await;
        Ok(())
    }

    /// What a run leaves for a person to pay, in one sentence.
    async fn asked(&self, run: &StoredRun, asks: &[StoredAsk]) -> Result<Option<String>, StoreError> {
        if asks.is_empty() {
            return Ok(None);
        }
        let world = self.world().await?;
        let to = |ask: &StoredAsk| format!("{} to {}", world.money(&ask.account_id, ask.amount), ask.payee);
        let all: Vec<String> = asks.iter().map(to).collect();
        let from = world.account_name(&run.account_id);
        Ok(Some(format!("it is for you to pay {} from {from}", all.join(" and "))))
    }

    /// Ends a run that waits for a person or a guard, and tells it in the words `told`; nothing if it waits no more.
    pub(crate) async fn expire_run(
        &self,
        run: &StoredRun,
        why: &str,
        told: String,
    ) -> Result<(), StoreError> {
        let (id, state, why, now) = (run.id.clone(), run.state, why.to_owned(), self.clock.now());
        let expired =
            self.store.write(move |writer| writer.end_run(&id, state, RunState::Expired, Some(&why), now));
        if expired.await? {
            self.metrics.run("expired");
            self.tell(run, Kind::RunExpired, told).await;
        }
        Ok(())
    }

    /// Keeps an event about a run.
    pub(crate) async fn tell(&self, run: &StoredRun, kind: Kind, message: String) {
        let happened = Happened::new(kind, message).run(&run.rule, &run.id);
        self.event_log.record(happened.account(run.account_id.as_str())).await;
    }

    /// Keeps an event about a transfer.
    pub(crate) async fn tell_of(&self, run: &StoredRun, one: &StoredTransfer, kind: Kind, what: String) {
        let way = match one.transfer.kind {
            TransferKind::Withdraw => "out of",
            TransferKind::Deposit => "into",
            TransferKind::Return => "back into",
        };
        let name = match self.world().await {
            Ok(world) => world.pot_name(&one.transfer.pot_id),
            Err(_) => one.transfer.pot_id.to_string(),
        };
        let money = Money::new(one.transfer.amount, one.transfer.currency);
        let happened = Happened::new(kind, format!("{money} {way} {name} {what}")).run(&run.rule, &run.id);
        self.event_log.record(happened.pot(one.transfer.pot_id.as_str())).await;
    }
}

/// What a run is called in a sentence.
pub(crate) fn title(run: &StoredRun) -> String {
    match run.cause {
        RunCause::Hand if run.rule == "move" => "the move".to_owned(),
        RunCause::Undo => "the undo".to_owned(),
        RunCause::Discover => "the discovery".to_owned(),
        _ => format!("the rule {}", run.rule),
    }
}

/// The places that most is said of in a sentence. Taste.
const NAMED: usize = 4;

/// What a plan moves, and where to, in a sentence.
pub(crate) fn moves(plan: &Plan) -> String {
    let targets = plan.steps.iter().flat_map(|step| &step.targets).filter(|target| target.amount > 0);
    let named: Vec<String> = targets
        .map(|target| format!("{} {}", target.name, Money::new(target.amount, plan.currency)))
        .collect();
    let all = Money::new(guard::moved(&plan.transfers), plan.currency);
    match named.as_slice() {
        [] => all.to_string(),
        [one] => one.clone(),
        many if many.len() > NAMED => {
            format!("{all} ({} and {} more)", many[..NAMED].join(", "), many.len() - NAMED)
        }
        many => format!("{all} ({})", many.join(", ")),
    }
}
