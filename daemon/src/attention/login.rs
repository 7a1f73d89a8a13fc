//! The login: whether there is one, and how long it lasts.

use jiff::{SignedDuration, Timestamp};
use monzo_common::model::{Attention, LoginState, Severity};

use super::{Inputs, about, note, problem};
use crate::clock::elapsed;
use crate::login::{MAKE_CONFIDENTIAL, Trouble, access};

/// How long refreshes of the login may fail before a person should act. Taste.
const REFRESH_FAILS: SignedDuration = SignedDuration::from_hours(24);

pub(super) fn attention(inputs: &Inputs) -> Vec<Attention> {
    let mut all = Vec::new();
    let error = inputs.login.error.as_deref();
    match inputs.login.state {
        LoginState::None if !inputs.configured => all.push(problem(
            "setup_needed",
            "no OAuth client is set up yet",
            "`monzoctl setup` says how to make one at Monzo",
        )),
        LoginState::None => all.push(problem("login_needed", "nobody is logged in", "`monzoctl login`")),
        LoginState::LoginNeeded if inputs.login.refreshes == Some(false) => {
            let message =
                "the login has ended and could not be refreshed: the OAuth client is not confidential";
            all.push(problem("login_needed", message, MAKE_CONFIDENTIAL));
        }
        LoginState::LoginNeeded => {
            let why = error.map(|error| format!(" ({error})")).unwrap_or_default();
            let message = format!("the bank no longer takes the login{why}");
            all.push(problem("login_needed", message, "`monzoctl login`"));
        }
        LoginState::ConsentLapsed => all.push(problem(
            "consent_lapsed",
            "the bank's permission has ended",
            "refresh permissions in the Monzo app, then `monzoctl login --renewed`; or `monzoctl login`",
        )),
        LoginState::WaitingBrowser => all.push(Attention {
            // Until somebody has signed in, it is still the same matter: there is no login.
            id: "login_needed".to_owned(),
            ..problem(
                "login_waiting",
                "nobody has signed in yet on the page that `monzoctl login` opened",
                "sign in on that page; `monzoctl login` prints a new address for it",
            )
        }),
        LoginState::WaitingApproval => all.push(problem(
            "approval_needed",
            "the login waits for your approval",
            "open the Monzo app and approve it; `monzoctl login` waits with you",
        )),
        LoginState::Ready => all.extend(ending(inputs)),
    }
    if inputs.client_refused {
        let message = "the bank does not take the OAuth client, so that the login cannot be refreshed";
        let hint = "copy id and secret from developers.monzo.com, then `monzoctl setup`; a login made with another client needs `monzoctl login`";
        all.push(problem("client_refused", message, hint));
    } else if let Some(trouble) = &inputs.refresh_trouble {
        all.push(not_refreshed(trouble, inputs.now));
    }
    if inputs.unsaved_login {
        let message = "the newest tokens could not be written and are only in memory";
        all.push(problem("login_unsaved", message, "make room on the disk before the daemon stops"));
    }
    all
}

/// A refresh that fails is tried again for days; after a day a person may know better.
fn not_refreshed(trouble: &Trouble, now: Timestamp) -> Attention {
    let message = format!(
        "the login could not be refreshed since {}, and is kept; the next try is at {}: {}",
        trouble.since.strftime("%-d %b %H:%M UTC"),
        trouble.until().strftime("%-d %b %H:%M UTC"),
        trouble.why
    );
    if elapsed(trouble.since, now).is_some_and(|lasted| lasted > REFRESH_FAILS) {
        return problem("refresh_failing", message, "if the bank works otherwise, `monzoctl login`");
    }
    note(
        "refresh_failing",
        message,
        "nothing is to be done: it is tried again by itself; `monzoctl sync` tries now",
    )
}

/// When a login that works will end.
fn ending(inputs: &Inputs) -> Vec<Attention> {
    let mut all = Vec::new();
    if let (Some(false), Some(ends)) = (inputs.login.refreshes, inputs.login.token_expires_at) {
        let message = format!(
            "the login ends on {} and cannot be refreshed: the OAuth client is not confidential",
            ends.strftime("%-d %b at %H:%M UTC")
        );
        all.push(problem("not_refreshable", message, MAKE_CONFIDENTIAL));
    }
    let Some(ends) = inputs.login.access_ends_at else { return all };
    let hint = "refresh permissions in the Monzo app, then `monzoctl login --renewed`";
    if let Some(due) = inputs.sorter.next.filter(|due| ends <= *due && inputs.now < ends) {
        let message = format!(
            "the bank's permission ends on {}, before the next rule is due on {}",
            ends.strftime("%-d %b %Y"),
            due.strftime("%-d %b %Y")
        );
        all.push(about(Severity::Note, "access_ends", "rule", message, hint));
    }
    let Some(days) = access::warning(ends, inputs.now) else { return all };
    let (severity, message) = match days {
        _ if ends <= inputs.now => (Severity::Note, "the bank's 90 days are over by our count".to_owned()),
        1 => (Severity::Problem, "the bank's permission ends within a day".to_owned()),
        days => (Severity::Note, format!("the bank's permission ends within {days} days")),
    };
    all.push(about(severity, "access_ends", &days.to_string(), message, hint));
    all
}
