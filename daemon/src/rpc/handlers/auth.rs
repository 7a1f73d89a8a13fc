//! `auth.*`: the login life cycle over the socket.

use jsonrpsee::Extensions;
use monzo_common::fault::{Fault, FaultKind};
use monzo_common::model::{Configured, LoggedOut, Login, LoginBegun, LoginState, Whoami};
use secrecy::SecretString;

use super::desk::Desk;
use crate::rpc::guard::Caller;

/// Longer than any address that a bank sends a browser to.
const LONGEST_ANSWER: usize = 8 * 1024;

pub(super) async fn begin(desk: &Desk, again: bool) -> Result<LoginBegun, Fault> {
    Ok(desk.rooms()?.login.begin(again).await?)
}

pub(super) async fn complete(desk: &Desk, pasted: &str) -> Result<Login, Fault> {
    if pasted.len() > LONGEST_ANSWER {
        return Err(Fault::new(
            FaultKind::InvalidParams,
            "this is longer than any address that a sign-in ends at",
            "paste the address alone",
        ));
    }
    Ok(desk.rooms()?.login.complete(pasted).await?)
}

pub(super) async fn logout(desk: &Desk) -> Result<LoggedOut, Fault> {
    Ok(desk.rooms()?.login.logout().await?)
}

pub(super) async fn configure(
    desk: &Desk,
    client_id: &str,
    client_secret: String,
) -> Result<Configured, Fault> {
    Ok(desk.rooms()?.login.configure(client_id, SecretString::from(client_secret)).await?)
}

pub(super) async fn renew(desk: &Desk) -> Result<Login, Fault> {
    Ok(desk.rooms()?.login.renew().await?)
}

pub(super) async fn whoami(desk: &Desk, extensions: &Extensions) -> Result<Whoami, Fault> {
    let caller = extensions.get::<Caller>().ok_or_else(crate::rpc::guard::internal)?;
    let login = desk.rooms()?.login;
    let logged_in = !matches!(login.state().state, LoginState::None | LoginState::WaitingBrowser);
    // That the bank cannot be asked is part of the answer, not a failure of it.
    let authenticated = if logged_in { login.whoami().await.ok() } else { Some(false) };
    Ok(Whoami {
        authenticated,
        client_id: login.client_id().await?,
        login: login.state(),
        uid: caller.peer.uid,
        role: caller.role,
    })
}
