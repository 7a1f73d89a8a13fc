//! Reads one window to its end: pages in, batches of up to 500 rows into the store, each with its cursor.
//!
//! A batch and the cursor behind it are one database transaction, so that a daemon killed anywhere
//! has stored what its cursor says, and nothing else. While a batch is stored, the next page is on its way.

use jiff::{SignedDuration, Timestamp};
use monzo_common::id::AccountId;

use super::absence::ExpectedRows;
use super::failure::Failure;
use super::progress::Counts;
use super::reading::{Ask, Cursor, Reading, Step};
use super::run::{Run, Target};
use super::windows;
use crate::events::{Happened, Kind};
use crate::facts::{Page, Row, Unreadable};
use crate::monzo::{self, Since};
use crate::store::{self, PackedRows, StoreError};

/// Rows in one database transaction at most. Taste: one fsync for five pages.
const BATCH_ROWS: usize = 500;

/// Bytes of JSON in one batch, about: bounds memory when rows are large.
const BATCH_BYTES: usize = 1 << 19;

/// What is kept together with a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// The cursor of this window, which is complete when the reading ends.
    Window(i64),
    /// Nothing: the reading will be noted as a whole when it ends.
    Rows,
}

/// A batch on its way into the store.
#[derive(Debug, Default)]
struct Batch {
    rows: Vec<Row>,
    unreadable: Vec<Unreadable>,
    bytes: usize,
}

impl Batch {
    fn add(&mut self, page: Page) {
        self.bytes += page.rows.iter().map(|row| row.raw.len()).sum::<usize>();
        self.rows.extend(page.rows);
        self.unreadable.extend(page.unreadable);
    }

    fn full(&self) -> bool {
        // The next page must still fit.
        self.rows.len() + super::reading::FULL > BATCH_ROWS || self.bytes >= BATCH_BYTES
    }

    fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.unreadable.is_empty()
    }
}

/// Reads on until the window ends, the bank refuses, or the sync is cancelled; what was read is stored in any case.
pub async fn read(
    run: &Run,
    target: &Target,
    mut reading: Reading,
    before: Option<Timestamp>,
    keep: Keep,
    expected: &mut ExpectedRows,
) -> Result<Reading, Failure> {
    let mut batch = Batch::default();
    let mut full = None;
    loop {
        let storing = async {
            match full.take() {
                Some((batch, cursor)) => keep_batch(run, target, batch, cursor, keep, false).await,
                None => Ok(()),
            }
        };
        let (page, stored) = tokio::join!(ask(run, target, &mut reading, before), storing);
        stored?;
        let page = match page {
            Ok(page) => page,
            Err(failure) => {
                keep_batch(run, target, batch, reading.cursor().cloned(), keep, false).await?;
                return Err(failure);
            }
        };
        run.progress.page(&target.id, page.len(), run.services.clock.now());
        let step = match reading.take(&page) {
            Ok(step) => step,
            Err(stuck) => {
                keep_batch(run, target, batch, reading.cursor().cloned(), keep, false).await?;
                return Err(stuck.into());
            }
        };
        for row in &page.rows {
            expected.seen(&row.id);
        }
        for record in &page.unreadable {
            // It is listed, only not understood; one without an id might be any row.
            match &record.id {
                Some(id) => expected.seen(id),
                None => reading.doubt(),
            }
        }
        batch.add(page);
        if step == Step::End {
            keep_batch(run, target, batch, reading.cursor().cloned(), keep, true).await?;
            return Ok(reading);
        }
        if batch.full() {
            full = Some((std::mem::take(&mut batch), reading.cursor().cloned()));
        }
    }
}

/// Asks for the reading's next page, and by time where the bank refuses an id.
async fn ask(
    run: &Run,
    target: &Target,
    reading: &mut Reading,
    before: Option<Timestamp>,
) -> Result<Page, Failure> {
    loop {
        let since = match reading.ask() {
            Ask::Time(at) => Since::Time(*at),
            Ask::After(id) => Since::Id(id.clone()),
        };
        let by_id = matches!(since, Since::Id(_));
        let asking = run.services.client.transactions(&target.id, since, before, run.lane());
        match run.ask(asking).await {
            Err(Failure::Bank(monzo::Error::Refused { .. })) if by_id && reading.refused() => {}
            Err(Failure::Bank(monzo::Error::TooOld)) => return Err(Failure::TooOld),
            Err(Failure::Bank(monzo::Error::NotApproved)) => return Err(forbidden(run, target).await),
            answer => return answer,
        }
    }
}

/// What it means that the bank forbids to read an account: this one alone, or all of them
/// (monzo/README.md, Refused tokens).
pub async fn forbidden(run: &Run, target: &Target) -> Failure {
    if !target.speaks_for_login() {
        return Failure::Unreadable;
    }
    match run.ask(run.services.client.accounts(run.lane())).await {
        Ok(_) => Failure::Unreadable,
        Err(Failure::Bank(monzo::Error::NotApproved | monzo::Error::TooOld)) => Failure::Lapsed,
        Err(failure) => failure,
    }
}

/// What it means that the bank refuses a window that is young enough: asks once for the last day to tell.
pub async fn lapsed(run: &Run, id: &AccountId) -> Failure {
    let now = run.services.clock.now();
    let day = now.checked_sub(SignedDuration::from_hours(24)).unwrap_or(windows::BEFORE_THE_BANK);
    match run.ask(run.services.client.transactions(id, Since::Time(day), None, run.lane())).await {
        Ok(_) => Failure::TooOld,
        Err(Failure::Bank(monzo::Error::TooOld)) => Failure::Lapsed,
        Err(failure) => failure,
    }
}

async fn keep_batch(
    run: &Run,
    target: &Target,
    batch: Batch,
    cursor: Option<Cursor>,
    keep: Keep,
    end: bool,
) -> Result<(), Failure> {
    if batch.is_empty() && !end {
        return Ok(());
    }
    let Batch { rows, unreadable, .. } = batch;
    let (sync_id, id, now) = (run.id.clone(), target.id.clone(), run.services.clock.now());
    // Before the one writer's turn, so that several readings do it at once.
    let rows = store::blocking(move || Ok::<_, StoreError>(PackedRows::of(rows))).await?;
    let quarantined = unreadable.len();
    let stored = run
        .services
        .store
        .write(move |writer| {
            let stored = writer.store_packed(&sync_id, &id, &rows, &unreadable, now)?;
            if let Keep::Window(window) = keep {
                match cursor {
                    _ if end => writer.complete_window(window)?,
                    Some(cursor) => writer.advance_window(window, &cursor.id, cursor.at)?,
                    None => {}
                }
            }
            Ok(stored)
        })
        .await?;
    let changed = stored.changed + stored.restored;
    run.progress.stored(&target.id, Counts { added: stored.added, changed, withdrawn: 0 });
    if stored.quarantined > 0 {
        let message = if quarantined == 1 {
            format!(
                "a record of {} could not be understood; it is kept and tried again after an upgrade",
                target.name
            )
        } else {
            format!(
                "{quarantined} records of {} could not be understood; they are kept and tried again after an upgrade",
                target.name
            )
        };
        run.happened(Happened::new(Kind::RecordQuarantined, message).account(target.id.as_str())).await;
    }
    for (_, hidden) in stored.discovered {
        // Nobody listens any more when the sync is ending; the account is found again in the store.
        let _ = run.found.send(hidden);
    }
    Ok(())
}
