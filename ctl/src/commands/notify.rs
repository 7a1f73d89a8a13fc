//! `notify`.

use monzo_common::api::client::*;
use monzo_common::model::DeliveryState;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;
use crate::view::{self, columns};

/// `notify test`
pub(super) async fn test(session: &mut Session) -> Result<Exit, Failure> {
    let daemon = session.connect().await?;
    let deliveries = daemon.client.notify_test().await?;
    session.print_list("deliveries", columns::DELIVERY, &deliveries, || view::deliveries(&deliveries))?;
    let sent = deliveries.iter().all(|delivery| delivery.state == DeliveryState::Sent);
    Ok(if sent { Exit::Done } else { Exit::Failed })
}

#[cfg(test)]
mod tests {
    use monzo_common::model::Delivery;

    use super::*;
    use crate::fake::Fake;

    #[tokio::test]
    async fn a_test_says_what_became_of_it_in_each_channel() {
        let delivery = |state, error: Option<&str>| {
            vec![Delivery { channel: "feed".to_owned(), state, error: error.map(str::to_owned) }]
        };
        let fake = Fake::new().says_in_turn(
            "notify.test",
            &[
                delivery(DeliveryState::Sent, None),
                delivery(DeliveryState::NotSent, Some("a login is needed")),
            ],
        );
        insta::assert_snapshot!(fake.run(&["notify", "test"], "").await, @r"
        exit 0
        --- out
        The feed took the test; look into the Monzo app.
        --- err
        ");
        insta::assert_snapshot!(fake.run(&["notify", "test"], "").await, @r"
        exit 1
        --- out
        The feed could not be reached: a login is needed.
        --- err
        ");
    }
}
