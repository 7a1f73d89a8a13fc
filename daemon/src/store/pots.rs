//! Pots, and the hidden accounts behind them, which are remembered for ever
//! (monzo/README.md, The account behind a pot).

use std::collections::BTreeMap;

use jiff::Timestamp;
use monzo_common::id::{AccountId, PotId};
use monzo_common::money::Currency;
use rusqlite::{Row, params};

use super::raw::Deflater;
use super::time::{at, maybe_at, maybe_ms, ms, optional, parsed};
use super::{Reader, StoreError, Writer};
use crate::facts;

/// A pot as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPot {
    /// The bank's id.
    pub id: PotId,
    /// The account that owns it.
    pub account_id: AccountId,
    /// The hidden account behind it, once found.
    pub pot_current_id: Option<AccountId>,
    /// The name in the app.
    pub name: String,
    /// The bank's open set of kinds.
    pub kind: String,
    /// Minor units.
    pub balance: i64,
    /// Currency of `balance` and `goal`.
    pub currency: Currency,
    /// Minor units.
    pub goal: Option<i64>,
    /// Money may go in but not out.
    pub locked: bool,
    /// It is gone: deleted in the app, or no longer listed.
    pub deleted: bool,
    /// Since when the bank's list no longer holds it; its balance and goal are not known any more.
    pub unlisted_at: Option<Timestamp>,
    /// Bills may be paid from it.
    pub available_for_bills: bool,
    /// A virtual card spends from it.
    pub has_virtual_cards: bool,
    /// It is an ISA.
    pub isa: bool,
    /// What is in it is given away.
    pub charity: bool,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When the bank last told all this.
    pub read_at: Timestamp,
}

impl StoredPot {
    /// What to call it: the person's own name for it, else the one in the app.
    pub fn name<'a>(&'a self, names: &'a BTreeMap<String, String>) -> &'a str {
        names.get(self.id.as_str()).unwrap_or(&self.name)
    }
}

fn pot(row: &Row<'_>) -> rusqlite::Result<StoredPot> {
    Ok(StoredPot {
        id: row.get::<_, String>(0)?.into(),
        account_id: row.get::<_, String>(1)?.into(),
        pot_current_id: row.get::<_, Option<String>>(2)?.map(AccountId::from),
        name: row.get(3)?,
        kind: row.get(4)?,
        balance: row.get(5)?,
        currency: parsed(row, 6)?,
        goal: row.get(7)?,
        locked: row.get(8)?,
        deleted: row.get(9)?,
        available_for_bills: row.get(10)?,
        has_virtual_cards: row.get(11)?,
        created_at: maybe_at(row, 12)?,
        read_at: at(row, 13)?,
        isa: row.get(14)?,
        charity: row.get(15)?,
        unlisted_at: maybe_at(row, 16)?,
    })
}

impl Reader<'_> {
    /// Every pot, deleted ones last.
    pub fn pots(&self) -> Result<Vec<StoredPot>, StoreError> {
        let mut query = self.0.prepare_cached(
            "SELECT p.id, p.account_id, l.pot_current_id, p.name, p.kind, iif(p.unlisted_at IS NULL, p.balance, 0), \
             p.currency, iif(p.unlisted_at IS NULL, p.goal, NULL), p.locked, p.deleted OR p.unlisted_at IS NOT NULL, \
             p.available_for_bills, p.has_virtual_cards, p.created_at, p.read_at, p.isa, p.charity, p.unlisted_at \
             FROM pots p LEFT JOIN pot_links l ON l.pot_id = p.id \
             ORDER BY p.deleted OR p.unlisted_at IS NOT NULL, p.account_id, p.created_at, p.id",
        )?;
        Ok(query.query_map([], pot)?.collect::<Result<_, _>>()?)
    }
}

/// A pot that left the bank's list, or came back to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PotListing {
    /// The pot.
    pub id: PotId,
    /// Its name in the app.
    pub name: String,
    /// It is listed now.
    pub listed: bool,
}

impl Writer<'_> {
    /// Keeps an account's whole list of pots. Answers which came back to it and which left it; one that was deleted
    /// leaves without a word. From a list that is not complete nothing is taken to be missing.
    pub fn keep_pot_list(
        &self,
        account: &AccountId,
        list: &facts::PotList,
        now: Timestamp,
    ) -> Result<Vec<PotListing>, StoreError> {
        let before: Vec<StoredPot> =
            self.pots()?.into_iter().filter(|pot| pot.account_id == *account).collect();
        self.upsert_pots(account, &list.pots, now)?;
        let mut changes = Vec::new();
        for pot in before {
            let listed = list.pots.iter().find(|listed| listed.id == pot.id);
            let left = listed.is_none() && list.complete && pot.unlisted_at.is_none();
            if left {
                let update = "UPDATE pots SET unlisted_at = ?2 WHERE id = ?1";
                self.0.0.prepare_cached(update)?.execute(params![pot.id.as_str(), ms(now)])?;
            }
            let back = pot.unlisted_at.is_some() && listed.is_some_and(|listed| !listed.deleted);
            if back || (left && !pot.deleted) {
                changes.push(PotListing { id: pot.id, name: pot.name, listed: back });
            }
        }
        Ok(changes)
    }

    /// Keeps some pots as the bank tells of them, and their balances where they changed.
    pub fn upsert_pots(
        &self,
        account: &AccountId,
        pots: &[facts::Pot],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut upsert = self.0.0.prepare_cached(
            "INSERT INTO pots (id, account_id, name, kind, balance, currency, goal, locked, deleted, \
             available_for_bills, has_virtual_cards, created_at, read_at, raw, isa, charity) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16) \
             ON CONFLICT (id) DO UPDATE SET account_id = excluded.account_id, name = excluded.name, \
             kind = excluded.kind, balance = excluded.balance, currency = excluded.currency, goal = excluded.goal, \
             locked = excluded.locked, deleted = excluded.deleted, \
             available_for_bills = excluded.available_for_bills, has_virtual_cards = excluded.has_virtual_cards, \
             created_at = coalesce(excluded.created_at, created_at), read_at = excluded.read_at, raw = excluded.raw, \
             isa = excluded.isa, charity = excluded.charity, unlisted_at = NULL",
        )?;
        let mut deflater = Deflater::new();
        for pot in pots {
            upsert.execute(params![
                pot.id.as_str(),
                account.as_str(),
                pot.name,
                pot.kind,
                pot.balance,
                pot.currency.code(),
                pot.goal,
                pot.locked,
                pot.deleted,
                pot.available_for_bills,
                pot.has_virtual_cards,
                maybe_ms(pot.created_at),
                ms(now),
                deflater.deflate(&pot.raw),
                pot.isa,
                pot.charity,
            ])?;
            self.note_balance(account, pot.id.as_str(), (pot.balance, None, None, pot.currency), now)?;
        }
        Ok(())
    }

    /// Learns which hidden account is behind a pot; `true` if that is new.
    ///
    /// A pair never changes (monzo/README.md, The account behind a pot), so the first one stands and a contradiction is
    /// left alone.
    pub fn link_pot(
        &self,
        pot: &PotId,
        hidden: &AccountId,
        currency: Currency,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let known = "SELECT 1 FROM pot_links WHERE pot_id = ?1 OR pot_current_id = ?2";
        let pair = [pot.as_str(), hidden.as_str()];
        if optional(self.0.0.prepare_cached(known)?.query_row(pair, |_| Ok(())))?.is_some() {
            return Ok(false);
        }
        let link = "INSERT INTO pot_links (pot_id, pot_current_id, found_at) VALUES (?1, ?2, ?3)";
        self.0.0.prepare_cached(link)?.execute(params![pot.as_str(), hidden.as_str(), ms(now)])?;
        let hide = "INSERT INTO accounts (id, kind, currency, pot_id, first_seen_at) VALUES (?1, 'pot', ?2, ?3, ?4) \
             ON CONFLICT (id) DO NOTHING";
        let values = params![hidden.as_str(), currency.code(), pot.as_str(), ms(now)];
        self.0.0.prepare_cached(hide)?.execute(values)?;
        Ok(true)
    }
}
