//! Accounts, pots and exclusions.

use monzo_common::model::{Account, Excluded, Exclusion, Pot};
use monzo_common::money::{Currency, Money};

use super::chart::bar;
use super::style::{Paint, Style};
use super::table::{Align, Table};

/// An amount, or a dash where it is not known.
pub(super) fn amount(minor: Option<i64>, currency: Currency) -> String {
    minor.map_or_else(|| "–".to_owned(), |minor| Money::new(minor, currency).to_string())
}

/// The words for what is special about something, joined.
fn words(facts: &[(bool, &'static str)]) -> String {
    facts.iter().filter(|(holds, _)| *holds).map(|(_, word)| *word).collect::<Vec<_>>().join(", ")
}

/// `accounts`
pub fn accounts(accounts: &[Account], style: &Style) -> String {
    if accounts.is_empty() {
        return "No accounts.\n".to_owned();
    }
    let mut table = Table::new(&[
        ("NAME", Align::Flexible),
        ("TYPE", Align::Left),
        ("BALANCE", Align::Right),
        ("WITH POTS", Align::Right),
        ("ID", Align::Left),
        ("", Align::Left),
    ])
    .sparing(&["TYPE", "WITH POTS"]);
    for account in accounts {
        let state = words(&[
            (account.closed, "closed"),
            (account.excluded, "excluded"),
            (account.left_out, "not synced"),
        ]);
        let quiet = account.closed || account.excluded || account.left_out;
        let paint = if quiet { Paint::Quiet } else { Paint::Plain };
        table.painted([
            (&account.name, paint),
            (&account.kind, Paint::Quiet),
            (&amount(account.balance, account.currency), paint),
            (&amount(account.total_balance, account.currency), paint),
            (account.id.as_str(), Paint::Quiet),
            (&state, Paint::Note),
        ]);
    }
    let mut text = table.take(style);
    if let Some(account) = accounts.iter().find(|account| account.left_out && !account.closed) {
        text.push_str(&format!(
            "\nTo sync an account that is not synced, add its id to `accounts` in the [monzo] section of the\n\
             configuration, for example \"{}\", then run `monzoctl config reload` and `monzoctl login`.\n",
            super::clean(account.id.as_str())
        ));
    }
    text
}

/// Cells of a goal's bar; taste.
const BAR: usize = 10;

/// `pots`
pub fn pots(pots: &[Pot], accounts: &[Account], style: &Style) -> String {
    if pots.is_empty() {
        return "No pots.\n".to_owned();
    }
    let mut table = Table::new(&[
        ("NAME", Align::Flexible),
        ("BALANCE", Align::Right),
        ("GOAL", Align::Right),
        ("REACHED", Align::Left),
        ("ACCOUNT", Align::Flexible),
        ("ID", Align::Left),
        ("", Align::Left),
    ])
    .sparing(&["ACCOUNT", "REACHED", "GOAL"]);
    for pot in pots {
        let owner = accounts.iter().find(|account| account.id == pot.account_id);
        let owner = owner.map_or(pot.account_id.as_str(), |account| &account.name);
        let state = pot_state(pot, style);
        let paint = if pot.deleted || pot.excluded { Paint::Quiet } else { Paint::Plain };
        let goal = pot.goal.filter(|goal| *goal > 0);
        table.painted([
            (&pot.name, paint),
            (&amount(held(pot), pot.currency), paint),
            (&goal.map(|goal| amount(Some(goal), pot.currency)).unwrap_or_default(), Paint::Quiet),
            (&goal.map(|goal| progress(pot.balance, goal)).unwrap_or_default(), Paint::Good),
            (owner, Paint::Quiet),
            (pot.id.as_str(), Paint::Quiet),
            (&state, Paint::Note),
        ]);
    }
    table.take(style)
}

/// What a pot holds, in minor units; nothing where the bank no longer says.
fn held(pot: &Pot) -> Option<i64> {
    pot.unlisted_at.is_none().then_some(pot.balance)
}

/// What is special about a pot: each needs of the app with its date.
fn pot_state(pot: &Pot, style: &Style) -> String {
    let mut state = match pot.unlisted_at {
        Some(at) => vec![format!("not listed by the bank since {}", style.time.minute(at))],
        None => vec![words(&[(pot.deleted, "deleted")])],
    };
    state.push(words(&[(pot.locked, "locked"), (pot.excluded, "excluded")]));
    state.extend(pot.needs_app.iter().map(|needs| {
        let way = if needs.way == "out" { "out of it" } else { "into it" };
        format!("needs the app since {} (money {way})", style.time.day(needs.since_at))
    }));
    state.push(words(&[(pot.available_for_bills && !pot.deleted, "can pay bills")]));
    state.retain(|part| !part.is_empty());
    state.join(", ")
}

/// `████▌      45%`
fn progress(balance: i64, goal: i64) -> String {
    let part = i128::from(balance.max(0)) * 100 / i128::from(goal.max(1));
    let percent = usize::try_from(part).unwrap_or(usize::MAX);
    format!("{} {percent:>3}%", bar(percent, 100, BAR))
}

/// `show ACCOUNT`
pub fn show_account(account: &Account, style: &Style) -> String {
    facts(
        style,
        &[
            ("Account", account.name.clone()),
            ("Id", account.id.to_string()),
            ("Type", account.kind.clone()),
            ("Balance", amount(account.balance, account.currency)),
            ("With pots", amount(account.total_balance, account.currency)),
            ("Pot", account.pot_id.as_ref().map(ToString::to_string).unwrap_or_default()),
            ("State", words(&[(account.closed, "closed"), (account.excluded, "excluded")])),
        ],
    )
}

/// `show POT`
pub fn show_pot(pot: &Pot, style: &Style) -> String {
    let goal = pot.goal.filter(|goal| *goal > 0 && pot.unlisted_at.is_none());
    facts(
        style,
        &[
            ("Pot", pot.name.clone()),
            ("Id", pot.id.to_string()),
            ("Account", pot.account_id.to_string()),
            ("Hidden account", pot.pot_current_id.as_ref().map(ToString::to_string).unwrap_or_default()),
            ("Type", pot.kind.clone()),
            ("Balance", amount(held(pot), pot.currency)),
            ("Goal", goal.map(|goal| amount(Some(goal), pot.currency)).unwrap_or_default()),
            ("", goal.map(|goal| progress(pot.balance, goal)).unwrap_or_default()),
            ("State", pot_state(pot, style)),
        ],
    )
}

/// Names and values under each other; empty values are left out.
pub(super) fn facts(style: &Style, pairs: &[(&str, String)]) -> String {
    let shown: Vec<_> = pairs.iter().filter(|(_, value)| !value.is_empty()).collect();
    let widest = shown.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    shown
        .iter()
        .map(|(name, value)| {
            let name = style.paint(Paint::Quiet, &format!("{name:<widest$}"));
            format!("{name}  {}\n", super::clean(value))
        })
        .collect()
}

/// `exclude list`
pub fn exclusions(exclusions: &[Exclusion], style: &Style) -> String {
    if exclusions.is_empty() {
        return "Nothing is excluded.\n".to_owned();
    }
    let mut table = Table::new(&[
        ("NAME", Align::Flexible),
        ("KIND", Align::Left),
        ("WRITTEN", Align::Left),
        ("ID", Align::Left),
    ]);
    for exclusion in exclusions {
        let kind = match exclusion.kind {
            Excluded::Account => "account",
            Excluded::Pot => "pot",
        };
        let origin = if exclusion.origin == "hand" { "by hand" } else { "in the configuration" };
        table.row([&exclusion.name, kind, origin, &exclusion.id]);
    }
    table.take(style)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::fixture::{account, pot, style};

    #[test]
    fn accounts_show_balances_and_what_is_special() {
        let mut closed = account("acc_2", "Old", Some(0));
        closed.closed = true;
        let mut unknown = account("acc_3", "Joint", None);
        unknown.excluded = true;
        let mut young = account("acc_4", "young", None);
        young.left_out = true;
        let all = [account("acc_1", "Current", Some(123_456)), closed, unknown, young];
        insta::assert_snapshot!(accounts(&all, &style(None)), @r#"
        NAME     TYPE         BALANCE  WITH POTS  ID
        Current  uk_retail  £1,234.56  £1,234.56  acc_1
        Old      uk_retail      £0.00      £0.00  acc_2  closed
        Joint    uk_retail          –          –  acc_3  excluded
        young    uk_retail          –          –  acc_4  not synced

        To sync an account that is not synced, add its id to `accounts` in the [monzo] section of the
        configuration, for example "acc_4", then run `monzoctl config reload` and `monzoctl login`.
        "#);
    }

    #[test]
    fn pots_show_how_near_their_goal_is() {
        let mut bills = pot("pot_2", "Bills", 80_000);
        bills.available_for_bills = true;
        let mut holiday = pot("pot_1", "Holiday", 45_000);
        holiday.goal = Some(100_000);
        insta::assert_snapshot!(
            pots(&[holiday, bills], &[account("acc_1", "Current", None)], &style(None)), @r"
        NAME     BALANCE       GOAL  REACHED          ACCOUNT  ID
        Holiday  £450.00  £1,000.00  ████▌       45%  Current  pot_1
        Bills    £800.00                              Current  pot_2  can pay bills
        ");
    }
}
