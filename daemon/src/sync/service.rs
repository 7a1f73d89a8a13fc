//! The loop: one sync at a time, on time, on request, after a login, and when a poll sees a change.

mod ending;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use monzo_common::model::{LoginState, Progress, Sync, SyncCancelled, SyncCause, SyncStarted, SyncState};
use sha2::{Digest, Sha256};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::poll::Poll;
use super::progress::SyncProgress;
use super::run::{self, Ended, Run, Task};
use super::{Handle, Request, Services, schedule, upgrade, windows};
use crate::clock::elapsed;
use crate::events::{Happened, Kind};
use crate::monzo;
use crate::store::StoreError;

/// The wall clock is looked at this often at least, so that suspend and clock steps are met.
const LOOK: Duration = Duration::from_secs(60);

/// When a capture that failed is tried again while the five minutes run. Taste.
const SOON: jiff::SignedDuration = jiff::SignedDuration::from_secs(5);

/// When a sync that could not begin is tried again at other times. Taste.
const LATER: jiff::SignedDuration = jiff::SignedDuration::from_mins(5);

/// Why no sync was started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Nobody is logged in, or the login does not serve.
    #[error("the login does not let the bank be read")]
    Login(LoginState),
    /// The daemon stops.
    #[error("the daemon is stopping")]
    Stopping,
    /// The sync could not be noted.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The loop, before it runs.
pub struct Service {
    services: Arc<Services>,
    requests: mpsc::Receiver<Request>,
    progress: watch::Sender<Option<Progress>>,
    next_due: watch::Sender<Option<Timestamp>>,
    running: Option<Running>,
    poll: Poll,
    /// A poll on its way, which gives itself back with what it saw.
    polling: Option<JoinHandle<(Poll, bool)>>,
    polled_at: Option<Timestamp>,
    /// When a sync last ended.
    ended_at: Option<Timestamp>,
    /// The approval whose history has been asked for.
    captured_for: Option<Timestamp>,
    /// A login was approved, so that its history must be captured next.
    again: bool,
    failures: u32,
    /// A sync whose end could not be noted yet.
    unnoted: Option<Sync>,
}

struct Running {
    sync: Sync,
    run: Arc<Run>,
    task: JoinHandle<Ended>,
    cancelled: Vec<oneshot::Sender<SyncCancelled>>,
}

impl Service {
    /// A loop that tells of `progress`, and the handle that asks it.
    pub fn new(services: Services, progress: watch::Sender<Option<Progress>>) -> (Self, Handle) {
        let (send, requests) = mpsc::channel(16);
        let watch_progress = progress.subscribe();
        let (next_due, watch_due) = watch::channel(None);
        let service = Self {
            services: Arc::new(services),
            requests,
            progress,
            next_due,
            running: None,
            poll: Poll::default(),
            polling: None,
            polled_at: None,
            ended_at: None,
            captured_for: None,
            again: false,
            failures: 0,
            unnoted: None,
        };
        let (client, settings) = (service.services.client.clone(), service.services.settings.clone());
        let (progress, next_due) = (watch_progress, watch_due);
        (service, Handle { requests: send, progress, next_due, client, settings })
    }

    /// Runs until `stop`; a running sync ends at its page boundary first.
    pub async fn run(mut self, stop: CancellationToken) {
        // A database that cannot be written now holds nothing up but the syncs.
        while let Err(error) = self.resume().await {
            tracing::warn!(%error, "the sync loop cannot begin yet");
            self.services.heartbeat.beat();
            if stop.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_none() {
                self.services.heartbeat.retire();
                return;
            }
        }
        let mut login = self.services.login.watch();
        let mut settings = self.services.settings.clone();
        loop {
            self.services.heartbeat.beat();
            let wait = self.wait();
            tokio::select! {
                () = stop.cancelled() => break,
                Some(request) = self.requests.recv() => self.answer(request).await,
                ended = finished(&mut self.running) => self.finish(ended).await,
                (poll, changed) = polled(&mut self.polling) => {
                    self.poll = poll;
                    if changed && self.running.is_none() && self.services.login.ready() {
                        self.begin_or_log(SyncCause::Poll, false).await;
                    }
                }
                changed = login.changed() => {
                    if changed.is_err() {
                        break;
                    }
                    let state = login.borrow_and_update().state;
                    self.login_changed(state).await;
                }
                Ok(()) = settings.changed() => {
                    self.set_pace();
                    self.reschedule().await;
                }
                () = tokio::time::sleep(wait) => self.look().await,
            }
        }
        if let Some(polling) = self.polling.take() {
            polling.abort();
        }
        if let Some(running) = &self.running {
            running.run.cancel.cancel();
        }
        if self.running.is_some() {
            let ended = finished(&mut self.running).await;
            self.finish(ended).await;
        }
        self.services.heartbeat.retire();
    }

    /// Syncs at start if there is something to go on with, or what is stored is stale.
    async fn resume(&mut self) -> Result<(), StoreError> {
        let now = self.services.clock.now();
        match upgrade::retry(&self.services.store, env!("CARGO_PKG_VERSION"), now).await {
            Ok(0) => {}
            Ok(released) => tracing::info!(released, "records in quarantine are understood now"),
            Err(error) => tracing::warn!(%error, "records in quarantine could not be tried again"),
        }
        let closed = self.services.store.write(move |writer| writer.close_unfinished_syncs(now)).await;
        match closed {
            // A full disk stops what writes, not the loop: it goes on when there is room.
            Err(error) if error.unwritable() => {
                tracing::warn!(%error, "an unfinished sync could not be closed");
            }
            closed => closed?,
        }
        let read = self.services.store.read(|reader| {
            Ok((
                reader.last_success_at()?,
                reader.last_attempt_at()?,
                reader.due_at()?,
                reader.open_windows()?,
            ))
        });
        let (past, attempted, due, open) = read.await?;
        self.ended_at = attempted;
        let settings = self.services.settings.borrow().clone();
        let stale = settings.on_start && schedule::stale(past, settings.plan.interval, now);
        let due = if stale || open > 0 { now } else { due.unwrap_or(now).min(self.latest(now)) };
        self.set_due(due).await;
        self.expect_history();
        self.look().await;
        Ok(())
    }

    /// Another login, or the end of one, ends what still runs under it; an approval begins the capture.
    async fn login_changed(&mut self, state: LoginState) {
        if state == LoginState::Ready {
            self.expect_history();
            self.look().await;
        } else if let Some(running) = &self.running {
            running.run.cancel.cancel();
        }
    }

    /// Notes that the history of a fresh approval is to be captured, once for each approval.
    fn expect_history(&mut self) {
        let approved = self.services.login.approved_at();
        if self.history_open() && approved != self.captured_for {
            self.captured_for = approved;
            self.again = true;
        }
    }

    fn set_pace(&self) {
        let at_once = self.services.settings.borrow().concurrency;
        self.services.client.rate_limiter().set(u32::try_from(at_once).unwrap_or(u32::MAX));
    }

    /// The latest instant at which a sync can be due, whatever the database says.
    fn latest(&self, now: Timestamp) -> Timestamp {
        let plan = self.services.settings.borrow().plan;
        let past = schedule::Past { last_attempt_at: Some(now), failures: 0 };
        schedule::due_at(plan, past, now, 1000)
    }

    fn wait(&self) -> Duration {
        // Without a login nothing is due, however late it is; a login wakes the loop by itself.
        if self.running.is_some() || !self.services.login.ready() {
            return self.services.clock.pause(LOOK);
        }
        let now = self.services.clock.now();
        let due = *self.next_due.borrow();
        let soonest = due.into_iter().chain(self.poll_due()).min();
        let wait =
            soonest.map_or(LOOK, |due| Duration::try_from(due.duration_since(now)).unwrap_or_default());
        wait.clamp(Duration::from_millis(50), self.services.clock.pause(LOOK))
    }

    fn poll_due(&self) -> Option<Timestamp> {
        let every = self.services.settings.borrow().poll?;
        let now = self.services.clock.now();
        let last = self.polled_at.filter(|at| elapsed(*at, now).is_some());
        let last = last.or(self.services.login.ready().then_some(Timestamp::MIN))?;
        last.checked_add(every).ok()
    }

    fn history_ends(&self) -> Option<Timestamp> {
        let now = self.services.clock.now();
        let approved = self.services.login.approved_at().filter(|at| elapsed(*at, now).is_some());
        approved.and_then(|at| at.checked_add(windows::HISTORY_OPEN).ok())
    }

    fn history_open(&self) -> bool {
        self.history_ends().is_some_and(|ends| self.services.clock.now() < ends)
    }

    /// Does what is due: a sync, or a poll that may call for one.
    async fn look(&mut self) {
        if self.running.is_some() || !self.services.login.ready() {
            return;
        }
        let now = self.services.clock.now();
        self.doubt_the_plan(now).await;
        if std::mem::take(&mut self.again) {
            self.begin_or_log(SyncCause::Login, false).await;
        } else if self.services.client.rate_limiter().left_alone().is_some() {
            // The bank asked to wait; a person may ask all the same.
        } else if self.next_due.borrow().is_some_and(|due| due <= now) {
            let first = self.polled_at.is_none();
            self.begin_or_log(if first { SyncCause::Start } else { SyncCause::Schedule }, false).await;
        } else if self.polling.is_none() && self.poll_due().is_some_and(|due| due <= now) {
            self.polled_at = Some(now);
            let (services, mut poll) = (Arc::clone(&self.services), std::mem::take(&mut self.poll));
            // Beside the loop, so that a bank that hangs holds up neither requests nor a stop.
            self.polling = Some(tokio::spawn(async move {
                let changed = poll.poll(&services).await;
                (poll, changed)
            }));
        }
    }

    /// Syncs now if the plan was made by a clock that was wrong, and says so.
    async fn doubt_the_plan(&mut self, now: Timestamp) {
        let Some(planned) = *self.next_due.borrow() else { return };
        let plan = self.services.settings.borrow().plan;
        let left_alone = self.services.client.rate_limiter().left_alone().is_some();
        if left_alone || schedule::still_due(plan, planned, self.ended_at, now) == planned {
            return;
        }
        self.ended_at = None;
        let message = "the clock was wrong and was set back: what it noted for the future counts as unknown, and a sync begins now";
        tracing::warn!("{message}");
        self.services.event_log.record(Happened::new(Kind::ClockSetBack, message)).await;
        self.set_due(now).await;
    }

    async fn begin_or_log(&mut self, cause: SyncCause, full: bool) {
        if let Err(error) = self.begin(cause, full).await {
            tracing::warn!(%error, %cause, "no sync could be started");
            // The history of an approval is still to be captured.
            self.again |= cause == SyncCause::Login;
            // While it is open every second counts: a disk that has room again must not wait.
            let wait = if self.history_open() { SOON } else { LATER };
            let later = self.services.clock.now().checked_add(wait);
            self.set_due(later.unwrap_or(Timestamp::MAX)).await;
        }
    }

    async fn answer(&mut self, request: Request) {
        match request {
            Request::Start { full, cause, answer } => {
                let started = match &self.running {
                    Some(running) => Ok(SyncStarted { sync: running.snapshot(), joined: true }),
                    None if !self.services.login.ready() => {
                        Err(StartError::Login(self.services.login.state().state))
                    }
                    None => self.begin(cause, full).await.map(|sync| SyncStarted { sync, joined: false }),
                };
                // A caller that hung up has its sync all the same.
                let _ = answer.send(started);
            }
            Request::Cancel { answer } => match &mut self.running {
                Some(running) => {
                    running.run.cancel.cancel();
                    running.cancelled.push(answer);
                }
                None => {
                    let _ = answer.send(SyncCancelled { sync: None, changed: false });
                }
            },
        }
    }

    /// Notes a sync and lets it run.
    async fn begin(&mut self, cause: SyncCause, full: bool) -> Result<Sync, StartError> {
        let now = self.services.clock.now();
        let (id, noted, unnoted) = (fresh_id(now), cause, self.unnoted.clone());
        let begun = self.services.store.write(move |writer| {
            if let Some(ended) = unnoted {
                writer.end_sync(&ended)?;
            }
            writer.begin_sync(&id, noted, now)
        });
        let sync = begun.await?;
        self.unnoted = None;
        let history_ends = self.history_ends().filter(|ends| now < *ends);
        if history_ends.is_some() {
            // Each capture begins at full pace, whatever an earlier 429 had slowed down.
            self.set_pace();
        }
        let (found, receive) = mpsc::unbounded_channel();
        let run = Arc::new(Run {
            services: Arc::clone(&self.services),
            id: sync.id.clone(),
            task: Task { full },
            progress: SyncProgress::new(&sync.id, history_ends, self.progress.clone()),
            cancel: CancellationToken::new(),
            history_ends,
            at_once: self.services.settings.borrow().concurrency.max(1),
            found,
        });
        self.services.metrics.sync_started(now);
        tracing::info!(monzod_sync_id = sync.id, %cause, "sync began");
        let task = tokio::spawn(run::run(Arc::clone(&run), receive));
        self.running = Some(Running { sync: sync.clone(), run, task, cancelled: Vec::new() });
        Ok(sync)
    }

    async fn reschedule(&mut self) {
        let now = self.services.clock.now();
        let due = (*self.next_due.borrow()).unwrap_or(now).min(self.latest(now));
        self.set_due(due).await;
    }

    async fn reschedule_after(&mut self, state: SyncState, now: Timestamp) {
        let plan = self.services.settings.borrow().plan;
        let failures = if state == SyncState::Cancelled { 0 } else { self.failures };
        let past = schedule::Past { last_attempt_at: Some(now), failures };
        let due = if self.history_waits(state).await {
            now.checked_add(SOON).unwrap_or(now)
        } else {
            schedule::due_at(plan, past, now, monzo::jitter())
        };
        self.ended_at = Some(now);
        if state == SyncState::Done {
            self.services.client.rate_limiter().served();
        }
        // A login that could not be refreshed is tried again as soon as it was said to be.
        let refresh = self.services.login.trouble().map(|trouble| trouble.until().max(now));
        let due = refresh.map_or(due, |refresh| refresh.min(due));
        let asked =
            self.services.client.rate_limiter().left_alone().and_then(|left| now.checked_add(left).ok());
        self.set_due(asked.map_or(due, |asked| asked.max(due))).await;
    }

    /// A capture failed while the bank's five minutes still run: what is not read in them is lost until the next login.
    async fn history_waits(&self, state: SyncState) -> bool {
        if !matches!(state, SyncState::Partial | SyncState::Failed) || !self.history_open() {
            return false;
        }
        self.services.store.read(|reader| reader.open_windows()).await.is_ok_and(|open| open > 0)
    }

    async fn set_due(&mut self, due: Timestamp) {
        self.next_due.send_replace(Some(due));
        self.services.metrics.sync_due(Some(due));
        if let Err(error) = self.services.store.write(move |writer| writer.set_due_at(due)).await {
            tracing::warn!(%error, "when the next sync is due could not be noted");
        }
    }
}

impl Running {
    fn snapshot(&self) -> Sync {
        Sync { accounts: self.run.progress.accounts(), ..self.sync.clone() }
    }
}

/// Waits for the running sync, for ever if there is none.
async fn finished(running: &mut Option<Running>) -> (Running, Ended) {
    let ended = match running {
        Some(running) => match (&mut running.task).await {
            Ok(ended) => ended,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => Ended { state: SyncState::Cancelled, failure: None },
        },
        None => std::future::pending().await,
    };
    match running.take() {
        Some(running) => (running, ended),
        None => std::future::pending().await,
    }
}

/// Waits for the poll that is on its way, for ever if there is none.
async fn polled(polling: &mut Option<JoinHandle<(Poll, bool)>>) -> (Poll, bool) {
    let seen = match polling {
        Some(task) => match task.await {
            Ok(seen) => seen,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => (Poll::default(), false),
        },
        None => std::future::pending().await,
    };
    *polling = None;
    seen
}

/// A sync's id: random, because a counter would tell two databases' syncs apart by nothing.
fn fresh_id(now: Timestamp) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut bytes = [0_u8; 16];
    if getrandom::fill(&mut bytes).is_err() {
        // The time must do: syncs of one database never begin at the same millisecond.
        let digest = Sha256::digest(now.as_millisecond().to_be_bytes());
        bytes.iter_mut().zip(digest).for_each(|(byte, digit)| *byte = digit);
    }
    let digits = bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)]));
    std::iter::once("sync_").flat_map(str::chars).chain(digits).collect()
}
