//! The simulated bank's books, read like the bank's answers and kept in a database.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use monzo_common::id::AccountId;
use monzo_common::money::Currency;
use monzo_sandbox::bank::{Bank, Settings};
use monzo_sandbox::control::{Ledger, LedgerAccount};
use monzod::facts;
use monzod::insight::payday::Credit;
use monzod::insight::recurring::Row;
use monzod::insight::{history, payday};
use monzod::monzo::{series, wire};
use monzod::store::{Options, Store};
use tempfile::TempDir;

/// A database with three years of the simulated life.
pub struct Books {
    store: Store,
    /// The bank's own view.
    pub ledger: Ledger,
    pub now: Timestamp,
    _home: TempDir,
}

pub fn zone() -> TimeZone {
    TimeZone::get("Europe/London").expect("a zone")
}

impl Books {
    pub async fn new(seed: u64) -> Self {
        let now: Timestamp = "2026-11-24T13:00:00Z".parse().expect("an instant");
        let ledger = Bank::new(Settings { seed, ..Settings::new(now) }).ledger(None);
        let home = TempDir::new().expect("a directory");
        let options =
            Options { backups: home.path().join("backups"), now, traces: None, observe: Box::new(|_, _| {}) };
        let store = Store::open(&home.path().join("monzod.db"), options).expect("a database").store;
        let books = Self { store, ledger, now, _home: home };
        let (hidden, listed): (Vec<_>, Vec<_>) = books
            .ledger
            .accounts
            .iter()
            .filter(|account| account.readable)
            .partition(|account| account.pot_id.is_some());
        let accounts: Vec<facts::Account> = listed.iter().map(|account| fact(account)).collect();
        books.store.write(move |writer| writer.upsert_accounts(&accounts, now)).await.expect("accounts");
        // Hidden accounts are known once a listed row has named them.
        for account in listed.into_iter().chain(hidden) {
            books.keep(account).await;
        }
        books
    }

    async fn keep(&self, account: &LedgerAccount) {
        let id = AccountId::from(account.id.clone());
        let row = |raw: &serde_json::Value| wire::row(&id, &raw.to_string()).expect("a readable row");
        let rows: Vec<facts::Row> = account.transactions.iter().map(row).collect();
        if account.pot_id.is_some() && rows.is_empty() {
            return;
        }
        let now = self.now;
        let (id, rows) = (id.clone(), rows);
        let kept = self.store.write(move |writer| writer.store_rows("sync", &id, &rows, &[], now)).await;
        kept.expect("kept rows");
    }

    /// What could recur, up to now.
    pub async fn payments(&self) -> Vec<Row> {
        let now = self.now;
        let read = self
            .store
            .read(move |reader| history::payments(reader, (Timestamp::UNIX_EPOCH, now), &zone(), series));
        read.await.expect("payments")
    }

    /// What came in, up to now.
    pub async fn credits(&self) -> Vec<Credit> {
        let (now, payments) = (self.now, self.payments().await);
        let read = self.store.read(move |reader| {
            history::credits(reader, (Timestamp::UNIX_EPOCH, now), &zone(), &payments, |_| false)
        });
        read.await.expect("credits")
    }

    /// What goes into pots, up to now.
    pub async fn deposits(&self) -> Vec<Row> {
        let now = self.now;
        let read =
            self.store.read(move |reader| history::deposits(reader, (Timestamp::UNIX_EPOCH, now), &zone()));
        read.await.expect("deposits")
    }

    /// The id of a pot by its name.
    pub fn pot(&self, name: &str) -> String {
        let found = self.ledger.pots.iter().find(|pot| pot["name"] == name).expect("a pot");
        found["id"].as_str().expect("an id").to_owned()
    }
}

fn fact(account: &LedgerAccount) -> facts::Account {
    facts::Account {
        id: AccountId::from(account.id.clone()),
        kind: account.kind.to_owned(),
        owners: account.owners.clone(),
        currency: Currency::GBP,
        closed: account.closed,
        created_at: None,
        raw: "{}".into(),
    }
}

/// Pay as it is found at the end of the books.
pub fn pay(credits: &[Credit], asof: jiff::civil::Date) -> Vec<payday::Pay> {
    payday::found(credits, asof, &monzo_sandbox::bank::clock::is_working)
}
