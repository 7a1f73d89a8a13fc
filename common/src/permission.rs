//! Permissions: which role each method needs, in one table.
//!
//! A method that is not in the table cannot be called at all, so that forgetting one is safe.

use crate::model::Role;

/// What a method needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permission {
    /// The method's name.
    pub method: &'static str,
    /// The least role that may call it.
    pub role: Role,
    /// Served in rescue mode too.
    pub rescue: bool,
}

const fn view(method: &'static str) -> Permission {
    Permission { method, role: Role::Viewer, rescue: false }
}

const fn operate(method: &'static str) -> Permission {
    Permission { method, role: Role::Operator, rescue: false }
}

const fn rescuing(permission: Permission) -> Permission {
    Permission { rescue: true, ..permission }
}

/// Every method and what it needs.
pub const PERMISSIONS: &[Permission] = &[
    rescuing(view("system.status")),
    rescuing(view("system.version")),
    view("system.config"),
    view("system.check"),
    operate("system.reload"),
    operate("auth.begin"),
    operate("auth.complete"),
    view("auth.status"),
    operate("auth.logout"),
    operate("auth.configure"),
    operate("auth.renew"),
    view("auth.whoami"),
    view("access.list"),
    operate("access.add"),
    operate("access.remove"),
    operate("sync.start"),
    view("sync.get"),
    view("sync.status"),
    view("sync.history"),
    view("quarantine.get"),
    operate("sync.cancel"),
    view("accounts.list"),
    view("accounts.left_out"),
    view("pots.list"),
    view("balances.list"),
    view("insight.balances"),
    view("transactions.list"),
    view("transactions.get"),
    view("exclusions.list"),
    operate("exclusions.add"),
    operate("exclusions.remove"),
    operate("backup.create"),
    rescuing(view("backup.list")),
    operate("backup.read"),
    rescuing(operate("backup.write")),
    rescuing(operate("backup.verify")),
    rescuing(operate("backup.restore")),
    rescuing(operate("backup.fresh")),
    view("autosort.rules"),
    view("autosort.plan"),
    operate("autosort.run"),
    operate("autosort.move"),
    operate("autosort.approve"),
    operate("autosort.reject"),
    operate("autosort.cancel"),
    operate("autosort.undo"),
    view("autosort.runs"),
    view("autosort.get"),
    operate("autosort.freeze"),
    operate("autosort.thaw"),
    view("autosort.backtest"),
    view("autosort.suggest"),
    view("autosort.why"),
    view("transfers.list"),
    view("insight.payday"),
    operate("pots.discover"),
    view("events.list"),
    operate("events.ack"),
    operate("notify.test"),
    view("events.subscribe"),
    view("events.unsubscribe"),
    view("sync.subscribe"),
    view("sync.unsubscribe"),
    rescuing(view("rpc.discover")),
];

/// What `method` needs; nothing for methods that do not exist.
pub fn permission(method: &str) -> Option<&'static Permission> {
    PERMISSIONS.iter().find(|permission| permission.method == method)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_method_is_listed_once() {
        let names: BTreeSet<_> = PERMISSIONS.iter().map(|permission| permission.method).collect();
        assert_eq!(names.len(), PERMISSIONS.len());
    }

    #[test]
    fn rescue_serves_only_what_repairs() {
        for permission in PERMISSIONS.iter().filter(|permission| permission.rescue) {
            let family = permission.method.split('.').next().unwrap_or_default();
            assert!(["system", "backup", "rpc"].contains(&family), "{}", permission.method);
        }
    }
}
