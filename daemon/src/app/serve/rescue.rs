//! Into rescue mode when the database cannot be used, and out of it when the reason is over.

use std::time::Duration;

use monzo_common::model::Mode;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::super::core::Unusable;
use super::{DRAIN, Daemon};
use crate::events::{Happened, Kind};
use crate::host::messages;
use crate::services::{Rescue, Served};
use crate::store::{self, Health};

/// How often is looked whether the reason of rescue mode is over. Taste.
pub(super) const LOOK_AGAIN: Duration = Duration::from_secs(60);

impl Daemon {
    pub(super) fn rescue(&mut self, why: &Unusable) {
        let rescue = Rescue { reason: why.to_string(), hint: why.hint() };
        // Said once, however often it is looked at.
        if !matches!(&*self.served.borrow(), Served::Rescue(known) if *known == rescue) {
            tracing::error!(message_id = messages::RESCUE, "the database cannot be used: {why}");
        }
        self.base.metrics.store_damaged(true);
        self.sealed = why.sealed();
        self.mode.send_replace(Mode::Rescue);
        self.served.send_replace(Served::Rescue(rescue));
    }

    /// Ends rescue mode if its reason is over: a page can be read wrongly once, and a file or key be put back.
    pub(super) async fn look_again(&mut self) {
        if !matches!(&*self.served.borrow(), Served::Rescue(_)) {
            return;
        }
        let path = self.base.database();
        // Checked before anything is written to it; one that is not there has nothing to check.
        let sound = tokio::task::spawn_blocking(move || match path.canonicalize() {
            Ok(path) => store::verify(&path, store::FILE).is_ok_and(|found| found.sound),
            Err(_) => true,
        });
        if sound.await.unwrap_or(false) {
            self.open().await;
            if self.core.is_some() {
                tracing::info!("the database can be used again");
                self.tell_ready();
            }
        }
    }

    /// The check after an unclean stop has ended, or damage was met on the way.
    pub(super) async fn checked(&mut self, damage: Option<String>) {
        if let Some(check) = self.check.take() {
            check.abort();
        }
        self.troubles.send_modify(|troubles| troubles.checking = false);
        let Some(damage) = damage else {
            if let Some(core) = &self.core {
                core.verified.cancel();
            }
            return tracing::info!("the database was checked and is sound");
        };
        let error = Unusable::from(store::OpenError::Damaged(damage));
        if let Some(core) = self.core.take() {
            core.services.event_log.record(Happened::new(Kind::StoreDamaged, error.to_string())).await;
            self.rescue(&error);
            core.close(tokio::time::sleep(DRAIN)).await;
        }
        self.tell_ready();
    }
}

/// Waits for the check, for ever if there is none.
pub(super) async fn finished(check: &mut Option<JoinHandle<Option<String>>>) -> Option<String> {
    match check {
        // A check that was aborted has found nothing.
        Some(check) => check.await.unwrap_or_default(),
        None => std::future::pending().await,
    }
}

/// Waits until the database shows that it is damaged, for ever if it does not.
pub(super) async fn damaged(health: &mut Option<watch::Receiver<Health>>) -> String {
    loop {
        let Some(watched) = health else { return std::future::pending().await };
        let now = watched.borrow_and_update().clone();
        if let Health::Damaged(why) = now {
            *health = None;
            return why;
        }
        if watched.changed().await.is_err() {
            *health = None;
        }
    }
}
