//! When the person is told: after every event, and every minute for what only time shows.

use std::time::Duration;

use monzo_common::model::Event;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::rpc::handlers::{RpcContext, Served};

/// How often without an event. Taste: what lasts is told after minutes.
const EVERY: Duration = Duration::from_secs(60);

/// Tells until `stop`.
pub(super) async fn run(
    context: RpcContext,
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
                heard = events.recv() => !matches!(heard, Err(RecvError::Closed)),
            }
        };
        if !stop.run_until_cancelled(next).await.unwrap_or(false) {
            return;
        }
        // One look serves all that happened by now.
        while events.try_recv().is_ok() {}
        // Dropped at `stop`: a line on its way to the feed is noted as sent.
        let _ = stop.run_until_cancelled(look(&context)).await;
    }
}

async fn look(context: &RpcContext) {
    let notifier = match &*context.served.borrow() {
        Served::Normal(services) => services.notifier.clone(),
        Served::Rescue(_) | Served::Between => return,
    };
    let Ok(attention) = context.attention().await else { return };
    if let Err(error) = notifier.tell(&attention).await {
        tracing::warn!(%error, "what is to be told could not be noted; it is tried again in a minute");
    }
}
