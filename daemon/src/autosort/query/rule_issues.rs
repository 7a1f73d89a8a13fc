//! What a person should look at besides runs: names that no longer fit, incomes that are late, payments to make.

use crate::autosort::decide::decision::off;
use crate::autosort::decide::occurrence::{self, Facts, Overdue};
use crate::autosort::decide::trouble::{needs_app, thaw_command};
use crate::autosort::decide::world::World;
use crate::autosort::decide::{names, plan};
use crate::autosort::run::error::SorterError;
use crate::autosort::snapshot::world::floor_means;
use crate::autosort::{Sorter, clock_text};
use crate::events::{Happened, Kind};
use crate::monzo::marks;
use crate::store::{PossibleAnswer, StoredAsk, StoredRun};

/// What a person should look at, of all rules.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuleIssues {
    /// Rules with something the matter at the bank: the rule, and what.
    pub rules: Vec<(String, String)>,
    /// Expected incomes that have not come: which, and a sentence.
    pub incomes: Vec<(String, String)>,
    /// Payments that are left to the person: which, and a sentence.
    pub asks: Vec<(String, String)>,
    /// Pots that only the app moves money of: which, a sentence, and the command that tries it again.
    pub app_pots: Vec<(String, String, String)>,
}

/// What a run asks a person to pay.
pub(crate) fn asks_of(run: &StoredRun) -> Vec<StoredAsk> {
    plan::asks(&run.plan.steps)
        .map(|(step, target)| StoredAsk {
            run_id: run.id.clone(),
            step,
            account_id: run.account_id.clone(),
            payee: target.name.clone(),
            amount: target.amount,
            // Whoever pays when the proposal comes, and approves it after that, has paid.
            asked_at: run.plan.as_of,
        })
        .collect()
}

/// Whether a payment of the right amount went to whom it was asked for.
fn answers(payee: &str, account: Option<&str>, row: &PossibleAnswer) -> bool {
    let payee = payee.to_lowercase();
    let named = |text: &str| text.to_lowercase().contains(&payee);
    let to_account = || account.is_some_and(|id| marks(&row.raw).other_account.as_deref() == Some(id));
    named(&row.counterparty) || named(&row.description) || to_account()
}

fn late(one: &Overdue, world: &World, zone: &jiff::tz::TimeZone) -> String {
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

impl Sorter {
    /// What a person should look at now, of all rules.
    pub async fn rule_issues(&self) -> Result<RuleIssues, SorterError> {
        let settings = self.settings();
        let world = self.world().await?;
        let mut issues = RuleIssues::default();
        // Before the first sync no name can mean anything.
        if !world.accounts.is_empty() {
            for rule in settings.sorter.rules.iter().filter(|rule| !off(rule, &settings)) {
                let found = names::resolve(rule, &world);
                let what: Vec<String> = found.problems.into_iter().map(|problem| problem.message).collect();
                if !what.is_empty() {
                    issues.rules.push((rule.name.clone(), what.join("; ")));
                }
            }
            // A floor that holds for no account protects nothing.
            let of_none = |given: &&String| {
                !world.accounts.iter().any(|one| floor_means(given, one.id.as_str(), &one.name))
            };
            for given in settings.sorter.floors.keys().filter(of_none) {
                let what =
                    format!("`account_floor` names ‘{given}’, which is no account: its floor holds for none");
                issues.rules.push((format!("account_floor/{given}"), what));
            }
        }
        for pot in world.pots.iter().filter(|pot| !pot.deleted && pot.unlisted_at.is_none()) {
            for (way, out, refusal) in
                [("out", true, &pot.refuses_withdrawals), ("in", false, &pot.refuses_deposits)]
            {
                let Some(refusal) = refusal else { continue };
                let what = format!("{} {}", pot.name, needs_app(refusal, out));
                issues.app_pots.push((format!("{}:{way}", pot.id), what, thaw_command(&pot.name)));
            }
        }
        for one in self.overdue().await? {
            issues.incomes.push((format!("{}:{}", one.payday, one.date), late(&one, &world, &settings.zone)));
        }
        for ask in self.store.read(|reader| reader.open_asks()).await? {
            let money = world.money(&ask.account_id, ask.amount);
            let from = world.account_name(&ask.account_id);
            let what = format!("pay {money} from {from} to {}: the bank lets only the app do it", ask.payee);
            issues.asks.push((format!("{}/{}", ask.run_id, ask.step), what));
        }
        Ok(issues)
    }

    /// Expected incomes that have not come.
    async fn overdue(&self) -> Result<Vec<Overdue>, SorterError> {
        let (settings, now) = (self.settings(), self.clock.now());
        let read = self.store.read(|reader| reader.last_success_at()).await?;
        if read.is_none() || settings.paydays.iter().all(|payday| payday.income.is_none()) {
            return Ok(Vec::new());
        }
        let credits = self.credits().await?;
        let (zone, paydays) = (&settings.zone, &settings.paydays[..]);
        Ok(occurrence::overdue(&Facts { now, zone, paydays, sync: None, credits: &credits }))
    }

    /// After a sync: says once what was renamed or is late, and ticks off what was paid.
    pub(crate) async fn look_at_rule_issues(&self) -> Result<(), SorterError> {
        self.tick_off().await?;
        let settings = self.settings();
        let world = self.world().await?;
        for rule in &settings.sorter.rules {
            let found = names::resolve(rule, &world);
            let now = found.notes.join("\n");
            if let Some(before) = self.changed_note(&format!("renamed/{}", rule.name), &now).await? {
                let told: Vec<&str> = before.lines().collect();
                for note in found.notes.iter().filter(|note| !told.contains(&note.as_str())) {
                    self.event_log
                        .record(Happened::new(Kind::NameChanged, note.as_str()).rule(&rule.name))
                        .await;
                }
            }
        }
        for one in self.overdue().await? {
            let key = format!("income_late/{}", one.payday);
            if self.changed_note(&key, &one.date.to_string()).await?.is_some() {
                self.event_log
                    .record(Happened::new(Kind::IncomeLate, late(&one, &world, &settings.zone)))
                    .await;
            }
        }
        Ok(())
    }

    /// Keeps what was told last; answers what that was before, where it is something else now.
    async fn changed_note(&self, key: &str, now: &str) -> Result<Option<String>, SorterError> {
        let (key, now) = (key.to_owned(), now.to_owned());
        let asked = key.clone();
        let before = self.store.read(move |reader| reader.meta(&asked)).await?.unwrap_or_default();
        if before == now {
            return Ok(None);
        }
        self.store.write(move |writer| writer.set_meta(&key, &now)).await?;
        Ok(Some(before))
    }

    /// Looks for the payments that were asked for.
    async fn tick_off(&self) -> Result<(), SorterError> {
        let open = self.store.read(|reader| reader.open_asks()).await?;
        if open.is_empty() {
            return Ok(());
        }
        let world = self.world().await?;
        for ask in open {
            let own =
                world.accounts.iter().find(|account| account.name.to_lowercase() == ask.payee.to_lowercase());
            let asked = ask.clone();
            let rows = self.store.read(move |reader| reader.possible_answers(&asked)).await?;
            let id = own.map(|account| account.id.as_str());
            let Some(row) = rows.into_iter().find(|row| answers(&ask.payee, id, row)) else { continue };
            let (kept, now, transaction) = (ask.clone(), self.clock.now(), row.transaction_id.clone());
            if self.store.write(move |writer| writer.ask_paid(&kept, &transaction, now)).await? {
                let money = world.money(&ask.account_id, ask.amount);
                let message = format!("{money} to {} was paid, as a run had asked", ask.payee);
                let happened = Happened::new(Kind::AskPaid, message).account(ask.account_id.as_str());
                self.event_log.record(happened.transaction(row.transaction_id)).await;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(counterparty: &str, description: &str, raw: &str) -> PossibleAnswer {
        PossibleAnswer {
            transaction_id: "tx_1".to_owned(),
            counterparty: counterparty.to_owned(),
            description: description.to_owned(),
            raw: raw.to_owned(),
        }
    }

    #[test]
    fn a_payment_answers_by_the_name_of_either_side_or_the_account_that_it_went_to() {
        assert!(answers("joint", None, &row("Our Joint Account", "", "")));
        assert!(answers("Landlord", None, &row("", "LANDLORD LTD", "")));
        let raw = r#"{"counterparty":{"account_id":"acc_2"}}"#;
        assert!(answers("Joint", Some("acc_2"), &row("J Bloggs", "J Bloggs", raw)));
        assert!(!answers("Joint", Some("acc_3"), &row("J Bloggs", "J Bloggs", raw)));
        assert!(!answers("Joint", None, &row("J Bloggs", "J Bloggs", raw)));
    }
}
