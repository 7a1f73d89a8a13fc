//! Entries and the figures of them, against a second reading that is written out here in a few lines.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use monzo_common::id::AccountId;
use monzo_common::model::{FigureGroup, Figures, FiguresQuery};
use monzo_common::money::Currency;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::facts;
use crate::insight::calendar::Calendar;
use crate::insight::figures::{Side, figures};
use crate::insight::scope::{self, Scope, ScopedAccount};
use crate::monzo::wire;
use crate::store::{EntryFilter, Grouping, MOST, Reader, WHOLE};

/// A row of the bank as the test makes it, and what a person would call it.
#[derive(Debug, Clone)]
struct Made {
    account: &'static str,
    number: u32,
    hours: i64,
    amount: i64,
    what: What,
    declined: bool,
    pending: bool,
    category: &'static str,
    /// How much of it is of the category `holidays`, in percent.
    split: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Card,
    DirectDebit,
    Salary,
    /// From or to a named person.
    Person,
    /// From or to somebody whom the bank does not name.
    Unnamed,
    /// The other side is an account of the person.
    Own,
    Pot,
}

const ACCOUNTS: [&str; 3] = ["acc_1", "acc_2", "acc_3"];
const WHATS: [What; 7] =
    [What::Card, What::DirectDebit, What::Salary, What::Person, What::Unnamed, What::Own, What::Pot];

fn hour(hours: i64) -> Timestamp {
    Timestamp::constant(1_750_000_000, 0) + SignedDuration::from_hours(hours)
}

impl Made {
    fn row(&self) -> Row {
        let (scheme, counterparty, metadata) = match self.what {
            What::Card => ("mastercard", json!({}), json!({})),
            What::DirectDebit => ("bacs", json!({"name": "Aire Water"}), json!({"mandate_id": "m_1"})),
            What::Salary => ("bacs", json!({"name": "Northern Works"}), json!({})),
            What::Person => (
                "payport_faster_payments",
                json!({"name": "Bo", "sort_code": "200000", "account_number": "11112222"}),
                json!({}),
            ),
            What::Unnamed => ("payport_faster_payments", json!({}), json!({})),
            What::Own => ("p2p_payment", json!({"account_id": "acc_2"}), json!({})),
            What::Pot => ("uk_retail_pot", json!({}), json!({"pot_id": "pot_1"})),
        };
        let part = self.amount * self.split / 100;
        let categories = if self.split == 0 { Value::Null } else { json!({"holidays": part}) };
        let settled = if self.pending { String::new() } else { hour(self.hours).to_string() };
        let mut raw = json!({
            "id": format!("tx_{}", self.number), "created": hour(self.hours).to_string(), "settled": settled,
            "amount": self.amount, "currency": "GBP", "description": "A ROW", "notes": "",
            "category": self.category, "categories": categories, "scheme": scheme,
            "counterparty": counterparty, "metadata": metadata,
        });
        if self.declined {
            raw["decline_reason"] = json!("INSUFFICIENT_FUNDS");
        }
        wire::row(&AccountId::from(self.account), &raw.to_string()).expect("it is readable")
    }

    fn counts(&self) -> bool {
        !self.declined && self.amount != 0
    }
}

fn made() -> impl Strategy<Value = Vec<Made>> {
    let one = (
        prop::sample::select(ACCOUNTS.to_vec()),
        0..400_i64,
        prop::sample::select(vec![-700_i64, -500, -33, 0, 33, 500, 500, 700, -500]),
        prop::sample::select(WHATS.to_vec()),
        prop::bool::weighted(0.1),
        prop::bool::weighted(0.2),
        prop::sample::select(vec!["general", "groceries", "eating_out"]),
        prop::sample::select(vec![0_i64, 0, 30, 100]),
    );
    prop::collection::vec(one, 0..24).prop_map(|all| {
        let made = |(number, (account, hours, amount, what, declined, pending, category, split))| Made {
            account,
            number,
            hours,
            amount,
            what,
            declined,
            pending,
            category,
            split,
        };
        (0..).zip(all).map(made).collect()
    })
}

/// The numbers of the rows that are transfers between two accounts although neither says so: the nearest pair of equal and
/// opposite rows first, until there is none.
fn halves(rows: &[Made]) -> Vec<u32> {
    let mut left: Vec<&Made> = rows
        .iter()
        .filter(|row| row.counts() && matches!(row.what, What::Unnamed | What::Own | What::Person))
        .collect();
    let mut found = Vec::new();
    loop {
        let mut nearest: Option<(i64, i64, String, String, u32, u32)> = None;
        for out in left.iter().filter(|row| row.amount < 0) {
            for into in left.iter().filter(|row| row.amount == -out.amount && row.account != out.account) {
                let apart = (into.hours - out.hours).abs();
                let id = |row: &Made| format!("tx_{}", row.number);
                let this = (apart, out.hours, id(out), id(into), out.number, into.number);
                if apart <= 48 && nearest.as_ref().is_none_or(|known| this < *known) {
                    nearest = Some(this);
                }
            }
        }
        let Some((.., out, into)) = nearest else { return found };
        left.retain(|row| row.number != out && row.number != into);
        found.extend([out, into]);
    }
}

/// What was spent and what came in, in total and of one category, by a reading of its own.
fn by_hand(rows: &[Made], since: i64, until: i64, category: &str) -> (i64, i64, i64) {
    let paired = halves(rows);
    let (mut spent, mut came, mut of_category) = (0, 0, 0);
    for row in rows.iter().filter(|row| row.counts() && row.hours >= since && row.hours < until) {
        if paired.contains(&row.number) || matches!(row.what, What::Own | What::Pot) {
            continue;
        }
        let repaid = matches!(row.what, What::Person | What::Unnamed) && row.category != "general";
        if row.amount < 0 || matches!(row.what, What::Card | What::DirectDebit) || repaid {
            spent -= row.amount;
            let part = row.amount * row.split / 100;
            of_category -= match (category == "holidays", category == row.category) {
                (true, _) => part,
                (_, true) => row.amount - part,
                _ => 0,
            };
        } else {
            came += row.amount;
        }
    }
    (spent, came, of_category)
}

/// A database of its own, with three accounts of the person.
async fn store() -> (Store, TempDir) {
    let directory = tempfile::tempdir().expect("a directory");
    let options = Options {
        backups: directory.path().into(),
        now: hour(0),
        traces: None,
        observe: Box::new(|_, _| {}),
    };
    let store = Store::open(&directory.path().join("monzod.db"), options).expect("it opens").store;
    let accounts = ACCOUNTS.map(|id| facts::Account {
        id: id.into(),
        kind: "uk_retail".into(),
        owners: Vec::new(),
        currency: Currency::GBP,
        closed: false,
        created_at: None,
        raw: "{}".into(),
    });
    store.write(move |writer| writer.upsert_accounts(&accounts, hour(0))).await.expect("accounts");
    (store, directory)
}

async fn keep(store: &Store, rows: &[Made]) {
    for account in ACCOUNTS {
        let rows: Vec<_> = rows.iter().filter(|row| row.account == account).map(Made::row).collect();
        store
            .write(move |writer| writer.store_rows("sync", &account.into(), &rows, &[], hour(0)))
            .await
            .expect("rows");
    }
}

fn all_accounts() -> Scope {
    let account = |id: &str| ScopedAccount {
        id: id.into(),
        name: id.to_owned(),
        pot: None,
        excluded: false,
        share: WHOLE,
        currency: Currency::GBP,
        created_at: None,
    };
    Scope { accounts: ACCOUNTS.map(account).into(), ..Scope::default() }
}

async fn figure(store: &Store, side: Side, since: i64, until: i64) -> Figures {
    let query = FiguresQuery {
        since: hour(since),
        until: hour(until),
        by: Some(FigureGroup::Category),
        per: None,
        tree: false,
        compare: None,
        accounts: Vec::new(),
        pot: None,
        category: None,
        merchant: None,
        zero: false,
    };
    let calendar = Calendar { zone: TimeZone::UTC, paydays: Vec::new() };
    let ask =
        move |reader: &Reader<'_>| figures(reader, side, &query, &all_accounts(), &calendar, hour(10_000));
    store.read(ask).await.expect("a figure")
}

/// What the entries of an account add up to, transfers and all.
async fn of_all(store: &Store, account: &'static str, since: i64, until: i64) -> i64 {
    let filter = scope::whole(hour(since), hour(until));
    let ask = move |reader: &Reader<'_>| reader.entry_sums(&account.into(), Grouping::All, &filter);
    store.read(ask).await.expect("sums").iter().map(|sum| sum.amount).sum()
}

fn run<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(test)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn figures_are_what_a_second_reading_finds_and_every_penny_is_in_one_entry(
        rows in made(), (since, days) in (0..300_i64, 1..300_i64), pieces in 1..4_usize,
    ) {
        let until = since + days;
        run(async {
            let (store, _directory) = store().await;
            // As they come: piece by piece, with entries made in between.
            let size = rows.len().div_ceil(pieces).max(1);
            for piece in rows.chunks(size) {
                keep(&store, piece).await;
                super::super::entries::bring_up_to_date(&store).await.expect("entries");
            }
            let spending = figure(&store, Side::Spending, since, until).await;
            let income = figure(&store, Side::Income, since, until).await;
            for category in ["general", "groceries", "eating_out", "holidays"] {
                let (spent, came, of_category) = by_hand(&rows, since, until, category);
                assert_eq!((spending.total, income.total), (spent, came), "{rows:#?}");
                let row = spending.rows.iter().find(|row| row.key == category);
                assert_eq!(row.map_or(0, |row| row.amount), of_category, "{category}: {rows:#?}");
            }
            assert_eq!(spending.rows.iter().map(|row| row.amount).sum::<i64>(), spending.total);
            for account in ACCOUNTS {
                let counted: i64 = rows.iter()
                    .filter(|row| row.account == account && row.counts() && row.hours >= since && row.hours < until)
                    .map(|row| row.amount).sum();
                assert_eq!(of_all(&store, account, since, until).await, counted, "{account}: {rows:#?}");
            }
        });
    }

    #[test]
    fn entries_that_were_made_as_rows_came_and_changed_are_those_of_the_rows_as_they_are(
        first in made(), later in made(),
    ) {
        run(async {
            let (store, _directory) = store().await;
            keep(&store, &first).await;
            super::super::entries::bring_up_to_date(&store).await.expect("entries");
            // The same ids with other amounts, times and kinds, and some that are gone.
            keep(&store, &later).await;
            let gone: Vec<_> = (0..24).step_by(5).map(|number| format!("tx_{number}").as_str().into()).collect();
            let withdraw = gone.clone();
            store.write(move |writer| writer.withdraw("sync", &"acc_1".into(), &withdraw, hour(500))).await.expect("gone");
            super::super::entries::bring_up_to_date(&store).await.expect("entries");
            let before = (figure(&store, Side::Spending, 0, 400).await, figure(&store, Side::Income, 0, 400).await);
            store.write(|writer| writer.all_entries_due()).await.expect("due");
            super::super::entries::bring_up_to_date(&store).await.expect("entries");
            let after = (figure(&store, Side::Spending, 0, 400).await, figure(&store, Side::Income, 0, 400).await);
            assert_eq!(before, after, "{first:#?} {later:#?}");
        });
    }
}

#[tokio::test]
async fn transfers_of_any_kind_change_no_penny_of_any_figure() {
    let (store, _directory) = store().await;
    let row = |number, account, amount, what| Made {
        account,
        number,
        hours: i64::from(number),
        amount,
        what,
        declined: false,
        pending: false,
        category: "groceries",
        split: 30,
    };
    keep(&store, &[row(1, "acc_1", -500, What::Card), row(2, "acc_1", 700, What::Salary)]).await;
    super::super::entries::bring_up_to_date(&store).await.expect("entries");
    let before = (figure(&store, Side::Spending, 0, 400).await, figure(&store, Side::Income, 0, 400).await);
    assert_eq!((before.0.total, before.1.total), (500, 700));
    keep(
        &store,
        &[
            row(3, "acc_1", -900, What::Own),
            row(4, "acc_2", 900, What::Unnamed),
            row(5, "acc_1", -100, What::Pot),
            row(6, "acc_2", -333, What::Unnamed),
            row(30, "acc_3", 333, What::Unnamed),
        ],
    )
    .await;
    super::super::entries::bring_up_to_date(&store).await.expect("entries");
    let after = (figure(&store, Side::Spending, 0, 400).await, figure(&store, Side::Income, 0, 400).await);
    assert_eq!(before, after);
}

#[tokio::test]
async fn amounts_that_no_bank_holds_stop_no_sync_and_no_figure() {
    let (store, _directory) = store().await;
    let row = |number, account, amount, what| Made {
        account,
        number,
        hours: i64::from(number),
        amount,
        what,
        declined: false,
        pending: false,
        category: "general",
        split: 0,
    };
    let least = i64::MIN;
    let rows = [
        row(1, "acc_1", least, What::Unnamed),
        row(2, "acc_1", least, What::Card),
        row(3, "acc_2", i64::MAX, What::Unnamed),
        row(4, "acc_2", i64::MAX, What::Salary),
        row(5, "acc_1", -500, What::Card),
    ];
    keep(&store, &rows).await;
    super::super::entries::bring_up_to_date(&store).await.expect("entries");
    assert!(
        !store.read(|reader| reader.entries_are_due()).await.expect("read"),
        "entries are left to be made"
    );
    // As in sums of balances, more than any bank holds counts as the most that one does.
    assert_eq!(figure(&store, Side::Spending, 0, 400).await.total, 2 * MOST + 500);
    assert_eq!(figure(&store, Side::Income, 0, 400).await.total, 2 * MOST);
    let half = EntryFilter { share: 5_000, ..scope::whole(hour(0), hour(400)) };
    let ask = move |reader: &Reader<'_>| reader.entry_sums(&"acc_1".into(), Grouping::All, &half);
    let halves: i64 = store.read(ask).await.expect("sums").iter().map(|sum| sum.amount).sum();
    assert_eq!(halves, -MOST - 250);
}
