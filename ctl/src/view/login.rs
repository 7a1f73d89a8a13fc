//! The login, and who may do what.

use monzo_common::model::{
    Access, Configured, LoggedOut, Login, LoginBegun, LoginState, Role, Status, Whoami,
};

use super::account::facts;
use super::style::{Paint, Style};
use super::table::{Align, Table};

/// A login in a sentence.
pub fn login(login: &Login, style: &Style) -> String {
    let whose = login.user_id.as_ref().map(|user| format!(" as {}", super::clean(user.as_str())));
    let whose = whose.unwrap_or_default();
    let mut text = match login.state {
        LoginState::None => "Nobody is logged in.".to_owned(),
        LoginState::WaitingBrowser => "The login waits for the sign-in in a browser.".to_owned(),
        LoginState::WaitingApproval => format!("Signed in{whose}; now approve in the Monzo app."),
        LoginState::Ready => format!("Logged in{whose}."),
        LoginState::LoginNeeded => "The bank no longer takes the login.".to_owned(),
        LoginState::ConsentLapsed => "The bank's permission has ended.".to_owned(),
    };
    if let (LoginState::Ready, Some(ends)) = (login.state, login.access_ends_at) {
        text.push_str(&format!(" Access ends {} ({}).", style.time.relative(ends), style.time.day(ends)));
    }
    if let (LoginState::WaitingApproval | LoginState::Ready, Some(false), Some(ends)) =
        (login.state, login.refreshes, login.token_expires_at)
    {
        text.push_str(&format!(
            "\nThis login ends {} and cannot be refreshed: the OAuth client is not confidential.\n\
             Make a *confidential* client at developers.monzo.com, then `sudo monzoctl setup` and `monzoctl login`.",
            style.time.relative(ends)
        ));
    }
    text.push('\n');
    text
}

/// What to do with the address of a login; `host` is this computer.
pub fn login_advice(begun: &LoginBegun, host: &str, pasting: bool) -> String {
    let port = port(&begun.redirect_url);
    let mut text = "To log in, open it on this computer, or copy its address to any other.\n".to_owned();
    if !begun.listening {
        text.push_str(&format!("The daemon cannot listen on port {port} for the browser to come back.\n"));
    }
    if let Some(taken) = &begun.taken {
        text.push_str(&format!(
            "Another program listens on {}, and the browser may come back to that one: end it first, or paste.\n",
            super::clean(taken)
        ));
    }
    if begun.listening {
        text.push_str(&format!(
            "If the browser is on another computer, run this there first:  ssh -L {port}:localhost:{port} {}\n",
            super::clean(host)
        ));
    }
    if pasting {
        text.push_str(&format!(
            "{} here the address that the browser ends at, {}?code=…, even if it does not load:",
            if begun.listening { "Or paste" } else { "Paste" },
            super::clean(&begun.redirect_url)
        ));
    } else {
        text.push_str("Or come back with `monzoctl login --paste`. Waiting for the sign-in…");
    }
    text
}

/// How to make an OAuth client at the bank (monzo/README.md, Clients and sign-in).
pub fn setup_advice(redirect_url: &str) -> String {
    format!(
        "monzod reads your accounts as an OAuth client of your own, which you make once:\n\
         \x20 1. Sign in at https://developers.monzo.com/ and approve that in the Monzo app.\n\
         \x20 2. Under Clients choose New OAuth Client, with any name, and\n\
         \x20      Redirect URLs:    {}\n\
         \x20      Confidentiality:  Confidential\n\
         \x20 3. Open it; its id and secret are asked for here.",
        super::clean(redirect_url)
    )
}

/// What `setup` did.
pub fn configured(done: &Configured) -> String {
    let id = super::clean(&done.client_id);
    if done.changed {
        format!("The daemon keeps {id} and its secret, sealed.\n")
    } else {
        format!("{id} was set up already, with this secret.\n")
    }
}

/// The port of an address that is plain HTTP on loopback.
fn port(address: &str) -> &str {
    let authority = address.split_once("://").map_or(address, |(_, rest)| rest).split('/').next();
    authority
        .and_then(|authority| authority.rsplit_once(':'))
        .map(|(_, port)| port)
        .filter(|port| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()))
        .unwrap_or("80")
}

/// What `logout` did.
pub fn logged_out(done: &LoggedOut) -> &'static str {
    match (done.changed, done.revoked) {
        (false, _) => "Nobody was logged in.\n",
        (true, true) => "Logged out, here and at Monzo.\n",
        (true, false) => {
            "Logged out here, but the bank could not be told: remove the access in the Monzo app \
             (Settings, Privacy & Security, Manage apps).\n"
        }
    }
}

/// The parts of the history that could not be read, with what would.
pub fn gaps(status: &Status, style: &Style) -> String {
    let mut text = String::new();
    for gap in status.attention.iter().filter(|attention| attention.code.starts_with("history")) {
        let mark = style.paint(Paint::Note, "•");
        text.push_str(&format!("{mark} {}\n  → {}\n", super::clean(&gap.message), super::clean(&gap.hint)));
    }
    text
}

/// `whoami`
pub fn whoami(whoami: &Whoami, style: &Style) -> String {
    let mut text = login(&whoami.login, style);
    let bank = match whoami.authenticated {
        _ if whoami.login.state == LoginState::None => "",
        Some(true) => "accepts the login",
        Some(false) => "does not accept the login",
        None => "could not be asked",
    };
    let role = match whoami.role {
        Role::Viewer => "viewer: may read",
        Role::Operator => "operator: may do everything",
    };
    text.push_str(&facts(
        style,
        &[
            ("The bank", bank.to_owned()),
            ("OAuth client", whoami.client_id.clone().unwrap_or_default()),
            ("You", format!("uid {}, {role}", whoami.uid)),
        ],
    ));
    text
}

/// `access list`
pub fn access(access: &Access, style: &Style) -> String {
    let mut table = Table::new(&[("WHO", Align::Left), ("ROLE", Align::Left), ("WRITTEN", Align::Left)]);
    for grant in &access.grants {
        table.painted([
            (&grant.who, Paint::Strong),
            (role(grant.role), Paint::Plain),
            (&grant.origin, Paint::Quiet),
        ]);
    }
    table.take(style)
}

/// A role's word.
pub fn role(role: Role) -> &'static str {
    match role {
        Role::Viewer => "viewer",
        Role::Operator => "operator",
    }
}
