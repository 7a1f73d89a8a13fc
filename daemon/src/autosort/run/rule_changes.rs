//! What is told once after a sync: pots that were renamed, and incomes that are late.

use crate::autosort::Services;
use crate::autosort::decide::names;
use crate::autosort::query::rule_issues::{late, overdue};
use crate::autosort::run::error::SorterError;
use crate::events::{Happened, Kind};

/// Says once what was renamed or is late.
pub(crate) async fn tell(services: &Services) -> Result<(), SorterError> {
    let settings = services.settings();
    let world = services.world().await?;
    for rule in &settings.sorter.rules {
        let found = names::resolve(rule, &world);
        let now = found.notes.join("\n");
        if let Some(before) = changed_note(services, &format!("renamed/{}", rule.name), &now).await? {
            let told: Vec<&str> = before.lines().collect();
            for note in found.notes.iter().filter(|note| !told.contains(&note.as_str())) {
                services
                    .event_log
                    .record(Happened::new(Kind::NameChanged, note.as_str()).rule(&rule.name))
                    .await;
            }
        }
    }
    for one in overdue(services).await? {
        let key = format!("income_late/{}", one.payday);
        if changed_note(services, &key, &one.date.to_string()).await?.is_some() {
            services
                .event_log
                .record(Happened::new(Kind::IncomeLate, late(&one, &world, &settings.zone)))
                .await;
        }
    }
    Ok(())
}

/// Keeps what was told last; answers what that was before, where it is something else now.
async fn changed_note(services: &Services, key: &str, now: &str) -> Result<Option<String>, SorterError> {
    let (key, now) = (key.to_owned(), now.to_owned());
    let asked = key.clone();
    let before = services.store.read(move |reader| reader.meta(&asked)).await?.unwrap_or_default();
    if before == now {
        return Ok(None);
    }
    services.store.write(move |writer| writer.set_meta(&key, &now)).await?;
    Ok(Some(before))
}
