//! `auth.*`: the login life cycle over the socket.

use jsonrpsee::Extensions;
use jsonrpsee::core::async_trait;
use monzo_common::api::AuthServer;
use monzo_common::fault::{Fault, FaultKind};
use monzo_common::model::{Configured, LoggedOut, Login, LoginBegun, LoginState, Whoami};
use secrecy::SecretString;

use super::context::RpcContext;
use crate::rpc::faults;
use crate::rpc::middleware::Caller;

/// Longer than any address that a bank sends a browser to.
const LONGEST_ANSWER: usize = 8 * 1024;

#[async_trait]
impl AuthServer for RpcContext {
    async fn login_begin(&self, again: bool) -> Result<LoginBegun, Fault> {
        Ok(self.services()?.login.begin(again).await?)
    }

    async fn login_complete(&self, pasted: String) -> Result<Login, Fault> {
        if pasted.len() > LONGEST_ANSWER {
            return Err(Fault::new(
                FaultKind::InvalidParams,
                "this is longer than any address that a sign-in ends at",
                "paste the address alone",
            ));
        }
        Ok(self.services()?.login.complete(&pasted).await?)
    }

    async fn logout(&self) -> Result<LoggedOut, Fault> {
        Ok(self.services()?.login.logout().await?)
    }

    async fn configure(&self, client_id: String, client_secret: String) -> Result<Configured, Fault> {
        Ok(self.services()?.login.configure(&client_id, SecretString::from(client_secret)).await?)
    }

    async fn renew(&self) -> Result<Login, Fault> {
        Ok(self.services()?.login.renew().await?)
    }

    async fn whoami(&self, extensions: &Extensions) -> Result<Whoami, Fault> {
        let caller = extensions.get::<Caller>().ok_or_else(faults::internal)?;
        let login = self.services()?.login;
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

    async fn login_status(&self) -> Result<Login, Fault> {
        Ok(self.services()?.login.state())
    }
}
