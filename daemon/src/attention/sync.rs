//! Syncs that fail or are late, accounts that cannot be read, and what the transactions leave unexplained.

use jiff::{SignedDuration, Timestamp};
use monzo_common::model::{AccountStatus, Attention, LoginState, Severity};
use monzo_common::money::Money;

use super::{Difference, Inputs, MissingHistory, about, note, problem};
use crate::clock::elapsed;
use crate::store::LeftOut;

/// For how long an account that could not be read may still come right by itself. Taste.
const PASSING: SignedDuration = SignedDuration::from_hours(24);

fn read_within_a_day(account: &AccountStatus, now: Timestamp) -> bool {
    account.last_success_at.and_then(|at| elapsed(at, now)).is_some_and(|gone| gone < PASSING)
}

pub(super) fn attention(inputs: &Inputs) -> Vec<Attention> {
    let mut all = Vec::new();
    let minute = |at: Timestamp| at.to_zoned(inputs.zone.clone()).strftime("%-d %b %Y %H:%M").to_string();
    let next =
        inputs.sync.next_due_at.map(|at| format!("; the next try is at {}", minute(at))).unwrap_or_default();
    let error = inputs.sync.error.as_deref();
    if let Some(until) = inputs.left_alone_until {
        let message = format!("the bank asks to wait until {}", minute(until));
        all.push(note("bank_asks_to_wait", message, "nothing is to be done: the next sync begins then"));
    }
    if inputs.sync_overdue {
        let since = match inputs.sync.last_success_at {
            Some(at) => format!("no sync has read everything since {}", minute(at)),
            None => "no sync has read everything yet".to_owned(),
        };
        let because = error.map(|error| format!(" ({error}){next}")).unwrap_or_default();
        let message = format!("{since}{because}");
        all.push(problem("sync_stale", message, "`monzoctl sync` tries again and says what is wrong"));
    } else if inputs.left_alone_until.is_some() || inputs.refresh_trouble.is_some() {
        // Told already, with the next try.
    } else if let (Some(error), LoginState::Ready) = (error, inputs.login.state) {
        let message = format!("the last sync failed: {error}{next}");
        all.push(note("sync_failed", message, "`monzoctl sync` tries now"));
    }
    for account in &inputs.accounts {
        let id = account.account.id.as_str();
        if let Some(error) = &account.error {
            let message = format!("{}: {error}", account.account.name);
            let hint = "`monzoctl sync` tries again; `monzoctl sync history --problems` looks back";
            let severity = match read_within_a_day(account, inputs.now) {
                true => Severity::Note,
                false => Severity::Problem,
            };
            all.push(about(severity, "account_failed", id, message, hint));
        }
        let gone = account.account.closed && account.account.pot_id.is_some();
        let told = inputs.differences.iter().find(|told| told.account_id == account.account.id && !gone);
        if let Some(difference) = told {
            all.push(difference_of(account, difference));
        }
    }
    if inputs.accounts.is_empty() && inputs.sync.last_success_at.is_some() {
        let message = match inputs.left_out.len() {
            0 => "the bank lists no account for this login".to_owned(),
            1 => "nothing is synced: the bank lists one account, of a type that is not synced".to_owned(),
            more => format!("nothing is synced: the bank lists {more} accounts of types that are not synced"),
        };
        let hint = match inputs.left_out.is_empty() {
            true => "sign in as the person whose accounts they are: `monzoctl login`",
            false => "`monzoctl accounts` says how to sync them",
        };
        all.push(problem("no_account", message, hint));
    }
    let unfamiliar = |account: &&LeftOut| !account.closed && !FAMILIAR.contains(&account.kind.as_str());
    for LeftOut { id, kind, .. } in inputs.left_out.iter().filter(unfamiliar) {
        let of = match kind.as_str() {
            "" => "whose type the bank does not tell".to_owned(),
            kind => format!("of the type {kind}"),
        };
        let message = format!("an account {of} is not synced");
        let hint = "`monzoctl accounts` says how to sync it";
        all.push(about(Severity::Note, "account_left_out", id.as_str(), message, hint));
    }
    for MissingHistory { account_id, name, before } in &inputs.missing_histories {
        let message =
            format!("{name}: some history before {} could not be read in time", before.strftime("%-d %b %Y"));
        let hint = "`monzoctl login` again reads it in its first five minutes";
        all.push(about(Severity::Note, "history_missing", account_id.as_str(), message, hint));
    }
    if inputs.quarantined > 0 {
        let message = match inputs.quarantined {
            1 => "a record of the bank could not be understood and is kept".to_owned(),
            records => format!("{records} records of the bank could not be understood and are kept"),
        };
        all.push(note(
            "quarantine",
            message,
            "`monzoctl sync history` lists them and how to show each; an upgrade tries them again",
        ));
    }
    all
}

/// Types of accounts that are left out unless the configuration names them, of which nobody needs to be told.
const FAMILIAR: [&str; 9] = [
    "uk_retail",
    "uk_retail_joint",
    "uk_business",
    "uk_monzo_flex",
    "uk_monzo_flex_backing_loan",
    "uk_rewards",
    "uk_loan",
    "uk_prepaid",
    "pot",
];

fn difference_of(account: &AccountStatus, difference: &Difference) -> Attention {
    let Difference { amount, because, explained, .. } = difference;
    let (name, currency) = (&account.account.name, account.account.currency);
    let id = account.account.id.as_str();
    if account.account.pot_id.is_some() {
        let spent = Money::new(amount.saturating_neg(), currency);
        let message =
            format!("{name}: {spent} of spending is not among the rows that the bank lists{because}");
        return about(
            Severity::Note,
            "unexplained_spending",
            id,
            message,
            "a virtual card of the pot is the usual cause",
        );
    }
    let money = Money::new(*amount, currency);
    let message = format!("{name}: the bank's balance and the rows differ by {money}{because}");
    if *explained {
        let hint = "nothing is to be done: an upgrade that understands the record ends it";
        return about(Severity::Note, "difference", id, message, hint);
    }
    let hint = if because.is_empty() {
        "`monzoctl login` reads the whole history again; the last 88 days were read again already"
    } else {
        "`monzoctl sync history` shows the records; an upgrade tries them again, and if it stays `monzoctl login` reads the whole history again"
    };
    about(Severity::Problem, "difference", id, message, hint)
}
