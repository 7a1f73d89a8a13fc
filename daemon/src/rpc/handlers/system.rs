//! `system.*` but for the status: versions and the configuration.

use monzo_common::VERSION;
use monzo_common::fault::{Fault, FaultKind};
use monzo_common::model::{ConfigEntry, ConfigProblem, ConfigReload, ConfigReport, Version};
use monzo_common::period;

use super::desk::{Command, Desk, Served};
use crate::autosort::decide::calendar;
use crate::autosort::query::config_check::{failing_examples, unasked};
use crate::config::{self, Config};
use crate::store;

pub(super) fn version(desk: &Desk) -> Version {
    let usable = matches!(&*desk.served.borrow(), Served::Normal(_));
    Version {
        version: VERSION.to_owned(),
        pid: std::process::id(),
        schema: usable.then(store::newest_schema),
        now: desk.clock.now(),
        zone: desk.config.borrow().config.time.zone.name().to_owned(),
        cycle: cycle(desk),
    }
}

/// The cycle of the first payday.
fn cycle(desk: &Desk) -> Option<period::Cycle> {
    let loaded = desk.config.borrow();
    let payday = loaded.config.paydays.first()?;
    calendar::words(payday, desk.clock.now(), loaded.config.time.zone.rules())
}

pub(super) fn config(desk: &Desk) -> Vec<ConfigEntry> {
    config::show(&desk.config.borrow())
}

/// Checks a text, or the files as they are now.
pub(super) async fn check(
    desk: &Desk,
    name: Option<String>,
    text: Option<String>,
) -> Result<ConfigReport, Fault> {
    let locations = desk.locations.clone();
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
            notes.extend(names(desk, &config).await?);
            report(files, failing_examples(&config), &notes)
        }
        Err(error) => report(files, error.problems.iter().map(ConfigProblem::from).collect(), &[]),
    })
}

/// What is the matter with the names of rules, where the database can be asked.
async fn names(desk: &Desk, config: &Config) -> Result<Vec<config::Note>, Fault> {
    match desk.rooms() {
        Ok(rooms) => Ok(rooms.sorter.check_names(config).await?),
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

pub(super) async fn reload(desk: &Desk) -> Result<ConfigReload, Fault> {
    desk.command(|answer| Command::Reload { answer }).await
}

pub(super) fn stopping() -> Fault {
    Fault::new(FaultKind::Stopping, "the daemon is stopping", "try again when it is up")
}
