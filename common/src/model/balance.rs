//! Balances at an instant.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{AccountId, PotId};
use crate::money::Currency;

/// What an account or a pot held at an instant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Balance {
    /// The account; for a pot, the one that owns it.
    pub account_id: AccountId,
    /// The pot, where this is a pot's balance.
    pub pot_id: Option<PotId>,
    /// Name of the account or pot.
    pub name: String,
    /// Minor units; nothing where it is not known what was held at that instant.
    pub balance: Option<i64>,
    /// An account's balance and all its pots, in minor units.
    pub total_balance: Option<i64>,
    /// What the bank itself calls spent today, in minor units; zero or negative. It starts again in the night, and
    /// money in does not lessen it.
    pub spend_today: Option<i64>,
    /// Currency of the amounts.
    pub currency: Currency,
    /// The instant of which the balance is known.
    pub at: Timestamp,
    /// The first instant of which it is known; only where an instant was asked for.
    #[serde(default)]
    pub known_from: Option<Timestamp>,
}

/// One point of a balance's history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BalancePoint {
    /// The account; for a pot, the one that owns it.
    pub account_id: AccountId,
    /// The pot, where this is a pot's balance.
    pub pot_id: Option<PotId>,
    /// When the bank said so.
    pub at: Timestamp,
    /// Minor units.
    pub balance: i64,
    /// Currency of `balance`.
    pub currency: Currency,
}
