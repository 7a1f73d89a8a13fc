//! What the ledger suggests: rules as commented TOML, and the pay calendar that it shows.

use jiff::SignedDuration;
use jiff::civil::Date;
use monzo_common::id::PotId;
use monzo_common::model::{PaydayCalendar, Suggestion};

use crate::autosort::Services;
use crate::autosort::decide::plan::words::money;
use crate::autosort::decide::world::{Account, Pot};
use crate::autosort::query::rules::payday_calendars;
use crate::autosort::study::learnt::{Learnt, learn};
use crate::autosort::study::suggest::{self, Kind, SuggestionInputs};
use crate::insight::bills;
use crate::store::StoreError;

/// Months that spending is measured over.
const MONTHS: i64 = 3;

/// The next payments of the bills that a pot pays, each in a sentence, the soonest first.
pub async fn coming_bills(services: &Services, pot: &PotId) -> Result<Vec<String>, StoreError> {
    let learnt = learn(services).await?;
    let next = bills::of_pot(&learnt.known, pot).filter_map(|bill| Some((bill.next.as_ref()?, &bill.name)));
    let mut next: Vec<_> = next.map(|(due, name)| (due.date, name, due.amount)).collect();
    next.sort_unstable();
    let told = |(date, name, amount): (Date, &String, i64)| {
        format!("it pays {name} next on {}, up to {}", date.strftime("%-d %b %Y"), money(amount))
    };
    Ok(next.into_iter().map(told).collect())
}

/// Rules that the ledger suggests, of one kind or of all; `folder` is where drop-ins go.
pub async fn suggestion(
    services: &Services,
    kind: Option<Kind>,
    folder: String,
) -> Result<Suggestion, StoreError> {
    let (world, settings) = (services.world().await?, services.settings());
    let Learnt { pays, known, deposits, rows, today, .. } = learn(services).await?;
    let bills = known.into_iter().filter(|known| !known.ignored).map(|known| known.bill).collect();
    let since = today.checked_sub(SignedDuration::from_hours(24 * 30 * MONTHS)).unwrap_or(Date::MIN);
    let spent = |id: &monzo_common::id::AccountId| {
        let of = rows.iter().filter(|row| row.account == *id && row.date >= since && row.amount < 0);
        of.fold(0_i64, |sum, row| sum.saturating_sub(row.amount)) / MONTHS
    };
    let open = |account: &&Account| !account.closed && !account.excluded;
    let accounts = world.accounts.iter().filter(open).map(|account| suggest::Account {
        id: account.id.clone(),
        name: account.name.clone(),
        spent_a_month: spent(&account.id),
    });
    let kept = |pot: &&Pot| !pot.deleted && !pot.isa && !pot.charity && !pot.excluded;
    let pots = world.pots.iter().filter(kept).map(|pot| suggest::Pot {
        id: pot.id.clone(),
        account: pot.account_id.clone(),
        name: pot.name.clone(),
        kind: pot.kind.clone(),
        balance: pot.balance,
        goal: pot.goal,
        locked: pot.locked,
    });
    let facts = SuggestionInputs {
        pays,
        bills,
        deposits,
        accounts: accounts.collect(),
        pots: pots.collect(),
        has_payday: !settings.paydays.is_empty(),
        rules: settings.sorter.rules.iter().map(|rule| rule.name.clone()).collect(),
        folder,
    };
    Ok(suggest::suggest(kind, &facts))
}

/// The pay calendars with their next paydays; without any, the one that the ledger shows.
pub async fn paydays(services: &Services, count: u32) -> Result<Vec<PaydayCalendar>, StoreError> {
    let configured = payday_calendars(services, count);
    if !configured.is_empty() {
        return Ok(configured);
    }
    let learnt = learn(services).await?;
    let shown = usize::try_from(count).unwrap_or(usize::MAX);
    let found = learnt.pays.first().map(|pay| {
        let mut found = pay.calendar("main");
        found.next.truncate(shown);
        found
    });
    Ok(found.into_iter().collect())
}
