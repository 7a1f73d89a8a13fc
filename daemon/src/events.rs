//! Events: the one vocabulary for what happens, kept in the database, written to the log and sent to whoever listens.
//!
//! An event is stored before anybody hears of it, so that its id is real and a listener that comes later can catch up.

use jiff::Timestamp;
use monzo_common::model::{Event, Severity};
use tokio::sync::broadcast;

use crate::clock::Clock;
use crate::store::Store;

macro_rules! kinds {
    ($(#[doc = $doc:literal] $name:ident = $text:literal, $severity:ident;)*) => {
        /// What can happen.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Kind {
            $(#[doc = $doc] $name,)*
        }

        impl Kind {
            /// The stable word for it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// What it means, in one sentence that names nobody.
            pub fn meaning(self) -> &'static str {
                let doc = match self { $(Self::$name => $doc,)* };
                doc.trim().trim_end_matches('.')
            }

            /// How much it matters.
            pub const fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity,)* }
            }
        }
    };
}

kinds! {
    /// Signed in at the bank; approval in the app is still to come.
    LoggedIn = "logged_in", Note;
    /// Approved in the app.
    LoginApproved = "login_approved", Note;
    /// Logged out on request.
    LoggedOut = "logged_out", Note;
    /// The bank no longer takes the tokens.
    LoginLost = "login_lost", Problem;
    /// Somebody else tried to log in to this person's database.
    LoginRefused = "login_refused", Problem;
    /// The bank's permission has ended.
    ConsentLapsed = "consent_lapsed", Problem;
    /// The 90 days end soon.
    AccessEnding = "access_ending", Note;
    /// Permissions were refreshed in the app.
    AccessRenewed = "access_renewed", Note;
    /// The whole history is stored.
    HistoryCaptured = "history_captured", Note;
    /// A part of the history could not be read before the five minutes were over.
    HistoryRefused = "history_refused", Note;
    /// A sync failed where the one before did not.
    SyncFailed = "sync_failed", Problem;
    /// Syncs work again.
    SyncRecovered = "sync_recovered", Note;
    /// A clock that had been wrong was set back: what it had noted for the future counts as unknown.
    ClockSetBack = "clock_set_back", Note;
    /// The bank lets this one account not be read.
    AccountUnreadable = "account_unreadable", Note;
    /// The hidden account behind a pot was found.
    PotDiscovered = "pot_discovered", Note;
    /// The bank no longer lists a row that had been settled.
    TransactionMissing = "transaction_missing", Problem;
    /// A reading would have withdrawn so many rows that none was.
    WithdrawalsHeld = "withdrawals_held", Problem;
    /// A record could not be understood.
    RecordQuarantined = "record_quarantined", Note;
    /// The bank's balance and the rows differ.
    DifferenceFound = "difference_found", Problem;
    /// They agree again.
    DifferenceGone = "difference_gone", Note;
    /// The stored sum of an account's rows was not what they add up to.
    SumCorrected = "sum_corrected", Problem;
    /// A configuration was refused.
    ConfigRejected = "config_rejected", Problem;
    /// A configuration was applied.
    ConfigApplied = "config_applied", Note;
    /// The database was put back from a backup.
    Restored = "restored", Note;
    /// The database is damaged.
    StoreDamaged = "store_damaged", Problem;
    /// A role was given or taken.
    AccessChanged = "access_changed", Note;
    /// A run waits for a person's approval.
    RunProposed = "run_proposed", Note;
    /// A guard holds a run back.
    RunWithheld = "run_withheld", Note;
    /// A run was let go.
    RunApproved = "run_approved", Note;
    /// A run began to send.
    RunStarted = "run_started", Note;
    /// A run waits for something.
    RunWaiting = "run_waiting", Note;
    /// Every transfer of a run was confirmed.
    RunDone = "run_done", Note;
    /// Some transfers of a run were confirmed.
    RunPartial = "run_partial", Problem;
    /// No transfer of a run was confirmed.
    RunFailed = "run_failed", Problem;
    /// A proposal was not approved in time, or overtaken.
    RunExpired = "run_expired", Note;
    /// A person said no to a run.
    RunRejected = "run_rejected", Note;
    /// A person ended a run.
    RunCancelled = "run_cancelled", Note;
    /// A run was found at the bank that is not in this database.
    RunAdopted = "run_adopted", Note;
    /// A transfer is about to be sent.
    TransferRequested = "transfer_requested", Note;
    /// The bank did a transfer.
    TransferConfirmed = "transfer_confirmed", Note;
    /// The bank did not do a transfer.
    TransferFailed = "transfer_failed", Problem;
    /// A transfer was not sent, and will not be.
    TransferCancelled = "transfer_cancelled", Note;
    /// Whether the bank did a transfer is not known yet.
    TransferDoubtful = "transfer_doubtful", Note;
    /// The autosorter, or a rule, is held back.
    SorterFrozen = "sorter_frozen", Problem;
    /// The autosorter, or a rule, goes on.
    SorterThawed = "sorter_thawed", Note;
    /// A pot refuses to be moved by anything but the app.
    PotNeedsApp = "pot_needs_app", Problem;
    /// A person lets a pot be tried again that refused to be moved.
    PotThawed = "pot_thawed", Note;
    /// The bank's list no longer holds a pot.
    PotUnlisted = "pot_unlisted", Note;
    /// The bank's list holds a pot again.
    PotListed = "pot_listed", Note;
    /// A pot or account that a rule names was renamed in the app.
    NameChanged = "name_changed", Note;
    /// An expected income has not come.
    IncomeLate = "income_late", Problem;
    /// A payment that a run asked for was seen.
    AskPaid = "ask_paid", Note;
}

/// Something that happened, before it has an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Happened {
    /// What.
    pub kind: Kind,
    /// One sentence for a person.
    pub message: String,
    /// The account concerned.
    pub account_id: Option<String>,
    /// The pot concerned.
    pub pot_id: Option<String>,
    /// The transaction concerned.
    pub transaction_id: Option<String>,
    /// The sync concerned.
    pub sync_id: Option<String>,
    /// The rule concerned.
    pub rule: Option<String>,
    /// The run concerned.
    pub run_id: Option<String>,
}

impl Happened {
    /// Something that concerns nothing in particular.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            account_id: None,
            pot_id: None,
            transaction_id: None,
            sync_id: None,
            rule: None,
            run_id: None,
        }
    }

    /// The same, about an account.
    #[must_use]
    pub fn account(mut self, id: impl Into<String>) -> Self {
        self.account_id = Some(id.into());
        self
    }

    /// The same, about a pot.
    #[must_use]
    pub fn pot(mut self, id: impl Into<String>) -> Self {
        self.pot_id = Some(id.into());
        self
    }

    /// The same, about a transaction.
    #[must_use]
    pub fn transaction(mut self, id: impl Into<String>) -> Self {
        self.transaction_id = Some(id.into());
        self
    }

    /// The same, found by a sync.
    #[must_use]
    pub fn sync(mut self, id: impl Into<String>) -> Self {
        self.sync_id = Some(id.into());
        self
    }

    /// The same, about a run of a rule.
    #[must_use]
    pub fn run(mut self, rule: impl Into<String>, id: impl Into<String>) -> Self {
        self.rule = Some(rule.into());
        self.run_id = Some(id.into());
        self
    }

    /// The same, about a rule.
    #[must_use]
    pub fn rule(mut self, name: impl Into<String>) -> Self {
        self.rule = Some(name.into());
        self
    }

    /// The event as it is told, once it has an id.
    pub fn stored(self, id: i64, at: Timestamp) -> Event {
        Event {
            id,
            at,
            kind: self.kind.as_str().to_owned(),
            severity: self.kind.severity(),
            message: self.message,
            account_id: self.account_id,
            pot_id: self.pot_id,
            transaction_id: self.transaction_id,
            sync_id: self.sync_id,
            rule: self.rule,
            run_id: self.run_id,
        }
    }
}

/// Keeps events and tells of them.
#[derive(Clone)]
pub struct EventLog {
    store: Store,
    clock: Clock,
    tell: broadcast::Sender<Event>,
}

impl EventLog {
    /// An event log over `store` that tells whoever listens to `tell`.
    pub fn new(store: Store, clock: Clock, tell: broadcast::Sender<Event>) -> Self {
        Self { store, clock, tell }
    }

    /// Keeps an event and tells whoever listens; one that cannot be kept is told in the log alone.
    pub async fn record(&self, happened: Happened) {
        let at = self.clock.now();
        let (kind, meaning) = (happened.kind.as_str(), happened.kind.meaning());
        // The message may hold names and amounts, which the log does not.
        match happened.kind.severity() {
            Severity::Problem => {
                tracing::warn!(
                    monzod_event = kind,
                    monzod_sync_id = happened.sync_id,
                    monzod_rule = happened.rule,
                    monzod_run_id = happened.run_id,
                    "{meaning}"
                );
            }
            Severity::Note => {
                tracing::info!(
                    monzod_event = kind,
                    monzod_sync_id = happened.sync_id,
                    monzod_rule = happened.rule,
                    monzod_run_id = happened.run_id,
                    "{meaning}"
                );
            }
        }
        let kept = happened.clone();
        match self.store.write(move |writer| writer.append_event(&kept, at)).await {
            // That nobody listens is no failure.
            Ok(id) => drop(self.tell.send(happened.stored(id, at))),
            Err(error) => tracing::warn!(%error, monzod_event = kind, "an event could not be kept"),
        }
    }
}
