//! What makes a rule run (autosort/README.md, When a rule runs).

use jiff::SignedDuration;
use jiff::civil::{Time, Weekday};

use super::{AccountOrPotName, Adjust, Credit, Day};

/// When a rule fires (autosort/README.md, When a rule runs).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trigger {
    /// On a payday.
    Payday {
        /// Which calendar; the first, if nothing.
        payday: Option<String>,
        /// Days after it, or before it.
        offset_days: i32,
        /// Local time.
        at: Option<Time>,
    },
    /// When money comes in.
    Income {
        /// Which credits.
        credit: Credit,
        /// The account's name; the rule's own, if nothing.
        account: Option<String>,
        /// Transfers between own accounts count too.
        own: bool,
        /// `once = "cycle"`: the first of a cycle fires, further ones are only proposed.
        once_a_cycle: bool,
    },
    /// On a day of each month.
    Monthly {
        /// Which.
        day: Day,
        /// Local time.
        at: Option<Time>,
        /// Over weekends and bank holidays.
        adjust: Adjust,
    },
    /// On a day of each week.
    Weekly {
        /// Which.
        weekday: Weekday,
        /// Local time.
        at: Option<Time>,
    },
    /// Each day.
    Daily {
        /// Local time.
        at: Option<Time>,
    },
    /// When a balance passes a level.
    Balance {
        /// Whose.
        of: AccountOrPotName,
        /// Which way.
        level: Level,
        /// After the last run that moved money in or out of it.
        cooldown: SignedDuration,
    },
    /// Only by hand.
    Manual,
}

/// A level and its side, in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Level {
    /// Fires under it.
    Below(i64),
    /// Fires over it.
    Above(i64),
}
