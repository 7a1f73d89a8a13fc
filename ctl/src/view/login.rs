//! The login, and who may do what.

use monzo_common::model::{Access, Login, LoginState, Role, Whoami};

use super::account::facts;
use super::look::{Look, Paint};
use super::table::{Align, Table};

/// A login in a sentence.
pub fn login(login: &Login, look: &Look) -> String {
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
        text.push_str(&format!(" Access ends {} ({}).", look.here.relative(ends), look.here.day(ends)));
    }
    text.push('\n');
    text
}

/// `whoami`
pub fn whoami(whoami: &Whoami, look: &Look) -> String {
    let mut text = login(&whoami.login, look);
    let bank = match whoami.authenticated {
        Some(true) => "takes the tokens",
        Some(false) => "does not take the tokens",
        None => "could not be asked",
    };
    let role = match whoami.role {
        Role::Viewer => "viewer: may read",
        Role::Operator => "operator: may do everything",
    };
    text.push_str(&facts(
        look,
        &[
            ("The bank", bank.to_owned()),
            ("OAuth client", whoami.client_id.clone().unwrap_or_default()),
            ("You", format!("uid {}, {role}", whoami.uid)),
        ],
    ));
    text
}

/// `access list`
pub fn access(access: &Access, look: &Look) -> String {
    let mut table = Table::new(&[("WHO", Align::Left), ("ROLE", Align::Left), ("WRITTEN", Align::Left)]);
    for grant in &access.grants {
        table.painted([
            (&grant.who, Paint::Strong),
            (role(grant.role), Paint::Plain),
            (&grant.origin, Paint::Quiet),
        ]);
    }
    table.take(look)
}

/// A role's word.
pub fn role(role: Role) -> &'static str {
    match role {
        Role::Viewer => "viewer",
        Role::Operator => "operator",
    }
}
