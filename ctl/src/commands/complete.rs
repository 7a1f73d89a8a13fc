//! `completions`, and the names that the scripts ask for.
//!
//! The scripts are generated from the command line's types; what only the daemon knows they ask `__complete` for.

use monzo_common::api::METHODS;
use monzo_common::api::client::*;

use super::approval::waiting;
use crate::args::{self, Names};
use crate::client::Daemon;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::find::Named;
use crate::session::Session;
use crate::view;

/// So many runs are offered; older ones are typed.
const RECENT: u32 = 20;

/// Words for periods; days and months are typed.
const PERIODS: [&str; 18] = [
    "today",
    "yesterday",
    "this-month",
    "last-month",
    "this-cycle",
    "last-cycle",
    "next-payday",
    "tax-year",
    "last-tax-year",
    "7d",
    "30d",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

/// `completions`
pub(super) fn completions(args: &args::Completions, session: &mut Session) -> Result<Exit, Failure> {
    session.print(&view::completion(args.shell, args::visible()))?;
    Ok(Exit::Done)
}

/// `__complete`: a name a line; nothing where the daemon cannot be asked.
pub(super) async fn names(args: &args::Complete, session: &mut Session) -> Result<Exit, Failure> {
    let names = match args.names {
        Names::Methods => METHODS.iter().map(|method| method.name.to_owned()).collect(),
        Names::Periods => PERIODS.map(str::to_owned).to_vec(),
        kind => {
            let daemon = session.connect().await?;
            known(kind, &daemon).await?
        }
    };
    let text: String = names.iter().map(|name| format!("{}\n", view::clean(name))).collect();
    session.print(&text)?;
    Ok(Exit::Done)
}

async fn known(kind: Names, daemon: &Daemon) -> Result<Vec<String>, Failure> {
    let client = &daemon.client;
    let mut names = Vec::new();
    if matches!(kind, Names::Accounts | Names::Places | Names::Things) {
        names.extend(live(&client.accounts(false).await?));
    }
    if matches!(kind, Names::Pots | Names::Places | Names::Things | Names::Subjects) {
        names.extend(live(&client.pots().await?));
    }
    if matches!(kind, Names::Rules | Names::Things | Names::Subjects) {
        names.extend(live(&client.rules().await?));
    }
    if matches!(kind, Names::Bills | Names::Subjects) {
        names.extend(live(&client.bills(false).await?));
    }
    if matches!(kind, Names::Runs | Names::Subjects) {
        let page = client.runs(None, None, Some(RECENT)).await?;
        names.extend(page.runs.into_iter().map(|run| run.id));
    }
    match kind {
        Names::Proposals => names.extend(waiting(daemon).await?.into_iter().map(|run| run.id)),
        Names::Backups => names.extend(client.backup_list().await?.into_iter().map(|backup| backup.name)),
        Names::Attention => {
            names.extend(client.status().await?.attention.into_iter().map(|attention| attention.id));
        }
        Names::Grants => {
            let grants = client.access_list().await?.grants;
            names.extend(grants.into_iter().filter(|grant| grant.origin == "added").map(|grant| grant.who));
        }
        Names::Accounts
        | Names::Pots
        | Names::Places
        | Names::Things
        | Names::Rules
        | Names::Runs
        | Names::Bills
        | Names::Subjects
        | Names::Methods
        | Names::Periods => {}
    }
    Ok(names)
}

fn live<T: Named>(things: &[T]) -> impl Iterator<Item = String> {
    things.iter().filter(|thing| thing.live()).map(|thing| thing.name().to_owned())
}

#[cfg(test)]
mod tests {
    use monzo_common::model::{Run, RunPage, RunState};

    use super::*;
    use crate::fake::Fake;
    use crate::view::fixture::{self, account, pot};

    #[tokio::test]
    async fn names_are_the_live_ones_a_line_each() {
        let mut closed = account("acc_2", "Old", None);
        closed.closed = true;
        let fake = Fake::new()
            .says("accounts.list", &[account("acc_1", "Current", None), closed])
            .says("pots.list", &[pot("pot_1", "Rainy\nDay", 0)]);
        let ran = fake.run(&["__complete", "places"], "").await;
        assert_eq!(String::from_utf8_lossy(&ran.out), "Current\nRainy Day\n");
    }

    #[tokio::test]
    async fn rules_and_runs_are_offered_and_to_approve_only_what_waits() {
        let mut status = fixture::status();
        status.sorter.proposed = 1;
        let runs = vec![
            fixture::run(RunState::Done),
            Run { id: "run_8".into(), ..fixture::run(RunState::Proposed) },
        ];
        let fake = Fake::new()
            .says("system.status", &status)
            .says("autosort.rules", &[fixture::rule("payday")])
            .says("autosort.runs", &RunPage { runs, cursor: None })
            .says("pots.list", &[pot("pot_1", "Bills", 0)])
            .says("insight.bills", &[fixture::bill("Gym")])
            .says("accounts.list", &[account("acc_1", "Current", None)]);
        for (kind, expected) in [
            ("rules", "payday\n"),
            ("runs", "run_7k\nrun_8\n"),
            ("proposals", "run_8\n"),
            ("subjects", "Bills\npayday\nGym\nrun_7k\nrun_8\n"),
            ("bills", "Gym\n"),
            ("things", "Current\nBills\npayday\n"),
        ] {
            let ran = fake.run(&["__complete", kind], "").await;
            assert_eq!(String::from_utf8_lossy(&ran.out), expected, "{kind}");
        }
    }

    #[tokio::test]
    async fn words_need_no_daemon() {
        let nowhere = ["--socket", "/no/such/socket"];
        let fake = Fake::new();
        let ran = fake.run(&[&nowhere[..], &["__complete", "periods"]].concat(), "").await;
        assert!(String::from_utf8_lossy(&ran.out).contains("last-tax-year\n"), "{ran}");
        let ran = fake.run(&[&nowhere[..], &["completions", "bash"]].concat(), "").await;
        assert_eq!(ran.exit, Exit::Done, "{ran}");
    }
}
