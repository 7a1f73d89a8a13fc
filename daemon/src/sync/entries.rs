//! Brings the entries up to date: what each new or changed row means for spending and income.
//!
//! `insight::entries` decides it; here is read what the decision needs, and written what it says. All of it is made again
//! when another account of the person becomes known, or another version reads rows otherwise.

use jiff::Timestamp;
use monzo_common::id::{AccountId, PotId, TransactionId};
use monzo_common::model::EntryKind;
use sha2::{Digest, Sha256};

use crate::facts::{KeptRow, RowFlags};
use crate::insight::entries::{self, FLEX_ACCOUNT, Half};
use crate::monzo::{Own, row_flags};
use crate::store::{Reader, Store, StoreError, Writer};

/// Rows in one database transaction. Taste: a few dozen milliseconds, so that nothing else waits long.
const AT_ONCE: u32 = 1_000;

/// Where the store keeps what the entries were made with.
const MADE_WITH: &str = "entries_made_with";

/// What the reading of every row depends on beside the row.
struct Context {
    own: Own,
    flex_synced: bool,
    /// Transfers between accounts are possible.
    several_accounts: bool,
    /// Changes whenever the rest does.
    fingerprint: String,
}

impl Context {
    fn read(reader: &Reader<'_>) -> Result<Self, StoreError> {
        let records = reader.account_records()?;
        let own = Own::new(reader.user_id()?, records.into_iter().map(|(id, raw)| (id.to_string(), raw)));
        let listed: Vec<_> =
            reader.accounts()?.into_iter().filter(|account| account.pot_id.is_none()).collect();
        let flex_synced = listed.iter().any(|account| account.kind == FLEX_ACCOUNT);
        // Hashed, because it holds account numbers.
        let known = format!("{} {flex_synced} {} {own:?}", entries::VERSION, listed.len() > 1);
        let fingerprint = Sha256::digest(known).iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { own, flex_synced, several_accounts: listed.len() > 1, fingerprint })
    }

    /// What the bank's record of a row says, and whether the other side is an account of the person.
    fn flags(&self, row: &KeptRow) -> RowFlags {
        let mut flags = row_flags(&row.raw);
        flags.to_self = self.own.is_other_side_of(&flags);
        flags
    }
}

/// The pot that paid a standing order, which says so of itself only by the order's key.
fn pot_of_order(reader: &Reader<'_>, row: &KeptRow, flags: &RowFlags) -> Result<Option<PotId>, StoreError> {
    match &flags.series {
        Some(series) if row.amount < 0 && TRANSFERS_OUT.contains(&row.scheme.as_str()) => {
            reader.pot_of_standing_order(&row.account, series, row.created_at)
        }
        _ => Ok(None),
    }
}

/// The rails of standing orders.
const TRANSFERS_OUT: [&str; 2] = ["payport_faster_payments", "faster_payments"];

/// Makes every entry that is missing or out of date; answers for how many rows.
pub async fn bring_up_to_date(store: &Store) -> Result<u64, StoreError> {
    let current = store.read(|reader| {
        let context = Context::read(reader)?;
        Ok(!reader.entries_are_due()? && reader.meta(MADE_WITH)?.as_ref() == Some(&context.fingerprint))
    });
    if current.await? {
        return Ok(0);
    }
    let mut made = 0;
    loop {
        let batch = store.write(make_batch).await?;
        made += batch;
        if batch < u64::from(AT_ONCE) {
            return Ok(made);
        }
    }
}

fn make_batch(writer: &Writer<'_>) -> Result<u64, StoreError> {
    let context = Context::read(writer)?;
    if writer.meta(MADE_WITH)?.as_ref() != Some(&context.fingerprint) {
        writer.all_entries_due()?;
        writer.set_meta(MADE_WITH, &context.fingerprint)?;
    }
    let mut work = Work { writer, context, around: Vec::new(), chains: Vec::new() };
    let mut made = 0;
    for due in writer.rows_due(AT_ONCE)? {
        made += 1;
        match due.row {
            None => work.forget(&due.account, &due.id, due.kept_at)?,
            Some(row) if work.context.several_accounts && entries::may_be_half(&row) => {
                work.around.push((row.amount, row.created_at));
            }
            Some(row) => {
                let flags = work.context.flags(&row);
                work.make(&row, flags)?;
            }
        }
        while let Some((amount, at)) = work.around.pop() {
            work.make_chain(amount, at)?;
        }
    }
    Ok(made)
}

/// Entries on their way into the database.
struct Work<'a> {
    writer: &'a Writer<'a>,
    context: Context,
    /// Amounts and instants around which the halves of transfers are to be paired again.
    around: Vec<(i64, Timestamp)>,
    /// Chains whose entries were made in this transaction: the amount without its sign, the first and the last instant.
    chains: Vec<(u64, Timestamp, Timestamp)>,
}

impl Work<'_> {
    fn make(&mut self, row: &KeptRow, mut flags: RowFlags) -> Result<(), StoreError> {
        if flags.paying_pot.is_none() {
            flags.paying_pot = pot_of_order(self.writer, row, &flags)?;
        }
        let entries = entries::of(row, &flags, self.context.flex_synced);
        let transfer = entries.first().filter(|entry| entry.kind == EntryKind::Transfer);
        self.pair_again(&row.account, &row.id, row.created_at, transfer.map(|entry| entry.amount))?;
        self.writer.set_entries(&row.account, &row.id, row.created_at, &entries)
    }

    fn make_chain(&mut self, amount: i64, at: Timestamp) -> Result<(), StoreError> {
        let made = |chain: &(u64, Timestamp, Timestamp)| {
            chain.0 == amount.unsigned_abs() && chain.1 <= at && at <= chain.2
        };
        if self.chains.iter().any(made) {
            return Ok(());
        }
        let Chain { rows, first, last } = chain(self.writer, &self.context, amount, at)?;
        self.chains.push((amount.unsigned_abs(), first, last));
        for (row, flags) in rows {
            self.make(&row, flags)?;
        }
        Ok(())
    }

    /// A row is no longer at this instant.
    fn forget(&mut self, account: &AccountId, id: &TransactionId, at: Timestamp) -> Result<(), StoreError> {
        self.pair_again(account, id, at, None)?;
        self.writer.set_entries(account, id, at, &[])
    }

    /// What was a transfer and is another one now, or none, may leave another half behind.
    fn pair_again(
        &mut self,
        account: &AccountId,
        id: &TransactionId,
        at: Timestamp,
        now: Option<i64>,
    ) -> Result<(), StoreError> {
        if self.context.several_accounts {
            let before = self.writer.transfer_at(account, id, at)?;
            self.around.extend(before.filter(|_| before != now).map(|amount| (amount, at)));
        }
        Ok(())
    }
}

/// The rows of an amount that chain with an instant, and the instants of the first and the last. Which halves belong together depends on all of a chain and on nothing else.
fn chain(reader: &Reader<'_>, context: &Context, amount: i64, at: Timestamp) -> Result<Chain, StoreError> {
    let (mut first, mut last) = (at, at);
    let rows = loop {
        let (since, until) = (entries::earlier(first), entries::later(last));
        let rows = reader.equal_and_opposite(amount, since, until)?;
        let instants: Vec<Timestamp> = rows.iter().map(|row| row.created_at).collect();
        let chained = entries::chained(&instants, at);
        if chained == (first, last) {
            break rows;
        }
        (first, last) = chained;
    };
    let rows: Vec<KeptRow> =
        rows.into_iter().filter(|row| row.created_at >= first && row.created_at <= last).collect();
    let half = |row: &KeptRow| Half {
        account: row.account.clone(),
        id: row.id.clone(),
        created_at: row.created_at,
        amount: row.amount,
    };
    let halves: Vec<Half> = rows.iter().map(half).collect();
    let read = |row: KeptRow| {
        let flags = context.flags(&row);
        (row, flags)
    };
    let mut rows: Vec<(KeptRow, RowFlags)> = rows.into_iter().map(read).collect();
    for (out, into) in entries::pairs(&halves) {
        (rows[out].1.to_self, rows[into].1.to_self) = (true, true);
    }
    Ok(Chain { rows, first, last })
}

/// Rows of one amount or its opposite, none further from the next than the halves of a transfer can be.
struct Chain {
    rows: Vec<(KeptRow, RowFlags)>,
    first: Timestamp,
    last: Timestamp,
}
