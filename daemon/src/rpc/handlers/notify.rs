//! `notify.*`: whether the person can be told.

use monzo_common::fault::{Fault, FaultKind};
use monzo_common::model::Delivery;

use super::desk::Desk;

pub(super) async fn test(desk: &Desk) -> Result<Vec<Delivery>, Fault> {
    let deliveries = desk.rooms()?.notifier.test().await?;
    if deliveries.is_empty() {
        return Err(Fault::new(
            FaultKind::Conflict,
            "there is no channel to send a test through",
            "set `feed = true` under [notify], then `monzoctl config reload`; before the first login there is no feed",
        ));
    }
    Ok(deliveries)
}
