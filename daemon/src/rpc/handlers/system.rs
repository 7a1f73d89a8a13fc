//! `system.*`: versions and the configuration; the status has a file of its own.

use jsonrpsee::core::async_trait;
use monzo_common::VERSION;
use monzo_common::api::SystemServer;
use monzo_common::fault::Fault;
use monzo_common::model::{ConfigEntry, ConfigProblem, ConfigReload, ConfigReport, Status, Version};
use monzo_common::period;

use super::context::{Command, RpcContext};
use super::status;
use crate::autosort::decide::calendar;
use crate::autosort::query::config_check::{check_names, failing_examples, unasked};
use crate::config::{self, Config};
use crate::rpc::faults::stopping;
use crate::services::Served;
use crate::store;

#[async_trait]
impl SystemServer for RpcContext {
    async fn version(&self) -> Result<Version, Fault> {
        let usable = matches!(&*self.served.borrow(), Served::Normal(_));
        Ok(Version {
            version: VERSION.to_owned(),
            pid: std::process::id(),
            schema: usable.then(store::newest_schema),
            now: self.clock.now(),
            zone: self.config.borrow().config.time.zone.name().to_owned(),
            cycle: cycle(self),
        })
    }

    async fn config(&self) -> Result<Vec<ConfigEntry>, Fault> {
        Ok(config::show(&self.config.borrow()))
    }

    /// Checks a text, or the files as they are now.
    async fn check(&self, name: Option<String>, text: Option<String>) -> Result<ConfigReport, Fault> {
        let locations = self.locations.clone();
        let checked = tokio::task::spawn_blocking(move || match text {
            Some(text) => {
                let name = name.unwrap_or_else(|| "the given text".to_owned());
                let files = vec![name.clone()];
                (files, config::check_text(&name, &text))
            }
            None => match Config::load(&locations) {
                Ok(loaded) => {
                    let files = loaded.files.iter().map(|file| file.display().to_string()).collect();
                    (files, Ok(loaded.config))
                }
                Err(error) => (Vec::new(), Err(error)),
            },
        });
        let (files, checked) = checked.await.map_err(|_| stopping())?;
        Ok(match checked {
            Ok(config) => {
                let mut notes = config::notes(&config);
                notes.extend(names(self, &config).await?);
                report(files, failing_examples(&config), &notes)
            }
            Err(error) => report(files, error.problems.iter().map(ConfigProblem::from).collect(), &[]),
        })
    }

    async fn reload(&self) -> Result<ConfigReload, Fault> {
        self.command(|answer| Command::Reload { answer }).await
    }

    async fn status(&self) -> Result<Status, Fault> {
        status::status(self).await
    }
}

/// The cycle of the first payday.
fn cycle(context: &RpcContext) -> Option<period::Cycle> {
    let loaded = context.config.borrow();
    let payday = loaded.config.paydays.first()?;
    calendar::words(payday, context.clock.now(), loaded.config.time.zone.rules())
}

/// Notes about names in rules that no account or pot has, where the database can be read.
async fn names(context: &RpcContext, config: &Config) -> Result<Vec<config::Note>, Fault> {
    match context.services() {
        Ok(services) => Ok(check_names(&services.sorter, config).await?),
        Err(fault) => Ok(unasked(config, &fault.message).into_iter().collect()),
    }
}

fn report(mut files: Vec<String>, problems: Vec<ConfigProblem>, notes: &[config::Note]) -> ConfigReport {
    if files.is_empty() {
        files = problems.iter().map(|problem| problem.file.clone()).filter(|file| !file.is_empty()).collect();
        files.dedup();
    }
    let notes = notes.iter().map(ConfigProblem::from).collect();
    ConfigReport { files, sound: problems.is_empty(), problems, notes }
}
