//! `insight.*`: figures that are computed from what is stored.

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use jsonrpsee::core::async_trait;
use monzo_common::api::InsightServer;
use monzo_common::fault::{Fault, FaultKind};
use monzo_common::model::{
    BalancePoint, Bill, Cashflow, FigurePeriod, Figures, FiguresQuery, PaydayCalendar,
};

use super::context::RpcContext;
use crate::autosort::decide::calendar as paydays;
use crate::autosort::query::bills;
use crate::autosort::study::suggest;
use crate::config::Config;
use crate::insight::calendar::Calendar;
use crate::insight::figures::{self, Side};
use crate::insight::scope::{Scope, ScopedAccount, ScopedPot};
use crate::insight::{self, cashflow};
use crate::ledger::Ledger;
use crate::store::{Reader, StoreError, StoredAccount, StoredPot, WHOLE};
use crate::sync;

#[async_trait]
impl InsightServer for RpcContext {
    async fn balance_history(
        &self,
        id: Option<String>,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<BalancePoint>, Fault> {
        begins_before_it_ends(since, until)?;
        let zone = self.config.borrow().config.time.zone.rules().clone();
        let until = until.min(self.clock.now());
        let services = self.services()?;
        let read = services
            .store
            .read(move |reader| insight::balances::history(reader, id.as_deref(), (since, until), &zone));
        Ok(read.await?)
    }

    async fn spending(&self, query: FiguresQuery) -> Result<Figures, Fault> {
        self.figures(Side::Spending, query).await
    }

    async fn income(&self, query: FiguresQuery) -> Result<Figures, Fault> {
        self.figures(Side::Income, query).await
    }

    async fn cashflow(
        &self,
        since: Timestamp,
        until: Timestamp,
        per: Option<FigurePeriod>,
    ) -> Result<Cashflow, Fault> {
        begins_before_it_ends(since, until)?;
        let now = self.clock.now();
        self.of_entries((since, until), move |reader, scope, calendar| {
            cashflow::cashflow(reader, (since, until), per, scope, calendar, now)
        })
        .await
    }

    async fn payday(&self, count: u32) -> Result<Vec<PaydayCalendar>, Fault> {
        Ok(suggest::paydays(&self.services()?.sorter, count).await?)
    }

    async fn bills(&self, all: bool) -> Result<Vec<Bill>, Fault> {
        Ok(bills::bills(&self.services()?.sorter, all).await?)
    }

    async fn incomes(&self) -> Result<Vec<Bill>, Fault> {
        Ok(bills::incomes(&self.services()?.sorter).await?)
    }
}

impl RpcContext {
    async fn figures(&self, side: Side, query: FiguresQuery) -> Result<Figures, Fault> {
        begins_before_it_ends(query.since, query.until)?;
        let now = self.clock.now();
        self.of_entries((query.since, query.until), move |reader, scope, calendar| {
            figures::figures(reader, side, &query, scope, calendar, now)
        })
        .await
    }

    /// Asks for a figure, once what every row means is up to date.
    async fn of_entries<T: Send + 'static>(
        &self,
        span: (Timestamp, Timestamp),
        ask: impl FnOnce(&Reader<'_>, &Scope, &Calendar) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Fault> {
        let config = self.config.borrow().config.clone();
        let services = self.services()?;
        sync::bring_entries_up_to_date(&services.store).await?;
        let read = services.store.read(move |reader| {
            let scope = scope(&Ledger::read(reader, &config)?, &config);
            ask(reader, &scope, &calendar(&config, span))
        });
        Ok(read.await?)
    }
}

fn begins_before_it_ends(since: Timestamp, until: Timestamp) -> Result<(), Fault> {
    if since < until {
        return Ok(());
    }
    let hint = "give `since` before `until`";
    Err(Fault::new(FaultKind::InvalidParams, "the period ends before it begins", hint))
}

/// The accounts and pots that figures are of.
fn scope(ledger: &Ledger, config: &Config) -> Scope {
    let owner = |account: &StoredAccount| {
        let pot = ledger.pots.iter().find(|pot| Some(&pot.id) == account.pot_id.as_ref());
        pot.and_then(|pot| ledger.accounts.iter().find(|account| account.id == pot.account_id))
    };
    let share = |account: &StoredAccount| {
        let account = owner(account).unwrap_or(account);
        let name = account.name(&ledger.names).to_lowercase();
        let named = |given: &str| given == account.id.as_str() || given.to_lowercase() == name;
        let share = config.share.iter().find(|(given, _)| named(given));
        share.map_or(WHOLE, |(_, share)| share.0)
    };
    let account = |stored: &StoredAccount| {
        let shown = ledger.account(stored);
        ScopedAccount {
            share: share(stored),
            id: shown.id,
            name: shown.name,
            pot: shown.pot_id,
            excluded: shown.excluded,
            currency: shown.currency,
            created_at: stored.created_at,
        }
    };
    let pot = |stored: &StoredPot| {
        let shown = ledger.pot(stored);
        ScopedPot {
            id: shown.id,
            account: shown.account_id,
            name: shown.name,
            behind: shown.pot_current_id,
            excluded: shown.excluded,
            created_at: stored.created_at,
        }
    };
    Scope {
        accounts: ledger.accounts.iter().map(account).collect(),
        pots: ledger.pots.iter().map(pot).collect(),
        categories: config.categories.clone(),
    }
}

/// The calendar of a span, with the paydays that its comparisons may need.
fn calendar(config: &Config, (since, until): (Timestamp, Timestamp)) -> Calendar {
    let zone = config.time.zone.rules().clone();
    let day = |at: Timestamp| at.to_zoned(zone.clone()).date();
    let first = day(since).checked_sub(BEFORE.months()).unwrap_or(Date::MIN);
    let last = day(until).checked_add(3.months()).unwrap_or(Date::MAX);
    let dates = config.paydays.first().map(|payday| {
        let from = paydays::Rhythmic::of(payday).from(first).map(|pay| pay.date);
        from.take_while(|date| *date <= last).collect()
    });
    Calendar { zone, paydays: dates.unwrap_or_default() }
}

/// How far before a period its comparisons reach, in months: the cycle of a year before, and six like periods. Taste.
const BEFORE: i32 = 15;
