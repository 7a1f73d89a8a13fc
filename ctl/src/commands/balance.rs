//! `balance`: now, on a past day, or over time.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use monzo_common::api::client::*;
use monzo_common::model::Balance;

use super::accounts::{AccountOrPot, places};
use super::status::unread;
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
    let at = args.at.as_deref().map(|day| daemon.time.end_of(day)).transpose()?;
    let mut balances = daemon.client.balances(at).await?;
    let mut unlisted = None;
    if let Some(typed) = &args.name {
        let places = places(daemon).await?;
        let place = find::find(typed, &places)?;
        balances.retain(|balance| is_of(balance, place));
        if let AccountOrPot::Pot(pot) = place {
            unlisted = pot.unlisted_at.map(|since| (pot.name.clone(), since));
        }
    }
    let style = session.look(&daemon.time);
    session.print_list("balances", columns::BALANCE, &balances, || view::balances(&balances, &style))?;
    if let Some((name, since)) = unlisted {
        let since = daemon.time.minute(since);
        session.note(&format!(
            "The bank has not listed {} since {since}, so what it holds is not known.",
            view::clean(&name)
        ))?;
    } else if balances.is_empty() {
        unread(daemon, session).await?;
    }
    Ok(Exit::Done)
}

fn is_of(balance: &Balance, place: &AccountOrPot) -> bool {
    match place {
        AccountOrPot::Account(account) => match &account.pot_id {
            // A hidden account's balance is its pot's.
            Some(pot) => balance.pot_id.as_ref() == Some(pot),
            None => balance.pot_id.is_none() && balance.account_id == account.id,
        },
        AccountOrPot::Pot(pot) => balance.pot_id.as_ref() == Some(&pot.id),
    }
}

async fn history(args: &args::Balance, daemon: &Daemon, session: &mut Session) -> Result<Exit, Failure> {
    let (since, until) = ends(&args.span, &daemon.time)?;
    let until = until.unwrap_or(daemon.time.now).min(daemon.time.now);
    let since = since.unwrap_or_else(|| until.checked_sub(BACK).unwrap_or(until));
    if since >= until {
        return Err(Failure::usage("the period lies ahead", "the past is shown, for example `-p 30d`"));
    }
    let places = places(daemon).await?;
    let place = args.name.as_deref().map(|typed| find::find(typed, &places)).transpose()?;
    let id = place.map(|place| place.id().to_owned());
    let points = daemon.client.balance_history(id, since, until).await?;
    let mut first = daemon.client.balances(Some(since)).await?;
    first.retain(|balance| place.map_or(balance.pot_id.is_none(), |place| is_of(balance, place)));
    let names: BTreeMap<String, String> =
        places.iter().map(|place| (place.id().to_owned(), place.name().to_owned())).collect();
    let style = session.look(&daemon.time);
    session.print_list("points", columns::POINT, &points, || {
        view::history(&points, &names, &style) + &view::unknown(&first, &style)
    })?;
    if points.is_empty() {
        unread(daemon, session).await?;
    }
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use monzo_common::model::{Balance, BalancePoint};
    use monzo_common::money::Currency;

    use crate::fake::Fake;
    use crate::view::fixture::{account, now, pot};

    fn fake() -> Fake {
        let balance = |pot_id: Option<&str>, name: &str, balance| Balance {
            account_id: "acc_1".into(),
            pot_id: pot_id.map(Into::into),
            name: name.into(),
            balance: Some(balance),
            total_balance: pot_id.is_none().then_some(123_456),
            spend_today: pot_id.is_none().then_some(-1_250),
            currency: Currency::GBP,
            at: now(),
            known_from: None,
        };
        let point = BalancePoint {
            account_id: "acc_1".into(),
            pot_id: Some("pot_1".into()),
            at: now(),
            balance: 100,
            currency: Currency::GBP,
        };
        Fake::new()
            .says(
                "balances.list",
                &[balance(None, "Current", 23_456), balance(Some("pot_1"), "Holiday", 100_000)],
            )
            .says("insight.balances", &[point])
            .says("accounts.list", &[account("acc_1", "Current", None)])
            .says("pots.list", &[pot("pot_1", "Holiday", 100_000)])
    }

    #[tokio::test]
    async fn balances_now_and_of_one_thing_on_a_past_day() {
        let fake = fake();
        insta::assert_snapshot!(fake.run(&["balance"], "").await, @r"
        exit 0
        --- out
        NAME         BALANCE  WITH POTS  SPENT (BANK)  AS OF
        Current      £234.56  £1,234.56        £12.50  2026-07-22 11:00
          Holiday  £1,000.00                           2026-07-22 11:00
        --- err
        ");
        insta::assert_snapshot!(fake.run(&["balance", "holiday", "--at", "2026-04-05", "-o", "csv"], "").await, @r"
        exit 0
        --- out
        account_id,pot_id,name,balance,total_balance,spend_today,currency,at,known_from
        acc_1,pot_1,Holiday,100000,,,GBP,2026-07-22T10:00:00Z,
        --- err
        ");
        insta::assert_snapshot!(fake.calls(), @r#"
        balances.list {"at":null}
        balances.list {"at":"2026-04-05T22:59:59.999Z"}
        accounts.list {"hidden":true}
        pots.list
        "#);
    }

    #[tokio::test]
    async fn a_history_ends_now_and_a_period_needs_it() {
        let fake = fake();
        insta::assert_snapshot!(fake.run(&["balance", "Holiday", "--history", "-p", "tax-year"], "").await, @r"
        exit 0
        --- out
        WHEN              NAME     BALANCE
        2026-07-22 11:00  Holiday    £1.00
        --- err
        ");
        insta::assert_snapshot!(fake.calls(), @r#"
        accounts.list {"hidden":true}
        pots.list
        insight.balances {"id":"pot_1","since":"2026-04-05T23:00:00Z","until":"2026-07-22T10:00:00Z"}
        balances.list {"at":"2026-04-05T23:00:00Z"}
        "#);
        insta::assert_snapshot!(fake.run(&["balance", "-p", "30d"], "").await, @r"
        exit 2
        --- out
        --- err
        error: a period goes with --history
        try: add --history, or use --at DAY
        ");
    }
}
