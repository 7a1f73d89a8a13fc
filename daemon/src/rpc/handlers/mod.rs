//! The methods, one file a namespace of [`monzo_common::api`].
//!
//! A handler reads, answers, and starts what outlasts the call. The database can be exchanged under the server (a
//! restore), so that every call asks [`RpcContext`] for the services as they are now.

mod access;
mod accounts;
mod auth;
mod autosort;
mod backup;
mod balances;
mod bills;
mod context;
mod cursor;
mod discover;
mod events;
mod exclusions;
mod insight;
mod notify;
mod pots;
mod quarantine;
mod status;
mod sync;
mod system;
mod transactions;
mod transfers;
mod uploads;

use jsonrpsee::Methods;
use jsonrpsee::core::RegisterMethodError;
use monzo_common::api;

pub use context::{Command, Parts, Replacement, RpcContext};
pub use uploads::Uploads;

/// The handlers of every namespace.
///
/// # Errors
/// If two namespaces declare a method of the same name.
pub fn methods(context: &RpcContext) -> Result<Methods, RegisterMethodError> {
    let mut all = Methods::new();
    all.merge(api::SystemServer::into_rpc(context.clone()))?;
    all.merge(api::AuthServer::into_rpc(context.clone()))?;
    all.merge(api::AccessControlServer::into_rpc(context.clone()))?;
    all.merge(api::SyncsServer::into_rpc(context.clone()))?;
    all.merge(api::QuarantineServer::into_rpc(context.clone()))?;
    all.merge(api::AccountsServer::into_rpc(context.clone()))?;
    all.merge(api::PotsServer::into_rpc(context.clone()))?;
    all.merge(api::BalancesServer::into_rpc(context.clone()))?;
    all.merge(api::InsightServer::into_rpc(context.clone()))?;
    all.merge(api::BillsServer::into_rpc(context.clone()))?;
    all.merge(api::TransactionsServer::into_rpc(context.clone()))?;
    all.merge(api::ExclusionsServer::into_rpc(context.clone()))?;
    all.merge(api::BackupsServer::into_rpc(context.clone()))?;
    all.merge(api::AutosortServer::into_rpc(context.clone()))?;
    all.merge(api::TransfersServer::into_rpc(context.clone()))?;
    all.merge(api::EventsServer::into_rpc(context.clone()))?;
    all.merge(api::NotifyServer::into_rpc(context.clone()))?;
    all.merge(api::RpcServer::into_rpc(context.clone()))?;
    Ok(all)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use jiff::Timestamp;
    use monzo_common::api::METHODS;
    use tokio::sync::{mpsc, watch};

    use super::*;
    use crate::clock::Clock;
    use crate::config::{Access, Loaded, Locations};
    use crate::metrics::Metrics;
    use crate::rpc::access::Grants;
    use crate::rpc::events::Hub;
    use crate::services::Served;

    #[test]
    fn every_declared_method_has_a_handler() {
        let state = tempfile::tempdir().expect("a directory");
        let context = RpcContext::new(Parts {
            clock: Clock::system(),
            metrics: Arc::new(Metrics::new(Timestamp::UNIX_EPOCH)),
            started_at: Timestamp::UNIX_EPOCH,
            config: watch::channel(Loaded::default()).1,
            locations: Locations { given: None, usual: Vec::new() },
            grants: watch::Sender::new(Grants::new(0, &Access::default(), &[])),
            hub: Hub::new(watch::channel(None).1),
            served: watch::channel(Served::Between).1,
            commands: mpsc::channel(1).0,
            uploads: Uploads::new(state.path()),
            state: state.path().to_owned(),
        });
        let methods = methods(&context).expect("names are unique");
        let handled: BTreeSet<&str> = methods.method_names().collect();
        let declared: BTreeSet<&str> = METHODS.iter().map(|method| method.name).collect();
        assert_eq!(handled, declared, "a namespace is missing in `methods`");
    }
}
