//! Events and progress on their way to whoever listens.
//!
//! A listener never holds the daemon up: events wait for it in a ring of fixed size, and one that is so slow that
//! the ring overtakes it is told so and let go. Progress is only ever the newest.

use std::time::Duration;

use jsonrpsee::core::SubscriptionError;
use jsonrpsee::server::{PendingSubscriptionSink, SubscriptionSink};
use monzo_common::model::{Event, Progress, SyncPhase};
use serde::Serialize;
use serde_json::value::to_raw_value;
use tokio::sync::{broadcast, watch};

/// Events that wait for a slow listener. Taste: more than the worst sync makes.
const RING: usize = 256;

/// How long one message may wait until the listener's connection takes it. Taste.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where events and progress are told.
#[derive(Debug, Clone)]
pub struct Hub {
    events: broadcast::Sender<Event>,
    progress: watch::Receiver<Option<Progress>>,
}

impl Hub {
    /// A hub that passes this progress on.
    pub fn new(progress: watch::Receiver<Option<Progress>>) -> Self {
        Self { events: broadcast::Sender::new(RING), progress }
    }

    /// Where events are told to all who listen; telling never waits.
    pub fn teller(&self) -> broadcast::Sender<Event> {
        self.events.clone()
    }

    /// Passes events on from now on, until the listener goes or is too slow.
    ///
    /// # Errors
    /// Why the subscription ends, for the listener.
    pub async fn follow_events(&self, pending: PendingSubscriptionSink) -> Result<(), SubscriptionError> {
        // Before the answer, so that what happens just after it is not missed.
        let mut events = self.events.subscribe();
        let Ok(sink) = pending.accept().await else { return Ok(()) };
        loop {
            tokio::select! {
                () = sink.closed() => return Ok(()),
                event = events.recv() => match event {
                    Ok(event) => pass(&sink, &event).await?,
                    Err(broadcast::error::RecvError::Lagged(missed)) => {
                        return Err(format!("{missed} events were missed because they were not read in time; \
                            `events.list` with `after` has them").into());
                    }
                    Err(broadcast::error::RecvError::Closed) => return Err("the daemon is stopping".into()),
                },
            }
        }
    }

    /// Passes progress on, beginning with that of a running sync.
    ///
    /// # Errors
    /// Why the subscription ends, for the listener.
    pub async fn follow_progress(&self, pending: PendingSubscriptionSink) -> Result<(), SubscriptionError> {
        let mut progress = self.progress.clone();
        let Ok(sink) = pending.accept().await else { return Ok(()) };
        let running = running(&progress.borrow_and_update()).cloned();
        if let Some(running) = running {
            pass(&sink, &running).await?;
        }
        loop {
            tokio::select! {
                () = sink.closed() => return Ok(()),
                changed = progress.changed() => {
                    if changed.is_err() {
                        return Err("the daemon is stopping".into());
                    }
                    let newest = progress.borrow_and_update().clone();
                    if let Some(newest) = newest {
                        pass(&sink, &newest).await?;
                    }
                }
            }
        }
    }
}

/// The progress of a sync that has not ended.
fn running(progress: &Option<Progress>) -> Option<&Progress> {
    progress.as_ref().filter(|progress| progress.phase != SyncPhase::Ended)
}

async fn pass(sink: &SubscriptionSink, item: &impl Serialize) -> Result<(), SubscriptionError> {
    let message = to_raw_value(item)?;
    match sink.send_timeout(message, PATIENCE).await {
        Ok(()) => Ok(()),
        Err(jsonrpsee::server::SendTimeoutError::Timeout(_)) => {
            Err("the subscription was closed because it was not read in time".into())
        }
        // The select above sees that it is closed.
        Err(jsonrpsee::server::SendTimeoutError::Closed(_)) => Ok(()),
    }
}
