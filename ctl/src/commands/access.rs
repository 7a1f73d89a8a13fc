//! `access`: who may read, and who may do everything.

use monzo_common::api::client::*;
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
            let style = session.look(&daemon.time);
            session.print_list("grants", columns::GRANT, &access.grants, || view::access(&access, &style))?;
        }
        AccessCommand::Add { who, role } => {
            let role = match role {
                AccessRole::Viewer => Role::Viewer,
                AccessRole::Operator => Role::Operator,
            };
            let change = daemon.client.access_add(who.clone(), role).await?;
            let role = a(change.grant.role);
            let words = if change.changed { format!("is now {role}") } else { format!("was {role} already") };
            told(session, &change, &words)?;
        }
        AccessCommand::Remove { who } => {
            let change = daemon.client.access_remove(who.clone()).await?;
            let role = a(change.grant.role);
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

fn a(role: Role) -> &'static str {
    match role {
        Role::Viewer => "a viewer",
        Role::Operator => "an operator",
    }
}

fn told(session: &mut Session, change: &AccessChange, words: &str) -> Result<(), Failure> {
    session.print_one("change", change, || format!("{} {words}.\n", view::clean(&change.grant.who)))
}

#[cfg(test)]
mod tests {
    use monzo_common::fault::FaultKind;
    use monzo_common::model::{Access, Grant};

    use super::*;
    use crate::fake::Fake;

    fn grant(who: &str, role: Role) -> Grant {
        Grant { who: who.into(), role, origin: "added".into() }
    }

    #[tokio::test]
    async fn roles_are_listed_given_and_taken() {
        let change = |changed| AccessChange { grant: grant("ann", Role::Viewer), changed };
        let fake = Fake::new()
            .says(
                "access.list",
                &Access { grants: vec![grant("root", Role::Operator), grant("ann", Role::Viewer)] },
            )
            .says_in_turn("access.add", &[change(true), change(false)])
            .says_in_turn("access.remove", &[change(true), change(false)]);
        insta::assert_snapshot!(fake.run(&["access", "list"], "").await, @r"
        exit 0
        --- out
        WHO   ROLE      WRITTEN
        root  operator  added
        ann   viewer    added
        --- err
        ");
        for (line, expected) in [
            (&["access", "add", "ann"], "ann is now a viewer.\n"),
            (&["access", "add", "ann"], "ann was a viewer already.\n"),
            (&["access", "remove", "ann"], "ann is no longer a viewer.\n"),
            (&["access", "remove", "ann"], "ann has no role that was added here.\n"),
        ] {
            let ran = fake.run(line, "").await;
            assert_eq!((ran.exit, String::from_utf8_lossy(&ran.out).as_ref()), (Exit::Done, expected));
        }
    }

    #[tokio::test]
    async fn a_viewer_who_gives_roles_is_told_that_operators_do() {
        let fake = Fake::new().fails(
            "access.add",
            FaultKind::NotAllowed,
            "access.add is for operators, and you are a viewer",
            "ask an operator, or use sudo",
        );
        insta::assert_snapshot!(fake.run(&["access", "add", "ann", "--json"], "").await, @r#"
        exit 5
        --- out
        {"v":1,"error":{"code":"not_allowed","message":"access.add is for operators, and you are a viewer","hint":"ask an operator, or use sudo"}}
        --- err
        error: access.add is for operators, and you are a viewer
        try: ask an operator, or use sudo
        "#);
    }
}
