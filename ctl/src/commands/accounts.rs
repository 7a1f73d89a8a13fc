//! `accounts`, `pots` and `exclude`.

use monzo_common::api::client::*;
use monzo_common::id::{AccountId, PotId};
use monzo_common::model::{Account, ExclusionChange, Pot};

use super::status::unread;
use crate::args::{self, ExcludeCommand};
use crate::client::Daemon;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::find::{self, Named};
use crate::session::Session;
use crate::view::{self, columns};

/// An account or a pot, where either can be meant.
pub(super) enum AccountOrPot {
    /// An account.
    Account(Account),
    /// A pot.
    Pot(Pot),
}

impl Named for AccountOrPot {
    const NOUN: &'static str = "account or pot";
    const LISTED_BY: &'static str = "monzoctl accounts` and `monzoctl pots";

    fn id(&self) -> &str {
        match self {
            Self::Account(account) => Named::id(account),
            Self::Pot(pot) => Named::id(pot),
        }
    }

    fn name(&self) -> &str {
        match self {
            Self::Account(account) => Named::name(account),
            Self::Pot(pot) => Named::name(pot),
        }
    }

    fn live(&self) -> bool {
        match self {
            Self::Account(account) => account.live(),
            Self::Pot(pot) => pot.live(),
        }
    }
}

/// The ids of the accounts that were typed, hidden ones included.
pub(super) async fn account_ids(typed: &[String], daemon: &Daemon) -> Result<Vec<AccountId>, Failure> {
    if typed.is_empty() {
        return Ok(Vec::new());
    }
    let known = daemon.client.accounts(true).await?;
    typed.iter().map(|typed| Ok(find::find(typed, &known)?.id.clone())).collect()
}

/// The id of the pot that was typed, if one was.
pub(super) async fn pot_id(typed: Option<&str>, daemon: &Daemon) -> Result<Option<PotId>, Failure> {
    let Some(typed) = typed else { return Ok(None) };
    Ok(Some(find::find(typed, &daemon.client.pots().await?)?.id.clone()))
}

/// All accounts, hidden ones too, and all pots.
pub(super) async fn places(daemon: &Daemon) -> Result<Vec<AccountOrPot>, Failure> {
    let accounts = daemon.client.accounts(true).await?;
    let pots = daemon.client.pots().await?;
    Ok(accounts
        .into_iter()
        .map(AccountOrPot::Account)
        .chain(pots.into_iter().map(AccountOrPot::Pot))
        .collect())
}

/// `accounts`
pub(super) async fn accounts(args: &args::Accounts, session: &mut Session) -> Result<Exit, Failure> {
    let daemon = session.connect().await?;
    let mut accounts = daemon.client.accounts(args.hidden).await?;
    accounts.extend(daemon.client.left_out_accounts().await?);
    let style = session.look(&daemon.time);
    session.print_list("accounts", columns::ACCOUNT, &accounts, || view::accounts(&accounts, &style))?;
    if accounts.is_empty() {
        unread(&daemon, session).await?;
    }
    Ok(Exit::Done)
}

/// `pots`
pub(super) async fn pots(session: &mut Session) -> Result<Exit, Failure> {
    let daemon = session.connect().await?;
    let pots = daemon.client.pots().await?;
    let accounts = daemon.client.accounts(false).await?;
    let style = session.look(&daemon.time);
    session.print_list("pots", columns::POT, &pots, || {
        let live: Vec<Pot> = pots.iter().filter(|pot| !pot.deleted).cloned().collect();
        view::pots(&live, &accounts, &style)
    })?;
    if pots.is_empty() {
        unread(&daemon, session).await?;
    }
    Ok(Exit::Done)
}

/// `exclude`
pub(super) async fn exclude(args: &args::Exclude, session: &mut Session) -> Result<Exit, Failure> {
    let daemon = session.connect().await?;
    match args.command.as_ref().unwrap_or(&ExcludeCommand::List) {
        ExcludeCommand::List => {
            let exclusions = daemon.client.exclusions().await?;
            let style = session.look(&daemon.time);
            session.print_list("exclusions", columns::EXCLUSION, &exclusions, || {
                view::exclusions(&exclusions, &style)
            })?;
        }
        ExcludeCommand::Add { name } => {
            let id = id_of(&daemon, name).await?;
            let change = daemon.client.exclude(id).await?;
            told(session, &change, "is now excluded", "was excluded already")?;
        }
        ExcludeCommand::Remove { name } => {
            let id = id_of(&daemon, name).await?;
            let change = daemon.client.include(id).await?;
            told(session, &change, "is no longer excluded", "was not excluded by hand")?;
        }
    }
    Ok(Exit::Done)
}

async fn id_of(daemon: &Daemon, typed: &str) -> Result<String, Failure> {
    let places = places(daemon).await?;
    Ok(find::find(typed, &places)?.id().to_owned())
}

fn told(session: &mut Session, change: &ExclusionChange, now: &str, already: &str) -> Result<(), Failure> {
    let words = if change.changed { now } else { already };
    session.print_one("change", change, || format!("{} {words}.\n", view::clean(&change.exclusion.name)))
}
