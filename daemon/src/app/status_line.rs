//! Systemd's status line: how the daemon stands, told as soon as it changes.
//!
//! Everybody on the machine can read it with `systemctl status`, so it has no names, amounts or reasons in it.

use std::time::Duration;

use jiff::Timestamp;
use monzo_common::model::{Attention, Event, LoginState, Mode, Progress, Severity, Status};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::attention::Troubles;
use crate::host::notify;
use crate::rpc::handlers::RpcContext;
use crate::services::{Served, Services};

/// How often without a change, for the minutes until the next sync.
const EVERY: Duration = Duration::from_secs(60);

/// The state of a sync loop that reads.
const RUNNING: &str = "running";

/// Codes of problems that the line names; all others are only counted.
const NAMED: &[(&str, &str)] = &[
    ("config_rejected", "the configuration on disk was refused: `monzoctl config check`"),
    ("sorter_frozen", "the sorter is frozen: `monzoctl status`"),
];

/// Tells systemd until `stop`.
pub(super) async fn run(
    context: RpcContext,
    mut troubles: watch::Receiver<Troubles>,
    mut events: broadcast::Receiver<Event>,
    stop: CancellationToken,
) {
    let mut ticker = tokio::time::interval(EVERY);
    ticker.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut served = context.served.clone();
    let mut told = String::new();
    loop {
        // What changes while the line is made is seen afterwards.
        troubles.mark_unchanged();
        let services = match &*served.borrow_and_update() {
            Served::Normal(services) => Some(services.clone()),
            Served::Rescue(_) | Served::Between => None,
        };
        let watched = services.as_ref().map(|services| (services.login.watch(), services.sync.watch_due()));
        let (login, due) = watched.unzip();
        let mut running = false;
        if let Some(Ok(status)) = stop.run_until_cancelled(context.status()).await {
            running = status.sync.state == RUNNING;
            let line = line(&status, context.clock.now());
            if line != told {
                notify::status(&line);
                told = line;
            }
        }
        let next = async {
            tokio::select! {
                _ = ticker.tick() => true,
                // Events that were missed have changed what the next look sees.
                heard = events.recv() => !matches!(heard, Err(RecvError::Closed)),
                changed = served.changed() => changed.is_ok(),
                changed = troubles.changed() => changed.is_ok(),
                () = changed(login) => true,
                () = changed(due) => true,
                () = begun_or_ended(services, running) => true,
            }
        };
        if !stop.run_until_cancelled(next).await.unwrap_or(false) {
            return;
        }
        // One look serves all that happened by now.
        while events.try_recv().is_ok() {}
    }
}

/// Waits for a change, for ever where there is nothing that could change.
async fn changed<T>(watched: Option<watch::Receiver<T>>) {
    if let Some(mut watched) = watched
        && watched.changed().await.is_ok()
    {
        return;
    }
    std::future::pending::<()>().await;
}

/// Waits until a sync begins where none was running, or ends where one was.
async fn begun_or_ended(services: Option<Services>, was_running: bool) {
    let Some(services) = services else { return std::future::pending().await };
    let runs =
        |progress: &Option<Progress>| progress.as_ref().is_some_and(|progress| progress.sync.is_none());
    if services.sync.watch().wait_for(|progress| runs(progress) != was_running).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// The line: the login, the sync, and what else needs a person.
fn line(status: &Status, now: Timestamp) -> String {
    if status.mode == Mode::Rescue {
        return match status.attention.first() {
            // The database is being exchanged, which takes a moment.
            Some(why) if why.severity == Severity::Note => why.message.clone(),
            Some(why) => format!("rescue mode: {}; {}", why.message, why.hint),
            None => "rescue mode".to_owned(),
        };
    }
    let mut parts = vec![standing(status, now)];
    let is_problem = |one: &&Attention| one.severity == Severity::Problem;
    let problems: Vec<&str> =
        status.attention.iter().filter(is_problem).map(|one| one.code.as_str()).collect();
    let named = NAMED.iter().filter(|(code, _)| problems.contains(code));
    parts.extend(named.map(|(_, sentence)| (*sentence).to_owned()));
    // The login is the first part already.
    let said = |code: &&&str| LOGIN.contains(code) || NAMED.iter().any(|(named, _)| *named == **code);
    match problems.iter().filter(|code| !said(code)).count() {
        0 => {}
        1 => parts.push("1 problem: `monzoctl status`".to_owned()),
        others => parts.push(format!("{others} problems: `monzoctl status`")),
    }
    parts.join("; ")
}

/// Codes of what the first part of the line says.
const LOGIN: &[&str] =
    &["setup_needed", "login_needed", "login_waiting", "approval_needed", "consent_lapsed"];

/// How login and sync stand.
fn standing(status: &Status, now: Timestamp) -> String {
    let unset = status.attention.iter().any(|one| one.code == "setup_needed");
    let login = match status.login.state {
        LoginState::None if unset => return "not set up yet: `sudo monzoctl setup`".to_owned(),
        LoginState::None => return "nobody is logged in: `monzoctl login`".to_owned(),
        LoginState::WaitingBrowser => return "waiting for the sign-in in a browser".to_owned(),
        LoginState::WaitingApproval => return "waiting for approval in the Monzo app".to_owned(),
        LoginState::LoginNeeded => return "a login is needed: `monzoctl login`".to_owned(),
        LoginState::ConsentLapsed => return "the bank's permission has ended: `monzoctl login`".to_owned(),
        LoginState::Ready => "logged in",
    };
    if status.sync.state == RUNNING {
        return format!("{login}, syncing");
    }
    let failed = if status.sync.error.is_some() { ", the last sync failed" } else { "" };
    match status.sync.next_due_at {
        Some(due) if due > now => {
            let minutes = (due.duration_since(now).as_secs() + 59) / 60;
            format!("{login}{failed}, next sync in {minutes} min")
        }
        _ => format!("{login}{failed}, a sync is due"),
    }
}

#[cfg(test)]
mod tests {
    use monzo_common::model::{Login, RuleMode, SorterStatus, SyncStatus};

    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn status() -> Status {
        Status {
            healthy: true,
            version: String::new(),
            mode: Mode::Normal,
            started_at: NOW,
            login: Login {
                state: LoginState::Ready,
                user_id: None,
                token_expires_at: None,
                access_ends_at: None,
                error: Some("canary".to_owned()),
                refreshes: None,
            },
            sync: SyncStatus {
                state: "idle".to_owned(),
                last_success_at: None,
                last_attempt_at: None,
                next_due_at: Some(NOW + jiff::SignedDuration::from_secs(301)),
                stale: false,
                error: None,
            },
            accounts: Vec::new(),
            sorter: SorterStatus {
                mode: RuleMode::Off,
                frozen: false,
                next: None,
                proposed: 0,
                unsettled: 0,
            },
            quarantined: 0,
            attention: Vec::new(),
        }
    }

    fn problem(code: &str) -> Attention {
        Attention {
            id: code.to_owned(),
            code: code.to_owned(),
            severity: Severity::Problem,
            message: "canary: £12.00 in Holiday".to_owned(),
            hint: "canary".to_owned(),
        }
    }

    #[test]
    fn the_line_says_how_the_daemon_stands_without_names_amounts_or_reasons() {
        let mut page = status();
        assert_eq!(line(&page, NOW), "logged in, next sync in 6 min");
        page.sync.error = Some("canary".to_owned());
        page.attention =
            ["difference", "config_rejected", "run_failed", "sorter_frozen"].map(problem).to_vec();
        assert_eq!(
            line(&page, NOW),
            "logged in, the last sync failed, next sync in 6 min; \
             the configuration on disk was refused: `monzoctl config check`; \
             the sorter is frozen: `monzoctl status`; 2 problems: `monzoctl status`"
        );
        page.sync.state = "running".to_owned();
        page.attention.truncate(1);
        assert_eq!(line(&page, NOW), "logged in, syncing; 1 problem: `monzoctl status`");
    }

    #[test]
    fn before_a_login_the_line_is_the_next_step() {
        let mut page = status();
        page.login.state = LoginState::None;
        page.attention = vec![problem("setup_needed")];
        assert_eq!(line(&page, NOW), "not set up yet: `sudo monzoctl setup`");
        page.attention = vec![problem("login_needed")];
        assert_eq!(line(&page, NOW), "nobody is logged in: `monzoctl login`");
        page.login.state = LoginState::WaitingApproval;
        page.attention = vec![problem("approval_needed")];
        assert_eq!(line(&page, NOW), "waiting for approval in the Monzo app");
    }
}
