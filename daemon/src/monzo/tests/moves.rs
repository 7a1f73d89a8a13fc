//! Moves: what is asked, to the letter, and what is certain after each answer. Each is sent once.

use super::*;

fn order() -> Move {
    Move { pot: "pot_1".into(), account: "acc_1".into(), amount: 1234, dedupe_id: "mz-seed-1d".to_owned() }
}

const POT: &str = r#"{"id":"pot_1","name":"Bills","balance":5000,"currency":"GBP","type":"default"}"#;

#[tokio::test]
async fn a_move_is_a_form_with_its_key_and_answers_with_the_pot() {
    let mut rig = Rig::new().await;
    for (way, field) in [("deposit", "source_account_id"), ("withdraw", "destination_account_id")] {
        let form = [(field, "acc_1"), ("amount", "1234"), ("dedupe_id", "mz-seed-1d")];
        let form = form.map(|(key, value)| Matcher::UrlEncoded(key.into(), value.into()));
        let asked = rig
            .server
            .mock("PUT", format!("/pots/pot_1/{way}").as_str())
            .match_header("content-type", "application/x-www-form-urlencoded")
            .match_query(Matcher::Missing)
            .match_body(Matcher::AllOf(form.to_vec()))
            .with_body(POT)
            .expect(1)
            .create_async()
            .await;
        let pot = match way {
            "deposit" => rig.client.deposit(&order()).await,
            _ => rig.client.withdraw(&order()).await,
        };
        assert_eq!(pot.expect("the pot").balance, 5000);
        asked.assert_async().await;
    }
}

async fn check(status: usize, body: &str, expected: &str) {
    let mut rig = Rig::new().await;
    let asked = rig
        .server
        .mock("PUT", "/pots/pot_1/deposit")
        .with_status(status)
        .with_body(body)
        .expect(1)
        .create_async()
        .await;
    let found = match rig.client.deposit(&order()).await.expect_err("no confirmation") {
        MoveError::Refused { .. } => "refused",
        MoveError::Unknown(_) => "unknown",
        MoveError::NotDone(_) => "not done",
    };
    assert_eq!(found, expected, "{status} {body}");
    asked.assert_async().await;
}

#[tokio::test]
async fn every_answer_means_what_is_certain_after_it_and_nothing_is_sent_twice() {
    check(200, "", "unknown").await;
    check(200, "{}", "unknown").await;
    check(200, r#"{"id":"pot_2","balance":1}"#, "unknown").await;
    check(500, r#"{"code":"internal_service"}"#, "unknown").await;
    check(504, "<html>", "unknown").await;
    check(302, "", "unknown").await;
    check(403, "<html><body>Forbidden</body></html>", "unknown").await;
    check(400, "", "unknown").await;
    check(400, r#"{"code":"bad_request.insufficient_funds","message":"m"}"#, "refused").await;
    check(403, r#"{"code":"forbidden.pot_added_security"}"#, "refused").await;
    check(404, r#"{"code":"not_found.pot"}"#, "refused").await;
    check(403, r#"{"code":"forbidden.insufficient_permissions"}"#, "not done").await;
    check(429, r#"{"code":"rate_limited"}"#, "not done").await;
}
