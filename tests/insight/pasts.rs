//! Balances of the past: those of the rows, whatever the two clocks say.

use jiff::{SignedDuration, Timestamp};
use monzo_common::id::{AccountId, PotId};
use monzo_common::money::Currency;
use monzod::facts;
use monzod::insight::balances::{self, Past};
use monzod::monzo::wire;
use monzod::store::{Options, Store};
use serde_json::json;
use tempfile::TempDir;

const BEGAN: Timestamp = Timestamp::constant(1_760_000_000, 0);
const MINUTE: i64 = 60_000;

fn at(ms: i64) -> Timestamp {
    BEGAN.checked_add(SignedDuration::from_millis(ms)).expect("in range")
}

/// Numbers that look random, from a seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: i64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from(self.0 >> 33).expect("31 bits") % below
    }
}

/// An account and its pot, kept as a daemon does whose clock is not the bank's. Instants are milliseconds since
/// [`BEGAN`], by the bank's clock.
struct Kept {
    store: Store,
    /// How far our clock is ahead.
    skew: i64,
    /// Every move into the pot: instant, pence.
    moves: Vec<(i64, i64)>,
    /// What the account and the pot held before the first move.
    before: [i64; 2],
    /// What was recorded of the pot: the bank's instant, pence.
    recorded: Vec<(i64, i64)>,
    _home: TempDir,
}

impl Kept {
    async fn new(skew: i64, before: [i64; 2]) -> Self {
        let home = TempDir::new().expect("a directory");
        let options = Options {
            backups: home.path().join("backups"),
            now: BEGAN,
            observe: Box::new(|_, _| {}),
            traces: None,
        };
        let store = Store::open(&home.path().join("monzod.db"), options).expect("a database").store;
        let account = facts::Account {
            id: "acc_1".into(),
            kind: "uk_retail".to_owned(),
            owners: Vec::new(),
            currency: Currency::GBP,
            closed: false,
            created_at: None,
            raw: "{}".into(),
        };
        store.write(move |writer| writer.upsert_accounts(&[account], BEGAN)).await.expect("kept");
        Self { store, skew, moves: Vec::new(), before, recorded: Vec::new(), _home: home }
    }

    fn ours(&self, bank: i64) -> Timestamp {
        at(bank + self.skew)
    }

    /// What the account (0) or the pot (1) held, by the rows.
    fn held(&self, which: usize, until: i64) -> i64 {
        let moved: i64 = self.moves.iter().filter(|made| made.0 <= until).map(|made| made.1).sum();
        self.before[which] + if which == 0 { -moved } else { moved }
    }

    fn pot(&self, balance: i64) -> facts::Pot {
        let raw = json!({"id": "pot_1", "name": "Holiday", "balance": balance, "currency": "GBP",
            "type": "default", "current_account_id": "acc_1", "deleted": false, "locked": false});
        let list = json!({"pots": [raw]}).to_string();
        wire::pots(&AccountId::from("acc_1"), list.as_bytes()).expect("a list").pots.remove(0)
    }

    /// A run: the bank moves money, and what the pot then holds is recorded a little later.
    async fn run(&mut self, bank: i64, amount: i64, later: i64) {
        self.moves.push((bank, amount));
        let (pot, now) = (self.pot(self.held(1, bank)), self.ours(bank + later));
        self.recorded.push((bank + later, pot.balance));
        let keep = self.store.write(move |writer| writer.keep_pot_balance(&"acc_1".into(), &pot, now));
        keep.await.expect("kept");
    }

    /// A sync: the balances, then all rows, then the comparison.
    async fn sync(&mut self, bank: i64) {
        let [account, pot] = [0, 1].map(|which| self.held(which, bank));
        self.recorded.push((bank, pot));
        let balance = facts::Balance {
            balance: account,
            total_balance: account + pot,
            spend_today: 0,
            currency: Currency::GBP,
        };
        let pots = [self.pot(pot)];
        let row = |id: &str, at: Timestamp, amount: i64| {
            let raw = json!({"id": id, "created": at.to_string(), "settled": at.to_string(), "amount": amount,
                "currency": "GBP", "description": "pot_1", "scheme": "uk_retail_pot", "category": "transfers",
                "metadata": {"pot_id": "pot_1", "pot_account_id": "acc_pot"}});
            wire::row(&AccountId::from("acc_1"), &raw.to_string()).expect("a row")
        };
        let listed = self.moves.iter().enumerate().filter(|(_, made)| made.0 <= bank);
        let rows: Vec<_> = listed
            .map(|(number, made)| {
                let (out, into) = (format!("tx_a{number}"), format!("tx_p{number}"));
                (row(&out, at(made.0), -made.1), row(&into, at(made.0), made.1))
            })
            .collect();
        let now = self.ours(bank);
        let (since, before) = (at(-MINUTE), self.before);
        let keep = move |writer: &monzod::store::Writer<'_>| {
            writer.record_balance(&"acc_1".into(), &balance, now)?;
            writer.upsert_pots(&"acc_1".into(), &pots, now)?;
            let (own, hidden): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
            for (id, rows, before) in [("acc_1", own, before[0]), ("acc_pot", hidden, before[1])] {
                if id == "acc_pot" && rows.is_empty() {
                    continue;
                }
                let id = AccountId::from(id);
                writer.store_rows("sync", &id, &rows, &[], now)?;
                writer.extend_coverage(&id, since, now)?;
                writer.reconciled(&id, (since, before), 0, None)?;
            }
            Ok(())
        };
        self.store.write(keep).await.expect("kept");
    }

    async fn past(&self, asked: Timestamp, which: usize) -> Past {
        let pasts = self.store.read(move |reader| balances::at(reader, asked)).await.expect("balances");
        let pot = (which == 1).then(|| PotId::from("pot_1"));
        pasts.into_iter().find(|past| past.newest.pot_id == pot).expect("it is never dropped")
    }

    async fn known(&self, asked: Timestamp, which: usize) -> Option<i64> {
        self.past(asked, which).await.held.map(|(_, balance)| balance)
    }
}

#[tokio::test]
async fn a_past_balance_is_the_anchor_and_the_rows_until_then_whatever_the_clocks_say() {
    for seed in 0..24 {
        let mut dice = Dice(seed);
        let skew =
            [0, 1, -1, 3_000, -3_000, 5 * MINUTE, -5 * MINUTE][usize::try_from(seed % 7).expect("small")];
        let mut kept = Kept::new(skew, [dice.roll(500_000), dice.roll(50_000)]).await;
        let mut now = 1;
        kept.sync(now).await;
        for _ in 0..12 {
            now += 1 + dice.roll(900 * MINUTE);
            if dice.roll(3) == 0 {
                kept.sync(now).await;
            } else {
                let later = dice.roll(40);
                kept.run(now, 1 + dice.roll(9_000), later).await;
                now += later;
            }
        }
        now += 15 * MINUTE;
        kept.sync(now).await;
        let case = format!("seed {seed}, our clock {skew} ms ahead, moves {:?}", kept.moves);
        for which in [0, 1] {
            for _ in 0..60 {
                let asked = dice.roll(now.min(now + skew));
                let expected = kept.held(which, asked);
                assert_eq!(kept.known(at(asked), which).await, Some(expected), "at {asked} ms: {case}");
            }
            let newest = kept.held(which, now);
            assert_eq!(kept.known(kept.ours(now + 1), which).await, Some(newest), "now: {case}");
        }
        for (bank, balance) in &kept.recorded {
            assert_eq!(kept.known(at(*bank), 1).await, Some(*balance), "recorded at {bank} ms: {case}");
        }
    }
}

#[tokio::test]
async fn what_was_not_known_then_is_shown_as_not_known_with_the_day_from_which_it_is() {
    let mut kept = Kept::new(0, [1_000, 70]).await;
    kept.sync(MINUTE).await;
    // No row has named the account behind the pot, so that only what was recorded is known.
    let past = kept.past(at(0), 1).await;
    assert_eq!((past.held, past.known_from), (None, at(MINUTE)));
    kept.run(2 * MINUTE, 30, 0).await;
    kept.sync(3 * MINUTE).await;
    assert_eq!(kept.known(at(0), 1).await, Some(70), "the rows reach further back");
    let past = kept.past(at(-2 * MINUTE), 1).await;
    assert_eq!((past.held, past.known_from), (None, at(-MINUTE)));
}

#[tokio::test]
async fn spending_that_no_row_explains_is_counted_from_when_the_bank_first_told_of_it() {
    let mut kept = Kept::new(700, [10_000, 5_000]).await;
    kept.sync(1).await;
    kept.run(100 * MINUTE, 500, 5).await;
    kept.sync(200 * MINUTE).await;
    // A card of the pot spends 20.00 and then 10.00, which no row shows.
    for (bank, spent) in [(300, 2_000), (400, 3_000)] {
        let (pot, now) = (kept.pot(5_500 - spent), kept.ours(bank * MINUTE));
        let keep = move |writer: &monzod::store::Writer<'_>| {
            writer.keep_pot_balance(&"acc_1".into(), &pot, now)?;
            writer.extend_coverage(&"acc_pot".into(), at(-MINUTE), now)?;
            writer.reconciled(&"acc_pot".into(), (at(-MINUTE), 5_000), -spent, None)
        };
        kept.store.write(keep).await.expect("kept");
    }
    for (minute, expected) in [(50, 5_000), (150, 5_500), (250, 5_500), (350, 3_500), (450, 2_500)] {
        assert_eq!(kept.known(at(minute * MINUTE), 1).await, Some(expected), "after {minute} minutes");
    }
}
