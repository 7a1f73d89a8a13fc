//! Accounts: the person's own, and the hidden ones behind pots.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{AccountId, PotId};
use crate::money::Currency;

/// An account, with its newest known balance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Account {
    /// The bank's id.
    pub id: AccountId,
    /// What the person calls it: `[names]`, else made from type and owners.
    pub name: String,
    /// The bank's open set of kinds (`uk_retail`, …); `pot` for hidden accounts.
    #[serde(rename = "type")]
    pub kind: String,
    /// Currency of the balances.
    pub currency: Currency,
    /// Closed accounts stay listed.
    pub closed: bool,
    /// Outside analytics and the autosorter's reach.
    pub excluded: bool,
    /// Available now, in minor units; pending payments counted.
    pub balance: Option<i64>,
    /// `balance` and all pots, in minor units.
    pub total_balance: Option<i64>,
    /// The pot that this hidden account backs.
    pub pot_id: Option<PotId>,
    /// The bank lists it, and `monzo.accounts` does not have it synced.
    #[serde(default)]
    pub left_out: bool,
}
