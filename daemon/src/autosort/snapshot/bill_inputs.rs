//! What the bills of a rule's pots cost, read from the ledger for the pure module that adds them up (autosort/README.md, Bills).

use std::collections::BTreeMap;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use monzo_common::id::PotId;

use crate::autosort::Settings;
use crate::autosort::decide::bills::{
    self, Calendar, Cycle, Hidden, Level, Look, MainRow, NotKnown, PotBills, PotRow, Predicted,
};
use crate::autosort::decide::calendar;
use crate::autosort::decide::names::Resolved;
use crate::autosort::decide::world::{Holder, Pot};
use crate::insight::bills::{self as known_bills, Known};
use crate::insight::{history, recurring};
use crate::monzo::{row_flags, series};
use crate::rule::{Payday, Step};
use crate::store::{PlainRow, Reader, StoreError, StoredBillWord, StoredPot};

/// How far back bills are learnt from: an annual one twice.
pub(crate) const BACK: SignedDuration = SignedDuration::from_hours(24 * 800);

/// How far ahead bills are predicted.
const AHEAD: SignedDuration = SignedDuration::from_hours(24 * 400);

/// What bills are learnt from, read once for all the moments that it is asked about.
pub(crate) struct Ledger {
    payments: Vec<recurring::Row>,
    words: Vec<StoredBillWord>,
    pots: BTreeMap<PotId, PotHistory>,
}

/// What is stored of a pot that pays bills.
struct PotHistory {
    hidden: Option<Hidden>,
    main: Vec<MainRow>,
    balances: Vec<(Timestamp, i64)>,
}

impl Ledger {
    /// What the bills of a rule's pots are learnt from, for moments up to `until`, of which the first may be as early
    /// as `since` and as long again as bills are looked for.
    pub(crate) fn read(
        reader: &Reader<'_>,
        resolved: &Resolved,
        zone: &TimeZone,
        (since, until): (Timestamp, Timestamp),
    ) -> Result<Self, StoreError> {
        let pots: Vec<PotId> = bill_pots(resolved).map(|(_, _, pot)| pot.id.clone()).collect();
        if pots.is_empty() {
            return Ok(Self { payments: Vec::new(), words: Vec::new(), pots: BTreeMap::new() });
        }
        let payments = recurring::of_pots(history::payments(reader, (since, until), zone, series)?);
        let mut kept = BTreeMap::new();
        for pot in reader.pots()?.into_iter().filter(|pot| pots.contains(&pot.id)) {
            kept.insert(pot.id.clone(), PotHistory::read(reader, &pot, (since, until), zone)?);
        }
        Ok(Self { payments, words: reader.bill_words()?, pots: kept })
    }
}

impl PotHistory {
    fn read(
        reader: &Reader<'_>,
        pot: &StoredPot,
        (since, until): (Timestamp, Timestamp),
        zone: &TimeZone,
    ) -> Result<Self, StoreError> {
        let day = |at: Timestamp| calendar::local_date(at, zone);
        let main = reader.plain_rows(&pot.account_id, since, until)?;
        let balances = reader.balance_points(&pot.account_id, Some(&pot.id), since, until)?;
        let hidden = match &pot.pot_current_id {
            None => None,
            Some(account) => {
                let (from, to) = reader.covered(account)?.unwrap_or((until, until));
                // Covered since the pot was made is covered from the beginning.
                let whole = pot.created_at.is_some_and(|made| from <= made);
                let rows = reader.plain_rows(account, since, until)?;
                Some(Hidden {
                    covered_from: if whole { Timestamp::MIN } else { from },
                    covered_to: to,
                    rows: rows.iter().map(|row| pot_row(row, day(row.at))).collect(),
                })
            }
        };
        // Cards of the account pay nothing of a pot, and are most of its rows.
        let near = main.iter().map(|row| main_row(row, day(row.at)));
        Ok(Self {
            hidden,
            main: near.filter(|row| !row.unlike_a_bill || row.bills_pot_id.is_some()).collect(),
            balances: balances.into_iter().map(|point| (point.at, point.balance)).collect(),
        })
    }

    /// As it was known at an instant.
    fn until(&self, at: Timestamp) -> (Option<Hidden>, Vec<MainRow>, Vec<(Timestamp, i64)>) {
        let hidden = self.hidden.as_ref().map(|hidden| Hidden {
            covered_from: hidden.covered_from,
            covered_to: hidden.covered_to.min(at),
            rows: hidden.rows.iter().filter(|row| row.at <= at).cloned().collect(),
        });
        let main = self.main.iter().filter(|row| row.at <= at).cloned().collect();
        (hidden, main, self.balances.iter().filter(|(when, _)| *when <= at).copied().collect())
    }
}

/// What pots have to hold, by the step's number.
pub(crate) type Levels = BTreeMap<u32, Result<Level, NotKnown>>;

/// The pots of a rule's `bills` steps, with the step's number from 1 and how it looks at them.
fn bill_pots(resolved: &Resolved) -> impl Iterator<Item = (u32, Look, &Pot)> {
    let steps = (1_u32..).zip(resolved.rule.steps.iter().zip(&resolved.targets));
    steps.filter_map(|(index, (step, targets))| {
        let Step::Bills { basis, horizon, until_known, .. } = step else { return None };
        let Some(Holder::Pot(pot)) = &targets.first()?.holder else { return None };
        let look = Look { basis: *basis, horizon: *horizon, until_known: *until_known };
        Some((index, look, pot))
    })
}

/// What the pots of a rule's `bills` steps had to hold at an instant, as far as was known then.
pub(crate) fn levels_at(
    ledger: &Ledger,
    resolved: &Resolved,
    settings: &Settings,
    at: Timestamp,
    own: Option<Date>,
) -> Levels {
    let mut levels = BTreeMap::new();
    let today = calendar::local_date(at, &settings.zone);
    let mut predicted: Option<Vec<Known>> = None;
    for (index, look, pot) in bill_pots(resolved) {
        let payday = settings.paydays.first();
        let known = payday.and_then(|payday| Some((payday, calendar_of(payday, settings, at, own)?)));
        let Some((payday, calendar)) = known else {
            levels.insert(index, Err(NotKnown::NoCycle));
            continue;
        };
        let all = predicted.get_or_insert_with(|| {
            let since = today.checked_sub(BACK).unwrap_or(Date::MIN);
            let known = ledger.payments.iter().filter(|row| since <= row.date && row.date <= today);
            let known: Vec<recurring::Row> = known.cloned().collect();
            let horizon = today.checked_add(AHEAD).unwrap_or(Date::MAX);
            let rhythm = calendar::Rhythmic::of(payday);
            known_bills::known(&known, &ledger.words, (today, horizon), &|day| rhythm.is_working(day))
        });
        let (hidden, main, balances) =
            ledger.pots.get(&pot.id).map_or_else(Default::default, |kept| kept.until(at));
        let found = PotBills {
            predicted: known_bills::of_pot(all, &pot.id).filter_map(Predicted::of).collect(),
            pot_id: pot.id.clone(),
            name: pot.name.clone(),
            hidden,
            main,
            balances,
        };
        levels.insert(index, bills::level(&found, &calendar, look));
    }
    levels
}

fn pot_row(row: &PlainRow, date: Date) -> PotRow {
    PotRow {
        at: row.at,
        date,
        amount: row.amount,
        name: row.name.clone(),
        transfer: row.scheme.ends_with("_pot"),
        interest: row.scheme.contains("interest"),
        trigger: row.trigger.clone(),
        pot_to_pot: row.raw.as_deref().is_some_and(|raw| row_flags(raw).pot_to_pot),
        external_id: row.external_id.clone(),
    }
}

fn main_row(row: &PlainRow, date: Date) -> MainRow {
    MainRow {
        at: row.at,
        date,
        amount: row.amount,
        name: row.name.clone(),
        bills_pot_id: row.bills_pot_id.clone(),
        unlike_a_bill: row.scheme == "mastercard" || row.scheme.ends_with("_pot"),
    }
}

/// Where a run stands among the paydays.
fn calendar_of(payday: &Payday, settings: &Settings, at: Timestamp, own: Option<Date>) -> Option<Calendar> {
    let zone = &settings.zone;
    let now: DateTime = at.to_zoned(zone.clone()).datetime();
    // Only a payday is a run's own: the date of a rule that goes by the week or the day is none.
    let own = own.filter(|own| calendar::from(payday, *own, 1).first().is_some_and(|day| day.date == *own));
    let own = own.or_else(|| calendar::cycle(payday, at, zone).map(|cycle| cycle.payday))?;
    let next = calendar::after(payday, own)?;
    let back = own.checked_sub(BACK).ok()?;
    let ahead = own.checked_add(AHEAD).unwrap_or(Date::MAX);
    let paydays: Vec<Date> = calendar::Rhythmic::of(payday)
        .from(back)
        .map(|found| found.date)
        .take_while(|date| *date <= ahead)
        .take(1_000)
        .collect();
    let cycles = paydays.windows(2).filter_map(|pair| {
        let [from, until] = pair else { return None };
        let cycle = Cycle {
            payday: *from,
            from: calendar::midnight(*from, zone)?,
            until: calendar::midnight(*until, zone)?,
        };
        (cycle.until <= at).then_some(cycle)
    });
    Some(Calendar { now, own, next: next.to_datetime(Time::midnight()), cycles: cycles.collect(), paydays })
}
