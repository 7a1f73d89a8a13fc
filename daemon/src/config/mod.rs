//! The configuration: where its files are, what they may say, and what is wrong with them.
//!
//! Every key has a default and an empty file works. One table, in `keys`, reads, bounds, prints and explains every
//! key. Secrets are no configuration: they come from `host::credentials`.

mod address;
mod check;
mod error;
mod keys;
mod load;
mod model;
mod sorter;
mod value;
mod word;

pub use address::{BankUrl, ClientId, Principal, RedirectUrl};
pub(crate) use error::nearest;
pub use error::{ConfigError, Excerpt, FilePosition, Problem};
pub use keys::{default_toml, diff, in_force, print, show};
pub use load::{Loaded, Locations, check_text};
pub use model::{Access, Backup, Config, Exclude, Log, Metrics, Monzo, Notify, Rpc, Store, Sync, Time};
pub use sorter::{Note, notes};
pub use value::{ByteSize, TimeSpan, Zone};
pub use word::{AccountKind, ClockSource, LogFormat, LogLevel, Sweep, SyncedAccount, Topic};
