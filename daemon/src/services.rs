//! The services over one database, and whether there are any now.

use crate::attention::Observer;
use crate::autosort::Sorter;
use crate::events::EventLog;
use crate::login::Login;
use crate::notify::Notifier;
use crate::store::Store;
use crate::sync;

/// The services of a daemon whose database can be used.
#[derive(Clone)]
pub struct Services {
    /// The database.
    pub store: Store,
    /// The login.
    pub login: Login,
    /// The sync loop.
    pub sync: sync::Handle,
    /// The event log.
    pub event_log: EventLog,
    /// What moves money.
    pub sorter: Sorter,
    /// Observes what needs a person.
    pub attention: Observer,
    /// Sends notifications to the person.
    pub notifier: Notifier,
}

/// What is served now.
#[derive(Clone)]
pub enum Served {
    /// Everything.
    Normal(Services),
    /// Only what repairs the database.
    Rescue(Rescue),
    /// Nothing for a moment: the database is being exchanged.
    Between,
}

/// Why the database cannot be used, and what mends that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rescue {
    /// Why, in a sentence.
    pub reason: String,
    /// The next step.
    pub hint: String,
}
