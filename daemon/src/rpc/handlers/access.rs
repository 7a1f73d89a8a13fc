//! `access.*`: who may do what.

use jsonrpsee::core::async_trait;
use monzo_common::api::AccessControlServer;
use monzo_common::fault::{Fault, FaultKind};
use monzo_common::model::{Access, AccessChange, Grant, Role};
use monzo_common::shell;

use super::context::RpcContext;
use crate::config::{Principal, nearest};
use crate::events::{Happened, Kind};
use crate::rpc::peer;

const ADDED: &str = "added";

#[async_trait]
impl AccessControlServer for RpcContext {
    async fn access_list(&self) -> Result<Access, Fault> {
        Ok(Access { grants: self.grants.borrow().list() })
    }

    async fn access_add(&self, who: String, role: Role) -> Result<AccessChange, Fault> {
        let who = principal(&who)?;
        known(who.clone(), role).await?;
        let who = who.to_string();
        let services = self.services()?;
        let (name, now) = (who.clone(), self.clock.now());
        let changed = services.store.write(move |writer| writer.grant(&name, role, now)).await?;
        if changed {
            apply(self).await?;
            services
                .event_log
                .record(Happened::new(Kind::AccessChanged, format!("{who} is now {}", word(role))))
                .await;
        }
        Ok(AccessChange { grant: Grant { who, role, origin: ADDED.to_owned() }, changed })
    }

    async fn access_remove(&self, who: String) -> Result<AccessChange, Fault> {
        let who = principal(&who)?.to_string();
        let services = self.services()?;
        let known =
            self.grants.borrow().list().into_iter().filter(|grant| grant.who == who).collect::<Vec<_>>();
        let added = known.iter().find(|grant| grant.origin == ADDED);
        let Some(grant) = added.cloned() else {
            return match known.into_iter().next() {
                Some(grant) => Err(Fault::new(
                    FaultKind::Conflict,
                    format!("{who} has this role from {}, and was not added by hand", origin(&grant.origin)),
                    "change `access.operators` or `access.viewers` in the configuration, then `monzoctl config reload`",
                )),
                None => Err(Fault::new(
                    FaultKind::NotFound,
                    format!("{who} has no role here"),
                    "`monzoctl access list` shows who has one",
                )),
            };
        };
        let name = who.clone();
        let changed = services.store.write(move |writer| writer.revoke(&name)).await?;
        apply(self).await?;
        services
            .event_log
            .record(Happened::new(Kind::AccessChanged, format!("{who} has no added role any more")))
            .await;
        Ok(AccessChange { grant, changed })
    }
}

/// Applies the roles that are in the database; connections whose role changes are closed.
async fn apply(context: &RpcContext) -> Result<(), Fault> {
    let added = context.services()?.store.read(|reader| reader.grants()).await?;
    context.grants.send_modify(|grants| grants.add(&added));
    Ok(())
}

fn principal(who: &str) -> Result<Principal, Fault> {
    Principal::parse(who)
        .map_err(|why| Fault::new(FaultKind::InvalidParams, why, "name a user, a uid, or a @group"))
}

/// Refuses a name that nobody has: whoever got the name later would have the role.
async fn known(who: Principal, role: Role) -> Result<(), Fault> {
    let unknown =
        tokio::task::spawn_blocking(move || (!peer::is_known(&who)).then(|| (peer::names_like(&who), who)));
    let unknown = unknown.await.map_err(|error| {
        Fault::new(FaultKind::Internal, "the user database could not be asked", "try again").because(&error)
    })?;
    let Some((names, who)) = unknown else { return Ok(()) };
    let (what, database) = match who {
        Principal::User(_) => ("user", "passwd"),
        Principal::Group(_) => ("group", "group"),
    };
    let role = if role == Role::Operator { " --role operator" } else { "" };
    let hint = match nearest(&who.to_string(), names.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `monzoctl access add {}{role}`?", shell::word(near)),
        None => format!("`getent {database}` lists every {what}"),
    };
    Err(Fault::new(FaultKind::NotFound, format!("there is no {what} ‘{who}’ on this machine"), hint))
}

fn word(role: Role) -> &'static str {
    match role {
        Role::Viewer => "a viewer",
        Role::Operator => "an operator",
    }
}

fn origin(origin: &str) -> &'static str {
    match origin {
        "config" => "the configuration",
        _ => "the daemon itself",
    }
}
