//! What becomes of a rule now: a pure function of one snapshot.

use jiff::SignedDuration;
use jiff::civil::Date;
use monzo_common::model::{Excluded, Plan, RuleMode};
use sha2::{Digest, Sha256};

use super::guard::{self, Limits, Verdict, Violation};
use super::names::{Resolved, bound_name};
use super::plan::PlanInputs;
use super::world::World;
use super::{balances, calendar, plan};
use crate::autosort::Settings;
use crate::autosort::snapshot::{Snapshot, bill_inputs};
use crate::rule::{AccountOrPotName, By, Payday, Rule, Step};

/// So many paydays are looked at: weekly ones of twenty years.
const MOST_PAYDAYS: usize = 1_100;

/// What a plan is made for.
#[derive(Debug, Clone, Default)]
pub struct Purpose {
    /// The credit that fired, in minor units.
    pub income: Option<i64>,
    /// The run's own payday.
    pub payday: Option<Date>,
    /// Why a person should look first.
    pub propose: Vec<String>,
    /// A person asked for it.
    pub approved: bool,
    /// It is only shown: how old the facts are is said beside it, and not held against it.
    pub shown: bool,
}

/// A plan, and what may become of it.
#[derive(Debug, Clone)]
pub struct Decision {
    /// The plan.
    pub plan: Plan,
    /// The rule with the bank's ids.
    pub resolved: Resolved,
    /// What may become of it.
    pub verdict: Verdict,
    /// What holds any plan back now, whatever it would move.
    pub now: Vec<Violation>,
    /// Names that are to be bound to what they mean now.
    pub bind: Vec<Binding>,
}

impl Decision {
    /// The plan, which says what holds it back.
    pub fn explained(self) -> Plan {
        let mut plan = self.plan;
        for guard in self.verdict.reasons() {
            if !plan.guards.contains(&guard) {
                plan.guards.push(guard);
            }
        }
        plan
    }
}

/// A name of a rule, and what it means from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// An account or a pot.
    pub kind: Excluded,
    /// As [`bound_name`] spells it.
    pub name: String,
    /// The bank's id.
    pub id: String,
}

/// What a rule would move at the instant of a snapshot, and what may become of that.
pub fn decide(snapshot: &Snapshot, purpose: &Purpose) -> Decision {
    let Snapshot { world, resolved, .. } = snapshot;
    let mut plan = plan::plan(resolved, &facts(snapshot, purpose));
    plan.one_way = balances::one_way(world, &plan.transfers);
    let limits = limits(snapshot, purpose);
    let verdict = guard::guard(&plan, world, &limits);
    let bind = bindings(&snapshot.rule, resolved, world);
    Decision { plan, resolved: resolved.clone(), verdict, now: guard::of_the_moment(&limits), bind }
}

/// What changed since a plan of the snapshot's rule was made so that its moves may not be made any more.
pub fn changed(snapshot: &Snapshot, plan: &Plan, purpose: &Purpose) -> Vec<String> {
    plan::changed(plan, &snapshot.resolved, &facts(snapshot, purpose))
}

fn facts(snapshot: &Snapshot, purpose: &Purpose) -> PlanInputs {
    let Snapshot { settings, rule, .. } = snapshot;
    let at = snapshot.world.as_of;
    let today = calendar::local_date(at, &settings.zone);
    PlanInputs {
        as_of: at,
        today,
        income: purpose.income,
        paydays: paydays(&settings.paydays, purpose.payday.unwrap_or(today), rule),
        levels: bill_inputs::levels_at(&snapshot.bills, &snapshot.resolved, settings, at, purpose.payday),
        guardrails: guard::text(&settings.sorter),
    }
}

fn limits(snapshot: &Snapshot, purpose: &Purpose) -> Limits {
    let Snapshot { settings, rule, .. } = snapshot;
    let (sorter, at) = (&settings.sorter, snapshot.world.as_of);
    let frozen =
        snapshot.freezes.iter().find(|freeze| freeze.rule.as_deref().is_none_or(|name| name == rule.name));
    Limits {
        mode: rule.mode.unwrap_or(sorter.mode),
        approved: purpose.approved,
        propose: purpose.propose.clone(),
        max_per_run: sorter.max_per_run,
        max_per_day: sorter.max_per_day,
        moved_today: snapshot.moved_today,
        frozen: frozen.map(crate::autosort::frozen),
        local: at.to_zoned(calendar::london()).time(),
        quiet_hours: sorter.quiet_hours,
        move_deadline: sorter.move_deadline,
        now: at,
        synced_at: if purpose.shown { Some(at) } else { snapshot.synced_at },
        max_staleness: sorter.max_staleness,
        skew: snapshot.skew.map(|skew| -skew),
    }
}

/// The names of a rule that mean something for the first time.
pub fn bindings(rule: &Rule, resolved: &Resolved, world: &World) -> Vec<Binding> {
    let all = resolved.bound.iter().map(|(place, id)| Binding {
        kind: match place {
            AccountOrPotName::Account(_) => Excluded::Account,
            AccountOrPotName::Pot { .. } => Excluded::Pot,
        },
        name: bound_name(&rule.name, place),
        id: id.clone(),
    });
    all.filter(|one| !world.bound.contains_key(&one.name)).collect()
}

/// The hash of a rule's text.
pub fn text_hash(rule: &Rule) -> String {
    Sha256::digest(&rule.text).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// Every place that a rule names.
pub fn places(rule: &Rule) -> Vec<AccountOrPotName> {
    let steps = rule.steps.iter().flat_map(Step::places).cloned();
    std::iter::once(rule.source.clone()).chain(steps).collect()
}

/// A run's own payday and the later ones, a year and a bit ahead, or as far as the last fund of the rule reaches.
pub fn paydays(calendars: &[Payday], day: Date, rule: &Rule) -> Vec<Date> {
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
pub fn off(rule: &Rule, settings: &Settings) -> bool {
    settings.sorter.mode == RuleMode::Off || rule.mode == Some(RuleMode::Off) || !rule.enabled
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use monzo_common::model::StepKind;

    use super::super::fixtures;
    use super::*;
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
            written: StepKind::Pot,
            target: fixtures::pot("Car"),
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
