//! The invariants, told from the bank's own books and the stored runs and transfers, with nothing of the engine's.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use monzo_sandbox::bank::Bank;
use monzo_sandbox::bank::clock::{DAY, HOUR, MINUTE};
use monzo_sandbox::bank::row::Kind;
use monzo_sandbox::bank::world::Transfer;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row};

use crate::memory::Fingerprint;
use crate::scene::{FLOOR, LEVELS, PER_DAY, PER_RUN, VAULT};
use crate::watched_transport::{Order, Watch};

/// Quiet hours of the scenes, with the time that a run is given before they begin.
const QUIET: (i64, i64) = (2 * HOUR - 15 * MINUTE, 5 * HOUR);

/// A look into a database that somebody else writes.
pub fn open(path: &Path) -> Connection {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(path, flags).expect("the database opens")
}

/// A stored transfer, with its run.
#[derive(Debug, Clone)]
pub struct Entry {
    pub key: String,
    pub state: String,
    pub kind: String,
    pub pot: String,
    pub account: String,
    pub amount: i64,
    pub reconciled: bool,
    pub run: String,
    pub run_state: String,
    pub approved_by: Option<String>,
    pub approved_at: Option<i64>,
    pub started_at: Option<i64>,
    pub floor: Option<i64>,
    pub cause: String,
    pub rule: String,
    pub seed: String,
    pub requests: i64,
}

const ENTRY: &str = "SELECT t.dedupe_id, t.state, t.kind, t.pot_id, t.account_id, t.amount, t.reconciled_at IS NOT NULL, \
     r.id, r.state, r.approved_by, r.approved_at, r.started_at, r.floor, r.cause, r.rule, r.seed, t.requests \
     FROM transfers t JOIN runs r ON r.id = t.run_id";

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    Ok(Entry {
        key: row.get(0)?,
        state: row.get(1)?,
        kind: row.get(2)?,
        pot: row.get(3)?,
        account: row.get(4)?,
        amount: row.get(5)?,
        reconciled: row.get(6)?,
        run: row.get(7)?,
        run_state: row.get(8)?,
        approved_by: row.get(9)?,
        approved_at: row.get(10)?,
        started_at: row.get(11)?,
        floor: row.get(12)?,
        cause: row.get(13)?,
        rule: row.get(14)?,
        seed: row.get(15)?,
        requests: row.get(16)?,
    })
}

impl Entry {
    fn agrees(&self, pot: &str, withdraw: bool, amount: i64) -> bool {
        self.pot == pot && (self.kind == "withdraw") == withdraw && self.amount == amount
    }
}

/// Every stored transfer.
pub fn entries(connection: &Connection) -> Vec<Entry> {
    let mut query =
        connection.prepare_cached(&format!("{ENTRY} ORDER BY r.number, t.place")).expect("a query");
    query.query_map([], entry).expect("rows").collect::<Result<_, _>>().expect("entries")
}

/// Who is frozen at an instant: a rule, or nothing for everything.
pub fn frozen(connection: &Connection, now: Timestamp) -> Vec<String> {
    let all = "SELECT rule FROM freezes WHERE until IS NULL OR until > ?1 UNION ALL SELECT '' FROM meta WHERE key = 'restored_at'";
    let mut query = connection.prepare_cached(all).expect("a query");
    let rules = query.query_map([now.as_millisecond()], |row| row.get(0));
    rules.expect("rows").collect::<Result<_, _>>().expect("rules")
}

fn excluded(connection: &Connection, id: &str) -> bool {
    let mut query = connection.prepare_cached("SELECT 1 FROM exclusions WHERE id = ?1").expect("a query");
    query.exists([id]).expect("an answer")
}

fn plan_of(connection: &Connection, run: &str) -> Fingerprint {
    let planned = "SELECT place, pot_id, kind, amount FROM transfers WHERE run_id = ?1 AND kind <> 'return' ORDER BY place";
    let mut query = connection.prepare_cached(planned).expect("a query");
    let rows = query.query_map([run], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)));
    rows.expect("rows").collect::<Result<_, _>>().expect("a plan")
}

/// What the runs of a day have sent, each penny once, where it arrives.
fn sent_on(connection: &Connection, day: i64) -> i64 {
    let sum = "SELECT coalesce(sum(t.amount), 0) FROM transfers t JOIN runs r ON r.id = t.run_id \
         WHERE r.approved_at / 86400000 = ?1 AND r.cause NOT IN ('undo', 'discover') \
         AND t.state IN ('requested', 'confirmed') AND (t.kind = 'deposit' OR (t.kind = 'withdraw' \
         AND NOT EXISTS (SELECT 1 FROM transfers o WHERE o.run_id = t.run_id AND o.needs = t.place)))";
    connection.prepare_cached(sum).expect("a query").query_row([day], |row| row.get(0)).expect("a sum")
}

/// Transfers at the bank that bear a key.
fn at_bank<'a>(bank: &'a Bank, key: &str) -> Vec<&'a Transfer> {
    let end = format!(":{key}");
    bank.world.transfers.iter().filter(|made| made.external_id.ends_with(&end)).collect()
}

/// Looks at an order to move money as it leaves for the bank.
pub fn may_leave(connection: &Connection, order: &Order, bank: &Bank, watch: &Watch) {
    let wrong = |what: String| watch.notes.wrong(format!("{what}: {order:?}"));
    let mut query = connection.prepare_cached(&format!("{ENTRY} WHERE t.dedupe_id = ?1")).expect("a query");
    let Some(found) = query.query_row([&order.key], entry).optional().expect("an entry") else {
        return wrong("it is sent, and the database does not know of it".to_owned());
    };
    if order.amount <= 0 {
        wrong("nothing, or less, is sent".to_owned());
    }
    if found.state != "requested" {
        wrong(format!("it is sent while it is {}", found.state));
    }
    if !found.agrees(&order.pot, order.withdraw, order.amount) || found.account != order.account {
        wrong(format!("the database says otherwise ({found:?})"));
    }
    if !matches!(found.run_state.as_str(), "approved" | "executing" | "waiting") {
        wrong(format!("its run is {}", found.run_state));
    }
    let pot = bank.world.pots.iter().find(|pot| pot.id == order.pot);
    let name = pot.map_or("", |pot| pot.name);
    if name == VAULT || excluded(connection, &order.pot) || excluded(connection, &order.account) {
        wrong(format!("{name} is excluded"));
    }
    let mut memory = watch.memory();
    // From before the look at the balance until now: what was thawed or frozen meanwhile is no matter.
    let still = frozen(connection, bank.now());
    let holds = |rule: &&String| rule.is_empty() || **rule == found.rule;
    if memory.frozen().iter().filter(holds).any(|rule| still.contains(rule)) {
        wrong("it is sent in spite of a freeze".to_owned());
    }
    let Some(fresh) = memory.fresh() else { return wrong("the balance was not looked at".to_owned()) };
    let done = at_bank(bank, &order.key);
    if !order.withdraw {
        let floor = found.floor.unwrap_or(FLOOR);
        let began = floor == FLOOR || (floor < FLOOR && memory.was_told(floor));
        if !began {
            wrong(format!("a floor of {floor} was never the balance"));
        }
        // A repeat of what happened already does not happen again.
        if fresh - order.amount < floor && done.is_empty() {
            wrong(format!("{fresh} is taken under the floor of {floor}"));
        }
    }
    let now = bank.now().as_millisecond();
    let quiet = (QUIET.0..QUIET.1).contains(&(now % DAY));
    let first = found.requests == 1
        && !entries(connection)
            .iter()
            .any(|other| other.run == found.run && other.key != found.key && other.requests > 0);
    // A second of the clock may pass between the decision and the send.
    if quiet
        && first
        && found.cause != "undo"
        && !(QUIET.0..QUIET.0 + MINUTE).contains(&(now % DAY))
        && found.started_at.is_none_or(|at| at > now - MINUTE)
    {
        wrong("a run begins in quiet hours".to_owned());
    }
    if found.approved_by.as_deref() == Some("auto") && found.kind != "return" && !memory.restored {
        caps(connection, &found, now, &wrong);
    }
    if let Some((_, _, level)) = LEVELS.iter().find(|(rule, pot, _)| *rule == found.rule && *pot == name)
        && let Some(index) = bank.world.pot(&order.pot)
        && found.kind == "deposit"
        && done.is_empty()
    {
        let began = found.approved_at.unwrap_or(0) - 2 * MINUTE;
        let others = bank.world.transfers.iter().any(|made| made.pot == index && made.at >= began);
        let after = bank.world.pot_balance(index) + order.amount;
        if after > *level && !others {
            wrong(format!("{name} is filled to {after}, over its level of {level}"));
        }
    }
    let plan = plan_of(connection, &found.run);
    let first = memory.first_plan(&found.seed, plan.clone());
    if found.kind != "return" && *first != plan && done.is_empty() {
        wrong(format!("its occurrence ran before: {first:?}, and now {plan:?}"));
    }
}

fn caps(connection: &Connection, found: &Entry, now: i64, wrong: &dyn Fn(String)) {
    let plan = plan_of(connection, &found.run);
    let sum =
        |out: bool| -> i64 { plan.iter().filter(|one| (one.2 == "withdraw") == out).map(|one| one.3).sum() };
    let moves = sum(true).max(sum(false));
    if moves > PER_RUN {
        wrong(format!("a run moves {moves} by itself"));
    }
    let today = now / DAY;
    let sent = sent_on(connection, today);
    let of_today = found.approved_at.is_some_and(|at| at / DAY == today);
    let day = if of_today { sent } else { sent + found.amount };
    if day > PER_DAY {
        wrong(format!("{day} were sent on this day"));
    }
}

/// Looks at the bank's books beside the stored transfers, at any moment.
pub fn check(connection: &Connection, bank: &Bank, watch: &Watch) {
    let wrong = |what: String| watch.notes.wrong(what);
    let world = &bank.world;
    let personal = bank.life.cast.personal;
    let outside: i64 = world
        .rows
        .iter()
        .filter(|row| row.counts() && row.account == personal && !matches!(row.kind, Kind::Pot(_)))
        .map(|row| row.amount)
        .sum();
    let pots: i64 = (0..world.pots.len()).map(|pot| world.pot_balance(pot)).sum();
    if world.accounts[personal].balance + pots != outside {
        wrong(format!(
            "{} in the account and {pots} in pots are not {outside}",
            world.accounts[personal].balance
        ));
    }
    let restored = watch.memory().restored;
    let entries = entries(connection);
    let mut made: BTreeMap<&str, Vec<&Transfer>> = BTreeMap::new();
    for transfer in world.transfers.iter().filter(|made| made.external_id.contains(":mz-")) {
        let key = transfer.external_id.rsplit(':').next().unwrap_or_default();
        made.entry(key).or_default().push(transfer);
        if transfer.amount <= 0 {
            wrong(format!("{transfer:?} moves nothing"));
        }
        let known = entries.iter().any(|entry| entry.key == key);
        if !known && !restored {
            wrong(format!("the database does not know of {transfer:?}"));
        }
    }
    for entry in &entries {
        let found = made.get(entry.key.as_str()).map_or(&[][..], Vec::as_slice);
        let agree = found.iter().all(|one| entry.agrees(&world.pots[one.pot].id, one.withdraw, one.amount));
        if found.len() > 1 || !agree {
            wrong(format!("{entry:?} is at the bank as {found:?}"));
        }
        let may = match entry.state.as_str() {
            "confirmed" => found.len() == 1,
            // An older copy of the database meets what the newer one did.
            "planned" => found.is_empty() || restored,
            "failed" | "cancelled" => found.is_empty(),
            _ => true,
        };
        if !may {
            wrong(format!("{entry:?}, and the bank has {} of it", found.len()));
        }
    }
    runs(connection, &entries, &wrong);
}

/// What a run says of itself is what its transfers say, and no occurrence was used twice.
fn runs(connection: &Connection, entries: &[Entry], wrong: &dyn Fn(String)) {
    let twice = "SELECT rule || ' ' || occurrence FROM runs WHERE occurrence IS NOT NULL AND cause <> 'again' \
         AND state NOT IN ('proposed', 'withheld', 'expired', 'rejected') AND EXISTS \
         (SELECT 1 FROM transfers WHERE run_id = id AND state IN ('requested', 'confirmed')) GROUP BY 1 HAVING count(*) > 1";
    let mut query = connection.prepare_cached(twice).expect("a query");
    for occurrence in query.query_map([], |row| row.get::<_, String>(0)).expect("rows") {
        wrong(format!("{} was used twice", occurrence.expect("an occurrence")));
    }
    let all = "SELECT id, state, coalesce(reason, ''), returns FROM runs";
    let mut query = connection.prepare_cached(all).expect("a query");
    let rows = query.query_map([], |row| {
        Ok((
            row.get::<_, String>(0)?,
            row.get::<_, String>(1)?,
            row.get::<_, String>(2)?,
            row.get::<_, bool>(3)?,
        ))
    });
    for run in rows.expect("rows") {
        let (id, state, reason, _) = run.expect("a run");
        let own: Vec<&Entry> = entries.iter().filter(|entry| entry.run == id).collect();
        let meant = || own.iter().filter(|entry| entry.kind != "return");
        let confirmed = meant().filter(|entry| entry.state == "confirmed").count();
        let fits = match state.as_str() {
            "proposed" | "withheld" | "expired" | "rejected" => own.is_empty(),
            "done" => confirmed == meant().count() && (confirmed > 0 || reason.contains("found at the bank")),
            "partial" => confirmed > 0 && confirmed < meant().count(),
            "failed" => confirmed == 0,
            "cancelled" => confirmed < meant().count() || meant().count() == 0,
            _ => true,
        };
        let ended = !matches!(state.as_str(), "proposed" | "withheld" | "approved" | "waiting" | "executing");
        let open = own.iter().any(|entry| matches!(entry.state.as_str(), "planned" | "requested"));
        if !fits || (ended && open) {
            wrong(format!("{id} is {state} ({reason}) with {own:?}"));
        }
        if ended && state != "expired" && state != "rejected" {
            let left = left(connection, &id);
            if left != 0 && !reason.contains("stays in") {
                wrong(format!("{id} is {state} ({reason}) and leaves {left} without a word: {own:?}"));
            }
        }
    }
}

/// What a run took out of pots for others and neither gave them nor brought back.
fn left(connection: &Connection, run: &str) -> i64 {
    let sum = "SELECT coalesce(sum(CASE WHEN t.kind = 'return' AND t.state = 'confirmed' THEN -t.amount \
         WHEN t.kind = 'deposit' AND t.state IN ('failed', 'cancelled') AND EXISTS (SELECT 1 FROM transfers w \
         WHERE w.run_id = t.run_id AND w.place = t.needs AND w.kind = 'withdraw' AND w.state = 'confirmed') \
         THEN t.amount ELSE 0 END), 0) FROM transfers t WHERE t.run_id = ?1";
    connection.prepare_cached(sum).expect("a query").query_row([run], |row| row.get(0)).expect("a sum")
}

/// Runs that have neither ended nor wait for a person.
pub fn under_way(connection: &Connection) -> Vec<String> {
    let open = "SELECT id || ' ' || rule || ' ' || state || ' ' || coalesce(reason, '') FROM runs \
         WHERE state IN ('approved', 'waiting', 'executing')";
    let mut query = connection.prepare_cached(open).expect("a query");
    query.query_map([], |row| row.get(0)).expect("rows").collect::<Result<_, _>>().expect("runs")
}

/// Confirmed transfers whose row was not seen.
pub fn unseen(connection: &Connection) -> Vec<Entry> {
    entries(connection).into_iter().filter(|entry| entry.state == "confirmed" && !entry.reconciled).collect()
}
