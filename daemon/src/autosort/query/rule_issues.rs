//! What a person should look at besides runs: names that no longer fit, incomes that are late, payments to make.

use crate::autosort::decide::decision::off;
use crate::autosort::decide::names;
use crate::autosort::decide::occurrence::{self, OccurrenceInputs, Overdue};
use crate::autosort::decide::trouble::{needs_app, thaw_command};
use crate::autosort::decide::world::World;
use crate::autosort::run::error::SorterError;
use crate::autosort::snapshot::trigger_inputs;
use crate::autosort::{Services, clock_text};

/// One thing that a person should look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleIssue {
    /// Which rule, income or payment: the same while it lasts.
    pub subject: String,
    /// What is the matter, in words.
    pub message: String,
}

impl RuleIssue {
    fn new(subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self { subject: subject.into(), message: message.into() }
    }
}

/// A pot that only the app moves money of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppPotIssue {
    /// Which way of which pot.
    pub issue: RuleIssue,
    /// The command that lets it be tried again.
    pub thaw: String,
}

/// What a person should look at, of all rules.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuleIssues {
    /// Rules with something the matter at the bank.
    pub rules: Vec<RuleIssue>,
    /// Expected incomes that have not come.
    pub incomes: Vec<RuleIssue>,
    /// Payments that are left to the person.
    pub asks: Vec<RuleIssue>,
    /// Pots that only the app moves money of.
    pub app_pots: Vec<AppPotIssue>,
}

/// That an income is late, in a sentence.
pub(crate) fn late(one: &Overdue, world: &World, zone: &jiff::tz::TimeZone) -> String {
    let nearest: Vec<String> = one
        .nearest
        .iter()
        .map(|row| {
            let money = world.money(&row.account, row.amount);
            format!("{money} from {} on {}", row.from, clock_text(row.created_at, zone))
        })
        .collect();
    let nearest = if nearest.is_empty() {
        "nothing came near that day".to_owned()
    } else {
        format!("what came is {}", nearest.join(", "))
    };
    let day = one.date.strftime("%-d %b");
    format!("the income of the payday {} of {day} has not come; {nearest}", one.payday)
}

/// What a person should look at now, of all rules.
pub async fn rule_issues(services: &Services) -> Result<RuleIssues, SorterError> {
    let settings = services.settings();
    let world = services.world().await?;
    let mut issues = RuleIssues::default();
    // Before the first sync no name can mean anything.
    if !world.accounts.is_empty() {
        for rule in settings.sorter.rules.iter().filter(|rule| !off(rule, &settings)) {
            let found = names::resolve(rule, &world);
            let what: Vec<String> = found.problems.into_iter().map(|problem| problem.message).collect();
            if !what.is_empty() {
                issues.rules.push(RuleIssue::new(&rule.name, what.join("; ")));
            }
        }
        // A floor that holds for no account protects nothing.
        let of_none = |given: &&String| names::accounts_called(&world, given).is_empty();
        for given in settings.sorter.floors.keys().filter(of_none) {
            let what =
                format!("`account_floor` names ‘{given}’, which is no account: its floor holds for none");
            issues.rules.push(RuleIssue::new(format!("account_floor/{given}"), what));
        }
    }
    for pot in world.pots.iter().filter(|pot| !pot.deleted && pot.unlisted_at.is_none()) {
        for (way, out, refusal) in
            [("out", true, &pot.refuses_withdrawals), ("in", false, &pot.refuses_deposits)]
        {
            let Some(refusal) = refusal else { continue };
            let what = format!("{} {}", pot.name, needs_app(refusal, out));
            let issue = RuleIssue::new(format!("{}:{way}", pot.id), what);
            issues.app_pots.push(AppPotIssue { issue, thaw: thaw_command(&pot.name) });
        }
    }
    for one in overdue(services).await? {
        let subject = format!("{}:{}", one.payday, one.date);
        issues.incomes.push(RuleIssue::new(subject, late(&one, &world, &settings.zone)));
    }
    for ask in services.store.read(|reader| reader.open_asks()).await? {
        let money = world.money(&ask.account_id, ask.amount);
        let from = world.account_name(&ask.account_id);
        let what = format!("pay {money} from {from} to {}: the bank lets only the app do it", ask.payee);
        issues.asks.push(RuleIssue::new(format!("{}/{}", ask.run_id, ask.step), what));
    }
    Ok(issues)
}

/// Expected incomes that have not come.
pub(crate) async fn overdue(services: &Services) -> Result<Vec<Overdue>, SorterError> {
    let (settings, now) = (services.settings(), services.clock.now());
    let read = services.store.read(|reader| reader.last_success_at()).await?;
    if read.is_none() || settings.paydays.iter().all(|payday| payday.income.is_none()) {
        return Ok(Vec::new());
    }
    let credits = trigger_inputs::credits(services).await?;
    let (zone, paydays) = (&settings.zone, &settings.paydays[..]);
    Ok(occurrence::overdue(&OccurrenceInputs { now, zone, paydays, sync: None, credits: &credits }))
}
