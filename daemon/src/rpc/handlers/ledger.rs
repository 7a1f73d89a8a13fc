//! Accounts, pots, balances and transactions.

use std::collections::BTreeMap;

use jiff::Timestamp;
use monzo_common::fault::{Fault, FaultKind};
use monzo_common::model::{
    Account, Balance, BalancePoint, NeedsApp, Pot, TransactionDetail, TransactionPage, TransactionQuery,
};
use monzo_common::money::Currency;

use super::desk::Desk;
use crate::config::nearest;
use crate::exclusion::Exclusions;
use crate::insight;
use crate::insight::balances::Past;
use crate::store::{AppPot, LeftOut, Reader, StoreError, StoredAccount, StoredBalance, StoredPot};

/// What names and exclusions mean among the accounts and pots at one instant.
pub(super) struct Ledger {
    pub(super) accounts: Vec<StoredAccount>,
    pub(super) pots: Vec<StoredPot>,
    pub(super) names: BTreeMap<String, String>,
    pub(super) exclusions: Exclusions,
    pub(super) app_pots: Vec<AppPot>,
}

impl Ledger {
    pub(super) fn account(&self, account: &StoredAccount) -> Account {
        let pot = self.pots.iter().find(|pot| Some(&pot.id) == account.pot_id.as_ref());
        Account {
            id: account.id.clone(),
            name: account.name(&self.names),
            kind: account.kind.clone(),
            currency: account.currency,
            closed: account.closed,
            excluded: match pot {
                Some(pot) => self.exclusions.pot(&pot.id, &pot.account_id),
                None => self.exclusions.account(&account.id),
            },
            balance: account.balance,
            total_balance: account.total_balance,
            pot_id: account.pot_id.clone(),
            left_out: false,
        }
    }

    fn left_out(&self, LeftOut { id, kind, closed }: LeftOut) -> Account {
        let unnamed = if kind.is_empty() { "no type" } else { kind.trim_start_matches("uk_") };
        Account {
            name: self.names.get(id.as_str()).cloned().unwrap_or_else(|| unnamed.replace('_', " ")),
            id,
            kind,
            currency: Currency::GBP,
            closed,
            excluded: false,
            balance: None,
            total_balance: None,
            pot_id: None,
            left_out: true,
        }
    }

    fn pot(&self, pot: &StoredPot) -> Pot {
        Pot {
            id: pot.id.clone(),
            name: pot.name(&self.names).to_owned(),
            account_id: pot.account_id.clone(),
            pot_current_id: pot.pot_current_id.clone(),
            kind: pot.kind.clone(),
            balance: pot.balance,
            currency: pot.currency,
            goal: pot.goal,
            locked: pot.locked,
            deleted: pot.deleted,
            excluded: self.exclusions.pot(&pot.id, &pot.account_id),
            available_for_bills: pot.available_for_bills,
            unlisted_at: pot.unlisted_at,
            needs_app: self.needs_app(pot),
        }
    }

    fn needs_app(&self, pot: &StoredPot) -> Vec<NeedsApp> {
        let refusals = self.app_pots.iter().filter(|refused| refused.pot_id == pot.id);
        let told = refusals.map(|refused| NeedsApp {
            way: refused.way().to_owned(),
            since_at: refused.at,
            reason: refused.reason.clone(),
        });
        told.collect()
    }

    fn deleted(&self, point: &BalancePoint) -> bool {
        self.pots.iter().any(|pot| pot.deleted && Some(&pot.id) == point.pot_id.as_ref())
    }

    /// The newest balance of an account, or of a pot that is still there.
    fn present(&self, StoredBalance { point, total_balance, spend_today }: StoredBalance) -> Option<Balance> {
        if self.deleted(&point) {
            return None;
        }
        Some(Balance {
            name: self.name_of(&point)?,
            account_id: point.account_id,
            pot_id: point.pot_id,
            balance: Some(point.balance),
            total_balance,
            spend_today,
            currency: point.currency,
            at: point.at,
            known_from: None,
        })
    }

    /// The balance at an instant of the past; a pot that was deleted since is shown while it held something.
    fn past(&self, Past { newest, held, known_from }: Past, asked: Timestamp) -> Option<Balance> {
        if self.deleted(&newest) && held.is_none_or(|(_, balance)| balance == 0) {
            return None;
        }
        Some(Balance {
            name: self.name_of(&newest)?,
            account_id: newest.account_id,
            pot_id: newest.pot_id,
            balance: held.map(|(_, balance)| balance),
            total_balance: None,
            spend_today: None,
            currency: newest.currency,
            at: held.map_or(asked, |(at, _)| at),
            known_from: Some(known_from),
        })
    }

    fn name_of(&self, point: &BalancePoint) -> Option<String> {
        match &point.pot_id {
            Some(id) => {
                self.pots.iter().find(|pot| pot.id == *id).map(|pot| pot.name(&self.names).to_owned())
            }
            None => {
                let account = self.accounts.iter().find(|account| account.id == point.account_id);
                account.map(|account| account.name(&self.names))
            }
        }
    }
}

/// Reads them in the same snapshot as whatever else is asked.
pub(super) fn read_ledger(reader: &Reader<'_>, config: &crate::config::Config) -> Result<Ledger, StoreError> {
    let (accounts, pots) = (reader.accounts()?, reader.pots()?);
    let names = config.names.clone();
    let exclusions = Exclusions::of(&config.exclude, &reader.exclusions()?, &accounts, &pots, &names);
    Ok(Ledger { accounts, pots, names, exclusions, app_pots: reader.app_pots()? })
}

pub(super) async fn ledger(desk: &Desk) -> Result<Ledger, Fault> {
    let config = desk.config.borrow().config.clone();
    Ok(desk.rooms()?.store.read(move |reader| read_ledger(reader, &config)).await?)
}

pub(super) async fn accounts(desk: &Desk, hidden: bool) -> Result<Vec<Account>, Fault> {
    let ledger = ledger(desk).await?;
    let shown = ledger.accounts.iter().filter(|account| hidden || account.pot_id.is_none());
    Ok(shown.map(|account| ledger.account(account)).collect())
}

/// Accounts that the bank lists and that are not synced.
pub(super) async fn left_out_accounts(desk: &Desk) -> Result<Vec<Account>, Fault> {
    let ledger = ledger(desk).await?;
    let left_out = desk.rooms()?.store.read(|reader| reader.left_out()).await?;
    Ok(left_out.into_iter().map(|account| ledger.left_out(account)).collect())
}

pub(super) async fn pots(desk: &Desk) -> Result<Vec<Pot>, Fault> {
    let ledger = ledger(desk).await?;
    Ok(ledger.pots.iter().map(|pot| ledger.pot(pot)).collect())
}

/// Balances now, as the bank last told them, or at an instant of the past, as the rows say.
pub(super) async fn balances(desk: &Desk, at: Option<Timestamp>) -> Result<Vec<Balance>, Fault> {
    let config = desk.config.borrow().config.clone();
    let now = desk.clock.now();
    if at.is_some_and(|at| at > now) {
        let hint = "ask for an instant of the past, or leave `at` out for the balances now";
        return Err(Fault::new(FaultKind::InvalidParams, "`at` lies in the future", hint));
    }
    let rooms = desk.rooms()?;
    let read = rooms.store.read(move |reader| {
        let ledger = read_ledger(reader, &config)?;
        let balances: Vec<Balance> = match at {
            Some(at) => {
                let past = insight::balances::at(reader, at)?.into_iter();
                past.filter_map(|past| ledger.past(past, at)).collect()
            }
            None => {
                let newest = reader.balances()?.into_iter();
                newest.filter_map(|newest| ledger.present(newest)).collect()
            }
        };
        Ok(balances)
    });
    Ok(read.await?)
}

/// How the balance of an account or pot, or of every account that is not hidden, went from day to day.
pub(super) async fn balance_history(
    desk: &Desk,
    id: Option<String>,
    since: Timestamp,
    until: Timestamp,
) -> Result<Vec<BalancePoint>, Fault> {
    if since >= until {
        return Err(Fault::new(
            FaultKind::InvalidParams,
            "the period ends before it begins",
            "give `since` before `until`",
        ));
    }
    let zone = desk.config.borrow().config.time.zone.rules().clone();
    let until = until.min(desk.clock.now());
    let rooms = desk.rooms()?;
    let read = rooms
        .store
        .read(move |reader| insight::balances::history(reader, id.as_deref(), (since, until), &zone));
    Ok(read.await?)
}

pub(super) async fn transactions(desk: &Desk, query: TransactionQuery) -> Result<TransactionPage, Fault> {
    let negative = |amount: Option<i64>| amount.is_some_and(|amount| amount < 0);
    if negative(query.min) || negative(query.max) {
        return Err(Fault::new(
            FaultKind::InvalidParams,
            "`min` and `max` are of the amount without its sign",
            "give them without a minus, and a `direction`",
        ));
    }
    let rooms = desk.rooms()?;
    let read = rooms.store.read(move |reader| {
        let mut page = reader.transactions(&query)?;
        if page.transactions.is_empty() && query.cursor.is_none() {
            page.notes = unheard_of(reader, &query)?;
        }
        Ok(page)
    });
    Ok(read.await?)
}

/// What a question that found nothing asks for and no transaction has; a slip is put right.
fn unheard_of(reader: &Reader<'_>, query: &TransactionQuery) -> Result<Vec<String>, StoreError> {
    let categories = reader.categories()?;
    // Before anything was read, nothing is a slip.
    if categories.is_empty() {
        return Ok(Vec::new());
    }
    let mut notes = Vec::new();
    if let Some(category) = query.category.as_ref().filter(|category| !categories.contains(category)) {
        notes.push(match nearest(category, categories.iter().map(String::as_str)) {
            Some(near) => format!("no transaction has the category ‘{category}’; did you mean ‘{near}’?"),
            None => {
                format!("no transaction has the category ‘{category}’; there are {}", categories.join(", "))
            }
        });
    }
    if let Some(merchant) = &query.merchant {
        let every =
            TransactionQuery { merchant: Some(merchant.clone()), limit: Some(1), ..Default::default() };
        if reader.transactions(&every)?.transactions.is_empty() {
            let sides = reader.other_sides()?.into_iter().map(|side| side.to_lowercase()).collect::<Vec<_>>();
            let words = sides.iter().flat_map(|side| std::iter::once(side.as_str()).chain(side.split(' ')));
            let near = nearest(merchant, words);
            let near = near.map(|near| format!("; did you mean ‘{near}’?")).unwrap_or_default();
            notes.push(format!("no merchant or other side has a name with ‘{merchant}’{near}"));
        }
    }
    Ok(notes)
}

pub(super) async fn transaction(desk: &Desk, id: String) -> Result<TransactionDetail, Fault> {
    Ok(desk.rooms()?.store.read(move |reader| reader.transaction(&id)).await?)
}
