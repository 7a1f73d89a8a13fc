//! What the bills of a rule's pots cost, read from the ledger for the pure room that adds them up (autosorter.md 3.4).

use std::collections::BTreeMap;

use jiff::civil::{Date, DateTime, Time};
use jiff::{SignedDuration, Timestamp};
use monzo_common::id::PotId;

use super::bills::{
    self, Calendar, Cycle, Hidden, Level, Look, MainRow, NotKnown, PotBills, PotRow, Predicted,
};
use super::resolve::Resolved;
use super::rule::{Payday, Rule, Step};
use super::world::Holder;
use super::{Settings, Sorter, calendar};
use crate::insight::{history, recurring};
use crate::monzo::{marks, wire};
use crate::store::{PlainRow, StoreError};

/// How far back bills are learnt from: an annual one twice.
const BACK: SignedDuration = SignedDuration::from_hours(24 * 800);

/// How far ahead bills are predicted.
const AHEAD: SignedDuration = SignedDuration::from_hours(24 * 400);

impl Sorter {
    /// What the pots of a rule's `bills` steps have to hold, by the step's number.
    pub(super) async fn levels(
        &self,
        rule: &Rule,
        resolved: &Resolved,
        at: Timestamp,
        own: Option<Date>,
    ) -> Result<BTreeMap<u32, Result<Level, NotKnown>>, StoreError> {
        let settings = self.settings();
        let mut levels = BTreeMap::new();
        let mut predicted = None;
        for ((index, step), targets) in (1_u32..).zip(&rule.steps).zip(&resolved.targets) {
            let Step::Bills { basis, horizon, until_known, .. } = step else { continue };
            let Some(Holder::Pot(pot)) = targets.first().and_then(|target| target.holder.as_ref()) else {
                continue;
            };
            let Some(payday) = settings.paydays.first() else {
                levels.insert(index, Err(NotKnown::NoCycle));
                continue;
            };
            let Some(calendar) = calendar_of(payday, &settings, at, own) else {
                levels.insert(index, Err(NotKnown::NoCycle));
                continue;
            };
            let all = match predicted.take() {
                Some(all) => all,
                None => self.predicted(payday, &settings, at).await?,
            };
            let (id, name) = (pot.id.clone(), pot.name.clone());
            let found = self.pot_bills(id, name, &all, at).await?;
            predicted = Some(all);
            let look = Look { basis: *basis, horizon: *horizon, until_known: *until_known };
            levels.insert(index, bills::level(&found, &calendar, look));
        }
        Ok(levels)
    }

    async fn predicted(
        &self,
        payday: &Payday,
        settings: &Settings,
        at: Timestamp,
    ) -> Result<Vec<recurring::Bill>, StoreError> {
        let zone = settings.zone.clone();
        let since = at.checked_sub(BACK).unwrap_or(Timestamp::MIN);
        let rows = self
            .store
            .read(move |reader| history::payments(reader, (since, at), &zone, wire::series))
            .await?;
        let today = calendar::local_date(at, &settings.zone);
        let horizon = today.checked_add(AHEAD).unwrap_or(Date::MAX);
        let rhythm = calendar::Rhythmic::of(payday);
        Ok(recurring::bills(&recurring::of_pots(rows), today, horizon, &|day| rhythm.is_working(day)))
    }

    async fn pot_bills(
        &self,
        id: PotId,
        name: String,
        predicted: &[recurring::Bill],
        at: Timestamp,
    ) -> Result<PotBills, StoreError> {
        let zone = self.settings().zone;
        let pot = id.clone();
        let since = at.checked_sub(BACK).unwrap_or(Timestamp::MIN);
        let read = self.store.read(move |reader| {
            let kept = reader.pots()?.into_iter().find(|kept| kept.id == pot);
            let Some(kept) = kept else { return Ok((None, Vec::new(), Vec::new())) };
            let main = reader.plain_rows(&kept.account_id, since, at)?;
            let balances = reader.balance_points(&kept.account_id, Some(&pot), since, at)?;
            let hidden = match &kept.pot_current_id {
                None => None,
                Some(account) => {
                    let covered = reader.covered(account)?;
                    let whole = kept.created_at;
                    Some((covered, whole, reader.plain_rows(account, since, at)?))
                }
            };
            Ok((hidden, main, balances))
        });
        let (hidden, main, balances) = read.await?;
        let day = |at: Timestamp| calendar::local_date(at, &zone);
        let hidden = hidden.map(|(covered, made, rows)| {
            let (from, to) = covered.unwrap_or((at, at));
            // Covered since the pot was made is covered from the beginning.
            let from = if made.is_some_and(|made| from <= made) { Timestamp::MIN } else { from };
            Hidden {
                covered_from: from,
                covered_to: to,
                rows: rows.iter().map(|row| pot_row(row, day(row.at))).collect(),
            }
        });
        let of_pot = |bill: &&recurring::Bill| !bill.ended && bill.pot.as_ref() == Some(&id);
        let predicted = predicted.iter().filter(of_pot).filter_map(Predicted::of);
        Ok(PotBills {
            predicted: predicted.collect(),
            pot_id: id.clone(),
            name,
            hidden,
            main: main.iter().map(|row| main_row(row, day(row.at))).collect(),
            balances: balances.into_iter().map(|point| (point.at, point.balance)).collect(),
        })
    }
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
        pot_to_pot: marks(&row.raw).pot_to_pot,
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
