//! Signing in: the address, and whichever comes first of the browser that the daemon catches and what is pasted.

use jsonrpsee::core::client::Subscription;
use monzo_common::api::client::*;
use monzo_common::fault::{Fault, FaultKind};
use monzo_common::model::{Event, Login, LoginBegun, LoginState};
use tokio::time::{Instant, sleep_until};

use super::browser;
use super::login::LOOK;
use crate::args;
use crate::client::Daemon;
use crate::failure::Failure;
use crate::session::Session;
use crate::view;

/// From the address to the daemon's having the tokens, by the loopback or by pasting.
pub(super) async fn sign_in(
    args: &args::Login,
    session: &mut Session,
    daemon: &mut Daemon,
    before: &Login,
) -> Result<(), Failure> {
    let begun = daemon.client.login_begin(before.state == LoginState::Ready).await?;
    let pasting = args.paste || !begun.listening;
    if args.paste || !session.wants_data() {
        // The one line that a script reads.
        session.print(&format!("{}\n", begun.url))?;
        session.terminal.flush()?;
    } else {
        session.say(&begun.url)?;
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
    let mut events = daemon.client.subscribe_events().await.ok();
    loop {
        if let Some(event) = refused(&mut events).await {
            return Err(Failure::SignIn(Fault::new(
                FaultKind::Conflict,
                event.message,
                "log in as the person whose history this is: `monzoctl login`",
            )));
        }
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

/// Waits for the next look, and answers early if the daemon refuses whoever signed in.
async fn refused(events: &mut Option<Subscription<Event>>) -> Option<Event> {
    let next = Instant::now() + LOOK;
    while let Some(open) = events {
        let event = tokio::select! {
            event = open.next() => event,
            () = sleep_until(next) => return None,
        };
        match event {
            Some(Ok(event)) if event.kind == "login_refused" => return Some(event),
            Some(Ok(_)) => {}
            Some(Err(_)) | None => *events = None,
        }
    }
    sleep_until(next).await;
    None
}
