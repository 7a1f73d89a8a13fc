//! `login`, `logout` and `whoami`.
//!
//! The login belongs to the daemon: whatever becomes of this command, what has begun there goes on.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use monzo_common::api::client::*;
use monzo_common::fault::{Fault, FaultKind};
use monzo_common::model::{Login, LoginState, Sync, SyncCause, SyncState};
use tokio::time::sleep;

use super::sign_in::sign_in;
use super::sync::follow;
use crate::args;
use crate::client::Daemon;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::progress_line::ProgressLine;
use crate::session::Session;
use crate::view;

/// How long an approval is waited for, on the daemon's clock.
const APPROVAL: SignedDuration = SignedDuration::from_mins(20);

/// How often the daemon is asked where the login stands.
pub(super) const LOOK: Duration = Duration::from_millis(500);

/// How often it is asked at most for the sync that follows an approval; it begins at once.
const LOOKS: u32 = 20;

/// How often it is asked for the sync that goes on with one that was cut off.
const RESUMES: u32 = 3;

/// `login`
pub(super) async fn login(args: &args::Login, session: &mut Session) -> Result<Exit, Failure> {
    let mut daemon = session.connect().await?;
    if args.renewed {
        let login = daemon.client.renew().await?;
        let style = session.look(&daemon.time);
        session.print_one("login", &login, || view::login(&login, &style))?;
        return Ok(Exit::Done);
    }
    let before = daemon.client.login_status().await?;
    let newest = newest_sync(&daemon).await?;
    match before.state {
        LoginState::WaitingApproval => {
            session.note("You have signed in already; what is missing is your approval in the Monzo app.")?;
            if args.no_wait {
                return told(session, &daemon, &before);
            }
        }
        LoginState::Ready => {
            if let Some(running) = newest.as_ref().filter(|sync| reads_the_history(sync)) {
                session.note("You are logged in already, and the history is being read.")?;
                let sync = follow(session, &mut daemon, &running.id).await?;
                return captured(session, &mut daemon, Some(&sync)).await;
            }
            if !again(session, &daemon, &before).await? {
                if session.wants_data() {
                    session.print_one("login", &before, String::new)?;
                }
                return Ok(Exit::Done);
            }
            sign_in(args, session, &mut daemon, &before).await?;
        }
        _ => sign_in(args, session, &mut daemon, &before).await?,
    }
    if args.no_wait {
        let login = daemon.client.login_status().await?;
        return told(session, &daemon, &login);
    }
    approval(session, &mut daemon).await?;
    let sync = history(session, &mut daemon, newest.map(|sync| sync.id)).await?;
    captured(session, &mut daemon, sync.as_ref()).await
}

/// Whether the person who is logged in wants to log in again; off a terminal only with `--yes`.
async fn again(session: &mut Session, daemon: &Daemon, login: &Login) -> Result<bool, Failure> {
    let style = session.look(&daemon.time);
    let standing = view::login(login, &style);
    session.note(standing.trim_end())?;
    let question = "Log in again, which opens the whole history for five minutes?";
    let wanted = session.agree(question, "You stay logged in as before.").await?;
    if wanted.is_none() {
        session.note("Nothing to do; with --yes you log in again.")?;
    }
    Ok(wanted.unwrap_or(false))
}

async fn newest_sync(daemon: &Daemon) -> Result<Option<Sync>, Failure> {
    let history = daemon.client.sync_history(false, None, Some(1)).await?;
    Ok(history.syncs.into_iter().next())
}

fn reads_the_history(sync: &Sync) -> bool {
    sync.state == SyncState::Running && sync.cause == SyncCause::Login
}

/// Waits for the approval in the app.
async fn approval(session: &mut Session, daemon: &mut Daemon) -> Result<(), Failure> {
    let mut progress_line = ProgressLine::begin(session);
    let mut began: Option<Timestamp> = None;
    loop {
        let login = session.ask(daemon, async |client| client.login_status().await).await?;
        match login.state {
            LoginState::Ready => return Ok(()),
            LoginState::WaitingApproval => {}
            _ => return Err(Failure::Fault(lost(login))),
        }
        let now = session.ask(daemon, async |client| client.version().await).await?.now;
        let waited = now.duration_since(*began.get_or_insert(now));
        if waited >= APPROVAL {
            return Err(Failure::Fault(Fault::new(
                FaultKind::ApprovalNeeded,
                "nobody approved in the Monzo app within 20 minutes; the daemon keeps the login and goes on asking",
                "approve in the app, then `monzoctl login` goes on waiting",
            )));
        }
        progress_line.say(session, "Now approve in the Monzo app: it asks for your PIN, finger or face.")?;
        sleep(LOOK).await;
    }
}

fn lost(login: Login) -> Fault {
    let message = login.error.unwrap_or_else(|| "the login has ended".to_owned());
    Fault::new(FaultKind::LoginNeeded, message, "monzoctl login")
}

/// The sync that reads the history, followed to its end; nothing if none began.
async fn history(
    session: &mut Session,
    daemon: &mut Daemon,
    before: Option<String>,
) -> Result<Option<Sync>, Failure> {
    for _ in 0..LOOKS {
        let past =
            session.ask(daemon, async |client| client.sync_history(false, None, Some(5)).await).await?;
        let new = past.syncs.iter().take_while(|sync| Some(&sync.id) != before.as_ref());
        if let Some(sync) = new.into_iter().find(|sync| sync.cause == SyncCause::Login) {
            let ended = follow(session, daemon, &sync.id).await?;
            return Ok(Some(resumed(session, daemon, ended).await?));
        }
        // One that was under way comes first.
        match past.syncs.first().filter(|sync| sync.state == SyncState::Running) {
            Some(running) => drop(follow(session, daemon, &running.id).await?),
            None => {
                storable(session, daemon).await?;
                sleep(LOOK).await;
            }
        }
    }
    Ok(None)
}

/// Fails where the daemon cannot write what it would read: waiting for it would help nobody.
async fn storable(session: &mut Session, daemon: &mut Daemon) -> Result<(), Failure> {
    let status = session.ask(daemon, async |client| client.status().await).await?;
    let stored = ["store_unwritable", "store_gone"];
    match status.attention.into_iter().find(|one| stored.contains(&one.code.as_str())) {
        None => Ok(()),
        Some(problem) => Err(Failure::Fault(Fault::new(
            FaultKind::StoreUnavailable,
            format!("you are logged in, but the history cannot be stored: {}", problem.message),
            format!("{}; the daemon tries again every few seconds for five minutes", problem.hint),
        ))),
    }
}

/// What came of a capture that a restart of the daemon cut off: the sync that goes on with it.
async fn resumed(session: &mut Session, daemon: &mut Daemon, ended: Sync) -> Result<Sync, Failure> {
    if ended.state != SyncState::Cancelled {
        return Ok(ended);
    }
    for _ in 0..RESUMES {
        let past =
            session.ask(daemon, async |client| client.sync_history(false, None, Some(1)).await).await?;
        if let Some(next) = past.syncs.first().filter(|sync| sync.id != ended.id) {
            return follow(session, daemon, &next.id).await;
        }
        sleep(LOOK).await;
    }
    Ok(ended)
}

/// Tells what was captured and which gaps are left; gaps are no error.
async fn captured(session: &mut Session, daemon: &mut Daemon, sync: Option<&Sync>) -> Result<Exit, Failure> {
    let status = session.ask(daemon, async |client| client.status().await).await?;
    let accounts: Vec<_> = status.accounts.iter().map(|known| known.account.clone()).collect();
    let style = session.look(&daemon.time);
    let mut text = view::login(&status.login, &style);
    match sync {
        Some(sync) => text.push_str(&view::outcome(sync, &accounts, &style)),
        None => text.push_str("No history was read yet: `monzoctl sync` reads it.\n"),
    }
    text.push_str(&view::gaps(&status, &style));
    if session.wants_data() {
        session.print_one("login", &status.login, String::new)?;
    } else {
        session.note(text.trim_end())?;
    }
    Ok(match sync.map(|sync| sync.state) {
        Some(SyncState::Failed | SyncState::Cancelled) | None => Exit::Partial,
        Some(SyncState::Done | SyncState::Partial | SyncState::Running) => Exit::Done,
    })
}

fn told(session: &mut Session, daemon: &Daemon, login: &Login) -> Result<Exit, Failure> {
    let style = session.look(&daemon.time);
    let text = view::login(login, &style);
    if session.wants_data() {
        session.print_one("login", login, String::new)?;
    } else {
        session.note(text.trim_end())?;
    }
    Ok(Exit::Done)
}

/// `logout`
pub(super) async fn logout(session: &mut Session) -> Result<Exit, Failure> {
    if !session.global.yes && !session.terminal.in_is_keyboard {
        return Err(Failure::usage(
            "logging out ends syncs and runs until the next login, and there is no terminal to ask on",
            "add --yes",
        ));
    }
    let daemon = session.connect().await?;
    let question = "Log out? Nothing is read or moved until you log in again.";
    if session.agree(question, "You stay logged in.").await? != Some(true) {
        return Ok(Exit::Done);
    }
    let done = daemon.client.logout().await?;
    session.print_one("logout", &done, || view::logged_out(&done).to_owned())?;
    Ok(if done.changed && !done.revoked { Exit::Partial } else { Exit::Done })
}

/// `whoami`
pub(super) async fn whoami(session: &mut Session) -> Result<Exit, Failure> {
    let daemon = session.connect().await?;
    let whoami = daemon.client.whoami().await?;
    let style = session.look(&daemon.time);
    session.print_one("whoami", &whoami, || view::whoami(&whoami, &style))?;
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Arc, Mutex};

    use monzo_common::model::{
        AccountSync, Attention, Event, LoggedOut, LoginBegun, Severity, SyncHistory, Version,
    };
    use serde_json::json;

    use super::*;
    use crate::fake::Fake;
    use crate::view::fixture::{self, now};

    fn login(state: LoginState) -> Login {
        Login { state, ..fixture::status().login }
    }

    fn begun(listening: bool) -> LoginBegun {
        LoginBegun {
            url: "https://auth.monzo.com/?client_id=oauth2client_1&state=s".into(),
            redirect_url: "http://localhost:21853/oauth/callback".into(),
            listening,
            taken: None,
            expires_at: now() + SignedDuration::from_mins(30),
        }
    }

    fn sync(id: &str, state: SyncState, cause: SyncCause) -> Sync {
        Sync {
            id: id.into(),
            state,
            cause,
            started_at: now(),
            ended_at: Some(now() + SignedDuration::from_secs(90)),
            accounts: vec![AccountSync {
                account_id: "acc_1".into(),
                pages: 30,
                added: 2_900,
                changed: 0,
                withdrawn: 0,
                error: None,
                code: None,
            }],
            error: None,
            code: None,
        }
    }

    fn past(syncs: &[Sync]) -> SyncHistory {
        SyncHistory { syncs: syncs.to_vec(), quarantined: Vec::new(), cursor: None }
    }

    /// A daemon where nobody is logged in, and where all goes well.
    fn fake(states: &[LoginState]) -> Fake {
        let logins: Vec<Login> = states.iter().map(|state| login(*state)).collect();
        let captured = sync("sync_2", SyncState::Done, SyncCause::Login);
        Fake::new()
            .says_in_turn("auth.status", &logins)
            .says("auth.begin", &begun(true))
            .says("auth.complete", &login(WaitingApproval))
            .says_in_turn("sync.history", &[past(&[]), past(std::slice::from_ref(&captured))])
            .says("sync.get", &captured)
            .says("system.status", &fixture::status())
    }

    /// The same, where the tokens come by pasting only.
    fn pasting(after: &[LoginState]) -> Fake {
        let pasted = Arc::new(AtomicBool::new(false));
        let mut after: VecDeque<LoginState> = after.iter().copied().collect();
        let (seen, signed_in) = (Arc::clone(&pasted), to_value(&login(WaitingApproval)));
        fake(&[])
            .on("auth.complete", move |_| {
                seen.store(true, Ordering::SeqCst);
                Ok(signed_in.clone())
            })
            .on("auth.status", move |_| {
                let state = match (pasted.load(Ordering::SeqCst), after.len()) {
                    (false, _) => WaitingBrowser,
                    (true, 1) => after[0],
                    (true, _) => after.pop_front().unwrap_or(Ready),
                };
                Ok(to_value(&login(state)))
            })
    }

    fn to_value<T: serde::Serialize>(value: &T) -> serde_json::Value {
        serde_json::to_value(value).expect("the model serializes")
    }

    const ADDRESS: &str = "http://localhost:21853/oauth/callback?code=c&state=s\n";

    use LoginState::{None as Nobody, Ready, WaitingApproval, WaitingBrowser};

    #[tokio::test]
    async fn pasting_prints_one_line_takes_one_line_and_waits_for_approval_and_history() {
        let fake = pasting(&[WaitingApproval, WaitingApproval, Ready]);
        let ran = fake.run(&["login", "--paste"], ADDRESS).await;
        insta::assert_snapshot!(ran, @r"
        exit 0
        --- out
        https://auth.monzo.com/?client_id=oauth2client_1&state=s
        --- err
        To log in, open it on this computer, or copy its address to any other.
        If the browser is on another computer, run this there first:  ssh -L 21853:localhost:21853 server
        Or paste here the address that the browser ends at, http://localhost:21853/oauth/callback?code=…, even if it does not load:
        Now approve in the Monzo app: it asks for your PIN, finger or face.
        Logged in as user_1. Access ends in 80 days (10 Oct 2026).
        Synced: 2,900 new, 0 changed, 0 withdrawn (30 pages of 1 account in 1 min)
        ");
        let calls: Vec<String> =
            fake.calls().lines().filter(|call| *call != "auth.status").map(Into::into).collect();
        insta::assert_snapshot!(calls.join("\n"), @r#"
        sync.history {"cursor":null,"limit":1,"problems":false}
        auth.begin {"again":false}
        auth.complete {"pasted":"http://localhost:21853/oauth/callback?code=c&state=s"}
        sync.history {"cursor":null,"limit":5,"problems":false}
        sync.get {"id":"sync_2"}
        system.status
        "#);
    }

    #[tokio::test]
    async fn the_end_of_the_input_is_wrong_usage() {
        let ran = fake(&[Nobody, WaitingBrowser]).run(&["login", "--paste"], "").await;
        insta::assert_snapshot!(ran, @r"
        exit 2
        --- out
        https://auth.monzo.com/?client_id=oauth2client_1&state=s
        --- err
        To log in, open it on this computer, or copy its address to any other.
        If the browser is on another computer, run this there first:  ssh -L 21853:localhost:21853 server
        Or paste here the address that the browser ends at, http://localhost:21853/oauth/callback?code=…, even if it does not load:
        error: the input ended before the address came
        try: paste the address that the browser ended at; the login that is pending still waits
        ");
    }

    #[tokio::test]
    async fn a_wrong_state_fails_with_the_reason_and_leaves_the_login_pending() {
        let fake = fake(&[Nobody, WaitingBrowser]).fails(
            "auth.complete",
            FaultKind::InvalidParams,
            "that address is from an older login",
            "use the newest address",
        );
        let ran = fake.run(&["login", "--paste", "--json"], "code=c&state=other\n").await;
        insta::assert_snapshot!(ran, @r#"
        exit 1
        --- out
        https://auth.monzo.com/?client_id=oauth2client_1&state=s
        {"v":1,"error":{"code":"invalid_params","message":"that address is from an older login","hint":"use the newest address"}}
        --- err
        To log in, open it on this computer, or copy its address to any other.
        If the browser is on another computer, run this there first:  ssh -L 21853:localhost:21853 server
        Or paste here the address that the browser ends at, http://localhost:21853/oauth/callback?code=…, even if it does not load:
        error: that address is from an older login
        try: use the newest address
        "#);
    }

    #[tokio::test]
    async fn without_waiting_it_returns_after_the_exchange() {
        let fake = pasting(&[WaitingApproval]);
        let ran = fake.run(&["login", "--paste", "--no-wait"], "c s\n").await;
        insta::assert_snapshot!(ran, @r"
        exit 0
        --- out
        https://auth.monzo.com/?client_id=oauth2client_1&state=s
        --- err
        To log in, open it on this computer, or copy its address to any other.
        If the browser is on another computer, run this there first:  ssh -L 21853:localhost:21853 server
        Or paste here the address that the browser ends at, http://localhost:21853/oauth/callback?code=…, even if it does not load:
        Signed in as user_1; now approve in the Monzo app.
        ");
        assert!(fake.calls().contains(r#"auth.complete {"pasted":"c s"}"#), "{}", fake.calls());
    }

    #[tokio::test]
    async fn twenty_minutes_without_approval_are_enough() {
        let minutes = Mutex::new(0);
        let fake = pasting(&[WaitingApproval]).on("system.version", move |_| {
            let mut minutes = minutes.lock().expect("one thread");
            *minutes += 7;
            Ok(to_value(&Version {
                version: monzo_common::VERSION.into(),
                pid: 1,
                schema: None,
                now: now() + SignedDuration::from_mins(*minutes),
                zone: "UTC".into(),
                cycle: None,
            }))
        });
        let ran = fake.run(&["login", "--paste", "-q"], ADDRESS).await;
        insta::assert_snapshot!(ran, @r"
        exit 4
        --- out
        https://auth.monzo.com/?client_id=oauth2client_1&state=s
        --- err
        error: nobody approved in the Monzo app within 20 minutes; the daemon keeps the login and goes on asking
        try: approve in the app, then `monzoctl login` goes on waiting
        ");
    }

    #[tokio::test]
    async fn a_caught_browser_needs_no_pasting() {
        let fake = fake(&[Nobody, WaitingBrowser, WaitingApproval, Ready]);
        let ran = fake.run(&["login"], "").await;
        insta::assert_snapshot!(ran, @r"
        exit 0
        --- out
        https://auth.monzo.com/?client_id=oauth2client_1&state=s
        --- err
        To log in, open it on this computer, or copy its address to any other.
        If the browser is on another computer, run this there first:  ssh -L 21853:localhost:21853 server
        Or come back with `monzoctl login --paste`. Waiting for the sign-in…
        Logged in as user_1. Access ends in 80 days (10 Oct 2026).
        Synced: 2,900 new, 0 changed, 0 withdrawn (30 pages of 1 account in 1 min)
        ");
        assert!(!fake.calls().contains("auth.complete"), "{}", fake.calls());
    }

    #[tokio::test]
    async fn somebody_elses_sign_in_ends_the_waiting() {
        let refused = Event {
            id: 7,
            at: now(),
            kind: "login_refused".into(),
            severity: Severity::Problem,
            message: "somebody else tried to log in; nothing was kept".into(),
            account_id: None,
            pot_id: None,
            transaction_id: None,
            sync_id: None,
            rule: None,
            run_id: None,
        };
        let fake = fake(&[Nobody, WaitingBrowser]).sends("events.subscribe", &[refused]);
        let ran = fake.run(&["login", "-q"], "").await;
        insta::assert_snapshot!(ran, @r"
        exit 1
        --- out
        https://auth.monzo.com/?client_id=oauth2client_1&state=s
        --- err
        error: somebody else tried to log in; nothing was kept
        try: log in as the person whose history this is: `monzoctl login`
        ");
    }

    #[tokio::test]
    async fn a_pending_approval_is_waited_for_again() {
        let fake = fake(&[WaitingApproval, Ready]);
        let ran = fake.run(&["login"], "").await;
        insta::assert_snapshot!(ran, @r"
        exit 0
        --- out
        --- err
        You have signed in already; what is missing is your approval in the Monzo app.
        Logged in as user_1. Access ends in 80 days (10 Oct 2026).
        Synced: 2,900 new, 0 changed, 0 withdrawn (30 pages of 1 account in 1 min)
        ");
        assert!(!fake.calls().contains("auth.begin"), "{}", fake.calls());
    }

    #[tokio::test]
    async fn whoever_is_logged_in_is_asked() {
        let fake = fake(&[Ready]);
        let ran = fake.run(&["login"], "").await;
        insta::assert_snapshot!(ran, @r"
        exit 0
        --- out
        --- err
        Logged in as user_1. Access ends in 80 days (10 Oct 2026).
        Nothing to do; with --yes you log in again.
        ");
        let ran = fake.run_with(&["login"], "n\n", &[], |terminal| terminal.in_is_keyboard = true).await;
        insta::assert_snapshot!(ran, @r"
        exit 0
        --- out
        --- err
        Logged in as user_1. Access ends in 80 days (10 Oct 2026).
        Log in again, which opens the whole history for five minutes? [y/N] You stay logged in as before.
        ");
        assert!(!fake.calls().contains("auth.begin"), "{}", fake.calls());
    }

    #[tokio::test]
    async fn logging_in_again_is_noticed_by_the_new_permission() {
        let mut renewed = login(Ready);
        renewed.access_ends_at = Some(now() + SignedDuration::from_hours(90 * 24));
        let fake = fake(&[]).says_in_turn("auth.status", &[login(Ready), login(Ready), renewed]);
        let ran = fake.run(&["login", "--yes", "-q"], "").await;
        assert_eq!((ran.exit, ran.err.as_str()), (Exit::Done, ""));
        assert!(fake.calls().contains(r#"auth.begin {"again":true}"#), "{}", fake.calls());
    }

    #[tokio::test]
    async fn a_history_that_is_being_read_is_followed() {
        let running = sync("sync_2", SyncState::Running, SyncCause::Login);
        let fake = fake(&[Ready]).says("sync.history", &past(&[running]));
        let ran = fake.run(&["login"], "").await;
        insta::assert_snapshot!(ran, @r"
        exit 0
        --- out
        --- err
        You are logged in already, and the history is being read.
        Logged in as user_1. Access ends in 80 days (10 Oct 2026).
        Synced: 2,900 new, 0 changed, 0 withdrawn (30 pages of 1 account in 1 min)
        ");
    }

    #[tokio::test]
    async fn a_capture_that_a_restart_cut_off_is_followed_in_the_sync_that_goes_on() {
        let (cut, next) = (
            sync("sync_2", SyncState::Cancelled, SyncCause::Login),
            sync("sync_3", SyncState::Done, SyncCause::Start),
        );
        let fake = fake(&[WaitingApproval, Ready])
            .says_in_turn(
                "sync.history",
                &[past(&[]), past(std::slice::from_ref(&cut)), past(&[next.clone(), cut.clone()])],
            )
            .says_in_turn("sync.get", &[cut, next]);
        let ran = fake.run(&["login"], "").await;
        assert_eq!(ran.exit, Exit::Done, "{ran}");
        assert!(
            ran.err.ends_with("Synced: 2,900 new, 0 changed, 0 withdrawn (30 pages of 1 account in 1 min)\n"),
            "{ran}"
        );
    }

    #[tokio::test]
    async fn gaps_are_told_and_are_no_error() {
        let mut status = fixture::status();
        status.attention.push(Attention {
            id: "history_gap".into(),
            code: "history_incomplete".into(),
            severity: Severity::Note,
            message: "3 windows of Joint could not be read in time".into(),
            hint: "log in again to read them: `monzoctl login`".into(),
        });
        let fake = fake(&[WaitingApproval, Ready]).says("system.status", &status);
        let ran = fake.run(&["login"], "").await;
        insta::assert_snapshot!(ran, @r"
        exit 0
        --- out
        --- err
        You have signed in already; what is missing is your approval in the Monzo app.
        Logged in as user_1. Access ends in 80 days (10 Oct 2026).
        Synced: 2,900 new, 0 changed, 0 withdrawn (30 pages of 1 account in 1 min)
        • 3 windows of Joint could not be read in time
          → log in again to read them: `monzoctl login`
        ");
    }

    #[tokio::test]
    async fn before_setup_it_says_what_to_do() {
        let fake = fake(&[Nobody]).fails(
            "auth.begin",
            FaultKind::Conflict,
            "no OAuth client is set up",
            "sudo monzoctl setup",
        );
        let ran = fake.run(&["login"], "").await;
        insta::assert_snapshot!(ran, @r"
        exit 1
        --- out
        --- err
        error: no OAuth client is set up
        try: sudo monzoctl setup
        ");
    }

    #[tokio::test]
    async fn renewing_is_noted() {
        let fake = Fake::new().says("auth.renew", &login(Ready));
        let ran = fake.run(&["login", "--renewed"], "").await;
        insta::assert_snapshot!(ran, @r"
        exit 0
        --- out
        Logged in as user_1. Access ends in 80 days (10 Oct 2026).
        --- err
        ");
    }

    #[tokio::test]
    async fn a_logout_that_the_bank_did_not_confirm_is_done_in_part() {
        let done = LoggedOut { login: login(Nobody), revoked: false, changed: true };
        let ran = Fake::new().says("auth.logout", &done).run(&["logout", "-y"], "").await;
        insta::assert_snapshot!(ran, @r"
        exit 8
        --- out
        Logged out here, but the bank could not be told: remove the access in the Monzo app (Settings, Privacy & Security, Manage apps).
        --- err
        ");
    }

    #[tokio::test]
    async fn whoami_says_who_is_logged_in_and_who_asks() {
        let whoami = json!({
            "authenticated": true, "client_id": "oauth2client_1", "uid": 1000, "role": "operator",
            "login": login(Ready),
        });
        let ran = Fake::new().says("auth.whoami", &whoami).run(&["whoami"], "").await;
        insta::assert_snapshot!(ran, @r"
        exit 0
        --- out
        Logged in as user_1. Access ends in 80 days (10 Oct 2026).
        The bank      accepts the login
        OAuth client  oauth2client_1
        You           uid 1000, operator: may do everything
        --- err
        ");
    }
}
