//! The store on real files: every test has a database of its own in a directory of its own.

mod backups;
mod opening;
mod out;
mod rows;
mod sorter;
mod sums;

use jiff::{SignedDuration, Timestamp};
use monzo_common::id::AccountId;
use monzo_common::money::Currency;
use tempfile::TempDir;

use super::{OpenError, Opened, Options, Store};
use crate::facts;
pub(super) use crate::sync::tests::row;

/// A database in a directory that goes when this does.
pub(super) struct Rig {
    pub directory: TempDir,
    pub store: Store,
}

impl Rig {
    pub async fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let store = open(&directory).expect("it opens").store;
        let rig = Self { directory, store };
        rig.accounts(&["acc_1", "acc_2"]).await;
        rig
    }

    pub async fn accounts(&self, ids: &[&str]) {
        let accounts: Vec<_> = ids.iter().map(|id| account(id)).collect();
        self.store.write(move |writer| writer.upsert_accounts(&accounts, at(0))).await.expect("accounts");
    }

    /// Keeps rows of `acc_1`, as a sync with this id.
    pub async fn keep(&self, sync: &'static str, rows: Vec<facts::Row>) -> super::Stored {
        let kept = move |writer: &super::Writer<'_>| {
            writer.store_rows(sync, &"acc_1".into(), &rows, &[], at(1_000_000))
        };
        self.store.write(kept).await.expect("rows")
    }
}

pub(super) fn options(directory: &TempDir) -> Options {
    Options {
        backups: directory.path().join("backups"),
        now: at(0),
        traces: None,
        observe: Box::new(|_, _| {}),
    }
}

pub(super) fn open(directory: &TempDir) -> Result<Opened, OpenError> {
    Store::open(&directory.path().join("monzod.db"), options(directory))
}

pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::constant(1_750_000_000, 0).checked_add(SignedDuration::from_secs(seconds)).expect("in range")
}

pub(super) fn account(id: &str) -> facts::Account {
    facts::Account {
        id: AccountId::from(id),
        kind: "uk_retail".into(),
        owners: vec!["Ada".into()],
        currency: Currency::GBP,
        closed: false,
        created_at: Some(at(-1000)),
        raw: "{}".into(),
    }
}
