//! Money out: rules that move money between an account and its pots; planned, explained, bounded, exactly once.
//!
//! [`decide`] is pure: it decides what a rule would move, and whether it may. [`snapshot`] reads what a decision needs.
//! [`run`] carries decisions out, each intent written before it is sent; one run at a time moves money, never while a
//! sync reads. [`query`] answers what others ask of the sorter, and [`study`] learns from the ledger: functions over
//! [`Services`], while [`Sorter`] is who moves money.

pub mod decide;
pub mod query;
pub mod run;
pub mod snapshot;
pub mod study;

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use monzo_common::model::{Freeze, RuleMode, RunState};
use monzo_common::shell;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::config;
use crate::events::{EventLog, Happened};
use crate::host::notify::Heartbeat;
use crate::login::Login;
use crate::metrics::Metrics;
use crate::monzo::Client;
use crate::rule::{self, Rule};
use crate::store::{Store, StoreError, StoredRun};
use crate::sync::{self, Turn};
use decide::decision::{self, Decision, Purpose};
use decide::world::World;
use snapshot::{Moment, Snapshot};

pub use run::error::SorterError;

/// What the configuration says about the sorter.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `[autosort]` with its rules.
    pub sorter: rule::Autosort,
    /// `[[payday]]`, the first being the default.
    pub paydays: Vec<rule::Payday>,
    /// What is left alone.
    pub exclude: config::Exclude,
    /// What the person calls accounts and pots.
    pub names: BTreeMap<String, String>,
    /// Of days and quiet hours.
    pub zone: TimeZone,
}

impl Settings {
    /// A rule by its name, whatever the case.
    pub fn rule(&self, name: &str) -> Option<&Rule> {
        let same = |rule: &&Rule| rule.name.to_lowercase() == name.to_lowercase();
        self.sorter.rules.iter().find(same)
    }

    /// What a configuration says.
    pub fn of(config: &config::Config) -> Self {
        Self {
            sorter: config.autosort.clone(),
            paydays: config.paydays.clone(),
            exclude: config.exclude.clone(),
            names: config.names.clone(),
            zone: config.time.zone.rules().clone(),
        }
    }
}

/// The services that sorting works with.
pub struct Services {
    /// Where all is kept.
    pub store: Store,
    /// The bank.
    pub client: Client,
    /// Whether the bank lets us.
    pub login: Login,
    /// The time.
    pub clock: Clock,
    /// Who hears of events.
    pub event_log: EventLog,
    /// Counts for whoever scrapes.
    pub metrics: Arc<Metrics>,
    /// The configuration, as it changes.
    pub settings: watch::Receiver<Settings>,
    /// Reads what the bank holds.
    pub sync: sync::Handle,
    /// Whose turn it is at the bank.
    pub turn: Turn,
    /// Proof of life for the watchdog.
    pub heartbeat: Heartbeat,
    /// What outlasts its caller.
    pub tracker: TaskTracker,
    /// The daemon stops.
    pub stop: CancellationToken,
}

impl Services {
    fn settings(&self) -> Settings {
        self.settings.borrow().clone()
    }

    /// What is known of the bank now.
    async fn world(&self) -> Result<World, StoreError> {
        let (settings, now) = (self.settings(), self.clock.now());
        self.store.read(move |reader| snapshot::world::read(reader, &settings, now)).await
    }

    /// What a rule would move at an instant, by what is stored; names that mean something for the first time are bound.
    async fn decide(&self, rule: &Rule, at: Timestamp, purpose: &Purpose) -> Result<Decision, StoreError> {
        let (settings, rule) = (self.settings(), rule.clone());
        let moment = Moment { at, ..self.moment() };
        let snapshot =
            self.store.read(move |reader| Snapshot::read(reader, &settings, &rule, moment)).await?;
        let decision = decision::decide(&snapshot, purpose);
        if !decision.bind.is_empty() {
            let (bind, now) = (decision.bind.clone(), self.clock.now());
            self.store.write(move |writer| run::proposal::bind(writer, &bind, now)).await?;
        }
        Ok(decision)
    }

    /// A rule by its name, whatever the case.
    fn rule(&self, name: &str) -> Option<Rule> {
        self.settings.borrow().rule(name).cloned()
    }

    /// A rule by its name, or that there is none.
    fn known(&self, name: &str) -> Result<Rule, SorterError> {
        self.rule(name).ok_or_else(|| SorterError::NoRule(name.to_owned()))
    }

    /// The present.
    fn moment(&self) -> Moment {
        Moment { at: self.clock.now(), skew: self.clock.skew() }
    }

    /// The freezes that hold now.
    async fn freezes(&self) -> Result<Vec<Freeze>, StoreError> {
        let now = self.clock.now();
        self.store.read(move |reader| reader.freezes(now)).await
    }
}

/// The autosorter: what moves money, asked from anywhere and run by one loop.
#[derive(Clone)]
pub struct Sorter(Arc<Inner>);

struct Inner {
    services: Services,
    /// Something changed that the loop should look at.
    nudge: Notify,
    /// One person's approval is looked at after the other.
    approving: tokio::sync::Mutex<()>,
    /// A sync has read everything since this sorter began.
    read: AtomicBool,
    /// The sync that was last looked at.
    looked_at: Mutex<Option<String>>,
    /// When a rule is next due.
    next: Mutex<Option<Timestamp>>,
}

impl std::ops::Deref for Sorter {
    type Target = Services;

    fn deref(&self) -> &Services {
        &self.0.services
    }
}

impl Sorter {
    /// A sorter with these services; [`Self::run`] is its loop.
    pub fn new(services: Services) -> Self {
        Self(Arc::new(Inner {
            services,
            nudge: Notify::new(),
            approving: tokio::sync::Mutex::new(()),
            read: AtomicBool::new(false),
            looked_at: Mutex::new(None),
            next: Mutex::new(None),
        }))
    }

    /// Has the loop look again.
    fn nudge(&self) {
        self.0.nudge.notify_one();
    }

    /// Why nothing of a run may be sent now; nothing if it may.
    async fn held(&self, run: &StoredRun) -> Result<Option<String>, StoreError> {
        let freezes = self.freezes().await?;
        Ok(held(&freezes, &self.settings.borrow(), run))
    }

    /// Holds everything back, for a reason that a person must look at; a second time changes nothing.
    async fn freeze_all(&self, reason: &str) -> Result<(), StoreError> {
        let (kept, now) = (reason.to_owned(), self.clock.now());
        if self.store.write(move |writer| writer.freeze(None, None, &kept, now)).await? {
            let happened = Happened::new(
                crate::events::Kind::SorterFrozen,
                format!("the sorter froze itself: {reason}"),
            );
            self.event_log.record(happened).await;
        }
        Ok(())
    }

    /// Tells the metrics how things stand.
    async fn measure(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let read = self.store.read(move |reader| {
            let frozen = reader.freezes(now)?.iter().any(|freeze| freeze.rule.is_none());
            let runs = reader.unfinished_runs()?;
            let proposed = runs.iter().filter(|run| run.state == RunState::Proposed).count();
            Ok((reader.unsettled_transfers()?, proposed, frozen))
        });
        let (unsettled, proposed, frozen) = read.await?;
        self.metrics.sorter(unsettled, proposed, frozen);
        Ok(())
    }
}

/// Why nothing of a run may be sent: a freeze, or its mode.
fn held(freezes: &[Freeze], settings: &Settings, run: &StoredRun) -> Option<String> {
    if let Some(freeze) = freezes.iter().find(|one| one.rule.as_ref().is_none_or(|rule| *rule == run.rule)) {
        return Some(frozen(freeze));
    }
    let own = settings.sorter.rules.iter().find(|rule| rule.name == run.rule).and_then(|rule| rule.mode);
    let off = settings.sorter.mode == RuleMode::Off || own == Some(RuleMode::Off);
    off.then(|| "`autosort.mode` is off".to_owned())
}

/// That a freeze holds something back, why, and what ends it.
fn frozen(freeze: &Freeze) -> String {
    let reason = &freeze.reason;
    match &freeze.rule {
        None => format!("the sorter is frozen: {reason}; `monzoctl sort thaw` ends it"),
        Some(rule) => {
            format!("the rule {rule} is frozen: {reason}; `monzoctl sort thaw {}` ends it", shell::word(rule))
        }
    }
}

/// An instant as people read it.
fn clock_text(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%-d %b %H:%M").to_string()
}
