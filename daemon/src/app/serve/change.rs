//! What changes while the daemon serves: a configuration that is read again, and a database that is put back.

use std::path::PathBuf;

use monzo_common::fault::{Fault, FaultKind};
use monzo_common::model::{ConfigReload, Restored};

use super::super::settings;
use super::{DRAIN, Daemon};
use crate::config::{self, Config, Loaded};
use crate::events::{Happened, Kind};
use crate::host::{messages, notify};
use crate::rpc::handlers::Replacement;
use crate::services::Served;
use crate::store::{self, BackupError, Health, Incoming};

impl Daemon {
    /// Reads the configuration again and applies what can be applied live.
    pub(super) async fn reload(&mut self) -> Result<ConfigReload, Fault> {
        notify::reloading();
        let locations = self.locations.clone();
        let read = tokio::task::spawn_blocking(move || Config::load(&locations)).await;
        let reloaded = match read {
            Ok(Ok(loaded)) => Ok(self.apply(loaded).await),
            Ok(Err(error)) => {
                let fault = Fault::from(&error);
                self.refuse(&error).await;
                Err(fault)
            }
            Err(_) => {
                Err(Fault::new(FaultKind::Internal, "the configuration could not be read", "try again"))
            }
        };
        self.tell_ready();
        reloaded
    }

    async fn apply(&mut self, loaded: Loaded) -> ConfigReload {
        let before = self.config.borrow().config.clone();
        let changes = config::diff(&before, &loaded.config);
        let files = loaded.files.iter().map(|file| file.display().to_string()).collect();
        let config = config::in_force(&before, &loaded.config);
        self.level.set(config.log.level);
        self.grants.send_modify(|grants| grants.configure(&config.access));
        self.sync_settings.send_if_modified(|settings| {
            let new = settings::of_sync(&config);
            let changed = *settings != new;
            *settings = new;
            changed
        });
        self.sorter_settings.send_replace(crate::autosort::Settings::of(&config));
        self.notifier_settings.send_replace(settings::of_notifier(&config));
        self.base.rate_limiter.set(config.monzo.max_concurrency);
        self.config.send_replace(Loaded { config, ..loaded });
        self.base.metrics.config_reloaded(true);
        self.troubles.send_modify(|troubles| troubles.config = None);
        if !changes.is_empty() {
            let keys: Vec<&str> = changes.iter().map(|change| change.key.as_str()).collect();
            let message = format!("the configuration was read again; changed: {}", keys.join(", "));
            self.record(Happened::new(Kind::ConfigApplied, message)).await;
        }
        ConfigReload { changes, files }
    }

    async fn refuse(&mut self, error: &config::ConfigError) {
        let summary: Vec<String> = error.problems.iter().map(config::Problem::summary).collect();
        let summary = summary.join("; ");
        tracing::warn!(
            message_id = messages::CONFIG_REJECTED,
            "the configuration was refused, the one in force stays: {summary}"
        );
        self.base.metrics.config_reloaded(false);
        // One is enough to begin with; `config check` shows them all.
        let first = error.problems.first().map(config::Problem::summary).unwrap_or_default();
        let told = match error.problems.len() {
            0 | 1 => first,
            problems => format!("{first}; and {} more", problems - 1),
        };
        self.troubles.send_modify(|troubles| troubles.config = Some(told.clone()));
        self.record(Happened::new(Kind::ConfigRejected, told)).await;
    }

    async fn record(&self, happened: Happened) {
        if let Some(core) = &self.core {
            core.services.event_log.record(happened).await;
        }
    }

    /// Exchanges the database; whatever fails, the daemon goes on with what is there.
    pub(super) async fn restore(&mut self, by: Replacement) -> Result<Restored, Fault> {
        // All that can be refused is refused before anything is closed.
        let path = self.base.database();
        let fresh = matches!(by, Replacement::Fresh);
        let incoming = store::blocking(move || match by {
            Replacement::File { from, name, other_user } => {
                let incoming = Incoming::copy(&from, &name, &path)?;
                if !other_user {
                    incoming.same_person()?;
                }
                Ok::<_, BackupError>(incoming)
            }
            Replacement::Fresh => Incoming::empty(&path),
        });
        let incoming = incoming.await?;
        let saved = self.save_what_is_gone().await?;
        notify::status("putting back a database");
        self.served.send_replace(Served::Between);
        self.health = None;
        if let Some(check) = self.check.take() {
            check.abort();
        }
        if let Some(core) = self.core.take() {
            let patience = self.config.borrow().config.monzo.timeout.duration() + DRAIN;
            if !core.close(tokio::time::sleep(patience)).await {
                // Replacing a file under open connections could lose what they write.
                self.open().await;
                self.tell_ready();
                return Err(Fault::new(
                    FaultKind::Conflict,
                    "the database is still in use, and nothing was changed",
                    "try again in a moment; `monzoctl sync cancel` ends a running sync",
                ));
            }
        }
        let present = self.base.database();
        let login_from = (!self.sealed && !fresh).then(|| saved.clone().unwrap_or(present));
        let now = self.base.clock.now();
        let exchanged = store::blocking(move || incoming.exchange(login_from.as_deref(), now)).await;
        self.open().await;
        self.tell_ready();
        let mut restored = exchanged?;
        if let Some(saved) = saved {
            restored.put_aside = Some(saved.display().to_string());
        }
        let message = if fresh {
            "an empty database was begun".to_owned()
        } else {
            format!("the database was put back from {}", restored.verification.name)
        };
        self.record(Happened::new(Kind::Restored, message)).await;
        Ok(restored)
    }

    /// A database whose file was removed lives as long as it is open: a backup keeps it beyond that.
    async fn save_what_is_gone(&self) -> Result<Option<PathBuf>, Fault> {
        let Some(core) = &self.core else { return Ok(None) };
        let store = &core.services.store;
        if !matches!(store.health(), Health::Gone { .. }) {
            return Ok(None);
        }
        let backups = self.base.state.join(&self.config.borrow().config.store.backup.dir);
        let made = store.backup(&backups, "restore", true, self.base.clock.now()).await?;
        Ok(Some(backups.join(made.name)))
    }
}
