//! `access`: who may read, and who may do everything.

use monzo_common::api::ApiClient;
use monzo_common::model::{AccessChange, Role};

use crate::args::{AccessCommand, AccessRole};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;
use crate::view::{self, columns};

/// `access`
pub(super) async fn run(command: &AccessCommand, session: &mut Session) -> Result<Exit, Failure> {
    let daemon = session.connect().await?;
    match command {
        AccessCommand::List => {
            let access = daemon.client.access_list().await?;
            let look = session.look(&daemon.here);
            session.list("grants", columns::GRANT, &access.grants, || view::access(&access, &look))?;
        }
        AccessCommand::Add { who, role } => {
            let role = match role {
                AccessRole::Viewer => Role::Viewer,
                AccessRole::Operator => Role::Operator,
            };
            let change = daemon.client.access_add(who.clone(), role).await?;
            let role = view::role(change.grant.role);
            let words = if change.changed { format!("is now {role}") } else { format!("was {role} already") };
            told(session, &change, &words)?;
        }
        AccessCommand::Remove { who } => {
            let change = daemon.client.access_remove(who.clone()).await?;
            let role = view::role(change.grant.role);
            let words = if change.changed {
                format!("is no longer {role}")
            } else {
                "has no role that was added here".to_owned()
            };
            told(session, &change, &words)?;
        }
    }
    Ok(Exit::Done)
}

fn told(session: &mut Session, change: &AccessChange, words: &str) -> Result<(), Failure> {
    session.thing("change", change, || format!("{} {words}.\n", view::clean(&change.grant.who)))
}
