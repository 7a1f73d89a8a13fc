//! Tries quarantined records again when another version of the daemon runs than the one that gave them up.
//!
//! A record that is understood now becomes a row like any other, in the same transaction that releases it.

use jiff::Timestamp;

use crate::monzo::wire;
use crate::store::{Store, StoreError};

/// Where the store keeps which version read last.
const READ_BY: &str = "read_by";

/// Records that are tried in one transaction. Taste.
const AT_ONCE: u32 = 100;

/// Tries again what an earlier version could not understand; answers how many records became rows.
///
/// # Errors
/// What was released stays so, and the next start goes on.
pub async fn retry(store: &Store, version: &str, now: Timestamp) -> Result<u64, StoreError> {
    if store.read(|reader| reader.meta(READ_BY)).await?.as_deref() == Some(version) {
        return Ok(0);
    }
    let (mut after, mut released) = (0, 0);
    loop {
        let records = store.read(move |reader| reader.quarantine_after(after, AT_ONCE)).await?;
        let Some((last, ..)) = records.last() else { break };
        after = *last;
        let tried = store.write(move |writer| {
            let mut released = 0_u64;
            for (id, account, raw) in records {
                if let Ok(row) = wire::row(&account, &raw) {
                    writer.store_rows("upgrade", &account, &[row], &[], now)?;
                    writer.release(id)?;
                    released += 1;
                }
            }
            Ok(released)
        });
        released += tried.await?;
    }
    let version = version.to_owned();
    store.write(move |writer| writer.set_meta(READ_BY, &version)).await?;
    Ok(released)
}
