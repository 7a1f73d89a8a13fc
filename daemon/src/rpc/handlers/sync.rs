//! `sync.*`: starting, cancelling and looking back.

use monzo_common::fault::{Fault, FaultKind};
use monzo_common::model::{QuarantinedRecord, Sync, SyncCancelled, SyncHistory, SyncStarted};

use super::desk::Desk;

/// Syncs on a page unless asked otherwise, and at most.
const PAGE: u32 = 20;
const LONGEST_PAGE: u32 = 200;

/// Records of the quarantine that are shown. Taste: a person looks at a few and then at the log.
const QUARANTINE: u32 = 100;

pub(super) async fn start(desk: &Desk, full: bool) -> Result<SyncStarted, Fault> {
    Ok(desk.rooms()?.sync.start(full).await?)
}

pub(super) async fn cancel(desk: &Desk) -> Result<SyncCancelled, Fault> {
    Ok(desk.rooms()?.sync.cancel().await?)
}

/// One sync; what a running one did in each account is noted when it ends.
pub(super) async fn get(desk: &Desk, id: String) -> Result<Sync, Fault> {
    let rooms = desk.rooms()?;
    let stored = rooms.store.read(move |reader| reader.sync(&id)).await?;
    Ok(rooms.sync.corrected(stored))
}

/// A record that could not be understood.
pub(super) async fn quarantined(desk: &Desk, id: String) -> Result<QuarantinedRecord, Fault> {
    Ok(desk.rooms()?.store.read(move |reader| reader.quarantined_record(&id)).await?)
}

pub(super) async fn history(
    desk: &Desk,
    problems: bool,
    cursor: Option<String>,
    limit: Option<u32>,
) -> Result<SyncHistory, Fault> {
    let before = match cursor {
        None => None,
        Some(text) => Some(text.parse().map_err(|_| {
            Fault::new(FaultKind::InvalidParams, "this is no cursor of sync.history", "begin without one")
        })?),
    };
    let limit = limit.unwrap_or(PAGE).clamp(1, LONGEST_PAGE);
    let rooms = desk.rooms()?;
    let found = rooms.store.read(move |reader| {
        let (syncs, last) = reader.syncs(problems, before, limit)?;
        let quarantined = if before.is_none() { reader.quarantine(QUARANTINE)? } else { Vec::new() };
        Ok(SyncHistory { syncs, quarantined, cursor: last.map(|number| number.to_string()) })
    });
    let mut found = found.await?;
    found.syncs = found.syncs.into_iter().map(|sync| rooms.sync.corrected(sync)).collect();
    Ok(found)
}
