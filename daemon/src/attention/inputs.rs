//! The values that decide what needs a person.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use monzo_common::id::AccountId;
use monzo_common::model::{AccountStatus, Login, RunState, SorterStatus, SyncStatus};

use crate::autosort::query::rule_issues::RuleIssues;
use crate::login::Trouble;
use crate::store::{Health, LeftOut};

/// The state of everything at one instant.
#[derive(Debug, Clone)]
pub struct Inputs {
    /// The present.
    pub now: Timestamp,
    /// The zone in which the person reads times.
    pub zone: TimeZone,
    /// The login.
    pub login: Login,
    /// An OAuth client is known.
    pub configured: bool,
    /// The bank refuses the OAuth client.
    pub client_refused: bool,
    /// The newest tokens are only in memory.
    pub unsaved_login: bool,
    /// The login cannot be refreshed, for a reason that says nothing about the login itself.
    pub refresh_trouble: Option<Trouble>,
    /// The bank asked not to be called until then.
    pub left_alone_until: Option<Timestamp>,
    /// The syncs: the last ones, and the next.
    pub sync: SyncStatus,
    /// A person should know that no sync has read everything for too long; not so while a first sync runs or is about
    /// to begin.
    pub sync_overdue: bool,
    /// The accounts.
    pub accounts: Vec<AccountStatus>,
    /// Parts of accounts' histories that the bank did not serve.
    pub missing_histories: Vec<MissingHistory>,
    /// Accounts that the bank lists and that are not synced.
    pub left_out: Vec<LeftOut>,
    /// Differences that two syncs in a row have shown.
    pub differences: Vec<Difference>,
    /// Records that could not be understood.
    pub quarantined: u64,
    /// The health of the database.
    pub store: Health,
    /// How far this machine's clock is ahead of the bank's, where that is too far.
    pub skew: Option<SignedDuration>,
    /// What went wrong outside the services.
    pub troubles: Troubles,
    /// The sorter.
    pub sorter: SorterStatus,
    /// Runs that wait, or ended badly and are not dealt with.
    pub runs: Vec<OpenRun>,
    /// Why the sorter, or a rule, is frozen: the rule, and the reason.
    pub frozen: Vec<(Option<String>, String)>,
    /// What is wrong with rules, and what they ask of the person.
    pub rule_issues: RuleIssues,
}

/// What went wrong outside the services and lasts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Troubles {
    /// The configuration on disk was refused.
    pub config: Option<String>,
    /// The metrics are not served.
    pub metrics: Option<String>,
    /// The last scheduled backup failed.
    pub backup: Option<String>,
    /// The database was not closed properly and is being checked.
    pub checking: bool,
}

/// A part of an account's history that the bank did not serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingHistory {
    /// The account.
    pub account_id: AccountId,
    /// What it is called.
    pub name: String,
    /// The part ends here.
    pub before: Timestamp,
}

/// A difference between a balance and the transactions, which a person has been told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The account.
    pub account_id: AccountId,
    /// Minor units.
    pub amount: i64,
    /// What the records in quarantine have to do with it: a clause, or nothing.
    pub because: String,
    /// They are worth just that.
    pub explained: bool,
}

/// A run that waits, or that ended badly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenRun {
    /// Its id.
    pub id: String,
    /// The rule, or what is made by hand.
    pub rule: String,
    /// Where it stands.
    pub state: RunState,
    /// Why.
    pub reason: Option<String>,
}
