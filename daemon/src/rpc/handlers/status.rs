//! `system.status`: the state of everything, and what of it needs a person.

use monzo_common::VERSION;
use monzo_common::fault::Fault;
use monzo_common::model::{
    Attention, Login, LoginState, Mode, RuleMode, Severity, SorterStatus, Status, SyncStatus,
};

use super::context::RpcContext;
use crate::attention;
use crate::services::{Served, Services};

pub(super) async fn status(context: &RpcContext) -> Result<Status, Fault> {
    let served = context.served.borrow().clone();
    match served {
        Served::Normal(services) => normal(context, &services).await,
        Served::Rescue(why) => Ok(rescue(context, attention::rescue(&why.reason, &why.hint))),
        Served::Between => Ok(rescue(context, attention::restoring())),
    }
}

async fn normal(context: &RpcContext, services: &Services) -> Result<Status, Fault> {
    let inputs = services.attention.inputs().await?;
    let attention = services.attention.not_silenced(&inputs).await?;
    Ok(Status {
        healthy: attention.iter().all(|attention| attention.severity == Severity::Note),
        version: VERSION.to_owned(),
        mode: Mode::Normal,
        started_at: context.started_at,
        login: inputs.login,
        sync: inputs.sync,
        accounts: inputs.accounts,
        sorter: inputs.sorter,
        quarantined: inputs.quarantined,
        attention,
    })
}

/// The status without a database: only why there is none is known.
fn rescue(context: &RpcContext, why: Attention) -> Status {
    Status {
        healthy: false,
        version: VERSION.to_owned(),
        mode: Mode::Rescue,
        started_at: context.started_at,
        login: Login {
            state: LoginState::None,
            user_id: None,
            token_expires_at: None,
            refreshes: None,
            access_ends_at: None,
            error: None,
        },
        sync: SyncStatus {
            state: "idle".to_owned(),
            last_success_at: None,
            last_attempt_at: None,
            next_due_at: None,
            stale: true,
            error: None,
        },
        accounts: Vec::new(),
        sorter: SorterStatus { mode: RuleMode::Off, frozen: false, next: None, proposed: 0, unsettled: 0 },
        quarantined: 0,
        attention: vec![why],
    }
}
