//! `login`, `logout` and `whoami`.
//!
//! The login belongs to the daemon: whatever becomes of this command, what has begun there goes on.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use monzo_common::api::ApiClient;
use monzo_common::fault::{Fault, FaultKind};
use monzo_common::model::{Login, LoginBegun, LoginState, Sync, SyncState};
use tokio::time::sleep;

use super::browser;
use super::sync::follow;
use crate::args;
use crate::client::Daemon;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::meter::Meter;
use crate::session::Session;
use crate::view;

/// How long an approval is waited for, on the daemon's clock (product.md, `login`).
const APPROVAL: SignedDuration = SignedDuration::from_mins(20);

/// How often the daemon is asked where the login stands.
const LOOK: Duration = Duration::from_millis(500);

/// How often it is asked at most for the sync that follows an approval; it begins at once.
const LOOKS: u32 = 20;

/// `login`
pub(super) async fn login(args: &args::Login, session: &mut Session) -> Result<Exit, Failure> {
    let mut daemon = session.connect().await?;
    if args.renewed {
        let login = daemon.client.renew().await?;
        let look = session.look(&daemon.here);
        session.thing("login", &login, || view::login(&login, &look))?;
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
                return told(session, &daemon, &before);
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
    let look = session.look(&daemon.here);
    let standing = view::login(login, &look);
    session.note(standing.trim_end())?;
    let wanted = session.agree("Log in again, which opens the whole history for five minutes?").await?;
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
    sync.state == SyncState::Running && sync.cause == "login"
}

/// From the address to the daemon's having the tokens, by the loopback or by pasting.
async fn sign_in(
    args: &args::Login,
    session: &mut Session,
    daemon: &mut Daemon,
    before: &Login,
) -> Result<(), Failure> {
    let begun = daemon.client.login_begin(before.state == LoginState::Ready).await?;
    let pasting = args.paste || !begun.listening;
    if args.paste || !session.wants_json() {
        // The one line that a script reads.
        writeln!(session.terminal.out(), "{}", begun.url)?;
        session.terminal.flush()?;
    } else {
        writeln!(session.terminal.err(), "{}", begun.url)?;
    }
    session.note(&view::login_advice(&begun, &session.terminal.host, pasting))?;
    if !pasting && !args.no_browser {
        browser::open(&begun.url, &session.terminal);
    }
    let keyboard = session.terminal.in_is_keyboard;
    let mut signed_in = std::pin::pin!(caught(daemon, before, &begun));
    let mut reading = pasting || keyboard;
    while reading {
        let line = tokio::select! {
            caught = &mut signed_in => return caught,
            line = session.terminal.line() => line?,
        };
        match line.as_deref().map(str::trim) {
            Some("") if keyboard => {}
            Some(pasted) => {
                complete(daemon, pasted).await?;
                return Ok(());
            }
            None if pasting => {
                return Err(Failure::usage(
                    "the input ended before the address came",
                    "paste the address that the browser ended at; the login that is pending still waits",
                ));
            }
            None => reading = false,
        }
    }
    signed_in.await
}

async fn complete(daemon: &Daemon, pasted: &str) -> Result<Login, Failure> {
    daemon.client.login_complete(pasted.to_owned()).await.map_err(|error| match Failure::from(error) {
        Failure::Fault(fault) => Failure::SignIn(fault),
        other => other,
    })
}

/// Waits until the daemon has caught the browser.
async fn caught(daemon: &Daemon, before: &Login, begun: &LoginBegun) -> Result<(), Failure> {
    loop {
        sleep(LOOK).await;
        let login = daemon.client.login_status().await?;
        let renewed = login.state == LoginState::Ready
            && (before.state != LoginState::Ready || login.access_ends_at != before.access_ends_at);
        if renewed || login.state == LoginState::WaitingApproval {
            return Ok(());
        }
        if daemon.client.version().await?.now >= begun.expires_at {
            return Err(Failure::Fault(Fault::new(
                FaultKind::LoginNeeded,
                "nobody signed in before the address expired",
                "monzoctl login",
            )));
        }
    }
}

/// Waits for the approval in the app.
async fn approval(session: &mut Session, daemon: &mut Daemon) -> Result<(), Failure> {
    let mut meter = Meter::begin(session);
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
        meter.say(session, "Now approve in the Monzo app: it asks for your PIN, finger or face.")?;
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
        if let Some(sync) = new.into_iter().find(|sync| sync.cause == "login") {
            return Ok(Some(follow(session, daemon, &sync.id).await?));
        }
        // One that was under way comes first.
        match past.syncs.first().filter(|sync| sync.state == SyncState::Running) {
            Some(running) => drop(follow(session, daemon, &running.id).await?),
            None => sleep(LOOK).await,
        }
    }
    Ok(None)
}

/// Tells what was captured and which gaps are left; gaps are no error.
async fn captured(session: &mut Session, daemon: &mut Daemon, sync: Option<&Sync>) -> Result<Exit, Failure> {
    let status = session.ask(daemon, async |client| client.status().await).await?;
    let accounts: Vec<_> = status.accounts.iter().map(|known| known.account.clone()).collect();
    let look = session.look(&daemon.here);
    let mut text = view::login(&status.login, &look);
    match sync {
        Some(sync) => text.push_str(&view::outcome(sync, &accounts, &look)),
        None => text.push_str("No history was read yet: `monzoctl sync` reads it.\n"),
    }
    text.push_str(&view::gaps(&status, &look));
    if session.wants_json() {
        session.thing("login", &status.login, String::new)?;
    } else {
        session.note(text.trim_end())?;
    }
    Ok(match sync.map(|sync| sync.state) {
        Some(SyncState::Failed | SyncState::Cancelled) | None => Exit::Partial,
        Some(SyncState::Done | SyncState::Partial | SyncState::Running) => Exit::Done,
    })
}

fn told(session: &mut Session, daemon: &Daemon, login: &Login) -> Result<Exit, Failure> {
    let look = session.look(&daemon.here);
    let text = view::login(login, &look);
    if session.wants_json() {
        session.thing("login", login, String::new)?;
    } else {
        session.note(text.trim_end())?;
    }
    Ok(Exit::Done)
}

/// `logout`
pub(super) async fn logout(session: &mut Session) -> Result<Exit, Failure> {
    let daemon = session.connect().await?;
    let done = daemon.client.logout().await?;
    session.thing("logout", &done, || view::logged_out(&done).to_owned())?;
    Ok(if done.changed && !done.revoked { Exit::Partial } else { Exit::Done })
}

/// `whoami`
pub(super) async fn whoami(session: &mut Session) -> Result<Exit, Failure> {
    let daemon = session.connect().await?;
    let whoami = daemon.client.whoami().await?;
    let look = session.look(&daemon.here);
    session.thing("whoami", &whoami, || view::whoami(&whoami, &look))?;
    Ok(Exit::Done)
}
