//! From what is stored to a plan: facts are read at one instant, the pure rooms decide, and the guards judge.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use monzo_common::model::{Excluded, Plan};
use sha2::{Digest, Sha256};

use crate::autosort::decide::guard::{self, Held, Limits, Verdict};
use crate::autosort::decide::names::{self, Resolved};
use crate::autosort::decide::plan::Facts;
use crate::autosort::decide::world::{self, World};
use crate::autosort::decide::{balances, calendar, plan};
use crate::autosort::snapshot::books::Books;
use crate::autosort::{Settings, Sorter};
use crate::rule::{By, Mode, Payday, Place, Rule, Step};
use crate::store::{Reader, StoreError};

/// So many paydays are looked at: weekly ones of twenty years.
const MOST_PAYDAYS: usize = 1_100;

/// A plan with what it was made of.
#[derive(Debug, Clone)]
pub(crate) struct Planned {
    /// The plan.
    pub(crate) plan: Plan,
    /// The rule with the bank's ids.
    pub(crate) resolved: Resolved,
    /// What may become of it.
    pub(crate) verdict: Verdict,
    /// What holds any plan back now, whatever it would move.
    pub(crate) now: Vec<Held>,
}

/// What a plan is made for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Purpose {
    /// The credit that fired, in minor units.
    pub(crate) income: Option<i64>,
    /// The run's own payday.
    pub(crate) payday: Option<Date>,
    /// Why a person should look first.
    pub(crate) propose: Vec<String>,
    /// A person asked for it.
    pub(crate) approved: bool,
    /// It is only shown: how old the facts are is said beside it, and not held against it.
    pub(crate) shown: bool,
}

/// The hash of a rule's text.
pub(crate) fn text_hash(rule: &Rule) -> String {
    Sha256::digest(&rule.text).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// The name under which a place of a rule is remembered.
fn bound_name(rule: &str, place: &Place) -> String {
    format!("{rule}/{place}")
}

const fn bound_kind(place: &Place) -> Excluded {
    match place {
        Place::Account(_) => Excluded::Account,
        Place::Pot { .. } => Excluded::Pot,
    }
}

/// Every place that a rule names.
pub(crate) fn places(rule: &Rule) -> Vec<Place> {
    let steps = rule.steps.iter().flat_map(names::places).cloned();
    std::iter::once(rule.source.clone()).chain(steps).collect()
}

impl Sorter {
    /// A rule by its name, whatever the case.
    pub(crate) fn rule(&self, name: &str) -> Option<Rule> {
        let settings = self.settings.borrow();
        let same = |rule: &&Rule| rule.name.to_lowercase() == name.to_lowercase();
        settings.sorter.rules.iter().find(same).cloned()
    }

    /// The bank's objects as values, with what the rule's names meant before.
    pub(crate) async fn world(&self, books: &Books, rule: &Rule) -> Result<World, StoreError> {
        Ok(world_of(books, self.bound(rule).await?, &self.settings().sorter.withdraw_from))
    }

    /// What the rule's names meant when they first meant something.
    pub(crate) async fn bound(&self, rule: &Rule) -> Result<BTreeMap<Place, String>, StoreError> {
        let wanted: Vec<(Place, String)> =
            places(rule).into_iter().map(|place| (place.clone(), bound_name(&rule.name, &place))).collect();
        let read = self.store.read(move |reader| {
            let mut bound = BTreeMap::new();
            for (place, name) in wanted {
                if let Some(id) = reader.bound(bound_kind(&place), &name)? {
                    bound.insert(place, id);
                }
            }
            Ok(bound)
        });
        read.await
    }

    /// What a rule would move at an instant, by what is stored.
    pub(crate) async fn plan_of(
        &self,
        rule: &Rule,
        at: Timestamp,
        purpose: &Purpose,
    ) -> Result<Planned, StoreError> {
        let (books, settings) = (self.books().await?, self.settings());
        let world = self.world(&books, rule).await?;
        let resolved = names::resolve(rule, &world);
        self.remember(rule, &resolved).await?;
        let today = calendar::local_date(at, &settings.zone);
        let paydays = paydays(&settings.paydays, purpose.payday.unwrap_or(today), rule);
        let facts = Facts {
            as_of: at,
            today,
            income: purpose.income,
            paydays,
            levels: self.levels(&resolved, at, purpose.payday).await?,
            guardrails: guard::text(&settings.sorter),
        };
        let mut plan = plan::plan(&resolved, &facts);
        plan.one_way = balances::one_way(&books, &settings.sorter, &plan.transfers);
        let limits = self.limits(rule, &resolved, &world, &books, purpose, at).await?;
        let verdict = guard::guard(&plan, &limits);
        Ok(Planned { plan, resolved, verdict, now: guard::of_the_moment(&limits) })
    }

    /// Binds the rule's names to what they mean now; those that are bound stay so.
    async fn remember(&self, rule: &Rule, resolved: &Resolved) -> Result<(), StoreError> {
        let now = self.clock.now();
        let bound: Vec<(Excluded, String, String)> = resolved
            .bound
            .iter()
            .map(|(place, id)| (bound_kind(place), bound_name(&rule.name, place), id.clone()))
            .collect();
        if bound.is_empty() {
            return Ok(());
        }
        let known = bound.clone();
        let new = self.store.read(move |reader| {
            let mut new = false;
            for (kind, name, _) in &known {
                new |= reader.bound(*kind, name)?.is_none();
            }
            Ok(new)
        });
        if new.await? {
            self.store
                .write(move |writer| {
                    for (kind, name, id) in &bound {
                        writer.bind(*kind, name, id, now)?;
                    }
                    Ok(())
                })
                .await?;
        }
        Ok(())
    }

    async fn limits(
        &self,
        rule: &Rule,
        resolved: &Resolved,
        world: &World,
        books: &Books,
        purpose: &Purpose,
        at: Timestamp,
    ) -> Result<Limits, StoreError> {
        let settings = self.settings();
        let sorter = &settings.sorter;
        let account = resolved.source.as_ref().map(|source| source.account.clone());
        let id = account.as_ref().map(|account| account.id.clone());
        // Another account that cannot be read makes what is known of this one no older.
        let synced = move |reader: &Reader<'_>| match id {
            Some(id) => Ok((reader.freezes(at)?, reader.account(&id)?.read_at)),
            None => Ok((reader.freezes(at)?, reader.last_success_at()?)),
        };
        let (frozen, synced_at) = self.store.read(synced).await?;
        let holds =
            frozen.into_iter().find(|freeze| freeze.rule.as_deref().is_none_or(|name| name == rule.name));
        let balance = account.as_ref().and_then(|account| account.balance).unwrap_or(0);
        let (begin, end) = calendar::day(at, &calendar::london());
        let moved_today = self.store.read(move |reader| reader.moved_between(begin, end)).await?;
        Ok(Limits {
            mode: rule.mode.unwrap_or(sorter.mode),
            approved: purpose.approved,
            propose: purpose.propose.clone(),
            max_per_run: sorter.max_per_run,
            max_per_day: sorter.max_per_day,
            moved_today,
            account_floor: account
                .as_ref()
                .map_or(sorter.account_floor, |account| books.floor(&account.id, sorter)),
            began_with: balance,
            balance,
            account: account
                .as_ref()
                .and_then(|account| names::usable(account).err())
                .map(|trouble| trouble.to_string()),
            pots: account.as_ref().map(|account| names::doors(world, &account.id)).unwrap_or_default(),
            frozen: holds.as_ref().map(crate::autosort::frozen),
            local: at.to_zoned(calendar::london()).time(),
            quiet_hours: sorter.quiet_hours,
            move_deadline: sorter.move_deadline,
            now: at,
            synced_at: if purpose.shown { Some(at) } else { synced_at },
            max_staleness: sorter.max_staleness,
            skew: self.clock.skew().map(|skew| -skew),
        })
    }
}

/// The bank's objects as the pure rooms know them.
pub(crate) fn world_of(books: &Books, bound: BTreeMap<Place, String>, withdraw_from: &[Place]) -> World {
    let accounts =
        books.accounts.iter().filter(|account| account.pot_id.is_none()).map(|account| world::Account {
            id: account.id.clone(),
            name: account.name(&books.names),
            kind: account.kind.clone(),
            currency: account.currency,
            balance: account.balance,
            closed: account.closed,
            excluded: books.exclusions.account(&account.id),
        });
    let pots = books.pots.iter().map(|pot| world::Pot {
        id: pot.id.clone(),
        account_id: pot.account_id.clone(),
        name: pot.name(&books.names).to_owned(),
        kind: pot.kind.clone(),
        currency: pot.currency,
        balance: pot.balance,
        goal: pot.goal,
        locked: pot.locked,
        deleted: pot.deleted,
        unlisted: pot.unlisted_at.is_some(),
        excluded: books.exclusions.pot(&pot.id, &pot.account_id),
        isa: pot.isa,
        charity: pot.charity,
        refuses_deposits: books.app_pot(&pot.id, false).is_some(),
        refuses_withdrawals: books.app_pot(&pot.id, true).is_some(),
    });
    World { accounts: accounts.collect(), pots: pots.collect(), bound, withdraw_from: withdraw_from.to_vec() }
}

/// A run's own payday and the later ones, a year and a bit ahead, or as far as the last fund of the rule reaches.
pub(crate) fn paydays(calendars: &[Payday], day: Date, rule: &Rule) -> Vec<Date> {
    let Some(payday) = calendars.first() else { return Vec::new() };
    let own = calendar::from(payday, day, 1).first().map(|found| found.date).filter(|date| *date == day);
    let own = own.or_else(|| calendar::before(payday, day));
    let year = day.checked_add(SignedDuration::from_hours(24 * 400)).unwrap_or(Date::MAX);
    let funds = rule.steps.iter().filter_map(|step| match step {
        Step::Pot { by: Some(By { year: Some(year), .. }), .. } => Date::new(*year, 12, 31).ok(),
        _ => None,
    });
    let horizon = funds.fold(year, Date::max);
    let later = calendar::from(payday, day, MOST_PAYDAYS).into_iter().map(|found| found.date);
    let later = later.take_while(|date| *date <= horizon);
    let mut all: Vec<Date> = own.into_iter().chain(later).collect();
    all.dedup();
    all
}

/// Why a rule does not run by itself, before anything else is looked at.
pub(crate) fn off(rule: &Rule, settings: &Settings) -> bool {
    settings.sorter.mode == Mode::Off || rule.mode == Some(Mode::Off) || !rule.enabled
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::autosort::decide::fixtures;
    use crate::rule::{Adjust, Day, Nation, Rhythm};

    #[test]
    fn paydays_reach_as_far_as_the_last_fund_of_a_rule() {
        let monthly = Payday {
            name: "main".to_owned(),
            rhythm: Rhythm::Monthly(Day::Of(28)),
            adjust: Adjust::None,
            nation: Nation::EnglandAndWales,
            extra_holidays: Vec::new(),
            income: None,
        };
        let fund = |year| Step::Pot {
            pot: fixtures::pot("Car"),
            amount: None,
            up_to: Some(100),
            by: Some(By { year, month: 3, day: 1 }),
            max: None,
        };
        let last = |step| {
            let rule = fixtures::rule(0, vec![step]);
            let all = paydays(std::slice::from_ref(&monthly), date(2026, 11, 28), &rule);
            assert_eq!(all.first(), Some(&date(2026, 11, 28)));
            all.last().copied()
        };
        assert_eq!(last(fund(None)), Some(date(2027, 12, 28)));
        assert_eq!(last(fund(Some(2031))), Some(date(2031, 12, 28)));
    }
}
