//! `completions`, and the names that the scripts ask for.
//!
//! The scripts are generated from the command line's types; what only the daemon knows they ask `__complete` for.

use monzo_common::api::ApiClient;
use monzo_common::permission::PERMISSIONS;

use crate::args::{self, Names};
use crate::client::Daemon;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::find::Named;
use crate::session::Session;
use crate::view;

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
        Names::Methods => PERMISSIONS.iter().map(|permission| permission.method.to_owned()).collect(),
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
    if matches!(kind, Names::Accounts | Names::Places) {
        names.extend(live(&client.accounts(false).await?));
    }
    if matches!(kind, Names::Pots | Names::Places) {
        names.extend(live(&client.pots().await?));
    }
    match kind {
        Names::Backups => names.extend(client.backup_list().await?.into_iter().map(|backup| backup.name)),
        Names::Attention => {
            names.extend(client.status().await?.attention.into_iter().map(|attention| attention.id));
        }
        Names::Grants => {
            let grants = client.access_list().await?.grants;
            names.extend(grants.into_iter().filter(|grant| grant.origin == "added").map(|grant| grant.who));
        }
        Names::Accounts | Names::Pots | Names::Places | Names::Methods | Names::Periods => {}
    }
    Ok(names)
}

fn live<T: Named>(things: &[T]) -> impl Iterator<Item = String> {
    things.iter().filter(|thing| thing.live()).map(|thing| thing.name().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::Fake;
    use crate::view::fixture::{account, pot};

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
    async fn words_need_no_daemon() {
        let nowhere = ["--socket", "/no/such/socket"];
        let fake = Fake::new();
        let ran = fake.run(&[&nowhere[..], &["__complete", "periods"]].concat(), "").await;
        assert!(String::from_utf8_lossy(&ran.out).contains("last-tax-year\n"), "{ran}");
        let ran = fake.run(&[&nowhere[..], &["completions", "bash"]].concat(), "").await;
        assert_eq!(ran.exit, Exit::Done, "{ran}");
    }
}
