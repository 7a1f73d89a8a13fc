//! `balance`: now, on a past day, or over time.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use monzo_common::api::ApiClient;

use super::accounts::{Place, places};
use super::transactions::ends;
use crate::args;
use crate::client::Daemon;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::find::{self, Named};
use crate::session::Session;
use crate::view::{self, columns};

/// How far back a history goes unless a period is given; taste.
const BACK: SignedDuration = SignedDuration::from_hours(90 * 24);

/// `balance`
pub(super) async fn run(args: &args::Balance, session: &mut Session) -> Result<Exit, Failure> {
    let given = [&args.span.period, &args.span.since, &args.span.until].iter().any(|end| end.is_some());
    if given && !args.history {
        return Err(Failure::usage("a period goes with --history", "add --history, or use --at DAY"));
    }
    let daemon = session.connect().await?;
    if args.history { history(args, &daemon, session).await } else { balances(args, &daemon, session).await }
}

async fn balances(args: &args::Balance, daemon: &Daemon, session: &mut Session) -> Result<Exit, Failure> {
    let at = args.at.as_deref().map(|day| daemon.here.end_of(day)).transpose()?;
    let mut balances = daemon.client.balances(at).await?;
    if let Some(typed) = &args.name {
        let places = places(daemon).await?;
        let place = find::find(typed, &places)?;
        balances.retain(|balance| match place {
            Place::Account(account) => match &account.pot_id {
                // A hidden account's balance is its pot's.
                Some(pot) => balance.pot_id.as_ref() == Some(pot),
                None => balance.pot_id.is_none() && balance.account_id == account.id,
            },
            Place::Pot(pot) => balance.pot_id.as_ref() == Some(&pot.id),
        });
    }
    let look = session.look(&daemon.here);
    session.list("balances", columns::BALANCE, &balances, || view::balances(&balances, &look))?;
    Ok(Exit::Done)
}

async fn history(args: &args::Balance, daemon: &Daemon, session: &mut Session) -> Result<Exit, Failure> {
    let (since, until) = ends(&args.span, &daemon.here)?;
    let until = until.unwrap_or(daemon.here.now).min(daemon.here.now);
    let since = since.unwrap_or_else(|| until.checked_sub(BACK).unwrap_or(until));
    if since >= until {
        return Err(Failure::usage("the period lies ahead", "the past is shown, for example `-p 30d`"));
    }
    let places = places(daemon).await?;
    let id = match &args.name {
        None => None,
        Some(typed) => Some(find::find(typed, &places)?.id().to_owned()),
    };
    let points = daemon.client.balance_history(id, since, until).await?;
    let names: BTreeMap<String, String> =
        places.iter().map(|place| (place.id().to_owned(), place.name().to_owned())).collect();
    let look = session.look(&daemon.here);
    session.list("points", columns::POINT, &points, || view::history(&points, &names, &look))?;
    Ok(Exit::Done)
}
