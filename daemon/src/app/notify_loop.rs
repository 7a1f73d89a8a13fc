//! When attention is observed: after every event, and every minute for what only time changes.
//!
//! What is observed is counted for Prometheus, and told to the person.

use std::sync::Arc;
use std::time::Duration;

use monzo_common::model::{Event, Severity};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::attention::Observed;
use crate::metrics::Metrics;
use crate::services::{Served, Services};

/// How often without an event. Taste: an attention is told when it has lasted for minutes.
const EVERY: Duration = Duration::from_secs(60);

/// Observes until `stop`.
pub(super) async fn run(
    served: watch::Receiver<Served>,
    metrics: Arc<Metrics>,
    mut events: broadcast::Receiver<Event>,
    stop: CancellationToken,
) {
    let mut ticker = tokio::time::interval(EVERY);
    ticker.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let next = async {
            tokio::select! {
                _ = ticker.tick() => true,
                // Events that were missed are in the database.
                received = events.recv() => !matches!(received, Err(RecvError::Closed)),
            }
        };
        if !stop.run_until_cancelled(next).await.unwrap_or(false) {
            return;
        }
        // One observation serves all events until now.
        while events.try_recv().is_ok() {}
        let now = served.borrow().clone();
        match now {
            // Dropped at `stop`: a notice on its way to the feed is marked as sent.
            Served::Normal(services) => drop(stop.run_until_cancelled(observe(&services, &metrics)).await),
            // The reason of rescue mode is the one problem there is.
            Served::Rescue(_) => metrics.attention(1, 0),
            Served::Between => {}
        }
    }
}

async fn observe(services: &Services, metrics: &Metrics) {
    let observed = match services.attention.observe().await {
        Ok(observed) => observed,
        Err(fault) => {
            return tracing::warn!(%fault, "what needs a person could not be read; it is tried again in a minute");
        }
    };
    let (problems, notes) = count(&observed);
    metrics.attention(problems, notes);
    if let Err(error) = services.notifier.tell(&observed).await {
        tracing::warn!(%error, "notifications could not be stored; it is tried again in a minute");
    }
}

/// How many problems and notes are not silenced.
fn count(observed: &[Observed]) -> (usize, usize) {
    let loud = observed.iter().filter(|observed| !observed.silenced);
    let (problems, notes): (Vec<_>, Vec<_>) =
        loud.partition(|observed| observed.attention.severity == Severity::Problem);
    (problems.len(), notes.len())
}
