//! The ledger as evidence, after each sync: transfers meet their rows, and a row of ours that nobody here made means
//! that another installation, or an older database, is at work (autosort/README.md, Exactly once).

use crate::autosort::Sorter;
use crate::autosort::run::settle::agrees;
use crate::events::{Happened, Kind};
use crate::store::{StoreError, StoredTransfer};

impl Sorter {
    /// Notes the rows of confirmed transfers; one that does not agree freezes the sorter.
    pub(crate) async fn reconcile(&self) -> Result<(), StoreError> {
        let open = self.store.read(|reader| {
            let with_row = |one: StoredTransfer| {
                let key = one.transfer.dedupe_id.clone();
                let mut rows = reader.ledger_moves(Some(&key))?.into_iter();
                Ok(rows.find(|row| row.dedupe_id == key).map(|row| (one, row)))
            };
            let open = reader.unreconciled_transfers()?.into_iter();
            open.filter_map(|one| with_row(one).transpose()).collect::<Result<Vec<_>, StoreError>>()
        });
        let now = self.clock.now();
        for (one, row) in &open.await? {
            let key = &one.transfer.dedupe_id;
            if agrees(one, row.pot_id.as_ref().map(|pot| pot.as_str()), row.amount) {
                let (key, row) = (key.clone(), row.transaction_id.clone());
                self.store.write(move |writer| writer.transfer_reconciled(&key, &row, now)).await?;
            } else {
                self.freeze_all("a row of the bank's list does not agree with the transfer that has its key")
                    .await?;
            }
        }
        Ok(())
    }

    /// Looks for rows of ours that nobody here made; each is told once, and freezes the sorter.
    pub(crate) async fn look_for_strangers(&self) -> Result<(), StoreError> {
        let foreign = self.store.read(|reader| reader.foreign_moves()).await?;
        if foreign.is_empty() {
            return Ok(());
        }
        let (now, count) = (self.clock.now(), foreign.len());
        let reason = if count == 1 {
            "the bank's list holds a transfer of a monzod that is not in this database".to_owned()
        } else {
            format!("the bank's list holds {count} transfers of a monzod that are not in this database")
        };
        let kept = reason.clone();
        let frozen = self.store.write(move |writer| {
            for found in &foreign {
                writer.note_foreign(found, now)?;
            }
            writer.freeze(None, None, &kept, now)
        });
        if frozen.await? {
            let message = format!(
                "{reason}: another installation, or an older copy of the database, may be at work; the sorter froze itself"
            );
            self.event_log.record(Happened::new(Kind::SorterFrozen, message)).await;
        }
        Ok(())
    }
}
